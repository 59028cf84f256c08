//! Orders: what a person, or a program in a person's name, may tell a run while it is under way.
//!
//! An order is put into the store by any process and taken by the one that leads the run, as an event: who, when, why.
//! Must never: make an order that comes too late look as if it had worked; it is refused, with the reason.

use serde::{Deserialize, Serialize};

use crate::words::id::AgentId;

/// Numbers an order in its store, so that one that is delivered twice is followed once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderId(pub u64);

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// The publish may be made.
    Approve,
    /// Before the publish is claimed: it is not made until `resume`. After: no more remedies until `resume`.
    Hold,
    /// Go on. What drifted is accepted as it is now; remedies that a brake or a person stopped go on.
    Resume,
    /// Before the publish is claimed: the run ends, and nothing is left behind. After: no more remedies, for good.
    Abort,
    /// One agent is looked at again, and its ladder begins anew at the first rung, whatever was tried. After the publish only.
    Retry,
    /// Somebody else has published: the schedule is looked at once more, now. Found published, nothing is sent and the agents are
    /// checked, whatever the plan says about drift. Before the publish is claimed only.
    Elsewhere,
}

impl Wish {
    /// The wish as the command that makes it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Wish::Approve => "approve",
            Wish::Hold => "hold",
            Wish::Resume => "resume",
            Wish::Abort => "abort",
            Wish::Retry => "retry",
            Wish::Elsewhere => "elsewhere",
        }
    }
}

/// An order as it lies in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What is wanted.
    pub wish: Wish,
    /// The agent it is about, by the platform's id: with [`Wish::Retry`], and with no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// Who wants it.
    pub who: String,
    /// Why, in their words.
    pub why: String,
}
