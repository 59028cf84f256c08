//! Whole Fridays: the program itself on a twin, driven by the shell loop and by Prefect, which are killed in mid-run.
//!
//! When to kill is told by the program's own hooks and by what the twin has taken, never by a time.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};

use crate::support::process::{Bench, PROGRAM, installed, patiently, softlanding_says};
use crate::{REPEAT, shipped};

const RUN: &str = "care-2026-W48";
const VERBS: [&str; 5] = ["stage", "refresh", "publish", "check", "settle"];

/// An org that breaks in ways that can be cured. It is forgiving: whatever is sent is applied, so that a publish sent twice
/// counts twice; and slow to publish, so that a kill finds the publish under way.
const SCENARIO: &str = r#"
story = "engines: 24 agents; the publish is slow, revokes and cuts, and whatever is sent is applied"

[publish]
duration_s = 60
stale_version = "accepted"
upload_key_reusable = true

[revoke]
on_publish = true

[[cohorts]]
name = "evening"
agents = 24
shift_start_min = 30
login_min = [-120, -40]
[cohorts.kinds]
not_enrolled = 4
station_lost = 2
phone_stale = 2
"#;

/// The calendar entry that the engines drive. However long an engine takes to come back, the publish is not too late.
const PUBLISH: &str = r#"
[[publish]]
name = "care"
cron = "0 0 16 * * Fri"
zone = "America/Chicago"
business_unit = "Customer Care"
schedule = "Approved"
catch_up = "2h"
"#;

/// A twin, and hooks that tell how far a run is.
struct Friday {
    bench: Bench,
    /// The groups of the engines so far.
    groups: Vec<Pid>,
    told: Lines<BufReader<pipe::Receiver>>,
}

impl Friday {
    /// On a clock `speed` times as fast as ours, 13 minutes before the publish.
    async fn open(name: &str, speed: u32) -> Friday {
        let bench = Bench::open(name, SCENARIO, speed).await;
        let config = bench.folder.join("softlanding.toml");
        let text = std::fs::read_to_string(&config).expect("a configuration");
        let soon = text.replace("settle_after = \"35min\"", "settle_after = \"10min\"");
        assert_ne!(text, soon, "a run would be long; {REPEAT}");
        std::fs::write(&config, soon + PUBLISH).expect("a file");
        let fifo = bench.folder.join("told");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo runs");
        assert!(made.success(), "{REPEAT}");
        for point in ["pre-refresh", "pre-publish", "post-publish", "settled"] {
            hook(&bench.folder, point, &fifo);
        }
        // Open for writing as well, so that it has no end while no hook is writing.
        let receiver = pipe::OpenOptions::new().read_write(true).open_receiver(&fifo).expect("a pipe");
        Friday { bench, groups: Vec::new(), told: BufReader::new(receiver).lines() }
    }
    /// Waits until a hook tells `point`.
    async fn reaches(&mut self, point: &str) {
        while self.told.next_line().await.expect("text").expect("a pipe without end") != point {}
    }
    /// Waits until the twin has taken an update with `published: true`: from here on nobody but the twin can know.
    async fn is_sent(&mut self) {
        self.reaches("pre-publish").await;
        while self.bench.truth().await["update_posts"] == 0 {}
    }
    /// An engine in the folder of the twin, in a process group of its own, with its words in `engine.log`.
    fn start(&mut self, engine: fn(&Bench) -> Command) -> Engine {
        let mut engine = engine(&self.bench);
        let log = File::options().create(true).append(true).open(self.bench.folder.join("engine.log"));
        let log = log.expect("a file");
        engine.current_dir(&self.bench.folder).process_group(0).kill_on_drop(true).stdin(std::process::Stdio::null());
        engine.stdout(log.try_clone().expect("a file")).stderr(log);
        engine.env("SOFTLANDING", PROGRAM).env("SOFTLANDING_AT", &self.bench.at).env("SOFTLANDING_RUN", RUN);
        // The twin's clock is fast: what is an hour there is soon over here.
        engine.env("WAIT_MAX_S", "1").env("RETRY_S", "1");
        let engine = Engine(engine.spawn().expect("the engine starts"));
        self.groups.push(engine.pid());
        engine
    }
    /// Two lives that end with everything gone, while tokens are refreshed and while the publish is under way; and one in which
    /// the engine alone is gone, after the publish.
    async fn killed_thrice(&mut self, engine: fn(&Bench) -> Command) {
        let first = self.start(engine);
        self.reaches("pre-refresh").await;
        first.die_with_all().await;
        let second = self.start(engine);
        self.is_sent().await;
        second.die_with_all().await;
        let third = self.start(engine);
        self.reaches("post-publish").await;
        third.die_alone().await;
    }
    /// The last life, and what holds after it.
    async fn ends_well(mut self, engine: fn(&Bench) -> Command) {
        let ended = self.start(engine).end().await;
        assert_eq!(ended.code(), Some(0), "{REPEAT}\n{}", self.logs());
        self.holds().await;
    }
    /// What the engines said, for somebody who must find out what went wrong.
    fn logs(&self) -> String {
        let log = |name: &str| std::fs::read_to_string(self.bench.folder.join(name)).unwrap_or_default();
        log("engine.log") + &log(&format!("state/{RUN}.log"))
    }
    /// What holds at the end, however often the engine was killed.
    async fn holds(&self) {
        let truth = self.bench.truth().await;
        let logs = self.logs();
        assert_eq!(truth["publishes_applied"], 1, "{REPEAT}\n{logs}");
        assert_eq!(truth["update_posts"], 1, "{REPEAT}\n{logs}");
        assert_eq!(
            (&truth["touched_on_call"], &truth["too_many_requests"]),
            (&Value::from(0), &Value::from(0)),
            "{REPEAT}"
        );
        for verb in VERBS {
            is_done(&self.bench.folder, verb).await;
        }
        let report = self.bench.folder.join("reports").join(RUN).join("report.json");
        let report: Value = serde_json::from_str(&std::fs::read_to_string(report).expect("a report")).expect("JSON");
        let verdicts = report["agents"].as_array().expect("agents").iter().map(|agent| agent["verdict"].as_str());
        let known = ["ready", "recovered", "deferred", "straggler", "unknown"];
        let known = verdicts.filter(|verdict| verdict.is_some_and(|v| known.contains(&v))).count();
        assert_eq!(known, truth["agents"].as_array().expect("agents").len(), "{REPEAT}\n{logs}");
        assert!(!logs.contains("panicked"), "{REPEAT}\n{logs}");
    }
}

impl Drop for Friday {
    /// Ends what an engine has left behind, such as the server of a Prefect flow that was killed alone.
    fn drop(&mut self) {
        for member in self.groups.iter().flat_map(|group| members(*group, &self.bench.folder)) {
            // It may have ended meanwhile.
            let _ = kill_process(member, Signal::KILL);
        }
    }
}

/// Once more by hand: each verb says that it is done, in one document, and changes nothing.
async fn is_done(folder: &Path, verb: &str) {
    let mut arguments = vec!["step", verb, "--run", RUN, "--json"];
    if verb == "stage" {
        arguments.extend(["--publish", "care"]);
    }
    let said: Value = serde_json::from_str(&softlanding_says(folder, &arguments).await).expect("one document");
    assert_eq!((&said["run"], &said["step"], &said["status"]), (&RUN.into(), &verb.into(), &"done".into()), "{said}");
}

/// A hook that tells its point and goes on.
fn hook(folder: &Path, point: &str, fifo: &Path) {
    let dir = folder.join("hooks").join(format!("{point}.d"));
    std::fs::create_dir_all(&dir).expect("a folder");
    std::fs::write(dir.join("10-tell"), format!("#!/bin/sh\necho {point} >'{}'\n", fifo.display())).expect("a file");
    std::fs::set_permissions(dir.join("10-tell"), Permissions::from_mode(0o755)).expect("an executable");
}

/// The processes of a group that work in a folder: a number alone may mean somebody else by now.
fn members(group: Pid, folder: &Path) -> Vec<Pid> {
    let entries = std::fs::read_dir("/proc").expect("the processes").filter_map(Result::ok);
    let here = entries.map(|entry| entry.path()).filter(|process| {
        let grouped = std::fs::read_to_string(process.join("stat")).is_ok_and(|stat| {
            // After the name in brackets: its state, its parent, its group.
            let after = stat.rsplit(')').next().unwrap_or_default();
            after.split_whitespace().nth(2) == Some(&group.as_raw_nonzero().to_string())
        });
        grouped && std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == folder)
    });
    here.filter_map(|process| Pid::from_raw(process.file_name()?.to_str()?.parse().ok()?)).collect()
}

/// Whether a process of a group is more than a zombie, which holds nothing any more.
fn is_alive(group: Pid) -> bool {
    let entries = std::fs::read_dir("/proc").expect("the processes").filter_map(Result::ok);
    let mut stats = entries.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    stats.any(|stat| {
        let after: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        after.get(2) == Some(&group.as_raw_nonzero().to_string().as_str())
            && !matches!(after.first(), Some(&"Z" | &"X"))
    })
}

/// An engine at work.
struct Engine(Child);

impl Engine {
    fn pid(&self) -> Pid {
        let id = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        id.unwrap_or_else(|| panic!("the engine has ended by itself; {REPEAT}"))
    }
    /// As when the machine loses its power: the engine and all that it has started are gone.
    async fn die_with_all(mut self) {
        let group = self.pid();
        kill_process_group(group, Signal::KILL).expect("it can be killed");
        self.0.wait().await.expect("it is gone");
        // What it had started is nobody's child now, and keeps its locks until it is really gone.
        while is_alive(group) {
            tokio::task::yield_now().await;
        }
    }
    /// As when memory is short: the engine is gone, and the verb that it called goes on without it.
    async fn die_alone(mut self) {
        kill_process(self.pid(), Signal::KILL).expect("it can be killed");
        self.0.wait().await.expect("it is gone");
    }
    async fn end(mut self) -> ExitStatus {
        self.0.wait().await.expect("it ends")
    }
}

/// `softlanding-drive` with every verb, as one line of a crontab.
fn shell_loop(bench: &Bench) -> Command {
    let mut command = Command::new(shipped("packaging/engines/cron/softlanding-drive"));
    command.arg("care").args(VERBS).env("SOFTLANDING_STATE", bench.folder.join("state"));
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_loop_that_is_killed_publishes_once_and_settles() {
    patiently(killed_shell_loop()).await;
}

async fn killed_shell_loop() {
    let mut friday = Friday::open("engines-shell", 30).await;
    friday.killed_thrice(shell_loop).await;
    // The verb goes on and keeps the lock: the next line of cron leaves it alone, and finds it done later.
    let lock = friday.bench.folder.join(format!("state/{RUN}.lock"));
    let waits = Command::new("flock").arg(lock).arg("true").status().await;
    assert!(waits.expect("flock runs").success(), "{REPEAT}");
    friday.ends_well(shell_loop).await;
}

/// The Prefect flow, with a server of its own on 127.0.0.1 and all that it keeps in the folder.
fn prefect_flow(bench: &Bench) -> Command {
    let folder = &bench.folder;
    let mut command = Command::new(installed("python"));
    command.arg(shipped("packaging/engines/prefect/friday.py")).args(["care", "--run", RUN, "--at", &bench.at]);
    command.env("PYTHONPATH", shipped("packaging/engines")).env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("HOME", folder).env("PREFECT_HOME", folder.join("prefect")).env_remove("PREFECT_API_URL");
    command.env("PREFECT_SERVER_ANALYTICS_ENABLED", "false").env("DO_NOT_TRACK", "1");
    // A slow machine may need long to start it.
    command.env("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120");
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefect_flow_that_is_killed_publishes_once_and_settles() {
    patiently(killed_flow()).await;
}

async fn killed_flow() {
    // Prefect needs about ten seconds to start, each time.
    let mut friday = Friday::open("engines-prefect", 15).await;
    friday.killed_thrice(prefect_flow).await;
    // The next flow comes while the verb goes on, and is told that it is not yet done.
    friday.ends_well(prefect_flow).await;
}
