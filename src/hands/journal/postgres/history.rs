//! The records of a run in PostgreSQL: begun once, then appended to under a lease, and read as one state.
//!
//! Must never: check a lease or a place anywhere but in the statement that writes.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;

use super::{ask, lease};
use crate::hands::StoreError;
use crate::hands::journal::record::to_texts;
use crate::hands::journal::rows::{SummaryRow, floor, signed, to_records, to_summaries};
use crate::hands::journal::{JournalError, Lease, RECORD_FORMAT, Record, RunSummary};
use crate::hands::postgres::{Hurry, Server};
use crate::words::clock::Timestamp;
use crate::words::id::RunId;

/// A run's count, and one of its events, if it has any.
type LoadRow = (i64, Option<i64>, Option<i64>, Option<i64>, Option<String>);

pub(super) async fn load_after<E: DeserializeOwned>(
    server: &Server,
    run: &RunId,
    after: u64,
) -> Result<Vec<Record<E>>, JournalError> {
    // One statement, so that the count and the events are of one state, even while another process appends.
    let rows: Vec<LoadRow> = server
        .read("reading a run", async |mut db: PgConnection| {
            let select = "SELECT r.last_seq, e.seq, e.at_ms, e.v, e.event
                 FROM softlanding_runs r LEFT JOIN softlanding_events e ON e.run = r.run AND e.seq > $2
                 WHERE r.run = $1 ORDER BY e.seq";
            let rows = sqlx::query_as(select).bind(run.as_str()).bind(floor(after)).fetch_all(&mut db).await;
            (db, rows)
        })
        .await?;
    let Some(last) = rows.first().map(|(last, ..)| *last) else {
        return Err(JournalError::NotFound { run: run.clone() });
    };
    let events: Vec<_> = rows.into_iter().filter_map(|(_, seq, at, v, event)| Some((seq?, at?, v?, event?))).collect();
    to_records(run, after, last, &events)
}

pub(super) async fn begin<E: Serialize>(
    server: &Server,
    run: &RunId,
    at: Timestamp,
    events: &[E],
) -> Result<u64, JournalError> {
    let texts = to_texts(run, 0, events)?;
    let last_seq = events.len() as u64;
    if texts.is_empty() {
        let found = lease::standing(server, run).await?;
        return if found.exists() { Err(JournalError::Exists { run: run.clone() }) } else { Ok(0) };
    }
    let begin = "WITH begun AS (
             INSERT INTO softlanding_runs (run, created_ms, last_seq, last_ms) VALUES ($1, $2, $3, $2)
             ON CONFLICT DO NOTHING RETURNING run
         ), written AS (
             INSERT INTO softlanding_events (run, seq, at_ms, v, fence, event)
             SELECT begun.run, e.n, $2, $4, 0, e.text
             FROM begun, unnest($5::text[]) WITH ORDINALITY AS e (text, n)
         )
         SELECT count(*) FROM begun";
    let query = sqlx::query_scalar(begin)
        .bind(run.as_str())
        .bind(at.0)
        .bind(signed(last_seq))
        .bind(i64::from(RECORD_FORMAT))
        .bind(texts);
    let begun: i64 = ask!(server, "beginning a run", fetch_one, query).await?;
    if begun == 0 { Err(JournalError::Exists { run: run.clone() }) } else { Ok(last_seq) }
}

/// Advances the run only from the expected record, under the present lease, before its end by the server's clock; the
/// claim and the events go in only if that was so.
const APPEND: &str = "WITH led AS (
         UPDATE softlanding_runs
         SET last_seq = $3, last_ms = CASE WHEN $3 > $2 THEN $4 ELSE last_ms END
         WHERE run = $1 AND last_seq = $2 AND holder = $5 AND fence = $6 AND lease_until > clock_timestamp()
         RETURNING run
     ), claimed AS (
         INSERT INTO softlanding_claims (run, attempt, seq) SELECT run, $7, $3 FROM led WHERE $7 IS NOT NULL
     ), written AS (
         INSERT INTO softlanding_events (run, seq, at_ms, v, fence, event)
         SELECT led.run, $2 + e.n, $4, $8, $6, e.text
         FROM led, unnest($9::text[]) WITH ORDINALITY AS e (text, n)
     )
     SELECT count(*) FROM led";

pub(super) async fn append<E: Serialize>(
    server: &Server,
    held: &Lease,
    last_seq: u64,
    at: Timestamp,
    events: &[E],
    claim: Option<u32>,
) -> Result<u64, JournalError> {
    let run = &held.run;
    let texts = to_texts(run, last_seq, events)?;
    let new_last = last_seq + events.len() as u64;
    let query = sqlx::query_scalar(APPEND)
        .bind(run.as_str())
        .bind(signed(last_seq))
        .bind(signed(new_last))
        .bind(at.0)
        .bind(held.holder.as_str())
        .bind(signed(held.fence))
        .bind(claim.map(i64::from))
        .bind(i64::from(RECORD_FORMAT))
        .bind(texts);
    let hurry = if claim.is_some() { Hurry::First } else { Hurry::Usual };
    let advanced: Result<i64, StoreError> = ask!(server, hurry, "appending to a run", fetch_one, query).await;
    match (advanced, claim) {
        (Ok(0), _) => Err(lease::standing(server, run).await?.refusal(held, last_seq)),
        (Ok(_), _) => Ok(new_last),
        (Err(e), Some(attempt)) if is_claim_taken(&e) => Err(JournalError::ClaimTaken { run: run.clone(), attempt }),
        (Err(e), _) => Err(e.into()),
    }
}

fn is_claim_taken(error: &StoreError) -> bool {
    let StoreError::Sql { source, .. } = error else { return false };
    source.as_database_error().and_then(|e| e.constraint()) == Some("softlanding_one_claim")
}

pub(super) async fn runs(server: &Server) -> Result<Vec<RunSummary>, JournalError> {
    // A short question, asked again and again by whoever looks for runs to lead: an answer that is lost must show soon.
    let list = "SELECT run, created_ms, last_seq, last_ms,
             CASE WHEN lease_until > clock_timestamp() THEN holder END
         FROM softlanding_runs ORDER BY created_ms, run";
    let rows: Vec<SummaryRow> = ask!(server, "listing the runs", fetch_all, sqlx::query_as(list)).await?;
    to_summaries(rows)
}
