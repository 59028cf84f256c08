//! One thing that happened, as a store keeps it.
//!
//! Must never: drop or repair a row that cannot be read.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::JournalError;
use crate::law::event::Record;
use crate::words::clock::Timestamp;
use crate::words::id::RunId;

/// The newest format of a stored record that this build can read; each record carries its own.
pub const RECORD_FORMAT: u32 = 1;

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
}

/// The events as the text that is stored.
pub(super) fn to_texts<E: Serialize>(run: &RunId, last_seq: u64, events: &[E]) -> Result<Vec<String>, JournalError> {
    (last_seq..)
        .zip(events)
        .map(|(before, event)| {
            serde_json::to_string(event).map_err(|source| JournalError::Unwritable {
                run: run.clone(),
                seq: before + 1,
                source,
            })
        })
        .collect()
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
