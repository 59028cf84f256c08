//! The journal on a PostgreSQL server, for several processes on several machines.
//!
//! Every write is one statement, so that a process that is stopped in the middle never holds a lock over an open
//! transaction: the next leader need not wait for it. Time is the server's `clock_timestamp()`, which goes on while a
//! statement waits for a lock.
//!
//! Must never: read a time anywhere but on the server, or split a write in two.

mod care;
mod history;
mod lease;
mod orders;
pub(in crate::hands) mod schema;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::doubt::Doubt;
use super::{Holder, Journal, JournalError, Lease, Record, RunSummary};
use crate::hands::postgres::{IfEmpty, Patience, Server};
use crate::words::clock::Timestamp;
use crate::words::id::RunId;
use crate::words::secret::Secret;

/// A journal in a PostgreSQL database (12 or newer). Any number of processes may share it.
#[derive(Debug)]
pub struct PostgresJournal {
    server: Box<Server>,
    doubt: Doubt,
}

impl PostgresJournal {
    /// Connects to the database at `url` (`postgres://USER@HOST:PORT/DATABASE`, with `?sslmode=…` and the like) and
    /// makes the tables, or brings them up to date. `password` goes before one in the address.
    ///
    /// # Errors
    /// [`JournalError::Store`] when the server cannot be reached or refuses, the database is something else's, or from
    /// a newer softlanding.
    pub async fn connect(url: &str, password: Option<Secret>) -> Result<PostgresJournal, JournalError> {
        open(url, password, IfEmpty::Create, Patience::USUAL).await
    }

    /// Connects to the database at `url`; refuses when it holds no journal. For commands that only look.
    ///
    /// # Errors
    /// As [`PostgresJournal::connect`], and when there is no journal.
    pub async fn connect_existing(url: &str, password: Option<Secret>) -> Result<PostgresJournal, JournalError> {
        open(url, password, IfEmpty::Refuse, Patience::USUAL).await
    }

    pub(super) async fn takes_writes(&self) -> Result<(), JournalError> {
        self.doubt.settle(care::touch(&self.server)).await
    }

    /// The server, for what is kept in the same database beside the runs.
    pub(in crate::hands) fn server(&self) -> &Server {
        &self.server
    }

    #[cfg(test)]
    pub(super) async fn connect_impatiently(url: &str, ms: u64) -> Result<PostgresJournal, JournalError> {
        open(url, None, IfEmpty::Create, Patience { connect_ms: ms, ask_ms: ms, read_ms: ms }).await
    }
}

async fn open(
    url: &str,
    password: Option<Secret>,
    if_empty: IfEmpty,
    patience: Patience,
) -> Result<PostgresJournal, JournalError> {
    let server = Server::open(url, password.as_ref(), schema::SCHEMA, if_empty, patience).await?;
    Ok(PostgresJournal { server: Box::new(server), doubt: Doubt::default() })
}

/// Asks the server one question: the statement with its values, and how its rows are fetched.
macro_rules! ask {
    ($server:expr, $doing:literal, $fetch:ident, $query:expr) => {
        ask!($server, crate::hands::postgres::Hurry::Usual, $doing, $fetch, $query)
    };
    ($server:expr, $hurry:expr, $doing:literal, $fetch:ident, $query:expr) => {
        crate::hands::postgres::ask!($server, $hurry, $doing, $fetch, $query)
    };
}
use ask;

impl Journal for PostgresJournal {
    async fn load_after<E: DeserializeOwned + Send>(
        &self,
        run: &RunId,
        seq: u64,
    ) -> Result<Vec<Record<E>>, JournalError> {
        history::load_after(&self.server, run, seq).await
    }
    async fn begin<E: Serialize + Sync>(&self, run: &RunId, at: Timestamp, events: &[E]) -> Result<u64, JournalError> {
        self.doubt.hear(history::begin(&self.server, run, at, events).await)
    }
    async fn lead(&self, run: &RunId, holder: &Holder, for_ms: i64) -> Result<Option<Lease>, JournalError> {
        self.doubt.hear(lease::lead(&self.server, run, holder, for_ms).await)
    }
    async fn renew(&self, lease: &Lease, for_ms: i64) -> Result<(), JournalError> {
        self.doubt.hear(lease::renew(&self.server, lease, for_ms).await)
    }
    async fn release(&self, lease: &Lease) -> Result<(), JournalError> {
        self.doubt.hear(lease::release(&self.server, lease).await)
    }
    async fn append<E: Serialize + Sync>(
        &self,
        lease: &Lease,
        last_seq: u64,
        at: Timestamp,
        events: &[E],
        claim: Option<u32>,
    ) -> Result<u64, JournalError> {
        self.doubt.hear(history::append(&self.server, lease, last_seq, at, events, claim).await)
    }
    async fn runs(&self) -> Result<Vec<RunSummary>, JournalError> {
        history::runs(&self.server).await
    }
    async fn send<O: Serialize + Sync>(&self, run: &RunId, at: Timestamp, order: &O) -> Result<u64, JournalError> {
        self.doubt.hear(orders::send(&self.server, run, at, order).await)
    }
    async fn orders<O: DeserializeOwned + Send>(&self, run: &RunId) -> Result<Vec<(u64, O)>, JournalError> {
        orders::pending(&self.server, run).await
    }
    async fn waiting_orders(&self) -> Result<Vec<RunId>, JournalError> {
        orders::waiting(&self.server).await
    }
    async fn dismiss(&self, run: &RunId, order: u64) -> Result<(), JournalError> {
        self.doubt.hear(orders::dismiss(&self.server, run, order).await)
    }
    async fn claims(&self, run: &RunId) -> Result<Vec<u32>, JournalError> {
        care::claims(&self.server, run).await
    }
    async fn restore(
        &self,
        run: &RunId,
        records: &[Record<serde_json::Value>],
        claims: &[u32],
    ) -> Result<(), JournalError> {
        self.doubt.hear(care::restore(&self.server, run, records, claims).await)
    }
    async fn forget(&self, run: &RunId) -> Result<(), JournalError> {
        self.doubt.hear(care::forget(&self.server, run).await)
    }
}
