//! The companions in agents' pages, as far as the model of a softphone knows them: what one would report, and what it does when
//! told (SOFTPHONE.md sections 6 to 8). Whoever plays the companions of a rehearsal or a simulation speaks through this.
//!
//! Must never: let a companion do what the one in a real page could not: nothing happens in a page that is closed, and nothing is
//! initialised anew while a call is up.

use super::agenda::Due;
use super::truth::Cure;
use super::world::{CallState, Socket, Twin};
use crate::words::clock::Timestamp;
use crate::words::id::AgentId;
use crate::words::secret::Secret;

/// What a companion sees in its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageTruth {
    /// The softphone's socket.
    pub socket: PageSocket,
    /// Whether the softphone has a station.
    pub station: bool,
    /// Whether an HTTP call with the softphone's own token is answered with 200; otherwise with 401.
    pub token_good: bool,
    /// Whether a call is up.
    pub call: bool,
}

/// A softphone's socket as its page knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageSocket {
    /// Connected.
    Up,
    /// It tries again by itself.
    Retrying,
    /// It has given up for good.
    GivenUp,
}

/// What became of something that a companion was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageDone {
    /// It was done.
    Done,
    /// It will be done when the call has ended.
    Deferred,
    /// The softphone was refused.
    Refused,
}

impl Twin {
    /// The agents whose page is open at `now`, with a companion in it, in the order of the org's people.
    pub fn pages(&mut self, now: Timestamp) -> Vec<AgentId> {
        self.advance(now);
        (0..self.agents.len())
            .filter(|i| self.has_companion(*i))
            .filter_map(|i| Some(self.agents.get(i)?.id.clone()))
            .collect()
    }
    /// What the agent's companion sees; `None` when no page is open with one in it.
    pub fn page(&mut self, now: Timestamp, agent: &AgentId) -> Option<PageTruth> {
        let i = self.page_of(now, agent)?;
        let agent = self.agents.get(i)?;
        let socket = match agent.socket {
            Socket::Up => PageSocket::Up,
            Socket::Retrying => PageSocket::Retrying,
            Socket::GivenUp | Socket::Closed => PageSocket::GivenUp,
        };
        Some(PageTruth {
            socket,
            station: agent.station.associated_at.is_some(),
            token_good: agent.page_token.is_some_and(|token| self.token_valid(token)),
            call: agent.call.is_some_and(|call| call.state == CallState::Active),
        })
    }
    /// The access token that the page holds, valid or not.
    pub fn page_token(&mut self, now: Timestamp, agent: &AgentId) -> Option<Secret> {
        let i = self.page_of(now, agent)?;
        let token = self.agents.get(i)?.page_token?;
        Some(Secret::new(self.token_text(token)))
    }
    /// The companion takes a new token over; a softphone that has given up is initialised with it, after the call if one is up.
    pub fn page_takes(&mut self, now: Timestamp, agent: &AgentId, token: &Secret) -> Option<PageDone> {
        let i = self.page_of(now, agent)?;
        self.take(i, token);
        let given_up = self.agents.get(i).is_some_and(|agent| agent.socket == Socket::GivenUp);
        Some(if given_up { self.revive(i) } else { PageDone::Done })
    }
    /// The companion initialises the softphone again, with a new token if there is one; after the call if one is up.
    pub fn page_revives(&mut self, now: Timestamp, agent: &AgentId, token: Option<&Secret>) -> Option<PageDone> {
        let i = self.page_of(now, agent)?;
        token.into_iter().for_each(|token| self.take(i, token));
        Some(self.revive(i))
    }

    fn page_of(&mut self, now: Timestamp, agent: &AgentId) -> Option<usize> {
        self.advance(now);
        self.find_agent(agent.as_str()).ok().filter(|i| self.has_companion(*i))
    }

    fn has_companion(&self, i: usize) -> bool {
        let in_its_page = |agent: &super::world::Agent| agent.logged_in.is_some() && agent.kind.gets_hand_over();
        self.scenario.softphone.companions && self.agents.get(i).is_some_and(in_its_page)
    }

    fn take(&mut self, i: usize, token: &Secret) {
        if let Some(token) = self.find_token(token.expose()) {
            self.hand_over(i, token);
        }
    }

    /// Initialises the softphone, or does so when the call has ended.
    pub(super) fn revive(&mut self, i: usize) -> PageDone {
        let good = self.agents.get(i).and_then(|agent| agent.page_token).is_some_and(|token| self.token_valid(token));
        let Some(agent) = self.agents.get_mut(i) else { return PageDone::Refused };
        if let Some(call) = agent.call.filter(|call| call.state == CallState::Active) {
            let at = call.end.max(self.now + 1);
            self.schedule(at, Due::Revive(i));
            return PageDone::Deferred;
        }
        let works = good && !agent.broken;
        agent.socket = if works { Socket::Up } else { Socket::GivenUp };
        self.tell_phone(i);
        self.review(i, Some(Cure::Companion));
        if works { PageDone::Done } else { PageDone::Refused }
    }
}
