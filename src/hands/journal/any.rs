//! Either kind of store, so that the configuration decides which one a process works with.
//!
//! Must never: treat one kind differently from another.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Holder, Journal, JournalError, Lease, PostgresJournal, Record, RunSummary, SqliteJournal};
use crate::words::clock::Timestamp;
use crate::words::id::RunId;

/// A journal in whichever store is configured.
#[derive(Debug)]
pub enum AnyJournal {
    /// In a file.
    Sqlite(SqliteJournal),
    /// On a server.
    Postgres(PostgresJournal),
}

impl From<SqliteJournal> for AnyJournal {
    fn from(journal: SqliteJournal) -> Self {
        AnyJournal::Sqlite(journal)
    }
}

impl From<PostgresJournal> for AnyJournal {
    fn from(journal: PostgresJournal) -> Self {
        AnyJournal::Postgres(journal)
    }
}

impl AnyJournal {
    /// To be called before a process adds to a journal that it did not make: what is damaged is left as it is. A server
    /// looks after its own files.
    ///
    /// # Errors
    /// [`JournalError::Store`] when it is damaged.
    pub async fn verify(&self) -> Result<(), JournalError> {
        match self {
            AnyJournal::Sqlite(journal) => journal.verify().await,
            AnyJournal::Postgres(_) => Ok(()),
        }
    }
}

macro_rules! of_either {
    ($any:ident, $journal:ident => $work:expr) => {
        match $any {
            AnyJournal::Sqlite($journal) => $work.await,
            AnyJournal::Postgres($journal) => $work.await,
        }
    };
}

impl Journal for AnyJournal {
    async fn load<E: DeserializeOwned + Send>(&self, run: &RunId) -> Result<Vec<Record<E>>, JournalError> {
        of_either!(self, j => j.load(run))
    }
    async fn begin<E: Serialize + Sync>(&self, run: &RunId, at: Timestamp, events: &[E]) -> Result<u64, JournalError> {
        of_either!(self, j => j.begin(run, at, events))
    }
    async fn lead(&self, run: &RunId, holder: &Holder, for_ms: i64) -> Result<Option<Lease>, JournalError> {
        of_either!(self, j => j.lead(run, holder, for_ms))
    }
    async fn renew(&self, lease: &Lease, for_ms: i64) -> Result<(), JournalError> {
        of_either!(self, j => j.renew(lease, for_ms))
    }
    async fn release(&self, lease: &Lease) -> Result<(), JournalError> {
        of_either!(self, j => j.release(lease))
    }
    async fn append<E: Serialize + Sync>(
        &self,
        lease: &Lease,
        last_seq: u64,
        at: Timestamp,
        events: &[E],
        claim: Option<u32>,
    ) -> Result<u64, JournalError> {
        of_either!(self, j => j.append(lease, last_seq, at, events, claim))
    }
    async fn runs(&self) -> Result<Vec<RunSummary>, JournalError> {
        of_either!(self, j => j.runs())
    }
    async fn send<O: Serialize + Sync>(&self, run: &RunId, at: Timestamp, order: &O) -> Result<u64, JournalError> {
        of_either!(self, j => j.send(run, at, order))
    }
    async fn orders<O: DeserializeOwned + Send>(&self, run: &RunId) -> Result<Vec<(u64, O)>, JournalError> {
        of_either!(self, j => j.orders(run))
    }
    async fn waiting_orders(&self) -> Result<Vec<RunId>, JournalError> {
        of_either!(self, j => j.waiting_orders())
    }
    async fn dismiss(&self, run: &RunId, order: u64) -> Result<(), JournalError> {
        of_either!(self, j => j.dismiss(run, order))
    }
    async fn claims(&self, run: &RunId) -> Result<Vec<u32>, JournalError> {
        of_either!(self, j => j.claims(run))
    }
    async fn restore(
        &self,
        run: &RunId,
        records: &[Record<serde_json::Value>],
        claims: &[u32],
    ) -> Result<(), JournalError> {
        of_either!(self, j => j.restore(run, records, claims))
    }
    async fn forget(&self, run: &RunId) -> Result<(), JournalError> {
        of_either!(self, j => j.forget(run))
    }
}
