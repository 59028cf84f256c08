//! A run as it happens: a stream of server-sent events that can be taken up again where it broke off.
//!
//! Must never: let more listen than its bound, or a stream outlive the right to hear it by more than a few minutes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderName};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::IntoParams;

use super::extract::{Fields, Places, run_id, unshown};
use crate::shells::web::Room;
use crate::shells::web::access::Caller;
use crate::shells::web::book::{Follower, Frame};
use crate::shells::web::listener::{Peer, Waiting};
use crate::shells::web::problem::{Kind, Problem};

/// So that neither side nor what stands between them takes the stream for dead, in ms.
const HEARTBEAT_MS: u64 = 15_000;
/// A stream ends after so long, in ms; whoever listens asks again, and shows anew that they may.
const STREAM_MS: u64 = 300_000;

/// From where on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsWanted {
    /// What happened after this record, for the first time; afterwards `Last-Event-ID` says it.
    after: Option<u64>,
}

/// A run as it happens
///
/// Server-sent events. `event: record` has the number of the newest record as its `id` and a frame as its `data`; the first
/// comes at once. `event: over` is the last one of a run that is over. Streams end after five minutes; clients ask again with
/// `Last-Event-ID`.
#[utoipa::path(get, path = "/api/v1/runs/{run}/events", tag = "look",
    params(
        ("run" = String, Path, description = "The run's name", max_length = 64, example = "20261127-1600-care"),
        ("Last-Event-ID" = Option<String>, Header, description = "The last event that was heard"),
        EventsWanted,
    ),
    responses(
        (status = 200, description = "A stream of frames", body = Frame, content_type = "text/event-stream"),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn follow(
    State(room): State<Room>,
    _caller: Caller,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Places(run): Places<String>,
    Fields(wanted): Fields<EventsWanted>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let office = room.office()?;
    let busy = || Problem::new(Kind::TooMany, "so many follow runs that no more can").again_after_s(30);
    let seat = Arc::clone(&office.listeners).try_acquire_owned().map_err(|_| busy())?;
    let after = last_heard(&headers)?.or(wanted.after);
    let follower = office.book.follow(&run_id(&run)?, after).await.map_err(unshown(office))?;
    let listening = Listening { follower, room: room.clone(), left: Left::Frames, _waits: peer.waits(), _seat: seat };
    let ends = Box::pin(tokio::time::sleep(Duration::from_millis(STREAM_MS)));
    let frames = stream::unfold((listening, ends), async |(mut listening, mut ends)| {
        let event = tokio::select! {
            event = listening.next() => event?,
            () = &mut ends => return None,
        };
        Some((Ok::<_, Infallible>(event), (listening, ends)))
    });
    let alive = KeepAlive::new().interval(Duration::from_millis(HEARTBEAT_MS));
    // Proxies that collect an answer before they pass it on would hold every event back.
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), "no")];
    Ok((unbuffered, Sse::new(frames).keep_alive(alive)).into_response())
}

fn last_heard(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    if text.is_empty() {
        return Ok(None);
    }
    let bad = |_| Problem::new(Kind::BadRequest, "Last-Event-ID is not the number of an event");
    text.parse().map(Some).map_err(bad)
}

/// What is left to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Frames, as they come.
    Frames,
    /// That the run is over.
    Over,
    /// Nothing.
    Nothing,
}

/// One who listens.
struct Listening {
    follower: Follower,
    room: Room,
    left: Left,
    _waits: Waiting,
    _seat: OwnedSemaphorePermit,
}

impl Listening {
    async fn next(&mut self) -> Option<Event> {
        match self.left {
            Left::Frames => {}
            Left::Over => {
                self.left = Left::Nothing;
                return Some(Event::default().event("over").data("{}"));
            }
            Left::Nothing => return None,
        }
        let mut stopping = self.room.stopping.clone();
        let frame = tokio::select! {
            frame = self.follower.next() => frame?,
            _ = stopping.wait_for(|stop| *stop) => return None,
        };
        if frame.card.over {
            self.left = Left::Over;
        }
        let event = Event::default().id(frame.seq.to_string());
        // Nothing in a frame can fail to be written.
        event.event("record").json_data(&*frame).ok()
    }
}
