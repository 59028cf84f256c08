//! One suite over both kinds of database.

use super::*;
use crate::hands::journal::{Holder, Journal, PostgresJournal, SqliteJournal};
use crate::hands::testing::Folder;
use crate::hands::testing::postgres::Database;
use crate::words::clock::Timestamp;
use crate::words::id::RunId;

const NOW: Timestamp = Timestamp(1_795_816_800_000);
/// A lease that no test outlives.
const LONG_MS: i64 = 3_600_000;

async fn on_both(check: impl AsyncFn(Arc<AnyJournal>, Outbox)) {
    let folder = Folder::new();
    let journal: Arc<AnyJournal> = Arc::new(SqliteJournal::open(&folder.join("j.db")).await.unwrap().into());
    check(Arc::clone(&journal), Outbox::of(journal)).await;
    let database = Database::new().await;
    let journal: Arc<AnyJournal> = Arc::new(PostgresJournal::connect(&database.url(), None).await.unwrap().into());
    check(Arc::clone(&journal), Outbox::of(journal)).await;
    database.close().await;
}

fn run(name: &str) -> RunId {
    RunId::new(name).unwrap()
}
fn holder(name: &str) -> Holder {
    Holder::new(name).unwrap()
}
/// A run with so many records.
async fn begin(journal: &AnyJournal, name: &str, records: usize) -> RunId {
    let events: Vec<serde_json::Value> = (0..records).map(|n| serde_json::json!({ "n": n })).collect();
    journal.begin(&run(name), NOW, &events).await.unwrap();
    run(name)
}
async fn behind(outbox: &Outbox, target: &str) -> Vec<(String, u64, u64)> {
    outbox.behind(target).await.unwrap().into_iter().map(|b| (b.run.to_string(), b.seq, b.last_seq)).collect()
}

#[tokio::test]
async fn a_new_target_hears_of_what_comes_and_a_known_one_goes_on() {
    on_both(async |journal, outbox| {
        begin(&journal, "old", 3).await;
        outbox.know("ops", NOW).await.unwrap();
        assert_eq!(behind(&outbox, "ops").await, [], "what was there before is no news");
        let new = begin(&journal, "new", 2).await;
        begin(&journal, "calendar.care", 1).await;
        // Known already: nothing is passed over now.
        outbox.know("ops", NOW + 1).await.unwrap();
        let mut found = behind(&outbox, "ops").await;
        found.sort();
        assert_eq!(found, [("calendar.care".to_owned(), 0, 1), ("new".to_owned(), 0, 2)]);
        let lease = outbox.lead("ops", &holder("a"), LONG_MS).await.unwrap().unwrap();
        assert!(outbox.move_to(&lease, &new, 1, Some(NOW)).await.unwrap());
        assert!(behind(&outbox, "ops").await.contains(&("new".to_owned(), 1, 2)));
        assert!(outbox.move_to(&lease, &new, 2, Some(NOW + 5_000)).await.unwrap());
        assert!(!outbox.move_to(&lease, &new, 1, None).await.unwrap(), "a cursor went back");
        assert_eq!(behind(&outbox, "ops").await, [("calendar.care".to_owned(), 0, 1)]);
        let state = outbox.targets().await.unwrap().remove(0);
        assert_eq!((state.known_at, state.delivered_at), (NOW, Some(NOW + 5_000)));
        assert_eq!((state.told_by.as_deref(), state.failing, state.disabled), (Some("a"), None, None));
        // A run that is taken in from elsewhere is no news.
        outbox.pass_over(&run("imported"), 4).await.unwrap();
        begin(&journal, "imported", 4).await;
        assert_eq!(behind(&outbox, "ops").await, [("calendar.care".to_owned(), 0, 1)]);
        // A run that was deleted leaves nothing behind: one of the same name begins anew.
        journal.forget(&new).await.unwrap();
        outbox.sweep().await.unwrap();
        begin(&journal, "new", 1).await;
        assert!(behind(&outbox, "ops").await.contains(&("new".to_owned(), 0, 1)));
    })
    .await;
}

#[tokio::test]
async fn one_process_tells_a_target_and_a_late_one_moves_nothing() {
    on_both(async |journal, outbox| {
        let id = begin(&journal, "r", 0).await;
        outbox.know("ops", NOW).await.unwrap();
        assert_eq!(outbox.lead("nobody", &holder("a"), LONG_MS).await.unwrap(), None);
        let first = outbox.lead("ops", &holder("a"), LONG_MS).await.unwrap().unwrap();
        assert_eq!(outbox.lead("ops", &holder("b"), LONG_MS).await.unwrap(), None);
        assert!(outbox.renew(&first, LONG_MS).await.unwrap());
        outbox.release("ops", &holder("b")).await.unwrap();
        assert_eq!(
            outbox.lead("ops", &holder("b"), LONG_MS).await.unwrap(),
            None,
            "somebody else's lease was given up"
        );
        outbox.release("ops", &holder("a")).await.unwrap();
        let second = outbox.lead("ops", &holder("b"), LONG_MS).await.unwrap().unwrap();
        assert!(second.fence > first.fence);
        assert!(!outbox.renew(&first, LONG_MS).await.unwrap());
        assert!(!outbox.move_to(&first, &id, 7, None).await.unwrap());
        let failing = Failing { attempts: 1, since: NOW, next_at: NOW, why: "HTTP 500".to_owned() };
        assert!(!outbox.not_taken(&first, &id, 0, &failing).await.unwrap());
        assert!(outbox.move_to(&second, &id, 7, None).await.unwrap());
        // A lease that has run out is anybody's.
        outbox.release("ops", &holder("b")).await.unwrap();
        outbox.lead("ops", &holder("b"), 0).await.unwrap().unwrap();
        assert!(outbox.lead("ops", &holder("c"), LONG_MS).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn what_is_not_taken_is_kept_in_mind_and_a_disabled_target_rests() {
    on_both(async |journal, outbox| {
        outbox.know("ops", NOW).await.unwrap();
        let id = begin(&journal, "r", 3).await;
        let lease = outbox.lead("ops", &holder("a"), LONG_MS).await.unwrap().unwrap();
        let failing = Failing { attempts: 2, since: NOW, next_at: NOW + 9_000, why: "HTTP 503".to_owned() };
        assert!(outbox.not_taken(&lease, &id, 1, &failing).await.unwrap());
        let found = outbox.behind("ops").await.unwrap().remove(0);
        assert_eq!((found.seq, found.failing), (1, Some(failing)));
        outbox.note(&lease, Some("HTTP 503"), NOW + 1).await.unwrap();
        outbox.note(&lease, Some("HTTP 500"), NOW + 2).await.unwrap();
        let state = outbox.targets().await.unwrap().remove(0);
        assert_eq!(state.failing, Some((NOW + 1, "HTTP 500".to_owned())), "since the first, for the last reason");
        assert!(outbox.move_to(&lease, &id, 2, Some(NOW + 3)).await.unwrap());
        outbox.note(&lease, None, NOW + 3).await.unwrap();
        assert_eq!(outbox.behind("ops").await.unwrap().remove(0).failing, None);
        assert_eq!(outbox.targets().await.unwrap().remove(0).failing, None);
        outbox.disable("ops", "it is gone", NOW + 4).await.unwrap();
        assert!(!outbox.renew(&lease, LONG_MS).await.unwrap());
        assert_eq!(outbox.lead("ops", &holder("a"), LONG_MS).await.unwrap(), None);
        assert_eq!(outbox.targets().await.unwrap().remove(0).disabled, Some((NOW + 4, "it is gone".to_owned())));
        assert!(outbox.enable("ops").await.unwrap() && !outbox.enable("none").await.unwrap());
        assert!(outbox.lead("ops", &holder("a"), LONG_MS).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn a_dead_letter_is_kept_whole_and_once() {
    on_both(async |_, outbox| {
        outbox.know("ops", NOW).await.unwrap();
        let lease = outbox.lead("ops", &holder("a"), LONG_MS).await.unwrap().unwrap();
        let letter = |seq: u64, why: &str| DeadLetter {
            number: 0,
            target: "ops".to_owned(),
            run: run("r"),
            seq,
            event: "settled".to_owned(),
            at: NOW,
            attempts: 9,
            why: why.to_owned(),
            document: "{\"ä\": 1}".to_owned(),
        };
        outbox.bury(&lease, &letter(4, "HTTP 500")).await.unwrap();
        outbox.bury(&lease, &letter(5, "HTTP 500")).await.unwrap();
        // Interrupted before the cursor moved, it is given up once more.
        outbox.bury(&lease, &letter(4, "HTTP 502")).await.unwrap();
        let dead = outbox.dead(10).await.unwrap();
        assert_eq!(
            dead.iter().map(|d| (d.seq, d.why.as_str())).collect::<Vec<_>>(),
            [(4, "HTTP 502"), (5, "HTTP 500")]
        );
        let one = dead[0].clone();
        assert_eq!(one, DeadLetter { number: one.number, ..letter(4, "HTTP 502") });
        outbox.dead_still(one.number, "HTTP 404", NOW + 1).await.unwrap();
        let still = outbox.dead_letter(one.number).await.unwrap().unwrap();
        assert_eq!((still.attempts, still.why.as_str(), still.at), (10, "HTTP 404", NOW + 1));
        assert_eq!(outbox.count_dead().await.unwrap(), [("ops".to_owned(), 2)]);
        assert!(outbox.unbury(one.number).await.unwrap() && !outbox.unbury(one.number).await.unwrap());
        assert_eq!(outbox.dead_letter(one.number).await.unwrap(), None);
        assert_eq!(outbox.dead(10).await.unwrap().len(), 1);
        let late = TargetLease { fence: lease.fence + 1, ..lease };
        outbox.bury(&late, &letter(6, "HTTP 500")).await.unwrap();
        assert_eq!(outbox.dead(10).await.unwrap().len(), 1, "who has lost its lease gives nothing up");
    })
    .await;
}
