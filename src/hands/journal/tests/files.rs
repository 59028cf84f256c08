//! What only a SQLite file can suffer.

use sqlx::{Connection, SqliteConnection};

use super::*;
use crate::hands::StoreError;
use crate::hands::sqlite::Check;

#[tokio::test]
async fn a_reopened_file_holds_everything_and_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let path = folder.join("j.db");
    let journal = SqliteJournal::open(&path).await.unwrap();
    journal.begin(&run("r"), NOW, &[staged("kept")]).await.unwrap();
    let lease = journal.lead(&run("r"), &holder("a"), LONG_MS).await.unwrap().unwrap();
    journal.append(&lease, 1, NOW, &[Fact::Done], Some(1)).await.unwrap();
    // Dropped without a word, as a killed process would.
    drop(journal);
    let journal = SqliteJournal::open_existing(&path).await.unwrap();
    assert_eq!(journal.load::<Fact>(&run("r")).await.unwrap()[0].event, staged("kept"));
    assert!(matches!(
        journal.append(&lease, 2, NOW, &[Fact::Done], Some(1)).await,
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
        journal.begin(&run("r"), NOW, &[Fact::Done, Fact::Done, Fact::Done]).await.unwrap();
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
    journal.begin(&run("r"), NOW, &[Fact::Done]).await.unwrap();
    drop(journal);
    meddle(&path, "UPDATE events SET v = 99").await;
    let journal = SqliteJournal::open(&path).await.unwrap();
    assert!(matches!(
        journal.load::<Fact>(&run("r")).await,
        Err(JournalError::Newer { found: 99, accepted: RECORD_FORMAT, .. })
    ));
}

#[tokio::test]
async fn counting_neither_makes_a_journal_nor_brings_one_up_to_date() {
    let folder = Folder::new();
    let path = folder.join("j.db");
    let missing = SqliteJournal::count_at(&path).await;
    assert!(matches!(missing, Err(JournalError::Store(StoreError::Missing { .. }))) && !path.exists(), "{missing:?}");
    let journal = SqliteJournal::open(&path).await.unwrap();
    journal.begin(&run("r"), NOW, &[Fact::Done]).await.unwrap();
    drop(journal);
    meddle(&path, "PRAGMA user_version = 1").await;
    assert_eq!(SqliteJournal::count_at(&path).await.unwrap(), 1);
    let mut db = SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap();
    assert_eq!(sqlx::query_scalar::<_, i64>("PRAGMA user_version").fetch_one(&mut db).await.unwrap(), 1);
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
            "newer" => matches!(error, StoreError::Newer { found: 999, accepted: 5, .. }),
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

/// A file as the first softlanding wrote it, with a run in it.
const FIRST_FILE: &str = "
    CREATE TABLE runs (run TEXT PRIMARY KEY, created_ms INTEGER NOT NULL, last_seq INTEGER NOT NULL,
        last_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE events (run TEXT NOT NULL REFERENCES runs (run), seq INTEGER NOT NULL, at_ms INTEGER NOT NULL,
        v INTEGER NOT NULL, event TEXT NOT NULL, PRIMARY KEY (run, seq)) STRICT, WITHOUT ROWID;
    CREATE TABLE claims (run TEXT NOT NULL REFERENCES runs (run), attempt INTEGER NOT NULL, seq INTEGER NOT NULL,
        PRIMARY KEY (run, attempt)) STRICT, WITHOUT ROWID;
    INSERT INTO runs VALUES ('old', 1000, 2, 1500);
    INSERT INTO events VALUES ('old', 1, 1000, 1, '{\"staged\":{\"note\":\"kept\"}}'), ('old', 2, 1500, 1, '\"done\"');
    INSERT INTO claims VALUES ('old', 1, 2);
    PRAGMA application_id = 1397508609;
    PRAGMA user_version = 1";

#[tokio::test]
async fn a_file_of_version_1_is_brought_up_to_date_with_all_that_it_holds() {
    let folder = Folder::new();
    let path = folder.join("old.db");
    meddle(&path, FIRST_FILE).await;
    let journal = SqliteJournal::open_existing(&path).await.unwrap();
    let old = run("old");
    let listed =
        RunSummary { run: old.clone(), created: Timestamp(1000), last_seq: 2, last_at: Timestamp(1500), leader: None };
    assert_eq!(journal.runs().await.unwrap(), [listed]);
    assert_eq!(journal.load::<Fact>(&old).await.unwrap()[0].event, staged("kept"));
    let lease = journal.lead(&old, &holder("a"), LONG_MS).await.unwrap().unwrap();
    let again = journal.append(&lease, 2, NOW, &[Fact::Claimed { attempt: 1 }], Some(1)).await;
    assert!(matches!(again, Err(JournalError::ClaimTaken { .. })), "{again:?}");
    journal.append(&lease, 2, NOW, &[Fact::Done], None).await.unwrap();
    journal.send(&old, NOW, &"order").await.unwrap();
}

#[tokio::test]
async fn every_event_bears_the_fence_under_which_it_was_written() {
    let folder = Folder::new();
    let journal = SqliteJournal::open(&folder.join("j.db")).await.unwrap();
    journal.begin(&run("r"), NOW, &[Fact::Done]).await.unwrap();
    for (last_seq, fence) in [(1, 1), (2, 2)] {
        let lease = journal.lead(&run("r"), &holder("a"), LONG_MS).await.unwrap().unwrap();
        assert_eq!(lease.fence, fence);
        journal.append(&lease, last_seq, NOW, &[Fact::Done], None).await.unwrap();
    }
    let mut db = journal.db_for_test().await;
    let fences: Vec<i64> =
        sqlx::query_scalar("SELECT fence FROM events ORDER BY seq").fetch_all(&mut *db).await.unwrap();
    assert_eq!(fences, [0, 1, 2]);
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_left_byte_for_byte() {
    let folder = Folder::new();
    let path = folder.join("j.db");
    let journal = SqliteJournal::open(&path).await.unwrap();
    let events: Vec<Fact> = (0..2_000).map(|n| staged(&n.to_string())).collect();
    journal.begin(&run("r"), NOW, &events).await.unwrap();
    drop(journal);
    meddle(&path, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    let whole = std::fs::read(&path).unwrap();
    let page = 4096;
    let mut torn = whole.clone();
    torn[whole.len() / page / 2 * page..][..page].fill(0xa5);
    for damaged in [torn, whole[..whole.len() / 2].to_vec()] {
        std::fs::write(&path, &damaged).unwrap();
        let error = refusal(&path).await;
        assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
        assert!(error.hint().contains("backup"), "{}", error.hint());
        assert!(std::fs::read(&path).unwrap() == damaged, "the file was changed");
    }
}

#[tokio::test]
async fn damage_in_a_large_file_is_found_before_anything_is_added() {
    let folder = Folder::new();
    let path = folder.join("j.db");
    let journal = SqliteJournal::open(&path).await.unwrap();
    for name in ["a", "b", "c"] {
        let events: Vec<Fact> = (0..2_000).map(|n| staged(&n.to_string())).collect();
        journal.begin(&run(name), NOW, &events).await.unwrap();
    }
    drop(journal);
    meddle(&path, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    let mut torn = std::fs::read(&path).unwrap();
    let page = 4096;
    let middle = torn.len() / page / 2 * page;
    torn[middle..][..page].fill(0xa5);
    std::fs::write(&path, &torn).unwrap();
    // As if a file of one byte were large already.
    let journal = SqliteJournal::open_checked(&path, Check::UpTo(1)).await.unwrap();
    assert_eq!(journal.load::<Fact>(&run("a")).await.unwrap().len(), 2_000);
    let met = journal.load::<Fact>(&run("b")).await.unwrap_err();
    assert!(matches!(met, JournalError::Store(_)), "{met:?}");
    for _ in 0..2 {
        let found = journal.verify().await.unwrap_err();
        assert!(matches!(found, JournalError::Store(StoreError::Damaged { .. })), "{found:?}");
    }
    drop(journal);
    assert!(std::fs::read(&path).unwrap() == torn, "the file was changed");
}

#[tokio::test]
async fn a_full_disk_stops_an_append_with_nothing_half_done() {
    let folder = Folder::new();
    let journal = SqliteJournal::open(&folder.join("j.db")).await.unwrap();
    journal.begin(&run("r"), NOW, &[Fact::Done]).await.unwrap();
    let lease = journal.lead(&run("r"), &holder("a"), LONG_MS).await.unwrap().unwrap();
    let limit = async |pages: &'static str| {
        sqlx::raw_sql(pages).execute(&mut *journal.db_for_test().await).await.unwrap();
    };
    limit("PRAGMA max_page_count = 1").await; // SQLite makes of it what the file has now.
    let large = vec![staged(&"x".repeat(10_000)); 20];
    let error = journal.append(&lease, 1, NOW, &large, Some(1)).await.unwrap_err();
    assert!(matches!(error, JournalError::Store(StoreError::Sql { .. })), "{error:?}");
    assert!(error.hint().unwrap().contains("free space"), "{error:?}");
    assert_eq!(journal.load::<Fact>(&run("r")).await.unwrap().len(), 1);
    limit("PRAGMA max_page_count = 100000").await;
    assert_eq!(journal.append(&lease, 1, NOW, &large, Some(1)).await.unwrap(), 21);
}

#[tokio::test]
async fn a_connection_in_a_bad_way_is_replaced_by_the_next_write() {
    let folder = Folder::new();
    let journal = SqliteJournal::open(&folder.join("j.db")).await.unwrap();
    journal.begin(&run("r"), NOW, &[Fact::Done]).await.unwrap();
    let lease = journal.lead(&run("r"), &holder("a"), LONG_MS).await.unwrap().unwrap();
    // As after a commit that failed: the driver and SQLite do not agree on whether a transaction is open.
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut *journal.db_for_test().await).await.unwrap();
    let error = journal.append(&lease, 1, NOW, &[Fact::Done], None).await.unwrap_err();
    assert!(matches!(error, JournalError::Store(StoreError::Sql { .. })), "{error:?}");
    assert_eq!(journal.append(&lease, 1, NOW, &[Fact::Done], None).await.unwrap(), 2);
}

#[tokio::test]
async fn a_file_that_stays_locked_stops_an_append_with_nothing_half_done() {
    let folder = Folder::new();
    let path = folder.join("j.db");
    let journal = SqliteJournal::open(&path).await.unwrap();
    journal.begin(&run("r"), NOW, &[Fact::Done]).await.unwrap();
    let lease = journal.lead(&run("r"), &holder("a"), LONG_MS).await.unwrap().unwrap();
    sqlx::raw_sql("PRAGMA busy_timeout = 50").execute(&mut *journal.db_for_test().await).await.unwrap();
    let other = SqliteJournal::open(&path).await.unwrap();
    let mut other = other.db_for_test().await;
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut *other).await.unwrap();
    let error = journal.append(&lease, 1, NOW, &[Fact::Claimed { attempt: 1 }], Some(1)).await.unwrap_err();
    assert!(matches!(error, JournalError::Store(StoreError::Busy { .. })), "{error:?}");
    sqlx::raw_sql("ROLLBACK").execute(&mut *other).await.unwrap();
    assert_eq!(journal.load::<Fact>(&run("r")).await.unwrap().len(), 1);
    assert_eq!(journal.append(&lease, 1, NOW, &[Fact::Claimed { attempt: 1 }], Some(1)).await.unwrap(), 2);
}

#[tokio::test]
async fn a_file_that_was_moved_away_is_not_written_and_when_it_is_back_all_is_well() {
    let folder = Folder::new();
    let (path, away) = (folder.join("journal.db"), folder.join("away.db"));
    let journal = SqliteJournal::open(&path).await.unwrap();
    let run = RunId::new("moved").unwrap();
    journal.begin(&run, Timestamp(1), &["staged"]).await.unwrap();
    std::fs::rename(&path, &away).unwrap();
    let gone = journal.runs().await;
    assert!(matches!(gone, Err(JournalError::Store(StoreError::Missing { .. }))), "{gone:?}");
    std::fs::write(&path, "").unwrap();
    let other = journal.lead(&run, &Holder::nobody(), 1_000).await;
    assert!(matches!(other, Err(JournalError::Store(StoreError::Replaced { .. }))), "{other:?}");
    std::fs::rename(&away, &path).unwrap();
    assert!(journal.lead(&run, &Holder::nobody(), 1_000).await.unwrap().is_some());
}
