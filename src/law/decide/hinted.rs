//! Hints: what was pushed moves the next look forward.
//!
//! A station that is disassociated, or a softphone that its page reports as gone, is a reason to look at its agent again even
//! after a final verdict: a read then decides whether the verdict still holds.
//!
//! How many stations are pushed as disassociated around T, and how many tokens as changed, is written down as evidence, in
//! batches. A media leg that changes is written down at once, as a signal: it is only pushed, and nothing else tells of it.
//!
//! Must never: conclude anything from a hint but that a media leg is or is not known to have failed, or let hints ask more often
//! than the platform can bear.

use std::collections::BTreeSet;

use super::{Work, page};
use crate::law::agent::RemedyState;
use crate::law::event::{Event, Phase};
use crate::law::hint::{Hint, Stirred};
use crate::law::losses::MINUTES;
use crate::law::run::{Batch, Closing, PublishState};
use crate::law::verdict::{LegState, Verdict};
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
    match hint {
        Hint::Agent { agent, what } => taken_of(work, agent, *what),
        Hint::Unheard { topics } => unheard(work, *topics),
        Hint::Schedule | Hint::Gap => {}
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
                Stirred::Disassociated | Stirred::PageFell | Stirred::Leg(LegState::Failed) => stir(work, seat),
                Stirred::PageCame | Stirred::Leg(LegState::Up | LegState::Idle) | Stirred::Other => {
                    look_soon(work, seat);
                }
                Stirred::Token | Stirred::Leg(LegState::Unknown) => {}
            }
        }
        (Phase::Checking, Hint::Gap) => {
            page::hand_over_again(work);
            for seat in work.run.all_seats() {
                look_soon(work, seat);
            }
        }
        (Phase::Publishing, _) | (Phase::Checking, Hint::Schedule | Hint::Unheard { .. }) => {}
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

/// What is kept of a hint about an agent, whatever is looked at because of it.
fn taken_of(work: &mut Work, agent: &AgentId, what: Stirred) {
    match what {
        Stirred::Disassociated => keep(work, agent, |batch| &mut batch.disassociated),
        Stirred::Token => keep(work, agent, |batch| &mut batch.tokens),
        Stirred::Leg(state) => leg(work, agent, state),
        Stirred::PageCame => page::came(work, agent),
        Stirred::PageFell | Stirred::Other => {}
    }
}

/// Writes down what a media leg has come to, where that is news: from the publish on, and a good state only where it takes a
/// bad one back.
fn leg(work: &mut Work, agent: &AgentId, state: LegState) {
    let Some(seat) = work.run.seat_of(agent) else { return };
    if !matches!(work.run.phase, Phase::Publishing | Phase::Checking) {
        return;
    }
    let Some(was) = work.run.agent(seat).map(|agent| agent.leg()) else { return };
    let is_news = match state {
        LegState::Failed => was != LegState::Failed,
        LegState::Up | LegState::Idle => was == LegState::Failed,
        LegState::Unknown => false,
    };
    if is_news {
        let (since, legs) = (work.now, vec![(seat, state)]);
        work.note(Event::Pushed { since, disassociated: Vec::new(), tokens: Vec::new(), legs, unheard: None });
    }
}

/// Of some topics nothing can be heard: the report says so, and the planned looks do without.
fn unheard(work: &mut Work, topics: u32) {
    if !work.run.is_over() && work.run.phase < Phase::Settled {
        let (since, unheard) = (work.now, Some(topics));
        work.note(Event::Pushed { since, disassociated: Vec::new(), tokens: Vec::new(), legs: Vec::new(), unheard });
    }
}

/// Takes up what a process before has heard of media legs and had no time to look at.
pub(super) fn fill(work: &mut Work) {
    let is_stirred = |seat: &Seat| work.run.agent(*seat).is_some_and(|agent| agent.is_stirred());
    let stirred: Vec<Seat> = work.run.all_seats().filter(is_stirred).collect();
    for seat in stirred {
        stir(work, seat);
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

/// Looks at an agent again whose station or softphone is gone, as far as was pushed. Pushed again within [`SOON_MS`], it is the
/// same news.
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

/// Keeps something for the next batch. Of the same agent, once in each batch: frames come doubled.
fn keep(work: &mut Work, agent: &AgentId, of: fn(&mut Batch) -> &mut BTreeSet<Seat>) {
    let from_t_ms = work.now.since_ms(work.run.plan.publish_at);
    let Some(seat) = work.run.seat_of(agent) else { return };
    if !(-KEPT_MS..KEPT_MS).contains(&from_t_ms) {
        return;
    }
    write_down(work);
    let now = work.now;
    let empty = || Batch { since: now, disassociated: BTreeSet::new(), tokens: BTreeSet::new() };
    of(work.run.desk.pushed.get_or_insert_with(empty)).insert(seat);
}

/// Writes down what was pushed when its batch is over, or the process or the check is about to end; until then, it waits for that.
pub(super) fn write_down(work: &mut Work) {
    let Some(since) = work.run.desk.pushed.as_ref().map(|batch| batch.since) else { return };
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
    if let Some(Batch { since, disassociated, tokens }) = work.run.desk.pushed.take() {
        let (disassociated, tokens) = (disassociated.into_iter().collect(), tokens.into_iter().collect());
        work.note(Event::Pushed { since, disassociated, tokens, legs: Vec::new(), unheard: None });
    }
}

/// Comes back when the run begins to listen.
pub(super) fn wait_to_listen(work: &mut Work) {
    let is_early = matches!(work.run.phase, Phase::Waiting | Phase::Refreshing);
    let listen_at = work.run.plan.listen_at().filter(|at| is_early && *at > work.now);
    listen_at.into_iter().for_each(|at| work.wake(at));
}
