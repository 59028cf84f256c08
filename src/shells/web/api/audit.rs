//! Whether a run's journal keeps every rule.
//!
//! Must never: call a journal sound that was not read whole.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::{Places, run_id, unshown};
use crate::shells::web::Room;
use crate::shells::web::access::Caller;
use crate::shells::web::problem::Problem;

/// What an audit of a run found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditDoc {
    /// Whether every rule was kept.
    sound: bool,
    /// Records that were read.
    records: usize,
    /// The first rule that was broken; null for none.
    broken: Option<Broken>,
}

/// A rule that was broken.
#[derive(Debug, Serialize, ToSchema)]
struct Broken {
    /// The record that breaks it.
    seq: u64,
    /// The rule.
    rule: &'static str,
    /// What was found.
    found: String,
}

/// Hold a run's journal against every rule
///
/// All of it is read for that.
#[utoipa::path(get, path = "/api/v1/runs/{run}/audit", tag = "look",
    params(("run" = String, Path, description = "The run's name", max_length = 64, example = "20261127-1600-care")),
    responses(
        (status = 200, description = "What was found", body = AuditDoc),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn audit(
    State(room): State<Room>,
    _caller: Caller,
    Places(run): Places<String>,
) -> Result<Json<AuditDoc>, Problem> {
    let office = room.office()?;
    let (records, violation) = office.book.audit(&run_id(&run)?).await.map_err(unshown(office))?;
    let broken = violation.map(|found| Broken { seq: found.seq, rule: found.rule, found: found.what });
    Ok(Json(AuditDoc { sound: broken.is_none(), records, broken }))
}
