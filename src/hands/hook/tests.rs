//! Well-behaved hooks, hostile hooks, and the ones that softlanding ships.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

use super::*;
use crate::hands::testing::Folder;
use crate::words::clock::Timestamp;
use crate::words::hook::{HookOutcome, HookPoint, HookRun};
use crate::words::id::RunId;

/// Long enough for anything that ends by itself: a test that reaches it has failed, or hangs and says so.
const PATIENT: HookLimits = HookLimits { timeout_ms: 60_000, output_bytes_max: 4096 };
/// For hooks that never end.
const BRIEF: HookLimits = HookLimits { timeout_ms: 300, output_bytes_max: 4096 };

fn write_hook(folder: &Folder, point: HookPoint, name: &str, script: &str) {
    let dir = folder.join(&format!("{point}.d"));
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join(name), format!("#!/bin/sh\n{script}\n")).unwrap();
    chmod(&dir.join(name), 0o755);
}
fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}
async fn run_one(script: &str, limits: HookLimits) -> HookRun {
    run_with(script, limits, &json!({"n": 1})).await
}
async fn run_with(script: &str, limits: HookLimits, document: &Value) -> HookRun {
    let folder = Folder::new();
    write_hook(&folder, HookPoint::PostCheck, "10-it", script);
    let report = Hooks::new(folder.path().to_owned(), limits).run(HookPoint::PostCheck, document).await;
    assert_eq!(report.hooks.len(), 1);
    report.hooks.into_iter().next().unwrap()
}

#[tokio::test]
async fn hooks_run_in_order_and_only_hooks() {
    let folder = Folder::new();
    for name in ["20-b", "10-a", "9-late", ".hidden", "_off", "30-c.disabled", "notes.md", "10-a~"] {
        write_hook(&folder, HookPoint::PostPublish, name, "echo $0 | sed 's,.*/,,'");
    }
    write_hook(&folder, HookPoint::PostPublish, "40-not-executable", "exit 1");
    chmod(&folder.join("post-publish.d/40-not-executable"), 0o644);
    std::fs::create_dir(folder.join("post-publish.d/50-folder")).unwrap();
    std::os::unix::fs::symlink("/nowhere", folder.join("post-publish.d/60-broken")).unwrap();
    let hooks = Hooks::new(folder.path().to_owned(), PATIENT);
    let report = hooks.run(HookPoint::PostPublish, &json!({})).await;
    let got: Vec<_> = report.hooks.iter().map(|h| (h.name.as_str(), &h.outcome, h.output.as_str())).collect();
    let ok = &HookOutcome::Ok;
    assert_eq!(got, [("10-a", ok, "10-a"), ("20-b", ok, "20-b"), ("9-late", ok, "9-late")]);
    assert_eq!(hooks.names(HookPoint::PostPublish).unwrap(), ["10-a", "20-b", "9-late"]);
    assert_eq!(hooks.not_executable(HookPoint::PostPublish).unwrap(), ["40-not-executable"]);
    assert_eq!(hooks.not_executable(HookPoint::Settled).unwrap(), [""; 0]);
    assert_eq!(hooks.run(HookPoint::Settled, &json!({})).await.hooks, []);
    assert_eq!(Hooks::new(folder.join("none"), PATIENT).run(HookPoint::Settled, &json!({})).await.hooks, []);
}

#[tokio::test]
async fn a_hook_gets_the_document_and_a_clean_environment() {
    // Cargo itself sets variables that must not get through.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let got =
        run_one("cat; echo; env | sed 's/=.*//' | sort | tr '\\n' ' '; echo $SOFTLANDING_EVENT; pwd", PATIENT).await;
    assert_eq!(got.outcome, HookOutcome::Ok);
    let mut lines = got.output.lines();
    assert_eq!(lines.next(), Some("{\"n\":1}"));
    let (names, event) = lines.next().unwrap().rsplit_once(' ').unwrap();
    assert_eq!(event, "post-check");
    // PWD, SHLVL and _ are the shell's own.
    let allowed = ["HOME", "LANG", "PATH", "SOFTLANDING_EVENT", "PWD", "OLDPWD", "SHLVL", "_"];
    assert!(names.split(' ').all(|name| allowed.contains(&name)), "{names}");
    assert!(lines.next().unwrap().ends_with("/post-check.d"));
}

#[tokio::test]
async fn a_failing_pre_hook_vetoes_and_the_rest_do_not_run() {
    let folder = Folder::new();
    for point in HookPoint::ALL {
        write_hook(&folder, point, "1", "exit 0");
        write_hook(&folder, point, "2", "echo no; exit 3");
        write_hook(&folder, point, "3", "exit 0");
    }
    let hooks = Hooks::new(folder.path().to_owned(), PATIENT);
    for point in HookPoint::ALL {
        let report = hooks.run(point, &json!({})).await;
        let expected = if point.vetoes() { 2 } else { 3 };
        assert_eq!(report.hooks.len(), expected, "{point}");
        let failure = report.first_failure().unwrap();
        assert_eq!((&failure.outcome, failure.output.as_str()), (&HookOutcome::Exit(3), "no"));
        assert_eq!(report.veto().is_some(), point.vetoes());
    }
}

#[tokio::test]
async fn every_kind_of_end_is_told_apart() {
    assert_eq!(run_one("exit 42", PATIENT).await.outcome, HookOutcome::Exit(42));
    assert_eq!(run_one("kill -TERM $$", PATIENT).await.outcome, HookOutcome::Signal(15));
    assert_eq!(run_one("sleep 1000", BRIEF).await.outcome, HookOutcome::TimedOut);
    assert_eq!(run_one("trap '' TERM INT HUP; while :; do :; done", BRIEF).await.outcome, HookOutcome::TimedOut);

    let folder = Folder::new();
    for (name, bytes) in [("1-no-program", "#!/no/such/shell\n"), ("2-no-first-line", "\u{0}\u{1}")] {
        write_hook(&folder, HookPoint::Settled, name, "");
        std::fs::write(folder.join("settled.d").join(name), bytes).unwrap();
    }
    let report = Hooks::new(folder.path().to_owned(), PATIENT).run(HookPoint::Settled, &json!({})).await;
    let outcomes: Vec<String> = report.hooks.iter().map(|h| h.outcome.to_string()).collect();
    assert_eq!(
        outcomes,
        [
            "could not be started: the program named in its first line does not exist",
            "could not be started: it has no first line such as #!/bin/sh",
        ]
    );
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_vetoes() {
    let folder = Folder::new();
    std::fs::write(folder.join("pre-publish.d"), "a file where a folder should be").unwrap();
    let hooks = Hooks::new(folder.path().to_owned(), PATIENT);
    let report = hooks.run(HookPoint::PrePublish, &json!({})).await;
    assert!(matches!(report.veto().unwrap().outcome, HookOutcome::CouldNotStart(_)), "{report:?}");
    assert!(hooks.names(HookPoint::PrePublish).is_err());
}

#[tokio::test]
async fn a_hook_that_does_not_read_is_not_in_the_way() {
    // More than a pipe holds, so that writing it needs a reader.
    let large = json!({"text": "x".repeat(1 << 20)});
    assert_eq!(run_with("echo done", PATIENT, &large).await.output, "done");
    assert_eq!(run_with("exec 0<&-; echo closed", PATIENT, &large).await.output, "closed");
    assert_eq!(run_with("head -c 10 >/dev/null; echo some", PATIENT, &large).await.output, "some");
    let counted = run_with("wc -c | tr -d ' '", PATIENT, &large).await.output;
    assert_eq!(counted, large.to_string().len().to_string());
}

#[tokio::test]
async fn output_is_bounded_and_says_so() {
    let got = run_one("yes 2>&1", HookLimits { output_bytes_max: 10, ..BRIEF }).await;
    assert_eq!((got.outcome, got.output.as_str()), (HookOutcome::TimedOut, "y\ny\ny\ny\ny\n[cut after 10 bytes]"));
    // A hook that says too much can still end well.
    let got = run_one("head -c 200000 /dev/zero | tr '\\0' x; exit 0", PATIENT).await;
    assert_eq!(got.outcome, HookOutcome::Ok);
    assert_eq!(got.output, format!("{}\n[cut after 4096 bytes]", "x".repeat(4096)));
}

#[tokio::test]
async fn output_cannot_steer_a_terminal() {
    let got = run_one(
        "printf 'a\\033[31mred\\007\\rb\\tc\\nd\\302\\233e\\377f\\342\\200\\256g\\n\\n'; echo err >&2",
        PATIENT,
    )
    .await;
    assert_eq!(got.output, "a[31mredb\tc\nde\u{fffd}fg\n\nerr");
}

#[tokio::test]
async fn children_that_hold_the_pipes_end_with_the_hook() {
    // Without the kill these would keep the pipes open for ever.
    for script in ["sleep 100000 & exit 0", "(sleep 100000; echo never) & echo done", "nohup yes & exit 0"] {
        let got = run_one(script, PATIENT).await;
        assert_eq!(got.outcome, HookOutcome::Ok, "{script}");
    }
    // One that leaves the group cannot be killed; it must not be waited for either.
    let got = run_one("setsid sleep 3 & echo gone", PATIENT).await;
    assert_eq!((got.outcome, got.output.as_str()), (HookOutcome::Ok, "gone"));
}

/// A pipe with a name, which the hook and all of its children hold open: it ends when the last of them is dead.
fn lifeline(folder: &Folder) -> pipe::Receiver {
    let path = folder.join("lifeline");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    pipe::OpenOptions::new().open_receiver(path).unwrap()
}

#[tokio::test]
async fn a_timeout_kills_the_whole_group() {
    let folder = Folder::new();
    let mut lifeline = lifeline(&folder);
    write_hook(
        &folder,
        HookPoint::Failed,
        "1",
        "exec 9>../lifeline; echo up >&9; (trap '' TERM HUP; sleep 100000) & sleep 100000",
    );
    let report = Hooks::new(folder.path().to_owned(), BRIEF).run(HookPoint::Failed, &json!({})).await;
    assert_eq!(report.hooks[0].outcome, HookOutcome::TimedOut);
    let mut said = String::new();
    lifeline.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "up\n");
}

#[tokio::test]
async fn dropping_the_future_kills_the_whole_group() {
    let folder = Folder::new();
    let mut lifeline = lifeline(&folder);
    write_hook(&folder, HookPoint::Failed, "1", "exec 9>../lifeline; sleep 100000 & echo up >&9; sleep 100000");
    let hooks = Hooks::new(folder.path().to_owned(), PATIENT);
    let mut said = [0; 3];
    let document = json!({});
    tokio::select! {
        report = hooks.run(HookPoint::Failed, &document) => panic!("{report:?}"),
        read = lifeline.read_exact(&mut said) => { read.unwrap(); }
    }
    assert_eq!(lifeline.read_to_end(&mut Vec::new()).await.unwrap(), 0);
}

#[test]
fn the_envelope_is_a_cloud_event() {
    let at = Timestamp::parse_rfc3339("2026-11-27T22:00:03Z").unwrap();
    let event =
        envelope(HookPoint::Straggler, &RunId::new("r7").unwrap(), "agent-1", at, 42, json!({"reason": "grey"}));
    assert_eq!(
        event,
        json!({
            "specversion": "1.0",
            "id": "r7:42",
            "source": "softlanding",
            "type": "softlanding.straggler.v1",
            "subject": "agent-1",
            "time": "2026-11-27T22:00:03.000Z",
            "datacontenttype": "application/json",
            "data": {"reason": "grey"},
        })
    );
}

/// A copy of the shipped hooks, so that trying them leaves nothing behind in the project.
fn shipped() -> (Folder, Hooks) {
    let folder = Folder::new();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("hooks");
    assert!(
        std::process::Command::new("cp").arg("-R").arg(from.join(".")).arg(folder.path()).status().unwrap().success()
    );
    let hooks = Hooks::new(folder.path().to_owned(), PATIENT);
    (folder, hooks)
}
fn example(point: HookPoint, subject: &str, data: Value) -> Value {
    envelope(point, &RunId::new("r7").unwrap(), subject, Timestamp(1_795_816_803_000), 42, data)
}

#[tokio::test]
async fn what_is_shipped_is_harmless_and_every_folder_is_a_point() {
    let (folder, hooks) = shipped();
    let mut enabled = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let point = name.strip_suffix(".d").map(|point| HookPoint::ALL.iter().any(|p| p.as_str() == point));
        assert!(point.unwrap_or(name == "README.md"), "{name}");
    }
    for point in HookPoint::ALL {
        let report = hooks.run(point, &example(point, "", json!({}))).await;
        assert_eq!(report.first_failure(), None);
        enabled += report.hooks.len();
    }
    assert_eq!(enabled, 1, "the freeze is the one hook that is on by default");
}

#[tokio::test]
async fn a_freeze_vetoes_and_says_why() {
    let (folder, hooks) = shipped();
    std::fs::write(folder.join("pre-publish.d/FREEZE"), "Black Friday: no changes until Monday\nasked by Kim\n")
        .unwrap();
    let report = hooks.run(HookPoint::PrePublish, &json!({})).await;
    let veto = report.veto().unwrap();
    assert_eq!((veto.name.as_str(), &veto.outcome), ("10-freeze-window", &HookOutcome::Exit(1)));
    assert!(veto.output.contains("Black Friday: no changes until Monday"), "{}", veto.output);
    std::fs::write(folder.join("pre-publish.d/FREEZE"), "").unwrap();
    assert!(hooks.run(HookPoint::PrePublish, &json!({})).await.veto().is_some());
}

#[tokio::test]
async fn stragglers_are_listed_for_the_floor() {
    let (folder, hooks) = shipped();
    let dir = folder.join("straggler.d");
    std::fs::rename(dir.join("50-append-csv.disabled"), dir.join("50-append-csv")).unwrap();
    for (id, name) in [("u1", "Ann \"Annie\" Lee, jr"), ("u2", "=cmd|' /C calc'!A0")] {
        let data = json!({"agent": {
            "id": id,
            "name": name,
            "reason": "token refused with 401",
            "tried": ["token refresh", "session reset"],
            "shift_start": "2026-11-27T22:30:00.000Z",
        }});
        let report = hooks.run(HookPoint::Straggler, &example(HookPoint::Straggler, id, data)).await;
        assert_eq!(report.first_failure(), None);
    }
    let csv = std::fs::read_to_string(dir.join("stragglers-r7.csv")).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(
        lines,
        [
            "seen_at,agent_id,agent_name,reason,tried,shift_start",
            "2026-11-27T22:00:03.000Z,u1,\"Ann \"\"Annie\"\" Lee, jr\",token refused with 401,\"token refresh, session reset\",2026-11-27T22:30:00.000Z",
            // A spreadsheet would run a field that begins with '='.
            "2026-11-27T22:00:03.000Z,u2,'=cmd|' /C calc'!A0,token refused with 401,\"token refresh, session reset\",2026-11-27T22:30:00.000Z",
        ]
    );
    let report = hooks.run(HookPoint::Straggler, &json!("nonsense")).await;
    assert_eq!(report.hooks[0].outcome, HookOutcome::Exit(1));
}

#[tokio::test]
async fn the_summary_is_posted_to_the_webhook() {
    let (folder, hooks) = shipped();
    let dir = folder.join("settled.d");
    std::fs::rename(dir.join("50-announce.disabled"), dir.join("50-announce")).unwrap();
    let data = json!({
        "week": "2026-11-30",
        "business_unit": {"id": "b1", "name": "Care"},
        "tally": {"ready": 590, "recovered": 6, "deferred": 1, "stragglers": 2, "unknown": 1},
        "stragglers": [{"name": "Ann", "reason": "no WebRTC phone"}, {"name": "Bo", "reason": "token refused with 401"}],
    });
    let document = example(HookPoint::Settled, "r7", data);
    let report = hooks.run(HookPoint::Settled, &document).await;
    assert!(report.hooks[0].output.contains("announce.url"), "{report:?}");
    assert_eq!(report.hooks[0].outcome, HookOutcome::Exit(1));

    let (sent, received) = tokio::sync::oneshot::channel();
    let sent = std::sync::Arc::new(std::sync::Mutex::new(Some(sent)));
    let app = axum::Router::new().route(
        "/hook",
        axum::routing::post(move |body: String| async move {
            if let Some(sent) = sent.lock().unwrap().take() {
                sent.send(body).unwrap();
            }
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook\n", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    std::fs::write(dir.join("announce.url"), url).unwrap();
    let report = hooks.run(HookPoint::Settled, &document).await;
    assert_eq!(report.first_failure(), None);
    let body: Value = serde_json::from_str(&received.await.unwrap()).unwrap();
    let text = "softlanding r7: week 2026-11-30 of Care settled: 590 ready, 6 recovered, 1 deferred, 2 stragglers, \
                1 unknown\nAnn: no WebRTC phone\nBo: token refused with 401";
    assert_eq!(body, json!({ "text": text }));
    server.abort();
}
