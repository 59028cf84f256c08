//! Agents' tokens: refreshed, tried, revoked; and the *reported* reset of their softphone sessions (API.md sections 2, 8
//! and 13).
//!
//! Must never: call a refresh token dead because something else was wrong; a dead one costs the agent a new login.

use serde_json::{Value, json};

use crate::hands::genesys::ask::{Ask, Credential, Place};
use crate::hands::genesys::failure;
use crate::hands::genesys::login::{self, Tokens};
use crate::law::command::{Failure, FailureKind, Outcome};
use crate::law::verdict::ProbeState;
use crate::words::clock::Timestamp;
use crate::words::http::{Method, Response};
use crate::words::id::AgentId;
use crate::words::secret::{Grant, Secret};

const PROBE: &str = "/api/v2/communications/webRTC";

/// Refreshes through the OAuth grant, in the name of the app that owns the refresh token (API.md section 2).
#[must_use]
pub fn refresh_by_grant(held: &Grant) -> Ask {
    let form =
        vec![("grant_type", Secret::new("refresh_token".to_owned())), ("refresh_token", held.refresh_token.clone())];
    Ask::new(Method::Post, Place::Token, Credential::App(form))
}

/// *Reported*: refreshes with the agent's present access token (API.md section 13 b).
#[must_use]
pub fn refresh_reported(access: &Secret) -> Ask {
    let place = Place::Api("/api/v2/authentication/refresh".to_owned());
    Ask::new(Method::Post, place, Credential::Agent(access.clone())).json(&json!({}))
}

/// *Reported*: asks for a media-server token with the agent's access token (API.md section 13 a).
#[must_use]
pub fn probe(access: &Secret) -> Ask {
    let place = Place::Api(PROBE.to_owned());
    Ask::new(Method::Get, place, Credential::Agent(access.clone()))
}

/// *Reported*: the same with the publisher's token, which is nobody's softphone: 404 tells that the organisation does not offer
/// it, and any other answer that it does.
#[must_use]
pub fn probe_as_publisher() -> Ask {
    Ask::api(Method::Get, PROBE)
}

/// Deletes all tokens of an agent (API.md section 8).
#[must_use]
pub fn revoke(agent: &AgentId) -> Ask {
    Ask::api(Method::Delete, format!("/api/v2/tokens/{agent}"))
}

/// *Reported*: resets the softphone sessions of many agents in one call (API.md section 13 d).
#[must_use]
pub fn reset_sessions(path: &str, agents: &[AgentId]) -> Ask {
    let ids: Vec<&str> = agents.iter().map(AgentId::as_str).collect();
    let body = json!({"force_refresh": true, "target": "webrtc_sessions", "userIds": ids});
    Ask::api(Method::Post, path).json(&body)
}

/// What a refresh through the grant brought, and the grant to keep from now on.
#[must_use]
pub fn granted(answer: Result<Response, Failure>, held: &Grant, now: Timestamp) -> (Outcome, Option<Grant>) {
    let response = match answer {
        Ok(response) => response,
        Err(failure) => return (Outcome::Failed(failure), None),
    };
    if matches!(response.status, 200..=299) {
        return renewed(&response, held, now);
    }
    let mut failure = failure::refused(&response, now);
    if is_dead(&response) {
        return (Outcome::TokenDead { failure }, None);
    }
    let oauth = response.value();
    // Our own client was refused: that is for the admin, and no fault of the agent's token.
    if matches!(oauth.get("error").and_then(Value::as_str), Some("invalid_client" | "unauthorized_client")) {
        failure.kind = FailureKind::Unauthorized;
        failure.message = format!("the login of the organisation's app was refused: {}", failure.message);
    }
    (Outcome::Failed(failure), None)
}

/// What a *reported* refresh brought. A refused access token is a failure, not a dead refresh token.
#[must_use]
pub fn refreshed(answer: Result<Response, Failure>, held: &Grant, now: Timestamp) -> (Outcome, Option<Grant>) {
    match answer.and_then(|response| failure::accepted(response, now)) {
        Ok(response) => renewed(&response, held, now),
        Err(failure) => (Outcome::Failed(failure), None),
    }
}

fn renewed(response: &Response, held: &Grant, now: Timestamp) -> (Outcome, Option<Grant>) {
    let body = response.value();
    let Some(Tokens { access, expires_at, refresh }) = login::tokens_in(&body, now) else {
        return (Outcome::Failed(failure::malformed(response, "the answer holds no access token")), None);
    };
    // Each refresh brings a new refresh token; where none comes, the old one is all there is (API.md section 2).
    let refresh_token = refresh.unwrap_or_else(|| held.refresh_token.clone());
    let grant = Grant { refresh_token, access_token: Some((access, expires_at)) };
    (Outcome::TokenRefreshed { expires_at }, Some(grant))
}

/// Whether the answer is about the refresh token itself. The exact wording is UNCERTAIN (API.md section 2), so besides
/// `invalid_grant` only an answer that names the refresh token or the grant counts.
fn is_dead(response: &Response) -> bool {
    if !matches!(response.status, 400 | 401) {
        return false;
    }
    let body = response.value();
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    let words = [text("error_description"), text("description"), text("message")].join(" ");
    let names_it = words.contains("refresh token") || words.contains("refresh_token");
    let blames = ["invalid", "expired", "revoked", "unknown", "not found"].iter().any(|word| words.contains(word));
    match text("error").as_str() {
        "invalid_grant" => true,
        "invalid_client" | "unauthorized_client" | "unsupported_grant_type" | "invalid_scope" => false,
        _ => names_it && blames,
    }
}

/// What the media-token endpoint says about the agent's token.
#[must_use]
pub fn probed(answer: Result<Response, Failure>, now: Timestamp) -> Outcome {
    let response = match answer {
        Ok(response) => response,
        Err(failure) => return Outcome::Failed(failure),
    };
    match response.status {
        200 => Outcome::Probed(ProbeState::Accepted),
        401 => Outcome::Probed(ProbeState::Refused),
        // Another good or odd status says nothing about the token.
        100..=399 => Outcome::Probed(ProbeState::Unknown),
        _ => Outcome::Failed(failure::refused(&response, now)),
    }
}
