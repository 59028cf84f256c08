//! What is wrong with a request, as a problem document (RFC 9457): one shape for every refusal of the API.
//!
//! Must never: show what only a log may know, such as a path of this machine or what another caller asked.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::office::Office;
use crate::hands::access::AccessError;
use crate::hands::journal::JournalError;
use crate::shells::daemon::news::{News, chain};

/// The media type of a problem document.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// Which kind it is, as a URN; programs tell problems apart by it.
    #[serde(rename = "type")]
    #[schema(rename = "type", example = "urn:softlanding:problem:not-found")]
    kind: String,
    /// The kind in a few words.
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong this time.
    detail: String,
    /// What to do about it.
    hint: Option<String>,
    #[serde(skip)]
    again_after_s: Option<u32>,
}

/// Kinds of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Something about the request cannot be read.
    BadRequest,
    /// Nobody knows who asks.
    Unauthenticated,
    /// Whoever asks may not.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// The path is there, and takes another method.
    MethodNotAllowed,
    /// The body is too long.
    TooLarge,
    /// The body is no JSON.
    NotJson,
    /// What is asked for cannot be done as things are.
    Refused,
    /// The same request is being carried out.
    InHand,
    /// The idempotency key was used for another request.
    KeyReused,
    /// The request can be read, and says something that does not exist or is not clear.
    NotUnderstood,
    /// Too many at once, or too often.
    TooMany,
    /// The platform did not answer, or refused.
    Platform,
    /// The store cannot be read or written.
    Store,
    /// A bug of ours.
    Bug,
}

impl Kind {
    fn told(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Kind::BadRequest => (StatusCode::BAD_REQUEST, "bad-request", "The request cannot be read"),
            Kind::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated", "Who asks is not known"),
            Kind::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "This caller may not do that"),
            Kind::NotFound => (StatusCode::NOT_FOUND, "not-found", "There is no such thing"),
            Kind::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "This path takes another method")
            }
            Kind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too long"),
            Kind::NotJson => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", "The body is not JSON"),
            Kind::Refused => (StatusCode::CONFLICT, "refused", "It cannot be done as things are"),
            Kind::InHand => (StatusCode::CONFLICT, "in-hand", "The same request is being carried out"),
            Kind::KeyReused => {
                (StatusCode::UNPROCESSABLE_ENTITY, "key-reused", "The idempotency key was used for another request")
            }
            Kind::NotUnderstood => {
                (StatusCode::UNPROCESSABLE_ENTITY, "not-understood", "What is asked for does not exist or is not clear")
            }
            Kind::TooMany => (StatusCode::TOO_MANY_REQUESTS, "too-many", "Too many at once, or too often"),
            Kind::Platform => (StatusCode::BAD_GATEWAY, "platform", "The platform did not answer, or refused"),
            Kind::Store => (StatusCode::SERVICE_UNAVAILABLE, "store", "The store cannot be used"),
            Kind::Bug => (StatusCode::INTERNAL_SERVER_ERROR, "bug", "Something is wrong with softlanding itself"),
        }
    }
}

impl Problem {
    pub(super) fn new(kind: Kind, detail: impl Into<String>) -> Problem {
        let (status, name, title) = kind.told();
        let (status, kind) = (status.as_u16(), format!("urn:softlanding:problem:{name}"));
        Problem { kind, title, status, detail: detail.into(), hint: None, again_after_s: None }
    }
    pub(super) fn hint(self, hint: impl Into<String>) -> Problem {
        Problem { hint: Some(hint.into()), ..self }
    }
    /// The same after so many seconds may go well.
    pub(super) fn again_after_s(self, seconds: u32) -> Problem {
        Problem { again_after_s: Some(seconds), ..self }
    }
    pub(super) fn status(&self) -> u16 {
        self.status
    }
    /// Whether asking again may help, so that the answer is not kept.
    pub(super) fn passes(&self) -> bool {
        self.status >= 500 || self.status == StatusCode::TOO_MANY_REQUESTS.as_u16()
    }

    /// A run that is not there, or whose journal is of no use now.
    pub(super) fn of_journal(office: &Office, error: &JournalError) -> Problem {
        match error {
            JournalError::NotFound { run } => {
                Problem::new(Kind::NotFound, format!("there is no run {run}")).hint("GET /api/v1/runs lists the runs")
            }
            JournalError::Store(_) => {
                office.tell(News::trouble(None, "the API cannot use the store", error));
                Problem::new(Kind::Store, "the store cannot be used at the moment").again_after_s(5)
            }
            JournalError::Conflict { .. }
            | JournalError::ClaimTaken { .. }
            | JournalError::Exists { .. }
            | JournalError::LeaseLost { .. }
            | JournalError::Led { .. }
            | JournalError::Newer { .. }
            | JournalError::Corrupt { .. }
            | JournalError::BadOrder { .. }
            | JournalError::Unwritable { .. } => Problem::new(Kind::Store, chain(error)),
        }
    }
    pub(super) fn of_access(office: &Office, error: &AccessError) -> Problem {
        office.tell(News::trouble(None, "the API cannot look up who may use it", error));
        Problem::new(Kind::Store, "the store cannot be used at the moment").again_after_s(5)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
        if let Some(seconds) = self.again_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
