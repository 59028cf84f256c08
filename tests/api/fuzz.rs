//! schemathesis, which knows nothing but `/openapi.json`, against a process with a run that is over and one that is staged.

use serde_json::json;
use tokio::process::Command;

use crate::bench::{Site, calm};
use crate::client::{REPEAT, Served};
use crate::support::process::{installed, patiently, texts};

/// Cases for each operation. With them it takes some ten seconds.
const EXAMPLES: &str = "25";

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_tries_everything_meets_no_bug_and_nothing_that_is_not_described() {
    patiently(async {
        let site = Site::open("api-fuzz", calm(&["Approved", "Other"]), -4, 120.0, "schedule = \"Approved\"").await;
        let mut served = Served::open(site, "").await;
        served.daemon.event("ended").await;
        let next = json!({ "publish": "care" });
        // The next Friday's week has no draft, so that staging is refused, which is an answer like others.
        let staged = served.post(&served.operator, "/api/v1/runs", &next).await;
        assert!([201, 409, 422].contains(&staged.status), "{staged:?}; {REPEAT}");
        let mut fuzz = Command::new(installed("schemathesis"));
        fuzz.args(["run", &format!("{}/openapi.json", served.url), "--seed", "27", "--max-examples", EXAMPLES]);
        fuzz.args(["--header", &format!("Authorization: Bearer {}", served.approver)]);
        fuzz.args([
            "--checks",
            "all",
            "--phases",
            "examples,coverage,fuzzing",
            "--no-color",
            "--suppress-health-check",
            "all",
        ]);
        // Streams do not end by themselves.
        fuzz.args(["--exclude-path-regex", "/events$"]);
        fuzz.current_dir(&served.site.folder).env("NO_COLOR", "1");
        let output = fuzz.output().await.expect("schemathesis");
        let (said, complaint) = texts(&output);
        assert!(output.status.success(), "{said}\n{complaint}\n{REPEAT}");
        assert!(said.contains("No issues found"), "{said}; {REPEAT}");
    })
    .await;
}
