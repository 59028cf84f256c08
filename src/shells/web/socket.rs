//! One companion's socket: the hello, the frames, the heartbeats, the end.
//!
//! Must never: wait for a page that does not read, keep a socket on which nothing comes, or close one without a reason that
//! the page can tell from others.

use std::net::IpAddr;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use super::Room;
use super::admit::{Admission, admit, is_enrolled};
use super::listener::Peer;
use super::peers::address;
use crate::hands::companion::protocol::{self, FRAME_BYTES_MAX, FromPage, Hello, REFUSED_CODE, SUBPROTOCOL};
use crate::hands::companion::{Attached, PageId};
use crate::words::clock::{Clock, Moment};

/// How long a page may take to say hello, in ms.
const HELLO_MS: u64 = 10_000;
/// How long a page may take to read one frame, in ms.
const SEND_MS: u64 = 10_000;
/// How long a page may take to close its side, in ms.
const CLOSE_MS: u64 = 1_000;
/// A page that has not even answered a ping for so many heartbeats is gone; it goes by the same bound.
const SILENT_BEATS: f64 = 2.5;
/// Frames of one page between two heartbeats. A page reports at each change, and answers commands.
const FRAMES_PER_BEAT_MAX: u32 = 1_000;
/// What one socket may have read and not looked at, in bytes. The library's own default is 128 KiB, which is 1.2 GiB for
/// 10,000 pages.
const READ_BUFFER_BYTES: usize = 2 * 1024;
/// What one socket may have to write, in bytes: a token, and what waits before it.
const WRITE_BUFFER_BYTES_MAX: usize = 64 * 1024;

/// Codes beside those of the protocol (RFC 6455, section 7.4.1).
const GOING_AWAY: u16 = 1001;
const NOT_UNDERSTOOD: u16 = 1008;
const AGAIN_LATER: u16 = 1013;

pub(super) async fn open(
    State(room): State<Room>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let refuse = |status: StatusCode, why: &'static str| (status, format!("{why}\n")).into_response();
    if room.desk.companions.is_none() {
        return refuse(StatusCode::NOT_FOUND, "no companions are let in here: [web] has no allowed_origins");
    }
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    if !origin.is_some_and(|origin| room.desk.allows(origin)) {
        return refuse(StatusCode::FORBIDDEN, "this origin is not one of allowed_origins");
    }
    let from = address(peer.address, &headers);
    if !room.desk.peers.may_try(from) {
        return refuse(StatusCode::TOO_MANY_REQUESTS, "too many refused hellos");
    }
    let upgrade = upgrade.protocols([SUBPROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        return refuse(StatusCode::BAD_REQUEST, "the subprotocol softlanding.companion.v1 is missing");
    }
    upgrade
        .max_message_size(FRAME_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX)
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER_BYTES_MAX)
        .on_upgrade(move |socket| attend(room, peer, from, socket))
}

/// Why a socket ends.
enum End {
    /// The page has gone, or cannot be written to.
    Gone,
    /// We close it.
    Close(u16, &'static str),
}

async fn attend(mut room: Room, peer: Peer, from: IpAddr, mut socket: WebSocket) {
    let greeted = greet(&room, from, &mut socket).await;
    if greeted.is_ok() {
        peer.let_in();
    }
    let end = match greeted {
        Ok(attached) => serve(&mut room, attached, &mut socket).await,
        Err(end) => end,
    };
    if let End::Close(code, reason) = end {
        close(&mut socket, code, reason).await;
    }
}

/// From the first frame to the welcome.
async fn greet(room: &Room, from: IpAddr, socket: &mut WebSocket) -> Result<Attached, End> {
    let desk = &room.desk;
    let Some(companions) = &desk.companions else { return Err(End::Close(NOT_UNDERSTOOD, "no companions here")) };
    let Ok(_seat) = desk.hellos.try_acquire() else { return Err(End::Close(AGAIN_LATER, "too many pages at once")) };
    let hello = match timeout(Duration::from_millis(HELLO_MS), hello(socket)).await {
        Ok(Some(hello)) => hello,
        Ok(None) => return Err(End::Close(NOT_UNDERSTOOD, "the first frame must be a hello")),
        Err(_) => return Err(End::Close(NOT_UNDERSTOOD, "no hello in time")),
    };
    let agent = match admit(desk, &companions.keys, &hello).await {
        Admission::In(agent) => agent,
        Admission::Refused(why) => {
            desk.peers.refused(from);
            let enrol = desk.enrol_url();
            send(socket, protocol::refused(why, enrol.as_deref())).await?;
            return Err(End::Close(REFUSED_CODE, why));
        }
        Admission::Later(why) => return Err(End::Close(AGAIN_LATER, why)),
    };
    let full = |_| End::Close(AGAIN_LATER, "no room for another companion");
    let attached = companions.pages.attach(&agent, &PageId::new(&hello.page), hello.sdk).map_err(full)?;
    let key = companions.keys.make(&agent, Clock::System.now());
    let enrol = desk.enrol_url();
    // An agent whose grant is missing or dead is asked to sign in; the page works meanwhile.
    let enrol = if enrol.is_some() && !is_enrolled(desk, &agent).await { enrol } else { None };
    let welcome = protocol::welcome(agent.as_str(), &key, desk.settings.heartbeat_ms, enrol.as_deref());
    send(socket, welcome.expose().to_owned()).await?;
    Ok(attached)
}

async fn hello(socket: &mut WebSocket) -> Option<Hello> {
    loop {
        match socket.recv().await? {
            Ok(Message::Text(text)) => {
                return match protocol::read(&text, Clock::System.now()) {
                    FromPage::Hello(hello) => Some(hello),
                    FromPage::Report(_) | FromPage::Done { .. } | FromPage::Other => None,
                };
            }
            Ok(Message::Ping(_) | Message::Pong(_)) => {}
            Ok(Message::Binary(_) | Message::Close(_)) | Err(_) => return None,
        }
    }
}

/// From the welcome to the end.
async fn serve(room: &mut Room, mut attached: Attached, socket: &mut WebSocket) -> End {
    let beat_ms = room.desk.settings.heartbeat_ms.max(1);
    let silent_ms = (beat_ms as f64 * SILENT_BEATS) as i64;
    let mut beats = tokio::time::interval(Duration::from_millis(beat_ms.unsigned_abs()));
    beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // The first tick is at once.
    beats.tick().await;
    let clock = room.desk.client.clock();
    let (mut heard_at, mut frames) = (Moment::now(), 0_u32);
    loop {
        let outgoing = tokio::select! {
            Some(frame) = attached.frames.recv() => vec![Message::text(frame.expose().to_owned())],
            Ok(()) = attached.closing.changed() => return closed(&attached),
            heard = socket.recv() => {
                heard_at = Moment::now();
                match heard {
                    Some(Ok(Message::Text(text))) => {
                        frames += 1;
                        if frames > FRAMES_PER_BEAT_MAX {
                            return End::Close(NOT_UNDERSTOOD, "too many frames");
                        }
                        attached.page.heard(protocol::read(&text, clock.now()));
                        continue;
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                    Some(Ok(Message::Binary(_))) => return End::Close(NOT_UNDERSTOOD, "frames are text"),
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return End::Gone,
                }
            }
            _ = beats.tick() => {
                if heard_at.is_past(silent_ms, Moment::now()) {
                    return End::Gone;
                }
                frames = 0;
                // The page hears the one; its browser answers the other by itself, so that we hear of it.
                vec![Message::text(protocol::beat()), Message::Ping(axum::body::Bytes::new())]
            }
            _ = room.stopping.wait_for(|stop| *stop) => return End::Close(GOING_AWAY, "softlanding ends"),
        };
        for message in outgoing {
            let sent = tokio::select! {
                sent = timeout(Duration::from_millis(SEND_MS), socket.send(message)) => sent,
                Ok(()) = attached.closing.changed() => return closed(&attached),
            };
            if !matches!(sent, Ok(Ok(()))) {
                return End::Gone;
            }
        }
    }
}

fn closed(attached: &Attached) -> End {
    let why = *attached.closing.borrow();
    why.map_or(End::Gone, |why| {
        let (code, reason) = why.code();
        End::Close(code, reason)
    })
}

async fn send(socket: &mut WebSocket, text: String) -> Result<(), End> {
    match timeout(Duration::from_millis(SEND_MS), socket.send(Message::text(text))).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(End::Gone),
    }
}

/// Says why, and waits a moment for the other side, so that what it has sent meanwhile does not cut the words off.
async fn close(socket: &mut WebSocket, code: u16, reason: &'static str) {
    let parting = async {
        if socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    let _in_time = timeout(Duration::from_millis(CLOSE_MS), parting).await;
}
