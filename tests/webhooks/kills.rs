//! Killed while deliveries are pending, everything arrives after a restart, in order for each run; of two replicas one tells.

use std::collections::BTreeSet;

use crate::REPEAT;
use crate::receiver::{Receiver, Reply};
use crate::support::process::patiently;
use crate::yard::{RECORDED, Yard};

const RUNS: [&str; 2] = ["first", "second"];

/// All of a run's records were taken, in order; one that was taken twice was taken twice in a row.
fn in_order(receiver: &Receiver, run: &str) {
    let mut taken: Vec<u64> =
        receiver.taken().into_iter().filter(|(of, ..)| of == run).map(|(_, seq, _)| seq).collect();
    taken.dedup();
    assert_eq!(taken, (1..=RECORDED).collect::<Vec<_>>(), "{run}; {REPEAT}");
}

async fn all_taken(receiver: &Receiver, runs: &[&str]) {
    let whole = |all: &[crate::receiver::Received]| {
        let taken: BTreeSet<_> = all.iter().filter(|one| one.was_taken()).map(|one| one.record()).collect();
        let of_runs = taken.iter().filter(|(run, _)| runs.contains(&run.as_str())).count();
        (of_runs as u64 == RECORDED * runs.len() as u64).then_some(())
    };
    receiver.heard.until(whole).await;
}

/// Three deaths, each with a message on its way that was heard and not answered.
async fn killed(yard: Yard) {
    let receiver = Receiver::open().await;
    yard.webhook("ops", &receiver, &["*"], "timeout = \"60s\"");
    let mut daemon = yard.serve().await;
    for run in RUNS {
        yard.put(run).await;
    }
    for death in 1..=3_usize {
        // It takes so many, and then says nothing any more.
        let until = receiver.count() + 40;
        receiver.answers(move |_, n| if n < until { Reply::Take } else { Reply::Hang });
        receiver.heard.until(|all| all.iter().filter(|one| one.reply == Reply::Hang).nth(death - 1).cloned()).await;
        daemon.kill().await;
        let left = yard.listed("ops").await;
        assert!(left["pending"].as_u64().is_some_and(|n| n > 0), "{left}; {REPEAT}");
        if death == 3 {
            receiver.answers(|_, _| Reply::Take);
        }
        daemon = yard.serve().await;
    }
    all_taken(&receiver, &RUNS).await;
    RUNS.iter().for_each(|run| in_order(&receiver, run));
    assert!(receiver.repeats() >= 3, "what was not answered did not come again; {REPEAT}");
    let end = daemon.stop().await;
    assert!(end.about("webhook_failing").is_empty() && end.about("trouble").is_empty(), "{:?}; {REPEAT}", end.log);
    let left = yard.listed("ops").await;
    assert_eq!((&left["pending"], &left["dead"], &left["state"]), (&0.into(), &0.into(), &"ok".into()), "{REPEAT}");
    yard.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_deliveries_are_pending_all_arrive_in_order_with_a_file() {
    patiently(async { killed(Yard::quiet("kill-file").await).await }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_deliveries_are_pending_all_arrive_in_order_with_a_server() {
    patiently(async { killed(Yard::on_server("kill-server").await).await }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_replicas_one_tells_and_the_other_takes_over() {
    patiently(async {
        let yard = Yard::on_server("replicas").await;
        let receiver = Receiver::open().await;
        yard.webhook("ops", &receiver, &["*"], "");
        let (one, other) = (yard.serve().await, yard.serve().await);
        yard.put("first").await;
        all_taken(&receiver, &["first"]).await;
        let told = receiver.all().iter().filter(|one| one.record().0 == "first").count();
        assert_eq!((receiver.repeats(), told), (0, RECORDED as usize), "told twice; {REPEAT}");
        in_order(&receiver, "first");
        // Whichever it was that told: with either of them gone the rest is told.
        one.kill().await;
        yard.put("second").await;
        all_taken(&receiver, &["second"]).await;
        in_order(&receiver, "second");
        other.stop().await;
        yard.close().await;
    })
    .await;
}
