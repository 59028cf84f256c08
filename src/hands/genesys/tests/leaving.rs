//! When a request left, until when it may, and in whose turn.
//!
//! Must never: wait for real; every instant is a number here.

use serde_json::json;

use super::support::*;
use crate::hands::genesys::{Call, Next, Org};
use crate::law::command::{Command, FailureKind, Outcome, UploadKey};
use crate::law::pace::Party;
use crate::words::clock::Timestamp;
use crate::words::http::{Lost, Response};
use crate::words::id::Seat;
use crate::words::secret::Secret;

fn publish() -> Call {
    call(&Command::Publish { upload: UploadKey(Secret::new("key-17".to_owned())) })
}

fn revoke() -> Call {
    call(&Command::RevokeTokens { seat: Seat(0) })
}

fn left(played: &Played) -> Option<Timestamp> {
    match &played.done.outcome {
        Outcome::Published { left, .. } => *left,
        other => panic!("no answer to a publish: {other:?}"),
    }
}

fn token() -> Response {
    Response::new(200).json(&json!({"access_token": "t", "expires_in": 86_400}))
}

/// An organisation whose publisher is logged in, since `now`.
fn logged_in(now: i64) -> Org {
    let mut org = org();
    let mut first = revoke();
    assert!(matches!(first.next(&mut org, Timestamp(now)), Next::Send(_)));
    first.answer(&mut org, Timestamp(now), Ok(token()));
    org
}

#[test]
fn an_answer_to_the_publish_says_when_it_left() {
    let answers: [Result<Response, Lost>; 4] =
        [Ok(Response::new(202)), Ok(Response::new(429)), Ok(Response::new(503)), Err(lost())];
    for answer in answers {
        let played = play(&mut publish(), &mut org(), |_| answer.clone());
        // The login before it took 10 ms.
        assert_eq!(left(&played), Some(Timestamp(10)), "{answer:?}");
    }
}

#[test]
fn a_publish_that_never_left_says_so() {
    let no_connection = play(&mut publish(), &mut org(), |_| Err(not_sent()));
    assert_eq!(left(&no_connection), None);
    let no_login = play_all(&mut publish(), &mut org(), Timestamp(0), |_| Err(not_sent()));
    assert_eq!(left(&no_login), None);
    let mut throttled = logged_in(0);
    play(&mut publish(), &mut throttled, always(Response::new(429).header("retry-after", "42")));
    let no_turn = play(&mut publish(), &mut throttled, |request| panic!("sent {request:?}"));
    assert_eq!(left(&no_turn), None);
}

#[test]
fn what_is_not_on_its_way_by_its_last_instant_is_given_up_as_not_sent() {
    let at = Timestamp(1_000);
    let in_time = play_all(&mut revoke().not_after(at), &mut logged_in(0), at, always(Response::new(204)));
    assert_eq!(in_time.done.outcome, Outcome::RemedyAccepted, "the last instant itself is in time");
    let late = play_all(&mut revoke().not_after(at), &mut logged_in(0), at + 1, |request| panic!("sent {request:?}"));
    assert_eq!(late.failure().kind, FailureKind::NotSent);
    assert_eq!(late.failure().to_string(), "it could not leave in time, and so was not sent");
    let earliest = revoke().not_after(at).not_after(at + 5_000);
    let late = play_all(&mut earliest.clone(), &mut logged_in(0), at + 1, |request| panic!("sent {request:?}"));
    assert_eq!(late.failure().kind, FailureKind::NotSent, "of two last instants the first counts");
    let publish = play_all(&mut publish().not_after(at), &mut logged_in(0), at + 1, |r| panic!("sent {r:?}"));
    assert_eq!(left(&publish), None);
}

#[test]
fn a_request_that_waited_for_its_turn_or_for_a_login_is_still_bound() {
    // The gate is 42 s away: there is no use in waiting for it, and the failure says when there is a turn.
    let mut org = logged_in(0);
    play(&mut publish(), &mut org, always(Response::new(429).header("retry-after", "42")));
    let played =
        play_all(&mut revoke().not_after(Timestamp(10_000)), &mut org, Timestamp(11), |r| panic!("sent {r:?}"));
    assert_eq!((played.failure().kind, played.now), (FailureKind::NotSent, Timestamp(11)));
    assert_eq!(played.failure().again_at, Some(Timestamp(42_010)));
    // Its own login is answered too late.
    let mut slow = revoke().not_after(Timestamp(9_000));
    let mut org = self::org();
    assert!(matches!(slow.next(&mut org, Timestamp(0)), Next::Send(request) if is_login(&request)));
    slow.answer(&mut org, Timestamp(9_001), Ok(token()));
    let played = play_all(&mut slow, &mut org, Timestamp(9_001), |request| panic!("sent {request:?}"));
    assert_eq!(played.failure().kind, FailureKind::NotSent);
    // Somebody else's login takes too long.
    let (mut org, mut other) = (self::org(), revoke());
    assert!(matches!(other.next(&mut org, Timestamp(0)), Next::Send(_)));
    let mut waits = revoke().not_after(Timestamp(3_000));
    let played = play_all(&mut waits, &mut org, Timestamp(0), |request| panic!("sent {request:?}"));
    assert_eq!(played.failure().kind, FailureKind::NotSent);
    assert!(played.now <= Timestamp(3_000), "given up at {}", played.now.0);
}

#[test]
fn a_repeat_is_bound_as_the_first_time() {
    let throttled = Response::new(429).header("retry-after", "3");
    let played = play(&mut revoke().not_after(Timestamp(2_000)), &mut org(), always(throttled));
    assert_eq!((played.failure().kind, played.api().len()), (FailureKind::NotSent, 1));
}

const STATION: &str = "DELETE /api/v2/stations/s-1/associateduser";
const TAKE: &str = "PUT /api/v2/users/agent-1/station/associatedstation/s-1";

/// Plays a re-association that may leave until `last`; the search takes 10 ms, `free` is answered after `slow_ms`.
fn reassociate(last: i64, slow_ms: i64, free: &Result<Response, Lost>, take: &Result<Response, Lost>) -> Played {
    let found = json!({"entities": [{"id": "s-1", "webRtcUserId": "agent-1", "status": "ASSOCIATED"}]});
    let mut call = call(&Command::Reassociate { seat: Seat(1) }).not_after(Timestamp(last));
    let (mut org, mut now, mut sent) = (logged_in(0), Timestamp(0), Vec::new());
    for _ in 0..100 {
        match call.next(&mut org, now) {
            Next::Send(request) => {
                let line = line(&request);
                let (answer, ms) = match line.as_str() {
                    STATION => (free.clone(), slow_ms),
                    TAKE => (take.clone(), 10),
                    _ => (Ok(Response::new(200).json(&found)), 10),
                };
                sent.push((now, request));
                now = now + ms;
                call.answer(&mut org, now, answer);
            }
            Next::Wait(at) => now = at,
            Next::Done(done) => return Played { done, sent, now },
        }
    }
    panic!("the call does not end");
}

#[test]
fn a_station_that_was_freed_is_taken_again_however_late_it_is() {
    let (ok, lost) = (Ok(Response::new(202)), Err(lost()));
    let late = reassociate(5, 10, &ok, &ok);
    assert_eq!((late.failure().kind, late.api().len()), (FailureKind::NotSent, 1), "searched, and nothing touched");
    let slow = reassociate(1_000, 20_000, &ok, &ok);
    assert_eq!((&slow.done.outcome, slow.api().len()), (&Outcome::RemedyAccepted, 3));
    // Whether it was freed is not known; it is not freed again after the last instant.
    let doubtful = reassociate(1_000, 30_000, &lost, &ok);
    assert_eq!(doubtful.done.outcome, Outcome::RemedyAccepted);
    assert_eq!(doubtful.api()[1..], [STATION, TAKE]);
    let in_time = reassociate(60_000, 10, &lost, &ok);
    assert_eq!(in_time.api()[1..], [STATION, STATION, STATION, STATION, STATION, TAKE]);
    // Proven not freed: nothing is to be taken.
    let unsent = reassociate(1_000, 10, &Err(not_sent()), &ok);
    assert_eq!((unsent.failure().kind, unsent.api().len()), (FailureKind::NotSent, 2));
}

#[test]
fn a_station_that_was_freed_and_not_taken_is_not_called_unsent() {
    let played = reassociate(1_000, 10, &Ok(Response::new(200)), &Err(not_sent()));
    assert_eq!(played.failure().kind, FailureKind::NoAnswer);
    assert!(played.failure().message.starts_with("the station was freed"), "{}", played.failure());
}

#[test]
fn two_runs_share_one_budget() {
    let mut settings = settings();
    settings.calls_per_minute_max = Some(2);
    let mut org = Org::new(settings);
    let answered = |org: &mut Org, party: u32, now: i64| {
        let mut call = revoke().for_party(Party(party));
        play_all(&mut call, org, Timestamp(now), |r| Ok(if is_login(r) { token() } else { Response::new(204) })).now.0
    };
    let first = answered(&mut org, 1, 0);
    let second = answered(&mut org, 1, first);
    let (mut one, mut two) = (revoke().for_party(Party(1)), revoke().for_party(Party(2)));
    let Next::Wait(at) = one.next(&mut org, Timestamp(second)) else { panic!("nothing was left") };
    assert_eq!(two.next(&mut org, Timestamp(second)), Next::Wait(at));
    // One call of party 1's still counts, none of party 2's does: the turn is not party 1's, although it asks first.
    let Next::Wait(later) = one.next(&mut org, at) else { panic!("it was not its turn") };
    assert!(later > at);
    assert!(matches!(two.next(&mut org, at), Next::Send(_)));
    // Given up half-way, it is in nobody's way.
    let mut three = revoke().for_party(Party(3));
    let Next::Wait(at) = three.next(&mut org, later) else { panic!("nothing was left") };
    three.withdraw(&mut org);
    assert!(matches!(one.next(&mut org, at), Next::Send(_)));
}
