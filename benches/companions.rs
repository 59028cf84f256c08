//! 10,000 companions on one process: how long they take to come, how long a token takes to all of them, and what they cost.
//!
//!     cargo bench --bench companions
//!
//! The pages are sockets of a second process, since both ends of 10,000 connections are more files than one may have.

use std::io::{BufRead, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt, future::join_all};
use serde_json::{Value, json};
use softlanding::hands::companion::{Errand, PageKeys, Pages, PagesSettings, Told};
use softlanding::hands::genesys::{Client, Hosts, Org, OrgSettings, Wire};
use softlanding::hands::vault::new_key;
use softlanding::shells::web::{Desk, Settings, Web, org_name};
use softlanding::words::clock::Clock;
use softlanding::words::id::AgentId;
use softlanding::words::secret::Secret;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

const ORIGIN: &str = "https://desktop.example";
/// How many, unless SOFTLANDING_BENCH_PAGES says otherwise.
const PAGES: usize = 10_000;
/// Pages that connect at the same time, as after a restart of the server.
const AT_ONCE: usize = 256;

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    match std::env::var("SOFTLANDING_BENCH_URL") {
        Ok(url) => runtime.block_on(pages(&url)),
        Err(_) => runtime.block_on(server()),
    }
}

fn count() -> usize {
    std::env::var("SOFTLANDING_BENCH_PAGES").ok().and_then(|n| n.parse().ok()).unwrap_or(PAGES)
}

fn agent(n: usize) -> AgentId {
    AgentId::new(&format!("00000000-0000-4000-8000-{n:012}")).expect("an id")
}

async fn server() {
    let count = count();
    let nobody = Hosts::given("http://127.0.0.1:9", "http://127.0.0.1:9").expect("a host");
    let org = Org::new(OrgSettings::new(nobody, "publisher", Secret::new("secret".to_owned())));
    let client = Client::new(org, Wire::new(Clock::System).expect("a wire"), Clock::System);
    let key = new_key().expect("a key");
    let keys = PageKeys::new(&org_name(&client), &key).expect("a key");
    let hub = Pages::new(Clock::System, PagesSettings { companions_max: count, answer_ms: 60_000 });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let listen = listener.local_addr().expect("an address");
    let settings = Settings {
        listen,
        public_url: format!("http://{listen}"),
        allowed_origins: vec![ORIGIN.to_owned()],
        companions_max: count,
        heartbeat_ms: 30_000,
        pkce: true,
    };
    let desk = Desk::new(settings, hub.clone(), client, None, &key, Arc::new(|_| {})).expect("a desk");
    let (_stop, stopping) = watch::channel(false);
    tokio::spawn(Web::on(listener, desk).serve(stopping));

    let (bare_kib, began) = (resident_kib(), Clock::System.now());
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .env("SOFTLANDING_BENCH_URL", format!("ws://{listen}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a second process");
    let mut input = child.stdin.take().expect("a pipe");
    for n in 0..count {
        writeln!(input, "{}", keys.make(&agent(n), Clock::System.now()).expose()).expect("written");
    }
    let said = child.stdout.take().expect("a pipe");
    let all_in = tokio::task::spawn_blocking(move || std::io::BufReader::new(said).lines().next());
    all_in.await.expect("a thread").expect("a line").expect("text");
    println!("{} companions in after {} ms", hub.connected(), Clock::System.now().since_ms(began));
    let each = (resident_kib() - bare_kib) as f64 / count as f64;
    println!("  resident: {each:.1} KiB each, {} MiB in all", resident_kib() / 1024);

    let agents: Vec<AgentId> = (0..count).map(agent).collect();
    for round in 1..=3 {
        let token = Errand::Token(Secret::new(format!("{}-{round}", "t".repeat(86))));
        let began = Clock::System.now();
        let told = join_all(agents.iter().map(|agent| hub.command(agent, token.clone()))).await;
        let took = Clock::System.now().since_ms(began);
        let done = told.iter().filter(|told| **told == Told::Done).count();
        println!(
            "token push {round}: {done} of {count} have taken it over and said so after {took} ms; promised: 2000 ms"
        );
    }
    let began = Clock::System.now();
    let ready = agents.iter().filter(|agent| hub.seen(agent).is_some_and(|seen| seen.ready)).count();
    println!("a look at all of them: {ready} ready, after {} ms", Clock::System.now().since_ms(began));
    drop(input);
    child.wait().expect("it ends");
}

/// The other process: a page for each key that it is given, each answering at once.
async fn pages(url: &str) {
    let keys: Vec<String> = tokio::task::spawn_blocking(|| {
        std::io::stdin().lines().take(count()).map(|line| line.expect("a key")).collect()
    })
    .await
    .expect("a thread");
    let seats = Arc::new(Semaphore::new(AT_ONCE));
    let coming = keys.into_iter().map(|key| {
        let (seats, url) = (Arc::clone(&seats), url.to_owned());
        tokio::spawn(async move {
            let _seat = seats.acquire_owned().await.expect("a seat");
            page(&url, &key).await;
        })
    });
    for came in join_all(coming).await {
        came.expect("a page");
    }
    println!("all in");
    // Until the other process has seen enough.
    tokio::task::spawn_blocking(|| std::io::stdin().lines().next()).await.expect("a thread");
}

async fn page(url: &str, key: &str) {
    let mut request = format!("{url}/companion/v1/socket").into_client_request().expect("a url");
    request.headers_mut().insert("origin", ORIGIN.parse().expect("an origin"));
    request.headers_mut().insert("sec-websocket-protocol", "softlanding.companion.v1".parse().expect("a name"));
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.expect("a socket");
    let say = |frame: Value| Message::text(frame.to_string());
    socket.send(say(json!({ "type": "hello", "page": "p", "key": key, "sdk": "9.2.4" }))).await.expect("sent");
    let welcome = socket.next().await.expect("a frame").expect("a welcome");
    assert!(welcome.to_text().is_ok_and(|text| text.contains("welcome")), "{welcome:?}");
    let report = json!({ "type": "report", "connected": true, "station": true, "ice": true, "microphone": true,
        "http": 200, "call": false, "state": "up", "ready": true });
    socket.send(say(report.clone())).await.expect("sent");
    tokio::spawn(async move {
        while let Some(Ok(message)) = socket.next().await {
            let Message::Text(text) = message else { continue };
            let frame: Value = serde_json::from_str(&text).expect("JSON");
            if frame["type"] == "command" {
                // As the companion does: the report goes before the answer.
                let done = json!({ "type": "done", "id": frame["id"], "result": "done" });
                if socket.send(say(report.clone())).await.is_err() || socket.send(say(done)).await.is_err() {
                    break;
                }
            }
        }
    });
}

/// What of this process is in memory, in KiB.
fn resident_kib() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}
