//! What can be done to real softphones from outside: revoke, cut, silence, refuse; and the login of a page.
//!
//! Must never: touch an agent that was not named.

use super::session::Stage;
use crate::twin::scenario::Kind;
use crate::twin::world::{Client, Twin};
use crate::words::clock::Timestamp;

/// Until when an agent's softphone is refused, and where.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::twin) struct Refusals {
    login: Option<(Timestamp, &'static str)>,
    handshake: Option<Timestamp>,
    channel: Option<(Timestamp, u16)>,
}

/// Where a softphone can be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// At the login, with a condition of RFC 6120, section 6.5.
    Login(&'static str),
    /// At the WebSocket handshake.
    Handshake,
    /// When it asks for a channel, with an HTTP status.
    Channel(u16),
}

/// The conditions that a login may be refused with; a client retries some of them (SOFTPHONE.md section 5).
pub(super) const CONDITIONS: [&str; 8] = [
    "not-authorized",
    "temporary-auth-failure",
    "encryption-required",
    "incorrect-encoding",
    "invalid-mechanism",
    "malformed-request",
    "mechanism-too-weak",
    "account-disabled",
];

impl Twin {
    /// Refuses an agent's softphone somewhere until an instant.
    pub(super) fn refuse(&mut self, i: usize, refusal: Refusal, until: Timestamp) {
        let Some(page) = self.page_mut(i) else { return };
        match refusal {
            Refusal::Login(condition) => page.refusals.login = Some((until, condition)),
            Refusal::Handshake => page.refusals.handshake = Some(until),
            Refusal::Channel(status) => page.refusals.channel = Some((until, status)),
        }
        let told = format!("{refusal:?} is refused until {until}");
        self.note(i, "fault", &told, None);
    }

    fn refusals(&self, i: usize) -> Refusals {
        self.agents.get(i).and_then(|a| a.page.as_ref()).map(|p| p.refusals).unwrap_or_default()
    }

    pub(super) fn refuses_login(&self, i: usize) -> Option<&'static str> {
        self.refusals(i).login.filter(|(until, _)| self.now < *until).map(|(_, condition)| condition)
    }

    pub(super) fn refuses_handshake(&self, i: usize) -> bool {
        self.refusals(i).handshake.is_some_and(|until| self.now < until)
    }

    /// The status with which a request for a channel is refused now.
    pub(in crate::twin) fn refuses_channel(&self, i: usize) -> Option<u16> {
        self.refusals(i).channel.filter(|(until, _)| self.now < *until).map(|(_, status)| status)
    }

    /// Every access token of the agent is revoked; refresh tokens and sockets stay.
    pub(super) fn revoke_by_hand(&mut self, i: usize) {
        self.note(i, "fault", "tokens are revoked", None);
        self.revoke_tokens(i, self.now);
        self.review(i, None);
    }

    /// The bound streams of the agent hear everything and say nothing from now on, until they end.
    pub(super) fn silence(&mut self, i: usize) -> usize {
        let mut silenced = 0;
        for id in self.streams_of(i) {
            self.note(i, "fault", "made silent", Some(id));
            if let Some(stream) = self.lines.streams.get_mut(&id).filter(|s| matches!(s.stage, Stage::Bound(..))) {
                stream.silent = true;
                silenced += 1;
            }
        }
        silenced
    }

    /// A page's access token, as if the agent had logged in so long ago: old enough for a publish to revoke it.
    pub(super) fn log_in_page(&mut self, i: usize, age_ms: i64) -> usize {
        let token = self.issue(i, Client::Page);
        if let Some(token) = self.tokens.get_mut(token) {
            token.issued = token.issued - age_ms;
            token.expires = token.expires - age_ms;
        }
        let now = self.now;
        let had_station = self.agents.get(i).is_some_and(|a| a.station.associated_at.is_some());
        if let Some(agent) = self.agents.get_mut(i) {
            agent.station.associated_at = agent.station.associated_at.or(Some(now));
        }
        if !had_station {
            self.tell_station(i);
        }
        self.note(i, "token", "issued to a page", None);
        token
    }

    /// Sockets of the agent are cut by a publish, as the scenario has it: not for the kind that keeps them.
    pub(in crate::twin) fn cut_by_publish(&mut self, i: usize) {
        if self.agents.get(i).is_some_and(|a| a.kind != Kind::TokenRevokedSocketUp) {
            self.cut_streams(i);
        }
    }
}
