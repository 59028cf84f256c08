//! The journal in one SQLite file: readable with any SQLite tool, one writer, every commit on disk.
//!
//! Must never: report an append before its commit is on disk, or change a file that it does not recognise.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::Mutex;

use super::record::{to_record, to_texts};
use super::{Journal, JournalError, RECORD_FORMAT, Record, RunSummary};
use crate::hands::StoreError;
use crate::hands::sqlite::{IfMissing, Schema, begin, open};
use crate::words::clock::Timestamp;
use crate::words::id::RunId;

const SCHEMA: Schema = Schema {
    name: "journal",
    application_id: 0x534c_4a01, // "SLJ" and 1
    steps: &[
        // 1: runs with their last record, so that an append is a compare-and-swap of one row.
        "CREATE TABLE runs (
             run TEXT PRIMARY KEY,
             created_ms INTEGER NOT NULL,
             last_seq INTEGER NOT NULL,
             last_ms INTEGER NOT NULL
         ) STRICT, WITHOUT ROWID;
         CREATE TABLE events (
             run TEXT NOT NULL REFERENCES runs (run),
             seq INTEGER NOT NULL,
             at_ms INTEGER NOT NULL,
             v INTEGER NOT NULL,
             event TEXT NOT NULL,
             PRIMARY KEY (run, seq)
         ) STRICT, WITHOUT ROWID;
         CREATE TABLE claims (
             run TEXT NOT NULL REFERENCES runs (run),
             attempt INTEGER NOT NULL,
             seq INTEGER NOT NULL,
             PRIMARY KEY (run, attempt)
         ) STRICT, WITHOUT ROWID;",
    ],
};

/// A journal in a SQLite file. Several processes may hold the same file; of two that append to the same run at the
/// same place, one gets [`JournalError::Conflict`].
#[derive(Debug)]
pub struct SqliteJournal {
    db: Mutex<SqliteConnection>,
}

impl SqliteJournal {
    /// Opens the journal at `path`; makes it, readable for its owner only, when there is none.
    ///
    /// # Errors
    /// [`JournalError::Store`] when the file cannot be written, is something else, or is from a newer softlanding.
    pub async fn open(path: &Path) -> Result<SqliteJournal, JournalError> {
        Ok(SqliteJournal { db: Mutex::new(open(path, SCHEMA, IfMissing::Create).await?) })
    }

    /// Opens the journal at `path`; refuses when there is none. For commands that only look.
    ///
    /// # Errors
    /// As [`SqliteJournal::open`], and when there is no file.
    pub async fn open_existing(path: &Path) -> Result<SqliteJournal, JournalError> {
        Ok(SqliteJournal { db: Mutex::new(open(path, SCHEMA, IfMissing::Refuse).await?) })
    }
}

#[cfg(test)]
impl SqliteJournal {
    pub(super) async fn db_for_test(&self) -> tokio::sync::MutexGuard<'_, SqliteConnection> {
        self.db.lock().await
    }
}

fn sql(doing: &'static str) -> impl Fn(sqlx::Error) -> JournalError {
    let wrap = StoreError::sql("journal", doing);
    move |source| JournalError::Store(wrap(source))
}

/// SQLite's integers are signed; our counters never come near the difference.
fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn unsigned(run: &RunId, seq: i64) -> Result<u64, JournalError> {
    u64::try_from(seq).map_err(|_| JournalError::Corrupt {
        run: run.clone(),
        seq: 0,
        why: format!("{seq} stands where a record's number belongs"),
    })
}

impl Journal for SqliteJournal {
    async fn load<E: DeserializeOwned + Send>(&self, run: &RunId) -> Result<Vec<Record<E>>, JournalError> {
        let sql = sql("reading a run");
        let mut db = self.db.lock().await;
        // Both reads see one state, even while another process appends.
        let mut tx = sqlx::Connection::begin(&mut *db).await.map_err(&sql)?;
        let last: Option<i64> = sqlx::query_scalar("SELECT last_seq FROM runs WHERE run = ?")
            .bind(run.as_str())
            .fetch_optional(&mut *tx)
            .await
            .map_err(&sql)?;
        let last = last.ok_or_else(|| JournalError::NotFound { run: run.clone() })?;
        let rows: Vec<(i64, i64, i64, String)> =
            sqlx::query_as("SELECT seq, at_ms, v, event FROM events WHERE run = ? ORDER BY seq")
                .bind(run.as_str())
                .fetch_all(&mut *tx)
                .await
                .map_err(&sql)?;
        tx.commit().await.map_err(&sql)?;
        drop(db);
        let records = (1..)
            .zip(&rows)
            .map(|(due, (seq, at_ms, v, text))| {
                // A format that does not fit is from a future that this build knows nothing of.
                let format = u32::try_from(*v).unwrap_or(u32::MAX);
                to_record(run, due, (unsigned(run, *seq)?, Timestamp(*at_ms), format, text))
            })
            .collect::<Result<Vec<Record<E>>, JournalError>>()?;
        let count = records.len() as u64;
        if count != unsigned(run, last)? {
            let why = format!("the run counts {last} records and holds {count}");
            return Err(JournalError::Corrupt { run: run.clone(), seq: count + 1, why });
        }
        Ok(records)
    }

    async fn append<E: Serialize + Sync>(
        &self,
        run: &RunId,
        last_seq: u64,
        at: Timestamp,
        events: &[E],
        claim: Option<u32>,
    ) -> Result<u64, JournalError> {
        let texts = to_texts(run, last_seq, events)?;
        let new_last = last_seq + events.len() as u64;
        let sql = sql("appending to a run");
        let mut db = self.db.lock().await;
        let mut tx = begin(&mut db).await.map_err(&sql)?;
        let found: Option<i64> = sqlx::query_scalar("SELECT last_seq FROM runs WHERE run = ?")
            .bind(run.as_str())
            .fetch_optional(&mut *tx)
            .await
            .map_err(&sql)?;
        let found_seq = unsigned(run, found.unwrap_or(0))?;
        if found_seq != last_seq {
            return Err(JournalError::Conflict { run: run.clone(), expected_seq: last_seq, found_seq });
        }
        if texts.is_empty() && claim.is_none() {
            return Ok(last_seq);
        }
        // The write lock is held since BEGIN, so what was just read still holds.
        sqlx::query(
            "INSERT INTO runs (run, created_ms, last_seq, last_ms) VALUES (?1, ?2, ?3, ?2)
             ON CONFLICT (run) DO UPDATE SET last_seq = ?3, last_ms = ?2",
        )
        .bind(run.as_str())
        .bind(at.0)
        .bind(signed(new_last))
        .execute(&mut *tx)
        .await
        .map_err(&sql)?;
        if let Some(attempt) = claim {
            let claimed = sqlx::query("INSERT INTO claims (run, attempt, seq) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
                .bind(run.as_str())
                .bind(attempt)
                .bind(signed(new_last))
                .execute(&mut *tx)
                .await
                .map_err(&sql)?;
            if claimed.rows_affected() == 0 {
                return Err(JournalError::ClaimTaken { run: run.clone(), attempt });
            }
        }
        insert_events(&mut tx, run, last_seq, at, &texts).await.map_err(&sql)?;
        tx.commit().await.map_err(&sql)?;
        Ok(new_last)
    }

    async fn runs(&self) -> Result<Vec<RunSummary>, JournalError> {
        let mut db = self.db.lock().await;
        let rows: Vec<(String, i64, i64, i64)> = sqlx::query_as(
            "SELECT run, created_ms, last_seq, last_ms FROM runs WHERE last_seq > 0 ORDER BY created_ms, run",
        )
        .fetch_all(&mut *db)
        .await
        .map_err(sql("listing the runs"))?;
        rows.into_iter()
            .filter_map(|(run, created, last_seq, last_at)| {
                // A run that is not named as ours are cannot have been written by us, nor be asked for.
                let run = RunId::new(&run).ok()?;
                let last_seq = unsigned(&run, last_seq);
                Some(last_seq.map(|last_seq| RunSummary {
                    run,
                    created: Timestamp(created),
                    last_seq,
                    last_at: Timestamp(last_at),
                }))
            })
            .collect()
    }
}

/// All events in one statement: SQLite unpacks the list by itself, ten times as fast as row by row.
async fn insert_events(
    tx: &mut SqliteConnection,
    run: &RunId,
    last_seq: u64,
    at: Timestamp,
    texts: &[String],
) -> Result<(), sqlx::Error> {
    let list = serde_json::Value::from(texts.to_vec()).to_string();
    sqlx::query(
        "INSERT INTO events (run, seq, at_ms, v, event)
         SELECT ?1, ?2 + 1 + key, ?3, ?4, value FROM json_each(?5) ORDER BY key",
    )
    .bind(run.as_str())
    .bind(signed(last_seq))
    .bind(at.0)
    .bind(RECORD_FORMAT)
    .bind(list)
    .execute(tx)
    .await
    .map(drop)
}
