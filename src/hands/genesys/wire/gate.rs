//! The body of a request behind a gate: it is given to the connection only while a permit holds. Between the decision to
//! send and the bytes on the wire lie a queue and perhaps a handshake, and a process can be paused there; a request whose
//! body never left is no request. What acts and has no body of its own (a DELETE, the PUT that gives an agent a station) gets
//! an empty one whose length is not told beforehand: the connection must ask for its end, and that is behind the gate.
//!
//! Must never: give out a part of a body.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::words::permit::Permit;

/// What is said of a request that may not leave.
pub(super) const REFUSED: &str = "this process may not act for the run any more";

/// A body that is asked for its bytes once.
pub(super) struct Gated {
    left: Left,
    permit: Permit,
    refused: Arc<AtomicBool>,
}

/// What the connection has still to ask for.
enum Left {
    Bytes(Bytes),
    /// Only that there are none: chunked and empty on HTTP/1.1, an empty last frame on HTTP/2.
    Emptiness,
    Nothing,
}

/// Whether a gate was closed when the body was asked for.
pub(super) struct Gate(Arc<AtomicBool>);

impl Gated {
    /// `acts` is whether the request does something even without bytes.
    pub(super) fn new(bytes: Vec<u8>, acts: bool, permit: &Permit) -> (Gated, Gate) {
        let refused = Arc::new(AtomicBool::new(false));
        let left = match (bytes.is_empty(), acts) {
            (false, _) => Left::Bytes(Bytes::from(bytes)),
            (true, true) => Left::Emptiness,
            (true, false) => Left::Nothing,
        };
        (Gated { left, permit: permit.clone(), refused: Arc::clone(&refused) }, Gate(refused))
    }
}

impl Gate {
    pub(super) fn was_closed(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Body for Gated {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let left = std::mem::replace(&mut self.left, Left::Nothing);
        if matches!(left, Left::Nothing) {
            return Poll::Ready(None);
        }
        if !self.permit.holds() {
            self.refused.store(true, Ordering::SeqCst);
            return Poll::Ready(Some(Err(std::io::Error::other(REFUSED))));
        }
        match left {
            Left::Bytes(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Left::Emptiness | Left::Nothing => Poll::Ready(None),
        }
    }
    fn is_end_stream(&self) -> bool {
        matches!(self.left, Left::Nothing)
    }
    fn size_hint(&self) -> SizeHint {
        // A request that says how long it is need not be asked for a body that is empty.
        match &self.left {
            Left::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Left::Emptiness => SizeHint::default(),
            Left::Nothing => SizeHint::with_exact(0),
        }
    }
}
