//! Agents' tokens: refreshed both ways, tried, and never called dead for the wrong reason.

use serde_json::{Value, json};

use super::support::*;
use crate::hands::genesys::{Call, Org};
use crate::law::command::{Command, FailureKind, Outcome, TokenVia};
use crate::law::verdict::ProbeState;
use crate::words::clock::Timestamp;
use crate::words::http::{Lost, Response};
use crate::words::id::Seat;
use crate::words::secret::{Grant, Secret};

fn refresh(via: TokenVia, held: Option<Grant>) -> Call {
    Call::new(&Command::RefreshToken { seat: Seat(1), via, unless: None }, &plan(3), held)
}

#[test]
fn a_grant_is_renewed_whole() {
    let body = json!({"access_token": "a-2", "refresh_token": "refresh-2", "expires_in": 600});
    let played =
        play(&mut refresh(TokenVia::Grant, Some(grant(None))), &mut org(), always(Response::new(200).json(&body)));
    let ends = played.now + 600_000;
    assert_eq!(played.done.outcome, Outcome::TokenRefreshed { expires_at: ends });
    let kept = Grant {
        refresh_token: Secret::new("refresh-2".to_owned()),
        access_token: Some((Secret::new("a-2".to_owned()), ends)),
    };
    assert_eq!(played.done.grant, Some(kept));
    let (_, request) = &played.sent[0];
    assert_eq!((played.sent.len(), line(request)), (1, "POST /oauth/token".to_owned()), "the publisher is not needed");
    assert_eq!(request.body, b"grant_type=refresh%5Ftoken&refresh_token=refresh%2D1");
    assert_eq!(request.header_value("authorization"), Some("Basic YXBwOmFwcC1zZWNyZXQ="));
}

#[test]
fn a_grant_without_a_new_refresh_token_keeps_the_old_one() {
    let body = json!({"access_token": "a-2"});
    let played =
        play(&mut refresh(TokenVia::Grant, Some(grant(None))), &mut org(), always(Response::new(200).json(&body)));
    assert_eq!(played.done.grant.unwrap().refresh_token, Secret::new("refresh-1".to_owned()));
    assert_eq!(played.done.outcome, Outcome::TokenRefreshed { expires_at: played.now + 300_000 });
}

#[test]
fn a_refused_grant_is_dead_only_when_the_platform_says_so() {
    let said = |status: u16, body: Value| Ok(Response::new(status).json(&body));
    // `Err(kind)` stands for a failure of that kind, `Ok(())` for a dead token.
    let table: Vec<(Result<Response, Lost>, Result<(), FailureKind>)> = vec![
        (said(400, json!({"error": "invalid_grant"})), Ok(())),
        (said(401, json!({"error": "invalid_grant", "description": "x"})), Ok(())),
        (said(400, json!({"error": "invalid_request", "error_description": "invalid refresh token"})), Ok(())),
        (said(401, json!({"message": "The refresh token has expired"})), Ok(())),
        (
            said(400, json!({"error": "invalid_client", "description": "client not found"})),
            Err(FailureKind::Unauthorized),
        ),
        (
            said(401, json!({"error": "invalid_client", "description": "unknown refresh token owner"})),
            Err(FailureKind::Unauthorized),
        ),
        (said(400, json!({"error": "unauthorized_client"})), Err(FailureKind::Unauthorized)),
        (
            said(400, json!({"error": "invalid_request", "description": "refresh_token is required"})),
            Err(FailureKind::Invalid),
        ),
        (said(400, json!({"error": "unsupported_grant_type"})), Err(FailureKind::Invalid)),
        (Ok(Response::new(400)), Err(FailureKind::Invalid)),
        (Ok(Response::new(401)), Err(FailureKind::Unauthorized)),
        (said(503, json!({"error": "invalid_grant"})), Err(FailureKind::Server)),
        (said(200, json!({"error": "invalid_grant"})), Err(FailureKind::Malformed)),
        (Err(lost()), Err(FailureKind::NoAnswer)),
        (Err(not_sent()), Err(FailureKind::NotSent)),
    ];
    for (answer, wanted) in table {
        let mut call = refresh(TokenVia::Grant, Some(grant(None)));
        let played = play(&mut call, &mut org(), |_| answer.clone());
        let found = match &played.done.outcome {
            Outcome::TokenDead { .. } => Ok(()),
            Outcome::Failed(failure) => Err(failure.kind),
            other => panic!("{other:?}"),
        };
        assert_eq!(found, wanted, "{answer:?}");
        assert_eq!(played.done.grant, None, "{answer:?}");
        assert_eq!(played.sent.len(), 1, "{answer:?}");
    }
}

#[test]
fn a_refresh_that_cannot_be_asked_for_is_ours_to_fix() {
    let mut without_app = settings();
    without_app.app = None;
    let played = play(&mut refresh(TokenVia::Grant, Some(grant(None))), &mut Org::new(without_app), |_| panic!("sent"));
    assert_eq!(played.failure().kind, FailureKind::Local);
    for (via, held) in [(TokenVia::Grant, None), (TokenVia::Reported, None), (TokenVia::Reported, Some(grant(None)))] {
        let played = play(&mut refresh(via, held), &mut org(), |_| panic!("sent"));
        assert_eq!(played.failure().kind, FailureKind::Local);
    }
}

#[test]
fn the_reported_refresh_asks_with_the_agents_token() {
    let body = json!({"access_token": "a-2", "expires_in": 60});
    let held = grant(Some("a-1"));
    let played = play(&mut refresh(TokenVia::Reported, Some(held)), &mut org(), always(Response::new(200).json(&body)));
    assert_eq!(played.api(), ["POST /api/v2/authentication/refresh"]);
    assert_eq!(played.sent[0].1.header_value("authorization"), Some("Bearer a-1"));
    let kept = played.done.grant.unwrap();
    assert_eq!(kept.refresh_token, Secret::new("refresh-1".to_owned()));
    assert_eq!(kept.access_token, Some((Secret::new("a-2".to_owned()), played.now + 60_000)));
    for (status, kind) in [(404, FailureKind::NotFound), (401, FailureKind::Unauthorized), (503, FailureKind::Server)] {
        let mut call = refresh(TokenVia::Reported, Some(grant(Some("a-1"))));
        let played = play(&mut call, &mut org(), always(Response::new(status)));
        assert_eq!((played.failure().kind, played.sent.len()), (kind, 1), "an agent's 401 is not the publisher's");
    }
}

#[test]
fn the_probe_tells_a_refused_token_from_a_missing_endpoint() {
    let probe = |held| Call::new(&Command::ProbeMedia { seat: Seat(0), since: Timestamp::default() }, &plan(3), held);
    let table = [
        (200, Ok(ProbeState::Accepted)),
        (204, Ok(ProbeState::Unknown)),
        (302, Ok(ProbeState::Unknown)),
        (401, Ok(ProbeState::Refused)),
        (403, Err(FailureKind::Forbidden)),
        (404, Err(FailureKind::NotFound)),
        (500, Err(FailureKind::Server)),
    ];
    for (status, wanted) in table {
        let played = play(&mut probe(Some(grant(Some("a-1")))), &mut org(), always(Response::new(status)));
        let found = match played.done.outcome {
            Outcome::Probed(state) => Ok(state),
            Outcome::Failed(failure) => Err(failure.kind),
            other => panic!("{other:?}"),
        };
        assert_eq!(found, wanted, "{status}");
        assert_eq!(line(&played.sent[0].1), "GET /api/v2/communications/webRTC");
        assert_eq!(played.sent[0].1.header_value("authorization"), Some("Bearer a-1"));
    }
    let played = play(&mut probe(Some(grant(None))), &mut org(), |_| panic!("sent"));
    assert_eq!(played.done.outcome, Outcome::Probed(ProbeState::Unknown));
    // A token that has run out by itself would be refused whatever the publish did.
    let mut old = grant(Some("a-1"));
    old.access_token = old.access_token.map(|(token, _)| (token, Timestamp(0)));
    let played = play(&mut probe(Some(old)), &mut org(), |_| panic!("sent"));
    assert_eq!(played.done.outcome, Outcome::Probed(ProbeState::Unknown));
}
