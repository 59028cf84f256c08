//! The address at which machines ask: `/metrics`, `/readyz`, `/livez`. It is no part of the web room, which the internet may reach;
//! whoever can reach this one needs no key.
//!
//! Must never: say more than figures and reasons, or take more connections than its bound.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::Telemetry;
use crate::shells::web::listener::Bounded;

/// Scrapers and probes at the same time.
const CONNECTIONS_MAX: usize = 64;
/// How long the end of open connections is waited for, in ms.
const END_MS: u64 = 1_000;
/// What Prometheus calls its text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers at `listener` until `stopping` says true.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    telemetry: Telemetry,
    listener: TcpListener,
    mut stopping: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let app = Router::new()
        .route("/metrics", get(metrics))
        .route("/readyz", get(readyz))
        .route("/livez", get(async || "alive\n"))
        .fallback(async || (StatusCode::NOT_FOUND, "there is /metrics, /readyz and /livez\n"))
        .with_state(Arc::new(telemetry));
    let mut late = stopping.clone();
    let ended = async move {
        // A sender that is gone has ended without asking.
        let _ = stopping.wait_for(|stop| *stop).await;
    };
    let serving = axum::serve(Bounded::new(listener, CONNECTIONS_MAX), app).with_graceful_shutdown(ended);
    tokio::select! {
        served = serving => served,
        () = async {
            let _ = late.wait_for(|stop| *stop).await;
            tokio::time::sleep(Duration::from_millis(END_MS)).await;
        } => Ok(()),
    }
}

async fn metrics(State(telemetry): State<Arc<Telemetry>>) -> Response {
    exposition(&telemetry)
}

async fn readyz(State(telemetry): State<Arc<Telemetry>>) -> Response {
    readiness(&telemetry)
}

/// The metrics as an answer.
pub(crate) fn exposition(telemetry: &Telemetry) -> Response {
    match telemetry.exposition() {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
        Err(e) => (StatusCode::INTERNAL_SERVER_ERROR, format!("the metrics cannot be written: {e}\n")).into_response(),
    }
}

/// Readiness as an answer: 200, or 503 with each reason.
pub(crate) fn readiness(telemetry: &Telemetry) -> Response {
    match telemetry.ready() {
        Ok(()) => Json(json!({ "ready": true, "reasons": [] })).into_response(),
        Err(reasons) => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "ready": false, "reasons": reasons }))).into_response()
        }
    }
}
