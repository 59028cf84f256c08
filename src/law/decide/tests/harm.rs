//! Stories of those who were ready: what a remedy for others does to them, and what stops it.

use super::*;

type Seen = (CallState, PhoneState);

fn down(seats: std::ops::Range<u32>) -> impl Fn(Seat) -> Seen {
    move |seat| (CallState::Free, if seats.contains(&seat.0) { PhoneState::Down } else { PhoneState::Up })
}

/// Forty agents whom nobody looks at before the publish.
fn forty() -> Plan {
    Plan { timing: Timing { watch_lead_ms: 0, ..Timing::default() }, ..plan(40) }
}

/// Forty agents, four of them grey, whose sessions have been reset; the next thing is the look at what that brought.
fn after_a_reset() -> Desk {
    let mut desk = Desk::to_the_check(forty(), down(0..4));
    let grey: Vec<Seat> = (0..4).map(Seat).collect();
    // Those whose shift starts soonest come first.
    let asked: Vec<Seat> = grey.iter().rev().copied().collect();
    desk.answer(is_look_before, Outcome::Users(grey.iter().map(|seat| user(*seat, CallState::Free)).collect()));
    desk.answer(|c| *c == Command::ResetSessions { seats: asked.clone() }, Outcome::RemedyAccepted);
    desk
}

fn verdict(desk: &Desk, seat: u32) -> Option<Verdict> {
    desk.run.agent(Seat(seat)).unwrap().verdict
}

/// What the brake says of rungs that harm.
fn harm(desk: &Desk) -> Vec<(Option<Rung>, String)> {
    let brakes = desk.journal.iter().filter_map(|r| match &r.event {
        Event::BrakeApplied { rung, why } if why.contains("ready before") => Some((*rung, why.clone())),
        _ => None,
    });
    brakes.collect()
}

const GREY: Option<Verdict> = Some(Verdict::Straggler { reason: Reason::PhoneDown });

#[test]
fn a_remedy_after_which_ready_ones_are_lost_is_stopped_and_they_are_not_called_ready() {
    let mut desk = after_a_reset();
    desk.sleep();
    desk.sweep(down(10..16));
    assert_eq!(verdict(&desk, 0), Some(Verdict::Recovered { by: Rung::SessionReset }));
    assert_eq!(desk.run.phase, Phase::Checking, "everyone had a final verdict, and six of them do not hold");
    assert_eq!(harm(&desk), [], "a phone that is down may be somebody who went home");
    desk.sleep();
    desk.sweep(down(10..16));
    for seat in 10..16 {
        assert_eq!(verdict(&desk, seat), GREY, "seat {seat}");
    }
    let said = harm(&desk);
    assert_eq!((said.len(), said[0].0), (1, Some(Rung::SessionReset)));
    assert!(said[0].1.starts_with("6 of 40 softphones") && said[0].1.contains("session reset"), "{}", said[0].1);
    desk.audit();
    desk.go_to_the_end(down(10..16), || Outcome::RemedyAccepted);
    assert_eq!(desk.events(|e| matches!(e, Event::RemedyStarted { rung: Rung::SessionReset, .. })), 1);
    desk.audit();
}

#[test]
fn while_many_are_in_doubt_no_remedy_leaves() {
    let mut desk = after_a_reset();
    desk.sleep();
    // The reset has cured nobody, and there would be a second try.
    desk.sweep(|seat| if seat.0 < 4 { (CallState::Free, PhoneState::Down) } else { down(10..16)(seat) });
    assert_eq!((desk.asked(is_look_before), verdict(&desk, 0)), (0, GREY));
    desk.sleep();
    desk.sweep(|seat| if seat.0 < 4 { (CallState::Free, PhoneState::Down) } else { down(10..16)(seat) });
    assert_eq!(harm(&desk).len(), 1);
    assert!(desk.asked(is_look_before) > 0, "once it is known, the gentlest of the others goes on");
    desk.audit();
}

#[test]
fn one_who_is_lost_is_helped_like_everybody() {
    let mut desk = after_a_reset();
    desk.sleep();
    desk.sweep(down(10..11));
    desk.sleep();
    desk.sweep(down(10..11));
    assert_eq!((verdict(&desk, 10), harm(&desk)), (GREY, vec![]));
    assert_eq!(desk.asked(is_look_before), 1);
    desk.audit();
}

#[test]
fn people_who_go_home_are_no_harm() {
    let mut desk = after_a_reset();
    desk.sleep();
    desk.sweep(down(10..20));
    desk.sleep();
    let gone = |seat: &Seat| UserSeen {
        presence: PresenceState::Offline,
        station: StationState::Absent,
        ..user(*seat, CallState::Free)
    };
    let seats: Vec<Seat> = (10..20).map(Seat).collect();
    desk.answer(|c| matches!(c, Command::ReadUsers { .. }), Outcome::Users(seats.iter().map(gone).collect()));
    desk.sweep(down(10..20));
    assert_eq!(verdict(&desk, 10), Some(Verdict::Deferred { because: Deferral::LoggedOut }));
    assert_eq!(harm(&desk), []);
    desk.audit();
}

#[test]
fn what_is_lost_without_a_remedy_is_no_remedys_harm() {
    let busy = |lost: std::ops::Range<u32>| {
        move |seat: Seat| if seat.0 == 0 { (CallState::OnCall, PhoneState::Down) } else { down(lost.clone())(seat) }
    };
    let mut desk = Desk::to_the_check(forty(), busy(0..0));
    for _ in 0..2 {
        desk.run.desk.phone_pages = 0;
        desk.sleep();
        desk.sweep(busy(10..16));
    }
    assert_eq!((verdict(&desk, 12), harm(&desk)), (GREY, vec![]));
    desk.audit();
}

#[test]
fn a_doubt_that_the_next_page_clears_was_none() {
    let mut desk = after_a_reset();
    desk.sleep();
    desk.sweep(down(10..16));
    desk.sleep();
    desk.sweep(well);
    assert_eq!((verdict(&desk, 10), desk.run.phase), (Some(Verdict::Ready), Phase::Settling));
    assert_eq!(harm(&desk), []);
    desk.audit();
}

#[test]
fn nobody_is_called_ready_at_last_who_was_not_seen_after_the_last_remedy() {
    let mut desk = after_a_reset();
    // More pages than stragglers, and too many for the look after each remedy.
    desk.run.desk.phone_pages = 50;
    desk.sleep();
    assert_eq!(desk.asked(|c| matches!(c, Command::ReadPhones { .. })), 0, "singles cost less");
    desk.sweep(well);
    assert_eq!((desk.run.tally().recovered, desk.run.phase), (4, Phase::Checking));
    desk.sleep();
    assert_eq!(desk.asked(|c| *c == Command::ReadPhones { page: 1, purpose: ReadPurpose::Sweep }), 1);
    desk.sweep(down(10..16));
    desk.sleep();
    desk.sweep(down(10..16));
    assert_eq!((verdict(&desk, 10), harm(&desk).len()), (GREY, 1));
    desk.audit();
}

#[test]
fn whoever_takes_the_run_up_again_knows_who_is_in_doubt() {
    let mut desk = after_a_reset();
    desk.sleep();
    desk.sweep(down(10..16));
    desk.restart();
    assert_eq!(desk.run.phase, Phase::Checking);
    desk.sleep();
    desk.sweep(down(10..16));
    assert_eq!((verdict(&desk, 10), harm(&desk).len()), (GREY, 1));
    desk.audit();
}

#[test]
fn at_the_end_of_the_check_a_doubt_is_decided_by_what_was_seen_last() {
    let mut desk = after_a_reset();
    desk.sleep();
    desk.sweep(down(10..16));
    desk.now = desk.run.settle_at();
    desk.feed(Input::Woke);
    // What is still asked brings nothing.
    while let Some((id, _)) = desk.open.iter().find(|(_, c)| is_sweep(c)).cloned() {
        desk.open.retain(|(other, _)| *other != id);
        desk.feed(Input::Answered { id, outcome: Outcome::Failed(failure(FailureKind::Server)) });
    }
    desk.hooks(HookPoint::PostCheck);
    assert_eq!((desk.run.phase, verdict(&desk, 10)), (Phase::Settled, GREY));
    assert_eq!(desk.run.tally().stragglers, 6);
    desk.audit();
}
