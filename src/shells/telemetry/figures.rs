//! One run in figures: how many agents have which verdict, what the publish waits for, what became of it.
//!
//! Small beside the run itself, a byte an agent and a little for each dead token, so that a process can hold one of each run that it leads.
//! Must never: be what anything is decided by; that is [`crate::law::run::Run`].

use std::collections::BTreeSet;

use crate::law::event::{Drift, Event, Phase, Record, Wait};
use crate::law::order::Wish;
use crate::law::plan::{Approval, OnDrift};
use crate::law::punctuality::{Fate, Publish};
use crate::law::verdict::Verdict;
use crate::words::clock::Timestamp;
use crate::words::id::Seat;

use super::BY_HAND;

/// What may be said of an agent, as labels write it; `unjudged` as long as nothing is.
pub const VERDICTS: [&str; 6] = ["ready", "recovered", "deferred", "straggler", "unknown", UNJUDGED];
const UNJUDGED: &str = "unjudged";

/// Which remedies the brake, or a person, has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Braked {
    /// None.
    Nothing,
    /// A rung or several.
    SomeRungs,
    /// All of them: an outage, or a person's word.
    Everything,
}

/// A run in figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    entry: String,
    publish_at: Timestamp,
    begun_at: Timestamp,
    phase: Phase,
    phase_at: Timestamp,
    publish: Publish,
    is_claimed: bool,
    lacks_approval: bool,
    held: Option<Wait>,
    braked: Braked,
    /// Of each seat a place in [`VERDICTS`].
    verdicts: Vec<u8>,
    agents: [u32; VERDICTS.len()],
    /// Agents whose refresh token is dead.
    dead: BTreeSet<Seat>,
}

impl Figures {
    /// Folds the records of a run, in order. Records without a plan are of nobody, and amount to nothing.
    #[must_use]
    pub fn of(records: &[Record]) -> Figures {
        let mut figures = Figures {
            entry: BY_HAND.to_owned(),
            publish_at: Timestamp::default(),
            begun_at: Timestamp::default(),
            phase: Phase::Waiting,
            phase_at: Timestamp::default(),
            publish: Publish::default(),
            is_claimed: false,
            lacks_approval: false,
            held: None,
            braked: Braked::Nothing,
            verdicts: Vec::new(),
            agents: Default::default(),
            dead: BTreeSet::new(),
        };
        records.iter().for_each(|record| figures.apply(record.at, &record.event));
        figures
    }
    /// The entry of the calendar that it is of.
    #[must_use]
    pub fn entry(&self) -> &str {
        &self.entry
    }
    /// T.
    #[must_use]
    pub fn publish_at(&self) -> Timestamp {
        self.publish_at
    }
    /// When it was staged.
    #[must_use]
    pub fn begun_at(&self) -> Timestamp {
        self.begun_at
    }
    /// Where it is.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }
    /// Since when it is there.
    #[must_use]
    pub fn phase_at(&self) -> Timestamp {
        self.phase_at
    }
    /// What became of its publish; `None` while that is open.
    #[must_use]
    pub fn fate(&self) -> Option<Fate> {
        self.publish.fate()
    }
    /// What its publish waits for, apart from its instant; nothing once it is claimed or the run is over.
    #[must_use]
    pub fn waits_for(&self) -> Option<Wait> {
        let is_open = !self.is_claimed && self.fate().is_none();
        self.held.or(self.lacks_approval.then_some(Wait::Approval)).filter(|_| is_open)
    }
    /// Which remedies are stopped.
    #[must_use]
    pub fn braked(&self) -> Braked {
        self.braked
    }
    /// How many agents have which of [`VERDICTS`].
    #[must_use]
    pub fn agents(&self) -> [u32; VERDICTS.len()] {
        self.agents
    }

    /// Whether an event that comes next says of a token that is dead already that it cannot be refreshed: one refresh that brings
    /// nothing, however many ways to it are tried.
    #[must_use]
    pub fn is_known_dead(&self, next: &Event) -> bool {
        let (Event::TokenDead { seat, .. } | Event::RefreshFailed { seat, .. }) = next else { return false };
        self.dead.contains(seat)
    }

    /// Takes in one event that was recorded at `at`.
    pub fn apply(&mut self, at: Timestamp, event: &Event) {
        let before = self.phase;
        self.publish.apply(event);
        self.take(at, event);
        if self.phase != before {
            self.phase_at = at;
        }
    }

    fn take(&mut self, at: Timestamp, event: &Event) {
        match event {
            Event::Staged { plan } => {
                self.entry = plan.policy.entry.clone().unwrap_or_else(|| BY_HAND.to_owned());
                (self.publish_at, self.begun_at, self.phase_at) = (plan.publish_at, at, at);
                self.lacks_approval = plan.policy.approval == Approval::Required;
                self.verdicts = vec![UNJUDGED_PLACE; plan.roster.len()];
                self.agents = Default::default();
                self.count(UNJUDGED_PLACE, |n| n + u32::try_from(plan.roster.len()).unwrap_or(u32::MAX));
            }
            Event::PhaseEntered { phase } => self.phase = *phase,
            Event::Ordered { wish, .. } => self.told(*wish),
            Event::Drifted { drift: Drift::Changed { .. } | Drift::Published { .. } | Drift::Vanished, policy } => {
                match policy {
                    OnDrift::Hold => self.held = Some(Wait::Drift),
                    OnDrift::PublishLatest => {}
                }
            }
            Event::PublishClaimed { .. } => {
                self.is_claimed = true;
                self.phase = Phase::Publishing;
            }
            Event::PublishNotDone { again_at: Some(_), .. } => self.is_claimed = false,
            Event::PublishDoubted { .. } => self.phase = Phase::Publishing,
            Event::PublishUnconfirmed { .. } => self.phase = Phase::InDoubt,
            Event::PublishedElsewhere { .. } => self.held = None,
            Event::Judged { verdicts } => verdicts.iter().for_each(|(seat, verdict)| self.judge(*seat, *verdict)),
            Event::BrakeApplied { rung: None, .. } => self.braked = Braked::Everything,
            Event::BrakeApplied { rung: Some(_), .. } if self.braked == Braked::Nothing => {
                self.braked = Braked::SomeRungs;
            }
            Event::TokenDead { seat, .. } => {
                self.dead.insert(*seat);
            }
            Event::TokenRefreshed { seat, .. } => {
                self.dead.remove(seat);
            }
            Event::Settled { .. } => self.phase = Phase::Settled,
            Event::Stopped { .. } => self.phase = Phase::Stopped,
            Event::BrakeApplied { rung: Some(_), .. }
            | Event::PublishNotDone { again_at: None, .. }
            | Event::TakenUp
            | Event::HooksRan { .. }
            | Event::RefreshStarted { .. }
            | Event::RefreshFailed { .. }
            | Event::TokenLeft { .. }
            | Event::RungUnavailable { .. }
            | Event::ProbeUnavailable { .. }
            | Event::ScheduleSeen { .. }
            | Event::OrderRefused { .. }
            | Event::OrderUnread { .. }
            | Event::PublishWaits { .. }
            | Event::PublishLate { .. }
            | Event::PublishSent { .. }
            | Event::PublishAccepted { .. }
            | Event::PublishConfirmed { .. }
            | Event::UsersSeen { .. }
            | Event::PhonesSeen { .. }
            | Event::PhonesAbsent { .. }
            | Event::Probed { .. }
            | Event::PagesSeen { .. }
            | Event::PageTold { .. }
            | Event::Watched { .. }
            | Event::Pushed { .. }
            | Event::Preflighted { .. }
            | Event::ReadFailed { .. }
            | Event::Spent { .. }
            | Event::RemedyStarted { .. }
            | Event::RemedyAccepted { .. }
            | Event::RemedyFailed { .. } => {}
        }
    }

    /// As [`crate::law::run::Run`] takes a wish in, as far as it shows here.
    fn told(&mut self, wish: Wish) {
        match (wish, self.is_claimed) {
            (Wish::Approve, _) => self.lacks_approval = false,
            (Wish::Hold, false) => self.held = self.held.or(Some(Wait::Resume)),
            (Wish::Resume, false) => self.held = None,
            // Before the claim the run stops, which is an event of its own.
            (Wish::Abort, false) | (Wish::Elsewhere, _) => {}
            // One agent, and no more.
            (Wish::Retry, _) => {}
            (Wish::Hold | Wish::Abort, true) => self.braked = Braked::Everything,
            (Wish::Resume, true) => self.braked = Braked::Nothing,
        }
    }

    fn judge(&mut self, seat: Seat, verdict: Verdict) {
        let now = place(verdict);
        let Some(before) = self.verdicts.get_mut(seat.index()).map(|held| std::mem::replace(held, now)) else { return };
        self.count(before, |n| n.saturating_sub(1));
        self.count(now, |n| n + 1);
    }
    fn count(&mut self, place: u8, change: impl FnOnce(u32) -> u32) {
        if let Some(count) = self.agents.get_mut(usize::from(place)) {
            *count = change(*count);
        }
    }
}

/// The place of `unjudged` in [`VERDICTS`].
const UNJUDGED_PLACE: u8 = 5;

/// The place of a verdict in [`VERDICTS`].
fn place(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Ready => 0,
        Verdict::Recovered { .. } => 1,
        Verdict::Deferred { .. } => 2,
        Verdict::Straggler { .. } => 3,
        Verdict::Unknown { .. } => 4,
    }
}
