//! A journal in memory, for the simulation: it survives every crash of the process that is simulated around it.
//!
//! It stores JSON text as the real one does, so that an event that cannot be read back is found here too.
//!
//! Must never: be used for a real run.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::record::{to_record, to_texts};
use super::{Journal, JournalError, RECORD_FORMAT, Record, RunSummary};
use crate::words::clock::Timestamp;
use crate::words::id::RunId;

/// A journal that lives as long as its value. Cloning takes a snapshot: the two go separate ways from there.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    state: Mutex<State>,
}

#[derive(Debug, Default, Clone)]
struct State {
    runs: BTreeMap<RunId, Vec<Row>>,
    claims: HashSet<(RunId, u32)>,
}

#[derive(Debug, Clone)]
struct Row {
    at: Timestamp,
    text: Arc<str>,
}

impl Clone for MemoryJournal {
    fn clone(&self) -> Self {
        MemoryJournal { state: Mutex::new(self.with(|state| state.clone())) }
    }
}

impl MemoryJournal {
    /// An empty journal.
    #[must_use]
    pub fn new() -> MemoryJournal {
        MemoryJournal::default()
    }

    /// [`Journal::load`], at once.
    ///
    /// # Errors
    /// As [`Journal::load`].
    pub fn load_now<E: DeserializeOwned>(&self, run: &RunId) -> Result<Vec<Record<E>>, JournalError> {
        self.with(|state| {
            let rows = state.runs.get(run).ok_or_else(|| JournalError::NotFound { run: run.clone() })?;
            (1..).zip(rows).map(|(seq, row)| to_record(run, seq, (seq, row.at, RECORD_FORMAT, &row.text))).collect()
        })
    }

    /// [`Journal::append`], at once.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn append_now<E: Serialize>(
        &self,
        run: &RunId,
        last_seq: u64,
        at: Timestamp,
        events: &[E],
        claim: Option<u32>,
    ) -> Result<u64, JournalError> {
        let texts = to_texts(run, last_seq, events)?;
        self.with(|state| {
            let found_seq = state.runs.get(run).map_or(0, |rows| rows.len() as u64);
            if found_seq != last_seq {
                return Err(JournalError::Conflict { run: run.clone(), expected_seq: last_seq, found_seq });
            }
            if let Some(attempt) = claim
                && !state.claims.insert((run.clone(), attempt))
            {
                return Err(JournalError::ClaimTaken { run: run.clone(), attempt });
            }
            if !texts.is_empty() {
                let rows = texts.into_iter().map(|text| Row { at, text: Arc::from(text) });
                state.runs.entry(run.clone()).or_default().extend(rows);
            }
            Ok(last_seq + events.len() as u64)
        })
    }

    /// [`Journal::runs`], at once.
    #[must_use]
    pub fn runs_now(&self) -> Vec<RunSummary> {
        let mut runs: Vec<RunSummary> = self.with(|state| {
            let summary = |(run, rows): (&RunId, &Vec<Row>)| {
                let (first, last) = rows.first().zip(rows.last())?;
                Some(RunSummary { run: run.clone(), created: first.at, last_seq: rows.len() as u64, last_at: last.at })
            };
            state.runs.iter().filter_map(summary).collect()
        });
        runs.sort_by(|a, b| (a.created, &a.run).cmp(&(b.created, &b.run)));
        runs
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        // Nothing in `work` leaves the state half changed, so a panic elsewhere does not spoil it.
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    #[cfg(test)]
    pub(super) fn damage(&self, run: &RunId, seq: u64, text: &str) {
        self.with(|state| state.runs.get_mut(run).unwrap()[seq as usize - 1].text = Arc::from(text));
    }
}

impl Journal for MemoryJournal {
    async fn load<E: DeserializeOwned + Send>(&self, run: &RunId) -> Result<Vec<Record<E>>, JournalError> {
        self.load_now(run)
    }
    async fn append<E: Serialize + Sync>(
        &self,
        run: &RunId,
        last_seq: u64,
        at: Timestamp,
        events: &[E],
        claim: Option<u32>,
    ) -> Result<u64, JournalError> {
        self.append_now(run, last_seq, at, events, claim)
    }
    async fn runs(&self) -> Result<Vec<RunSummary>, JournalError> {
        Ok(self.runs_now())
    }
}
