//! Scrapes of a `serve`, kept as the series that Prometheus would have of it.

use std::collections::{BTreeMap, BTreeSet};

use softlanding::words::clock::{Clock, Timestamp};

use super::promtool::REPEAT;

/// The org's time between two scrapes.
pub const EVERY_MS: i64 = 15_000;
/// The labels that Prometheus adds to whatever it scrapes.
const TARGET: &str = "job=\"softlanding\",instance=\"test\"";

/// One answer in the text format.
pub async fn scrape(address: &str) -> Option<String> {
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = http.get(format!("http://{address}/metrics")).send().await.ok()?;
    assert_eq!(answer.status().as_u16(), 200, "{REPEAT}");
    let kind = answer.headers()["content-type"].to_str().expect("text").to_owned();
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}; {REPEAT}");
    Some(answer.text().await.expect("a text"))
}

/// The samples of a text: name, labels without their braces, value.
pub fn samples(text: &str) -> impl Iterator<Item = (&str, &str, f64)> {
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(|line| {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        (name, labels.trim_end_matches('}'), value.parse().expect("a number"))
    })
}

/// What a Prometheus would hold that began to scrape at `origin`.
pub struct Series {
    origin: Timestamp,
    scrapes: usize,
    held: BTreeMap<String, Vec<Option<f64>>>,
    /// The newest text.
    pub newest: String,
}

impl Series {
    /// Nothing yet.
    pub fn since(origin: Timestamp) -> Series {
        Series { origin, scrapes: 0, held: BTreeMap::new(), newest: String::new() }
    }
    /// Scrapes until `upto` on the org's clock, once every so often of its time.
    pub async fn record(&mut self, clock: Clock, address: &str, upto: Timestamp) {
        while self.due() <= upto {
            clock.sleep_until(self.due()).await;
            let text = scrape(address).await.unwrap_or_else(|| panic!("nobody answers; {REPEAT}"));
            self.take(&text);
        }
    }
    /// Nobody answers until `upto`.
    pub fn down(&mut self, upto: Timestamp) {
        while self.due() <= upto {
            self.put("up", "", 0.0);
            self.scrapes += 1;
        }
    }
    /// How many minutes have been recorded.
    pub fn minutes(&self) -> i64 {
        (self.scrapes as i64 - 1) * EVERY_MS / 60_000
    }
    /// The names of all that was ever there.
    pub fn names(&self) -> BTreeSet<&str> {
        self.held.keys().filter_map(|series| series.split('{').next()).collect()
    }
    fn due(&self) -> Timestamp {
        self.origin + self.scrapes as i64 * EVERY_MS
    }
    fn take(&mut self, text: &str) {
        text.clone_into(&mut self.newest);
        for (name, labels, value) in samples(text) {
            // In a test of rules time begins at 0, so instants of the org's clock are counted from its first scrape.
            let is_instant = name.starts_with("softlanding_") && name.ends_with("_timestamp_seconds");
            let value = if is_instant { value - self.origin.0 as f64 / 1_000.0 } else { value };
            self.put(name, labels, value);
        }
        self.put("up", "", 1.0);
        self.scrapes += 1;
    }
    fn put(&mut self, name: &str, labels: &str, value: f64) {
        let comma = if labels.is_empty() { "" } else { "," };
        let values = self.held.entry(format!("{name}{{{labels}{comma}{TARGET}}}")).or_default();
        values.resize(self.scrapes, None);
        values.push(Some(value));
    }
    /// The same as `input_series` of a test of rules, in JSON, which is YAML as well.
    pub fn input(&self) -> serde_json::Value {
        let line = |values: &Vec<Option<f64>>| {
            let mut values = values.clone();
            // A series that ends is marked as ended, as Prometheus does at the next scrape.
            if values.len() < self.scrapes {
                values.push(None);
            }
            let word = |(at, value): (usize, &Option<f64>)| match value {
                Some(value) => value.to_string(),
                None if at > 0 && values.get(at - 1).is_some_and(Option::is_some) => "stale".to_owned(),
                None => "_".to_owned(),
            };
            values.iter().enumerate().map(word).collect::<Vec<_>>().join(" ")
        };
        let series =
            self.held.iter().map(|(name, values)| serde_json::json!({ "series": name, "values": line(values) }));
        series.collect()
    }
}
