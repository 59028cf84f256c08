//! The twin behind a real socket: HTTP by reqwest, notifications by WebSocket, time by a scaled clock.

use std::io::Write;
use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use softlanding::twin::serve::{Options, Served};
use softlanding::twin::{
    APP_CLIENT_ID, APP_CLIENT_SECRET, PUBLISHER_CLIENT_ID, PUBLISHER_CLIENT_SECRET, Scenario, Twin,
};
use softlanding::words::clock::{Clock, Seed, Timestamp};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;

/// Twin seconds per second: the 25 s of a publish pass in a blink.
const SCALE: f64 = 200.0;

struct Org {
    served: Served,
    at: SocketAddr,
    http: reqwest::Client,
    token: String,
    stop: oneshot::Sender<()>,
    done: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Org {
    async fn open(scenario: Scenario) -> Org {
        let anchor = Timestamp::parse_rfc3339("2026-11-27T22:00:00Z").unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let twin = Twin::new(scenario, Seed(7), anchor, &format!("http://{at}"));
        let clock = Clock::scaled(anchor, SCALE);
        let served = Served::new(twin, clock, Options { exchanges_max: 1_000 });
        let (stop, stopped) = oneshot::channel();
        let stopping = async move { stopped.await.unwrap_or_default() };
        let done = tokio::spawn(served.clone().run(listener, stopping));
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut org = Org { served, at, http, token: String::new(), stop, done };
        let form = "grant_type=client_credentials";
        let answer = org.oauth(PUBLISHER_CLIENT_ID, PUBLISHER_CLIENT_SECRET, form).await;
        org.token = answer["access_token"].as_str().unwrap().to_owned();
        org
    }
    async fn oauth(&self, id: &str, secret: &str, form: &str) -> Value {
        let request = self.http.post(format!("http://{}/oauth/token", self.at)).basic_auth(id, Some(secret));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned());
        serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap()
    }
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self.http.request(method, format!("http://{}{path}", self.at)).bearer_auth(&self.token);
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
            None => request,
        };
        let answer = request.send().await.unwrap();
        assert!(answer.headers().contains_key("access-control-allow-origin"), "{path}");
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }
    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask(Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }
    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask(Method::POST, path, Some(body)).await
    }
    async fn close(self) {
        drop(self.http);
        self.stop.send(()).unwrap();
        self.done.await.unwrap().unwrap();
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap()
}

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn connect(uri: &str) -> Socket {
    tokio_tungstenite::connect_async(uri).await.unwrap().0
}

/// The next frame under a topic that starts so; heartbeats and others are passed over.
async fn next(socket: &mut Socket, topic: &str) -> Value {
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message.unwrap() else { continue };
        let frame: Value = serde_json::from_str(&text).unwrap();
        if frame["topicName"].as_str().is_some_and(|t| t.starts_with(topic)) {
            return frame;
        }
    }
    panic!("the socket ended before {topic}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_publish_from_the_list_of_units_to_the_event() {
    let org = Org::open(Scenario::named("calm").unwrap()).await;
    let units = org.get("/api/v2/workforcemanagement/businessunits").await;
    let unit = units["entities"][0]["id"].as_str().unwrap();
    let week = format!("/api/v2/workforcemanagement/businessunits/{unit}/weeks/2026-11-30/schedules");
    let listed = org.get(&week).await;
    let draft = format!("{week}/{}", listed["entities"][0]["id"].as_str().unwrap());
    let schedule = org.get(&format!("{draft}?expand=managementUnits.agents")).await;
    let agents: usize =
        schedule["managementUnits"].as_array().unwrap().iter().map(|u| u["agents"].as_array().unwrap().len()).sum();
    assert_eq!(agents, 40);

    let (_, channel) = org.post("/api/v2/notifications/channels", json!({})).await;
    let topic = format!("v2.workforcemanagement.businessunits.{unit}.schedules");
    let path = format!("/api/v2/notifications/channels/{}/subscriptions", channel["id"].as_str().unwrap());
    assert_eq!(org.post(&path, json!([{ "id": topic }])).await.0, 200);
    let mut socket = connect(channel["connectUri"].as_str().unwrap()).await;
    socket.send(Message::text(r#"{"message":"ping"}"#)).await.unwrap();
    assert_eq!(next(&mut socket, "channel.metadata").await["eventBody"]["message"], "pong");

    let body = json!({ "metadata": { "version": schedule["metadata"]["version"] }, "published": true }).to_string();
    let packed = gzip(&body);
    let size = json!({ "contentLengthBytes": packed.len() });
    let (status, target) = org.post(&format!("{draft}/update/uploadurl"), size).await;
    assert_eq!(status, 201);
    let mut put = org.http.put(target["url"].as_str().unwrap());
    for (name, value) in target["headers"].as_object().unwrap() {
        put = put.header(name, value.as_str().unwrap());
    }
    assert_eq!(put.body(packed).send().await.unwrap().status().as_u16(), 200);
    let (status, accepted) = org.post(&format!("{draft}/update"), json!({ "uploadKey": target["uploadKey"] })).await;
    assert_eq!((status, accepted["status"].clone()), (202, json!("Processing")));

    let told = next(&mut socket, &topic).await;
    assert_eq!(told["eventBody"]["status"], "Complete");
    assert_eq!(told["eventBody"]["operationId"], accepted["operationId"]);
    assert_eq!(org.get(&draft).await["published"], true);
    assert_eq!(next(&mut socket, "channel.metadata").await["eventBody"]["message"], "WebSocket Heartbeat");
    assert_eq!(org.served.truth().counters.publishes_applied, 1);

    let exchanges = org.served.exchanges();
    let told = serde_json::to_string(&exchanges).unwrap();
    assert!(exchanges.len() >= 9 && told.contains("/update/uploadurl"));
    assert!(!told.contains(&org.token) && told.contains("[secret]"));
    org.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_twins_own_routes_tell_what_is_inside() {
    let org = Org::open(Scenario::default()).await;
    let clock: Clock = serde_json::from_value(org.get("/twin/clock").await).unwrap();
    assert!(matches!(clock, Clock::Scaled { scale, .. } if scale == SCALE));
    let url = format!("http://{}/twin/enrolments", org.at);
    let lines = org.http.get(url).send().await.unwrap().text().await.unwrap();
    assert_eq!(lines.lines().count(), 5);
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    let form = format!("grant_type=refresh_token&refresh_token={}", first["refresh_token"].as_str().unwrap());
    let granted = org.oauth(APP_CLIENT_ID, APP_CLIENT_SECRET, &form).await;
    assert!(granted["access_token"].is_string() && granted["refresh_token"] != first["refresh_token"]);
    let truth = org.get("/twin/truth").await;
    assert_eq!(truth["agents"].as_array().unwrap().len(), 5);
    assert_eq!(truth["agents"][0]["id"], first["agent"]);
    assert_eq!(org.get("/twin/counters").await["publishes_applied"], 0);
    assert!(org.get("/twin/exchanges").await.as_array().unwrap().iter().all(|e| e["url"] == "/oauth/token"));
    org.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_socket_per_channel_and_none_for_an_unknown_one() {
    let org = Org::open(Scenario::default()).await;
    let mut socket = connect(&format!("ws://{}/channels/made-up-0", org.at)).await;
    let Some(Ok(Message::Text(text))) = socket.next().await else { panic!("a reason comes first") };
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["result"], "404");
    let (_, channel) = org.post("/api/v2/notifications/channels", json!({})).await;
    let uri = channel["connectUri"].as_str().unwrap();
    let mut first = connect(uri).await;
    next(&mut first, "channel.metadata").await;
    let mut second = connect(uri).await;
    while let Some(Ok(message)) = first.next().await {
        assert!(matches!(message, Message::Text(_) | Message::Close(_)));
    }
    next(&mut second, "channel.metadata").await;
    org.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_closes_says_so_and_its_channel_can_be_heard_again() {
    let mut scenario = Scenario::default();
    scenario.faults.sockets_close_every_s = 60;
    let org = Org::open(scenario).await;
    let (_, channel) = org.post("/api/v2/notifications/channels", json!({})).await;
    for _ in 0..2 {
        let mut socket = connect(channel["connectUri"].as_str().unwrap()).await;
        next(&mut socket, "v2.system.socket_closing").await;
        // Nothing follows the word but the end.
        while let Some(Ok(message)) = socket.next().await {
            assert!(matches!(message, Message::Close(_)), "{message}");
        }
    }
    org.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_pushed_late_and_twice_arrives_without_anybody_asking() {
    let mut scenario = Scenario::default();
    (scenario.faults.late_notifications_share, scenario.faults.late_notifications_s) = (1.0, 20);
    scenario.faults.doubled_notifications_share = 1.0;
    let org = Org::open(scenario).await;
    let agent = org.served.truth().agents[0].id.to_string();
    let (_, channel) = org.post("/api/v2/notifications/channels", json!({})).await;
    let path = format!("/api/v2/notifications/channels/{}/subscriptions", channel["id"].as_str().unwrap());
    let topic = format!("v2.users.{agent}.station");
    assert_eq!(org.post(&path, json!([{ "id": topic }])).await.0, 200);
    let mut socket = connect(channel["connectUri"].as_str().unwrap()).await;
    let (status, _) = org.ask(Method::DELETE, &format!("/api/v2/users/{agent}/station/associatedstation"), None).await;
    assert_eq!(status, 202);
    let first = next(&mut socket, &topic).await;
    assert_eq!(
        (&first["metadata"]["action"], next(&mut socket, &topic).await),
        (&json!("Disassociated"), first.clone())
    );
    org.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_requests_are_answered() {
    let org = Org::open(Scenario::default()).await;
    assert_eq!(org.ask(Method::OPTIONS, "/api/v2/users/me", None).await.0, 204);
    assert_eq!(org.ask(Method::GET, "/", None).await.0, 404);
    assert_eq!(org.ask(Method::TRACE, "/api/v2/users", None).await.0, 405);
    let (status, body) = org.post("/api/v2/users/bulk/export", json!({ "userIds": ["x".repeat(600_000)] })).await;
    assert_eq!((status, body["status"].clone()), (413, json!(413)));
    org.close().await;
}
