//! Who asks.
//!
//! Must never: tell one session's token to another.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;

use crate::shells::web::Room;
use crate::shells::web::access::session::csrf_for;
use crate::shells::web::access::{Caller, Role, Via};
use crate::shells::web::problem::Problem;

/// Who asks.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Me {
    /// The name that journals show.
    name: String,
    /// What the caller may do: viewer, operator or approver.
    #[schema(value_type = String, example = "operator")]
    role: Role,
    /// How the caller is known: key or session.
    #[schema(example = "session")]
    via: &'static str,
    /// What requests of this session that act bring as X-CSRF-Token; null for a key.
    csrf: Option<String>,
    /// This instant, on the clock that the runs follow.
    #[schema(format = "date-time")]
    now: String,
}

/// Who asks, and what the caller may do
#[utoipa::path(get, path = "/api/v1/me", tag = "look", responses(
    (status = 200, description = "Who asks", body = Me),
    (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn me(State(room): State<Room>, caller: Caller, headers: HeaderMap) -> Result<Json<Me>, Problem> {
    let now = room.office()?.site.clock.now().rfc3339();
    let csrf = match caller.via {
        Via::Session => csrf_for(&headers),
        Via::Key => None,
    };
    Ok(Json(Me { name: caller.name, role: caller.role, via: caller.via.word(), csrf, now }))
}
