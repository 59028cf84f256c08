//! Real softphones on sockets: their streams, the far ends of their calls, and the routes that act on them.
//!
//! Must never: understand a stanza; it carries text between a socket and the twin.

use axum::Json;
use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use super::{Served, lock};
use crate::twin::stream::Sent;

/// How many frames may wait for one stream; a slower reader is cut off.
const WAITING_MAX: usize = 1_000;
/// Longest message on a stream or from a far end, in bytes.
const MESSAGE_BYTES_MAX: usize = 128 * 1024;

/// The routes of real softphones.
pub(super) fn routes() -> Router<Served> {
    Router::new()
        .route("/stream/channels/{id}", get(stream))
        .route("/twin/softphones", get(softphones))
        .route("/twin/far/{conversation}", get(far))
        .route("/twin/{what}", post(poke).options(async || StatusCode::NO_CONTENT))
}

async fn softphones(State(served): State<Served>) -> Response {
    let told = served.with_twin(|twin| twin.softphones());
    super::json(&told)
}

async fn poke(State(served): State<Served>, Path(what): Path<String>, body: Option<Json<Value>>) -> Response {
    let body = body.map(|Json(body)| body).unwrap_or_default();
    let now = served.clock.now();
    match served.with_twin(|twin| twin.poke(now, &what, &body)) {
        Ok(done) => super::json(&done),
        Err((status, why)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
            (status, super::json(&serde_json::json!({ "message": why }))).into_response()
        }
    }
}

async fn stream(State(served): State<Served>, Path(channel): Path<String>, upgrade: WebSocketUpgrade) -> Response {
    let now = served.clock.now();
    match served.with_twin(|twin| twin.open_stream(now, &channel)) {
        Ok(id) => {
            let (frames, waiting) = mpsc::channel(WAITING_MAX);
            lock(&served.streams).insert(id, frames);
            let gone = served.clone();
            upgrade
                .protocols(["xmpp"])
                .max_message_size(MESSAGE_BYTES_MAX)
                .on_failed_upgrade(move |_| gone.stream_gone(id))
                .on_upgrade(async move |socket| {
                    carry(&served, id, waiting, socket).await;
                    served.stream_gone(id);
                })
        }
        Err(status) => StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE).into_response(),
    }
}

impl Served {
    fn stream_gone(&self, id: u64) {
        lock(&self.streams).remove(&id);
        let now = self.clock.now();
        self.with_twin(|twin| twin.stream_ended(now, id));
    }
}

/// Returns once serving is to stop.
async fn until(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Carries text both ways until either side ends. Dropping the socket without a word is how a network ends one.
async fn carry(served: &Served, id: u64, mut waiting: mpsc::Receiver<Sent>, mut socket: WebSocket) {
    let mut stopped = served.stopped.clone();
    loop {
        tokio::select! {
            sent = waiting.recv() => match sent {
                Some(Sent::Text(text)) => {
                    if socket.send(Message::text(text)).await.is_err() {
                        return;
                    }
                }
                Some(Sent::Close) => {
                    let _ = socket.send(Message::Close(None)).await;
                    return;
                }
                Some(Sent::Cut) | None => return,
            },
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => {
                    let now = served.clock.now();
                    served.with_twin(|twin| twin.stream_says(now, id, &text));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
            () = until(&mut stopped) => return,
        }
    }
}

async fn far(State(served): State<Served>, Path(conversation): Path<String>, upgrade: WebSocketUpgrade) -> Response {
    match served.with_twin(|twin| twin.far_line(&conversation)) {
        Some(line) => upgrade
            .max_message_size(MESSAGE_BYTES_MAX)
            .on_upgrade(async move |socket| attend_far(&served, line, socket).await),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn attend_far(served: &Served, line: usize, mut socket: WebSocket) {
    let mut stopped = served.stopped.clone();
    let mut moved = served.moved.subscribe();
    loop {
        moved.mark_unchanged();
        let words = lock(&served.twin).drain_far(line);
        for word in words {
            if socket.send(Message::text(word)).await.is_err() {
                return;
            }
        }
        tokio::select! {
            changed = moved.changed() => if changed.is_err() { return },
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => {
                    let now = served.clock.now();
                    served.with_twin(|twin| twin.far_says(now, line, &text));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
            () = until(&mut stopped) => return,
        }
    }
}
