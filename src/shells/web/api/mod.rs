//! The API under `/api/v1`, and its description at `/openapi.json`, which is made of the same types and handlers.
//!
//! - `extract`: what a request brings, strictly read; what cannot be read is a problem document.
//! - `me`, `calendar`, `runs`, `agents`, `report`, `audit`, `evidence`: what can be looked at; `events`: what can be followed;
//!   `act`: what changes something.
//!
//! Must never: answer with anything but JSON, a problem document, a report or a stream, or take what it does not know.

mod act;
mod agents;
mod audit;
mod calendar;
mod events;
mod evidence;
pub(super) mod extract;
mod me;
mod report;
mod runs;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Room;
use super::access::session::COOKIE_NAME;
use super::problem::{Kind, Problem};

/// The longest body that is taken, in bytes.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// What stands around the paths.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "softlanding",
        description = "Stages, watches and steers publishes of Genesys Cloud WFM schedules. Instants are RFC 3339 in UTC, durations are in milliseconds. Whatever goes wrong is told as a problem document (RFC 9457). Requests that act take an Idempotency-Key: the same key, caller and body bring the same answer for a day, and nothing is done twice.",
        license(name = "MIT", identifier = "MIT"),
    ),
    modifiers(&Schemes),
    security(("key" = []), ("session" = [])),
    tags(
        (name = "look", description = "What can be looked at; for viewers and all others"),
        (name = "act", description = "What changes something; for operators, and approvers to approve"),
    )
)]
struct Described;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let key = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("slk_…");
        let key = key.description(Some("An API key, made by `softlanding keys add`."));
        let session = ApiKeyValue::with_description(
            COOKIE_NAME,
            "Somebody who has signed in at the dashboard. Requests that act bring the header X-CSRF-Token as well.",
        );
        let components = api.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(key.build()));
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
    }
}

fn described() -> (Router<Room>, utoipa::openapi::OpenApi) {
    OpenApiRouter::with_openapi(Described::openapi())
        .routes(routes!(me::me))
        .routes(routes!(calendar::calendar))
        .routes(routes!(runs::list))
        .routes(routes!(runs::one))
        .routes(routes!(agents::list))
        .routes(routes!(agents::one))
        .routes(routes!(events::follow))
        .routes(routes!(report::html))
        .routes(routes!(report::markdown))
        .routes(routes!(report::json))
        .routes(routes!(audit::audit))
        .routes(routes!(evidence::evidence))
        .routes(routes!(act::stage))
        .routes(routes!(act::order))
        .routes(routes!(act::start))
        .routes(routes!(act::check))
        .split_for_parts()
}

/// The API and its description.
pub(super) fn router() -> Router<Room> {
    let (router, api) = described();
    let text = api.to_json().unwrap_or_default();
    router
        .route("/openapi.json", get(async || ([(header::CONTENT_TYPE, "application/json")], text).into_response()))
        .method_not_allowed_fallback(async || {
            Problem::new(Kind::MethodNotAllowed, "this path does not take the method")
        })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}
