//! Stories of remedies that could not leave in time: no attempt, another look, and never without a wait between.
//!
//! Must never: answer a remedy with anything that leaves open whether it was sent.

use super::*;
use crate::law::event::Attempt;

fn down(_: Seat) -> (CallState, PhoneState) {
    (CallState::Free, PhoneState::Down)
}

fn unsent() -> Outcome {
    Outcome::Failed(failure(FailureKind::NotSent))
}

fn is_remedy(c: &Command) -> bool {
    matches!(
        c,
        Command::ResetSessions { .. }
            | Command::Reassociate { .. }
            | Command::RebootPhones { .. }
            | Command::RevokeTokens { .. }
    )
}

fn is_reset(c: &Command) -> bool {
    matches!(c, Command::ResetSessions { .. })
}

fn free(desk: &mut Desk) {
    desk.answer(is_look_before, Outcome::Users(vec![user(Seat(0), CallState::Free)]));
}

#[test]
fn a_remedy_that_never_left_is_no_attempt_and_the_agent_is_looked_at_again() {
    let mut desk = Desk::to_the_check(plan(1), down);
    for _ in 0..5 {
        free(&mut desk);
        desk.answer(is_reset, unsent());
        assert_eq!(desk.run.agent(Seat(0)).unwrap().attempts(), 0);
        assert_eq!((desk.asked(is_look_before), desk.asked(is_remedy)), (0, 0), "not without a wait");
        let given_up = desk.now;
        while desk.asked(is_look_before) == 0 {
            desk.sleep();
            desk.sweep(down);
        }
        assert!(desk.now >= given_up + 1_000);
    }
    assert_eq!(desk.events(|e| matches!(e, Event::RemedyFailed { attempt: Attempt::NotMade, .. })), 5);
    // Whoever has taken a call meanwhile is left alone.
    desk.answer(is_look_before, Outcome::Users(vec![user(Seat(0), CallState::OnCall)]));
    assert_eq!(desk.asked(is_remedy), 0);
    desk.audit();
}

#[test]
fn the_next_look_comes_when_there_is_a_turn_again() {
    let mut desk = Desk::to_the_check(plan(1), down);
    free(&mut desk);
    let turn_at = desk.now + 55_000;
    let throttled = Failure { again_at: Some(turn_at), ..failure(FailureKind::NotSent) };
    desk.answer(is_reset, Outcome::Failed(throttled));
    while desk.asked(is_look_before) == 0 {
        desk.sleep();
        desk.sweep(down);
    }
    assert!(desk.now >= turn_at);
    desk.audit();
}

#[test]
fn remedies_that_never_leave_end_with_the_run_and_are_few() {
    let mut desk = Desk::to_the_check(plan(1), down);
    desk.go_to_the_end(down, unsent);
    let started = desk.events(|e| matches!(e, Event::RemedyStarted { .. }));
    assert!((2..=100).contains(&started), "{started} tries in 45 minutes");
    assert_eq!(desk.run.agent(Seat(0)).unwrap().attempts(), 0);
    assert_eq!(desk.run.tally().stragglers, 1);
    desk.audit();
    desk.restart();
}

#[test]
fn what_never_left_takes_nothing_from_what_may_be_sent() {
    let mut desk = Desk::to_the_check(plan(1), down);
    let mut times = 0;
    desk.go_to_the_end(down, || {
        times += 1;
        if times % 2 == 1 { unsent() } else { Outcome::RemedyAccepted }
    });
    let sent: Vec<Rung> = desk
        .journal
        .iter()
        .filter_map(|r| match &r.event {
            Event::RemedyAccepted { rung, .. } => Some(*rung),
            _ => None,
        })
        .collect();
    use Rung::{Ask, Reassociate, RebootPhone, SessionReset};
    assert_eq!(sent, [SessionReset, SessionReset, Reassociate, Reassociate, RebootPhone, Ask]);
    desk.audit();
    desk.restart();
}

#[test]
fn a_journal_from_before_says_that_every_remedy_was_an_attempt() {
    let line = r#"{"seq":9,"at":5,"event":"remedy_failed","rung":"session_reset","seats":[0],
        "failure":{"kind":"not_sent","message":"no connection"}}"#;
    let record: Record = serde_json::from_str(line).unwrap();
    assert!(matches!(record.event, Event::RemedyFailed { attempt: Attempt::Made, .. }));
    assert!(!serde_json::to_string(&record).unwrap().contains("attempt"));
}

#[test]
fn what_touches_an_agent_must_leave_while_the_look_is_fresh_and_nothing_else_is_bound() {
    let (seat, phone) = (Seat(0), PhoneId::new("phone").unwrap());
    let last = |command: Command| command.not_after(T, 10_000);
    for touch in [
        Command::ResetSessions { seats: vec![seat] },
        Command::Reassociate { seat },
        Command::RebootPhones { phones: vec![(seat, phone.clone())] },
        Command::RevokeTokens { seat },
    ] {
        assert_eq!(last(touch.clone()), Some(T + 10_000), "{touch:?}");
    }
    for other in [
        Command::ReadSchedule,
        Command::Publish { upload: UploadKey(Secret::new("key".to_owned())) },
        Command::ReadUsers { seats: vec![seat], purpose: ReadPurpose::BeforeRemedy },
        Command::RunHooks { point: HookPoint::Straggler, seat: Some(seat) },
    ] {
        assert_eq!(last(other.clone()), None, "{other:?}");
    }
}
