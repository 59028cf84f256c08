//! The way to an OpenTelemetry collector: OTLP over HTTP, in its JSON form.
//!
//! Must never: follow a redirect, wait longer than its bound, or keep what the collector writes.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, redirect, retry};
use serde_json::Value;

/// One batch may take so long, in ms of real time.
const SEND_MS_MAX: u64 = 5_000;

/// Sends to one collector.
#[derive(Debug, Clone)]
pub struct Otlp {
    client: Client,
    url: String,
}

/// Why a batch did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// The collector answers otherwise than with 200 to 299.
    #[error("the collector answers {0}")]
    Status(u16),
    /// Nothing came back.
    #[error("the collector cannot be reached: {0}")]
    Lost(String),
}

impl Otlp {
    /// For the collector at this URL, without a slash at its end.
    ///
    /// # Errors
    /// When the system gives no HTTP client.
    pub fn new(endpoint: &str) -> Result<Otlp, reqwest::Error> {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .timeout(Duration::from_millis(SEND_MS_MAX))
            .no_proxy()
            .build()?;
        Ok(Otlp { client, url: format!("{endpoint}/v1/traces") })
    }
    /// Hands a batch over.
    ///
    /// # Errors
    /// [`NotTaken`]; the batch may have arrived all the same.
    pub async fn send(&self, batch: &Value) -> Result<(), NotTaken> {
        let request = self.client.post(&self.url).header(CONTENT_TYPE, "application/json").body(batch.to_string());
        let answer = request.send().await.map_err(|e| NotTaken::Lost(e.without_url().to_string()))?;
        if answer.status().is_success() { Ok(()) } else { Err(NotTaken::Status(answer.status().as_u16())) }
    }
}
