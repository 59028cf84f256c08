//! What must hold of the fold, whatever it hears.

use super::*;
use crate::law::command::TokenVia;
use crate::shells::report::facts::PublishStanding;
use crate::shells::report::sample;
use crate::words::hook::HookOutcome;

#[test]
fn a_story_heard_in_pieces_is_the_story_heard_at_once() {
    let records = sample::friday(8, 80);
    let mut turns = 0;
    let mut story = Story::default();
    for record in &records {
        turns += story.hear(record).len();
    }
    assert_eq!(format!("{story:?}").len(), format!("{:?}", Story::of(&records)).len());
    assert!(turns >= 80, "each agent is judged at least once");
    assert_eq!(story.publish.standing(), PublishStanding::Confirmed);
    assert_eq!(story.publish.took_ms(), Some(25_000));
}

#[test]
fn an_agent_counts_once_however_often_its_refresh_is_tried() {
    let plan = sample::plan(1, 20);
    let seat = Seat(7);
    let mut scribe = sample::Scribe::staged(plan);
    let refused = || sample::failure(crate::law::command::FailureKind::Server, 503, "not available");
    for _ in 0..3 {
        scribe.say(sample::T, Event::RefreshStarted { seat, via: TokenVia::Grant });
        let again_at = Some(sample::T + 1);
        scribe.say(sample::T, Event::RefreshFailed { seat, failure: refused(), again_at });
    }
    let under_way = Story::of(&scribe.records).refresh;
    assert_eq!((under_way.under_way, under_way.ended()), (1, 0));
    scribe.say(sample::T, Event::RefreshStarted { seat, via: TokenVia::Grant });
    scribe.say(sample::T, Event::TokenRefreshed { seat, expires_at: sample::T + 9 });
    let done = Story::of(&scribe.records).refresh;
    assert_eq!((done.under_way, done.done, done.ended()), (0, 1, 1));
}

#[test]
fn a_refresh_that_is_announced_twice_is_one_remedy() {
    let (seat, rung) = (Seat(7), Rung::TokenRefresh);
    let announced =
        [Event::RefreshStarted { seat, via: TokenVia::Grant }, Event::RemedyStarted { rung, seats: vec![seat] }];
    for turn_around in [false, true] {
        let mut scribe = sample::Scribe::staged(sample::plan(1, 20));
        scribe.say(sample::T, Event::PhaseEntered { phase: Phase::Checking });
        let mut both = announced.to_vec();
        if turn_around {
            both.reverse();
        }
        both.into_iter().for_each(|event| scribe.say(sample::T, event));
        let told = Story::of(&scribe.records).rungs[rung.index()];
        assert_eq!((told.agents, told.starts), (1, 1));
    }
}

#[test]
fn asking_was_tried_where_somebody_was_asked_and_not_where_no_hook_is_enabled() {
    let (seat, rung) = (Seat(7), Rung::Ask);
    let hook = HookRun { name: "10-page".to_owned(), outcome: HookOutcome::Ok, output: String::new() };
    for (results, times) in [(Vec::new(), 0), (vec![hook], 1)] {
        let mut scribe = sample::Scribe::staged(sample::plan(1, 20));
        scribe.say(sample::T, Event::PhaseEntered { phase: Phase::Checking });
        scribe.say(sample::T, Event::RemedyStarted { rung, seats: vec![seat] });
        scribe.say(sample::T, Event::HooksRan { point: HookPoint::Straggler, seat: Some(seat), results });
        let story = Story::of(&scribe.records);
        assert_eq!(
            story.agents[7].rungs_tried().collect::<Vec<_>>(),
            if times > 0 { vec![(rung, times)] } else { vec![] }
        );
        assert_eq!(
            (story.rungs[rung.index()].agents, story.rungs[rung.index()].starts),
            (u32::from(times), u32::from(times))
        );
    }
}

#[test]
fn a_publish_without_effect_that_is_claimed_again_is_open_again() {
    let mut scribe = sample::Scribe::staged(sample::plan(1, 5));
    let failure = sample::failure(crate::law::command::FailureKind::Throttled, 429, "too many");
    scribe.say(sample::T, Event::PublishClaimed { attempt: 1, late_ms: 0 });
    scribe.say(sample::T + 5, Event::PublishNotDone { attempt: 1, failure, again_at: Some(sample::T + 900) });
    assert_eq!(Story::of(&scribe.records).publish.standing(), PublishStanding::NotDone);
    scribe.say(sample::T + 900, Event::PublishClaimed { attempt: 2, late_ms: 900 });
    let story = Story::of(&scribe.records);
    assert_eq!(story.publish.standing(), PublishStanding::Open);
    assert_eq!(story.publish.claim().map(|claim| claim.late_ms), Some(900));
}

#[test]
fn seats_and_agents_that_nobody_knows_change_nothing() {
    let mut story = Story::of(&sample::stopped(StopKind::Missed, "enough"));
    let seat = Seat(u32::MAX);
    let verdicts = vec![(seat, Verdict::Ready)];
    let record = |event| Record { seq: 1, at: sample::T, event };
    assert!(story.hear(&record(Event::Judged { verdicts })).is_empty());
    story.hear(&record(Event::RemedyStarted { rung: Rung::Ask, seats: vec![seat] }));
    story.hear(&record(Event::PhonesAbsent { seats: vec![seat] }));
    assert_eq!((story.counts.judged(), story.rungs[Rung::Ask.index()].agents), (0, 0));
}

#[test]
fn an_agent_that_flaps_all_evening_is_told_in_bounds() {
    let mut scribe = sample::Scribe::staged(sample::plan(1, 5));
    let reason = crate::law::verdict::Reason::PhoneDown;
    for n in 0..5_000 {
        let verdict = if n % 2 == 0 { Verdict::Straggler { reason } } else { Verdict::Ready };
        scribe.say(sample::T + n, Event::Judged { verdicts: vec![(Seat(0), verdict)] });
    }
    let story = Story::of(&scribe.records);
    let agent = &story.agents[0];
    assert_eq!(agent.moments().count() as u32 + agent.left_out(), 5_000);
    assert!(agent.moments().count() <= 64 && story.series.points().count() <= 2_001);
    assert_eq!(story.series.points().last().map(|(at, _)| at), Some(sample::T + 4_999));
    assert_eq!(story.found, 1);
}
