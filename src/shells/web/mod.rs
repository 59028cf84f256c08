//! The web room: people look at runs here, programs call the API, agents sign in, and the companions of their pages keep a
//! socket to it.
//!
//! - [`access`]: who asks, by API key or by session; `problem`: what is wrong with a request.
//! - `api`: the API under `/api/v1`, and its description; `office`: what it works with; `deeds`: what callers may have
//!   done, `once` for each idempotency key.
//! - `inbound`: webhooks that come in; `advice`: what callers of either can do when nothing is staged.
//! - [`book`]: the runs as the API shows them, and those who follow them.
//! - `dashboard`: the pages that people look at; [`people`]: who they are and how they sign in.
//! - `oauth`: the way to the platform's sign-in, for agents and for people; `query`: fields of a query.
//! - `listener`: connections, counted and bounded.
//! - `socket`: one companion, from its hello to its end.
//! - `admit`: whose page it is, by page key or by token.
//! - `drawn`: a page from a built-in template.
//! - `enrol`: the agent's sign-in, from the link to the vault; `cookie` holds what is under way meanwhile.
//! - `machines`: readiness, and metrics for those who have a key.
//! - `files`: the companion's module and what stands around it.
//!
//! TLS is a reverse proxy's. Everything here is about one organisation; a process that serves several has a room for each.
//!
//! Must never: show a token, let a page in that the configuration does not name, or take more than its bounds.

pub mod access;
mod admit;
mod advice;
mod api;
pub mod book;
mod cookie;
mod dashboard;
mod deeds;
mod desk;
mod drawn;
mod enrol;
mod files;
mod inbound;
pub(crate) mod listener;
mod machines;
mod oauth;
mod office;
mod once;
mod peers;
pub mod people;
mod problem;
mod query;
mod socket;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

pub use book::{Book, Nudges};
pub use desk::{Desk, Settings, org_name};
pub use inbound::{Ask, Sender, Senders};
use listener::{Bounded, Peer};
pub use office::Office;
use problem::{Kind, Problem};

/// Connections beside those of the companions: sign-ins, files, pages that are on their way in.
const CONNECTIONS_BESIDE: usize = 512;
/// How long the end of open connections is waited for, in ms.
const END_MS: u64 = 2_000;

/// The web room of one organisation, bound to its address.
pub struct Web {
    desk: Arc<Desk>,
    listener: TcpListener,
}

impl Web {
    /// Takes the address. Nobody is answered before [`Web::serve`].
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn bind(desk: Desk) -> std::io::Result<Web> {
        Ok(Web::on(TcpListener::bind(desk.settings.listen).await?, desk))
    }

    /// The same on a listener that is there already.
    #[must_use]
    pub fn on(listener: TcpListener, desk: Desk) -> Web {
        Web { desk: Arc::new(desk), listener }
    }

    /// The address that was taken.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stopping` says true; then every companion is told, and what is open has a moment to end.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(self, stopping: watch::Receiver<bool>) -> std::io::Result<()> {
        let connections_max = self.desk.settings.companions_max.saturating_add(CONNECTIONS_BESIDE);
        // Each handler and each companion's task holds a clone; when the last is gone, so is everything.
        let (alive, mut gone) = mpsc::channel(1);
        let room = Room { desk: self.desk, stopping: stopping.clone(), _alive: alive };
        let make = router(room).into_make_service_with_connect_info::<Peer>();
        let ended = |mut stopping: watch::Receiver<bool>| async move {
            // A sender that is gone has ended without asking.
            let _ = stopping.wait_for(|stop| *stop).await;
        };
        let serving = axum::serve(Bounded::new(self.listener, connections_max), make)
            .with_graceful_shutdown(ended(stopping.clone()));
        let late = async {
            ended(stopping).await;
            tokio::time::sleep(Duration::from_millis(END_MS)).await;
        };
        let whole = async {
            serving.await?;
            // Companions' sockets are no requests any more: they end by themselves, with a word to the page.
            let _none = gone.recv().await;
            Ok(())
        };
        tokio::select! {
            served = whole => served,
            () = late => Ok(()),
        }
    }
}

/// What every handler has at hand.
#[derive(Clone)]
pub(crate) struct Room {
    desk: Arc<Desk>,
    stopping: watch::Receiver<bool>,
    _alive: mpsc::Sender<()>,
}

impl Room {
    /// What the API works with.
    fn office(&self) -> Result<&Arc<Office>, Problem> {
        let none = || Problem::new(Kind::NotFound, "there is no API in this room");
        self.desk.office.as_ref().ok_or_else(none)
    }

    /// Who may sign in; `None` when nobody may.
    fn people(&self) -> Option<&people::People> {
        self.desk.people.as_ref()
    }
}

fn router(room: Room) -> Router {
    let api = match &room.desk.office {
        Some(_) => api::router().merge(inbound::router()).merge(dashboard::router()).merge(people::router()),
        None => Router::new(),
    };
    Router::new()
        .merge(api)
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(machines::readyz))
        .route("/metrics", get(machines::metrics))
        .route("/enrol", get(enrol::begin))
        .route("/enrol/callback", get(enrol::callback))
        .route("/enrol/page.js", get(files::page_script))
        .route("/enrol/page.css", get(files::page_style))
        .route("/companion/v1.js", get(files::companion))
        .route("/companion/v1.d.ts", get(files::companion_types))
        .route("/companion/example.html", get(files::companion_example))
        .route("/companion/v1/socket", get(socket::open))
        .fallback(nothing_here)
        .layer(axum::middleware::map_response(with_care))
        .with_state(room)
}

/// Programs are told in their own way that there is nothing, and people where there is something.
async fn nothing_here(State(room): State<Room>, uri: Uri) -> Response {
    if matches!(uri.path().split('/').nth(1), Some("api" | "hooks")) {
        let hint = "GET /openapi.json tells what there is";
        return Problem::new(Kind::NotFound, "there is nothing at this path").hint(hint).into_response();
    }
    match room.office() {
        Ok(_) => people::nothing_here(),
        Err(_) => (StatusCode::NOT_FOUND, "there is nothing here\n").into_response(),
    }
}

/// What every answer says to browsers. A handler that has said something of its own keeps it.
async fn with_care(mut response: Response) -> Response {
    let headers = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        (HeaderName::from_static("permissions-policy"), "microphone=(), camera=(), geolocation=()"),
    ];
    for (name, value) in headers {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
