//! The publisher's login and the rate limit: once, ahead of its end, and never faster than the platform allows.

use serde_json::json;

use super::support::*;
use crate::hands::genesys::{Call, Next, Org};
use crate::law::command::{Command, FailureKind, Outcome};
use crate::words::clock::Timestamp;
use crate::words::http::{Request, Response};
use crate::words::id::Seat;

fn schedule() -> Response {
    Response::new(200).json(&json!({"published": false, "metadata": {"version": 7}}))
}

fn token(name: &str, expires_in: i64) -> Response {
    Response::new(200).json(&json!({"access_token": name, "token_type": "bearer", "expires_in": expires_in}))
}

fn send(call: &mut Call, org: &mut Org, now: i64) -> Request {
    match call.next(org, Timestamp(now)) {
        Next::Send(request) => request,
        other => panic!("nothing sent: {other:?}"),
    }
}

fn wait(call: &mut Call, org: &mut Org, now: i64) -> Timestamp {
    match call.next(org, Timestamp(now)) {
        Next::Wait(at) => at,
        other => panic!("not waiting: {other:?}"),
    }
}

fn sweep() -> Call {
    call(&Command::RevokeTokens { seat: Seat(0) })
}

#[test]
fn the_login_names_the_client_and_the_request_carries_the_token() {
    let played = play(&mut call(&Command::ReadSchedule), &mut org(), always(schedule()));
    let login = &played.sent[0].1;
    assert_eq!(login.header_value("authorization"), Some("Basic cHVibGlzaGVyOnB1Ymxpc2hlci1zZWNyZXQ="));
    assert_eq!(login.header_value("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(played.sent[1].1.header_value("authorization"), Some("Bearer token-1"));
    assert!(!format!("{login:?}").contains("cHVibG"));
}

#[test]
fn one_logs_in_while_the_others_wait() {
    let mut org = org();
    let (mut first, mut second) = (sweep(), sweep());
    assert!(is_login(&send(&mut first, &mut org, 0)));
    let again = wait(&mut second, &mut org, 0);
    assert!(again > Timestamp(0));
    first.answer(&mut org, Timestamp(50), Ok(token("t", 86_400)));
    assert_eq!(send(&mut second, &mut org, 50).header_value("authorization"), Some("Bearer t"));
    assert_eq!(send(&mut first, &mut org, 51).header_value("authorization"), Some("Bearer t"));
}

#[test]
fn a_login_whose_owner_is_gone_is_taken_over() {
    let mut org = org();
    assert!(is_login(&send(&mut sweep(), &mut org, 0)));
    let mut second = sweep();
    let mut now = 0;
    while let Next::Wait(at) = second.next(&mut org, Timestamp(now)) {
        now = at.0;
    }
    assert!((1..=120_000).contains(&now), "taken over after {now} ms");
}

#[test]
fn the_token_is_renewed_ahead_of_its_end_by_one_while_others_go_on() {
    let mut org = org();
    let mut first = sweep();
    send(&mut first, &mut org, 0);
    first.answer(&mut org, Timestamp(0), Ok(token("old", 300)));
    // A fifth of 300 s before the end it is time.
    assert_eq!(send(&mut sweep(), &mut org, 239_999).header_value("authorization"), Some("Bearer old"));
    let mut publish = call(&Command::ReadSchedule);
    assert_eq!(send(&mut publish, &mut org, 240_000).header_value("authorization"), Some("Bearer old"));
    let mut renewer = sweep();
    assert!(is_login(&send(&mut renewer, &mut org, 240_000)));
    assert_eq!(send(&mut sweep(), &mut org, 240_001).header_value("authorization"), Some("Bearer old"));
    renewer.answer(&mut org, Timestamp(240_100), Ok(token("new", 300)));
    assert_eq!(send(&mut renewer, &mut org, 240_100).header_value("authorization"), Some("Bearer new"));
    assert_eq!(send(&mut sweep(), &mut org, 240_200).header_value("authorization"), Some("Bearer new"));
}

#[test]
fn a_failed_renewal_does_not_stop_who_has_a_good_token() {
    let mut org = org();
    let mut first = sweep();
    send(&mut first, &mut org, 0);
    first.answer(&mut org, Timestamp(0), Ok(token("old", 300)));
    let mut renewer = sweep();
    assert!(is_login(&send(&mut renewer, &mut org, 250_000)));
    renewer.answer(&mut org, Timestamp(250_010), Err(not_sent()));
    let mut now = 250_010;
    let request = loop {
        match renewer.next(&mut org, Timestamp(now)) {
            Next::Send(request) if is_login(&request) => {
                renewer.answer(&mut org, Timestamp(now), Err(not_sent()));
            }
            Next::Send(request) => break Some(request),
            Next::Wait(at) => now = at.0,
            Next::Done(_) => break None,
        }
    };
    // The renewer itself may give up; whoever comes next uses what still holds.
    if let Some(request) = request {
        assert_eq!(request.header_value("authorization"), Some("Bearer old"));
    }
    assert_eq!(send(&mut sweep(), &mut org, now).header_value("authorization"), Some("Bearer old"));
}

#[test]
fn a_refused_token_is_renewed_once() {
    let mut org = org();
    let mut answers = 0;
    let played = play(&mut call(&Command::ReadSchedule), &mut org, |request| {
        answers += 1;
        let old = request.header_value("authorization") == Some("Bearer token-1");
        Ok(if old { Response::new(401) } else { schedule() })
    });
    assert!(matches!(played.done.outcome, Outcome::Schedule(_)));
    assert_eq!(answers, 2);
    let played = play(&mut call(&Command::ReadSchedule), &mut org, always(Response::new(401)));
    assert_eq!(played.failure().kind, FailureKind::Unauthorized);
    assert_eq!(played.api().len(), 2, "sent, renewed, sent again, given up");
}

#[test]
fn a_token_refused_late_does_not_cost_the_new_one() {
    let mut org = org();
    let (mut slow, mut quick) = (sweep(), sweep());
    send(&mut slow, &mut org, 0);
    slow.answer(&mut org, Timestamp(0), Ok(token("one", 86_400)));
    assert_eq!(send(&mut slow, &mut org, 1).header_value("authorization"), Some("Bearer one"));
    send(&mut quick, &mut org, 1);
    quick.answer(&mut org, Timestamp(2), Ok(Response::new(401)));
    assert!(is_login(&send(&mut quick, &mut org, 2)));
    quick.answer(&mut org, Timestamp(3), Ok(token("two", 86_400)));
    slow.answer(&mut org, Timestamp(4), Ok(Response::new(401)));
    assert_eq!(send(&mut slow, &mut org, 4).header_value("authorization"), Some("Bearer two"));
}

#[test]
fn refused_credentials_fail_everyone_at_once_and_are_not_hammered() {
    let mut org = org();
    let refusal = Response::new(400).json(&json!({"error": "invalid_client", "description": "client not found"}));
    let played = play_all(&mut sweep(), &mut org, Timestamp(0), always(refusal.clone()));
    assert_eq!(played.failure().kind, FailureKind::Unauthorized);
    assert!(played.failure().message.contains("client not found"), "{}", played.failure());
    assert_eq!(played.sent.len(), 1);
    let next = play_all(&mut sweep(), &mut org, played.now, |request| panic!("sent {request:?}"));
    assert_eq!(next.failure().kind, FailureKind::Unauthorized);
    let later = play_all(&mut sweep(), &mut org, played.now + 5_000, always(refusal));
    assert_eq!(later.sent.len(), 1);
}

#[test]
fn an_unreachable_login_is_tried_twice() {
    let played = play_all(&mut sweep(), &mut org(), Timestamp(0), |_| Err(not_sent()));
    assert_eq!((played.failure().kind, played.sent.len()), (FailureKind::NotSent, 2));
    let mut answers = vec![Ok(Response::new(204)), Ok(token("t", 300)), Err(not_sent())];
    let played = play_all(&mut sweep(), &mut org(), Timestamp(0), |_| answers.pop().unwrap());
    assert_eq!(played.done.outcome, Outcome::RemedyAccepted);
}

#[test]
fn a_throttled_request_waits_for_the_gate_and_so_does_everybody_else() {
    let mut org = org();
    let mut seen = 0;
    let played = play(&mut sweep(), &mut org, |_| {
        seen += 1;
        Ok(if seen == 1 { Response::new(429).header("retry-after", "42") } else { Response::new(204) })
    });
    assert_eq!(played.done.outcome, Outcome::RemedyAccepted);
    let times: Vec<i64> = played.sent.iter().map(|(at, _)| at.0).collect();
    assert_eq!(times, [0, 10, 20 + 42_000]);
    let mut org = self::org();
    let mut first = sweep();
    send(&mut first, &mut org, 0);
    first.answer(&mut org, Timestamp(0), Ok(token("t", 86_400)));
    send(&mut first, &mut org, 0);
    first.answer(&mut org, Timestamp(10), Ok(Response::new(429).header("retry-after", "7")));
    assert_eq!(wait(&mut sweep(), &mut org, 11), Timestamp(7_010));
    assert_eq!(wait(&mut first, &mut org, 11), Timestamp(7_010));
}

#[test]
fn a_request_that_is_always_throttled_gives_up() {
    let played = play(&mut sweep(), &mut org(), always(Response::new(429).header("retry-after", "3")));
    assert_eq!(played.failure().kind, FailureKind::Throttled);
    assert_eq!(played.failure().again_at, Some(played.now + 3_000));
    assert_eq!(played.api().len(), 6);
}

#[test]
fn no_minute_holds_more_than_the_platform_allows() {
    let mut org = org();
    let mut sent: Vec<i64> = Vec::new();
    let mut now = Timestamp(0);
    for _ in 0..700 {
        let played = play_all(&mut sweep(), &mut org, now, |request| {
            if is_login(request) { Ok(token("t", 86_400)) } else { Ok(Response::new(204)) }
        });
        sent.extend(played.sent.iter().filter(|(_, request)| !is_login(request)).map(|(at, _)| at.0));
        now = played.now;
    }
    for (i, at) in sent.iter().enumerate() {
        let within = sent[i..].iter().take_while(|later| **later < at + 60_000).count();
        assert!(within <= 300, "{within} calls within a minute of {at}");
    }
}

#[test]
fn the_admins_own_limit_holds() {
    let mut settings = settings();
    settings.calls_per_minute_max = Some(20);
    let mut org = Org::new(settings);
    assert_eq!(org.calls_per_minute(), 20);
    play(&mut sweep(), &mut org, always(Response::new(204).header("inin-ratelimit-allowed", "300")));
    assert_eq!(org.calls_per_minute(), 20);
}
