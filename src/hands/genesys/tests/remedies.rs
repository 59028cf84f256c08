//! Remedies: what is sent, and the re-association step by step.

use serde_json::{Value, json};

use super::support::*;
use crate::law::command::{Command, FailureKind, Outcome};
use crate::words::http::{Lost, Request, Response};
use crate::words::id::{PhoneId, Seat};

#[test]
fn bulk_remedies_name_everyone_in_one_call() {
    let reset = Command::ResetSessions { seats: seats(&[0, 2]) };
    let played = play(&mut call(&reset), &mut org(), always(Response::new(202)));
    assert_eq!(played.done.outcome, Outcome::RemedyAccepted);
    assert_eq!(played.api(), ["POST /api/v2/users/bulk/export"]);
    let body = json!({"force_refresh": true, "target": "webrtc_sessions", "userIds": ["agent-0", "agent-2"]});
    assert_eq!(played.body(0), body);
    let phones = vec![(Seat(0), PhoneId::new("p-0").unwrap()), (Seat(1), PhoneId::new("p-1").unwrap())];
    let played = play(&mut call(&Command::RebootPhones { phones }), &mut org(), always(Response::new(200)));
    assert_eq!(played.api(), ["POST /api/v2/telephony/providers/edges/phones/reboot"]);
    assert_eq!(played.body(0), json!({"phoneIds": ["p-0", "p-1"]}));
    let revoke = Command::RevokeTokens { seat: Seat(1) };
    let played = play(&mut call(&revoke), &mut org(), always(Response::new(204)));
    assert_eq!(played.api(), ["DELETE /api/v2/tokens/agent-1"]);
}

#[test]
fn a_mechanism_that_the_org_does_not_offer_is_not_found() {
    for command in [Command::ResetSessions { seats: seats(&[0]) }, Command::RevokeTokens { seat: Seat(0) }] {
        let played = play(&mut call(&command), &mut org(), always(Response::new(404)));
        assert_eq!(played.failure().kind, FailureKind::NotFound);
        let played = play(&mut call(&command), &mut org(), always(Response::new(503)));
        assert_eq!((played.failure().kind, played.api().len()), (FailureKind::Server, 1));
    }
}

fn station(status: &str) -> Value {
    json!({"entities": [
        {"id": "s-other", "webRtcUserId": "agent-9", "status": "ASSOCIATED"},
        {"id": "s-1", "webRtcUserId": "agent-1", "status": status, "userId": "agent-1"},
    ]})
}

/// Answers the search with `found`, and each of the other requests with the next of `answers`.
fn stations(found: Value, answers: Vec<Result<Response, Lost>>) -> impl FnMut(&Request) -> Result<Response, Lost> {
    let mut answers = answers.into_iter();
    move |request| {
        if request.path() == "/api/v2/stations" {
            return Ok(Response::new(200).json(&found));
        }
        answers.next().unwrap()
    }
}

const FIND: &str = "GET /api/v2/stations?pageSize=25&webRtcUserId=agent-1";
const FREE: &str = "DELETE /api/v2/stations/s-1/associateduser";
const TAKE: &str = "PUT /api/v2/users/agent-1/station/associatedstation/s-1";

fn ok(status: u16) -> Result<Response, Lost> {
    Ok(Response::new(status))
}

#[test]
fn an_associated_station_is_freed_and_taken() {
    let command = Command::Reassociate { seat: Seat(1) };
    let played = play(&mut call(&command), &mut org(), stations(station("ASSOCIATED"), vec![ok(200), ok(202)]));
    assert_eq!(played.done.outcome, Outcome::RemedyAccepted);
    assert_eq!(played.api(), [FIND, FREE, TAKE]);
    let played = play(&mut call(&command), &mut org(), stations(station("AVAILABLE"), vec![ok(202)]));
    assert_eq!(played.api(), [FIND, TAKE]);
    let played = play(&mut call(&command), &mut org(), stations(station("ASSOCIATED"), vec![ok(404), ok(202)]));
    assert_eq!((played.api().len(), &played.done.outcome), (3, &Outcome::RemedyAccepted), "nobody held it");
}

#[test]
fn a_station_just_freed_is_asked_for_again() {
    let command = Command::Reassociate { seat: Seat(1) };
    let answers = vec![ok(200), ok(409), ok(400), Err(lost()), ok(503), ok(202)];
    let played = play(&mut call(&command), &mut org(), stations(station("ASSOCIATED"), answers));
    assert_eq!(played.done.outcome, Outcome::RemedyAccepted);
    assert_eq!(played.api(), [FIND, FREE, TAKE, TAKE, TAKE, TAKE, TAKE]);
    let puts: Vec<i64> = played.sent.iter().filter(|(_, r)| line(r) == TAKE).map(|(at, _)| at.0).collect();
    assert!(puts.windows(2).all(|pair| pair[1] - pair[0] >= 2_000), "{puts:?}");
    let answers = vec![ok(200), ok(409), ok(409), ok(409), ok(409), ok(409)];
    let played = play(&mut call(&command), &mut org(), stations(station("ASSOCIATED"), answers));
    assert_eq!(played.failure().kind, FailureKind::Conflict);
}

#[test]
fn what_does_not_pass_is_not_asked_for_again() {
    let command = Command::Reassociate { seat: Seat(1) };
    let table = [(403, FailureKind::Forbidden), (404, FailureKind::Invalid), (422, FailureKind::Invalid)];
    for (status, kind) in table {
        let played = play(&mut call(&command), &mut org(), stations(station("AVAILABLE"), vec![ok(status)]));
        assert_eq!((played.failure().kind, played.api().len()), (kind, 2), "{status}");
    }
    let played = play(&mut call(&command), &mut org(), stations(station("ASSOCIATED"), vec![ok(403)]));
    assert_eq!(played.failure().kind, FailureKind::Forbidden);
}

#[test]
fn only_the_agents_own_station_is_touched() {
    let command = Command::Reassociate { seat: Seat(1) };
    let held = json!({"entities": [{"id": "s-1", "status": "ASSOCIATED", "userId": "agent-7"}]});
    let foreign = json!({"entities": [{"id": "s-1", "webRtcUserId": "agent-7"}]});
    for found in [held, foreign, json!({"entities": []}), json!({"entities": [{"id": "bad id"}]})] {
        let played = play(&mut call(&command), &mut org(), stations(found.clone(), Vec::new()));
        assert_eq!((played.failure().kind, played.api().len()), (FailureKind::Invalid, 1), "{found}");
    }
    let played = play(&mut call(&command), &mut org(), stations(json!({"stations": []}), Vec::new()));
    assert_eq!(played.failure().kind, FailureKind::Malformed);
    let played = play(&mut call(&command), &mut org(), always(Response::new(404)));
    assert_eq!(played.failure().kind, FailureKind::NotFound, "the route itself is missing");
}
