//! What people told the run, as its story takes it in.
//!
//! Must never: judge; an order that was refused changes nothing here.

use super::Story;
use super::gate::Gate;
use crate::law::event::Event;
use crate::law::order::Wish;
use crate::law::run::Brake;
use crate::shells::report::agent::{Happening, shared};
use crate::shells::report::control::words_with;
use crate::shells::report::words::{clean, cut};
use crate::words::clock::Timestamp;
use crate::words::id::AgentId;

/// The longest name in a line, in columns.
const NAME_COLUMNS_MAX: usize = 40;

impl Story {
    /// [`control_words`](crate::shells::report::control::control_words) with agents' names.
    #[must_use]
    pub fn control_words(&self, event: &Event) -> Option<String> {
        let name = |agent: &AgentId| {
            let member = self.seats.get(agent).and_then(|seat| self.plan.as_ref()?.member(*seat));
            member.map_or_else(|| format!("agent {agent}"), |member| cut(&clean(&member.name), NAME_COLUMNS_MAX))
        };
        words_with(event, self.side(), name)
    }

    pub(super) fn ordered(&mut self, wish: Wish) {
        let side = self.side();
        self.at_the_gate(|gate| gate.ordered(wish, side));
    }

    pub(super) fn at_the_gate(&mut self, change: impl FnOnce(&mut Gate)) {
        if let Some(gate) = &mut self.gate {
            change(gate);
        }
    }

    /// Whether remedies go on.
    #[must_use]
    pub fn remedies(&self) -> Brake {
        self.gate.as_ref().map_or(Brake::Released, Gate::remedies)
    }

    /// What is ordered for one agent is a moment of that agent.
    pub(super) fn ordered_for(&mut self, at: Timestamp, agent: Option<&AgentId>, who: &str, why: &str) {
        let Some(seat) = agent.and_then(|agent| self.seats.get(agent)).copied() else { return };
        let words = shared(&format!("{who}: {why}"));
        self.with(seat, |agent| agent.add(at, Happening::Retried(words)));
    }
}
