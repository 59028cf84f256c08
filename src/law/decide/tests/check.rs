//! Stories of the check, the ladder and the brake.
//!
//! Must never: begin before the publish was claimed.

use super::*;

#[test]
fn when_everyone_is_ready_nobody_is_touched_and_the_run_settles() {
    let mut desk = Desk::to_the_check(plan(5), well);
    desk.hooks(HookPoint::PostCheck);
    desk.hooks(HookPoint::Settled);
    assert!(desk.run.is_over());
    assert_eq!(desk.run.tally().ready, 5);
    assert_eq!(desk.events(|e| matches!(e, Event::RemedyStarted { .. })), 0);
    desk.audit();
}

#[test]
fn a_straggler_climbs_the_ladder_gentlest_first_and_is_recovered() {
    let down = |seat: Seat| (CallState::Free, if seat.0 == 1 { PhoneState::Down } else { PhoneState::Up });
    let mut desk = Desk::to_the_check(plan(3), down);
    desk.answer(is_look_before, Outcome::Users(vec![user(Seat(1), CallState::Free)]));
    desk.answer(|c| *c == Command::ResetSessions { seats: vec![Seat(1)] }, Outcome::RemedyAccepted);
    desk.sleep();
    desk.sweep(well);
    assert_eq!(desk.run.agent(Seat(1)).unwrap().verdict, Some(Verdict::Recovered { by: Rung::SessionReset }));
    assert_eq!(desk.run.scores[Rung::SessionReset.index()].cured, 1);
    assert_eq!(desk.run.phase, Phase::Settling);
    desk.audit();
}

#[test]
fn nobody_on_a_call_or_perhaps_on_a_call_is_touched() {
    for call in [CallState::OnCall, CallState::Unknown] {
        let mut desk = Desk::to_the_check(plan(1), |_| (CallState::Free, PhoneState::Down));
        desk.answer(is_look_before, Outcome::Users(vec![user(Seat(0), call)]));
        assert_eq!(desk.events(|e| matches!(e, Event::RemedyStarted { .. })), 0, "{call:?}");
    }
    let mut desk = Desk::to_the_check(plan(1), |_| (CallState::OnCall, PhoneState::Down));
    assert_eq!(desk.run.agent(Seat(0)).unwrap().verdict, Some(Verdict::Deferred { because: Deferral::OnCall }));
    desk.sleep();
    desk.sweep(|_| (CallState::Free, PhoneState::Down));
    assert_eq!(desk.asked(is_look_before), 1, "the cure comes after the call");
}

#[test]
fn an_exhausted_ladder_ends_with_a_person_and_the_run_with_a_straggler() {
    let down = |_| (CallState::Free, PhoneState::Down);
    let mut desk = Desk::to_the_check(plan(1), down);
    desk.go_to_the_end(down, || Outcome::RemedyAccepted);
    let rungs: Vec<Rung> = desk
        .journal
        .iter()
        .filter_map(|r| match &r.event {
            Event::RemedyStarted { rung, .. } => Some(*rung),
            _ => None,
        })
        .collect();
    use Rung::{Ask, Reassociate, RebootPhone, SessionReset};
    assert_eq!(rungs, [SessionReset, SessionReset, Reassociate, Reassociate, RebootPhone, Ask]);
    assert_eq!(desk.run.agent(Seat(0)).unwrap().verdict, Some(Verdict::Straggler { reason: Reason::PhoneDown }));
    desk.audit();
}

#[test]
fn a_mechanism_that_the_org_does_not_offer_is_left_out_for_everybody() {
    let mut desk = Desk::to_the_check(plan(1), |_| (CallState::Free, PhoneState::Down));
    desk.answer(is_look_before, Outcome::Users(vec![user(Seat(0), CallState::Free)]));
    desk.answer(|c| matches!(c, Command::ResetSessions { .. }), Outcome::Failed(failure(FailureKind::NotFound)));
    assert!(!desk.run.open.is_open(Rung::SessionReset));
    desk.sleep();
    desk.answer(is_look_before, Outcome::Users(vec![user(Seat(0), CallState::Free)]));
    assert_eq!(desk.asked(|c| matches!(c, Command::Reassociate { .. })), 1);
    desk.audit();
}

#[test]
fn an_outage_is_not_a_matter_of_stragglers() {
    let desk = Desk::to_the_check(plan(40), |_| (CallState::Free, PhoneState::Down));
    assert_eq!(desk.events(|e| matches!(e, Event::BrakeApplied { rung: None, .. })), 1);
    assert_eq!(desk.asked(is_look_before), 0);
    desk.audit();
}

/// On to the first sweep of four hundred, with the phones seen and each bulk read of users still to be answered.
fn four_hundred(state: impl Fn(Seat) -> (CallState, PhoneState)) -> Desk {
    let mut desk = Desk::to_the_claim(plan(400));
    desk.answer(is_publish, accepted());
    desk.sleep();
    desk.answer(is_schedule, schedule(8, true));
    desk.hooks(HookPoint::PostPublish);
    desk.sleep();
    let everyone: Vec<Seat> = desk.run.all_seats().collect();
    desk.answer(|c| matches!(c, Command::ReadPhones { .. }), phones(&everyone, &state));
    desk
}

/// Answers the oldest read of users of the sweep: a hundred are judged.
fn a_hundred_more(desk: &mut Desk) {
    let is_users = |c: &Command| matches!(c, Command::ReadUsers { purpose: ReadPurpose::Sweep, .. });
    let (_, command) = desk.open.iter().find(|(_, c)| is_users(c)).cloned().expect("a read of users");
    let Command::ReadUsers { seats, .. } = &command else { unreachable!() };
    let seen = seats.iter().map(|seat| user(*seat, CallState::Free)).collect();
    desk.answer(|c| *c == command, Outcome::Users(seen));
}

/// What was said of outages.
fn outages(desk: &Desk) -> Vec<&str> {
    fn why(record: &Record) -> Option<&str> {
        match &record.event {
            Event::BrakeApplied { rung: None, why } => Some(why),
            _ => None,
        }
    }
    desk.journal.iter().filter_map(why).collect()
}

#[test]
fn the_soonest_shift_alone_is_no_outage_of_all() {
    // The last in the roster are looked at first: all of the first hundred are grey, and a quarter of everybody.
    let grey = |seat: Seat| (CallState::Free, if seat.0 >= 300 { PhoneState::Down } else { PhoneState::Up });
    let mut desk = four_hundred(grey);
    for judged in [100, 200, 300, 400] {
        a_hundred_more(&mut desk);
        assert_eq!((desk.run.counts.judged, desk.run.counts.stragglers), (judged, 100));
        assert_eq!(outages(&desk), [""; 0]);
    }
    assert!(desk.asked(is_look_before) > 0, "they are helped");
    desk.audit();
}

#[test]
fn a_large_outage_is_noticed_as_soon_as_nobody_left_could_change_it() {
    let mut desk = four_hundred(|_| (CallState::Free, PhoneState::Down));
    a_hundred_more(&mut desk);
    a_hundred_more(&mut desk);
    assert_eq!(outages(&desk), [""; 0], "the other half may be well");
    a_hundred_more(&mut desk);
    let why =
        "300 of 400 softphones are not ready, with 100 not checked yet: that is an outage, not a matter of stragglers";
    assert_eq!(outages(&desk), [why]);
    a_hundred_more(&mut desk);
    assert_eq!(outages(&desk), [why], "it is said once");
    desk.audit();
}

#[test]
fn a_rung_that_helps_nobody_is_given_up() {
    let some_down = |seat: Seat| (CallState::Free, if seat.0 < 12 { PhoneState::Down } else { PhoneState::Up });
    // Without waves, so that one look brings enough results.
    let remedies = RemedyPolicy { canary: 0, ..RemedyPolicy::default() };
    let mut desk = Desk::to_the_check(Plan { remedies, ..plan(40) }, some_down);
    let looked = |desk: &mut Desk| {
        let (id, command) = desk.open.iter().find(|(_, c)| is_look_before(c)).cloned().unwrap();
        let Command::ReadUsers { seats, .. } = command else { unreachable!() };
        desk.open.retain(|(other, _)| *other != id);
        let outcome = Outcome::Users(seats.iter().map(|s| user(*s, CallState::Free)).collect());
        desk.feed(Input::Answered { id, outcome });
    };
    looked(&mut desk);
    desk.answer(|c| matches!(c, Command::ResetSessions { .. }), Outcome::RemedyAccepted);
    desk.sleep();
    desk.sweep(some_down);
    assert_eq!(desk.events(|e| matches!(e, Event::BrakeApplied { rung: Some(Rung::SessionReset), .. })), 1);
    desk.audit();
}

#[test]
fn answers_that_come_late_or_twice_are_no_ones() {
    let mut desk = Desk::to_the_claim(plan(1));
    let id = desk.answer(is_publish, accepted());
    let seq = desk.run.seq;
    desk.feed(Input::Answered { id, outcome: not_done(FailureKind::Throttled) });
    desk.feed(Input::Answered { id: CommandId(999), outcome: schedule(8, true) });
    assert_eq!(desk.run.seq, seq);
}

#[test]
fn waking_early_or_twice_is_harmless() {
    let mut desk = Desk::at(T - 3_600_000, plan(1));
    for _ in 0..3 {
        desk.feed(Input::Woke);
    }
    assert!(desk.open.is_empty());
    assert_eq!(desk.wake_at, Some(T - 20 * 60_000));
}

#[test]
fn news_of_one_source_is_not_read_together_with_anothers_from_long_ago() {
    let logged_out = |seat: Seat| {
        let out =
            UserSeen { presence: PresenceState::Offline, station: StationState::Absent, ..user(seat, CallState::Free) };
        Outcome::Users(vec![out])
    };
    let mut desk = Desk::to_the_claim(plan(2));
    desk.answer(is_publish, accepted());
    desk.sleep();
    desk.answer(is_schedule, schedule(8, true));
    desk.hooks(HookPoint::PostPublish);
    desk.sleep();
    desk.answer(|c| matches!(c, Command::ReadUsers { .. }), logged_out(Seat(0)));
    desk.answer(
        |c| matches!(c, Command::ReadPhones { .. }),
        phones(&[Seat(0)], &|_| (CallState::Free, PhoneState::Down)),
    );
    let verdict = |desk: &Desk| desk.run.agent(Seat(0)).unwrap().verdict;
    assert_eq!(verdict(&desk), Some(Verdict::Deferred { because: Deferral::LoggedOut }));
    // The other agent is looked at again; the page of phones shows that this one has logged in meanwhile.
    desk.sleep();
    desk.answer(|c| matches!(c, Command::ReadPhones { .. }), phones(&[Seat(0), Seat(1)], &well));
    assert_eq!(verdict(&desk), Some(Verdict::Deferred { because: Deferral::LoggedOut }), "an old station says nothing");
    assert_eq!(desk.events(|e| matches!(e, Event::RemedyStarted { .. })), 0);
    desk.audit();
}

#[test]
fn a_probe_that_brings_nothing_waits_for_the_next_look() {
    let mechanisms = Mechanisms { media_probe: true, ..Mechanisms::default() };
    let mut desk = Desk::to_the_check(Plan { mechanisms, ..plan(1) }, |_| (CallState::Free, PhoneState::Unknown));
    let is_probe = |c: &Command| matches!(c, Command::ProbeMedia { .. });
    for kind in [FailureKind::Server, FailureKind::Throttled, FailureKind::NoAnswer] {
        desk.answer(is_probe, Outcome::Failed(failure(kind)));
        assert_eq!(desk.asked(is_probe), 0, "asked again at once after {kind:?}");
        assert_eq!(desk.run.agent(Seat(0)).unwrap().verdict, Some(Verdict::Unknown { missing: Missing::Phone }));
        desk.sleep();
        desk.sweep(|_| (CallState::Free, PhoneState::Unknown));
    }
    desk.answer(is_probe, Outcome::Probed(ProbeState::Accepted));
    assert_eq!(desk.run.agent(Seat(0)).unwrap().verdict, Some(Verdict::Ready));
    desk.audit();
}

#[test]
fn a_probe_counts_for_the_look_that_asked_for_it_in_whatever_order_its_answers_came() {
    let mechanisms = Mechanisms { media_probe: true, ..Mechanisms::default() };
    let silent = |_: Seat| (CallState::Free, PhoneState::Unknown);
    let mut desk = Desk::to_the_check(Plan { mechanisms, ..plan(1) }, silent);
    let is_probe = |c: &Command| matches!(c, Command::ProbeMedia { .. });
    desk.answer(is_probe, Outcome::Failed(failure(FailureKind::Server)));
    desk.sleep();
    desk.answer(|c| matches!(c, Command::ReadPhone { .. } | Command::ReadPhones { .. }), phones(&[Seat(0)], &silent));
    desk.now = desk.now + 700;
    desk.answer(is_sweep, Outcome::Users(vec![user(Seat(0), CallState::Free)]));
    desk.now = desk.now + 700;
    desk.answer(is_probe, Outcome::Probed(ProbeState::Accepted));
    assert_eq!(desk.run.agent(Seat(0)).unwrap().verdict, Some(Verdict::Ready));
    desk.audit();
}

#[test]
fn a_phone_that_is_gone_sends_the_look_to_all_phones() {
    // Two agents on calls; the org has more pages of phones than that, so they are looked at singly.
    let busy = |_: Seat| (CallState::OnCall, PhoneState::Down);
    let mut desk = Desk::to_the_check(plan(2), busy);
    desk.run.desk.phone_pages = 9;
    desk.sleep();
    let is_single = |c: &Command| matches!(c, Command::ReadPhone { .. });
    assert_eq!(desk.asked(is_single), 2);
    desk.answer(is_single, Outcome::Failed(failure(FailureKind::NotFound)));
    desk.sweep(well);
    for seat in desk.run.all_seats() {
        assert_eq!(desk.run.agent(seat).unwrap().verdict, Some(Verdict::Ready));
    }
    desk.audit();
}

#[test]
fn a_few_stragglers_are_helped_between_two_sweeps() {
    let busy = |_: Seat| (CallState::OnCall, PhoneState::Down);
    let mut desk = Desk::to_the_check(plan(3), busy);
    desk.run.desk.look.put(Seat(0), desk.now, T);
    desk.now = desk.now + 5_000;
    desk.feed(Input::Woke);
    // While one agent is looked at the others come due, as in an organisation whose sweeps take long.
    desk.run.desk.look.put(Seat(1), desk.now, T);
    desk.run.desk.look.put(Seat(2), desk.now, T);
    desk.now = desk.now + 5_000;
    let is_users = |c: &Command| matches!(c, Command::ReadUsers { purpose: ReadPurpose::Sweep, .. });
    desk.answer(|c| is_sweep(c) && !is_users(c), phones(&[Seat(0)], &busy));
    desk.answer(is_users, Outcome::Users(vec![user(Seat(0), CallState::Free)]));
    assert_eq!((desk.asked(is_look_before), desk.asked(is_users)), (1, 1));
    desk.audit();
}

/// On to the first sweep with its users seen, where page 1 of two shows the phones of the first two agents and page 2 these.
fn two_pages(second: &[Seat]) -> Desk {
    let page = |seats: &[Seat]| {
        let Outcome::Phones { seen, .. } = phones(seats, &well) else { unreachable!() };
        Outcome::Phones { seen, pages: 2 }
    };
    let mut desk = Desk::to_the_claim(plan(3));
    desk.answer(is_publish, accepted());
    desk.sleep();
    desk.answer(is_schedule, schedule(8, true));
    desk.hooks(HookPoint::PostPublish);
    desk.sleep();
    let everyone: Vec<UserSeen> = desk.run.all_seats().map(|seat| user(seat, CallState::Free)).collect();
    desk.answer(|c| matches!(c, Command::ReadUsers { .. }), Outcome::Users(everyone));
    desk.answer(|c| *c == Command::ReadPhones { page: 1, purpose: ReadPurpose::Sweep }, page(&[Seat(0), Seat(1)]));
    desk.answer(|c| *c == Command::ReadPhones { page: 2, purpose: ReadPurpose::Sweep }, page(second));
    desk
}

#[test]
fn a_phone_on_no_page_is_absent_unless_another_stood_on_two() {
    let verdict = |desk: &Desk| desk.run.agent(Seat(2)).unwrap().verdict;
    let absent = two_pages(&[]);
    assert_eq!(verdict(&absent), Some(Verdict::Straggler { reason: Reason::NoPhone }));
    absent.audit();
    let mut shuffled = two_pages(&[Seat(1)]);
    assert_eq!(verdict(&shuffled), Some(Verdict::Unknown { missing: Missing::Phone }));
    assert_eq!(shuffled.events(|e| matches!(e, Event::PhonesAbsent { .. })), 0);
    shuffled.sleep();
    shuffled.sweep(well);
    assert_eq!(verdict(&shuffled), Some(Verdict::Ready), "the next look has found it");
    assert_eq!(
        shuffled.events(|e| matches!(e, Event::RemedyStarted { .. })),
        0,
        "a person was asked about a healthy agent"
    );
    shuffled.audit();
}

#[test]
fn a_rung_that_earlier_runs_have_shown_to_be_useless_is_left_out_for_that_reason_only() {
    use crate::law::fared::Fared;
    let useless = Fared { rung: Rung::SessionReset, reason: Reason::PhoneDown, cured: 0, failed: 20 };
    for (learnt, resets) in [(useless, 0), (Fared { reason: Reason::NoStation, ..useless }, 1)] {
        let remedies = RemedyPolicy { learnt: vec![learnt], ..RemedyPolicy::default() };
        let down = |_: Seat| (CallState::Free, PhoneState::Down);
        let mut desk = Desk::to_the_check(Plan { remedies, ..plan(1) }, down);
        desk.answer(is_look_before, Outcome::Users(vec![user(Seat(0), CallState::Free)]));
        assert_eq!(desk.asked(|c| matches!(c, Command::ResetSessions { .. })), resets);
        assert_eq!(desk.asked(|c| matches!(c, Command::Reassociate { .. })), 1 - resets);
        desk.audit();
    }
}
