//! The watch over those who are ready: what a remedy does to agents that it is not about.
//!
//! An agent with a final verdict is not looked at again, but a page of phones shows its phone for nothing. So after remedies the
//! next look is at all pages, and whoever was ready and whose phone is down there is in doubt: looked at again, judged anew,
//! helped like everybody. Those who turn out to be lost count against the remedies that were at work meanwhile, and the brake
//! stops a remedy that costs more than chance would.
//! Must never: leave an agent called ready whose phone was seen down since, or count one that has logged out or is on a call
//! as harmed.

use super::Work;
use crate::law::event::Event;
use crate::law::verdict::{Rung, Verdict};
use crate::words::clock::Timestamp;
use crate::words::id::Seat;

/// Fewer lost softphones than this are no harm: now and then somebody closes a page or a laptop, whatever is done to others.
const LOST_MIN: u32 = 3;
/// A remedy after which more than this share of the ready softphones is lost does harm. Far more than are lost by chance within
/// the minute that lies between two looks, and far less than a remedy that struck everybody would cost.
const LOST_SHARE: f64 = 0.05;
/// Looks at all pages for the watch's sake lie so far apart for each page that they read, in ms: one call in two seconds, a
/// tenth of the 300 a minute that the platform allows a token (API.md section 3).
const PAGE_EVERY_MS: i64 = 2_000;
/// How long remedies wait for the second look at agents in doubt, at most, in ms: a sweep of a large organisation takes so long.
/// Doubts that go on without a remedy (people go home) do not hold anything up again.
const HELD_MS: i64 = 60_000;
/// A look at all pages that brought only a part is tried again after this, in ms.
const PART_AGAIN_MS: i64 = 30_000;
/// After so many of them in a row nothing more is owed: a page that cannot be read does not keep a run from its end.
const PARTS_MAX: u8 = 3;

/// Whether a rung could harm anybody. Asking a person does not.
fn is_remedy(rung: Rung) -> bool {
    match rung {
        Rung::Companion
        | Rung::TokenRefresh
        | Rung::SessionReset
        | Rung::Reassociate
        | Rung::RebootPhone
        | Rung::RevokeTokens => true,
        Rung::Ask => false,
    }
}

/// When each rung that could harm was last begun, for those that were.
fn begun<'a>(work: &'a Work<'_>) -> impl Iterator<Item = (Rung, Timestamp)> + 'a {
    let scores = Rung::ALL.into_iter().zip(&work.run.scores).filter(|(rung, _)| is_remedy(*rung));
    scores.filter_map(|(rung, score)| Some((rung, score.begun_at?)))
}

/// From when on a look shows what the remedies so far have done; `None` when such a look has been made, or tried often enough,
/// or there were none.
fn owed_from(work: &Work) -> Option<Timestamp> {
    if work.run.desk.part_seen.is_some_and(|(_, times)| times >= PARTS_MAX) {
        return None;
    }
    let seen_from = begun(work).map(|(rung, at)| at + rung.effect_ms()).max()?;
    (seen_from > work.run.desk.all_seen_at).then_some(seen_from)
}

/// When all pages are to be looked at for the watch's sake, if they are. At the end, when everyone is done, it waits for
/// nothing but the effect: nobody is called ready at last who was not looked for after the last remedy.
pub(super) fn next_at(work: &Work) -> Option<Timestamp> {
    let seen_from = owed_from(work)?;
    let desk = &work.run.desk;
    let spaced = desk.all_seen_at.0.saturating_add(i64::from(desk.phone_pages) * PAGE_EVERY_MS);
    let again = desk.part_seen.map_or(seen_from, |(at, _)| at + PART_AGAIN_MS);
    let at = if everyone_is_done(work) { seen_from } else { seen_from.max(Timestamp(spaced)) };
    Some(at.max(again))
}

/// Whether the look that begins now is to be at all pages for the watch's sake.
pub(super) fn is_due(work: &Work) -> bool {
    next_at(work).is_some_and(|at| at <= work.now)
}

/// Whether nobody is left to be looked at or helped, as far as their verdicts tell.
pub(super) fn everyone_is_done(work: &Work) -> bool {
    work.run.counts.done as usize == work.run.agents.len()
}

/// Whether a final verdict may still fall: somebody is in doubt, or was pushed to have lost the station, or a look after the last
/// remedy is owed.
pub(super) fn is_open(work: &Work) -> bool {
    let desk = &work.run.desk;
    !desk.doubted.is_empty() || !desk.stirred.is_empty() || owed_from(work).is_some()
}

/// A whole look has ended. One that leaves nobody in doubt speaks for everything that was done before it.
pub(super) fn all_seen(work: &mut Work, began: Timestamp) {
    let desk = &mut work.run.desk;
    (desk.all_seen_at, desk.part_seen) = (began, None);
    if desk.doubted.is_empty() {
        desk.cleared_at = began;
        desk.lost = Default::default();
    }
}

/// A look at all pages has ended that could not be read whole.
pub(super) fn part_seen(work: &mut Work) {
    let times = work.run.desk.part_seen.map_or(0, |(_, times)| times);
    work.run.desk.part_seen = Some((work.now, times.saturating_add(1)));
}

/// An agent that nothing more was to be done for has its phone down: it is looked at again.
pub(super) fn doubt(work: &mut Work, seat: Seat) {
    let now = work.now;
    if !work.run.desk.doubted.contains_key(&seat) {
        // Kept from now: what is begun later is not to blame.
        let suspects = suspects(work, seat, now);
        work.run.desk.doubted.insert(seat, suspects);
    }
    work.look(seat, now);
    let many = work.run.desk.doubted.len() >= LOST_MIN as usize;
    let last = begun(work).map(|(_, at)| at).max();
    if many && last.is_some_and(|at| work.run.desk.held_at.is_none_or(|held| held < at)) {
        work.run.desk.held_at = Some(now);
    }
}

/// The rungs that were at work since an agent was seen well, and before the first sign that it is not.
fn suspects(work: &Work, seat: Seat, sign_at: Timestamp) -> Vec<Rung> {
    let judged_at = work.run.agent(seat).map_or(Timestamp::default(), |agent| agent.judged_at);
    let well_at = judged_at.max(work.run.desk.cleared_at);
    let at_work = |(rung, at): &(Rung, Timestamp)| at.0 + rung.effect_ms() > well_at.0 && *at < sign_at;
    begun(work).filter(at_work).map(|(rung, _)| rung).collect()
}

/// Its phone is up again, or it was judged anew.
pub(super) fn clear(work: &mut Work, seat: Seat) {
    work.run.desk.doubted.remove(&seat);
}

/// Until when remedies wait, because it is not yet known whether the last ones have harmed.
pub(super) fn held_until(work: &Work) -> Option<Timestamp> {
    let many = work.run.desk.doubted.len() >= LOST_MIN as usize;
    let until = work.run.desk.held_at.filter(|_| many)? + HELD_MS;
    (work.now < until).then_some(until)
}

/// Takes up what a process before has left in doubt.
pub(super) fn fill(work: &mut Work) {
    let doubtful: Vec<Seat> = work.run.all_seats().filter(|seat| is_doubtful(work, *seat)).collect();
    doubtful.into_iter().for_each(|seat| doubt(work, seat));
}

fn is_doubtful(work: &Work, seat: Seat) -> bool {
    work.run.agent(seat).is_some_and(|agent| agent.is_doubtful())
}

/// At the end, whoever could not be looked at again gets the verdict that was seen last.
pub(super) fn last_verdicts(work: &Work) -> Vec<(Seat, Verdict)> {
    let is_stirred = |seat: Seat| work.run.agent(seat).is_some_and(|agent| agent.is_stirred());
    let doubtful = work.run.all_seats().filter(|seat| is_doubtful(work, *seat) || is_stirred(*seat));
    let verdict = |seat: Seat| {
        let agent = work.run.agent(seat)?;
        Some((seat, agent.verdict_for(agent.readiness()?)))
    };
    doubtful.filter_map(verdict).collect()
}

/// Those who were ready and are stragglers now count against every remedy that was at work since they were seen well.
pub(super) fn count_lost(work: &mut Work, verdicts: &[(Seat, Verdict)]) {
    for (seat, verdict) in verdicts {
        let straggles = matches!(verdict, Verdict::Straggler { .. });
        let Some(agent) = work.run.agent(*seat).filter(|_| straggles) else { continue };
        let desk = &work.run.desk;
        // Whoever was no straggler before, and is looked at again because of what was pushed, is lost as much.
        let stirred_at = desk.stirred.get(seat).filter(|_| agent.verdict.is_some_and(Verdict::is_final));
        let suspects = match (desk.doubted.get(seat), stirred_at) {
            (Some(suspects), _) => suspects.clone(),
            (None, Some(at)) => suspects(work, *seat, *at),
            (None, None) => continue,
        };
        for rung in suspects {
            if let Some(lost) = work.run.desk.lost.get_mut(rung.index()) {
                *lost += 1;
            }
        }
    }
}

/// The brake on remedies that harm. Where several were at work and cannot be told apart, it stops each of them.
pub(super) fn brake(work: &mut Work) {
    for rung in Rung::ALL {
        let lost = work.run.desk.lost.get(rung.index()).copied().unwrap_or(0);
        // Some that were lost may be ready again by now.
        let ready = (work.run.counts.done + lost).min(u32::try_from(work.run.agents.len()).unwrap_or(u32::MAX));
        let harms = lost >= LOST_MIN && f64::from(lost) > f64::from(ready) * LOST_SHARE;
        if harms && work.run.open.may_be_braked(rung) {
            let why = format!(
                "{lost} of {ready} softphones that were ready before are not any more since the last {}: it does harm",
                rung.words()
            );
            work.note(Event::BrakeApplied { rung: Some(rung), why });
        }
    }
}
