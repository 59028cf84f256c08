//! The reports of a run, drawn when they are asked for.
//!
//! Must never: draw so many at once that a publish is late because of it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::extract::{Places, run_id, unshown};
use crate::shells::daemon::news::News;
use crate::shells::report::ReportError;
use crate::shells::report::document::document;
use crate::shells::report::render::Templates;
use crate::shells::report::view::view;
use crate::shells::web::Room;
use crate::shells::web::access::Caller;
use crate::shells::web::problem::{Kind, Problem};

/// A kind of report.
#[derive(Debug, Clone, Copy)]
enum Face {
    Html,
    Markdown,
    Json,
}

/// The report as a page
///
/// One self-contained file: it asks for nothing else.
#[utoipa::path(get, path = "/api/v1/runs/{run}/report.html", tag = "look",
    params(("run" = String, Path, description = "The run's name", max_length = 64)),
    responses(
        (status = 200, description = "The report", body = String, content_type = "text/html"),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn html(room: State<Room>, _caller: Caller, run: Places<String>) -> Result<Response, Problem> {
    drawn(&room, &run.0, Face::Html).await
}

/// The report as Markdown
#[utoipa::path(get, path = "/api/v1/runs/{run}/report.md", tag = "look",
    params(("run" = String, Path, description = "The run's name", max_length = 64)),
    responses(
        (status = 200, description = "The report", body = String, content_type = "text/markdown"),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn markdown(room: State<Room>, _caller: Caller, run: Places<String>) -> Result<Response, Problem> {
    drawn(&room, &run.0, Face::Markdown).await
}

/// The report for programs
///
/// Its `format` names its version.
#[utoipa::path(get, path = "/api/v1/runs/{run}/report.json", tag = "look",
    params(("run" = String, Path, description = "The run's name", max_length = 64)),
    responses(
        (status = 200, description = "The report", body = Object),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn json(room: State<Room>, _caller: Caller, run: Places<String>) -> Result<Response, Problem> {
    drawn(&room, &run.0, Face::Json).await
}

async fn drawn(room: &Room, run: &str, face: Face) -> Result<Response, Problem> {
    let office = room.office()?;
    let run = run_id(run)?;
    let opened = office.book.run(&run).await.map_err(unshown(office))?;
    let _turn = office.reports.acquire().await.map_err(|_| lost())?;
    let templates = office.site.templates.clone();
    let story = Arc::new(opened.look().await.map_err(unshown(office))?.story.clone());
    let draw = move || -> Result<String, ReportError> {
        match face {
            Face::Html => Templates::load(templates.as_deref())?.html(&view(&story)),
            Face::Markdown => Templates::load(templates.as_deref())?.markdown(&view(&story)),
            Face::Json => Ok(serde_json::to_string(&document(&story)).unwrap_or_default()),
        }
    };
    let drawn = tokio::task::spawn_blocking(draw).await.map_err(|_| lost())?;
    let text = drawn.map_err(|e| {
        office.tell(News::trouble(Some(run.clone()), "the report cannot be drawn", &e));
        Problem::new(Kind::Bug, e.to_string()).hint("a template of one's own names what the report does not have")
    })?;
    Ok(match face {
        Face::Html => {
            // It holds its own styles and scripts, and must reach nothing else.
            let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; \
                base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-scripts";
            let headers =
                [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, policy)];
            (headers, text).into_response()
        }
        Face::Markdown => ([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response(),
        Face::Json => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
    })
}

fn lost() -> Problem {
    Problem::new(Kind::Bug, "the report could not be drawn")
}
