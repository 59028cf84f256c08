//! The document that a hook reads and that a webhook posts: an event in the JSON format of CloudEvents 1.0.
//!
//! Must never: add anything to the data that it was given.

use serde_json::{Value, json};

use crate::words::clock::Timestamp;
use crate::words::hook::HookPoint;
use crate::words::id::RunId;

/// Where hooks hear that an event is from; a webhook names the installation, where it has an address.
pub const SOURCE: &str = "softlanding";

/// An event on its way to somebody outside.
#[derive(Debug, Clone, PartialEq)]
pub struct CloudEvent<'a> {
    /// The record in the journal that it is about; together they are its `id`, so that whoever sees a document twice can tell.
    pub record: (&'a RunId, u64),
    /// Who tells: a URI reference.
    pub source: &'a str,
    /// What happened; its `type` is `softlanding.<what>.v1`.
    pub what: &'a str,
    /// What it is about, such as a run or an agent's id.
    pub subject: &'a str,
    /// When it happened.
    pub at: Timestamp,
    /// All there is to know.
    pub data: Value,
}

impl CloudEvent<'_> {
    /// The document.
    #[must_use]
    pub fn document(self) -> Value {
        let (run, seq) = self.record;
        json!({
            "specversion": "1.0",
            "id": format!("{run}:{seq}"),
            "source": self.source,
            "type": format!("softlanding.{}.v1", self.what),
            "subject": self.subject,
            "time": self.at.rfc3339(),
            "datacontenttype": "application/json",
            "data": self.data,
        })
    }
}

/// What a hook reads at `point`; `subject` is what it is about, such as an agent's id.
#[must_use]
pub fn envelope(point: HookPoint, run: &RunId, subject: &str, at: Timestamp, seq: u64, data: Value) -> Value {
    CloudEvent { record: (run, seq), source: SOURCE, what: point.as_str(), subject, at, data }.document()
}
