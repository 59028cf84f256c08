//! The ladder: stragglers are helped, gentlest rung first, those whose shift starts soonest first; and the brake.
//!
//! Must never: touch an agent whose calls were not read, just now, to be none. Every remedy follows the read it rests on
//! within the same decision, and is given up unless it leaves while that read is fresh ([`Command::not_after`]); one that
//! never left is no attempt, and the agent is looked at again.

use super::{Work, before, failure_in, harm, page};
use crate::law::agent::{RemedyState, TokenState};
use crate::law::command::{Command, Effect, Failure, FailureKind, Outcome, ReadPurpose};
use crate::law::event::{Attempt, Blame, Event, Phase};
use crate::law::pace::backoff_ms;
use crate::law::page::{Errand, PageState};
use crate::law::plan::WIDER_BY;
use crate::law::run::{Brake, Closing};
use crate::law::verdict::{Rung, Verdict};
use crate::words::hook::HookPoint;
use crate::words::id::{PhoneId, Seat};

/// With fewer judged agents than this, a share says nothing about an outage.
const OUTAGE_JUDGED_MIN: u32 = 20;
/// With fewer results than this, a share says nothing about a rung.
const RUNG_RESULTS_MIN: u32 = 10;
/// Whoever waits for the next wave of a rung is considered again after this, in ms; that takes no call.
const WAVE_LOOK_MS: i64 = 5_000;
/// The shortest wait after a remedy that never left, in ms: it is no attempt, so nothing else bounds how often it is missed.
const UNSENT_WAIT_MIN_MS: i64 = 1_000;

/// Puts a straggler on the agenda if there is a rung left for it.
pub(super) fn consider(work: &mut Work, seat: Seat) {
    // Whoever stands on the agenda already keeps its instant: a backoff is not cut short by a look.
    if work.run.desk.cure.contains(seat) || next_rung(work, seat).is_none() {
        return;
    }
    if work.run.agent(seat).is_some_and(|a| a.remedy == RemedyState::Idle) {
        let urgency = work.run.plan.urgency(seat);
        work.run.desk.cure.put(seat, work.now, urgency);
    }
}

/// A person has let remedies go on: whoever had none left may have one again.
pub(super) fn consider_all(work: &mut Work) {
    let straggles = |seat: &Seat| {
        work.run.agent(*seat).is_some_and(|agent| matches!(agent.verdict, Some(Verdict::Straggler { .. })))
    };
    let seats: Vec<Seat> = work.run.all_seats().filter(straggles).collect();
    for seat in seats {
        consider(work, seat);
    }
}

fn next_rung(work: &Work, seat: Seat) -> Option<Rung> {
    let enrolled = work.run.plan.member(seat).is_some_and(|m| m.enrolled);
    let shift = work.run.plan.shift(seat, work.now);
    work.run.agent(seat)?.next_rung(&work.run.open, &work.run.plan.remedies, enrolled, shift)
}

/// Starts the look at calls that every remedy rests on, as soon as a batch is worth a call.
pub(super) fn cure(work: &mut Work) {
    if work.run.brake.stops() {
        return;
    }
    if let Some(until) = harm::held_until(work) {
        work.wake(until);
        return;
    }
    let now = work.now;
    let batch = work.run.plan.limits.bulk_ids_max;
    let due = work.run.desk.cure.due_count(now);
    let looking = work.under_way(|c| matches!(c, Command::ReadUsers { purpose: ReadPurpose::BeforeRemedy, .. }));
    let more_may_come = work.run.desk.sweep.is_some() && due < batch / 2;
    if due > 0 && !looking && !more_may_come && work.room() > 0 {
        let seats = next_wave(work, batch);
        if !seats.is_empty() {
            work.ask(Command::ReadUsers { seats, purpose: ReadPurpose::BeforeRemedy });
            return;
        }
    }
    if work.run.desk.cure.due_count(now) == 0
        && let Some(at) = work.run.desk.cure.next_at()
    {
        work.wake(at);
    }
}

/// Those who are due and for whose rung there is room in its wave, at most a batch; the others come back a little later.
fn next_wave(work: &mut Work, batch: usize) -> Vec<Seat> {
    let (now, mut rooms, mut seats) = (work.now, Rooms::of(work), Vec::new());
    while seats.is_empty() && work.run.desk.cure.due_count(now) > 0 {
        for seat in work.run.desk.cure.take(now, batch) {
            match next_rung(work, seat) {
                Some(rung) if rooms.take(rung) => seats.push(seat),
                Some(_) => wait_for_the_wave(work, seat),
                None => {}
            }
        }
    }
    seats
}

fn wait_for_the_wave(work: &mut Work, seat: Seat) {
    let (at, urgency) = (work.now + WAVE_LOOK_MS, work.run.plan.urgency(seat));
    work.run.desk.cure.put(seat, at, urgency);
}

/// For how many more agents each rung may be begun: it is tried for a few first, and widened with each that it has helped.
/// Where it helps nobody the wave stays as small as it began, until the brake gives the rung up.
struct Rooms([usize; Rung::ALL.len()]);

impl Rooms {
    fn of(work: &Work) -> Rooms {
        let canary = work.run.plan.remedies.canary as usize;
        Rooms(Rung::ALL.map(|rung| {
            let score = work.run.scores.get(rung.index()).copied().unwrap_or_default();
            let wave = canary + (WIDER_BY * score.cured) as usize;
            // Whom a person is asked about, nothing is done to.
            let bound = canary > 0 && rung != Rung::Ask;
            if bound { wave.saturating_sub(score.outstanding as usize) } else { usize::MAX }
        }))
    }
    /// Takes one place; false when there is none.
    fn take(&mut self, rung: Rung) -> bool {
        let Some(room) = self.0.get_mut(rung.index()) else { return false };
        let fits = *room > 0;
        *room = room.saturating_sub(1);
        fits
    }
}

/// The look at calls is back: whoever is still a straggler and provably not on a call gets the next rung.
pub(super) fn looked(work: &mut Work, seats: &[Seat]) {
    let ends = work.run.phase != Phase::Checking || work.run.desk.closing == Closing::Yes;
    if work.run.brake.stops() || ends {
        return;
    }
    if let Some(until) = harm::held_until(work) {
        for seat in seats {
            let urgency = work.run.plan.urgency(*seat);
            work.run.desk.cure.put(*seat, until, urgency);
        }
        return;
    }
    let (mut batch, mut rooms) = (Batch::default(), Rooms::of(work));
    let mut singles_left = work.run.plan.limits.single_remedies_max;
    for seat in seats {
        work.run.desk.cure.remove(*seat);
        let Some(agent) = work.run.agent(*seat) else { continue };
        let straggles = matches!(agent.verdict, Some(Verdict::Straggler { .. })) && agent.remedy == RemedyState::Idle;
        let Some(rung) = next_rung(work, *seat).filter(|_| straggles) else { continue };
        if !agent.may_be_touched(work.now) {
            // Not seen, or its calls were not: treated as on a call, and looked at again with the next sweep.
            continue;
        }
        let phone = agent.phone.clone();
        if !rooms.take(rung) {
            wait_for_the_wave(work, *seat);
        } else if batch.add(rung, *seat, phone, &mut singles_left) == Added::NoRoom {
            let urgency = work.run.plan.urgency(*seat);
            work.run.desk.cure.put(*seat, work.now, urgency);
        }
    }
    apply(work, batch);
}

/// What one look allows to be done.
#[derive(Default)]
struct Batch {
    reset: Vec<Seat>,
    reboot: Vec<(Seat, PhoneId)>,
    singles: Vec<(Rung, Seat)>,
}

#[derive(PartialEq, Eq)]
enum Added {
    Yes,
    NoRoom,
}

impl Batch {
    fn add(&mut self, rung: Rung, seat: Seat, phone: Option<PhoneId>, singles_left: &mut usize) -> Added {
        match (rung, phone) {
            (Rung::SessionReset, _) => self.reset.push(seat),
            (Rung::RebootPhone, Some(phone)) => self.reboot.push((seat, phone)),
            (Rung::RebootPhone, None) => {}
            (Rung::Companion | Rung::TokenRefresh | Rung::Reassociate | Rung::RevokeTokens | Rung::Ask, _) => {
                if *singles_left == 0 {
                    return Added::NoRoom;
                }
                *singles_left -= 1;
                self.singles.push((rung, seat));
            }
        }
        Added::Yes
    }
}

fn apply(work: &mut Work, batch: Batch) {
    if !batch.reset.is_empty() {
        work.note(Event::RemedyStarted { rung: Rung::SessionReset, seats: batch.reset.clone() });
        work.ask(Command::ResetSessions { seats: batch.reset });
    }
    if !batch.reboot.is_empty() {
        let seats = batch.reboot.iter().map(|(seat, _)| *seat).collect();
        work.note(Event::RemedyStarted { rung: Rung::RebootPhone, seats });
        work.ask(Command::RebootPhones { phones: batch.reboot });
    }
    for (rung, seat) in batch.singles {
        work.note(Event::RemedyStarted { rung, seats: vec![seat] });
        match rung {
            Rung::TokenRefresh => before::start(work, seat, before::first_way(work), None),
            Rung::Reassociate => work.ask(Command::Reassociate { seat }),
            Rung::RevokeTokens => work.ask(Command::RevokeTokens { seat }),
            Rung::Companion => page::tell(work, seat, Errand::Revive),
            Rung::Ask => {
                if work.run.agent(seat).is_some_and(|agent| agent.signals.page != PageState::Unknown) {
                    page::tell(work, seat, Errand::AskToReload);
                }
                work.ask(Command::RunHooks { point: HookPoint::Straggler, seat: Some(seat) });
            }
            Rung::SessionReset | Rung::RebootPhone => {}
        }
    }
}

/// A token was refreshed, or not: if that was a remedy, it is answered.
pub(super) fn token_answered(work: &mut Work, seat: Seat, blame: Blame) {
    let Some(agent) = work.run.agent(seat) else { return };
    if agent.remedy != RemedyState::Started(Rung::TokenRefresh) {
        return;
    }
    match agent.token {
        TokenState::Fresh(_) => answered(work, Rung::TokenRefresh, vec![seat], Outcome::RemedyAccepted),
        TokenState::Untouched | TokenState::Refreshing | TokenState::Failed | TokenState::Dead => {
            let failure = Failure::plain(FailureKind::Local, "the token could not be refreshed");
            failed(work, Rung::TokenRefresh, vec![seat], failure, blame);
        }
    }
}

/// A remedy was accepted or not.
pub(super) fn answered(work: &mut Work, rung: Rung, seats: Vec<Seat>, outcome: Outcome) {
    match outcome {
        Outcome::RemedyAccepted => {
            work.note(Event::RemedyAccepted { rung, seats: seats.clone() });
            look_when_it_can_have_worked(work, &seats);
        }
        other => {
            let failure = failure_in(other);
            let blame = blame(rung, &failure);
            failed(work, rung, seats, failure, blame);
        }
    }
}

/// Whether a failure counts against the rung, as long as nobody has looked: the platform refused it, and so it had no effect.
/// What it was not asked, because an agent has no station or the vault no token, is a matter of that agent.
pub(super) fn blame(rung: Rung, failure: &Failure) -> Blame {
    match failure.kind {
        // What nobody may use, or this organisation does not have, is given up as such.
        kind if failure.status.is_none() || is_not_offered(rung, kind) => Blame::Nobody,
        FailureKind::Unauthorized | FailureKind::Forbidden | FailureKind::NotFound | FailureKind::Invalid => {
            Blame::Rung
        }
        FailureKind::Throttled | FailureKind::NotSent | FailureKind::Local => Blame::Nobody,
        // It may have helped: a look tells.
        FailureKind::Conflict | FailureKind::Server | FailureKind::NoAnswer | FailureKind::Malformed => Blame::Nobody,
    }
}

fn look_when_it_can_have_worked(work: &mut Work, seats: &[Seat]) {
    for seat in seats {
        let Some(agent) = work.run.agent(*seat) else { continue };
        let at = agent.fresh_from;
        work.look(*seat, at);
    }
}

/// A remedy could not be applied, or nobody knows.
pub(super) fn failed(work: &mut Work, rung: Rung, seats: Vec<Seat>, failure: Failure, blame: Blame) {
    if is_not_offered(rung, failure.kind) && work.run.open.is_open(rung) {
        work.note(Event::RungUnavailable { rung, failure: failure.clone() });
    }
    let possible = failure.kind.effect() == Effect::Possible;
    let again_at = failure.again_at.unwrap_or(work.now);
    let attempt = if failure.kind == FailureKind::NotSent { Attempt::NotMade } else { Attempt::Made };
    work.note(Event::RemedyFailed { rung, seats: seats.clone(), failure, attempt, blame });
    if blame == Blame::Rung && work.run.phase == Phase::Checking {
        brake(work);
    }
    if possible {
        look_when_it_can_have_worked(work, &seats);
        return;
    }
    for seat in seats {
        if next_rung(work, seat).is_some() {
            let at = (work.now + wait_ms(work, seat)).max(again_at);
            let urgency = work.run.plan.urgency(seat);
            work.run.desk.cure.put(seat, at, urgency);
        }
    }
}

/// How long an agent waits for its next remedy, after one without effect.
fn wait_ms(work: &Work, seat: Seat) -> i64 {
    let policy = &work.run.plan.remedies;
    let (attempts, unsent) = work.run.agent(seat).map_or((1, 0), |agent| (agent.attempts(), agent.unsent));
    let seed = &work.run.plan.seed;
    let backoff =
        |so_many, mut chance| backoff_ms(policy.backoff_first_ms, policy.backoff_max_ms, so_many, &mut chance);
    match unsent {
        0 => backoff(attempts, seed.fork(&format!("remedy {} {attempts}", seat.0))),
        _ => {
            let chance = seed.fork(&format!("unsent {} {attempts} {unsent}", seat.0));
            backoff(unsent, chance).max(UNSENT_WAIT_MIN_MS)
        }
    }
}

/// A 404 from a reported mechanism, or a missing permission for any: the rung is of no use to anybody in this run.
fn is_not_offered(rung: Rung, kind: FailureKind) -> bool {
    match kind {
        FailureKind::Forbidden => rung != Rung::TokenRefresh,
        FailureKind::NotFound => rung == Rung::SessionReset,
        FailureKind::Throttled
        | FailureKind::Unauthorized
        | FailureKind::Conflict
        | FailureKind::Invalid
        | FailureKind::Server
        | FailureKind::NotSent
        | FailureKind::NoAnswer
        | FailureKind::Malformed
        | FailureKind::Local => false,
    }
}

/// Stops remedies that do no good: one rung that fails too often or harms others, or all when this is an outage.
pub(super) fn brake(work: &mut Work) {
    harm::brake(work);
    if let Some(why) = outage(work).filter(|_| work.run.brake == Brake::Released) {
        work.note(Event::BrakeApplied { rung: None, why });
    }
    for rung in Rung::ALL {
        let Some(score) = work.run.scores.get(rung.index()).copied() else { continue };
        let results = score.cured + score.failed;
        let useless = f64::from(score.failed) > f64::from(results) * work.run.plan.remedies.rung_failure_share;
        if rung != Rung::Ask && results >= RUNG_RESULTS_MIN && useless && work.run.open.may_be_braked(rung) {
            let why = format!("{} helped {} of {results} agents", rung.words(), score.cured);
            work.note(Event::BrakeApplied { rung: Some(rung), why });
        }
    }
}

/// Why this is an outage, if it is. Those who are hit most stand first in the first sweep, so that what it has seen so far says
/// nothing of the others: the share is of everybody, and whoever was not looked at yet counts as well. A large outage is noticed
/// before the sweep is through all the same, as soon as nobody left could change it.
fn outage(work: &Work) -> Option<String> {
    let (counts, everybody) = (work.run.counts, work.run.agents.len());
    let most = work.run.plan.remedies.outage_share * everybody as f64;
    if counts.judged < OUTAGE_JUDGED_MIN || f64::from(counts.stragglers) <= most {
        return None;
    }
    let unseen = match everybody.saturating_sub(counts.judged as usize) {
        0 => String::new(),
        unseen => format!(", with {unseen} not checked yet"),
    };
    let stragglers = counts.stragglers;
    Some(format!(
        "{stragglers} of {everybody} softphones are not ready{unseen}: that is an outage, not a matter of stragglers"
    ))
}
