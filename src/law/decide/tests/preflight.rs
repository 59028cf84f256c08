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
fn what_is_certain_to_be_refused_is_not_tried_and_the_rest_is_told() {
    let mut stops = Desk::bare(T - 300_000, plan(1));
    stops.answer(is_preflight, found(Weight::Stops));
    assert_eq!(stops.stopped(), Some(StopKind::Vetoed));
    let why = &stops.run.stop.as_ref().unwrap().1;
    assert!(why.contains("wfm:schedule:edit is missing; give it"), "{why}");
    stops.audit();
    let mut told = Desk::bare(T - 300_000, plan(1));
    told.answer(is_preflight, found(Weight::Told));
    assert_eq!((told.stopped(), told.events(|e| matches!(e, Event::Preflighted { .. }))), (None, 1));
    let mut failed = Desk::bare(T - 300_000, plan(1));
    failed.answer(is_preflight, Outcome::Failed(failure(FailureKind::Local)));
    assert_eq!((failed.stopped(), failed.events(|e| matches!(e, Event::Preflighted { .. }))), (None, 1));
    for desk in [told, failed] {
        desk.audit();
    }
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
