//! schemathesis, which knows nothing but `/openapi.json`, against a process with a run that is over and one that is staged.

use serde_json::json;
use tokio::process::Command;

use crate::client::{REPEAT, Served};
use crate::support::process::{installed, patiently, texts};
use crate::support::site::{Site, calm};

/// Cases for each operation. With them it takes some ten seconds.
const EXAMPLES: &str = "25";
/// What a good request may be answered with: 422 says that what it names does not exist, which no schema can tell.
const CONFIG: &str = "[checks.positive_data_acceptance]\nexpected-statuses = \
    [\"2xx\", \"401\", \"403\", \"404\", \"409\", \"422\", \"429\", \"5xx\"]\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_tries_everything_meets_no_bug_and_nothing_that_is_not_described() {
    patiently(async {
        let site = Site::open("api-fuzz", calm(&["Approved", "Other"]), -4, 120.0, "schedule = \"Approved\"").await;
        let mut served = Served::open(site, "").await;
        served.daemon.event("ended").await;
        // The draft that is left is staged as the next Friday's, so that there is a run to be told something.
        served.site.edit(|config| config.replace("schedule = \"Approved\"", "schedule = \"Other\""));
        let served = served.restart().await;
        let next = json!({ "publish": "care", "at": "2026-11-27T23:30:00Z" });
        served.post(&served.operator, "/api/v1/runs", &next).await.well(201);
        let described = served.get("", "/openapi.json").await.well(200);
        let paths = described["paths"].as_object().expect("paths").values();
        let operations: usize = paths.map(|path| path.as_object().expect("methods").len()).sum();
        std::fs::write(served.site.folder.join("schemathesis.toml"), CONFIG).expect("a file");
        let mut fuzz = Command::new(installed("schemathesis"));
        fuzz.args(["run", &format!("{}/openapi.json", served.url), "--seed", "27", "--max-examples", EXAMPLES]);
        fuzz.args(["--header", &format!("Authorization: Bearer {}", served.approver)]);
        fuzz.args(["--checks", "all", "--phases", "examples,coverage,fuzzing", "--no-color"]);
        // Streams do not end by themselves.
        fuzz.args(["--exclude-path-regex", "/events$"]);
        let output = fuzz.current_dir(&served.site.folder).output().await.expect("schemathesis");
        let (said, complaint) = texts(&output);
        assert!(output.status.success(), "{said}\n{complaint}\n{REPEAT}");
        assert!(operations > 12, "{operations} operations are described; {REPEAT}");
        assert!(said.contains(&format!("Tested: {}", operations - 1)), "{said}; {REPEAT}");
    })
    .await;
}
