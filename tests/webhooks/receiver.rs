//! A receiver of webhooks on 127.0.0.1, which does as it is told and keeps everything that it hears.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::REPEAT;
use crate::support::tale::Tale;

/// What is answered to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// 204.
    Take,
    /// This status.
    Status(u16),
    /// This status, and the wish to be left alone for so many seconds.
    After(u16, u32),
    /// Nothing, for as long as the sender waits.
    Hang,
    /// Go there instead.
    Redirect(String),
}

/// A message as it came.
#[derive(Debug, Clone)]
pub struct Received {
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub document: Value,
    pub reply: Reply,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_else(|| panic!("no {name}; {REPEAT}"))
    }
    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }
    pub fn event(&self) -> &str {
        self.document["data"]["event"].as_str().unwrap_or_default()
    }
    /// The run and the record.
    pub fn record(&self) -> (String, u64) {
        let id = self.document["id"].as_str().expect("an id");
        let (run, seq) = id.rsplit_once(':').expect("a run and a record");
        (run.to_owned(), seq.parse().expect("a number"))
    }
    pub fn was_taken(&self) -> bool {
        self.reply == Reply::Take
    }
}

/// Decides what is answered.
type Mind = Arc<Mutex<Box<dyn FnMut(&Value, usize) -> Reply + Send>>>;

/// The receiver.
#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    pub heard: Tale<Received>,
    mind: Mind,
}

impl Receiver {
    /// One that takes everything.
    pub async fn open() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hook?sig=hush-query", listener.local_addr().expect("an address"));
        let mind: Mind = Arc::new(Mutex::new(Box::new(|_, _| Reply::Take)));
        let receiver = Receiver { url, heard: Tale::default(), mind };
        let app = Router::new().fallback(hear).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        receiver
    }
    /// What it answers from now on, by the document and by how many messages came before.
    pub fn answers(&self, mind: impl FnMut(&Value, usize) -> Reply + Send + 'static) {
        *self.mind.lock().expect("a mind") = Box::new(mind);
    }
    pub fn count(&self) -> usize {
        self.heard.look(<[Received]>::len)
    }
    /// Waits for a message that is taken.
    pub async fn takes(&self, fits: impl Fn(&Received) -> bool) -> Received {
        self.heard.until(|all| all.iter().find(|one| one.was_taken() && fits(one)).cloned()).await
    }
    pub fn all(&self) -> Vec<Received> {
        self.heard.look(<[Received]>::to_vec)
    }
    /// What was taken, in order: run, record and event.
    pub fn taken(&self) -> Vec<(String, u64, String)> {
        let taken = |all: &[Received]| {
            let one = |one: &Received| {
                let (run, seq) = one.record();
                (run, seq, one.event().to_owned())
            };
            all.iter().filter(|one| one.was_taken()).map(one).collect()
        };
        self.heard.look(taken)
    }
    /// Messages with one id are one message, however often they came; how many came more than once.
    pub fn repeats(&self) -> usize {
        let all = self.all();
        let mut ids = std::collections::BTreeMap::new();
        let mut repeats = BTreeSet::new();
        for one in &all {
            let first: &mut &Received = ids.entry(one.id()).or_insert(one);
            assert_eq!(first.body, one.body, "two messages of one id; {REPEAT}");
            if !std::ptr::eq(*first, one) {
                repeats.insert(one.id());
            }
        }
        let records: BTreeSet<(String, u64)> = all.iter().map(Received::record).collect();
        assert_eq!(records.len(), ids.len(), "two ids of one message; {REPEAT}");
        repeats.len()
    }
}

async fn hear(State(receiver): State<Receiver>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    let body = String::from_utf8(body.to_vec()).expect("text");
    let document: Value = serde_json::from_str(&body).unwrap_or_else(|e| panic!("{e}: {body}; {REPEAT}"));
    let headers = parts.headers.iter().map(|(k, v)| (k.to_string(), v.to_str().expect("text").to_owned())).collect();
    let reply = {
        let mut mind = receiver.mind.lock().expect("a mind");
        mind(&document, receiver.count())
    };
    receiver.heard.push(Received { headers, body, document, reply: reply.clone() });
    match reply {
        Reply::Take => StatusCode::NO_CONTENT.into_response(),
        Reply::Status(status) => StatusCode::from_u16(status).expect("a status").into_response(),
        Reply::After(status, s) => {
            (StatusCode::from_u16(status).expect("a status"), [("retry-after", s.to_string())]).into_response()
        }
        Reply::Hang => std::future::pending().await,
        Reply::Redirect(to) => (StatusCode::TEMPORARY_REDIRECT, [("location", to)]).into_response(),
    }
}
