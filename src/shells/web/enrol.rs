//! The agent's sign-in: to the platform and back, from a code to a grant in the vault, and a page that says so.
//!
//! Must never: send a page key to an origin that is not allowed, show what the platform answered, or keep a grant that
//! nobody can be found for.

use axum::extract::{RawQuery, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tera::{Context, Tera};

use super::Room;
use super::cookie::SignIn;
use super::desk::Desk;
use crate::hands::companion::PageKeys;
use crate::hands::genesys::sign_in;
use crate::hands::vault::random_text;
use crate::shells::daemon::news::{News, chain};
use crate::words::clock::Clock;
use crate::words::id::AgentId;
use crate::words::secret::Secret;

const TEMPLATE: &str = include_str!("../../../templates/enrol.html.tera");
const TEMPLATE_NAME: &str = "enrol.html.tera";
/// The longest code and the longest state that are looked at, in bytes.
const FIELD_BYTES_MAX: usize = 4_096;

/// What stands on the page.
#[derive(Debug, Serialize)]
struct Page<'a> {
    title: &'a str,
    lines: Vec<&'a str>,
    again: Option<String>,
    agent: Option<String>,
    key: Option<String>,
    origin: Option<String>,
}

/// Why a sign-in came to nothing: the status, and what the agent reads.
type Stop = (StatusCode, &'static str, &'static str);

const NOT_OFFERED: Stop = (
    StatusCode::NOT_FOUND,
    "Signing in is not set up here",
    "softlanding has no OAuth client for agents, or no vault. Whoever runs it adds [app] and a key for [vault].",
);
const BAD_RETURN: Stop = (
    StatusCode::BAD_REQUEST,
    "This link is not right",
    "The page that led here is not one of those that softlanding knows. Whoever runs it adds its origin to allowed_origins.",
);
const NOT_STARTED: Stop = (
    StatusCode::BAD_REQUEST,
    "This sign-in cannot be taken up",
    "It was begun in another browser, it is older than 15 minutes, or it was finished already.",
);
const DENIED: Stop = (StatusCode::FORBIDDEN, "Not signed in", "The sign-in was broken off. Nothing has changed.");
const NO_GRANT: Stop = (
    StatusCode::BAD_GATEWAY,
    "The sign-in did not work",
    "The platform did not accept it. Try again; if it goes on, tell whoever runs softlanding.",
);
const NOT_KEPT: Stop = (
    StatusCode::INTERNAL_SERVER_ERROR,
    "The sign-in could not be kept",
    "softlanding could not write to its vault. Tell whoever runs it, and try again later.",
);

/// Sends the browser to the platform. `return` is the origin of the page that waits for the key.
pub(super) async fn begin(State(room): State<Room>, RawQuery(query): RawQuery) -> Response {
    let desk = &room.desk;
    started(desk, query.as_deref()).unwrap_or_else(|stop| stopped(desk, stop, None))
}

fn started(desk: &Desk, query: Option<&str>) -> Result<Response, Stop> {
    let companions = desk.companions.as_ref().filter(|_| desk.enrol_url().is_some()).ok_or(NOT_OFFERED)?;
    let origin = field(query, "return");
    if origin.as_deref().is_some_and(|origin| !desk.allows(origin)) {
        return Err(BAD_RETURN);
    }
    let random = || random_text().map_err(|_| NOT_KEPT);
    let state = random()?;
    let verifier = if desk.settings.pkce { Some(random()?) } else { None };
    let challenge = verifier.as_ref().map(|verifier| URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)));
    let to = {
        let org = desk.client.org();
        let app = org.settings.app.as_ref().ok_or(NOT_OFFERED)?;
        let login = &org.settings.hosts.login;
        sign_in::authorize_url(login, &app.client_id, &desk.redirect_uri(), &state, challenge.as_deref())
    };
    let cookie = companions.cookies.set(state, verifier, origin, Clock::System.now(), is_secure(desk));
    Ok((StatusCode::FOUND, [(LOCATION, to), (SET_COOKIE, cookie)]).into_response())
}

/// The platform has sent the browser back.
pub(super) async fn callback(State(room): State<Room>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let desk = &room.desk;
    let query = query.as_deref();
    let state = field(query, "state").unwrap_or_default();
    let Some(companions) = &desk.companions else { return stopped(desk, NOT_OFFERED, None) };
    let Some(begun) = companions.cookies.take(&headers, &state, Clock::System.now()) else {
        return stopped(desk, NOT_STARTED, None);
    };
    let unset = (SET_COOKIE, companions.cookies.unset(&state, is_secure(desk)));
    let page = match finished(&room, &begun, query).await {
        Ok((agent, name)) => enrolled(&companions.keys, &begun, &agent, &name),
        Err(stop) => stopped(desk, stop, begun.origin.as_deref()),
    };
    ([unset], page).into_response()
}

/// In a task of its own from the exchange on: a code is spent by it, so the grant is kept even if the browser goes away.
async fn finished(room: &Room, begun: &SignIn, query: Option<&str>) -> Result<(AgentId, String), Stop> {
    let Some(code) = field(query, "code") else { return Err(DENIED) };
    let (room, verifier) = (room.clone(), begun.verifier.clone().map(Secret::new));
    let kept = tokio::spawn(async move { keep(&room.desk, &Secret::new(code), verifier.as_ref()).await });
    kept.await.unwrap_or(Err(NOT_KEPT))
}

async fn keep(desk: &Desk, code: &Secret, verifier: Option<&Secret>) -> Result<(AgentId, String), Stop> {
    let trouble = |what: &str, why: String| desk.tell(News::Trouble { run: None, what: what.to_owned(), why });
    let now = || desk.client.clock().now();
    let answer = desk.client.ask(sign_in::grant_by_code(code, &desk.redirect_uri(), verifier)).await;
    let (grant, access) = sign_in::granted(answer, now()).map_err(|failure| {
        trouble("an agent's sign-in was not accepted", failure.to_string());
        NO_GRANT
    })?;
    let who = sign_in::who(desk.client.ask(sign_in::whoami(&access)).await, now());
    let (agent, name) = who.map_err(|failure| {
        trouble("the platform does not say who has signed in", failure.to_string());
        NO_GRANT
    })?;
    let vault = desk.vault.as_ref().ok_or(NOT_OFFERED)?;
    vault.put(&agent, &name, &grant).await.map_err(|e| {
        trouble("a sign-in could not be kept in the vault", chain(&e));
        NOT_KEPT
    })?;
    desk.tell(News::Enrolled { agent: agent.clone() });
    Ok((agent, name))
}

fn enrolled(keys: &PageKeys, begun: &SignIn, agent: &AgentId, name: &str) -> Response {
    let line = format!("{name}, softlanding keeps your softphone ready from now on. You can close this window.");
    // Without a page that waits, nobody gets a key.
    let key = begun.origin.is_some().then(|| keys.make(agent, Clock::System.now()).expose().to_owned());
    let agent = begun.origin.is_some().then(|| agent.to_string());
    let page = Page { title: "Signed in", lines: vec![&line], again: None, agent, key, origin: begun.origin.clone() };
    shown(StatusCode::OK, &page)
}

fn stopped(desk: &Desk, (status, title, line): Stop, origin: Option<&str>) -> Response {
    let again = desk.enrol_url().map(|url| match origin {
        Some(origin) => format!("{url}?return={}", encoded(origin)),
        None => url,
    });
    shown(status, &Page { title, lines: vec![line], again, agent: None, key: None, origin: None })
}

fn shown(status: StatusCode, page: &Page<'_>) -> Response {
    let rendered = || {
        let mut engine = Tera::new();
        engine.autoescape_on([".html.tera"]);
        engine.add_raw_template(TEMPLATE_NAME, TEMPLATE)?;
        engine.render(TEMPLATE_NAME, &Context::from_serialize(page)?)
    };
    match rendered() {
        Ok(html) => (status, Html(html)).into_response(),
        // The template is built in and tested; without it the words are enough.
        Err(_) => (status, format!("{}\n{}\n", page.title, page.lines.join("\n"))).into_response(),
    }
}

fn is_secure(desk: &Desk) -> bool {
    desk.settings.public_url.starts_with("https://")
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// A field of a query, decoded; nothing for one that is empty or too long.
fn field(query: Option<&str>, name: &str) -> Option<String> {
    let pairs = query?.split('&').filter_map(|pair| pair.split_once('='));
    let value = pairs.into_iter().find_map(|(n, value)| (n == name).then_some(value))?;
    let spaced = value.replace('+', " ");
    let text = percent_encoding::percent_decode_str(&spaced).decode_utf8().ok()?.into_owned();
    (1..=FIELD_BYTES_MAX).contains(&text.len()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_and_bounded() {
        assert_eq!(field(Some("a=1&return=https%3A%2F%2Fd.example"), "return").as_deref(), Some("https://d.example"));
        assert_eq!(field(Some("return="), "return"), None);
        assert_eq!(field(Some("state=%ff"), "state"), None);
        assert_eq!(field(Some(&format!("code={}", "x".repeat(5_000))), "code"), None);
        assert_eq!(field(None, "code"), None);
    }

    #[tokio::test]
    async fn the_page_escapes_what_it_shows() {
        let line = "<script>alert(1)</script>";
        let page = Page {
            title: "T",
            lines: vec![line],
            again: Some("https://x/enrol?return=\"a".to_owned()),
            agent: Some("a\"b".to_owned()),
            key: Some("k".to_owned()),
            origin: Some("https://d.example".to_owned()),
        };
        let body = axum::body::to_bytes(shown(StatusCode::OK, &page).into_body(), 10_000).await.unwrap();
        let html = String::from_utf8(body.to_vec()).unwrap();
        assert!(!html.contains("<script>alert") && html.contains("&lt;script&gt;"), "{html}");
        assert!(html.contains("data-key=\"k\"") && !html.contains("a\"b"), "{html}");
    }
}
