//! The journal in one SQLite file: readable with any SQLite tool, one writer, every commit on disk.
//!
//! Must never: report an append before its commit is on disk, change a file that it does not recognise, or write to one that
//! is not in its place any more.

mod care;
mod history;
mod lease;
mod lines;
mod orders;
pub(in crate::hands) mod schema;

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{MutexGuard, OnceCell};

use self::lines::{Lines, Writing};
use super::doubt::Doubt;
use super::{Holder, Journal, JournalError, Lease, Record, RunSummary};
use crate::hands::sqlite::{Check, IfMissing, OpenFile, connect, fetch_one, look, open, sql as store_sql, verify};
use crate::hands::store::StoreError;
use crate::words::clock::Timestamp;
use crate::words::id::RunId;

/// The store's clock, in milliseconds: SQLite reads it where it writes, so that no lease rests on a time that was read
/// before a process was paused.
const STORE_NOW_MS: &str = "CAST(round(unixepoch('subsec') * 1000) AS INTEGER)";

/// A journal in a SQLite file. Several processes may hold the same file; of two that append to the same run at the
/// same place, one gets [`JournalError::Conflict`].
#[derive(Debug)]
pub struct SqliteJournal {
    path: PathBuf,
    lines: Box<Lines>,
    /// Filled once the whole file has been read and found sound by this process.
    verified: OnceCell<()>,
    file: OpenFile,
    doubt: Doubt,
}

/// A journal of this size is read whole by every command in less than a tenth of a second, in bytes.
const READ_WHOLE_BYTES_MAX: u64 = 64 << 20;

impl SqliteJournal {
    /// Opens the journal at `path`; makes it, readable for its owner only, when there is none.
    ///
    /// # Errors
    /// [`JournalError::Store`] when the file cannot be written, is something else, or is from a newer softlanding.
    pub async fn open(path: &Path) -> Result<SqliteJournal, JournalError> {
        let db = open(path, schema::SCHEMA, IfMissing::Create, Check::Whole).await?;
        Ok(SqliteJournal { verified: OnceCell::new_with(Some(())), ..SqliteJournal::of(path, db).await? })
    }

    /// Opens the journal at `path`; refuses when there is none. For commands that only look: damage in a large file may
    /// go unnoticed until it is met. Whoever adds to it calls [`SqliteJournal::verify`] first.
    ///
    /// # Errors
    /// As [`SqliteJournal::open`], and when there is no file.
    pub async fn open_existing(path: &Path) -> Result<SqliteJournal, JournalError> {
        SqliteJournal::open_checked(path, Check::UpTo(READ_WHOLE_BYTES_MAX)).await
    }

    pub(in crate::hands::journal) async fn open_checked(
        path: &Path,
        check: Check,
    ) -> Result<SqliteJournal, JournalError> {
        SqliteJournal::of(path, open(path, schema::SCHEMA, IfMissing::Refuse, check).await?).await
    }

    async fn of(path: &Path, writing: SqliteConnection) -> Result<SqliteJournal, JournalError> {
        let file = OpenFile::at(path, schema::SCHEMA)?;
        let lines = Box::new(Lines::new(writing, connect(path, schema::SCHEMA).await?));
        Ok(SqliteJournal { path: path.to_owned(), lines, verified: OnceCell::new(), file, doubt: Doubt::default() })
    }

    /// Reads the whole file once in the life of this value, so that nothing is added to a damaged one.
    ///
    /// # Errors
    /// [`JournalError::Store`] when it is damaged or cannot be read.
    pub async fn verify(&self) -> Result<(), JournalError> {
        let read = async || Ok(verify(&mut *self.lines.read().await, schema::SCHEMA.name, &self.path).await?);
        self.verified.get_or_try_init(read).await.copied()
    }

    /// The connection to write to, as long as the file is where it was: what is written to one that was moved away or
    /// deleted would be lost to whoever starts next, a publish claim included.
    pub(in crate::hands) async fn writing(&self) -> Result<Writing<'_>, JournalError> {
        self.in_place(self.lines.write().await)
    }

    /// The same for a claim.
    async fn claiming(&self) -> Result<Writing<'_>, JournalError> {
        self.in_place(self.lines.claim().await)
    }

    /// The connection to read from: of a file that was moved away nothing is told either.
    pub(in crate::hands) async fn reading(&self) -> Result<MutexGuard<'_, SqliteConnection>, JournalError> {
        self.in_place(self.lines.read().await)
    }

    fn in_place<T>(&self, connection: T) -> Result<T, JournalError> {
        self.file.check()?;
        Ok(connection)
    }

    /// What a write brought. After a failure nobody knows what state the connection is in (SQLite ends a transaction by itself
    /// when the disk is full at its commit, and the driver does not learn of it), so that the next one begins on a new one.
    pub(in crate::hands) async fn done<T>(
        &self,
        mut writing: Writing<'_>,
        result: Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        if let Err(JournalError::Store(StoreError::Sql { .. })) = &result
            && let Ok(fresh) = connect(&self.path, schema::SCHEMA).await
            // Another file may stand there by now; the old connection is of no use to it either.
            && self.file.check().is_ok()
        {
            *writing.db = fresh;
        }
        self.doubt.hear(result)
    }

    pub(super) async fn takes_writes(&self) -> Result<(), JournalError> {
        let write = async {
            let mut writing = self.writing().await?;
            let result = care::touch(&mut writing.db).await;
            self.done(writing, result).await
        };
        self.doubt.settle(write).await
    }

    /// How many streams the journal at `path` holds: runs, and those of the calendar. Changes nothing: it does not make a
    /// journal, nor bring an older one up to date.
    ///
    /// # Errors
    /// As [`SqliteJournal::open_existing`].
    pub async fn count_at(path: &Path) -> Result<u64, JournalError> {
        let (mut db, version) = look(path, schema::SCHEMA).await?;
        if version == 0 {
            return Ok(0);
        }
        let count = sqlx::query_scalar("SELECT count(*) FROM runs");
        let count: i64 = fetch_one(count, &mut db).await.map_err(sql("counting the runs"))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }
}

#[cfg(test)]
impl SqliteJournal {
    pub(super) async fn db_for_test(&self) -> MutexGuard<'_, SqliteConnection> {
        self.lines.claim().await.db
    }
}

fn sql(doing: &'static str) -> impl Fn(sqlx::Error) -> JournalError {
    let wrap = store_sql("journal", doing);
    move |source| JournalError::Store(wrap(source))
}

impl Journal for SqliteJournal {
    async fn load_after<E: DeserializeOwned + Send>(
        &self,
        run: &RunId,
        seq: u64,
    ) -> Result<Vec<Record<E>>, JournalError> {
        history::load_after(&mut *self.reading().await?, run, seq).await
    }
    async fn begin<E: Serialize + Sync>(&self, run: &RunId, at: Timestamp, events: &[E]) -> Result<u64, JournalError> {
        let mut writing = self.writing().await?;
        let result = history::begin(&mut writing.db, run, at, events).await;
        self.done(writing, result).await
    }
    async fn lead(&self, run: &RunId, holder: &Holder, for_ms: i64) -> Result<Option<Lease>, JournalError> {
        let mut writing = self.writing().await?;
        let result = lease::lead(&mut writing.db, run, holder, for_ms).await;
        self.done(writing, result).await
    }
    async fn renew(&self, lease: &Lease, for_ms: i64) -> Result<(), JournalError> {
        let mut writing = self.writing().await?;
        let result = lease::renew(&mut writing.db, lease, for_ms).await;
        self.done(writing, result).await
    }
    async fn release(&self, lease: &Lease) -> Result<(), JournalError> {
        let mut writing = self.writing().await?;
        let result = lease::release(&mut writing.db, lease).await;
        self.done(writing, result).await
    }
    async fn append<E: Serialize + Sync>(
        &self,
        lease: &Lease,
        last_seq: u64,
        at: Timestamp,
        events: &[E],
        claim: Option<u32>,
    ) -> Result<u64, JournalError> {
        let mut writing = if claim.is_some() { self.claiming().await? } else { self.writing().await? };
        let result = history::append(&mut writing.db, lease, last_seq, at, events, claim).await;
        self.done(writing, result).await
    }
    async fn runs(&self) -> Result<Vec<RunSummary>, JournalError> {
        history::runs(&mut *self.reading().await?).await
    }
    async fn send<O: Serialize + Sync>(&self, run: &RunId, at: Timestamp, order: &O) -> Result<u64, JournalError> {
        let mut writing = self.writing().await?;
        let result = orders::send(&mut writing.db, run, at, order).await;
        self.done(writing, result).await
    }
    async fn orders<O: DeserializeOwned + Send>(&self, run: &RunId) -> Result<Vec<(u64, O)>, JournalError> {
        orders::pending(&mut *self.reading().await?, run).await
    }
    async fn waiting_orders(&self) -> Result<Vec<RunId>, JournalError> {
        orders::waiting(&mut *self.reading().await?).await
    }
    async fn dismiss(&self, run: &RunId, order: u64) -> Result<(), JournalError> {
        let mut writing = self.writing().await?;
        let result = orders::dismiss(&mut writing.db, run, order).await;
        self.done(writing, result).await
    }
    async fn claims(&self, run: &RunId) -> Result<Vec<u32>, JournalError> {
        care::claims(&mut *self.reading().await?, run).await
    }
    async fn restore(
        &self,
        run: &RunId,
        records: &[Record<serde_json::Value>],
        claims: &[u32],
    ) -> Result<(), JournalError> {
        let mut writing = self.writing().await?;
        let result = care::restore(&mut writing.db, run, records, claims).await;
        self.done(writing, result).await
    }
    async fn forget(&self, run: &RunId) -> Result<(), JournalError> {
        let mut writing = self.writing().await?;
        let result = care::forget(&mut writing.db, run).await;
        self.done(writing, result).await
    }
}
