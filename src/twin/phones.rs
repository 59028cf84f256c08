//! Phones, Edges and trunks (API.md sections 10 and 12).
//!
//! Must never: say that a phone is well because nothing is known of it; UNKNOWN is a status of its own.

use serde_json::{Value, json};

use super::agenda::Due;
use super::answer::{Answer, Page, Problem, Reply, texts};
use super::ids::{self, Thing};
use super::router::Call;
use super::shapes::{Capabilities, LineStatus, Phone, PhoneStatus, Reference};
use super::truth::Touch;
use super::world::{DAY_MS, Socket, Twin, shuffle};

/// Largest page of phones, trunks and Edges (API.md section 3).
const PAGE_MAX: usize = 100;
const EDGES: &str = "/api/v2/telephony/providers/edges";
/// Most phones in one reboot call.
const REBOOT_MAX: usize = 100;

/// What a phone's status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Operational,
    Offline,
    Unknown,
    /// A value that no document names (fault).
    Odd,
}

impl Twin {
    fn find_phone(&self, id: &str) -> Result<usize, Problem> {
        ids::index(Thing::Phone, id).filter(|i| *i < self.agents.len()).ok_or_else(Problem::not_found)
    }

    fn phone_health(&self, i: usize) -> Health {
        let Some(agent) = self.agents.get(i) else { return Health::Unknown };
        let follows = self.scenario.softphone.phone_follows_socket;
        match () {
            () if agent.odd_values => Health::Odd,
            () if self.phone_mute(i) => Health::Unknown,
            () if agent.phone_stuck || agent.broken => Health::Offline,
            () if follows && agent.socket != Socket::Up => Health::Offline,
            () => Health::Operational,
        }
    }

    fn status_json(&self, i: usize) -> PhoneStatus {
        let (operational_status, reachable) = match self.phone_health(i) {
            Health::Operational => ("OPERATIONAL", Some(true)),
            Health::Offline => ("OFFLINE", Some(false)),
            Health::Unknown => ("UNKNOWN", None),
            Health::Odd => ("SHIMMERING", None),
        };
        PhoneStatus {
            id: ids::id(Thing::Phone, i),
            operational_status,
            edges_status: "IN_SERVICE",
            event_creation_time: self.now.rfc3339(),
            phone_assignment_to_edge_type: "PRIMARY",
            line_statuses: reachable.map(|reachable| [LineStatus { id: ids::id(Thing::Line, i), reachable }]),
        }
    }

    /// A phone, with `status` and `webRtcUser` when asked for.
    fn phone_json(&self, i: usize, with_status: bool, with_user: bool) -> Phone {
        let id = ids::id(Thing::Phone, i);
        let name = format!("{} softphone", ids::person(i));
        let named = |id: String, name: &str| Reference { id, name: Some(name.to_owned()), ..Reference::default() };
        let user = self.agents.get(i).filter(|_| with_user).map(|agent| Reference {
            self_uri: Some(format!("/api/v2/users/{}", agent.id)),
            ..named(agent.id.to_string(), &ids::person(i))
        });
        Phone {
            version: 1,
            state: "active",
            date_created: (self.anchor - 300 * DAY_MS).rfc3339(),
            site: named(ids::id(Thing::Site, 0), "Cloud"),
            phone_base_settings: named(ids::id(Thing::PhoneBase, 0), "WebRTC softphone"),
            lines: [Reference { state: Some("active"), ..named(ids::id(Thing::Line, i), &name) }],
            capabilities: Capabilities::default(),
            status: with_status.then(|| self.status_json(i)),
            web_rtc_user: user,
            self_uri: format!("{EDGES}/phones/{id}"),
            id,
            name,
        }
    }

    pub(super) fn phones(&mut self, call: &Call<'_>) -> Answer {
        let page = Page::of(&call.query, PAGE_MAX)?;
        let with_status = call.query.list("expand").contains(&"status");
        let with_user = call.query.list("fields").contains(&"webRtcUser");
        let path = format!("{EDGES}/phones");
        if let Some(user) = call.query.get("webRtcUser.id") {
            let found: Vec<usize> = self.find_agent(user).into_iter().collect();
            let phone = |at: usize| self.phone_json(found.get(at).copied().unwrap_or(0), with_status, with_user);
            return Reply::ok(page.listing(&path, found.len(), phone));
        }
        let order = self.page_order();
        Reply::ok(page.listing(&path, order.len(), |at| {
            self.phone_json(order.get(at).copied().unwrap_or(at), with_status, with_user)
        }))
    }

    /// The order in which this read lists the agents' things: that of their ids, or one of its own (fault).
    pub(super) fn page_order(&mut self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.agents.len()).collect();
        if self.scenario.faults.pages_shuffled {
            shuffle(&mut order, &mut self.luck);
        }
        order
    }

    pub(super) fn phone(&self, id: &str) -> Answer {
        Reply::ok(self.phone_json(self.find_phone(id)?, true, true))
    }

    pub(super) fn reboot(&mut self, id: &str) -> Answer {
        let i = self.find_phone(id)?;
        self.start_reboots(&[i])
    }

    /// `POST …/phones/reboot` with a list of phones, or a site and so all of its phones.
    pub(super) fn reboot_many(&mut self, call: &Call<'_>) -> Answer {
        let body = call.json()?;
        if let Some(site) = body.get("siteId").and_then(Value::as_str) {
            if ids::index(Thing::Site, site) != Some(0) {
                return Err(Problem::not_found());
            }
            let all: Vec<usize> = (0..self.agents.len()).collect();
            return self.start_reboots(&all);
        }
        let phones = texts(&body, "phoneIds").ok_or_else(|| Problem::bad("phoneIds or siteId is required."))?;
        if phones.len() > REBOOT_MAX {
            return Err(Problem::bad(format!("No more than {REBOOT_MAX} phones may be rebooted at once.")));
        }
        let found: Vec<usize> = phones.iter().map(|id| self.find_phone(id)).collect::<Result<_, _>>()?;
        self.start_reboots(&found)
    }

    fn start_reboots(&mut self, phones: &[usize]) -> Answer {
        if self.luck.chance(self.scenario.faults.reboot_unavailable_share) {
            let message = "The phone has no active Edge.";
            return Err(Problem::new(503, "providerapi.error.phone.no.active.edge", message));
        }
        for i in phones {
            self.touch(*i, Touch::Rebooted);
            self.schedule_in(self.scenario.softphone.reboot_s, Due::RebootDone(*i));
        }
        let (share, reboot_s) = (self.scenario.faults.reboot_drops_others_share, self.scenario.softphone.reboot_s);
        self.hit_others(phones, share, reboot_s, Due::PhoneDrops);
        Reply::empty(200)
    }

    /// A phone's status for its notification topic, which knows no UNKNOWN.
    pub(super) fn phone_event(&self, i: usize) -> Option<Value> {
        let name = match self.phone_health(i) {
            Health::Operational => "OPERATIONAL",
            Health::Offline => "OFFLINE",
            Health::Unknown | Health::Odd => return None,
        };
        let id = ids::id(Thing::Phone, i);
        let status = json!({ "id": id, "operationalStatus": name, "eventCreationTime": self.now.rfc3339() });
        Some(json!({ "id": id, "status": status }))
    }

    fn edge_json(&self) -> Value {
        let id = ids::id(Thing::Edge, 0);
        json!({
            "id": id,
            "name": "Cloud edge 1",
            "state": "active",
            "statusCode": "ACTIVE",
            "onlineStatus": "ONLINE",
            "edgeDeploymentType": "CDM",
            "physicalEdge": false,
            "managed": true,
            "conversationCount": self.agents.iter().filter(|a| a.on_call()).count(),
            "selfUri": format!("{EDGES}/{id}"),
        })
    }

    pub(super) fn edges(&self, call: &Call<'_>) -> Answer {
        Reply::ok(Page::of(&call.query, PAGE_MAX)?.listing(EDGES, 1, |_| self.edge_json()))
    }

    pub(super) fn edge(&self, id: &str) -> Answer {
        let known = ids::index(Thing::Edge, id) == Some(0);
        if known { Reply::ok(self.edge_json()) } else { Err(Problem::not_found()) }
    }

    fn trunk_json(&self, at: usize) -> Value {
        let id = ids::id(Thing::Trunk, at);
        let since = (self.anchor - 20 * DAY_MS).rfc3339();
        let serves = at >= self.scenario.org.trunks_out_of_service as usize;
        json!({
            "id": id,
            "name": format!("Carrier {}", at + 1),
            "state": "active",
            "trunkType": "EXTERNAL",
            "inService": serves,
            "enabled": true,
            "connectedStatus": { "connected": serves, "connectedStateTime": since },
            "optionsStatus": [{ "proxyAddress": "203.0.113.10", "optionState": true, "optionStateTime": since }],
            "registersStatus": [{ "proxyAddress": "203.0.113.10", "registerState": true, "registerStateTime": since }],
            "optionsEnabledStatus": "ENABLED",
            "registersEnabledStatus": "ENABLED",
            "edge": { "id": ids::id(Thing::Edge, 0), "name": "Cloud edge 1" },
            "selfUri": format!("{EDGES}/trunks/{id}"),
        })
    }

    pub(super) fn trunks(&self, call: &Call<'_>) -> Answer {
        let page = Page::of(&call.query, PAGE_MAX)?;
        let external = call.query.get("trunkType").is_none_or(|t| t == "EXTERNAL");
        let total = if external { 2 } else { 0 };
        Reply::ok(page.listing(&format!("{EDGES}/trunks"), total, |at| self.trunk_json(at)))
    }

    pub(super) fn trunk(&self, id: &str) -> Answer {
        let at = ids::index(Thing::Trunk, id).filter(|at| *at < 2).ok_or_else(Problem::not_found)?;
        Reply::ok(self.trunk_json(at))
    }

    pub(super) fn sites(&self, call: &Call<'_>) -> Answer {
        let page = Page::of(&call.query, PAGE_MAX)?;
        Reply::ok(page.listing(&format!("{EDGES}/sites"), 1, |at| {
            let id = ids::id(Thing::Site, at);
            let self_uri = format!("{EDGES}/sites/{id}");
            json!({ "id": id, "name": "Cloud", "state": "active", "location": { "name": "Chicago" }, "selfUri": self_uri })
        }))
    }
}
