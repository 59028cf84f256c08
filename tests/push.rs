//! What the platform pushes makes a run look sooner; a run that hears nothing ends the same.

mod support;

use softlanding::law::event::{Event, Record};
use support::process::{Bench, patiently};

const REPEAT: &str = "to repeat: ./tests/run --test push";
/// Twin seconds per second.
const SPEED: u32 = 20;
/// How far two planned looks are apart, in ms.
const LOOKS_APART_MS: i64 = 60_000;

fn scenario(faults: &str) -> String {
    format!(
        "story = \"push: 12 agents, a publish of 20 s\"\n[publish]\nduration_s = 20\n\
         [faults]\n{faults}\n[[cohorts]]\nagents = 12\nlogin_min = [-120, -60]\n"
    )
}

/// A run whose planned looks are far apart; its journal.
async fn friday(name: &str, faults: &str, notifications: bool) -> Vec<Record> {
    let bench = Bench::open_before(name, &scenario(faults), SPEED, "3min").await;
    bench.configure("refresh_lead = \"12min\"", "refresh_lead = \"90s\"\nlook_interval = \"1min\"");
    bench.configure("prepare_lead = \"1min\"", "prepare_lead = \"30s\"");
    bench.configure("settle_after = \"35min\"", "settle_after = \"10min\"");
    bench.configure("[mechanisms]", &format!("[mechanisms]\nnotifications = {notifications}"));
    let run = bench.stage().await;
    let (code, complaint, _) = bench.run(&run).rest().await;
    assert_eq!(code, 0, "{complaint}; {REPEAT}");
    let records = bench.records(&run).await;
    let truth = bench.truth().await;
    assert_eq!((&truth["publishes_applied"], &truth["too_many_requests"]), (&1.into(), &0.into()), "{REPEAT}");
    assert!(records.iter().any(|r| matches!(r.event, Event::Settled { .. })), "{REPEAT}");
    bench.close().await;
    records
}

/// From the first look after the publish to the one that confirmed it, in ms of the twin.
fn waited_ms(records: &[Record]) -> i64 {
    let sent = records.iter().position(|r| matches!(r.event, Event::PublishSent { .. })).expect("it was sent");
    let after = &records[sent..];
    let looked = after.iter().find(|r| matches!(r.event, Event::ScheduleSeen { .. })).expect("a look");
    let confirmed = after.iter().find(|r| matches!(r.event, Event::PublishConfirmed { .. })).expect("confirmed");
    confirmed.at.since_ms(looked.at)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_that_is_pushed_is_seen_before_the_next_planned_look() {
    patiently(async {
        let records = friday("push-heard", "", true).await;
        let waited_ms = waited_ms(&records);
        assert!(waited_ms < LOOKS_APART_MS, "it came with the planned look, after {waited_ms} ms; {REPEAT}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_hears_nothing_finds_out_at_its_planned_look() {
    patiently(async {
        let lost = "lost_notifications_share = 1.0";
        for (name, faults, notifications) in [("push-lost", lost, true), ("push-off", "", false)] {
            let waited_ms = waited_ms(&friday(name, faults, notifications).await);
            assert!(waited_ms >= LOOKS_APART_MS, "{name}: {waited_ms} ms; {REPEAT}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_hears_late_and_twice_over_sockets_that_close_ends_the_same() {
    patiently(async {
        let faults = "late_notifications_share = 0.5\nlate_notifications_s = 15\ndoubled_notifications_share = 0.5\n\
                      sockets_close_every_s = 20";
        let records = friday("push-torn", faults, true).await;
        let settled = records.iter().find_map(|r| match &r.event {
            Event::Settled { tally } => Some(*tally),
            _ => None,
        });
        assert_eq!(settled.map(|tally| (tally.ready, tally.total())), Some((12, 12)), "{REPEAT}");
    })
    .await;
}
