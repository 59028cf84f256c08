//! How fast a journal in a file is: `cargo bench --bench journal`. Nothing here asserts a time; it prints them.
//!
//! The file is in the system's temporary folder; TMPDIR names another disk.
//!
//! Must never: leave its files behind.

use std::path::{Path, PathBuf};

use divan::counter::ItemsCount;
use softlanding::hands::journal::{Holder, Journal, Lease, SqliteJournal};
use softlanding::law::event::{Event, Record};
use softlanding::words::clock::{Seed, Timestamp};
use softlanding::words::id::{RunId, Seat};
use tokio::runtime::Runtime;

/// No bench takes longer than a day.
const LEASE_MS: i64 = 86_400_000;

fn main() {
    divan::main();
}

/// A journal with a run that is led, in a folder of its own.
struct Desk {
    folder: PathBuf,
    runtime: Runtime,
    journal: SqliteJournal,
    lease: Lease,
    last_seq: u64,
}

impl Desk {
    fn new() -> Desk {
        let folder = std::env::temp_dir().join(format!("softlanding-bench-{:x}", Seed::from_system().0));
        std::fs::create_dir_all(&folder).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (journal, lease) = runtime.block_on(open(&folder.join("journal.db")));
        Desk { folder, runtime, journal, lease, last_seq: 1 }
    }

    fn append(&mut self, events: &[Event]) {
        let appended = self.journal.append(&self.lease, self.last_seq, Timestamp(0), events, None);
        self.last_seq = self.runtime.block_on(appended).unwrap();
    }

    fn load(&self) -> Vec<Record> {
        self.runtime.block_on(self.journal.load(&self.lease.run)).unwrap()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

async fn open(path: &Path) -> (SqliteJournal, Lease) {
    let run = RunId::new("bench").unwrap();
    let journal = SqliteJournal::open(path).await.unwrap();
    journal.begin(&run, Timestamp(0), &[Event::TakenUp]).await.unwrap();
    let lease = journal.lead(&run, &Holder::new("bench").unwrap(), LEASE_MS).await.unwrap().unwrap();
    (journal, lease)
}

fn events(count: u32) -> Vec<Event> {
    (0..count).map(|n| Event::TokenRefreshed { seat: Seat(n), expires_at: Timestamp(i64::from(n)) }).collect()
}

/// Appends of so many events; each is on disk when it returns, so the smallest shows what one fsync costs.
#[divan::bench(args = [1, 100, 10_000], sample_count = 30, sample_size = 1)]
fn append(bencher: divan::Bencher<'_, '_>, count: u32) {
    let mut desk = Desk::new();
    let batch = events(count);
    bencher.counter(ItemsCount::new(count)).bench_local(|| desk.append(&batch));
}

/// Renewals of the lease: one small write each.
#[divan::bench(sample_count = 30, sample_size = 1)]
fn renew(bencher: divan::Bencher<'_, '_>) {
    let desk = Desk::new();
    bencher.bench_local(|| desk.runtime.block_on(desk.journal.renew(&desk.lease, LEASE_MS)).unwrap());
}

/// What a process that takes a run up reads.
#[divan::bench(args = [1_000, 100_000], sample_count = 10, sample_size = 1)]
fn load(bencher: divan::Bencher<'_, '_>, count: u32) {
    let mut desk = Desk::new();
    desk.append(&events(count));
    bencher.counter(ItemsCount::new(count)).bench_local(|| desk.load().len());
}

/// Opening a file of so many events, which reads every page of it once.
#[divan::bench(args = [1_000, 100_000], sample_count = 10, sample_size = 1)]
fn open_existing(bencher: divan::Bencher<'_, '_>, count: u32) {
    let mut desk = Desk::new();
    desk.append(&events(count));
    let path = desk.folder.join("journal.db");
    bencher.bench_local(|| desk.runtime.block_on(SqliteJournal::open_existing(&path)).unwrap());
}
