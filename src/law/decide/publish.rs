//! The publish: the last look, the upload, the claim at T, and seeing it through. Once-only is written here and nowhere else.
//!
//! Must never: send a publish that was not claimed, or claim again without proof that the claim before had no effect.
//! Doubt is settled by looking; past the window a person decides.

use super::{Work, before, failure_in, watch};
use crate::law::command::{Command, Effect, Failure, FailureKind, Outcome, PublishAnswer, ScheduleState};
use crate::law::event::{Drift, Event, Phase, StopKind, Wait};
use crate::law::pace::backoff_ms;
use crate::law::plan::OnDrift;
use crate::law::run::{Elsewhere, Held, Lateness, PublishState};
use crate::words::clock::Timestamp;
use crate::words::hook::HookPoint;

/// The last look at the schedule, so long before T. It does not hold the publish up: an earlier good look counts.
const LAST_LOOK_MS: i64 = 5_000;
/// A publish that was held up rests on a look that is no older than this.
const LOOK_FRESH_MS: i64 = 30_000;
/// Looks are this much closer together right after the answer, when completion is most likely.
const FIRST_LOOK_MS: i64 = 1_000;

pub(super) fn prepare(work: &mut Work) {
    if before::missed(work) || before::cannot_be_made(work) {
        return;
    }
    before::preflight(work);
    if !work.hooked(HookPoint::PrePublish) {
        return;
    }
    claim_what_was_seen(work);
}

/// On the way to a claim: a look that found the schedule as wanted, an upload, and the instant.
fn claim_what_was_seen(work: &mut Work) {
    if let Held::ByDrift(_) = work.run.held {
        wait_for(work, Wait::Drift);
        return;
    }
    if work.run.preflight_at.is_none() {
        ask_when_due(work, Command::ReadSchedule);
        return;
    }
    if work.run.desk.upload.is_none() {
        prepare_upload(work);
        return;
    }
    look_once_more(work);
    if held_up_for_long(work) {
        ask_when_due(work, Command::ReadSchedule);
        return;
    }
    claim_when_due(work);
}

/// Whether T has passed meanwhile, and the look that the publish would rest on with it.
fn held_up_for_long(work: &Work) -> bool {
    let since_t_ms = work.now.since_ms(work.run.plan.publish_at);
    let waits = work.run.waits_for().is_some();
    let stale = work.run.preflight_at.is_some_and(|at| work.now.since_ms(at) > LOOK_FRESH_MS);
    !waits && since_t_ms > LAST_LOOK_MS && stale
}

fn prepare_upload(work: &mut Work) {
    let version = work.run.version;
    ask_when_due(work, Command::PrepareUpload { version });
}

fn look_once_more(work: &mut Work) {
    let last_look_at = work.run.plan.publish_at - LAST_LOOK_MS;
    if work.now < last_look_at {
        work.wake(last_look_at);
    } else if work.run.preflight_at.is_some_and(|at| at < last_look_at) && work.now < work.run.plan.publish_at {
        ask_when_due(work, Command::ReadSchedule);
    }
}

/// T passing while something is missing is an event; then the misfire policy has the last word.
fn wait_for(work: &mut Work, wait: Wait) {
    let publish_at = work.run.plan.publish_at;
    if work.now < publish_at {
        work.wake(publish_at);
        return;
    }
    if work.run.waited != Some(wait) {
        work.note(Event::PublishWaits { wait });
    }
    let too_late = work.run.plan.too_late_after() + 1;
    work.wake(too_late);
}

/// Asks once, and again after a failure only when its backoff has passed.
fn ask_when_due(work: &mut Work, command: Command) {
    let under_way = work.under_way(|c| c == &command);
    let due = work.run.desk.next_look;
    if under_way {
        return;
    }
    if work.now >= due {
        work.ask(command);
    } else {
        work.wake(due);
    }
}

fn claim_when_due(work: &mut Work) {
    if let Some(wait) = waits_for(work) {
        wait_for(work, wait);
        return;
    }
    let publish_at = work.run.plan.publish_at;
    if work.now < publish_at {
        work.wake(publish_at);
        return;
    }
    let attempt = work.run.claims + 1;
    let Some(upload) = work.run.desk.upload.clone() else { return };
    let late_ms = work.now.since_ms(publish_at);
    if late_ms > work.run.plan.policy.late_after_ms && work.run.late == Lateness::Punctual {
        let why = why_late(work);
        work.note(Event::PublishLate { late_ms, why });
    }
    work.run.desk.has_looked = false;
    work.note(Event::PublishClaimed { attempt, late_ms });
    work.ask(Command::Publish { upload });
}

fn waits_for(work: &Work) -> Option<Wait> {
    #[cfg(test)]
    if work.run.desk.planted == Some(super::Planted::IgnoreHolds) {
        return None;
    }
    work.run.waits_for()
}

fn why_late(work: &Work) -> String {
    match (work.run.waited, &work.run.unread) {
        (Some(wait), _) => wait.words().to_owned(),
        (None, _) if work.run.claims > 0 => "the platform did not take an earlier attempt".to_owned(),
        (None, Some(failure)) => format!("the platform could not be read before: {failure}"),
        (None, None) => "the run was not ready at its instant".to_owned(),
    }
}

/// Somebody says that the schedule is published: what was seen of it counts, or it is looked at now.
pub(super) fn said_published(work: &mut Work, held: Held) {
    match held {
        Held::ByDrift(Drift::Published { version }) => elsewhere(work, version),
        Held::ByDrift(Drift::Changed { .. } | Drift::Vanished) | Held::ByPerson | Held::No => {
            if !work.under_way(|command| *command == Command::ReadSchedule) {
                work.ask(Command::ReadSchedule);
            }
        }
    }
}

/// Somebody else has published: nothing is sent, and the agents are checked all the same.
pub(super) fn elsewhere(work: &mut Work, version: i64) {
    watch::end(work);
    work.note(Event::PublishedElsewhere { version });
    work.enter(Phase::Checking);
}

pub(super) fn schedule_seen(work: &mut Work, outcome: Outcome) {
    let before_a_claim = work.run.before_the_claim();
    work.run.desk.has_looked |= work.run.phase == Phase::Publishing && !before_a_claim;
    match (outcome, work.run.phase) {
        (Outcome::Schedule(state), _) if before_a_claim => preflight(work, state),
        (Outcome::Schedule(state), Phase::Publishing) => looked(work, state),
        (Outcome::Schedule(_), _) => {}
        (other, _) if before_a_claim => preparation_failed(work, failure_in(other)),
        (other, _) => {
            // While looking, every failure means: look again.
            work.run.desk.next_look = work.now + work.run.plan.timing.look_interval_ms;
            work.note(Event::ReadFailed { failure: failure_in(other) });
        }
    }
}

fn preflight(work: &mut Work, state: ScheduleState) {
    work.note(Event::ScheduleSeen { version: state.version, published: state.published });
    work.run.desk.prepare_failures = 0;
    if state.published && work.run.elsewhere == Elsewhere::Told {
        elsewhere(work, state.version);
    } else if state.published {
        drifted(work, Drift::Published { version: state.version });
    } else if state.version != work.run.version {
        drifted(work, Drift::Changed { version: state.version });
    }
}

fn drifted(work: &mut Work, drift: Drift) {
    let policy = work.run.plan.policy.on_drift;
    work.note(Event::Drifted { drift, policy });
    match (policy, drift) {
        (OnDrift::Hold, _) => {}
        (OnDrift::PublishLatest, Drift::Changed { .. }) => work.run.desk.upload = None,
        (OnDrift::PublishLatest, Drift::Published { version }) => elsewhere(work, version),
        (OnDrift::PublishLatest, Drift::Vanished) => work.stop(StopKind::Drifted, drift.words()),
    }
}

pub(super) fn upload_ready(work: &mut Work, outcome: Outcome) {
    match outcome {
        Outcome::UploadReady(key) => {
            work.run.desk.prepare_failures = 0;
            work.run.desk.upload = Some(key);
        }
        other => preparation_failed(work, failure_in(other)),
    }
}

fn preparation_failed(work: &mut Work, failure: Failure) {
    if failure.kind == FailureKind::NotFound {
        work.note(Event::ReadFailed { failure });
        drifted(work, Drift::Vanished);
        return;
    }
    if !failure.kind.passes() {
        let why = failure.to_string();
        work.note(Event::ReadFailed { failure });
        work.stop(StopKind::Refused, why);
        return;
    }
    let desk = &mut work.run.desk;
    desk.prepare_failures = desk.prepare_failures.saturating_add(1);
    let mut chance = work.run.plan.seed.fork(&format!("prepare {} {}", work.run.seq, desk.prepare_failures));
    let wait_ms = backoff_ms(500, 5_000, desk.prepare_failures, &mut chance);
    desk.next_look = (work.now + wait_ms).max(failure.again_at.unwrap_or(work.now));
    work.note(Event::ReadFailed { failure });
}

pub(super) fn answered(work: &mut Work, outcome: Outcome) {
    work.run.desk.next_look = work.now + FIRST_LOOK_MS;
    match outcome {
        Outcome::Published { answer, left } => {
            if let Some(left) = left {
                let late_ms = left.since_ms(work.run.plan.publish_at);
                work.note(Event::PublishSent { left, late_ms });
            }
            proven(work, answer);
        }
        other => {
            let failure = failure_in(other);
            match failure.kind.effect() {
                Effect::None => not_done(work, failure),
                Effect::Possible => doubt(work, failure),
            }
        }
    }
}

fn proven(work: &mut Work, answer: PublishAnswer) {
    match answer {
        PublishAnswer::Accepted { operation } => work.note(Event::PublishAccepted { operation }),
        PublishAnswer::NotDone(failure) => not_done(work, failure),
        PublishAnswer::Doubt(failure) => doubt(work, failure),
    }
}

fn doubt(work: &mut Work, failure: Failure) {
    #[cfg(test)]
    if work.run.desk.planted == Some(super::Planted::RetryBlindly) {
        if let Some(upload) = work.run.desk.upload.clone() {
            work.ask(Command::Publish { upload });
        }
        return;
    }
    work.note(Event::PublishDoubted { why: failure.to_string(), kind: Some(failure.kind) });
}

fn not_done(work: &mut Work, failure: Failure) {
    let again_at = claim_again_at(work, &failure);
    let why = format!("the platform did not take the publish: {failure}");
    work.note(Event::PublishNotDone { attempt: work.run.claims, failure, again_at });
    if again_at.is_none() {
        work.stop(StopKind::Refused, why);
    }
}

/// When a publish that is proven not done may be claimed again; never past the misfire limit or the number of claims.
fn claim_again_at(work: &Work, failure: &Failure) -> Option<Timestamp> {
    let plan = &work.run.plan;
    if work.run.claims >= plan.limits.claims_max {
        return None;
    }
    let at = match failure.kind {
        FailureKind::Throttled => failure.again_at.unwrap_or(work.now + 1_000).max(work.now + 1),
        FailureKind::Unauthorized | FailureKind::NotSent => work.now + 500,
        FailureKind::Forbidden
        | FailureKind::NotFound
        | FailureKind::Conflict
        | FailureKind::Invalid
        | FailureKind::Server
        | FailureKind::NoAnswer
        | FailureKind::Malformed
        | FailureKind::Local => return None,
    };
    (at <= plan.too_late_after()).then_some(at)
}

pub(super) fn see_through(work: &mut Work) {
    match work.run.publish {
        PublishState::Claimed => {
            tell_if_late(work);
            if !work.under_way(|c| matches!(c, Command::Publish { .. })) {
                let why = "the process stopped before an answer came".to_owned();
                work.note(Event::PublishDoubted { why, kind: None });
                look_until(work, work.now);
            }
        }
        PublishState::Accepted { since } | PublishState::Doubted { since, .. } => look_until(work, since),
        PublishState::NotDone { again_at: Some(at) } => claim_again(work, at),
        PublishState::NotDone { again_at: None } => {
            work.stop(StopKind::Refused, "the platform did not take the publish".to_owned());
        }
        PublishState::Confirmed { .. } => work.enter(Phase::Checking),
        // A journal that says `publishing` without a claim is not ours; nothing is sent.
        PublishState::Unclaimed => {
            work.stop(StopKind::Refused, "the journal says publishing, but holds no claim".to_owned());
        }
    }
}

/// Who should hear that the publish is late does, while it goes on.
pub(super) fn tell_if_late(work: &mut Work) {
    if work.run.late == Lateness::Late {
        work.hooked(HookPoint::Late);
    }
}

fn claim_again(work: &mut Work, at: Timestamp) {
    if before::missed(work) || before::cannot_be_made(work) {
        return;
    }
    if work.now < at {
        work.wake(at);
    } else {
        claim_what_was_seen(work);
    }
}

fn look_until(work: &mut Work, since: Timestamp) {
    let window_ends = since + work.run.plan.timing.publish_window_ms;
    // A window that passed while nobody ran proves nothing: whoever comes then looks once before a person must.
    if work.now >= window_ends && !work.run.desk.has_looked {
        ask_when_due(work, Command::ReadSchedule);
        return;
    }
    if work.now >= window_ends {
        work.note(Event::PublishUnconfirmed { looked_ms: work.now.since_ms(since) });
        return;
    }
    work.wake(window_ends);
    ask_when_due(work, Command::ReadSchedule);
}

fn looked(work: &mut Work, state: ScheduleState) {
    // A look that was asked before the claim says nothing of it, and the publish's own answer is still to come.
    if work.under_way(|c| matches!(c, Command::Publish { .. })) {
        return;
    }
    work.run.desk.next_look = work.now + work.run.plan.timing.look_interval_ms;
    work.note(Event::ScheduleSeen { version: state.version, published: state.published });
    if state.published {
        work.note(Event::PublishConfirmed { version: state.version });
        work.enter(Phase::Checking);
        return;
    }
    #[cfg(test)]
    if work.run.desk.planted == Some(super::Planted::RepublishOnTimer)
        && let PublishState::Doubted { since, .. } = work.run.publish
        && work.now >= since + work.run.plan.timing.look_interval_ms
        && let Some(upload) = work.run.desk.upload.clone()
    {
        work.ask(Command::Publish { upload });
        return;
    }
    // A first claim that was refused with 409 while the schedule has moved on: nothing of ours is pending.
    let refused_as_stale = matches!(work.run.publish, PublishState::Doubted { kind: Some(FailureKind::Conflict), .. });
    let wanted = work.run.version;
    if refused_as_stale && work.run.claims == 1 && state.version != wanted {
        let why = format!("the schedule was changed at the last moment: version {} instead of {wanted}", state.version);
        work.stop(StopKind::Drifted, why);
    }
}
