//! The organisation itself: its limits, divisions, date, the caller's own token.
//!
//! Must never: know anything of schedules or agents' health.

use serde_json::{Value, json};

use super::answer::{Answer, Page, Problem, Reply};
use super::ids::{self, Thing};
use super::oauth::{APP_CLIENT_ID, PUBLISHER_CLIENT_ID};
use super::router::{BODY_BYTES_MAX, Call};
use super::world::{Client, Twin};

/// Presence definitions: names as the REST answers write them, and as definitions do.
const PRESENCES: [(&str, &str); 3] = [("Offline", "Offline"), ("Available", "Available"), ("On Queue", "OnQueue")];

impl Twin {
    pub(super) fn organization(&self) -> Answer {
        Reply::ok(json!({
            "id": ids::id(Thing::Organization, 0),
            "name": self.scenario.org.name,
            "defaultLanguage": "en-us",
            "defaultCountryCode": "US",
            "thirdPartyOrgName": "northfield",
            "domain": "northfield.example",
            "version": 5,
            "state": "active",
            "defaultSiteId": ids::id(Thing::Site, 0),
            "productPlatform": "GenesysCloud",
            "selfUri": "/api/v2/organizations/me",
        }))
    }

    pub(super) fn limits(&self, namespace: &str) -> Answer {
        let calls = self.scenario.rate_limit.calls_per_minute;
        let limits: Vec<(&str, Value)> = match namespace {
            "platform.api" => vec![
                ("client.credentials.token.rate.per.minute", json!(calls)),
                ("token.rate.per.minute", json!(calls)),
                ("request.bytes.max", json!(BODY_BYTES_MAX)),
            ],
            "auth.api" => vec![("token.rate.per.minute", json!(self.scenario.rate_limit.oauth_calls_per_minute))],
            "notifications" => vec![("channel.topics.max", json!(super::notify::TOPICS_MAX))],
            _ => Vec::new(),
        };
        let limits: Vec<Value> = limits
            .into_iter()
            .map(|(key, value)| json!({ "key": key, "namespace": namespace, "value": value }))
            .collect();
        Reply::ok(json!({ "entities": limits }))
    }

    pub(super) fn server_date(&self) -> Answer {
        Reply::ok(json!({ "currentDate": self.now.rfc3339() }))
    }

    pub(super) fn division_reference(&self) -> Value {
        let id = ids::id(Thing::Division, 0);
        let self_uri = format!("/api/v2/authorization/divisions/{id}");
        json!({ "id": id, "selfUri": self_uri })
    }

    pub(super) fn division_json(&self) -> Value {
        let mut division = self.division_reference();
        division["name"] = json!("Home");
        division["description"] = json!("Home division");
        division["homeDivision"] = json!(true);
        division
    }

    pub(super) fn divisions(&self, _call: &Call<'_>) -> Answer {
        Reply::ok(json!([self.division_json()]))
    }

    pub(super) fn divisions_paged(&self, call: &Call<'_>, subject: &str) -> Answer {
        if subject != "me" {
            self.find_agent(subject)?;
        }
        let path = format!("/api/v2/authorization/divisionspermitted/paged/{subject}");
        let mut listing = Page::of(&call.query, 100)?.listing(&path, 1, |_| self.division_json());
        listing.all_divs_permitted = Some(true);
        Reply::ok(listing)
    }

    pub(super) fn presence_definitions(&self) -> Answer {
        let entities: Vec<Value> = PRESENCES
            .iter()
            .enumerate()
            .map(|(i, (name, system))| {
                let id = ids::id(Thing::Presence, i);
                json!({
                    "id": id,
                    "type": "System",
                    "systemPresence": system,
                    "languageLabels": { "en_US": name },
                    "deactivated": false,
                    "selfUri": format!("/api/v2/presence/definitions/{id}"),
                })
            })
            .collect();
        Reply::ok(json!({ "total": entities.len(), "entities": entities }))
    }

    pub(super) fn token_info(&self, call: &Call<'_>) -> Answer {
        let client = self.tokens.get(call.token).map(|t| t.client).ok_or_else(Problem::credentials)?;
        let (name, grant) = match client {
            Client::Publisher => (PUBLISHER_CLIENT_ID, "CLIENT-CREDENTIALS"),
            Client::App => (APP_CLIENT_ID, "CODE"),
            Client::Page => ("agent-ui", "CODE"),
        };
        let organization = json!({ "id": ids::id(Thing::Organization, 0), "name": self.scenario.org.name });
        Reply::ok(json!({
            "organization": organization,
            "homeOrganization": organization,
            "authorizedScope": [],
            "OAuthClient": { "id": name, "name": name, "authorizedGrantType": grant, "organization": organization },
        }))
    }

    pub(super) fn delete_own_token(&mut self, call: &Call<'_>) -> Answer {
        if let Some(token) = self.tokens.get_mut(call.token) {
            token.revoked = token.revoked.or(Some(self.now));
        }
        Reply::empty(200)
    }
}
