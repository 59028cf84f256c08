//! One message on its way to a receiver: signed at the moment it leaves, bounded, to the kind of address that was asked for.
//!
//! Must never: follow a redirect, speak to an address that the configuration does not allow, wait longer than allowed, or keep
//! what the receiver writes.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Url, redirect, retry};

use super::address::{Kind, kind};
use crate::hands::genesys::wire::chain;
use crate::hands::hook::signature::SigningKeys;
use crate::words::clock::{Clock, Timestamp};

/// So much of an answer's body is read, so that the connection can be used again; the rest is not waited for, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// A receiver that asks for a longer pause is asked again after this all the same, in ms.
const RETRY_AFTER_MS_MAX: i64 = 3_600_000;
/// A connection is made within this, in ms.
const CONNECT_MS_MAX: u64 = 5_000;
/// The body's media type: a CloudEvent in its structured form.
const CONTENT_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// Where messages go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostSettings {
    /// The receiver's URL: https, or http on this machine.
    pub url: String,
    /// How long one try may take, in ms of real time.
    pub timeout_ms: u64,
    /// Whether the receiver may have a private address.
    pub private_addresses: bool,
}

impl PostSettings {
    /// Whether anything could be sent to a URL.
    ///
    /// # Errors
    /// Why not, as a fragment that does not hold the URL.
    pub fn checked(url: &str, private_addresses: bool) -> Result<(), String> {
        let url = Url::parse(url).map_err(|e| format!("no URL ({e})"))?;
        Reach::of(&url, private_addresses).map(drop)
    }
}

/// What became of one try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The receiver has it: any status from 200 to 299.
    Taken,
    /// The receiver wants no more messages, ever: 410.
    Gone,
    /// It was not taken, or nobody knows whether it was.
    NotTaken {
        /// Why, in words.
        why: String,
        /// How long the receiver asks to be left alone, in ms, at most an hour.
        retry_after_ms: Option<i64>,
    },
}

/// The way to one receiver.
#[derive(Debug, Clone)]
pub struct Post {
    http: Client,
    url: Url,
    keys: SigningKeys,
    timeout: Duration,
}

impl Post {
    /// Prepares the way; nothing is sent.
    ///
    /// # Errors
    /// Why nothing can be sent there, as a fragment that does not hold the URL.
    pub fn new(settings: &PostSettings, keys: SigningKeys) -> Result<Post, String> {
        let url = Url::parse(&settings.url).map_err(|e| format!("no URL ({e})"))?;
        let reach = Reach::of(&url, settings.private_addresses)?;
        let loopback = reach == Reach::Loopback;
        let builder = Client::builder()
            .user_agent(concat!("softlanding/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            // A proxy would resolve the name out of our sight.
            .no_proxy()
            .pool_max_idle_per_host(2)
            .connect_timeout(Duration::from_millis(CONNECT_MS_MAX.min(settings.timeout_ms)))
            .dns_resolver(Arc::new(Guarded(reach)));
        let builder = if loopback { builder.tls_certs_only([]) } else { builder.https_only(true) };
        let http = builder.build().map_err(|e| format!("no HTTP client: {}", chain(e)))?;
        Ok(Post { http, url, keys, timeout: Duration::from_millis(settings.timeout_ms) })
    }

    /// Sends one message, once, signed as of now. `id` is the message's own, the same for each try.
    pub async fn send(&self, id: &str, body: &str) -> Answer {
        let now = Clock::System.now();
        let signed = self.keys.sign(id, now, body.as_bytes());
        let mut request = self.http.post(self.url.clone()).header("content-type", CONTENT_TYPE);
        for (name, value) in signed.pairs() {
            request = request.header(name, value);
        }
        let exchange = async {
            let mut answer = request.body(body.to_owned()).send().await.map_err(chain)?;
            let said = read(answer.status().as_u16(), |name| answer.headers().get(name)?.to_str().ok(), now);
            let mut bytes = 0;
            while let Ok(Some(chunk)) = answer.chunk().await {
                bytes += chunk.len();
                if bytes > ANSWER_BYTES_MAX {
                    break;
                }
            }
            Ok(said)
        };
        match tokio::time::timeout(self.timeout, exchange).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(why)) => Answer::NotTaken { why, retry_after_ms: None },
            Err(_) => {
                let why = format!("no answer within {} ms", self.timeout.as_millis());
                Answer::NotTaken { why, retry_after_ms: None }
            }
        }
    }
}

/// What a status means.
fn read<'a>(status: u16, header: impl Fn(&str) -> Option<&'a str>, now: Timestamp) -> Answer {
    match status {
        200..=299 => Answer::Taken,
        410 => Answer::Gone,
        300..=399 => {
            let why = format!("HTTP {status}: it redirects, and redirects are not followed");
            Answer::NotTaken { why, retry_after_ms: None }
        }
        _ => {
            let retry_after_ms = header("retry-after").and_then(|text| pause_ms(text, now));
            Answer::NotTaken { why: format!("HTTP {status}"), retry_after_ms }
        }
    }
}

/// `Retry-After`: seconds, or a date (RFC 9110 section 10.2.3).
fn pause_ms(text: &str, now: Timestamp) -> Option<i64> {
    let ms = match text.trim().parse::<i64>() {
        Ok(seconds) => seconds.saturating_mul(1_000),
        Err(_) => {
            let at = chrono::DateTime::parse_from_rfc2822(text.trim()).ok()?;
            Timestamp(at.timestamp_millis()).since_ms(now)
        }
    };
    (ms > 0).then(|| ms.min(RETRY_AFTER_MS_MAX))
}

/// Which kinds of address a URL may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Public,
    Private,
    Loopback,
}

impl Reach {
    /// What the URL itself asks for: this machine by its name or an address of its own, and the world otherwise.
    fn of(url: &Url, private_addresses: bool) -> Result<Reach, String> {
        let host = url.host_str().ok_or("a URL without a host")?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a URL with a user name or password in it".to_owned());
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let ip = bare.parse::<IpAddr>().ok();
        let loopback = bare == "localhost" || ip.is_some_and(|ip| kind(ip) == Kind::Loopback);
        let reach = match (loopback, private_addresses) {
            (true, _) => Reach::Loopback,
            (false, true) => Reach::Private,
            (false, false) => Reach::Public,
        };
        match url.scheme() {
            "https" => {}
            "http" if loopback => {}
            _ => return Err("plain http to another machine, which would send events in the clear".to_owned()),
        }
        match ip {
            Some(ip) if !reach.admits(ip) => Err(reach.refusal()),
            Some(_) | None => Ok(reach),
        }
    }

    fn admits(self, ip: IpAddr) -> bool {
        match (self, kind(ip)) {
            (Reach::Loopback, Kind::Loopback) | (Reach::Public | Reach::Private, Kind::Public) => true,
            (Reach::Private, Kind::Private) => true,
            (Reach::Public, Kind::Private)
            | (Reach::Loopback, Kind::Public | Kind::Private)
            | (Reach::Public | Reach::Private, Kind::Loopback)
            | (_, Kind::Nowhere) => false,
        }
    }

    fn refusal(self) -> String {
        match self {
            Reach::Public => "a private address or none of a host, and private_addresses is not set for it".to_owned(),
            Reach::Private => "an address of this machine, of the link or of a group".to_owned(),
            Reach::Loopback => "an address that is not this machine's".to_owned(),
        }
    }
}

/// Resolves names to addresses that may be spoken to. An address in the URL itself never comes here; [`Reach::of`] has looked
/// at it.
#[derive(Debug)]
struct Guarded(Reach);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let fine: Vec<SocketAddr> = found.filter(|address| reach.admits(address.ip())).collect();
            if fine.is_empty() {
                let why = format!("the name leads to {}", reach.refusal());
                return Err(Box::<dyn Error + Send + Sync>::from(why));
            }
            Ok(Box::new(fine.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(url: &str, private: bool) -> Result<Reach, String> {
        Reach::of(&Url::parse(url).unwrap(), private)
    }

    #[test]
    fn a_url_reaches_no_further_than_it_says() {
        assert_eq!(reach("https://hooks.example.com/x", false), Ok(Reach::Public));
        assert_eq!(reach("http://127.0.0.1:9/x", false), Ok(Reach::Loopback));
        assert_eq!(reach("http://localhost:9/x", true), Ok(Reach::Loopback));
        assert_eq!(reach("http://[::1]:9/x", false), Ok(Reach::Loopback));
        assert_eq!(reach("https://10.0.0.5/x", true), Ok(Reach::Private));
        for (url, private) in [
            ("http://hooks.example.com/x", true),
            ("https://10.0.0.5/x", false),
            ("https://169.254.169.254/x", true),
            ("https://[fe80::1]/x", true),
            ("https://[::ffff:169.254.169.254]/x", true),
            // The URL standard reads these as 169.254.169.254 and 10.0.0.1.
            ("https://0xa9fea9fe/x", true),
            ("https://10.1/x", false),
        ] {
            assert!(reach(url, private).is_err(), "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_not_spoken_to() {
        let of = |reach| Guarded(reach).resolve("localhost".parse().unwrap());
        let refused = of(Reach::Public).await.err().unwrap();
        assert!(refused.to_string().contains("private address"), "{refused}");
        assert!(of(Reach::Private).await.is_err());
        assert!(of(Reach::Loopback).await.unwrap().all(|address| address.ip().is_loopback()));
    }

    #[test]
    fn a_pause_that_is_asked_for_is_bounded() {
        let now = Timestamp(1_795_816_800_000);
        for (text, ms) in [
            ("7", Some(7_000)),
            (" 90000 ", Some(RETRY_AFTER_MS_MAX)),
            ("0", None),
            ("-5", None),
            ("soon", None),
            ("Fri, 27 Nov 2026 22:00:30 GMT", Some(30_000)),
            ("Fri, 27 Nov 2026 21:59:00 GMT", None),
        ] {
            assert_eq!(pause_ms(text, now), ms, "{text}");
        }
        assert_eq!(now.rfc3339(), "2026-11-27T22:00:00.000Z");
    }

    #[test]
    fn a_status_is_taken_gone_or_not_taken() {
        let said = |status| read(status, |name| (name == "retry-after").then_some("3"), Timestamp(0));
        for status in [200, 202, 204, 299] {
            assert_eq!(said(status), Answer::Taken);
        }
        assert_eq!(said(410), Answer::Gone);
        for status in [400, 401, 404, 429, 500, 503] {
            let expected = Answer::NotTaken { why: format!("HTTP {status}"), retry_after_ms: Some(3_000) };
            assert_eq!(said(status), expected);
        }
        assert!(matches!(said(302), Answer::NotTaken { why, retry_after_ms: None } if why.contains("redirects")));
    }
}
