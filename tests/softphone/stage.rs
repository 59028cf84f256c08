//! What a proof in the browser plays before: a served twin, softlanding's web room, and whoever answers the script's asks.
//!
//! A script prints `ask {…}` and reads one line of JSON; everything else that it prints is for people.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use serde_json::{Value, json};
use softlanding::hands::companion::{Errand, PageSeen, Pages, PagesSettings, Told};
use softlanding::hands::genesys::{AppClient, Client, Hosts, Org as ClientOrg, OrgSettings, Wire};
use softlanding::hands::journal::{Journal, SqliteJournal};
use softlanding::hands::vault::{Vault, new_key};
use softlanding::law::event::Event;
use softlanding::shells::web::{Desk, Settings, Web};
use softlanding::twin::{APP_CLIENT_ID, APP_CLIENT_SECRET, PUBLISHER_CLIENT_ID, PUBLISHER_CLIENT_SECRET, Scenario};
use softlanding::words::id::AgentId;
use softlanding::words::secret::Secret;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, watch};

use crate::support::org::Org;
use crate::support::process::{folder, patiently, softlanding, softlanding_says};

/// One browser at a time: each keeps two cores busy, and the SDK gives up on what takes long.
static BROWSER: Mutex<()> = Mutex::const_new(());

/// Two agents at work, and nothing breaks by itself.
fn scenario() -> Scenario {
    let text = "story = \"softphone: two agents, and nothing breaks by itself\"\n[[cohorts]]\nname = \"evening\"\nagents = 2\n\
        shift_start_min = 30\nlogin_min = [-200, -120]\n";
    Scenario::from_toml(text).unwrap_or_else(|e| panic!("{e}"))
}

/// Where `./tests/run` has put the packages and the SDK's bundles.
pub fn packages() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the build directory");
    let folder = target.join("test-node");
    assert!(
        folder.join("installed.txt").exists(),
        "{} is missing; run ./tests/run once, it installs what this test needs",
        folder.display()
    );
    folder
}

/// A script of tests/softphone/, about to be run by node.
pub fn node(options: &[&str], script: &str) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/softphone").join(script);
    let mut command = Command::new("node");
    command.args(options).arg(script).kill_on_drop(true);
    command
}

/// An address on this machine that is free now.
async fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

/// softlanding as the script's page meets it.
enum Server {
    /// Its web room in this process, whose hub the script may command.
    Room { url: String, pages: Pages, _stop: watch::Sender<bool> },
    /// `softlanding serve`, which the script may kill and start.
    Process { url: String, folder: PathBuf, child: Option<Child> },
}

impl Server {
    /// The web room of the organisation in this process; only pages of `origin` may come.
    async fn room(name: &str, org: &Org, origin: &str) -> Server {
        let hosts = Hosts::given(&org.url, &org.url).expect("a host");
        let secret = |text: &str| Secret::new(text.to_owned());
        let mut settings = OrgSettings::new(hosts, PUBLISHER_CLIENT_ID, secret(PUBLISHER_CLIENT_SECRET));
        settings.app =
            Some(AppClient { client_id: APP_CLIENT_ID.to_owned(), client_secret: secret(APP_CLIENT_SECRET) });
        let client = Client::new(ClientOrg::new(settings), Wire::new(org.clock()).expect("a wire"), org.clock());
        let key = new_key().expect("a key");
        let vault = Vault::open(&folder(name).join("vault.db"), &key).await.expect("a vault");
        let pages = Pages::new(org.clock(), PagesSettings { companions_max: 16, answer_ms: 60_000 });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let listen = listener.local_addr().expect("an address");
        let url = format!("http://{listen}");
        let settings = Settings {
            listen,
            public_url: url.clone(),
            allowed_origins: vec![origin.to_owned()],
            companions_max: 16,
            heartbeat_ms: 30_000,
            pkce: true,
        };
        let desk =
            Desk::new(settings, pages.clone(), client, Some(Arc::new(vault)), &key, Arc::new(|_| ())).expect("a desk");
        let (stop, stopping) = watch::channel(false);
        tokio::spawn(Web::on(listener, desk).serve(stopping));
        Server::Room { url, pages, _stop: stop }
    }

    /// `softlanding serve` on a free port, configured for the organisation and not yet started.
    async fn process(name: &str, org: &Org, origin: &str) -> Server {
        let folder = folder(name);
        softlanding_says(&folder, &["init", "--twin", &org.url]).await;
        let address = free_address().await;
        let url = format!("http://{address}");
        let file = folder.join("softlanding.toml");
        let text = std::fs::read_to_string(&file).expect("the configuration");
        let web = format!("listen = \"{address}\"\npublic_url = \"{url}\"\nallowed_origins = [\"{origin}\"]");
        std::fs::write(&file, format!("{text}\n[web]\n{web}\n")).expect("a file");
        Server::Process { url, folder, child: None }
    }

    fn url(&self) -> &str {
        match self {
            Server::Room { url, .. } | Server::Process { url, .. } => url,
        }
    }

    /// Answers what a script asks for.
    async fn answer(&mut self, asked: &Value) -> Value {
        let agent = || AgentId::new(asked["agent"].as_str().expect("an agent")).expect("an agent's id");
        match (self, asked["do"].as_str().expect("a word")) {
            (Server::Room { pages, .. }, "command") => {
                json!({ "told": told(pages.command(&agent(), errand(asked)).await) })
            }
            (Server::Room { pages, .. }, "seen") => pages.seen(&agent()).map_or(Value::Null, |seen| report(&seen)),
            (Server::Process { folder, .. }, "enrol") => {
                softlanding_says(folder, &["agents", "import", "enrolments.jsonl"]).await;
                Value::Null
            }
            (Server::Process { folder, child, .. }, "start") => {
                *child = Some(started(folder).await);
                Value::Null
            }
            (Server::Process { child, .. }, "kill") => {
                child.take().expect("it runs").kill().await.expect("it can be killed");
                Value::Null
            }
            (Server::Process { folder, .. }, "records") => records(folder).await,
            (_, other) => panic!("nobody here can {other}"),
        }
    }
}

/// Every record of the one run in a journal; none while there is no run.
async fn records(folder: &Path) -> Value {
    let journal = SqliteJournal::open_existing(&folder.join("softlanding.db")).await.expect("a journal");
    let runs = journal.runs().await.expect("a list");
    let Some(summary) = runs.first() else { return json!([]) };
    serde_json::to_value(journal.load::<Event>(&summary.run).await.expect("records")).expect("JSON")
}

/// `softlanding serve`, once it listens.
async fn started(folder: &Path) -> Child {
    let mut child = softlanding(folder, &["serve"]).stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    loop {
        let line = lines.next_line().await.expect("text").expect("it listens before it ends");
        let line: Value = serde_json::from_str(&line).expect("JSON");
        if line["event"] == "listening" {
            break;
        }
    }
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    child
}

fn errand(asked: &Value) -> Errand {
    let token = || asked["token"].as_str().map(|text| Secret::new(text.to_owned()));
    match asked["errand"].as_str().expect("an errand") {
        "token" => Errand::Token(token().expect("a token")),
        "renew" => Errand::Renew(token()),
        "revive" => Errand::Revive(token()),
        "notify" => Errand::Notify(asked["words"].as_str().expect("words").to_owned()),
        "report" => Errand::Report,
        other => panic!("no errand {other}"),
    }
}

fn told(told: Told) -> String {
    match told {
        Told::NoPage => "no page".to_owned(),
        Told::Done => "done".to_owned(),
        Told::Deferred => "deferred".to_owned(),
        Told::Failed(why) => format!("failed: {why}"),
        Told::NoAnswer => "no answer".to_owned(),
    }
}

fn report(seen: &PageSeen) -> Value {
    json!({
        "connected": seen.connected, "station": seen.station, "ice": seen.ice, "microphone": seen.microphone,
        "http": seen.http, "call": seen.call, "state": seen.state.word(), "ready": seen.ready, "sdk": seen.sdk,
    })
}

/// Plays a script with the web room in this process.
pub async fn prove(script: &str, sdk: &str) {
    prepare(script, sdk, scenario(), false).await;
}

/// The same, and every station keeps its line between calls.
pub async fn prove_persistent(script: &str, sdk: &str) {
    let mut scenario = scenario();
    scenario.softphone.persistent_connection = true;
    prepare(script, sdk, scenario, false).await;
}

/// Plays a script with `softlanding serve` as a process, which the script starts.
pub async fn prove_with_serve(script: &str, sdk: &str) {
    prepare(script, sdk, scenario(), true).await;
}

/// Plays a script with `softlanding serve` as a process that publishes a minute after the org was opened.
pub async fn prove_a_friday(script: &str, sdk: &str) {
    let _alone = BROWSER.lock().await;
    let mut scenario = scenario();
    scenario.org.drafts = vec!["Approved".to_owned()];
    scenario.cohorts.iter_mut().for_each(|cohort| cohort.agents = 3);
    scenario.publish.duration_s = 5;
    (scenario.revoke.on_publish, scenario.revoke.cut_after_s) = (true, 2);
    let (name, desk) = (name(script, sdk), free_address().await);
    // Twice as fast as ours: the SDK's own waits are not scaled, and the refresh leaves time for the pages to open.
    let org = Org::serve(scenario, -2, 2.0).await;
    let server = Server::process(&name, &org, &format!("http://{desk}")).await;
    let Server::Process { folder, .. } = &server else { unreachable!("a process was asked for") };
    softlanding_says(folder, &["agents", "import", "enrolments.jsonl"]).await;
    let file = folder.join("softlanding.toml");
    let text = std::fs::read_to_string(&file).expect("the configuration");
    let quick = text
        .replace("refresh_lead = \"12min\"", "refresh_lead = \"1min\"\ncheck_delay = \"20s\"")
        .replace("prepare_lead = \"1min\"", "prepare_lead = \"5s\"")
        .replace("settle_after = \"35min\"", "settle_after = \"2min\"");
    let friday = "[[publish]]\nname = \"care\"\ncron = \"0 0 16 * * Fri\"\nzone = \"Central\"\n\
                  business_unit = \"Customer Care\"\nstage_before = \"10min\"\n";
    std::fs::write(&file, format!("{quick}\n{friday}")).expect("a file");
    play(script, sdk, &org, server, &desk).await;
}

fn name(script: &str, sdk: &str) -> String {
    format!("softphone-{script}-{sdk}")
}

async fn prepare(script: &str, sdk: &str, scenario: Scenario, process: bool) {
    let _alone = BROWSER.lock().await;
    let (name, desk) = (name(script, sdk), free_address().await);
    let origin = format!("http://{desk}");
    let org = Org::serve(scenario, -60, 1.0).await;
    let server =
        if process { Server::process(&name, &org, &origin).await } else { Server::room(&name, &org, &origin).await };
    play(script, sdk, &org, server, &desk).await;
}

async fn play(script: &str, sdk: &str, org: &Org, mut server: Server, desk: &str) {
    let repeat = format!("to repeat: ./tests/run --test softphone {script}");
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("softphone-pictures");
    let mut command = node(&[], &format!("{script}.mjs"));
    command
        .env("SOFTLANDING_TEST_NODE", packages())
        .env("SOFTLANDING_TEST_OUT", &out)
        .env("SOFTLANDING_TEST_SDK", sdk)
        .env("SOFTLANDING_TEST_TWIN", &org.url)
        .env("SOFTLANDING_TEST_SERVE", server.url())
        .env("SOFTLANDING_TEST_DESK", desk.rsplit(':').next().expect("a port"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("node starts");
    let mut to = child.stdin.take().expect("a pipe");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut errors = child.stderr.take().expect("a pipe");
    let complaint = tokio::spawn(async move {
        let mut text = String::new();
        let _ended = errors.read_to_string(&mut text).await;
        text
    });
    let mut said = Vec::new();
    patiently(async {
        while let Some(line) = lines.next_line().await.expect("text") {
            let Some(asked) = line.strip_prefix("ask ") else {
                said.push(line);
                continue;
            };
            let answer = server.answer(&serde_json::from_str(asked).expect("JSON")).await;
            // A script that has failed meanwhile reads no more.
            let _gone = to.write_all(format!("{answer}\n").as_bytes()).await;
        }
    })
    .await;
    let ended = child.wait().await.expect("node ends");
    let complaint = complaint.await.expect("what it said");
    let said = said.join("\n");
    println!("{said}");
    assert!(ended.success() && said.contains("proved: "), "{repeat}\npictures: {}\n{said}\n{complaint}", out.display());
}
