//! Stories up to the publish, and of seeing it through.
//!
//! Must never: look at an agent's softphone.

use super::*;

#[test]
fn nothing_happens_before_the_refresh_lead() {
    let desk = Desk::at(T - 3_600_000, plan(3));
    assert!(desk.open.is_empty());
    assert_eq!(desk.wake_at, Some(T - 20 * 60_000));
}

#[test]
fn tokens_are_refreshed_in_order_of_shift_start_and_only_of_the_enrolled() {
    let mut desk = Desk::at(T - 20 * 60_000, plan(5));
    desk.hooks(HookPoint::PreRefresh);
    let order: Vec<u32> = desk
        .open
        .iter()
        .filter_map(|(_, c)| match c {
            Command::RefreshToken { seat, .. } => Some(seat.0),
            _ => None,
        })
        .collect();
    assert_eq!(order, [4, 2, 0]);
    for _ in 0..3 {
        desk.answer(
            |c| matches!(c, Command::RefreshToken { .. }),
            Outcome::TokenRefreshed { expires_at: T + 86_400_000 },
        );
    }
    assert_eq!(desk.run.phase, Phase::Refreshing, "the last look belongs close to T");
    while desk.run.phase == Phase::Refreshing {
        desk.sleep();
    }
    assert_eq!((desk.run.phase, desk.now), (Phase::Preparing, T - 60_000));
    desk.audit();
}

#[test]
fn a_refresh_that_fails_is_tried_again_later_and_not_for_ever() {
    let mut desk = Desk::at(T - 20 * 60_000, plan(1));
    desk.hooks(HookPoint::PreRefresh);
    let is_refresh = |c: &Command| matches!(c, Command::RefreshToken { .. });
    for attempt in 1..=4 {
        desk.answer(is_refresh, Outcome::Failed(failure(FailureKind::Server)));
        if attempt < 4 {
            assert_eq!(desk.asked(is_refresh), 0, "attempt {} comes at once", attempt + 1);
            desk.sleep();
        }
    }
    assert_eq!(desk.events(|e| matches!(e, Event::RefreshFailed { again_at: None, .. })), 1);
    while desk.run.phase == Phase::Refreshing {
        desk.sleep();
    }
    assert_eq!(desk.run.phase, Phase::Preparing);
}

#[test]
fn a_veto_stops_the_run_before_anything_is_claimed() {
    let mut desk = Desk::at(T - 60_000, plan(1));
    desk.hooks(HookPoint::PreRefresh);
    let veto = HookRun { name: "10-freeze".into(), outcome: HookOutcome::Exit(1), output: "quarter end\nx".into() };
    desk.answer(|c| matches!(c, Command::RunHooks { .. }), Outcome::HooksRan(vec![veto]));
    assert_eq!(desk.stopped(), Some(StopKind::Vetoed));
    let why = "hook 10-freeze failed with exit code 1; it said: quarter end";
    assert_eq!(desk.events(|e| matches!(e, Event::Stopped { why: told, .. } if told == why)), 1);
    desk.hooks(HookPoint::Failed);
    assert!(desk.run.is_over() && desk.run.claims == 0);
    desk.audit();
}

#[test]
fn a_schedule_that_moved_on_or_is_published_is_held_until_it_is_too_late() {
    for seen in [schedule(8, false), schedule(7, true), Outcome::Failed(failure(FailureKind::NotFound))] {
        let mut desk = Desk::at(T - 60_000, plan(1));
        desk.hooks(HookPoint::PreRefresh);
        desk.hooks(HookPoint::PrePublish);
        desk.answer(is_schedule, seen);
        assert_eq!((desk.stopped(), desk.open.len()), (None, 0));
        desk.sleep();
        assert_eq!((desk.now, desk.run.waited), (T, Some(Wait::Drift)));
        desk.sleep();
        assert_eq!((desk.stopped(), desk.run.claims), (Some(StopKind::Drifted), 0));
        desk.hooks(HookPoint::Missed);
        desk.hooks(HookPoint::Failed);
        assert!(desk.run.is_over());
        desk.audit();
    }
}

#[test]
fn the_last_look_does_not_hold_the_publish_up() {
    let mut desk = Desk::at(T - 60_000, plan(1));
    desk.hooks(HookPoint::PreRefresh);
    desk.hooks(HookPoint::PrePublish);
    desk.answer(is_schedule, schedule(7, false));
    desk.answer(|c| matches!(c, Command::PrepareUpload { .. }), upload());
    desk.sleep();
    assert_eq!((desk.now, desk.asked(is_schedule)), (T - 5_000, 1));
    desk.sleep();
    assert_eq!((desk.now, desk.asked(is_publish)), (T, 1));
    desk.audit();
}

#[test]
fn a_machine_that_slept_through_the_instant_publishes_late_or_not_at_all() {
    let mut late = Desk::at(T + 600_000, plan(1));
    late.hooks(HookPoint::PreRefresh);
    late.hooks(HookPoint::PrePublish);
    late.answer(is_schedule, schedule(7, false));
    late.answer(|c| matches!(c, Command::PrepareUpload { .. }), upload());
    assert_eq!(late.events(|e| matches!(e, Event::PublishClaimed { late_ms: 600_000, .. })), 1);
    late.audit();
    let missed = Desk::at(T + 600_001, plan(1));
    assert_eq!(missed.stopped(), Some(StopKind::Missed));
}

#[test]
fn a_publish_that_is_late_or_missed_because_the_platform_refuses_to_be_read_says_so() {
    let refused_until = |answers: usize| {
        let mut desk = Desk::at(T - 60_000, plan(1));
        desk.hooks(HookPoint::PreRefresh);
        desk.hooks(HookPoint::PrePublish);
        for _ in 0..answers {
            while desk.asked(is_schedule) == 0 && desk.stopped().is_none() {
                desk.sleep();
            }
            if desk.stopped().is_none() {
                desk.answer(is_schedule, Outcome::Failed(failure(FailureKind::Unauthorized)));
            }
        }
        desk
    };
    let missed = refused_until(1_000);
    let (kind, why) = missed.run.stop.clone().unwrap();
    assert!(kind == StopKind::Missed && why.ends_with("the platform could not be read: as told"), "{why}");
    let mut late = refused_until(60);
    assert!(late.now > T, "{:?}", late.now);
    while late.asked(is_schedule) == 0 {
        late.sleep();
    }
    late.answer(is_schedule, schedule(7, false));
    late.answer(|c| matches!(c, Command::PrepareUpload { .. }), upload());
    let told = late
        .events(|e| matches!(e, Event::PublishLate { why, .. } if why.contains("could not be read before: as told")));
    assert_eq!(told, 1, "{:#?}", late.journal);
    late.audit();
}

#[test]
fn the_claim_is_recorded_before_the_publish_is_asked_and_both_at_t() {
    let desk = Desk::to_the_claim(plan(1));
    assert_eq!(
        desk.journal.last().map(|r| (&r.event, r.at)),
        Some((&Event::PublishClaimed { attempt: 1, late_ms: 0 }, T))
    );
    assert_eq!(desk.asked(is_publish), 1);
}

#[test]
fn a_lost_answer_is_settled_by_looking() {
    for kind in [FailureKind::NoAnswer, FailureKind::Server, FailureKind::Conflict, FailureKind::Malformed] {
        let mut desk = Desk::to_the_claim(plan(1));
        desk.answer(is_publish, doubt(kind));
        assert_eq!(desk.asked(is_publish), 0);
        desk.sleep();
        desk.answer(is_schedule, schedule(8, true));
        assert_eq!(desk.run.phase, Phase::Checking);
        desk.audit();
    }
}

#[test]
fn doubt_that_looking_does_not_settle_is_left_to_a_person_who_may_ask_to_look_again() {
    let mut desk = Desk::to_the_claim(plan(1));
    desk.answer(is_publish, doubt(FailureKind::NoAnswer));
    while desk.run.phase == Phase::Publishing {
        if desk.asked(is_schedule) > 0 {
            desk.answer(is_schedule, schedule(7, false));
        } else {
            desk.sleep();
        }
    }
    assert_eq!(desk.run.phase, Phase::InDoubt);
    desk.hooks(HookPoint::Failed);
    assert!(desk.run.is_over());
    desk.now = desk.now + 3_600_000;
    desk.restart();
    assert_eq!((desk.run.phase, desk.asked(is_publish)), (Phase::Publishing, 0));
    desk.answer(is_schedule, schedule(8, true));
    assert_eq!(desk.run.phase, Phase::Checking);
    assert_eq!(desk.run.claims, 1);
    desk.audit();
}

#[test]
fn a_process_that_died_after_the_claim_looks_and_does_not_publish() {
    let mut desk = Desk::to_the_claim(plan(1));
    desk.restart();
    assert_eq!(desk.asked(is_publish), 0);
    assert_eq!(desk.asked(is_schedule), 1);
    assert_eq!(desk.events(|e| matches!(e, Event::PublishDoubted { kind: None, .. })), 1);
    desk.audit();
}

#[test]
fn a_window_that_passed_while_nobody_ran_is_no_reason_not_to_look() {
    for (seen, phase) in [(schedule(8, true), Phase::Checking), (schedule(7, false), Phase::InDoubt)] {
        let mut desk = Desk::to_the_claim(plan(1));
        desk.answer(is_publish, Outcome::Published { answer: PublishAnswer::Accepted { operation: None }, left: None });
        desk.now = T + 3_600_000;
        desk.restart();
        assert_eq!((desk.run.phase, desk.asked(is_publish)), (Phase::Publishing, 0));
        desk.answer(is_schedule, seen);
        assert_eq!(desk.run.phase, phase);
        desk.audit();
    }
}

#[test]
fn what_is_proven_not_done_is_claimed_again_but_not_for_ever() {
    let mut desk = Desk::to_the_claim(plan(1));
    for attempt in 1..=3 {
        assert_eq!(desk.run.claims, attempt);
        desk.answer(is_publish, not_done(FailureKind::Throttled));
        if attempt < 3 {
            desk.sleep();
        }
    }
    assert_eq!(desk.stopped(), Some(StopKind::Refused));
    let mut refused = Desk::to_the_claim(plan(1));
    refused.answer(is_publish, not_done(FailureKind::Forbidden));
    assert_eq!((refused.stopped(), refused.run.claims), (Some(StopKind::Refused), 1));
    desk.audit();
    refused.audit();
}

#[test]
fn a_schedule_changed_at_the_last_moment_is_told_apart_from_doubt() {
    let mut desk = Desk::to_the_claim(plan(1));
    desk.answer(is_publish, doubt(FailureKind::Conflict));
    desk.sleep();
    desk.answer(is_schedule, schedule(8, false));
    assert_eq!(desk.stopped(), Some(StopKind::Drifted));
}

#[test]
fn a_dead_refresh_token_stays_dead_when_the_other_way_fails_too() {
    let mechanisms = Mechanisms { authentication_refresh: true, ..Mechanisms::default() };
    let mut desk = Desk::at(T - 20 * 60_000, Plan { mechanisms, ..plan(1) });
    desk.hooks(HookPoint::PreRefresh);
    let is_refresh = |c: &Command| matches!(c, Command::RefreshToken { .. });
    desk.answer(is_refresh, Outcome::TokenDead { failure: failure(FailureKind::Invalid) });
    desk.answer(is_refresh, Outcome::Failed(failure(FailureKind::Local)));
    assert_eq!(desk.run.agent(Seat(0)).unwrap().token, TokenState::Dead);
}
