//! The topics of a run, and what a frame on a socket says.
//!
//! Must never: fail on a frame; what cannot be read is nothing to act on.

use serde_json::{Value, json};

use crate::law::hint::{Hint, Stirred};
use crate::law::plan::Plan;
use crate::words::id::{AgentId, BusinessUnitId};

/// What is heard of each agent, combined into one topic; that it counts once is UNCERTAIN (API.md section 11).
const OF_AN_AGENT: &str = "presence&routingStatus&station";
/// Topics of one channel (API.md section 11).
pub const TOPICS_MAX: usize = 1_000;

/// One topic, as the platform names it.
pub type Topic = String;

/// The topics of a run: its business unit's schedules first, then its agents.
#[must_use]
pub fn topics(plan: &Plan) -> Vec<Topic> {
    let schedules = format!("v2.workforcemanagement.businessunits.{}.schedules", plan.business_unit.id);
    let agents = plan.roster.iter().map(|member| format!("v2.users.{}?{OF_AN_AGENT}", member.agent));
    std::iter::once(schedules).chain(agents).collect()
}

/// The body of a subscription.
#[must_use]
pub fn subscription(topics: &[Topic]) -> Value {
    topics.iter().map(|topic| json!({ "id": topic })).collect()
}

/// What a frame says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Something to look at.
    Hint(Hint),
    /// The socket is alive, and no more.
    Alive,
    /// The platform closes the socket soon; the channel stays.
    Closing,
    /// The channel is no more.
    Gone,
}

/// Reads a frame.
#[must_use]
pub fn heard(text: &str, unit: &BusinessUnitId) -> Heard {
    let Ok(frame) = serde_json::from_str::<Value>(text) else { return Heard::Alive };
    if frame.get("result").is_some_and(|result| result == "404" || result == 404) {
        return Heard::Gone;
    }
    let topic = frame.get("topicName").and_then(Value::as_str).unwrap_or_default();
    let under = |start: &str| topic.strip_prefix(start);
    if let Some(rest) = under("v2.workforcemanagement.businessunits.") {
        let ours = rest.strip_suffix(".schedules") == Some(unit.as_str());
        return if ours { Heard::Hint(Hint::Schedule) } else { Heard::Alive };
    }
    if let Some((agent, of)) = under("v2.users.").and_then(|rest| rest.split_once('.')) {
        let what = if of == "station" { of_a_station(&frame) } else { Stirred::Other };
        return AgentId::new(agent).map_or(Heard::Alive, |agent| Heard::Hint(Hint::Agent { agent, what }));
    }
    match under("v2.system.") {
        Some(rest) if rest.starts_with("socket_closing") => Heard::Closing,
        // Somebody else opened too many channels, or the token of this one is no more.
        Some(rest) if rest.starts_with("no_longer_subscribed") || rest.starts_with("token_revoked") => Heard::Gone,
        Some(_) | None => Heard::Alive,
    }
}

/// What the platform says of a station: its action, or, where that is not told, whether a station is left (API.md section 9).
fn of_a_station(frame: &Value) -> Stirred {
    let action = frame.get("metadata").and_then(|metadata| metadata.get("action")).and_then(Value::as_str);
    let is_left = |body: &Value| body.get("associatedStation").is_some_and(|station| !station.is_null());
    let is_gone = match (action, frame.get("eventBody")) {
        (Some(action), _) => action == "Disassociated",
        (None, Some(body)) => body.is_object() && !is_left(body),
        (None, None) => false,
    };
    if is_gone { Stirred::Disassociated } else { Stirred::Other }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(frame: &Value) -> Heard {
        heard(&frame.to_string(), &BusinessUnitId::new("care").unwrap())
    }

    #[test]
    fn frames_are_hints_or_signs_of_life_and_nothing_fails() {
        let agent = AgentId::new("ann").unwrap();
        let schedules = |unit: &str| {
            json!({ "topicName": format!("v2.workforcemanagement.businessunits.{unit}.schedules"),
            "eventBody": { "status": "Error", "operationId": "x", "eventType": "Update" } })
        };
        let of_ann = |what| Heard::Hint(Hint::Agent { agent: agent.clone(), what });
        let station = |body: &Value, action: Option<&str>| json!({ "topicName": "v2.users.ann.station", "eventBody": body, "metadata": { "action": action } });
        for (frame, meaning) in [
            (schedules("care"), Heard::Hint(Hint::Schedule)),
            (schedules("sales"), Heard::Alive),
            (station(&json!(7), None), of_ann(Stirred::Other)),
            (station(&json!({}), None), of_ann(Stirred::Disassociated)),
            (station(&json!({ "associatedStation": null }), None), of_ann(Stirred::Disassociated)),
            (station(&json!({ "associatedStation": { "id": "s" } }), None), of_ann(Stirred::Other)),
            (
                station(&json!({ "associatedStation": { "id": "s" } }), Some("Disassociated")),
                of_ann(Stirred::Disassociated),
            ),
            (station(&json!({}), Some("Associated")), of_ann(Stirred::Other)),
            (station(&json!({}), Some("WebRTCMigration")), of_ann(Stirred::Other)),
            (json!({ "topicName": "v2.users.ann.station" }), of_ann(Stirred::Other)),
            (json!({ "topicName": "v2.users.ann.presence", "eventBody": {} }), of_ann(Stirred::Other)),
            (json!({ "topicName": "v2.users.ann" }), Heard::Alive),
            (json!({ "topicName": "v2.users..station" }), Heard::Alive),
            (json!({ "topicName": "channel.metadata", "eventBody": { "message": "pong" } }), Heard::Alive),
            (json!({ "topicName": "v2.system.socket_closing" }), Heard::Closing),
            (json!({ "topicName": "v2.system.no_longer_subscribed.c1" }), Heard::Gone),
            (json!({ "topicName": "v2.system.token_revoked.c1" }), Heard::Gone),
            (json!({ "result": "404", "message": "channel not found" }), Heard::Gone),
            (json!({ "topicName": ["odd"] }), Heard::Alive),
            (json!(null), Heard::Alive),
        ] {
            assert_eq!(says(&frame), meaning, "{frame}");
        }
        assert_eq!(heard("not JSON", &BusinessUnitId::new("care").unwrap()), Heard::Alive);
    }
}
