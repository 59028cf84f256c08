//! Before the publish: waiting for the refresh lead, and refreshing agents' tokens in order of shift start.
//!
//! Must never: hold up the publish. What is not refreshed when the preparations begin stays as it was.

use super::{Work, cure, failure_in, page, watch};
use crate::law::agent::TokenState;
use crate::law::command::{Command, Concern, Outcome, TokenVia, Weight};
use crate::law::event::{Blame, Event, Phase, StopKind};
use crate::law::pace::backoff_ms;
use crate::law::page::Errand;
use crate::law::run::{Held, Preflighted};
use crate::law::verdict::Rung;
use crate::law::young::Young;
use crate::words::hook::HookPoint;
use crate::words::id::Seat;

/// What the publish needs is looked over so long before it, in ms: late enough to find what has changed, and early enough for
/// somebody to mend it.
const PREFLIGHT_LEAD_MS: i64 = 10 * 60_000;
/// While something stands in the way of the publish it is looked over again after this, in ms.
const PREFLIGHT_AGAIN_MS: i64 = 60_000;

pub(super) fn wait(work: &mut Work) {
    if missed(work) {
        return;
    }
    watch::watch(work);
    preflight(work);
    let refresh_at = work.run.plan.refresh_at();
    if work.now < refresh_at {
        work.wake(refresh_at);
        return;
    }
    if work.hooked(HookPoint::PreRefresh) {
        work.enter(Phase::Refreshing);
    } else {
        // A hook that never ends is killed by its time limit; T passing meanwhile is the misfire policy's matter.
        let too_late = work.run.plan.too_late_after();
        work.wake(too_late);
    }
}

/// Shortly before T what the publish needs is looked over once more, and again while something stands in its way, so that
/// somebody can mend it. Nothing waits for it.
pub(super) fn preflight(work: &mut Work) {
    let first = work.run.plan.publish_at - PREFLIGHT_LEAD_MS;
    let at = match &work.run.preflighted {
        None => first,
        Some(Preflighted { at, stops: Some(_) }) => *at + PREFLIGHT_AGAIN_MS,
        Some(Preflighted { stops: None, .. }) => return,
    };
    if work.now >= work.run.plan.publish_at || work.under_way(|c| *c == Command::Preflight) {
        return;
    }
    if work.now < at {
        work.wake(at);
    } else {
        work.ask(Command::Preflight);
    }
}

pub(super) fn preflighted(work: &mut Work, outcome: Outcome) {
    let concerns = match outcome {
        Outcome::Preflighted(concerns) => concerns,
        other => {
            let words = failure_in(other).to_string();
            vec![Concern { what: "preflight".to_owned(), words, fix: None, weight: Weight::Told }]
        }
    };
    work.note(Event::Preflighted { concerns });
}

/// What is certain to be refused is not tried: from the preparations on, what the newest preflight found stops the run. True when
/// it did.
pub(super) fn cannot_be_made(work: &mut Work) -> bool {
    let Some(why) = work.run.preflighted.as_ref().and_then(|found| found.stops.clone()) else { return false };
    work.stop(StopKind::Vetoed, why);
    true
}

/// Stops the run when T has passed by more than the policy allows and nothing was claimed. True when it did.
pub(super) fn missed(work: &mut Work) -> bool {
    let late_ms = work.now.since_ms(work.run.plan.publish_at);
    let max_ms = work.run.plan.timing.late_by_max_ms;
    if late_ms <= max_ms {
        return false;
    }
    let passed = format!(
        "the publish instant passed {} s ago, more than the {} s that are allowed",
        late_ms / 1000,
        max_ms / 1000
    );
    match (work.run.held, work.run.waits_for()) {
        (Held::ByDrift(drift), _) => work.stop(StopKind::Drifted, format!("{}, and nobody has decided", drift.words())),
        (_, Some(wait)) => work.stop(StopKind::Missed, format!("{passed}, and {}", wait.words())),
        (_, None) => {
            let because = work.run.unread.as_ref().map(|why| format!("; the platform could not be read: {why}"));
            work.stop(StopKind::Missed, passed + because.as_deref().unwrap_or_default());
        }
    }
    true
}

pub(super) fn refresh(work: &mut Work) {
    fill(work);
    let prepare_at = work.run.plan.prepare_at();
    // The last look belongs close to T, however early the tokens are done.
    if work.now >= prepare_at {
        watch::end(work);
        work.enter(Phase::Preparing);
        return;
    }
    watch::watch(work);
    preflight(work);
    let room = work.room();
    for seat in work.run.desk.refresh.take(work.now, room) {
        let unless = young(work);
        start(work, seat, first_way(work), unless);
    }
    work.wake(prepare_at);
    if let Some(at) = work.run.desk.refresh.next_at().filter(|_| work.room() > 0) {
        work.wake(at);
    }
}

fn fill(work: &mut Work) {
    if work.run.desk.filled_for == Some(Phase::Refreshing) {
        return;
    }
    work.run.desk.filled_for = Some(Phase::Refreshing);
    if !work.run.open.is_open(Rung::TokenRefresh) {
        return;
    }
    let needed_until = work.run.plan.publish_at + work.run.plan.timing.token_outlives_ms;
    for seat in work.run.all_seats() {
        let urgency = work.run.plan.urgency(seat);
        let enrolled = work.run.plan.member(seat).is_some_and(|m| m.enrolled);
        let wanted = work.run.agent(seat).is_some_and(|agent| match agent.token {
            TokenState::Untouched | TokenState::Refreshing => true,
            TokenState::Failed => agent.refresh_attempts < work.run.plan.limits.refresh_attempts_max,
            TokenState::Fresh(expires_at) => expires_at < needed_until,
            TokenState::Dead => false,
        });
        if enrolled && wanted {
            work.run.desk.refresh.put(seat, work.now, urgency);
        }
    }
}

pub(super) fn first_way(work: &Work) -> TokenVia {
    if work.run.plan.mechanisms.oauth_refresh { TokenVia::Grant } else { TokenVia::Reported }
}

/// Which tokens are left as they are; by default none, since users report that sessions older than the publish are revoked.
fn young(work: &Work) -> Option<Young> {
    let (plan, timing) = (&work.run.plan, &work.run.plan.timing);
    let ends_from = plan.publish_at + timing.token_outlives_ms;
    (timing.young_ms > 0).then(|| Young { ends_from, made_from: work.now - timing.young_ms })
}

/// Asks for a new token for one agent.
pub(super) fn start(work: &mut Work, seat: Seat, via: TokenVia, unless: Option<Young>) {
    work.note(Event::RefreshStarted { seat, via });
    work.ask(Command::RefreshToken { seat, via, unless });
}

pub(super) fn token_answered(work: &mut Work, seat: Seat, via: TokenVia, outcome: Outcome) {
    let blame = outcome.failure().map_or(Blame::Nobody, |failure| cure::blame(Rung::TokenRefresh, failure));
    match outcome {
        Outcome::TokenRefreshed { expires_at } => {
            work.note(Event::TokenRefreshed { seat, expires_at });
            if page::hand_over(work, seat) {
                return;
            }
        }
        Outcome::TokenLeft { made_at, expires_at } => {
            work.note(Event::TokenLeft { seat, made_at, expires_at });
            if page::hand_over(work, seat) {
                return;
            }
        }
        Outcome::TokenDead { failure } => {
            work.note(Event::TokenDead { seat, failure });
            if via == TokenVia::Grant && work.run.plan.mechanisms.authentication_refresh {
                start(work, seat, TokenVia::Reported, None);
                return;
            }
            page::tell(work, seat, Errand::AskToSignIn);
        }
        other => {
            let failure = failure_in(other);
            let again_at = again_at(work, seat, &failure);
            work.note(Event::RefreshFailed { seat, failure, again_at });
            if let Some(at) = again_at {
                let urgency = work.run.plan.urgency(seat);
                work.run.desk.refresh.put(seat, at, urgency);
            }
        }
    }
    cure::token_answered(work, seat, blame);
}

fn again_at(work: &Work, seat: Seat, failure: &crate::law::command::Failure) -> Option<crate::words::clock::Timestamp> {
    let attempts = work.run.agent(seat).map_or(u8::MAX, |agent| agent.refresh_attempts);
    let last = attempts >= work.run.plan.limits.refresh_attempts_max || work.run.phase != Phase::Refreshing;
    if last || !failure.kind.passes() {
        return None;
    }
    let policy = &work.run.plan.remedies;
    let mut chance = work.run.plan.seed.fork(&format!("refresh {} {attempts}", seat.0));
    let wait_ms = backoff_ms(policy.backoff_first_ms, policy.backoff_max_ms, attempts, &mut chance);
    Some((work.now + wait_ms).max(failure.again_at.unwrap_or(work.now)))
}
