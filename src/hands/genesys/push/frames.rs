//! The topics of a run, and what a frame on a socket says.
//!
//! Must never: fail on a frame; what cannot be read is nothing to act on.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::law::hint::{Hint, Stirred};
use crate::law::plan::Plan;
use crate::law::verdict::LegState;
use crate::words::id::AgentId;

/// What is heard of each agent, combined into one topic of fewer than 200 characters; that it counts once is UNCERTAIN
/// (API.md section 11).
const OF_AN_AGENT: &str = "presence&routingStatus&station&persistentconnection&tokens";
/// The same without what an org may not let everybody hear.
const PLAINLY: &str = "presence&routingStatus&station";
/// Topics of one channel (API.md section 11).
pub const TOPICS_MAX: usize = 1_000;
/// A channel that the platform refuses for its number of topics counts each of those that are combined (UNCERTAIN, API.md
/// section 11): it gets so much less of them.
pub(super) const COUNTED_SINGLY: usize = 5;

/// One topic, as the platform names it.
pub type Topic = Arc<str>;

/// The topics of a run: its business unit's schedules first, then its agents.
#[must_use]
pub fn topics(plan: &Plan) -> Vec<Topic> {
    let schedules = schedules_of(plan.business_unit.id.as_str());
    std::iter::once(schedules).chain(plan.roster.iter().map(|member| agent_topic(&member.agent))).collect()
}

fn schedules_of(unit: &str) -> Topic {
    format!("v2.workforcemanagement.businessunits.{unit}.schedules").into()
}

fn agent_topic(agent: &AgentId) -> Topic {
    format!("v2.users.{agent}?{OF_AN_AGENT}").into()
}

/// A topic without that which an org may not let everybody hear.
pub(super) fn plainer(topic: &Topic) -> Topic {
    match topic.split_once('?') {
        Some((of, _)) => format!("{of}?{PLAINLY}").into(),
        None => Arc::clone(topic),
    }
}

/// The body of a subscription.
#[must_use]
pub fn subscription(topics: &[Topic]) -> Value {
    topics.iter().map(|topic| json!({ "id": &**topic })).collect()
}

/// The combined topics that the answer to a subscription refuses (API.md section 11).
pub(super) fn refused(answer: &Value) -> HashSet<String> {
    let entities = answer.get("entities").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is_refused = |entity: &&Value| entity.get("state").is_some_and(|state| state == "Rejected");
    let names = entities.iter().filter(is_refused).filter_map(|entity| entity.get("id").and_then(Value::as_str));
    names.filter(|name| name.contains('?')).map(str::to_owned).collect()
}

/// What a frame says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Something to look at.
    Hint {
        /// The topic that it was subscribed with.
        topic: Topic,
        /// What was heard.
        hint: Hint,
    },
    /// The socket is alive, and no more.
    Alive,
    /// The platform closes the socket soon; the channel stays.
    Closing,
    /// The channel is no more.
    Gone,
}

/// Reads a frame that came on `channel`.
#[must_use]
pub fn heard(text: &str, channel: &str) -> Heard {
    let Ok(frame) = serde_json::from_str::<Value>(text) else { return Heard::Alive };
    if frame.get("result").is_some_and(|result| result == "404" || result == 404) {
        return Heard::Gone;
    }
    let topic = frame.get("topicName").and_then(Value::as_str).unwrap_or_default();
    let under = |start: &str| topic.strip_prefix(start);
    if let Some(unit) = under("v2.workforcemanagement.businessunits.").and_then(|rest| rest.strip_suffix(".schedules"))
    {
        return Heard::Hint { topic: schedules_of(unit), hint: Hint::Schedule };
    }
    if let Some((agent, of)) = under("v2.users.").and_then(|rest| rest.split_once('.')) {
        return of_a_user(agent, of, &frame);
    }
    match under("v2.system.") {
        Some(rest) if rest.starts_with("socket_closing") => Heard::Closing,
        // The token of another channel is no more: told of an agent, it is as good as told under the agent's own topic.
        Some(rest) if rest.strip_prefix("token_revoked.").is_some_and(|of| of != channel) => {
            let agent = frame.get("eventBody").and_then(|body| body.get("userId")).and_then(Value::as_str);
            agent.map_or(Heard::Alive, |agent| of_a_user(agent, "tokens", &frame))
        }
        // Somebody else opened too many channels, or the token of this one is no more.
        Some(rest) if rest.starts_with("no_longer_subscribed") || rest.starts_with("token_revoked") => Heard::Gone,
        Some(_) | None => Heard::Alive,
    }
}

fn of_a_user(agent: &str, of: &str, frame: &Value) -> Heard {
    let Ok(agent) = AgentId::new(agent) else { return Heard::Alive };
    let what = match of {
        "station" => of_a_station(frame),
        "persistentconnection" => match of_a_leg(frame) {
            LegState::Unknown => return Heard::Alive,
            state => Stirred::Leg(state),
        },
        // Sent on which changes is UNCERTAIN (API.md section 8): that there was one is all that it says.
        "tokens" => Stirred::Token,
        _ => Stirred::Other,
    };
    Heard::Hint { topic: agent_topic(&agent), hint: Hint::Agent { agent, what } }
}

/// What the platform says of a persistent connection, the softphone's media leg (API.md section 12).
fn of_a_leg(frame: &Value) -> LegState {
    match frame.get("eventBody").and_then(|body| body.get("persistentState")).and_then(Value::as_str) {
        Some("PERSISTED" | "ACTIVE_CALL") => LegState::Up,
        Some("DISCONNECTED") => LegState::Idle,
        Some("FAILED") => LegState::Failed,
        Some(_) | None => LegState::Unknown,
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
        heard(&frame.to_string(), "c1")
    }

    #[test]
    fn frames_are_hints_or_signs_of_life_and_nothing_fails() {
        let agent = AgentId::new("ann").unwrap();
        let schedules = |unit: &str| {
            json!({ "topicName": format!("v2.workforcemanagement.businessunits.{unit}.schedules"),
            "eventBody": { "status": "Error", "operationId": "x", "eventType": "Update" } })
        };
        let of_ann =
            |what| Heard::Hint { topic: agent_topic(&agent), hint: Hint::Agent { agent: agent.clone(), what } };
        let of_the_unit = |unit| Heard::Hint { topic: schedules_of(unit), hint: Hint::Schedule };
        let leg = |state: &str| json!({ "topicName": "v2.users.ann.persistentconnection", "eventBody": { "persistentState": state } });
        let revoked = |channel: &str, body: &Value| json!({ "topicName": format!("v2.system.token_revoked.{channel}"), "eventBody": body });
        let station = |body: &Value, action: Option<&str>| json!({ "topicName": "v2.users.ann.station", "eventBody": body, "metadata": { "action": action } });
        for (frame, meaning) in [
            (schedules("care"), of_the_unit("care")),
            (schedules("sales"), of_the_unit("sales")),
            (json!({ "topicName": "v2.workforcemanagement.businessunits.care.activitycodes" }), Heard::Alive),
            (leg("FAILED"), of_ann(Stirred::Leg(LegState::Failed))),
            (leg("PERSISTED"), of_ann(Stirred::Leg(LegState::Up))),
            (leg("ACTIVE_CALL"), of_ann(Stirred::Leg(LegState::Up))),
            (leg("DISCONNECTED"), of_ann(Stirred::Leg(LegState::Idle))),
            (leg("UNKNOWN"), Heard::Alive),
            (leg("outdated_sdk_version"), Heard::Alive),
            (json!({ "topicName": "v2.users.ann.persistentconnection", "eventBody": 7 }), Heard::Alive),
            (json!({ "topicName": "v2.users.ann.tokens", "eventBody": {} }), of_ann(Stirred::Token)),
            (revoked("c2", &json!({ "userId": "ann", "reason": "user_tokens_revoked" })), of_ann(Stirred::Token)),
            (revoked("c2", &json!({})), Heard::Alive),
            (revoked("c1", &json!({ "userId": "ann" })), Heard::Gone),
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
        assert_eq!(heard("not JSON", "c1"), Heard::Alive);
    }

    #[test]
    fn an_agents_topic_is_short_enough_and_does_without_what_is_refused() {
        let agent = AgentId::new("0a1b2c3d-0000-4000-8000-00000000000a").unwrap();
        let topic = agent_topic(&agent);
        assert!(topic.len() < 200, "{topic}");
        let answer = json!({ "entities": [
            { "id": &*topic, "state": "Rejected", "rejectionReason": "missing.permissions" },
            { "id": "v2.users.bo?station", "state": "Permitted" },
            { "id": "v2.workforcemanagement.businessunits.care.schedules", "state": "Rejected" },
            { "state": "Rejected" },
        ] });
        assert_eq!(refused(&answer), HashSet::from([topic.to_string()]));
        assert_eq!(&*plainer(&topic), format!("v2.users.{agent}?presence&routingStatus&station"));
        assert!(refused(&json!(null)).is_empty() && refused(&json!({ "entities": 7 })).is_empty());
    }
}
