//! The small states that a run is made of, each with the words for what it means.
//!
//! Must never: change but by an event; `Run::apply` is the only one that does.

use crate::law::command::FailureKind;
use crate::law::event::{Drift, Wait};
use crate::law::plan::Approval;
use crate::words::clock::Timestamp;
use crate::words::id::Seat;

/// What is known about the publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishState {
    /// Not claimed: it cannot have been sent.
    Unclaimed,
    /// Claimed: it may be on its way.
    Claimed,
    /// The platform took it.
    Accepted {
        /// Since when its completion is looked for.
        since: Timestamp,
    },
    /// Nobody knows.
    Doubted {
        /// Since when it is looked for.
        since: Timestamp,
        /// What left it in doubt.
        kind: Option<FailureKind>,
    },
    /// Proven not done.
    NotDone {
        /// When it may be claimed again; `None` when it may not.
        again_at: Option<Timestamp>,
    },
    /// Seen published.
    Confirmed {
        /// When.
        at: Timestamp,
    },
}

/// Whether the media-token probe may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeUse {
    /// Allowed by the plan, and not refused by the org so far.
    Open,
    /// Not allowed, or not offered.
    Closed,
}

/// What the newest preflight found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preflighted {
    /// When its answer came.
    pub at: Timestamp,
    /// Why the publish cannot be made as things are, if it cannot.
    pub stops: Option<String>,
}

/// The newest look at everybody before the publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// When it began.
    pub since: Timestamp,
    /// Who is at risk from then on, in the order of seats: who was ready, and whoever had been and could not be told.
    pub at_risk: Vec<Seat>,
}

/// Whether remedies go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Brake {
    /// They do.
    #[default]
    Released,
    /// They stopped; a person decides.
    Applied,
    /// A person let them go on; the brake does not stop them again.
    Overruled,
    /// A person stopped them for good.
    Aborted,
}

impl Brake {
    /// Whether no remedy may be started.
    #[must_use]
    pub fn stops(self) -> bool {
        match self {
            Brake::Applied | Brake::Aborted => true,
            Brake::Released | Brake::Overruled => false,
        }
    }
}

/// Whether somebody has approved the publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approved {
    /// Somebody has.
    Yes,
    /// Nobody has so far.
    NotYet,
}

/// Whether somebody has said that the schedule was published elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elsewhere {
    /// Nobody has.
    NotTold,
    /// Somebody has: found published, it needs no further decision.
    Told,
}

/// Whether the publish is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// It is not.
    No,
    /// By a person.
    ByPerson,
    /// Because the schedule has drifted.
    ByDrift(Drift),
}

impl Held {
    /// What the publish waits for, apart from its instant.
    #[must_use]
    pub fn waits_for(self, approval: Approval, approved: Approved) -> Option<Wait> {
        match (self, approval, approved) {
            (Held::ByDrift(_), _, _) => Some(Wait::Drift),
            (Held::ByPerson, _, _) => Some(Wait::Resume),
            (Held::No, Approval::Required, Approved::NotYet) => Some(Wait::Approval),
            (Held::No, Approval::NotNeeded, _) | (Held::No, Approval::Required, Approved::Yes) => None,
        }
    }
}

/// Whether the publish was late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lateness {
    /// It was not, or has not been made.
    Punctual,
    /// It was.
    Late,
}

/// How a rung fares: agents for whom its result was seen, each counted once by the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Score {
    /// The agent was ready afterwards.
    pub cured: u32,
    /// The agent was not.
    pub failed: u32,
    /// Agents for whom it was begun and whose state has not been seen since.
    pub outstanding: u32,
    /// When it was last begun.
    pub begun_at: Option<Timestamp>,
}

/// Counts that would otherwise need a walk over the roster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Agents with any verdict.
    pub judged: u32,
    /// Agents with a final verdict.
    pub done: u32,
    /// Agents that are stragglers at present.
    pub stragglers: u32,
}
