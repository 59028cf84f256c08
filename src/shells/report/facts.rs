//! The counted parts of the story: the publish, the phases, verdicts over time, refreshes, rungs, hooks.
//!
//! Must never: hold a list without a bound; what is left out is counted.

use std::sync::Arc;

use crate::law::event::{Phase, StopKind, Tally};
use crate::law::verdict::{Rung, Verdict};
use crate::shells::report::agent::shared;
use crate::shells::report::words::{clean_lines, cut_by};
use crate::words::clock::Timestamp;
use crate::words::hook::{HookPoint, HookRun};
use crate::words::id::OperationId;

/// Characters of a hook's output that are told, at most: what a run keeps of it in bytes, and where that was cut.
const OUTPUT_CHARS_MAX: usize = 16 * 1024 + 64;

/// A list that keeps its first items and counts the others.
#[derive(Debug, Clone)]
pub struct Bounded<T> {
    /// What was kept.
    pub items: Vec<T>,
    /// How many were not.
    pub more: u64,
}

impl<T> Default for Bounded<T> {
    fn default() -> Self {
        Bounded { items: Vec::new(), more: 0 }
    }
}

impl<T> Bounded<T> {
    /// Items kept, at most.
    pub const MAX: usize = 200;
    /// Adds an item, or counts it.
    pub fn push(&mut self, item: T) {
        if self.items.len() < Self::MAX {
            self.items.push(item);
        } else {
            self.more += 1;
        }
    }
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.items.len() as u64 + self.more
    }
}

/// One phase of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhaseSpan {
    /// Which.
    pub phase: Phase,
    /// When it began.
    pub begin: Timestamp,
    /// When the next one began; `None` while it lasts.
    pub end: Option<Timestamp>,
}

/// The story of the publish.
#[derive(Debug, Clone, Default)]
pub struct PublishStory {
    /// Claims: from each on the publish may have been sent.
    pub claims: Bounded<Claim>,
    /// When the platform took it, and the operation that carries it out.
    pub accepted: Option<(Timestamp, Option<OperationId>)>,
    /// Claims that are proven to have had no effect, and why.
    pub not_done: Bounded<(Timestamp, Arc<str>)>,
    /// Doubts, and why.
    pub doubts: Bounded<(Timestamp, Arc<str>)>,
    /// When the schedule was seen published, and its version then.
    pub confirmed: Option<(Timestamp, i64)>,
    /// When the window passed without that, and how long was looked, in ms.
    pub unconfirmed: Option<(Timestamp, i64)>,
    /// When the request left, as its answer told.
    pub left: Option<Timestamp>,
    /// When somebody else was seen to have published, and the version then.
    pub elsewhere: Option<(Timestamp, i64)>,
    /// The newest look at the schedule: when, version, published.
    pub seen: Option<(Timestamp, i64, bool)>,
}

/// One claim of the publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// 1 for the first.
    pub attempt: u32,
    /// When.
    pub at: Timestamp,
    /// How long after T, in ms.
    pub late_ms: i64,
}

impl PublishStory {
    /// The claim that counts: the newest.
    #[must_use]
    pub fn claim(&self) -> Option<Claim> {
        self.claims.items.last().copied()
    }
    /// When the publish went out, and how long after T in ms: when its request left or, where no answer told that, when it was
    /// claimed.
    #[must_use]
    pub fn sent(&self) -> Option<(Timestamp, i64)> {
        let claim = self.claim()?;
        let left = self.left.filter(|left| *left >= claim.at).unwrap_or(claim.at);
        Some((left, claim.late_ms + left.since_ms(claim.at)))
    }
    /// From the claim until the schedule was seen published, in ms.
    #[must_use]
    pub fn took_ms(&self) -> Option<i64> {
        let (at, _) = self.confirmed?;
        Some(at.since_ms(self.claim()?.at))
    }
    /// Whether the answer to the publish was lost, and nothing has been found out since.
    #[must_use]
    pub fn is_doubted(&self) -> bool {
        let since_claim = self.claim().map(|claim| claim.at);
        let doubted = self.doubts.items.last().is_some_and(|(at, _)| since_claim.is_some_and(|claim| *at >= claim));
        doubted && self.standing() == PublishStanding::Open
    }
    /// What is known of the publish.
    #[must_use]
    pub fn standing(&self) -> PublishStanding {
        match (self.confirmed, self.claim()) {
            (Some(_), _) => PublishStanding::Confirmed,
            (None, None) => PublishStanding::NotSent,
            (None, Some(claim)) => {
                let newest_no = self.not_done.items.last().map(|(at, _)| *at);
                let undone = newest_no.is_some_and(|at| at >= claim.at);
                if undone { PublishStanding::NotDone } else { PublishStanding::Open }
            }
        }
    }
}

/// What is known of the publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishStanding {
    /// It was never sent.
    NotSent,
    /// It was sent, and is proven to have had no effect.
    NotDone,
    /// It may have been sent; its effect was not seen yet.
    Open,
    /// The schedule was seen published.
    Confirmed,
}

/// How many agents stand where, those not judged yet set apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// By verdict.
    pub tally: Tally,
    /// Deferred because on a call; part of the tally's deferred.
    pub on_call: u32,
    /// Not judged yet.
    pub unjudged: u32,
}

impl Counts {
    /// Moves one agent from one verdict to another.
    pub fn turn(&mut self, before: Option<Verdict>, after: Verdict) {
        let left = self.of(before);
        *left = left.saturating_sub(1);
        *self.of(Some(after)) += 1;
        let on_call =
            |v: Option<Verdict>| v == Some(Verdict::Deferred { because: crate::law::verdict::Deferral::OnCall });
        self.on_call = (self.on_call + u32::from(on_call(Some(after)))).saturating_sub(u32::from(on_call(before)));
    }
    fn of(&mut self, verdict: Option<Verdict>) -> &mut u32 {
        match verdict {
            None => &mut self.unjudged,
            Some(Verdict::Ready) => &mut self.tally.ready,
            Some(Verdict::Recovered { .. }) => &mut self.tally.recovered,
            Some(Verdict::Deferred { .. }) => &mut self.tally.deferred,
            Some(Verdict::Straggler { .. }) => &mut self.tally.stragglers,
            Some(Verdict::Unknown { .. }) => &mut self.tally.unknown,
        }
    }
    /// Agents that were judged.
    #[must_use]
    pub fn judged(&self) -> u32 {
        self.tally.total()
    }
    /// Agents that can take calls.
    #[must_use]
    pub fn able(&self) -> u32 {
        self.tally.ready + self.tally.recovered
    }
}

/// Counts over time, thinned when they become too many, so that a plot of any run has a bounded number of points.
#[derive(Debug, Clone, Default)]
pub struct Series {
    points: Vec<(Timestamp, Counts)>,
    newest: Option<(Timestamp, Counts)>,
    gap_ms: i64,
}

impl Series {
    /// Points kept, at most, apart from the newest.
    pub const MAX: usize = 2_000;
    /// Adds a point. Points closer together than the present resolution replace each other.
    pub fn add(&mut self, at: Timestamp, counts: Counts) {
        if let Some((before, _)) = self.newest
            && at > before
        {
            self.keep();
        }
        self.newest = Some((at, counts));
    }
    fn keep(&mut self) {
        let Some(point) = self.newest else { return };
        let is_close = self.points.last().is_some_and(|(last, _)| point.0.since_ms(*last) < self.gap_ms);
        if is_close {
            return;
        }
        self.points.push(point);
        if self.points.len() >= Self::MAX {
            self.thin();
        }
    }
    fn thin(&mut self) {
        let mut keep = false;
        self.points.retain(|_| {
            keep = !keep;
            keep
        });
        let span = match (self.points.first(), self.points.last()) {
            (Some((a, _)), Some((b, _))) => b.since_ms(*a),
            (_, _) => 0,
        };
        self.gap_ms = (span / Self::MAX as i64).max(1) * 2;
    }
    /// The points in order of time; the last is the newest.
    pub fn points(&self) -> impl Iterator<Item = (Timestamp, Counts)> {
        self.points.iter().copied().chain(self.newest)
    }
}

/// How the refreshes of agents' tokens stand; each agent counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RefreshCounts {
    /// Agents whose token can be refreshed.
    pub enrolled: u32,
    /// Agents whose refresh is under way or will be tried again.
    pub under_way: u32,
    /// Refreshed.
    pub done: u32,
    /// Young enough to be left as they were.
    pub left: u32,
    /// Given up.
    pub failed: u32,
    /// Must sign in again.
    pub dead: u32,
}

impl RefreshCounts {
    /// Agents whose refresh has ended, well or not.
    #[must_use]
    pub fn ended(&self) -> u32 {
        self.done + self.left + self.failed + self.dead
    }
    /// Enrolled agents that nothing was done for: their token outlives the publish anyway, or T came first.
    #[must_use]
    pub fn untouched(&self) -> u32 {
        self.enrolled.saturating_sub(self.ended() + self.under_way)
    }
}

/// How one rung of the ladder did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RungStory {
    /// Agents it was tried for.
    pub agents: u32,
    /// Times it was started, all agents together.
    pub starts: u32,
    /// Agents whose present verdict is that it cured them.
    pub cured: u32,
    /// Times it could not be applied.
    pub failed: u32,
}

/// Remedies stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brake {
    /// When.
    pub at: Timestamp,
    /// The rung that was given up; `None` for all.
    pub rung: Option<Rung>,
    /// Why.
    pub why: Arc<str>,
}

/// Something that the org does not offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable {
    /// When it was found out.
    pub at: Timestamp,
    /// What, in words.
    pub what: &'static str,
    /// What the platform said.
    pub why: Arc<str>,
}

/// A hook that did not end well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookProblem {
    /// When.
    pub at: Timestamp,
    /// The moment.
    pub point: HookPoint,
    /// The executable's file name.
    pub name: Arc<str>,
    /// Why, and what it said first.
    pub problem: Arc<str>,
    /// All of its output that is kept, line by line.
    pub output: Arc<str>,
}

impl HookProblem {
    /// What a hook that ran leaves to be told; `None` when it ended well.
    #[must_use]
    pub fn of(at: Timestamp, point: HookPoint, ran: &HookRun) -> Option<HookProblem> {
        let problem = shared(&ran.problem()?);
        let output = Arc::from(clean_lines(&cut_by(&ran.output, OUTPUT_CHARS_MAX, |_| 1)));
        Some(HookProblem { at, point, name: shared(&ran.name), problem, output })
    }
}

/// What the media-token probe said, before and after the publish was claimed; agents, not calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProbeCounts {
    /// Times it was accepted.
    pub accepted: u32,
    /// Times it was refused with 401.
    pub refused: u32,
}

/// How the run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It goes on.
    Open(Phase),
    /// Everyone has a verdict.
    Settled,
    /// It stopped.
    Stopped {
        /// What kind of end.
        kind: StopKind,
        /// Why.
        why: Arc<str>,
    },
    /// Nobody knows whether the publish happened.
    InDoubt,
}
