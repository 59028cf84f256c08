//! How many agents have which verdict.
//!
//! Must never: leave an agent out; one without a verdict is unknown.

use serde::{Deserialize, Serialize};

use crate::law::verdict::Verdict;

/// How many agents have which verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Ready without help.
    pub ready: u32,
    /// Ready after a remedy.
    pub recovered: u32,
    /// On a call or logged out.
    pub deferred: u32,
    /// Not ready.
    pub stragglers: u32,
    /// A signal is missing.
    pub unknown: u32,
}

impl Tally {
    /// Counts verdicts; an agent without one counts as unknown.
    #[must_use]
    pub fn of(verdicts: impl Iterator<Item = Option<Verdict>>) -> Tally {
        let mut tally = Tally::default();
        for verdict in verdicts {
            match verdict {
                Some(Verdict::Ready) => tally.ready += 1,
                Some(Verdict::Recovered { .. }) => tally.recovered += 1,
                Some(Verdict::Deferred { .. }) => tally.deferred += 1,
                Some(Verdict::Straggler { .. }) => tally.stragglers += 1,
                Some(Verdict::Unknown { .. }) | None => tally.unknown += 1,
            }
        }
        tally
    }
    /// All of them.
    #[must_use]
    pub fn total(self) -> u32 {
        self.ready + self.recovered + self.deferred + self.stragglers + self.unknown
    }
}
