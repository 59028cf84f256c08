//! Stations: found by their user, freed, and associated again (API.md section 9, the sequence of the vendor's Terraform
//! provider).
//!
//! Must never: free a station that another user holds.

use serde_json::Value;

use crate::hands::genesys::ask::Ask;
use crate::hands::genesys::failure;
use crate::law::command::{Failure, FailureKind};
use crate::words::http::{Method, Response};
use crate::words::id::{AgentId, StationId};

/// How often a step is tried: a station just freed can still answer 400 or 409 (API.md section 9).
pub const TRIES_MAX: u8 = 5;

/// The pause between two tries, in ms.
pub const PAUSE_MS: i64 = 2_000;

/// Asks for the agent's WebRTC station.
#[must_use]
pub fn find(agent: &AgentId) -> Ask {
    Ask::api(Method::Get, format!("/api/v2/stations?pageSize=25&webRtcUserId={agent}"))
}

/// Disassociates whoever holds the station.
#[must_use]
pub fn free(station: &StationId) -> Ask {
    Ask::api(Method::Delete, format!("/api/v2/stations/{station}/associateduser"))
}

/// Associates the station with the agent.
#[must_use]
pub fn take(agent: &AgentId, station: &StationId) -> Ask {
    Ask::api(Method::Put, format!("/api/v2/users/{agent}/station/associatedstation/{station}"))
}

/// An agent's station as the platform knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The station.
    pub station: StationId,
    /// Whether it must be freed first.
    pub hold: Hold,
}

/// Whether a station is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// By the agent: free it first.
    Associated,
    /// By nobody, as far as is said.
    Available,
}

/// The agent's own station in the answer.
///
/// # Errors
/// A malformed answer without a list; [`FailureKind::Invalid`] when the agent has no station or another user holds it.
/// Not [`FailureKind::NotFound`]: that means that the org does not offer the mechanism.
pub fn found(response: &Response, agent: &AgentId) -> Result<Found, Failure> {
    let body = response.value();
    let Some(stations) = body.get("entities").and_then(Value::as_array) else {
        return Err(failure::malformed(response, "the answer holds no list of stations"));
    };
    let text = |station: &Value, name: &str| station.get(name).and_then(Value::as_str).map(str::to_owned);
    let owned = |station: &&Value| text(station, "webRtcUserId").is_none_or(|owner| owner == agent.as_str());
    let usable = |station: &Value| Some((StationId::new(&text(station, "id")?).ok()?, station.clone()));
    let Some((id, station)) = stations.iter().filter(owned).find_map(usable) else {
        return Err(failure::local(FailureKind::Invalid, "the agent has no WebRTC station"));
    };
    if text(&station, "userId").is_some_and(|holder| !holder.is_empty() && holder != agent.as_str()) {
        return Err(failure::local(FailureKind::Invalid, "another user holds the agent's station"));
    }
    let associated = text(&station, "status").is_some_and(|status| status == "ASSOCIATED");
    Ok(Found { station: id, hold: if associated { Hold::Associated } else { Hold::Available } })
}

/// Whether a step that failed so is worth another try after a pause. Each step may be repeated without harm, and an
/// agent who was freed must not stay without a station because of one bad answer.
#[must_use]
pub fn passes(failure: &Failure) -> bool {
    match failure.kind {
        FailureKind::Conflict | FailureKind::Server | FailureKind::NotSent | FailureKind::NoAnswer => true,
        FailureKind::Invalid => failure.status == Some(400),
        FailureKind::Throttled
        | FailureKind::Unauthorized
        | FailureKind::Forbidden
        | FailureKind::NotFound
        | FailureKind::Malformed
        | FailureKind::Local => false,
    }
}

/// What keeps a station from being taken after it was freed: the command as a whole had an effect all the same, so a
/// request that never left proves nothing.
#[must_use]
pub fn freed_only(failure: Failure) -> Failure {
    if failure.kind != FailureKind::NotSent {
        return failure;
    }
    let message = format!("the station was freed and could not be taken again: {}", failure.message);
    Failure { kind: FailureKind::NoAnswer, message, ..failure }
}

/// A station that has gone is not a mechanism that is missing.
#[must_use]
pub fn gone(failure: Failure) -> Failure {
    match failure.kind {
        FailureKind::NotFound => Failure { kind: FailureKind::Invalid, ..failure },
        FailureKind::Throttled
        | FailureKind::Unauthorized
        | FailureKind::Forbidden
        | FailureKind::Conflict
        | FailureKind::Invalid
        | FailureKind::Server
        | FailureKind::NotSent
        | FailureKind::NoAnswer
        | FailureKind::Malformed
        | FailureKind::Local => failure,
    }
}
