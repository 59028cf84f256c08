//! softlanding as a program: in a folder of its own, with a twin in another process.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use softlanding::hands::journal::{Journal, RECORD_FORMAT, SqliteJournal};
use softlanding::law::audit::Auditor;
use softlanding::law::event::{Event, Record};
use softlanding::law::run::Run;
use softlanding::shells::report::recorded;
use softlanding::words::clock::{Clock, Timestamp};
use softlanding::words::id::RunId;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_softlanding");

/// A folder with nothing in it, below the build directory; what an earlier test run left there is removed.
pub fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("an old folder can be removed");
    }
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// A program of the Python environment that `./tests/run` makes beside the build directory's other things.
pub fn installed(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the build directory");
    let program = target.join("test-venv/bin").join(name);
    assert!(
        program.exists(),
        "{} is missing; run ./tests/run once, it installs what this test needs",
        program.display()
    );
    program
}

/// The program in a folder, about to be started; killed when it is dropped.
pub fn softlanding(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder).args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    command.env_remove("SOFTLANDING_CONFIG").env_remove("RUST_BACKTRACE");
    command.env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_USEC").env_remove("WATCHDOG_PID");
    command
}

/// Runs the program to its end.
pub async fn softlanding_ends(folder: &Path, arguments: &[&str]) -> Output {
    softlanding(folder, arguments).output().await.expect("the program runs")
}

/// The same, expecting code 0; what it printed.
pub async fn softlanding_says(folder: &Path, arguments: &[&str]) -> String {
    let output = softlanding_ends(folder, arguments).await;
    let (said, complaint) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "softlanding {}\n{said}\n{complaint}", arguments.join(" "));
    said
}

/// An export of the recorded Friday as `softlanding export` writes it, as `friday.jsonl`; the run's name.
pub fn exported(folder: &Path) -> String {
    let records = recorded::friday().expect("a recording");
    let run = "20261204-1600-customer-care-test";
    let head = json!({
        "softlanding_export": 1, "format": RECORD_FORMAT, "run": run, "events": records.len(), "claims": [1],
    });
    let lines = records.iter().map(|record| serde_json::to_string(record).expect("JSON"));
    let text: Vec<String> = std::iter::once(head.to_string()).chain(lines).collect();
    std::fs::write(folder.join("friday.jsonl"), text.join("\n")).expect("a file");
    run.to_owned()
}

/// What a program printed, on both streams.
pub fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// A child whose standard output is read line by line.
pub struct Talking {
    /// The process.
    pub child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Talking {
    /// Starts a command with its output piped.
    pub fn start(mut command: Command) -> Talking {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let out = child.stdout.take().expect("a pipe");
        Talking { child, lines: BufReader::new(out).lines() }
    }
    /// The next line; `None` at the end.
    pub async fn line(&mut self) -> Option<String> {
        self.lines.next_line().await.expect("text")
    }
    /// Reads on to the record of this kind; what lies before it is lost.
    pub async fn until(&mut self, kind: &str) -> Value {
        self.until_that(kind, |_| true).await
    }
    /// The same with a condition.
    pub async fn until_that(&mut self, kind: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let mut seen = Vec::new();
        while let Some(line) = self.line().await {
            let record: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
            if record["event"] == kind && fits(&record) {
                return record;
            }
            seen.push(record["event"].to_string());
        }
        let left = self.child.try_wait().ok().flatten();
        panic!("no {kind} came; the process: {left:?}; seen: {}", seen.join(" "));
    }
    /// Reads on to its end: its code, its complaint, and the rest of its records.
    pub async fn rest(mut self) -> (i32, String, Vec<Value>) {
        let mut records = Vec::new();
        while let Some(line) = self.line().await {
            records.push(serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}")));
        }
        let (code, complaint) = self.end().await;
        assert!(!complaint.contains("panicked"), "{complaint}");
        (code.unwrap_or(-1), complaint, records)
    }
    /// Kills it with SIGKILL and waits until it is gone.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it can be killed");
    }
    /// Its code and its complaint, once it has ended by itself.
    pub async fn end(self) -> (Option<i32>, String) {
        let output = self.child.wait_with_output().await.expect("it ends");
        (output.status.code(), texts(&output).1)
    }
}

/// A twin in a process of its own, and a folder configured for it.
pub struct Bench {
    /// Where the configuration, the journal and the vault are.
    pub folder: PathBuf,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// How `stage` is told the instant of the publish.
    pub at: String,
    twin: Talking,
}

impl Bench {
    /// Starts `scenario` (the text of a scenario file), its clock `speed` times as fast as ours and beginning 13 minutes before
    /// the publish; writes the configuration and imports the agents' tokens.
    pub async fn open(name: &str, scenario: &str, speed: u32) -> Bench {
        Bench::open_before(name, scenario, speed, "13min").await
    }
    /// The same with the twin's clock beginning `before` the publish.
    pub async fn open_before(name: &str, scenario: &str, speed: u32, before: &str) -> Bench {
        let folder = folder(name);
        std::fs::write(folder.join("scenario.toml"), scenario).expect("a file");
        let speed = speed.to_string();
        let arguments = ["twin", "--listen", "127.0.0.1:0", "--scenario", "scenario.toml", "--speed", &speed];
        let before = ["--start-before", before, "--seed", "7"];
        let mut twin = Talking::start(softlanding(&folder, &[&arguments[..], &before[..]].concat()));
        let (mut url, mut at) = (None, None);
        while url.is_none() || at.is_none() {
            let line = twin.line().await.expect("the twin introduces itself");
            url = url.or_else(|| line.split(" at ").nth(1).filter(|u| u.starts_with("http://")).map(str::to_owned));
            at = at.or_else(|| line.split("--at \"").nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned));
        }
        let bench = Bench { folder, url: url.expect("an address"), at: at.expect("an instant"), twin };
        softlanding_says(&bench.folder, &["init", "--twin", &bench.url]).await;
        softlanding_says(&bench.folder, &["agents", "import", "enrolments.jsonl"]).await;
        bench
    }
    /// Stages the first draft of next week; the run's name.
    pub async fn stage(&self) -> String {
        self.stage_with(&[]).await
    }
    /// The same with more arguments.
    pub async fn stage_with(&self, more: &[&str]) -> String {
        let unit = ["stage", "--business-unit", "Customer Care", "--schedule", "Approved", "--at", &self.at, "--json"];
        let line = [&unit[..], more].concat();
        let staged: Value = serde_json::from_str(&softlanding_says(&self.folder, &line).await).expect("JSON");
        staged["run"].as_str().expect("a run").to_owned()
    }
    /// `softlanding run RUN --json`, under way.
    pub fn run(&self, run: &str) -> Talking {
        Talking::start(softlanding(&self.folder, &["run", run, "--json"]))
    }
    /// Replaces a part of the configuration, which must be there.
    pub fn configure(&self, from: &str, to: &str) {
        let file = self.folder.join("softlanding.toml");
        let text = std::fs::read_to_string(&file).expect("the configuration");
        assert!(text.contains(from), "{from} is not in\n{text}");
        std::fs::write(&file, text.replace(from, to)).expect("a file");
    }
    /// Runs softlanding to its end: code, standard output, standard error.
    pub async fn ends(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = softlanding_ends(&self.folder, arguments).await;
        let (said, complaint) = texts(&output);
        assert!(!complaint.contains("panicked"), "softlanding {}\n{complaint}", arguments.join(" "));
        (output.status.code().unwrap_or(-1), said, complaint)
    }
    /// Where the journal is.
    pub fn store(&self) -> PathBuf {
        self.folder.join("softlanding.db")
    }
    /// The run's journal, in order and in keeping with every rule.
    pub async fn records(&self, run: &str) -> Vec<Record> {
        let id = RunId::new(run).expect("a run's name");
        let store = SqliteJournal::open_existing(&self.store()).await.expect("a journal");
        let records = store.load::<Event>(&id).await.expect("records");
        Run::replay(&records).expect("a journal replays");
        Auditor::check(&records).unwrap_or_else(|violation| panic!("{violation:?}"));
        records
    }
    /// The document that `report` writes.
    pub async fn report(&self, run: &str) -> Value {
        softlanding_says(&self.folder, &["report", run, "--out", "report-again"]).await;
        let text = std::fs::read_to_string(self.folder.join("report-again/report.json")).expect("a report");
        serde_json::from_str(&text).expect("JSON")
    }
    /// Adds a hook that keeps the document it is given, in the file that is named after the moment.
    pub fn listening_hook(&self, point: &str) {
        use std::os::unix::fs::PermissionsExt;
        let place = self.folder.join(format!("hooks/{point}.d"));
        std::fs::create_dir_all(&place).expect("a folder");
        let hook = place.join("10-keep");
        let kept = self.folder.join(format!("heard-{point}"));
        std::fs::write(&hook, format!("#!/bin/sh\ncat >> '{}'\n", kept.display())).expect("a file");
        std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    /// What that hook was given; `None` when it was not run, and a failure when it was run more than once.
    pub fn heard(&self, point: &str) -> Option<Value> {
        let text = std::fs::read_to_string(self.folder.join(format!("heard-{point}"))).ok()?;
        Some(serde_json::from_str(&text).unwrap_or_else(|e| panic!("{point}: {e}: {text}")))
    }
    /// Comes back once so many milliseconds have passed on the twin's clock.
    pub async fn passes(&self, ms: i64) {
        let clock = self.clock().await;
        clock.sleep_until(clock.now() + ms).await;
    }
    /// Comes back once the twin's clock has reached an instant.
    pub async fn reaches(&self, at: Timestamp) {
        self.clock().await.sleep_until(at).await;
    }
    async fn clock(&self) -> Clock {
        serde_json::from_value(self.asked("clock").await).expect("a clock")
    }
    /// What is really so, as the twin tells it.
    pub async fn truth(&self) -> Value {
        self.asked("truth").await
    }
    async fn asked(&self, what: &str) -> Value {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let text = http.get(format!("{}/twin/{what}", self.url)).send().await.expect("the twin").text().await;
        serde_json::from_str(&text.expect("a text")).expect("JSON")
    }
    /// Ends the twin.
    pub async fn close(self) {
        self.twin.kill().await;
    }
}

/// A test that hangs fails instead, after minutes; nothing is measured by this.
pub async fn patiently<T>(test: impl Future<Output = T>) -> T {
    let ended = tokio::time::timeout(std::time::Duration::from_secs(300), test).await;
    ended.unwrap_or_else(|_| panic!("the test hung"))
}
