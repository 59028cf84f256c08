//! Records: begun once, in order, all or nothing, claimed once.

use super::*;

#[tokio::test]
async fn what_was_appended_is_loaded_in_order() {
    on_all(async |store| {
        let run = run("r1");
        let odd = staged("quotes \" and \\ , a NUL \u{0}, \u{1F600}, 'single', \n");
        assert_eq!(store.begin(&run, NOW, &[odd.clone(), Fact::Done]).await.unwrap(), 2, "{store:?}");
        let lease = store.led(&run).await;
        assert_eq!(store.append(&lease, 2, NOW + 5, &[staged("later"), odd.clone()], None).await.unwrap(), 4);
        let records: Vec<Record<Fact>> = store.load(&run).await.unwrap();
        let expected = [
            Record { seq: 1, at: NOW, event: odd.clone() },
            Record { seq: 2, at: NOW, event: Fact::Done },
            Record { seq: 3, at: NOW + 5, event: staged("later") },
            Record { seq: 4, at: NOW + 5, event: odd },
        ];
        assert_eq!(records, expected, "{store:?}");
        for after in 0..6 {
            let later: Vec<Record<Fact>> = store.load_after(&run, after).await.unwrap();
            assert!(later.iter().eq(expected.iter().filter(|record| record.seq > after)), "{store:?} after {after}");
        }
        let nobody = RunId::new("r2").unwrap();
        assert!(matches!(store.load_after::<Fact>(&nobody, 3).await, Err(JournalError::NotFound { .. })), "{store:?}");
    })
    .await;
}

#[tokio::test]
async fn a_large_batch_keeps_its_order() {
    on_all(async |store| {
        let events: Vec<Fact> = (0..5000).map(|n| staged(&n.to_string())).collect();
        let lease = store.begun(&run("r"), &events).await;
        assert_eq!(store.append(&lease, 5000, NOW, &events, None).await.unwrap(), 10_000);
        let records: Vec<Record<Fact>> = store.load(&run("r")).await.unwrap();
        assert!(records.iter().map(|r| &r.event).eq(events.iter().chain(&events)), "{store:?}");
    })
    .await;
}

#[tokio::test]
async fn a_run_begins_once() {
    on_all(async |store| {
        let run = run("r");
        store.begin(&run, NOW, &[staged("first")]).await.unwrap();
        for again in [vec![staged("second"), Fact::Done], vec![]] {
            let error = store.begin(&run, NOW + 1, &again).await.unwrap_err();
            assert!(matches!(error, JournalError::Exists { .. }), "{store:?}: {error}");
        }
        let records: Vec<Record<Fact>> = store.load(&run).await.unwrap();
        assert_eq!(records, [Record { seq: 1, at: NOW, event: staged("first") }]);
    })
    .await;
}

#[tokio::test]
async fn nothing_begins_without_events() {
    on_all(async |store| {
        assert_eq!(store.begin::<Fact>(&run("r"), NOW, &[]).await.unwrap(), 0, "{store:?}");
        assert_eq!(store.runs().await.unwrap(), []);
        assert!(matches!(store.load::<Fact>(&run("r")).await, Err(JournalError::NotFound { .. })));
        store.begin(&run("r"), NOW, &[Fact::Done]).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn runs_do_not_see_each_other_and_are_listed_oldest_first() {
    on_all(async |store| {
        assert!(matches!(store.load::<Fact>(&run("a")).await, Err(JournalError::NotFound { .. })), "{store:?}");
        assert_eq!(store.runs().await.unwrap(), []);
        let lease = store.begun(&run("b"), &[Fact::Done]).await;
        store.begin(&run("a"), NOW + 1, &[Fact::Done, Fact::Done]).await.unwrap();
        store.append(&lease, 1, NOW + 9, &[Fact::Done], None).await.unwrap();
        let b =
            RunSummary { run: run("b"), created: NOW, last_seq: 2, last_at: NOW + 9, leader: Some("test".to_owned()) };
        let a = RunSummary { run: run("a"), created: NOW + 1, last_seq: 2, last_at: NOW + 1, leader: None };
        assert_eq!(store.runs().await.unwrap(), [b, a], "{store:?}");
    })
    .await;
}

#[tokio::test]
async fn a_stream_of_the_calendar_is_kept_like_a_run_and_not_listed_as_one() {
    on_all(async |store| {
        let stream = RunId::calendar("friday").unwrap();
        let lease = store.begun(&stream, &[Fact::Done]).await;
        store.append(&lease, 1, NOW, &[staged("note")], None).await.unwrap();
        assert_eq!(store.count(&stream).await, 2, "{store:?}");
        assert_eq!(store.runs().await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_batch_at_the_wrong_place_adds_nothing() {
    on_all(async |store| {
        let run = run("r");
        let lease = store.begun(&run, &[Fact::Done, Fact::Done]).await;
        for wrong in [0, 1, 3, u64::MAX / 4] {
            let error = store.append(&lease, wrong, NOW, &[staged("x")], Some(9)).await.unwrap_err();
            assert!(
                matches!(error, JournalError::Conflict { expected_seq, found_seq: 2, .. } if expected_seq == wrong),
                "{store:?}: {error}"
            );
        }
        assert_eq!(store.count(&run).await, 2);
        // The refused batches did not take the claim with them.
        store.append(&lease, 2, NOW, &[Fact::Claimed { attempt: 9 }], Some(9)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_attempt_is_claimed_once_and_the_refused_batch_leaves_no_trace() {
    on_all(async |store| {
        let lease = store.begun(&run("r"), &[Fact::Done]).await;
        let other = store.begun(&run("other"), &[Fact::Done]).await;
        store.append(&lease, 1, NOW, &[Fact::Claimed { attempt: 1 }], Some(1)).await.unwrap();
        let error = store.append(&lease, 2, NOW + 7, &[staged("x"), staged("y")], Some(1)).await.unwrap_err();
        assert!(matches!(error, JournalError::ClaimTaken { attempt: 1, .. }), "{store:?}: {error}");
        assert_eq!(store.count(&run("r")).await, 2);
        let listed = store.runs().await.unwrap();
        let summary = listed.iter().find(|summary| summary.run == run("r")).unwrap();
        assert_eq!((summary.last_seq, summary.last_at), (2, NOW));
        store.append(&lease, 2, NOW, &[Fact::Claimed { attempt: 2 }], Some(2)).await.unwrap();
        store.append(&other, 1, NOW, &[Fact::Claimed { attempt: 1 }], Some(1)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_empty_batch_only_checks_the_lease_and_the_place() {
    on_all(async |store| {
        let lease = store.begun(&run("r"), &[Fact::Done]).await;
        assert_eq!(store.append::<Fact>(&lease, 1, NOW + 5, &[], None).await.unwrap(), 1, "{store:?}");
        assert_eq!(store.runs().await.unwrap()[0].last_at, NOW);
        let misplaced = store.append::<Fact>(&lease, 0, NOW, &[], None).await;
        assert!(matches!(misplaced, Err(JournalError::Conflict { found_seq: 1, .. })), "{misplaced:?}");
        store.release(&lease).await.unwrap();
        let late = store.append::<Fact>(&lease, 1, NOW, &[], None).await;
        assert!(matches!(late, Err(JournalError::LeaseLost { .. })), "{late:?}");
    })
    .await;
}

/// Ten tasks hold the same lease, as a fault of ours might make it, and want the same claim.
async fn race(journals: Vec<Arc<Store>>) {
    let run = run("race");
    journals[0].begin(&run, NOW, &[staged("go")]).await.unwrap();
    let lease = journals[0].lead(&run, &holder("all"), LONG_MS).await.unwrap().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..10 {
        let (journal, lease) = (journals[task % journals.len()].clone(), lease.clone());
        tasks.spawn(async move {
            // The stubborn ones read the run again and try once more with the same claim.
            let first = journal.append(&lease, 1, NOW, &[Fact::Claimed { attempt: 1 }], Some(1)).await;
            let Err(JournalError::Conflict { .. }) = first else { return first };
            let seq = journal.load::<Fact>(&lease.run).await.unwrap().len() as u64;
            journal.append(&lease, seq, NOW, &[Fact::Claimed { attempt: 1 }], Some(1)).await
        });
    }
    let results: Vec<_> = tasks.join_all().await;
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 1, "{results:?}");
    let refused = |r: &&Result<u64, JournalError>| matches!(r, Err(JournalError::ClaimTaken { .. }));
    assert_eq!(results.iter().filter(refused).count(), 9, "{results:?}");
    let records: Vec<Record<Fact>> = journals[0].load(&run).await.unwrap();
    assert_eq!(records.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_ten_tasks_one_gets_the_claim() {
    on_all_shared(race).await;
}
