//! The companions of a rehearsal: for each simulated page a real socket to a real web room, so that the whole way of a token is
//! played at the size of the cohort.
//!
//! A companion here does what the module in a real page does, to the twin's model of a softphone. Must never: know more than
//! its page, or carry anything past the socket.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::play::RehearseError;
use crate::hands::companion::protocol::SUBPROTOCOL;
use crate::hands::companion::{Pages, PagesSettings};
use crate::hands::genesys::Client;
use crate::hands::vault::Vault;
use crate::shells::web::{Desk, Settings, Web};
use crate::twin::{PageDone, PageSocket, PageTruth, Twin};
use crate::words::clock::Clock;
use crate::words::id::AgentId;
use crate::words::secret::Secret;

/// Where the simulated pages say that they come from.
const ORIGIN: &str = "http://127.0.0.1";
/// Pages are opened, closed and looked at so often, in ms of real time.
const LOOK_MS: u64 = 100;
/// A companion that could not connect tries again after this, in ms of real time.
const AGAIN_MS: u64 = 500;
/// More than any cohort that is rehearsed.
const COMPANIONS_MAX: usize = 12_000;

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// A web room with the companions of a rehearsal in it; both end with it.
pub struct Companions {
    /// The hub that they are attached to.
    pub pages: Pages,
    tasks: JoinSet<()>,
}

impl Drop for Companions {
    fn drop(&mut self) {
        self.tasks.abort_all();
    }
}

/// The agents' people, as the companions reach them.
#[derive(Clone)]
struct Floor {
    twin: Arc<Mutex<Twin>>,
    clock: Clock,
}

impl Companions {
    /// Opens a room for the pages of `twin`; they come as their agents log in.
    ///
    /// # Errors
    /// [`RehearseError`] when nobody can listen on 127.0.0.1, or the key is none.
    pub async fn open(
        twin: Arc<Mutex<Twin>>,
        client: &Client,
        vault: &Arc<Vault>,
        vault_key: &Secret,
    ) -> Result<Companions, RehearseError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let at = listener.local_addr()?;
        let settings = Settings {
            listen: at,
            public_url: format!("http://{at}"),
            allowed_origins: vec![ORIGIN.to_owned()],
            companions_max: COMPANIONS_MAX,
            heartbeat_ms: 30_000,
            pkce: true,
        };
        let clock = client.clock();
        let pages = Pages::new(clock, PagesSettings { companions_max: COMPANIONS_MAX, ..PagesSettings::default() });
        // Who comes and goes is told by the run; of a rehearsal nobody keeps a log.
        let tell = Arc::new(|_| {});
        let desk = Desk::new(settings, pages.clone(), client.clone(), Some(Arc::clone(vault)), vault_key, tell)?;
        let web = Web::on(listener, desk);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let (_open, stopping) = watch::channel(false);
            // It ends with the rehearsal; pages without a room are what they are without one.
            let _ended = web.serve(stopping).await;
        });
        tasks.spawn(people(Floor { twin, clock }, at));
        Ok(Companions { pages, tasks })
    }
}

/// Opens a companion for each page that is there, and closes it with the page; tells each what has changed in it.
async fn people(floor: Floor, at: SocketAddr) {
    let mut companions: BTreeMap<AgentId, (watch::Sender<PageTruth>, AbortHandle)> = BTreeMap::new();
    let mut tasks = JoinSet::new();
    loop {
        let pages = floor.all();
        companions.retain(|agent, (_, task)| {
            let stays = pages.contains_key(agent);
            if !stays {
                task.abort();
            }
            stays
        });
        for (agent, truth) in pages {
            match companions.get(&agent) {
                Some((changed, _)) => {
                    changed.send_if_modified(|known| std::mem::replace(known, truth) != truth);
                }
                None => {
                    let (tell, told) = watch::channel(truth);
                    let task = tasks.spawn(companion(floor.clone(), at, agent.clone(), told));
                    companions.insert(agent, (tell, task));
                }
            }
        }
        // Those that have ended are only forgotten.
        while tasks.try_join_next().is_some() {}
        tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
    }
}

impl Floor {
    fn with<T>(&self, act: impl FnOnce(&mut Twin, crate::words::clock::Timestamp) -> T) -> T {
        let mut twin = self.twin.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut twin, self.clock.now())
    }
    fn all(&self) -> BTreeMap<AgentId, PageTruth> {
        self.with(|twin, now| {
            let agents = twin.pages(now);
            agents.into_iter().filter_map(|agent| Some((agent.clone(), twin.page(now, &agent)?))).collect()
        })
    }
}

/// One page's companion, connected for as long as the page is open.
async fn companion(floor: Floor, at: SocketAddr, agent: AgentId, mut told: watch::Receiver<PageTruth>) {
    let mut key: Option<String> = None;
    loop {
        let Some(hello) = hello(&floor, &agent, key.as_deref()) else { return };
        if let Some(mut socket) = connect(at, hello).await {
            attend(&floor, &agent, &mut socket, &mut told, &mut key).await;
        }
        tokio::time::sleep(Duration::from_millis(AGAIN_MS)).await;
    }
}

fn hello(floor: &Floor, agent: &AgentId, key: Option<&str>) -> Option<String> {
    let page = format!("rehearsed-{agent}");
    let hello = match key {
        Some(key) => json!({ "type": "hello", "page": page, "key": key }),
        None => {
            let token = floor.with(|twin, now| twin.page_token(now, agent))?;
            json!({ "type": "hello", "page": page, "token": token.expose() })
        }
    };
    Some(hello.to_string())
}

async fn connect(at: SocketAddr, hello: String) -> Option<Socket> {
    let mut request = format!("ws://{at}/companion/v1/socket").into_client_request().ok()?;
    let headers = request.headers_mut();
    headers.insert("sec-websocket-protocol", HeaderValue::from_static(SUBPROTOCOL));
    headers.insert("origin", HeaderValue::from_static(ORIGIN));
    let (mut socket, _) = connect_async(request).await.ok()?;
    socket.send(Message::text(hello)).await.ok()?;
    Some(socket)
}

/// Until the socket ends.
async fn attend(
    floor: &Floor,
    agent: &AgentId,
    socket: &mut Socket,
    told: &mut watch::Receiver<PageTruth>,
    key: &mut Option<String>,
) {
    let mut welcome = false;
    loop {
        let frames = tokio::select! {
            message = socket.next() => {
                let Some(Ok(message)) = message else { return };
                let Message::Text(text) = message else { continue };
                let Ok(frame) = serde_json::from_str::<Value>(&text) else { continue };
                match frame["type"].as_str() {
                    Some("welcome") => {
                        *key = frame["key"].as_str().map(str::to_owned);
                        welcome = true;
                        report(floor, agent)
                    }
                    Some("command") => command(floor, agent, &frame),
                    Some("refused") => {
                        *key = None;
                        return;
                    }
                    Some(_) | None => Vec::new(),
                }
            }
            changed = told.changed() => match changed {
                Ok(()) if welcome => report(floor, agent),
                Ok(()) => Vec::new(),
                Err(_) => return,
            },
        };
        for frame in frames {
            if socket.send(Message::text(frame)).await.is_err() {
                return;
            }
        }
    }
}

fn report(floor: &Floor, agent: &AgentId) -> Vec<String> {
    floor.with(|twin, now| twin.page(now, agent)).map(report_of).into_iter().collect()
}

/// As the module in a real page reports (SOFTPHONE.md section 7).
fn report_of(page: PageTruth) -> String {
    let (connected, state) = match page.socket {
        PageSocket::Up => (true, "up"),
        PageSocket::Retrying => (false, "retrying"),
        PageSocket::GivenUp => (false, "given_up"),
    };
    let http = if page.token_good { 200 } else { 401 };
    let ready = connected && page.station && page.token_good;
    json!({
        "type": "report", "connected": connected, "station": page.station, "ice": true, "microphone": true,
        "http": http, "call": page.call, "state": state, "ready": ready,
    })
    .to_string()
}

/// What was told is done, and then said, after a report of what came of it.
fn command(floor: &Floor, agent: &AgentId, frame: &Value) -> Vec<String> {
    let Some(id) = frame["id"].as_str() else { return Vec::new() };
    let token = frame["token"].as_str().map(|token| Secret::new(token.to_owned()));
    let done = floor.with(|twin, now| match (frame["do"].as_str(), &token) {
        (Some("token" | "renew"), Some(token)) => twin.page_takes(now, agent, token),
        (Some("revive"), token) => twin.page_revives(now, agent, token.as_ref()),
        (Some("report" | "notify"), _) => Some(PageDone::Done),
        (Some(_) | None, _) => Some(PageDone::Refused),
    });
    let (result, why) = match done {
        Some(PageDone::Done) => ("done", None),
        Some(PageDone::Deferred) => ("deferred", None),
        Some(PageDone::Refused) | None => ("failed", Some("the softphone was refused")),
    };
    let mut frames = report(floor, agent);
    frames.push(json!({ "type": "done", "id": id, "result": result, "why": why }).to_string());
    frames
}
