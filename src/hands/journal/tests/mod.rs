//! One suite over all stores: each test that takes a [`Store`] runs over every one of them.

mod care;
mod files;
mod history;
mod leases;
mod memory;
mod orders;
mod servers;

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::any::forward;
use super::*;
use crate::hands::testing::Folder;
use crate::hands::testing::postgres::Database;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Fact {
    Staged { note: String },
    Claimed { attempt: u32 },
    Done,
}

fn staged(note: &str) -> Fact {
    Fact::Staged { note: note.to_owned() }
}
fn run(name: &str) -> RunId {
    RunId::new(name).unwrap()
}
fn holder(name: &str) -> Holder {
    Holder::new(name).unwrap()
}
const NOW: Timestamp = Timestamp(1_795_816_800_000);
/// A lease that no test outlives.
const LONG_MS: i64 = 3_600_000;

/// A store under test.
#[derive(Debug)]
enum Store {
    Memory(MemoryJournal),
    Sqlite(AnyJournal),
    Postgres(AnyJournal),
}

/// Runs a check over an empty store of each kind.
async fn on_all(check: impl AsyncFn(Store)) {
    check(Store::Memory(MemoryJournal::new())).await;
    let folder = Folder::new();
    check(sqlite(&folder.join("j.db")).await).await;
    let database = Database::new().await;
    check(postgres(&database.url()).await).await;
    database.close().await;
}

async fn sqlite(path: &Path) -> Store {
    Store::Sqlite(SqliteJournal::open(path).await.unwrap().into())
}
async fn postgres(url: &str) -> Store {
    Store::Postgres(PostgresJournal::connect(url, None).await.unwrap().into())
}

/// Runs a check over stores that ten processes share: one value, and one connection for each.
async fn on_all_shared(check: impl AsyncFn(Vec<Arc<Store>>)) {
    check(vec![Arc::new(Store::Memory(MemoryJournal::new()))]).await;
    let folder = Folder::new();
    check(vec![Arc::new(sqlite(&folder.join("one.db")).await)]).await;
    let path = folder.join("ten.db");
    check(ten(async move || sqlite(&path).await).await).await;
    let database = Database::new().await;
    check(vec![Arc::new(postgres(&database.url()).await)]).await;
    database.close().await;
    let database = Database::new().await;
    let url = database.url();
    check(ten(async move || postgres(&url).await).await).await;
    database.close().await;
}

/// Ten stores over one new place, opened at the same time: what ten processes would hold.
async fn ten<F: Future<Output = Store> + Send>(open: impl FnOnce() -> F + Clone + Send + 'static) -> Vec<Arc<Store>> {
    let mut opening = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let open = open.clone();
        opening.spawn(async move { Arc::new(open().await) });
    }
    opening.join_all().await
}

impl Store {
    /// A lease that has not run out.
    async fn led(&self, run: &RunId) -> Lease {
        self.lead(run, &holder("test"), LONG_MS).await.unwrap().unwrap()
    }

    /// A run with these events, and its lease.
    async fn begun(&self, run: &RunId, events: &[Fact]) -> Lease {
        assert_eq!(self.begin(run, NOW, events).await.unwrap(), events.len() as u64);
        self.led(run).await
    }

    /// The number of records.
    async fn count(&self, run: &RunId) -> usize {
        self.load::<Fact>(run).await.unwrap().len()
    }
}

forward!(Store: Memory Sqlite Postgres);
