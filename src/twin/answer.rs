//! Answers as the platform gives them: JSON bodies, `ErrorBody`, paging (API.md section 3); and queries as they come.
//!
//! Must never: put a token into an error.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};

use super::shapes::Listing;

/// A handler's answer, before the common headers are added.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub status: u16,
    /// JSON text.
    pub body: Option<Vec<u8>>,
    pub headers: Vec<(&'static str, String)>,
}

impl Reply {
    pub fn ok(body: impl Serialize) -> Answer {
        Reply::json(200, body)
    }
    pub fn json(status: u16, body: impl Serialize) -> Answer {
        let body = serde_json::to_vec(&body).unwrap_or_default();
        Ok(Reply { status, body: Some(body), headers: Vec::new() })
    }
    pub fn empty(status: u16) -> Answer {
        Ok(Reply { status, body: None, headers: Vec::new() })
    }
}

/// A refusal: becomes an `ErrorBody`.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    pub status: u16,
    pub code: &'static str,
    pub message: String,
    pub params: Vec<(&'static str, String)>,
    pub headers: Vec<(&'static str, String)>,
}

pub(super) type Answer = Result<Reply, Problem>;

impl Problem {
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Problem {
        Problem { status, code, message: message.into(), params: Vec::new(), headers: Vec::new() }
    }
    pub fn bad(message: impl Into<String>) -> Problem {
        Problem::new(400, "bad.request", message)
    }
    pub fn not_found() -> Problem {
        Problem::new(404, "not.found", "The requested resource was not found.")
    }
    pub fn credentials() -> Problem {
        Problem::new(401, "bad.credentials", "Invalid login credentials.")
    }
    pub fn no_user() -> Problem {
        Problem::new(400, "not.a.user", "This request requires a user context. Client credentials cannot be used.")
    }
    pub fn unavailable() -> Problem {
        Problem::new(503, "service.unavailable", "The service is temporarily unavailable.")
    }
    pub fn conflict(message: impl Into<String>) -> Problem {
        Problem::new(409, "general.conflict", message)
    }
    /// A missing permission, named in the message and in its parameters.
    pub fn permission(any_of: &[&str]) -> Problem {
        let names = any_of.join(", ");
        let code = if any_of.len() == 1 { "missing.permissions" } else { "missing.any.permissions" };
        let message =
            format!("Unable to perform the requested action. You are missing the following permission(s): {names}");
        let mut problem = Problem::new(403, code, message);
        problem.params.push(("permissions", names));
        problem
    }
    /// The exact answer of API.md section 3.
    pub fn too_many(wait_s: i64) -> Problem {
        let message = format!("Rate limit exceeded the maximum. Retry the request in [{wait_s}] seconds");
        let mut problem = Problem::new(429, "too.many.requests.retry.after", message);
        problem.headers.push(("retry-after", wait_s.to_string()));
        problem
    }
    /// The refusal as the platform writes it.
    pub fn body(&self, correlation: &str) -> Value {
        let mut body = json!({
            "message": self.message,
            "code": self.code,
            "status": self.status,
            "contextId": correlation,
            "details": [],
            "errors": [],
        });
        if let (false, Some(map)) = (self.params.is_empty(), body.as_object_mut()) {
            let params: serde_json::Map<String, Value> =
                self.params.iter().map(|(k, v)| ((*k).to_owned(), Value::from(v.as_str()))).collect();
            map.insert("messageParams".to_owned(), Value::Object(params));
        }
        body
    }
}

/// A query string or a form, decoded.
#[derive(Debug, Default)]
pub(super) struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Query<'a> {
    pub fn parse(text: &'a str) -> Query<'a> {
        let pair = |part: &'a str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(name), decode(value))
        };
        Query(text.split('&').filter(|p| !p.is_empty()).map(pair).collect())
    }
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_ref())
    }
    /// A list: the name repeated, or one value with commas (API.md section 3).
    pub fn list(&self, name: &str) -> Vec<&str> {
        let values = self.0.iter().filter(|(n, _)| n == name);
        values.flat_map(|(_, v)| v.split(',')).map(str::trim).filter(|v| !v.is_empty()).collect()
    }
    pub fn flag(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }
    fn number(&self, name: &str, default: usize, max: usize) -> Result<usize, Problem> {
        let Some(text) = self.get(name) else { return Ok(default) };
        match text.parse::<usize>() {
            Ok(n) if (1..=max).contains(&n) => Ok(n),
            Ok(_) | Err(_) => {
                let message = format!("The value of {name} must be a number from 1 to {max}.");
                Err(Problem::new(400, "invalid.value", message))
            }
        }
    }
}

fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let spaced = text.replace('+', " ");
    Cow::Owned(percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}

/// One page of a list, in the paging style (a) of API.md section 3.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    pub size: usize,
    pub number: usize,
}

impl Page {
    pub fn of(query: &Query<'_>, size_max: usize) -> Result<Page, Problem> {
        Ok(Page {
            size: query.number("pageSize", 25.min(size_max), size_max)?,
            number: query.number("pageNumber", 1, 1_000_000)?,
        })
    }
    /// The listing's body; `entity` is called for the places of this page only.
    pub fn listing<T>(self, path: &str, total: usize, entity: impl FnMut(usize) -> T) -> Listing<T> {
        let pages = total.div_ceil(self.size);
        let uri = |number: usize| format!("{path}?pageSize={}&pageNumber={number}", self.size);
        Listing {
            entities: self.places(total).map(entity).collect(),
            page_size: self.size,
            page_number: self.number,
            total,
            page_count: pages,
            first_uri: uri(1),
            last_uri: uri(pages.max(1)),
            self_uri: uri(self.number),
            next_uri: (self.number < pages).then(|| uri(self.number + 1)),
            all_divs_permitted: None,
        }
    }
    /// The places of a list that this page covers.
    pub fn places(self, total: usize) -> std::ops::Range<usize> {
        let first = (self.number - 1).saturating_mul(self.size).min(total);
        first..first.saturating_add(self.size).min(total)
    }
}

/// A list of texts in a JSON body; `None` when it is absent or holds something else.
pub(super) fn texts<'v>(body: &'v Value, name: &str) -> Option<Vec<&'v str>> {
    body.get(name)?.as_array()?.iter().map(Value::as_str).collect()
}

/// Base64 (standard alphabet, padding optional), as in a Basic authorization; `None` for anything else.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut held, mut bits) = (0u32, 0u32);
    for c in text.trim_end_matches('=').bytes() {
        let six = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = (held << 6) | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_repeated_or_with_commas() {
        let query = Query::parse("id=a&id=b%2Cc&expand=x,y&name=two+words");
        assert_eq!(query.list("id"), ["a", "b", "c"]);
        assert_eq!(query.list("expand"), ["x", "y"]);
        assert_eq!(query.get("name"), Some("two words"));
        assert!(query.list("none").is_empty());
    }

    #[test]
    fn pages_cover_a_list_once() {
        let mut seen = Vec::new();
        for number in 1..=4 {
            let page = Page { size: 3, number };
            let body = serde_json::to_value(page.listing("/x", 8, |i| json!(i))).unwrap();
            seen.extend(body["entities"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap()));
            assert_eq!(body.get("nextUri").is_some(), number < 3);
            assert_eq!(body["pageCount"], 3);
        }
        assert_eq!(seen, (0..8).collect::<Vec<u64>>());
    }

    #[test]
    fn a_page_size_out_of_range_is_refused() {
        for text in ["pageSize=0", "pageSize=101", "pageSize=x", "pageNumber=0", "pageNumber=-1"] {
            assert_eq!(Page::of(&Query::parse(text), 100).unwrap_err().status, 400, "{text}");
        }
    }

    #[test]
    fn base64_as_in_a_basic_header() {
        assert_eq!(base64("c29mdGxhbmRpbmc6eA==").unwrap(), b"softlanding:x");
        assert_eq!(base64("YTo=").unwrap(), b"a:");
        assert!(base64("a b").is_none());
    }
}
