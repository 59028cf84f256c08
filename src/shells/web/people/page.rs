//! What a person reads who signs in, or cannot, or has come to a path that leads nowhere.
//!
//! Must never: show what the platform answered, or a text of somebody else's unescaped.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::shells::web::dashboard;
use crate::shells::web::drawn::drawn;

const TEMPLATE: &str = include_str!("../../../../templates/sign_in.html.tera");

/// What stands on the page.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Page {
    pub(super) title: &'static str,
    pub(super) line: String,
    /// Where to go on.
    pub(super) link: Option<Link>,
    /// Whether something is wrong.
    pub(super) trouble: bool,
}

/// A link on the page.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Link {
    href: String,
    words: &'static str,
}

impl Link {
    pub(super) fn new(href: impl Into<String>, words: &'static str) -> Link {
        Link { href: href.into(), words }
    }
}

/// Why somebody does not come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    NotSetUp,
    NotStarted,
    Denied,
    NotAccepted,
    NoMail,
    Elsewhere,
    NotByProxy,
    Busy,
    NotKept,
}

impl Stop {
    fn told(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Stop::NotSetUp => (
                StatusCode::NOT_FOUND,
                "Signing in is not set up here",
                "Whoever runs softlanding adds a section [people] to its configuration, which says who may come in.",
            ),
            Stop::NotStarted => (
                StatusCode::BAD_REQUEST,
                "This sign-in cannot be taken up",
                "It was begun in another browser, it is older than 15 minutes, or it was finished already.",
            ),
            Stop::Denied => (StatusCode::FORBIDDEN, "Not signed in", "The sign-in was broken off."),
            Stop::NotAccepted => (
                StatusCode::BAD_GATEWAY,
                "The sign-in did not work",
                "The platform did not accept it. Try again; if it goes on, tell whoever runs softlanding.",
            ),
            Stop::NoMail => (
                StatusCode::FORBIDDEN,
                "The platform does not say who you are",
                "Your user there has no mail address, and who may do what goes by that.",
            ),
            Stop::Elsewhere => (
                StatusCode::FORBIDDEN,
                "You are of another organisation",
                "The platform knows you, and not as a user of the organisation that this softlanding serves.",
            ),
            Stop::NotByProxy => (
                StatusCode::FORBIDDEN,
                "The way in is another one",
                "People come here through a proxy that signs them in, and nothing it has let through says who you are. Use the \
                 address that you were given, or tell whoever runs softlanding.",
            ),
            Stop::Busy => {
                (StatusCode::SERVICE_UNAVAILABLE, "Too many sign in at once", "Wait a few seconds and try again.")
            }
            Stop::NotKept => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The sign-in could not be kept",
                "softlanding cannot use its store at the moment. Try again later.",
            ),
        }
    }

    pub(super) fn shown(self) -> Response {
        let (status, title, line) = self.told();
        let link = match self {
            Stop::NotSetUp | Stop::NotByProxy => None,
            Stop::NotStarted
            | Stop::Denied
            | Stop::NotAccepted
            | Stop::NoMail
            | Stop::Elsewhere
            | Stop::Busy
            | Stop::NotKept => Some(Link::new("/sign-in", "Try again")),
        };
        shown(status, &Page { title, line: line.to_owned(), link, trouble: true })
    }
}

/// Somebody who is known, and whom no rule lets in.
pub(super) fn not_admitted(mail: &str) -> Response {
    let line = format!(
        "You have signed in as {mail}, and nothing in [people] of softlanding's configuration lets that address in. Ask \
         whoever runs it to add you."
    );
    let link = Some(Link::new("/sign-in", "Sign in as somebody else"));
    shown(StatusCode::FORBIDDEN, &Page { title: "You may not come in", line, link, trouble: true })
}

/// A path that leads nowhere, which the page does not repeat.
pub(in crate::shells::web) fn nothing_here() -> Response {
    let line = "No page has this address; it may have been mistyped, or cut off in a message.".to_owned();
    let link = Some(Link::new("/", "To the overview"));
    shown(StatusCode::NOT_FOUND, &Page { title: "There is nothing here", line, link, trouble: false })
}

pub(super) fn shown(status: StatusCode, page: &Page) -> Response {
    let words = || format!("{}\n{}\n", page.title, page.line);
    (status, dashboard::policy(), drawn(TEMPLATE, page, words)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_page_escapes_what_it_shows_and_has_no_script_of_its_own() {
        let response = not_admitted("<script>alert(1)</script>@example.com");
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        let body = axum::body::to_bytes(response.into_body(), 20_000).await.unwrap();
        let html = String::from_utf8(body.to_vec()).unwrap();
        assert!(html.contains("&lt;script&gt;") && !html.contains("<script>"), "{html}");
        assert!(html.contains("Sign in as somebody else") && html.contains("href=\"/sign-in\""), "{html}");
    }
}
