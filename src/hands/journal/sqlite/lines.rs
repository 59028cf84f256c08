//! Who is next at the journal's file: one connection writes and another one reads, so that nobody who writes waits for a
//! long read; and a claim goes before everybody else who waits to write, because its instant cannot be moved.
//!
//! Must never: let two of this process write at once. SQLite would let one of them sleep, and not wake it in turn.

use sqlx::sqlite::SqliteConnection;
use tokio::sync::{Mutex, MutexGuard};

/// The connections to one file, and the lines in front of them.
#[derive(Debug)]
pub(super) struct Lines {
    writing: Mutex<SqliteConnection>,
    reading: Mutex<SqliteConnection>,
    /// Whoever is in no hurry waits here first and keeps this while it writes, so that only claims wait behind it.
    usual: Mutex<()>,
}

/// The right to write; for those in no hurry, with the head of their line.
pub(in crate::hands) struct Writing<'a> {
    pub(in crate::hands) db: MutexGuard<'a, SqliteConnection>,
    _place: Option<MutexGuard<'a, ()>>,
}

impl Lines {
    pub(super) fn new(writing: SqliteConnection, reading: SqliteConnection) -> Lines {
        Lines { writing: Mutex::new(writing), reading: Mutex::new(reading), usual: Mutex::new(()) }
    }

    pub(super) async fn read(&self) -> MutexGuard<'_, SqliteConnection> {
        self.reading.lock().await
    }

    /// Waits for all who asked before.
    pub(super) async fn write(&self) -> Writing<'_> {
        let place = self.usual.lock().await;
        Writing { db: self.writing.lock().await, _place: Some(place) }
    }

    /// Waits for whoever writes at this moment, and for earlier claims.
    pub(super) async fn claim(&self) -> Writing<'_> {
        Writing { db: self.writing.lock().await, _place: None }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use super::*;
    use sqlx::Connection;

    async fn memory() -> SqliteConnection {
        SqliteConnection::connect("sqlite::memory:").await.unwrap()
    }

    #[tokio::test]
    async fn a_claim_waits_for_whoever_writes_and_for_none_who_waits() {
        let lines = Lines::new(memory().await, memory().await);
        let writing = lines.write().await;
        let mut usual = Box::pin(lines.write());
        assert!(poll_once(usual.as_mut()).await.is_none());
        let mut claim = Box::pin(lines.claim());
        assert!(poll_once(claim.as_mut()).await.is_none());
        drop(writing);
        assert!(poll_once(usual.as_mut()).await.is_none(), "the claim comes first");
        let claiming = poll_once(claim.as_mut()).await.expect("nobody writes any more");
        assert!(poll_once(usual.as_mut()).await.is_none());
        drop(claiming);
        assert!(poll_once(usual.as_mut()).await.is_some());
    }

    #[tokio::test]
    async fn who_reads_does_not_wait_for_who_writes() {
        let lines = Lines::new(memory().await, memory().await);
        let _writing = lines.write().await;
        drop(lines.read().await);
    }

    /// Polls once.
    async fn poll_once<T>(mut future: std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
        std::future::poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }
}
