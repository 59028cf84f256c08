//! What a request brings, strictly read.
//!
//! Must never: let a library's own words about a bad request out, or take a field that nobody knows.

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::shells::web::Room;
use crate::shells::web::book::Unshown;
use crate::shells::web::office::Office;
use crate::shells::web::problem::{Kind, Problem};
use crate::words::id::RunId;

/// The fields of a query.
pub(super) struct Fields<T>(pub(super) T);

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
pub(super) struct Places<T>(pub(super) T);

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
pub(super) fn run_id(text: &str) -> Result<RunId, Problem> {
    let fine = RunId::new(text).ok().filter(|run| !run.is_calendar());
    fine.ok_or_else(|| {
        Problem::new(Kind::NotFound, "there is no run of that name").hint("GET /api/v1/runs lists the runs")
    })
}

/// Why a run cannot be shown.
pub(super) fn unshown(office: &Office) -> impl Fn(Unshown) -> Problem + '_ {
    move |error| match error {
        Unshown::Journal(e) => Problem::of_journal(office, &e),
        Unshown::Bad { run, source } => {
            Problem::new(Kind::Store, format!("the journal of run {run} cannot be followed: {source}"))
        }
        Unshown::Full => {
            Problem::new(Kind::TooMany, "so many runs are followed that no other can be opened").again_after_s(30)
        }
        Unshown::Lost => Problem::new(Kind::Bug, "the run could not be read"),
    }
}
