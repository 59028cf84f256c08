//! Fridays under `serve`, scraped as Prometheus would, and the shipped alert rules evaluated on what was recorded.

use std::path::Path;

use serde_json::{Value, json};
use softlanding::words::clock::Timestamp;

use crate::promtool::{REPEAT, promtool};
use crate::scrape::{EVERY_MS, Series, samples, scrape};
use crate::support::org::friday;
use crate::support::process::patiently;
use crate::support::site::{Daemon, Site, calm};

const MIN: i64 = 60_000;
/// Somebody who would hear of doubt only, and of whom all is known before that.
const WEBHOOK: &str = "[[webhook]]\nname = \"ops\"\nurl = \"http://127.0.0.1:9/\"\nprivate_addresses = true\n\
    secret = { command = \"echo whsec_c2l4dGVlbiBieXRlcyBhcmUgdGhlIGxlYXN0\" }\nevents = [\"publish_unconfirmed\"]\n";

/// An org whose `serve` can be asked for metrics.
async fn open(name: &str, minutes_after: i64, scale: f64, entry: &str) -> Site {
    let site = Site::open(&format!("ops-{name}"), calm(&["Approved"]), minutes_after, scale, entry).await;
    site.edit(|config| format!("{config}\n[telemetry]\nlisten = \"127.0.0.1:0\"\n{WEBHOOK}"));
    site
}

async fn address(daemon: &mut Daemon) -> String {
    daemon.event("telemetry").await["at_address"].as_str().expect("an address").to_owned()
}

/// What is asserted of the rules: what fires at a minute, by name.
type Firing<'a> = (i64, &'a [&'a str]);

/// Evaluates the shipped rules on the recorded series. `ALERTS` is what Prometheus itself keeps of what fires.
async fn evaluate(folder: &Path, series: &Series, expected: &[Firing<'_>]) {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/prometheus/alerts.yml");
    let tests: Vec<Value> = expected
        .iter()
        .map(|(minute, alerts)| {
            let samples: Vec<Value> = alerts
                .iter()
                .map(|name| json!({ "labels": format!("{{alertname=\"{name}\"}}"), "value": 1 }))
                .collect();
            json!({
                "expr": "max by (alertname) (ALERTS{alertstate=\"firing\"})",
                "eval_time": format!("{minute}m"),
                "exp_samples": samples,
            })
        })
        .collect();
    let document = json!({
        "rule_files": [rules],
        "evaluation_interval": "15s",
        "tests": [{ "interval": format!("{}s", EVERY_MS / 1_000), "input_series": series.input(), "promql_expr_test": tests }],
    });
    let file = folder.join("recorded.test.yml");
    std::fs::write(&file, serde_json::to_string_pretty(&document).expect("JSON")).expect("a file");
    let said = promtool(folder, &["test", "rules", "recorded.test.yml"], "").await;
    assert!(said.contains("SUCCESS"), "{said}; {REPEAT}");
}

fn value(text: &str, name: &str, labels: &str) -> Option<f64> {
    samples(text).find(|(found, with, _)| *found == name && *with == labels).map(|(_, _, value)| value)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_friday_is_measured_and_alerts_nobody() {
    patiently(async {
        let site = open("good", -6, 30.0, "").await;
        let mut daemon = site.serve();
        let address = address(&mut daemon).await;
        let clock = site.org.clock();
        let mut series = Series::since(clock.now());
        daemon.event("calendar.staged").await;
        daemon.while_waiting_for("the end of a Friday", series.record(clock, &address, friday() + 7 * MIN)).await;
        let text = series.newest.clone();
        promtool(&site.folder, &["check", "metrics"], &text).await;

        let on_time = value(&text, "softlanding_publishes_total", "entry=\"care\",outcome=\"on_time\"");
        assert_eq!(on_time, Some(1.0), "{text}; {REPEAT}");
        let lateness = value(&text, "softlanding_publish_lateness_seconds_count", "entry=\"care\"");
        assert_eq!(lateness, Some(1.0), "{text}; {REPEAT}");
        let refreshed = value(&text, "softlanding_token_refreshes_total", "entry=\"care\",result=\"refreshed\"");
        assert_eq!(refreshed, Some(12.0), "{text}; {REPEAT}");
        let agents: f64 = samples(&text).filter(|(name, ..)| *name == "softlanding_agents").map(|(.., n)| n).sum();
        assert_eq!(agents, 12.0, "{text}; {REPEAT}");
        let next =
            value(&text, "softlanding_next_publish_timestamp_seconds", "entry=\"care\"").expect("a next publish");
        let week_later = Timestamp::parse_rfc3339("2026-12-04T22:00:00Z").expect("an instant");
        assert_eq!(next, week_later.0 as f64 / 1_000.0, "{REPEAT}");

        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let ready = http.get(format!("http://{address}/readyz")).send().await.expect("an answer");
        assert_eq!(ready.status().as_u16(), 200, "{REPEAT}");
        let body: Value = serde_json::from_str(&ready.text().await.expect("a text")).expect("JSON");
        assert_eq!(body, json!({ "ready": true, "reasons": [] }), "{REPEAT}");

        // Every metric that the rules and the dashboard name is there.
        let known = series.names();
        for file in ["packaging/prometheus/alerts.yml", "packaging/grafana/softlanding.json"] {
            let used = crate::files::metrics_in(file);
            assert!(used.len() > 8, "{used:?}; {REPEAT}");
            let missing: Vec<&String> = used.iter().filter(|name| !known.contains(name.as_str())).collect();
            assert!(missing.is_empty(), "{file} uses {missing:?}, which no scrape has; {REPEAT}");
        }

        // Before a restart and after it, what can be seen of the publish is the same.
        let seen = |text: &str| -> Vec<String> {
            let of = |name: &str| name.starts_with("softlanding_last_publish") || name == "softlanding_agents";
            let lines = samples(text).filter(|(name, ..)| of(name));
            lines.map(|(name, labels, value)| format!("{name} {labels} {value}")).collect()
        };
        if !daemon.log.iter().any(|line| line["event"] == "ended") {
            daemon.event("ended").await;
        }
        let before = seen(&scrape(&address).await.expect("an answer"));
        assert!(before.len() > 10, "{before:?}; {REPEAT}");
        daemon.stop().await;
        assert!(scrape(&address).await.is_none(), "the old process still answers; {REPEAT}");
        let mut again = site.serve();
        let address = self::address(&mut again).await;
        let mut after = Vec::new();
        let reading = async {
            while after != before {
                after = seen(&scrape(&address).await.expect("an answer"));
            }
        };
        again.while_waiting_for("the same gauges", reading).await;
        again.stop().await;

        let minutes: Vec<Firing> = (0..=series.minutes()).map(|minute| (minute, [].as_slice())).collect();
        assert!(minutes.len() > 10, "{}; {REPEAT}", minutes.len());
        evaluate(&site.folder, &series, &minutes).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_friday_rings_while_nothing_runs_and_when_it_is_found_missed() {
    patiently(async {
        let mut site = open("missed", -60, 60.0, "catch_up = \"10min\"").await;
        let mut daemon = site.serve();
        let before = address(&mut daemon).await;
        let clock = site.org.clock();
        daemon.event("calendar.begun").await;
        let mut series = Series::since(clock.now());
        series.record(clock, &before, clock.now() + 2 * MIN).await;
        daemon.stop().await;
        let down_at = series.minutes();
        site.org.leap(15.0, 60.0).await;
        let mut daemon = site.serve();
        let after = address(&mut daemon).await;
        daemon.event("calendar.missed").await;
        let clock = site.org.clock();
        series.down(clock.now());
        let missed_at = series.minutes() + 1;
        series.record(clock, &after, clock.now() + 4 * MIN).await;
        daemon.stop().await;
        assert_eq!(site.published(), (0, 0), "{REPEAT}");
        let up_again_at = series.minutes();
        assert!(up_again_at > missed_at && missed_at > down_at + 30, "{down_at} {missed_at}; {REPEAT}");
        let rings: Vec<Firing> = vec![
            (0, &[]),
            (down_at, &[]),
            (down_at + 4, &["SoftlandingDown"]),
            (up_again_at, &["SoftlandingPublishMissed"]),
        ];
        evaluate(&site.folder, &series, &rings).await;
    })
    .await;
}
