//! The reports of a run, drawn when they are asked for.
//!
//! Must never: draw so many at once that a publish is late because of it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::extract::{Places, run_id, unshown};
use crate::shells::daemon::news::News;
use crate::shells::report::{Format, ReportError, render};
use crate::shells::web::Room;
use crate::shells::web::access::Caller;
use crate::shells::web::problem::{Kind, Problem};

/// The report as a page
///
/// One self-contained file: it asks for nothing else.
#[utoipa::path(get, path = "/api/v1/runs/{run}/report.html", tag = "look",
    params(("run" = String, Path, description = "The run's name", max_length = 64, example = "20261127-1600-care")),
    responses(
        (status = 200, description = "The report", body = String, content_type = "text/html"),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn html(room: State<Room>, _caller: Caller, run: Places<String>) -> Result<Response, Problem> {
    drawn(&room, &run.0, Format::Html).await
}

/// The report as Markdown
#[utoipa::path(get, path = "/api/v1/runs/{run}/report.md", tag = "look",
    params(("run" = String, Path, description = "The run's name", max_length = 64, example = "20261127-1600-care")),
    responses(
        (status = 200, description = "The report", body = String, content_type = "text/markdown"),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn markdown(room: State<Room>, _caller: Caller, run: Places<String>) -> Result<Response, Problem> {
    drawn(&room, &run.0, Format::Markdown).await
}

/// The report for programs
///
/// Its `format` names its version.
#[utoipa::path(get, path = "/api/v1/runs/{run}/report.json", tag = "look",
    params(("run" = String, Path, description = "The run's name", max_length = 64, example = "20261127-1600-care")),
    responses(
        (status = 200, description = "The report", body = Object),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn json(room: State<Room>, _caller: Caller, run: Places<String>) -> Result<Response, Problem> {
    drawn(&room, &run.0, Format::Json).await
}

async fn drawn(room: &Room, run: &str, format: Format) -> Result<Response, Problem> {
    let office = room.office()?;
    let run = run_id(run)?;
    let opened = office.book.run(&run).await.map_err(unshown(office))?;
    let _turn = office.reports.acquire().await.map_err(|_| lost())?;
    let templates = office.site.templates.clone();
    let story = Arc::new(opened.look().await.map_err(unshown(office))?.story.clone());
    let draw = move || render(&story, format, templates.as_deref());
    let drawn = tokio::task::spawn_blocking(draw).await.map_err(|_| lost())?;
    let trouble = |what, e: &ReportError| office.tell(News::trouble(Some(run.clone()), what, e));
    let rendered = drawn.map_err(|e| {
        trouble("the report cannot be drawn", &e);
        Problem::new(Kind::Bug, e.to_string())
    })?;
    if let Some(e) = &rendered.trouble {
        trouble("the built-in template was used instead of one's own", e);
    }
    let mut response = ([(header::CONTENT_TYPE, format.media_type())], rendered.text).into_response();
    if format == Format::Html {
        // It holds its own styles and scripts, and must reach nothing else.
        let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; \
            base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-scripts";
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    }
    Ok(response)
}

fn lost() -> Problem {
    Problem::new(Kind::Bug, "the report could not be drawn")
}
