//! An instant that passed: caught up with, late, or missed; each with its event, its hook and its count.

use rustix::process::Signal;
use serde_json::json;

use crate::support::org::friday;
use crate::support::process::patiently;
use crate::support::site::{End, REPEAT, RUN, Site, calm, told};

/// What the process had done before it went away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// It had seen the entry.
    Begun,
    /// It had staged the run.
    Staged,
}

/// Serves before T, is gone until `back_at` minutes after it, and serves again until the run has ended or was missed.
async fn slept(name: &str, before: Before, catch_up: &str, back_at: f64) -> (Site, End) {
    let starts_at = if before == Before::Staged { -5 } else { -60 };
    let mut site = Site::open(name, calm(&["Approved"]), starts_at, 5.0, &format!("catch_up = \"{catch_up}\"")).await;
    for point in ["late", "missed", "failed"] {
        site.keep_documents_of(point);
    }
    let mut daemon = site.serve();
    daemon.event(if before == Before::Staged { "calendar.staged" } else { "calendar.begun" }).await;
    daemon.stop().await;
    site.org.leap(back_at, 30.0).await;
    let mut daemon = site.serve();
    daemon.until("an end", |line| line["event"] == "ended" || line["event"] == "calendar.missed").await;
    // The document of a miss is handed over after its line.
    let end = daemon.stop().await;
    (site, end)
}

fn late(site: &Site, end: &End) {
    assert_eq!(site.published(), (1, 1), "{}; {REPEAT}", told(&end.log));
    assert_eq!(end.about("publish_late")[0]["level"], "warn", "{}; {REPEAT}", told(&end.log));
    let counted = end.counters();
    assert_eq!((&counted["publishes"], &counted["late"]), (&json!(1), &json!(1)), "{counted}; {REPEAT}");
    let told_late = site.documents_of("late");
    assert_eq!(told_late.len(), 1, "{told_late:?}; {REPEAT}");
    assert_eq!((&told_late[0]["type"], &told_late[0]["data"]["run"]), (&json!("softlanding.late.v1"), &json!(RUN)));
    assert!(site.documents_of("missed").is_empty() && site.documents_of("failed").is_empty(), "{REPEAT}");
}

async fn missed(site: &Site, end: &End, why: &str) {
    assert_eq!(site.published(), (0, 0), "{}; {REPEAT}", told(&end.log));
    let counted = end.counters();
    assert_eq!((&counted["publishes"], &counted["missed"]), (&json!(1), &json!(1)), "{counted}; {REPEAT}");
    let told_missed = site.documents_of("missed");
    assert_eq!(told_missed.len(), 1, "{told_missed:?}; {REPEAT}");
    assert_eq!(told_missed[0]["type"], "softlanding.missed.v1", "{REPEAT}");
    let data = &told_missed[0]["data"];
    assert_eq!(data["publish_at"], "2026-11-27T22:00:00.000Z", "{REPEAT}");
    assert!(data["why"].as_str().is_some_and(|text| text.contains(why)), "{data}; {REPEAT}");
    assert!(site.documents_of("late").is_empty(), "{REPEAT}");
    let said = site.says(&["status"]).await;
    assert!(said.contains("1 publish: 0 on time, 0 late, 1 missed"), "{said}; {REPEAT}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instant_that_nobody_staged_is_caught_up_with_within_the_limit() {
    patiently(async {
        let (site, end) = slept("caught-up", Before::Begun, "10min", 3.0).await;
        let caught_up = end.about("calendar.catching_up");
        assert_eq!((caught_up.len(), &caught_up[0]["level"]), (1, &json!("warn")), "{}; {REPEAT}", told(&end.log));
        late(&site, &end);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_limit_or_with_never_it_is_missed_and_everybody_hears_of_it() {
    patiently(async {
        for (name, catch_up, back_at) in [("beyond", "10min", 12.0), ("never", "never", 0.5)] {
            let (site, end) = slept(name, Before::Begun, catch_up, back_at).await;
            let lines = end.about("calendar.missed");
            assert_eq!((lines.len(), &lines[0]["level"]), (1, &json!("error")), "{}; {REPEAT}", told(&end.log));
            assert_eq!(
                (&lines[0]["entry"], &lines[0]["publish_at"]),
                (&json!("care"), &json!("2026-11-27T22:00:00.000Z"))
            );
            missed(&site, &end, "nothing was running").await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_staged_run_that_was_slept_through_is_late_or_missed_likewise() {
    patiently(async {
        let (site, end) = slept("staged-late", Before::Staged, "10min", 3.0).await;
        late(&site, &end);
        let (site, end) = slept("staged-missed", Before::Staged, "10min", 12.0).await;
        assert_eq!(end.about("stopped")[0]["level"], "error", "{}; {REPEAT}", told(&end.log));
        missed(&site, &end, "more than the 600 s that are allowed").await;
        assert_eq!(site.documents_of("failed").len(), 1, "{REPEAT}");
    })
    .await;
}

/// The process is there all the time and does not run, as on a laptop that was closed.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_asleep_at_the_instant_notices_when_it_wakes() {
    patiently(async {
        let site = Site::open("asleep", calm(&["Approved"]), -5, 30.0, "catch_up = \"never\"").await;
        site.keep_documents_of("missed");
        let mut daemon = site.serve();
        daemon.event("leading").await;
        daemon.signal(Signal::STOP);
        site.org.clock().sleep_until(friday() + 60_000).await;
        daemon.signal(Signal::CONT);
        let stopped = daemon.until("the end of the run", |line| line["event"] == "stopped" && line["run"] == RUN).await;
        assert_eq!(stopped["level"], "error", "{stopped}; {REPEAT}");
        daemon.event("ended").await;
        let end = daemon.stop().await;
        missed(&site, &end, "passed").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_nobody_approves_is_missed() {
    patiently(async {
        let terms = "require_approval = true\ncatch_up = \"30s\"";
        let site = Site::open("unapproved", calm(&["Approved"]), -4, 30.0, terms).await;
        site.keep_documents_of("missed");
        let mut daemon = site.serve();
        assert_eq!(daemon.event("publish_waits").await["level"], "warn", "{REPEAT}");
        daemon.event("ended").await;
        let end = daemon.stop().await;
        missed(&site, &end, "nobody has approved it").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_let_go_after_its_instant_is_late() {
    patiently(async {
        let site = Site::open("held", calm(&["Approved"]), -4, 30.0, "catch_up = \"2h\"").await;
        site.keep_documents_of("late");
        let mut daemon = site.serve();
        daemon.event("leading").await;
        site.says(&["hold", RUN, "--why", "change freeze", "--as", "Ann"]).await;
        daemon.event("publish_waits").await;
        site.org.clock().sleep_until(friday() + 15_000).await;
        site.says(&["resume", RUN, "--why", "the freeze is over", "--as", "Ann"]).await;
        daemon.event("ended").await;
        let end = daemon.stop().await;
        late(&site, &end);
        assert!(told(&end.log).contains("somebody holds it"), "{}; {REPEAT}", told(&end.log));
    })
    .await;
}

/// The process dies while the hook of the miss is running; the next one runs it again.
#[tokio::test(flavor = "multi_thread")]
async fn a_miss_whose_hook_was_cut_off_is_told_again() {
    patiently(async {
        let mut site = Site::open("cut-off", calm(&["Approved"]), -60, 5.0, "catch_up = \"never\"").await;
        let mut daemon = site.serve();
        daemon.event("calendar.begun").await;
        daemon.stop().await;
        site.org.leap(1.0, 5.0).await;
        let begun = site.hang_at("missed");
        let mut daemon = site.serve();
        daemon.event("calendar.missed").await;
        // A hook that has not read its script yet would read the next one, and answer in place of the next process's.
        tokio::fs::read(begun).await.expect("a pipe");
        daemon.kill().await;
        site.keep_documents_of("missed");
        let heard = site.pipe_of("missed");
        let daemon = site.serve();
        tokio::fs::read(heard).await.expect("a pipe");
        let end = daemon.stop().await;
        assert!(end.about("calendar.missed").is_empty(), "it is noted once; {REPEAT}");
        let told_missed = site.documents_of("missed");
        assert_eq!((told_missed.len(), &told_missed[0]["subject"]), (1, &json!("care")), "{told_missed:?}; {REPEAT}");
        assert_eq!(site.status().await["counters"]["missed"], 1, "{REPEAT}");
    })
    .await;
}
