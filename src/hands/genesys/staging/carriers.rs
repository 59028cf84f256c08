//! What lies between the organisation and its carriers: external trunks and Edges, and what ails them (API.md section 12).
//!
//! Must never: call anything ill of which the platform says nothing.

use serde_json::Value;

use crate::hands::genesys::ask::Ask;
use crate::hands::genesys::client::Client;
use crate::hands::genesys::failure;
use crate::hands::genesys::staging::read::read;
use crate::law::command::Failure;
use crate::words::http::{Method, Response};

const EDGES: &str = "/api/v2/telephony/providers/edges";
/// More pages of 100 than any organisation has.
const PAGES_MAX: u64 = 50;

/// A trunk or an Edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carrier {
    /// Its name.
    pub name: String,
    /// What ails it, in words.
    pub ails: Option<&'static str>,
}

/// Every external trunk.
///
/// # Errors
/// Why the platform could not be read.
pub async fn trunks(client: &Client) -> Result<Vec<Carrier>, Failure> {
    listed(client, &format!("{EDGES}/trunks?trunkType=EXTERNAL&"), trunk).await
}

/// Every Edge.
///
/// # Errors
/// Why the platform could not be read.
pub async fn edges(client: &Client) -> Result<Vec<Carrier>, Failure> {
    listed(client, &format!("{EDGES}?"), edge).await
}

async fn listed(
    client: &Client,
    path: &str,
    ails: fn(&Value) -> Option<&'static str>,
) -> Result<Vec<Carrier>, Failure> {
    let mut all = Vec::new();
    let mut page = 1;
    loop {
        let response = read(client, Ask::api(Method::Get, format!("{path}pageSize=100&pageNumber={page}"))).await?;
        all.extend(carriers_in(&response, ails)?);
        let pages = response.value().get("pageCount").and_then(Value::as_u64).unwrap_or(1);
        if page >= pages.min(PAGES_MAX) {
            return Ok(all);
        }
        page += 1;
    }
}

fn carriers_in(response: &Response, ails: fn(&Value) -> Option<&'static str>) -> Result<Vec<Carrier>, Failure> {
    let body = response.value();
    let Some(entities) = body.get("entities").and_then(Value::as_array) else {
        return Err(failure::malformed(response, "the answer holds no list"));
    };
    let in_use = |entity: &&Value| !matches!(text(entity, "state"), Some("inactive" | "deleted"));
    let carrier = |entity: &Value| Carrier {
        name: failure::plain(text(entity, "name").unwrap_or("without a name"), 120),
        ails: ails(entity),
    };
    Ok(entities.iter().filter(in_use).map(carrier).collect())
}

fn text<'v>(entity: &'v Value, name: &str) -> Option<&'v str> {
    entity.get(name).and_then(Value::as_str)
}

/// A trunk that somebody has switched off ails nothing.
fn trunk(trunk: &Value) -> Option<&'static str> {
    let says = |path: &str| trunk.pointer(path).and_then(Value::as_bool);
    let any = |list: &str, state: &str| {
        let states = trunk.get(list).and_then(Value::as_array).into_iter().flatten();
        states.filter_map(|one| one.get(state)?.as_bool()).any(|fine| !fine)
    };
    match says("/enabled") {
        Some(false) => None,
        _ if says("/inService") == Some(false) => Some("not in service"),
        _ if says("/connectedStatus/connected") == Some(false) => Some("not connected"),
        _ if any("registersStatus", "registerState") => Some("a registration is missing"),
        _ if any("optionsStatus", "optionState") => Some("a proxy does not answer OPTIONS"),
        _ => None,
    }
}

fn edge(edge: &Value) -> Option<&'static str> {
    match (text(edge, "onlineStatus"), text(edge, "statusCode")) {
        (Some("OFFLINE"), _) => Some("offline"),
        (_, Some(code)) if code != "ACTIVE" => Some("not active"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_ails_a_trunk_is_said_and_silence_is_health() {
        for (value, ails) in [
            (json!({}), None),
            (json!({ "enabled": true, "inService": true, "connectedStatus": { "connected": true } }), None),
            (json!({ "enabled": false, "inService": false }), None),
            (json!({ "enabled": true, "inService": false }), Some("not in service")),
            (json!({ "connectedStatus": { "connected": false } }), Some("not connected")),
            (json!({ "registersStatus": [{ "registerState": false }] }), Some("a registration is missing")),
            (
                json!({ "optionsStatus": [{ "optionState": true }, { "optionState": false }] }),
                Some("a proxy does not answer OPTIONS"),
            ),
        ] {
            assert_eq!(trunk(&value), ails, "{value}");
        }
        assert_eq!(edge(&json!({ "onlineStatus": "OFFLINE", "statusCode": "ACTIVE" })), Some("offline"));
        assert_eq!(edge(&json!({ "onlineStatus": "ONLINE", "statusCode": "ACTIVE" })), None);
        assert_eq!(edge(&json!({ "statusCode": "NEW" })), Some("not active"));
        let listing = json!({ "entities": [{ "name": "old", "state": "deleted" }, { "name": "Carrier 1" }] });
        let found = carriers_in(&Response::new(200).json(&listing), trunk).unwrap();
        assert_eq!(found, [Carrier { name: "Carrier 1".to_owned(), ails: None }]);
    }
}
