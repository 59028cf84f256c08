//! What only a PostgreSQL server can suffer: strangers' tables, a newer version; and that journal and vault share a database.

use super::*;
use crate::hands::journal::PostgresJournal;

#[tokio::test]
async fn strangers_tables_and_newer_ones_are_refused() {
    for (statement, newer) in [
        ("CREATE TABLE softlanding_vault_grants (guest text)", false),
        ("CREATE VIEW softlanding_vault_keys AS SELECT 1 AS id", false),
        (
            "CREATE TABLE softlanding_vault_schema (version bigint); INSERT INTO softlanding_vault_schema VALUES (999)",
            true,
        ),
    ] {
        let database = Database::new().await;
        database.meddle(statement).await;
        let error = Vault::connect(&database.url(), None, &new_key().unwrap()).await.unwrap_err();
        match error {
            VaultError::Store(StoreError::Newer { found: 999, .. }) => assert!(newer, "{statement}"),
            VaultError::Store(StoreError::NotOurs { .. }) => assert!(!newer, "{statement}"),
            other => panic!("{statement}: {other:?}"),
        }
        database.close().await;
    }
}

#[tokio::test]
async fn a_vault_is_looked_for_and_not_made_by_those_who_only_look() {
    let database = Database::new().await;
    let key = new_key().unwrap();
    for missing in [
        Vault::agents_on(&database.url(), None, &key).await.map(drop),
        rekey_on(&database.url(), None, &key, &new_key().unwrap()).await.map(drop),
    ] {
        assert!(matches!(missing, Err(VaultError::Store(StoreError::Missing { .. }))), "{missing:?}");
    }
    Vault::connect(&database.url(), None, &key).await.unwrap();
    assert_eq!(Vault::agents_on(&database.url(), None, &key).await.unwrap(), []);
    database.close().await;
}

#[tokio::test]
async fn journal_and_vault_share_a_database_whoever_comes_first() {
    for journal_first in [true, false] {
        let database = Database::new().await;
        let (url, key) = (database.url(), new_key().unwrap());
        if journal_first {
            PostgresJournal::connect(&url, None).await.unwrap();
            Vault::connect(&url, None, &key).await.unwrap();
        }
        Vault::connect(&url, None, &key).await.unwrap().put(&agent("ann"), "Ann", &grant("t")).await.unwrap();
        PostgresJournal::connect(&url, None).await.unwrap();
        assert_eq!(token(&Vault::connect(&url, None, &key).await.unwrap(), "ann").await.unwrap(), "t");
        database.close().await;
    }
}
