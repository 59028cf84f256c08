//! Whole runs in PostgreSQL: taken out, put back, forgotten; and a write that only shows whether there can be one.
//!
//! Must never: do any of it by halves.

use serde_json::Value;

use super::{ask, lease};
use crate::hands::journal::record::to_whole;
use crate::hands::journal::rows::to_claims;
use crate::hands::journal::{JournalError, RECORD_FORMAT, Record};
use crate::hands::postgres::Server;
use crate::words::id::RunId;

pub(super) async fn claims(server: &Server, run: &RunId) -> Result<Vec<u32>, JournalError> {
    if !lease::standing(server, run).await?.exists() {
        return Err(JournalError::NotFound { run: run.clone() });
    }
    let select = "SELECT attempt FROM softlanding_claims WHERE run = $1 ORDER BY attempt";
    let query = sqlx::query_scalar(select).bind(run.as_str());
    let rows: Vec<i64> = ask!(server, "reading the claims of a run", fetch_all, query).await?;
    to_claims(run, &rows)
}

pub(super) async fn restore(
    server: &Server,
    run: &RunId,
    records: &[Record<Value>],
    claims: &[u32],
) -> Result<(), JournalError> {
    let (ats, texts) = to_whole(run, records)?;
    let attempts: Vec<i64> = claims.iter().map(|attempt| i64::from(*attempt)).collect();
    let restore = "WITH begun AS (
             INSERT INTO softlanding_runs (run, created_ms, last_seq, last_ms)
             VALUES ($1, ($2::bigint[])[1], cardinality($2), ($2::bigint[])[cardinality($2)])
             ON CONFLICT DO NOTHING RETURNING run, last_seq
         ), written AS (
             INSERT INTO softlanding_events (run, seq, at_ms, v, fence, event)
             SELECT begun.run, e.n, e.at_ms, $3, 0, e.text
             FROM begun, unnest($2::bigint[], $4::text[]) WITH ORDINALITY AS e (at_ms, text, n)
         ), claimed AS (
             INSERT INTO softlanding_claims (run, attempt, seq)
             SELECT DISTINCT begun.run, c.attempt, begun.last_seq FROM begun, unnest($5::bigint[]) AS c (attempt)
         )
         SELECT count(*) FROM begun";
    let query = sqlx::query_scalar(restore)
        .bind(run.as_str())
        .bind(ats)
        .bind(i64::from(RECORD_FORMAT))
        .bind(texts)
        .bind(attempts);
    let begun: i64 = ask!(server, "restoring a run", fetch_one, query).await?;
    if begun == 0 { Err(JournalError::Exists { run: run.clone() }) } else { Ok(()) }
}

pub(super) async fn forget(server: &Server, run: &RunId) -> Result<(), JournalError> {
    // Its events, claims and orders go with it (ON DELETE CASCADE).
    let delete = "DELETE FROM softlanding_runs
         WHERE run = $1 AND (holder IS NULL OR lease_until <= clock_timestamp())";
    let query = sqlx::query(delete).bind(run.as_str());
    let gone = ask!(server, "forgetting a run", execute, query).await?;
    match gone.rows_affected() {
        0 => Err(lease::standing(server, run).await?.kept(run)),
        _ => Ok(()),
    }
}

/// Writes a row and changes nothing. It is one that no run waits for.
pub(super) async fn touch(server: &Server) -> Result<(), JournalError> {
    let query = sqlx::query("UPDATE softlanding_schema SET version = version");
    Ok(ask!(server, "writing to the journal", execute, query).await.map(drop)?)
}
