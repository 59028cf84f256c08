//! What only a PostgreSQL server can suffer: strangers' tables, refused logins, locks, a cut network.

use std::task::{Context, Waker};

use sqlx::{Connection, PgConnection};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::*;
use crate::hands::StoreError;
use crate::words::secret::Secret;

async fn refusal(url: &str) -> StoreError {
    match PostgresJournal::connect(url, None).await {
        Err(JournalError::Store(e)) => e,
        other => panic!("{other:?}"),
    }
}

/// Everything that a database holds, as text.
async fn dump(url: &str) -> Vec<String> {
    let mut db = PgConnection::connect(url).await.unwrap();
    let mut all: Vec<String> = sqlx::query_scalar(
        "SELECT table_name || '.' || column_name || ' ' || data_type FROM information_schema.columns
         WHERE table_schema = 'public' ORDER BY 1",
    )
    .fetch_all(&mut db)
    .await
    .unwrap();
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
            .fetch_all(&mut db)
            .await
            .unwrap();
    for table in tables {
        let rows = format!("SELECT ctid || ' ' || xmin || ' ' || t::text FROM {table} t ORDER BY 1");
        let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(rows)).fetch_all(&mut db).await.unwrap();
        all.extend(rows);
    }
    all
}

#[tokio::test]
async fn strangers_tables_are_refused_and_left_untouched() {
    for statement in [
        "CREATE TABLE softlanding_runs (guest text); INSERT INTO softlanding_runs VALUES ('Ada')",
        "CREATE TABLE softlanding_schema (guest text)",
        "CREATE TABLE softlanding_schema (version bigint)",
        "CREATE VIEW softlanding_orders AS SELECT 1 AS number",
    ] {
        let database = Database::new().await;
        database.meddle(statement).await;
        let before = dump(&database.url()).await;
        let error = refusal(&database.url()).await;
        assert!(matches!(error, StoreError::NotOurs { .. }), "{statement}: {error:?}");
        assert_eq!(dump(&database.url()).await, before, "{statement}");
        database.close().await;
    }
}

#[tokio::test]
async fn tables_of_other_names_are_no_business_of_ours() {
    let database = Database::new().await;
    database.meddle("CREATE TABLE runs (guest text); CREATE TABLE events (guest text)").await;
    PostgresJournal::connect(&database.url(), None).await.unwrap();
    database.close().await;
}

#[tokio::test]
async fn a_newer_version_is_refused_and_left_untouched() {
    let database = Database::new().await;
    let journal = PostgresJournal::connect(&database.url(), None).await.unwrap();
    journal.begin(&run("r"), NOW, &[Fact::Done]).await.unwrap();
    database.meddle("UPDATE softlanding_schema SET version = 999").await;
    let before = dump(&database.url()).await;
    let error = refusal(&database.url()).await;
    assert!(matches!(error, StoreError::Newer { found: 999, accepted: 4, .. }), "{error:?}");
    assert_eq!(dump(&database.url()).await, before);
    database.close().await;
}

#[tokio::test]
async fn a_journal_is_looked_for_and_not_made_by_those_who_only_look() {
    let database = Database::new().await;
    let missing = PostgresJournal::connect_existing(&database.url(), None).await;
    assert!(matches!(missing, Err(JournalError::Store(StoreError::Missing { .. }))), "{missing:?}");
    assert_eq!(dump(&database.url()).await, [""; 0]);
    PostgresJournal::connect(&database.url(), None).await.unwrap();
    PostgresJournal::connect_existing(&database.url(), None).await.unwrap();
    database.close().await;
}

#[tokio::test]
async fn damage_is_named_by_record() {
    for (statement, seq, why) in [
        ("UPDATE softlanding_events SET event = '{\"done' WHERE seq = 2", 2, "EOF"),
        ("DELETE FROM softlanding_events WHERE seq = 2", 2, "missing"),
        ("DELETE FROM softlanding_events WHERE seq = 3", 3, "counts 3 records and holds 2"),
        ("DELETE FROM softlanding_events", 1, "counts 3 records and holds 0"),
    ] {
        let database = Database::new().await;
        let journal = PostgresJournal::connect(&database.url(), None).await.unwrap();
        journal.begin(&run("r"), NOW, &[Fact::Done, Fact::Done, Fact::Done]).await.unwrap();
        database.meddle(statement).await;
        match journal.load::<Fact>(&run("r")).await {
            Err(JournalError::Corrupt { seq: found, why: text, .. }) => {
                assert_eq!(found, seq, "{statement}");
                assert!(text.contains(why), "{statement}: {text}");
            }
            other => panic!("{statement}: {other:?}"),
        }
        database.close().await;
    }
}

#[tokio::test]
async fn every_event_bears_the_fence_under_which_it_was_written() {
    let database = Database::new().await;
    let journal = PostgresJournal::connect(&database.url(), None).await.unwrap();
    journal.begin(&run("r"), NOW, &[Fact::Done]).await.unwrap();
    for last_seq in [1, 2] {
        let lease = journal.lead(&run("r"), &holder("a"), LONG_MS).await.unwrap().unwrap();
        journal.append(&lease, last_seq, NOW, &[Fact::Done], None).await.unwrap();
    }
    let mut db = PgConnection::connect(&database.url()).await.unwrap();
    let fences: Vec<i64> =
        sqlx::query_scalar("SELECT fence FROM softlanding_events ORDER BY seq").fetch_all(&mut db).await.unwrap();
    assert_eq!(fences, [0, 1, 2]);
    database.close().await;
}

#[tokio::test]
async fn who_cannot_be_let_in_is_told_why_and_no_password_is_shown() {
    let database = Database::new().await;
    let server = crate::hands::testing::postgres::server();
    database
        .meddle(
            "DROP ROLE IF EXISTS locked; CREATE ROLE locked LOGIN PASSWORD 'right horse';
             GRANT ALL ON SCHEMA public TO locked",
        )
        .await;
    let locked = database.url_as("locked");
    let unknown = crate::hands::testing::postgres::with_database(&server, "nobody_made_this");
    for (url, hint) in [
        (locked.replace("locked@", "locked:wrong-staple@"), "check the user and the password"),
        (unknown, "make the database"),
        ("postgres://postgres@127.0.0.1:1/postgres".to_owned(), "make sure that the server runs"),
    ] {
        let error = refusal(&url).await;
        assert!(matches!(error, StoreError::Unreachable { .. }), "{url}: {error:?}");
        assert!(error.hint().contains(hint), "{url}: {}", error.hint());
        let said = format!("{error:?} {error}");
        assert!(!said.contains("staple"), "{said}");
    }
    let password = Some(Secret::new("right horse".to_owned()));
    let journal = PostgresJournal::connect(&locked.replace("locked@", "locked:wrong@"), password).await.unwrap();
    assert!(!format!("{journal:?}").contains("horse"), "{journal:?}");
    database.meddle("DROP OWNED BY locked CASCADE").await;
    database.close().await;
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_without_being_shown() {
    for bad in ["mysql://ada:staple@h/d", "postgres://ada:staple@h:port/d", "staple", "", "postgres://a:staple@[::1/d"]
    {
        let error = refusal(bad).await;
        assert!(matches!(error, StoreError::BadAddress { .. }), "{bad}: {error:?}");
        assert!(!format!("{error:?} {error}").contains("staple"), "{error:?}");
        assert!(error.hint().contains("postgres://USER@HOST:PORT/DATABASE"));
    }
}

#[tokio::test]
async fn an_append_that_waits_too_long_for_a_lock_leaves_nothing() {
    let database = Database::new().await;
    let journal = PostgresJournal::connect(&database.url(), None).await.unwrap();
    journal.begin(&run("r"), NOW, &[Fact::Done]).await.unwrap();
    let lease = journal.lead(&run("r"), &holder("a"), LONG_MS).await.unwrap().unwrap();
    let mut other = PgConnection::connect(&database.url()).await.unwrap();
    let mut tx = other.begin().await.unwrap();
    sqlx::query("SELECT * FROM softlanding_runs FOR UPDATE").execute(&mut *tx).await.unwrap();
    let error = journal.append(&lease, 1, NOW, &[Fact::Claimed { attempt: 1 }], Some(1)).await.unwrap_err();
    assert!(matches!(error, JournalError::Store(StoreError::Busy { .. })), "{error:?}");
    tx.rollback().await.unwrap();
    assert_eq!(journal.load::<Fact>(&run("r")).await.unwrap().len(), 1);
    journal.append(&lease, 1, NOW, &[Fact::Claimed { attempt: 1 }], Some(1)).await.unwrap();
    database.close().await;
}

#[tokio::test]
async fn a_read_only_server_says_so() {
    let database = Database::new().await;
    let journal = PostgresJournal::connect(&database.url(), None).await.unwrap();
    drop(journal);
    let read_only = format!("{}?options=-c%20default_transaction_read_only%3Don", database.url());
    let journal = PostgresJournal::connect(&read_only, None).await.unwrap();
    let error = journal.begin(&run("r"), NOW, &[Fact::Done]).await.unwrap_err();
    assert!(matches!(error, JournalError::Store(StoreError::ReadOnly { .. })), "{error:?}");
    assert_eq!(journal.runs().await.unwrap(), []);
    // It stays in doubt for as long as it takes nothing.
    for _ in 0..2 {
        let error = journal.takes_writes().await.unwrap_err();
        assert!(matches!(error, JournalError::Store(StoreError::ReadOnly { .. })), "{error:?}");
    }
    database.close().await;
}

#[tokio::test]
async fn a_server_that_takes_nothing_is_asked_until_it_does() {
    let database = Database::new().await;
    let journal = PostgresJournal::connect(&database.url(), None).await.unwrap();
    journal.begin(&run("r"), NOW, &[Fact::Done]).await.unwrap();
    database
        .meddle(
            "CREATE FUNCTION is_full() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END $$",
        )
        .await;
    for table in ["softlanding_orders", "softlanding_schema"] {
        let full = format!(
            "CREATE TRIGGER is_full BEFORE INSERT OR UPDATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION is_full()"
        );
        database.meddle(&full).await;
    }
    journal.takes_writes().await.expect("nothing was written yet, so nothing is asked");
    journal.send(&run("r"), NOW, &"hold").await.unwrap_err();
    journal.takes_writes().await.unwrap_err();
    journal.runs().await.expect("it can be read");
    database.meddle("DROP FUNCTION is_full CASCADE").await;
    journal.takes_writes().await.unwrap();
    journal.send(&run("r"), NOW, &"hold").await.unwrap();
    database.close().await;
}

/// A wire to the server that can be cut without either end being told, as a network is.
struct Wire {
    url: String,
    cut: watch::Sender<bool>,
}

impl Wire {
    async fn to(url: &str) -> Wire {
        let (front, database) = url.rsplit_once('/').unwrap();
        let target = front.rsplit_once('@').unwrap().1.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("postgres://postgres@{}/{database}", listener.local_addr().unwrap());
        let (cut, is_cut) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, target.clone(), is_cut.clone()));
            }
        });
        Wire { url, cut }
    }
}

/// Carries bytes until the wire is cut; then both ends are held and hear nothing more, even once it is mended.
async fn carry(mut near: TcpStream, target: String, mut is_cut: watch::Receiver<bool>) {
    if !*is_cut.borrow() {
        let mut far = TcpStream::connect(target).await.unwrap();
        tokio::select! {
            _ = copy_bidirectional(&mut near, &mut far) => return,
            _ = is_cut.wait_for(|cut| *cut) => {}
        }
        let _held = (near, far);
        std::future::pending::<()>().await;
    } else {
        std::future::pending::<()>().await;
    }
}

#[tokio::test]
async fn a_cut_network_shows_in_time_and_mends_without_a_restart() {
    let database = Database::new().await;
    let wire = Wire::to(&database.url()).await;
    let journal = PostgresJournal::connect_impatiently(&wire.url, 500).await.unwrap();
    journal.begin(&run("r"), NOW, &[Fact::Done]).await.unwrap();
    let lease = journal.lead(&run("r"), &holder("a"), LONG_MS).await.unwrap().unwrap();
    wire.cut.send_replace(true);
    for _ in 0..2 {
        let error = journal.append(&lease, 1, NOW, &[Fact::Claimed { attempt: 1 }], Some(1)).await.unwrap_err();
        let told = matches!(error, JournalError::Store(StoreError::Lost { .. } | StoreError::Unreachable { .. }));
        assert!(told, "{error:?}");
    }
    wire.cut.send_replace(false);
    assert_eq!(journal.load::<Fact>(&run("r")).await.unwrap().len(), 1);
    journal.append(&lease, 1, NOW, &[Fact::Claimed { attempt: 1 }], Some(1)).await.unwrap();
    database.close().await;
}

#[tokio::test]
async fn a_server_that_has_ended_all_sessions_is_asked_again() {
    let database = Database::new().await;
    let journal = PostgresJournal::connect(&database.url(), None).await.unwrap();
    journal.begin(&run("r"), NOW, &[Fact::Done]).await.unwrap();
    database
        .meddle(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
    let lease = journal.lead(&run("r"), &holder("a"), LONG_MS).await.unwrap().unwrap();
    journal.append(&lease, 1, NOW, &[Fact::Done], None).await.unwrap();
    database.close().await;
}

#[tokio::test]
async fn a_question_that_nobody_waits_for_holds_no_lock() {
    let database = Database::new().await;
    let journal = PostgresJournal::connect(&database.url(), None).await.unwrap();
    journal.begin(&run("r"), NOW, &[Fact::Done]).await.unwrap();
    let lease = journal.lead(&run("r"), &holder("a"), LONG_MS).await.unwrap().unwrap();
    // Dropped after each number of steps, as a select in the driver does.
    let half = [staged("half")];
    for polls in 1..20 {
        let mut append = Box::pin(journal.append(&lease, 1, NOW, &half, None));
        for _ in 0..polls {
            if append.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(append);
    }
    let last_seq = journal.load::<Fact>(&run("r")).await.unwrap().len() as u64;
    assert!(last_seq <= 2, "{last_seq}");
    let next = journal.append(&lease, last_seq, NOW, &[Fact::Done], None).await.unwrap();
    assert_eq!(journal.load::<Fact>(&run("r")).await.unwrap().len() as u64, next);
    database.close().await;
}
