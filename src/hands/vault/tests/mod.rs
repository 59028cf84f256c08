//! What the vault promises, over both of its homes; and what only one of them can suffer.

mod files;
mod keys;
mod rows;
mod servers;
mod spending;

use super::*;
use crate::hands::StoreError;
use crate::hands::testing::Folder;
use crate::hands::testing::postgres::Database;
use crate::words::clock::Timestamp;
use crate::words::id::AgentId;
use crate::words::secret::{Grant, Secret};

fn agent(name: &str) -> AgentId {
    AgentId::new(name).unwrap()
}
fn grant(token: &str) -> Grant {
    Grant { refresh_token: Secret::new(token.to_owned()), access_token: None }
}
const ENDS: Timestamp = Timestamp(1_795_816_800_000);
fn full(token: &str) -> Grant {
    let access = Secret::new(format!("access-{token}"));
    Grant { access_token: Some((access, ENDS)), ..grant(token) }
}

/// A home under test.
enum Place {
    File(Folder),
    Server(Database),
}

impl Place {
    async fn open(&self, key: &Secret) -> Result<Vault, VaultError> {
        match self {
            Place::File(folder) => Vault::open(&folder.join("v.db"), key).await,
            Place::Server(database) => Vault::connect(&database.url(), None, key).await,
        }
    }
    async fn look(&self, key: &Secret) -> Result<Vec<Enrolled>, VaultError> {
        match self {
            Place::File(folder) => Vault::agents_at(&folder.join("v.db"), key).await,
            Place::Server(database) => Vault::agents_on(&database.url(), None, key).await,
        }
    }
    async fn rekey(&self, old: &Secret, new: &Secret) -> Result<Rekeyed, VaultError> {
        match self {
            Place::File(folder) => rekey_at(&folder.join("v.db"), old, new).await,
            Place::Server(database) => rekey_on(&database.url(), None, old, new).await,
        }
    }
    /// Does something to the rows that no softlanding would; `grants` and `keys` are the tables.
    async fn meddle(&self, statement: &str) {
        match self {
            Place::File(folder) => files::meddle(&folder.join("v.db"), statement).await,
            Place::Server(database) => {
                let named = statement
                    .replace("x''", "'\\x'::bytea")
                    .replace("x'00'", "'\\x00'::bytea")
                    .replace("zeroblob(1)", "'\\x00'::bytea")
                    .replace("grants", "softlanding_vault_grants")
                    .replace("keys", "softlanding_vault_keys")
                    .replace("hold_until_ms = 0", "hold_until = '-infinity'");
                database.meddle(&named).await;
            }
        }
    }
    /// Nothing can be written or read any more.
    async fn goes_away(&self) {
        match self {
            Place::File(folder) => std::fs::rename(folder.join("v.db"), folder.join("away.db")).unwrap(),
            Place::Server(database) => database.meddle("ALTER TABLE softlanding_vault_grants RENAME TO away").await,
        }
    }
    async fn comes_back(&self) {
        match self {
            Place::File(folder) => std::fs::rename(folder.join("away.db"), folder.join("v.db")).unwrap(),
            Place::Server(database) => database.meddle("ALTER TABLE away RENAME TO softlanding_vault_grants").await,
        }
    }
    /// Everything that is kept, as one heap of bytes.
    async fn heap(&self) -> Vec<u8> {
        match self {
            Place::File(folder) => files::heap(folder),
            Place::Server(database) => rows::heap(&database.url()).await,
        }
    }
}

/// Runs a check over an empty home of each kind.
async fn on_both(check: impl AsyncFn(&Place)) {
    check(&Place::File(Folder::new())).await;
    let database = Place::Server(Database::new().await);
    check(&database).await;
    if let Place::Server(database) = database {
        database.close().await;
    }
}

fn holds(heap: &[u8], text: &str) -> bool {
    heap.windows(text.len()).any(|window| window == text.as_bytes())
}

/// A grant taken out, where it is known that it can be.
async fn taken(vault: &Vault, name: &str) -> Spending {
    match vault.take(&agent(name)).await.unwrap() {
        Taken::Yours(spending) => *spending,
        other => panic!("{other:?}"),
    }
}

/// The refresh token that the vault holds.
async fn token(vault: &Vault, name: &str) -> Option<String> {
    vault.get(&agent(name)).await.unwrap().map(|grant| grant.refresh_token.expose().to_owned())
}

async fn listed(vault: &Vault, name: &str) -> Enrolled {
    vault.agents().await.unwrap().into_iter().find(|one| one.agent == agent(name)).unwrap()
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?}", full("hush"));
    assert!(!shown.contains("hush"), "{shown}");
}
