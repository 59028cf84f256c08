//! Requests that act: carried out once for each idempotency key, to their end even when whoever asked has gone away.
//!
//! Must never: do twice what was asked for once, or give one caller the answer to another.

use std::future::Future;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::office::Office;
use super::problem::{Kind, PROBLEM_JSON, Problem};
use crate::hands::access::{ANSWER_BYTES_MAX, Begun, Request};
use crate::hands::journal::Holder;
use crate::shells::leader::is_gone;
use crate::words::clock::{Clock, Timestamp};

/// The header with the caller's key.
const KEY_HEADER: &str = "idempotency-key";
/// The longest key, in bytes.
const KEY_BYTES_MAX: usize = 255;
/// A request is in hand no longer than this, in ms; after that its process is taken for dead, wherever it is.
const IN_HAND_MS: i64 = 900_000;
/// Says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What was done: the status and the document.
pub(super) type Done = Result<(StatusCode, Value), Problem>;

/// What makes two requests the same.
pub(super) struct Asked {
    caller: String,
    key: Option<String>,
    what: String,
    print: String,
}

impl Asked {
    /// A request of the API, with the key that its headers may bring; its body comes after it.
    pub(super) fn new(caller: String, method: &Method, path: &str, headers: &HeaderMap) -> Result<Asked, Problem> {
        let key = match headers.get(KEY_HEADER) {
            None => None,
            Some(value) => Some(key(value).ok_or_else(|| {
                Problem::new(Kind::BadRequest, "the Idempotency-Key is empty, too long, or no plain text")
                    .hint("accepted: 1 to 255 visible characters of ASCII, such as a UUID")
            })?),
        };
        Ok(Asked { caller, key, what: format!("{method} {path}"), print: String::new() })
    }
    /// The same with its body.
    pub(super) fn with(self, body: &[u8]) -> Asked {
        Asked { print: print(&[self.what.as_bytes(), body]), ..self }
    }
    /// A webhook: its id is its key.
    pub(super) fn webhook(source: &str, id: &str, body: &[u8]) -> Asked {
        let (caller, what) = (format!("webhook:{source}"), String::new());
        Asked { caller, key: Some(id.to_owned()), what, print: String::new() }.with(body)
    }
}

fn key(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?;
    let fine = (1..=KEY_BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    fine.then(|| text.to_owned())
}

/// Each part with its length before it, so that no two requests read the same.
fn print(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Carries a request out, or answers as it was answered before.
pub(super) async fn once<W>(office: &Arc<Office>, asked: Asked, work: W) -> Response
where
    W: Future<Output = Done> + Send + 'static,
{
    let Asked { caller, key: Some(key), print, .. } = asked else {
        let done = tokio::spawn(work).await.unwrap_or_else(|_| Err(lost()));
        return written(done).into_response();
    };
    match begin(office, &caller, &key, &print).await {
        Ok(Begun::Mine) => {}
        Ok(Begun::Known { status, body }) => return again(status, body),
        Ok(Begun::InHand { .. }) => {
            let problem = Problem::new(Kind::InHand, "a request with this key is being carried out");
            return problem.hint("ask again with the same key for its answer").again_after_s(2).into_response();
        }
        Ok(Begun::OtherBody) => {
            let problem = Problem::new(Kind::KeyReused, "another request was made with this key");
            return problem.hint("use a new key for each request, and the same only to repeat it").into_response();
        }
        Err(problem) => return problem.into_response(),
    }
    let office = Arc::clone(office);
    // In a task of its own: what was begun is answered for, whether or not anybody still waits.
    let ended = tokio::spawn(async move {
        let done = tokio::spawn(work).await.unwrap_or_else(|_| Err(lost()));
        let written = written(done);
        keep(&office, &caller, &key, &print, &written).await;
        written
    });
    match ended.await {
        Ok(written) => written.into_response(),
        Err(_) => lost().into_response(),
    }
}

async fn begin(office: &Office, caller: &str, key: &str, print: &str) -> Result<Begun, Problem> {
    let now = Clock::System.now();
    let request = Request { caller, key, print, holder: office.holder.as_str() };
    let failed = |e| Problem::of_access(office, &e);
    let begun = office.access.begin_answer(request, now).await.map_err(failed)?;
    let Begun::InHand { holder, since } = &begun else { return Ok(begun) };
    let is_dead = is_dead(holder, *since, now);
    if is_dead && office.access.take_over_answer(request, holder, *since, now).await.map_err(failed)? {
        return Ok(Begun::Mine);
    }
    Ok(begun)
}

/// Whether the process that had a request in hand will never answer it.
fn is_dead(holder: &str, since: Timestamp, now: Timestamp) -> bool {
    now.since_ms(since) > IN_HAND_MS || Holder::new(holder).is_ok_and(|holder| is_gone(&holder))
}

/// Keeps the answer; what may go better the next time is let go of.
async fn keep(office: &Office, caller: &str, key: &str, print: &str, written: &Written) {
    let request = Request { caller, key, print, holder: office.holder.as_str() };
    let kept = match std::str::from_utf8(&written.body) {
        Ok(body) if !written.passes && body.len() <= ANSWER_BYTES_MAX => {
            office.access.keep_answer(request, written.status, body).await
        }
        Ok(_) | Err(_) => office.access.let_go_of_answer(request).await,
    };
    if let Err(e) = kept {
        // It stays in hand until it is too old; nothing is done twice because of it.
        let _told = Problem::of_access(office, &e);
    }
}

/// An answer as it is kept.
struct Written {
    status: u16,
    body: Vec<u8>,
    /// Whether it may be another one the next time.
    passes: bool,
    problem: Option<Problem>,
}

fn written(done: Done) -> Written {
    match done {
        Ok((status, document)) => {
            let body = document.to_string().into_bytes();
            Written { status: status.as_u16(), body, passes: false, problem: None }
        }
        Err(problem) => Written {
            status: problem.status(),
            body: serde_json::to_vec(&problem).unwrap_or_default(),
            passes: problem.passes(),
            problem: Some(problem),
        },
    }
}

impl IntoResponse for Written {
    fn into_response(self) -> Response {
        if let Some(problem) = self.problem {
            return problem.into_response();
        }
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        (status, [(header::CONTENT_TYPE, "application/json")], self.body).into_response()
    }
}

fn again(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let kind = if status.is_success() { "application/json" } else { PROBLEM_JSON };
    let headers = [(header::CONTENT_TYPE, kind), (REPLAYED, "true")];
    (status, headers, Body::from(body)).into_response()
}

fn lost() -> Problem {
    Problem::new(Kind::Bug, "the request was lost while it was carried out")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_plain_text_of_some_length() {
        let read = |text: &[u8]| HeaderValue::from_bytes(text).ok().and_then(|value| key(&value));
        assert_eq!(read(b"1f-2").as_deref(), Some("1f-2"));
        for bad in [&b""[..], b"a b", "ä".as_bytes(), &[b'x'; 256]] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn requests_differ_by_method_path_and_body_and_by_where_these_end() {
        let prints = [print(&[b"POST", b"/a", b"b"]), print(&[b"POST", b"/ab", b""]), print(&[b"PUT", b"/a", b"b"])];
        assert!(prints[0] != prints[1] && prints[0] != prints[2]);
        assert_eq!(prints[0], print(&[b"POST", b"/a", b"b"]));
    }

    #[test]
    fn a_process_of_another_machine_is_dead_only_after_a_long_time() {
        let since = Timestamp(1_000_000);
        let elsewhere = "otherhost:12345678:1:1:1";
        assert!(!is_dead(elsewhere, since, since + IN_HAND_MS));
        assert!(is_dead(elsewhere, since, since + IN_HAND_MS + 1));
    }
}
