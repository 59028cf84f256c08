//! Fridays by the calendar alone: staged, refreshed, published once, checked, settled, reported.

use serde_json::json;
use softlanding::law::event::{Event, Phase};
use softlanding::law::run::Run;

use crate::support::process::{patiently, softlanding, softlanding_ends, texts};
use crate::support::site::{Daemon, REPEAT, RUN, Site, calm, entry, told};

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_friday_happens_by_the_calendar_alone() {
    patiently(async {
        let site = Site::open("friday", calm(&["Approved", "What if"]), -4, 30.0, "schedule = \"Approved\"").await;
        let mut daemon = site.serve();
        assert_eq!(daemon.event("calendar.staged").await["run"], RUN);
        daemon.event("leading").await;
        let counted = daemon.event("counters").await;
        assert_eq!(counted["counters"]["publishes"], 1, "{counted}; {REPEAT}");
        assert_eq!(daemon.event("ended").await["run"], RUN);
        let end = daemon.stop().await;
        assert_eq!(site.published(), (1, 1), "{}; {REPEAT}", told(&end.log));
        let records = site.records(RUN).await;
        let run = Run::replay(&records).expect("a run");
        assert_eq!((run.phase, run.tally().total()), (Phase::Settled, 12), "{REPEAT}");
        let refreshed = records.iter().filter(|r| matches!(r.event, Event::TokenRefreshed { .. })).count();
        assert_eq!(refreshed, 12, "{}; {REPEAT}", told(&end.log));
        for name in ["report.html", "report.md", "report.json"] {
            assert!(site.folder.join("reports").join(RUN).join(name).is_file(), "{name}; {REPEAT}");
        }
        let status = site.status().await;
        assert_eq!(status["runs"][0]["run"], RUN);
        assert_eq!((&status["runs"][0]["entry"], &status["counters"]["publishes"]), (&json!("care"), &json!(1)));
        let late_ms = status["runs"][0]["late_ms"].as_i64().expect("a number");
        assert!(late_ms >= 0, "the request left before T; {REPEAT}");
        let said = site.says(&["status"]).await;
        assert!(said.trim_end().lines().last().is_some_and(|line| line.starts_with("1 publish: ")), "{said}; {REPEAT}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_publishes_for_two_organisations_at_the_same_instant() {
    patiently(async {
        let first = Site::open("two-first", calm(&["Approved"]), -4, 30.0, "").await;
        let second = Site::open("two-second", calm(&["Approved"]), -4, 30.0, "").await;
        let store = format!("store = \"sqlite:{}\"\n", first.folder.join("softlanding.db").display());
        second.edit(|config| store + &config.replace("name = \"care\"", "name = \"billing\""));
        let other = second.folder.join("softlanding.toml").display().to_string();
        let both = ["serve", "--config", "softlanding.toml", "--config", &other];
        let mut daemon = Daemon::start(softlanding(&first.folder, &both));
        for _ in 0..2 {
            daemon.event("ended").await;
        }
        let end = daemon.stop().await;
        assert_eq!((first.published(), second.published()), ((1, 1), (1, 1)), "{}; {REPEAT}", told(&end.log));
        assert_eq!(end.counters()["publishes"], 2, "{}; {REPEAT}", told(&end.log));
        assert!(second.folder.join("reports/20261127-1600-billing/report.json").is_file(), "{REPEAT}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn configurations_that_do_not_fit_together_are_refused() {
    patiently(async {
        let first = Site::open("fit-first", calm(&["Approved"]), -60, 1.0, "").await;
        let second = Site::open("fit-second", calm(&["Approved"]), -60, 1.0, "").await;
        let other = second.folder.join("softlanding.toml").display().to_string();
        let both = ["serve", "--config", "softlanding.toml", "--config", &other];
        let refused = async |complaint: &str| {
            let output = softlanding_ends(&first.folder, &both).await;
            let (said, complained) = texts(&output);
            assert_eq!(output.status.code(), Some(3), "{said}{complained}; {REPEAT}");
            assert!(complained.contains(complaint) && said.is_empty(), "{said}{complained}; {REPEAT}");
        };
        refused("name different stores").await;
        let store = format!("store = \"sqlite:{}\"\n", first.folder.join("softlanding.db").display());
        second.edit(|config| store + &config);
        refused("two [[publish]] are named \"care\"").await;
        assert!(!first.folder.join("softlanding.db").exists(), "a refusal made a journal; {REPEAT}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_staged_by_hand_for_the_same_instant_is_the_entrys_run() {
    patiently(async {
        let site = Site::open("by-hand", calm(&["Approved"]), -5, 30.0, "").await;
        let at = ["stage", "--business-unit", "Customer Care", "--at", "2026-11-27 16:00 America/Chicago", "--json"];
        let staged: serde_json::Value = serde_json::from_str(&site.says(&at).await).expect("JSON");
        let mut daemon = site.serve();
        let adopted = daemon.event("calendar.staged").await;
        assert_eq!(adopted["run"], staged["run"], "{REPEAT}");
        daemon.event("ended").await;
        let end = daemon.stop().await;
        assert_eq!(site.published(), (1, 1), "{}; {REPEAT}", told(&end.log));
        assert_eq!(site.status().await["runs"].as_array().map(Vec::len), Some(1), "{REPEAT}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_staged_run_goes_on_when_its_entry_has_left_the_configuration() {
    patiently(async {
        let site = Site::open("removed", calm(&["Approved"]), -5, 30.0, "").await;
        let mut daemon = site.serve();
        daemon.event("calendar.staged").await;
        daemon.stop().await;
        site.edit(|config| config.replace(&entry("care", ""), ""));
        let mut daemon = site.serve();
        let serving = daemon.event("serving").await;
        assert_eq!(serving["message"], "serving; the calendar has no entry", "{REPEAT}");
        daemon.event("ended").await;
        let end = daemon.stop().await;
        assert_eq!(site.published(), (1, 1), "{}; {REPEAT}", told(&end.log));
    })
    .await;
}
