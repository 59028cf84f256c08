//! Somebody signs in through an OAuth client of the organisation's: where the browser is sent, the code becomes a grant, and
//! whose it is (API.md section 2). An agent's grant is kept; of a person's nothing is.
//!
//! Must never: show a code, a verifier or a token; or take an agent for somebody because a page says so.

use serde_json::Value;

use crate::hands::genesys::ask::{Ask, Credential, Place};
use crate::hands::genesys::failure;
use crate::hands::genesys::login::{self, form_body};
use crate::law::command::{Failure, FailureKind};
use crate::words::clock::Timestamp;
use crate::words::http::{Method, Response};
use crate::words::id::AgentId;
use crate::words::secret::{Grant, Secret};

/// The longest name that is kept, in characters.
const NAME_CHARS_MAX: usize = 200;

/// The longest mail address that is taken, in characters.
const MAIL_CHARS_MAX: usize = 320;

/// Where the browser is sent to sign in: `GET https://login.{domain}/oauth/authorize` (API.md section 2). The
/// challenge is that of a PKCE verifier by S256.
#[must_use]
pub fn authorize_url(
    login_host: &str,
    client_id: &str,
    redirect_uri: &str,
    state: &str,
    challenge: Option<&str>,
) -> String {
    let mut form =
        vec![("client_id", client_id), ("response_type", "code"), ("redirect_uri", redirect_uri), ("state", state)];
    if let Some(challenge) = challenge {
        form.extend([("code_challenge", challenge), ("code_challenge_method", "S256")]);
    }
    format!("{login_host}/oauth/authorize?{}", form_body(&form))
}

/// Exchanges the code, in the name of the app that it was made for.
#[must_use]
pub fn grant_by_code(code: &Secret, redirect_uri: &str, verifier: Option<&Secret>) -> Ask {
    let text = |text: &str| Secret::new(text.to_owned());
    let mut form =
        vec![("grant_type", text("authorization_code")), ("code", code.clone()), ("redirect_uri", text(redirect_uri))];
    form.extend(verifier.map(|verifier| ("code_verifier", verifier.clone())));
    Ask::new(Method::Post, Place::Token, Credential::App(form))
}

/// What the code brought.
///
/// # Errors
/// The platform's refusal, or that the answer holds no refresh token: then the client is not one of the code grant, and
/// cannot keep agents enrolled.
pub fn granted(answer: Result<Response, Failure>, now: Timestamp) -> Result<(Grant, Secret), Failure> {
    let response = failure::accepted(answer?, now)?;
    let none = |what: &str| failure::malformed(&response, what);
    let tokens = login::tokens_in(&response.value(), now).ok_or_else(|| none("the answer holds no access token"))?;
    let refresh_token = tokens.refresh.ok_or_else(|| none("the answer holds no refresh token"))?;
    let access_token = Some((tokens.access.clone(), tokens.expires_at));
    Ok((Grant { refresh_token, access_token }, tokens.access))
}

/// What the code of a person brought: an access token, to ask once whose it is. What else the answer holds is dropped.
///
/// # Errors
/// The platform's refusal, or that the answer holds no token.
pub fn access(answer: Result<Response, Failure>, now: Timestamp) -> Result<Secret, Failure> {
    let response = failure::accepted(answer?, now)?;
    let tokens = login::tokens_in(&response.value(), now);
    Ok(tokens.ok_or_else(|| failure::malformed(&response, "the answer holds no access token"))?.access)
}

/// Somebody who has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The user's id.
    pub id: AgentId,
    /// The name for people.
    pub name: String,
    /// The mail address in lower case; `None` when the platform has none (API.md section 7: `email` of a user).
    pub mail: Option<String>,
}

/// Who it is, with the mail address that roles go by.
///
/// # Errors
/// As [`who`].
pub fn person(answer: Result<Response, Failure>, now: Timestamp) -> Result<Person, Failure> {
    let response = answer?;
    let mail = response.value().get("email").and_then(Value::as_str).map(|mail| mail.trim().to_lowercase());
    let (id, name) = who(Ok(response), now)?;
    Ok(Person { id, name, mail: mail.filter(|mail| !mail.is_empty() && mail.chars().count() <= MAIL_CHARS_MAX) })
}

/// Asks whose token it is.
#[must_use]
pub fn whoami(access: &Secret) -> Ask {
    Ask::new(Method::Get, Place::Api("/api/v2/users/me".to_owned()), Credential::Agent(access.clone()))
}

/// Asks in the publisher's name for a user; whoever is of another organisation is not found.
#[must_use]
pub fn member(agent: &AgentId) -> Ask {
    Ask::api(Method::Get, format!("/api/v2/users/{agent}"))
}

/// Whose token it is: the id, and the name for people.
///
/// # Errors
/// The platform's refusal, of kind [`FailureKind::Unauthorized`] for a token that is not valid.
pub fn who(answer: Result<Response, Failure>, now: Timestamp) -> Result<(AgentId, String), Failure> {
    let response = failure::accepted(answer?, now)?;
    let body = response.value();
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let agent = text("id").and_then(|id| AgentId::new(id).ok());
    let agent = agent.ok_or_else(|| failure::malformed(&response, "the answer holds no user id"))?;
    let name = text("name").unwrap_or_default().chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    Ok((agent, name))
}

/// Whether the user is one of the organisation's; `None` when that could not be told.
#[must_use]
pub fn is_member(answer: &Result<Response, Failure>) -> Option<bool> {
    match answer {
        Ok(response) if (200..=299).contains(&response.status) => Some(true),
        Ok(response) if response.status == 404 => Some(false),
        Ok(_) | Err(_) => None,
    }
}

/// Whether the platform has refused the token itself, and not for another reason.
#[must_use]
pub fn is_refusal(failure: &Failure) -> bool {
    // A token without a user answers 400 (API.md section 2).
    matches!(failure.kind, FailureKind::Unauthorized | FailureKind::Forbidden | FailureKind::Invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_carries_its_fields_encoded() {
        let url = authorize_url("https://login.x", "id 1", "https://s/enrol/callback", "st", Some("ch"));
        assert_eq!(
            url,
            "https://login.x/oauth/authorize?client_id=id%201&response_type=code&\
             redirect_uri=https%3A%2F%2Fs%2Fenrol%2Fcallback&state=st&code_challenge=ch&code_challenge_method=S256"
        );
        assert!(!authorize_url("https://login.x", "i", "r", "s", None).contains("challenge"));
    }

    #[test]
    fn a_grant_without_a_refresh_token_is_none() {
        let now = Timestamp(0);
        let body = |body: Value| Ok(Response::new(200).json(&body));
        let good = serde_json::json!({ "access_token": "a", "expires_in": 60, "refresh_token": "r" });
        let (grant, access) = granted(body(good), now).unwrap();
        assert_eq!((grant.refresh_token.expose(), access.expose()), ("r", "a"));
        let bare = granted(body(serde_json::json!({ "access_token": "hush" })), now).unwrap_err();
        assert!(bare.message.contains("no refresh token") && !bare.message.contains("hush"), "{bare:?}");
        assert!(granted(Ok(Response::new(400)), now).is_err());
    }

    #[test]
    fn of_a_person_the_address_is_read_and_nothing_but_the_token_taken() {
        let now = Timestamp(0);
        let body = |body: Value| Ok(Response::new(200).json(&body));
        let me = body(serde_json::json!({ "id": "u-1", "name": "Ann", "email": " Ann@Example.com " }));
        assert_eq!(person(me, now).unwrap().mail.as_deref(), Some("ann@example.com"));
        let bare = person(body(serde_json::json!({ "id": "u-1", "name": "Ann", "email": "" })), now).unwrap();
        assert_eq!((bare.mail, bare.name.as_str()), (None, "Ann"));
        assert!(person(Ok(Response::new(401)), now).is_err());
        let grant = body(serde_json::json!({ "access_token": "a", "expires_in": 60 }));
        assert_eq!(access(grant, now).unwrap().expose(), "a");
        assert!(access(body(serde_json::json!({})), now).is_err());
    }

    #[test]
    fn whose_token_it_is_comes_from_the_platform_alone() {
        let now = Timestamp(0);
        let me = Response::new(200).json(&serde_json::json!({ "id": "u-1", "name": "Ann\u{7} B" }));
        assert_eq!(who(Ok(me), now).unwrap(), (AgentId::new("u-1").unwrap(), "Ann B".to_owned()));
        assert!(who(Ok(Response::new(200)), now).is_err());
        let refused = who(Ok(Response::new(401)), now).unwrap_err();
        assert!(is_refusal(&refused));
        assert!(!is_refusal(&who(Ok(Response::new(503)), now).unwrap_err()));
        assert_eq!(is_member(&Ok(Response::new(404))), Some(false));
        assert_eq!(is_member(&Ok(Response::new(403))), None);
    }
}
