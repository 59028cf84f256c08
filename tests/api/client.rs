//! `softlanding serve` with a web room, keys for it, and a client that asks.

use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use softlanding::hands::access::{Access, Role, Session, csrf_of};
use softlanding::words::clock::Clock;

use crate::support::site::{Daemon, Site};

pub const REPEAT: &str = "to repeat: ./tests/run --test api";
/// What the rooms here say browsers reach them by.
pub const PUBLIC: &str = "http://127.0.0.1:8480";

/// A served room and keys of each role.
pub struct Served {
    pub site: Site,
    pub daemon: Daemon,
    pub url: String,
    pub access: Access,
    pub viewer: String,
    pub operator: String,
    pub approver: String,
    http: reqwest::Client,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub kind: String,
    pub body: Value,
}

impl Served {
    /// Adds a room to the configuration of a site and serves it; `more` are further lines of the configuration.
    pub async fn open(site: Site, more: &str) -> Served {
        let web = format!("\n[web]\nlisten = \"127.0.0.1:0\"\npublic_url = \"{PUBLIC}\"\n{more}\n");
        site.edit(|config| config + &web);
        let (daemon, url) = serve(&site).await;
        let access = Access::open(&site.folder.join("softlanding.db")).await.expect("the store");
        let mut keys = Vec::new();
        for role in Role::ALL {
            let key = access.add_key(&format!("{role}-key"), role, Clock::System.now()).await.expect("a key");
            keys.push(key.expose().to_owned());
        }
        let [viewer, operator, approver] = <[String; 3]>::try_from(keys).expect("three keys");
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Served { site, daemon, url, access, viewer, operator, approver, http }
    }

    /// Ends the process with SIGKILL and starts another in its place.
    pub async fn restart(self) -> Served {
        let Served { site, daemon, access, viewer, operator, approver, http, .. } = self;
        daemon.kill().await;
        let (daemon, url) = serve(&site).await;
        Served { site, daemon, url, access, viewer, operator, approver, http }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }
    /// `GET` with a key.
    pub async fn get(&self, key: &str, path: &str) -> Answer {
        answer(self.request(Method::GET, path).bearer_auth(key)).await
    }
    /// `POST` with a key.
    pub async fn post(&self, key: &str, path: &str, body: &Value) -> Answer {
        answer(self.posting(key, path, body)).await
    }
    pub fn posting(&self, key: &str, path: &str, body: &Value) -> RequestBuilder {
        self.request(Method::POST, path)
            .bearer_auth(key)
            .header("content-type", "application/json")
            .body(body.to_string())
    }
    /// A session's cookie header and its token.
    pub async fn session(&self, mail: &str) -> (String, String) {
        let who = Session { name: mail.to_owned(), mail: mail.to_owned() };
        let cookie = self.access.open_session(&who, Role::Viewer, Clock::System.now()).await.expect("a session");
        (format!("softlanding_session={}", cookie.expose()), csrf_of(cookie.expose()))
    }
    /// Asks for a run until it is as wanted.
    pub async fn until(&self, run: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let mut follower = crate::follow::Listener::open(self, run, "", None).await;
        loop {
            let (_, event, data) = follower.next().await.unwrap_or_else(|| panic!("{run} ended before; {REPEAT}"));
            assert_eq!(event, "record", "{run} is over before it is as wanted: {data}; {REPEAT}");
            if is_it(&data["card"]) {
                return data["card"].clone();
            }
        }
    }
}

async fn serve(site: &Site) -> (Daemon, String) {
    let mut daemon = site.serve();
    let listening = daemon.event("listening").await;
    let url = format!("http://{}", listening["at_address"].as_str().expect("an address"));
    (daemon, url)
}

pub async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    let kind =
        response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
    let text = response.text().await.expect("a whole body");
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Answer { status, kind, body }
}

impl Answer {
    /// The same, once it is clear that it is a problem document of that status.
    pub fn problem(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{self:?}; {REPEAT}");
        assert_eq!(self.kind, "application/problem+json", "{self:?}; {REPEAT}");
        assert_eq!(self.body["status"], u64::from(status), "{self:?}; {REPEAT}");
        for field in ["type", "title", "detail"] {
            assert!(self.body[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {self:?}; {REPEAT}");
        }
        self
    }
    /// The same, once it is clear that it went well.
    pub fn well(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}; {REPEAT}");
        self.body
    }
}
