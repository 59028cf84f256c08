//! Keys: a wrong one changes nothing, and another one takes the place of the first without losing anybody.

use super::*;

#[tokio::test]
async fn a_wrong_key_is_found_at_once_and_changes_nothing() {
    on_both(async |place| {
        let key = new_key().unwrap();
        place.open(&key).await.unwrap().put(&agent("ann"), "Ann", &grant("t")).await.unwrap();
        if let Place::File(_) = place {
            place.meddle("PRAGMA wal_checkpoint(TRUNCATE)").await;
        }
        let before = place.heap().await;
        let wrong = new_key().unwrap();
        assert!(matches!(place.open(&wrong).await, Err(VaultError::WrongKey)));
        assert!(matches!(place.look(&wrong).await, Err(VaultError::WrongKey)));
        assert!(matches!(place.rekey(&wrong, &new_key().unwrap()).await, Err(VaultError::WrongKey)));
        let short = Secret::new("short".to_owned());
        assert!(matches!(place.open(&short).await, Err(VaultError::BadKey { .. })));
        assert!(matches!(place.rekey(&key, &short).await, Err(VaultError::BadKey { .. })));
        assert!(place.heap().await == before);
        let vault = place.open(&key).await.unwrap();
        assert_eq!(token(&vault, "ann").await.unwrap(), "t");
    })
    .await;
}

#[tokio::test]
async fn a_vault_whose_check_was_cut_out_takes_no_new_key() {
    on_both(async |place| {
        let key = new_key().unwrap();
        let vault = place.open(&key).await.unwrap();
        vault.put(&agent("a"), "A", &grant("t")).await.unwrap();
        let foreign = if let Place::File(_) = place { "PRAGMA foreign_keys = OFF; " } else { "" };
        place.meddle(&format!("{foreign}DELETE FROM keys")).await;
        assert!(matches!(place.open(&new_key().unwrap()).await, Err(VaultError::Damaged)));
        assert!(matches!(place.look(&key).await, Err(VaultError::Damaged)));
        assert!(matches!(place.rekey(&key, &new_key().unwrap()).await, Err(VaultError::Damaged)));
        assert!(matches!(vault.take(&agent("a")).await, Err(VaultError::Damaged)));
    })
    .await;
}

#[tokio::test]
async fn of_two_who_make_a_vault_at_once_with_different_keys_one_is_refused() {
    on_both(async |place| {
        let (one, other) = (new_key().unwrap(), new_key().unwrap());
        let (first, second) = tokio::join!(place.open(&one), place.open(&other));
        let opened = [&first, &second].into_iter().filter(|vault| vault.is_ok()).count();
        assert_eq!(opened, 1, "{first:?} {second:?}");
        assert!([first, second].iter().any(|vault| matches!(vault, Err(VaultError::WrongKey))));
    })
    .await;
}

#[tokio::test]
async fn everything_is_sealed_anew_and_to_begin_again_is_right() {
    on_both(async |place| {
        let (old, new) = (new_key().unwrap(), new_key().unwrap());
        let running = place.open(&old).await.unwrap();
        running.put(&agent("ann"), "Ann", &full("a")).await.unwrap();
        running.put(&agent("bo"), "Bo", &grant("b")).await.unwrap();
        running.put(&agent("cy"), "Cy", &grant("c")).await.unwrap();
        running.mark_dead(&taken(&running, "cy").await, "gone").await.unwrap();
        let before = running.agents().await.unwrap();
        assert_eq!(place.rekey(&old, &new).await.unwrap(), Rekeyed::Done(3));
        assert_eq!(place.rekey(&old, &new).await.unwrap(), Rekeyed::Already);
        assert!(matches!(place.open(&old).await, Err(VaultError::WrongKey)));

        let vault = place.open(&new).await.unwrap();
        assert_eq!(vault.agents().await.unwrap(), before);
        assert_eq!(vault.get(&agent("ann")).await.unwrap(), Some(full("a")));
        assert_eq!(token(&vault, "bo").await.unwrap(), "b");

        // Who still has the old key learns it at the next question, and has spent nothing.
        assert!(matches!(running.get(&agent("ann")).await, Err(VaultError::KeyReplaced)));
        assert!(matches!(running.take(&agent("ann")).await, Err(VaultError::KeyReplaced)));
        assert!(matches!(running.put(&agent("dee"), "Dee", &grant("d")).await, Err(VaultError::KeyReplaced)));
        assert_eq!(listed(&vault, "ann").await.spent_since, None);
        assert_eq!(vault.agents().await.unwrap(), before);
    })
    .await;
}

#[tokio::test]
async fn a_row_that_cannot_be_opened_leaves_everything_under_the_old_key() {
    on_both(async |place| {
        let (old, new) = (new_key().unwrap(), new_key().unwrap());
        let vault = place.open(&old).await.unwrap();
        vault.put(&agent("ann"), "Ann", &grant("a")).await.unwrap();
        vault.put(&agent("zoe"), "Zoe", &grant("z")).await.unwrap();
        place.meddle("UPDATE grants SET sealed = zeroblob(1) WHERE agent = 'zoe'").await;
        assert!(matches!(place.rekey(&old, &new).await, Err(VaultError::Altered { .. })));
        assert_eq!(token(&vault, "ann").await.unwrap(), "a");
        assert!(matches!(place.open(&new).await, Err(VaultError::WrongKey)));
        // Once that agent is out, it goes.
        vault.remove(&[agent("zoe")]).await.unwrap();
        assert_eq!(place.rekey(&old, &new).await.unwrap(), Rekeyed::Done(1));
    })
    .await;
}

/// A grant that is out is waited for: what the platform answers must still be kept with the old key.
#[tokio::test]
async fn nothing_is_sealed_anew_while_a_grant_is_out() {
    on_both(async |place| {
        let (old, new) = (new_key().unwrap(), new_key().unwrap());
        let vault = place.open(&old).await.unwrap();
        vault.put(&agent("ann"), "Ann", &grant("one")).await.unwrap();
        let spending = taken(&vault, "ann").await;
        let brought = async {
            // The platform answers after the other has looked at least once.
            let looks = async { place.look(&old).await.unwrap() };
            looks.await;
            tokio::task::yield_now().await;
            vault.keep(&spending, &grant("two")).await.unwrap()
        };
        let (rekeyed, kept) = tokio::join!(place.rekey(&old, &new), brought);
        assert_eq!((rekeyed.unwrap(), kept), (Rekeyed::Done(1), Kept::Stored));
        assert_eq!(token(&place.open(&new).await.unwrap(), "ann").await.unwrap(), "two");
    })
    .await;
}

/// A process that slept with a grant in hand finds another key: its answer is lost, and the vault says that it may be.
#[tokio::test]
async fn what_was_out_for_too_long_is_in_doubt_under_the_new_key() {
    on_both(async |place| {
        let (old, new) = (new_key().unwrap(), new_key().unwrap());
        let slept = place.open(&old).await.unwrap();
        slept.put(&agent("ann"), "Ann", &grant("one")).await.unwrap();
        let spending = taken(&slept, "ann").await;
        place.meddle("UPDATE grants SET hold_until_ms = 0").await;
        assert_eq!(place.rekey(&old, &new).await.unwrap(), Rekeyed::Done(1));
        assert!(matches!(slept.keep(&spending, &grant("two")).await, Err(VaultError::KeyReplaced)));
        let vault = place.open(&new).await.unwrap();
        let again = taken(&vault, "ann").await;
        assert!(again.interrupted().is_some() && again.grant() == &grant("one"));
    })
    .await;
}
