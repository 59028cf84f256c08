//! What a request brings, strictly read.
//!
//! Must never: take a field that nobody knows, or answer what cannot be read with anything but a problem document.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;

use crate::shells::web::Room;
use crate::shells::web::book::Unshown;
use crate::shells::web::deeds;
use crate::shells::web::office::Office;
use crate::shells::web::problem::{Kind, Problem};
use crate::words::id::RunId;

/// The fields of a query.
pub(in crate::shells::web) struct Fields<T>(pub(in crate::shells::web) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Room> for Fields<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, room: &Room) -> Result<Fields<T>, Problem> {
        match Query::<T>::from_request_parts(parts, room).await {
            Ok(Query(fields)) => Ok(Fields(fields)),
            Err(e) => Err(Problem::new(Kind::BadRequest, format!("the query cannot be read: {}", e.body_text()))),
        }
    }
}

/// The places in a path.
pub(in crate::shells::web) struct Places<T>(pub(in crate::shells::web) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Room> for Places<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, room: &Room) -> Result<Places<T>, Problem> {
        match Path::<T>::from_request_parts(parts, room).await {
            Ok(Path(places)) => Ok(Places(places)),
            Err(_) => Err(Problem::new(Kind::BadRequest, "the path is not UTF-8")),
        }
    }
}

/// A run's name; what cannot name one names none.
pub(in crate::shells::web) fn run_id(text: &str) -> Result<RunId, Problem> {
    let fine = RunId::new(text).ok().filter(|run| !run.is_calendar());
    fine.ok_or_else(|| {
        Problem::new(Kind::NotFound, "there is no run of that name").hint("GET /api/v1/runs lists the runs")
    })
}

/// Why a run cannot be shown.
pub(in crate::shells::web) fn unshown(office: &Office) -> impl Fn(Unshown) -> Problem + '_ {
    move |error| deeds::unshown(office, error)
}

/// A body of JSON, and the bytes that it came as.
pub(in crate::shells::web) struct JsonBody<T> {
    pub(in crate::shells::web) value: T,
    pub(in crate::shells::web) bytes: Bytes,
}

impl<T: DeserializeOwned> FromRequest<Room> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, room: &Room) -> Result<JsonBody<T>, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if kind != "application/json" {
            let detail = format!("the body's type is {kind:?}");
            return Err(Problem::new(Kind::NotJson, detail).hint("send Content-Type: application/json"));
        }
        let bytes = Bytes::from_request(request, room).await.map_err(|e| match e.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::new(Kind::TooLarge, "the body is longer than 64 KiB"),
            _ => Problem::new(Kind::BadRequest, "the body ended before it was whole"),
        })?;
        let unread = |why: String| Problem::new(Kind::BadRequest, format!("the body cannot be read: {why}"));
        if !is_object(&bytes) {
            return Err(unread("it is no JSON object".to_owned()).hint("GET /openapi.json tells its fields"));
        }
        let value = serde_json::from_slice(&bytes).map_err(|e| unread(e.to_string()))?;
        Ok(JsonBody { value, bytes })
    }
}

/// Whether a text of JSON can only be an object: what is read into fields takes a list of their values as well, without their
/// names.
pub(in crate::shells::web) fn is_object(json: &[u8]) -> bool {
    json.trim_ascii_start().starts_with(b"{")
}
