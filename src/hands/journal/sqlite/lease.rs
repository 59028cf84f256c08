//! Leases in SQLite: three columns of the run's row, written only where the store's clock allows it.
//!
//! Must never: shorten anybody else's lease, or give a fence twice.

use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;

use super::{STORE_NOW_MS, sql};
use crate::hands::journal::lease::bounded;
use crate::hands::journal::rows::{Standing, signed, unsigned};
use crate::hands::journal::{Holder, JournalError, Lease};
use crate::hands::sqlite::fetch_optional;
use crate::words::id::RunId;

pub(super) async fn lead(
    db: &mut SqliteConnection,
    run: &RunId,
    holder: &Holder,
    for_ms: i64,
) -> Result<Option<Lease>, JournalError> {
    let sql = sql("taking the lease of a run");
    let take = format!(
        "UPDATE runs SET holder = ?1, fence = fence + 1, lease_until_ms = {STORE_NOW_MS} + ?2
         WHERE run = ?3 AND (holder IS NULL OR holder = ?1 OR lease_until_ms <= {STORE_NOW_MS})
         RETURNING fence"
    );
    let take = sqlx::query_scalar(AssertSqlSafe(take)).bind(holder.as_str()).bind(bounded(for_ms)).bind(run.as_str());
    let taken: Option<i64> = fetch_optional(take, db).await.map_err(&sql)?;
    match taken {
        Some(fence) => Ok(Some(Lease { run: run.clone(), holder: holder.clone(), fence: unsigned(run, fence)? })),
        None if standing(db, run).await.map_err(&sql)?.exists() => Ok(None),
        None => Err(JournalError::NotFound { run: run.clone() }),
    }
}

pub(super) async fn renew(db: &mut SqliteConnection, lease: &Lease, for_ms: i64) -> Result<(), JournalError> {
    let sql = sql("renewing the lease of a run");
    let renew = format!(
        "UPDATE runs SET lease_until_ms = {STORE_NOW_MS} + ?
         WHERE run = ? AND holder = ? AND fence = ? AND lease_until_ms > {STORE_NOW_MS}"
    );
    let renewed = sqlx::query(AssertSqlSafe(renew))
        .bind(bounded(for_ms))
        .bind(lease.run.as_str())
        .bind(lease.holder.as_str())
        .bind(signed(lease.fence))
        .execute(&mut *db)
        .await
        .map_err(&sql)?;
    match renewed.rows_affected() {
        0 => Err(standing(db, &lease.run).await.map_err(&sql)?.lost(lease)),
        _ => Ok(()),
    }
}

pub(super) async fn release(db: &mut SqliteConnection, lease: &Lease) -> Result<(), JournalError> {
    sqlx::query("UPDATE runs SET holder = NULL, lease_until_ms = 0 WHERE run = ? AND holder = ? AND fence = ?")
        .bind(lease.run.as_str())
        .bind(lease.holder.as_str())
        .bind(signed(lease.fence))
        .execute(db)
        .await
        .map(drop)
        .map_err(sql("releasing the lease of a run"))
}

/// Where a run stands, to say why something was refused.
pub(super) async fn standing(db: &mut SqliteConnection, run: &RunId) -> Result<Standing, sqlx::Error> {
    let look =
        format!("SELECT last_seq, fence, iif(lease_until_ms > {STORE_NOW_MS}, holder, NULL) FROM runs WHERE run = ?");
    Ok(Standing(fetch_optional(sqlx::query_as(AssertSqlSafe(look)).bind(run.as_str()), db).await?))
}
