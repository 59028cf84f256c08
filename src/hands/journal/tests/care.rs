//! Whole runs: taken out and put back without a loss, forgotten when nobody leads them.

use serde_json::Value;

use super::*;

/// What an export holds of a run.
async fn taken_out(store: &Store, run: &RunId) -> (Vec<Record<Value>>, Vec<u32>) {
    (store.load(run).await.unwrap(), store.claims(run).await.unwrap())
}

/// A run with three records at different times, and a claim.
async fn lived(store: &Store, run: &RunId) -> Lease {
    let lease = store.begun(run, &[staged("first \"quoted\", \u{0}, \u{1F600}")]).await;
    store.append(&lease, 1, NOW + 1_000, &[Fact::Claimed { attempt: 1 }, Fact::Done], Some(1)).await.unwrap();
    lease
}

#[tokio::test]
async fn a_run_that_was_taken_out_is_put_back_as_it_was() {
    on_all(async |store| {
        let (old, new) = (run("old"), run("new"));
        lived(&store, &old).await;
        let (records, claims) = taken_out(&store, &old).await;
        assert_eq!((records.len(), claims.as_slice()), (3, [1].as_slice()), "{store:?}");
        store.restore(&new, &records, &claims).await.unwrap();
        assert_eq!(taken_out(&store, &new).await, (records, claims), "{store:?}");
        assert_eq!(store.load::<Fact>(&new).await.unwrap(), store.load::<Fact>(&old).await.unwrap());
        let listed = store.runs().await.unwrap();
        let [as_old, as_new] = ["old", "new"].map(|name| listed.iter().find(|s| s.run == run(name)).unwrap());
        let expected = RunSummary { run: new.clone(), leader: None, ..as_old.clone() };
        assert_eq!(*as_new, expected, "{store:?}");
        let lease = store.led(&new).await;
        let again = store.append(&lease, 3, NOW, &[Fact::Done], Some(1)).await;
        assert!(matches!(again, Err(JournalError::ClaimTaken { .. })), "{store:?}: {again:?}");
        assert_eq!(store.append(&lease, 3, NOW, &[Fact::Done], Some(2)).await.unwrap(), 4);
    })
    .await;
}

#[tokio::test]
async fn what_is_there_is_never_restored_over() {
    on_all(async |store| {
        lived(&store, &run("r")).await;
        let before = taken_out(&store, &run("r")).await;
        let error = store.restore(&run("r"), &before.0[..1], &[7]).await.unwrap_err();
        assert!(matches!(error, JournalError::Exists { .. }), "{store:?}: {error}");
        assert_eq!(taken_out(&store, &run("r")).await, before, "{store:?}");
    })
    .await;
}

#[tokio::test]
async fn a_history_with_a_gap_is_not_restored() {
    on_all(async |store| {
        lived(&store, &run("old")).await;
        let (records, _) = taken_out(&store, &run("old")).await;
        for (holed, due) in [(&records[1..], 1), (&[records[0].clone(), records[2].clone()][..], 2), (&[][..], 1)] {
            let error = store.restore(&run("new"), holed, &[]).await.unwrap_err();
            assert!(matches!(error, JournalError::Corrupt { seq, .. } if seq == due), "{store:?}: {error}");
        }
        assert!(matches!(store.load::<Fact>(&run("new")).await, Err(JournalError::NotFound { .. })));
    })
    .await;
}

#[tokio::test]
async fn a_run_is_forgotten_only_while_nobody_leads_it() {
    on_all(async |store| {
        let lease = lived(&store, &run("r")).await;
        store.begun(&run("other"), &[Fact::Done]).await;
        store.send(&run("r"), NOW, &"order").await.unwrap();
        let error = store.forget(&run("r")).await.unwrap_err();
        assert!(matches!(&error, JournalError::Led { by, .. } if by == "test"), "{store:?}: {error}");
        assert_eq!(store.count(&run("r")).await, 3);
        store.release(&lease).await.unwrap();
        store.forget(&run("r")).await.unwrap();
        assert!(matches!(store.load::<Fact>(&run("r")).await, Err(JournalError::NotFound { .. })), "{store:?}");
        assert!(matches!(store.claims(&run("r")).await, Err(JournalError::NotFound { .. })));
        assert!(matches!(store.forget(&run("r")).await, Err(JournalError::NotFound { .. })));
        assert_eq!(store.waiting_orders().await.unwrap(), []);
        assert_eq!(store.count(&run("other")).await, 1);
        let late = store.append(&lease, 3, NOW, &[Fact::Done], None).await;
        assert!(matches!(late, Err(JournalError::NotFound { .. })), "{store:?}: {late:?}");
        // Its name is free again, and so is its claim.
        let lease = store.begun(&run("r"), &[Fact::Done]).await;
        store.append(&lease, 1, NOW, &[Fact::Claimed { attempt: 1 }], Some(1)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_has_run_out_keeps_no_run() {
    on_all(async |store| {
        store.begin(&run("r"), NOW, &[Fact::Done]).await.unwrap();
        store.lead(&run("r"), &holder("gone"), 0).await.unwrap().unwrap();
        store.forget(&run("r")).await.unwrap();
        assert_eq!(store.runs().await.unwrap(), [], "{store:?}");
    })
    .await;
}
