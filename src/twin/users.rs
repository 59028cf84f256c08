//! Users: presence, routing, conversations, stations, permissions, age of tokens (API.md section 7).
//!
//! Must never: fill a block that was not asked for, or that a fault hides.

use serde_json::{Value, json};

use super::answer::{Answer, Page, Problem, Reply};
use super::ids::{self, Thing};
use super::router::Call;
use super::world::{Agent, Owner, Twin};
use crate::words::clock::Timestamp;

/// Most ids in one `GET /users` (API.md section 7: 100, UNCERTAIN today).
const USER_IDS_MAX: usize = 100;
/// Largest page of users (API.md section 3).
const USERS_PAGE_MAX: usize = 500;
/// Most ids in a bulk read of presences (API.md section 7).
const PRESENCE_IDS_MAX: usize = 50;

impl Twin {
    /// `GET /users`: by id, or page by page.
    pub(super) fn users(&mut self, call: &Call<'_>) -> Answer {
        let expand = call.query.list("expand");
        let ids = call.query.list("id");
        if ids.len() > USER_IDS_MAX {
            let message = format!("No more than {USER_IDS_MAX} user ids may be given.");
            return Err(Problem::new(400, "max.user.ids", message));
        }
        let page = Page::of(&call.query, USERS_PAGE_MAX)?;
        if call.query.get("id").is_none() {
            let mut listing = page.listing("/api/v2/users", self.agents.len(), |i| json!(i));
            self.fill_users(&mut listing, &expand);
            return Reply::ok(listing);
        }
        let found: Vec<usize> = ids.iter().filter_map(|id| self.find_agent(id).ok()).collect();
        let size = if call.query.get("pageSize").is_some() { page.size } else { USER_IDS_MAX };
        let page = Page { size, number: page.number };
        let mut listing = page.listing("/api/v2/users", found.len(), |at| json!(found.get(at)));
        self.fill_users(&mut listing, &expand);
        Reply::ok(listing)
    }

    /// Puts users in the place of their indexes.
    fn fill_users(&mut self, listing: &mut Value, expand: &[&str]) {
        let Some(entities) = listing.get_mut("entities").and_then(Value::as_array_mut) else { return };
        for entity in entities {
            let index = entity.as_u64().and_then(|i| usize::try_from(i).ok());
            *entity = index.and_then(|i| self.user_json(i, expand)).unwrap_or_default();
        }
    }

    pub(super) fn user(&mut self, call: &Call<'_>, id: &str) -> Answer {
        let i = self.find_agent(id)?;
        Reply::ok(self.user_json(i, &call.query.list("expand")).unwrap_or_default())
    }

    pub(super) fn me(&mut self, call: &Call<'_>) -> Answer {
        let i = self.caller(call)?;
        Reply::ok(self.user_json(i, &call.query.list("expand")).unwrap_or_default())
    }

    fn user_json(&mut self, i: usize, expand: &[&str]) -> Option<Value> {
        let agent = self.agents.get_mut(i)?;
        let hidden = agent.blocks_hidden_reads > 0;
        if hidden && agent.blocks_hidden_reads != u32::MAX {
            agent.blocks_hidden_reads -= 1;
        }
        let agent = self.agents.get(i)?;
        let id = agent.id.as_str();
        let name = ids::person(i);
        let mail = format!("{}@northfield.example", name.to_lowercase().replace(' ', "."));
        let mut user = json!({
            "id": id,
            "name": name,
            "division": { "id": ids::id(Thing::Division, 0), "name": "Home", "selfUri": format!("/api/v2/authorization/divisions/{}", ids::id(Thing::Division, 0)) },
            "chat": { "jabberId": format!("{}@northfield.orgspan.com", id.replace('-', "")) },
            "email": mail,
            "username": mail,
            "state": "active",
            "version": 12,
            "acdAutoAnswer": false,
            "selfUri": format!("/api/v2/users/{id}"),
        });
        let map = user.as_object_mut()?;
        for what in expand {
            let block = match *what {
                "presence" if !hidden => Some(("presence", self.presence_json(agent))),
                "routingStatus" if !hidden => Some(("routingStatus", self.routing_json(agent))),
                "conversationSummary" if !hidden => Some(("conversationSummary", conversations_json(agent))),
                "station" => Some(("station", self.stations_json(i))),
                "authorization" => Some(("authorization", self.authorization_json(i))),
                "lasttokenissued" => {
                    self.newest_token(agent).map(|at| ("lastTokenIssued", json!({ "dateIssued": at.rfc3339() })))
                }
                _ => None,
            };
            if let Some((name, block)) = block {
                map.insert(name.to_owned(), block);
            }
        }
        Some(user)
    }

    fn newest_token(&self, agent: &Agent) -> Option<Timestamp> {
        agent.tokens.iter().filter_map(|t| self.tokens.get(*t)).map(|t| t.issued).max()
    }

    fn on_shift(&self, agent: &Agent) -> bool {
        (agent.shift_start..agent.shift_end).contains(&self.now)
    }

    fn presence_json(&self, agent: &Agent) -> Value {
        let (index, name) = match (agent.odd_values, agent.logged_in.is_some(), self.on_shift(agent)) {
            (true, _, _) => (3, "Holographic"),
            (false, false, _) => (0, "Offline"),
            (false, true, false) => (1, "Available"),
            (false, true, true) => (2, "On Queue"),
        };
        let definition = ids::id(Thing::Presence, index);
        json!({
            "id": agent.id.as_str(),
            "source": "PURECLOUD",
            "primary": true,
            "presenceDefinition": {
                "id": definition,
                "systemPresence": name,
                "selfUri": format!("/api/v2/presence/definitions/{definition}"),
            },
            "message": "",
            "modifiedDate": self.changed(agent).rfc3339(),
            "selfUri": format!("/api/v2/users/{}/presences/PURECLOUD", agent.id),
        })
    }

    fn changed(&self, agent: &Agent) -> Timestamp {
        let login = agent.logged_in.unwrap_or(self.anchor - super::world::DAY_MS);
        if self.on_shift(agent) { login.max(agent.shift_start) } else { login }
    }

    pub(super) fn routing_json(&self, agent: &Agent) -> Value {
        let status = match (agent.odd_values, agent.on_call(), agent.logged_in.is_some() && self.on_shift(agent)) {
            (true, _, _) => "DAYDREAMING",
            (false, true, _) => "INTERACTING",
            (false, false, true) => "IDLE",
            (false, false, false) => "OFF_QUEUE",
        };
        let since = agent.call.filter(|_| agent.on_call()).map_or(self.changed(agent), |c| c.start);
        json!({ "userId": agent.id.as_str(), "status": status, "startTime": since.rfc3339() })
    }

    fn authorization_json(&self, i: usize) -> Value {
        json!({
            "roles": [{ "id": ids::id(Thing::Role, 1), "name": "Agent" }],
            "unusedRoles": [],
            "permissions": self.agent_permissions(i),
            "permissionPolicies": [],
        })
    }

    pub(super) fn roles(&self, user: &str) -> Answer {
        Reply::ok(self.authorization_json(self.find_agent(user)?))
    }

    pub(super) fn routing(&self, user: &str) -> Answer {
        let i = self.find_agent(user)?;
        self.agents.get(i).map_or_else(|| Err(Problem::not_found()), |agent| Reply::ok(self.routing_json(agent)))
    }

    pub(super) fn presence(&self, user: &str) -> Answer {
        let i = self.find_agent(user)?;
        self.agents.get(i).map_or_else(|| Err(Problem::not_found()), |agent| Reply::ok(self.presence_json(agent)))
    }

    pub(super) fn presences(&self, call: &Call<'_>) -> Answer {
        let ids = call.query.list("id");
        if ids.len() > PRESENCE_IDS_MAX {
            return Err(Problem::bad(format!("No more than {PRESENCE_IDS_MAX} user ids may be given.")));
        }
        let found = ids.iter().filter_map(|id| self.find_agent(id).ok()).filter_map(|i| self.agents.get(i));
        let brief = |agent: &Agent| {
            let mut presence = self.presence_json(agent);
            if let Some(map) = presence.as_object_mut() {
                map.remove("primary");
                map.insert("userId".to_owned(), Value::from(agent.id.as_str()));
            }
            presence
        };
        Reply::ok(found.map(brief).collect())
    }

    /// `GET /authorization/subjects/{id}`: grants with the policies behind them.
    pub(super) fn subject(&self, subject: &str) -> Answer {
        let i = self.find_agent(subject)?;
        Reply::ok(self.subject_json(subject, &ids::person(i), "Agent", 1, self.agent_permissions(i)))
    }

    pub(super) fn own_subject(&self, call: &Call<'_>) -> Answer {
        match call.owner {
            Owner::Agent(i) => self.subject(self.agents.get(i).map_or("", |a| a.id.as_str())),
            Owner::Publisher => {
                let withheld = &self.scenario.withheld_permissions;
                let held: Vec<&str> = super::router::PUBLISHER_PERMISSIONS
                    .into_iter()
                    .filter(|p| !withheld.iter().any(|w| w == p))
                    .collect();
                let id = ids::id(Thing::Client, 0);
                Reply::ok(self.subject_json(&id, "softlanding", "Schedule publisher", 0, &held))
            }
        }
    }

    fn subject_json(&self, id: &str, name: &str, role: &str, role_index: usize, permissions: &[&str]) -> Value {
        let policies: Vec<Value> = permissions
            .iter()
            .map(|permission| {
                let mut parts = permission.splitn(3, ':');
                let mut part = || parts.next().unwrap_or_default();
                let (domain, entity, action) = (part(), part(), part());
                json!({ "domain": domain, "entityName": entity, "actions": [action], "condition": "" })
            })
            .collect();
        let role_id = ids::id(Thing::Role, role_index);
        json!({
            "id": id,
            "name": name,
            "grants": [{
                "subjectId": id,
                "division": self.division_json(),
                "role": {
                    "id": role_id,
                    "name": role,
                    "description": role,
                    "policies": policies,
                    "default": false,
                    "selfUri": format!("/api/v2/authorization/roles/{role_id}"),
                },
                "grantMadeAt": (self.anchor - 200 * super::world::DAY_MS).rfc3339(),
            }],
            "version": 1,
            "selfUri": format!("/api/v2/authorization/subjects/{id}"),
        })
    }
}

pub(super) fn conversations_json(agent: &Agent) -> Value {
    let none = json!({ "active": 0, "acw": 0 });
    let center = json!({ "active": i32::from(agent.on_call()), "acw": 0 });
    json!({ "userId": agent.id.as_str(), "call": { "contactCenter": center, "enterprise": none } })
}
