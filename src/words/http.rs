//! HTTP as values: what the client asks and the twin answers, whether a socket lies between them or not.
//!
//! Must never: show a header's value or a body in `Debug`; both carry tokens.

use std::fmt;

/// The methods that the platform's API uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Reads the head only.
    Head,
    /// Creates or acts.
    Post,
    /// Replaces.
    Put,
    /// Changes in part.
    Patch,
    /// Removes.
    Delete,
    /// Asks what is allowed (browsers do, across origins).
    Options,
}

impl Method {
    /// The method as it stands in the request line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
            Method::Options => "OPTIONS",
        }
    }
    /// Whether a request with it changes nothing (RFC 9110, section 9.2.1: safe).
    #[must_use]
    pub fn only_reads(self) -> bool {
        match self {
            Method::Get | Method::Head | Method::Options => true,
            Method::Post | Method::Put | Method::Patch | Method::Delete => false,
        }
    }
    /// Reads a method's name; `None` for one that the API never uses.
    #[must_use]
    pub fn parse(name: &str) -> Option<Method> {
        use Method::{Delete, Get, Head, Options, Patch, Post, Put};
        [Get, Head, Post, Put, Patch, Delete, Options].into_iter().find(|m| m.as_str() == name)
    }
}

/// A request: absolute URL, headers in order, body.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// What to do.
    pub method: Method,
    /// Where: `scheme://host[:port]/path?query`, already percent-encoded.
    pub url: String,
    /// Header names (lower case) and values.
    pub headers: Vec<(String, String)>,
    /// The body; empty when there is none.
    pub body: Vec<u8>,
}

impl Request {
    /// A request without headers or body.
    #[must_use]
    pub fn new(method: Method, url: impl Into<String>) -> Request {
        Request { method, url: url.into(), headers: Vec::new(), body: Vec::new() }
    }
    /// The same with one more header; `name` in lower case.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Request {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
    /// The same with a JSON body and its content type.
    #[must_use]
    pub fn json(self, body: &serde_json::Value) -> Request {
        let mut request = self.header("content-type", "application/json");
        request.body = body.to_string().into_bytes();
        request
    }
    /// The value of a header, `name` in lower case.
    #[must_use]
    pub fn header_value(&self, name: &str) -> Option<&str> {
        value(&self.headers, name)
    }
    /// The path of the URL, without host and query.
    #[must_use]
    pub fn path(&self) -> &str {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, r)| r);
        let path = rest.find('/').map_or("/", |at| &rest[at..]);
        path.split(['?', '#']).next().unwrap_or("/")
    }
    /// The query of the URL without its `?`; empty when there is none.
    #[must_use]
    pub fn query(&self) -> &str {
        self.url.split_once('?').map_or("", |(_, query)| query)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({} bytes)", self.method.as_str(), self.path(), self.body.len())
    }
}

/// An answer: status, headers, body.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status, 100 to 599.
    pub status: u16,
    /// Header names (lower case) and values.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

impl Response {
    /// An answer without headers or body.
    #[must_use]
    pub fn new(status: u16) -> Response {
        Response { status, headers: Vec::new(), body: Vec::new() }
    }
    /// The same with one more header; `name` in lower case.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Response {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
    /// The same with a JSON body and its content type.
    #[must_use]
    pub fn json(self, body: &serde_json::Value) -> Response {
        let mut response = self.header("content-type", "application/json");
        response.body = body.to_string().into_bytes();
        response
    }
    /// The value of a header, `name` in lower case.
    #[must_use]
    pub fn header_value(&self, name: &str) -> Option<&str> {
        value(&self.headers, name)
    }
    /// The body as JSON; `Null` when it is not JSON.
    #[must_use]
    pub fn value(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.status, self.body.len())
    }
}

fn value<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
}

/// No answer came. What that means for the request is all that matters here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// The request never left: the connection could not be made. It had no effect.
    #[error("could not connect: {0}")]
    NotSent(String),
    /// The request may have arrived and may have had its effect.
    #[error("no answer: {0}")]
    NoAnswer(String),
}
