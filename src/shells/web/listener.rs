//! Connections, counted and bounded: no more at a time than there may be, and none that is silent for ever.
//!
//! Must never: hold a connection that nobody speaks on, or forget to count one down.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;

/// A connection on which nothing has come for this long is over, in ms.
const SILENT_MS: u64 = 20_000;
/// The same for that of a companion that has been let in. Its answers to pings come more often: the longest heartbeat is
/// 120 s.
const SILENT_COMPANION_MS: u64 = 330_000;

/// Where a connection comes from, and whether it is a companion's.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(super) address: SocketAddr,
    let_in: Arc<AtomicBool>,
}

impl Peer {
    /// It is a companion's from now on.
    pub(super) fn let_in(&self) {
        self.let_in.store(true, Ordering::Relaxed);
    }
}

impl Connected<IncomingStream<'_, Bounded>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Bounded>) -> Peer {
        Peer { address: *stream.remote_addr(), let_in: Arc::clone(&stream.io().let_in) }
    }
}

/// A listener that takes no connection while there are as many as there may be; the system's queue waits meanwhile.
pub(crate) struct Bounded {
    listener: TcpListener,
    seats: Arc<Semaphore>,
}

impl Bounded {
    pub(crate) fn new(listener: TcpListener, connections_max: usize) -> Bounded {
        Bounded { listener, seats: Arc::new(Semaphore::new(connections_max.min(Semaphore::MAX_PERMITS))) }
    }
}

impl Listener for Bounded {
    type Io = Counted;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Counted, SocketAddr) {
        // The semaphore is never closed, so this waits for a seat and nothing else.
        let seat = Arc::clone(&self.seats).acquire_owned().await.ok();
        let (stream, peer) = Listener::accept(&mut self.listener).await;
        // Frames are small and wait for nothing.
        let _unset = stream.set_nodelay(true);
        let silent = Box::pin(tokio::time::sleep(Duration::from_millis(SILENT_MS)));
        (Counted { stream, silent, rearmed: false, let_in: Arc::default(), _seat: seat }, peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that has a seat, and ends when it is silent for too long.
pub(crate) struct Counted {
    stream: TcpStream,
    silent: Pin<Box<Sleep>>,
    /// Something came since the timer was set; it is set anew when it runs out, and not for every byte.
    rearmed: bool,
    let_in: Arc<AtomicBool>,
    _seat: Option<OwnedSemaphorePermit>,
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buf);
        if read.is_ready() {
            self.rearmed = true;
            return read;
        }
        while self.silent.as_mut().poll(context).is_ready() {
            if !std::mem::take(&mut self.rearmed) {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            let ms = if self.let_in.load(Ordering::Relaxed) { SILENT_COMPANION_MS } else { SILENT_MS };
            self.silent = Box::pin(tokio::time::sleep(Duration::from_millis(ms)));
        }
        Poll::Pending
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
