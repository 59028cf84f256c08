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

    /// Whether the store takes what is written. Once a write has failed, of a run, an order or a lease, each call tries one that
    /// changes nothing, until one arrives; before that it asks nothing.
    ///
    /// # Errors
    /// [`JournalError::Store`] when it does not.
    pub async fn takes_writes(&self) -> Result<(), JournalError> {
        match self {
            AnyJournal::Sqlite(journal) => journal.takes_writes().await,
            AnyJournal::Postgres(journal) => journal.takes_writes().await,
        }
    }
}

/// Makes a journal of an enum whose kinds each hold one: every question goes to the one that is there.
macro_rules! forward {
    (@each $any:expr, $journal:ident => $ask:expr, $of:ident: $($kind:ident)+) => {
        match $any {
            $($of::$kind($journal) => $ask.await,)+
        }
    };
    ($any:ident: $($kind:ident)+) => {
        impl Journal for $any {
            async fn load_after<E: DeserializeOwned + Send>(
                &self,
                run: &RunId,
                seq: u64,
            ) -> Result<Vec<Record<E>>, JournalError> {
                forward!(@each self, j => j.load_after(run, seq), $any: $($kind)+)
            }
            async fn begin<E: Serialize + Sync>(&self, run: &RunId, at: Timestamp, events: &[E]) -> Result<u64, JournalError> {
                forward!(@each self, j => j.begin(run, at, events), $any: $($kind)+)
            }
            async fn lead(&self, run: &RunId, holder: &Holder, for_ms: i64) -> Result<Option<Lease>, JournalError> {
                forward!(@each self, j => j.lead(run, holder, for_ms), $any: $($kind)+)
            }
            async fn renew(&self, lease: &Lease, for_ms: i64) -> Result<(), JournalError> {
                forward!(@each self, j => j.renew(lease, for_ms), $any: $($kind)+)
            }
            async fn release(&self, lease: &Lease) -> Result<(), JournalError> {
                forward!(@each self, j => j.release(lease), $any: $($kind)+)
            }
            async fn append<E: Serialize + Sync>(
                &self,
                lease: &Lease,
                last_seq: u64,
                at: Timestamp,
                events: &[E],
                claim: Option<u32>,
            ) -> Result<u64, JournalError> {
                forward!(@each self, j => j.append(lease, last_seq, at, events, claim), $any: $($kind)+)
            }
            async fn runs(&self) -> Result<Vec<RunSummary>, JournalError> {
                forward!(@each self, j => j.runs(), $any: $($kind)+)
            }
            async fn send<O: Serialize + Sync>(&self, run: &RunId, at: Timestamp, order: &O) -> Result<u64, JournalError> {
                forward!(@each self, j => j.send(run, at, order), $any: $($kind)+)
            }
            async fn orders<O: DeserializeOwned + Send>(&self, run: &RunId) -> Result<Vec<(u64, O)>, JournalError> {
                forward!(@each self, j => j.orders(run), $any: $($kind)+)
            }
            async fn waiting_orders(&self) -> Result<Vec<RunId>, JournalError> {
                forward!(@each self, j => j.waiting_orders(), $any: $($kind)+)
            }
            async fn dismiss(&self, run: &RunId, order: u64) -> Result<(), JournalError> {
                forward!(@each self, j => j.dismiss(run, order), $any: $($kind)+)
            }
            async fn claims(&self, run: &RunId) -> Result<Vec<u32>, JournalError> {
                forward!(@each self, j => j.claims(run), $any: $($kind)+)
            }
            async fn restore(
                &self,
                run: &RunId,
                records: &[Record<serde_json::Value>],
                claims: &[u32],
            ) -> Result<(), JournalError> {
                forward!(@each self, j => j.restore(run, records, claims), $any: $($kind)+)
            }
            async fn forget(&self, run: &RunId) -> Result<(), JournalError> {
                forward!(@each self, j => j.forget(run), $any: $($kind)+)
            }
        }
    };
}
#[cfg(test)]
pub(super) use forward;

forward!(AnyJournal: Sqlite Postgres);
