//! Leases in PostgreSQL: three columns of the run's row, written only where the server's clock allows it.
//!
//! Must never: shorten anybody else's lease, or give a fence twice.

use super::ask;
use crate::hands::journal::lease::bounded;
use crate::hands::journal::rows::{Standing, signed, unsigned};
use crate::hands::journal::{Holder, JournalError, Lease};
use crate::hands::postgres::Server;
use crate::words::id::RunId;

pub(super) async fn lead(
    server: &Server,
    run: &RunId,
    holder: &Holder,
    for_ms: i64,
) -> Result<Option<Lease>, JournalError> {
    let take = "UPDATE softlanding_runs
         SET holder = $1, fence = fence + 1, lease_until = clock_timestamp() + $2 * interval '1 millisecond'
         WHERE run = $3 AND (holder IS NULL OR holder = $1 OR lease_until <= clock_timestamp())
         RETURNING fence";
    let query = sqlx::query_scalar(take).bind(holder.as_str()).bind(bounded(for_ms)).bind(run.as_str());
    let taken: Option<i64> = ask!(server, "taking the lease of a run", fetch_optional, query).await?;
    match taken {
        Some(fence) => Ok(Some(Lease { run: run.clone(), holder: holder.clone(), fence: unsigned(run, fence)? })),
        None if standing(server, run).await?.exists() => Ok(None),
        None => Err(JournalError::NotFound { run: run.clone() }),
    }
}

pub(super) async fn renew(server: &Server, lease: &Lease, for_ms: i64) -> Result<(), JournalError> {
    let renew = "UPDATE softlanding_runs SET lease_until = clock_timestamp() + $1 * interval '1 millisecond'
         WHERE run = $2 AND holder = $3 AND fence = $4 AND lease_until > clock_timestamp()";
    let query = sqlx::query(renew)
        .bind(bounded(for_ms))
        .bind(lease.run.as_str())
        .bind(lease.holder.as_str())
        .bind(signed(lease.fence));
    let renewed = ask!(server, "renewing the lease of a run", execute, query).await?;
    match renewed.rows_affected() {
        0 => Err(standing(server, &lease.run).await?.lost(lease)),
        _ => Ok(()),
    }
}

pub(super) async fn release(server: &Server, lease: &Lease) -> Result<(), JournalError> {
    let release = "UPDATE softlanding_runs SET holder = NULL, lease_until = '-infinity'
         WHERE run = $1 AND holder = $2 AND fence = $3";
    let query = sqlx::query(release).bind(lease.run.as_str()).bind(lease.holder.as_str()).bind(signed(lease.fence));
    ask!(server, "releasing the lease of a run", execute, query).await?;
    Ok(())
}

/// Where a run stands, to say why something was refused.
pub(super) async fn standing(server: &Server, run: &RunId) -> Result<Standing, JournalError> {
    let look = "SELECT last_seq, fence, CASE WHEN lease_until > clock_timestamp() THEN holder END
         FROM softlanding_runs WHERE run = $1";
    let query = sqlx::query_as(look).bind(run.as_str());
    Ok(Standing(ask!(server, "looking where a run stands", fetch_optional, query).await?))
}
