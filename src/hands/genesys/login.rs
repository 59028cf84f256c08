//! The publisher's login: one access token for everything that the publisher asks, fetched once, renewed ahead of its end.
//!
//! Must never: fetch two tokens at once, show one, or let a failed login look like a failed command.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::hands::genesys::failure;
use crate::law::command::{Failure, FailureKind};
use crate::law::pace::{Pacer, Party, RateHeaders, Ticket, Turn, Urgency};
use crate::words::clock::Timestamp;
use crate::words::http::{Lost, Method, Request, Response};
use crate::words::secret::Secret;

/// The path of the token endpoint, at the login host (API.md section 2).
pub const TOKEN_PATH: &str = "/oauth/token";

/// A fetch that has not come back after this long is taken over by another, in ms: its owner is gone.
const FETCH_LEASE_MS: i64 = 60_000;

/// How often a request that waits for somebody else's fetch looks again, in ms.
const FETCH_POLL_MS: i64 = 100;

/// After refused credentials nobody tries again for this long, in ms: asking faster would not make them better.
const REFUSED_HOLD_MS: i64 = 5_000;

/// After a login that brought nothing for another reason, the same, in ms.
const FAILED_HOLD_MS: i64 = 1_000;

/// A token is renewed this long before its end at the latest, in ms, or a fifth of its life if that is shorter.
const RENEW_AHEAD_MAX_MS: i64 = 600_000;

/// The shortest life that the platform gives a token, in seconds (API.md section 2); taken when an answer leaves it out.
pub const LIFE_MIN_S: i64 = 300;

/// What a login answer holds (API.md section 2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// The access token.
    pub access: Secret,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The new refresh token, where the grant has one.
    pub refresh: Option<Secret>,
}

/// How a request gets the publisher's token.
#[derive(Debug)]
pub enum Access {
    /// With this one; its number names it when it is refused.
    Use(Secret, u64),
    /// By sending this login request first, and handing its answer to [`Login::answered`].
    LogIn(Request),
    /// Not before this instant.
    Wait(Timestamp),
    /// Not at all: the login has just failed.
    Failed(Failure),
}

/// The publisher's login, shared by everything that asks in the publisher's name.
#[derive(Debug, Clone)]
pub struct Login {
    held: Option<Held>,
    /// The last token that was refused, to be taken out of the refusal's words.
    spent: Option<Secret>,
    fetching_until: Option<Timestamp>,
    failed: Option<(Failure, Timestamp)>,
    fetched: u64,
    pacer: Pacer,
}

#[derive(Debug, Clone)]
struct Held {
    token: Secret,
    number: u64,
    renew_at: Timestamp,
    expires_at: Timestamp,
}

impl Login {
    /// Nobody is logged in yet; `pacer` is that of the token endpoint.
    #[must_use]
    pub fn new(pacer: Pacer) -> Login {
        Login { held: None, spent: None, fetching_until: None, failed: None, fetched: 0, pacer }
    }
    /// The token endpoint is said to allow so many calls a minute; see [`Pacer::expect`].
    pub fn expect(&mut self, calls_per_minute: u32) {
        self.pacer.expect(calls_per_minute);
    }
    /// The token held at present and the last refused one, for taking them out of messages.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.held.as_ref().map(|held| &held.token).into_iter().chain(&self.spent)
    }
    /// A token, or the way to one. [`Access::LogIn`] makes the caller the one who fetches.
    pub fn access(&mut self, now: Timestamp, urgency: Urgency, request: impl FnOnce() -> Request) -> Access {
        let valid = self.held.as_ref().filter(|held| now < held.expires_at);
        if let Some(held) = valid {
            let good = Access::Use(held.token.clone(), held.number);
            // The publish does not stop to renew a token that still holds; the next one who asks does.
            let at_leisure = now < held.renew_at || urgency == Urgency::Publish;
            if at_leisure || self.someone_fetches(now) || self.has_failed(now).is_some() {
                return good;
            }
            return self.fetch(now, urgency, request).unwrap_or(good);
        }
        if let Some(failure) = self.has_failed(now) {
            return Access::Failed(failure.clone());
        }
        if self.someone_fetches(now) {
            return Access::Wait(now + FETCH_POLL_MS);
        }
        match self.fetch(now, urgency, request) {
            Ok(access) => access,
            Err(at) => Access::Wait(at),
        }
    }
    /// The answer to [`Access::LogIn`].
    ///
    /// # Errors
    /// Why there is no token. Its kind proves that the command that wanted the token was not sent.
    pub fn answered(&mut self, now: Timestamp, answer: &Result<Response, Lost>) -> Result<(), Failure> {
        self.fetching_until = None;
        match answer {
            Ok(response) => self.pacer.answered(now, Party::HOUSE, failure::rate_headers(response)),
            Err(_) => self.pacer.answered(now, Party::HOUSE, RateHeaders::default()),
        }
        match tokens_of(now, answer) {
            Ok(tokens) => {
                self.failed = None;
                self.hold(now, tokens);
                Ok(())
            }
            Err(failure) => {
                let hold_ms = if failure.kind == FailureKind::Unauthorized { REFUSED_HOLD_MS } else { FAILED_HOLD_MS };
                let until = failure.again_at.map_or(now + hold_ms, |at| at.max(now + hold_ms));
                self.failed = Some((failure.clone(), until));
                Err(failure)
            }
        }
    }
    /// Lets others try again at once: whoever failed is going to try again itself.
    pub fn forgive(&mut self) {
        self.failed = None;
    }
    /// The platform refused the token with this number; a newer one is kept.
    pub fn refused(&mut self, number: u64) {
        if let Some(held) = self.held.take_if(|held| held.number == number) {
            self.spent = Some(held.token);
        }
    }

    fn someone_fetches(&self, now: Timestamp) -> bool {
        self.fetching_until.is_some_and(|until| now < until)
    }

    fn has_failed(&self, now: Timestamp) -> Option<&Failure> {
        self.failed.as_ref().filter(|(_, until)| now < *until).map(|(failure, _)| failure)
    }

    fn fetch(
        &mut self,
        now: Timestamp,
        urgency: Urgency,
        request: impl FnOnce() -> Request,
    ) -> Result<Access, Timestamp> {
        // A login is everybody's: it belongs to no party, and nobody has to queue behind it.
        let mut ticket = Ticket::new(Party::HOUSE, urgency);
        match self.pacer.turn(now, &mut ticket) {
            Turn::Go => {
                self.fetching_until = Some(now + FETCH_LEASE_MS);
                Ok(Access::LogIn(request()))
            }
            Turn::Wait(at) => {
                self.pacer.withdraw(&mut ticket);
                Err(at)
            }
        }
    }

    fn hold(&mut self, now: Timestamp, tokens: Tokens) {
        let life_ms = tokens.expires_at.since_ms(now);
        let renew_at = tokens.expires_at - (life_ms / 5).min(RENEW_AHEAD_MAX_MS);
        self.fetched += 1;
        let (number, expires_at) = (self.fetched, tokens.expires_at);
        self.held = Some(Held { token: tokens.access, number, renew_at, expires_at });
    }
}

/// A request to the token endpoint in the name of an OAuth client; `form` is sent percent-encoded.
#[must_use]
pub fn token_request(login_host: &str, client_id: &str, client_secret: &Secret, form: &[(&str, &str)]) -> Request {
    let basic = STANDARD.encode(format!("{client_id}:{}", client_secret.expose()));
    let mut request = Request::new(Method::Post, format!("{login_host}{TOKEN_PATH}"))
        .header("accept", "application/json")
        .header("authorization", format!("Basic {basic}"))
        .header("content-type", "application/x-www-form-urlencoded");
    request.body = form_body(form).into_bytes();
    request
}

/// `name=value&…`, percent-encoded.
#[must_use]
pub fn form_body(form: &[(&str, &str)]) -> String {
    let encode =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let pairs: Vec<String> = form.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    pairs.join("&")
}

/// The tokens in a login answer's body; `None` when it has no access token.
#[must_use]
pub fn tokens_in(body: &Value, now: Timestamp) -> Option<Tokens> {
    let secret = |names: [&str; 2]| {
        let text = names.iter().find_map(|name| body.get(name)?.as_str())?;
        Some(Secret::new(text.to_owned())).filter(|_| is_header_text(text))
    };
    let life = ["expires_in", "expiresIn"].iter().find_map(|name| body.get(name)?.as_i64());
    Some(Tokens {
        access: secret(["access_token", "accessToken"])?,
        // The platform's longest life is 48 h; a year bounds what a strange answer can do.
        expires_at: now + life.unwrap_or(LIFE_MIN_S).clamp(1, 31_536_000) * 1_000,
        refresh: secret(["refresh_token", "refreshToken"]),
    })
}

/// Whether a token can stand in a header at all.
fn is_header_text(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
}

fn tokens_of(now: Timestamp, answer: &Result<Response, Lost>) -> Result<Tokens, Failure> {
    let response = match answer {
        Ok(response) => response,
        Err(lost) => {
            let why = failure::clean(&lost.to_string(), failure::MESSAGE_CHARS_MAX);
            return Err(failure::local(FailureKind::NotSent, format!("could not log in: {why}")));
        }
    };
    if (200..=299).contains(&response.status) {
        let none = || failure::local(FailureKind::NotSent, "could not log in: the answer holds no access token");
        return tokens_in(&response.value(), now).ok_or_else(none);
    }
    Err(not_logged_in(failure::refused(response, now)))
}

/// A login that was refused, in words of the command that needed it: whatever the status, the command was not sent.
fn not_logged_in(refused: Failure) -> Failure {
    let kind = match refused.kind {
        FailureKind::Throttled => FailureKind::Throttled,
        FailureKind::Server | FailureKind::NoAnswer | FailureKind::NotSent | FailureKind::Malformed => {
            FailureKind::NotSent
        }
        FailureKind::Unauthorized
        | FailureKind::Forbidden
        | FailureKind::NotFound
        | FailureKind::Conflict
        | FailureKind::Invalid
        | FailureKind::Local => FailureKind::Unauthorized,
    };
    let what = if kind == FailureKind::Unauthorized {
        "the login of the OAuth client was refused"
    } else {
        "could not log in"
    };
    let message = format!("{what}: {}", refused.message);
    Failure { kind, message, ..refused }
}
