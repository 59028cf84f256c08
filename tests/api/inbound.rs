//! Webhooks that come in, signed by the reference library of the specification.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use reqwest::Method;
use serde_json::{Value, json};
use softlanding::words::clock::{Clock, Timestamp};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::client::{Answer, REPEAT, Served, answer};
use crate::support::planner::Planner;
use crate::support::process::{installed, patiently};
use crate::support::site::{RUN, Site, calm};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OLD_SECRET: &str = "whsec_ZQ0fXDqZ3ZTqVmTqZ0fXDqZ3ZTqVmTqZ";
const WRONG: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A message with its three headers.
#[derive(Debug, Clone)]
struct Signed {
    id: String,
    timestamp: String,
    signature: String,
    body: String,
}

/// What the reference library makes of a message; the body goes to its standard input as it is.
async fn signed(secret: &str, id: &str, at: Timestamp, body: &Value) -> Signed {
    let script = "import sys\nfrom datetime import datetime, timezone\nfrom standardwebhooks.webhooks import Webhook\n\
        secret, id, at = sys.argv[1:]\nat = datetime.fromtimestamp(int(at), tz=timezone.utc)\n\
        print(Webhook(secret).sign(id, at, sys.stdin.read()))";
    let body = body.to_string();
    let timestamp = at.0.div_euclid(1_000).to_string();
    let mut python = Command::new(installed("python"));
    python.args(["-c", script, secret, id, &timestamp]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = python.spawn().expect("python");
    child.stdin.take().expect("a pipe").write_all(body.as_bytes()).await.expect("a body");
    let output = child.wait_with_output().await.expect("python");
    let signature = String::from_utf8(output.stdout).expect("text").trim().to_owned();
    assert!(signature.starts_with("v1,"), "{signature:?}; {REPEAT}");
    Signed { id: id.to_owned(), timestamp, signature, body }
}

async fn send(served: &Served, source: &str, signed: &Signed) -> Answer {
    let request = served.request(Method::POST, &format!("/hooks/v1/{source}")).body(signed.body.clone());
    let request = request.header("webhook-id", &signed.id).header("webhook-timestamp", &signed.timestamp);
    answer(request.header("webhook-signature", &signed.signature)).await
}

fn message(kind: &str, data: Value) -> Value {
    json!({ "type": kind, "timestamp": "2026-11-27T21:00:00Z", "data": data })
}

/// A served site to which `bridge` may send everything, and `clock` only that the roll is called.
async fn served(name: &str, minutes_after: i64, scale: f64, entry: &str) -> Served {
    let site = Site::open(name, calm(&["Approved"]), minutes_after, scale, entry).await;
    for (file, secret) in [("bridge.secret", SECRET), ("bridge.old", OLD_SECRET), ("clock.secret", WRONG)] {
        let place = site.folder.join(file);
        std::fs::write(&place, secret).expect("a file");
        std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o600)).expect("a file of one's own");
    }
    let senders = "[[inbound]]\nname = \"bridge\"\nsecret = { file = \"bridge.secret\" }\n\
        old_secret = { file = \"bridge.old\" }\n\
        may = [\"publish.requested\", \"publish.completed\", \"check.requested\"]\n\
        [[inbound]]\nname = \"clock\"\nsecret = { file = \"clock.secret\" }\nmay = [\"check.requested\"]\n";
    Served::open(site, senders).await
}

/// Somebody publishes without softlanding, and the platform has had its time for it.
async fn published_by_hand(served: &Served) {
    let planner = Planner::at(&served.site.org.url, "Approved").await;
    planner.publish().await;
    served.site.org.pass(60_000);
    assert_eq!(planner.look().await["published"], true, "{REPEAT}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_request_stages_once_and_what_is_not_signed_well_does_nothing() {
    patiently(async {
        let served = served("api-inbound", -60, 1.0, "require_approval = true").await;
        let now = || Clock::System.now();
        let stage = message("publish.requested", json!({ "publish": "care" }));
        let good = signed(SECRET, "msg_1", now(), &stage).await;
        // What is wrong with a message is found out before anything is done.
        for (bad, status) in [
            (Signed { body: good.body.replace("care", "core"), ..good.clone() }, 401),
            (Signed { id: "msg_2".to_owned(), ..good.clone() }, 401),
            (Signed { timestamp: (now().0 / 1_000 + 60).to_string(), ..good.clone() }, 401),
            (Signed { signature: good.signature.replace("v1,", "v2,"), ..good.clone() }, 401),
            (Signed { signature: String::new(), ..good.clone() }, 400),
            (signed(WRONG, "msg_1", now(), &stage).await, 401),
            (signed(SECRET, "msg_1", now() - 301_000, &stage).await, 401),
            (signed(SECRET, "msg_1", now() + 310_000, &stage).await, 401),
            (signed(SECRET, "msg_3", now(), &message("publish.approved", json!({}))).await, 422),
            (signed(SECRET, "msg_4", now(), &message("publish.requested", json!({ "publish": "core" }))).await, 422),
            (signed(SECRET, "msg_5", now(), &message("check.requested", json!({}))).await, 422),
            (
                signed(SECRET, "msg_8", now(), &message("check.requested", json!({ "business_unit": "Nobody" }))).await,
                422,
            ),
            (signed(SECRET, "msg_9", now(), &message("check.requested", json!(["care", null]))).await, 422),
            (signed(SECRET, "msg_10", now(), &json!(["publish.requested", { "publish": "care" }])).await, 422),
        ] {
            let problem = send(&served, "bridge", &bad).await.problem(status);
            assert!(!problem.body.to_string().contains("whsec_"), "{problem:?}; {REPEAT}");
        }
        let no_week = message("publish.completed", json!({ "publish": "care", "week": "2026-99-01" }));
        let no_week = send(&served, "bridge", &signed(SECRET, "msg_11", now(), &no_week).await).await.problem(422);
        assert!(no_week.body["detail"].to_string().contains("is no date"), "{no_week:?}; {REPEAT}");
        send(&served, "nobody", &good).await.problem(404);
        let others = signed(WRONG, "msg_6", now(), &stage).await;
        send(&served, "clock", &others).await.problem(403);
        let runs = served.get(&served.viewer, "/api/v1/runs").await.well(200);
        assert_eq!(runs["runs"], json!([]), "{REPEAT}");
        // One that stands beside signatures of others, and one that was made with the secret before.
        let among = Signed { signature: format!("v1,AAAA {}", good.signature), ..good.clone() };
        assert_eq!(send(&served, "bridge", &among).await.well(201), json!({ "run": RUN }), "{REPEAT}");
        // A copy is refused; the sender's own repetition is answered as before, and nothing is done again.
        send(&served, "bridge", &good).await.problem(409);
        let again = signed(OLD_SECRET, "msg_1", now() + 2_000, &stage).await;
        assert_eq!(send(&served, "bridge", &again).await.well(201), json!({ "run": RUN }), "{REPEAT}");
        let other = message("publish.requested", json!({ "publish": "care", "at": "2026-12-04T22:00:00Z" }));
        let reused = signed(SECRET, "msg_1", now() + 4_000, &other).await;
        send(&served, "bridge", &reused).await.problem(422);
        // What is wished for is so already.
        let next = signed(SECRET, "msg_7", now(), &stage).await;
        assert_eq!(send(&served, "bridge", &next).await.well(200), json!({ "run": RUN }), "{REPEAT}");
        let card = served.get(&served.viewer, &format!("/api/v1/runs/{RUN}")).await.well(200);
        let told: Vec<&Value> = card["control"].as_array().expect("lines").iter().map(|line| &line["words"]).collect();
        assert_eq!(
            (&card["approval"], told),
            (&json!("missing"), vec![&json!("staged by webhook:bridge")]),
            "{REPEAT}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_roll_call_is_made_aside_and_its_document_is_kept() {
    patiently(async {
        let mut served = served("api-inbound-check", -60, 1.0, "").await;
        let check = message("check.requested", json!({ "publish": "care" }));
        let asked = signed(WRONG, "msg_1", Clock::System.now(), &check).await;
        assert_eq!(send(&served, "clock", &asked).await.status, 202, "{REPEAT}");
        let told = served.daemon.event("checked").await;
        assert_eq!(
            (&told["by"], &told["business_unit"]),
            (&json!("clock"), &json!("Customer Care")),
            "{told}; {REPEAT}"
        );
        let text = std::fs::read_to_string(told["file"].as_str().expect("a file")).expect("the document");
        let document: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(document["agents"].as_array().expect("agents").len(), 12, "{document}; {REPEAT}");
        assert_eq!(document["tally"], told["tally"], "{told}; {REPEAT}");
    })
    .await;
}

/// Of several at once one has its turn, and the others are told to come again: whoever is told that it is taken is not forgotten.
#[tokio::test(flavor = "multi_thread")]
async fn each_roll_call_that_was_taken_is_made_and_has_a_document_of_its_own() {
    patiently(async {
        let mut served = served("api-inbound-checks", -60, 1.0, "").await;
        let check = message("check.requested", json!({ "publish": "care" }));
        let mut asked = Vec::new();
        for n in 0..6 {
            asked.push(signed(WRONG, &format!("msg_{n}"), Clock::System.now(), &check).await);
        }
        let answers = futures_util::future::join_all(asked.iter().map(|one| send(&served, "clock", one))).await;
        let taken = answers.iter().filter(|answer| answer.status == 202).count();
        assert!(taken > 0, "{answers:?}; {REPEAT}");
        for refused in answers.into_iter().filter(|answer| answer.status != 202) {
            assert_eq!(refused.problem(429).body["type"], "urn:softlanding:problem:too-many", "{REPEAT}");
        }
        let mut files = std::collections::BTreeSet::new();
        for _ in 0..taken {
            let told = served.daemon.event("checked").await;
            files.insert(told["file"].as_str().expect("a file").to_owned());
        }
        assert_eq!(files.len(), taken, "{files:?}; {REPEAT}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_that_was_made_elsewhere_is_checked_by_the_run_that_waited_for_it() {
    patiently(async {
        let mut served = served("api-elsewhere-staged", -9, 10.0, "").await;
        served.daemon.event("calendar.staged").await;
        let done = message("publish.completed", json!({ "publish": "care" }));
        // Said too early, it is looked for, and the run goes on as it was.
        let early = signed(SECRET, "msg_1", Clock::System.now(), &done).await;
        assert_eq!(send(&served, "bridge", &early).await.well(202), json!({ "run": RUN }), "{REPEAT}");
        let whole = served.until(RUN, |card| card["last_seq"].as_u64() > Some(2)).await;
        assert_eq!(whole["over"], json!(false), "{whole}; {REPEAT}");
        published_by_hand(&served).await;
        // By its id, where the configuration has the name.
        let done = message("publish.completed", json!({ "business_unit": whole["business_unit_id"] }));
        let late = signed(SECRET, "msg_2", Clock::System.now(), &done).await;
        assert_eq!(send(&served, "bridge", &late).await.well(202), json!({ "run": RUN }), "{REPEAT}");
        let card = served.until(RUN, |card| card["publish"]["fate"] == "elsewhere").await;
        assert_eq!(card["publish"]["late_ms"], Value::Null, "{card}; {REPEAT}");
        served.daemon.event("ended").await;
        let card = served.get(&served.viewer, &format!("/api/v1/runs/{RUN}")).await.well(200);
        assert_eq!((&card["ending"], &card["tally"]["ready"]), (&json!("settled"), &json!(12)), "{card}; {REPEAT}");
        assert!(card["control"].to_string().contains("reported published by webhook:bridge"), "{card}; {REPEAT}");
        served.site.records(RUN).await;
        assert_eq!(served.site.published(), (1, 1), "only the planner has; {REPEAT}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_that_was_made_elsewhere_is_checked_by_a_run_that_is_made_for_it() {
    patiently(async {
        let mut served = served("api-elsewhere-new", -60, 20.0, "catch_up = \"never\"").await;
        let done = message("publish.completed", json!({ "business_unit": "customer care" }));
        let untrue = signed(SECRET, "msg_1", Clock::System.now(), &done).await;
        let problem = send(&served, "bridge", &untrue).await.problem(409);
        assert!(problem.body.to_string().contains("no published schedule"), "{problem:?}; {REPEAT}");
        published_by_hand(&served).await;
        let done = message("publish.completed", json!({ "publish": "care" }));
        let so = signed(SECRET, "msg_2", Clock::System.now(), &done).await;
        let run = send(&served, "bridge", &so).await.well(202)["run"].as_str().expect("a run").to_owned();
        served.daemon.until("its end", |line| line["event"] == "ended" && line["run"] == run.as_str()).await;
        let card = served.get(&served.viewer, &format!("/api/v1/runs/{run}")).await.well(200);
        assert_eq!(
            (&card["ending"], &card["publish"]["fate"]),
            (&json!("settled"), &json!("elsewhere")),
            "{card}; {REPEAT}"
        );
        assert_eq!((&card["agents"], &card["tally"]["ready"]), (&json!(12), &json!(12)), "{card}; {REPEAT}");
        assert!(
            card["control"].to_string().contains("staged by webhook:bridge: published without"),
            "{card}; {REPEAT}"
        );
        served.site.records(&run).await;
        assert_eq!(served.site.published(), (1, 1), "only the planner has; {REPEAT}");
    })
    .await;
}
