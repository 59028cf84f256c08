//! The platform vendor's own Python SDK drives the twin: if it cannot tell the twin from the platform, other clients can
//! be trusted to have been tested against something real.

mod support;

use std::path::Path;
use std::process::Output;

use serde_json::Value;
use support::contract;
use support::org::{Org, scenario};
use support::process::installed;

const REPEAT: &str = "to repeat: ./tests/run --test vendor_sdk";

async fn drive(url: &str) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vendor_sdk/drive.py");
    let (id, secret) = Org::publisher();
    let mut command = tokio::process::Command::new(installed("python"));
    command.arg(script).arg(url).env("CLIENT_ID", id).env("CLIENT_SECRET", secret).kill_on_drop(true);
    command.output().await.expect("python runs")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vendors_sdk_lists_publishes_and_waits() {
    // From two minutes before 16:00 to three minutes after, two agents are on a call.
    let mut calm = scenario("calm");
    calm.publish.duration_s = 1;
    let org = Org::serve(calm, -2, 1.0).await;
    let output = drive(&org.url).await;
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the SDK's script failed; {REPEAT}\n{complaint}");
    let summary: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}; {REPEAT}\n{said}\n{complaint}"));

    let truth = org.truth();
    assert_eq!(truth.counters.publishes_applied, 1, "{REPEAT}");
    assert_eq!(truth.counters.update_posts, 1, "{REPEAT}");
    assert_eq!(truth.counters.updates_refused, 0);
    assert_eq!((truth.counters.too_many_requests, truth.counters.unauthorized), (0, 0));
    let agents: Vec<Value> = truth.agents.iter().map(|a| Value::from(a.id.to_string())).collect();
    assert_eq!(summary["agents"], Value::Array(agents), "{REPEAT}");
    assert_eq!(summary["stations"], truth.agents.len());
    assert_eq!(summary["phones"], truth.agents.len());
    assert_eq!(summary["on_call"].as_array().map(Vec::len), Some(2), "{summary}");
    assert_eq!(summary["published"], true);
    assert_eq!(summary["version_after"].as_i64(), summary["version_before"].as_i64().map(|v| v + 1));
    assert_eq!(summary["event"]["status"], "Complete");
    assert_eq!(summary["event"]["eventType"], "Update");
    assert!(!summary["limits"].as_object().expect("limits").is_empty(), "{summary}");

    // The other way round: what the SDK sends passes the check that softlanding's own client has to pass.
    let faults = contract::check(&org.exchanges());
    assert!(faults.is_empty(), "{REPEAT}\n{}", faults.join("\n"));
}
