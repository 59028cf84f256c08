//! The cookie of a person's session: handed out at the sign-in, taken back at the sign-out, and what must come with it.
//!
//! Must never: be readable for scripts, or travel over plain HTTP but on this machine.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, header};

use crate::hands::access::{csrf_of, is_csrf_of};
use crate::shells::web::problem::{Kind, Problem};
use crate::words::secret::Secret;

/// The cookie's name.
pub const COOKIE_NAME: &str = "softlanding_session";
/// The header that requests bring which change something.
pub const CSRF_HEADER: &str = "x-csrf-token";
/// As long as a session may last, in seconds.
const LIFE_S: i64 = 12 * 3_600;

/// The value of the `Set-Cookie` header that hands a session out.
#[must_use]
pub fn set(cookie: &Secret, public_url: &str) -> String {
    written(cookie.expose(), LIFE_S, public_url)
}

/// The value of the `Set-Cookie` header that takes it back.
#[must_use]
pub fn unset(public_url: &str) -> String {
    written("", 0, public_url)
}

/// `Lax`: whoever follows a link to a run is signed in.
fn written(value: &str, age_s: i64, public_url: &str) -> String {
    let secure = if public_url.starts_with("https://") { "; Secure" } else { "" };
    format!("{COOKIE_NAME}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Lax{secure}")
}

/// The session's cookie among those that a browser sends.
#[must_use]
pub fn cookie_in(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|list| list.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    pairs.find_map(|(name, value)| (name == COOKIE_NAME && !value.is_empty()).then_some(value))
}

/// The token that a page of ours sends along, from the cookie in its request.
#[must_use]
pub fn csrf_for(headers: &HeaderMap) -> Option<String> {
    cookie_in(headers).map(csrf_of)
}

/// Refuses what another page may have made a browser send: it must come from a page of our own, as the browser says, and bring
/// the token that only such a page is told.
pub(in crate::shells::web) fn check_unforged(
    public_url: &str,
    headers: &HeaderMap,
    cookie: &str,
) -> Result<(), Problem> {
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let from_here = match (said("sec-fetch-site"), said(header::ORIGIN.as_str())) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => origin_of(public_url).is_some_and(|ours| ours == origin),
        (None, None) => false,
    };
    if !from_here {
        return Err(Problem::new(Kind::Forbidden, "the request does not come from a page of softlanding's own")
            .hint("programs use an API key instead of a session"));
    }
    if !said(CSRF_HEADER).is_some_and(|token| is_csrf_of(cookie, token)) {
        return Err(Problem::new(Kind::Forbidden, "the X-CSRF-Token header is missing or not this session's")
            .hint("GET /api/v1/me tells it; load the page again"));
    }
    Ok(())
}

fn origin_of(url: &str) -> Option<String> {
    Some(reqwest::Url::parse(url).ok()?.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_cookie_is_for_browsers_only_and_secure_wherever_it_travels() {
        let cookie = Secret::new("abc".to_owned());
        let there = set(&cookie, "https://soft.example.com");
        assert!(there.starts_with("softlanding_session=abc; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure"));
        assert!(!set(&cookie, "http://127.0.0.1:8480").contains("Secure"));
        assert!(unset("https://a.example").contains("Max-Age=0"));
        let sent = headers(&[("cookie", "other=1; softlanding_session=abc")]);
        assert_eq!(cookie_in(&sent), Some("abc"));
        assert_eq!(cookie_in(&headers(&[("cookie", "softlanding_session=")])), None);
    }

    #[test]
    fn a_forged_request_is_refused() {
        let token = csrf_of("abc");
        let (url, ours, other) = ("https://s.example:444/x", "https://s.example:444", "https://evil.example");
        let passes = |pairs: &[(&'static str, &str)]| check_unforged(url, &headers(pairs), "abc").is_ok();
        assert!(passes(&[("x-csrf-token", &token), ("origin", ours)]));
        assert!(passes(&[("x-csrf-token", &token), ("sec-fetch-site", "same-origin")]));
        for site in ["cross-site", "same-site", "none"] {
            assert!(!passes(&[("x-csrf-token", &token), ("sec-fetch-site", site), ("origin", ours)]), "{site}");
        }
        assert!(!passes(&[("x-csrf-token", &token), ("origin", other)]));
        assert!(!passes(&[("x-csrf-token", &token)]), "nothing says where it comes from");
        assert!(!passes(&[("origin", ours)]));
        assert!(!passes(&[("x-csrf-token", &csrf_of("abd")), ("origin", ours)]));
    }
}
