//! A whole Friday, told to somebody who listens, somebody who stumbles and somebody who hangs.

use std::process::Stdio;

use serde_json::{Value, json};
use softlanding::hands::hook::signature::{SignedHeaders, SigningKeys, TOLERANCE_MS};
use softlanding::hands::journal::{Journal, Record};
use softlanding::law::event::Event;
use softlanding::law::occurrence::{Note, REMIND_MS};
use softlanding::words::clock::Clock;
use softlanding::words::id::RunId;
use softlanding::words::secret::Secret;
use tokio::io::AsyncWriteExt;

use crate::REPEAT;
use crate::receiver::{Received, Receiver, Reply};
use crate::support::process::{installed, patiently};
use crate::support::site::{RUN, Site, calm, told};
use crate::yard::Yard;

/// The reference libraries' word: code and standard output, or their complaint.
async fn reference(arguments: &[&str], input: &str) -> String {
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/webhooks/reference.py");
    let mut command = tokio::process::Command::new(installed("python"));
    command.arg(script).args(arguments).env("PYTHONDONTWRITEBYTECODE", "1");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("python runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).await.expect("a reader");
    drop(stdin);
    let output = child.wait_with_output().await.expect("it ends");
    assert!(output.status.success(), "{}; {REPEAT}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_friday_is_told_as_it_is_recorded_and_nobody_who_hangs_delays_it() {
    patiently(async {
        let site = Site::open("webhooks-friday", calm(&["Approved"]), -4, 30.0, "").await;
        let yard = Yard::of(site).await;
        let (ops, stuck, elsewhere) = (Receiver::open().await, Receiver::open().await, Receiver::open().await);
        let events = ["staged", "phase_entered", "publish_*", "settled", "calendar.*"];
        yard.webhook("ops", &ops, &events, "publishes = [\"care\"]");
        yard.webhook("stuck", &stuck, &["*"], "timeout = \"60s\"");
        // Each way to stumble once, at the first messages.
        let there = elsewhere.url.clone();
        let mut stumbles = vec![Reply::Status(500), Reply::After(429, 1), Reply::Redirect(there), Reply::Status(404)];
        ops.answers(move |_, _| stumbles.pop().unwrap_or(Reply::Take));
        stuck.answers(|_, _| Reply::Hang);
        let mut daemon = yard.site.serve();
        daemon.event("ended").await;
        let settled = ops.takes(|one| one.event() == "settled").await;
        // Nobody waited for the one that hangs: it is still being told the first thing of each stream.
        assert_eq!(yard.site.published(), (1, 1), "{}; {REPEAT}", told(&daemon.log));
        let records = yard.site.records(RUN).await;
        assert!(!records.iter().any(|r| matches!(r.event, Event::PublishLate { .. })), "{REPEAT}");
        assert!(stuck.count() > 0 && stuck.taken().is_empty(), "{REPEAT}");
        assert!(stuck.all().iter().all(|one| one.record().1 == 1), "told what comes after; {REPEAT}");
        // What was told is what was recorded, in order, each once.
        let wanted =
            |name: &str| name.starts_with("publish_") || ["staged", "phase_entered", "settled"].contains(&name);
        let recorded: Vec<_> = yard.recorded(RUN).await.into_iter().filter(|(_, name)| wanted(name)).collect();
        let of_the_run = ops.taken().into_iter().filter(|(run, ..)| run == RUN).map(|(_, seq, event)| (seq, event));
        assert_eq!(of_the_run.collect::<Vec<_>>(), recorded, "{REPEAT}");
        assert!(recorded.len() > 8, "{recorded:?}");
        let of_the_calendar: Vec<String> =
            ops.taken().into_iter().filter(|(run, ..)| run == "calendar.care").map(|(.., event)| event).collect();
        assert_eq!(of_the_calendar, ["calendar.begun", "calendar.staged"], "{REPEAT}");
        assert_eq!((ops.repeats() >= 1, elsewhere.count()), (true, 0), "a redirect was followed; {REPEAT}");
        let data = &settled.document["data"];
        assert_eq!((&data["entry"], &data["details"]["tally"]["ready"]), (&json!("care"), &json!(12)), "{REPEAT}");
        // One line when it began to fail and one when it was back, with four tries in vain between them.
        let end = daemon.stop().await;
        let of_ops = |event: &str| end.about(event).iter().filter(|line| line["webhook"] == "ops").count();
        assert_eq!((of_ops("webhook_failing"), of_ops("webhook_back")), (1, 1), "{}; {REPEAT}", told(&end.log));
        assert!(!told(&end.log).contains("hush"), "{REPEAT}");
        both_libraries_agree(&yard, &ops.all()).await;
    })
    .await;
}

async fn both_libraries_agree(yard: &Yard, all: &[Received]) {
    let line = |one: &Received| {
        let headers: serde_json::Map<String, Value> =
            one.headers.iter().map(|(key, value)| (key.clone(), Value::from(value.clone()))).collect();
        json!({ "headers": headers, "body": one.body }).to_string()
    };
    let lines = all.iter().map(line).collect::<Vec<_>>().join("\n");
    let file = yard.secret_file().display().to_string();
    let counted = reference(&["verify", &file], &lines).await;
    assert_eq!(counted.trim(), all.len().to_string(), "{REPEAT}");
    assert!(all.iter().all(|one| one.header("content-type").starts_with("application/cloudevents+json")), "{REPEAT}");
    // And the other way round: what the reference library signs is accepted.
    let body = "{\"type\": \"publish.requested\", \"ä\": 1}";
    let signed: Value = serde_json::from_str(&reference(&["sign", &file, "msg_1"], body).await).expect("JSON");
    let headers = SignedHeaders::read(|name| signed[name].as_str()).expect("headers");
    let keys = SigningKeys::new(&[Secret::new(std::fs::read_to_string(&file).expect("a secret"))]).expect("keys");
    let now = Clock::System.now();
    assert!(keys.verify(&headers, body.as_bytes(), now, TOLERANCE_MS).is_ok(), "{REPEAT}");
    assert!(keys.verify(&headers, b"{}", now, TOLERANCE_MS).is_err(), "{REPEAT}");
}

/// Tried every few minutes for hours, and told as what a person needs to know.
#[tokio::test(flavor = "multi_thread")]
async fn a_publish_that_cannot_be_staged_is_told_once_an_hour_however_often_it_is_tried() {
    patiently(async {
        let terms = "schedule = \"Approved*\"\nstage_before = \"1d\"";
        let site = Site::open("webhooks-refused", calm(&["First", "Second"]), -900, 600.0, "").await;
        site.edit(|config| config.replace("stage_before = \"10min\"", terms));
        let yard = Yard::of(site).await;
        let ops = Receiver::open().await;
        yard.webhook("ops", &ops, &["calendar.*"], "");
        let mut daemon = yard.site.serve();
        daemon.event("calendar.not_staged").await;
        let first = ops.takes(|one| one.event() == "calendar.not_staged").await.record().1;
        ops.takes(|one| one.event() == "calendar.not_staged" && one.record().1 > first).await;
        yard.site.rename("First", "Approved by Ann").await;
        ops.takes(|one| one.event() == "calendar.staged").await;
        daemon.stop().await;
        let stream = RunId::calendar("care").expect("a name");
        let notes = yard.journal().await.load::<Note>(&stream).await.expect("notes");
        let is_refusal = |note: &&Record<Note>| matches!(note.event, Note::NotStaged { .. });
        let refused: Vec<_> = notes.iter().filter(is_refusal).collect();
        let told: Vec<u64> = ops
            .taken()
            .into_iter()
            .filter(|(.., event)| event == "calendar.not_staged")
            .map(|(_, seq, _)| seq)
            .collect();
        assert!(refused.len() > 2 * told.len(), "{told:?} of {refused:?}; {REPEAT}");
        let at = |seq: &u64| refused.iter().find(|note| note.seq == *seq).expect("a refusal").at;
        assert!(
            told.windows(2).all(|two| at(&two[1]).since_ms(at(&two[0])) >= REMIND_MS),
            "{told:?} of {refused:?}; {REPEAT}"
        );
    })
    .await;
}
