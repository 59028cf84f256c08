//! The wire: one request out, one answer in, over reqwest.
//!
//! Must never: repeat a request, follow a redirect, name a URL's query in an error, use a proxy for this machine, or let a
//! request that acts leave whole once its permit has ended.

mod gate;

use std::error::Error as _;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::{Body, Client, ClientBuilder, Url, redirect, retry};

use self::gate::{Gated, REFUSED};
use crate::hands::genesys::hosts;
use crate::words::clock::Clock;
use crate::words::http::{Lost, Method, Request, Response};
use crate::words::permit::Permit;

/// The longest wait for a whole answer, in ms of the given clock.
pub const ANSWER_TIMEOUT_MS: i64 = 30_000;

/// The longest wait for a connection, in ms of the given clock.
pub const CONNECT_TIMEOUT_MS: i64 = 10_000;

/// The largest answer that is taken in, in bytes after decompression.
pub const ANSWER_BYTES_MAX: usize = 64 << 20;

/// A fast clock does not make a machine faster: no wait is cut below this.
const REAL_TIMEOUT_MIN: Duration = Duration::from_secs(1);

/// Sends requests and says what came back.
#[derive(Debug)]
pub struct Wire {
    clock: Clock,
    answer_timeout_ms: i64,
    answer_bytes_max: usize,
    /// For this machine: without a proxy and without the system's certificates, so that it works on a bare machine.
    loopback: Client,
    /// For everywhere else; made at first use, because it needs the system's certificates.
    outside: OnceLock<Result<Client, String>>,
}

impl Wire {
    /// A wire whose waits are measured on `clock`.
    ///
    /// # Errors
    /// [`Lost::NotSent`] when TLS cannot be set up on this machine.
    pub fn new(clock: Clock) -> Result<Wire, Lost> {
        let loopback = builder(clock)
            .no_proxy()
            .tls_certs_only([])
            .build()
            .map_err(|error| Lost::NotSent(format!("no HTTP client: {}", chain(error))))?;
        Ok(Wire {
            clock,
            answer_timeout_ms: ANSWER_TIMEOUT_MS,
            answer_bytes_max: ANSWER_BYTES_MAX,
            loopback,
            outside: OnceLock::new(),
        })
    }
    /// The same with another bound on the wait for an answer, in ms of the clock; at least 1.
    #[must_use]
    pub fn answer_timeout_ms(mut self, ms: i64) -> Wire {
        self.answer_timeout_ms = ms.max(1);
        self
    }
    /// The same with another bound on the size of an answer, in bytes after decompression.
    #[must_use]
    pub fn answer_bytes_max(mut self, bytes: usize) -> Wire {
        self.answer_bytes_max = bytes;
        self
    }
    /// Sends one request, once.
    ///
    /// # Errors
    /// [`Lost::NotSent`] when it is proven that nothing was sent; [`Lost::NoAnswer`] in every other case.
    pub async fn send(&self, request: Request) -> Result<Response, Lost> {
        self.send_while(&Permit::always(), request).await
    }
    /// The same while `permit` holds: it is looked at once more when the connection asks for the body, which everything but a
    /// read has, so that a process which was paused on the way there acts no more. A read is held back until it is handed
    /// over.
    ///
    /// # Errors
    /// As [`Wire::send`]; [`Lost::NotSent`] when the permit had ended.
    pub async fn send_while(&self, permit: &Permit, request: Request) -> Result<Response, Lost> {
        if !permit.holds() {
            return Err(Lost::NotSent(REFUSED.to_owned()));
        }
        let url = Url::parse(&request.url).map_err(|_| Lost::NotSent("the address cannot be read".to_owned()))?;
        let host = url.host_str().unwrap_or("?").to_owned();
        let client = self.client_for(&url)?;
        let mut outgoing = client.request(method(request.method), url);
        for (name, value) in &request.headers {
            outgoing = outgoing.header(name, value);
        }
        let (body, gate) = Gated::new(request.body, !request.method.only_reads(), permit);
        let outgoing = outgoing.body(Body::wrap(body));
        let timeout = self.clock.real(self.answer_timeout_ms).max(REAL_TIMEOUT_MIN);
        match tokio::time::timeout(timeout, exchange(outgoing, self.answer_bytes_max)).await {
            // Half a request is none, whatever is answered to it.
            _ if gate.was_closed() => Err(Lost::NotSent(REFUSED.to_owned())),
            Ok(answer) => answer.map_err(|lost| named(&host, lost)),
            Err(_) => Err(Lost::NoAnswer(format!("{host}: nothing within {} s", self.answer_timeout_ms / 1_000))),
        }
    }

    fn client_for(&self, url: &Url) -> Result<&Client, Lost> {
        if hosts::is_loopback(url) {
            return Ok(&self.loopback);
        }
        let outside = self.outside.get_or_init(|| builder(self.clock).https_only(true).build().map_err(chain));
        outside.as_ref().map_err(|why| Lost::NotSent(format!("no TLS on this machine: {why}")))
    }
}

fn builder(clock: Clock) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("softlanding/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        // The journal must see every attempt, so nothing below it repeats one.
        .retry(retry::never())
        .referer(false)
        .connect_timeout(clock.real(CONNECT_TIMEOUT_MS).max(REAL_TIMEOUT_MIN))
}

async fn exchange(outgoing: reqwest::RequestBuilder, bytes_max: usize) -> Result<Response, Lost> {
    let mut answer = outgoing.send().await.map_err(|error| {
        // A request that could not be built or connected never left.
        let unsent = error.is_connect() || error.is_builder();
        let why = chain(error);
        if unsent { Lost::NotSent(why) } else { Lost::NoAnswer(why) }
    })?;
    let mut response = Response::new(answer.status().as_u16());
    for (name, value) in answer.headers() {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        response.headers.push((name.as_str().to_owned(), text));
    }
    while let Some(chunk) = answer.chunk().await.map_err(|error| Lost::NoAnswer(chain(error)))? {
        if response.body.len() + chunk.len() > bytes_max {
            return Err(Lost::NoAnswer(format!("the answer is larger than {bytes_max} bytes")));
        }
        response.body.extend_from_slice(&chunk);
    }
    Ok(response)
}

fn named(host: &str, lost: Lost) -> Lost {
    match lost {
        Lost::NotSent(why) => Lost::NotSent(format!("{host}: {why}")),
        Lost::NoAnswer(why) => Lost::NoAnswer(format!("{host}: {why}")),
    }
}

/// The innermost causes of an error, without the address that it was about.
pub(in crate::hands) fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        words.push(cause.to_string());
        source = cause.source();
    }
    if words.is_empty() {
        words.push(error.to_string());
    }
    words.dedup();
    words.join(": ")
}

fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Head => reqwest::Method::HEAD,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
        Method::Options => reqwest::Method::OPTIONS,
    }
}
