//! The body of a request behind a gate: it is given to the connection only while a permit holds. Between the decision to
//! send and the bytes on the wire lie a queue and perhaps a handshake, and a process can be paused there; a request whose
//! body never left is no request.
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
    bytes: Option<Bytes>,
    permit: Permit,
    refused: Arc<AtomicBool>,
}

/// Whether a gate was closed when the bytes were asked for.
pub(super) struct Gate(Arc<AtomicBool>);

impl Gated {
    pub(super) fn new(bytes: Vec<u8>, permit: &Permit) -> (Gated, Gate) {
        let refused = Arc::new(AtomicBool::new(false));
        let bytes = Some(Bytes::from(bytes)).filter(|bytes| !bytes.is_empty());
        (Gated { bytes, permit: permit.clone(), refused: Arc::clone(&refused) }, Gate(refused))
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
        let Some(bytes) = self.bytes.take() else { return Poll::Ready(None) };
        if self.permit.holds() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        self.refused.store(true, Ordering::SeqCst);
        Poll::Ready(Some(Err(std::io::Error::other(REFUSED))))
    }
    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }
    fn size_hint(&self) -> SizeHint {
        // A request says how long it is before its body is asked for.
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
