//! What the platform pushes, and agents' pages say of their own accord: a reason to look sooner, and never proof.
//!
//! Pushed events may be lost, late, doubled, or about somebody else's doing (API.md section 11). So a hint only moves the next
//! look forward, and what is concluded always rests on a read; a run without any hint ends the same, a little later.
//! How many stations were pushed as disassociated around T is kept as evidence, beside what was read, and so are tokens that
//! changed. One thing is only pushed and never read: that a softphone's media leg has failed (API.md section 12). That is a
//! signal of its own, and bad news only ([`crate::law::verdict::LegState`]).
//! Must never: conclude anything good from what was pushed.

use crate::law::verdict::LegState;
use crate::words::id::AgentId;

/// That something may have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// A schedule of the run's business unit: an update was completed, went wrong, or was somebody else's.
    Schedule,
    /// Something of an agent.
    Agent {
        /// Whom it is about.
        agent: AgentId,
        /// What was heard.
        what: Stirred,
    },
    /// Anything: events were lost, because nobody listened for a while.
    Gap,
    /// Of so many topics of the run nothing can be heard, because its client's channels are full.
    Unheard {
        /// How many; 0 when all are heard again.
        topics: u32,
    },
}

/// What was heard of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stirred {
    /// The station was disassociated (API.md section 9).
    Disassociated,
    /// Its page has come, and its companion with it.
    PageCame,
    /// The companion in its page says that the softphone is not ready any more.
    PageFell,
    /// The media leg changed.
    Leg(LegState),
    /// A token was issued, refreshed or revoked; which of them is UNCERTAIN (API.md section 8).
    Token,
    /// Anything else of the station, the presence or the routing.
    Other,
}
