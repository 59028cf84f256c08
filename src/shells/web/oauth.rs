//! Off to the platform with a code grant: the same for an agent who enrols and for a person who signs in.
//!
//! Must never: send a browser off without a state that only it can bring back.

use axum::http::StatusCode;
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::cookie::Sealer;
use super::desk::Settings;
use crate::hands::genesys::{Client, sign_in};
use crate::hands::vault::random_text;
use crate::words::clock::Clock;

/// What it takes.
pub(super) struct Way<'a> {
    /// Its app is the OAuth client.
    pub(super) client: &'a Client,
    /// Marks the cookie.
    pub(super) cookies: &'a Sealer,
    pub(super) settings: &'a Settings,
    /// Where the platform sends the browser back to.
    pub(super) redirect_uri: String,
}

/// Why nobody is sent off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoWay {
    /// There is no OAuth client.
    NoClient,
    /// The operating system gives no random numbers.
    NoEntropy,
}

/// The redirect to the platform; `back` is where the sign-in leads to in the end.
pub(super) fn sent_off(way: &Way<'_>, back: Option<String>) -> Result<Response, NoWay> {
    let random = || random_text().map_err(|_| NoWay::NoEntropy);
    let state = random()?;
    let verifier = if way.settings.pkce { Some(random()?) } else { None };
    let challenge = verifier.as_ref().map(|verifier| URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)));
    let to = {
        let org = way.client.org();
        let app = org.settings.app.as_ref().ok_or(NoWay::NoClient)?;
        let login = &org.settings.hosts.login;
        sign_in::authorize_url(login, &app.client_id, &way.redirect_uri, &state, challenge.as_deref())
    };
    let cookie = way.cookies.set(state, verifier, back, Clock::System.now(), is_secure(way.settings));
    Ok((StatusCode::FOUND, [(LOCATION, to), (SET_COOKIE, cookie)]).into_response())
}

/// Whether browsers come by TLS.
pub(super) fn is_secure(settings: &Settings) -> bool {
    settings.public_url.starts_with("https://")
}
