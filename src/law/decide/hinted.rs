//! Hints: what was pushed moves the next look forward.
//!
//! A station that is disassociated is a reason to look at its agent again even after a final verdict: a read then decides
//! whether the verdict still holds.
//!
//! Must never: conclude anything from a hint, or let hints ask more often than the platform can bear.

use super::Work;
use crate::law::agent::RemedyState;
use crate::law::event::Phase;
use crate::law::hint::{Hint, Stirred};
use crate::law::run::PublishState;
use crate::law::verdict::Verdict;
use crate::words::clock::Timestamp;
use crate::words::id::Seat;

/// A hinted look at the schedule comes so long after the hint, in ms: of several hints together, one look, and however many
/// there are, not more than one a second.
const SOON_MS: i64 = 1_000;

/// One agent is looked at again so often because of what was pushed, after a final verdict, and no more: a station that comes and goes all
/// the time must not keep the run from its end.
const STIRS_MAX: u8 = 4;

pub(super) fn taken(work: &mut Work, hint: &Hint) {
    match (work.run.phase, hint) {
        // Only while the outcome is open: before, other things wait for the same instant.
        (Phase::Publishing, Hint::Schedule | Hint::Gap)
            if matches!(work.run.publish, PublishState::Accepted { .. } | PublishState::Doubted { .. }) =>
        {
            let soon = work.now + SOON_MS;
            let desk = &mut work.run.desk;
            desk.next_look = desk.next_look.min(soon);
        }
        (Phase::Checking, Hint::Agent { agent, what }) => {
            let Some(seat) = work.run.seat_of(agent) else { return };
            match what {
                Stirred::Disassociated => stir(work, seat),
                Stirred::Other => look_soon(work, seat),
            }
        }
        (Phase::Checking, Hint::Gap) => {
            for seat in work.run.all_seats() {
                look_soon(work, seat);
            }
        }
        (Phase::Publishing, _) | (Phase::Checking, Hint::Schedule) => {}
        (
            Phase::Waiting
            | Phase::Refreshing
            | Phase::Preparing
            | Phase::Settling
            | Phase::Settled
            | Phase::Stopped
            | Phase::InDoubt,
            _,
        ) => {}
    }
}

/// Agents that nothing more is to be done for stay as they are, and a remedy is given its time.
fn look_soon(work: &mut Work, seat: Seat) {
    let Some(agent) = work.run.agent(seat) else { return };
    if agent.verdict.is_some_and(Verdict::is_final) {
        return;
    }
    let at = agent.fresh_from.max(work.now);
    work.look(seat, at);
}

/// Looks at an agent again whose station is gone, as far as was pushed. Pushed again within [`SOON_MS`], it is the same news.
fn stir(work: &mut Work, seat: Seat) {
    let now = work.now;
    // A remedy takes the station away itself, and the look after it tells.
    if work.run.agent(seat).is_none_or(|agent| agent.remedy != RemedyState::Idle) {
        look_soon(work, seat);
        return;
    }
    let desk = &mut work.run.desk;
    if desk.stirred.get(&seat).is_some_and(|at| now.since_ms(*at) < SOON_MS) {
        return;
    }
    let stirs = desk.stirs.entry(seat).or_default();
    if *stirs >= STIRS_MAX {
        look_soon(work, seat);
        return;
    }
    *stirs += 1;
    desk.stirred.insert(seat, now);
    work.look(seat, now);
}

/// Whether what was pushed of an agent is still to be looked at.
pub(super) fn is_stirred(work: &Work, seat: Seat) -> bool {
    work.run.desk.stirred.contains_key(&seat)
}

/// A look that began at `since` has told. What was pushed after that is looked at once more.
pub(super) fn looked(work: &mut Work, seat: Seat, since: Timestamp) {
    match work.run.desk.stirred.get(&seat).copied() {
        Some(at) if at > since => work.look(seat, work.now),
        Some(_) => drop(work.run.desk.stirred.remove(&seat)),
        None => {}
    }
}
