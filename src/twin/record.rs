//! What was asked and answered, for contract tests: requests to `/api/v2` and `/oauth` with their answers.
//!
//! Must never: keep a token or a secret; header values are not kept at all, but for the content type.

use serde::{Deserialize, Serialize};

use crate::words::clock::Timestamp;
use crate::words::http::{Request, Response};

/// One request and its answer, without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// When it was answered.
    pub at: Timestamp,
    /// The method, e.g. `POST`.
    pub method: String,
    /// Path and query.
    pub url: String,
    /// Names of the request's headers.
    pub headers: Vec<String>,
    /// The request's content type.
    pub content_type: Option<String>,
    /// The request's body; tokens read `[secret]`.
    pub body: String,
    /// The answer's status.
    pub status: u16,
    /// Names of the answer's headers.
    pub response_headers: Vec<String>,
    /// The answer's body; tokens read `[secret]`.
    pub response_body: String,
}

/// Keeps the first exchanges, up to a bound.
#[derive(Debug)]
pub(super) struct Recorder {
    max: usize,
    exchanges: Vec<Exchange>,
}

impl Recorder {
    pub fn new(max: usize) -> Recorder {
        Recorder { max, exchanges: Vec::new() }
    }
    pub fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }
    pub fn record(&mut self, at: Timestamp, request: &Request, response: &Response) {
        let path = request.path();
        let meant = path.starts_with("/api/v2/") || path.starts_with("/oauth/");
        if !meant || self.exchanges.len() >= self.max {
            return;
        }
        let url = if request.query().is_empty() { path.to_owned() } else { format!("{path}?{}", request.query()) };
        let names = |headers: &[(String, String)]| headers.iter().map(|(name, _)| name.clone()).collect();
        self.exchanges.push(Exchange {
            at,
            method: request.method.as_str().to_owned(),
            url: redact(&url),
            headers: names(&request.headers),
            content_type: request.header_value("content-type").map(str::to_owned),
            body: redact(&String::from_utf8_lossy(&request.body)),
            status: response.status,
            response_headers: names(&response.headers),
            response_body: redact(&String::from_utf8_lossy(&response.body)),
        });
    }
}

/// How every token and every client secret of a twin begins, as it is and in a form.
const STARTS: [&str; 2] = ["twin-", "twin%2D"];

/// The text with every token of a twin replaced.
fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = STARTS.iter().filter_map(|start| rest.find(start)).min() {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let end = after.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '%')).unwrap_or(after.len());
        let (word, next) = after.split_at(end);
        out.push_str(if secret(word) { "[secret]" } else { word });
        rest = next;
    }
    out.push_str(rest);
    out
}

/// Whether a word is a token, not the path of an upload or a download.
fn secret(word: &str) -> bool {
    !matches!(word, "twin-upload" | "twin-download")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_replaced_and_nothing_else() {
        let text =
            r#"{"access_token":"twin-access-3-00ff","refresh_token":"twin-refresh-1-2-aa","url":"/twin-upload/7-ab"}"#;
        let told = redact(text);
        assert_eq!(told, r#"{"access_token":"[secret]","refresh_token":"[secret]","url":"/twin-upload/7-ab"}"#);
        assert_eq!(redact("code=twin%2Dcode%2D00&x=1 twin-app-secret"), "code=[secret]&x=1 [secret]");
        assert_eq!(redact("é twin-app-secret é"), "é [secret] é");
    }
}
