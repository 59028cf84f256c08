//! What agents' pages said and were told, as part of the story.
//!
//! Must never: count one agent twice.

use std::sync::Arc;

use super::Story;
use crate::law::page::{Errand, PageAnswer, PageState};
use crate::shells::report::agent::{Happening, shared};
use crate::shells::report::control::Side;
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

impl Story {
    pub(super) fn page_said(&mut self, at: Timestamp, seat: Seat, state: PageState) {
        let is_after = self.side() == Side::AfterTheClaim;
        self.with(seat, |agent| {
            if is_after {
                agent.page_first.get_or_insert(state);
            }
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
        let is_before = self.side() == Side::BeforeTheClaim;
        self.with(seat, |agent| {
            if is_a_token {
                agent.hand_over = hand_over;
                if is_before {
                    agent.at_publish.hand_over = hand_over;
                }
            }
            agent.add(at, Happening::PageTold(errand, words));
        });
    }
}
