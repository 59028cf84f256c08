//! Stories of the shift: whose tokens may be revoked, and when.
//!
//! Must never: leave out what consent makes of the same agent.

use super::*;

/// How often the tokens of an agent whom nothing helps are revoked until the end.
fn revoked(shift_start: Option<Timestamp>, revoke_on_shift: bool) -> usize {
    let mechanisms = Mechanisms { revoke_tokens: true, ..Mechanisms::default() };
    let remedies = RemedyPolicy { revoke_on_shift, ..RemedyPolicy::default() };
    let mut plan = Plan { mechanisms, remedies, ..plan(1) };
    plan.roster[0].shift_start = shift_start;
    let down = |_: Seat| (CallState::Free, PhoneState::Down);
    let mut desk = Desk::to_the_check(plan, down);
    desk.go_to_the_end(down, || Outcome::RemedyAccepted);
    desk.audit();
    assert_eq!(
        desk.events(|e| matches!(e, Event::RemedyStarted { rung: Rung::Ask, .. })),
        1,
        "a person is asked at last"
    );
    desk.events(|e| matches!(e, Event::RemedyStarted { rung: Rung::RevokeTokens, .. }))
}

#[test]
fn tokens_are_revoked_before_the_shift_alone_unless_there_is_consent() {
    let hours = |n: i64| Some(T + n * 3_600_000);
    assert_eq!(revoked(hours(3), false), 1);
    for on_shift in [hours(-1), Some(T + 60_000), None] {
        assert_eq!((revoked(on_shift, false), revoked(on_shift, true)), (0, 1), "{on_shift:?}");
    }
}

#[test]
fn a_shift_that_begins_before_a_new_login_can_be_over_counts_as_begun() {
    let mut plan = plan(1);
    plan.roster[0].shift_start = Some(T);
    let shift = |before_ms: i64| plan.shift(Seat(0), T - before_ms);
    assert_eq!([shift(60_001), shift(60_000), shift(0)], [Shift::Ahead, Shift::Begun, Shift::Begun]);
}

#[test]
fn a_plan_from_before_there_was_consent_has_none() {
    let mut old = serde_json::to_value(RemedyPolicy::default()).unwrap();
    assert_eq!(old.get("revoke_on_shift"), None, "it is written as it was");
    let read: RemedyPolicy = serde_json::from_value(old.take()).unwrap();
    assert!(!read.revoke_on_shift);
}
