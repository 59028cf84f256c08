//! One suite over both stores, and what only a file can suffer.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sqlx::{Connection, SqliteConnection};

use super::*;
use crate::hands::StoreError;
use crate::hands::testing::Folder;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Fact {
    Staged { note: String },
    Claimed { attempt: u32 },
    Done,
}

fn staged(note: &str) -> Fact {
    Fact::Staged { note: note.to_owned() }
}
fn run(name: &str) -> RunId {
    RunId::new(name).unwrap()
}
const NOW: Timestamp = Timestamp(1_795_816_800_000);

async fn both(check: impl AsyncFn(&dyn Fn() -> String, AnyJournal)) {
    check(&|| "memory".to_owned(), AnyJournal::Memory(MemoryJournal::new())).await;
    let folder = Folder::new();
    let journal = SqliteJournal::open(&folder.join("j.db")).await.unwrap();
    check(&|| "sqlite".to_owned(), AnyJournal::Sqlite(journal)).await;
}

/// Either store, so that one suite runs over both.
enum AnyJournal {
    Memory(MemoryJournal),
    Sqlite(SqliteJournal),
}

impl Journal for AnyJournal {
    async fn load<E: serde::de::DeserializeOwned + Send>(&self, run: &RunId) -> Result<Vec<Record<E>>, JournalError> {
        match self {
            AnyJournal::Memory(j) => j.load(run).await,
            AnyJournal::Sqlite(j) => j.load(run).await,
        }
    }
    async fn append<E: Serialize + Sync>(
        &self,
        run: &RunId,
        last_seq: u64,
        at: Timestamp,
        events: &[E],
        claim: Option<u32>,
    ) -> Result<u64, JournalError> {
        match self {
            AnyJournal::Memory(j) => j.append(run, last_seq, at, events, claim).await,
            AnyJournal::Sqlite(j) => j.append(run, last_seq, at, events, claim).await,
        }
    }
    async fn runs(&self) -> Result<Vec<RunSummary>, JournalError> {
        match self {
            AnyJournal::Memory(j) => j.runs().await,
            AnyJournal::Sqlite(j) => j.runs().await,
        }
    }
}

#[tokio::test]
async fn what_was_appended_is_loaded_in_order() {
    both(async |store, journal| {
        let run = run("r1");
        let odd = staged("quotes \" and \\ , a NUL \u{0}, \u{1F600}, 'single', \n");
        assert_eq!(journal.append(&run, 0, NOW, &[odd.clone(), Fact::Done], None).await.unwrap(), 2, "{}", store());
        assert_eq!(journal.append(&run, 2, NOW + 5, &[staged("later")], None).await.unwrap(), 3);
        let records: Vec<Record<Fact>> = journal.load(&run).await.unwrap();
        let expected = [
            Record { seq: 1, at: NOW, event: odd },
            Record { seq: 2, at: NOW, event: Fact::Done },
            Record { seq: 3, at: NOW + 5, event: staged("later") },
        ];
        assert_eq!(records, expected, "{}", store());
    })
    .await;
}

#[tokio::test]
async fn a_large_batch_keeps_its_order() {
    both(async |store, journal| {
        let events: Vec<Fact> = (0..5000).map(|n| staged(&n.to_string())).collect();
        assert_eq!(journal.append(&run("r"), 0, NOW, &events, None).await.unwrap(), 5000);
        let records: Vec<Record<Fact>> = journal.load(&run("r")).await.unwrap();
        assert!(records.iter().map(|r| &r.event).eq(&events), "{}", store());
    })
    .await;
}

#[tokio::test]
async fn runs_do_not_see_each_other_and_are_listed_oldest_first() {
    both(async |store, journal| {
        assert!(matches!(journal.load::<Fact>(&run("a")).await, Err(JournalError::NotFound { .. })), "{}", store());
        assert_eq!(journal.runs().await.unwrap(), []);
        journal.append(&run("b"), 0, NOW, &[Fact::Done], None).await.unwrap();
        journal.append(&run("a"), 0, NOW + 1, &[Fact::Done, Fact::Done], None).await.unwrap();
        journal.append(&run("b"), 1, NOW + 9, &[Fact::Done], None).await.unwrap();
        let expected = [
            RunSummary { run: run("b"), created: NOW, last_seq: 2, last_at: NOW + 9 },
            RunSummary { run: run("a"), created: NOW + 1, last_seq: 2, last_at: NOW + 1 },
        ];
        assert_eq!(journal.runs().await.unwrap(), expected, "{}", store());
    })
    .await;
}

#[tokio::test]
async fn a_batch_at_the_wrong_place_adds_nothing() {
    both(async |store, journal| {
        let run = run("r");
        journal.append(&run, 0, NOW, &[Fact::Done, Fact::Done], None).await.unwrap();
        for wrong in [0, 1, 3, u64::MAX / 4] {
            let error = journal.append(&run, wrong, NOW, &[staged("x")], Some(9)).await.unwrap_err();
            assert!(
                matches!(error, JournalError::Conflict { expected_seq, found_seq: 2, .. } if expected_seq == wrong),
                "{}: {error}",
                store()
            );
        }
        assert_eq!(journal.load::<Fact>(&run).await.unwrap().len(), 2);
        // The refused batches did not take the claim with them.
        journal.append(&run, 2, NOW, &[Fact::Claimed { attempt: 9 }], Some(9)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_attempt_is_claimed_once_and_the_refused_batch_leaves_no_trace() {
    both(async |store, journal| {
        let (one, other) = (run("r"), run("other"));
        journal.append(&one, 0, NOW, &[Fact::Claimed { attempt: 1 }], Some(1)).await.unwrap();
        let error = journal.append(&one, 1, NOW, &[staged("x"), staged("y")], Some(1)).await.unwrap_err();
        assert!(matches!(error, JournalError::ClaimTaken { attempt: 1, .. }), "{}: {error}", store());
        assert_eq!(journal.load::<Fact>(&one).await.unwrap().len(), 1);
        assert_eq!(journal.runs().await.unwrap()[0].last_seq, 1);
        journal.append(&one, 1, NOW, &[Fact::Claimed { attempt: 2 }], Some(2)).await.unwrap();
        journal.append(&other, 0, NOW, &[Fact::Claimed { attempt: 1 }], Some(1)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_empty_batch_only_checks_the_place() {
    both(async |store, journal| {
        assert_eq!(journal.append::<Fact>(&run("r"), 0, NOW, &[], None).await.unwrap(), 0, "{}", store());
        assert_eq!(journal.runs().await.unwrap(), []);
        assert!(matches!(journal.load::<Fact>(&run("r")).await, Err(JournalError::NotFound { .. })));
        assert!(journal.append::<Fact>(&run("r"), 1, NOW, &[], None).await.is_err());
    })
    .await;
}

/// Ten tasks see the same journal and want the same claim, as ten processes started by mistake would.
async fn race<J: Journal + Send + Sync + 'static>(journals: Vec<Arc<J>>) {
    let run = run("race");
    journals[0].append(&run, 0, NOW, &[staged("go")], None).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..10 {
        let (journal, run) = (journals[task % journals.len()].clone(), run.clone());
        tasks.spawn(async move {
            // The stubborn ones read the run again and try once more with the same claim.
            let first = journal.append(&run, 1, NOW, &[Fact::Claimed { attempt: 1 }], Some(1)).await;
            let Err(JournalError::Conflict { .. }) = first else { return first };
            let seq = journal.load::<Fact>(&run).await.unwrap().len() as u64;
            journal.append(&run, seq, NOW, &[Fact::Claimed { attempt: 1 }], Some(1)).await
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
    race(vec![Arc::new(MemoryJournal::new())]).await;
    let folder = Folder::new();
    race(vec![Arc::new(SqliteJournal::open(&folder.join("one.db")).await.unwrap())]).await;
    // Ten connections to one new file, opened at the same time: what ten processes would hold.
    let path = folder.join("ten.db");
    let mut opening = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let path = path.clone();
        opening.spawn(async move { Arc::new(SqliteJournal::open(&path).await.unwrap()) });
    }
    race(opening.join_all().await).await;
}

#[test]
fn a_snapshot_goes_its_own_way() {
    let (journal, run) = (MemoryJournal::new(), run("r"));
    journal.append_now(&run, 0, NOW, &[Fact::Done], Some(1)).unwrap();
    let snapshot = journal.clone();
    journal.append_now(&run, 1, NOW, &[Fact::Done], Some(2)).unwrap();
    assert_eq!(snapshot.load_now::<Fact>(&run).unwrap().len(), 1);
    assert_eq!(snapshot.append_now(&run, 1, NOW, &[Fact::Done], Some(2)).unwrap(), 2);
    assert!(matches!(snapshot.append_now(&run, 2, NOW, &[Fact::Done], Some(1)), Err(JournalError::ClaimTaken { .. })));
}

#[test]
fn a_damaged_record_in_memory_is_named() {
    let (journal, run) = (MemoryJournal::new(), run("r"));
    journal.append_now(&run, 0, NOW, &[Fact::Done, Fact::Done], None).unwrap();
    journal.damage(&run, 2, "{\"nobody_knows_this\":1}");
    assert!(matches!(journal.load_now::<Fact>(&run), Err(JournalError::Corrupt { seq: 2, .. })));
}

#[tokio::test]
async fn a_reopened_file_holds_everything_and_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let path = folder.join("j.db");
    let journal = SqliteJournal::open(&path).await.unwrap();
    journal.append(&run("r"), 0, NOW, &[staged("kept")], Some(1)).await.unwrap();
    // Dropped without a word, as a killed process would.
    drop(journal);
    let journal = SqliteJournal::open_existing(&path).await.unwrap();
    assert_eq!(journal.load::<Fact>(&run("r")).await.unwrap()[0].event, staged("kept"));
    assert!(matches!(
        journal.append(&run("r"), 1, NOW, &[Fact::Done], Some(1)).await,
        Err(JournalError::ClaimTaken { .. })
    ));
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
    }
    let mut db = journal.db_for_test().await;
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *db).await.unwrap();
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut *db).await.unwrap();
    assert_eq!((mode.as_str(), synchronous), ("wal", 2));
}

/// Does something to the file that no softlanding would.
async fn meddle(path: &std::path::Path, statement: &'static str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut db = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(statement).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
}

#[tokio::test]
async fn damage_is_named_by_record() {
    for (statement, seq, why) in [
        ("UPDATE events SET event = '{\"done' WHERE seq = 2", 2, "EOF"),
        ("UPDATE events SET event = '\"vanished\"' WHERE seq = 3", 3, "unknown variant"),
        ("DELETE FROM events WHERE seq = 2", 2, "missing"),
        ("DELETE FROM events WHERE seq = 3", 3, "counts 3 records and holds 2"),
        ("UPDATE events SET seq = -1 WHERE seq = 1", 0, "-1 stands where"),
    ] {
        let folder = Folder::new();
        let path = folder.join("j.db");
        let journal = SqliteJournal::open(&path).await.unwrap();
        journal.append(&run("r"), 0, NOW, &[Fact::Done, Fact::Done, Fact::Done], None).await.unwrap();
        drop(journal);
        meddle(&path, statement).await;
        let journal = SqliteJournal::open(&path).await.unwrap();
        match journal.load::<Fact>(&run("r")).await {
            Err(JournalError::Corrupt { seq: found, why: text, .. }) => {
                assert_eq!(found, seq, "{statement}");
                assert!(text.contains(why), "{statement}: {text}");
            }
            other => panic!("{statement}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_record_from_the_future_is_refused() {
    let folder = Folder::new();
    let path = folder.join("j.db");
    let journal = SqliteJournal::open(&path).await.unwrap();
    journal.append(&run("r"), 0, NOW, &[Fact::Done], None).await.unwrap();
    drop(journal);
    meddle(&path, "UPDATE events SET v = 2").await;
    let journal = SqliteJournal::open(&path).await.unwrap();
    assert!(matches!(journal.load::<Fact>(&run("r")).await, Err(JournalError::Newer { found: 2, accepted: 1, .. })));
}

async fn refusal(path: &std::path::Path) -> StoreError {
    match SqliteJournal::open(path).await {
        Err(JournalError::Store(e)) => e,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_not_ours_is_refused_and_left_untouched() {
    let folder = Folder::new();
    let text = folder.join("notes.txt");
    std::fs::write(&text, "Remember the milk, and every other thing that is longer than a header.".repeat(20)).unwrap();
    let foreign = folder.join("foreign.db");
    meddle(&foreign, "CREATE TABLE guests (name TEXT)").await;
    let newer = folder.join("newer.db");
    SqliteJournal::open(&newer).await.unwrap();
    meddle(&newer, "PRAGMA user_version = 999").await;
    let read_only = folder.join("read_only.db");
    SqliteJournal::open(&read_only).await.unwrap();
    meddle(&read_only, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    let mut permissions = std::fs::metadata(&read_only).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&read_only, permissions).unwrap();

    let before = |path: &std::path::Path| std::fs::read(path).unwrap();
    for path in [&text, &foreign, &newer, &read_only] {
        let bytes = before(path);
        let error = refusal(path).await;
        let as_expected = match path.file_stem().unwrap().to_str().unwrap() {
            "notes" => matches!(error, StoreError::NotADatabase { .. }),
            "foreign" => matches!(error, StoreError::NotOurs { .. }),
            "newer" => matches!(error, StoreError::Newer { found: 999, accepted: 1, .. }),
            _ => matches!(error, StoreError::ReadOnly { .. }),
        };
        assert!(as_expected, "{path:?}: {error:?}");
        assert!(before(path) == bytes, "{path:?} was changed");
    }
}

#[tokio::test]
async fn a_path_that_cannot_hold_a_file_says_so() {
    let folder = Folder::new();
    assert!(matches!(refusal(folder.path()).await, StoreError::Unreachable { .. }));
    assert!(matches!(refusal(&folder.join("no/such/folder.db")).await, StoreError::Unreachable { .. }));
    let missing = folder.join("none.db");
    assert!(matches!(
        SqliteJournal::open_existing(&missing).await,
        Err(JournalError::Store(StoreError::Missing { .. }))
    ));
    assert!(!missing.exists());
}
