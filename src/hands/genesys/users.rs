//! Token age, station, presence and calls of many users in one call (API.md section 7).
//!
//! Must never: read a missing block as a good one. Expands are best effort, so whatever is missing is unknown.

use std::collections::HashMap;

use serde_json::Value;

use crate::hands::genesys::ask::Ask;
use crate::hands::genesys::failure;
use crate::law::command::{Failure, UserSeen};
use crate::law::verdict::{CallState, PresenceState, StationState};
use crate::words::clock::Timestamp;
use crate::words::http::{Method, Response};
use crate::words::id::{AgentId, Seat, StationId};

/// The expands of a look at readiness.
const EXPANDS: [&str; 5] = ["lasttokenissued", "station", "presence", "routingStatus", "conversationSummary"];

/// Asks for these users in one call, in this order; `pageSize` is theirs, because the platform's default is 25.
#[must_use]
pub fn read(seats: &[(AgentId, Seat)]) -> Ask {
    let ids: String = seats.iter().map(|(agent, _)| format!("&id={agent}")).collect();
    let expands: String = EXPANDS.iter().map(|expand| format!("&expand={expand}")).collect();
    Ask::api(Method::Get, format!("/api/v2/users?pageSize={}{ids}{expands}", seats.len()))
}

/// Those of the asked users that the answer holds.
///
/// # Errors
/// A malformed answer when it has no list of users.
pub fn seen(response: &Response, seats: &[(AgentId, Seat)]) -> Result<Vec<UserSeen>, Failure> {
    let body = response.value();
    let Some(users) = body.get("entities").and_then(Value::as_array) else {
        return Err(failure::malformed(response, "the answer holds no list of users"));
    };
    let mut asked: HashMap<&str, Seat> = seats.iter().map(|(agent, seat)| (agent.as_str(), *seat)).collect();
    // Removing the seat keeps the first of two entries for the same user.
    let seat_of = |user: &Value| asked.remove(user.get("id")?.as_str()?);
    Ok(users.iter().map(seat_of).zip(users).filter_map(|(seat, user)| Some(user_seen(seat?, user))).collect())
}

fn user_seen(seat: Seat, user: &Value) -> UserSeen {
    let issued = user.pointer("/lastTokenIssued/dateIssued").and_then(Value::as_str);
    UserSeen {
        seat,
        token_issued: issued.and_then(Timestamp::parse_rfc3339),
        station: station(user),
        presence: presence(user),
        call: call(user),
    }
}

/// The station that will ring (API.md section 7): the effective one, else the associated one.
#[must_use]
pub fn station(user: &Value) -> StationState {
    let Some(block) = user.get("station").filter(|block| block.is_object()) else { return StationState::Unknown };
    let named = ["effectiveStation", "associatedStation"]
        .iter()
        .find_map(|name| block.get(name).filter(|station| !station.is_null()));
    match named {
        None => StationState::Absent,
        // A station without a usable id is there all the same; "absent" would be a wrong reading of it.
        Some(station) => station
            .get("id")
            .and_then(Value::as_str)
            .and_then(|id| StationId::new(id).ok())
            .map_or(StationState::Unknown, StationState::Associated),
    }
}

/// Logged in or not.
#[must_use]
pub fn presence(user: &Value) -> PresenceState {
    let system = user.pointer("/presence/presenceDefinition/systemPresence").and_then(Value::as_str);
    match system {
        None | Some("") => PresenceState::Unknown,
        Some(presence) if presence.eq_ignore_ascii_case("offline") => PresenceState::Offline,
        Some(_) => PresenceState::LoggedIn,
    }
}

/// On a call or not. One sign of a call is enough; "free" needs every sign to be there and to say so.
///
/// A call block that leaves numbers out is unknown: whether the platform leaves zeros out is UNCERTAIN.
#[must_use]
pub fn call(user: &Value) -> CallState {
    let counts = [
        "/conversationSummary/call/contactCenter/active",
        "/conversationSummary/call/contactCenter/acw",
        "/conversationSummary/call/enterprise/active",
        "/conversationSummary/call/enterprise/acw",
    ]
    .map(|path| user.pointer(path).and_then(Value::as_i64));
    let routing = match user.pointer("/routingStatus/status").and_then(Value::as_str) {
        Some("INTERACTING" | "COMMUNICATING") => CallState::OnCall,
        Some("OFF_QUEUE" | "IDLE" | "NOT_RESPONDING") => CallState::Free,
        Some(_) | None => CallState::Unknown,
    };
    if routing == CallState::OnCall || counts.iter().flatten().any(|n| *n > 0) {
        return CallState::OnCall;
    }
    let all_say_none = counts.iter().all(|n| *n == Some(0));
    if routing == CallState::Free && all_say_none { CallState::Free } else { CallState::Unknown }
}
