//! Whole runs in SQLite: taken out, put back, forgotten; and a write that only shows whether there can be one.
//!
//! Must never: do any of it by halves.

use serde_json::Value;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;

use super::schema::SCHEMA;
use super::{STORE_NOW_MS, lease, sql};
use crate::hands::journal::record::to_whole;
use crate::hands::journal::rows::to_claims;
use crate::hands::journal::{JournalError, RECORD_FORMAT, Record};
use crate::hands::sqlite;
use crate::words::id::RunId;

pub(super) async fn claims(db: &mut SqliteConnection, run: &RunId) -> Result<Vec<u32>, JournalError> {
    let sql = sql("reading the claims of a run");
    if !lease::standing(db, run).await.map_err(&sql)?.exists() {
        return Err(JournalError::NotFound { run: run.clone() });
    }
    let rows: Vec<i64> = sqlx::query_scalar("SELECT attempt FROM claims WHERE run = ? ORDER BY attempt")
        .bind(run.as_str())
        .fetch_all(db)
        .await
        .map_err(&sql)?;
    to_claims(run, &rows)
}

pub(super) async fn restore(
    db: &mut SqliteConnection,
    run: &RunId,
    records: &[Record<Value>],
    claims: &[u32],
) -> Result<(), JournalError> {
    let (ats, texts) = to_whole(run, records)?;
    let list = |values: Value| values.to_string();
    let rows =
        list(ats.into_iter().zip(texts).map(|(at, text)| Value::from(vec![at.into(), Value::from(text)])).collect());
    let sql = sql("restoring a run");
    let mut tx = sqlite::begin(db).await.map_err(&sql)?;
    let begun = sqlx::query(
        "INSERT INTO runs (run, created_ms, last_seq, last_ms)
         SELECT ?1, json_extract(?2, '$[0][0]'), json_array_length(?2), json_extract(?2, '$[#-1][0]')
         WHERE true ON CONFLICT DO NOTHING",
    )
    .bind(run.as_str())
    .bind(&rows)
    .execute(&mut *tx)
    .await
    .map_err(&sql)?;
    if begun.rows_affected() == 0 {
        return Err(JournalError::Exists { run: run.clone() });
    }
    sqlx::query(
        "INSERT INTO events (run, seq, at_ms, v, event)
         SELECT ?1, 1 + key, json_extract(value, '$[0]'), ?2, json_extract(value, '$[1]') FROM json_each(?3)",
    )
    .bind(run.as_str())
    .bind(RECORD_FORMAT)
    .bind(&rows)
    .execute(&mut *tx)
    .await
    .map_err(&sql)?;
    sqlx::query(
        "INSERT INTO claims (run, attempt, seq)
         SELECT DISTINCT runs.run, value, last_seq FROM runs, json_each(?2) WHERE runs.run = ?1",
    )
    .bind(run.as_str())
    .bind(list(Value::from(claims)))
    .execute(&mut *tx)
    .await
    .map_err(&sql)?;
    tx.commit().await.map_err(&sql)
}

pub(super) async fn forget(db: &mut SqliteConnection, run: &RunId) -> Result<(), JournalError> {
    let sql = sql("forgetting a run");
    let mut tx = sqlite::begin(db).await.map_err(&sql)?;
    let look = format!("SELECT 1 FROM runs WHERE run = ? AND (holder IS NULL OR lease_until_ms <= {STORE_NOW_MS})");
    let free: Option<i64> = sqlite::fetch_optional(sqlx::query_scalar(AssertSqlSafe(look)).bind(run.as_str()), &mut tx)
        .await
        .map_err(&sql)?;
    if free.is_none() {
        return Err(lease::standing(&mut tx, run).await.map_err(&sql)?.kept(run));
    }
    // The write lock is held since BEGIN, so nobody can begin to lead it in between.
    for delete in [
        "DELETE FROM orders WHERE run = ?",
        "DELETE FROM claims WHERE run = ?",
        "DELETE FROM events WHERE run = ?",
        "DELETE FROM runs WHERE run = ?",
    ] {
        sqlx::query(delete).bind(run.as_str()).execute(&mut *tx).await.map_err(&sql)?;
    }
    tx.commit().await.map_err(&sql)
}

/// Writes a page and changes nothing: the file says once more whose it is. (A row that is set to what it holds is not written.)
pub(super) async fn touch(db: &mut SqliteConnection) -> Result<(), JournalError> {
    let mark = format!("PRAGMA application_id = {}", SCHEMA.application_id);
    sqlx::raw_sql(AssertSqlSafe(mark)).execute(db).await.map(drop).map_err(sql("writing to the journal"))
}
