//! The dashboard in a real browser, before `softlanding serve` and a twin as processes.
//!
//! The walks are in tests/dashboard/; each says what it shows. Pictures of every page are kept below the build directory, in
//! `test-screenshots`.

mod support;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use softlanding::hands::journal::RECORD_FORMAT;
use softlanding::law::event::Event;
use softlanding::law::order::Wish;
use support::process::{Bench, patiently, softlanding, softlanding_says, texts};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

/// One browser at a time: each keeps two cores busy.
static BROWSER: Mutex<()> = Mutex::const_new(());

/// Sixty agents; most lose their softphone at the publish, some cannot be cured.
const FRIDAY: &str = r#"
story = "dashboard: sixty agents, and everything that a page can show of them"
[publish]
duration_s = 5
[revoke]
on_publish = true
tokens_older_than_s = 1800
cut_after_s = 5
[reported]
offered = true
[[cohorts]]
name = "evening"
agents = 40
shift_start_min = 30
login_min = [-150, -35]
[cohorts.kinds]
not_enrolled = 12
incurable = 3
station_lost = 2
blocks_missing = 1
[[cohorts]]
name = "day"
agents = 15
shift_start_min = -420
shift_length_min = 570
login_min = [-430, -415]
calls = [{ agents = 3, start_min = [-12, -6], end_min = [40, 60] }]
[cohorts.kinds]
not_enrolled = 4
[[cohorts]]
name = "off shift"
agents = 5
shift_start_min = 960
login_min = [945, 958]
"#;

/// Where people sign in, and who may do what: Iris is nobody.
fn people(url: &str) -> String {
    let address = url.trim_start_matches("http://");
    format!(
        "\n[web]\nlisten = \"{address}\"\npublic_url = \"{url}\"\n\n[people]\nviewers = [\"tom.*@northfield.example\"]\n\
         approvers = [\"nora.lindqvist@northfield.example\"]\n"
    )
}

/// Another draft of the same week, half an hour later; it is not staged by itself before the walk is over.
const OVERTIME: &str = r#"
[[publish]]
name = "overtime"
cron = "0 30 16 * * Fri"
zone = "America/Chicago"
business_unit = "Customer Care"
schedule = "What if*"
stage_before = "10min"
"#;

/// What two drafts fit; it is tried from the beginning on.
const UNCLEAR: &str = r#"
[[publish]]
name = "unclear"
cron = "0 0 17 * * Fri"
zone = "America/Chicago"
business_unit = "Customer Care"
schedule = "*"
stage_before = "1d"
"#;

fn build_directory() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the build directory")
}

/// Where `./tests/run` has put the packages.
fn packages() -> PathBuf {
    let folder = build_directory().join("test-node");
    assert!(
        folder.join("installed.txt").exists(),
        "{} is missing; run ./tests/run once, it installs what this test needs",
        folder.display()
    );
    folder
}

async fn free_url() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

fn append(bench: &Bench, text: &str) {
    let file = bench.folder.join("softlanding.toml");
    let before = std::fs::read_to_string(&file).expect("the configuration");
    std::fs::write(&file, format!("{before}\n{text}")).expect("a file");
}

/// `softlanding serve`, once it listens.
async fn serve(bench: &Bench) -> Child {
    let mut child = softlanding(&bench.folder, &["serve"]).stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut log = Vec::new();
    loop {
        let line = lines.next_line().await.expect("text").unwrap_or_else(|| panic!("it does not listen: {log:?}"));
        let said: Value = serde_json::from_str(&line).expect("JSON");
        if said["event"] == "listening" {
            break;
        }
        log.push(line);
    }
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    child
}

/// Walks through the dashboard as the script says.
async fn walked(script: &str, url: &str, run: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/dashboard/{script}.mjs"));
    let out = build_directory().join("test-screenshots");
    let mut command = Command::new("node");
    command
        .arg(path)
        .kill_on_drop(true)
        .env("SOFTLANDING_TEST_NODE", packages())
        .env("SOFTLANDING_TEST_OUT", &out)
        .env("SOFTLANDING_TEST_SERVE", url)
        .env("SOFTLANDING_TEST_RUN", run);
    let output = patiently(command.output()).await.expect("node runs");
    let (said, complaint) = texts(&output);
    assert!(
        output.status.success() && said.contains(&format!("walked: {script}")),
        "to repeat: ./tests/run --test dashboard {script}\npictures: {}\n{said}\n{complaint}",
        out.display()
    );
}

/// Runs of earlier weeks, as if this organisation's.
async fn import_earlier(bench: &Bench) {
    for (name, text) in [("v1", include_str!("journals/v1.jsonl")), ("v2", include_str!("journals/v2.jsonl"))] {
        let file = format!("{name}.jsonl");
        let text = text.replace("http://127.0.0.1:4396", &bench.url);
        let head = json!({
            "softlanding_export": 1,
            "format": RECORD_FORMAT,
            "run": format!("earlier-{name}"),
            "events": text.lines().count(),
            "claims": [1],
        });
        std::fs::write(bench.folder.join(&file), format!("{head}\n{text}")).expect("a file");
        softlanding_says(&bench.folder, &["import", &file]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn friday() {
    let _alone = BROWSER.lock().await;
    let bench = Bench::open_before("dashboard-friday", FRIDAY, 25, "8min").await;
    let url = free_url().await;
    bench.configure("refresh_lead = \"12min\"", "refresh_lead = \"3min\"\ncheck_delay = \"20s\"");
    bench.configure("settle_after = \"35min\"", "settle_after = \"8min\"");
    append(&bench, &people(&url));
    import_earlier(&bench).await;
    let run = bench.stage().await;
    let _serving = serve(&bench).await;
    walked("friday", &url, &run).await;
    let records = bench.records(&run).await;
    let told: Vec<(Wish, &str, &str)> = records.iter().filter_map(|record| ordered(&record.event)).collect();
    let nora = "Nora Lindqvist (nora.lindqvist@northfield.example)";
    assert_eq!(
        told,
        [
            (Wish::Hold, nora, "a storm warning"),
            (Wish::Resume, nora, "the storm has passed"),
            (Wish::Retry, nora, "her shift starts soon"),
        ],
        "to repeat: ./tests/run --test dashboard friday"
    );
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doors() {
    let _alone = BROWSER.lock().await;
    let bench = Bench::open_before("dashboard-doors", FRIDAY, 1, "3h").await;
    let url = free_url().await;
    append(&bench, &people(&url));
    append(&bench, OVERTIME);
    append(&bench, UNCLEAR);
    let run = bench.stage_with(&["--require-approval"]).await;
    let _serving = serve(&bench).await;
    walked("doors", &url, &run).await;
    let records = bench.records(&run).await;
    let told: Vec<(Wish, &str)> =
        records.iter().filter_map(|record| ordered(&record.event)).map(|(wish, _, why)| (wish, why)).collect();
    let bold = "<img src=x onerror=\"document.title=1\"><b>bold</b>";
    assert_eq!(told.len(), 3 + 2 * 6, "{told:?}; to repeat: ./tests/run --test dashboard doors");
    assert_eq!(
        told[..3],
        [(Wish::Approve, "the board has met"), (Wish::Hold, bold), (Wish::Resume, "six others do not hold it up")],
        "to repeat: ./tests/run --test dashboard doors"
    );
    bench.close().await;
}

/// A proxy that has signed people in is believed, and nobody else who says the same.
#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy() {
    const REPEAT: &str = "to repeat: ./tests/run --test dashboard behind_a_proxy";
    let bench = Bench::open_before("dashboard-proxy", FRIDAY, 1, "3h").await;
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
    let http = http.expect("a client");
    let plain = std::fs::read_to_string(bench.folder.join("softlanding.toml")).expect("the configuration");
    let arrive = async |url: &str, mails: &[&str]| {
        let request = http.get(format!("{url}/sign-in?to=%2Fruns%2Fcare"));
        let request = mails.iter().fold(request, |request, mail| request.header("x-forwarded-email", *mail));
        let answer = request.send().await.expect("an answer");
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().expect("text").to_owned());
        (answer.status().as_u16(), header("location"), header("set-cookie"))
    };
    for (from, believed) in [("127.0.0.1", true), ("10.0.0.1", false)] {
        let url = free_url().await;
        let proxy = format!("{}proxy = {{ header = \"X-Forwarded-Email\", from = [\"{from}\"] }}\n", people(&url));
        std::fs::write(bench.folder.join("softlanding.toml"), format!("{plain}\n{proxy}")).expect("a file");
        let mut serving = serve(&bench).await;
        let (status, to, cookie) = arrive(&url, &["Nora.Lindqvist@northfield.example"]).await;
        if believed {
            assert_eq!((status, to.as_deref()), (303, Some("/runs/care")), "{REPEAT}");
            let cookie = cookie.expect("a session");
            let pair = cookie.split(';').next().expect("a pair");
            let me = http.get(format!("{url}/api/v1/me")).header("cookie", pair).send().await.expect("an answer");
            let me: Value = serde_json::from_str(&me.text().await.expect("a text")).expect("JSON");
            assert_eq!((&me["name"], &me["role"]), (&json!("nora.lindqvist@northfield.example"), &json!("approver")));
        } else {
            assert_eq!((status, cookie), (403, None), "{REPEAT}");
        }
        // Nobody whom no rule lets in, nobody without a name, and not two at once.
        for mails in
            [&["eve@evil.example"][..], &[], &["nora.lindqvist@northfield.example", "tom.brandt@northfield.example"]]
        {
            let (status, _, cookie) = arrive(&url, mails).await;
            assert_eq!((status, cookie), (403, None), "{mails:?}; {REPEAT}");
        }
        // The platform's own sign-in is no second door.
        let second = http.get(format!("{url}/sign-in/start")).send().await.expect("an answer");
        assert_eq!(second.status().as_u16(), 404, "{REPEAT}");
        serving.kill().await.expect("it can be killed");
    }
    bench.close().await;
}

fn ordered(event: &Event) -> Option<(Wish, &str, &str)> {
    match event {
        Event::Ordered { wish, who, why, .. } => Some((*wish, who, why)),
        _ => None,
    }
}
