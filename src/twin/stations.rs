//! Stations and who sits at them (API.md section 9).
//!
//! Must never: show an association before it has settled.

use super::agenda::Due;
use super::answer::{Answer, Page, Problem, Reply};
use super::ids::{self, Thing};
use super::router::Call;
use super::scenario::Kind;
use super::shapes::{IdOnly, Station, Stations, UserStation};
use super::truth::{Cure, Touch};
use super::world::Twin;

/// Largest page of stations (API.md section 3).
const PAGE_MAX: usize = 500;
const TYPE: &str = "inin_webrtc_softphone";

impl Twin {
    fn find_station(&self, id: &str) -> Result<usize, Problem> {
        ids::index(Thing::Station, id).filter(|i| *i < self.agents.len()).ok_or_else(Problem::not_found)
    }

    fn station_json(&self, i: usize) -> Station<'_> {
        let id = ids::id(Thing::Station, i);
        let agent = self.agents.get(i);
        let user = agent.map(|a| a.id.as_str()).unwrap_or_default();
        let associated = agent.is_some_and(|a| a.station.associated_at.is_some());
        Station {
            name: format!("{} softphone", ids::person(i)),
            status: if associated { "ASSOCIATED" } else { "AVAILABLE" },
            user_id: associated.then_some(user),
            web_rtc_user_id: user,
            kind: TYPE,
            line_appearance_id: ids::id(Thing::Line, i),
            web_rtc_persistent_enabled: self.scenario.softphone.persistent_connection,
            web_rtc_force_turn: false,
            web_rtc_call_appearances: self.scenario.softphone.call_appearances,
            self_uri: format!("/api/v2/stations/{id}"),
            id,
        }
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
    pub(super) fn stations_json(&self, i: usize) -> Option<Stations<'_>> {
        let agent = self.agents.get(i)?;
        let station = UserStation {
            id: ids::id(Thing::Station, i),
            name: format!("{} softphone", ids::person(i)),
            kind: TYPE,
            associated_user: None,
            associated_date: None,
            web_rtc_call_appearances: None,
        };
        let held = agent.station.associated_at.map(|since| UserStation {
            associated_user: Some(IdOnly { id: agent.id.as_str() }),
            associated_date: Some(since.rfc3339()),
            web_rtc_call_appearances: Some(self.scenario.softphone.call_appearances),
            ..station.clone()
        });
        Some(Stations {
            associated_station: held.clone(),
            effective_station: held,
            default_station: station.clone(),
            last_associated_station: station,
        })
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
