//! What the vault promises, and what happens to a file that someone has meddled with.

use std::path::Path;

use sqlx::{Connection, SqliteConnection};

use super::*;
use crate::hands::StoreError;
use crate::hands::testing::Folder;
use crate::words::clock::Timestamp;
use crate::words::id::AgentId;
use crate::words::secret::{Grant, Secret};

fn agent(name: &str) -> AgentId {
    AgentId::new(name).unwrap()
}
fn grant(token: &str) -> Grant {
    Grant { refresh_token: Secret::new(token.to_owned()), access_token: None }
}
fn full(token: &str) -> Grant {
    let access = Secret::new(format!("access-{token}"));
    Grant { access_token: Some((access, Timestamp(1_795_816_800_000))), ..grant(token) }
}
async fn meddle(path: &Path, statement: &'static str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut db = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(statement).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
}
/// Everything in the folder, as one heap of bytes. A file that SQLite removes in this moment counts as empty.
fn heap(folder: &Folder) -> Vec<u8> {
    let mut names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path()).collect();
    names.sort();
    names.iter().flat_map(|path| std::fs::read(path).unwrap_or_default()).collect()
}
fn holds(heap: &[u8], text: &str) -> bool {
    heap.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn grants_come_back_and_nothing_of_them_is_readable_in_the_file() {
    let folder = Folder::new();
    let key = new_key().unwrap();
    let vault = Vault::open(&folder.join("v.db"), &key).await.unwrap();
    assert_eq!(vault.get(&agent("ann")).await.unwrap(), None);
    vault.put(&agent("ann"), "Ann", &grant("refresh-of-ann")).await.unwrap();
    vault.put(&agent("bo"), "Bo", &full("refresh-of-bo")).await.unwrap();
    assert!(!holds(&heap(&folder), "refresh-of") && !holds(&heap(&folder), "access-"));
    assert!(!holds(&heap(&folder), key.expose()));
    drop(vault);
    assert!(!holds(&heap(&folder), "refresh-of"));

    let vault = Vault::open(&folder.join("v.db"), &key).await.unwrap();
    assert_eq!(vault.get(&agent("ann")).await.unwrap(), Some(grant("refresh-of-ann")));
    assert_eq!(vault.get(&agent("bo")).await.unwrap(), Some(full("refresh-of-bo")));
}

#[tokio::test]
async fn rotation_replaces_and_death_hides() {
    let folder = Folder::new();
    let vault = Vault::open(&folder.join("v.db"), &new_key().unwrap()).await.unwrap();
    let ann = agent("ann");
    assert!(matches!(vault.rotate(&ann, &grant("x")).await, Err(VaultError::NotEnrolled { .. })));
    vault.put(&ann, "Ann", &grant("one")).await.unwrap();
    vault.rotate(&ann, &full("two")).await.unwrap();
    assert_eq!(vault.get(&ann).await.unwrap(), Some(full("two")));

    vault.mark_dead(&ann, "invalid_grant").await.unwrap();
    assert_eq!(vault.get(&ann).await.unwrap(), None);
    let dead = GrantState::Dead { why: "invalid_grant".to_owned() };
    let listed = Enrolled { agent: ann.clone(), name: "Ann".to_owned(), state: dead };
    assert_eq!(vault.agents().await.unwrap(), std::slice::from_ref(&listed));
    assert!(matches!(vault.mark_dead(&agent("nobody"), "x").await, Err(VaultError::NotEnrolled { .. })));

    // Enrolling again brings the agent back.
    vault.put(&ann, "Ann", &grant("three")).await.unwrap();
    assert_eq!(vault.get(&ann).await.unwrap(), Some(grant("three")));
    assert_eq!(vault.agents().await.unwrap(), [Enrolled { state: GrantState::Alive, ..listed }]);
    vault.remove(&ann).await.unwrap();
    assert_eq!(vault.agents().await.unwrap(), []);
}

#[tokio::test]
async fn an_import_is_all_or_nothing() {
    let folder = Folder::new();
    let vault = Vault::open(&folder.join("v.db"), &new_key().unwrap()).await.unwrap();
    vault.put(&agent("a"), "A", &grant("old")).await.unwrap();
    let line = |name: &str, token: &str| (agent(name), name.to_uppercase(), grant(token));
    let error = vault.import(&[line("a", "new"), line("b", "")]).await.unwrap_err();
    assert_eq!(error.to_string(), "the refresh token of agent b has 0 bytes; accepted: 1 to 16384");
    assert_eq!(vault.get(&agent("a")).await.unwrap(), Some(grant("old")));
    let imported = vault.import(&[line("a", "new"), line("b", "b"), line("c", "c")]).await.unwrap();
    assert_eq!(imported, Imported { added: 2, replaced: 1 });
    assert_eq!(vault.get(&agent("a")).await.unwrap(), Some(grant("new")));
    assert_eq!(vault.agents().await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_wrong_key_is_found_at_once_and_changes_nothing() {
    let folder = Folder::new();
    let path = folder.join("v.db");
    let key = new_key().unwrap();
    Vault::open(&path, &key).await.unwrap().put(&agent("ann"), "Ann", &grant("t")).await.unwrap();
    meddle(&path, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(Vault::open(&path, &new_key().unwrap()).await, Err(VaultError::WrongKey)));
    assert!(matches!(Vault::open(&path, &Secret::new("short".to_owned())).await, Err(VaultError::BadKey { .. })));
    assert!(std::fs::read(&path).unwrap() == before);
    let vault = Vault::open(&path, &key).await.unwrap();
    assert_eq!(vault.get(&agent("ann")).await.unwrap(), Some(grant("t")));
}

#[tokio::test]
async fn a_bad_key_makes_no_file() {
    let folder = Folder::new();
    let path = folder.join("v.db");
    assert!(Vault::open(&path, &Secret::new("hunter2".to_owned())).await.is_err());
    assert!(!path.exists());
}

#[tokio::test]
async fn meddling_is_found_for_the_agent_it_concerns_only() {
    for statement in [
        // Bo's seal in Ann's row: an agent would act with another one's token.
        "UPDATE grants SET (nonce, sealed) = (SELECT nonce, sealed FROM grants WHERE agent = 'bo') WHERE agent = 'ann'",
        "UPDATE grants SET sealed = zeroblob(length(sealed)) WHERE agent = 'ann'",
        "UPDATE grants SET sealed = x'' WHERE agent = 'ann'",
        "UPDATE grants SET nonce = x'00' WHERE agent = 'ann'",
    ] {
        let folder = Folder::new();
        let path = folder.join("v.db");
        let key = new_key().unwrap();
        let vault = Vault::open(&path, &key).await.unwrap();
        vault.put(&agent("ann"), "Ann", &grant("t-ann")).await.unwrap();
        vault.put(&agent("bo"), "Bo", &grant("t-bo")).await.unwrap();
        drop(vault);
        meddle(&path, statement).await;
        let vault = Vault::open(&path, &key).await.unwrap();
        assert!(matches!(vault.get(&agent("ann")).await, Err(VaultError::Altered { .. })), "{statement}");
        assert_eq!(vault.get(&agent("bo")).await.unwrap(), Some(grant("t-bo")));
    }
}

#[tokio::test]
async fn a_vault_whose_check_was_cut_out_takes_no_new_key() {
    let folder = Folder::new();
    let path = folder.join("v.db");
    Vault::open(&path, &new_key().unwrap()).await.unwrap().put(&agent("a"), "A", &grant("t")).await.unwrap();
    meddle(&path, "PRAGMA foreign_keys = OFF; DELETE FROM keys").await;
    assert!(matches!(Vault::open(&path, &new_key().unwrap()).await, Err(VaultError::Damaged)));
}

#[tokio::test]
async fn a_journal_is_no_vault() {
    let folder = Folder::new();
    let path = folder.join("j.db");
    crate::hands::journal::SqliteJournal::open(&path).await.unwrap();
    let error = Vault::open(&path, &new_key().unwrap()).await.unwrap_err();
    assert!(matches!(error, VaultError::Store(StoreError::NotOurs { .. })), "{error:?}");
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?}", full("hush"));
    assert!(!shown.contains("hush"), "{shown}");
}
