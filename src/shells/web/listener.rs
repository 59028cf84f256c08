//! Connections, counted and bounded: no more at a time than there may be, and none that is silent for ever.
//!
//! Must never: hold a connection that nobody speaks on, or forget to count one down.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
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

/// Where a connection comes from, whether it is a companion's, and whether it waits for us.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(super) address: SocketAddr,
    patience: Arc<Patience>,
}

/// For how long a connection may be silent.
#[derive(Debug, Default)]
struct Patience {
    let_in: AtomicBool,
    waiting: AtomicUsize,
}

/// While this lives, the connection's peer waits for an answer of ours, or hears one that does not end; it may be silent.
#[derive(Debug)]
pub(super) struct Waiting(Arc<Patience>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Peer {
    /// It is a companion's from now on.
    pub(super) fn let_in(&self) {
        self.patience.let_in.store(true, Ordering::Relaxed);
    }
    /// It waits from now on.
    pub(super) fn waits(&self) -> Waiting {
        self.patience.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(Arc::clone(&self.patience))
    }
}

impl Connected<IncomingStream<'_, Bounded>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Bounded>) -> Peer {
        Peer { address: *stream.remote_addr(), patience: Arc::clone(&stream.io().patience) }
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
        (Counted { stream, silent, rearmed: false, patience: Arc::default(), _seat: seat }, peer)
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
    patience: Arc<Patience>,
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
            let waits = self.patience.waiting.load(Ordering::Relaxed) > 0;
            if !std::mem::take(&mut self.rearmed) && !waits {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            let ms = if self.patience.let_in.load(Ordering::Relaxed) { SILENT_COMPANION_MS } else { SILENT_MS };
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
