//! Orders from the command line: approve, hold, resume and abort reach a run wherever it is carried out, and each stands in
//! the journal and in the report with who, when and why. And what happens when nobody decides, or somebody else does.
//!
//! Every run here is carried out by the program itself in a process of its own, against a twin in another.

mod support;

use serde_json::Value;
use sqlx::Connection;
use support::planner::Planner;
use support::process::{Bench, Talking, patiently, softlanding};

const REPEAT: &str = "to repeat: ./tests/run --test control";
/// Twin seconds per second.
const SPEED: u32 = 40;

/// A small org whose publish revokes, so that two agents need a remedy.
const SCENARIO: &str = r#"
story = "control: 6 agents, two of them need help after the publish"

[publish]
duration_s = 5

[revoke]
on_publish = true

[reported]
offered = true

[[cohorts]]
agents = 6
[cohorts.kinds]
not_enrolled = 2
"#;

/// A bench whose Friday is short: `late_by_max` and `check_delay` as given.
async fn bench(name: &str, before: &str, late_by_max: &str, check_delay: &str) -> Bench {
    let bench = Bench::open_before(name, SCENARIO, SPEED, before).await;
    let timing = format!("late_by_max = \"{late_by_max}\"\ncheck_delay = \"{check_delay}\"\nsettle_after = \"8min\"");
    bench.configure("settle_after = \"35min\"", &timing);
    bench.configure("refresh_lead = \"12min\"", "refresh_lead = \"90s\"");
    bench.configure("prepare_lead = \"1min\"", "prepare_lead = \"30s\"");
    bench
}

/// Gives an order that must be followed; what was said.
async fn ordered(bench: &Bench, wish: &str, run: &str, why: &str) -> String {
    let (code, said, complaint) = bench.ends(&[wish, run, "--why", why, "--as", "ann@ops"]).await;
    assert_eq!(code, 0, "{wish}: {said}{complaint}; {REPEAT}");
    said
}

/// The words of everything that people told the run, from its report.
fn control(report: &Value) -> Vec<&str> {
    report["control"].as_array().expect("control").iter().filter_map(|line| line["words"].as_str()).collect()
}

/// `status` says how the run stands, what it needs and what to do about it, in the list as well and to programs.
async fn stands(bench: &Bench, run: &str, words: &str, needs: &str, step: &str) {
    let (_, one, _) = bench.ends(&["status", run]).await;
    let flat = one.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(one.contains(&format!(": {words}\n")) && flat.contains(step), "{one}; {REPEAT}");
    let (_, listed, _) = bench.ends(&["status"]).await;
    assert!(listed.contains("waits for"), "{listed}; {REPEAT}");
    let (_, document, _) = bench.ends(&["status", run, "--json"]).await;
    let document: Value = serde_json::from_str(&document).expect("JSON");
    let told = &document["runs"][0];
    assert_eq!((&told["needs"], told["why"].is_string()), (&needs.into(), true), "{document}; {REPEAT}");
}

fn position(records: &[Value], fits: impl Fn(&Value) -> bool) -> Option<usize> {
    records.iter().position(fits)
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_reach_a_run_that_another_process_carries_out() {
    patiently(async {
        let bench = bench("control-live", "6min", "10min", "30s").await;
        bench.listening_hook("late");
        let run = bench.stage_with(&["--require-approval"]).await;
        let mut process = bench.run(&run);
        process.until("taken_up").await;
        let said = ordered(&bench, "hold", &run, "change freeze").await;
        assert!(said.contains("held by ann@ops: change freeze"), "{said}; {REPEAT}");
        let record = process.until("ordered").await;
        assert_eq!((&record["wish"], &record["who"]), (&"hold".into(), &"ann@ops".into()), "{REPEAT}");
        ordered(&bench, "approve", &run, "the board has met").await;
        // T comes, and the publish waits for the one who holds it.
        let wait = process.until("publish_waits").await;
        assert_eq!(wait["wait"], "resume", "{REPEAT}");
        assert_eq!(bench.truth().await["update_posts"], 0, "{REPEAT}");
        bench.passes(15_000).await;
        ordered(&bench, "resume", &run, "freeze is over").await;
        let late = process.until("publish_late").await;
        assert!(late["why"].as_str().is_some_and(|why| why.contains("holds")), "{late}; {REPEAT}");
        let (code, complaint, _) = process.rest().await;
        assert_eq!(code, 0, "{complaint}; {REPEAT}");
        assert_eq!(bench.truth().await["publishes_applied"], 1, "{REPEAT}");
        let report = bench.report(&run).await;
        let told = control(&report);
        for words in ["held by ann@ops: change freeze", "approved by ann@ops: the board has met", "resumed by ann@ops"]
        {
            assert!(told.iter().any(|line| line.contains(words)), "{words}: {told:?}; {REPEAT}");
        }
        let page = std::fs::read_to_string(bench.folder.join("report-again/report.html")).expect("a page");
        assert!(page.contains("held by ann@ops: change freeze"), "{REPEAT}");
        let heard = bench.heard("late").unwrap_or_else(|| panic!("the hook `late` was not run; {REPEAT}"));
        assert_eq!((&heard["type"], &heard["data"]["run"]), (&"softlanding.late.v1".into(), &run.as_str().into()));
        assert!(heard["data"]["late_ms"].as_i64().is_some_and(|ms| ms > 10_000), "{heard}; {REPEAT}");
        // What has ended takes no more orders.
        for wish in ["approve", "hold", "resume", "abort"] {
            let (code, said, complaint) = bench.ends(&[wish, &run, "--why", "too late"]).await;
            assert_eq!((code, said.as_str()), (4, ""), "{wish}: {complaint}; {REPEAT}");
            assert!(complaint.contains("settled"), "{complaint}; {REPEAT}");
        }
        bench.records(&run).await;
        bench.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_to_a_run_that_nobody_carries_out_are_in_its_journal_at_once() {
    patiently(async {
        let bench = bench("control-idle", "60min", "10min", "30s").await;
        let run = bench.stage_with(&["--require-approval"]).await;
        stands(&bench, &run, "waiting, not approved, not held", "approval", "softlanding approve RUN").await;
        ordered(&bench, "approve", &run, "the board has met").await;
        ordered(&bench, "hold", &run, "wrong week?").await;
        stands(&bench, &run, "waiting, approved, held", "resume", "softlanding resume RUN").await;
        ordered(&bench, "resume", &run, "right week").await;
        let (_, said, _) = bench.ends(&["status", &run]).await;
        assert!(said.contains(": waiting, approved, not held\n"), "{said}; {REPEAT}");
        let (code, _, complaint) = bench.ends(&["resume", &run, "--why", "again"]).await;
        assert!(code == 4 && complaint.contains("nothing is held"), "{code} {complaint}; {REPEAT}");
        let (_, said, _) = bench.ends(&["status", &run]).await;
        assert!(said.contains("approved by ann@ops: the board has met"), "{said}; {REPEAT}");
        ordered(&bench, "abort", &run, "wrong week").await;
        let kinds: Vec<String> =
            bench.records(&run).await.iter().map(|r| kind(&serde_json::to_value(r).expect("JSON"))).collect();
        let expected = ["staged", "ordered", "ordered", "ordered", "order_refused", "ordered", "stopped"];
        assert_eq!(kinds, expected, "{REPEAT}");
        // Whoever runs it now is told, the hooks are heard once, and nothing else is done.
        bench.listening_hook("failed");
        let (code, said, _) = bench.ends(&["run", &run]).await;
        assert!(code == 4 && said.contains("aborted by ann@ops: wrong week"), "{code} {said}; {REPEAT}");
        let (code, _, complaint) = bench.ends(&["run", &run]).await;
        assert!(code == 4 && complaint.contains("aborted by ann@ops: wrong week"), "{code} {complaint}; {REPEAT}");
        let heard = bench.heard("failed").expect("the hook was run once");
        assert_eq!(heard["data"]["why"], "aborted by ann@ops: wrong week", "{REPEAT}");
        let truth = bench.truth().await;
        assert_eq!((&truth["update_posts"], &truth["publishes_applied"]), (&0.into(), &0.into()), "{REPEAT}");
        assert_eq!(bench.report(&run).await["ending"], "aborted", "{REPEAT}");
        bench.close().await;
    })
    .await;
}

/// Puts an order into the store that this build does not know, as a newer one could.
async fn unknown_order(bench: &Bench, run: &str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(bench.store());
    let mut db = sqlx::SqliteConnection::connect_with(&options).await.expect("the journal");
    let order = "INSERT INTO orders (run, at_ms, body) VALUES (?, 0, '{\"wish\":\"sing\"}')";
    sqlx::query(order).bind(run).execute(&mut db).await.expect("an order");
    db.close().await.expect("a connection that closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_nobody_can_read_keeps_none_behind_it_from_being_heard() {
    patiently(async {
        let bench = bench("control-unread", "6min", "10min", "30s").await;
        let run = bench.stage_with(&["--require-approval"]).await;
        unknown_order(&bench, &run).await;
        ordered(&bench, "approve", &run, "the board has met").await;
        let mut process = bench.run(&run);
        process.until("taken_up").await;
        unknown_order(&bench, &run).await;
        ordered(&bench, "abort", &run, "wrong week").await;
        let (code, complaint, _) = process.rest().await;
        assert_eq!(code, 4, "{complaint}; {REPEAT}");
        let records = bench.records(&run).await;
        let kinds: Vec<String> = records.iter().map(|r| kind(&serde_json::to_value(r).expect("JSON"))).collect();
        let told: Vec<&str> = kinds.iter().map(String::as_str).filter(|kind| kind.starts_with("order")).collect();
        assert_eq!(told, ["order_unread", "ordered", "order_unread", "ordered"], "{REPEAT}");
        let report = bench.report(&run).await;
        assert!(control(&report).iter().any(|line| line.contains("cannot be read")), "{report}; {REPEAT}");
        bench.close().await;
    })
    .await;
}

fn kind(record: &Value) -> String {
    record["event"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_approval_nothing_is_published_and_who_should_hear_does() {
    patiently(async {
        let bench = bench("control-missed", "4min", "30s", "30s").await;
        for point in ["missed", "failed", "late"] {
            bench.listening_hook(point);
        }
        let run = bench.stage_with(&["--require-approval"]).await;
        let mut process = bench.run(&run);
        assert_eq!(process.until("publish_waits").await["wait"], "approval", "{REPEAT}");
        let (code, _, records) = process.rest().await;
        assert_eq!(code, 4, "{REPEAT}");
        let stopped = records.iter().find(|r| r["event"] == "stopped").expect("a stop");
        assert_eq!(stopped["kind"], "missed", "{REPEAT}");
        let why = stopped["why"].as_str().expect("a reason");
        assert!(why.contains("nobody has approved it"), "{why}; {REPEAT}");
        assert_eq!(bench.truth().await["update_posts"], 0, "{REPEAT}");
        for point in ["missed", "failed"] {
            let heard = bench.heard(point).unwrap_or_else(|| panic!("{point} was not run; {REPEAT}"));
            assert_eq!(heard["type"], format!("softlanding.{point}.v1"), "{REPEAT}");
            assert_eq!(heard["data"]["why"], why, "{REPEAT}");
        }
        assert!(bench.heard("late").is_none(), "nothing was late; {REPEAT}");
        // An approval that comes now is refused, not kept.
        let (code, _, complaint) = bench.ends(&["approve", &run, "--why", "sorry"]).await;
        assert!(code == 4 && complaint.contains("stopped"), "{complaint}; {REPEAT}");
        let (code, _, complaint) = bench.ends(&["run", &run]).await;
        assert!(code == 4 && complaint.contains("nobody has approved it"), "{complaint}; {REPEAT}");
        bench.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_before_the_claim_leaves_nothing_behind() {
    patiently(async {
        let bench = bench("control-abort", "6min", "10min", "30s").await;
        let run = bench.stage_with(&["--require-approval"]).await;
        let mut process = bench.run(&run);
        // As late as it can be: everything is uploaded, and only the approval is missing.
        process.until("publish_waits").await;
        ordered(&bench, "abort", &run, "wrong week").await;
        let (code, _, records) = process.rest().await;
        assert_eq!(code, 4, "{REPEAT}");
        let stopped = records.iter().find(|r| r["event"] == "stopped").expect("a stop");
        assert_eq!((&stopped["kind"], &stopped["why"]), (&"aborted".into(), &"aborted by ann@ops: wrong week".into()));
        let truth = bench.truth().await;
        assert_eq!((&truth["update_posts"], &truth["publishes_applied"]), (&0.into(), &0.into()), "{REPEAT}");
        let schedule = Planner::at(&bench.url, "Approved").await.look().await;
        assert_eq!((&schedule["published"], &schedule["metadata"]["version"]), (&false.into(), &7.into()), "{REPEAT}");
        bench.records(&run).await;
        bench.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_after_the_publish_stops_the_remedies_and_says_that_this_is_all_it_does() {
    patiently(async {
        let bench = bench("control-after", "4min", "10min", "2min").await;
        let run = bench.stage().await;
        let mut process = bench.run(&run);
        process.until("publish_confirmed").await;
        let said = ordered(&bench, "abort", &run, "storm").await;
        assert!(said.contains("the publish stands, no more remedies are begun"), "{said}; {REPEAT}");
        let (code, _, records) = process.rest().await;
        assert_eq!(code, 0, "{REPEAT}");
        let at = position(&records, |r| r["event"] == "ordered").expect("the order");
        assert!(position(&records[at..], |r| r["event"] == "remedy_started").is_none(), "a remedy was begun; {REPEAT}");
        let report = bench.report(&run).await;
        assert!(control(&report).iter().any(|line| line.contains("the publish stands")), "{report}; {REPEAT}");
        assert_eq!((&report["ending"], &report["tally"]["stragglers"]), (&"settled".into(), &2.into()), "{REPEAT}");
        assert_eq!(bench.truth().await["publishes_applied"], 1, "{REPEAT}");
        bench.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_after_the_publish_holds_the_remedies_until_somebody_resumes() {
    patiently(async {
        let bench = bench("control-held", "4min", "10min", "2min").await;
        let run = bench.stage().await;
        let mut process = bench.run(&run);
        process.until("publish_confirmed").await;
        let said = ordered(&bench, "hold", &run, "phones are down").await;
        assert!(said.contains("no remedy is begun until somebody resumes"), "{said}; {REPEAT}");
        process.until("ordered").await;
        let straggles = |r: &Value| r["verdicts"].to_string().contains("straggler");
        process.until_that("judged", straggles).await;
        let words = "check and re-provision, remedies stopped";
        stands(&bench, &run, words, "resume", "softlanding resume RUN").await;
        ordered(&bench, "resume", &run, "they are back").await;
        // Everything from here on comes after the hold; the first remedy comes after the resumption.
        let resumed = process.until_that("ordered", |r| r["wish"] == "resume").await;
        assert_eq!(resumed["why"], "they are back", "{REPEAT}");
        let (code, _, _) = process.rest().await;
        assert_eq!(code, 0, "{REPEAT}");
        let records: Vec<Value> =
            bench.records(&run).await.iter().map(|r| serde_json::to_value(r).expect("JSON")).collect();
        let first = position(&records, |r| r["event"] == "remedy_started").expect("a remedy");
        let resumed = position(&records, |r| r["wish"] == "resume").expect("the resumption");
        assert!(resumed < first, "a remedy was begun although the run was held; {REPEAT}");
        assert_eq!(bench.report(&run).await["tally"]["recovered"], 2, "{REPEAT}");
        bench.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_makes_no_sense_is_refused_in_one_sentence() {
    let bench = bench("control-rubbish", "60min", "10min", "30s").await;
    let run = bench.stage().await;
    let (empty, long) = (String::new(), "x".repeat(501));
    let cases: [(&[&str], i32, &str); 9] = [
        (&["approve", &run], 2, "--why"),
        (&["approve", &run, "--why", &empty], 2, "--why"),
        (&["hold", &run, "--why", "  "], 2, "--why"),
        (&["hold", &run, "--why", &long], 2, "500"),
        (&["abort", &run, "--why", "a\nb"], 2, "control characters"),
        (&["abort", &run, "--why", "x", "--as", ""], 2, "--as"),
        (&["resume", "../../etc", "--why", "x"], 2, "run"),
        (&["abort", "20261127-1600-nobody-abcd", "--why", "x"], 2, "there is no run"),
        (&["abort", &run, "--why", "x", "--config", "none.toml"], 3, "none.toml"),
    ];
    for (line, code, words) in cases {
        let (found, said, complaint) = bench.ends(line).await;
        assert_eq!((found, said.as_str()), (code, ""), "{line:?}: {complaint}; {REPEAT}");
        assert!(complaint.contains(words), "{line:?}: {complaint}; {REPEAT}");
    }
    assert_eq!(bench.records(&run).await.len(), 1, "a refused order left something; {REPEAT}");
    bench.close().await;
}

/// What somebody else does to the schedule between staging and T.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Deed {
    Edits,
    Publishes,
    Deletes,
}

impl Deed {
    async fn happens(self, planner: &Planner) {
        let before = planner.look().await;
        match self {
            Deed::Edits => planner.edit().await,
            Deed::Publishes => planner.publish().await,
            Deed::Deletes => return planner.delete().await,
        }
        // The platform works on it for a while.
        while planner.look().await["metadata"]["version"] == before["metadata"]["version"] {
            tokio::task::yield_now().await;
        }
    }
    fn words(self) -> &'static str {
        match self {
            Deed::Edits => "the schedule was changed after it was staged",
            Deed::Publishes => "the schedule is published already",
            Deed::Deletes => "the schedule is not there any more",
        }
    }
    fn kind(self) -> &'static str {
        match self {
            Deed::Edits => "changed",
            Deed::Publishes => "published",
            Deed::Deletes => "vanished",
        }
    }
    /// Updates and publishes of the somebody.
    fn counts(self) -> (u64, u64) {
        match self {
            Deed::Edits => (1, 0),
            Deed::Publishes => (1, 1),
            Deed::Deletes => (0, 0),
        }
    }
}

/// A run whose schedule drifted, from the instant at which it noticed.
async fn drifted(name: &str, deed: Deed, policy: &str, late_by_max: &str) -> (Bench, String, Talking) {
    let bench = bench(name, "5min", late_by_max, "30s").await;
    let run = bench.stage_with(&["--on-drift", policy]).await;
    deed.happens(&Planner::at(&bench.url, "Approved").await).await;
    let mut process = bench.run(&run);
    let drift = process.until("drifted").await;
    assert_eq!((&drift["drift"]["kind"], &drift["policy"]), (&deed.kind().into(), &policy.into()), "{REPEAT}");
    (bench, run, process)
}

/// How a run with drift ends when nobody intervenes: the code, and what the twin saw of us beyond what somebody did.
async fn left_alone(deed: Deed, policy: &str) -> (i32, u64, u64) {
    let name = format!("control-{deed:?}-{policy}").to_lowercase();
    let (bench, run, process) = drifted(&name, deed, policy, "30s").await;
    let (code, complaint, records) = process.rest().await;
    let report = bench.report(&run).await;
    assert!(control(&report).iter().any(|line| line.contains(deed.words())), "{report}; {REPEAT}");
    if code == 4 {
        let stopped = records.iter().find(|r| r["event"] == "stopped").expect("a stop");
        assert_eq!((&stopped["kind"], &report["ending"]), (&"drifted".into(), &"drifted".into()), "{REPEAT}");
        assert!(stopped["why"].as_str().is_some_and(|why| why.contains(deed.words())), "{stopped}; {REPEAT}");
    } else {
        assert_eq!(report["ending"], "settled", "{complaint}; {REPEAT}");
    }
    bench.records(&run).await;
    let truth = bench.truth().await;
    let count = |name: &str| truth[name].as_u64().expect("a number");
    let (updates, publishes) = deed.counts();
    let ours = (code, count("update_posts") - updates, count("publishes_applied") - publishes);
    bench.close().await;
    ours
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_drifted_is_held_and_without_a_decision_nothing_is_published() {
    patiently(async {
        let ends = tokio::join!(
            left_alone(Deed::Edits, "hold"),
            left_alone(Deed::Publishes, "hold"),
            left_alone(Deed::Deletes, "hold"),
        );
        assert_eq!(ends, ((4, 0, 0), (4, 0, 0), (4, 0, 0)), "{REPEAT}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_latest_is_to_be_published_it_is_unless_there_is_none() {
    patiently(async {
        let ends = tokio::join!(
            left_alone(Deed::Edits, "publish-latest"),
            left_alone(Deed::Publishes, "publish-latest"),
            left_alone(Deed::Deletes, "publish-latest"),
        );
        // Published by us; checked only; nothing left to publish.
        assert_eq!(ends, ((0, 1, 1), (0, 0, 0), (4, 0, 0)), "{REPEAT}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_after_the_upload_is_found_by_the_last_look_and_the_latest_is_published() {
    patiently(async {
        let bench = bench("control-last-look", "6min", "10min", "30s").await;
        bench.configure("prepare_lead = \"30s\"", "prepare_lead = \"3min\"");
        bench.configure("refresh_lead = \"90s\"", "refresh_lead = \"5min\"");
        let planner = Planner::at(&bench.url, "Approved").await;
        let run = bench.stage_with(&["--on-drift", "publish-latest"]).await;
        let mut process = bench.run(&run);
        process.until("schedule_seen").await;
        // What the run then uploads holds the version that it has just seen.
        bench.passes(20_000).await;
        Deed::Edits.happens(&planner).await;
        let drift = process.until("drifted").await;
        assert_eq!(drift["drift"]["kind"], "changed", "{REPEAT}");
        let (code, complaint, _) = process.rest().await;
        assert_eq!(code, 0, "{complaint}; {REPEAT}");
        let truth = bench.truth().await;
        assert_eq!((&truth["update_posts"], &truth["publishes_applied"]), (&2.into(), &1.into()), "{REPEAT}");
        bench.records(&run).await;
        bench.close().await;
    })
    .await;
}

/// A run with drift that a person accepts; what the twin saw of us.
async fn accepted(deed: Deed) -> (i32, u64) {
    let name = format!("control-{deed:?}-accepted").to_lowercase();
    let (bench, run, mut process) = drifted(&name, deed, "hold", "10min").await;
    assert_eq!(process.until("publish_waits").await["wait"], "drift", "{REPEAT}");
    ordered(&bench, "resume", &run, "that change is meant").await;
    let (code, complaint, records) = process.rest().await;
    let elsewhere = records.iter().any(|r| r["event"] == "published_elsewhere");
    assert_eq!(elsewhere, deed == Deed::Publishes, "{complaint}; {REPEAT}");
    bench.records(&run).await;
    let truth = bench.truth().await;
    assert_eq!(truth["publishes_applied"], 1, "{REPEAT}");
    let updates = truth["update_posts"].as_u64().expect("a number") - deed.counts().0;
    bench.close().await;
    (code, updates)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_accept_what_is_there_now() {
    patiently(async {
        let ends = tokio::join!(accepted(Deed::Edits), accepted(Deed::Publishes));
        assert_eq!(ends, ((0, 1), (0, 0)), "{REPEAT}");
    })
    .await;
}

/// An order for a run whose leader has been killed is not lost: whoever takes the run up finds it in the journal.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_survives_the_death_of_the_process_that_was_to_take_it() {
    patiently(async {
        let bench = bench("control-dead", "6min", "10min", "30s").await;
        let run = bench.stage_with(&["--require-approval"]).await;
        let mut process = bench.run(&run);
        process.until("taken_up").await;
        process.kill().await;
        ordered(&bench, "approve", &run, "the board has met").await;
        let process = Talking::start(softlanding(&bench.folder, &["run", &run, "--json"]));
        let (code, complaint, _) = process.rest().await;
        assert_eq!(code, 0, "{complaint}; {REPEAT}");
        assert_eq!(bench.truth().await["publishes_applied"], 1, "{REPEAT}");
        bench.close().await;
    })
    .await;
}
