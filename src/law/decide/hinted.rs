//! Hints: what was pushed moves the next look forward.
//!
//! A station that is disassociated, or a softphone that its page reports as gone, is a reason to look at its agent again even after a final verdict: a read then decides
//! whether the verdict still holds.
//!
//! How many stations are pushed as disassociated around T is written down as evidence, in batches.
//!
//! Must never: conclude anything from a hint, or let hints ask more often than the platform can bear.

use std::collections::BTreeSet;

use super::{Work, page};
use crate::law::agent::RemedyState;
use crate::law::event::{Event, Phase};
use crate::law::hint::{Hint, Stirred};
use crate::law::losses::MINUTES;
use crate::law::run::{Closing, PublishState};
use crate::law::verdict::Verdict;
use crate::words::clock::Timestamp;
use crate::words::id::{AgentId, Seat};

/// A hinted look at the schedule comes so long after the hint, in ms: of several hints together, one look, and however many
/// there are, not more than one a second.
const SOON_MS: i64 = 1_000;

/// One agent is looked at again so often because of what was pushed, after a final verdict, and no more: a station that comes and goes all
/// the time must not keep the run from its end.
const STIRS_MAX: u8 = 4;

/// What was pushed is written down so long before and after T, in ms: what the report tells minute by minute.
const KEPT_MS: i64 = MINUTES * 60_000;
/// What was pushed is written down at most once in so long, in ms. Counted from T, so that no batch lies on both sides of it, or
/// in two minutes.
const BATCH_MS: i64 = 10_000;

pub(super) fn taken(work: &mut Work, hint: &Hint) {
    if let Hint::Agent { agent, what: Stirred::Disassociated } = hint {
        keep(work, agent);
    }
    if let Hint::Agent { agent, what: Stirred::PageCame } = hint {
        page::came(work, agent);
    }
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
                Stirred::Disassociated | Stirred::PageFell => stir(work, seat),
                Stirred::PageCame | Stirred::Other => look_soon(work, seat),
            }
        }
        (Phase::Checking, Hint::Gap) => {
            page::hand_over_again(work);
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

/// Looks at an agent again whose station or softphone is gone, as far as was pushed. Pushed again within [`SOON_MS`], it is the same news.
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

/// Keeps a disassociation for the next batch. Of the same station, one in each batch: frames come doubled.
fn keep(work: &mut Work, agent: &AgentId) {
    let from_t_ms = work.now.since_ms(work.run.plan.publish_at);
    let Some(seat) = work.run.seat_of(agent) else { return };
    if !(-KEPT_MS..KEPT_MS).contains(&from_t_ms) {
        return;
    }
    write_down(work);
    let now = work.now;
    work.run.desk.pushed.get_or_insert_with(|| (now, BTreeSet::new())).1.insert(seat);
}

/// Writes down what was pushed when its batch is over, or the process or the check is about to end; until then, it waits for that.
pub(super) fn write_down(work: &mut Work) {
    let Some(since) = work.run.desk.pushed.as_ref().map(|(since, _)| *since) else { return };
    let publish_at = work.run.plan.publish_at;
    let ends = publish_at + (since.since_ms(publish_at).div_euclid(BATCH_MS) + 1) * BATCH_MS;
    let is_over = match work.run.phase {
        Phase::Waiting | Phase::Refreshing | Phase::Preparing | Phase::Publishing | Phase::Checking => {
            work.now >= ends || work.run.desk.closing == Closing::Yes
        }
        Phase::Settling => true,
        // It ended before it was told, and nothing is written after an end.
        Phase::Settled | Phase::Stopped | Phase::InDoubt => {
            work.run.desk.pushed = None;
            return;
        }
    };
    if !is_over {
        work.wake(ends);
        return;
    }
    if let Some((since, disassociated)) = work.run.desk.pushed.take() {
        work.note(Event::Pushed { since, disassociated: disassociated.into_iter().collect() });
    }
}

/// Comes back when the run begins to listen.
pub(super) fn wait_to_listen(work: &mut Work) {
    let is_early = matches!(work.run.phase, Phase::Waiting | Phase::Refreshing);
    let listen_at = work.run.plan.listen_at().filter(|at| is_early && *at > work.now);
    listen_at.into_iter().for_each(|at| work.wake(at));
}
