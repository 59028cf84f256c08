//! What one process knows only for itself: commands under way, who is due, how far it takes the run.
//!
//! Must never: be needed to understand a journal; it is empty after a start and filled again from the run.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use crate::law::agenda::Agenda;
use crate::law::command::{Command, CommandId, UploadKey};
use crate::law::event::Phase;
use crate::law::rollcall::{PhoneReads, RollCall};
use crate::law::spent::Spent;
use crate::law::verdict::Rung;
use crate::words::clock::Timestamp;
use crate::words::id::{PhoneId, Seat};

/// What a process knows only for itself; empty after a start.
#[derive(Debug, Clone, Default)]
pub struct Desk {
    /// Commands without an answer so far.
    pub under_way: BTreeMap<CommandId, Command>,
    /// Where the numbering of commands stands.
    pub last_command: u64,
    /// The upload that a publish can refer to.
    pub upload: Option<UploadKey>,
    /// When the next look at the schedule, or the next try to prepare, is due.
    pub next_look: Timestamp,
    /// Whether this process has had an answer to a look at the schedule while the outcome of the publish was open.
    pub has_looked: bool,
    /// Failed preparations in a row.
    pub prepare_failures: u8,
    /// Agents whose token is to be refreshed.
    pub refresh: Agenda,
    /// Agents that are to be looked at.
    pub look: Agenda,
    /// Agents that are to be helped.
    pub cure: Agenda,
    /// The phase that the agendas were filled for.
    pub filled_for: Option<Phase>,
    /// The sweep under way.
    pub sweep: Option<Sweep>,
    /// No sweep starts before.
    pub next_sweep: Timestamp,
    /// Calls of the last sweep, or of the one under way so far.
    pub sweep_calls: u32,
    /// How far this process takes the run.
    pub goal: Goal,
    /// Whether the process goes on or is about to end.
    pub closing: Closing,
    /// The look before the publish that is under way.
    pub watch: Option<Look>,
    /// When this process began the newest of these looks, whatever came of it.
    pub watched_at: Timestamp,
    /// Pages of phones that the org had at the last look; 0 before the first.
    pub phone_pages: u32,
    /// Agents with a final verdict whose phone was seen down since, and the rungs that were at work then: they are looked at
    /// again.
    pub doubted: BTreeMap<Seat, Vec<Rung>>,
    /// When the last look at all phones after the publish ended that brought only a part of them, and how many of them in a
    /// row did.
    pub part_seen: Option<(Timestamp, u8)>,
    /// When the last look at all phones after the publish began.
    pub all_seen_at: Timestamp,
    /// When the last of them began that left nobody in doubt.
    pub cleared_at: Timestamp,
    /// Since when remedies are held because many are in doubt after the last one.
    pub held_at: Option<Timestamp>,
    /// Agents that were ready and were lost while a rung was at work, since nobody was last in doubt.
    pub lost: [u32; Rung::ALL.len()],
    /// Agents whose station was pushed as disassociated, and when last, until a look that began after it has told.
    pub stirred: BTreeMap<Seat, Timestamp>,
    /// How often an agent was looked at again because of that.
    pub stirs: BTreeMap<Seat, u8>,
    /// What was pushed and is not in the journal yet.
    pub pushed: Option<Batch>,
    /// Calls that were answered and are not in the journal yet.
    pub account: Option<Account>,
    /// A bug planted on purpose, to show that the simulation finds it.
    #[cfg(test)]
    pub planted: Option<crate::law::decide::Planted>,
}

/// Calls that were answered within a minute, in one phase.
#[derive(Debug, Clone, Copy)]
pub struct Account {
    /// When the first was answered.
    pub since: Timestamp,
    /// The phase in which it was.
    pub phase: Phase,
    /// What they come to.
    pub spent: Spent,
}

/// What was pushed within a few seconds.
#[derive(Debug, Clone)]
pub struct Batch {
    /// When the first of it was heard.
    pub since: Timestamp,
    /// Whose stations were disassociated.
    pub disassociated: BTreeSet<Seat>,
    /// Whose tokens changed.
    pub tokens: BTreeSet<Seat>,
}

/// How far one process takes a run. What lies beyond is another call's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Goal {
    /// To its end.
    #[default]
    End,
    /// Until nobody's token is left to be refreshed.
    Refreshed,
    /// Until the publish was seen through.
    Published,
    /// Until the check is over.
    Checked,
}

/// Whether a process begins anything new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Closing {
    /// It does.
    #[default]
    No,
    /// It only takes in answers to what is under way.
    Yes,
}

/// One look at the agents that are due, in bulk.
#[derive(Debug, Clone, Default)]
pub struct Sweep {
    /// Whom it is about.
    pub seats: Vec<Seat>,
    /// Reads that have not been sent yet.
    pub queue: VecDeque<Command>,
    /// When it began.
    pub began: Timestamp,
    /// Whether every page of phones has been read so far.
    pub phones: PhoneLook,
    /// The phones that stood on its pages.
    pub listed: HashSet<PhoneId>,
}

/// One look at everybody before the publish.
#[derive(Debug, Clone)]
pub struct Look {
    /// When it began.
    pub began: Timestamp,
    /// Reads that have not been sent yet.
    pub queue: VecDeque<Command>,
    /// What was seen so far.
    pub seen: RollCall,
    /// Whether everything could be read so far.
    pub reads: PhoneReads,
}

/// How completely a sweep looks at phones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PhoneLook {
    /// Single phones only: nothing can be said about agents without one.
    #[default]
    Singles,
    /// All pages: an agent whose phone does not show up has none.
    Pages,
    /// All pages, but one phone stood on two of them: then another stands on none.
    Shifted,
    /// All pages were wanted, but some could not be read.
    Torn,
}
