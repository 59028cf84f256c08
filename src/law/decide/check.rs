//! The check: sweeps over the agents that are due, in bulk, and a verdict for each as soon as its signals are in.
//!
//! Must never: walk the roster for one answer, or read an agent singly where a bulk read tells as much.

use std::collections::VecDeque;

use super::{Work, cure, failure_in, harm, hinted, page, share};
use crate::law::agent::RemedyState;
use crate::law::command::{Command, FailureKind, Outcome, PhoneSeen, ReadPurpose};
use crate::law::event::{Event, Phase};
use crate::law::run::{PhoneLook, ProbeUse, Sweep};
use crate::law::verdict::{Deferral, Missing, PhoneState, ProbeState, Readiness, Verdict};
use crate::words::clock::Timestamp;
use crate::words::hook::HookPoint;
use crate::words::id::Seat;

/// Sweeps start at least this far apart, so that remedies which end one by one are looked at together.
pub(super) const SWEEP_SPACING_MS: i64 = 5_000;

pub(super) fn check(work: &mut Work) {
    fill(work);
    work.hooked(HookPoint::PostPublish);
    super::publish::tell_if_late(work);
    let settle_at = work.run.settle_at();
    if work.now < settle_at {
        end_sweep(work);
    }
    let everyone_done = harm::everyone_is_done(work) && !harm::is_open(work);
    if work.now >= settle_at || everyone_done {
        work.enter(Phase::Settling);
        return;
    }
    work.wake(settle_at);
    // Between two sweeps, so that a few stragglers do not wait for as long as one sweep follows another.
    cure::cure(work);
    sweep(work);
    if work.run.desk.sweep.is_none() {
        let watch_at = harm::next_at(work).filter(|_| harm::everyone_is_done(work));
        let from = share::sweep_from(work);
        for at in [work.run.desk.look.next_at(), watch_at].into_iter().flatten() {
            work.wake(at.max(from));
        }
    }
}

fn fill(work: &mut Work) {
    if work.run.desk.filled_for == Some(Phase::Checking) {
        return;
    }
    work.run.desk.filled_for = Some(Phase::Checking);
    for seat in work.run.all_seats() {
        let Some(agent) = work.run.agent(seat) else { continue };
        if agent.verdict.is_none_or(|v| !v.is_final()) {
            let at = agent.fresh_from.max(work.now);
            work.look(seat, at);
        }
    }
    harm::fill(work);
}

fn sweep(work: &mut Work) {
    start_sweep(work);
    while work.room() > 0 {
        let Some(command) = work.run.desk.sweep.as_mut().and_then(|s| s.queue.pop_front()) else { return };
        work.run.desk.sweep_calls += 1;
        work.ask(command);
    }
}

fn start_sweep(work: &mut Work) {
    let now = work.now;
    let from = share::sweep_from(work);
    // With nobody else to be looked at, the watch for harm has a look of its own; before, it waits for one.
    let watches = harm::everyone_is_done(work) && harm::is_due(work);
    let desk = &mut work.run.desk;
    if desk.sweep.is_some() || now < from || (desk.look.due_count(now) == 0 && !watches) {
        return;
    }
    (desk.next_sweep, desk.sweep_calls) = (now + SWEEP_SPACING_MS, 0);
    let seats = desk.look.take(now, usize::MAX);
    let mut queue: VecDeque<Command> = seats
        .chunks(work.run.plan.limits.bulk_ids_max)
        .map(|chunk| Command::ReadUsers { seats: chunk.to_vec(), purpose: ReadPurpose::Sweep })
        .collect();
    if let Some(pages) = page::reads(work, &seats) {
        work.ask(pages);
    }
    let (phones, look) = phone_reads(work, &seats);
    queue.extend(phones);
    work.run.desk.sweep = Some(Sweep { seats, queue, began: now, phones: look, ..Sweep::default() });
}

fn sweep_page(page: u32) -> Command {
    Command::ReadPhones { page, purpose: ReadPurpose::Sweep }
}

/// Single reads where that costs fewer calls than all pages; pages where anybody's phone is still unknown, or the ready ones are to
/// be watched.
fn phone_reads(work: &Work, seats: &[Seat]) -> (Vec<Command>, PhoneLook) {
    let pages = work.run.desk.phone_pages;
    let first_page = || (vec![sweep_page(1)], PhoneLook::Pages);
    if seats.len() > pages as usize || harm::is_due(work) {
        return first_page();
    }
    let single = |seat: &Seat| {
        let phone = work.run.agent(*seat)?.phone.clone()?;
        Some(Command::ReadPhone { seat: *seat, phone })
    };
    match seats.iter().map(single).collect::<Option<Vec<_>>>() {
        Some(singles) => (singles, PhoneLook::Singles),
        None => first_page(),
    }
}

fn end_sweep(work: &mut Work) {
    let reads = |c: &Command| match c {
        Command::ReadUsers { purpose: ReadPurpose::Sweep, .. }
        | Command::ReadPhones { .. }
        | Command::ReadPhone { .. }
        | Command::ReadPages { .. }
        | Command::ProbeMedia { .. } => true,
        Command::ReadUsers { purpose: ReadPurpose::BeforeRemedy | ReadPurpose::Watch, .. }
        | Command::ReadSchedule
        | Command::PrepareUpload { .. }
        | Command::Publish { .. }
        | Command::RefreshToken { .. }
        | Command::ResetSessions { .. }
        | Command::Reassociate { .. }
        | Command::RebootPhones { .. }
        | Command::RevokeTokens { .. }
        | Command::TellPage { .. }
        | Command::Preflight
        | Command::RunHooks { .. } => false,
    };
    if work.under_way(reads) {
        return;
    }
    let Some(sweep) = work.run.desk.sweep.take_if(|s| s.queue.is_empty()) else { return };
    if sweep.phones == PhoneLook::Pages {
        let unseen = |seat: &Seat| work.run.agent(*seat).is_some_and(|a| a.seen.phone < sweep.began);
        let seats: Vec<Seat> = sweep.seats.iter().copied().filter(unseen).collect();
        if !seats.is_empty() {
            work.note(Event::PhonesAbsent { seats });
        }
    }
    match sweep.phones {
        PhoneLook::Pages | PhoneLook::Shifted => harm::all_seen(work, sweep.began),
        PhoneLook::Torn => harm::part_seen(work),
        PhoneLook::Singles => {}
    }
    judge(work, &sweep.seats, Look { since: sweep.began, patience: Patience::Ended });
}

/// What is seen during a sweep counts from the sweep's beginning: one source's news must not be read together with
/// another's from long ago.
fn this_sweep(work: &Work) -> Look {
    let since = work.run.desk.sweep.as_ref().map_or(work.now, |s| s.began);
    Look { since, patience: Patience::Lasts }
}

pub(super) fn users_seen(work: &mut Work, seats: &[Seat], purpose: ReadPurpose, outcome: Outcome) {
    match outcome {
        Outcome::Users(seen) => {
            work.note(Event::UsersSeen { seen });
            let look = match purpose {
                ReadPurpose::Sweep => this_sweep(work),
                // The rest was seen when the agent was found to straggle, moments ago.
                ReadPurpose::BeforeRemedy | ReadPurpose::Watch => {
                    Look { since: Timestamp::default(), patience: Patience::Lasts }
                }
            };
            judge(work, seats, look);
        }
        other => work.note(Event::ReadFailed { failure: failure_in(other) }),
    }
    if purpose == ReadPurpose::BeforeRemedy {
        cure::looked(work, seats);
    }
}

pub(super) fn phones_seen(work: &mut Work, page: u32, outcome: Outcome) {
    match outcome {
        Outcome::Phones { seen, pages } => {
            work.run.desk.phone_pages = pages;
            if let Some(sweep) = work.run.desk.sweep.as_mut().filter(|_| page == 1) {
                sweep.queue.extend((2..=pages).map(sweep_page));
            }
            list(work, &seen);
            take_in_phones(work, seen);
        }
        other => {
            if let Some(sweep) = &mut work.run.desk.sweep {
                sweep.phones = PhoneLook::Torn;
            }
            work.note(Event::ReadFailed { failure: failure_in(other) });
        }
    }
}

/// Keeps which phones stood on the sweep's pages. The platform promises no order that lasts from one page to the next, and where
/// one phone has stood on two pages, another has stood on none: that one is not absent.
fn list(work: &mut Work, seen: &[PhoneSeen]) {
    let Some(sweep) = &mut work.run.desk.sweep else { return };
    let first = seen.iter().filter(|phone| sweep.listed.insert(phone.phone.clone())).count();
    if first < seen.len() && sweep.phones == PhoneLook::Pages {
        sweep.phones = PhoneLook::Shifted;
    }
}

pub(super) fn phone_seen(work: &mut Work, outcome: Outcome) {
    match outcome {
        Outcome::Phones { seen, .. } => take_in_phones(work, seen),
        other => {
            let failure = failure_in(other);
            if failure.kind == FailureKind::NotFound {
                look_at_all_phones(work);
            }
            // The end of the sweep says what is to be said without it.
            work.note(Event::ReadFailed { failure });
        }
    }
}

/// A phone that is gone may have been made anew, and only the pages show the new one.
fn look_at_all_phones(work: &mut Work) {
    if let Some(sweep) = work.run.desk.sweep.as_mut().filter(|sweep| sweep.phones == PhoneLook::Singles) {
        sweep.phones = PhoneLook::Pages;
        sweep.queue.retain(|command| !matches!(command, Command::ReadPhone { .. }));
        sweep.queue.push_back(sweep_page(1));
    }
}

/// Keeps what is news: phones of agents in the roster that are not done with, or whose state has changed.
fn take_in_phones(work: &mut Work, mut seen: Vec<PhoneSeen>) {
    let look = this_sweep(work);
    let mut judged = Vec::new();
    seen.retain(|phone| {
        let Some(seat) = work.run.seat_of(&phone.agent) else { return false };
        let Some(agent) = work.run.agent(seat) else { return false };
        let changed = agent.signals.phone != phone.state;
        let done = agent.verdict.is_some_and(Verdict::is_final);
        let doubted = work.run.desk.doubted.contains_key(&seat) || hinted::is_stirred(work, seat);
        judged.push((seat, changed && !done && agent.seen.users < look.since));
        match phone.state {
            PhoneState::Down if done => harm::doubt(work, seat),
            PhoneState::Up => harm::clear(work, seat),
            PhoneState::Down | PhoneState::Unknown | PhoneState::Absent => {}
        }
        changed || !done || doubted
    });
    if seen.is_empty() {
        return;
    }
    work.note(Event::PhonesSeen { seen });
    // A phone that changes while nobody looks at its agent (a login, say) is a reason to look.
    for (seat, _) in judged.iter().filter(|(_, stirs)| *stirs) {
        work.look(*seat, work.now);
    }
    let seats: Vec<Seat> = judged.into_iter().filter(|(_, stirs)| !stirs).map(|(seat, _)| seat).collect();
    judge(work, &seats, look);
}

/// The companions were heard: what they said belongs to the sweep's look.
pub(super) fn pages_seen(work: &mut Work, seats: &[Seat], since: Timestamp, outcome: Outcome) {
    page::seen(work, seats, since, outcome);
    let look = this_sweep(work);
    judge(work, seats, look);
}

pub(super) fn probed(work: &mut Work, seat: Seat, since: Timestamp, outcome: Outcome) {
    match outcome {
        Outcome::Probed(result) => {
            work.note(Event::Probed { seat, result });
        }
        other => {
            let failure = failure_in(other);
            match failure.kind {
                FailureKind::NotFound => work.note(Event::ProbeUnavailable { failure }),
                FailureKind::Throttled
                | FailureKind::Unauthorized
                | FailureKind::Forbidden
                | FailureKind::Conflict
                | FailureKind::Invalid
                | FailureKind::Server
                | FailureKind::NotSent
                | FailureKind::NoAnswer
                | FailureKind::Malformed
                | FailureKind::Local => {
                    work.note(Event::ReadFailed { failure });
                    // Asked, and not answered: not to be asked again before the next look.
                    work.note(Event::Probed { seat, result: ProbeState::Unknown });
                }
            }
        }
    }
    judge(work, &[seat], Look { since, patience: Patience::Ended });
}

/// What counts as seen in one look.
#[derive(Clone, Copy)]
struct Look {
    /// What is older says nothing.
    since: Timestamp,
    patience: Patience,
}

/// Whether more signals of this look may still come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// Yes: a missing signal is no verdict yet.
    Lasts,
    /// No: what is missing stays missing.
    Ended,
}

/// Says what the signals say about these agents, where that is news.
fn judge(work: &mut Work, seats: &[Seat], look: Look) {
    if !matches!(work.run.phase, Phase::Checking | Phase::Settling) {
        return;
    }
    let judged: Vec<(Seat, Verdict)> = seats.iter().filter_map(|seat| judge_one(work, *seat, look)).collect();
    let news = |(seat, verdict): &(Seat, Verdict)| {
        work.run.agent(*seat).is_some_and(|a| a.verdict != Some(*verdict) || a.remedy != RemedyState::Idle)
    };
    let verdicts: Vec<(Seat, Verdict)> = judged.iter().copied().filter(news).collect();
    if !verdicts.is_empty() {
        harm::count_lost(work, &verdicts);
        work.note(Event::Judged { verdicts });
        cure::brake(work);
    }
    for (seat, verdict) in judged {
        reschedule(work, seat, verdict);
        hinted::looked(work, seat, look.since);
    }
}

fn judge_one(work: &mut Work, seat: Seat, look: Look) -> Option<(Seat, Verdict)> {
    let agent = work.run.agent(seat)?;
    let doubted = work.run.desk.doubted.contains_key(&seat);
    let is_final = agent.verdict.is_some_and(Verdict::is_final);
    if (is_final && !doubted && !hinted::is_stirred(work, seat)) || matches!(agent.remedy, RemedyState::Started(_)) {
        return None;
    }
    if work.now < agent.fresh_from {
        // A remedy works: nothing seen now says anything. It is looked at again when it can have worked.
        let at = agent.fresh_from;
        work.look(seat, at);
        return None;
    }
    if look.patience == Patience::Lasts && (agent.seen.phone < look.since || page::are_read(work)) {
        return None;
    }
    let verdict = |readiness| Some((seat, agent.verdict_for(readiness)));
    match (agent.readiness_since(look.since), look.patience) {
        (Some(Readiness::Unknown(Missing::Phone)), Patience::Ended) if may_probe(work, seat) => {
            work.ask(Command::ProbeMedia { seat, since: look.since });
            None
        }
        (Some(Readiness::Unknown(_)) | None, Patience::Lasts) => None,
        (Some(Readiness::Unknown(_)), Patience::Ended) if is_final && !doubted => {
            // A push alone takes no verdict back: only a look that tells does.
            let again_at = work.now + work.run.plan.timing.check_interval_ms;
            work.look(seat, again_at);
            None
        }
        (None, Patience::Ended) if agent.verdict.is_some() => {
            // A read that failed is no news about whom it was about.
            let again_at = work.now + work.run.plan.timing.check_interval_ms;
            work.look(seat, again_at);
            None
        }
        (None, Patience::Ended) => verdict(Readiness::Unknown(Missing::Everything)),
        (Some(readiness), _) => verdict(readiness),
    }
}

fn may_probe(work: &Work, seat: Seat) -> bool {
    let enrolled = work.run.plan.member(seat).is_some_and(|m| m.enrolled);
    let asked = work.under_way(|c| matches!(c, Command::ProbeMedia { seat: s, .. } if *s == seat));
    let tried = work.run.agent(seat).is_some_and(|a| a.seen.probe >= a.fresh_from && a.seen.probe >= a.seen.users);
    enrolled && work.run.probe == ProbeUse::Open && !asked && !tried
}

/// When this agent is looked at next, and whether it is to be helped.
fn reschedule(work: &mut Work, seat: Seat, verdict: Verdict) {
    harm::clear(work, seat);
    match verdict {
        Verdict::Straggler { .. } => cure::consider(work, seat),
        Verdict::Ready | Verdict::Recovered { .. } | Verdict::Deferred { .. } | Verdict::Unknown { .. } => {
            work.run.desk.cure.remove(seat);
        }
    }
    let timing = &work.run.plan.timing;
    let (soon, later) = (work.now + timing.check_interval_ms, work.now + timing.logged_out_interval_ms);
    match verdict {
        Verdict::Ready | Verdict::Recovered { .. } => work.run.desk.look.remove(seat),
        Verdict::Deferred { because: Deferral::LoggedOut } => work.look(seat, later),
        Verdict::Deferred { because: Deferral::OnCall } | Verdict::Unknown { .. } => work.look(seat, soon),
        // Whoever nothing more is done for can only be helped by a person, and people are slow.
        Verdict::Straggler { .. } if work.run.desk.cure.contains(seat) => work.look(seat, soon),
        Verdict::Straggler { .. } => work.look(seat, later),
    }
}
