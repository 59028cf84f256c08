//! A full disk and a locked journal, at the claim and before it: the run ends with a clear error, nothing has left that the
//! journal does not hold, and once the trouble is over the run goes on to exactly one publish.
//!
//! The disk is full for one process only: its limit on the size of files is set to what the journal's files have now.

mod support;

use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::Value;
use softlanding::hands::journal::{Journal, SqliteJournal};
use softlanding::law::order::{Order, Wish};
use softlanding::words::clock::Clock;
use softlanding::words::id::RunId;
use sqlx::{Connection, SqliteConnection};
use support::process::{Bench, PROGRAM, Talking, patiently};
use tokio::process::Command;

const REPEAT: &str = "to repeat: ./tests/run --test trouble";
/// Twin seconds per second.
const SPEED: u32 = 20;

/// A forgiving org: whatever is sent is applied, so that a publish sent twice counts twice.
const SCENARIO: &str = r#"
story = "trouble: 8 agents; whatever is sent is applied"
[publish]
duration_s = 5
stale_version = "accepted"
upload_key_reusable = true
[[cohorts]]
agents = 8
"#;

/// A bench on which an approval is awaited as long as it takes, and the journal is written by nobody meanwhile.
async fn bench(name: &str) -> Bench {
    let bench = Bench::open_before(name, SCENARIO, SPEED, "3min").await;
    bench.configure("refresh_lead = \"12min\"", "refresh_lead = \"90s\"\nlate_by_max = \"12h\"");
    bench.configure("prepare_lead = \"1min\"", "prepare_lead = \"30s\"");
    bench.configure("[clock]", "[serve]\nlease = \"1min\"\n[clock]");
    bench
}

/// `run` in a process that survives a write beyond its limit, as it survives a full disk: the write fails, and no signal
/// ends the process.
fn run(bench: &Bench, run: &str) -> Talking {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", PROGRAM, "run", run, "--json"]);
    command.current_dir(&bench.folder).stdin(Stdio::null()).kill_on_drop(true);
    command.env_remove("SOFTLANDING_CONFIG").env_remove("RUST_BACKTRACE");
    Talking::start(command)
}

/// From now on no file of this process grows: the next write to the journal fails.
fn disk_is_full(bench: &Bench, process: &Talking) {
    let id = process.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw).expect("a process");
    let size = |name: &str| std::fs::metadata(bench.folder.join(name)).map_or(0, |meta| meta.len());
    // SQLite appends to its log; the log is the longest that the process has to write to, or else the journal itself is.
    let bytes = size("softlanding.db-wal");
    assert!(bytes > 0, "nothing has been logged; {REPEAT}");
    prlimit(Some(id), Resource::Fsize, Rlimit { current: Some(bytes), maximum: None }).expect("a limit");
}

/// Another connection that holds the write lock, until it is dropped.
async fn lock(store: &Path) -> SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(store);
    let mut db = SqliteConnection::connect_with(&options).await.expect("the journal");
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut db).await.expect("the lock");
    db
}

async fn approve(bench: &Bench, run: &str) {
    let store = SqliteJournal::open_existing(&bench.store()).await.expect("the journal");
    let order = Order { wish: Wish::Approve, agent: None, who: "ann".to_owned(), why: "the board has met".to_owned() };
    store.send(&RunId::new(run).expect("a name"), Clock::System.now(), &order).await.expect("sent");
}

/// The process has ended because of its journal, and the twin has seen nothing that is not in it.
async fn ended_safely(bench: &Bench, run: &str, process: Talking, words: &[&str]) {
    let (code, complaint, _) = process.rest().await;
    assert_eq!(code, 6, "{complaint}; {REPEAT}");
    for words in words.iter().chain(&["hint: "]) {
        assert!(complaint.contains(words), "{words:?} is not in {complaint}; {REPEAT}");
    }
    assert_eq!(bench.truth().await["update_posts"], 0, "{REPEAT}");
    let claims = bench.records(run).await.iter().filter(|r| kind(r) == "publish_claimed").count();
    assert_eq!(claims, 0, "{REPEAT}");
}

/// The trouble is over: the run goes on where it is, to one publish.
async fn goes_on(bench: &Bench, run: &str) {
    let (code, complaint, _) = bench.run(run).rest().await;
    assert_eq!(code, 0, "{complaint}; {REPEAT}");
    let truth = bench.truth().await;
    assert_eq!((&truth["update_posts"], &truth["publishes_applied"]), (&1.into(), &1.into()), "{REPEAT}");
    let kinds: Vec<String> = bench.records(run).await.iter().map(kind).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "publish_claimed").count(), 1, "{REPEAT}");
    assert!(kinds.contains(&"settled".to_owned()), "{kinds:?}; {REPEAT}");
}

fn kind(record: &softlanding::law::event::Record) -> String {
    let value: Value = serde_json::to_value(record).expect("JSON");
    value["event"].as_str().unwrap_or_default().to_owned()
}

const FULL: &[&str] = &["appending to a run failed", "disk I/O error", "free space"];
const LOCKED: &[&str] = &["the journal is locked by another process"];

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_at_the_claim_stops_the_run_before_anything_is_sent() {
    patiently(async {
        let bench = bench("trouble-full-claim").await;
        let id = bench.stage_with(&["--require-approval"]).await;
        let mut process = run(&bench, &id);
        process.until("publish_waits").await;
        disk_is_full(&bench, &process);
        // The claim is the next that is to be written.
        approve(&bench, &id).await;
        ended_safely(&bench, &id, process, FULL).await;
        goes_on(&bench, &id).await;
        bench.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_before_the_claim_stops_the_run_as_well() {
    patiently(async {
        let bench = bench("trouble-full-early").await;
        let id = bench.stage().await;
        let mut process = run(&bench, &id);
        process.until("taken_up").await;
        disk_is_full(&bench, &process);
        ended_safely(&bench, &id, process, FULL).await;
        goes_on(&bench, &id).await;
        bench.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_from_the_start_lets_nothing_begin() {
    patiently(async {
        let bench = bench("trouble-full-start").await;
        let id = bench.stage().await;
        let before = std::fs::read(bench.store()).expect("the journal");
        let mut command = Command::new("sh");
        // No file may grow beyond half a kilobyte.
        command.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"", PROGRAM, "run", &id, "--json"]);
        command.current_dir(&bench.folder).stdin(Stdio::null()).kill_on_drop(true);
        ended_safely(&bench, &id, Talking::start(command), &["the journal", "cannot be opened", "free space"]).await;
        assert!(std::fs::read(bench.store()).expect("the journal") == before, "the journal was changed; {REPEAT}");
        goes_on(&bench, &id).await;
        bench.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_is_locked_at_the_claim_stops_the_run_before_anything_is_sent() {
    patiently(async {
        let bench = bench("trouble-locked-claim").await;
        let id = bench.stage_with(&["--require-approval"]).await;
        let mut process = run(&bench, &id);
        process.until("publish_waits").await;
        approve(&bench, &id).await;
        let lock = lock(&bench.store()).await;
        ended_safely(&bench, &id, process, LOCKED).await;
        drop(lock);
        goes_on(&bench, &id).await;
        bench.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_is_locked_before_the_claim_stops_the_run_as_well() {
    patiently(async {
        let bench = bench("trouble-locked-early").await;
        let id = bench.stage().await;
        let mut process = run(&bench, &id);
        process.until("taken_up").await;
        let held = lock(&bench.store()).await;
        ended_safely(&bench, &id, process, LOCKED).await;
        // While it is locked nobody takes the run up, though its publish is due by then, and nobody orders it about.
        bench.passes(180_000).await;
        let refused = async |line: &[&str]| {
            let (code, _, complaint) = bench.ends(line).await;
            assert!(code == 6 && complaint.contains("locked by another process"), "{line:?}: {complaint}; {REPEAT}");
        };
        let (run, hold, step) = (["run", &id], ["hold", &id, "--why", "x"], ["step", "publish", "--run", &id]);
        tokio::join!(refused(&run), refused(&hold), refused(&step));
        drop(held);
        goes_on(&bench, &id).await;
        bench.close().await;
    })
    .await;
}
