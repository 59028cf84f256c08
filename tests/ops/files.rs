//! The shipped files for Prometheus and Grafana, as far as they can be read without a run.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::promtool::{REPEAT, promtool};
use crate::support::process::folder;

fn shipped(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

/// The metrics that a file names; its alerts and its own name are none.
pub fn metrics_in(file: &str) -> BTreeSet<String> {
    let text = shipped(file);
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("softlanding_")).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_alert_rules_are_sound_and_each_says_what_to_do() {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/prometheus/alerts.yml");
    let said = promtool(&folder("ops-rules"), &["check", "rules", &rules.to_string_lossy()], "").await;
    assert!(said.contains("SUCCESS"), "{said}; {REPEAT}");
    let text = shipped("packaging/prometheus/alerts.yml");
    let alerts: Vec<&str> = text.split("- alert: ").skip(1).collect();
    assert!(alerts.len() >= 15, "{}; {REPEAT}", alerts.len());
    for alert in alerts {
        let name = alert.lines().next().unwrap_or_default();
        assert!(name.starts_with("Softlanding"), "{name}; {REPEAT}");
        for part in ["severity: ", "summary: ", "description: "] {
            assert!(alert.contains(part), "{name} has no {part}; {REPEAT}");
        }
        let severity = alert.split("severity: ").nth(1).unwrap_or_default();
        assert!(severity.starts_with("critical") || severity.starts_with("warning"), "{name}; {REPEAT}");
    }
}

#[tokio::test]
async fn the_dashboard_is_one_that_grafana_reads_and_its_queries_are_promql() {
    let dashboard: Value = serde_json::from_str(&shipped("packaging/grafana/softlanding.json")).expect("JSON");
    for key in ["title", "uid", "schemaVersion", "panels", "templating", "time"] {
        assert!(!dashboard[key].is_null(), "{key} is missing; {REPEAT}");
    }
    let panels = dashboard["panels"].as_array().expect("panels");
    let mut ids = BTreeSet::new();
    let mut taken = BTreeSet::new();
    let mut queries = Vec::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_i64().expect("an id")), "{panel}; {REPEAT}");
        let place = |key: &str| panel["gridPos"][key].as_i64().expect("a place");
        assert!(place("x") + place("w") <= 24, "{panel}; {REPEAT}");
        for x in place("x")..place("x") + place("w") {
            for y in place("y")..place("y") + place("h") {
                assert!(taken.insert((x, y)), "{} lies upon another panel; {REPEAT}", panel["title"]);
            }
        }
        if panel["type"] == "row" {
            continue;
        }
        assert!(panel["description"].as_str().is_some_and(|text| text.len() > 10), "{panel}; {REPEAT}");
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{REPEAT}");
        let targets = panel["targets"].as_array().expect("targets");
        assert!(!targets.is_empty(), "{panel}; {REPEAT}");
        queries.extend(targets.iter().map(|target| target["expr"].as_str().expect("a query").to_owned()));
    }
    let notes = dashboard["annotations"]["list"].as_array().expect("annotations");
    queries.extend(notes.iter().map(|note| note["expr"].as_str().expect("a query").to_owned()));
    assert!(queries.len() >= 15, "{}; {REPEAT}", queries.len());
    // Each as a recording rule, so that Prometheus's own parser reads it.
    let rules: Vec<Value> = queries
        .iter()
        .enumerate()
        .map(|(n, expr)| serde_json::json!({ "record": format!("dashboard:query_{n}"), "expr": expr }))
        .collect();
    let document = serde_json::json!({ "groups": [{ "name": "dashboard", "rules": rules }] });
    let place = folder("ops-dashboard");
    std::fs::write(place.join("queries.yml"), document.to_string()).expect("a file");
    let said = promtool(&place, &["check", "rules", "queries.yml"], "").await;
    assert!(said.contains(&format!("SUCCESS: {} rules found", queries.len())), "{said}; {REPEAT}");
}
