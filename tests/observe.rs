//! `softlanding observe`: a Friday that somebody else publishes is watched from outside, and what the numbers say is what is
//! really so: yes where a publish revokes sessions, no where it does not.

mod support;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use support::process::{Bench, patiently, softlanding};
use tokio::io::{AsyncBufReadExt, BufReader};

const REPEAT: &str = "to repeat: ./tests/run --test observe";
/// Twin seconds per second.
const SPEED: u32 = 20;

fn scenario(revokes: bool) -> String {
    format!(
        "story = \"observe: 120 agents\"\n[publish]\nduration_s = 5\n[revoke]\non_publish = {revokes}\n\
         [[cohorts]]\nagents = 120\nlogin_min = [-120, -60]\n"
    )
}

/// The publish of somebody who helps nobody, watched meanwhile; the observation, and the agents that were touched by it.
async fn friday(bench: &Bench, more: &[&str]) -> Value {
    let run = bench.stage().await;
    let watch = ["observe", "--business-unit", "Customer Care", "--at", &bench.at, "--json", "--every", "10s"];
    let times = ["--before", "100s", "--after", "2min"];
    let line = [&watch[..], &times, more].concat();
    let (ran, (code, said, complaint)) = tokio::join!(bench.run(&run).rest(), bench.ends(&line));
    assert_eq!((ran.0, code), (0, 0), "{} {complaint}; {REPEAT}", ran.1);
    serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}{complaint}; {REPEAT}"))
}

async fn bench(name: &str, revokes: bool) -> Bench {
    let bench = Bench::open_before(name, &scenario(revokes), SPEED, "3min").await;
    bench.configure("refresh_lead = \"12min\"", "refresh_lead = \"90s\"");
    bench.configure("prepare_lead = \"1min\"", "prepare_lead = \"30s\"");
    bench.configure("settle_after = \"35min\"", "settle_after = \"90s\"");
    bench.configure("authentication_refresh = true", "authentication_refresh = false\noauth_refresh = false");
    bench.configure("session_reset = true", "session_reset = false\nreassociate = false\nreboot_phone = false");
    bench
}

/// A watch that is ended with ctrl-c after its first look.
async fn interrupted(bench: &Bench) -> (Option<i32>, Value) {
    let watch = ["observe", "--business-unit", "Customer Care", "--before", "0s", "--out", "second.json"];
    let mut command = softlanding(&bench.folder, &watch);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    lines.next_line().await.expect("a line").expect("a look");
    let pid = Pid::from_raw(child.id().expect("a process").cast_signed()).expect("a process");
    kill_process(pid, Signal::INT).expect("it can be signalled");
    let ended = child.wait().await.expect("it ends");
    let text = std::fs::read_to_string(bench.folder.join("second.json")).expect("a file");
    (ended.code(), serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}; {REPEAT}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_publish_revokes_sessions_the_numbers_say_so_and_can_be_pooled() {
    patiently(async {
        let bench = bench("observe-yes", true).await;
        let first = friday(&bench, &["--out", "first.json"]).await;
        assert_eq!(first["finding"]["finding"], "association", "{first}; {REPEAT}");
        let lost = |document: &Value, when: &str| document["evidence"][when]["losses"].as_u64().expect("a number");
        let truth = bench.truth().await;
        let went_grey =
            truth["agents"].as_array().expect("agents").iter().filter(|a| a["grey_times"] != 0).count() as u64;
        assert!(went_grey > 100 && lost(&first, "after") <= went_grey, "{went_grey} {first}; {REPEAT}");
        assert!(lost(&first, "after") > 50 && lost(&first, "before") == 0, "{first}; {REPEAT}");
        // The run itself watched as well, and the journal says the same.
        let (code, said, complaint) = bench.ends(&["evidence", "--business-unit", "customer care"]).await;
        assert!(
            code == 0 && said.contains("1 publish, 120 agents. Softphones were lost"),
            "{said}{complaint}; {REPEAT}"
        );
        assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}; {REPEAT}");
        // The same Friday, watched from outside, is no second one; an earlier one is.
        let (_, said, complaint) = bench.ends(&["evidence", "--pool", "first.json"]).await;
        assert!(
            said.contains("1 publish, 120 agents.") && complaint.contains("left out"),
            "{said}{complaint}; {REPEAT}"
        );
        let mut earlier = first.clone();
        earlier["watch"]["publish_at"] = (first["watch"]["publish_at"].as_i64().expect("ms") - 7 * 86_400_000).into();
        std::fs::write(bench.folder.join("earlier.json"), earlier.to_string()).expect("a file");
        let (_, said, _) = bench.ends(&["evidence", "--json", "--pool", "earlier.json"]).await;
        let told: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}; {REPEAT}"));
        assert_eq!((&told["publishes"], &told["finding"]["finding"]), (&2.into(), &"association".into()), "{REPEAT}");
        assert!(lost(&told["runs"][0], "before") == 0 && lost(&told["runs"][0], "after") > 50, "{told}; {REPEAT}");
        // What is told twice is told once, and of another unit nothing is pooled.
        let twice = ["evidence", "--pool", "earlier.json", "--pool", "earlier.json"];
        let (_, said, complaint) = bench.ends(&twice).await;
        let once = said.contains("1 publish and 1 observation, 240 agents.");
        assert!(once && complaint.contains("pooled already"), "{said}{complaint}; {REPEAT}");
        earlier["business_unit"] = "Sales".into();
        earlier["business_unit_id"] = "sales-id".into();
        std::fs::write(bench.folder.join("sales.json"), earlier.to_string()).expect("a file");
        let of = |unit| ["evidence", "--business-unit", unit, "--pool", "earlier.json", "--pool", "sales.json"];
        let (_, said, _) = bench.ends(&of("sales")).await;
        assert!(said.trim().starts_with("1 observation, 120 agents."), "{said}; {REPEAT}");
        let (_, said, _) = bench.ends(&of("customer care")).await;
        assert!(said.contains("1 publish and 1 observation, 240 agents."), "{said}; {REPEAT}");
        let (code, _, complaint) = bench.ends(&of("Typo")).await;
        assert!(code == 2 && complaint.contains("Customer Care, Sales"), "{code} {complaint}; {REPEAT}");
        earlier["evidence"]["after"]["losses"] = u64::MAX.into();
        std::fs::write(bench.folder.join("wild.json"), earlier.to_string()).expect("a file");
        let (code, _, complaint) = bench.ends(&["evidence", "--pool", "wild.json"]).await;
        let place = complaint.contains("wild.json is no observation") && complaint.contains("evidence.after.losses is");
        assert!(code == 2 && place, "{code} {complaint}; {REPEAT}");
        // Nothing happens now: a calm hour is no evidence, and together with the first it still is some.
        let watch =
            ["observe", "--business-unit", "Customer Care", "--before", "0s", "--after", "20s", "--every", "5s"];
        let (code, said, complaint) = bench.ends(&[&watch[..], &["--pool", "first.json"]].concat()).await;
        assert_eq!(code, 0, "{complaint}; {REPEAT}");
        assert!(said.contains("With 1 earlier observation:") && said.contains("times as often"), "{said}; {REPEAT}");
        assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}; {REPEAT}");
        // What was observed is not written over, and whoever ends a watch early has what was seen until then.
        let kept = std::fs::read_to_string(bench.folder.join("first.json")).expect("a file");
        let (code, _, complaint) = bench.ends(&[&watch[..], &["--out", "first.json"]].concat()).await;
        assert!(code == 2 && complaint.contains("holds something already"), "{code} {complaint}; {REPEAT}");
        assert_eq!(std::fs::read_to_string(bench.folder.join("first.json")).expect("a file"), kept, "{REPEAT}");
        let (code, document) = interrupted(&bench).await;
        assert_eq!((code, &document["interrupted"]), (Some(130), &true.into()), "{document}; {REPEAT}");
        assert_eq!(bench.truth().await["update_posts"], 1, "{REPEAT}");
        bench.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_look_is_told_why_nothing_can_be_said() {
    patiently(async {
        let blind = format!("withheld_permissions = [\"telephony:plugin:all\"]\n{}", scenario(false));
        let bench = Bench::open_before("observe-blind", &blind, SPEED, "3min").await;
        let watch = ["observe", "--business-unit", "Customer Care", "--before", "0s", "--every", "5s"];
        let (code, said, complaint) = bench.ends(&[&watch[..], &["--after", "20s"]].concat()).await;
        assert_eq!(code, 0, "{complaint}; {REPEAT}");
        let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains("Nothing can be said: too little was seen"), "{said}; {REPEAT}");
        assert!(flat.contains("could not be read whole and counted for nothing: "), "{said}; {REPEAT}");
        for told in [&flat, &complaint] {
            assert_eq!(told.matches("telephony:plugin:all").count(), 1, "{said}{complaint}; {REPEAT}");
        }
        bench.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_publish_touches_nobody_no_association_is_found() {
    patiently(async {
        let bench = bench("observe-no", false).await;
        let calm = friday(&bench, &[]).await;
        assert_ne!(calm["finding"]["finding"], "association", "{calm}; {REPEAT}");
        assert_eq!(calm["evidence"]["after"]["losses"], 0, "{calm}; {REPEAT}");
        assert!(calm["evidence"]["after"]["agent_ms"].as_u64().is_some_and(|ms| ms > 0), "{calm}; {REPEAT}");
        let (code, said, complaint) = bench.ends(&["evidence"]).await;
        let quiet = said.contains("1 publish, 120 agents. No association found: no softphone was lost.");
        assert!(code == 0 && quiet, "{said}{complaint}; {REPEAT}");
        let (code, said, complaint) = bench.ends(&["evidence", "--business-unit", "nobody"]).await;
        assert!(code == 2 && said.is_empty() && complaint.contains("Customer Care"), "{said}{complaint}; {REPEAT}");
        let (code, _, complaint) = bench.ends(&["observe", "--publish", "x", "--pool", "scenario.toml"]).await;
        assert!(code == 2 && complaint.contains("is no observation"), "{code} {complaint}; {REPEAT}");
        bench.close().await;
    })
    .await;
}
