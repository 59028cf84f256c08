//! Who gets the calls while there are too few: looks step back for remedies, and are not forgotten.
//!
//! Whoever waits for a remedy cannot take calls; whoever waits for the look after one most likely can. A sweep costs a page
//! of phones for each hundred that the organisation has, however few agents it is about, so sweeps that follow each other
//! closely are dear, and gathered ones cheap. Therefore, while more stragglers wait than one look at calls lets be helped,
//! sweeps have one call in [`ONE_CALL_IN`]; but they begin once in [`HELD_MAX_MS`], as long as that leaves remedies half of
//! the calls.
//!
//! Must never: hold a look back while no remedy waits for its turn, or until the run is over.

use super::check::SWEEP_SPACING_MS;
use super::{Work, harm};
use crate::law::command::{Command, ReadPurpose};
use crate::law::pace::{CALLS_PER_MINUTE, WINDOW_MS};
use crate::words::clock::Timestamp;

/// While remedies wait, sweeps have one call in so many.
const ONE_CALL_IN: i64 = 8;

/// From the beginning of one sweep to that of the next, at most, in ms: whoever comes off a call, or was not helped by a
/// remedy, waits no longer than that to be seen.
const HELD_MAX_MS: i64 = 60_000;

/// When the next sweep may begin.
pub(super) fn sweep_from(work: &mut Work) -> Timestamp {
    let spaced = work.run.desk.next_sweep;
    if !remedies_wait(work) {
        return spaced;
    }
    let calls_per_minute = i64::from(work.run.plan.limits.calls_per_minute.unwrap_or(CALLS_PER_MINUTE).max(1));
    // What the last sweep took of the budget; the next one is about as dear.
    let sweep_ms = i64::from(work.run.desk.sweep_calls) * WINDOW_MS / calls_per_minute;
    let held_ms = (sweep_ms * ONE_CALL_IN).min(HELD_MAX_MS.max(sweep_ms * 2));
    let began = spaced - SWEEP_SPACING_MS;
    // Whoever was helped late in the run is to be seen before its end: one more sweep, and time for it.
    let last = work.run.settle_at() - sweep_ms * 2;
    (began + held_ms).min(last).max(spaced)
}

/// Whether more stragglers wait than one look at calls lets be helped; those whom such a look is about wait as well.
fn remedies_wait(work: &mut Work) -> bool {
    // Held remedies wait for that very look.
    if work.run.brake.stops() || harm::held_until(work).is_some() {
        return false;
    }
    let looked_at = |command: &Command| match command {
        Command::ReadUsers { seats, purpose: ReadPurpose::BeforeRemedy } => seats.len(),
        Command::ReadUsers { purpose: ReadPurpose::Sweep | ReadPurpose::Watch, .. }
        | Command::ReadPhones { .. }
        | Command::ReadPhone { .. }
        | Command::ProbeMedia { .. }
        | Command::ReadPages { .. }
        | Command::TellPage { .. }
        | Command::ReadSchedule
        | Command::PrepareUpload { .. }
        | Command::Publish { .. }
        | Command::RefreshToken { .. }
        | Command::ResetSessions { .. }
        | Command::Reassociate { .. }
        | Command::RebootPhones { .. }
        | Command::RevokeTokens { .. }
        | Command::Preflight
        | Command::RunHooks { .. } => 0,
    };
    let desk = &mut work.run.desk;
    let waiting = desk.cure.due_count(work.now) + desk.under_way.values().map(looked_at).sum::<usize>();
    waiting > work.run.plan.limits.single_remedies_max
}
