//! Stories of waves: a rung is tried for a few agents before it is used for many.
//!
//! Must never: reach the end of a ladder.

use std::collections::BTreeSet;

use super::*;

const MANY: u32 = 100;

fn grey(_: Seat) -> (CallState, PhoneState) {
    (CallState::Free, PhoneState::Down)
}

/// A hundred of two hundred and fifty agents are grey, and each remedy is one call for many.
fn many_grey() -> Desk {
    Desk::to_the_check(plan(250), |seat| if seat.0 < MANY { grey(seat) } else { well(seat) })
}

/// Answers the look at calls; everybody is off calls.
fn look(desk: &mut Desk) {
    let (_, command) = desk.open.iter().find(|(_, c)| is_look_before(c)).cloned().expect("a look at calls");
    let Command::ReadUsers { seats, .. } = &command else { panic!("{command:?}") };
    let seen = seats.iter().map(|seat| user(*seat, CallState::Free)).collect();
    desk.answer(|c| *c == command, Outcome::Users(seen));
}

/// How many agents the reset is asked for; it is accepted.
fn reset(desk: &mut Desk) -> usize {
    while desk.asked(is_look_before) == 0 {
        desk.sleep();
    }
    look(desk);
    let (_, command) =
        desk.open.iter().find(|(_, c)| matches!(c, Command::ResetSessions { .. })).cloned().expect("one");
    let Command::ResetSessions { seats } = &command else { panic!("{command:?}") };
    let asked = seats.len();
    desk.answer(|c| *c == command, Outcome::RemedyAccepted);
    asked
}

/// Lets the run go on where nothing helps anybody.
fn play_until(desk: &mut Desk, holds: impl Fn(&Desk) -> bool) {
    play_with(desk, &Outcome::RemedyAccepted, holds);
}

/// The same, with this answer to every reset.
fn play_with(desk: &mut Desk, to_resets: &Outcome, holds: impl Fn(&Desk) -> bool) {
    let is_reset = |c: &Command| matches!(c, Command::ResetSessions { .. });
    let is_remedy = |c: &Command| c.not_after(T, 1).is_some();
    let is_hook = |c: &Command| matches!(c, Command::RunHooks { .. });
    while !holds(desk) {
        if desk.asked(is_reset) > 0 {
            desk.answer(is_reset, to_resets.clone());
        } else if desk.asked(is_remedy) > 0 {
            desk.answer(is_remedy, Outcome::RemedyAccepted);
        } else if desk.asked(is_hook) > 0 {
            desk.answer(is_hook, Outcome::HooksRan(Vec::new()));
        } else if desk.asked(is_look_before) > 0 {
            look(desk);
        } else if desk.asked(is_sweep) > 0 {
            desk.sweep(|seat| if seat.0 < MANY { grey(seat) } else { well(seat) });
        } else {
            desk.sleep();
        }
    }
}

/// The look at what a remedy has brought.
fn see(desk: &mut Desk, state: impl Fn(Seat) -> (CallState, PhoneState)) {
    while desk.asked(is_sweep) == 0 {
        desk.sleep();
    }
    desk.sweep(state);
}

#[test]
fn a_rung_is_tried_for_a_few_first_and_then_for_more_with_each_that_it_has_helped() {
    let mut desk = many_grey();
    let mut cured: Vec<Seat> = Vec::new();
    for asked in [5, 20, 75] {
        let now = reset(&mut desk);
        assert_eq!(now, asked);
        // While nobody knows what it did, nobody else gets it, and nobody is looked at in vain.
        assert_eq!(
            (desk.asked(is_look_before), desk.run.scores[Rung::SessionReset.index()].outstanding),
            (0, now as u32)
        );
        let awaits = |seat: &Seat| matches!(desk.run.agent(*seat).unwrap().remedy, RemedyState::Awaiting(_));
        cured.extend(desk.run.all_seats().filter(awaits));
        // The first look may come before the effect can show.
        while desk.run.scores[Rung::SessionReset.index()].outstanding > 0 {
            see(&mut desk, |seat| if cured.contains(&seat) || seat.0 >= MANY { well(seat) } else { grey(seat) });
        }
        assert_eq!(desk.run.scores[Rung::SessionReset.index()].cured as usize, cured.len());
    }
    assert_eq!(cured.len(), MANY as usize);
    desk.audit();
}

fn gives_up_the_reset(event: &Event) -> bool {
    matches!(event, Event::BrakeApplied { rung: Some(Rung::SessionReset), .. })
}

/// For whom the reset was begun.
fn reset_for(desk: &Desk) -> BTreeSet<Seat> {
    let seats = |record: &Record| match &record.event {
        Event::RemedyStarted { rung: Rung::SessionReset, seats } => seats.clone(),
        _ => Vec::new(),
    };
    desk.journal.iter().flat_map(seats).collect()
}

fn refused(kind: FailureKind, status: Option<u16>) -> Outcome {
    Outcome::Failed(Failure { status, ..failure(kind) })
}

#[test]
fn a_rung_that_helps_nobody_is_tried_for_ten_agents_and_no_more() {
    // Nothing helps, and the same five a second time are no ten. Nor does it help where it is refused each time.
    for to_resets in [Outcome::RemedyAccepted, refused(FailureKind::Invalid, Some(400))] {
        let mut desk = many_grey();
        play_with(&mut desk, &to_resets, |desk| desk.events(gives_up_the_reset) > 0);
        assert_eq!(reset_for(&desk).len(), 10, "{to_resets:?}");
        let score = desk.run.scores[Rung::SessionReset.index()];
        assert_eq!((score.cured, score.failed, score.outstanding), (0, 10, 0), "each counts once");
        desk.audit();
        desk.restart();
    }
}

#[test]
fn what_was_not_tried_says_nothing_of_a_rung() {
    // The platform wants to be asked later; or nothing was asked of it, because of something that is so for this agent.
    for to_resets in [refused(FailureKind::Throttled, Some(429)), refused(FailureKind::Invalid, None)] {
        let mut desk = many_grey();
        play_with(&mut desk, &to_resets, |desk| reset_for(desk).len() > 15);
        assert_eq!(desk.run.scores[Rung::SessionReset.index()].failed, 0, "{to_resets:?}");
        assert_eq!(desk.events(gives_up_the_reset), 0, "{to_resets:?}");
        desk.audit();
    }
}

#[test]
fn a_person_may_let_a_rung_go_on_that_the_brake_has_stopped() {
    let mut desk = many_grey();
    let given_up = |e: &Event| matches!(e, Event::BrakeApplied { rung: Some(Rung::SessionReset), .. });
    let is_reset = |c: &Command| matches!(c, Command::ResetSessions { .. });
    play_until(&mut desk, |desk| desk.events(given_up) > 0);
    assert!(!desk.run.open.is_open(Rung::SessionReset));
    desk.order(Wish::Resume);
    assert_eq!((desk.run.open.is_open(Rung::SessionReset), desk.run.brake), (true, Brake::Released));
    play_until(&mut desk, |desk| desk.asked(is_reset) > 0);
    desk.restart();
    assert!(desk.run.open.is_open(Rung::SessionReset), "whoever takes it up again knows");
    desk.order(Wish::Resume);
    assert_eq!(desk.events(|e| matches!(e, Event::OrderRefused { .. })), 1, "nothing is held any more");
    play_until(&mut desk, |desk| desk.run.phase != Phase::Checking);
    assert_eq!(desk.events(given_up), 1, "the brake does not stop it again");
    desk.audit();
}

#[test]
fn whoever_takes_the_run_up_again_knows_how_many_are_out() {
    let mut desk = many_grey();
    assert_eq!(reset(&mut desk), 5);
    desk.restart();
    assert_eq!(desk.run.scores[Rung::SessionReset.index()].outstanding, 5);
    desk.audit();
}
