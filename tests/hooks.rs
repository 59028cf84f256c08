//! `softlanding hooks list|test|run`, and the recipes of hooks/README.md: each is switched on as it says there, and does what it
//! says.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use softlanding::hands::hook::signature::SigningKeys;
use softlanding::hands::journal::{Journal, SqliteJournal};
use softlanding::law::event::Record;
use softlanding::words::clock::Clock;
use softlanding::words::id::RunId;
use softlanding::words::secret::Secret;
use support::process::{Talking, folder, patiently, softlanding_ends, softlanding_says, texts};
use tokio::process::Command;

const REPEAT: &str = "to repeat: ./tests/run --test hooks";
const RUN: &str = "friday";

/// A folder with a configuration, the hooks that are shipped, and a run in the journal.
struct Place {
    folder: PathBuf,
}

impl Place {
    async fn laid(name: &str) -> Place {
        let folder = folder(name);
        softlanding_says(&folder, &["init"]).await;
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("hooks");
        let copied = std::process::Command::new("cp").arg("-R").arg(shipped).arg(&folder).status().expect("cp");
        assert!(copied.success(), "{REPEAT}");
        let records: Vec<Record<Value>> = include_str!("journals/v1.jsonl")
            .lines()
            .map(|line| serde_json::from_str(line).expect("a record"))
            .collect();
        let journal = SqliteJournal::open(&folder.join("softlanding.db")).await.expect("a journal");
        journal.restore(&RunId::new(RUN).expect("a name"), &records, &[1]).await.expect("a run");
        Place { folder }
    }
    /// A hook at a point.
    fn hook(&self, point: &str, name: &str, script: &str) {
        let place = self.folder.join(format!("hooks/{point}.d"));
        std::fs::create_dir_all(&place).expect("a folder");
        self.executable(&place.join(name), &format!("#!/bin/sh\n{script}\n"));
    }
    fn executable(&self, file: &Path, text: &str) {
        std::fs::write(file, text).expect("a file");
        std::fs::set_permissions(file, PermissionsExt::from_mode(0o755)).expect("a mode");
    }
    /// Enables a hook as README.md says.
    fn enable(&self, file: &str) {
        let (from, to) =
            (self.folder.join("hooks").join(format!("{file}.disabled")), self.folder.join("hooks").join(file));
        std::fs::rename(from, &to).expect("a hook that is shipped");
        std::fs::set_permissions(to, PermissionsExt::from_mode(0o755)).expect("a mode");
    }
    async fn json(&self, arguments: &[&str]) -> Value {
        let said = softlanding_says(&self.folder, &[arguments, &["--json"]].concat()).await;
        serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}; {REPEAT}"))
    }
    async fn ends(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = softlanding_ends(&self.folder, arguments).await;
        let (said, complaint) = texts(&output);
        assert!(!complaint.contains("panicked"), "{complaint}; {REPEAT}");
        (output.status.code().unwrap_or(-1), said, complaint)
    }
    async fn records(&self) -> usize {
        let journal = SqliteJournal::open(&self.folder.join("softlanding.db")).await.expect("a journal");
        journal.load::<Value>(&RunId::new(RUN).expect("a name")).await.expect("records").len()
    }
    fn text(&self, file: &str) -> String {
        std::fs::read_to_string(self.folder.join("hooks").join(file))
            .unwrap_or_else(|e| panic!("{file}: {e}; {REPEAT}"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_says_what_would_run_in_order_and_what_would_not() {
    let place = Place::laid("hooks-list").await;
    place.hook("settled", "20-second", "true");
    place.hook("settled", "10-first", "true");
    std::fs::write(place.folder.join("hooks/settled.d/30-forgotten"), "#!/bin/sh\n").expect("a file");
    let points = place.json(&["hooks", "list"]).await["points"].clone();
    let settled = points.as_array().expect("points").iter().find(|point| point["point"] == "settled").expect("a point");
    let files = json!([
        { "name": "10-first", "state": "runs" },
        { "name": "20-second", "state": "runs" },
        { "name": "30-forgotten", "state": "not_executable" },
        { "name": "50-announce.disabled", "state": "set_aside" },
    ]);
    assert_eq!(settled["files"], files, "{REPEAT}");
    assert_eq!(points.as_array().map(Vec::len), Some(10), "{REPEAT}");
    let said = softlanding_says(&place.folder, &["hooks", "list"]).await;
    for line in
        ["  1. 10-first", "  2. 20-second", "30-forgotten: does not run; chmod +x", "a failure stops what follows"]
    {
        assert!(said.contains(line), "{said}; {REPEAT}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_is_tried_out_with_a_recorded_friday_or_a_run_and_nothing_is_written() {
    let place = Place::laid("hooks-test").await;
    place.hook("settled", "10-say", "cat; echo; echo to-stderr >&2");
    // Nothing but a configuration is needed.
    let told = place.json(&["hooks", "test", "settled"]).await;
    assert_eq!(
        (&told["document"]["data"]["test"], &told["hooks"][0]["exit_code"]),
        (&json!(true), &json!(0)),
        "{REPEAT}"
    );
    let output = told["hooks"][0]["output"].as_str().expect("an output");
    let read: Value = serde_json::from_str(output.lines().next().expect("a line")).expect("the document");
    assert_eq!(read, told["document"], "{REPEAT}");
    assert!(output.contains("to-stderr") && told["hooks"][0]["took_ms"].is_u64(), "{REPEAT}");
    let of_run = place.json(&["hooks", "test", "settled", "--run", RUN]).await;
    assert_eq!(of_run["document"]["data"]["run"], RUN, "{REPEAT}");
    assert_eq!(place.records().await, 271, "a test wrote to the journal; {REPEAT}");
    // A failure is told for what it would mean.
    place.hook("pre-publish", "20-no", "echo because; exit 3");
    place.hook("pre-publish", "30-after", "echo must not run");
    let (code, said, complaint) = place.ends(&["hooks", "test", "pre-publish"]).await;
    assert!(
        code == 6 && said.contains("20-no: failed with exit code 3") && said.contains("because"),
        "{said}; {REPEAT}"
    );
    assert!(!said.contains("must not run") && complaint.contains("a run would stop here"), "{complaint}; {REPEAT}");
    let (code, _, complaint) = place.ends(&["hooks", "test", "setled"]).await;
    assert!(code == 2 && complaint.contains("did you mean settled?"), "{complaint}; {REPEAT}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_are_run_again_for_a_past_run_with_what_they_had() {
    let place = Place::laid("hooks-run").await;
    place.hook("straggler", "10-keep", "cat >> kept.jsonl; echo >> kept.jsonl");
    softlanding_says(&place.folder, &["hooks", "run", "straggler", "--run", RUN]).await;
    let kept: Vec<Value> =
        place.text("straggler.d/kept.jsonl").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(kept.len(), 1, "one agent could not be helped; {REPEAT}");
    assert_eq!(kept[0]["subject"], kept[0]["data"]["agent"]["id"], "{REPEAT}");
    assert!(kept[0]["data"].get("test").is_none() && kept[0]["data"]["agent"]["tried"].is_array(), "{REPEAT}");
    assert_eq!(place.records().await, 271, "{REPEAT}");
    let (code, _, complaint) = place.ends(&["hooks", "run", "straggler", "--run", "nobody"]).await;
    assert!(code != 0 && complaint.contains("nobody"), "{complaint}; {REPEAT}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recipes_do_what_they_say() {
    let place = Place::laid("hooks-recipes").await;
    // A freeze.
    std::fs::write(place.folder.join("hooks/pre-publish.d/FREEZE"), "Black Friday\n").expect("a file");
    let (code, said, _) = place.ends(&["hooks", "test", "pre-publish"]).await;
    assert!(code == 6 && said.contains("publishing is frozen: Black Friday"), "{said}; {REPEAT}");
    // A list for the floor.
    place.enable("straggler.d/50-append-csv");
    softlanding_says(&place.folder, &["hooks", "run", "straggler", "--run", RUN]).await;
    let csv = place.text("straggler.d/stragglers-friday.csv");
    assert!(csv.lines().count() == 2 && csv.starts_with("seen_at,agent_id"), "{csv}; {REPEAT}");
    // Mail when it went wrong.
    place.enable("failed.d/50-mail");
    std::fs::write(place.folder.join("hooks/failed.d/mail.to"), "# on call\nnoc@example.com\nkim@example.com\n")
        .expect("a file");
    place.executable(
        &place.folder.join("hooks/failed.d/_sendmail"),
        "#!/bin/sh\necho \"$@\" > sent.txt\ncat >> sent.txt\n",
    );
    let tried = place.json(&["hooks", "test", "failed"]).await;
    assert_eq!(tried["hooks"][0]["output"], "mailed 2 addresses", "{REPEAT}");
    let sent = place.text("failed.d/sent.txt");
    for words in [
        "-t -i",
        "To: noc@example.com, kim@example.com",
        "Subject: softlanding: failed: 20261127-1600-recorded",
        "Why: ",
    ] {
        assert!(sent.contains(words), "{words} is not in {sent}; {REPEAT}");
    }
}

/// The receiver of packaging/webhooks: takes what softlanding sends, once, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn the_receiver_takes_what_is_genuine_once() {
    patiently(async {
        let place = Place::laid("hooks-receiver").await;
        let secret = softlanding_says(&place.folder, &["webhooks", "new-secret"]).await;
        let file = place.folder.join("webhook.secret");
        std::fs::write(&file, &secret).expect("a file");
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).expect("a mode");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/webhooks/receiver.py");
        let start = || {
            let mut command = Command::new("python3");
            command.arg(&script).args(["webhook.secret", "events.jsonl"]).current_dir(&place.folder).kill_on_drop(true);
            Talking::start(command)
        };
        let mut receiver = start();
        let url = receiver.line().await.expect("an address");
        let webhook = format!(
            "\n[[webhook]]\nname = \"ops\"\nurl = \"{url}\"\nsecret = {{ file = \"webhook.secret\" }}\nevents = [\"settled\"]\n"
        );
        let config = place.folder.join("softlanding.toml");
        let text = std::fs::read_to_string(&config).expect("the configuration");
        std::fs::write(&config, text + &webhook).expect("a file");
        softlanding_says(&place.folder, &["webhooks", "test", "ops"]).await;
        let events = || std::fs::read_to_string(place.folder.join("events.jsonl")).expect("events");
        let first: Value = serde_json::from_str(events().lines().next().expect("an event")).expect("JSON");
        assert_eq!(first["event"]["type"], "softlanding.test.v1", "{REPEAT}");

        let keys = SigningKeys::new(&[Secret::new(secret.trim().to_owned())]).expect("keys");
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let post = async |url: &str, id: &str, age_ms: i64, signed: &str, body: &str| {
            let headers = keys.sign(id, Clock::System.now() - age_ms, signed.as_bytes());
            let request = headers.pairs().into_iter().fold(http.post(url), |r, (name, value)| r.header(name, value));
            request.body(body.to_owned()).send().await.expect("an answer").status().as_u16()
        };
        assert_eq!(post(&url, "m1", 0, "{}", "{}").await, 204, "{REPEAT}");
        assert_eq!(post(&url, "m1", 0, "{}", "{}").await, 204, "{REPEAT}");
        assert_eq!(post(&url, "m2", 0, "{}", "{ }").await, 401, "{REPEAT}");
        assert_eq!(post(&url, "m2", 600_000, "{}", "{}").await, 401, "{REPEAT}");
        assert_eq!(events().lines().count(), 2, "{REPEAT}");
        // It knows what it has had after a restart.
        receiver.kill().await;
        let mut receiver = start();
        let url = receiver.line().await.expect("an address");
        assert_eq!(post(&url, "m1", 0, "{}", "{}").await, 204, "{REPEAT}");
        assert_eq!(events().lines().count(), 2, "{REPEAT}");
        receiver.kill().await;
    })
    .await;
}
