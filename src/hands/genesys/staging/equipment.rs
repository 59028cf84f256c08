//! What agents have to work with, whatever state it is in: the kind of their station, and the permission to choose one.
//!
//! Must never: read a block that is missing as a lack; expands are best effort (API.md section 7).

use serde_json::Value;

use crate::hands::genesys::ask::Ask;
use crate::hands::genesys::client::Client;
use crate::hands::genesys::failure;
use crate::hands::genesys::staging::read::read;
use crate::law::command::Failure;
use crate::words::http::{Method, Response};
use crate::words::id::AgentId;

/// Users in one call (API.md section 7; today's value UNCERTAIN).
const IDS_MAX: usize = 100;
/// The type of a station that is a WebRTC softphone (API.md section 7).
const WEBRTC: &str = "inin_webrtc_softphone";
/// Without these an agent cannot select a softphone, since March 2026 (API.md section 7).
pub const SOFTPHONE_PERMISSIONS: [&str; 3] = [
    "telephony:selfStationAssociation:view",
    "telephony:selfStationAssociation:edit",
    "telephony:station:disassociateSelf",
];

/// What one agent has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Equipment {
    /// The agent.
    pub agent: AgentId,
    /// Whether the station that will ring, or else the default one, is a WebRTC softphone; `None` when there is none or the
    /// platform does not say.
    pub webrtc: Option<bool>,
    /// Which of [`SOFTPHONE_PERMISSIONS`] the agent lacks; `None` when the platform does not say.
    pub lacks: Option<Vec<&'static str>>,
}

/// What these agents have, in calls of 100; agents that the platform does not know are left out.
///
/// # Errors
/// Why the platform could not be read.
pub async fn equipment(client: &Client, agents: &[AgentId]) -> Result<Vec<Equipment>, Failure> {
    let mut all = Vec::new();
    for batch in agents.chunks(IDS_MAX) {
        let list: String = batch.iter().map(|id| format!("&id={id}")).collect();
        let path = format!("/api/v2/users?pageSize={}{list}&expand=station&expand=authorization", batch.len());
        all.extend(equipment_in(&read(client, Ask::api(Method::Get, path)).await?)?);
    }
    Ok(all)
}

/// What the users of a listing have.
///
/// # Errors
/// A malformed answer when it has no list.
pub fn equipment_in(response: &Response) -> Result<Vec<Equipment>, Failure> {
    let body = response.value();
    let Some(users) = body.get("entities").and_then(Value::as_array) else {
        return Err(failure::malformed(response, "the answer holds no list of users"));
    };
    Ok(users.iter().filter_map(of_user).collect())
}

fn of_user(user: &Value) -> Option<Equipment> {
    let agent = AgentId::new(user.get("id")?.as_str()?).ok()?;
    let stations = ["effectiveStation", "associatedStation", "defaultStation"];
    let kind = |name: &&str| user.pointer(&format!("/station/{name}/type")).and_then(Value::as_str);
    let webrtc = stations.iter().find_map(kind).map(|kind| kind.eq_ignore_ascii_case(WEBRTC));
    let held = user.pointer("/authorization/permissions").and_then(Value::as_array);
    let lacks = held.map(|held| {
        let holds = |wanted: &str| held.iter().filter_map(Value::as_str).any(|held| held.eq_ignore_ascii_case(wanted));
        SOFTPHONE_PERMISSIONS.into_iter().filter(|wanted| !holds(wanted)).collect()
    });
    Some(Equipment { agent, webrtc, lacks })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_block_that_is_missing_is_no_lack() {
        let users = json!({ "entities": [
            { "id": "all", "station": { "effectiveStation": { "type": "inin_webrtc_softphone" } },
              "authorization": { "permissions": SOFTPHONE_PERMISSIONS } },
            { "id": "desk-phone", "station": { "effectiveStation": null, "defaultStation": { "type": "inin_remote" } },
              "authorization": { "permissions": ["telephony:selfStationAssociation:view"] } },
            { "id": "untold" }, { "name": "nobody" },
        ]});
        let found = equipment_in(&Response::new(200).json(&users)).unwrap();
        let of = |at: usize| (found[at].webrtc, found[at].lacks.clone());
        assert_eq!(found.len(), 3);
        assert_eq!(of(0), (Some(true), Some(Vec::new())));
        assert_eq!(of(1), (Some(false), Some(SOFTPHONE_PERMISSIONS[1..].to_vec())));
        assert_eq!(of(2), (None, None));
        assert!(equipment_in(&Response::new(200).json(&json!([]))).is_err());
    }
}
