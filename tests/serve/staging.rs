//! A publish that cannot be staged: said with the candidates, told to the hooks, and staged once somebody has put it right.

use serde_json::Value;

use crate::support::process::patiently;
use crate::support::site::{REPEAT, Site, calm, told};

/// A refusal names what could have been meant.
fn refused(line: &Value, parts: &[&str]) {
    let message = line["message"].as_str().unwrap_or_default();
    for part in parts {
        assert!(message.contains(part), "{part} is not in {message}; {REPEAT}");
    }
    assert_eq!((&line["level"], &line["entry"]), (&"warn".into(), &"care".into()), "{REPEAT}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_draft_that_fits_and_several_that_do_are_told_until_somebody_puts_it_right() {
    patiently(async {
        let terms = "schedule = \"Approved*\"\nstage_before = \"1d\"";
        let site = Site::open("drafts", calm(&["First", "Second"]), -240, 60.0, "").await;
        site.edit(|config| config.replace("stage_before = \"10min\"", terms));
        site.keep_documents_of("failed");
        let mut daemon = site.serve();
        refused(
            &daemon.event("calendar.not_staged").await,
            &["there is no draft schedule \"Approved*\"", "First", "Second"],
        );
        site.rename("First", "Approved by Ann").await;
        site.rename("Second", "Approved by Ben").await;
        let several = ["could mean 2 draft schedules", "Approved by Ann", "Approved by Ben"];
        refused(&daemon.event("calendar.not_staged").await, &several);
        site.rename("Approved by Ben", "Set aside").await;
        daemon.event("calendar.staged").await;
        let end = daemon.stop().await;
        // Each reason is told once, however often it was tried.
        let documents = site.documents_of("failed");
        assert_eq!(documents.len(), end.about("calendar.not_staged").len(), "{}; {REPEAT}", told(&end.log));
        let whys: Vec<&str> = documents.iter().filter_map(|document| document["data"]["why"].as_str()).collect();
        assert!(
            whys[0].contains("there is no draft") && whys.iter().any(|why| why.contains("could mean 2")),
            "{whys:?}"
        );
        assert_eq!(site.published(), (0, 3), "only the three renamings were sent; {REPEAT}");
        let status = site.status().await;
        assert_eq!((&status["runs"][0]["phase"], &status["counters"]["publishes"]), (&"waiting".into(), &0.into()));
    })
    .await;
}
