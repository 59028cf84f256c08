//! A run that is killed with SIGKILL again and again, and taken up again each time, publishes exactly once and loses nobody.
//!
//! What is killed is the program itself, against a twin in another process; the moment is a number of journal rows, drawn
//! from a seed, never a time.

mod support;

use serde_json::Value;
use softlanding::hands::journal::{Journal, SqliteJournal};
use softlanding::law::audit::Auditor;
use softlanding::law::event::{Event, Phase, Record};
use softlanding::law::run::Run;
use softlanding::words::clock::Seed;
use softlanding::words::id::RunId;
use support::process::{Bench, Talking, patiently, softlanding_says};

const REPEAT: &str = "to repeat: ./tests/run --test kill";
/// Kills in one run; three runs together have sixty, if each of them lasts that long.
const KILLS: u32 = 20;
/// Rows between two kills are drawn from 1 to this.
const ROWS_MAX: i64 = 12;
/// Twin seconds per second.
const SPEED: u32 = 40;

/// An org that breaks in every way that can be cured. It is forgiving: whatever is sent is applied, so that a publish
/// sent twice counts twice.
const SCENARIO: &str = r#"
story = "kill: 40 agents; the publish revokes and cuts, and whatever is sent is applied"

[publish]
duration_s = 25
stale_version = "accepted"
upload_key_reusable = true
PUBLISH

[revoke]
on_publish = true

[reported]
offered = true

[[cohorts]]
name = "evening"
agents = 40
shift_start_min = 30
login_min = [-120, -40]
calls = [{ agents = 4, start_min = [-8, -2], end_min = [2, 5] }]
[cohorts.kinds]
not_enrolled = 8
hand_over_missed = 2
refresh_token_dead = 1
station_lost = 2
phone_stale = 2
stubborn = 2
"#;

const ANSWER_LOST: &str = "answer = \"error_though_accepted\"\nanswer_times = 1\nanswer_delay_s = 5";

/// What a row is, when it is one that the tests look for.
fn kind(line: &str) -> String {
    let row: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    row["event"].as_str().or_else(|| row["event"]["event"].as_str()).unwrap_or_default().to_owned()
}

/// When to kill.
enum When {
    /// After a drawn number of new rows. The instant between the claim and its answer has a test of its own.
    Drawn,
    /// At the first new row of this kind.
    At(&'static str),
}

/// One process: reads what it tells until it is to be killed or has ended. True when it was killed.
async fn live_and_die(mut process: Talking, known: &mut usize, when: &When, rows: i64) -> bool {
    let (mut seen, mut fresh) = (0_usize, 0_i64);
    while let Some(line) = process.line().await {
        seen += 1;
        if seen <= *known {
            continue;
        }
        *known = seen;
        fresh += 1;
        let kind = kind(&line);
        let now = match when {
            When::Drawn => fresh >= rows && kind != "publish_claimed",
            When::At(wanted) => kind == *wanted,
        };
        if now {
            process.kill().await;
            return true;
        }
    }
    let (code, complaint) = process.end().await;
    assert!(code == Some(0) || code == Some(5), "a run ended with {code:?}; {REPEAT}\n{complaint}");
    assert!(!complaint.contains("panicked"), "{complaint}");
    false
}

/// Carries a run out with up to `kills` deaths; how many there were.
async fn die_often(bench: &Bench, run: &str, seed: u64, when: &When, kills: u32) -> u32 {
    let mut chance = Seed(seed).fork("kills");
    // The row of the staging itself is told again by every process.
    let (mut known, mut deaths) = (1, 0);
    loop {
        let rows = if deaths < kills { chance.between(1, ROWS_MAX) } else { i64::MAX };
        let when = if deaths < kills { when } else { &When::Drawn };
        if !live_and_die(bench.run(run), &mut known, when, rows).await {
            return deaths;
        }
        deaths += 1;
    }
}

/// The journal as a whole, audited; and the run that it amounts to.
async fn journal(bench: &Bench, run: &str) -> (Vec<Record>, Run) {
    let id = RunId::new(run).expect("a run's name");
    let files = std::fs::read_dir(&bench.folder).expect("a folder").map(|e| e.expect("an entry").path());
    let store = files.into_iter().find(|f| f.extension().is_some_and(|e| e == "db") && !f.ends_with("vault.db"));
    let store = SqliteJournal::open_existing(&store.expect("a journal")).await.expect("a journal");
    let records = store.load::<Event>(&id).await.expect("records");
    let violation = Auditor::check(&records);
    assert!(violation.is_ok(), "{violation:?}; {REPEAT}");
    let replayed = Run::replay(&records).expect("a journal replays");
    (records, replayed)
}

/// What holds after any number of deaths.
async fn holds(bench: &Bench, run: &str, deaths: u32) -> (Value, Run) {
    let truth = bench.truth().await;
    let (records, replayed) = journal(bench, run).await;
    let taken_up = records.iter().filter(|r| matches!(r.event, Event::TakenUp)).count();
    assert!(replayed.is_over(), "{}; {REPEAT}", replayed.phase.words());
    assert!(taken_up > 0 || deaths == 0, "{deaths} deaths and never taken up; {REPEAT}");
    assert_eq!(truth["touched_on_call"], 0, "{REPEAT}");
    assert_eq!(truth["too_many_requests"], 0, "{REPEAT}");
    let applied = truth["publishes_applied"].as_u64().expect("a number");
    assert!(applied <= 1, "published {applied} times; {REPEAT}");
    let updates = truth["update_posts"].as_u64().expect("a number");
    assert!(updates <= 1, "sent {updates} times; {REPEAT}");
    (truth, replayed)
}

/// Every agent has one verdict, in the journal and in the report.
async fn nobody_is_lost(bench: &Bench, run: &str, truth: &Value, replayed: &Run) {
    let agents = truth["agents"].as_array().expect("agents").len();
    assert_eq!(replayed.tally().total() as usize, agents, "{REPEAT}");
    let without = replayed.agents.iter().filter(|agent| agent.verdict.is_none()).count();
    assert_eq!(without, 0, "{without} agents without a verdict; {REPEAT}");
    softlanding_says(&bench.folder, &["report", run, "--out", "again"]).await;
    let report = std::fs::read_to_string(bench.folder.join("again/report.json")).expect("a report");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    let told = report["agents"].as_array().expect("agents");
    let ids: std::collections::BTreeSet<&str> = told.iter().filter_map(|a| a["id"].as_str()).collect();
    assert_eq!((told.len(), ids.len()), (agents, agents), "{REPEAT}");
    let known = ["ready", "recovered", "deferred", "straggler", "unknown"];
    assert!(told.iter().all(|a| a["verdict"].as_str().is_some_and(|v| known.contains(&v))), "{REPEAT}");
}

async fn killed_at_random(name: &str, publish: &str, seed: u64) -> u32 {
    let bench = Bench::open(name, &SCENARIO.replace("PUBLISH", publish), SPEED).await;
    let run = bench.stage().await;
    let deaths = die_often(&bench, &run, seed, &When::Drawn, KILLS).await;
    let (truth, replayed) = holds(&bench, &run, deaths).await;
    assert_eq!(truth["publishes_applied"], 1, "{REPEAT}");
    assert_eq!(replayed.phase, Phase::Settled, "{REPEAT}");
    nobody_is_lost(&bench, &run, &truth, &replayed).await;
    bench.close().await;
    deaths
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_a_run_publishes_once_and_loses_nobody() {
    let runs = async {
        tokio::join!(
            killed_at_random("kill-first", "", 1),
            killed_at_random("kill-second", "", 2),
            killed_at_random("kill-third", ANSWER_LOST, 3),
        )
    };
    let (first, second, third) = patiently(runs).await;
    assert!(first + second + third >= 50, "killed {first}, {second} and {third} times only; {REPEAT}");
}

/// The one instant at which nobody can know: the claim is in the journal, and the process is gone. Whether the request had
/// left is for the twin to say; the run must look, send nothing again, and say how it ended.
#[tokio::test(flavor = "multi_thread")]
async fn killed_at_the_claim_a_run_looks_and_never_sends_again() {
    patiently(killed_at_the_claim()).await;
}

async fn killed_at_the_claim() {
    let bench = Bench::open("kill-claim", &SCENARIO.replace("PUBLISH", ""), SPEED).await;
    let run = bench.stage().await;
    let deaths = die_often(&bench, &run, 4, &When::At("publish_claimed"), 1).await;
    let (truth, replayed) = holds(&bench, &run, deaths).await;
    assert_eq!(deaths, 1, "{REPEAT}");
    match truth["publishes_applied"].as_u64() {
        Some(1) => {
            assert_eq!(replayed.phase, Phase::Settled, "{REPEAT}");
            nobody_is_lost(&bench, &run, &truth, &replayed).await;
        }
        _ => assert_eq!(replayed.phase, Phase::InDoubt, "{REPEAT}"),
    }
    bench.close().await;
}

/// Two processes carry the same run out. One of them loses the journal, says so, and the publish happens once.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_one_loses_clearly() {
    patiently(two_processes()).await;
}

async fn two_processes() {
    let bench = Bench::open("kill-two", &SCENARIO.replace("PUBLISH", ""), SPEED).await;
    let run = bench.stage().await;
    let (one, other) = tokio::join!(to_its_end(bench.run(&run)), to_its_end(bench.run(&run)));
    let mut ends = [one, other];
    ends.sort();
    let [(winner, _), (loser, complaint)] = ends;
    assert_eq!((winner, loser), (Some(0), Some(75)), "{complaint}; {REPEAT}");
    assert!(complaint.contains("another") || complaint.contains("moved on"), "{complaint}; {REPEAT}");
    assert!(!complaint.contains("panicked"), "{complaint}");
    let (truth, replayed) = holds(&bench, &run, 0).await;
    assert_eq!(truth["publishes_applied"], 1, "{REPEAT}");
    nobody_is_lost(&bench, &run, &truth, &replayed).await;
    bench.close().await;
}

async fn to_its_end(mut process: Talking) -> (Option<i32>, String) {
    while process.line().await.is_some() {}
    process.end().await
}
