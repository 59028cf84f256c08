//! The sign-in page, the session that comes of a sign-in, and the sign-out.
//!
//! Must never: open a session for an address that no rule lets in, or redirect to another host.

use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::page::{self, Link, Page, Stop};
use super::{People, Way, proxy};
use crate::hands::access::{Access, Role, Session};
use crate::shells::daemon::news::News;
use crate::shells::web::Room;
use crate::shells::web::access::session;
use crate::shells::web::listener::Peer;
use crate::shells::web::query::field;
use crate::words::clock::Clock;

/// The longest path that a sign-in leads back to, in bytes.
const PATH_BYTES_MAX: usize = 500;

/// The page that leads to the platform; whoever is signed in, or comes through the proxy, goes on at once.
pub(super) async fn show(
    State(room): State<Room>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.as_deref();
    let to = own_path(field(query, "to"));
    let Some(people) = room.people() else { return Stop::NotSetUp.shown() };
    if field(query, "out").is_some() {
        return page::shown(StatusCode::OK, &signed_out());
    }
    if is_signed_in(&room, people, &headers).await {
        return gone_to(&to, None);
    }
    match &people.way {
        Way::Platform { .. } => page::shown(StatusCode::OK, &welcome(&to)),
        Way::Proxy { header, from } => match proxy::mail_from(header, from, peer.address, &headers) {
            Some(mail) => enter(&room, people, &headers, &Session { name: mail.clone(), mail }, &to).await,
            None => Stop::NotByProxy.shown(),
        },
    }
}

fn welcome(to: &str) -> Page {
    let encoded = percent_encoding::utf8_percent_encode(to, percent_encoding::NON_ALPHANUMERIC);
    Page {
        title: "Sign in",
        line: "You sign in with your Genesys Cloud user. softlanding learns your name and your mail address, and keeps no \
               token of yours."
            .to_owned(),
        link: Some(Link::new(format!("/sign-in/start?to={encoded}"), "Sign in with Genesys Cloud")),
        trouble: false,
    }
}

fn signed_out() -> Page {
    let link = Some(Link::new("/sign-in", "Sign in again"));
    Page { title: "You are signed out", line: "This session is over.".to_owned(), link, trouble: false }
}

/// Opens a session, and sends the browser where it wanted to go.
pub(super) async fn enter(room: &Room, people: &People, headers: &HeaderMap, who: &Session, to: &str) -> Response {
    let Some(role) = people.role_of(&who.mail) else {
        room.desk.tell(News::SignInRefused { who: who.name.clone() });
        return page::not_admitted(&who.mail);
    };
    let Ok(office) = room.office() else { return Stop::NotSetUp.shown() };
    match opened(&office.access, headers, who, role).await {
        Ok(secret) => {
            room.desk.tell(News::SignedIn { who: who.name.clone(), role: role.word() });
            gone_to(to, Some(session::set(&secret, &room.desk.settings.public_url)))
        }
        Err(error) => {
            room.desk.tell(News::trouble(None, "a sign-in could not be kept", &error));
            Stop::NotKept.shown()
        }
    }
}

/// A session of the browser's before this one ends: two people at one machine are two.
async fn opened(
    access: &Access,
    headers: &HeaderMap,
    who: &Session,
    role: Role,
) -> Result<crate::words::secret::Secret, crate::hands::access::AccessError> {
    if let Some(before) = session::cookie_in(headers) {
        access.close_session(before).await?;
    }
    access.open_session(who, role, Clock::System.now()).await
}

async fn is_signed_in(room: &Room, people: &People, headers: &HeaderMap) -> bool {
    let (Ok(office), Some(cookie)) = (room.office(), session::cookie_in(headers)) else { return false };
    let session = office.access.session(cookie, Clock::System.now()).await;
    matches!(session, Ok(Some(session)) if people.role_of(&session.mail).is_some())
}

/// Ends the session. Another page cannot have a browser do that.
pub(super) async fn sign_out(State(room): State<Room>, headers: HeaderMap) -> Response {
    let public_url = &room.desk.settings.public_url;
    let office = match room.office() {
        Ok(office) => office,
        Err(problem) => return problem.into_response(),
    };
    if let Some(cookie) = session::cookie_in(&headers) {
        if let Err(problem) = session::check_unforged(public_url, &headers, cookie) {
            return problem.into_response();
        }
        if let Err(error) = office.access.close_session(cookie).await {
            room.desk.tell(News::trouble(None, "a session could not be closed", &error));
            return Stop::NotKept.shown();
        }
    }
    (StatusCode::NO_CONTENT, [(SET_COOKIE, session::unset(public_url))]).into_response()
}

fn gone_to(path: &str, cookie: Option<String>) -> Response {
    let mut response = (StatusCode::SEE_OTHER, [(LOCATION, path)]).into_response();
    if let Some(cookie) = cookie.and_then(|cookie| cookie.parse().ok()) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// A path of ours; `/` in place of anything that leads, or might lead, elsewhere.
pub(super) fn own_path(asked: Option<String>) -> String {
    let asked = asked.unwrap_or_default();
    let plain = asked.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') && asked.len() <= PATH_BYTES_MAX;
    let ours = asked.starts_with('/') && !asked.starts_with("//") && !asked.starts_with("/sign-");
    if plain && ours { asked } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_ours_are_gone_to() {
        for path in ["/", "/runs/care-1", "/compare?run=a&run=b"] {
            assert_eq!(own_path(Some(path.to_owned())), path);
        }
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/a\r\nSet-Cookie: x",
            "/sign-out",
            " /",
        ] {
            assert_eq!(own_path(Some(bad.to_owned())), "/", "{bad}");
        }
        assert_eq!(own_path(Some(format!("/{}", "a".repeat(600)))), "/");
        assert_eq!(own_path(None), "/");
    }
}
