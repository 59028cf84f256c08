//! Grants in, grants out: nothing of them is readable, nothing is altered unseen, and an import is all or nothing.

use sqlx::{Connection, PgConnection};

use super::*;

/// Everything in the public tables of a database, as text and as bytes.
pub(super) async fn heap(url: &str) -> Vec<u8> {
    let mut db = PgConnection::connect(url).await.unwrap();
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
            .fetch_all(&mut db)
            .await
            .unwrap();
    let mut heap = Vec::new();
    for table in tables {
        let rows = format!("SELECT t::text FROM {table} t ORDER BY 1");
        let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(rows)).fetch_all(&mut db).await.unwrap();
        heap.extend(rows.concat().into_bytes());
    }
    let sealed: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT sealed FROM softlanding_vault_grants").fetch_all(&mut db).await.unwrap();
    heap.extend(sealed.concat());
    heap
}

#[tokio::test]
async fn grants_come_back_and_nothing_of_them_is_readable() {
    on_both(async |place| {
        let key = new_key().unwrap();
        let vault = place.open(&key).await.unwrap();
        assert_eq!(vault.get(&agent("ann")).await.unwrap(), None);
        vault.put(&agent("ann"), "Ann", &grant("refresh-of-ann")).await.unwrap();
        vault.put(&agent("bo"), "Bo", &full("refresh-of-bo")).await.unwrap();
        let heap = place.heap().await;
        // The names stand there in the clear, so the heap is the right one.
        assert!(holds(&heap, "Ann") && !holds(&heap, "refresh-of") && !holds(&heap, "access-"));
        assert!(!holds(&heap, key.expose()));
        drop(vault);
        assert!(!holds(&place.heap().await, "refresh-of"));

        let vault = place.open(&key).await.unwrap();
        assert_eq!(vault.get(&agent("ann")).await.unwrap(), Some(grant("refresh-of-ann")));
        assert_eq!(vault.get(&agent("bo")).await.unwrap(), Some(full("refresh-of-bo")));
    })
    .await;
}

#[tokio::test]
async fn what_is_known_of_an_agent_is_listed() {
    on_both(async |place| {
        let key = new_key().unwrap();
        let vault = place.open(&key).await.unwrap();
        vault
            .import(&[(agent("bo"), "Bo\n".to_owned(), full("b")), (agent("ann"), "Ann".to_owned(), grant("a"))])
            .await
            .unwrap();
        let (ann, bo) = (listed(&vault, "ann").await, listed(&vault, "bo").await);
        assert_eq!((ann.name.as_str(), bo.name.as_str(), &ann.state), ("Ann", "Bo", &GrantState::Alive));
        assert!(ann.enrolled_at.is_some() && !ann.must_sign_in());
        assert_eq!((ann.access_until, bo.access_until, ann.refreshed_at, ann.used_at), (None, Some(ENDS), None, None));
        vault.used(&[agent("ann"), agent("nobody")]).await.unwrap();
        assert!(listed(&vault, "ann").await.used_at.is_some() && listed(&vault, "bo").await.used_at.is_none());
        assert_eq!(place.look(&key).await.unwrap(), vault.agents().await.unwrap());

        assert_eq!(vault.remove(&[agent("bo"), agent("nobody")]).await.unwrap(), 1);
        assert_eq!(vault.agents().await.unwrap().len(), 1);
        assert_eq!(token(&vault, "bo").await, None);
    })
    .await;
}

#[tokio::test]
async fn an_import_is_all_or_nothing() {
    on_both(async |place| {
        let vault = place.open(&new_key().unwrap()).await.unwrap();
        vault.put(&agent("a"), "A", &grant("old")).await.unwrap();
        let line = |name: &str, token: &str| (agent(name), name.to_uppercase(), grant(token));
        let error = vault.import(&[line("a", "new"), line("b", "")]).await.unwrap_err();
        assert_eq!(error.to_string(), "the refresh token of agent b has 0 bytes; accepted: 1 to 16384");
        assert_eq!(token(&vault, "a").await.unwrap(), "old");
        let imported = vault.import(&[line("a", "new"), line("b", "b"), line("c", "c")]).await.unwrap();
        assert_eq!(imported, Imported { added: 2, replaced: 1 });
        assert_eq!(token(&vault, "a").await.unwrap(), "new");
        assert_eq!(vault.agents().await.unwrap().len(), 3);
        assert_eq!(vault.import(&[]).await.unwrap(), Imported::default());
    })
    .await;
}

#[tokio::test]
async fn meddling_is_found_for_the_agent_it_concerns_only() {
    for statement in [
        // Bo's seal in Ann's row: an agent would act with another one's token.
        "UPDATE grants SET (nonce, sealed) = (SELECT nonce, sealed FROM grants WHERE agent = 'bo') WHERE agent = 'ann'",
        // And with the edition too.
        "UPDATE grants SET (nonce, sealed, edition) =
             (SELECT nonce, sealed, edition FROM grants WHERE agent = 'bo') WHERE agent = 'ann'",
        "UPDATE grants SET edition = edition + 1 WHERE agent = 'ann'",
        "UPDATE grants SET edition = 0 WHERE agent = 'ann'",
        "UPDATE grants SET sealed = zeroblob(1) WHERE agent = 'ann'",
        "UPDATE grants SET sealed = x'' WHERE agent = 'ann'",
        "UPDATE grants SET nonce = x'00' WHERE agent = 'ann'",
    ] {
        on_both(async |place| {
            let key = new_key().unwrap();
            let vault = place.open(&key).await.unwrap();
            vault.put(&agent("ann"), "Ann", &grant("t-ann")).await.unwrap();
            vault.put(&agent("bo"), "Bo", &grant("t-bo")).await.unwrap();
            drop(vault);
            place.meddle(statement).await;
            let vault = place.open(&key).await.unwrap();
            assert!(matches!(vault.get(&agent("ann")).await, Err(VaultError::Altered { .. })), "{statement}");
            assert!(matches!(vault.take(&agent("ann")).await, Err(VaultError::Altered { .. })), "{statement}");
            assert_eq!(vault.get(&agent("bo")).await.unwrap(), Some(grant("t-bo")));
            // Nothing was spent by it, and signing in again is all it takes.
            assert_eq!(listed(&vault, "ann").await.spent_since, None);
            vault.put(&agent("ann"), "Ann", &grant("again")).await.unwrap();
            assert_eq!(token(&vault, "ann").await.unwrap(), "again");
        })
        .await;
    }
}

/// The seal of an earlier grant is put back into the row: an old refresh token would be tried as if it were the newest.
#[tokio::test]
async fn an_earlier_seal_does_not_open_in_a_later_row() {
    on_both(async |place| {
        let key = new_key().unwrap();
        let vault = place.open(&key).await.unwrap();
        vault.put(&agent("ann"), "Ann", &grant("one")).await.unwrap();
        place.meddle("CREATE TABLE earlier AS SELECT agent, nonce, sealed, edition FROM grants").await;
        vault.keep(&taken(&vault, "ann").await, &grant("two")).await.unwrap();
        place
            .meddle(
                "UPDATE grants SET (nonce, sealed) = (SELECT nonce, sealed FROM earlier WHERE earlier.agent = 'ann')
                 WHERE agent = 'ann'",
            )
            .await;
        assert!(matches!(vault.get(&agent("ann")).await, Err(VaultError::Altered { .. })));
        // A whole row that is put back is an old token, which the platform refuses: nobody acts for somebody else by it.
        place
            .meddle(
                "UPDATE grants SET edition = (SELECT edition FROM earlier WHERE earlier.agent = 'ann') WHERE agent = 'ann'",
            )
            .await;
        assert_eq!(token(&vault, "ann").await.unwrap(), "one");
        vault.mark_dead(&taken(&vault, "ann").await, "invalid_grant").await.unwrap();
        assert!(listed(&vault, "ann").await.must_sign_in());
    })
    .await;
}
