//! The outbox: how far each target of a webhook has heard of each run, what could not be delivered, and the way out.
//!
//! What is to be told is the journal itself. The outbox adds one number for each target and run, the *cursor*: all up to it
//! was delivered, given up, or not asked for. It moves only once the receiver has taken a message, so that a message may
//! arrive twice after a crash, and never not at all. It lives in the journal's database.
//!
//! - `targets`: who there is to tell, and which of several replicas tells it: a lease for each target, with a fence.
//! - `cursors`: how far, and since when the next message does not arrive.
//! - `dead`: messages that were given up, whole, so that they can be sent again.
//! - [`Post`]: one message on its way: bounded, without redirects, to no private address that was not asked for.
//! - `tables`: where it is kept.
//!
//! Questions about the outbox wait for each other and, with SQLite, in the journal's own line, behind every publish claim. So
//! it never has more than one connection, and never stands in a publish's way longer than one write.
//!
//! Must never: move a cursor back, or over a message that is neither taken nor on the list of dead letters.

mod address;
mod cursors;
mod dead;
mod post;
pub(in crate::hands) mod tables;
mod targets;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::sync::{Mutex, MutexGuard};

pub use address::{Kind, kind};
pub use cursors::{Behind, Failing};
pub use dead::{DEAD_MAX, DeadLetter};
pub use post::{Answer, Post, PostSettings};
pub use targets::{TargetLease, TargetState};

use crate::hands::journal::AnyJournal;

/// What is kept of webhooks in the store.
#[derive(Debug)]
pub struct Outbox {
    journal: Arc<AnyJournal>,
    turn: Mutex<()>,
}

impl Outbox {
    /// The outbox of a journal.
    #[must_use]
    pub fn of(journal: Arc<AnyJournal>) -> Outbox {
        Outbox { journal, turn: Mutex::new(()) }
    }

    /// One question at a time.
    async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }
}

/// The store's clock, as each kind of database tells it, in milliseconds.
const SQLITE_NOW: &str = "CAST(round(unixepoch('subsec') * 1000) AS INTEGER)";
const POSTGRES_NOW: &str = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)";

/// A statement for SQLite: `{now}` is the store's clock, `{runs}` the table of runs.
fn for_sqlite(sql: &str) -> String {
    sql.replace("{now}", SQLITE_NOW).replace("{runs}", "runs")
}

/// The same for PostgreSQL.
fn for_postgres(sql: &str) -> String {
    sql.replace("{now}", POSTGRES_NOW).replace("{runs}", "softlanding_runs")
}

/// Asks either kind of store with the same statement, to `read` or to `write`.
macro_rules! ask {
    (@sqlite read $journal:ident, $doing:literal, $fetch:ident, $query:expr) => {{
        let mut db = $journal.reading().await?;
        $crate::hands::sqlite::$fetch($query, &mut db).await.map_err(|e| $crate::hands::sqlite::sql("journal", $doing)(e).into())
    }};
    (@sqlite write $journal:ident, $doing:literal, $fetch:ident, $query:expr) => {{
        let mut writing = $journal.writing().await?;
        let answer = $crate::hands::sqlite::$fetch($query, &mut writing.db).await;
        let answer = answer.map_err(|e| $crate::hands::sqlite::sql("journal", $doing)(e).into());
        $journal.done(writing, answer).await
    }};
    ($way:tt, $outbox:expr, $doing:literal, $fetch:ident, $sql:expr $(, $value:expr)* $(,)?) => {{
        let _turn = $outbox.turn().await;
        match $outbox.journal.as_ref() {
            $crate::hands::journal::AnyJournal::Sqlite(journal) => {
                let text = sqlx::AssertSqlSafe($crate::hands::outbox::for_sqlite($sql));
                let query = sqlx::query_as::<sqlx::Sqlite, _>(text)$(.bind($value))*;
                $crate::hands::outbox::ask!(@sqlite $way journal, $doing, $fetch, query)
            }
            $crate::hands::journal::AnyJournal::Postgres(journal) => {
                let text = sqlx::AssertSqlSafe($crate::hands::outbox::for_postgres($sql));
                let query = sqlx::query_as(text)$(.bind($value))*;
                let (server, hurry) = (journal.server(), $crate::hands::postgres::Hurry::Usual);
                $crate::hands::postgres::ask!(server, hurry, $doing, $fetch, query).await.map_err($crate::hands::journal::JournalError::from)
            }
        }
    }};
}
use ask;

/// The databases' integers are signed; our counters never come near the difference.
fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or_default()
}
