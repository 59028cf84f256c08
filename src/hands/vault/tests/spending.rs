//! Taking a grant out and bringing it back: whatever is interrupted, nobody is lost, and a late answer overwrites nothing.

use std::sync::Arc;

use super::*;

/// As if the process that has the grant had died, and its time had run out.
async fn runs_out(place: &Place) {
    place.meddle("UPDATE grants SET hold_until_ms = 0 WHERE hold IS NOT NULL").await;
}

async fn opened(place: &Place) -> Vault {
    static KEY: tokio::sync::OnceCell<Secret> = tokio::sync::OnceCell::const_new();
    let key = KEY.get_or_init(async || new_key().unwrap()).await;
    let vault = place.open(key).await.unwrap();
    if vault.agents().await.unwrap().is_empty() {
        vault.put(&agent("ann"), "Ann", &grant("one")).await.unwrap();
    }
    vault
}

#[tokio::test]
async fn a_rotation_replaces_and_death_hides() {
    on_both(async |place| {
        let vault = opened(place).await;
        assert!(matches!(vault.take(&agent("nobody")).await.unwrap(), Taken::NotEnrolled));
        let spending = taken(&vault, "ann").await;
        assert_eq!((spending.grant(), spending.interrupted()), (&grant("one"), None));
        assert!(listed(&vault, "ann").await.under_way, "the note is there before the request leaves");
        assert_eq!(vault.age(&agent("ann")).await.unwrap(), None, "there is no access token yet");
        assert_eq!(vault.keep(&spending, &full("two")).await.unwrap(), Kept::Stored);
        assert_eq!(vault.get(&agent("ann")).await.unwrap(), Some(full("two")));
        let ann = listed(&vault, "ann").await;
        assert_eq!(vault.age(&agent("ann")).await.unwrap(), ann.refreshed_at.zip(Some(ENDS)));
        assert_eq!(vault.age(&agent("nobody")).await.unwrap(), None);
        assert!(ann.refreshed_at.is_some() && ann.used_at.is_some());
        assert_eq!((ann.access_until, ann.spent_since, ann.under_way), (Some(ENDS), None, false));

        let spending = taken(&vault, "ann").await;
        assert_eq!(vault.mark_dead(&spending, "invalid_grant").await.unwrap(), Kept::Stored);
        assert_eq!(token(&vault, "ann").await, None);
        assert_eq!(vault.age(&agent("ann")).await.unwrap(), None, "what is dead is not young");
        let ann = listed(&vault, "ann").await;
        assert_eq!(ann.state, GrantState::Dead { why: "invalid_grant".to_owned() });
        assert!(ann.dead_at.is_some() && ann.must_sign_in() && ann.spent_since.is_none());
        // It is not tried again.
        assert!(matches!(vault.take(&agent("ann")).await.unwrap(), Taken::Dead { why } if why == "invalid_grant"));

        // Enrolling again brings the agent back.
        vault.put(&agent("ann"), "Ann", &grant("three")).await.unwrap();
        assert_eq!(token(&vault, "ann").await.unwrap(), "three");
        let ann = listed(&vault, "ann").await;
        assert_eq!((ann.state, ann.dead_at, ann.access_until), (GrantState::Alive, None, None));
    })
    .await;
}

/// The process dies between the use and the store: the old token is tried once more, by whoever comes next.
#[tokio::test]
async fn an_interrupted_refresh_is_tried_once_more() {
    on_both(async |place| {
        let died = opened(place).await;
        let lost = taken(&died, "ann").await;
        drop(died);
        let vault = opened(place).await;
        assert_eq!(listed(&vault, "ann").await.spent_since, None, "he may be at it");
        runs_out(place).await;
        let ann = listed(&vault, "ann").await;
        assert!(ann.spent_since.is_some() && !ann.under_way);
        let again = taken(&vault, "ann").await;
        assert!(again.interrupted().is_some() && again.grant() == lost.grant());
        // It never left, it turns out: the doubt of the first time stays.
        vault.give_back(&again).await.unwrap();
        let again = taken(&vault, "ann").await;
        assert!(again.interrupted().is_some());
        // The platform takes it: all is well.
        assert_eq!(vault.keep(&again, &full("two")).await.unwrap(), Kept::Stored);
        assert_eq!(listed(&vault, "ann").await.spent_since, None);
        assert_eq!(taken(&vault, "ann").await.interrupted(), None);
    })
    .await;
}

#[tokio::test]
async fn an_interrupted_refresh_that_is_refused_asks_the_agent_to_sign_in_and_says_why() {
    on_both(async |place| {
        let vault = opened(place).await;
        let first = taken(&vault, "ann").await;
        // No answer came.
        assert_eq!(vault.in_doubt(&first).await.unwrap(), Kept::Stored);
        let since = listed(&vault, "ann").await.spent_since.unwrap();
        let again = taken(&vault, "ann").await;
        assert_eq!(again.interrupted(), Some(since));
        vault.mark_dead(&again, "invalid_grant").await.unwrap();
        let ann = listed(&vault, "ann").await;
        assert_eq!(ann.spent_since, None, "there is nothing left to be tried");
        let GrantState::Dead { why } = ann.state else { panic!("she is dead") };
        assert!(why.starts_with("a refresh was interrupted (") && why.ends_with("; invalid_grant"), "{why}");
    })
    .await;
}

#[tokio::test]
async fn what_was_not_spent_leaves_no_doubt() {
    on_both(async |place| {
        let vault = opened(place).await;
        let spending = taken(&vault, "ann").await;
        assert_eq!(vault.give_back(&spending).await.unwrap(), Kept::Stored);
        assert_eq!(listed(&vault, "ann").await.spent_since, None);
        assert_eq!(taken(&vault, "ann").await.interrupted(), None);
    })
    .await;
}

/// A replica that slept comes back with its answer after another has refreshed the same agent.
#[tokio::test]
async fn a_late_answer_overwrites_nothing_newer() {
    on_both(async |place| {
        let (slow, quick) = (opened(place).await, opened(place).await);
        let late = taken(&slow, "ann").await;
        runs_out(place).await;
        let again = taken(&quick, "ann").await;
        // As long as the other has it, it is not for the late one to say that it is dead or unspent.
        assert_eq!(slow.mark_dead(&late, "invalid_grant").await.unwrap(), Kept::Newer);
        assert_eq!(slow.give_back(&late).await.unwrap(), Kept::Newer);
        assert_eq!(quick.keep(&again, &full("two")).await.unwrap(), Kept::Stored);
        assert_eq!(slow.keep(&late, &full("late")).await.unwrap(), Kept::Newer);
        assert_eq!(slow.mark_dead(&late, "invalid_grant").await.unwrap(), Kept::Newer);
        assert_eq!(slow.in_doubt(&late).await.unwrap(), Kept::Newer);
        assert_eq!(quick.get(&agent("ann")).await.unwrap(), Some(full("two")));
        assert_eq!(listed(&quick, "ann").await.spent_since, None);
    })
    .await;
}

/// The same, where the other was refused because the slow one had spent the token: its answer is the only good one.
#[tokio::test]
async fn a_late_answer_that_is_the_newest_brings_the_agent_back() {
    on_both(async |place| {
        let (slow, quick) = (opened(place).await, opened(place).await);
        let late = taken(&slow, "ann").await;
        runs_out(place).await;
        let again = taken(&quick, "ann").await;
        quick.mark_dead(&again, "invalid_grant").await.unwrap();
        assert_eq!(slow.keep(&late, &full("late")).await.unwrap(), Kept::Stored);
        assert_eq!(quick.get(&agent("ann")).await.unwrap(), Some(full("late")));
        assert!(!listed(&quick, "ann").await.must_sign_in());
    })
    .await;
}

#[tokio::test]
async fn who_signs_in_again_or_is_forgotten_meanwhile_is_left_alone() {
    on_both(async |place| {
        let vault = opened(place).await;
        let spending = taken(&vault, "ann").await;
        vault.put(&agent("ann"), "Ann", &grant("signed-in")).await.unwrap();
        assert_eq!(vault.keep(&spending, &full("two")).await.unwrap(), Kept::Newer);
        assert_eq!(vault.mark_dead(&spending, "invalid_grant").await.unwrap(), Kept::Newer);
        assert_eq!(token(&vault, "ann").await.unwrap(), "signed-in");
        let spending = taken(&vault, "ann").await;
        vault.remove(&[agent("ann")]).await.unwrap();
        assert_eq!(vault.keep(&spending, &full("two")).await.unwrap(), Kept::Forgotten);
        assert_eq!(vault.agents().await.unwrap(), []);
    })
    .await;
}

/// Two processes want the same agent's token at once: one refreshes, and the other gets what came of it.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_want_the_same_token_one_waits_for_the_other() {
    on_both(async |place| {
        let (one, other) = (opened(place).await, Arc::new(opened(place).await));
        let spending = taken(&one, "ann").await;
        let waiting = Arc::clone(&other);
        let waits = tokio::spawn(async move { waiting.take(&agent("ann")).await.unwrap() });
        // It has the grant out for as long as its work takes; the other looks in vain meanwhile.
        let work = one.while_held(&spending, async {
            other.agents().await.unwrap();
            full("two")
        });
        let answered = work.await;
        one.keep(&spending, &answered).await.unwrap();
        match waits.await.unwrap() {
            // It looked before the other was done, or only after that.
            Taken::Renewed(grant) => assert_eq!(*grant, full("two")),
            Taken::Yours(spending) => assert_eq!(*spending.grant(), full("two")),
            unexpected => panic!("{unexpected:?}"),
        }
    })
    .await;
}

/// Ten processes that want the token at the same time never have it at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_has_a_grant_that_another_has() {
    on_both(async |place| {
        let mut everybody = Vec::new();
        for _ in 0..10 {
            everybody.push(Arc::new(opened(place).await));
        }
        let out = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let mut tasks = tokio::task::JoinSet::new();
        for (n, vault) in everybody.into_iter().enumerate() {
            let out = Arc::clone(&out);
            tasks.spawn(async move {
                match vault.take(&agent("ann")).await.unwrap() {
                    Taken::Yours(spending) => {
                        assert_eq!(out.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0, "two have it");
                        tokio::task::yield_now().await;
                        out.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                        assert_eq!(vault.keep(&spending, &full(&format!("by-{n}"))).await.unwrap(), Kept::Stored);
                        1
                    }
                    Taken::Renewed(_) => 0,
                    unexpected => panic!("{unexpected:?}"),
                }
            });
        }
        let refreshed: u32 = tasks.join_all().await.into_iter().sum();
        assert!((1..=10).contains(&refreshed), "{refreshed}");
        assert_eq!(listed(&opened(place).await, "ann").await.spent_since, None);
    })
    .await;
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_recognised_as_ours() {
    on_both(async |place| {
        let vault = opened(place).await;
        let spending = taken(&vault, "ann").await;
        let row = vault.seal(&agent("ann"), &full("two")).unwrap();
        // It was done, and nobody heard of it: so it is tried again.
        assert_eq!(vault.keep_row(&spending, &row).await.unwrap(), Kept::Stored);
        assert_eq!(vault.keep_row(&spending, &row).await.unwrap(), Kept::Stored);
        // Another grant is another edition.
        assert_eq!(vault.keep(&spending, &full("three")).await.unwrap(), Kept::Newer);
        assert_eq!(token(&vault, "ann").await.unwrap(), "two");
    })
    .await;
}

/// The store goes away between the use and the store: the new grant waits for it, since the old one is worthless by now.
#[tokio::test]
async fn a_new_grant_waits_for_a_store_that_is_away() {
    on_both(async |place| {
        let vault = opened(place).await;
        let spending = taken(&vault, "ann").await;
        place.goes_away().await;
        let (ann, two) = (agent("ann"), full("two"));
        {
            let mut keeping = std::pin::pin!(vault.keep(&spending, &two));
            // It cannot end before the store is back, however long it is given.
            let while_away = tokio::time::timeout(std::time::Duration::from_millis(300), &mut keeping).await;
            assert!(while_away.is_err(), "{while_away:?}");
            place.comes_back().await;
            assert_eq!(keeping.await.unwrap(), Kept::Stored);
        }
        assert_eq!(vault.get(&ann).await.unwrap(), Some(two));
    })
    .await;
}
