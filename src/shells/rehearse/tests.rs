//! A small rehearsal from end to end, over loopback HTTP.

use std::path::PathBuf;

use super::*;
use crate::law::event::Phase;
use crate::shells::driver::Ended;
use crate::shells::report::Display;
use crate::twin::Scenario;
use crate::words::clock::{Seed, Timestamp};

async fn play(name: &str, scenario: Scenario, stop: impl Future<Output = ()>) -> Rehearsed {
    let monday = Timestamp::parse_rfc3339("2026-11-23T12:00:00Z").unwrap();
    let out = std::env::temp_dir().join(format!("softlanding-rehearse-{}-{name}", std::process::id()));
    let setting = Setting::friday(scenario, Seed(5), Some(600.0), monday).unwrap();
    let rehearsal = Rehearsal { setting, out, hooks: PathBuf::from("/no-such-folder"), exchanges_max: 0 };
    let mut display = Display::lines(Box::new(std::io::sink()));
    rehearse(&rehearsal, &mut display, |_, _| {}, stop).await.unwrap()
}

#[tokio::test]
async fn a_small_friday_settles_with_its_reports_and_the_twin_agrees() {
    let mut scenario = Scenario::default();
    scenario.revoke.on_publish = true;
    scenario.reported.offered = true;
    scenario.cohorts[0].kinds.not_enrolled = 2;
    let played = play("settles", scenario, std::future::pending()).await;
    assert_eq!((played.ended, played.run.phase), (Ended::Over, Phase::Settled));
    let audit = &played.audit;
    assert_eq!((audit.publishes_applied, audit.touched_on_call, audit.too_many_requests), (1, 0, 0), "{audit:?}");
    assert_eq!((audit.agreeing, audit.disagreeing.len()), (5, 0), "{audit:?}");
    let tally = played.run.tally();
    assert_eq!((tally.ready, tally.recovered), (3, 2));
    assert!(played.reports.len() == 6 && played.reports.iter().all(|file| file.is_file()), "{:?}", played.reports);
    assert_eq!(played.run.seq, played.records.len() as u64);
    let folder = played.reports[0].parent().unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_limit_below_what_may_be_under_way_is_kept_from_the_first_call_on() {
    let mut scenario = Scenario::default();
    scenario.cohorts[0].agents = 12;
    scenario.rate_limit.calls_per_minute = 8;
    scenario.rate_limit.oauth_calls_per_minute = 4;
    let played = play("tight", scenario, std::future::pending()).await;
    assert_eq!((played.ended, played.run.phase), (Ended::Over, Phase::Settled));
    let limits = &played.staged.plan.limits;
    assert_eq!((limits.calls_per_minute, limits.auth_calls_per_minute), (Some(8), Some(4)));
    let audit = &played.audit;
    assert_eq!((audit.publishes_applied, audit.too_many_requests), (1, 0), "{audit:?}");
    std::fs::remove_dir_all(played.reports[0].parent().unwrap()).unwrap();
}

#[tokio::test]
async fn a_rehearsal_that_is_interrupted_leaves_a_run_that_can_be_read() {
    let played = play("interrupted", Scenario::default(), std::future::ready(())).await;
    assert_eq!(played.ended, Ended::Interrupted);
    assert!(!played.run.is_over() && played.audit.publishes_applied == 0);
    std::fs::remove_dir_all(played.reports[0].parent().unwrap()).unwrap();
}

#[test]
fn two_fridays_are_measured_by_the_same_ruler() {
    let monday = Timestamp::parse_rfc3339("2026-11-23T12:00:00Z").unwrap();
    let scenario = Scenario::named("friday-1600").unwrap();
    let setting = Setting::friday(scenario, Seed(5), None, monday).unwrap();
    let mut untouched =
        crate::twin::Twin::new(setting.scenario.clone(), Seed(5), setting.publish_at, "http://127.0.0.1");
    untouched.advance(setting.begins_at());
    let beside = beside::Beside::of(&setting, untouched);
    assert!(beside.without.grey > 300, "{beside:?}");
    assert_eq!(beside.with.grey, 0, "nobody published on this side");
    assert!(beside.lines().iter().all(|line| line.chars().count() <= 80), "{:#?}", beside.lines());
}
