//! The agent's sign-in: to the platform and back, from a code to a grant in the vault, and a page that says so.
//!
//! Must never: send a page key to an origin that is not allowed, show what the platform answered, or keep a grant that
//! nobody can be found for.

use axum::extract::{RawQuery, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Room;
use super::cookie::SignIn;
use super::desk::Desk;
use super::drawn::drawn;
use super::oauth::{self, NoWay};
use super::query::field;
use crate::hands::companion::PageKeys;
use crate::hands::genesys::sign_in;
use crate::shells::daemon::news::{News, chain};
use crate::words::clock::Clock;
use crate::words::id::AgentId;
use crate::words::secret::Secret;

const TEMPLATE: &str = include_str!("../../../templates/enrol.html.tera");

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
    let way = oauth::Way {
        client: &desk.client,
        cookies: &companions.cookies,
        settings: &desk.settings,
        redirect_uri: desk.redirect_uri(),
    };
    oauth::sent_off(&way, origin).map_err(|why| match why {
        NoWay::NoClient => NOT_OFFERED,
        NoWay::NoEntropy => NOT_KEPT,
    })
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
    let unset = (SET_COOKIE, companions.cookies.unset(&state, oauth::is_secure(&desk.settings)));
    let page = match finished(&room, &begun, query).await {
        Ok((agent, name)) => enrolled(&companions.keys, &begun, &agent, &name),
        Err(stop) => stopped(desk, stop, begun.back.as_deref()),
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
    let key = begun.back.is_some().then(|| keys.make(agent, Clock::System.now()).expose().to_owned());
    let agent = begun.back.is_some().then(|| agent.to_string());
    let page = Page { title: "Signed in", lines: vec![&line], again: None, agent, key, origin: begun.back.clone() };
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
    let words = || format!("{}\n{}\n", page.title, page.lines.join("\n"));
    (status, drawn(TEMPLATE, page, words)).into_response()
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

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
