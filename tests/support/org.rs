//! A twin behind a socket on 127.0.0.1, in this process, with everything it is asked and answers on record.

use std::sync::PoisonError;

use serde_json::Value;
use softlanding::twin::serve::{Options, Served};
use softlanding::twin::{PUBLISHER_CLIENT_ID, PUBLISHER_CLIENT_SECRET, Scenario, Truth, Twin};
use softlanding::words::clock::{Clock, Seed, Timestamp};
use softlanding::words::id::AgentId;
use softlanding::words::secret::Secret;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Friday 27 November 2026, 16:00 in Chicago.
pub const FRIDAY: &str = "2026-11-27T22:00:00Z";
/// The seed of every twin here.
pub const SEED: Seed = Seed(27);

/// The same as a timestamp.
pub fn friday() -> Timestamp {
    Timestamp::parse_rfc3339(FRIDAY).expect("an instant")
}

/// A served twin; it is served for as long as the test's runtime lives.
pub struct Org {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    served: Served,
    clock: Clock,
    serving: JoinHandle<std::io::Result<()>>,
    http: reqwest::Client,
}

/// An answer of the org.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body as JSON; null when there is none.
    pub body: Value,
}

/// A scenario that ships with softlanding.
pub fn scenario(name: &str) -> Scenario {
    Scenario::named(name).unwrap_or_else(|| panic!("no scenario {name}"))
}

impl Org {
    /// Serves a scenario whose clock starts `minutes_after` Friday 16:00 and runs `scale` times as fast as ours.
    pub async fn serve(scenario: Scenario, minutes_after: i64, scale: f64) -> Org {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let twin = Twin::new(scenario, SEED, friday(), &url);
        let clock = Clock::scaled(friday() + minutes_after * 60_000, scale);
        let served = Served::new(twin, clock, Options { exchanges_max: 100_000 });
        let serving = tokio::spawn(served.clone().run(listener, std::future::pending()));
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Org { url, served, clock, serving, http }
    }

    /// Serves the same org at the same address from another instant on, which must be later; what was recorded is dropped.
    /// Whoever follows its clock reads it anew.
    pub async fn leap(&mut self, minutes_after: f64, scale: f64) {
        self.serving.abort();
        let _aborted = (&mut self.serving).await;
        let address = self.url.trim_start_matches("http://");
        let listener = TcpListener::bind(address).await.expect("the same port");
        let clock = Clock::scaled(friday() + (minutes_after * 60_000.0) as i64, scale);
        let twin = self.served.twin().lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.clock = clock;
        self.served = Served::new(twin, clock, Options { exchanges_max: 100_000 });
        self.serving = tokio::spawn(self.served.clone().run(listener, std::future::pending()));
    }

    /// Its clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// What is really so.
    pub fn truth(&self) -> Truth {
        self.served.truth()
    }

    /// The refresh tokens in force: agent, name, token.
    pub fn enrolments(&self) -> Vec<(AgentId, String, Secret)> {
        self.served.twin().lock().unwrap_or_else(PoisonError::into_inner).enrolments()
    }

    /// Lets so many milliseconds pass at once, on top of the clock.
    pub fn pass(&self, ms: i64) {
        let twin = self.served.twin();
        let mut twin = twin.lock().unwrap_or_else(PoisonError::into_inner);
        let now = twin.truth().now;
        twin.advance(now + ms);
    }

    /// Has the socket of one notification channel closed; it is told with the next answer.
    pub fn close_socket(&self, channel: &str) {
        self.served.twin().lock().unwrap_or_else(PoisonError::into_inner).close_socket_of(channel);
    }

    /// Everything asked and answered so far.
    pub fn exchanges(&self) -> Vec<Value> {
        let list = serde_json::to_value(self.served.exchanges()).expect("exchanges are JSON");
        list.as_array().cloned().expect("a list")
    }

    /// The id and the secret of the client that publishes.
    pub fn publisher() -> (&'static str, &'static str) {
        (PUBLISHER_CLIENT_ID, PUBLISHER_CLIENT_SECRET)
    }

    /// `POST /oauth/token` with Basic authorization and a form.
    pub async fn grant(&self, client: (&str, &str), form: &str) -> Answer {
        let request = self.http.post(format!("{}/oauth/token", self.url)).basic_auth(client.0, Some(client.1));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned());
        answer(request).await
    }

    /// A token of the client that publishes.
    pub async fn token(&self) -> String {
        let granted = self.grant(Org::publisher(), "grant_type=client_credentials").await;
        granted.body["access_token"].as_str().expect("a token").to_owned()
    }

    /// Any call with a token and perhaps a JSON body.
    pub async fn call(&self, token: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(token);
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
            None => request,
        };
        answer(request).await
    }

    /// Uploads a schedule's body, packed, to where the answer of `…/update/uploadurl` says.
    pub async fn upload(&self, place: &Value, body: &Value) -> Answer {
        use std::io::Write;
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(body.to_string().as_bytes()).expect("memory");
        let mut request = self.http.put(place["url"].as_str().expect("a url"));
        for (name, value) in place["headers"].as_object().expect("headers") {
            request = request.header(name, value.as_str().expect("a header's value"));
        }
        answer(request.body(packed.finish().expect("memory"))).await
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.expect("the twin answers");
    let status = response.status().as_u16();
    let bytes = response.bytes().await.expect("a whole body");
    Answer { status, body: serde_json::from_slice(&bytes).unwrap_or_default() }
}
