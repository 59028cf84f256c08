//! A way from a program to a server over TCP: it can be cut, also at the very bytes that a test waits for, and it notes which
//! process sent something when.
//!
//! Must never: change a byte, or let one pass while it is cut.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use softlanding::words::clock::{Clock, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Whether bytes pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// They do.
    Open,
    /// Nothing passes and nobody is told; what is connected now hears nothing more, even once the way is open again.
    Silent,
    /// The same, but what was sent meanwhile arrives once the way is open again.
    Late,
    /// Connections are reset, new ones as well.
    Reset,
}

/// When the way cuts itself, around a question that holds certain bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The question does not arrive any more.
    Before,
    /// The question arrives, and its answer does not.
    Between,
    /// Right behind the answer.
    Behind,
}

/// Cuts the way by itself, once.
#[derive(Debug, Clone, Copy)]
struct Trap {
    bytes: &'static str,
    moment: Moment,
    then: State,
}

/// That something was sent towards the server.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The port that it came from.
    pub port: u16,
    /// When the way saw it, by the system's clock.
    pub at: Timestamp,
    /// Its first line; of a request, what is asked.
    pub line: String,
    /// Whether there is more than the head of a request: an order without its body is none.
    pub has_body: bool,
}

/// How a notification socket begins.
const LISTENING: &[u8] = b"GET /channels/";

impl Sent {
    fn now(port: u16, bytes: &[u8]) -> Sent {
        let text = String::from_utf8_lossy(bytes);
        let first = text.lines().next().unwrap_or_default();
        let is_request = first.contains(" HTTP/1.");
        let has_body = !is_request || text.split_once("\r\n\r\n").is_some_and(|(_, body)| !body.is_empty());
        // What is asked for in bulk has a long line; its beginning is enough to be shown.
        Sent { port, at: Clock::System.now(), line: first.chars().take(200).collect(), has_body }
    }
}

/// A process, and the ports from which it may have sent something since it was watched.
#[derive(Clone)]
pub struct Watched {
    pid: u32,
    /// The port of the way: another process may come to it from a port that this one uses towards somebody else.
    to: u16,
    ports: Arc<Mutex<BTreeSet<u16>>>,
}

impl Watched {
    /// Whether a port is one of its own.
    pub fn holds(&self, port: u16) -> bool {
        self.ports.lock().expect("a set").contains(&port)
    }
    /// Takes in the ports that it has at this moment.
    fn look(&self) {
        self.ports.lock().expect("a set").extend(ports_of(self.pid, self.to));
    }
}

/// A way that is open until it is cut. Clones are the same one.
#[derive(Clone)]
pub struct Way {
    /// Where it begins: a port of 127.0.0.1.
    pub port: u16,
    state: Arc<watch::Sender<State>>,
    trap: Arc<Mutex<Option<Trap>>>,
    watched: Arc<Mutex<Option<Watched>>>,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Way {
    /// A way to a port of 127.0.0.1, or of what `to` names.
    pub async fn to(to: SocketAddr) -> Way {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let way = Way {
            port: listener.local_addr().expect("an address").port(),
            state: Arc::new(watch::Sender::new(State::Open)),
            trap: Arc::default(),
            watched: Arc::default(),
            sent: Arc::default(),
        };
        let carried = way.clone();
        tokio::spawn(async move {
            while let Ok((near, peer)) = listener.accept().await {
                let way = carried.clone();
                tokio::spawn(async move { way.carry(near, peer, to).await });
            }
        });
        way
    }

    /// Cuts it, or opens it again.
    pub fn put(&self, state: State) {
        self.state.send_replace(state);
    }

    /// Cuts it at the first question that holds these bytes.
    pub fn set_trap(&self, bytes: &'static str, moment: Moment, then: State) {
        *self.trap.lock().expect("a trap") = Some(Trap { bytes, moment, then });
    }

    /// Waits until it is cut.
    pub async fn is_cut(&self) {
        self.state.subscribe().wait_for(|state| *state != State::Open).await.expect("a way");
    }

    /// From now on every connection of this process is known as its own; one process at a time. That takes a while for each
    /// new connection, so it is ended with [`Way::watch_nobody`].
    pub fn watch(&self, pid: u32) -> Watched {
        let watched = Watched { pid, to: self.port, ports: Arc::default() };
        *self.watched.lock().expect("a process") = Some(watched.clone());
        watched.look();
        watched
    }

    /// New connections are nobody's any more.
    pub fn watch_nobody(&self) {
        *self.watched.lock().expect("a process") = None;
    }

    /// Everything that was sent so far.
    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().expect("a list").clone()
    }

    async fn carry(&self, mut near: TcpStream, peer: SocketAddr, to: SocketAddr) {
        let mut state = self.state.subscribe();
        let watched = self.watched.lock().expect("a process").clone();
        if let Some(watched) = watched {
            // The client waits meanwhile, so the connection is still its own.
            tokio::task::spawn_blocking(move || watched.look()).await.expect("a look");
        }
        if passes(&mut state).await
            && let Ok(mut far) = TcpStream::connect(to).await
        {
            far.set_nodelay(true).expect("a socket");
            near.set_nodelay(true).expect("a socket");
            if self.pump(&mut near, &mut far, &mut state, peer.port()).await == Ended::InOrder {
                return;
            }
        }
        // Refused, or reset in the middle: the client is told at once.
        let _gone_already = near.set_zero_linger();
    }

    async fn pump(
        &self,
        near: &mut TcpStream,
        far: &mut TcpStream,
        state: &mut watch::Receiver<State>,
        port: u16,
    ) -> Ended {
        let (mut from_near, mut from_far) = (vec![0; 1 << 16], vec![0; 1 << 16]);
        let mut sprung: Option<Trap> = None;
        let mut tail = Vec::new();
        let mut listens = false;
        loop {
            tokio::select! {
                read = near.read(&mut from_near) => {
                    let Some(bytes) = got(read, &from_near) else { return Ended::InOrder };
                    // A notification socket asks for nothing: it is opened, and what follows are signs of life.
                    listens |= bytes.starts_with(LISTENING);
                    if !listens {
                        self.sent.lock().expect("a list").push(Sent::now(port, bytes));
                    }
                    if let Some(trap) = self.springs(&mut tail, bytes) {
                        match trap.moment {
                            Moment::Before => self.put(trap.then),
                            Moment::Between | Moment::Behind => sprung = Some(trap),
                        }
                    }
                    if !passes(state).await {
                        return Ended::Reset;
                    }
                    if far.write_all(bytes).await.is_err() {
                        return Ended::InOrder;
                    }
                }
                read = far.read(&mut from_far) => {
                    let Some(bytes) = got(read, &from_far) else { return Ended::InOrder };
                    let trap = sprung.take();
                    if let Some(trap) = trap.filter(|trap| trap.moment == Moment::Between) {
                        self.put(trap.then);
                    }
                    if !passes(state).await {
                        return Ended::Reset;
                    }
                    if near.write_all(bytes).await.is_err() {
                        return Ended::InOrder;
                    }
                    if let Some(trap) = trap.filter(|trap| trap.moment == Moment::Behind) {
                        self.put(trap.then);
                    }
                }
                passes = cut(state) => if !passes {
                    return Ended::Reset;
                },
            }
        }
    }

    /// Whether these bytes, with those before them, spring the trap.
    fn springs(&self, tail: &mut Vec<u8>, bytes: &[u8]) -> Option<Trap> {
        let mut armed = self.trap.lock().expect("a trap");
        let wanted = armed.as_ref()?.bytes.as_bytes();
        tail.extend_from_slice(bytes);
        if tail.windows(wanted.len()).any(|window| window == wanted) {
            return armed.take();
        }
        tail.drain(..tail.len().saturating_sub(wanted.len()));
        None
    }
}

/// How carrying a connection ended.
#[derive(PartialEq, Eq)]
enum Ended {
    InOrder,
    Reset,
}

/// Waits until bytes may pass; false when the connection is to be reset.
async fn passes(state: &mut watch::Receiver<State>) -> bool {
    loop {
        let now = *state.borrow_and_update();
        match now {
            State::Open => return true,
            State::Reset => return false,
            State::Silent => {}
            State::Late => {
                state.changed().await.expect("a way");
                continue;
            }
        }
        std::future::pending::<()>().await;
    }
}

/// Completes when the way is cut and, if it is to be so, open again.
async fn cut(state: &mut watch::Receiver<State>) -> bool {
    state.changed().await.expect("a way");
    passes(state).await
}

fn got(read: std::io::Result<usize>, buffer: &[u8]) -> Option<&[u8]> {
    read.ok().filter(|length| *length > 0).map(|length| &buffer[..length])
}

/// The ports of this machine from which a process is connected to `to` (proc(5), net/tcp: field 2 is the local address, 3 the
/// remote one, 10 the inode).
fn ports_of(pid: u32, to: u16) -> BTreeSet<u16> {
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let links = files.filter_map(|file| std::fs::read_link(file.path()).ok());
    let inode = |link: &str| link.strip_prefix("socket:[")?.strip_suffix(']').map(str::to_owned);
    let inodes: BTreeSet<String> = links.filter_map(|link| inode(&link.to_string_lossy())).collect();
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let port = |address: &str| u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok();
    let theirs = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (from, far) = (port(fields.get(1)?)?, port(fields.get(2)?)?);
        (far == to && inodes.contains(*fields.get(9)?)).then_some(from)
    };
    table.lines().filter_map(theirs).collect()
}
