//! Users: presence, routing, conversations, stations, permissions, age of tokens (API.md section 7).
//!
//! Must never: fill a block that was not asked for, or that a fault hides.

use serde_json::{Value, json};

use super::answer::{Answer, Page, Problem, Reply};
use super::ids::{self, Thing};
use super::people;
use super::router::Call;
use super::shapes::{
    Active, Authorization, Calls, Chat, Conversations, Definition, Issued, Presence, Reference, Routing, User,
};
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
        // Which permission the real platform asks for is UNCERTAIN; softlanding's client is to have it (API.md section 7).
        self.need(call, &["directory:user:view"])?;
        let expand = call.query.list("expand");
        let ids = call.query.list("id");
        if ids.len() > USER_IDS_MAX {
            let message = format!("No more than {USER_IDS_MAX} user ids may be given.");
            return Err(Problem::new(400, "max.user.ids", message));
        }
        let page = Page::of(&call.query, USERS_PAGE_MAX)?;
        let path = "/api/v2/users";
        if call.query.get("id").is_none() {
            let order = self.page_order();
            let listed: Vec<usize> = order.get(page.places(order.len())).unwrap_or_default().to_vec();
            let hidden: Vec<bool> = listed.iter().map(|i| self.hides_blocks(*i)).collect();
            let mut users = listed.into_iter().zip(hidden);
            let next = |_| users.next().and_then(|(i, hidden)| self.user_json(i, &expand, hidden));
            return Reply::ok(page.listing(path, order.len(), next));
        }
        let found: Vec<usize> = ids.iter().filter_map(|id| self.find_agent(id).ok()).collect();
        let size = if call.query.get("pageSize").is_some() { page.size } else { USER_IDS_MAX };
        let page = Page { size, number: page.number };
        let asked: Vec<usize> = found.get(page.places(found.len())).unwrap_or_default().to_vec();
        let hidden: Vec<bool> = asked.iter().map(|i| self.hides_blocks(*i)).collect();
        let mut users = asked.into_iter().zip(hidden);
        let next = |_| users.next().and_then(|(i, hidden)| self.user_json(i, &expand, hidden));
        Reply::ok(page.listing(path, found.len(), next))
    }

    pub(super) fn user(&mut self, call: &Call<'_>, id: &str) -> Answer {
        if let Some(n) = people::find(id) {
            return Reply::ok(people::person_json(n));
        }
        let i = self.find_agent(id)?;
        let hidden = self.hides_blocks(i);
        Reply::ok(self.user_json(i, &call.query.list("expand"), hidden))
    }

    pub(super) fn me(&mut self, call: &Call<'_>) -> Answer {
        if let Owner::Person(n) = call.owner {
            return Reply::ok(people::person_json(n));
        }
        let i = self.caller(call)?;
        let hidden = self.hides_blocks(i);
        Reply::ok(self.user_json(i, &call.query.list("expand"), hidden))
    }

    /// Whether this read of the user lacks its blocks (fault); each read counts.
    fn hides_blocks(&mut self, i: usize) -> bool {
        let Some(agent) = self.agents.get_mut(i) else { return false };
        let hides = agent.blocks_hidden_reads > 0;
        if hides && agent.blocks_hidden_reads != u32::MAX {
            agent.blocks_hidden_reads -= 1;
        }
        hides
    }

    fn user_json(&self, i: usize, expand: &[&str], hidden: bool) -> Option<User<'_>> {
        let agent = self.agents.get(i)?;
        let id = agent.id.as_str();
        let name = ids::person(i);
        let mail = people::mail(&name);
        let division = ids::id(Thing::Division, 0);
        let asked = |what: &str| expand.contains(&what);
        let seen = |what: &str| !hidden && expand.contains(&what);
        let self_uri = Some(format!("/api/v2/authorization/divisions/{division}"));
        Some(User {
            id,
            name,
            division: Reference { id: division, name: Some("Home".to_owned()), self_uri, ..Reference::default() },
            chat: Chat { jabber_id: self.bare_jid(i) },
            email: mail.clone(),
            username: mail,
            state: "active",
            version: 12,
            acd_auto_answer: false,
            self_uri: format!("/api/v2/users/{id}"),
            presence: seen("presence").then(|| self.presence_json(agent)),
            routing_status: seen("routingStatus").then(|| self.routing_json(agent)),
            conversation_summary: seen("conversationSummary").then(|| conversations_json(agent)),
            station: asked("station").then(|| self.stations_json(i)).flatten(),
            authorization: asked("authorization").then(|| self.authorization_json(i)),
            last_token_issued: self
                .newest_token(agent)
                .filter(|_| asked("lasttokenissued"))
                .map(|at| Issued { date_issued: at.rfc3339() }),
        })
    }

    fn newest_token(&self, agent: &Agent) -> Option<Timestamp> {
        agent.tokens.iter().filter_map(|t| self.tokens.get(*t)).map(|t| t.issued).max()
    }

    fn on_shift(&self, agent: &Agent) -> bool {
        (agent.shift_start..agent.shift_end).contains(&self.now)
    }

    fn presence_json<'a>(&self, agent: &'a Agent) -> Presence<'a> {
        let (index, system_presence) = match (agent.odd_values, agent.logged_in.is_some(), self.on_shift(agent)) {
            (true, _, _) => (3, "Holographic"),
            (false, false, _) => (0, "Offline"),
            (false, true, false) => (1, "Available"),
            (false, true, true) => (2, "On Queue"),
        };
        let definition = ids::id(Thing::Presence, index);
        let self_uri = format!("/api/v2/presence/definitions/{definition}");
        Presence {
            id: agent.id.as_str(),
            user_id: None,
            source: "PURECLOUD",
            primary: Some(true),
            presence_definition: Definition { id: definition, system_presence, self_uri },
            message: "",
            modified_date: self.changed(agent).rfc3339(),
            self_uri: format!("/api/v2/users/{}/presences/PURECLOUD", agent.id),
        }
    }

    fn changed(&self, agent: &Agent) -> Timestamp {
        let login = agent.logged_in.unwrap_or(self.anchor - super::world::DAY_MS);
        if self.on_shift(agent) { login.max(agent.shift_start) } else { login }
    }

    pub(super) fn routing_json<'a>(&self, agent: &'a Agent) -> Routing<'a> {
        let status = match (agent.odd_values, agent.on_call(), agent.logged_in.is_some() && self.on_shift(agent)) {
            (true, _, _) => "DAYDREAMING",
            (false, true, _) => "INTERACTING",
            (false, false, true) => "IDLE",
            (false, false, false) => "OFF_QUEUE",
        };
        let since = agent.call.filter(|_| agent.on_call()).map_or(self.changed(agent), |c| c.start);
        Routing { user_id: Some(agent.id.as_str()), status, start_time: since.rfc3339() }
    }

    fn authorization_json(&self, i: usize) -> Authorization {
        let role = Reference { id: ids::id(Thing::Role, 1), name: Some("Agent".to_owned()), ..Reference::default() };
        Authorization {
            roles: vec![role],
            unused_roles: Vec::new(),
            permissions: self.agent_permissions(i),
            permission_policies: Vec::new(),
        }
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
        let listed: Vec<Presence<'_>> = found
            .map(|agent| Presence { user_id: Some(agent.id.as_str()), primary: None, ..self.presence_json(agent) })
            .collect();
        Reply::ok(listed)
    }

    /// `GET /authorization/subjects/{id}`: grants with the policies behind them.
    pub(super) fn subject(&self, subject: &str) -> Answer {
        let i = self.find_agent(subject)?;
        Reply::ok(self.subject_json(subject, &ids::person(i), "Agent", 1, self.agent_permissions(i)))
    }

    pub(super) fn own_subject(&self, call: &Call<'_>) -> Answer {
        match call.owner {
            Owner::Agent(i) => self.subject(self.agents.get(i).map_or("", |a| a.id.as_str())),
            Owner::Person(n) => Reply::ok(self.subject_json(&people::id(n), people::name(n), "Supervisor", 1, &[])),
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

pub(super) fn conversations_json(agent: &Agent) -> Conversations<'_> {
    let contact_center = Active { active: u32::from(agent.on_call()), acw: 0 };
    let call = Calls { contact_center, enterprise: Active { active: 0, acw: 0 } };
    Conversations { user_id: agent.id.as_str(), call }
}
