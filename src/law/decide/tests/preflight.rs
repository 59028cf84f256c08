//! Stories of the preflight shortly before the publish.
//!
//! Must never: let the publish wait for it.

use super::*;
use crate::law::command::{Concern, Weight};

fn is_preflight(c: &Command) -> bool {
    *c == Command::Preflight
}
fn found(weight: Weight) -> Outcome {
    let (what, words) = ("permissions".to_owned(), "wfm:schedule:edit is missing".to_owned());
    Outcome::Preflighted(vec![Concern { what, words, fix: Some("give it".to_owned()), weight }])
}

#[test]
fn what_the_publish_needs_is_looked_over_once_ten_minutes_before() {
    let mut desk = Desk::bare(T - 1_200_000, plan(1));
    desk.hooks(HookPoint::PreRefresh);
    assert_eq!(desk.asked(is_preflight), 0);
    while desk.asked(is_preflight) == 0 {
        desk.sleep();
    }
    assert_eq!(desk.now, T - 600_000);
    desk.answer(is_preflight, Outcome::Preflighted(Vec::new()));
    desk.restart();
    desk.sleep();
    assert_eq!((desk.asked(is_preflight), desk.events(|e| matches!(e, Event::Preflighted { .. }))), (0, 1));
    desk.audit();
}

#[test]
fn what_stands_in_the_way_can_be_mended_until_the_preparations_and_is_not_tried() {
    let mut desk = Desk::bare(T - 600_000, plan(1));
    desk.hooks(HookPoint::PreRefresh);
    desk.answer(is_preflight, found(Weight::Stops));
    assert_eq!((desk.stopped(), desk.asked(is_preflight)), (None, 0));
    desk.restart();
    let mut mended = 0;
    while desk.run.phase == Phase::Refreshing {
        desk.sleep();
        if desk.asked(is_preflight) > 0 {
            mended += 1;
            desk.answer(is_preflight, if mended < 3 { found(Weight::Stops) } else { Outcome::Preflighted(Vec::new()) });
        }
    }
    assert_eq!((mended, desk.stopped()), (3, None));
    desk.audit();
    let mut late = Desk::bare(T - 120_000, plan(1));
    late.hooks(HookPoint::PreRefresh);
    late.answer(is_preflight, found(Weight::Stops));
    late.now = T - 60_000;
    late.feed(Input::Woke);
    assert_eq!(late.stopped(), Some(StopKind::Vetoed));
    let why = &late.run.stop.as_ref().unwrap().1;
    assert!(why.contains("wfm:schedule:edit is missing; give it"), "{why}");
    late.audit();
}

#[test]
fn what_is_only_told_stops_nothing() {
    for outcome in [found(Weight::Told), Outcome::Failed(failure(FailureKind::Local))] {
        let mut desk = Desk::bare(T - 300_000, plan(1));
        desk.answer(is_preflight, outcome);
        assert_eq!((desk.stopped(), desk.events(|e| matches!(e, Event::Preflighted { .. }))), (None, 1));
        assert_eq!(desk.asked(is_preflight), 0);
        desk.audit();
    }
}

#[test]
fn what_was_found_while_the_publish_was_out_keeps_it_from_being_sent_again() {
    let mut desk = Desk::bare(T - 60_000, plan(1));
    desk.hooks(HookPoint::PreRefresh);
    desk.hooks(HookPoint::PrePublish);
    desk.answer(is_schedule, schedule(7, false));
    desk.answer(|c| matches!(c, Command::PrepareUpload { .. }), upload());
    while desk.now < T {
        desk.sleep();
    }
    desk.answer(is_preflight, found(Weight::Stops));
    assert_eq!(desk.stopped(), None, "it is out, and only its answer tells");
    desk.answer(is_publish, not_done(FailureKind::Throttled));
    assert_eq!((desk.stopped(), desk.run.claims), (Some(StopKind::Vetoed), 1));
    desk.audit();
}

#[test]
fn the_publish_does_not_wait_for_it_and_what_comes_after_the_claim_stops_nothing() {
    let mut desk = Desk::bare(T - 60_000, plan(1));
    desk.hooks(HookPoint::PreRefresh);
    desk.hooks(HookPoint::PrePublish);
    desk.answer(is_schedule, schedule(7, false));
    desk.answer(|c| matches!(c, Command::PrepareUpload { .. }), upload());
    while desk.now < T {
        desk.sleep();
    }
    assert_eq!((desk.asked(is_preflight), desk.asked(is_publish)), (1, 1));
    desk.answer(is_publish, accepted());
    desk.answer(is_preflight, found(Weight::Told));
    assert_eq!(desk.stopped(), None);
    desk.audit();
}
