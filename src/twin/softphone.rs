//! The model of an agent's softphone (SOFTPHONE.md sections 5 and 6): when it works, what breaks it, what cures it.
//!
//! Must never: let a softphone that has given up come back by a token alone; only a new initialisation revives it.

use super::agenda::Due;
use super::scenario::Kind;
use super::truth::{Cure, Touch};
use super::world::{CallState, Client, Owner, Socket, Token, Twin};
use crate::twin::limit::Window;
use crate::words::clock::Timestamp;

/// How many touches of one agent are remembered.
const TOUCHES_MAX: usize = 64;
/// A person on a call reloads the page only after it; so many milliseconds later.
const AFTER_CALL_MS: i64 = 30_000;

impl Twin {
    /// Whether a token opens doors now.
    pub(super) fn token_valid(&self, token: usize) -> bool {
        self.tokens.get(token).is_some_and(|t| t.revoked.is_none() && self.now < t.expires)
    }

    /// Whether the agent's softphone could take a call: page open, token good, socket up, station associated, phone working.
    pub(super) fn media_ready(&self, i: usize) -> bool {
        let Some(agent) = self.agents.get(i) else { return false };
        agent.logged_in.is_some()
            && agent.socket == Socket::Up
            && agent.station.associated_at.is_some()
            && !agent.phone_stuck
            && !agent.broken
            && !agent.leg_failed
            && agent.page_token.is_some_and(|t| self.token_valid(t))
            && self.page_hears(i)
    }

    /// Looks at the softphone after something has changed and keeps the books of its grey times.
    pub(super) fn review(&mut self, i: usize, cure: Option<Cure>) {
        self.tell_leg(i);
        let ready = self.media_ready(i);
        let now = self.now;
        let Some(agent) = self.agents.get_mut(i) else { return };
        let grey = (agent.logged_in.is_some() || agent.forced_out) && !ready;
        match (agent.grey_since, grey) {
            (None, true) => {
                agent.grey_since = Some(now);
                agent.story.grey_times += 1;
                if self.scenario.people.reload_by_hand {
                    let at = now.max(agent.shift_start) + agent.notice_ms;
                    self.schedule(at, Due::Notice(i, now));
                }
            }
            (Some(since), false) => {
                let (total, on_shift) = agent.grey_between(since, now);
                agent.story.grey_total_ms += total;
                agent.story.grey_on_shift_ms += on_shift;
                agent.grey_since = None;
                if ready {
                    agent.story.cured_by = cure.or(agent.story.cured_by);
                }
            }
            (None, false) | (Some(_), true) => {}
        }
    }

    /// Issues an access token of an agent.
    pub(super) fn issue(&mut self, i: usize, client: Client) -> usize {
        let expires = self.now + self.scenario.tokens.agent_expires_in_s.saturating_mul(1000);
        let token = self.tokens.len();
        let window = Window::default();
        self.tokens.push(Token { owner: Owner::Agent(i), client, issued: self.now, expires, revoked: None, window });
        if let Some(agent) = self.agents.get_mut(i) {
            agent.tokens.push(token);
        }
        self.tell_token(i, token);
        token
    }

    pub(super) fn give_page(&mut self, i: usize, token: usize) {
        let expires = self.tokens.get(token).map_or(self.now, |t| t.expires);
        if let Some(agent) = self.agents.get_mut(i) {
            agent.page_token = Some(token);
            self.schedule(expires, Due::Expires(i));
        }
    }

    /// The agent opens the page and logs in: new token, new socket, the remembered station.
    pub(super) fn log_in(&mut self, i: usize) {
        if self.played_by_a_page(i) {
            return;
        }
        let token = self.issue(i, Client::Page);
        self.give_page(i, token);
        let now = self.now;
        let Some(agent) = self.agents.get_mut(i) else { return };
        agent.logged_in = Some(now);
        agent.forced_out = false;
        agent.socket = if agent.broken { Socket::GivenUp } else { Socket::Up };
        agent.leg_failed = false;
        let had_station = agent.station.associated_at.is_some();
        agent.station.associated_at = agent.station.associated_at.or(Some(now));
        if !had_station {
            self.tell_station(i);
        }
        self.tell_phone(i);
        self.review(i, Some(Cure::Login));
    }

    /// A refreshed token reaches the page, if it is still open and nothing newer is there.
    pub(super) fn hand_over(&mut self, i: usize, token: usize) {
        if self.played_by_a_page(i) {
            return;
        }
        let Some(agent) = self.agents.get_mut(i) else { return };
        if agent.logged_in.is_none() || agent.page_token.is_some_and(|held| held > token) {
            return;
        }
        agent.story.hand_overs += 1;
        self.give_page(i, token);
        self.review(i, Some(Cure::Token));
    }

    /// What an applied publish does to the sessions of its business unit's agents, as the scenario has it.
    pub(super) fn strike(&mut self, unit: usize, purge_cache: bool) {
        let revoke = self.scenario.revoke;
        let spares = self.scenario.reported.purge_cache_spares_share;
        let purge = purge_cache && self.scenario.reported.offered;
        for i in self.agents_of(unit) {
            let spared = purge && self.luck.chance(spares);
            self.strike_one(i, spared);
        }
        if revoke.on_publish {
            self.schedule_in(revoke.cut_after_s, Due::Cut(unit));
        }
    }

    fn strike_one(&mut self, i: usize, spared: bool) {
        let revoke = self.scenario.revoke;
        let Some(agent) = self.agents.get(i) else { return };
        let (kind, open) = (agent.kind, agent.logged_in.is_some());
        if revoke.on_publish && kind == Kind::TokenRevokedSocketUp {
            self.revoke_tokens(i, self.now);
        } else if revoke.on_publish && !spared {
            self.revoke_tokens(i, self.now - revoke.tokens_older_than_s.saturating_mul(1000));
        }
        let Some(agent) = self.agents.get_mut(i).filter(|_| open) else { return };
        match kind {
            Kind::StationLost => {
                agent.station = Default::default();
                self.tell_station(i);
            }
            Kind::PhoneStale => {
                agent.phone_stuck = true;
                self.tell_phone(i);
            }
            Kind::Incurable => agent.broken = true,
            Kind::MediaLegFailed => agent.leg_failed = true,
            Kind::Healthy
            | Kind::NotEnrolled
            | Kind::HandOverMissed
            | Kind::RefreshTokenDead
            | Kind::TokenRevokedSocketUp
            | Kind::Stubborn
            | Kind::BlocksMissing => {}
        }
        self.review(i, None);
    }

    /// Revokes the agent's tokens issued up to an instant.
    pub(super) fn revoke_tokens(&mut self, i: usize, issued_until: Timestamp) {
        let Some(agent) = self.agents.get(i) else { return };
        let held = agent.page_token.filter(|t| self.token_valid(*t));
        let ends = |t: &usize| self.tokens.get(*t).is_some_and(|t| t.issued <= issued_until && t.revoked.is_none());
        let revoked: Vec<usize> = agent.tokens.iter().copied().filter(ends).collect();
        for token in revoked {
            if let Some(token) = self.tokens.get_mut(token) {
                token.revoked = Some(self.now);
            }
            self.tell_token(i, token);
        }
        if held.is_some_and(|t| self.played_by_a_page(i) && !self.token_valid(t)) {
            self.note(i, "token", "the page's is revoked", None);
        }
        self.close_channels_of(i);
    }

    /// All sockets of a business unit's agents are cut, but for those of the kind that keeps it. Everyone tries again once, at the same time.
    pub(super) fn cut_sockets(&mut self, unit: usize) {
        let reconnect_s = self.scenario.softphone.reconnect_s;
        for i in self.agents_of(unit) {
            if self.played_by_a_page(i) {
                self.cut_by_publish(i);
                continue;
            }
            let Some(agent) = self.agents.get_mut(i) else { continue };
            if agent.socket != Socket::Up || agent.kind == Kind::TokenRevokedSocketUp {
                continue;
            }
            agent.socket = Socket::Retrying;
            self.schedule_in(reconnect_s, Due::Reconnect(i));
            self.tell_phone(i);
            self.review(i, None);
        }
    }

    /// A softphone that a remedy for somebody else has hit: cut, and its client gives up.
    pub(super) fn cut_for_good(&mut self, i: usize) {
        if self.played_by_a_page(i) {
            self.cut_streams(i);
            return;
        }
        let Some(agent) = self.agents.get_mut(i).filter(|a| a.socket == Socket::Up) else { return };
        agent.socket = Socket::GivenUp;
        self.tell_phone(i);
        self.review(i, None);
    }

    /// A phone that a remedy for somebody else has hit: offline, until it is rebooted itself.
    pub(super) fn drop_phone(&mut self, i: usize) {
        let Some(agent) = self.agents.get_mut(i).filter(|a| a.logged_in.is_some()) else { return };
        agent.phone_stuck = true;
        self.tell_phone(i);
        self.review(i, None);
    }

    /// A remedy hits a share of those whom it was not about, so many seconds from now (fault).
    pub(super) fn hit_others(&mut self, about: &[usize], share: f64, seconds: i64, hit: impl Fn(usize) -> Due) {
        if share > 0.0 {
            for i in (0..self.agents.len()).filter(|i| !about.contains(i)) {
                if self.luck.chance(share) {
                    self.schedule_in(seconds, hit(i));
                }
            }
        }
    }

    /// The one attempt after a cut: back with a good token, dead for good without.
    pub(super) fn reconnect(&mut self, i: usize) {
        if self.played_by_a_page(i) {
            return;
        }
        let good = self.agents.get(i).and_then(|a| a.page_token).is_some_and(|t| self.token_valid(t));
        let Some(agent) = self.agents.get_mut(i) else { return };
        if agent.socket != Socket::Retrying {
            return;
        }
        agent.socket = if good && !agent.broken { Socket::Up } else { Socket::GivenUp };
        self.tell_phone(i);
        self.review(i, Some(Cure::ByItself));
    }

    /// A session reset has reached the page, if one is open.
    pub(super) fn finish_reset(&mut self, i: usize) {
        // Nothing that a page would hear of is known to come of it (API.md section 13).
        if self.played_by_a_page(i) {
            return;
        }
        let Some(agent) = self.agents.get_mut(i) else { return };
        if agent.logged_in.is_none() {
            return;
        }
        agent.resets_done += 1;
        if agent.broken || (agent.kind == Kind::Stubborn && agent.resets_done == 1) {
            return;
        }
        self.initialise(i, Cure::Reset);
    }

    /// The softphone starts anew with a new token.
    fn initialise(&mut self, i: usize, cure: Cure) {
        let token = self.issue(i, Client::Page);
        self.give_page(i, token);
        if let Some(agent) = self.agents.get_mut(i) {
            agent.socket = Socket::Up;
            agent.leg_failed = false;
        }
        self.tell_phone(i);
        self.review(i, Some(cure));
    }

    /// A rebooted phone is back.
    pub(super) fn finish_reboot(&mut self, i: usize) {
        let Some(agent) = self.agents.get_mut(i) else { return };
        agent.phone_stuck = false;
        self.tell_phone(i);
        self.review(i, Some(Cure::Reboot));
    }

    /// The person sees a softphone that has been grey since then, and reloads the page.
    pub(super) fn notice(&mut self, i: usize, since: Timestamp) {
        if self.played_by_a_page(i) {
            return;
        }
        let now = self.now;
        let Some(agent) = self.agents.get_mut(i) else { return };
        if agent.grey_since != Some(since) || agent.broken || agent.logged_in.is_none() {
            return;
        }
        if let Some(call) = agent.call.filter(|c| c.state == CallState::Active) {
            self.schedule(call.end.max(now) + AFTER_CALL_MS, Due::Notice(i, since));
            return;
        }
        agent.phone_stuck = false;
        let had_station = agent.station.associated_at.is_some();
        agent.station.associated_at = agent.station.associated_at.or(Some(now));
        if !had_station {
            self.tell_station(i);
        }
        self.initialise(i, Cure::Reload);
    }

    /// Writes down that someone has laid a hand on the agent.
    pub(super) fn touch(&mut self, i: usize, touch: Touch) {
        let now = self.now;
        let Some(agent) = self.agents.get_mut(i) else { return };
        if agent.story.touches.len() < TOUCHES_MAX {
            agent.story.touches.push((touch, now));
        }
        if agent.on_call() {
            agent.story.touched_while_on_call += 1;
            self.counters.touched_on_call += 1;
            let into_ms = agent.call.map(|call| now.since_ms(call.start)).filter(|_| touch != Touch::Associated);
            self.counters.touched_into_call_ms_max = self.counters.touched_into_call_ms_max.max(into_ms);
        }
    }
}
