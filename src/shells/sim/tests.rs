//! The simulation finds what it must find, and nothing else.

use super::lot::{Budget, Revoking};
use super::{Bug, Lot, Story, live, live_with, play};
use crate::law::decide::Planted;
use crate::law::event::Phase;
use crate::law::run::PublishState;
use crate::twin::scenario::{Cohort, KindCounts, Scenario};
use crate::twin::truth::Touch;
use crate::words::clock::Seed;

/// Seeds within which each planted bug must be found.
const SEEDS: u64 = 2_000;

/// The first seed at which the bug makes the run publish twice; other findings do not count.
fn seed_that_finds(bug: Bug) -> u64 {
    let lot = |seed| Lot::draw(&Seed(seed));
    let twice =
        |seed| live_with(seed, lot(seed), Some(bug)).err().filter(|found| found.what.contains("published twice"));
    let Some(found) = (0..SEEDS).find_map(twice) else { panic!("{bug:?} is not found within {SEEDS} seeds") };
    found.seed
}

#[test]
fn a_publish_that_is_retried_blindly_is_found() {
    println!("found by seed {}", seed_that_finds(Bug::Law(Planted::RetryBlindly)));
}

#[test]
fn a_publish_that_is_repeated_on_a_timer_is_found() {
    println!("found by seed {}", seed_that_finds(Bug::Law(Planted::RepublishOnTimer)));
}

#[test]
fn performing_before_recording_is_found() {
    println!("found by seed {}", seed_that_finds(Bug::PerformBeforeRecord));
}

#[test]
fn a_publish_that_nobody_approved_or_that_somebody_holds_is_found() {
    let broken = |seed| live_with(seed, Lot::draw(&Seed(seed)), Some(Bug::Law(Planted::IgnoreHolds))).err();
    let found = (0..SEEDS).filter_map(broken).find(|found| found.what.contains("held or not approved"));
    println!("found by seed {}", found.expect("it is found").seed);
}

/// The throttled Fridays of the swarm; in the others nothing waits for its turn.
fn throttled() -> impl Iterator<Item = (u64, Lot)> {
    let lots = (0..SEEDS).map(|seed| (seed, Lot::draw(&Seed(seed))));
    lots.filter(|(_, lot)| lot.budget == Budget::Tight)
}

#[test]
fn a_remedy_that_leaves_long_after_its_look_is_found() {
    let touched = |(seed, lot)| {
        let found = live_with(seed, lot, Some(Bug::LateRemedy)).err();
        found.filter(|found| found.what.contains("an agent on a call was touched"))
    };
    let Some(found) = throttled().find_map(touched) else { panic!("it is not found within {SEEDS} seeds") };
    println!("found by seed {}", found.seed);
    live(found.seed, Story::Silent).unwrap_or_else(|found| panic!("{found}"));
}

#[test]
fn where_turns_are_scarce_remedies_are_given_up_and_nothing_else_goes_wrong() {
    let lives: Vec<_> = throttled()
        .take(50)
        .map(|(seed, _)| live(seed, Story::Told).unwrap_or_else(|found| panic!("{found}")))
        .collect();
    let told = |what: &str| lives.iter().flat_map(|life| &life.story).filter(|line| line.contains(what)).count();
    assert!(told("attempt: NotMade") > 0, "no remedy was given up");
    assert!(told("RemedyAccepted") > 0, "no remedy left in time");
    assert!(lives.iter().any(|life| life.phase == Phase::Settled));
}

/// A small swarm; `tests/run` lets a larger one loose on the optimised build.
#[test]
fn no_seed_finds_a_bug_that_was_not_planted_and_together_they_see_every_end() {
    let lives: Vec<_> =
        (0..300).map(|seed| live(seed, Story::Silent).unwrap_or_else(|found| panic!("{found}"))).collect();
    for phase in [Phase::Settled, Phase::Stopped, Phase::InDoubt] {
        assert!(lives.iter().any(|life| life.phase == phase), "no seed ends {}", phase.words());
    }
    assert!(lives.iter().map(|life| life.crashes).sum::<u32>() > 100);
}

/// A Friday whose process dies again and again, of whose org sockets close as well; it hears what is pushed.
fn listening() -> Lot {
    let kinds = KindCounts { not_enrolled: 2, station_lost: 2, incurable: 1, ..KindCounts::default() };
    let cohort = Cohort { agents: 12, kinds, login_min: [-120, -60], ..Cohort::default() };
    let mut scenario = Scenario { cohorts: vec![cohort], ..Scenario::default() };
    (scenario.revoke.on_publish, scenario.reported.offered) = (true, true);
    scenario.faults.sockets_close_every_s = 90;
    Lot { crash: 0.02, down_max_ms: 20_000, ..Lot::of(scenario) }
}

#[test]
fn whoever_takes_a_run_up_again_listens_again() {
    for seed in 0..20 {
        let lived = live_with(seed, listening(), None).unwrap_or_else(|found| panic!("{found}"));
        assert_eq!(lived.phase, Phase::Settled, "seed {seed}");
        assert!(lived.crashes > 0, "seed {seed}: the process never died");
        // One opening for each process that lived long enough, and one after each time that a socket closed.
        assert!(lived.pushed.gap > lived.crashes / 2, "seed {seed}: {:?}, {} crashes", lived.pushed, lived.crashes);
    }
}

#[test]
fn tokens_are_revoked_on_shift_with_consent_alone() {
    let revoked = |revoking, shift_after_ms| {
        let kinds = KindCounts { incurable: 2, ..KindCounts::default() };
        let cohort = Cohort { agents: 12, kinds, login_min: [-120, -60], ..Cohort::default() };
        let mut scenario = Scenario { cohorts: vec![cohort], ..Scenario::default() };
        scenario.revoke.on_publish = true;
        let lot = Lot { revoking, shift_after_ms, ..Lot::of(scenario) };
        let lived = live_with(1, lot, None).unwrap_or_else(|found| panic!("{found}"));
        let touches = lived.truth.agents.iter().flat_map(|agent| &agent.remedies);
        touches.filter(|(touch, _)| *touch == Touch::TokensDeleted).count()
    };
    let (begun, ahead) = (-600_000, 3_600_000);
    assert_eq!(revoked(Revoking::BeforeShift, begun), 0);
    assert!(revoked(Revoking::BeforeShift, ahead) > 0, "before the shift they are");
    assert!(revoked(Revoking::Always, begun) > 0, "with consent they are");
    assert_eq!(revoked(Revoking::Never, ahead), 0);
}

#[test]
fn a_completion_that_is_heard_is_seen_sooner_than_one_that_is_not() {
    // From T to the look that saw the publish, in ms of virtual time, over some seeds.
    let seen_ms = |lost: f64| -> i64 {
        let mut scenario = Scenario::default();
        (scenario.publish.duration_s, scenario.faults.lost_notifications_share) = (33, lost);
        let confirmed = |seed| {
            let lived = play(seed, scenario.clone(), Story::Silent).unwrap_or_else(|found| panic!("{found}"));
            let PublishState::Confirmed { at } = lived.run.publish else {
                panic!("seed {seed}: {:?}", lived.run.publish)
            };
            at.since_ms(lived.run.plan.publish_at)
        };
        (0..8).map(confirmed).sum()
    };
    let (heard, lost) = (seen_ms(0.0), seen_ms(1.0));
    assert!(heard < lost, "{heard} ms where it is heard, {lost} ms where it is lost");
}

#[test]
fn a_simulated_friday_has_agents() {
    // Without them every rule about agents holds of itself.
    for seed in 0..50 {
        let told = live(seed, Story::Told).map_or_else(|found| found.story.clone(), |life| life.story);
        let staged = told.iter().find(|line| line.contains("staged, "));
        let counted = staged.and_then(|line| line.split("staged, ").nth(1)).and_then(|rest| rest.split(' ').next());
        assert!(counted.and_then(|n| n.parse::<u32>().ok()).is_some_and(|n| n > 0), "seed {seed}: {staged:?}");
    }
}

#[test]
fn a_seed_repeats_word_for_word() {
    let told = |seed| match live(seed, Story::Told) {
        Ok(life) => life.story,
        Err(found) => found.story,
    };
    for seed in [1, 7, 94] {
        assert_eq!(told(seed), told(seed), "seed {seed}");
    }
}

#[test]
fn seeds_that_once_found_a_bug_stay_quiet() {
    // A probe that was answered 503 was asked again at once, until the rate limit was spent.
    for seed in [5960, 10_025, 19_162] {
        if let Err(found) = live(seed, Story::Silent) {
            panic!("{found}");
        }
    }
}

/// A Friday on which nothing is lost on the way.
fn quiet(kinds: KindCounts) -> Lot {
    let cohort = Cohort { agents: 40, kinds, ..Cohort::default() };
    let mut scenario = Scenario { cohorts: vec![cohort], ..Scenario::default() };
    scenario.revoke.on_publish = true;
    Lot::of(scenario)
}

#[test]
fn the_account_of_calls_is_what_the_org_was_asked() {
    let sick = KindCounts { hand_over_missed: 4, station_lost: 3, phone_stale: 2, ..KindCounts::default() };
    for (seed, kinds) in [(1, KindCounts::default()), (2, sick)] {
        let lived = live_with(seed, quiet(kinds), None).unwrap_or_else(|found| panic!("{found}"));
        let told = u64::from(lived.run.spent.calls.total());
        // A login, the upload to another host, the lines that are listened at, and what a station takes beyond the least.
        let more = lived.requests.checked_sub(told).unwrap_or_else(|| panic!("{told} of {}", lived.requests));
        assert!(told > 50 && more <= 6 + told / 20, "{told} of {}", lived.requests);
    }
}

#[test]
fn whom_supervisors_want_tried_again_is_and_who_needs_nothing_is_not() {
    use crate::law::event::Event;
    use crate::law::order::Wish;
    let lives: Vec<_> = (0..300)
        .filter(|seed| !Lot::draw(&Seed(*seed)).retries.is_empty())
        .map(|seed| live(seed, Story::Silent).unwrap_or_else(|found| panic!("{found}")))
        .collect();
    let told = |is_so: fn(&Event) -> bool| {
        let events = lives.iter().flat_map(|life| &life.journal).filter(|record| is_so(&record.event));
        events.count()
    };
    assert!(told(|e| matches!(e, Event::Ordered { wish: Wish::Retry, .. })) > 5);
    assert!(told(|e| matches!(e, Event::OrderRefused { wish: Wish::Retry, .. })) > 5);
}

#[test]
fn tokens_that_a_process_made_before_it_died_are_young_for_the_next() {
    use crate::law::event::Event;
    let left = |seed: u64| {
        let lived = live(seed, Story::Silent).unwrap_or_else(|found| panic!("{found}"));
        lived.journal.iter().filter(|record| matches!(record.event, Event::TokenLeft { .. })).count()
    };
    let mut young = (0..1_000).filter(|seed| Lot::draw(&Seed(*seed)).young_ms > 0);
    assert!(young.any(|seed| left(seed) > 0));
}

#[test]
fn a_story_knows_what_a_person_keeps_from_going_on_as_the_run_does() {
    use crate::law::event::{Event, Wait};
    use crate::law::run::{Brake, Run};
    use crate::shells::report::Story as Told;
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..600 {
        let lived = live(seed, Story::Silent).unwrap_or_else(|found| panic!("{found}"));
        let (first, rest) = lived.journal.split_first().expect("a record");
        let mut told = Told::of([first]);
        let mut run = Run::replay(std::slice::from_ref(first)).expect("a run");
        for record in rest {
            told.hear(record);
            run.apply(record.at, &record.event);
            let gate = told.gate.as_ref().expect("a plan");
            if run.before_the_claim() {
                assert_eq!(gate.waits_for(), run.waits_for(), "seed {seed}, record {}", record.seq);
                seen.extend(gate.waits_for().map(Wait::words));
            } else if !matches!(record.event, Event::Stopped { .. }) {
                let is_braked = run.brake == Brake::Applied || run.open.any_is_braked();
                let whole = (told.remedies(), gate.is_braked());
                assert_eq!(whole, (run.brake, is_braked), "seed {seed}, record {}", record.seq);
                seen.extend(is_braked.then_some("a brake"));
            }
        }
    }
    assert_eq!(seen.len(), 4, "{seen:?}");
}
