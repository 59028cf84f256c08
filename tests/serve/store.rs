//! A store that goes away and comes back: nothing is published on a guess, and everything goes on afterwards.

use serde_json::Value;
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use crate::support::process::patiently;
use crate::support::site::{REPEAT, RUN, Site, calm, told};

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_locked_by_somebody_else_is_waited_for() {
    patiently(async {
        let site = Site::open("locked", calm(&["Approved"]), -4, 10.0, "catch_up = \"2h\"").await;
        let mut daemon = site.serve();
        daemon.event("leading").await;
        let options = SqliteConnectOptions::new().filename(site.folder.join("softlanding.db"));
        let mut other = SqliteConnection::connect_with(&options).await.expect("the journal's file");
        sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.expect("the lock");
        // Its lease runs out, and it does not act without one.
        let let_go = daemon.event("let_go").await;
        assert_eq!((&let_go["run"], &let_go["level"]), (&RUN.into(), &"warn".into()), "{REPEAT}");
        sqlx::raw_sql("ROLLBACK").execute(&mut other).await.expect("the lock is given back");
        other.close().await.expect("a connection");
        daemon.event("leading").await;
        daemon.event("ended").await;
        let end = daemon.stop().await;
        assert_eq!(site.published(), (1, 1), "{}; {REPEAT}", told(&end.log));
        site.records(RUN).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_moved_away_is_missed_and_found_again() {
    patiently(async {
        let site = Site::open("moved", calm(&["Approved"]), -4, 20.0, "catch_up = \"2h\"").await;
        let mut daemon = site.serve();
        daemon.event("leading").await;
        let (place, away) = (site.folder.join("softlanding.db"), site.folder.join("away.db"));
        std::fs::rename(&place, &away).expect("it can be moved");
        // What it has in hand cannot be recorded, so it is not done; which of the two it says first is open.
        for wanted in ["the store cannot be used", "not leading this run any more"] {
            let is_it = |line: &Value| line["message"].as_str().is_some_and(|message| message.starts_with(wanted));
            if !daemon.log.iter().any(is_it) {
                daemon.until(wanted, is_it).await;
            }
        }
        assert!(told(&daemon.log).contains("there is no journal at"), "{}; {REPEAT}", told(&daemon.log));
        let sent = site.published();
        std::fs::rename(&away, &place).expect("it can be moved back");
        daemon.event("store_back").await;
        daemon.event("leading").await;
        daemon.event("ended").await;
        let end = daemon.stop().await;
        assert_eq!((sent, site.published()), ((0, 0), (1, 1)), "{}; {REPEAT}", told(&end.log));
        // A store that stays away is told of once.
        let told_of = end
            .about("trouble")
            .iter()
            .filter(|line| told(&[(**line).clone()]).contains("the store cannot be used"))
            .count();
        assert_eq!(told_of, 1, "{}; {REPEAT}", told(&end.log));
        site.records(RUN).await;
    })
    .await;
}
