//! Checks recorded exchanges with the platform, or with the twin in its place, against the platform's published API.
//!
//! Must never: pass an exchange that it could not place.

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::openapi::{Description, Operation, Way};

/// What users report and the published API does not have (README, "reported mechanisms"). They may be asked for; their
/// refusals have to look like any other refusal.
const REPORTED: [(&str, &str); 3] = [
    ("POST", "/api/v2/authentication/refresh"),
    ("GET", "/api/v2/communications/webRTC"),
    ("POST", "/api/v2/users/bulk/export"),
];

/// How much of a URL is shown in a fault.
const URL_CHARS_MAX: usize = 150;

/// One request and its answer, as `GET /twin/exchanges` lists them.
#[derive(Debug, Clone, Deserialize)]
pub struct Exchange {
    /// E.g. `POST`.
    pub method: String,
    /// Path and query.
    pub url: String,
    /// Names of the request's headers, in lower case.
    #[serde(default)]
    pub headers: Vec<String>,
    /// The request's content type.
    #[serde(default)]
    pub content_type: Option<String>,
    /// The request's body.
    #[serde(default)]
    pub body: String,
    /// The answer's status.
    pub status: u16,
    /// Names of the answer's headers, in lower case.
    #[serde(default)]
    pub response_headers: Vec<String>,
    /// The answer's body.
    #[serde(default)]
    pub response_body: String,
}

/// What a check found.
#[derive(Debug, Default)]
pub struct Findings {
    /// What breaks the contract, one line each.
    pub faults: Vec<String>,
    /// The operations that were answered with 2xx, as the description writes them.
    pub served: BTreeSet<String>,
    /// The operations that were asked for, whatever the answer.
    pub asked: BTreeSet<String>,
    /// How many exchanges were of reported mechanisms, and so only looked at when refused.
    pub reported: usize,
}

/// Everything in the exchanges that breaks the contract; empty when nothing does.
pub fn check(exchanges: &[Value]) -> Vec<String> {
    findings(exchanges).faults
}

/// The same, with what was seen on the way.
pub fn findings(exchanges: &[Value]) -> Findings {
    let mut checker = Checker { description: Description::load(), found: Findings::default(), seen: BTreeSet::new() };
    for (number, value) in exchanges.iter().enumerate() {
        match serde_json::from_value::<Exchange>(value.clone()) {
            Ok(exchange) => checker.exchange(number, &exchange),
            Err(e) => checker.found.faults.push(format!("exchange {number} is not readable: {e}")),
        }
    }
    checker.found
}

struct Checker {
    description: Description,
    found: Findings,
    seen: BTreeSet<(String, String, String)>,
}

impl Checker {
    fn exchange(&mut self, number: usize, exchange: &Exchange) {
        let (path, query) = exchange.url.split_once('?').unwrap_or((&exchange.url, ""));
        let (method, status) = (&exchange.method, exchange.status);
        let mut faults = Vec::new();
        if REPORTED.contains(&(method, path)) {
            self.found.reported += 1;
            if status >= 400 {
                let schema = json!({ "$ref": "#/components/schemas/ErrorBody" });
                faults.extend(self.json("ErrorBody", &schema, Way::Answer, &exchange.response_body));
            }
        } else {
            match self.description.operation(method, path) {
                Err(reason) => faults.push(reason),
                Ok(operation) => {
                    self.found.asked.insert(operation.name.clone());
                    if (200..300).contains(&status) {
                        self.found.served.insert(operation.name.clone());
                    }
                    faults.extend(self.parameters(&operation, query));
                    faults.extend(self.request(&operation, exchange));
                    faults.extend(self.answer(&operation, exchange));
                }
            }
        }
        let url: String = exchange.url.chars().take(URL_CHARS_MAX).collect();
        for fault in faults {
            // The same fault in every entry of a list is one fault.
            if self.seen.insert((method.clone(), path.to_owned(), without_numbers(&fault))) {
                self.found.faults.push(format!("exchange {number}: {method} {url} -> {status}: {fault}"));
            }
        }
    }

    fn parameters(&mut self, operation: &Operation, query: &str) -> Vec<String> {
        let known = operation.about["parameters"].as_array().cloned().unwrap_or_default();
        let place = |place: &str| {
            let place = place.to_owned();
            known.iter().filter(move |p| p["in"] == place.as_str())
        };
        let mut faults = Vec::new();
        let given = pairs(query);
        for (name, _) in &given {
            if !place("query").any(|p| p["name"] == name.as_str()) {
                faults.push(format!("query: the parameter {name} is not in the published API"));
            }
        }
        for parameter in place("query").chain(place("path")) {
            let name = parameter["name"].as_str().expect("a name");
            let source = if parameter["in"] == "path" { &operation.path_values } else { &given };
            let values: Vec<&str> = source.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str()).collect();
            if values.is_empty() {
                if parameter["required"] == true {
                    faults.push(format!("query: the parameter {name} is required"));
                }
                continue;
            }
            let schema = &parameter["schema"];
            let is_list = schema["type"] == "array";
            if !is_list && values.len() > 1 {
                faults.push(format!("query: {name} is given {} times", values.len()));
            }
            // Lists come with the name repeated or with commas; the platform takes both.
            let value = match is_list {
                true => values.iter().flat_map(|v| v.split(',')).map(|v| scalar(&schema["items"], v)).collect(),
                false => scalar(schema, values[0]),
            };
            let key = format!("{} parameter {name}", operation.name);
            let wrong = self.description.faults(&key, schema, Way::Request, &value);
            faults.extend(wrong.into_iter().map(|w| format!("parameter {name}{w}")));
        }
        faults
    }

    fn request(&mut self, operation: &Operation, exchange: &Exchange) -> Vec<String> {
        let name = format!("{} request", operation.name);
        let login = operation.name.ends_with(" /oauth/token");
        let mut faults = Vec::new();
        if !login && exchange.status != 401 && !exchange.headers.iter().any(|h| h == "authorization") {
            faults.push("request: no Authorization header".to_owned());
        }
        let Some(about) = operation.about.get("requestBody") else {
            // The vendor's own SDK says "null" where it has nothing to say.
            if !["", "null"].contains(&exchange.body.as_str()) {
                faults.push("request: a body where the published API has none".to_owned());
            }
            return faults;
        };
        if exchange.body.is_empty() {
            if about["required"] == true {
                faults.push("request: the body is missing".to_owned());
            }
            return faults;
        }
        let media = exchange.content_type.as_deref().unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim();
        let Some(schema) = about["content"].get(media).map(|c| c["schema"].clone()) else {
            faults.push(format!("request: the content type {media:?} is not in the published API"));
            return faults;
        };
        if media == "application/x-www-form-urlencoded" {
            let form: Map<String, Value> =
                pairs(&exchange.body).into_iter().map(|(k, v)| (k, Value::from(v))).collect();
            let wrong = self.description.faults(&name, &schema, Way::Request, &Value::Object(form));
            faults.extend(wrong.into_iter().map(|w| format!("request {w}")));
        } else {
            faults.extend(self.json(&name, &schema, Way::Request, &exchange.body));
        }
        faults
    }

    fn answer(&mut self, operation: &Operation, exchange: &Exchange) -> Vec<String> {
        let status = exchange.status.to_string();
        let Some(about) = operation.about["responses"].get(&status) else {
            return vec![format!("answer: the status {status} is not in the published API")];
        };
        let about = self.description.resolve(about).clone();
        let mut faults = Vec::new();
        for header in about["headers"].as_object().into_iter().flat_map(Map::keys) {
            let header = header.to_lowercase();
            // Whether the rate-limit headers are always there is not settled; all others are promised.
            if !header.starts_with("inin-ratelimit-") && !exchange.response_headers.contains(&header) {
                faults.push(format!("answer: the header {header} is missing"));
            }
        }
        let schema = about["content"]["application/json"].get("schema");
        match (schema, exchange.response_body.is_empty()) {
            (None, true) => {}
            (None, false) => faults.push("answer: a body where the published API has none".to_owned()),
            (Some(_), true) => faults.push("answer: the body is missing".to_owned()),
            (Some(schema), false) => {
                let name = format!("{} answer {status}", operation.name);
                faults.extend(self.json(&name, schema, Way::Answer, &exchange.response_body));
            }
        }
        faults
    }

    fn json(&mut self, name: &str, schema: &Value, way: Way, body: &str) -> Vec<String> {
        let side = if way == Way::Request { "request" } else { "answer" };
        match serde_json::from_str::<Value>(body) {
            Err(e) => vec![format!("{side}: the body is not JSON: {e}")],
            Ok(value) => {
                let wrong = self.description.faults(name, schema, way, &value);
                wrong.into_iter().map(|w| format!("{side} {w}")).collect()
            }
        }
    }
}

/// A fault without the places in lists that it was found at.
fn without_numbers(fault: &str) -> String {
    fault.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// A query or a form as names and values.
fn pairs(text: &str) -> Vec<(String, String)> {
    let decode = |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
    let split = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (decode(name), decode(value))
    };
    text.split('&').filter(|part| !part.is_empty()).map(split).collect()
}

/// A parameter's text as the type that its schema has; the text itself when it is not of that type, to be refused.
fn scalar(schema: &Value, text: &str) -> Value {
    let read = match schema["type"].as_str() {
        Some("integer") => text.parse::<i64>().ok().map(Value::from),
        Some("boolean") => text.parse::<bool>().ok().map(Value::from),
        Some("number") => text.parse::<f64>().ok().map(Value::from),
        _ => None,
    };
    read.unwrap_or_else(|| Value::from(text))
}
