//! Every command has an example in its help, and every example does what it says: each is typed into a shell, in a folder
//! that is as a reader of the help would have it.
//!
//! Names that stand for something (a run, an agent, an address) are put in the place of the ones of the help; nothing else is
//! changed but how long an example takes.

mod support;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, OnceLock};

use rustix::process::{Pid, Signal, kill_process};
use softlanding::hands::journal::{Holder, SqliteJournal};
use softlanding::hands::outbox::{DeadLetter, Outbox};
use softlanding::words::clock::Clock;
use softlanding::words::id::RunId;
use support::process::{Bench, PROGRAM, folder, patiently, softlanding_says, texts};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::sync::Mutex;

const REPEAT: &str = "to repeat: ./tests/run --test examples";
/// What the help calls a run, and an agent, and a twin's address.
const RUN: &str = "20261127-1600-customer-care-k3f9";
const AGENT: &str = "ann@example.com";
const TWIN: &str = "http://127.0.0.1:4321";

const SCENARIO: &str = r#"
story = "examples: 6 agents, two of them need help after the publish"
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

const ENTRIES: &str = r#"
[[publish]]
name = "customer-care"
cron = "0 16 * * Fri"
business_unit = "Customer Care"
schedule = "Approved*"
stage_before = "10min"
[[publish]]
name = "care"
cron = "0 0 17 * * Fri"
business_unit = "Customer Care"
schedule = "Approved*"
stage_before = "10min"
"#;

/// One line of a command's examples.
#[derive(Debug)]
struct Example {
    /// `agents forget`
    command: String,
    line: String,
}

/// The help of a command, as a person reads it.
async fn help(command: &[&str]) -> String {
    softlanding_says(&std::env::temp_dir(), &[command, &["--help"]].concat()).await
}

/// The names below "Commands:".
fn subcommands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let named = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    named.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").map(str::to_owned).collect()
}

/// The lines below "Example:", those that go on with a backslash as one.
fn examples_in(help: &str) -> Vec<String> {
    let below = help.lines().skip_while(|line| !line.starts_with("Example")).skip(1);
    let text: Vec<&str> = below.take_while(|line| line.starts_with("  ")).map(str::trim).collect();
    text.join("\n").replace("\\\n", "").lines().map(str::to_owned).collect()
}

/// Every command with its examples; a command that only has others below it needs none of its own.
async fn all() -> Vec<Example> {
    let mut found = Vec::new();
    let mut open: Vec<Vec<String>> = vec![Vec::new()];
    while let Some(path) = open.pop() {
        let words: Vec<&str> = path.iter().map(String::as_str).collect();
        let text = help(&words).await;
        let below = subcommands(&text);
        let examples = examples_in(&text);
        assert!(
            !below.is_empty() || !examples.is_empty(),
            "`softlanding {}` has no example; {REPEAT}",
            words.join(" ")
        );
        let command = words.join(" ");
        // A command with others below it may show one of theirs.
        let new = examples.into_iter().filter(|line| found.iter().all(|known: &Example| known.line != *line));
        let new: Vec<Example> = new.map(|line| Example { command: command.clone(), line }).collect();
        found.extend(new);
        // The first of them is taken next, so that all are in the order of the help.
        open.extend(below.into_iter().rev().map(|name| [path.clone(), vec![name]].concat()));
    }
    found
}

/// Where examples are typed.
struct Desk {
    /// Days before a Friday; nothing has happened.
    before: Bench,
    /// A Friday that one run is carried through.
    friday: Bench,
    /// A Friday on which somebody else publishes, and time flies.
    watched: Mutex<Option<Bench>>,
    run: String,
    /// The run that is told what to do.
    ordered: OnceLock<String>,
    /// A Friday that is carried through step by step.
    stepped: Bench,
    /// A folder that holds the program by its name.
    path: PathBuf,
}

impl Desk {
    async fn laid() -> Desk {
        let path = folder("examples-path");
        std::os::unix::fs::symlink(PROGRAM, path.join("softlanding")).expect("a link");
        // Nothing is mailed from here; what would be has a subject.
        std::fs::write(path.join("sendmail"), "#!/bin/sh\nexec grep -q '^Subject: '\n").expect("a file");
        let may_run = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(path.join("sendmail"), may_run).expect("a mode");
        let before = Bench::open_before("examples-before", SCENARIO, 1, "23h").await;
        let friday = Bench::open_before("examples-friday", SCENARIO, 60, "5min").await;
        friday.configure("settle_after = \"35min\"", "settle_after = \"8min\"");
        friday.configure("refresh_lead = \"12min\"", "refresh_lead = \"90s\"");
        let run = friday.stage().await;
        let stepped = Bench::open_before("examples-stepped", SCENARIO, 60, "5min").await;
        for bench in [&before, &friday, &stepped] {
            add(&bench.folder.join("softlanding.toml"), ENTRIES);
        }
        let configuration = std::fs::read_to_string(before.folder.join("softlanding.toml")).expect("a file");
        for name in ["care", "sales"] {
            let renamed = configuration.replace("name = \"c", &format!("name = \"{name}-c"));
            std::fs::write(before.folder.join(format!("{name}.toml")), renamed).expect("a file");
        }
        add_a_webhook(&before.folder).await;
        for bench in [&before, &friday] {
            std::fs::create_dir(bench.folder.join("templates")).expect("a folder");
        }
        Desk { before, friday, stepped, watched: Mutex::new(None), run, path, ordered: OnceLock::new() }
    }

    /// Where an example is typed; what it needs is put there.
    async fn folder_for(&self, command: &str, line: &str) -> PathBuf {
        match command {
            "init" => folder("examples-empty"),
            "import" => {
                let other = folder("examples-import");
                softlanding_says(&other, &["init", "--twin", &self.friday.url]).await;
                std::fs::copy(self.friday.folder.join("friday.jsonl"), other.join("friday.jsonl")).expect("an export");
                other
            }
            "observe" => self.about_to_be_watched(line).await,
            "evidence" => {
                let seen =
                    self.watched.lock().await.as_ref().expect("`observe` comes before").folder.join("friday-1.json");
                std::fs::copy(seen, self.friday.folder.join("observed.json")).expect("an observation");
                self.friday.folder.clone()
            }
            "agents rotate-key" => {
                let file = self.before.folder.join("softlanding.toml");
                if !std::fs::read_to_string(&file).expect("a file").contains("old_key") {
                    let keys = "key = { file = \"vault.new.key\" }\nold_key = { file = \"vault.key\" }";
                    self.before.configure("key = { file = \"vault.key\" }", keys);
                }
                self.before.folder.clone()
            }
            "stage" | "elsewhere" => {
                self.clear().await;
                self.before.folder.clone()
            }
            "step" => self.stepped.folder.clone(),
            "webhooks enable" | "webhooks resend" | "webhooks drop" => {
                self.has_dead_letters().await;
                self.before.folder.clone()
            }
            _ if self.is_of_friday(command) => self.friday.folder.clone(),
            _ => self.before.folder.clone(),
        }
    }

    /// A Friday that has not come yet; with what was seen on another one, where that is to be pooled.
    async fn about_to_be_watched(&self, line: &str) -> PathBuf {
        let mut watched = self.watched.lock().await;
        let seen = match watched.take() {
            Some(past) => {
                let seen = std::fs::read_to_string(past.folder.join("friday.json")).expect("an observation");
                past.close().await;
                Some(seen)
            }
            None => None,
        };
        assert_eq!(seen.is_some(), line.contains("--pool"), "$ {line}: nothing has been observed so far; {REPEAT}");
        let bench = Bench::open_before("examples-watched", SCENARIO, 600, "33min").await;
        add(&bench.folder.join("softlanding.toml"), ENTRIES);
        for name in ["friday-1.json", "friday-2.json"] {
            if let Some(seen) = &seen {
                std::fs::write(bench.folder.join(name), seen).expect("a file");
            }
        }
        watched.insert(bench).folder.clone()
    }

    /// Commands about a run that has begun or ended.
    fn is_of_friday(&self, command: &str) -> bool {
        [
            "run",
            "retry",
            "watch",
            "audit",
            "export",
            "report",
            "prune",
            "status",
            "hooks run",
            "hooks test",
            "report preview",
        ]
        .contains(&command)
    }

    /// The line with what there is here.
    async fn typed(&self, Example { command, line }: &Example) -> String {
        let mut line = line.replace(TWIN, &self.before.url);
        if line.contains(RUN) {
            let run = match command.as_str() {
                // The other one was aborted by the example before this one.
                "elsewhere" => self.before.stage().await,
                _ if self.is_of_friday(command) => self.run.clone(),
                _ => self.staged().await,
            };
            line = line.replace(RUN, &run);
        }
        if line.contains(AGENT) {
            line = line.replace(AGENT, &self.agent());
        }
        match command.as_str() {
            "rehearse" => format!(
                "cp ../examples-before/scenario.toml . 2>/dev/null; {line} --speed 600 --scenario scenario.toml"
            ),
            "sim" => line.replace("--seeds 5000", "--seeds 10"),
            "webhooks resend" | "webhooks drop" => line.replace("17", &self.has_dead_letters().await.to_string()),
            _ => line,
        }
    }

    /// The run that is staged there and needs an approval.
    async fn staged(&self) -> String {
        if let Some(run) = self.ordered.get() {
            return run.clone();
        }
        self.clear().await;
        let run = self.before.stage_with(&["--require-approval"]).await;
        self.ordered.get_or_init(|| run).clone()
    }

    /// A webhook that was served, and messages for it that were given up.
    async fn has_dead_letters(&self) -> u64 {
        let journal = SqliteJournal::open(&self.before.store()).await.expect("a journal");
        let outbox = Outbox::of(Arc::new(journal.into()));
        let (now, holder) = (Clock::System.now(), Holder::nobody());
        outbox.know("operations", now).await.expect("a store");
        outbox.enable("operations").await.expect("a store");
        let lease = outbox.lead("operations", &holder, 60_000).await.expect("a store").expect("a lease");
        let (run, event, why) = (RunId::new("gone").expect("a name"), "settled".to_owned(), "HTTP 500".to_owned());
        let (target, document) = (lease.target.clone(), "{}".to_owned());
        let letter = DeadLetter { number: 0, target, run, seq: 3, event, at: now, attempts: 60, why, document };
        outbox.bury(&lease, &letter).await.expect("a store");
        outbox.release("operations", &holder).await.expect("a store");
        outbox.dead(1).await.expect("a store").first().expect("a letter").number
    }

    /// Ends what is staged there: a schedule is staged for one run at a time.
    async fn clear(&self) {
        let runs = softlanding_says(&self.before.folder, &["status", "--json"]).await;
        let runs: serde_json::Value = serde_json::from_str(&runs).expect("JSON");
        for run in runs["runs"].as_array().expect("runs").iter().filter(|run| run["phase"] == "waiting") {
            let run = run["run"].as_str().expect("a name");
            softlanding_says(&self.before.folder, &["abort", run, "--why", "another is staged"]).await;
        }
    }

    /// Somebody who is enrolled.
    fn agent(&self) -> String {
        let enrolled = std::fs::read_to_string(self.before.folder.join("enrolments.jsonl")).expect("a file");
        let first: serde_json::Value = serde_json::from_str(enrolled.lines().next().expect("a line")).expect("JSON");
        first["agent"].as_str().expect("an agent").to_owned()
    }

    fn shell(&self, folder: &Path, line: &str) -> Command {
        let mut shell = Command::new("sh");
        let path = format!("{}:{}", self.path.display(), std::env::var("PATH").unwrap_or_default());
        shell.current_dir(folder).args(["-c", line]).env("PATH", path).stdin(Stdio::null()).kill_on_drop(true);
        shell.env_remove("SOFTLANDING_CONFIG").env_remove("RUST_BACKTRACE").env_remove("NOTIFY_SOCKET");
        shell
    }

    /// Types a line and waits for its end.
    async fn ends(&self, folder: &Path, line: &str, codes: &[i32]) {
        let output = self.shell(folder, line).output().await.expect("a shell");
        let (said, complaint) = texts(&output);
        let code = output.status.code().unwrap_or(-1);
        assert!(codes.contains(&code), "$ {line}\n{said}{complaint}\ncode {code}; {REPEAT}");
        assert!(!complaint.contains("panicked"), "$ {line}\n{complaint}\n{REPEAT}");
    }

    /// Types a line that goes on until it is stopped, and asks it to stop once it has said what it is to say: killed, it would
    /// keep its leases.
    async fn goes_on(&self, folder: &Path, line: &str, says: &str) {
        let mut child = self.shell(folder, &format!("exec {line}")).stdout(Stdio::piped()).spawn().expect("a shell");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut heard = Vec::new();
        while let Some(said) = lines.next_line().await.expect("text") {
            if said.contains(says) {
                let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed())).expect("it is running");
                kill_process(pid, Signal::TERM).expect("a signal");
                // What it still says is read, so that it does not wait for a reader.
                while lines.next_line().await.expect("text").is_some() {}
                let code = child.wait().await.expect("it ends").code();
                assert_eq!(code, Some(0), "$ {line}\nis asked to stop; {REPEAT}");
                return;
            }
            heard.push(said);
        }
        panic!("$ {line}\nended before it said {says:?}:\n{}\n{REPEAT}", heard.join("\n"));
    }
}

/// A webhook whose receiver takes everything.
async fn add_a_webhook(folder: &Path) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let at = listener.local_addr().expect("an address");
    let app = axum::Router::new().fallback(async || axum::http::StatusCode::NO_CONTENT);
    tokio::spawn(async move { axum::serve(listener, app).await });
    let secret = softlanding_says(folder, &["webhooks", "new-secret"]).await;
    std::fs::write(folder.join("webhook.secret"), secret).expect("a file");
    let only_ours = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(folder.join("webhook.secret"), only_ours).expect("a mode");
    let webhook = format!(
        "\n[[webhook]]\nname = \"operations\"\nurl = \"http://{at}\"\nsecret = {{ file = \"webhook.secret\" }}\nevents = [\"*\"]\n"
    );
    add(&folder.join("softlanding.toml"), &webhook);
}

fn add(file: &Path, text: &str) {
    let before = std::fs::read_to_string(file).expect("the configuration");
    std::fs::write(file, before + text).expect("a file");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_of_the_help_works() {
    let examples = all().await;
    assert!(examples.len() > 40, "{examples:#?}");
    patiently(async {
        let desk = Desk::laid().await;
        for example in &examples {
            let folder = desk.folder_for(&example.command, &example.line).await;
            let line = desk.typed(example).await;
            println!("{}\n    $ {line}", folder.display());
            match example.command.as_str() {
                "serve" => desk.goes_on(&folder, &line, "\"serving\"").await,
                "twin" if !line.contains("--list") => desk.goes_on(&folder, &line, " at http://127.0.0.1:").await,
                // Engines call a step until it is done.
                "step" => desk.ends(&folder, &line, &[0, 75]).await,
                // Some of these softphones cannot take a call, and a machine may lack something.
                "check" => desk.ends(&folder, &line, &[0, 7]).await,
                "doctor" => desk.ends(&folder, &line, &[0, 6]).await,
                // The run has settled, and says that it comes too late; the walk of tests/dashboard has one that does not.
                "retry" => desk.ends(&folder, &line, &[4]).await,
                _ => desk.ends(&folder, &line, &[0]).await,
            }
        }
    })
    .await;
}
