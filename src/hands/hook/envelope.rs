//! The document that a hook reads: an event in the JSON format of CloudEvents 1.0.
//!
//! Must never: add anything to the data that it was given.

use serde_json::{Value, json};

use crate::words::clock::Timestamp;
use crate::words::hook::HookPoint;
use crate::words::id::RunId;

/// The envelope around `data`. `id` is `run:seq`, so that a hook which sees a document twice can tell; `subject` is what
/// the event is about, such as an agent's id.
#[must_use]
pub fn envelope(point: HookPoint, run: &RunId, subject: &str, at: Timestamp, seq: u64, data: Value) -> Value {
    json!({
        "specversion": "1.0",
        "id": format!("{run}:{seq}"),
        "source": "softlanding",
        "type": format!("softlanding.{point}.v1"),
        "subject": subject,
        "time": at.rfc3339(),
        "datacontenttype": "application/json",
        "data": data,
    })
}
