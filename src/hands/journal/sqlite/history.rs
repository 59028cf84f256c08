//! The records of a run in SQLite: begun once, then appended to under a lease, and read as one state.
//!
//! Must never: check a lease or a place anywhere but in the write that depends on it.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection};

use super::{STORE_NOW_MS, lease, sql};
use crate::hands::journal::record::to_texts;
use crate::hands::journal::rows::{floor, signed, to_records, to_summaries};
use crate::hands::journal::{JournalError, Lease, RECORD_FORMAT, Record, RunSummary};
use crate::hands::sqlite;
use crate::words::clock::Timestamp;
use crate::words::id::RunId;

pub(super) async fn load_after<E: DeserializeOwned>(
    db: &mut SqliteConnection,
    run: &RunId,
    after: u64,
) -> Result<Vec<Record<E>>, JournalError> {
    let sql = sql("reading a run");
    // Both reads see one state, even while another process appends.
    let mut tx = db.begin().await.map_err(&sql)?;
    let look = sqlx::query_scalar("SELECT last_seq FROM runs WHERE run = ?").bind(run.as_str());
    let last: Option<i64> = sqlite::fetch_optional(look, &mut tx).await.map_err(&sql)?;
    let last = last.ok_or_else(|| JournalError::NotFound { run: run.clone() })?;
    let rows: Vec<(i64, i64, i64, String)> =
        sqlx::query_as("SELECT seq, at_ms, v, event FROM events WHERE run = ? AND seq > ? ORDER BY seq")
            .bind(run.as_str())
            .bind(floor(after))
            .fetch_all(&mut *tx)
            .await
            .map_err(&sql)?;
    tx.commit().await.map_err(&sql)?;
    to_records(run, after, last, &rows)
}

pub(super) async fn begin<E: Serialize>(
    db: &mut SqliteConnection,
    run: &RunId,
    at: Timestamp,
    events: &[E],
) -> Result<u64, JournalError> {
    let texts = to_texts(run, 0, events)?;
    let last_seq = events.len() as u64;
    let sql = sql("beginning a run");
    let mut tx = sqlite::begin(db).await.map_err(&sql)?;
    let begun = sqlx::query(
        "INSERT INTO runs (run, created_ms, last_seq, last_ms) VALUES (?1, ?2, ?3, ?2) ON CONFLICT DO NOTHING",
    )
    .bind(run.as_str())
    .bind(at.0)
    .bind(signed(last_seq))
    .execute(&mut *tx)
    .await
    .map_err(&sql)?;
    if begun.rows_affected() == 0 {
        return Err(JournalError::Exists { run: run.clone() });
    }
    if texts.is_empty() {
        return Ok(0);
    }
    insert_events(&mut tx, run, 0, (0, at), &texts).await.map_err(&sql)?;
    tx.commit().await.map_err(&sql)?;
    Ok(last_seq)
}

pub(super) async fn append<E: Serialize>(
    db: &mut SqliteConnection,
    held: &Lease,
    last_seq: u64,
    at: Timestamp,
    events: &[E],
    claim: Option<u32>,
) -> Result<u64, JournalError> {
    let run = &held.run;
    let texts = to_texts(run, last_seq, events)?;
    let new_last = last_seq + events.len() as u64;
    let sql = sql("appending to a run");
    let mut tx = sqlite::begin(db).await.map_err(&sql)?;
    let advance = format!(
        "UPDATE runs SET last_seq = ?, last_ms = iif(?, ?, last_ms)
         WHERE run = ? AND last_seq = ? AND holder = ? AND fence = ? AND lease_until_ms > {STORE_NOW_MS}"
    );
    let advanced = sqlx::query(AssertSqlSafe(advance))
        .bind(signed(new_last))
        .bind(!texts.is_empty())
        .bind(at.0)
        .bind(run.as_str())
        .bind(signed(last_seq))
        .bind(held.holder.as_str())
        .bind(signed(held.fence))
        .execute(&mut *tx)
        .await
        .map_err(&sql)?;
    if advanced.rows_affected() == 0 {
        let found = lease::standing(&mut tx, run).await.map_err(&sql)?;
        return Err(found.refusal(held, last_seq));
    }
    if let Some(attempt) = claim {
        insert_claim(&mut tx, run, attempt, new_last).await?;
    }
    insert_events(&mut tx, run, last_seq, (held.fence, at), &texts).await.map_err(&sql)?;
    tx.commit().await.map_err(&sql)?;
    Ok(new_last)
}

async fn insert_claim(tx: &mut SqliteConnection, run: &RunId, attempt: u32, seq: u64) -> Result<(), JournalError> {
    let claimed = sqlx::query("INSERT INTO claims (run, attempt, seq) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
        .bind(run.as_str())
        .bind(attempt)
        .bind(signed(seq))
        .execute(tx)
        .await
        .map_err(sql("claiming an attempt"))?;
    match claimed.rows_affected() {
        0 => Err(JournalError::ClaimTaken { run: run.clone(), attempt }),
        _ => Ok(()),
    }
}

/// All events in one statement: SQLite unpacks the list by itself, ten times as fast as row by row.
async fn insert_events(
    tx: &mut SqliteConnection,
    run: &RunId,
    last_seq: u64,
    (fence, at): (u64, Timestamp),
    texts: &[String],
) -> Result<(), sqlx::Error> {
    let list = serde_json::Value::from(texts.to_vec()).to_string();
    sqlx::query(
        "INSERT INTO events (run, seq, at_ms, v, fence, event)
         SELECT ?1, ?2 + 1 + key, ?3, ?4, ?5, value FROM json_each(?6) ORDER BY key",
    )
    .bind(run.as_str())
    .bind(signed(last_seq))
    .bind(at.0)
    .bind(RECORD_FORMAT)
    .bind(signed(fence))
    .bind(list)
    .execute(tx)
    .await
    .map(drop)
}

pub(super) async fn runs(db: &mut SqliteConnection) -> Result<Vec<RunSummary>, JournalError> {
    let list = format!(
        "SELECT run, created_ms, last_seq, last_ms, iif(lease_until_ms > {STORE_NOW_MS}, holder, NULL)
         FROM runs WHERE last_seq > 0 ORDER BY created_ms, run"
    );
    let rows = sqlx::query_as(AssertSqlSafe(list)).fetch_all(db).await.map_err(sql("listing the runs"))?;
    to_summaries(rows)
}
