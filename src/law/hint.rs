//! What the platform pushes, and agents' pages say of their own accord: a reason to look sooner, and never proof.
//!
//! Pushed events may be lost, late, doubled, or about somebody else's doing (API.md section 11). So a hint only moves the next
//! look forward, and what is concluded always rests on a read; a run without any hint ends the same, a little later.
//! How many stations were pushed as disassociated around T is kept as evidence, beside what was read.
//! Must never: conclude anything from what was pushed.

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
    /// Anything else of the station, the presence or the routing.
    Other,
}
