//! The page that plays an agent: which streams it has, which token it uses, and when it is registered.
//!
//! Must never: take a call of some other program for the page's; only a browser says where its page comes from.

use std::collections::VecDeque;

use super::book::Noted;
use super::faults::Refusals;
use super::session::{Person, Sent};
use crate::twin::truth::Cure;
use crate::twin::world::{Owner, Socket, Twin};
use crate::words::http::Request;

/// What the twin keeps of an agent that is, or was asked to be, played by a page.
#[derive(Debug, Clone, Default)]
pub(in crate::twin) struct Page {
    /// Whether a stream was ever bound: from then on the agent is played by a page.
    pub plays: bool,
    /// The streams that are bound now, oldest first.
    pub streams: Vec<u64>,
    pub refusals: Refusals,
    pub noted: VecDeque<Noted>,
    /// The channel of the last bound stream.
    pub channel: Option<usize>,
}

/// Whether a request was sent by a page in a browser.
pub(in crate::twin) fn by_a_page(request: &Request) -> bool {
    request.header_value("origin").is_some() || request.header_value("sec-fetch-mode").is_some()
}

impl Twin {
    /// Whether a page plays the agent.
    pub(in crate::twin) fn played_by_a_page(&self, i: usize) -> bool {
        self.agents.get(i).and_then(|a| a.page.as_ref()).is_some_and(|p| p.plays)
    }

    pub(super) fn page_mut(&mut self, i: usize) -> Option<&mut Page> {
        Some(self.agents.get_mut(i)?.page.get_or_insert_default())
    }

    /// The streams of an agent that are bound.
    pub(super) fn streams_of(&self, i: usize) -> Vec<u64> {
        self.agents.get(i).and_then(|a| a.page.as_ref()).map(|p| p.streams.clone()).unwrap_or_default()
    }

    /// A stream is bound: the page is there, with this token. A second stream on a channel ends the first (API.md section 11).
    pub(super) fn seat(&mut self, person: Person, id: u64) {
        let Person { agent: i, token } = person;
        let channel = self.lines.streams.get(&id).and_then(|s| s.channel);
        let same_channel = |other: &u64| self.lines.streams.get(other).is_some_and(|s| s.channel == channel);
        let replaced: Vec<u64> = self.streams_of(i).into_iter().filter(same_channel).collect();
        let Some(page) = self.page_mut(i) else { return };
        let cure = if page.plays && page.channel == channel { Cure::ByItself } else { Cure::Reload };
        page.plays = true;
        page.streams.push(id);
        page.channel = channel;
        for old in replaced {
            self.finish(old, Sent::Cut);
        }
        if let Some(held) = channel.and_then(|at| self.channels.get_mut(at)) {
            held.stream = Some(id);
        }
        self.use_token(i, token);
        let now = self.now;
        let Some(agent) = self.agents.get_mut(i) else { return };
        agent.logged_in = agent.logged_in.or(Some(now));
        agent.forced_out = false;
        agent.socket = Socket::Up;
        self.tell_phone(i);
        self.review(i, Some(cure));
    }

    /// A stream is no more. Whether the page tries again is for the page to know.
    pub(super) fn forget_stream(&mut self, id: u64) {
        let Some(stream) = self.lines.streams.remove(&id) else { return };
        if let Some(held) = stream.channel.and_then(|at| self.channels.get_mut(at)).filter(|c| c.stream == Some(id)) {
            held.stream = None;
        }
        let Some((i, _)) = stream.bound() else { return };
        let Some(page) = self.page_mut(i) else { return };
        page.streams.retain(|held| *held != id);
        let gone = page.streams.is_empty();
        self.note(i, "stream", "ended", Some(id));
        if !gone {
            return;
        }
        if let Some(agent) = self.agents.get_mut(i).filter(|a| a.socket == Socket::Up) {
            agent.socket = Socket::Retrying;
        }
        self.tell_phone(i);
        self.review(i, None);
    }

    /// The page uses this token now.
    fn use_token(&mut self, i: usize, token: usize) {
        let held = self.agents.get(i).and_then(|a| a.page_token);
        if held != Some(token) {
            self.give_page(i, token);
        }
    }

    /// A call to the API by a page, with whatever token: what it uses is what it holds.
    pub(in crate::twin) fn note_page_call(&mut self, request: &Request, token: Option<usize>) {
        if !by_a_page(request) {
            return;
        }
        let Some(token) = token else { return };
        let Some(Owner::Agent(i)) = self.tokens.get(token).map(|t| t.owner) else { return };
        if !self.token_valid(token) {
            let told = format!("401 {} {}", request.method.as_str(), request.path());
            self.note(i, "http", &told, None);
        }
        if self.played_by_a_page(i) && self.agents.get(i).is_some_and(|a| a.page_token != Some(token)) {
            self.use_token(i, token);
            self.review(i, Some(Cure::Token));
        }
    }

    /// Cuts every stream of an agent, bound or not yet.
    pub(in crate::twin) fn cut_streams(&mut self, i: usize) -> usize {
        let streams = self.streams_of(i);
        for id in &streams {
            self.note(i, "stream", "cut", Some(*id));
            self.finish(*id, Sent::Cut);
        }
        streams.len()
    }
}
