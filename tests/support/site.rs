//! `softlanding serve` as a process, in a folder of its own, before an org that is served by the test itself.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use softlanding::hands::journal::{Journal, SqliteJournal};
use softlanding::law::audit::Auditor;
use softlanding::law::event::{Event, Record};
use softlanding::twin::{APP_CLIENT_SECRET, PUBLISHER_CLIENT_SECRET, Scenario};
use softlanding::words::id::RunId;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::org::Org;
use super::process::{folder, softlanding, softlanding_says};

pub const REPEAT: &str = concat!("to repeat: ./tests/run --test ", env!("CARGO_CRATE_NAME"));

/// One line of the log is waited for so long at most.
const PATIENCE: Duration = Duration::from_secs(100);

/// The run of the entry `care` of that Friday.
pub const RUN: &str = "20261127-1600-care";

/// Twelve agents who break in no way, logged in before the refresh.
pub fn calm(drafts: &[&str]) -> Scenario {
    let drafts = serde_json::to_string(drafts).expect("JSON");
    let text = format!(
        "story = \"serve: twelve agents, and nothing breaks\"\n[org]\ndrafts = {drafts}\n[publish]\nduration_s = 20\n\
         [[cohorts]]\nname = \"evening\"\nagents = 12\nshift_start_min = 30\nlogin_min = [-200, -120]\n"
    );
    Scenario::from_toml(&text).unwrap_or_else(|e| panic!("{e}"))
}

/// An org and a folder with a configuration for it.
pub struct Site {
    pub folder: PathBuf,
    pub org: Org,
}

impl Site {
    /// An org whose clock starts `minutes_after` Friday 16:00 and runs `scale` times as fast as ours, and a folder that is
    /// configured for it, with everybody enrolled and the entry `care`; `entry` holds more lines of it.
    pub async fn open(name: &str, scenario: Scenario, minutes_after: i64, scale: f64, entry: &str) -> Site {
        let site =
            Site { folder: folder(&format!("serve-{name}")), org: Org::serve(scenario, minutes_after, scale).await };
        softlanding_says(&site.folder, &["init", "--twin", &site.org.url]).await;
        softlanding_says(&site.folder, &["agents", "import", "enrolments.jsonl"]).await;
        site.edit(|config| {
            let short = config
                .replace("refresh_lead = \"12min\"", "refresh_lead = \"2min\"")
                .replace("settle_after = \"35min\"", "settle_after = \"5min\"");
            short + &care(entry)
        });
        site
    }
    /// Changes the configuration.
    pub fn edit(&self, change: impl FnOnce(String) -> String) {
        let file = self.folder.join("softlanding.toml");
        let text = std::fs::read_to_string(&file).expect("the configuration");
        std::fs::write(&file, change(text)).expect("a file");
    }
    /// A hook at this point that keeps every document it is given.
    pub fn keep_documents_of(&self, point: &str) {
        self.hook(point, "{ cat; echo; } >> told.jsonl; if [ -p heard ]; then echo > heard; fi");
    }
    /// A hook at this point that does not end by itself, and the pipe that can be read once it runs.
    pub fn hang_at(&self, point: &str) -> PathBuf {
        self.hook(point, "echo > begun; sleep 60");
        self.pipe(point, "begun")
    }
    /// From now on a document that is kept at this point is waited for: the hook ends when the test reads the pipe.
    pub fn pipe_of(&self, point: &str) -> PathBuf {
        self.pipe(point, "heard")
    }

    fn pipe(&self, point: &str, name: &str) -> PathBuf {
        let pipe = self.folder.join("hooks").join(format!("{point}.d")).join(name);
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
        assert!(made.success(), "{}", pipe.display());
        pipe
    }

    fn hook(&self, point: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let place = self.folder.join("hooks").join(format!("{point}.d"));
        std::fs::create_dir_all(&place).expect("a folder");
        let hook = place.join("10-keep");
        std::fs::write(&hook, format!("#!/bin/sh\n{script}\n")).expect("a file");
        std::fs::set_permissions(&hook, PermissionsExt::from_mode(0o755)).expect("an executable");
    }
    /// The documents that were kept at this point.
    pub fn documents_of(&self, point: &str) -> Vec<Value> {
        let file = self.folder.join("hooks").join(format!("{point}.d")).join("told.jsonl");
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        lines.map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
    }
    /// `softlanding serve`.
    pub fn serve(&self) -> Daemon {
        Daemon::start(softlanding(&self.folder, &["serve"]))
    }
    /// A command that must end well; what it printed.
    pub async fn says(&self, arguments: &[&str]) -> String {
        softlanding_says(&self.folder, arguments).await
    }
    /// `softlanding status --json`.
    pub async fn status(&self) -> Value {
        serde_json::from_str(&self.says(&["status", "--json"]).await).expect("JSON")
    }
    /// How often the org has published, and how often it was asked to.
    pub fn published(&self) -> (u32, u32) {
        let counters = self.org.truth().counters;
        (counters.publishes_applied, counters.update_posts)
    }
    /// The records of a run, audited.
    pub async fn records(&self, run: &str) -> Vec<Record> {
        let store = SqliteJournal::open_existing(&self.folder.join("softlanding.db")).await.expect("a journal");
        let records = store.load::<Event>(&RunId::new(run).expect("a name")).await.expect("records");
        let violation = Auditor::check(&records);
        assert!(violation.is_ok(), "{violation:?}; {REPEAT}");
        records
    }
    /// Somebody gives the draft of that description another one, in the platform's own way.
    pub async fn rename(&self, draft: &str, to: &str) {
        const UNITS: &str = "/api/v2/workforcemanagement/businessunits";
        let token = self.org.token().await;
        let units = self.org.call(&token, "GET", UNITS, None).await.body;
        let unit = units["entities"][0]["id"].as_str().expect("a unit").to_owned();
        let listed =
            self.org.call(&token, "GET", &format!("{UNITS}/{unit}/weeks/2026-11-30/schedules"), None).await.body;
        let listed = listed["entities"].as_array().cloned().expect("a list");
        let found =
            listed.iter().find(|s| s["description"] == draft).unwrap_or_else(|| panic!("no {draft} in {listed:?}"));
        let path = format!("{UNITS}/{unit}/weeks/2026-11-30/schedules/{}", found["id"].as_str().expect("an id"));
        let length = json!({ "contentLengthBytes": 80 });
        let place = self.org.call(&token, "POST", &format!("{path}/update/uploadurl"), Some(&length)).await.body;
        let body = json!({ "metadata": { "version": found["metadata"]["version"] }, "description": to });
        assert_eq!(self.org.upload(&place, &body).await.status, 200);
        let update = json!({ "uploadKey": place["uploadKey"] });
        assert_eq!(self.org.call(&token, "POST", &format!("{path}/update"), Some(&update)).await.status, 202);
    }
}

/// The entry `care`, every Friday at 16:00 Central.
pub fn care(more: &str) -> String {
    entry("care", more)
}

/// The same under another name.
pub fn entry(name: &str, more: &str) -> String {
    format!(
        "\n[[publish]]\nname = \"{name}\"\ncron = \"0 0 16 * * Fri\"\nzone = \"Central\"\n\
         business_unit = \"Customer Care\"\nstage_before = \"10min\"\n{more}\n"
    )
}

/// `softlanding serve`, under way; its log as far as it was read.
pub struct Daemon {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    pub log: Vec<Value>,
}

/// How a daemon ended.
#[derive(Debug)]
pub struct End {
    pub code: Option<i32>,
    pub log: Vec<Value>,
    pub complaint: String,
}

impl Daemon {
    pub fn start(mut command: Command) -> Daemon {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let out = child.stdout.take().expect("a pipe");
        Daemon { child, lines: BufReader::new(out).lines(), log: Vec::new() }
    }
    /// The next line of the log, which must be as every line of it is; `None` at its end.
    pub async fn line(&mut self) -> Option<Value> {
        let text = self.lines.next_line().await.expect("text")?;
        let line = checked(&text);
        self.log.push(line.clone());
        Some(line)
    }
    /// The next line of the log of which `fits` holds.
    pub async fn until(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let found = async {
            while let Some(line) = self.line().await {
                if fits(&line) {
                    return Some(line);
                }
            }
            None
        };
        // A bound for what hangs; nothing is measured by it.
        let found = tokio::time::timeout(PATIENCE, found).await;
        let why = if found.is_err() { "did not come" } else { "never came" };
        found.ok().flatten().unwrap_or_else(|| panic!("{what} {why}; {REPEAT}\n{}", told(&self.log)))
    }
    /// Reads the log until something else has happened.
    pub async fn while_waiting_for(&mut self, what: &str, happening: impl Future<Output = ()>) {
        tokio::select! {
            () = happening => {}
            _ = self.until(what, |_| false) => {}
        }
    }
    /// The next line about this event.
    pub async fn event(&mut self, name: &str) -> Value {
        self.until(name, |line| line["event"] == name).await
    }
    pub fn signal(&self, signal: Signal) {
        let pid = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())).expect("it is running");
        kill_process(pid, signal).expect("a signal");
    }
    /// Kills it.
    pub async fn kill(mut self) -> Vec<Value> {
        self.child.kill().await.expect("it can be killed");
        self.log
    }
    /// Asks it to stop, and takes in what it still says.
    pub async fn stop(self) -> End {
        self.signal(Signal::TERM);
        let end = self.end().await;
        assert_eq!(end.code, Some(0), "{}\n{}; {REPEAT}", told(&end.log), end.complaint);
        let last = end.log.last().expect("a line");
        assert_eq!((&last["event"], &last["level"]), (&json!("stopped"), &json!("info")), "{last}; {REPEAT}");
        end
    }
    /// How it ends by itself. Nothing secret has reached the log or the standard error by then.
    pub async fn end(mut self) -> End {
        while self.line().await.is_some() {}
        let output = self.child.wait_with_output().await.expect("it ends");
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!complaint.contains("panicked"), "{complaint}");
        no_secret(&complaint);
        End { code: output.status.code(), log: self.log, complaint }
    }
}

impl End {
    /// The lines about an event.
    pub fn about(&self, event: &str) -> Vec<&Value> {
        self.log.iter().filter(|line| line["event"] == event).collect()
    }
    /// The newest counts.
    pub fn counters(&self) -> Value {
        self.about("counters").last().map(|line| line["counters"].clone()).unwrap_or_default()
    }
}

/// A log as text, to be shown when a test fails.
pub fn told(log: &[Value]) -> String {
    let line = |line: &Value| format!("{} {}: {}", line["level"], line["event"], line["message"]);
    log.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Every line is one JSON document with the fields that it must have, and holds no secret.
fn checked(text: &str) -> Value {
    let line: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}; {REPEAT}"));
    for field in ["at", "level", "replica", "event", "message"] {
        let there = line[field].as_str().is_some_and(|value| !value.is_empty());
        assert!(there, "{field} is missing in {text}; {REPEAT}");
    }
    let level = line["level"].as_str().unwrap_or_default();
    assert!(["info", "warn", "error"].contains(&level), "{text}; {REPEAT}");
    // A record of a run has its number, and such a line names the run.
    assert!(line.get("seq").is_none() || line["run"].is_string(), "{text}; {REPEAT}");
    no_secret(text);
    line
}

fn no_secret(text: &str) {
    for secret in [PUBLISHER_CLIENT_SECRET, APP_CLIENT_SECRET, "twin-access-", "twin-refresh-", "twin%2D", "Basic "] {
        assert!(!text.contains(secret), "a secret in {text}; {REPEAT}");
    }
}

/// The text of a file, or nothing.
pub fn text(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}
