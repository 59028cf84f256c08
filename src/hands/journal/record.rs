//! What a store keeps of an event and of an order, and how both become text and come back.
//!
//! Must never: drop or repair a row that cannot be read.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::JournalError;
use crate::law::event::Record;
use crate::words::clock::Timestamp;
use crate::words::id::RunId;

/// The newest format of a stored record that this build can read; each record carries its own. 2 added orders, drift, lateness
/// and when the publish left; 3 looks before the publish, what is pushed, preflights, pages, accounts of calls, and orders about
/// one agent. A journal of an older format is read as it is.
pub const RECORD_FORMAT: u32 = 3;

/// A run, as a list of runs shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSummary {
    /// The run.
    pub run: RunId,
    /// When its first event was recorded.
    pub created: Timestamp,
    /// The number of its last event.
    pub last_seq: u64,
    /// When its last event was recorded.
    pub last_at: Timestamp,
    /// The holder of its lease, if there is one that has not run out.
    pub leader: Option<String>,
}

/// The events as the text that is stored.
pub(super) fn to_texts<E: Serialize>(run: &RunId, last_seq: u64, events: &[E]) -> Result<Vec<String>, JournalError> {
    (last_seq..).zip(events).map(|(before, event)| to_text(run, || format!("record {}", before + 1), event)).collect()
}

/// The records of a whole run as what is stored of each: its time in milliseconds and its text.
pub(super) fn to_whole(
    run: &RunId,
    records: &[Record<serde_json::Value>],
) -> Result<(Vec<i64>, Vec<String>), JournalError> {
    let missing = |seq| JournalError::Corrupt { run: run.clone(), seq, why: "it is missing".to_owned() };
    if records.is_empty() {
        return Err(missing(1));
    }
    let mut whole = (Vec::with_capacity(records.len()), Vec::with_capacity(records.len()));
    for (due, record) in (1..).zip(records) {
        if record.seq != due {
            return Err(missing(due));
        }
        whole.0.push(record.at.0);
        whole.1.push(to_text(run, || format!("record {due}"), &record.event)?);
    }
    Ok(whole)
}

/// An order as the text that is stored.
pub(super) fn to_order_text<O: Serialize>(run: &RunId, order: &O) -> Result<String, JournalError> {
    to_text(run, || "an order".to_owned(), order)
}

fn to_text<T: Serialize>(run: &RunId, what: impl Fn() -> String, value: &T) -> Result<String, JournalError> {
    let unwritable = |source| JournalError::Unwritable { run: run.clone(), what: what(), source };
    serde_json::to_string(value).map_err(unwritable)
}

/// A stored row as a record: it has the number that is due, a format that is known and an event that can be read.
pub(super) fn to_record<E: DeserializeOwned>(
    run: &RunId,
    due: u64,
    (seq, at, format, text): (u64, Timestamp, u32, &str),
) -> Result<Record<E>, JournalError> {
    if seq != due {
        return Err(JournalError::Corrupt { run: run.clone(), seq: due, why: "it is missing".to_owned() });
    }
    if format > RECORD_FORMAT {
        return Err(JournalError::Newer { run: run.clone(), found: format, accepted: RECORD_FORMAT });
    }
    match serde_json::from_str(text) {
        Ok(event) => Ok(Record { seq, at, event }),
        Err(e) => Err(JournalError::Corrupt { run: run.clone(), seq, why: e.to_string() }),
    }
}

/// A stored row as an order.
pub(super) fn to_order<O: DeserializeOwned>(run: &RunId, order: u64, text: &str) -> Result<(u64, O), JournalError> {
    match serde_json::from_str(text) {
        Ok(read) => Ok((order, read)),
        Err(e) => Err(JournalError::BadOrder { run: run.clone(), order, why: e.to_string() }),
    }
}
