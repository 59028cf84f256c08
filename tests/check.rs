//! The roll call, `softlanding check`: the binary before a twin, held against what is really so, in few calls, changing
//! nothing.

mod support;

use std::collections::BTreeMap;

use serde_json::Value;
use support::process::{Bench, patiently};

const REPEAT: &str = "to repeat: ./tests/run --test check";
/// Twin seconds per second.
const SPEED: u32 = 20;
const AGENTS: usize = 250;

/// After the publish nobody heals by itself, and somebody is away.
const SCENARIO: &str = r#"
story = "check: 250 agents; the publish revokes and cuts, and nobody but a person helps"
[publish]
duration_s = 5
[revoke]
on_publish = true
[[cohorts]]
name = "evening"
agents = 200
login_min = [-120, -60]
[cohorts.kinds]
incurable = 60
[[cohorts]]
name = "night"
agents = 50
shift_start_min = 300
login_min = [200, 220]
"#;

async fn check(bench: &Bench, more: &[&str]) -> (i32, Value) {
    let line = ["check", "--business-unit", "customer care", "--json"];
    let (code, said, complaint) = bench.ends(&[&line[..], more].concat()).await;
    (code, serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}{complaint}; {REPEAT}")))
}

/// What each agent's answer has to be, by what is really so.
fn expected(truth: &Value) -> BTreeMap<String, &'static str> {
    let agents = truth["agents"].as_array().expect("agents");
    let answer = |agent: &Value| match (agent["logged_in"] == true, agent["media_ready"] == true) {
        (false, _) => "deferred",
        (true, true) => "ready",
        (true, false) => "straggler",
    };
    agents.iter().map(|agent| (agent["id"].as_str().expect("an id").to_owned(), answer(agent))).collect()
}

/// The kind of each agent's verdict.
fn answers(document: &Value) -> BTreeMap<String, &str> {
    let kind = |verdict: &'_ Value| match verdict {
        Value::String(kind) => Some(kind.clone()),
        Value::Object(fields) => fields.keys().next().cloned(),
        _ => None,
    };
    let known = ["ready", "deferred", "straggler", "unknown"];
    let agents = document["agents"].as_array().expect("agents");
    let answer = |agent: &Value| {
        let kind = kind(&agent["verdict"]).expect("a verdict");
        let kind = known.into_iter().find(|k| **k == kind).unwrap_or_else(|| panic!("{kind}"));
        (agent["agent"].as_str().expect("an id").to_owned(), kind)
    };
    agents.iter().map(answer).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_roll_call_says_of_everybody_what_is_really_so_and_changes_nothing() {
    patiently(async {
        let bench = Bench::open_before("check", SCENARIO, SPEED, "3min").await;
        bench.configure("refresh_lead = \"12min\"", "refresh_lead = \"90s\"");
        bench.configure("prepare_lead = \"1min\"", "prepare_lead = \"30s\"");
        bench.configure("settle_after = \"35min\"", "settle_after = \"2min\"");
        bench.configure("authentication_refresh = true", "authentication_refresh = false\noauth_refresh = false");
        bench.configure("session_reset = true", "session_reset = false\nreassociate = false\nreboot_phone = false");

        let (code, before) = check(&bench, &["--strict"]).await;
        assert_eq!(code, 0, "{before}; {REPEAT}");
        assert_eq!(answers(&before), expected(&bench.truth().await), "{REPEAT}");
        assert_eq!(before["agents"].as_array().map(Vec::len), Some(AGENTS), "{REPEAT}");
        // At most N/50 calls for a cohort in good order: users and phones by the hundred.
        assert!(before["reads"].as_u64().is_some_and(|reads| reads <= AGENTS as u64 / 50 + 1), "{before}; {REPEAT}");

        let run = bench.stage().await;
        let (code, complaint, _) = bench.run(&run).rest().await;
        assert_eq!(code, 0, "{complaint}; {REPEAT}");
        let truth = bench.truth().await;
        let (code, after) = check(&bench, &[]).await;
        assert_eq!(code, 7, "{after}; {REPEAT}");
        assert_eq!(answers(&after), expected(&truth), "{REPEAT}");
        assert!(after["tally"]["stragglers"].as_u64().is_some_and(|n| n >= 60), "{}; {REPEAT}", after["tally"]);
        assert_eq!(after["gaps"], Value::Array(Vec::new()), "{REPEAT}");
        assert_eq!(after["agents"][0]["signals"]["users_read_at"].as_str().map(str::len), Some(24), "{REPEAT}");

        let (code, table, _) = bench.ends(&["check", "--business-unit", "Customer Care"]).await;
        assert_eq!(code, 7, "{table}; {REPEAT}");
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}; {REPEAT}");
        assert!(table.contains("cannot take a call") && table.contains("more; --all lists everybody"), "{table}");
        let (_, all, _) = bench.ends(&["check", "--business-unit", "Customer Care", "--all"]).await;
        assert!(all.lines().count() > AGENTS, "{all}; {REPEAT}");

        let touched = |truth: &Value| {
            truth["agents"].as_array().expect("agents").iter().map(|a| a["remedies"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(touched(&bench.truth().await), touched(&truth), "{REPEAT}");
        bench.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_to_be_called_must_be_named_and_be_there() {
    patiently(async {
        let bench = Bench::open("check-names", "story = \"8\"\n[[cohorts]]\nagents = 8\n", SPEED).await;
        for command in ["check", "observe"] {
            let (code, _, complaint) = bench.ends(&[command]).await;
            let both = complaint.contains("--business-unit") && complaint.contains("--publish");
            assert!(code == 2 && both, "{complaint}; {REPEAT}");
            let (code, _, complaint) = bench.ends(&[command, "--business-unit", "Customer Care West"]).await;
            let told = complaint.contains("the business unit Customer Care West has no agents");
            assert!(code == 6 && told, "{code} {complaint}; {REPEAT}");
        }
        let (code, _, complaint) = bench.ends(&["check", "--business-unit", "Customer"]).await;
        assert!(code == 2 && complaint.contains("Customer Care ("), "{code} {complaint}; {REPEAT}");
        let (code, _, complaint) = bench.ends(&["check", "--publish", "friday"]).await;
        assert!(code == 2 && complaint.contains("no [[publish]] named"), "{code} {complaint}; {REPEAT}");
        let (code, said, _) = bench.ends(&["check", "--business-unit", "Customer Care", "--json"]).await;
        let roll: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}; {REPEAT}"));
        assert_eq!((code, &roll["agents"][0]["words"]), (0, &"ready".into()), "{said}; {REPEAT}");
        bench.close().await;
    })
    .await;
}
