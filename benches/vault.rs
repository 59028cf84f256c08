//! How fast a vault in a file is: `cargo bench --bench vault`. Nothing here asserts a time; it prints them.
//!
//! A rotation is two writes, each on disk before it is reported. The platform's limit is 5 a second.
//! The file is in the system's temporary folder; TMPDIR names another disk.
//!
//! Must never: leave its files behind.

use std::path::PathBuf;

use divan::counter::ItemsCount;
use softlanding::hands::vault::{Taken, Vault, new_key};
use softlanding::words::clock::{Seed, Timestamp};
use softlanding::words::id::AgentId;
use softlanding::words::secret::{Grant, Secret};
use tokio::runtime::Runtime;

const AGENTS: u32 = 10_000;

fn main() {
    divan::main();
}

/// A vault with ten thousand agents, in a folder of its own.
struct Desk {
    folder: PathBuf,
    runtime: Runtime,
    vault: Vault,
    grants: Vec<(AgentId, String, Grant)>,
}

impl Desk {
    fn new() -> Desk {
        let folder = std::env::temp_dir().join(format!("softlanding-bench-{:x}", Seed::from_system().0));
        std::fs::create_dir_all(&folder).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let grants: Vec<_> = (0..AGENTS).map(|n| (agent(n), format!("Agent {n}"), grant(n))).collect();
        let vault = runtime.block_on(async {
            let vault = Vault::open(&folder.join("vault.db"), &new_key().unwrap()).await.unwrap();
            vault.import(&grants).await.unwrap();
            vault
        });
        Desk { folder, runtime, vault, grants }
    }
    fn rotate(&self, n: u32) {
        self.runtime.block_on(async {
            let Taken::Yours(spending) = self.vault.take(&agent(n)).await.unwrap() else { panic!("somebody has it") };
            self.vault.keep(&spending, &grant(n + 1)).await.unwrap();
        });
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn agent(n: u32) -> AgentId {
    AgentId::new(&format!("0b0d1c5a-77aa-4a7e-9d3c-1d0f{n:08}")).unwrap()
}

/// Tokens as long as the platform's are.
fn grant(n: u32) -> Grant {
    let token = |kind: &str| Secret::new(format!("{kind}{n:080}"));
    Grant { refresh_token: token("r"), access_token: Some((token("a"), Timestamp(i64::from(n)))) }
}

/// Rotations of so many agents, one after the other.
#[divan::bench(args = [1, 100], sample_count = 20, sample_size = 1)]
fn rotate(bencher: divan::Bencher<'_, '_>, count: u32) {
    let desk = Desk::new();
    bencher.counter(ItemsCount::new(count)).bench_local(|| (0..count).for_each(|n| desk.rotate(n)));
}

/// One agent's grant, opened.
#[divan::bench(sample_count = 100)]
fn get(bencher: divan::Bencher<'_, '_>) {
    let desk = Desk::new();
    bencher.bench_local(|| desk.runtime.block_on(desk.vault.get(&agent(77))).unwrap());
}

/// Everybody put in again, as one import.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn import(bencher: divan::Bencher<'_, '_>) {
    let desk = Desk::new();
    bencher
        .counter(ItemsCount::new(AGENTS))
        .bench_local(|| desk.runtime.block_on(desk.vault.import(&desk.grants)).unwrap());
}

/// Everybody listed.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn list(bencher: divan::Bencher<'_, '_>) {
    let desk = Desk::new();
    bencher.counter(ItemsCount::new(AGENTS)).bench_local(|| desk.runtime.block_on(desk.vault.agents()).unwrap());
}
