//! How punctual publishes are: `cargo bench --bench punctuality`. One `softlanding serve` publishes 200 business units of one
//! organisation, four at an instant, while four runs of another one are being checked, with 300 agents each. Printed is how
//! long after T each publish request left, in real milliseconds, beside the promise. Nothing here asserts a time.
//!
//! With SOFTLANDING_TEST_POSTGRES (see tests/run) it is measured on PostgreSQL as well.
//!
//! Must never: count a publish that did not leave, or measure on the clock of the one who is measured without its scale.

#[path = "../tests/support/mod.rs"]
mod support;

use std::io::Write;

use softlanding::hands::journal::{AnyJournal, Journal, PostgresJournal, SqliteJournal};
use softlanding::law::event::Event;
use softlanding::words::clock::{Clock, Timestamp};
use support::postgres::{Database, SERVER};
use support::replicas::{Place, Replica};

/// Twin seconds per second.
const SPEED: f64 = 10.0;
/// The clock stands so many minutes before 16:00 when the program starts.
const MINUTES: i64 = 5;
const PUBLISHES: usize = 200;
const AT_ONCE: usize = 4;
/// Seconds of the twin between two instants.
const EVERY_S: usize = 12;
/// The first publish, in seconds after 16:00; the other organisation's runs are being checked by then.
const FIRST_S: usize = 180;
/// What the README promises, in real ms.
const PROMISE_MS: f64 = 50.0;

const CHECKED: &str = r#"
story = "punctuality: 4 business units of 300 agents, many of whom nothing cures"
[org]
business_units = ["Checked 1", "Checked 2", "Checked 3", "Checked 4"]
agents_in = "every"
management_units = ["Service"]
drafts = ["Approved"]
[revoke]
on_publish = true
[[cohorts]]
name = "evening"
agents = 1200
login_min = [-120, -40]
[cohorts.kinds]
not_enrolled = 200
station_lost = 40
phone_stale = 40
incurable = 200
"#;
const CHECKED_TIMING: &str = "refresh_lead = \"2min\"\nsettle_after = \"2h\"\ncheck_interval = \"5s\"";

const PUBLISHED: &str = r#"
story = "punctuality: 200 business units of 2 agents"
[org]
business_units = UNITS
agents_in = "every"
management_units = ["Service"]
drafts = ["Approved"]
[rate_limit]
calls_per_minute = 3000
[[cohorts]]
name = "evening"
agents = 400
login_min = [-120, -40]
"#;
const PUBLISHED_TIMING: &str = "refresh_lead = \"1min\"\nprepare_lead = \"30s\"\nsettle_after = \"2min\"";

/// An entry of the calendar: its name, its business unit, its instant as seconds after 16:00.
type Entry = (String, String, usize);

fn main() {
    // `cargo test --all-targets` starts benches as well; only `cargo bench` asks for the measurement.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = support::process::folder("punctuality");
        let file = folder.join("softlanding.db");
        measure("SQLite", &format!("sqlite:{}", file.display()), async || {
            SqliteJournal::open_existing(&file).await.unwrap().into()
        })
        .await;
        if std::env::var_os(SERVER).is_some() {
            let database = Database::new().await;
            let url = database.url();
            measure("PostgreSQL", &url, async || PostgresJournal::connect(&url, None).await.unwrap().into()).await;
            database.close().await;
        }
    });
}

async fn measure(name: &str, store: &str, journal: impl AsyncFn() -> AnyJournal) {
    let checked = place("checked", CHECKED).await;
    let units: Vec<String> = (1..=PUBLISHES).map(|n| format!("Unit {n}")).collect();
    let published = place("published", &PUBLISHED.replace("UNITS", &format!("{units:?}"))).await;
    let entries = (1..=4).map(|n| (format!("checked-{n}"), format!("Checked {n}"), 0)).collect();
    configure(&checked, store, CHECKED_TIMING, entries);
    let instant = |n: usize| FIRST_S + n / AT_ONCE * EVERY_S;
    let entries = units.into_iter().enumerate().map(|(n, unit)| (format!("unit-{}", n + 1), unit, instant(n)));
    configure(&published, store, PUBLISHED_TIMING, entries.collect());

    let file = |place: &Place| place.folder.join("softlanding.toml").to_string_lossy().into_owned();
    let replica = Replica::start(&checked, &[&file(&checked), &file(&published)]).await;
    let sent = |lines: &[serde_json::Value]| lines.iter().filter(|line| line["event"] == "publish_sent").count();
    // The machine itself is measured from the first publish of the many to the last.
    replica.log.until(|lines| (sent(lines) >= 4 + AT_ONCE).then_some(())).await;
    let mut machine = Machine::default();
    let disk = checked.folder.join("disk");
    tokio::select! {
        () = replica.log.until(|lines| (sent(lines) >= PUBLISHES + 4).then_some(())) => {}
        () = machine.measure(&disk) => {}
    }
    let checking = checked.truth().agents.iter().filter(|agent| !agent.media_ready).count();
    replica.stop().await;
    print(name, &late(&journal().await).await, checking);
    println!("  meanwhile on this machine: a bare timer was late by {}", shares(&machine.timer_ms));
    println!("  meanwhile on this machine: 4 KiB were on disk after {}", shares(&machine.disk_ms));
}

/// What the machine does to somebody who does nothing else: no publish can be more punctual than that.
#[derive(Default)]
struct Machine {
    timer_ms: Vec<f64>,
    disk_ms: Vec<f64>,
}

impl Machine {
    async fn measure(&mut self, file: &std::path::Path) {
        // Hundredths of a millisecond.
        let clock = Clock::scaled(Timestamp(0), 100.0);
        let mut file = std::fs::File::create(file).unwrap();
        loop {
            for _ in 0..10 {
                let due = clock.now() + 2_000;
                clock.sleep_until(due).await;
                self.timer_ms.push(clock.now().since_ms(due) as f64 / 100.0);
            }
            let before = clock.now();
            file.write_all(&[0; 4096]).unwrap();
            file.sync_data().unwrap();
            self.disk_ms.push(clock.now().since_ms(before) as f64 / 100.0);
        }
    }
}

async fn place(name: &str, scenario: &str) -> Place {
    Place::open(&format!("punctuality-{name}"), scenario, MINUTES, SPEED).await
}

fn configure(place: &Place, store: &str, timing: &str, entries: Vec<Entry>) {
    let entries: Vec<_> = entries
        .into_iter()
        .map(|(name, unit, at_s)| (name, unit, format!("{} {} 16 * * Fri", at_s % 60, at_s / 60)))
        .collect();
    place.configure_at("softlanding.toml", store, "", timing, &entries);
}

/// How long after T each publish of the many left, in real ms.
async fn late(journal: &AnyJournal) -> Vec<f64> {
    let mut late = Vec::new();
    for summary in journal.runs().await.unwrap() {
        if summary.run.as_str().contains("checked") {
            continue;
        }
        for record in journal.load::<Event>(&summary.run).await.unwrap() {
            if let Event::PublishSent { late_ms, .. } = record.event {
                late.push(late_ms as f64 / SPEED);
            }
        }
    }
    late
}

fn print(name: &str, late: &[f64], checking: usize) {
    println!("{name}: {} publishes left after T by {}; promised: {PROMISE_MS} ms", late.len(), shares(late));
    println!("  meanwhile four runs were checked; at the end {checking} of their agents were not ready");
}

/// The median, the 99th percentile and the maximum of some milliseconds.
fn shares(ms: &[f64]) -> String {
    let mut sorted = ms.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted.get(((sorted.len() as f64 * share).ceil() as usize).saturating_sub(1));
    match (at(0.5), at(0.99), at(1.0)) {
        (Some(p50), Some(p99), Some(max)) => format!("p50 {p50:.1} ms, p99 {p99:.1} ms, max {max:.1} ms"),
        _ => "nothing: there was none".to_owned(),
    }
}
