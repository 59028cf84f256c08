//! `softlanding serve` with a web room, as a process.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use softlanding::words::id::AgentId;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::task::JoinSet;

use super::page::{ORIGIN, Page, REPEAT};
use super::room::scenario;
use crate::support::org::Org;
use crate::support::process::{PROGRAM, folder, softlanding, softlanding_ends, softlanding_says, texts};

async fn configured(name: &str, org: &Org, web: &str) -> std::path::PathBuf {
    let folder = folder(&format!("web-serve-{name}"));
    softlanding_says(&folder, &["init", "--twin", &org.url]).await;
    let file = folder.join("softlanding.toml");
    let text = std::fs::read_to_string(&file).expect("the configuration");
    std::fs::write(&file, format!("{text}\n[web]\n{web}\n")).expect("a file");
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_listens_lets_a_page_in_and_says_farewell() {
    let org = Org::serve(scenario(), -60, 1.0).await;
    let web =
        format!("listen = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1:1\"\nallowed_origins = [\"{ORIGIN}\"]");
    let folder = configured("listens", &org, &web).await;
    // As most systems start a process: with fewer open files than 12,000 companions need.
    let mut command = tokio::process::Command::new("sh");
    command.current_dir(&folder).args(["-c", "ulimit -Sn 256 && exec \"$0\" serve", PROGRAM]).kill_on_drop(true);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().expect("the program starts");
    let (mut lines, url) = listening(&mut child).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id().expect("it runs"))).expect("limits");
    let files = limits.lines().find(|line| line.starts_with("Max open files")).expect("a limit");
    let (soft, hard) = {
        let mut numbers = files.split_whitespace().filter_map(|word| word.parse::<u64>().ok());
        (numbers.next().expect("a number"), numbers.next().expect("a number"))
    };
    assert!(soft >= 13_000.min(hard), "{files}; {REPEAT}");
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    assert_eq!(http.get(format!("{url}/livez")).send().await.expect("an answer").status().as_u16(), 200);
    let agent = org.truth().agents[0].id.clone();
    let token = token_of(&org, &agent).await;
    let (mut page, welcome) = Page::hello(&url, "p", ("token", &token)).await;
    assert_eq!((&welcome["type"], &welcome["agent"]), (&json!("welcome"), &json!(agent)), "{welcome}; {REPEAT}");
    page.report(200, false).await;
    let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed())).expect("it runs");
    kill_process(pid, Signal::TERM).expect("a signal");
    assert_eq!(page.closed().await.0, 1001, "{REPEAT}");
    assert!(child.wait().await.expect("it ends").success(), "{REPEAT}");
    while let Some(line) = lines.next_line().await.expect("text") {
        assert!(!line.contains("twin-access"), "{line}; {REPEAT}");
    }
}

/// A roll call that the API is asked for hears the pages that the process holds.
#[tokio::test(flavor = "multi_thread")]
async fn a_roll_call_of_the_api_hears_what_a_page_says() {
    let org = Org::serve(scenario(), -60, 1.0).await;
    let web =
        format!("listen = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1:1\"\nallowed_origins = [\"{ORIGIN}\"]");
    let folder = configured("roll", &org, &web).await;
    let mut child = softlanding(&folder, &["serve"]).stdout(std::process::Stdio::piped()).spawn().expect("it starts");
    let (_lines, url) = listening(&mut child).await;
    let key = softlanding_says(&folder, &["keys", "add", "--name", "roll", "--role", "operator"]).await;
    let key = key.split_whitespace().find(|word| word.starts_with("slk_")).expect("a key").to_owned();
    let agents = org.truth().agents;
    // Pages are asked for a new report; these say what they say each time.
    let mut pages = JoinSet::new();
    for (agent, http) in [(&agents[0].id, 200), (&agents[1].id, 401)] {
        let mut page = Page::welcome(&url, "p", ("token", &token_of(&org, agent).await)).await;
        pages.spawn(async move {
            loop {
                let asked = page.hear().await;
                page.report(http, false).await;
                page.done(asked["id"].as_str().expect("a command"), "done").await;
            }
        });
    }
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let called = async || -> Value {
        let asked = client.post(format!("{url}/api/v1/checks")).bearer_auth(&key);
        let body = json!({ "business_unit": "Customer Care" }).to_string();
        let answer = asked.header("content-type", "application/json").body(body).send().await.expect("an answer");
        serde_json::from_str(&answer.text().await.expect("a whole body")).expect("JSON")
    };
    let roll = called().await;
    let of = |agent: &AgentId| {
        let all = roll["agents"].as_array().expect("a list");
        all.iter().find(|one| one["agent"] == agent.as_str()).cloned()
    };
    let (ready, refused, pageless) = (of(&agents[0].id), of(&agents[1].id), of(&agents[2].id));
    let seen = |agent: &Option<Value>, what: &str| agent.as_ref().map(|agent| agent[what].clone()).unwrap_or_default();
    assert_eq!(seen(&ready, "cell"), "ready", "{ready:?}; {REPEAT}");
    assert_eq!(seen(&refused, "cell"), "straggler", "{refused:?}; {REPEAT}");
    assert_eq!(seen(&pageless, "cell"), "ready", "{pageless:?}; {REPEAT}");
    pages.shutdown().await;
    child.kill().await.expect("it can be killed");
}

type Log = Lines<BufReader<ChildStdout>>;

/// Reads the log until it says where it listens.
async fn listening(child: &mut Child) -> (Log, String) {
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut log: Vec<Value> = Vec::new();
    loop {
        let line =
            lines.next_line().await.expect("text").unwrap_or_else(|| panic!("it does not listen: {log:?}; {REPEAT}"));
        let line: Value = serde_json::from_str(&line).expect("JSON");
        if line["event"] == "listening" {
            return (lines, format!("http://{}", line["at_address"].as_str().expect("an address")));
        }
        log.push(line);
    }
}

/// A token of the agent's own.
async fn token_of(org: &Org, agent: &AgentId) -> String {
    let (_, _, refresh) = org.enrolments().into_iter().find(|(id, _, _)| id == agent).expect("enrolled");
    let form = format!("grant_type=refresh_token&refresh_token={}", refresh.expose());
    let app = (softlanding::twin::APP_CLIENT_ID, softlanding::twin::APP_CLIENT_SECRET);
    let granted = org.grant(app, &form).await;
    granted.body["access_token"].as_str().expect("a token").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_is_said_with_what_to_do() {
    let org = Org::serve(scenario(), -60, 1.0).await;
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = taken.local_addr().expect("an address");
    let web =
        format!("listen = \"{address}\"\npublic_url = \"https://soft.example\"\nallowed_origins = [\"{ORIGIN}\"]");
    let folder = configured("taken", &org, &web).await;
    let output = softlanding_ends(&folder, &["serve"]).await;
    let (_, complaint) = texts(&output);
    assert_eq!(output.status.code(), Some(6), "{complaint}; {REPEAT}");
    assert!(complaint.contains("nobody can listen at") && complaint.contains("[web] listen"), "{complaint}; {REPEAT}");
}
