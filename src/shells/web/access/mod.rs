//! Who asks: the holder of an API key, or somebody who has signed in.
//!
//! - [`Caller`]: who it is; handlers take it as an argument, so that none can forget to ask.
//! - [`session`]: the cookie of a session, and what a request must bring beside it.
//!
//! Must never: let a request change something on the strength of a cookie alone: browsers send it along with requests that
//! other pages make.

pub mod session;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};

use super::Room;
use super::listener::Peer;
use super::office::Office;
use super::peers::address;
use super::problem::{Kind, Problem};
pub use crate::hands::access::Role;
use crate::words::clock::Clock;

/// Somebody who may use the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The name that journals show.
    pub name: String,
    /// What the caller may do.
    pub role: Role,
    /// How the caller is known.
    pub via: Via,
}

/// How a caller is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// By an API key.
    Key,
    /// By the session of a browser.
    Session,
}

impl Via {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Via::Key => "key",
            Via::Session => "session",
        }
    }
}

impl Caller {
    /// Refuses whoever may do less than `role` may.
    pub(in crate::shells::web) fn needs(&self, role: Role) -> Result<(), Problem> {
        if self.role >= role {
            return Ok(());
        }
        let detail = format!("{} is {}, and this takes {}", self.name, self.role.a_word(), role.a_word());
        Err(Problem::new(Kind::Forbidden, detail).hint("ask somebody with that role, or for a key that has it"))
    }
    /// Whose idempotency keys these are: a key and a person of the same name are two.
    pub(in crate::shells::web) fn scope(&self) -> String {
        format!("{}:{}", self.via.word(), self.name)
    }
}

impl FromRequestParts<Room> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, room: &Room) -> Result<Caller, Problem> {
        let office = room.office()?;
        match bearer(&parts.headers)? {
            Some(key) => {
                let key = key.to_owned();
                by_key(office, parts, &key).await
            }
            None => by_session(room, office, &parts.method, &parts.headers).await,
        }
    }
}

async fn by_key(office: &Office, parts: &Parts, key: &str) -> Result<Caller, Problem> {
    let held = office.access.holder_of_key(key, Clock::System.now()).await;
    if let Some((name, role)) = held.map_err(|e| Problem::of_access(office, &e))? {
        return Ok(Caller { name, role, via: Via::Key });
    }
    // Guessing is hopeless whatever its pace; this only keeps it from being a burden. A right key is never held up by it.
    let Some(axum::extract::ConnectInfo(peer)) = parts.extensions.get::<axum::extract::ConnectInfo<Peer>>() else {
        return Err(wrong_key());
    };
    let from = address(peer.address, &parts.headers);
    if !office.wrong_keys.may_try(from) {
        return Err(Problem::new(Kind::TooMany, "too many wrong keys have come from here").again_after_s(60));
    }
    office.wrong_keys.refused(from);
    Err(wrong_key())
}

fn wrong_key() -> Problem {
    Problem::new(Kind::Unauthenticated, "the API key is nobody's, or revoked")
        .hint("`softlanding keys list` shows those in use; `softlanding keys add` makes one")
}

/// What somebody may do follows from the rules of now, and not from those of the sign-in: whoever was taken out of them is out.
async fn by_session(room: &Room, office: &Office, method: &Method, headers: &HeaderMap) -> Result<Caller, Problem> {
    let nobody = || {
        Problem::new(Kind::Unauthenticated, "the request brings neither an API key nor a session that is open")
            .hint("send `Authorization: Bearer slk_…`, or sign in")
    };
    let cookie = session::cookie_in(headers).ok_or_else(nobody)?;
    let held = office.access.session(cookie, Clock::System.now()).await;
    let session = held.map_err(|e| Problem::of_access(office, &e))?.ok_or_else(nobody)?;
    if !method.is_safe() {
        session::check_unforged(&room.desk.settings.public_url, headers, cookie)?;
    }
    match room.people().and_then(|people| people.role_of(&session.mail)) {
        Some(role) => Ok(Caller { name: session.name, role, via: Via::Session }),
        None => {
            office.access.close_session(cookie).await.map_err(|e| Problem::of_access(office, &e))?;
            Err(Problem::new(Kind::Unauthenticated, format!("nothing lets {} in any more", session.mail))
                .hint("[people] of the configuration says who may come in"))
        }
    }
}

/// The key in `Authorization: Bearer …`; another scheme is a mistake, and not nothing.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let token = value.to_str().ok().and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    token.map(Some).ok_or_else(|| {
        Problem::new(Kind::Unauthenticated, "the Authorization header brings no API key")
            .hint("write it as `Authorization: Bearer slk_…`")
    })
}
