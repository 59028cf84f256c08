//! What changes something: who may, what is refused, and requests that are repeated, at once and after a crash.

use reqwest::Method;
use serde_json::{Value, json};
use softlanding::hands::access::{Begun, Request};
use softlanding::words::clock::Clock;

use crate::client::{Answer, REPEAT, Served, answer};
use crate::support::process::patiently;
use crate::support::site::{RUN, Site, calm};

/// A site whose calendar stages nothing yet.
async fn early(name: &str, entry: &str) -> Served {
    let site = Site::open(name, calm(&["Approved"]), -60, 1.0, entry).await;
    Served::open(site, "").await
}

fn orders() -> String {
    format!("/api/v1/runs/{RUN}/orders")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_act_takes_its_role() {
    patiently(async {
        let served = early("api-roles", "require_approval = true").await;
        let stage = json!({ "publish": "care" });
        let because = json!({ "publish": "care", "why": "planned anew" });
        let tell = |wish: &str| json!({ "wish": wish, "why": "a test" });
        let start = format!("/api/v1/runs/{RUN}/start");
        let check = json!({ "publish": "care" });
        let all = [
            ("/api/v1/runs", &stage),
            (orders().as_str(), &tell("hold")),
            (start.as_str(), &Value::Null),
            ("/api/v1/checks", &check),
        ]
        .map(|(path, body)| (path.to_owned(), body.clone()));
        for (path, body) in &all {
            served.post(&served.viewer, path, body).await.problem(403);
            served.post("slk_0", path, body).await.problem(401);
            let nobody = served.request(Method::POST, path).header("content-type", "application/json");
            answer(nobody.body(body.to_string())).await.problem(401);
        }
        let card = served.post(&served.operator, "/api/v1/runs", &because).await.well(201);
        assert_eq!((&card["run"], &card["needs"]), (&json!(RUN), &json!("approval")), "{card}; {REPEAT}");
        let not_his = served.post(&served.operator, &orders(), &tell("approve")).await.problem(403);
        let said = "operator-key is an operator, and this takes an approver";
        assert_eq!(not_his.body["detail"], said, "{not_his:?}; {REPEAT}");
        served.post(&served.approver, &orders(), &tell("approve")).await.well(202);
        served.until(RUN, |card| card["approval"] == "given").await;
        served.post(&served.operator, &orders(), &tell("hold")).await.well(202);
        served.until(RUN, |card| card["held"] == true).await;
        served.post(&served.operator, &orders(), &tell("resume")).await.well(202);
        served.until(RUN, |card| card["held"] == false).await;
        served.post(&served.operator, &start, &json!({})).await.well(202);
        let roll = served.post(&served.operator, "/api/v1/checks", &check).await.well(200);
        assert_eq!(roll["agents"].as_array().expect("agents").len(), 12, "{roll}; {REPEAT}");
        let by_name = json!({ "business_unit": "Customer Care" });
        let again = served.post(&served.approver, "/api/v1/checks", &by_name).await.well(200);
        assert_eq!(again["business_unit"], roll["business_unit"], "{REPEAT}");
        served.post(&served.operator, &orders(), &tell("abort")).await.well(202);
        let stopped = served.get(&served.viewer, &format!("/api/v1/runs/{RUN}")).await;
        let whole = loop {
            let whole = served.get(&served.viewer, &format!("/api/v1/runs/{RUN}")).await.well(200);
            if whole["over"] == true {
                break whole;
            }
        };
        assert_eq!(stopped.status, 200, "{REPEAT}");
        assert_eq!((&whole["ending"], &whole["allowed"]), (&json!("aborted"), &json!([])), "{whole}; {REPEAT}");
        // Each order stands in the journal with the name of its key.
        let control = whole["control"].to_string();
        for said in [
            "staged by operator-key: planned anew",
            "approved by approver-key",
            "held by operator-key",
            "resumed by operator-key",
            "aborted by",
        ] {
            assert!(control.contains(said), "{said}: {control}; {REPEAT}");
        }
        let report = served.get(&served.viewer, &format!("/api/v1/runs/{RUN}/report.json")).await.well(200);
        let by = json!({ "who": "operator-key", "why": "planned anew" });
        assert_eq!(report["run"]["staged_by"], by, "{REPEAT}");
        served.post(&served.operator, &start, &json!({})).await.problem(409);
        assert_eq!(served.site.published(), (0, 0), "{REPEAT}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_refused_at_once_with_the_reason() {
    patiently(async {
        let served = early("api-refused", "").await;
        let refused = async |path: &str, body: Value, status: u16, said: &str| {
            let problem = served.post(&served.approver, path, &body).await.problem(status);
            assert!(problem.body.to_string().contains(said), "{said}: {problem:?}; {REPEAT}");
        };
        refused("/api/v1/runs", json!({ "publish": "car" }), 422, "did you mean care?").await;
        refused("/api/v1/runs", json!({ "publish": "care", "at": "soon" }), 422, "an instant such as").await;
        refused("/api/v1/runs", json!({ "publish": "care", "at": "2026-11-20T22:00:00Z" }), 409, "has passed").await;
        refused("/api/v1/runs", json!({ "publish": "care", "when": "now" }), 400, "unknown field").await;
        // A list of values without their names is no object, whatever could be made of it.
        refused("/api/v1/runs", json!([]), 400, "no JSON object").await;
        refused("/api/v1/runs", json!(["care", null]), 400, "no JSON object").await;
        refused("/api/v1/checks", json!(["care", null]), 400, "no JSON object").await;
        refused(&orders(), json!(["hold", null, "x"]), 400, "no JSON object").await;
        // What to do about it is said in the words of the API.
        let past = json!({ "publish": "care", "at": "2026-11-20T22:00:00Z" });
        refused("/api/v1/runs", past, 409, "still to come, as `at`").await;
        refused("/api/v1/checks", json!({}), 422, "exactly one").await;
        refused("/api/v1/checks", json!({ "business_unit": "Nobody" }), 422, "Customer Care").await;
        refused(&orders(), json!({ "wish": "hold", "why": "x" }), 404, "there is no run").await;
        served.post(&served.operator, "/api/v1/runs", &json!({ "publish": "care" })).await.well(201);
        refused("/api/v1/runs", json!({ "publish": "care" }), 409, "staged already").await;
        refused(&orders(), json!({ "wish": "resume", "why": "x" }), 409, "nothing is held").await;
        refused(&orders(), json!({ "wish": "publish", "why": "x" }), 400, "unknown variant").await;
        let meant = |side: &str| json!({ "wish": "hold", "expects": side, "why": "x" });
        refused(&orders(), meant("at_publish"), 400, "unknown variant").await;
        refused(&orders(), meant("after_publish"), 409, "the publish has not been made").await;
        served.post(&served.operator, &orders(), &meant("before_publish")).await.well(202);
        for why in ["", "  ", "two\nlines", &"x".repeat(501)] {
            refused("/api/v1/runs", json!({ "publish": "care", "why": why }), 422, "one line").await;
            refused(&orders(), json!({ "wish": "hold", "why": why }), 422, "one line").await;
        }
        let odd = served.request(Method::POST, "/api/v1/runs").bearer_auth(&served.operator).body("publish=care");
        answer(odd).await.problem(415);
        let long = json!({ "publish": "x".repeat(70_000) });
        served.post(&served.operator, "/api/v1/runs", &long).await.problem(413);
        for key in ["", "a b", &"x".repeat(256)] {
            let request = served.posting(&served.operator, "/api/v1/runs", &json!({})).header("idempotency-key", key);
            answer(request).await.problem(400);
        }
    })
    .await;
}

/// An order with an idempotency key.
async fn hold(served: &Served, key: &str, why: &str) -> Answer {
    let body = json!({ "wish": "hold", "why": why });
    answer(served.posting(&served.operator, &orders(), &body).header("idempotency-key", key)).await
}

/// How often the run was held, as its journal tells.
async fn holds(served: &Served) -> usize {
    let whole = served.get(&served.viewer, &format!("/api/v1/runs/{RUN}")).await.well(200);
    whole["control"]
        .as_array()
        .expect("lines")
        .iter()
        .filter(|line| line["words"].to_string().contains("held by"))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_brings_the_same_answer_at_once_later_and_after_a_crash() {
    patiently(async {
        let served = early("api-once", "").await;
        let stage = || {
            let request = served.posting(&served.operator, "/api/v1/runs", &json!({ "publish": "care" }));
            answer(request.header("idempotency-key", "stage-1"))
        };
        // Two at once: one of them stages; the other is told to come again, or has the same answer.
        let (one, two) = tokio::join!(stage(), stage());
        let first = if one.status == 201 { &one } else { &two };
        let card = first.clone().well(201);
        for other in [&one, &two] {
            let same = other.status == 201 && other.body == card;
            let waits = other.status == 409 && other.body["type"] == "urn:softlanding:problem:in-hand";
            assert!(same || waits, "{other:?}; {REPEAT}");
        }
        assert_eq!(stage().await.well(201), card, "{REPEAT}");
        let held = hold(&served, "hold-1", "a freeze").await.well(202);
        served.until(RUN, |card| card["held"] == true).await;
        assert_eq!(hold(&served, "hold-1", "a freeze").await.well(202), held, "{REPEAT}");
        hold(&served, "hold-1", "another reason").await.problem(422);
        // A refusal is an answer as well.
        let resume = json!({ "wish": "resume", "why": "go on" });
        let refused = json!({ "wish": "approve", "why": "too late" });
        answer(served.posting(&served.operator, &orders(), &refused).header("idempotency-key", "no-1"))
            .await
            .problem(403);
        // What a process had in hand when it died is carried out by the next one.
        let dead = Request { caller: "key:operator-key", key: "hold-2", print: "unknown", holder: "nowhere" };
        assert_eq!(served.access.begin_answer(dead, Clock::System.now()).await.expect("a store"), Begun::Mine);
        hold(&served, "hold-2", "a freeze").await.problem(422);
        let served = served.restart().await;
        assert_eq!(hold(&served, "hold-1", "a freeze").await.well(202), held, "{REPEAT}");
        served.post(&served.operator, &orders(), &resume).await.well(202);
        served.until(RUN, |card| card["held"] == false).await;
        assert_eq!(hold(&served, "hold-1", "a freeze").await.well(202), held, "{REPEAT}");
        // The keys of two callers are two.
        let other = served.posting(&served.approver, &orders(), &json!({ "wish": "hold", "why": "a freeze" }));
        answer(other.header("idempotency-key", "hold-1")).await.well(202);
        served.until(RUN, |card| card["held"] == true).await;
        assert_eq!(holds(&served).await, 2, "{REPEAT}");
        let runs = served.get(&served.viewer, "/api/v1/runs").await.well(200);
        assert_eq!(runs["runs"].as_array().expect("runs").len(), 1, "{runs}; {REPEAT}");
    })
    .await;
}
