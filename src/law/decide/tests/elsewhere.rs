//! What a run makes of the word that somebody else has published.

use super::*;
use crate::law::run::Held;

fn plan_that(on_drift: OnDrift) -> Plan {
    Plan { policy: Policy { on_drift, ..Policy::default() }, ..plan(1) }
}

#[test]
fn a_run_that_waits_looks_at_once_and_checks_the_agents_when_it_is_so() {
    for on_drift in [OnDrift::Hold, OnDrift::PublishLatest] {
        let mut desk = Desk::at(T - 3_000_000, plan_that(on_drift));
        assert_eq!((desk.run.phase, desk.asked(is_schedule)), (Phase::Waiting, 0));
        desk.order(Wish::Elsewhere);
        // However often it is said, it is looked for once at a time.
        desk.order(Wish::Elsewhere);
        assert_eq!(desk.asked(is_schedule), 1);
        desk.answer(is_schedule, schedule(8, true));
        assert_eq!(desk.events(|e| matches!(e, Event::PublishedElsewhere { version: 8 })), 1);
        assert_eq!((desk.run.phase, desk.run.claims), (Phase::Checking, 0));
        desk.go_to_the_end(well, || Outcome::RemedyAccepted);
        let verdicts: Vec<_> = desk.run.agents.iter().map(|a| a.verdict).collect();
        assert_eq!((desk.run.phase, desk.run.tally().ready), (Phase::Settled, 1), "{verdicts:?}");
        desk.audit();
    }
}

#[test]
fn what_is_not_so_changes_nothing_and_the_publish_rests_on_a_look_of_its_own() {
    let mut desk = Desk::at(T - 3_000_000, plan_that(OnDrift::Hold));
    desk.order(Wish::Elsewhere);
    desk.answer(is_schedule, schedule(7, false));
    assert_eq!((desk.run.phase, desk.run.held, desk.run.preflight_at), (Phase::Waiting, Held::No, None));
    desk.restart();
    desk.now = T - 60_000;
    desk.feed(Input::Woke);
    desk.hooks(HookPoint::PreRefresh);
    desk.hooks(HookPoint::PrePublish);
    assert_eq!(desk.asked(is_schedule), 1, "it looks once more before it publishes");
    // Told before, it needs nobody to decide when it turns out to be so after all.
    desk.answer(is_schedule, schedule(7, true));
    assert_eq!((desk.run.phase, desk.run.claims), (Phase::Checking, 0));
    desk.audit();
}

#[test]
fn a_run_that_is_held_because_it_found_the_schedule_published_goes_on() {
    let mut desk = Desk::at(T - 60_000, plan_that(OnDrift::Hold));
    desk.hooks(HookPoint::PreRefresh);
    desk.hooks(HookPoint::PrePublish);
    desk.answer(is_schedule, schedule(9, true));
    assert_eq!(desk.run.held, Held::ByDrift(Drift::Published { version: 9 }));
    desk.order(Wish::Elsewhere);
    assert_eq!((desk.run.phase, desk.run.held), (Phase::Checking, Held::No));
    desk.audit();
}

#[test]
fn after_the_claim_it_is_refused() {
    let mut desk = Desk::to_the_claim(plan(1));
    desk.order(Wish::Elsewhere);
    let refused = |e: &Event| matches!(e, Event::OrderRefused { wish: Wish::Elsewhere, .. });
    assert_eq!((desk.events(refused), desk.run.claims), (1, 1));
    desk.audit();
}
