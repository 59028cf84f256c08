//! The watch: looks at everybody before the publish, so that what is lost after it can be held against what is lost without one.
//!
//! Evidence and nothing else: what is seen here leads to no verdict and no remedy. Must never: hold up a refresh or the
//! publish; it has two calls at once of its own, and ends when the preparations begin.

use std::collections::VecDeque;

use super::{Work, failure_in};
use crate::law::command::{Command, Outcome, ReadPurpose};
use crate::law::event::{Event, Phase};
use crate::law::rollcall::{PhoneReads, RollCall, Told};
use crate::law::run::Look;
use crate::words::clock::Timestamp;

/// Calls of a look that are under way at once, beside those of [`in_flight_max`](crate::law::plan::Limits::in_flight_max).
const AT_ONCE: usize = 2;
/// The last look begins so long before the preparations, in ms, to be over by then.
const LAST_LOOK_MS: i64 = 60_000;

/// Goes on with the look under way, and begins one when its instant has come.
pub(super) fn watch(work: &mut Work) {
    if work.run.desk.watch.is_none() {
        begin_when_due(work);
    }
    while work.run.desk.under_way.values().filter(|c| is_of_a_look(c)).count() < AT_ONCE {
        let Some(command) = work.run.desk.watch.as_mut().and_then(|look| look.queue.pop_front()) else { return };
        work.ask(command);
    }
}

/// What was seen so far is given up: the preparations begin.
pub(super) fn end(work: &mut Work) {
    work.run.desk.watch = None;
}

pub(super) fn is_of_a_look(command: &Command) -> bool {
    matches!(
        command,
        Command::ReadUsers { purpose: ReadPurpose::Watch, .. }
            | Command::ReadPhones { purpose: ReadPurpose::Watch, .. }
    )
}

fn begin_when_due(work: &mut Work) {
    let plan = &work.run.plan;
    let timing = &plan.timing;
    let last = plan.prepare_at() - LAST_LOOK_MS;
    let Some(first) = plan.watch_at().filter(|first| *first <= last) else { return };
    // A look that would begin with the preparations is given up at once.
    if work.now >= plan.prepare_at() {
        return;
    }
    // Looks lie a whole number of intervals before the last one; of those that were missed only the newest is made up for.
    let interval_ms = timing.watch_interval_ms.max(1);
    let to_go = |now: Timestamp| (last.since_ms(now).max(0) + interval_ms - 1) / interval_ms;
    let newest = last - to_go(work.now) * interval_ms;
    let done = work.run.desk.watched_at.max(work.run.watched.as_ref().map_or(Timestamp::default(), |w| w.since));
    if work.now >= first && newest >= first && done < newest {
        begin(work);
        return;
    }
    let earliest = last - to_go(first) * interval_ms;
    let earliest = if earliest < first { earliest + interval_ms } else { earliest };
    let next = (newest + interval_ms).max(earliest);
    if next <= last {
        work.wake(next);
    }
}

fn begin(work: &mut Work) {
    let agents = work.run.plan.roster.iter().map(|member| member.agent.clone());
    let seats: Vec<_> = work.run.all_seats().collect();
    let users = seats
        .chunks(work.run.plan.limits.bulk_ids_max.max(1))
        .map(|chunk| Command::ReadUsers { seats: chunk.to_vec(), purpose: ReadPurpose::Watch });
    let mut queue: VecDeque<Command> = users.collect();
    queue.push_back(Command::ReadPhones { page: 1, purpose: ReadPurpose::Watch });
    work.run.desk.watched_at = work.now;
    work.run.desk.watch = Some(Look { began: work.now, queue, seen: RollCall::of(agents), reads: PhoneReads::Whole });
}

/// A page of users or of phones is in. A look of which a part could not be read tells nothing.
pub(super) fn seen(work: &mut Work, page: Option<u32>, outcome: Outcome) {
    let now = work.now;
    let Some(look) = work.run.desk.watch.as_mut() else { return };
    match outcome {
        Outcome::Users(seen) => look.seen.see_users(now, &seen),
        Outcome::Phones { seen, pages } => {
            look.seen.see_phones(now, &seen);
            if page == Some(1) {
                let others = (2..=pages).map(|page| Command::ReadPhones { page, purpose: ReadPurpose::Watch });
                look.queue.extend(others);
            }
        }
        other => {
            look.reads = PhoneReads::Torn;
            look.queue.clear();
            work.note(Event::ReadFailed { failure: failure_in(other) });
        }
    }
    if !work.under_way(is_of_a_look) && work.run.desk.watch.as_ref().is_some_and(|look| look.queue.is_empty()) {
        over(work);
    }
}

fn over(work: &mut Work) {
    let Some(mut look) = work.run.desk.watch.take() else { return };
    let before_the_publish = matches!(work.run.phase, Phase::Waiting | Phase::Refreshing);
    if look.reads == PhoneReads::Torn || !before_the_publish {
        return;
    }
    look.seen.phones_read(work.now, look.reads);
    let at_risk = work.run.watched.as_ref().map(|w| w.at_risk.as_slice()).unwrap_or_default();
    let Told { ready, lost, undecided } = look.seen.told_of(|seat| at_risk.binary_search(&seat).is_ok());
    work.note(Event::Watched { since: look.began, ready, lost, undecided });
}
