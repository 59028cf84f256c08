//! Stories of looks and remedies that share too few calls.
//!
//! Must never: say when a call leaves; that is the pacer's.

use proptest::prelude::*;

use super::*;
use crate::law::decide::{Work, share};

/// Twenty of forty agents cannot take calls, and every remedy is for one agent; the organisation allows 30 calls a minute.
fn half_down() -> Plan {
    let mechanisms = Mechanisms { session_reset: false, ..Mechanisms::default() };
    let limits = Limits { calls_per_minute: Some(30), ..Limits::default() };
    let remedies = RemedyPolicy { canary: 0, ..RemedyPolicy::default() };
    Plan { mechanisms, limits, remedies, ..plan(40) }
}

fn down(seat: Seat) -> (CallState, PhoneState) {
    (CallState::Free, if seat.0 < 20 { PhoneState::Down } else { PhoneState::Up })
}

/// The look at calls is back: everybody whom it was about is in this state.
fn looked(desk: &mut Desk, call: CallState) {
    let (id, command) = desk.open.iter().find(|(_, c)| is_look_before(c)).cloned().expect("a look at calls");
    let Command::ReadUsers { seats, .. } = command else { unreachable!() };
    desk.open.retain(|(other, _)| *other != id);
    let outcome = Outcome::Users(seats.iter().map(|s| user(*s, call)).collect());
    desk.feed(Input::Answered { id, outcome });
}

fn is_remedy(c: &Command) -> bool {
    matches!(c, Command::Reassociate { .. })
}

/// Eight agents are helped, and the look at the calls of the twelve others is under way.
fn eight_helped() -> (Desk, Timestamp) {
    let mut desk = Desk::to_the_check(half_down(), down);
    let began = desk.now;
    looked(&mut desk, CallState::Free);
    for _ in 0..8 {
        desk.answer(is_remedy, Outcome::RemedyAccepted);
    }
    assert_eq!((desk.asked(is_remedy), desk.asked(is_look_before)), (0, 1));
    (desk, began)
}

fn next_sweep(desk: &mut Desk) -> Timestamp {
    while desk.asked(is_sweep) == 0 {
        desk.sleep();
    }
    desk.now
}

#[test]
fn while_remedies_wait_sweeps_have_one_call_in_eight() {
    let (mut desk, began) = eight_helped();
    // The sweep was two calls, which is four seconds of the budget.
    assert_eq!(desk.run.desk.sweep_calls, 2);
    assert_eq!(next_sweep(&mut desk).since_ms(began), 32_000);
    desk.audit();
}

#[test]
fn as_soon_as_no_remedy_waits_looks_come_as_they_are_due() {
    let (mut desk, began) = eight_helped();
    looked(&mut desk, CallState::OnCall);
    assert_eq!(desk.asked(is_remedy), 0, "nobody on a call is touched");
    let next = next_sweep(&mut desk).since_ms(began);
    assert!((10_000..=15_000).contains(&next), "{next} ms after the sweep before");
    desk.audit();
}

#[test]
fn a_brake_that_stops_remedies_holds_no_look_back() {
    let (mut desk, began) = eight_helped();
    desk.run.brake = Brake::Applied;
    desk.feed(Input::Woke);
    let next = next_sweep(&mut desk).since_ms(began);
    assert!(next <= 15_000, "{next} ms after the sweep before");
}

#[test]
fn the_end_of_a_run_finds_everybody_looked_at_who_was_helped() {
    let (mut desk, _) = eight_helped();
    desk.sweep(down);
    // Twenty seconds before the end: time for the sweep, and it is not held back for as long as one call in eight means.
    desk.now = desk.run.settle_at() - 20_000;
    desk.feed(Input::Woke);
    desk.sweep(down);
    // Somebody else is to be looked at.
    desk.run.desk.look.put(Seat(30), desk.now, T);
    desk.feed(Input::Woke);
    assert_eq!(next_sweep(&mut desk), desk.run.settle_at() - 8_000);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    /// Held back, but never for long: a minute, or as long as leaves remedies half of the calls.
    #[test]
    fn a_sweep_is_held_back_within_bounds(
        sweep_calls in 0_u32..5_000,
        calls_per_minute in proptest::option::of(1_u32..5_000),
        waiting in 0_u32..30,
        ago_ms in 0_i64..300_000,
    ) {
        let mut desk = Desk::at(T - 3_600_000, plan(40));
        let limits = Limits { calls_per_minute, ..Limits::default() };
        desk.run.plan = Arc::new(Plan { limits, ..half_down() });
        let now = T + 600_000;
        for seat in 0..waiting {
            desk.run.desk.cure.put(Seat(seat), now, T);
        }
        desk.run.desk.sweep_calls = sweep_calls;
        let began = now - ago_ms;
        desk.run.desk.next_sweep = began + 5_000;
        let mut work = Work { run: &mut desk.run, now, step: Step::default() };
        let held_ms = share::sweep_from(&mut work).since_ms(began);
        let sweep_ms = i64::from(sweep_calls) * 60_000 / i64::from(calls_per_minute.unwrap_or(300));
        prop_assert!(held_ms >= 5_000);
        if waiting <= 8 {
            prop_assert_eq!(held_ms, 5_000);
        } else {
            prop_assert!(held_ms <= 60_000.max(sweep_ms * 2), "{} ms for a sweep of {} ms", held_ms, sweep_ms);
            let to_the_end = work.run.settle_at().since_ms(began) - sweep_ms * 2;
            prop_assert!(held_ms >= (sweep_ms * 2).min(60_000).min(to_the_end), "remedies have less than half");
        }
    }
}
