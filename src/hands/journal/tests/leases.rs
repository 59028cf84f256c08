//! Leases: one leader at a time, and whoever has lost its lease cannot write, whether or not it has noticed.

use super::*;

fn lost(result: &Result<impl Sized, JournalError>, to: Option<&str>) -> bool {
    matches!(result, Err(JournalError::LeaseLost { by, .. }) if by.as_deref() == to)
}

/// That `lease` is good for nothing, and that trying has changed nothing.
async fn is_powerless(store: &Store, lease: &Lease, now_led_by: Option<&str>) {
    let before = store.load::<Fact>(&lease.run).await.unwrap();
    let last_seq = before.len() as u64;
    let appended = store.append(lease, last_seq, NOW, &[staged("zombie")], None).await;
    assert!(lost(&appended, now_led_by), "{store:?}: {appended:?}");
    let claimed = store.append(lease, last_seq, NOW, &[Fact::Claimed { attempt: 7 }], Some(7)).await;
    assert!(lost(&claimed, now_led_by), "{store:?}: {claimed:?}");
    let renewed = store.renew(lease, LONG_MS).await;
    assert!(lost(&renewed, now_led_by), "{store:?}: {renewed:?}");
    store.release(lease).await.unwrap();
    assert_eq!(store.load::<Fact>(&lease.run).await.unwrap(), before, "{store:?}");
    let listed = store.runs().await.unwrap();
    assert_eq!(listed[0].leader.as_deref(), now_led_by, "{store:?}");
}

#[tokio::test]
async fn nobody_leads_what_does_not_exist() {
    on_all(async |store| {
        let error = store.lead(&run("r"), &holder("a"), LONG_MS).await.unwrap_err();
        assert!(matches!(error, JournalError::NotFound { .. }), "{store:?}: {error}");
        let made_up = Lease { run: run("r"), holder: holder("a"), fence: 1 };
        let error = store.append(&made_up, 0, NOW, &[Fact::Done], None).await.unwrap_err();
        assert!(matches!(error, JournalError::NotFound { .. }), "{store:?}: {error}");
        store.release(&made_up).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn while_a_lease_runs_nobody_else_leads() {
    on_all(async |store| {
        let run = run("r");
        store.begin(&run, NOW, &[Fact::Done]).await.unwrap();
        let lease = store.lead(&run, &holder("a"), LONG_MS).await.unwrap().unwrap();
        assert_eq!(lease, Lease { run: run.clone(), holder: holder("a"), fence: 1 });
        assert_eq!(store.lead(&run, &holder("b"), LONG_MS).await.unwrap(), None, "{store:?}");
        assert_eq!(store.append(&lease, 1, NOW, &[Fact::Done], None).await.unwrap(), 2);
        store.renew(&lease, LONG_MS).await.unwrap();
        assert_eq!(store.append(&lease, 2, NOW, &[Fact::Done], None).await.unwrap(), 3);
        assert_eq!(store.runs().await.unwrap()[0].leader.as_deref(), Some("a"));
    })
    .await;
}

#[tokio::test]
async fn a_released_lease_passes_on_with_a_higher_fence() {
    on_all(async |store| {
        let run = run("r");
        store.begin(&run, NOW, &[Fact::Done]).await.unwrap();
        let first = store.lead(&run, &holder("a"), LONG_MS).await.unwrap().unwrap();
        store.release(&first).await.unwrap();
        is_powerless(&store, &first, None).await;
        let second = store.lead(&run, &holder("b"), LONG_MS).await.unwrap().unwrap();
        assert!(second.fence > first.fence, "{store:?}");
        is_powerless(&store, &first, Some("b")).await;
        assert_eq!(store.append(&second, 1, NOW, &[Fact::Done], None).await.unwrap(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_has_run_out_is_lost_even_when_nobody_has_taken_it() {
    on_all(async |store| {
        let run = run("r");
        store.begin(&run, NOW, &[Fact::Done]).await.unwrap();
        let lease = store.lead(&run, &holder("a"), 0).await.unwrap().unwrap();
        is_powerless(&store, &lease, None).await;
        let renewed = store.lead(&run, &holder("a"), LONG_MS).await.unwrap().unwrap();
        store.renew(&renewed, -1).await.unwrap();
        is_powerless(&store, &renewed, None).await;
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_has_run_out_is_lost_to_the_next_leader() {
    on_all(async |store| {
        let run = run("r");
        store.begin(&run, NOW, &[Fact::Done]).await.unwrap();
        let paused = store.lead(&run, &holder("a"), 0).await.unwrap().unwrap();
        let next = store.lead(&run, &holder("b"), LONG_MS).await.unwrap().unwrap();
        is_powerless(&store, &paused, Some("b")).await;
        store.append(&next, 1, NOW, &[Fact::Claimed { attempt: 7 }], Some(7)).await.unwrap();
        is_powerless(&store, &paused, Some("b")).await;
    })
    .await;
}

#[tokio::test]
async fn a_holder_that_asks_again_shuts_its_earlier_self_out() {
    on_all(async |store| {
        let run = run("r");
        store.begin(&run, NOW, &[Fact::Done]).await.unwrap();
        let zombie = store.lead(&run, &holder("a"), LONG_MS).await.unwrap().unwrap();
        let lease = store.lead(&run, &holder("a"), LONG_MS).await.unwrap().unwrap();
        assert!(lease.fence > zombie.fence, "{store:?}");
        is_powerless(&store, &zombie, Some("a")).await;
        store.append(&lease, 1, NOW, &[Fact::Done], None).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_stolen_fence_is_no_lease() {
    on_all(async |store| {
        let lease = store.begun(&run("r"), &[Fact::Done]).await;
        for made_up in [
            Lease { holder: holder("thief"), ..lease.clone() },
            Lease { fence: lease.fence + 1, ..lease.clone() },
            Lease { fence: u64::MAX, ..lease.clone() },
        ] {
            is_powerless(&store, &made_up, Some("test")).await;
        }
        store.renew(&lease, LONG_MS).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn leases_of_different_runs_have_nothing_to_do_with_each_other() {
    on_all(async |store| {
        let (one, other) = (run("one"), run("other"));
        store.begin(&one, NOW, &[Fact::Done]).await.unwrap();
        store.begin(&other, NOW, &[Fact::Done]).await.unwrap();
        let a = store.lead(&one, &holder("a"), LONG_MS).await.unwrap().unwrap();
        let b = store.lead(&other, &holder("b"), LONG_MS).await.unwrap().unwrap();
        store.release(&a).await.unwrap();
        store.append(&b, 1, NOW, &[Fact::Done], None).await.unwrap();
        assert_eq!((store.count(&one).await, store.count(&other).await), (1, 2), "{store:?}");
    })
    .await;
}

#[tokio::test]
async fn a_lease_for_ever_is_only_very_long() {
    on_all(async |store| {
        let run = run("r");
        store.begin(&run, NOW, &[Fact::Done]).await.unwrap();
        let lease = store.lead(&run, &holder("a"), i64::MAX / 4).await.unwrap().unwrap();
        store.append(&lease, 1, NOW, &[Fact::Done], None).await.unwrap();
        assert_eq!(store.lead(&run, &holder("b"), i64::MIN / 4).await.unwrap(), None, "{store:?}");
    })
    .await;
}

/// Ten processes want to lead the same run; then the winner's lease ends, and they want it again.
async fn race(stores: Vec<Arc<Store>>) {
    let run = run("race");
    stores[0].begin(&run, NOW, &[Fact::Done]).await.unwrap();
    let mut last_fence = 0;
    for _ in 0..10 {
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..10 {
            let (store, run) = (stores[task % stores.len()].clone(), run.clone());
            tasks.spawn(async move { store.lead(&run, &holder(&format!("p{task}")), LONG_MS).await.unwrap() });
        }
        let leases: Vec<Lease> = tasks.join_all().await.into_iter().flatten().collect();
        let [lease] = leases.as_slice() else { panic!("{leases:?}") };
        assert!(lease.fence > last_fence, "{lease:?}");
        last_fence = lease.fence;
        stores[0].release(lease).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_ten_tasks_one_gets_the_lease() {
    on_all_shared(race).await;
}

#[test]
fn a_holder_has_a_name_that_can_be_printed() {
    assert_eq!(holder("host-1:4711:9f3c").to_string(), "host-1:4711:9f3c");
    let long = "x".repeat(101);
    for bad in ["", "a\nb", "caf\u{e9}", "\u{1b}[2J", long.as_str()] {
        let error = Holder::new(bad).unwrap_err();
        assert!(error.to_string().contains("1 to 100 printable ASCII characters"), "{error}");
    }
}
