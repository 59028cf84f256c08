//! A journal in memory, for the simulation: it survives every crash of the process that is simulated around it.
//!
//! It stores JSON text as the real one does, so that an event that cannot be read back is found here too. Its clock
//! stands still until it is moved ([`MemoryJournal::set_clock`]).
//!
//! Must never: be used for a real run.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::lease::bounded;
use super::record::{to_order, to_order_text, to_record, to_texts, to_whole};
use super::{Holder, Journal, JournalError, Lease, RECORD_FORMAT, Record, RunSummary};
use crate::words::clock::Timestamp;
use crate::words::id::RunId;

/// A journal that lives as long as its value. Cloning takes a snapshot: the two go separate ways from there.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    state: Mutex<State>,
}

#[derive(Debug, Default, Clone)]
struct State {
    clock: Timestamp,
    runs: BTreeMap<RunId, Story>,
    claims: HashSet<(RunId, u32)>,
    orders: BTreeMap<(RunId, u64), Arc<str>>,
    last_order: u64,
}

/// All that is kept of one run.
#[derive(Debug, Default, Clone)]
struct Story {
    rows: Vec<Row>,
    holder: Option<Holder>,
    fence: u64,
    leased_until: Timestamp,
}

#[derive(Debug, Clone)]
struct Row {
    at: Timestamp,
    text: Arc<str>,
}

impl Story {
    /// Who leads at `now`.
    fn leader(&self, now: Timestamp) -> Option<&Holder> {
        self.holder.as_ref().filter(|_| self.leased_until > now)
    }
}

impl State {
    fn story(&mut self, run: &RunId) -> Result<&mut Story, JournalError> {
        self.runs.get_mut(run).ok_or_else(|| JournalError::NotFound { run: run.clone() })
    }

    /// The run of a lease that has neither run out nor passed on.
    fn led(&mut self, lease: &Lease) -> Result<&mut Story, JournalError> {
        let now = self.clock;
        let story = self.story(&lease.run)?;
        let leader = story.leader(now);
        if leader == Some(&lease.holder) && story.fence == lease.fence {
            return Ok(story);
        }
        Err(JournalError::LeaseLost { run: lease.run.clone(), by: leader.map(Holder::to_string) })
    }
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

    /// Moves the store's clock, by which leases run out.
    pub fn set_clock(&self, now: Timestamp) {
        self.with(|state| state.clock = now);
    }

    /// [`Journal::load`], at once.
    ///
    /// # Errors
    /// As [`Journal::load`].
    pub fn load_now<E: DeserializeOwned>(&self, run: &RunId) -> Result<Vec<Record<E>>, JournalError> {
        self.load_after_now(run, 0)
    }

    fn load_after_now<E: DeserializeOwned>(&self, run: &RunId, after: u64) -> Result<Vec<Record<E>>, JournalError> {
        self.with(|state| {
            let numbered = (1..).zip(&state.story(run)?.rows).skip_while(|(seq, _)| *seq <= after);
            numbered.map(|(seq, row)| to_record(run, seq, (seq, row.at, RECORD_FORMAT, &row.text))).collect()
        })
    }

    /// [`Journal::begin`], at once.
    ///
    /// # Errors
    /// As [`Journal::begin`].
    pub fn begin_now<E: Serialize>(&self, run: &RunId, at: Timestamp, events: &[E]) -> Result<u64, JournalError> {
        let texts = to_texts(run, 0, events)?;
        self.with(|state| {
            if state.runs.contains_key(run) {
                return Err(JournalError::Exists { run: run.clone() });
            }
            if !texts.is_empty() {
                state.runs.insert(run.clone(), Story { rows: rows(at, texts).collect(), ..Story::default() });
            }
            Ok(events.len() as u64)
        })
    }

    /// [`Journal::lead`], at once.
    ///
    /// # Errors
    /// As [`Journal::lead`].
    pub fn lead_now(&self, run: &RunId, holder: &Holder, for_ms: i64) -> Result<Option<Lease>, JournalError> {
        self.with(|state| {
            let now = state.clock;
            let story = state.story(run)?;
            if story.leader(now).is_some_and(|leader| leader != holder) {
                return Ok(None);
            }
            story.holder = Some(holder.clone());
            story.fence += 1;
            story.leased_until = now + bounded(for_ms);
            Ok(Some(Lease { run: run.clone(), holder: holder.clone(), fence: story.fence }))
        })
    }

    /// [`Journal::renew`], at once.
    ///
    /// # Errors
    /// As [`Journal::renew`].
    pub fn renew_now(&self, lease: &Lease, for_ms: i64) -> Result<(), JournalError> {
        self.with(|state| {
            let until = state.clock + bounded(for_ms);
            state.led(lease)?.leased_until = until;
            Ok(())
        })
    }

    /// [`Journal::release`], at once.
    pub fn release_now(&self, lease: &Lease) {
        self.with(|state| {
            if let Ok(story) = state.led(lease) {
                story.holder = None;
            }
        });
    }

    /// [`Journal::append`], at once.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn append_now<E: Serialize>(
        &self,
        lease: &Lease,
        last_seq: u64,
        at: Timestamp,
        events: &[E],
        claim: Option<u32>,
    ) -> Result<u64, JournalError> {
        let run = &lease.run;
        let texts = to_texts(run, last_seq, events)?;
        self.with(|state| {
            let found_seq = state.led(lease)?.rows.len() as u64;
            if found_seq != last_seq {
                return Err(JournalError::Conflict { run: run.clone(), expected_seq: last_seq, found_seq });
            }
            if let Some(attempt) = claim
                && !state.claims.insert((run.clone(), attempt))
            {
                return Err(JournalError::ClaimTaken { run: run.clone(), attempt });
            }
            state.story(run)?.rows.extend(rows(at, texts));
            Ok(last_seq + events.len() as u64)
        })
    }

    /// [`Journal::runs`], at once.
    #[must_use]
    pub fn runs_now(&self) -> Vec<RunSummary> {
        let mut runs: Vec<RunSummary> = self.with(|state| {
            let told = state.runs.iter().filter(|(run, _)| !run.is_calendar());
            told.filter_map(|(run, story)| summary(run, story, state.clock)).collect()
        });
        runs.sort_by(|a, b| (a.created, &a.run).cmp(&(b.created, &b.run)));
        runs
    }

    /// [`Journal::send`], at once.
    ///
    /// # Errors
    /// As [`Journal::send`].
    pub fn send_now<O: Serialize>(&self, run: &RunId, order: &O) -> Result<u64, JournalError> {
        let text = to_order_text(run, order)?;
        self.with(|state| {
            state.story(run)?;
            state.last_order += 1;
            state.orders.insert((run.clone(), state.last_order), Arc::from(text));
            Ok(state.last_order)
        })
    }

    /// [`Journal::orders`], at once.
    ///
    /// # Errors
    /// As [`Journal::orders`].
    pub fn orders_now<O: DeserializeOwned>(&self, run: &RunId) -> Result<Vec<(u64, O)>, JournalError> {
        self.with(|state| {
            let pending = state.orders.range((run.clone(), 0)..=(run.clone(), u64::MAX));
            pending.map(|((_, order), text)| to_order(run, *order, text)).collect()
        })
    }

    /// [`Journal::waiting_orders`], at once.
    #[must_use]
    pub fn waiting_orders_now(&self) -> Vec<RunId> {
        let mut runs: Vec<RunId> = self.with(|state| state.orders.keys().map(|(run, _)| run.clone()).collect());
        runs.dedup();
        runs
    }

    /// [`Journal::dismiss`], at once.
    pub fn dismiss_now(&self, run: &RunId, order: u64) {
        self.with(|state| state.orders.remove(&(run.clone(), order)));
    }

    /// [`Journal::claims`], at once.
    ///
    /// # Errors
    /// As [`Journal::claims`].
    pub fn claims_now(&self, run: &RunId) -> Result<Vec<u32>, JournalError> {
        self.with(|state| {
            state.story(run)?;
            let mut claims: Vec<u32> = state.claims.iter().filter(|(of, _)| of == run).map(|(_, n)| *n).collect();
            claims.sort_unstable();
            Ok(claims)
        })
    }

    /// [`Journal::restore`], at once.
    ///
    /// # Errors
    /// As [`Journal::restore`].
    pub fn restore_now(
        &self,
        run: &RunId,
        records: &[Record<serde_json::Value>],
        claims: &[u32],
    ) -> Result<(), JournalError> {
        let (ats, texts) = to_whole(run, records)?;
        self.with(|state| {
            if state.runs.contains_key(run) {
                return Err(JournalError::Exists { run: run.clone() });
            }
            let rows = ats.into_iter().zip(texts).map(|(at, text)| Row { at: Timestamp(at), text: Arc::from(text) });
            state.runs.insert(run.clone(), Story { rows: rows.collect(), ..Story::default() });
            state.claims.extend(claims.iter().map(|attempt| (run.clone(), *attempt)));
            Ok(())
        })
    }

    /// [`Journal::forget`], at once.
    ///
    /// # Errors
    /// As [`Journal::forget`].
    pub fn forget_now(&self, run: &RunId) -> Result<(), JournalError> {
        self.with(|state| {
            let now = state.clock;
            if let Some(by) = state.story(run)?.leader(now) {
                return Err(JournalError::Led { run: run.clone(), by: by.to_string() });
            }
            state.runs.remove(run);
            state.claims.retain(|(of, _)| of != run);
            state.orders.retain(|(of, _), _| of != run);
            Ok(())
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        // Nothing in `work` leaves the state half changed, so a panic elsewhere does not spoil it.
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    #[cfg(test)]
    pub(super) fn damage(&self, run: &RunId, seq: u64, text: &str) {
        self.with(|state| state.runs.get_mut(run).unwrap().rows[seq as usize - 1].text = Arc::from(text));
    }
}

fn rows(at: Timestamp, texts: Vec<String>) -> impl Iterator<Item = Row> {
    texts.into_iter().map(move |text| Row { at, text: Arc::from(text) })
}

fn summary(run: &RunId, story: &Story, now: Timestamp) -> Option<RunSummary> {
    let (first, last) = story.rows.first().zip(story.rows.last())?;
    Some(RunSummary {
        run: run.clone(),
        created: first.at,
        last_seq: story.rows.len() as u64,
        last_at: last.at,
        leader: story.leader(now).map(Holder::to_string),
    })
}

impl Journal for MemoryJournal {
    async fn load_after<E: DeserializeOwned + Send>(
        &self,
        run: &RunId,
        seq: u64,
    ) -> Result<Vec<Record<E>>, JournalError> {
        self.load_after_now(run, seq)
    }
    async fn begin<E: Serialize + Sync>(&self, run: &RunId, at: Timestamp, events: &[E]) -> Result<u64, JournalError> {
        self.begin_now(run, at, events)
    }
    async fn lead(&self, run: &RunId, holder: &Holder, for_ms: i64) -> Result<Option<Lease>, JournalError> {
        self.lead_now(run, holder, for_ms)
    }
    async fn renew(&self, lease: &Lease, for_ms: i64) -> Result<(), JournalError> {
        self.renew_now(lease, for_ms)
    }
    async fn release(&self, lease: &Lease) -> Result<(), JournalError> {
        self.release_now(lease);
        Ok(())
    }
    async fn append<E: Serialize + Sync>(
        &self,
        lease: &Lease,
        last_seq: u64,
        at: Timestamp,
        events: &[E],
        claim: Option<u32>,
    ) -> Result<u64, JournalError> {
        self.append_now(lease, last_seq, at, events, claim)
    }
    async fn runs(&self) -> Result<Vec<RunSummary>, JournalError> {
        Ok(self.runs_now())
    }
    async fn send<O: Serialize + Sync>(&self, run: &RunId, _at: Timestamp, order: &O) -> Result<u64, JournalError> {
        self.send_now(run, order)
    }
    async fn orders<O: DeserializeOwned + Send>(&self, run: &RunId) -> Result<Vec<(u64, O)>, JournalError> {
        self.orders_now(run)
    }
    async fn waiting_orders(&self) -> Result<Vec<RunId>, JournalError> {
        Ok(self.waiting_orders_now())
    }
    async fn dismiss(&self, run: &RunId, order: u64) -> Result<(), JournalError> {
        self.dismiss_now(run, order);
        Ok(())
    }
    async fn claims(&self, run: &RunId) -> Result<Vec<u32>, JournalError> {
        self.claims_now(run)
    }
    async fn restore(
        &self,
        run: &RunId,
        records: &[Record<serde_json::Value>],
        claims: &[u32],
    ) -> Result<(), JournalError> {
        self.restore_now(run, records, claims)
    }
    async fn forget(&self, run: &RunId) -> Result<(), JournalError> {
        self.forget_now(run)
    }
}
