//! Orders in SQLite: rows that wait for the leader of their run.
//!
//! Must never: take an order away because it cannot be read.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteConnection;

use super::sql;
use crate::hands::journal::JournalError;
use crate::hands::journal::record::to_order_text;
use crate::hands::journal::rows::{signed, to_orders, to_runs, unsigned};
use crate::hands::sqlite::fetch_optional;
use crate::words::clock::Timestamp;
use crate::words::id::RunId;

pub(super) async fn send<O: Serialize>(
    db: &mut SqliteConnection,
    run: &RunId,
    at: Timestamp,
    order: &O,
) -> Result<u64, JournalError> {
    let text = to_order_text(run, order)?;
    let insert = sqlx::query_scalar(
        "INSERT INTO orders (run, at_ms, body) SELECT run, ?, ? FROM runs WHERE run = ? RETURNING number",
    )
    .bind(at.0)
    .bind(text)
    .bind(run.as_str());
    let number: Option<i64> = fetch_optional(insert, db).await.map_err(sql("leaving an order"))?;
    number.map_or_else(|| Err(JournalError::NotFound { run: run.clone() }), |number| unsigned(run, number))
}

pub(super) async fn pending<O: DeserializeOwned>(
    db: &mut SqliteConnection,
    run: &RunId,
) -> Result<Vec<(u64, O)>, JournalError> {
    let rows: Vec<(i64, String)> = sqlx::query_as("SELECT number, body FROM orders WHERE run = ? ORDER BY number")
        .bind(run.as_str())
        .fetch_all(db)
        .await
        .map_err(sql("reading the orders for a run"))?;
    to_orders(run, &rows)
}

pub(super) async fn waiting(db: &mut SqliteConnection) -> Result<Vec<RunId>, JournalError> {
    let rows = sqlx::query_scalar("SELECT DISTINCT run FROM orders ORDER BY run").fetch_all(db).await;
    Ok(to_runs(rows.map_err(sql("looking for orders"))?))
}

pub(super) async fn dismiss(db: &mut SqliteConnection, run: &RunId, order: u64) -> Result<(), JournalError> {
    sqlx::query("DELETE FROM orders WHERE run = ? AND number = ?")
        .bind(run.as_str())
        .bind(signed(order))
        .execute(db)
        .await
        .map(drop)
        .map_err(sql("dismissing an order"))
}
