//! A real softphone's story over real sockets: the sequence of the vendor's SDK (SOFTPHONE.md sections 2 to 5), played by a
//! WebSocket client against a served twin. To repeat: `./tests/run --test stream`.

use std::net::SocketAddr;

use base64::Engine;
use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use softlanding::twin::serve::{Options, Served};
use softlanding::twin::{PUBLISHER_CLIENT_ID, PUBLISHER_CLIENT_SECRET, Scenario, Twin};
use softlanding::words::clock::{Clock, Seed};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

const OPEN: &str = r#"<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" version="1.0" to="northfield.orgspan.com"/>"#;
const ORIGIN: &str = "http://127.0.0.1:9";

struct Org {
    at: SocketAddr,
    http: reqwest::Client,
    stop: oneshot::Sender<()>,
    done: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Org {
    async fn open(scenario: Scenario) -> Org {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let twin = Twin::new(scenario, Seed(7), Clock::System.now() + 60_000, &format!("http://{at}"));
        let (stop, stopped) = oneshot::channel();
        let served = Served::new(twin, Clock::System, Options::default());
        let done = tokio::spawn(served.run(listener, async move { stopped.await.unwrap_or_default() }));
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Org { at, http, stop, done }
    }
    async fn send(&self, method: Method, path: &str, token: Option<&str>, body: Option<Value>) -> (u16, Value) {
        let mut request = self.http.request(method, format!("http://{}{path}", self.at)).header("origin", ORIGIN);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        assert!(answer.headers().contains_key("access-control-allow-origin"), "{path}: a page could not read this");
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }
    async fn poke(&self, what: &str, body: Value) -> Value {
        let (status, told) = self.send(Method::POST, &format!("/twin/{what}"), None, Some(body)).await;
        assert_eq!(status, 200, "{what}: {told}");
        told
    }
    async fn agent(&self, i: usize) -> String {
        let (_, truth) = self.send(Method::GET, "/twin/truth", None, None).await;
        truth["agents"][i]["id"].as_str().unwrap().to_owned()
    }
    /// What is told of an agent's real softphone.
    async fn softphone(&self, agent: &str) -> Value {
        let (_, told) = self.send(Method::GET, "/twin/softphones", None, None).await;
        told.as_array().unwrap().iter().find(|s| s["agent"] == agent).cloned().unwrap_or_default()
    }
    async fn log(&self, agent: &str) -> Vec<String> {
        let told = self.softphone(agent).await;
        let line = |n: &Value| format!("{} {}", n["what"].as_str().unwrap(), n["told"].as_str().unwrap());
        told["log"].as_array().unwrap().iter().map(line).collect()
    }
    async fn close(self) {
        drop(self.http);
        self.stop.send(()).unwrap();
        self.done.await.unwrap().unwrap();
    }
}

/// A page with the vendor's SDK, as far as the server can tell.
struct Page {
    agent: String,
    jid: String,
    token: String,
    channel: String,
    socket: Option<Socket>,
    asked: u32,
}

/// How an attempt to connect ended.
#[derive(Debug, PartialEq, Eq)]
enum Tried {
    Connected,
    /// The login was refused, with this condition somewhere in it.
    Refused(String),
    /// The handshake was answered with a status.
    Handshake(u16),
}

impl Page {
    async fn new(org: &Org, i: usize) -> Page {
        let agent = org.agent(i).await;
        let told = org.poke("login", json!({ "agent": agent })).await;
        let text = |name: &str| told[name].as_str().unwrap().to_owned();
        Page { jid: text("jid"), token: text("access_token"), agent, channel: String::new(), socket: None, asked: 0 }
    }
    async fn ask(&self, org: &Org, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        org.send(method, &format!("/api/v2{path}"), Some(&self.token), body).await
    }
    /// The rows of SOFTPHONE.md section 2, in their order.
    async fn initialise(&mut self, org: &Org) {
        let (status, org_read) = self.ask(org, Method::GET, "/organizations/me", None).await;
        assert!(status == 200 && org_read["id"].is_string());
        let (_, me) = self.ask(org, Method::GET, "/users/me?expand=station", None).await;
        assert_eq!((&me["id"], &me["chat"]["jabberId"]), (&json!(self.agent), &json!(self.jid)));
        let station = me["station"]["effectiveStation"]["id"].as_str().unwrap().to_owned();
        assert_eq!(self.open_channel(org).await, 200);
        assert_eq!(self.connect(org).await, Tried::Connected);
        for kind in ["turn", "stun"] {
            let services = format!(r#"<services xmlns="urn:xmpp:extdisco:1" type="{kind}"/>"#);
            let told = self.iq("get", "northfield.orgspan.com", &services).await;
            assert!(told.contains("<service ") && told.contains("host="), "{told}");
        }
        let topic = format!("v2.users.{}.conversations", self.agent);
        let subscribe = format!(
            r#"<pubsub xmlns="http://jabber.org/protocol/pubsub"><subscribe node="{topic}" jid="{}"/></pubsub>"#,
            self.jid
        );
        assert!(self.iq("set", "notifications.h", &subscribe).await.contains("<pubsub"));
        let (_, station) = self.ask(org, Method::GET, &format!("/stations/{station}"), None).await;
        assert_eq!(station["type"], "inin_webrtc_softphone");
        for name in ["webRtcPersistentEnabled", "webRtcCallAppearances", "webRtcForceTurn", "userId"] {
            assert!(!station[name].is_null(), "{name}");
        }
        let topics = json!([{ "id": format!("v2.users.{}?conversations&station", self.agent) }]);
        let path = format!("/notifications/channels/{}/subscriptions", self.channel);
        assert_eq!(self.ask(org, Method::PUT, &path, Some(topics)).await.0, 200);
    }
    async fn open_channel(&mut self, org: &Org) -> u16 {
        let (status, channel) =
            self.ask(org, Method::POST, "/notifications/channels?connectionType=streaming", None).await;
        if let Some(id) = channel["id"].as_str().filter(|_| status == 200) {
            id.clone_into(&mut self.channel);
        }
        status
    }
    async fn connect(&mut self, org: &Org) -> Tried {
        let mut request = format!("ws://{}/stream/channels/{}", org.at, self.channel).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "xmpp".parse().unwrap());
        let socket = match tokio_tungstenite::connect_async(request).await {
            Ok((socket, answer)) => {
                assert_eq!(answer.headers()["sec-websocket-protocol"], "xmpp");
                socket
            }
            Err(tungstenite::Error::Http(answer)) => return Tried::Handshake(answer.status().as_u16()),
            Err(other) => panic!("{other}"),
        };
        self.socket = Some(socket);
        self.say(OPEN).await;
        assert!(self.next().await.unwrap().starts_with("<open"));
        assert!(self.next().await.unwrap().contains("PLAIN"));
        let words = format!("\0{}\0authKey:{}", self.jid, self.token);
        let words = base64::engine::general_purpose::STANDARD.encode(words);
        self.say(&format!(r#"<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">{words}</auth>"#)).await;
        let answer = self.next().await.unwrap();
        if answer.starts_with("<failure") {
            self.say(r#"<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>"#).await;
            assert!(self.next().await.unwrap().starts_with("<close"));
            assert_eq!(self.next().await, None, "and then the socket is closed");
            return Tried::Refused(answer);
        }
        self.say(OPEN).await;
        assert!(self.next().await.unwrap().starts_with("<open"));
        assert!(self.next().await.unwrap().contains("xmpp-bind"));
        let bound = self.iq("set", "", r#"<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/>"#).await;
        assert!(bound.contains(&format!("<jid>{}/", self.jid)), "{bound}");
        Tried::Connected
    }
    async fn say(&mut self, text: &str) {
        self.socket.as_mut().unwrap().send(Message::text(text.to_owned())).await.unwrap();
    }
    /// The next stanza; `None` once the socket has ended, however it did.
    async fn next(&mut self) -> Option<String> {
        loop {
            match self.socket.as_mut().unwrap().next().await {
                Some(Ok(Message::Text(text))) => return Some(text.to_string()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }
    /// The next stanza with something in it; others are passed over.
    async fn next_with(&mut self, word: &str) -> String {
        loop {
            let said = self.next().await.unwrap_or_else(|| panic!("the stream ended before {word}"));
            if said.contains(word) {
                return said;
            }
        }
    }
    async fn iq(&mut self, kind: &str, to: &str, inside: &str) -> String {
        self.asked += 1;
        let id = format!("q-{}", self.asked);
        let to = if to.is_empty() { String::new() } else { format!(r#" to="{to}""#) };
        self.say(&format!(r#"<iq xmlns="jabber:client" type="{kind}" id="{id}"{to}>{inside}</iq>"#)).await;
        self.next_with(&format!(r#"id="{id}""#)).await
    }
    async fn webrtc(&mut self, to: &str, method: &str, params: Value) -> String {
        let call = json!({ "jsonrpc": "2.0", "id": "w", "method": method, "params": params }).to_string();
        let call = call.replace('&', "&amp;").replace('<', "&lt;");
        self.iq("set", to, &format!(r#"<genesys-webrtc xmlns="genesys">{call}</genesys-webrtc>"#)).await
    }
}

/// The value of an attribute in a stanza.
fn attribute(stanza: &str, name: &str) -> String {
    let after = stanza.split_once(&format!(" {name}=\"")).unwrap_or_else(|| panic!("{name} in {stanza}")).1;
    after.split_once('"').unwrap().0.to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_softphone_registers_as_the_vendors_does() {
    let org = Org::open(Scenario::default()).await;
    let mut page = Page::new(&org, 0).await;
    page.initialise(&org).await;
    assert!(page.iq("get", "", r#"<ping xmlns="urn:xmpp:ping"/>"#).await.contains("result"));
    let (status, _) = page.ask(&org, Method::POST, "/diagnostics/trace", Some(json!({}))).await;
    assert_eq!(status, 202);
    assert_eq!(page.ask(&org, Method::OPTIONS, "/conversations/calls/x", None).await.0, 204);
    let told = org.softphone(&page.agent).await;
    assert_eq!((&told["registered"], &told["media_ready"]), (&json!(true), &json!(true)));
    let log = org.log(&page.agent).await;
    for wanted in ["channel ok", "sasl ok", "bind ", "extdisco turn", "extdisco stun"] {
        assert!(log.iter().any(|l| l.starts_with(wanted)), "{wanted}: {log:?}");
    }
    let (_, truth) = org.send(Method::GET, "/twin/truth", None, None).await;
    assert_eq!(truth["agents"][0]["played_by_page"], true);
    page.say(r#"<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>"#).await;
    assert!(page.next_with("<close").await.starts_with("<close"));
    assert_eq!(page.next().await, None);
    org.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revoked_and_cut_it_is_refused_and_a_fresh_token_on_the_same_channel_is_not() {
    let org = Org::open(Scenario::default()).await;
    let mut page = Page::new(&org, 0).await;
    page.initialise(&org).await;
    let agent = page.agent.clone();
    org.poke("revoke", json!({ "agent": agent })).await;
    assert!(page.iq("get", "", r#"<ping xmlns="urn:xmpp:ping"/>"#).await.contains("result"), "the socket is up");
    assert_eq!(page.ask(&org, Method::GET, "/users/me", None).await.0, 401);
    assert_eq!(org.softphone(&agent).await["media_ready"], false);
    assert_eq!(org.poke("cut", json!({ "agents": [agent] })).await["hit"], 1);
    assert_eq!(page.next().await, None, "no stream error, no close: the connection is gone");
    let Tried::Refused(why) = page.connect(&org).await else { panic!("a revoked token opens nothing") };
    assert!(why.contains("not-authorized"), "{why}");
    assert_eq!(page.open_channel(&org).await, 401);
    let log = org.log(&agent).await;
    assert!(log.contains(&"http 401 GET /api/v2/users/me".to_owned()), "{log:?}");
    assert!(log.iter().any(|l| l.starts_with("sasl not-authorized")), "{log:?}");
    page.token = Page::new(&org, 0).await.token;
    assert_eq!(page.connect(&org).await, Tried::Connected);
    assert_eq!(org.softphone(&agent).await["media_ready"], true);
    org.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_can_be_refused_at_every_door_and_made_to_wait_for_an_answer() {
    let org = Org::open(Scenario::default()).await;
    let mut page = Page::new(&org, 0).await;
    page.initialise(&org).await;
    let agent = page.agent.clone();
    let refuse = |at: &str, for_ms: u32| json!({ "agent": agent, "at": at, "for_ms": for_ms, "status": 403 });
    org.poke("refuse", refuse("handshake", 600_000)).await;
    assert_eq!(page.connect(&org).await, Tried::Handshake(503));
    org.poke("refuse", refuse("handshake", 0)).await;
    org.poke("refuse", refuse("sasl", 600_000)).await;
    assert!(matches!(page.connect(&org).await, Tried::Refused(_)));
    org.poke("refuse", refuse("sasl", 0)).await;
    org.poke("refuse", refuse("channel", 600_000)).await;
    assert_eq!(page.open_channel(&org).await, 403);
    org.poke("refuse", refuse("channel", 0)).await;
    assert_eq!(page.open_channel(&org).await, 200);
    assert_eq!(page.connect(&org).await, Tried::Connected);

    let mut other = Page::new(&org, 1).await;
    other.initialise(&org).await;
    org.poke("silence", json!({ "agent": agent })).await;
    page.say(r#"<iq xmlns="jabber:client" type="get" id="lost"><ping xmlns="urn:xmpp:ping"/></iq>"#).await;
    // The other's ping is answered after ours was heard; what was cut afterwards is all that comes on the silent one.
    assert!(other.iq("get", "", r#"<ping xmlns="urn:xmpp:ping"/>"#).await.contains("result"));
    org.poke("cut", json!({ "agent": agent })).await;
    assert_eq!(page.next().await, None);
    let (status, told) = org.send(Method::POST, "/twin/cut", None, Some(json!({ "agent": "nobody" }))).await;
    assert!(status == 404 && told["message"].as_str().unwrap().contains("nobody"));
    org.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_carried_from_its_ringing_to_its_end() {
    let org = Org::open(Scenario::default()).await;
    let mut page = Page::new(&org, 0).await;
    page.initialise(&org).await;
    let agent = page.agent.clone();
    let rung = org.poke("ring", json!({ "agent": agent })).await;
    let conversation = rung["conversation"].as_str().unwrap();
    let (mut far, _) = tokio_tungstenite::connect_async(rung["far"].as_str().unwrap()).await.unwrap();
    let propose = page.next_with("<propose").await;
    let (caller, session) = (attribute(&propose, "from"), attribute(propose.split_once("<propose").unwrap().1, "id"));
    assert!(caller.contains("gjoll") && attribute(&propose, "inin-cid") == conversation);
    assert!(page.next_with("urn:xmpp:json:0").await.contains("alerting"));
    let proceed = format!(r#"<proceed xmlns="urn:xmpp:jingle-message:0" id="{session}"/>"#);
    page.say(&format!(r#"<message xmlns="jabber:client" to="{caller}">{proceed}</message>"#)).await;
    assert_eq!(word(&mut far).await["do"], "offer");
    far.send(Message::text(json!({ "offer": "v=0\r\no=far" }).to_string())).await.unwrap();
    let offer = page.next_with("genesys-webrtc").await;
    assert!(offer.contains("&quot;offer&quot;") && offer.contains("v=0\\r\\no=far"), "{offer}");
    assert_eq!(attribute(&offer, "from"), caller);
    page.say(&format!(r#"<iq xmlns="jabber:client" type="result" id="{}"/>"#, attribute(&offer, "id"))).await;
    page.webrtc(&caller, "answer", json!({ "sessionId": session, "sdp": "v=0\r\no=page" })).await;
    assert_eq!(word(&mut far).await, json!({ "do": "answer", "sdp": "v=0\r\no=page" }));
    assert_eq!(word(&mut far).await["do"], "connected");
    page.webrtc(&caller, "iceCandidate", json!({ "sessionId": session, "sdp": "m=0 9 RTP/AVP 0\r\na=candidate:1" }))
        .await;
    assert_eq!(word(&mut far).await["do"], "candidate");
    page.webrtc(&caller, "info", json!({ "sessionId": session, "status": "active" })).await;
    far.send(Message::text(json!({ "stats": { "packetsReceived": 9 } }).to_string())).await.unwrap();

    let path = format!("/conversations/calls/{conversation}");
    let (_, shown) = page.ask(&org, Method::GET, &path, None).await;
    let own = shown["participants"].as_array().unwrap().iter().find(|p| p["userId"] == agent.as_str()).unwrap();
    assert_eq!(own["calls"][0]["state"], "connected");
    let own = format!("{path}/participants/{}", own["id"].as_str().unwrap());
    // A cut during the call leaves the call as it is.
    org.poke("cut", json!({ "agent": agent })).await;
    assert_eq!(page.connect(&org).await, Tried::Connected);
    assert_eq!(page.ask(&org, Method::PATCH, &own, Some(json!({ "held": true }))).await.0, 202);
    assert!(page.next_with("urn:xmpp:json:0").await.contains("&quot;held&quot;:true"));
    let call = org.softphone(&agent).await["calls"][0].clone();
    assert_eq!((&call["state"], &call["line"]), (&json!("connected"), &json!("active")));
    assert_eq!(call["far"], json!({ "packetsReceived": 9 }));

    org.poke("hangup", json!({ "conversation": conversation })).await;
    let end = page.next_with("genesys-webrtc").await;
    assert!(end.contains("terminate") && end.contains(&session), "on the stream that is there now: {end}");
    assert_eq!(word(&mut far).await["do"], "end");
    org.close().await;
}

/// The next word for the far end.
async fn word(far: &mut Socket) -> Value {
    loop {
        match far.next().await {
            Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
            Some(Ok(Message::Close(_)) | Err(_)) | None => panic!("the far end was left alone"),
            Some(Ok(_)) => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_station_that_is_taken_and_given_is_told_on_the_stream() {
    let mut scenario = Scenario::default();
    (scenario.softphone.station_freed_s, scenario.softphone.station_settle_s) = (0, 0);
    let org = Org::open(scenario).await;
    let mut page = Page::new(&org, 0).await;
    page.initialise(&org).await;
    let form = "grant_type=client_credentials";
    let login = org.http.post(format!("http://{}/oauth/token", org.at));
    let login = login.basic_auth(PUBLISHER_CLIENT_ID, Some(PUBLISHER_CLIENT_SECRET));
    let login = login.header("content-type", "application/x-www-form-urlencoded").body(form);
    let granted: Value = serde_json::from_str(&login.send().await.unwrap().text().await.unwrap()).unwrap();
    let publisher = granted["access_token"].as_str();
    let station = format!("/api/v2/users/{}/station/associatedstation", page.agent);
    assert_eq!(org.send(Method::DELETE, &station, publisher, None).await.0, 202);
    assert!(page.next_with("urn:xmpp:json:0").await.contains("Disassociated"));
    let (_, me) = page.ask(&org, Method::GET, "/users/me?expand=station", None).await;
    let own = me["station"]["lastAssociatedStation"]["id"].as_str().unwrap();
    assert_eq!(org.send(Method::PUT, &format!("{station}/{own}"), publisher, None).await.0, 202);
    let told = page.next_with("urn:xmpp:json:0").await;
    assert!(told.contains("&quot;Associated&quot;") && told.contains(own), "{told}");
    org.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_softphones_cut_at_once_come_back_each_on_its_channel() {
    let mut scenario = Scenario::default();
    scenario.cohorts[0].agents = 200;
    let org = Org::open(scenario).await;
    let mut pages = Vec::new();
    for i in 0..200 {
        let agent = format!("00000a00-0000-4000-8000-{i:012x}");
        let told = org.poke("login", json!({ "agent": agent })).await;
        let text = |name: &str| told[name].as_str().unwrap().to_owned();
        let (jid, token) = (text("jid"), text("access_token"));
        let mut page = Page { agent, jid, token, channel: String::new(), socket: None, asked: 0 };
        assert_eq!(page.open_channel(&org).await, 200);
        assert_eq!(page.connect(&org).await, Tried::Connected);
        pages.push(page);
    }
    assert_eq!(org.poke("cut", json!({ "all": true })).await["hit"], 200);
    let back = pages.iter_mut().map(async |page: &mut Page| {
        assert_eq!(page.next().await, None);
        page.connect(&org).await
    });
    let back = futures_util::stream::FuturesUnordered::from_iter(back).collect::<Vec<_>>().await;
    assert!(back.len() == 200 && back.iter().all(|tried| *tried == Tried::Connected));
    let (_, told) = org.send(Method::GET, "/twin/softphones", None, None).await;
    assert_eq!(told.as_array().unwrap().iter().filter(|s| s["media_ready"] == true).count(), 200);
    drop(pages);
    org.close().await;
}
