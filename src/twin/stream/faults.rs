//! What can be done to real softphones from outside: revoke, cut, silence, refuse; and the login of a page.
//!
//! Must never: touch an agent that was not named.

use super::say;
use super::session::{Sent, Stage};
use crate::twin::answer::Problem;
use crate::twin::scenario::Kind;
use crate::twin::world::{Client, Twin};
use crate::words::clock::Timestamp;
use crate::words::http::Request;

/// Until when an agent's softphone is refused, and where.
#[derive(Debug, Clone, Default)]
pub(in crate::twin) struct Refusals {
    login: Option<(Timestamp, &'static str)>,
    handshake: Option<Timestamp>,
    channel: Option<(Timestamp, u16)>,
    path: Option<(Timestamp, PathRefusal)>,
}

/// An answer to some of an agent's API calls, whatever token they carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PathRefusal {
    /// Paths that start so are meant.
    pub path_starts: String,
    pub status: u16,
    pub retry_after_s: Option<i64>,
}

/// Where a softphone can be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// At the login, with a condition of RFC 6120, section 6.5.
    Login(&'static str),
    /// At the WebSocket handshake.
    Handshake,
    /// When it asks for a channel, with an HTTP status.
    Channel(u16),
    /// When it calls certain paths.
    Path(PathRefusal),
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
        let told = format!("{refusal:?} is refused until {until}");
        let Some(page) = self.page_mut(i) else { return };
        match refusal {
            Refusal::Login(condition) => page.refusals.login = Some((until, condition)),
            Refusal::Handshake => page.refusals.handshake = Some(until),
            Refusal::Channel(status) => page.refusals.channel = Some((until, status)),
            Refusal::Path(path) => page.refusals.path = Some((until, path)),
        }
        self.note(i, "fault", &told, None);
    }

    fn refusals(&self, i: usize) -> Option<&Refusals> {
        self.agents.get(i).and_then(|a| a.page.as_ref()).map(|p| &p.refusals)
    }

    pub(super) fn refuses_login(&self, i: usize) -> Option<&'static str> {
        self.refusals(i)?.login.filter(|(until, _)| self.now < *until).map(|(_, condition)| condition)
    }

    pub(super) fn refuses_handshake(&self, i: usize) -> bool {
        self.refusals(i).and_then(|r| r.handshake).is_some_and(|until| self.now < until)
    }

    /// The status with which a request for a channel is refused now.
    pub(in crate::twin) fn refuses_channel(&self, i: usize) -> Option<u16> {
        self.refusals(i)?.channel.filter(|(until, _)| self.now < *until).map(|(_, status)| status)
    }

    /// The answer that a call of this agent gets instead of its own, if it is refused.
    pub(in crate::twin) fn refuses_path(&mut self, i: usize, request: &Request) -> Result<(), Problem> {
        let refused = self.refusals(i).and_then(|r| r.path.as_ref()).filter(|(until, _)| self.now < *until);
        let Some((_, refused)) = refused.filter(|(_, r)| request.path().starts_with(&r.path_starts)) else {
            return Ok(());
        };
        let (code, told) =
            (refused.status, format!("{} {} {}", refused.status, request.method.as_str(), request.path()));
        let mut problem = match (code, refused.retry_after_s) {
            (401, None) => Problem::credentials(),
            (429, wait_s) => Problem::too_many(wait_s.unwrap_or(1)),
            (503, None) => Problem::unavailable(),
            (status, _) => Problem::new(status, "refused", "Refused by hand."),
        };
        if let Some(wait_s) = refused.retry_after_s.filter(|_| problem.headers.is_empty()) {
            problem.headers.push(("retry-after", wait_s.to_string()));
        }
        self.note(i, "http", &told, None);
        Err(problem)
    }

    /// The bound streams of the agent are closed in order, as before maintenance.
    pub(super) fn close_streams(&mut self, i: usize) -> usize {
        let streams = self.streams_of(i);
        for id in &streams {
            self.note(i, "stream", "closed", Some(*id));
            self.say(*id, say::close());
            self.finish(*id, Sent::Close);
        }
        streams.len()
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
