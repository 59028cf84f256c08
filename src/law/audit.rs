//! The invariants of a run, checked event by event: by the simulation after each step, and over any journal.
//!
//! It follows the journal with a fold of its own and shares no rule with `decide`, so that a bug there cannot hide here.
//! Must never: repair anything; it only says what is wrong and where.

use std::sync::Arc;

use crate::law::agent::RemedyState;
use crate::law::command::{Effect, Failure, FailureKind, Weight};
use crate::law::event::{Attempt, Blame, Event, Phase, Record, Tally};
use crate::law::order::{OrderId, Wish};
use crate::law::run::{PublishState, Run};
use crate::law::verdict::{CallState, Readiness, Rung, Verdict};
use crate::words::clock::Timestamp;
use crate::words::hook::HookPoint;
use crate::words::id::{AgentId, Seat};

/// A rule that a journal breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {seq} breaks a rule: {rule}; {what}")]
pub struct Violation {
    /// The event.
    pub seq: u64,
    /// The rule.
    pub rule: &'static str,
    /// What was found.
    pub what: String,
}

/// Follows one journal.
#[derive(Debug, Clone, Default)]
pub struct Auditor {
    run: Option<Run>,
    /// What the newest look at the schedule found: its version, and whether it was published.
    seen: Option<(i64, bool)>,
    vetoed: bool,
    /// Whether the newest preflight found something that the publish cannot be made with.
    stands_in_the_way: bool,
}

impl Auditor {
    /// Follows a whole journal.
    ///
    /// # Errors
    /// The first [`Violation`].
    pub fn check(records: &[Record]) -> Result<(), Violation> {
        let mut auditor = Auditor::default();
        records.iter().try_for_each(|record| auditor.see(record))
    }

    /// Takes in the next event.
    ///
    /// # Errors
    /// A [`Violation`] when it breaks a rule.
    pub fn see(&mut self, record: &Record) -> Result<(), Violation> {
        let broken = |rule, what: String| Err(Violation { seq: record.seq, rule, what });
        let Some(run) = &self.run else {
            let Event::Staged { plan } = &record.event else {
                return broken("a journal begins with its plan", format!("{:?}", record.event));
            };
            self.run = Some(Run::staged(Arc::new((**plan).clone())));
            return Ok(());
        };
        if record.seq != run.seq + 1 {
            return broken("events are numbered without gaps", format!("after {}", run.seq));
        }
        if let Some((rule, what)) = self.breaks(run, record.at, &record.event) {
            return broken(rule, what);
        }
        self.remember(&record.event);
        if let Some(run) = &mut self.run {
            run.apply(record.at, &record.event);
        }
        Ok(())
    }

    fn remember(&mut self, event: &Event) {
        if let Event::ScheduleSeen { version, published } = event {
            self.seen = Some((*version, *published));
        }
        if let Event::HooksRan { point, results, .. } = event {
            self.vetoed |= point.vetoes() && results.iter().any(|r| r.problem().is_some());
        }
        if let Event::Preflighted { concerns } = event {
            self.stands_in_the_way = concerns.iter().any(|concern| concern.weight == Weight::Stops);
        }
    }

    fn breaks(&self, run: &Run, at: Timestamp, event: &Event) -> Option<(&'static str, String)> {
        match event {
            Event::PublishClaimed { attempt, .. } => self.breaks_claim(run, at, *attempt),
            Event::PublishAccepted { .. } | Event::PublishNotDone { .. } => (run.publish != PublishState::Claimed)
                .then(|| ("an answer to a publish follows its claim", format!("{:?}", run.publish))),
            Event::PublishDoubted { .. } | Event::PublishConfirmed { .. } | Event::PublishUnconfirmed { .. } => {
                (run.claims == 0).then(|| ("a publish is claimed before it is doubted or seen", String::new()))
            }
            Event::RemedyFailed { failure, attempt, blame, .. } => breaks_failure(failure, *attempt, *blame),
            Event::RemedyStarted { rung, seats } => seats.iter().find_map(|seat| breaks_remedy(run, at, *rung, *seat)),
            Event::Judged { verdicts } => {
                verdicts.iter().find_map(|(seat, verdict)| breaks_verdict(run, *seat, *verdict))
            }
            Event::Settled { tally } => breaks_settled(run, *tally),
            Event::Staged { .. } => Some(("a run is staged once", String::new())),
            Event::Ordered { order, wish, agent, .. } => {
                breaks_order(run, *order, *wish).or_else(|| breaks_retry(run, *wish, agent.as_ref()))
            }
            Event::OrderRefused { order, .. } | Event::OrderUnread { order, .. } => {
                run.orders.contains(order).then(|| ("an order is answered once", format!("order {}", order.0)))
            }
            Event::PublishedElsewhere { version } => (may_be_ours(run) || self.seen != Some((*version, true)))
                .then(|| ("somebody else's publish is one that was seen and is not ours", format!("{:?}", self.seen))),
            Event::PublishSent { left, .. } => (run.claims == 0 || *left < run.plan.publish_at)
                .then(|| ("a publish leaves at its instant or later, after its claim", left.to_string())),
            Event::Spent { since, calls, .. } => (*since > at || calls.total() == 0)
                .then(|| ("an account is of calls that were answered before it", since.to_string())),
            Event::TakenUp
            | Event::PhaseEntered { .. }
            | Event::HooksRan { .. }
            | Event::RefreshStarted { .. }
            | Event::TokenRefreshed { .. }
            | Event::RefreshFailed { .. }
            | Event::TokenLeft { .. }
            | Event::TokenDead { .. }
            | Event::RungUnavailable { .. }
            | Event::ProbeUnavailable { .. }
            | Event::ScheduleSeen { .. }
            | Event::UsersSeen { .. }
            | Event::PhonesSeen { .. }
            | Event::PhonesAbsent { .. }
            | Event::Probed { .. }
            | Event::PagesSeen { .. }
            | Event::PageTold { .. }
            | Event::ReadFailed { .. }
            | Event::Watched { .. }
            | Event::Pushed { .. }
            | Event::Preflighted { .. }
            | Event::RemedyAccepted { .. }
            | Event::BrakeApplied { .. }
            | Event::Drifted { .. }
            | Event::PublishWaits { .. }
            | Event::PublishLate { .. }
            | Event::Stopped { .. } => None,
        }
    }

    fn breaks_claim(&self, run: &Run, at: Timestamp, attempt: u32) -> Option<(&'static str, String)> {
        let clear = match run.publish {
            PublishState::Unclaimed => true,
            PublishState::NotDone { again_at } => again_at.is_some(),
            PublishState::Claimed
            | PublishState::Accepted { .. }
            | PublishState::Doubted { .. }
            | PublishState::Confirmed { .. } => false,
        };
        if !clear || attempt != run.claims + 1 {
            return Some((
                "a publish is claimed once, or again after proof that it was not done",
                format!("{:?}", run.publish),
            ));
        }
        if at < run.plan.publish_at || at > run.plan.too_late_after() {
            return Some(("a publish is made at its instant or within the allowed lateness", at.to_string()));
        }
        if self.seen != Some((run.version, false)) {
            return Some(("a publish follows a look that found the schedule as wanted", format!("{:?}", self.seen)));
        }
        if let Some(wait) = run.waits_for() {
            return Some(("nothing is published that is held or not approved", wait.words().to_owned()));
        }
        if self.stands_in_the_way {
            return Some(("what the preflight found to be in the way is not tried", String::new()));
        }
        if self.vetoed || !run.hooked.contains(&HookPoint::PrePublish) {
            return Some(("a publish follows its hooks, and no veto", String::new()));
        }
        if run.phase == Phase::Stopped {
            return Some(("a stopped run publishes nothing", String::new()));
        }
        None
    }
}

/// Whether a publish that is seen may be the run's own.
fn may_be_ours(run: &Run) -> bool {
    match run.publish {
        PublishState::Unclaimed | PublishState::NotDone { .. } => false,
        PublishState::Claimed
        | PublishState::Accepted { .. }
        | PublishState::Doubted { .. }
        | PublishState::Confirmed { .. } => true,
    }
}

fn breaks_order(run: &Run, order: OrderId, wish: Wish) -> Option<(&'static str, String)> {
    if run.orders.contains(&order) {
        return Some(("an order is followed once", format!("order {}", order.0)));
    }
    let over = run.is_over() || matches!(run.phase, Phase::Settled | Phase::Stopped);
    let late = matches!(wish, Wish::Approve | Wish::Elsewhere) && !run.before_the_claim();
    (over || late).then(|| ("an order that comes too late is refused", wish.words().to_owned()))
}

/// A ladder begins anew for an agent that it is of use to, and while nothing is at work there: otherwise attempts would be
/// bounded by nothing.
fn breaks_retry(run: &Run, wish: Wish, agent: Option<&AgentId>) -> Option<(&'static str, String)> {
    let agent = match (wish, agent) {
        (Wish::Retry, Some(agent)) => agent,
        (Wish::Retry, None) | (_, Some(_)) => {
            return Some(("an order is about one agent when it is to re-try one", wish.words().to_owned()));
        }
        (_, None) => return None,
    };
    let Some(found) = run.seat_of(agent).and_then(|seat| run.agent(seat)) else {
        return Some(("an agent that is re-tried is of the roster", agent.to_string()));
    };
    let idle = found.remedy == RemedyState::Idle && found.signals.on_call() != CallState::OnCall;
    let unwell = found.verdict.is_some_and(|verdict| !verdict.is_final());
    let may = run.phase == Phase::Checking && !run.brake.stops();
    (!idle || !unwell || !may).then(|| ("only who is not ready and not being helped is re-tried", agent.to_string()))
}

fn breaks_remedy(run: &Run, at: Timestamp, rung: Rung, seat: Seat) -> Option<(&'static str, String)> {
    let who = || format!("{} for seat {}", rung.words(), seat.0);
    let Some(agent) = run.agent(seat) else { return Some(("a remedy is for an agent of the roster", who())) };
    if run.phase != Phase::Checking {
        return Some(("remedies belong to the check", who()));
    }
    if run.brake.stops() || !run.open.is_open(rung) {
        return Some(("no remedy against the brake or the plan", who()));
    }
    let age_ms = at.since_ms(agent.seen.users);
    if agent.signals.on_call() != CallState::Free || age_ms > run.plan.limits.on_call_fresh_ms {
        return Some(("nobody is touched who was not just seen off calls", format!("{}, seen {age_ms} ms ago", who())));
    }
    if matches!(agent.remedy, RemedyState::Started(_)) {
        return Some(("one remedy at a time", who()));
    }
    if !matches!(agent.verdict, Some(Verdict::Straggler { .. })) {
        return Some(("remedies are for stragglers", who()));
    }
    let spent = rung != Rung::Ask && agent.attempts() >= run.plan.remedies.attempts_max;
    let tries = agent.tried.get(rung.index()).copied().unwrap_or(u8::MAX);
    (spent || tries >= rung.tries_max()).then(|| ("attempts are bounded", who()))
}

fn breaks_failure(failure: &Failure, attempt: Attempt, blame: Blame) -> Option<(&'static str, String)> {
    match (attempt, blame) {
        (Attempt::NotMade, Blame::Nobody) => (failure.kind != FailureKind::NotSent)
            .then(|| ("only a remedy that never left is no attempt", failure.to_string())),
        (Attempt::NotMade, Blame::Rung) => Some(("what was no attempt says nothing of a rung", failure.to_string())),
        (Attempt::Made, Blame::Rung) => (failure.kind.effect() == Effect::Possible)
            .then(|| ("what may have helped does not count against a rung", failure.to_string())),
        (Attempt::Made, Blame::Nobody) => None,
    }
}

fn breaks_verdict(run: &Run, seat: Seat, verdict: Verdict) -> Option<(&'static str, String)> {
    let Some(agent) = run.agent(seat) else {
        return Some(("a verdict is about an agent of the roster", format!("seat {}", seat.0)));
    };
    match verdict {
        Verdict::Ready | Verdict::Recovered { .. } => (agent.readiness() != Some(Readiness::Ready))
            .then(|| ("ready is said of what was seen ready", format!("seat {}: {:?}", seat.0, agent.signals))),
        Verdict::Deferred { .. } | Verdict::Straggler { .. } | Verdict::Unknown { .. } => None,
    }
}

fn breaks_settled(run: &Run, tally: Tally) -> Option<(&'static str, String)> {
    if tally != run.tally() || tally.total() as usize != run.plan.roster.len() {
        return Some(("the tally counts every agent once", format!("{tally:?}")));
    }
    let lost = run.agents.iter().position(|agent| agent.verdict.is_none());
    lost.map(|seat| ("everyone ends with a verdict", format!("seat {seat} has none")))
}
