//! A companion as a socket sees it: it says and hears JSON frames.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

pub const REPEAT: &str = "to repeat: ./tests/run --test web";
/// The origin that the rooms of these tests allow.
pub const ORIGIN: &str = "https://desktop.example";
/// One frame is waited for so long at most; nothing is measured by it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A page's socket.
pub struct Page {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// The request that opens a companion's socket.
pub fn request(
    url: &str,
    origin: Option<&str>,
    protocol: Option<&str>,
) -> tokio_tungstenite::tungstenite::http::Request<()> {
    let mut request =
        format!("{}/companion/v1/socket", url.replacen("http", "ws", 1)).into_client_request().expect("a url");
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.parse().expect("an origin"));
    }
    if let Some(protocol) = protocol {
        request.headers_mut().insert("sec-websocket-protocol", protocol.parse().expect("a protocol"));
    }
    request
}

/// The status with which a socket is refused.
pub async fn refused_with(url: &str, origin: Option<&str>, protocol: Option<&str>) -> u16 {
    match connect_async(request(url, origin, protocol)).await {
        Err(Error::Http(response)) => response.status().as_u16(),
        other => panic!("it must be refused, not {other:?}; {REPEAT}"),
    }
}

impl Page {
    /// Opens a socket and says nothing.
    pub async fn open(url: &str) -> Page {
        let request = request(url, Some(ORIGIN), Some("softlanding.companion.v1"));
        let (socket, response) = connect_async(request).await.unwrap_or_else(|e| panic!("{url}: {e}; {REPEAT}"));
        assert_eq!(response.headers()["sec-websocket-protocol"], "softlanding.companion.v1");
        Page { socket }
    }
    /// Opens one and says hello with a key or a token; the welcome, or the refusal.
    pub async fn hello(url: &str, page: &str, proof: (&str, &str)) -> (Page, Value) {
        let mut opened = Page::open(url).await;
        opened.say(json!({ "type": "hello", "page": page, proof.0: proof.1, "sdk": "9.2.4" })).await;
        let answer = opened.hear().await;
        (opened, answer)
    }
    /// The same, expecting a welcome.
    pub async fn welcome(url: &str, page: &str, proof: (&str, &str)) -> Page {
        let (opened, answer) = Page::hello(url, page, proof).await;
        assert_eq!(answer["type"], "welcome", "{answer}; {REPEAT}");
        opened
    }
    pub async fn say(&mut self, frame: Value) {
        self.socket.send(Message::text(frame.to_string())).await.expect("an open socket");
    }
    /// How its softphone is.
    pub async fn report(&mut self, http: u16, call: bool) {
        let ready = http == 200;
        self.say(json!({ "type": "report", "connected": true, "station": true, "ice": true, "microphone": true,
            "http": http, "call": call, "state": "up", "ready": ready }))
            .await;
    }
    pub async fn done(&mut self, id: &str, result: &str) {
        self.say(json!({ "type": "done", "id": id, "result": result })).await;
    }
    /// The next frame that is no beat.
    pub async fn hear(&mut self) -> Value {
        loop {
            match self.next().await {
                Some(Message::Text(text)) => {
                    let frame: Value = serde_json::from_str(&text).expect("JSON");
                    if frame["type"] != "beat" {
                        return frame;
                    }
                }
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("{other:?} instead of a frame; {REPEAT}"),
            }
        }
    }
    /// The code and reason that the socket is closed with.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.next().await {
                Some(Message::Close(Some(frame))) => return (frame.code.into(), frame.reason.to_string()),
                Some(Message::Close(None)) | None => return (0, String::new()),
                Some(_) => {}
            }
        }
    }
    async fn next(&mut self) -> Option<Message> {
        let next = tokio::time::timeout(PATIENCE, self.socket.next()).await;
        next.unwrap_or_else(|_| panic!("nothing comes; {REPEAT}")).and_then(Result::ok)
    }
}
