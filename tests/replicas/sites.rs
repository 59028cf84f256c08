//! Two organisations on one database: their runs spread over the replicas that serve both, each is led by one at a time, and
//! who serves one organisation never leads a run of the other.

use std::collections::BTreeSet;

use serde_json::Value;

use super::REPEAT;
use super::support::process::patiently;
use super::support::replicas::{Place, Replica, Row, Store};

const SPEED: f64 = 30.0;
/// The clock stands so many minutes before the publish when the replicas start.
const MINUTES: i64 = 3;
/// Business units of each organisation.
const UNITS: usize = 6;
const SERVE: &str = "lease = \"2s\"\nlook_every = \"200ms\"";
const TIMING: &str = "refresh_lead = \"1min\"\nprepare_lead = \"30s\"\nsettle_after = \"6min\"";

/// Forgiving, so that a publish that went to the wrong organisation would be applied there.
const SCENARIO: &str = r#"
story = "sites: 6 business units of 4 agents"
[org]
business_units = UNITS
agents_in = "every"
management_units = ["Service"]
drafts = ["Approved"]
[publish]
stale_version = "accepted"
[revoke]
on_publish = true
[reported]
offered = true
[[cohorts]]
name = "evening"
agents = 24
login_min = [-120, -40]
[cohorts.kinds]
not_enrolled = 6
"#;

async fn organisation(name: &str, store: &Store) -> Place {
    let units: Vec<String> = (1..=UNITS).map(|n| format!("{name} {n}")).collect();
    let scenario = SCENARIO.replace("UNITS", &format!("{units:?}"));
    let place = Place::open(&format!("sites-{name}"), &scenario, MINUTES, SPEED).await;
    let entries: Vec<(String, String)> = units.into_iter().map(|unit| (unit.replace(' ', "-"), unit)).collect();
    place.configure("softlanding.toml", &store.database.url(), SERVE, TIMING, &entries);
    place
}

fn led(lines: &[Value]) -> BTreeSet<String> {
    let leading = lines.iter().filter(|line| line["event"] == "leading");
    leading.filter_map(|line| line["run"].as_str()).map(str::to_owned).collect()
}

/// Nobody writes to a run under a fence once somebody has under a higher one.
fn one_at_a_time(rows: &[Row]) -> bool {
    let runs: BTreeSet<&str> = rows.iter().map(|row| row.run.as_str()).collect();
    runs.iter().all(|run| rows.iter().filter(|row| row.run == *run).map(|row| row.fence).is_sorted())
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_of_two_organisations_spread_and_stay_apart() {
    patiently(two_organisations()).await;
}

async fn two_organisations() {
    let store = Store::open().await;
    let (north, south) = tokio::join!(organisation("north", &store), organisation("south", &store));
    let file = |place: &Place| place.folder.join("softlanding.toml").to_string_lossy().into_owned();
    let (a, b) = (file(&north), file(&south));
    let both = [a.as_str(), b.as_str()];
    let one_sided = Replica::start(&north, &both[..1]).await;
    let (first, second) = tokio::join!(Replica::start(&north, &both), Replica::start(&north, &both));
    let over = |rows: &[Row]| rows.iter().filter(|row| row.kind == "settled").count() == 2 * UNITS;
    store.rows.until(|rows| over(rows).then_some(())).await;
    let one_sided_holder = one_sided.holder.clone();
    let mut logs = Vec::new();
    for replica in [first, second, one_sided] {
        logs.push(replica.stop().await.look(led));
    }

    assert!(logs.iter().take(2).all(|led| !led.is_empty()), "not spread: {logs:?}; {REPEAT}");
    let foreign = logs.last().expect("a log").iter().filter(|run| run.contains("south")).count();
    assert_eq!(foreign, 0, "{logs:?}; {REPEAT}");
    let ever = store.ever_led(&one_sided_holder).await;
    assert!(!ever.is_empty() && ever.iter().all(|run| run.contains("north")), "it led {ever:?}; {REPEAT}");
    assert!(store.rows.look(one_at_a_time), "{REPEAT}");
    for place in [north, south] {
        let truth = place.truth();
        let published: Vec<u32> =
            truth.schedules.iter().map(|schedule| schedule.publishes_applied).filter(|times| *times > 0).collect();
        assert_eq!(published, [1; UNITS], "{REPEAT}");
        assert_eq!(truth.counters.too_many_requests, 0, "{REPEAT}");
    }
    store.database.close().await;
}
