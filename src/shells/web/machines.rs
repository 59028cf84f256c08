//! What machines ask of the web room: `/readyz`, which anybody may ask, and `/metrics`, for callers of the API.
//!
//! The address in `[telemetry]` has both without a key; this one may be reached from the internet.
//! Must never: give figures or reasons to somebody who is not known.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Room;
use super::access::Caller;
use super::problem::{Kind, Problem};
use crate::shells::telemetry::{Telemetry, room};

/// 200 or 503; what is wrong in one word each, since the rest may name hosts.
pub(super) async fn readyz(State(room): State<Room>) -> Result<Response, Problem> {
    let (status, reasons) = match telemetry(&room)?.ready() {
        Ok(()) => (StatusCode::OK, Vec::new()),
        Err(reasons) => (StatusCode::SERVICE_UNAVAILABLE, reasons.into_iter().map(|unready| unready.what).collect()),
    };
    Ok((status, Json(json!({ "ready": status == StatusCode::OK, "reasons": reasons }))).into_response())
}

pub(super) async fn metrics(_viewer: Caller, State(room): State<Room>) -> Result<Response, Problem> {
    Ok(room::exposition(telemetry(&room)?))
}

fn telemetry(room: &Room) -> Result<&Telemetry, Problem> {
    let none = || Problem::new(Kind::NotFound, "nothing is measured in this room");
    room.desk.telemetry.as_ref().ok_or_else(none)
}
