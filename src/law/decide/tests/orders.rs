//! What people tell a run, and what becomes of a schedule that is not what was staged.

use super::*;

fn with(policy: Policy) -> Plan {
    Plan { policy, ..plan(1) }
}
fn approval() -> Plan {
    with(Policy { approval: Approval::Required, ..Policy::default() })
}
fn latest() -> Plan {
    with(Policy { on_drift: OnDrift::PublishLatest, ..Policy::default() })
}
fn is_upload(c: &Command) -> bool {
    matches!(c, Command::PrepareUpload { .. })
}
/// On to the first look at the schedule, which finds `seen`.
fn looked(plan: Plan, seen: Outcome) -> Desk {
    let mut desk = Desk::at(T - 60_000, plan);
    desk.hooks(HookPoint::PreRefresh);
    desk.hooks(HookPoint::PrePublish);
    desk.answer(is_schedule, seen);
    desk
}
/// On to T, with everything in place.
fn ready(plan: Plan) -> Desk {
    let mut desk = looked(plan, schedule(7, false));
    desk.answer(is_upload, upload());
    desk.sleep();
    desk.answer(is_schedule, schedule(7, false));
    desk
}

#[test]
fn without_a_required_approval_nothing_is_published_and_the_run_says_so() {
    let mut desk = ready(approval());
    desk.sleep();
    assert_eq!((desk.now, desk.asked(is_publish), desk.run.waited), (T, 0, Some(Wait::Approval)));
    desk.sleep();
    assert_eq!((desk.stopped(), desk.run.claims), (Some(StopKind::Missed), 0));
    assert!(desk.run.stop.as_ref().unwrap().1.contains("nobody has approved it"));
    desk.hooks(HookPoint::Missed);
    desk.hooks(HookPoint::Failed);
    assert!(desk.run.is_over());
    desk.audit();
}

#[test]
fn an_approval_counts_from_whenever_it_comes() {
    let mut early = Desk::at(T - 3_000_000, approval());
    early.order(Wish::Approve);
    early.restart();
    assert_eq!(early.run.waits_for(), None);
    let mut late = ready(approval());
    late.sleep();
    late.now = T + 30_000;
    late.order(Wish::Approve);
    // What was seen before T says nothing of now.
    assert_eq!((late.asked(is_publish), late.asked(is_schedule)), (0, 1));
    late.answer(is_schedule, schedule(7, false));
    assert_eq!(late.asked(is_publish), 1);
    assert_eq!(
        late.events(|e| matches!(e, Event::PublishLate { late_ms: 30_000, why } if why.contains("approved"))),
        1
    );
    late.hooks(HookPoint::Late);
    late.audit();
    early.audit();
}

#[test]
fn an_order_that_is_handed_over_twice_is_followed_once() {
    let mut desk = Desk::at(T - 3_000_000, approval());
    let order = Order { wish: Wish::Approve, agent: None, who: "ann".to_owned(), why: "fine".to_owned() };
    for _ in 0..2 {
        desk.feed(Input::Ordered { id: OrderId(5), order: order.clone() });
        desk.restart();
    }
    assert_eq!(desk.events(|e| matches!(e, Event::Ordered { .. })), 1);
    desk.audit();
}

#[test]
fn an_order_that_cannot_be_read_is_set_aside_once_and_those_behind_it_are_heard() {
    let mut desk = Desk::at(T - 3_000_000, approval());
    for _ in 0..2 {
        desk.feed(Input::Unread { id: OrderId(5), why: "sing".to_owned() });
        desk.restart();
    }
    let order = Order { wish: Wish::Abort, agent: None, who: "ann".to_owned(), why: "no".to_owned() };
    desk.feed(Input::Ordered { id: OrderId(6), order });
    assert_eq!(desk.events(|e| matches!(e, Event::OrderUnread { .. })), 1);
    assert_eq!(desk.stopped(), Some(StopKind::Aborted));
    desk.audit();
}

#[test]
fn what_is_held_is_not_published_until_somebody_resumes() {
    let mut desk = ready(plan(1));
    desk.order(Wish::Hold);
    desk.sleep();
    assert_eq!((desk.now, desk.asked(is_publish), desk.run.waited), (T, 0, Some(Wait::Resume)));
    desk.restart();
    assert_eq!(desk.asked(is_publish), 0);
    desk.answer(is_upload, upload());
    assert_eq!(desk.asked(is_publish), 0);
    desk.now = T + 20_000;
    desk.order(Wish::Resume);
    assert_eq!(desk.asked(is_publish), 1);
    desk.audit();
}

#[test]
fn an_abort_before_the_claim_leaves_nothing_behind() {
    for at in [T - 3_000_000, T - 1_000_000, T - 60_000] {
        let mut desk = Desk::at(at, plan(2));
        desk.order(Wish::Abort);
        assert_eq!((desk.stopped(), desk.run.claims), (Some(StopKind::Aborted), 0));
        assert!(desk.run.stop.as_ref().unwrap().1.contains("aborted by ann: as told"));
        desk.hooks(HookPoint::Failed);
        assert!(desk.run.is_over());
        desk.audit();
    }
}

#[test]
fn an_abort_after_the_claim_only_stops_the_remedies_for_good() {
    let grey = |_: Seat| (CallState::Free, PhoneState::Down);
    let mut desk = Desk::to_the_check(plan(1), grey);
    assert_eq!(desk.asked(is_look_before), 1);
    desk.order(Wish::Abort);
    desk.answer(is_look_before, Outcome::Users(vec![user(Seat(0), CallState::Free)]));
    assert_eq!(desk.events(|e| matches!(e, Event::RemedyStarted { .. })), 0);
    desk.order(Wish::Resume);
    assert_eq!(desk.events(|e| matches!(e, Event::OrderRefused { .. })), 1);
    assert_eq!((desk.run.brake, desk.run.phase), (Brake::Aborted, Phase::Checking));
    desk.audit();
}

#[test]
fn remedies_that_a_person_resumes_are_not_stopped_by_the_same_brake_again() {
    let grey = |_: Seat| (CallState::Free, PhoneState::Down);
    let mut desk = Desk::to_the_check(plan(30), grey);
    assert_eq!(desk.run.brake, Brake::Applied);
    desk.order(Wish::Resume);
    assert_eq!((desk.run.brake, desk.asked(is_look_before)), (Brake::Overruled, 1));
    let seen = desk.run.all_seats().map(|seat| user(seat, CallState::Free)).collect();
    desk.answer(is_look_before, Outcome::Users(seen));
    assert!(desk.events(|e| matches!(e, Event::RemedyStarted { .. })) > 0);
    assert_eq!(desk.run.brake, Brake::Overruled);
    desk.audit();
}

#[test]
fn orders_that_come_too_late_are_refused_with_the_reason() {
    let mut desk = Desk::to_the_claim(plan(1));
    desk.order(Wish::Approve);
    desk.order(Wish::Resume);
    let refused = |e: &Event| matches!(e, Event::OrderRefused { because, .. } if !because.is_empty());
    assert_eq!(desk.events(refused), 2);
    desk.audit();
}

#[test]
fn a_changed_schedule_is_published_as_it_is_now_once_somebody_accepts_it() {
    let mut desk = looked(plan(1), schedule(9, false));
    assert_eq!(desk.asked(is_upload), 0);
    desk.order(Wish::Resume);
    desk.answer(is_schedule, schedule(9, false));
    assert_eq!(desk.asked(|c| *c == Command::PrepareUpload { version: 9 }), 1);
    desk.answer(is_upload, upload());
    desk.sleep();
    desk.answer(is_schedule, schedule(9, false));
    desk.sleep();
    assert_eq!(desk.asked(is_publish), 1);
    desk.audit();
}

#[test]
fn a_schedule_that_changes_again_after_it_was_accepted_is_held_again() {
    let mut desk = looked(plan(1), schedule(9, false));
    desk.order(Wish::Resume);
    desk.answer(is_schedule, schedule(10, false));
    assert_eq!(desk.events(|e| matches!(e, Event::Drifted { drift: Drift::Changed { version: 10 }, .. })), 1);
    assert_eq!(desk.run.waits_for(), Some(Wait::Drift));
    desk.audit();
}

#[test]
fn the_plan_may_say_that_what_is_there_now_is_what_is_meant() {
    let mut desk = ready(latest());
    desk.restart();
    desk.answer(is_upload, upload());
    desk.sleep();
    assert_eq!(desk.asked(is_publish), 1);
    desk.audit();
    let mut changed = looked(latest(), schedule(9, false));
    assert_eq!(changed.asked(|c| *c == Command::PrepareUpload { version: 9 }), 1);
    changed.answer(is_upload, upload());
    changed.sleep();
    changed.answer(is_schedule, schedule(11, false));
    assert_eq!(changed.asked(|c| *c == Command::PrepareUpload { version: 11 }), 1);
    changed.answer(is_upload, upload());
    changed.sleep();
    assert_eq!((changed.now, changed.asked(is_publish)), (T, 1));
    changed.audit();
    let gone = looked(latest(), Outcome::Failed(failure(FailureKind::NotFound)));
    assert_eq!(gone.stopped(), Some(StopKind::Drifted));
    gone.audit();
}

#[test]
fn what_somebody_else_has_published_is_checked_and_never_published_again() {
    let by_policy = looked(latest(), schedule(8, true));
    let mut by_person = looked(plan(1), schedule(8, true));
    by_person.order(Wish::Resume);
    for mut desk in [by_policy, by_person] {
        assert_eq!((desk.run.phase, desk.run.claims, desk.asked(is_publish)), (Phase::Checking, 0, 0));
        desk.hooks(HookPoint::PostPublish);
        desk.sleep();
        desk.sweep(well);
        assert_eq!(desk.run.phase, Phase::Settling);
        desk.audit();
    }
}

#[test]
fn a_vanished_schedule_is_looked_for_again_when_somebody_resumes() {
    let mut desk = looked(plan(1), Outcome::Failed(failure(FailureKind::NotFound)));
    desk.order(Wish::Resume);
    desk.answer(is_schedule, schedule(7, false));
    assert_eq!(desk.asked(is_upload), 1);
    desk.audit();
}

#[test]
fn a_process_that_is_asked_for_less_stops_there_and_the_next_goes_on() {
    let mut desk = Desk::at(T - 20 * 60_000, plan(1));
    desk.run.desk.goal = Goal::Refreshed;
    desk.hooks(HookPoint::PreRefresh);
    assert!(!desk.run.reached());
    let fresh = Outcome::TokenRefreshed { expires_at: T + 90_000_000 };
    desk.answer(|c| matches!(c, Command::RefreshToken { .. }), fresh);
    assert!(desk.run.reached());
    desk.now = T - 60_000;
    desk.feed(Input::Woke);
    assert_eq!((desk.run.phase, desk.open.len()), (Phase::Preparing, 0));
    desk.restart();
    desk.hooks(HookPoint::PrePublish);
    desk.audit();
}

#[test]
fn a_process_that_is_about_to_end_begins_nothing_and_takes_in_what_comes() {
    let mut desk = ready(plan(1));
    desk.feed(Input::Closing);
    desk.now = T;
    desk.feed(Input::Woke);
    assert_eq!((desk.run.claims, desk.asked(is_publish)), (0, 0));
    let mut sent = Desk::to_the_claim(plan(1));
    sent.feed(Input::Closing);
    sent.answer(
        is_publish,
        Outcome::Published { answer: PublishAnswer::Accepted { operation: None }, left: Some(T + 3) },
    );
    assert_eq!(sent.events(|e| matches!(e, Event::PublishAccepted { .. })), 1);
    assert_eq!(sent.events(|e| matches!(e, Event::PublishSent { late_ms: 3, .. })), 1);
    sent.restart();
    sent.answer(is_schedule, schedule(8, true));
    assert_eq!(sent.run.phase, Phase::Checking);
    sent.audit();
}

/// At T the platform throttles the publish, which proves that it was not done.
fn throttled() -> Desk {
    let mut desk = ready(plan(1));
    desk.sleep();
    desk.answer(is_publish, not_done(FailureKind::Throttled));
    desk
}

/// Answers what is asked before a publish, or lets time pass.
fn go_on(desk: &mut Desk) {
    if desk.asked(is_schedule) > 0 {
        desk.answer(is_schedule, schedule(7, false));
    } else if desk.asked(is_upload) > 0 {
        desk.answer(is_upload, upload());
    } else {
        desk.sleep();
    }
}

#[test]
fn a_publish_that_is_proven_not_done_can_still_be_called_back() {
    let mut desk = throttled();
    desk.order(Wish::Abort);
    assert_eq!((desk.stopped(), desk.asked(is_publish), desk.run.claims), (Some(StopKind::Aborted), 0, 1));
    desk.audit();
}

#[test]
fn a_publish_that_is_proven_not_done_can_still_be_held_and_goes_on_when_it_is_resumed() {
    let mut desk = throttled();
    desk.order(Wish::Hold);
    desk.restart();
    while desk.run.waited.is_none() {
        go_on(&mut desk);
    }
    assert_eq!((desk.run.waited, desk.asked(is_publish), desk.run.claims), (Some(Wait::Resume), 0, 1));
    desk.order(Wish::Resume);
    while desk.asked(is_publish) == 0 {
        go_on(&mut desk);
    }
    assert_eq!(desk.run.claims, 2);
    desk.audit();
}

#[test]
fn a_publish_that_was_held_between_two_claims_rests_on_a_new_look() {
    let held = || {
        let mut desk = throttled();
        desk.order(Wish::Hold);
        desk.now = T + 60_000;
        desk.order(Wish::Resume);
        assert_eq!((desk.asked(is_publish), desk.asked(is_schedule)), (0, 1));
        desk
    };
    let mut as_it_was = held();
    as_it_was.answer(is_schedule, schedule(7, false));
    assert_eq!((as_it_was.asked(is_publish), as_it_was.run.claims), (1, 2));
    as_it_was.audit();
    let mut changed = held();
    changed.answer(is_schedule, schedule(8, false));
    assert_eq!((changed.asked(is_publish), changed.run.waits_for()), (0, Some(Wait::Drift)));
    changed.audit();
    let mut elsewhere = held();
    elsewhere.answer(is_schedule, schedule(8, true));
    elsewhere.order(Wish::Resume);
    assert_eq!((elsewhere.run.phase, elsewhere.run.claims), (Phase::Checking, 1));
    elsewhere.audit();
}

#[test]
fn a_schedule_that_vanishes_between_two_claims_is_held_and_not_asked_for_again_and_again() {
    let mut desk = throttled();
    desk.restart();
    while desk.asked(is_upload) == 0 {
        go_on(&mut desk);
    }
    desk.answer(is_upload, Outcome::Failed(failure(FailureKind::NotFound)));
    assert_eq!((desk.run.waits_for(), desk.open.len()), (Some(Wait::Drift), 0));
    desk.sleep();
    assert_eq!((desk.stopped(), desk.run.claims), (Some(StopKind::Drifted), 1));
    desk.audit();
}

#[test]
fn a_hold_on_top_of_a_drift_forgets_nothing_of_the_drift() {
    let mut desk = looked(plan(1), schedule(8, false));
    desk.order(Wish::Hold);
    desk.order(Wish::Resume);
    assert_eq!((desk.run.version, desk.run.preflight_at), (8, None));
    while desk.asked(is_publish) == 0 {
        if desk.asked(is_schedule) > 0 {
            desk.answer(is_schedule, schedule(8, false));
        } else {
            go_on(&mut desk);
        }
    }
    desk.audit();
}
