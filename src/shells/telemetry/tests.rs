//! What is counted agrees with what the law says, before and after a restart, and no label names a run or an agent.

use std::sync::Arc;

use super::figures::Figures;
use super::*;
use crate::law::event::{Event, Phase, Record, StopKind};
use crate::law::run::Run;
use crate::shells::report::sample;

fn run() -> RunId {
    RunId::new("20261127-1600-care").unwrap()
}

/// Every sample of a run there is.
fn samples() -> Vec<Vec<Record>> {
    let stops = [StopKind::Vetoed, StopKind::Drifted, StopKind::Missed, StopKind::Refused, StopKind::Aborted];
    let mut samples: Vec<Vec<Record>> = stops.into_iter().map(|kind| sample::stopped(kind, "for a reason")).collect();
    samples.extend([sample::friday(1, 60), sample::friday(7, 300), sample::in_doubt()]);
    samples
}

/// The sample as a run of the entry `care`.
fn of_care(mut records: Vec<Record>) -> Vec<Record> {
    for record in &mut records {
        if let Event::Staged { plan } = &mut record.event {
            plan.policy.entry = Some("care".to_owned());
        }
    }
    records
}

/// What a process has heard that led the run from record `from` on.
fn heard(records: &[Record], from: usize) -> Telemetry {
    let telemetry = Telemetry::new(None).unwrap();
    let (past, fresh) = records.split_at(from);
    let figures = Box::new(Figures::of(past));
    telemetry.hear(&News::Serving { entries: vec!["care".to_owned()] });
    telemetry.hear(&News::Looked);
    telemetry.hear(&News::Leading { run: run(), phase: figures.phase(), figures });
    for record in fresh {
        telemetry.hear(&News::Recorded { run: run(), record: record.clone(), words: Vec::new() });
    }
    telemetry
}

/// The lines of the exposition that begin so.
fn lines(telemetry: &Telemetry, begin: &str) -> Vec<String> {
    let text = telemetry.exposition().unwrap();
    text.lines().filter(|line| line.starts_with(begin)).map(str::to_owned).collect()
}

#[test]
fn the_figures_of_a_run_are_those_of_the_law_after_each_record() {
    let mut compared = 0;
    for records in samples() {
        for upto in 1..=records.len() {
            let past = &records[..upto];
            let (run, figures) = (Run::replay(past).unwrap(), Figures::of(past));
            assert_eq!(figures.phase(), run.phase, "after {:?}", past.last());
            if run.phase < Phase::Publishing {
                assert_eq!(figures.waits_for(), run.waits_for(), "after {:?}", past.last());
            }
            let tally = run.tally();
            let [ready, recovered, deferred, stragglers, unknown, unjudged] = figures.agents();
            assert_eq!((ready, recovered), (tally.ready, tally.recovered));
            assert_eq!((deferred, stragglers), (tally.deferred, tally.stragglers));
            assert_eq!(unknown + unjudged, tally.unknown);
            compared += 1;
        }
    }
    assert!(compared > 500, "{compared}");
}

#[test]
fn who_takes_a_run_up_shows_the_same_gauges_as_who_led_it_from_the_start() {
    let records = of_care(sample::friday(1, 60));
    let gauges = ["softlanding_agents{", "softlanding_run_", "softlanding_runs{"];
    for at in (1..records.len()).step_by(7) {
        let (whole, later) = (heard(&records[..at], 1), heard(&records[..at], at));
        for gauge in gauges {
            let (whole, later) = (lines(&whole, gauge), lines(&later, gauge));
            assert!(!whole.is_empty());
            assert_eq!(whole, later, "after {at} records");
        }
    }
}

#[test]
fn a_friday_is_counted_and_its_end_stays_to_be_seen() {
    let records = of_care(sample::friday(1, 60));
    let telemetry = heard(&records, 1);
    let refreshed = records.iter().filter(|r| matches!(r.event, Event::TokenRefreshed { .. })).count();
    let counted = lines(&telemetry, "softlanding_token_refreshes_total{entry=\"care\",result=\"refreshed\"}");
    assert!(refreshed > 0 && counted[0].ends_with(&format!(" {refreshed}")), "{counted:?}");
    assert_eq!(lines(&telemetry, "softlanding_publishes_total{entry=\"care\",outcome=\"on_time\"} 1").len(), 1);
    assert_eq!(lines(&telemetry, "softlanding_publish_lateness_seconds_bucket{entry=\"care\",le=\"0.05\"} 1").len(), 1);
    telemetry.hear(&News::Ended { run: run(), phase: Phase::Settled });
    assert_eq!(lines(&telemetry, "softlanding_runs{phase=\"settled\"} 0").len(), 1);
    assert_eq!(lines(&telemetry, "softlanding_last_publish_outcome{entry=\"care\",outcome=\"on_time\"} 1").len(), 1);
    let tally = Run::replay(&records).unwrap().tally();
    let ready = format!("softlanding_agents{{entry=\"care\",verdict=\"ready\"}} {}", tally.ready);
    assert_eq!(lines(&telemetry, &ready).len(), 1);
}

#[test]
fn what_is_found_over_after_a_restart_counts_nothing_and_shows_the_newest() {
    let telemetry = Telemetry::new(None).unwrap();
    let over = |records: &[Record]| News::Over { run: run(), figures: Box::new(Figures::of(records)) };
    let records = of_care(sample::in_doubt());
    telemetry.hear(&News::Serving { entries: vec!["care".to_owned()] });
    telemetry.hear(&over(&records));
    let doubt = "softlanding_last_publish_outcome{entry=\"care\",outcome=\"in_doubt\"} 1";
    assert_eq!(lines(&telemetry, doubt).len(), 1);
    assert_eq!(lines(&telemetry, "softlanding_publishes_total{entry=\"care\",outcome=\"in_doubt\"} 0").len(), 1);
    let publish_at = Figures::of(&records).publish_at();
    let missed = |weeks: i64| News::Recalled {
        entry: "care".to_owned(),
        missed: Some(publish_at + weeks * 7 * 86_400_000),
        refused: false,
    };
    telemetry.hear(&missed(-1));
    assert_eq!(lines(&telemetry, doubt).len(), 1, "an older one took its place");
    telemetry.hear(&missed(1));
    assert_eq!(lines(&telemetry, doubt).len(), 0, "a newer one did not");
}

#[test]
fn a_dead_token_is_one_refresh_that_brings_nothing_in_however_many_ways_it_is_tried() {
    use crate::law::command::{FailureKind, TokenVia};
    use crate::shells::report::Story;
    use crate::words::id::Seat;
    let mut scribe = sample::Scribe::staged(sample::plan(1, 5));
    let at = sample::T - 900_000;
    let refused = || sample::failure(FailureKind::Invalid, 400, "the refresh token is not accepted");
    let dead = |seat| Event::TokenDead { seat, failure: refused() };
    let failed = |seat| Event::RefreshFailed { seat, failure: refused(), again_at: None };
    for seat in [0, 1, 2].map(Seat) {
        scribe.say(at, Event::RefreshStarted { seat, via: TokenVia::Grant });
        scribe.say(at, dead(seat));
        scribe.say(at, Event::RefreshStarted { seat, via: TokenVia::Reported });
        scribe.say(at, failed(seat));
    }
    // As a remedy, the same comes once more.
    scribe.say(sample::T + 60_000, dead(Seat(0)));
    scribe.say(sample::T + 60_000, failed(Seat(3)));
    let records = of_care(scribe.records);
    let report = Story::of(&records).refresh;
    assert_eq!((report.dead, report.failed), (3, 1));
    let whole = heard(&records, 1);
    for (result, counted) in [("dead", report.dead), ("failed", report.failed)] {
        let line = format!("softlanding_token_refreshes_total{{entry=\"care\",result=\"{result}\"}} {counted}");
        assert_eq!(lines(&whole, &line).len(), 1, "{line}: {:?}", lines(&whole, "softlanding_token_refreshes"));
    }
    // Whoever takes the run up in between knows who is dead.
    let later = heard(&records, 4);
    let line = "softlanding_token_refreshes_total{entry=\"care\",result=\"failed\"} 1";
    assert_eq!(lines(&later, line).len(), 1, "{:?}", lines(&later, "softlanding_token_refreshes"));
}

#[test]
fn every_alert_worthy_count_is_there_before_anything_happens() {
    let telemetry = Telemetry::new(None).unwrap();
    telemetry.hear(&News::Serving { entries: vec!["care".to_owned()] });
    for begin in [
        "softlanding_publishes_total{entry=\"care\",outcome=\"missed\"} 0",
        "softlanding_brakes_applied_total{entry=\"care\",rung=\"all\"} 0",
        "softlanding_token_refreshes_total{entry=\"care\",result=\"dead\"} 0",
        "softlanding_remedies_total{entry=\"care\",result=\"cured\",rung=\"token_refresh\"} 0",
        "softlanding_troubles_total 0",
        "softlanding_log_lines_dropped_total 0",
        "softlanding_companion_pages 0",
    ] {
        assert_eq!(lines(&telemetry, begin).len(), 1, "{begin} in {:#?}", lines(&telemetry, "softlanding_"));
    }
}

#[test]
fn lines_that_nobody_reads_are_counted_and_are_no_reason_to_be_out_of_service() {
    let telemetry = Telemetry::new(None).unwrap();
    telemetry.hear(&News::Serving { entries: Vec::new() });
    telemetry.hear(&News::Looked);
    telemetry.lines_dropped(3);
    // The log tells of them later; they count once.
    telemetry.hear(&News::LinesDropped { lines: 3 });
    assert_eq!(lines(&telemetry, "softlanding_log_lines_dropped_total 3").len(), 1);
    assert_eq!(telemetry.ready(), Ok(()));
}

#[test]
fn a_publish_that_cannot_be_staged_shows_until_it_can() {
    let telemetry = Telemetry::new(None).unwrap();
    let publish_at = Timestamp(1_000);
    let note = |note: Note| News::Calendar { entry: "care".to_owned(), note };
    telemetry.hear(&note(Note::NotStaged { publish_at, why: "there is no draft".to_owned() }));
    assert_eq!(lines(&telemetry, "softlanding_staging_refused{entry=\"care\"} 1").len(), 1);
    telemetry.hear(&note(Note::Staged { publish_at, run: run() }));
    assert_eq!(lines(&telemetry, "softlanding_staging_refused{entry=\"care\"} 0").len(), 1);
    telemetry.hear(&News::Recalled { entry: "care".to_owned(), missed: None, refused: true });
    assert_eq!(lines(&telemetry, "softlanding_staging_refused{entry=\"care\"} 1").len(), 1);
}

#[test]
fn no_label_names_a_run_an_agent_or_a_person() {
    let records = of_care(sample::friday(1, 60));
    let text = heard(&records, 1).exposition().unwrap();
    let Some(Event::Staged { plan }) = records.first().map(|record| &record.event) else { panic!("no plan") };
    let names = plan.roster.iter().map(|member| member.agent.to_string());
    for name in names.chain([run().to_string(), plan.business_unit.name.clone()]) {
        assert!(!text.contains(&name), "{name}");
    }
    let series = text.lines().filter(|line| !line.starts_with('#')).count();
    assert!(series > 50 && series < 400, "{series} series for one entry");
}

#[test]
fn ready_means_that_it_serves_looks_and_keeps_its_calendar() {
    let telemetry = Telemetry::new(None).unwrap();
    let reasons = |telemetry: &Telemetry| -> Vec<&str> {
        telemetry.ready().err().unwrap_or_default().iter().map(|unready| unready.what).collect()
    };
    assert_eq!(reasons(&telemetry), ["start"]);
    telemetry.hear(&News::Serving { entries: vec!["care".to_owned()] });
    assert_eq!(reasons(&telemetry), ["loop", "calendar"]);
    telemetry.hear(&News::Looked);
    telemetry.hear(&News::Kept { entry: "care".to_owned(), next: None });
    assert_eq!(telemetry.ready(), Ok(()));
    telemetry.hear(&News::StoreAway { why: "it is gone".to_owned() });
    telemetry.hear(&News::NotKept { entry: "care".to_owned(), why: "the store is gone".to_owned() });
    assert_eq!(reasons(&telemetry), ["store", "calendar"]);
    assert_eq!(lines(&telemetry, "softlanding_store_up 0").len(), 1);
    telemetry.hear(&News::Looked);
    telemetry.hear(&News::Kept { entry: "care".to_owned(), next: None });
    assert_eq!(telemetry.ready(), Ok(()));
    telemetry.hear(&News::Stopping { led: 0 });
    assert_eq!(reasons(&telemetry), ["stop"]);
}

#[test]
fn a_loop_that_does_not_look_any_more_is_stuck() {
    let mut ready = Readiness::default();
    let at = Timestamp(1_000_000);
    ready.hear(&News::Serving { entries: Vec::new() }, at);
    ready.hear(&News::Looked, at);
    assert_eq!(ready.check(at + 60_000), Ok(()));
    let stuck = ready.check(at + 60_001).unwrap_err();
    assert_eq!(stuck.iter().map(|unready| unready.what).collect::<Vec<_>>(), ["loop"]);
}

#[test]
fn the_pages_of_every_hub_are_counted_when_somebody_looks() {
    use crate::hands::companion::{PageId, PagesSettings};
    let telemetry = Telemetry::new(None).unwrap();
    let hubs = [0, 1].map(|_| Pages::new(Clock::System, PagesSettings::default()));
    hubs.iter().for_each(|hub| telemetry.count_pages(hub.clone()));
    let agent = crate::words::id::AgentId::new("a").unwrap();
    let attached = hubs.map(|hub| Arc::new(hub.attach(&agent, &PageId::new("p"), None).ok()));
    assert_eq!(lines(&telemetry, "softlanding_companion_pages 2").len(), 1);
    drop(attached);
    assert_eq!(lines(&telemetry, "softlanding_companion_pages 0").len(), 1);
}
