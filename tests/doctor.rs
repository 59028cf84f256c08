//! `softlanding doctor` before a twin: what is wrong in the organisation is found, with what to do, and nothing is changed.

mod support;

use serde_json::Value;
use support::process::{Bench, patiently};

const REPEAT: &str = "to repeat: ./tests/run --test doctor";
const SPEED: u32 = 20;

const SOUND: &str = r#"
story = "doctor: 24 agents in good order"
[org]
business_units = ["Customer Care"]
[[cohorts]]
agents = 24
login_min = [-120, -60]
"#;

const AILING: &str = r#"
story = "doctor: much is amiss"
withheld_permissions = ["telephony:station:disassociate", "wfm:schedule:edit"]
[org]
business_units = ["Customer Care"]
agents_without_permission = 5
trunks_out_of_service = 1
[[cohorts]]
agents = 24
login_min = [-120, -60]
[cohorts.kinds]
not_enrolled = 4
"#;

async fn doctor(bench: &Bench, more: &[&str]) -> (i32, Vec<(String, String, String)>, String) {
    let line = ["doctor", "--business-unit", "Customer Care", "--json"];
    let (code, said, complaint) = bench.ends(&[&line[..], more].concat()).await;
    let document: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}{complaint}; {REPEAT}"));
    let text = |check: &Value, name: &str| check[name].as_str().unwrap_or_default().to_owned();
    let checks = document["checks"].as_array().expect("checks");
    for check in checks.iter().filter(|check| check["mark"] != "ok") {
        assert!(check["fix"].is_string(), "{check}; {REPEAT}");
    }
    let rows = checks.iter().map(|check| (text(check, "name"), text(check, "mark"), text(check, "words")));
    (code, rows.collect(), said)
}

fn holds(checks: &[(String, String, String)], name: &str, mark: &str, words: &str) {
    let found = checks.iter().any(|(n, m, w)| n == name && m == mark && w.contains(words));
    assert!(found, "{mark} {name} {words:?} is not in {checks:#?}; {REPEAT}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_in_good_order_is_said_to_be() {
    patiently(async {
        let bench = Bench::open("doctor-sound", SOUND, SPEED).await;
        bench.configure("media_probe = true", "media_probe = false");
        let before = bench.truth().await;
        let (code, checks, said) = doctor(&bench, &[]).await;
        assert_eq!(code, 0, "{said}; {REPEAT}");
        for (name, words) in [
            ("organisation", "lets the client in"),
            ("clock", "agrees"),
            ("permissions", "all that it needs"),
            ("rate limit", "300 calls a minute"),
            ("unit Customer Care", "24 agents: 24 ready"),
            ("unit Customer Care", "24 of 24 agents are enrolled"),
            ("trunks", "2 in use, none of them ailing"),
            ("edges", "1 in use"),
        ] {
            holds(&checks, name, "ok", words);
        }
        let remedies = |truth: &Value| {
            truth["agents"].as_array().expect("agents").iter().map(|a| a["remedies"].clone()).collect::<Vec<_>>()
        };
        let after = bench.truth().await;
        assert_eq!(
            (remedies(&before), &before["update_posts"]),
            (remedies(&after), &after["update_posts"]),
            "{REPEAT}"
        );
        assert!(!bench.store().exists(), "doctor made a journal; {REPEAT}");
        bench.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_amiss_in_the_organisation_is_found_with_what_to_do() {
    patiently(async {
        let bench = Bench::open("doctor-ailing", AILING, SPEED).await;
        let (code, checks, said) = doctor(&bench, &[]).await;
        assert_eq!(code, 6, "{said}; {REPEAT}");
        for (name, mark, words) in [
            ("permissions", "fail", "wfm:schedule:edit is missing: nothing can be published"),
            ("permissions", "warn", "telephony:station:disassociate is missing: stations cannot be associated again"),
            ("reported endpoints", "warn", "does not offer it"),
            ("unit Customer Care", "warn", "20 of 24 agents are enrolled"),
            ("unit Customer Care", "warn", "5 agents lack the permission to select a softphone"),
            ("trunks", "warn", "Carrier 1 (not in service)"),
        ] {
            holds(&checks, name, mark, words);
        }
        let (code, table, _) = bench.ends(&["doctor", "--business-unit", "Nobody"]).await;
        assert_eq!(code, 6, "{table}; {REPEAT}");
        assert!(
            table.contains("there is no business unit") && table.contains("name one of these"),
            "{table}; {REPEAT}"
        );
        // A path is not broken, however long.
        let fits = |line: &str| line.chars().count() <= 80 || line.contains('/');
        assert!(table.lines().all(fits), "{table}; {REPEAT}");
        bench.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_that_does_not_answer_or_let_in_is_asked_nothing_more() {
    patiently(async {
        let bench = Bench::open("doctor-away", SOUND, SPEED).await;
        std::fs::write(bench.folder.join("twin-publisher.secret"), "wrong").expect("a file");
        let (code, checks, said) = doctor(&bench, &[]).await;
        assert_eq!(code, 6, "{said}; {REPEAT}");
        let about: Vec<_> = checks.iter().filter(|(name, ..)| name == "organisation").collect();
        assert!(about.len() == 1 && about[0].1 == "fail" && said.contains("client_secret"), "{said}; {REPEAT}");
        assert!(checks.iter().all(|(name, ..)| name != "permissions" && name != "trunks"), "{said}; {REPEAT}");
        let (code, checks, said) = doctor_offline(&bench).await;
        assert!(code == 0 && checks.iter().all(|name| name != "organisation"), "{said}; {REPEAT}");
        std::fs::write(bench.folder.join("bad.toml"), "store = 5\n").expect("a file");
        let (code, said, _) = bench.ends(&["doctor", "--config", "bad.toml"]).await;
        assert!(code == 3 && said.contains("bad.toml:1: store: found 5"), "{code} {said}; {REPEAT}");
        bench.close().await;
    })
    .await;
}

async fn doctor_offline(bench: &Bench) -> (i32, Vec<String>, String) {
    let (code, said, complaint) = bench.ends(&["doctor", "--offline", "--json"]).await;
    let document: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}{complaint}; {REPEAT}"));
    let names = document["checks"].as_array().expect("checks").iter();
    (code, names.map(|check| check["name"].as_str().expect("a name").to_owned()).collect(), said)
}
