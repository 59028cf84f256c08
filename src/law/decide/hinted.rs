//! Hints: what was pushed moves the next look forward.
//!
//! Must never: conclude anything from a hint, or let hints ask more often than the platform can bear.

use super::Work;
use crate::law::event::Phase;
use crate::law::hint::Hint;
use crate::law::run::PublishState;
use crate::law::verdict::Verdict;
use crate::words::id::Seat;

/// A hinted look at the schedule comes so long after the hint, in ms: of several hints together, one look, and however many
/// there are, not more than one a second.
const SOON_MS: i64 = 1_000;

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
        (Phase::Checking, Hint::Agent(agent)) => {
            if let Some(seat) = work.run.seat_of(agent) {
                look_soon(work, seat);
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
