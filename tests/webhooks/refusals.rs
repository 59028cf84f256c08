//! Receivers that do not want, cannot, or will never again; and those who come late.

use serde_json::json;

use crate::REPEAT;
use crate::receiver::{Receiver, Reply};
use crate::support::process::{patiently, softlanding_ends, texts};
use crate::yard::Yard;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_is_a_dead_letter_and_the_next_one_goes_on() {
    patiently(async {
        let yard = Yard::quiet("dead").await;
        let receiver = Receiver::open().await;
        yard.webhook("ops", &receiver, &["staged", "publish_*", "settled"], "attempts_max = 2");
        receiver.answers(|document, _| match document["data"]["event"].as_str() {
            Some("publish_claimed") => Reply::Status(500),
            _ => Reply::Take,
        });
        let mut daemon = yard.serve().await;
        yard.put("friday").await;
        receiver.takes(|one| one.event() == "settled").await;
        let given_up = daemon.event("webhook_given_up").await;
        assert_eq!((&given_up["run"], &given_up["level"]), (&json!("friday"), &json!("warn")), "{REPEAT}");
        daemon.event("webhook_back").await;
        daemon.stop().await;
        let tries = receiver.all().iter().filter(|one| one.event() == "publish_claimed").count();
        assert_eq!(tries, 2, "{REPEAT}");
        let dead = yard.dead().await;
        assert_eq!((dead.len(), &dead[0]["event"], &dead[0]["attempts"]), (1, &json!("publish_claimed"), &json!(2)));
        assert_eq!(dead[0]["message"]["type"], "softlanding.publish_claimed.v1", "{REPEAT}");
        let number = dead[0]["number"].to_string();
        let (code, said, _) = ends(&yard, &["webhooks", "resend", &number]).await;
        assert!(code == 6 && said.contains("did not take it: HTTP 500"), "{code} {said}; {REPEAT}");
        assert_eq!(yard.dead().await[0]["attempts"], 3, "{REPEAT}");
        receiver.answers(|_, _| Reply::Take);
        yard.site.says(&["webhooks", "resend", "--all"]).await;
        let late = receiver.takes(|one| one.event() == "publish_claimed").await;
        let first = receiver.all().into_iter().find(|one| one.event() == "publish_claimed").expect("a message");
        assert_eq!((late.id(), &late.body), (first.id(), &first.body), "{REPEAT}");
        assert!(yard.dead().await.is_empty(), "{REPEAT}");
        let (code, _, complaint) = ends(&yard, &["webhooks", "resend", &number]).await;
        assert!(code == 2 && complaint.contains("there is no dead letter"), "{complaint}; {REPEAT}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_gone_is_left_alone_until_somebody_enables_it() {
    patiently(async {
        let yard = Yard::quiet("gone").await;
        let receiver = Receiver::open().await;
        yard.webhook("ops", &receiver, &["staged", "settled"], "");
        receiver.answers(|_, _| Reply::Status(410));
        let mut daemon = yard.serve().await;
        yard.put("friday").await;
        let line = daemon.event("webhook_disabled").await;
        assert_eq!((&line["webhook"], &line["level"]), (&json!("ops"), &json!("warn")), "{REPEAT}");
        let listed = yard.listed("ops").await;
        assert_eq!((&listed["state"], &listed["pending"]), (&json!("disabled"), &json!(2)), "{listed}; {REPEAT}");
        let words = yard.site.says(&["webhooks", "list"]).await;
        assert!(words.contains("disabled") && words.contains("answered 410") && !words.contains("hush"), "{words}");
        receiver.answers(|_, _| Reply::Take);
        assert_eq!(receiver.count(), 1, "a second try after 410; {REPEAT}");
        yard.site.says(&["webhooks", "enable", "ops"]).await;
        receiver.takes(|one| one.event() == "settled").await;
        daemon.stop().await;
        assert_eq!(receiver.taken().len(), 2, "{REPEAT}");
        assert_eq!(yard.listed("ops").await["state"], "ok", "{REPEAT}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_webhook_hears_of_what_comes_and_not_of_the_past() {
    patiently(async {
        let yard = Yard::quiet("past").await;
        yard.put("past").await;
        let receiver = Receiver::open().await;
        yard.webhook("ops", &receiver, &["staged", "settled"], "");
        assert_eq!(yard.listed("ops").await["state"], "not_served_yet", "{REPEAT}");
        let mut daemon = yard.serve().await;
        // One run that nobody here can read keeps no other from being told.
        yard.put_strange("strange").await;
        yard.put("new").await;
        // A run that is taken in from elsewhere is no news either.
        let exported = yard.site.says(&["export", "past"]).await.replace("\"run\":\"past\"", "\"run\":\"elsewhere\"");
        std::fs::write(yard.site.folder.join("elsewhere.jsonl"), exported).expect("a file");
        yard.site.says(&["import", "elsewhere.jsonl"]).await;
        yard.put("newer").await;
        let is_it = |line: &serde_json::Value| line["run"] == "strange" && line["event"] == "trouble";
        daemon
            .until("trouble with the webhook", |line| is_it(line) && line.to_string().contains("the webhook ops"))
            .await;
        for run in ["new", "newer"] {
            receiver.takes(|one| one.record().0 == run && one.event() == "settled").await;
        }
        daemon.stop().await;
        let runs: std::collections::BTreeSet<String> = receiver.taken().into_iter().map(|(run, ..)| run).collect();
        assert_eq!(runs, ["new", "newer"].map(str::to_owned).into(), "{REPEAT}");
    })
    .await;
}

/// Runs softlanding to its end: code, standard output, standard error.
pub async fn ends(yard: &Yard, arguments: &[&str]) -> (i32, String, String) {
    let output = softlanding_ends(&yard.site.folder, arguments).await;
    let (said, complaint) = texts(&output);
    assert!(!complaint.contains("panicked") && !complaint.contains("hush"), "{complaint}; {REPEAT}");
    (output.status.code().unwrap_or(-1), said, complaint)
}
