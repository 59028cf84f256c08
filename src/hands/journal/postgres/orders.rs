//! Orders in PostgreSQL: rows that wait for the leader of their run.
//!
//! Must never: take an order away because it cannot be read.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ask;
use crate::hands::journal::JournalError;
use crate::hands::journal::record::to_order_text;
use crate::hands::journal::rows::{signed, to_orders, to_runs, unsigned};
use crate::hands::postgres::Server;
use crate::words::clock::Timestamp;
use crate::words::id::RunId;

pub(super) async fn send<O: Serialize>(
    server: &Server,
    run: &RunId,
    at: Timestamp,
    order: &O,
) -> Result<u64, JournalError> {
    let text = to_order_text(run, order)?;
    // The lock on the run's row keeps `forget` from taking the run away before the order is in.
    let send = "INSERT INTO softlanding_orders (run, at_ms, body)
         SELECT run, $1, $2 FROM softlanding_runs WHERE run = $3 FOR KEY SHARE
         RETURNING number";
    let query = sqlx::query_scalar(send).bind(at.0).bind(text).bind(run.as_str());
    let number: Option<i64> = ask!(server, "leaving an order", fetch_optional, query).await?;
    number.map_or_else(|| Err(JournalError::NotFound { run: run.clone() }), |number| unsigned(run, number))
}

pub(super) async fn pending<O: DeserializeOwned>(server: &Server, run: &RunId) -> Result<Vec<(u64, O)>, JournalError> {
    let select = "SELECT number, body FROM softlanding_orders WHERE run = $1 ORDER BY number";
    let query = sqlx::query_as(select).bind(run.as_str());
    let rows: Vec<(i64, String)> = ask!(server, "reading the orders for a run", fetch_all, query).await?;
    to_orders(run, &rows)
}

pub(super) async fn waiting(server: &Server) -> Result<Vec<RunId>, JournalError> {
    let query = sqlx::query_scalar("SELECT DISTINCT run FROM softlanding_orders ORDER BY run");
    Ok(to_runs(ask!(server, "looking for orders", fetch_all, query).await?))
}

pub(super) async fn dismiss(server: &Server, run: &RunId, order: u64) -> Result<(), JournalError> {
    let delete = "DELETE FROM softlanding_orders WHERE run = $1 AND number = $2";
    let query = sqlx::query(delete).bind(run.as_str()).bind(signed(order));
    ask!(server, "dismissing an order", execute, query).await?;
    Ok(())
}
