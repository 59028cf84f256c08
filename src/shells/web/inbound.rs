//! Webhooks that come in, to `POST /hooks/v1/{source}`: signed as the Standard Webhooks specification has it, each carried out
//! once.
//!
//! Must never: look into a body before its signature is verified, approve anything, or act on the same message twice.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::Room;
use super::api::extract::{Places, is_object};
use super::deeds::{self, StageAnswer};
use super::listener::Peer;
use super::office::Office;
use super::once::{Asked, Done, once};
use super::peers::address;
use super::problem::{Kind, Problem};
use crate::hands::hook::signature::{SignedHeaders, SigningKeys, TOLERANCE_MS, Unverified};
use crate::law::plan::StagedBy;
use crate::words::clock::{Clock, Timestamp};
use crate::words::id::WeekDate;

/// The longest body that is taken, in bytes.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// What a webhook may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// That a publish of the calendar is staged.
    Requested,
    /// Somebody has published without softlanding: the agents are checked, and helped.
    Completed,
    /// A roll call.
    Check,
}

impl Ask {
    /// All of them.
    pub const ALL: [Ask; 3] = [Ask::Requested, Ask::Completed, Ask::Check];
    /// The `type` of the message.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Ask::Requested => "publish.requested",
            Ask::Completed => "publish.completed",
            Ask::Check => "check.requested",
        }
    }
}

/// Somebody who may send webhooks.
#[derive(Debug)]
pub struct Sender {
    /// What verifies the signatures.
    pub keys: SigningKeys,
    /// What may be asked for.
    pub may: Vec<Ask>,
}

/// Those who may send webhooks, by name.
pub type Senders = HashMap<String, Sender>;

pub(super) fn router() -> Router<Room> {
    Router::new()
        .route("/hooks/v1/{source}", post(receive))
        .method_not_allowed_fallback(async || Problem::new(Kind::MethodNotAllowed, "webhooks come by POST"))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

/// A message, as the specification has it. What else stands in it is not ours.
#[derive(Debug, Deserialize)]
struct Message {
    #[serde(rename = "type")]
    kind: String,
    data: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Requested {
    publish: String,
    at: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Completed {
    publish: Option<String>,
    business_unit: Option<String>,
    week: Option<WeekDate>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Check {
    publish: Option<String>,
    business_unit: Option<String>,
}

async fn receive(
    State(room): State<Room>,
    Places(source): Places<String>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Response {
    let received = async {
        let body = body.map_err(|e| match e.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::new(Kind::TooLarge, "the body is longer than 64 KiB"),
            _ => Problem::new(Kind::BadRequest, "the body ended before it was whole"),
        })?;
        let office = room.office()?;
        let (id, stamp) = verified(office, &source, &peer, &headers, &body)?;
        let ask = read(office, &source, &body)?;
        let now = Clock::System.now();
        let first = office.access.receive(&source, &id, &stamp, now).await;
        if !first.map_err(|e| Problem::of_access(office, &e))? {
            return Err(Problem::new(Kind::Refused, "this very message has been received already")
                .hint("nothing is done again; a sender that repeats a message signs it anew"));
        }
        let _waits = peer.waits();
        let work = ask.done(Arc::clone(office), source.clone());
        Ok(once(office, Asked::webhook(&source, &id, &body), work).await)
    };
    received.await.unwrap_or_else(Problem::into_response)
}

/// The id and the timestamp of a message that is what its sender has signed.
fn verified(
    office: &Office,
    source: &str,
    peer: &Peer,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(String, String), Problem> {
    let from = address(peer.address, headers);
    let sender = office.senders.get(source);
    let signed = SignedHeaders::read(|name| headers.get(name).and_then(|value| value.to_str().ok()));
    let verified = match (sender, signed) {
        (Some(sender), Ok(signed)) => {
            sender.keys.verify(&signed, body, Clock::System.now(), TOLERANCE_MS).map(|_| (signed.id, signed.timestamp))
        }
        (Some(_), Err(e)) => Err(e),
        (None, _) => {
            return Err(Problem::new(Kind::NotFound, "nobody of that name sends webhooks here")
                .hint("[[inbound]] of the configuration names those who may"));
        }
    };
    verified.map_err(|e| match e {
        Unverified::Header(_) => Problem::new(Kind::BadRequest, e.to_string()),
        Unverified::TooOld | Unverified::TooNew => Problem::new(Kind::Unauthenticated, e.to_string())
            .hint("five minutes either way are accepted; look at both clocks"),
        Unverified::NoMatch if !office.wrong_keys.may_try(from) => {
            Problem::new(Kind::TooMany, "too many wrong signatures have come from here").again_after_s(60)
        }
        Unverified::NoMatch => {
            office.wrong_keys.refused(from);
            Problem::new(Kind::Unauthenticated, e.to_string())
                .hint("the secret is another one, or the body was changed")
        }
    })
}

/// What is asked, of one who may ask for it.
fn read(office: &Office, source: &str, body: &[u8]) -> Result<Asking, Problem> {
    let unread = |e: serde_json::Error| Problem::new(Kind::NotUnderstood, format!("the message cannot be read: {e}"));
    if !is_object(body) {
        return Err(Problem::new(Kind::NotUnderstood, "the message is no JSON object"));
    }
    let message: Message = serde_json::from_slice(body).map_err(unread)?;
    let ask = Ask::ALL.into_iter().find(|ask| ask.word() == message.kind).ok_or_else(|| {
        let known = Ask::ALL.map(Ask::word).join(", ");
        Problem::new(Kind::NotUnderstood, "nothing is known of messages of this type")
            .hint(format!("accepted: {known}"))
    })?;
    if !office.senders.get(source).is_some_and(|sender| sender.may.contains(&ask)) {
        return Err(Problem::new(Kind::Forbidden, format!("{source} may not send {}", ask.word()))
            .hint("`may` of its [[inbound]] names what it may"));
    }
    fn data<T: DeserializeOwned>(data: Map<String, Value>) -> Result<T, Problem> {
        serde_json::from_value(Value::Object(data))
            .map_err(|e| Problem::new(Kind::NotUnderstood, format!("data cannot be read: {e}")))
    }
    match ask {
        Ask::Requested => {
            let Requested { publish, at } = data(message.data)?;
            let at = at.as_deref().map(deeds::instant).transpose()?;
            Ok(Asking::Stage { publish, at })
        }
        Ask::Completed => {
            let Completed { publish, business_unit, week } = data(message.data)?;
            Ok(Asking::Completed { unit: unit(publish, business_unit)?, week })
        }
        Ask::Check => {
            let Check { publish, business_unit } = data(message.data)?;
            Ok(Asking::Check { unit: unit(publish, business_unit)? })
        }
    }
}

/// One of the two.
fn unit(publish: Option<String>, business_unit: Option<String>) -> Result<deeds::Unit, Problem> {
    match (publish, business_unit) {
        (Some(entry), None) => Ok(deeds::Unit::OfEntry(entry)),
        (None, Some(unit)) => Ok(deeds::Unit::Named(unit)),
        (None, None) | (Some(_), Some(_)) => {
            Err(Problem::new(Kind::NotUnderstood, "exactly one of publish and business_unit is needed"))
        }
    }
}

/// What is asked, read.
enum Asking {
    Stage { publish: String, at: Option<Timestamp> },
    Completed { unit: deeds::Unit, week: Option<WeekDate> },
    Check { unit: deeds::Unit },
}

impl Asking {
    async fn done(self, office: Arc<Office>, source: String) -> Done {
        match self {
            Asking::Stage { publish, at } => {
                let by = StagedBy { who: deeds::webhook(&source), why: None };
                let (status, run) = match deeds::stage_entry(&office, &publish, at, by).await? {
                    StageAnswer::Staged(run) => (StatusCode::CREATED, run),
                    // What is wished for is so.
                    StageAnswer::Already(run) => (StatusCode::OK, run),
                };
                Ok((status, json!({ "run": run })))
            }
            Asking::Completed { unit, week } => {
                let run = deeds::published_elsewhere(&office, &unit, week, &source).await?;
                Ok((StatusCode::ACCEPTED, json!({ "run": run })))
            }
            Asking::Check { unit } => {
                // Senders wait some seconds, and a roll call may take longer.
                let roll = deeds::Roll::of(&office, &unit.name(&office)?).await?;
                let unit = roll.unit().to_owned();
                roll.call_aside(&office, source);
                Ok((StatusCode::ACCEPTED, json!({ "business_unit": unit })))
            }
        }
    }
}
