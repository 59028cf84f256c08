//! What agents' pages said and were told, as part of the story.
//!
//! Must never: count one agent twice.

use std::sync::Arc;

use super::Story;
use crate::law::page::{Errand, PageAnswer, PageState};
use crate::shells::report::agent::{Happening, shared};
use crate::words::clock::Timestamp;
use crate::words::id::Seat;

/// Whether a new token has reached an agent's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HandOver {
    /// There was none to hand over.
    #[default]
    None,
    /// The page has it, or will after its call.
    Made,
    /// No page was connected.
    NoPage,
    /// The page did not take it, or did not answer.
    Missed,
}

/// How many agents' new tokens have reached their pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PageCounts {
    /// The page has it.
    pub made: u32,
    /// No page was connected.
    pub no_page: u32,
    /// The page did not take it, or did not answer.
    pub missed: u32,
}

impl PageCounts {
    /// What became of the hand-overs, in words; `None` when there was nothing to hand over.
    #[must_use]
    pub fn words(self) -> Option<String> {
        let total = self.made + self.no_page + self.missed;
        if total == 0 {
            return None;
        }
        let mut words = format!("{} of {total} new tokens handed to the agent's page", self.made);
        if self.no_page > 0 {
            words += &format!(", {} had no page connected", self.no_page);
        }
        if self.missed > 0 {
            words += &format!(", {} were not taken", self.missed);
        }
        Some(words)
    }
}

impl Story {
    /// How many agents' new tokens have reached their pages.
    #[must_use]
    pub fn pages(&self) -> PageCounts {
        let mut counts = PageCounts::default();
        for (.., agent) in self.everyone() {
            match agent.hand_over {
                HandOver::None => {}
                HandOver::Made => counts.made += 1,
                HandOver::NoPage => counts.no_page += 1,
                HandOver::Missed => counts.missed += 1,
            }
        }
        counts
    }

    pub(super) fn page_said(&mut self, at: Timestamp, seat: Seat, state: PageState) {
        self.with(seat, |agent| {
            if agent.seen.page != state {
                agent.seen.page = state;
                agent.add(at, Happening::PageSaid(state));
            }
        });
    }

    pub(super) fn page_told(&mut self, at: Timestamp, seat: Seat, errand: Errand, answer: &PageAnswer) {
        let is_a_token = match errand {
            Errand::Token | Errand::Renew => true,
            Errand::Revive | Errand::AskToReload | Errand::AskToSignIn => false,
        };
        let hand_over = match answer {
            PageAnswer::Done | PageAnswer::Deferred => HandOver::Made,
            PageAnswer::NoPage => HandOver::NoPage,
            PageAnswer::Failed { .. } | PageAnswer::NoAnswer => HandOver::Missed,
        };
        let words: Arc<str> = shared(&answer.words());
        self.with(seat, |agent| {
            if is_a_token {
                agent.hand_over = hand_over;
            }
            agent.add(at, Happening::PageTold(errand, words));
        });
    }
}
