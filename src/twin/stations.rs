//! Stations and who sits at them (API.md section 9).
//!
//! Must never: show an association before it has settled.

use serde_json::{Value, json};

use super::agenda::Due;
use super::answer::{Answer, Page, Problem, Reply};
use super::ids::{self, Thing};
use super::router::Call;
use super::scenario::Kind;
use super::truth::{Cure, Touch};
use super::world::Twin;

/// Largest page of stations (API.md section 3).
const PAGE_MAX: usize = 500;
const TYPE: &str = "inin_webrtc_softphone";

impl Twin {
    fn find_station(&self, id: &str) -> Result<usize, Problem> {
        ids::index(Thing::Station, id).filter(|i| *i < self.agents.len()).ok_or_else(Problem::not_found)
    }

    fn station_json(&self, i: usize) -> Value {
        let id = ids::id(Thing::Station, i);
        let agent = self.agents.get(i);
        let user = agent.map(|a| a.id.as_str()).unwrap_or_default();
        let associated = agent.is_some_and(|a| a.station.associated_at.is_some());
        let mut station = json!({
            "id": id,
            "name": format!("{} softphone", ids::person(i)),
            "status": if associated { "ASSOCIATED" } else { "AVAILABLE" },
            "webRtcUserId": user,
            "type": TYPE,
            "lineAppearanceId": ids::id(Thing::Line, i),
            "webRtcPersistentEnabled": false,
            "webRtcForceTurn": false,
            "webRtcCallAppearances": 100,
            "selfUri": format!("/api/v2/stations/{id}"),
        });
        if let (true, Some(map)) = (associated, station.as_object_mut()) {
            map.insert("userId".to_owned(), Value::from(user));
        }
        station
    }

    pub(super) fn stations(&self, call: &Call<'_>) -> Answer {
        let page = Page::of(&call.query, PAGE_MAX)?;
        let ids = call.query.list("id");
        let path = "/api/v2/stations";
        if let Some(user) = call.query.get("webRtcUserId") {
            let found: Vec<usize> = self.find_agent(user).into_iter().collect();
            return Reply::ok(
                page.listing(path, found.len(), |at| self.station_json(found.get(at).copied().unwrap_or(0))),
            );
        }
        if call.query.get("id").is_some() {
            let found: Vec<usize> = ids.iter().filter_map(|id| self.find_station(id).ok()).collect();
            return Reply::ok(
                page.listing(path, found.len(), |at| self.station_json(found.get(at).copied().unwrap_or(0))),
            );
        }
        Reply::ok(page.listing(path, self.agents.len(), |i| self.station_json(i)))
    }

    pub(super) fn station(&self, id: &str) -> Answer {
        Reply::ok(self.station_json(self.find_station(id)?))
    }

    /// The station blocks of a user.
    pub(super) fn stations_json(&self, i: usize) -> Value {
        let Some(agent) = self.agents.get(i) else { return json!({}) };
        let station = json!({
            "id": ids::id(Thing::Station, i),
            "name": format!("{} softphone", ids::person(i)),
            "type": TYPE,
        });
        let mut blocks = json!({ "defaultStation": station.clone(), "lastAssociatedStation": station.clone() });
        if let Some(since) = agent.station.associated_at {
            let mut held = station;
            held["associatedUser"] = json!({ "id": agent.id.as_str() });
            held["associatedDate"] = json!(since.rfc3339());
            held["webRtcCallAppearances"] = json!(100);
            blocks["associatedStation"] = held.clone();
            blocks["effectiveStation"] = held;
        }
        blocks
    }

    pub(super) fn user_stations(&self, i: usize) -> Answer {
        Reply::ok(self.stations_json(i))
    }

    /// `PUT /users/{u}/station/associatedstation/{s}`: 202, in force later; refused while the station was just freed.
    pub(super) fn associate(&mut self, user: &str, station: &str) -> Answer {
        let i = self.find_agent(user)?;
        if self.find_station(station)? != i {
            return Err(Problem::bad("The station is another user's softphone."));
        }
        let softphone = self.scenario.softphone;
        let now = self.now;
        let Some(agent) = self.agents.get_mut(i) else { return Err(Problem::not_found()) };
        let freed_ms = agent.station.freed_at.map_or(i64::MAX, |at| now.since_ms(at));
        let too_early = freed_ms < softphone.station_freed_s.saturating_mul(1000);
        if too_early || std::mem::take(&mut agent.refuse_association) {
            let code = if softphone.station_refusal_status == 400 { "bad.request" } else { "general.conflict" };
            return Err(Problem::new(softphone.station_refusal_status, code, "The station is not available yet."));
        }
        agent.station.settles_at = Some(now + softphone.station_settle_s.saturating_mul(1000));
        self.touch(i, Touch::Associated);
        self.schedule_in(softphone.station_settle_s, Due::StationSettles(i));
        Reply::empty(202)
    }

    pub(super) fn settle_station(&mut self, i: usize) {
        let now = self.now;
        let Some(agent) = self.agents.get_mut(i) else { return };
        if agent.station.settles_at != Some(now) {
            return;
        }
        agent.station.settles_at = None;
        agent.station.freed_at = None;
        agent.station.associated_at = Some(now);
        self.tell_station(i);
        self.review(i, Some(Cure::Reassociate));
    }

    pub(super) fn disassociate_station(&mut self, station: &str) -> Answer {
        let i = self.find_station(station)?;
        self.disassociate(i);
        Reply::empty(200)
    }

    pub(super) fn disassociate_user(&mut self, user: &str) -> Answer {
        let i = self.find_agent(user)?;
        self.disassociate(i);
        Reply::empty(202)
    }

    fn disassociate(&mut self, i: usize) {
        self.touch(i, Touch::Disassociated);
        let now = self.now;
        let Some(agent) = self.agents.get_mut(i) else { return };
        agent.station.settles_at = None;
        if agent.station.associated_at.take().is_some() {
            agent.station.freed_at = Some(now);
            self.tell_station(i);
            self.review(i, None);
        }
    }

    pub(super) fn set_default_station(&mut self, user: &str, station: &str) -> Answer {
        let i = self.find_agent(user)?;
        if self.find_station(station)? != i {
            return Err(Problem::bad("The station is another user's softphone."));
        }
        Reply::empty(202)
    }

    /// Whether reads of this agent's phone say nothing.
    pub(super) fn phone_mute(&self, i: usize) -> bool {
        self.agents.get(i).is_some_and(|a| a.kind == Kind::TokenRevokedSocketUp)
    }
}
