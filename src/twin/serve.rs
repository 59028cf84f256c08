//! A twin behind a socket: HTTP, notification sockets, and routes of its own under `/twin/` to look inside.
//!
//! Time comes from a [`Clock`]; what is due happens by itself. Everything else is the pure [`Twin`]'s.
//!
//! Must never: answer anything under `/api/v2` by itself, or keep a token in what it records.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, watch};

use super::notify::{Frame, answer_message, closed_message, heartbeat};
use super::record::{Exchange, Recorder};
use super::stream::Sent;
use super::truth::Truth;
use super::world::Twin;
use crate::words::clock::Clock;
use crate::words::http;

mod softphones;

/// Largest body that is read at all, in bytes: a packed schedule goes to another host on the platform, with a limit of its own.
const UPLOAD_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How many frames may wait for one socket; a slower reader is cut off.
const FRAMES_MAX: usize = 20_000;
/// A heartbeat comes so often (API.md section 11: 30 s).
const HEARTBEAT_MS: i64 = 30_000;

/// How a twin is served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// How many exchanges are recorded for `GET /twin/exchanges`; 0 records nothing.
    pub exchanges_max: usize,
}

/// A twin that is or will be served. Clones share the same twin.
#[derive(Clone)]
pub struct Served {
    twin: Arc<Mutex<Twin>>,
    clock: Clock,
    sockets: Arc<Mutex<HashMap<String, mpsc::Sender<Frame>>>>,
    /// The sockets of real softphones' streams.
    streams: Arc<Mutex<HashMap<u64, mpsc::Sender<Sent>>>>,
    /// Changes whenever the twin may have something for the far end of a call.
    moved: Arc<watch::Sender<()>>,
    changed: Arc<Notify>,
    recorder: Arc<Mutex<Recorder>>,
    stopped: watch::Receiver<bool>,
    stop: Arc<watch::Sender<bool>>,
}

/// Serves a twin on `listener` until `stop` is done. See [`Served`] for a handle to look inside meanwhile.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    twin: Twin,
    clock: Clock,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    Served::new(twin, clock, Options::default()).run(listener, stop).await
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Served {
    /// Takes a twin over; nothing is served yet.
    #[must_use]
    pub fn new(twin: Twin, clock: Clock, options: Options) -> Served {
        let (stop, stopped) = watch::channel(false);
        Served {
            twin: Arc::new(Mutex::new(twin)),
            clock,
            sockets: Arc::default(),
            streams: Arc::default(),
            moved: Arc::new(watch::Sender::new(())),
            changed: Arc::default(),
            recorder: Arc::new(Mutex::new(Recorder::new(options.exchanges_max))),
            stopped,
            stop: Arc::new(stop),
        }
    }

    /// The twin itself, for a caller in the same process.
    #[must_use]
    pub fn twin(&self) -> Arc<Mutex<Twin>> {
        Arc::clone(&self.twin)
    }

    /// What is really so now.
    #[must_use]
    pub fn truth(&self) -> Truth {
        let mut twin = lock(&self.twin);
        twin.advance(self.clock.now());
        twin.truth()
    }

    /// What was asked and answered so far, when recording is on.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        lock(&self.recorder).exchanges().to_vec()
    }

    /// Serves until `stop` is done.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn run(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let mover = tokio::spawn(self.clone().move_on());
        let ended = Arc::clone(&self.stop);
        let router = self.router();
        // A stream's stanzas are small and come in pairs; each would wait for the other side's acknowledgement.
        let listener = listener.tap_io(|connection| {
            let _ = connection.set_nodelay(true);
        });
        let served = axum::serve(listener, router)
            .with_graceful_shutdown(async move {
                stop.await;
                ended.send_replace(true);
            })
            .await;
        mover.abort();
        served
    }

    fn router(self) -> Router {
        Router::new()
            .route("/channels/{id}", get(socket))
            .route("/twin/clock", get(async |State(s): State<Served>| json(&s.clock)))
            .route("/twin/truth", get(async |State(s): State<Served>| json(&s.truth())))
            .route("/twin/counters", get(async |State(s): State<Served>| json(&s.truth().counters)))
            .route("/twin/exchanges", get(async |State(s): State<Served>| json(&s.exchanges())))
            .route("/twin/enrolments", get(enrolments))
            .merge(softphones::routes())
            .fallback(answer)
            .layer(axum::middleware::map_response(with_cors))
            .with_state(self)
    }

    /// Lets time pass: whatever is due happens at its time, and its events go out.
    async fn move_on(self) {
        loop {
            let due = lock(&self.twin).next_due();
            match due {
                None => self.changed.notified().await,
                Some(at) => tokio::select! {
                    () = self.clock.sleep_until(at) => self.advance(),
                    () = self.changed.notified() => {}
                },
            }
        }
    }

    fn advance(&self) {
        let mut twin = lock(&self.twin);
        twin.advance(self.clock.now());
        self.deliver(&mut twin);
    }

    /// Hands pushes to the sockets. A channel without a socket loses them; so does one that reads too slowly.
    fn deliver(&self, twin: &mut Twin) {
        self.deliver_streams(twin);
        let pushes = twin.drain_pushes();
        if pushes.is_empty() {
            return;
        }
        let mut sockets = lock(&self.sockets);
        for push in pushes {
            let Some(socket) = sockets.get(&push.channel) else { continue };
            if socket.try_send(push.frame).is_err() {
                sockets.remove(&push.channel);
            }
        }
    }

    /// Hands stanzas to the streams' sockets. One that reads too slowly is cut off.
    fn deliver_streams(&self, twin: &mut Twin) {
        self.moved.send_replace(());
        let pushes = twin.drain_streams();
        if pushes.is_empty() {
            return;
        }
        let mut streams = lock(&self.streams);
        for push in pushes {
            let Some(socket) = streams.get(&push.stream) else { continue };
            if socket.try_send(push.sent).is_err() {
                streams.remove(&push.stream);
            }
        }
    }

    /// Does something with the twin as it is now, and delivers what comes of it.
    fn with_twin<T>(&self, act: impl FnOnce(&mut Twin) -> T) -> T {
        let mut twin = lock(&self.twin);
        twin.advance(self.clock.now());
        let done = act(&mut twin);
        self.deliver(&mut twin);
        drop(twin);
        self.changed.notify_one();
        done
    }

    fn handle(&self, request: &http::Request) -> http::Response {
        let mut twin = lock(&self.twin);
        let now = self.clock.now();
        let response = twin.handle(now, request);
        self.deliver(&mut twin);
        drop(twin);
        self.changed.notify_one();
        lock(&self.recorder).record(now, request, &response);
        response
    }
}

/// Everything that has no route of its own goes to the twin.
async fn answer(State(served): State<Served>, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(method) = http::Method::parse(parts.method.as_str()) else {
        return axum::http::StatusCode::METHOD_NOT_ALLOWED.into_response();
    };
    let uri = parts.uri.path_and_query().map_or("/", |p| p.as_str());
    let mut request = http::Request::new(method, format!("http://twin{uri}"));
    for (name, value) in &parts.headers {
        request.headers.push((name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    }
    // The API's own, lower limit is the twin's to refuse; the body is read to its end so that the refusal arrives.
    match to_bytes(body, UPLOAD_BYTES_MAX).await {
        Ok(bytes) => request.body = bytes.to_vec(),
        Err(_) => return axum::http::StatusCode::PAYLOAD_TOO_LARGE.into_response(),
    }
    let response = served.handle(&request);
    let delay_ms = response.header_value("x-twin-delay-ms").and_then(|v| v.parse::<i64>().ok());
    if let Some(delay_ms) = delay_ms {
        served.clock.sleep_until(served.clock.now() + delay_ms).await;
    }
    outgoing(response)
}

fn outgoing(response: http::Response) -> Response {
    let mut out = Response::new(Body::from(response.body));
    *out.status_mut() = axum::http::StatusCode::from_u16(response.status).unwrap_or_default();
    for (name, value) in response.headers.iter().filter(|(name, _)| name != "x-twin-delay-ms") {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str())) {
            out.headers_mut().insert(name, value);
        }
    }
    out
}

/// Cross-origin headers on every answer, errors included: without them a page takes a 401 for a network error
/// (SOFTPHONE.md section 1).
async fn with_cors(mut response: Response) -> Response {
    let cors = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type"),
        (
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            "retry-after, inin-correlation-id, inin-ratelimit-count, inin-ratelimit-allowed, inin-ratelimit-reset",
        ),
    ];
    for (name, value) in cors {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn json(value: &impl Serialize) -> Response {
    let body = serde_json::to_vec(value).unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

async fn enrolments(State(served): State<Served>) -> Response {
    let listed = lock(&served.twin).enrolments();
    let line = |(agent, name, token): &(_, String, crate::words::secret::Secret)| {
        let agent: &crate::words::id::AgentId = agent;
        let line = serde_json::json!({ "agent": agent, "name": name, "refresh_token": token.expose() });
        format!("{line}\n")
    };
    let body: String = listed.iter().map(line).collect();
    ([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}

async fn socket(State(served): State<Served>, Path(id): Path<String>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async move |socket| attend(served, id, socket).await)
}

/// One notification socket, from its opening to its end. A second one on the same channel ends the first.
async fn attend(served: Served, id: String, mut socket: WebSocket) {
    let open = {
        let mut twin = lock(&served.twin);
        twin.advance(served.clock.now());
        twin.channel_is_open(&id)
    };
    if !open {
        let _ = socket.send(Message::text(closed_message())).await;
        return;
    }
    let (frames, mut waiting) = mpsc::channel(FRAMES_MAX);
    lock(&served.sockets).insert(id.clone(), frames.clone());
    // The table holds the only other sender, so that the queue ends when a second socket takes its place.
    let marker = frames.downgrade();
    drop(frames);
    let mut stopped = served.stopped.clone();
    let mut beat = served.clock.now() + HEARTBEAT_MS;
    loop {
        let out = tokio::select! {
            frame = waiting.recv() => match frame {
                Some(Frame::Text(text)) => text,
                Some(Frame::Close) | None => break,
            },
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => match answer_message(&text) {
                    Some(answer) => answer,
                    None => continue,
                },
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_))) => continue,
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
            },
            () = served.clock.sleep_until(beat) => {
                beat = served.clock.now() + HEARTBEAT_MS;
                heartbeat()
            },
            _ = stopped.wait_for(|stopped| *stopped) => break,
        };
        if socket.send(Message::text(out)).await.is_err() {
            break;
        }
    }
    let mut sockets = lock(&served.sockets);
    let own = sockets.get(&id).zip(marker.upgrade()).is_some_and(|(held, own)| held.same_channel(&own));
    if own {
        sockets.remove(&id);
    }
}
