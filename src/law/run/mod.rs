//! A run is the fold of its events: `apply` for each, live and at replay alike.
//!
//! Must never: learn anything from elsewhere than an event. What a process knows only for itself (commands under way,
//! the upload key, who is due) stands apart in [`Desk`] and is rebuilt after a crash.

mod desk;
mod orders;
mod state;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

pub use desk::{Account, Batch, Closing, Desk, Goal, Look, PhoneLook, Sweep};
pub use state::{
    Approved, Brake, Counts, Elsewhere, Held, Lateness, Preflighted, ProbeUse, PublishState, Score, Watched,
};

use crate::law::agent::{Agent, Delivery, RemedyState, TokenState};
use crate::law::command::{Command, Concern, Effect, Weight};
use crate::law::event::{Blame, Event, Phase, Record, StopKind, Tally, Wait};
use crate::law::order::OrderId;
use crate::law::plan::Plan;
use crate::law::rungs::OpenRungs;
use crate::law::spent::Spent;
use crate::law::verdict::{PhoneState, Rung, Verdict};
use crate::words::clock::Timestamp;
use crate::words::hook::HookPoint;
use crate::words::id::{AgentId, Seat};

/// One staged publish and everything that has happened to it.
#[derive(Debug, Clone)]
pub struct Run {
    /// What it intends.
    pub plan: Arc<Plan>,
    /// The number of the last event.
    pub seq: u64,
    /// Where it is.
    pub phase: Phase,
    /// The agents, by seat.
    pub agents: Vec<Agent>,
    /// What is known about the publish.
    pub publish: PublishState,
    /// Publish claims so far.
    pub claims: u32,
    /// When the first claim was made.
    pub claimed_at: Option<Timestamp>,
    /// When the schedule was last seen as wanted, after the preparations began.
    pub preflight_at: Option<Timestamp>,
    /// The version that is to be published: the pinned one, or one that was accepted since.
    pub version: i64,
    /// What was found when that which the publish needs was looked over once more.
    pub preflighted: Option<Preflighted>,
    /// The newest look at everybody before the publish.
    pub watched: Option<Watched>,
    /// Whether somebody has approved the publish.
    pub approved: Approved,
    /// Whether the publish is held.
    pub held: Held,
    /// The newest reason why something could not be read in the preparations.
    pub unread: Option<String>,
    /// Whether somebody has said that the schedule was published elsewhere.
    pub elsewhere: Elsewhere,
    /// What the publish has waited for after its instant, if it has.
    pub waited: Option<Wait>,
    /// Whether the publish was late.
    pub late: Lateness,
    /// Orders that were taken, followed or refused.
    pub orders: BTreeSet<OrderId>,
    /// The moments whose hooks have run (but for `straggler`, which runs per agent).
    pub hooked: BTreeSet<HookPoint>,
    /// The rungs that may be used.
    pub open: OpenRungs,
    /// Whether the media-token probe may be used.
    pub probe: ProbeUse,
    /// How each rung fares.
    pub scores: [Score; Rung::ALL.len()],
    /// Whether remedies go on.
    pub brake: Brake,
    /// Agents with a final verdict, and agents judged not ready at present.
    pub counts: Counts,
    /// The calls that it has spent, as far as they are written down.
    pub spent: Spent,
    /// Why it stopped, if it did.
    pub stop: Option<(StopKind, String)>,
    /// What this process knows for itself.
    pub desk: Desk,
    seats: Arc<HashMap<AgentId, Seat>>,
}

/// A journal that cannot be folded into a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadJournal {
    /// It is empty.
    #[error("the journal is empty")]
    Empty,
    /// It does not begin with the plan.
    #[error("the journal does not begin with `staged`")]
    NoPlan,
    /// A number is missing or stands twice.
    #[error("event {found} stands where {expected} belongs")]
    Gap {
        /// The number that belongs here.
        expected: u64,
        /// The number that stands here.
        found: u64,
    },
    /// A second plan.
    #[error("event {0} stages the run a second time")]
    StagedTwice(u64),
}

impl Run {
    /// A run that has just been staged: its first event holds this plan.
    #[must_use]
    pub fn staged(plan: Arc<Plan>) -> Run {
        let agents = vec![Agent::default(); plan.roster.len()];
        let seats = plan.roster.iter().zip(0..).map(|(m, n)| (m.agent.clone(), Seat(n))).collect();
        let probe = if plan.mechanisms.media_probe { ProbeUse::Open } else { ProbeUse::Closed };
        Run {
            open: OpenRungs::of(&plan.mechanisms),
            probe,
            version: plan.schedule.version,
            plan,
            seq: 1,
            phase: Phase::Waiting,
            agents,
            publish: PublishState::Unclaimed,
            claims: 0,
            claimed_at: None,
            preflight_at: None,
            preflighted: None,
            watched: None,
            approved: Approved::NotYet,
            held: Held::No,
            unread: None,
            elsewhere: Elsewhere::NotTold,
            waited: None,
            late: Lateness::Punctual,
            orders: BTreeSet::new(),
            hooked: BTreeSet::new(),
            scores: [Score::default(); Rung::ALL.len()],
            brake: Brake::Released,
            counts: Counts::default(),
            spent: Spent::default(),
            stop: None,
            desk: Desk::default(),
            seats: Arc::new(seats),
        }
    }

    /// Folds a whole journal.
    ///
    /// # Errors
    /// [`BadJournal`] when it does not begin with the plan or is not numbered without gaps.
    pub fn replay(records: &[Record]) -> Result<Run, BadJournal> {
        let (first, rest) = records.split_first().ok_or(BadJournal::Empty)?;
        let Event::Staged { plan } = &first.event else { return Err(BadJournal::NoPlan) };
        if first.seq != 1 {
            return Err(BadJournal::Gap { expected: 1, found: first.seq });
        }
        let mut run = Run::staged(Arc::new((**plan).clone()));
        for record in rest {
            let expected = run.seq + 1;
            if record.seq != expected {
                return Err(BadJournal::Gap { expected, found: record.seq });
            }
            if matches!(record.event, Event::Staged { .. }) {
                return Err(BadJournal::StagedTwice(record.seq));
            }
            run.apply(record.at, &record.event);
        }
        Ok(run)
    }

    /// The agent in a seat.
    #[must_use]
    pub fn agent(&self, seat: Seat) -> Option<&Agent> {
        self.agents.get(seat.index())
    }
    /// The seat of an agent of the roster.
    #[must_use]
    pub fn seat_of(&self, agent: &AgentId) -> Option<Seat> {
        self.seats.get(agent).copied()
    }
    /// Every seat.
    pub fn all_seats(&self) -> impl Iterator<Item = Seat> + use<> {
        (0..self.agents.len() as u32).map(Seat)
    }
    /// How many agents have which verdict.
    #[must_use]
    pub fn tally(&self) -> Tally {
        Tally::of(self.agents.iter().map(|a| a.verdict))
    }
    /// When the run settles at the latest; counted from when the publish was seen complete, so that a late one is checked as
    /// long as any.
    #[must_use]
    pub fn settle_at(&self) -> Timestamp {
        match self.publish {
            PublishState::Confirmed { at } => at + self.plan.timing.settle_after_ms,
            PublishState::Unclaimed
            | PublishState::Claimed
            | PublishState::Accepted { .. }
            | PublishState::Doubted { .. }
            | PublishState::NotDone { .. } => self.plan.settle_at(),
        }
    }
    /// Whether nothing more will happen without a person.
    #[must_use]
    pub fn is_over(&self) -> bool {
        match self.phase {
            Phase::Settled => self.hooked.contains(&HookPoint::Settled),
            Phase::Stopped | Phase::InDoubt => self.hooked.contains(&HookPoint::Failed),
            Phase::Waiting
            | Phase::Refreshing
            | Phase::Preparing
            | Phase::Publishing
            | Phase::Checking
            | Phase::Settling => false,
        }
    }

    /// What the publish waits for, apart from its instant.
    #[must_use]
    pub fn waits_for(&self) -> Option<Wait> {
        self.held.waits_for(self.plan.policy.approval, self.approved)
    }
    /// Whether this process has taken the run as far as it was asked to.
    #[must_use]
    pub fn reached(&self) -> bool {
        let refreshed = || {
            let refreshes = |c: &Command| matches!(c, Command::RefreshToken { .. } | Command::TellPage { .. });
            let open = self.desk.under_way.values().any(refreshes);
            self.desk.filled_for == Some(Phase::Refreshing) && self.desk.refresh.is_empty() && !open
        };
        match self.desk.goal {
            Goal::End => self.is_over(),
            Goal::Refreshed => self.phase > Phase::Refreshing || (self.phase == Phase::Refreshing && refreshed()),
            Goal::Published => self.phase > Phase::Publishing,
            Goal::Checked => self.phase > Phase::Checking,
        }
    }

    /// Takes in one event that was recorded at `at`.
    pub fn apply(&mut self, at: Timestamp, event: &Event) {
        self.seq += 1;
        match event {
            // The plan was taken in by `staged`; `replay` refuses a second one.
            Event::Staged { .. } => {}
            Event::TakenUp => self.agents.iter_mut().for_each(|agent| agent.lose_what_was_under_way(at)),
            Event::PhaseEntered { phase } => self.phase = *phase,
            Event::HooksRan { point, seat, .. } => self.apply_hooks(*point, *seat),
            Event::RefreshStarted { seat, .. } => self.with(*seat, |agent| {
                agent.token_is(TokenState::Refreshing);
                agent.refresh_attempts = agent.refresh_attempts.saturating_add(1);
            }),
            Event::TokenRefreshed { seat, expires_at } => {
                self.with(*seat, |agent| {
                    agent.token_is(TokenState::Fresh(*expires_at));
                    agent.delivery = Delivery::Due;
                });
            }
            Event::TokenLeft { seat, expires_at, .. } => self.with(*seat, |agent| agent.token_left(*expires_at)),
            Event::RefreshFailed { seat, .. } => self.with(*seat, |agent| agent.token_is(TokenState::Failed)),
            Event::TokenDead { seat, .. } => self.with(*seat, |agent| agent.token_is(TokenState::Dead)),
            Event::RungUnavailable { rung, .. } => self.open.close(*rung),
            Event::ProbeUnavailable { .. } => self.probe = ProbeUse::Closed,
            // The publish rests on a look from its own preparations, not on one from days before.
            Event::ScheduleSeen { .. } if self.phase < Phase::Preparing => {}
            Event::ScheduleSeen { .. } => self.preflight_at = Some(at),
            Event::Ordered { order, wish, agent, .. } => {
                self.orders.insert(*order);
                self.apply_wish(*wish, agent.as_ref());
            }
            Event::OrderRefused { order, .. } | Event::OrderUnread { order, .. } => {
                self.orders.insert(*order);
            }
            Event::Drifted { drift, policy } => self.apply_drift(*drift, *policy),
            Event::PublishWaits { wait } => self.waited = Some(*wait),
            Event::PublishedElsewhere { .. } => {
                self.held = Held::No;
                self.confirm(at);
            }
            Event::PublishLate { .. } => self.late = Lateness::Late,
            Event::PublishSent { .. } => {}
            Event::PublishClaimed { attempt, .. } => {
                self.phase = Phase::Publishing;
                self.publish = PublishState::Claimed;
                self.claims = *attempt;
                self.claimed_at.get_or_insert(at);
            }
            Event::PublishAccepted { .. } => self.publish = PublishState::Accepted { since: at },
            Event::PublishNotDone { again_at, .. } => self.publish = PublishState::NotDone { again_at: *again_at },
            Event::PublishDoubted { kind, .. } => {
                self.phase = Phase::Publishing;
                self.publish = PublishState::Doubted { since: at, kind: *kind };
            }
            Event::PublishConfirmed { .. } => self.confirm(at),
            Event::PublishUnconfirmed { .. } => self.phase = Phase::InDoubt,
            Event::UsersSeen { seen } => {
                for user in seen {
                    self.with(user.seat, |agent| agent.see_user(at, user));
                }
            }
            Event::PhonesSeen { seen } => {
                for phone in seen {
                    if let Some(seat) = self.seat_of(&phone.agent) {
                        self.with(seat, |agent| agent.see_phone(at, Some(&phone.phone), phone.state));
                    }
                }
            }
            Event::PhonesAbsent { seats } => {
                for seat in seats {
                    self.with(*seat, |agent| agent.see_phone(at, None, PhoneState::Absent));
                }
            }
            Event::Probed { seat, result } => self.with(*seat, |agent| {
                agent.signals.probe = *result;
                agent.seen.probe = at;
            }),
            Event::PagesSeen { seen } => {
                for page in seen {
                    self.with(page.seat, |agent| agent.see_page(page));
                }
            }
            Event::PageTold { seat, errand, answer } => {
                self.with(*seat, |agent| agent.page_answered(*errand, answer));
            }
            Event::ReadFailed { failure } if self.phase == Phase::Preparing => {
                self.unread = Some(failure.to_string());
            }
            Event::ReadFailed { .. } => {}
            Event::Pushed { since, legs, .. } => {
                for (seat, state) in legs {
                    self.with(*seat, |agent| agent.hear_leg(*since, *state));
                }
            }
            Event::Preflighted { concerns } => self.preflighted = Some(Preflighted { at, stops: stops(concerns) }),
            Event::Watched { since, ready, undecided, .. } => {
                let mut at_risk = [ready.as_slice(), undecided.as_slice()].concat();
                at_risk.sort_unstable();
                self.watched = Some(Watched { since: *since, at_risk });
            }
            Event::Judged { verdicts } => {
                for (seat, verdict) in verdicts {
                    self.apply_verdict(at, *seat, *verdict);
                }
            }
            Event::RemedyStarted { rung, seats } => {
                if let Some(score) = self.scores.get_mut(rung.index()) {
                    score.begun_at = Some(at);
                    score.outstanding += seats.len() as u32;
                }
                for seat in seats {
                    self.with(*seat, |agent| agent.start_remedy(*rung));
                }
            }
            Event::RemedyAccepted { rung, seats } => {
                for seat in seats {
                    self.with(*seat, |agent| agent.await_remedy(*rung, at));
                }
            }
            Event::RemedyFailed { rung, seats, failure, attempt, blame } => {
                if let (Effect::None, Some(score)) = (failure.kind.effect(), self.scores.get_mut(rung.index())) {
                    score.outstanding = score.outstanding.saturating_sub(seats.len() as u32);
                }
                for seat in seats {
                    self.with(*seat, |agent| match failure.kind.effect() {
                        Effect::Possible => agent.await_remedy(*rung, at),
                        Effect::None => agent.miss_remedy(*rung, *attempt),
                    });
                    if *blame == Blame::Rung {
                        self.blame(*rung, *seat);
                    }
                }
            }
            Event::BrakeApplied { rung: Some(rung), .. } => self.open.brake(*rung),
            Event::BrakeApplied { rung: None, .. } => self.brake = Brake::Applied,
            Event::Spent { calls, refused, .. } => {
                self.spent = self.spent.plus(Spent { calls: *calls, refused: *refused });
            }
            Event::Settled { .. } => self.phase = Phase::Settled,
            Event::Stopped { kind, why } => {
                self.phase = Phase::Stopped;
                self.stop = Some((*kind, why.clone()));
            }
        }
    }

    /// Counts a rung as of no use to an agent, once.
    fn blame(&mut self, rung: Rung, seat: Seat) {
        let failed = self.agents.get_mut(seat.index()).and_then(|agent| agent.failed.get_mut(rung.index()));
        if let (Some(failed), Some(score)) = (failed, self.scores.get_mut(rung.index())) {
            score.failed += u32::from(!std::mem::replace(failed, true));
        }
    }

    fn with(&mut self, seat: Seat, change: impl FnOnce(&mut Agent)) {
        if let Some(agent) = self.agents.get_mut(seat.index()) {
            change(agent);
        }
    }

    /// The schedule is published: softphones are worth a look once they had time to reconnect.
    fn confirm(&mut self, at: Timestamp) {
        self.publish = PublishState::Confirmed { at };
        let fresh_from = at + self.plan.timing.check_delay_ms;
        let leg_from = self.claimed_at.unwrap_or(at);
        self.agents.iter_mut().for_each(|agent| (agent.fresh_from, agent.leg_from) = (fresh_from, leg_from));
    }

    fn apply_hooks(&mut self, point: HookPoint, seat: Option<Seat>) {
        if seat.is_none() {
            self.hooked.insert(point);
        }
    }

    fn apply_verdict(&mut self, at: Timestamp, seat: Seat, verdict: Verdict) {
        let Some(agent) = self.agents.get_mut(seat.index()) else { return };
        agent.judged_at = at;
        let before = agent.verdict.replace(verdict);
        if let RemedyState::Awaiting(rung) = agent.remedy
            && let Some(score) = self.scores.get_mut(rung.index())
        {
            score.outstanding = score.outstanding.saturating_sub(1);
            let failed = agent.failed.get_mut(rung.index()).map(|failed| std::mem::replace(failed, false));
            let failed_before = failed == Some(true);
            // Each agent counts once for a rung, by the newest result, however often it was tried.
            match verdict {
                Verdict::Ready | Verdict::Recovered { .. } => {
                    score.cured += 1;
                    score.failed = score.failed.saturating_sub(u32::from(failed_before));
                }
                Verdict::Straggler { .. } => {
                    score.failed += u32::from(!failed_before);
                    agent.fail(rung);
                }
                Verdict::Deferred { .. } | Verdict::Unknown { .. } if failed_before => agent.fail(rung),
                Verdict::Deferred { .. } | Verdict::Unknown { .. } => {}
            }
            agent.remedy = RemedyState::Idle;
        }
        let counts = &mut self.counts;
        match before {
            None => counts.judged += 1,
            Some(Verdict::Straggler { .. }) => counts.stragglers -= 1,
            Some(Verdict::Ready | Verdict::Recovered { .. }) => counts.done -= 1,
            Some(Verdict::Deferred { .. } | Verdict::Unknown { .. }) => {}
        }
        match verdict {
            Verdict::Straggler { .. } => counts.stragglers += 1,
            Verdict::Ready | Verdict::Recovered { .. } => counts.done += 1,
            Verdict::Deferred { .. } | Verdict::Unknown { .. } => {}
        }
    }
}

/// Why the publish cannot be made while this is so.
fn stops(concerns: &[Concern]) -> Option<String> {
    let concern = concerns.iter().find(|concern| concern.weight == Weight::Stops)?;
    let fix = concern.fix.as_ref().map_or_else(String::new, |fix| format!("; {fix}"));
    Some(format!("the preflight found that {}{fix}", concern.words))
}

impl PartialEq for Run {
    /// Two runs are equal when their journals say the same; what a process knows for itself does not count.
    fn eq(&self, other: &Run) -> bool {
        self.seq == other.seq
            && self.phase == other.phase
            && self.publish == other.publish
            && (self.claims, self.claimed_at, self.preflight_at) == (other.claims, other.claimed_at, other.preflight_at)
            && (self.version, self.approved, self.held) == (other.version, other.approved, other.held)
            && (self.waited, self.late, self.elsewhere) == (other.waited, other.late, other.elsewhere)
            && (&self.watched, &self.preflighted, &self.unread) == (&other.watched, &other.preflighted, &other.unread)
            && self.orders == other.orders
            && self.hooked == other.hooked
            && (self.open, self.probe, self.brake) == (other.open, other.probe, other.brake)
            && (self.scores, self.counts) == (other.scores, other.counts)
            && (self.spent, &self.stop) == (other.spent, &other.stop)
            && self.agents == other.agents
            && self.plan == other.plan
    }
}
