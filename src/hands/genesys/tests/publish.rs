//! The publish: what is sent, what each answer proves, and that nothing sends it twice.

use std::io::Read;

use serde_json::{Value, json};

use super::support::*;
use crate::hands::genesys::Call;
use crate::law::command::{Command, FailureKind, Outcome, PublishAnswer, ScheduleState, UploadKey};
use crate::words::clock::Timestamp;
use crate::words::http::{Lost, Response};
use crate::words::id::OperationId;
use crate::words::secret::Secret;

fn publish() -> Command {
    Command::Publish { upload: UploadKey(Secret::new("key-17".to_owned())) }
}

#[derive(Debug, PartialEq)]
enum Proof {
    Accepted(Option<&'static str>),
    NotDone(FailureKind),
    Doubt(FailureKind),
}

fn proof(outcome: &Outcome) -> Proof {
    match outcome {
        Outcome::Published { answer: PublishAnswer::Accepted { operation: None }, .. } => Proof::Accepted(None),
        Outcome::Published { answer: PublishAnswer::Accepted { operation: Some(id) }, .. } => {
            assert_eq!(*id, OperationId::new("op-1").unwrap());
            Proof::Accepted(Some("op-1"))
        }
        Outcome::Published { answer: PublishAnswer::NotDone(failure), .. } => Proof::NotDone(failure.kind),
        Outcome::Published { answer: PublishAnswer::Doubt(failure), .. } => Proof::Doubt(failure.kind),
        other => panic!("no answer to a publish: {other:?}"),
    }
}

#[test]
fn every_answer_to_the_publish_has_its_proof_and_is_asked_for_once() {
    let with = |status: u16, body: &Value| Ok(Response::new(status).json(body));
    let plain = |status: u16| Ok(Response::new(status));
    let table: Vec<(Result<Response, Lost>, Proof)> = vec![
        (with(202, &json!({"status": "Processing", "operationId": "op-1"})), Proof::Accepted(Some("op-1"))),
        (with(202, &json!({"status": "Processing"})), Proof::Accepted(None)),
        (with(202, &json!({"status": "Complete", "operationId": "not an id!"})), Proof::Accepted(None)),
        (with(202, &json!({"status": "SomethingNew", "operationId": "op-1"})), Proof::Accepted(Some("op-1"))),
        (with(200, &json!({"status": "Complete", "operationId": "op-1"})), Proof::Accepted(Some("op-1"))),
        (with(200, &json!({"status": "Processing", "operationId": "op-1"})), Proof::Accepted(Some("op-1"))),
        (with(202, &json!({"status": "Error", "operationId": "op-1"})), Proof::Doubt(FailureKind::Malformed)),
        (with(200, &json!({"status": "Canceled"})), Proof::Doubt(FailureKind::Malformed)),
        (with(200, &json!({"status": "SomethingNew"})), Proof::Doubt(FailureKind::Malformed)),
        (with(202, &json!(["Processing"])), Proof::Doubt(FailureKind::Malformed)),
        (plain(200), Proof::Doubt(FailureKind::Malformed)),
        (plain(202), Proof::Doubt(FailureKind::Malformed)),
        (plain(204), Proof::Doubt(FailureKind::Malformed)),
        (plain(302), Proof::Doubt(FailureKind::Malformed)),
        (plain(400), Proof::NotDone(FailureKind::Invalid)),
        (plain(401), Proof::NotDone(FailureKind::Unauthorized)),
        (plain(403), Proof::NotDone(FailureKind::Forbidden)),
        (plain(404), Proof::NotDone(FailureKind::NotFound)),
        (plain(408), Proof::Doubt(FailureKind::NoAnswer)),
        (plain(409), Proof::Doubt(FailureKind::Conflict)),
        (plain(413), Proof::NotDone(FailureKind::Invalid)),
        (plain(415), Proof::NotDone(FailureKind::Invalid)),
        (Ok(Response::new(429).header("retry-after", "42")), Proof::NotDone(FailureKind::Throttled)),
        (plain(500), Proof::Doubt(FailureKind::Server)),
        (plain(503), Proof::Doubt(FailureKind::Server)),
        (plain(504), Proof::Doubt(FailureKind::Server)),
        (Err(lost()), Proof::Doubt(FailureKind::NoAnswer)),
        (Err(not_sent()), Proof::NotDone(FailureKind::NotSent)),
    ];
    for (answer, wanted) in table {
        let played = play(&mut call(&publish()), &mut org(), |_| answer.clone());
        assert_eq!(proof(&played.done.outcome), wanted, "{answer:?}");
        assert_eq!(played.api(), [format!("POST {SCHEDULE}/update")], "{answer:?} was answered by a repeat");
        assert_eq!(played.body(0), json!({"uploadKey": "key-17"}));
        assert_eq!(played.sent.len(), 2, "one login and one publish");
    }
}

#[test]
fn asking_a_finished_publish_again_sends_nothing() {
    let (mut org, mut call) = (org(), call(&publish()));
    let first = play(&mut call, &mut org, always(Response::new(503)));
    let again = play(&mut call, &mut org, |request| panic!("sent {request:?}"));
    assert_eq!(first.done, again.done);
    call.answer(&mut org, Timestamp(5), Ok(Response::new(202)));
    assert_eq!(play(&mut call, &mut org, |request| panic!("sent {request:?}")).done, first.done);
}

#[test]
fn a_throttled_publish_says_when_to_ask_again_and_the_next_one_waits_no_longer_than_it_may() {
    let mut org = org();
    let throttled = Response::new(429).header("retry-after", "42");
    let played = play(&mut call(&publish()), &mut org, always(throttled));
    let Outcome::Published { answer: PublishAnswer::NotDone(failure), .. } = &played.done.outcome else {
        panic!("throttled")
    };
    assert_eq!(failure.again_at, Some(played.now + 42_000));
    // The gate is 42 s away, longer than a publish may wait: it is given back unsent, with the instant.
    let mut second = call(&publish());
    let early = play_all(&mut second, &mut org, played.now, |request| panic!("sent {request:?}"));
    let Outcome::Published { answer: PublishAnswer::NotDone(failure), .. } = &early.done.outcome else {
        panic!("too early")
    };
    assert_eq!((failure.kind, failure.again_at), (FailureKind::Throttled, Some(played.now + 42_000)));
    let mut third = call(&publish());
    let taken = json!({"status": "Processing", "operationId": "op-1"});
    let in_time = play_all(&mut third, &mut org, played.now + 41_000, always(Response::new(202).json(&taken)));
    assert_eq!(proof(&in_time.done.outcome), Proof::Accepted(Some("op-1")));
    assert_eq!(in_time.sent[0].0, played.now + 42_000);
}

#[test]
fn a_publish_whose_login_fails_was_not_sent() {
    let answers: [Result<Response, Lost>; 5] = [
        Ok(Response::new(401).json(&json!({"error": "invalid_client", "description": "client not found"}))),
        Ok(Response::new(503)),
        Ok(Response::new(404)),
        Ok(Response::new(200).json(&json!({"token": "?"}))),
        Err(lost()),
    ];
    for answer in answers {
        let played = play_all(&mut call(&publish()), &mut org(), Timestamp(0), |_| answer.clone());
        assert!(
            matches!(played.done.outcome, Outcome::Published { answer: PublishAnswer::NotDone(_), .. }),
            "{answer:?}"
        );
        assert!(played.api().is_empty());
    }
}

#[test]
fn no_secret_comes_back_in_a_refusal() {
    let echo = |request: &crate::words::http::Request| {
        let auth = request.header_value("authorization").unwrap_or_default().to_owned();
        let body = String::from_utf8_lossy(&request.body).into_owned();
        Ok(Response::new(401).json(&json!({"message": format!("{auth} {body}"), "code": "bad.credentials"})))
    };
    let played = play(&mut call(&publish()), &mut org(), echo);
    let said = format!("{:?}", played.done.outcome);
    assert!(said.contains("bad.credentials") && said.contains("[secret]"), "{said}");
    for secret in ["token-1", "key-17", "publisher-secret"] {
        assert!(!said.contains(secret), "{said}");
    }
}

fn upload_answers(put: Result<Response, Lost>) -> impl FnMut(&crate::words::http::Request) -> Result<Response, Lost> {
    move |request| {
        if request.path().ends_with("/update/uploadurl") {
            let answer = json!({"uploadKey": "key-17", "url": "https://upload.example.org/a?sig=1",
                "headers": {"X-Amz-Tagging": "a=b", "content-type": "application/gzip", "odd": 3}});
            return Ok(Response::new(201).json(&answer));
        }
        put.clone()
    }
}

#[test]
fn the_upload_carries_the_pinned_version_and_nobodys_token() {
    let played =
        play(&mut call(&Command::PrepareUpload { version: 7 }), &mut org(), upload_answers(Ok(Response::new(200))));
    assert_eq!(played.done.outcome, Outcome::UploadReady(UploadKey(Secret::new("key-17".to_owned()))));
    assert_eq!(played.api(), [format!("POST {SCHEDULE}/update/uploadurl"), "PUT /a?sig=1".to_owned()]);
    let put = &played.sent[2].1;
    let headers: Vec<(&str, &str)> = put.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(headers.len(), 2);
    assert!(headers.contains(&("x-amz-tagging", "a=b")) && headers.contains(&("content-type", "application/gzip")));
    assert_eq!(played.body(0), json!({"contentLengthBytes": put.body.len()}));
    let mut text = String::new();
    flate2::read::GzDecoder::new(put.body.as_slice()).read_to_string(&mut text).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!({"metadata": {"version": 7}, "published": true}));
}

#[test]
fn the_cache_is_purged_only_when_the_plan_says_so() {
    let mut plan = plan(1);
    plan.mechanisms.purge_cache = true;
    let body = crate::hands::genesys::publish::upload_body(&plan, 7);
    let mut text = String::new();
    flate2::read::GzDecoder::new(body.as_slice()).read_to_string(&mut text).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["purgeCache"], json!(true));
    assert_eq!(body, crate::hands::genesys::publish::upload_body(&plan, 7), "the same bytes each time");
}

#[test]
fn a_refused_upload_is_no_missing_permission() {
    let table = [
        (Ok(Response::new(403)), FailureKind::Conflict),
        (Ok(Response::new(400)), FailureKind::Conflict),
        (Ok(Response::new(503)), FailureKind::Server),
        (Ok(Response::new(307)), FailureKind::Malformed),
        (Err(lost()), FailureKind::NoAnswer),
    ];
    for (answer, kind) in table {
        let played =
            play(&mut call(&Command::PrepareUpload { version: 7 }), &mut org(), upload_answers(answer.clone()));
        assert_eq!(played.failure().kind, kind, "{answer:?}");
        assert!(played.failure().kind.passes(), "a new address may help");
    }
}

#[test]
fn the_upload_goes_nowhere_unsafe() {
    for url in ["http://upload.example.org/a", "ftp://x/y", "file:///etc/passwd", "", "no address"] {
        let answer = Response::new(200).json(&json!({"uploadKey": "k", "url": url, "headers": {}}));
        let played = play(&mut call(&Command::PrepareUpload { version: 7 }), &mut org(), always(answer));
        assert_eq!(played.failure().kind, FailureKind::Malformed, "{url}");
        assert_eq!(played.api().len(), 1, "{url}");
    }
    let answer = Response::new(200).json(&json!({"uploadKey": "k", "url": "http://127.0.0.1:9/up", "headers": {}}));
    let played = play(&mut call(&Command::PrepareUpload { version: 7 }), &mut org(), always(answer));
    assert!(matches!(played.done.outcome, Outcome::UploadReady(_)));
}

#[test]
fn the_schedule_is_read_only_when_it_says_all() {
    let good = Response::new(200).json(&json!({"id": "sch-1", "published": false, "metadata": {"version": 7}}));
    let played = play(&mut call(&Command::ReadSchedule), &mut org(), always(good));
    assert_eq!(played.done.outcome, Outcome::Schedule(ScheduleState { version: 7, published: false }));
    assert_eq!(played.api(), [format!("GET {SCHEDULE}")]);
    let table = [
        (Response::new(200).json(&json!({"metadata": {"version": 7}})), FailureKind::Malformed),
        (Response::new(200).json(&json!({"published": true})), FailureKind::Malformed),
        (Response::new(200), FailureKind::Malformed),
        (Response::new(404), FailureKind::NotFound),
        (Response::new(403), FailureKind::Forbidden),
        (Response::new(503), FailureKind::Server),
    ];
    for (answer, kind) in table {
        let played = play(&mut call(&Command::ReadSchedule), &mut org(), always(answer.clone()));
        assert_eq!(played.failure().kind, kind, "{answer:?}");
    }
}

#[test]
fn a_command_that_is_not_the_platforms_ends_at_once() {
    use crate::words::hook::HookPoint;
    use crate::words::id::Seat;
    let commands = [
        Command::RunHooks { point: HookPoint::PrePublish, seat: None },
        Command::Reassociate { seat: Seat(99) },
        Command::ResetSessions { seats: Vec::new() },
        Command::RebootPhones { phones: Vec::new() },
        Command::RevokeTokens { seat: Seat(u32::MAX) },
    ];
    for command in commands {
        let mut call = Call::new(&command, &plan(3), None);
        let played = play(&mut call, &mut org(), |request| panic!("sent {request:?}"));
        assert_eq!(played.failure().kind, FailureKind::Local, "{command:?}");
    }
}
