//! Orders: left by anybody, pending until they are dismissed.

use super::*;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wish {
    Hold { by: String },
    Abort,
}

#[tokio::test]
async fn orders_wait_in_their_order_until_they_are_dismissed() {
    on_all(async |store| {
        let (one, other) = (run("one"), run("other"));
        store.begin(&one, NOW, &[Fact::Done]).await.unwrap();
        store.begin(&other, NOW, &[Fact::Done]).await.unwrap();
        assert_eq!(store.waiting_orders().await.unwrap(), [], "{store:?}");
        let hold = Wish::Hold { by: "Ada \"the\" admin".to_owned() };
        let first = store.send(&one, NOW, &hold).await.unwrap();
        let elsewhere = store.send(&other, NOW, &Wish::Abort).await.unwrap();
        let second = store.send(&one, NOW, &Wish::Abort).await.unwrap();
        assert!(first < elsewhere && elsewhere < second, "{store:?}");
        assert_eq!(store.orders::<Wish>(&one).await.unwrap(), [(first, hold), (second, Wish::Abort)]);
        assert_eq!(store.waiting_orders().await.unwrap(), [one.clone(), other.clone()]);
        // The number of another run's order takes nothing away.
        store.dismiss(&one, elsewhere).await.unwrap();
        store.dismiss(&one, first).await.unwrap();
        store.dismiss(&one, first).await.unwrap();
        assert_eq!(store.orders::<Wish>(&one).await.unwrap(), [(second, Wish::Abort)], "{store:?}");
        store.dismiss(&one, second).await.unwrap();
        assert_eq!(store.waiting_orders().await.unwrap(), [other]);
        let third = store.send(&one, NOW, &Wish::Abort).await.unwrap();
        assert!(third > second, "{store:?}: a number was used again");
    })
    .await;
}

#[tokio::test]
async fn an_order_for_a_run_that_is_not_there_is_refused() {
    on_all(async |store| {
        let error = store.send(&run("r"), NOW, &Wish::Abort).await.unwrap_err();
        assert!(matches!(error, JournalError::NotFound { .. }), "{store:?}: {error}");
        assert_eq!(store.orders::<Wish>(&run("r")).await.unwrap(), []);
        assert_eq!(store.waiting_orders().await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn an_order_needs_no_lease_and_disturbs_none() {
    on_all(async |store| {
        let lease = store.begun(&run("r"), &[Fact::Done]).await;
        store.send(&run("r"), NOW, &Wish::Abort).await.unwrap();
        assert_eq!(store.append(&lease, 1, NOW, &[Fact::Done], None).await.unwrap(), 2, "{store:?}");
    })
    .await;
}

#[tokio::test]
async fn an_order_that_cannot_be_read_is_named_and_stays() {
    on_all(async |store| {
        store.begin(&run("r"), NOW, &[Fact::Done]).await.unwrap();
        let strange = store.send(&run("r"), NOW, &"sing").await.unwrap();
        for _ in 0..2 {
            let error = store.orders::<Wish>(&run("r")).await.unwrap_err();
            assert!(matches!(error, JournalError::BadOrder { order, .. } if order == strange), "{store:?}: {error}");
        }
        store.dismiss(&run("r"), strange).await.unwrap();
        assert_eq!(store.orders::<Wish>(&run("r")).await.unwrap(), []);
    })
    .await;
}
