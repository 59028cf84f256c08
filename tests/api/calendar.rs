//! The calendar, where something is wrong: what cannot be staged, is overdue or was missed says so, and why, until it is put right.

use serde_json::{Value, json};
use softlanding::hands::journal::{Journal, SqliteJournal};
use softlanding::law::occurrence::Note;
use softlanding::words::id::RunId;

use crate::client::{REPEAT, Served};
use crate::support::org::friday;
use crate::support::process::patiently;
use crate::support::site::{Site, calm, entry};

const DAY_MS: i64 = 86_400_000;

/// The entry of that name, once it is as wanted.
async fn entry_of(served: &Served, name: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    loop {
        let calendar = served.get(&served.viewer, "/api/v1/calendar").await.well(200);
        let entries = calendar["entries"].as_array().expect("entries");
        let found =
            entries.iter().find(|entry| entry["entry"] == name).unwrap_or_else(|| panic!("no {name}; {REPEAT}"));
        if is_it(found) {
            return found.clone();
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_staged_is_overdue_or_was_missed_says_so_and_why() {
    patiently(async {
        let missed = "catch_up = \"never\"\nschedule = \"Approved\"";
        let site = Site::open("api-lapsed", calm(&["Approved", "Approved too"]), 60, 60.0, missed).await;
        // Both drafts fit, so nothing can be staged for these two: one whose T has passed, one whose T comes within the day.
        let overdue = entry("overdue", "catch_up = \"12h\"\nschedule = \"Approved*\"");
        let soon = entry("soon", "schedule = \"Approved*\"")
            .replace("0 0 16 * * Fri", "0 0 23 * * Fri")
            .replace("10min", "1d");
        site.edit(|config| config + &overdue + &soon);
        let journal = SqliteJournal::open(&site.folder.join("softlanding.db")).await.expect("a journal");
        for name in ["care", "overdue"] {
            let stream = RunId::calendar(name).expect("a name");
            journal.begin(&stream, friday() - DAY_MS, &[Note::Begun]).await.expect("an entry that is known");
        }
        let served = Served::open(site, "").await;
        let care = entry_of(&served, "care", |entry| entry["last"]["state"] == "missed").await;
        assert_eq!(care["last"]["publish_at"], "2026-11-27T22:00:00.000Z", "{care}; {REPEAT}");
        assert!(care["last"]["why"].to_string().contains("nothing was running"), "{care}; {REPEAT}");
        assert_eq!(
            (&care["next"][0]["state"], &care["next"][0]["why"]),
            (&json!("planned"), &Value::Null),
            "{care}; {REPEAT}"
        );
        let overdue = entry_of(&served, "overdue", |entry| entry["last"]["why"].is_string()).await;
        assert_eq!(overdue["last"]["state"], "overdue", "{overdue}; {REPEAT}");
        let soon = entry_of(&served, "soon", |entry| entry["next"][0]["state"] == "not_staged").await;
        assert_eq!(soon["last"], Value::Null, "{soon}; {REPEAT}");
        for why in [&overdue["last"]["why"], &soon["next"][0]["why"]] {
            assert!(why.to_string().contains("could mean 2 draft schedules"), "{why}; {REPEAT}");
        }
        // What was made later is the newer word about the entry.
        let later = json!({ "publish": "care", "at": "2026-11-27T23:30:00Z" });
        let staged = served.post(&served.operator, "/api/v1/runs", &later).await.well(201);
        served.until(staged["run"].as_str().expect("a run"), |card| card["publish"]["fate"] == "on_time").await;
        entry_of(&served, "care", |entry| entry["last"] == Value::Null).await;
    })
    .await;
}
