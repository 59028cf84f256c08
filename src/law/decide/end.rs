//! The end of a run: the last answers, the last hooks, a verdict for everyone.
//!
//! Must never: start a remedy, or leave an agent without a verdict.

use super::{Work, harm};
use crate::law::command::Command;
use crate::law::event::{Event, StopKind};
use crate::law::verdict::{Missing, Verdict};
use crate::words::hook::HookPoint;
use crate::words::id::Seat;

pub(super) fn settle(work: &mut Work) {
    // Answers that are still out belong to agents' verdicts; each command has its own time limit, so this ends.
    let is_apart =
        |c: &Command| matches!(c, Command::Preflight | Command::RunHooks { point: HookPoint::PostPublish, .. });
    let open = work.under_way(|c| !is_apart(c));
    work.run.desk.sweep = None;
    let judged = work.run.counts.judged as usize == work.run.agents.len();
    if open && !work.under_way(|c| matches!(c, Command::RunHooks { point: HookPoint::PostCheck, .. })) {
        return;
    }
    if !judged {
        let without = |seat: &Seat| work.run.agent(*seat).is_some_and(|a| a.verdict.is_none());
        let unseen = Verdict::Unknown { missing: Missing::Everything };
        let verdicts = work.run.all_seats().filter(without).map(|seat| (seat, unseen)).collect();
        work.note(Event::Judged { verdicts });
    }
    let verdicts = harm::last_verdicts(work);
    if !verdicts.is_empty() {
        work.note(Event::Judged { verdicts });
    }
    if work.hooked(HookPoint::PostCheck) {
        let tally = work.run.tally();
        work.note(Event::Settled { tally });
    }
}

/// Over before its end: who should hear of it does. A publish that was missed has a moment of its own, before the last;
/// one that was held past its instant because the schedule had drifted is missed as well.
pub(super) fn stopped(work: &mut Work) {
    let missed = match &work.run.stop {
        Some((StopKind::Missed, _)) => true,
        Some((StopKind::Drifted, _)) => work.run.waited.is_some(),
        Some((StopKind::Vetoed | StopKind::Refused | StopKind::Aborted, _)) | None => false,
    };
    if !missed || work.hooked(HookPoint::Missed) {
        work.hooked(HookPoint::Failed);
    }
}

/// A person must look. Taken up again, the run looks again, and never publishes again.
pub(super) fn in_doubt(work: &mut Work) {
    let asked_to_look_again = work.step.record.first() == Some(&Event::TakenUp);
    if asked_to_look_again && work.run.hooked.contains(&HookPoint::Failed) {
        let why = "looked for again at a person's request".to_owned();
        work.note(Event::PublishDoubted { why, kind: None });
        return;
    }
    work.hooked(HookPoint::Failed);
}
