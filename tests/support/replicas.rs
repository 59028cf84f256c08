//! Several `softlanding serve` on one PostgreSQL database, before twins in this process, with everything that they write
//! and send on record.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use softlanding::hands::journal::PostgresJournal;
use softlanding::hands::vault::Vault;
use softlanding::twin::serve::{Options, Served};
use softlanding::twin::{APP_CLIENT_ID, PUBLISHER_CLIENT_ID, Scenario, Truth, Twin};
use softlanding::words::clock::{Clock, Timestamp};
use softlanding::words::id::AgentId;
use softlanding::words::secret::Secret;
use sqlx::postgres::PgListener;
use sqlx::{Connection, PgConnection};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Child;

use super::org::{FRIDAY, SEED};
use super::postgres::Database;
use super::process::{folder, softlanding, softlanding_says};
use super::tale::Tale;
use super::way::Way;

/// An organisation: a twin, the way to it, and a folder with secrets and enrolments.
pub struct Place {
    /// Where configurations are put.
    pub folder: PathBuf,
    /// What leads to the twin.
    pub way: Way,
    /// Its time.
    pub clock: Clock,
    served: Served,
}

impl Place {
    /// Starts a twin whose clock stands `minutes` before Friday 16:00 and runs `speed` times as fast as ours.
    pub async fn open(name: &str, scenario: &str, minutes: i64, speed: f64) -> Place {
        let folder = folder(name);
        let scenario = Scenario::from_toml(scenario).unwrap_or_else(|e| panic!("{e}"));
        make_ready(&folder, scenario.clone()).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let way = Way::to(listener.local_addr().expect("an address")).await;
        let clock = Clock::scaled(friday() - minutes * 60_000, speed);
        let served = serve(scenario, listener, &format!("http://127.0.0.1:{}", way.port), clock);
        Place { folder, way, clock, served }
    }
    /// The address that programs are given.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.way.port)
    }
    /// What is really so.
    pub fn truth(&self) -> Truth {
        self.served.truth()
    }
    /// Moves the vault from the folder into the database at `store`, where replicas share it, and lets `file` say so.
    pub async fn share_vault(&self, file: &str, store: &str) -> Vault {
        let key = std::fs::read_to_string(self.folder.join("vault.key")).expect("a key");
        let key = Secret::new(key.trim().to_owned());
        let here = Vault::open(&self.folder.join("vault.db"), &key).await.expect("a vault");
        let shared = Vault::connect(store, None, &key).await.expect("a vault");
        for one in here.agents().await.expect("agents") {
            let grant = here.get(&one.agent).await.expect("a vault").expect("a grant");
            shared.put(&one.agent, &one.name, &grant).await.expect("a vault");
        }
        let file = self.folder.join(file);
        let text = std::fs::read_to_string(&file).expect("the configuration");
        std::fs::write(&file, text.replace("path = \"vault.db\"\n", "")).expect("a file");
        shared
    }
    /// The refresh tokens in force.
    pub fn in_force(&self) -> Vec<(AgentId, String, Secret)> {
        self.served.twin().lock().unwrap_or_else(PoisonError::into_inner).enrolments()
    }
    /// Writes a configuration: the store, how it is served, and an entry of the calendar for each business unit, at 16:00.
    pub fn configure(&self, file: &str, store: &str, serve: &str, timing: &str, entries: &[(String, String)]) {
        let at = |(name, unit): &(String, String)| (name.clone(), unit.clone(), "0 0 16 * * Fri".to_owned());
        self.configure_at(file, store, serve, timing, &entries.iter().map(at).collect::<Vec<_>>());
    }
    /// The same with an instant for each: name, business unit, cron expression.
    pub fn configure_at(
        &self,
        file: &str,
        store: &str,
        serve: &str,
        timing: &str,
        entries: &[(String, String, String)],
    ) {
        let url = self.url();
        let mut text = format!(
            r#"store = "{store}"
[org]
api_url = "{url}"
login_url = "{url}"
client_id = "{PUBLISHER_CLIENT_ID}"
client_secret = {{ file = "twin-publisher.secret" }}
[app]
client_id = "{APP_CLIENT_ID}"
client_secret = {{ file = "twin-app.secret" }}
[vault]
path = "vault.db"
key = {{ file = "vault.key" }}
[timing]
{timing}
[serve]
{serve}
[mechanisms]
authentication_refresh = true
media_probe = true
session_reset = true
session_reset_path = "/api/v2/users/bulk/export"
[clock]
follow = "{url}/twin/clock"
"#
        );
        for (name, unit, cron) in entries {
            text.push_str(&format!(
                "[[publish]]\nname = \"{name}\"\ncron = \"{cron}\"\nbusiness_unit = \"{unit}\"\nschedule = \"Approved\"\n"
            ));
        }
        std::fs::write(self.folder.join(file), text).expect("a file");
    }
}

/// Secrets and enrolments come from a twin of the same scenario and seed that stands still, so that nothing of the time of
/// the other one is spent on it.
async fn make_ready(folder: &Path, scenario: Scenario) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    serve(scenario, listener, &url, Clock::scaled(friday() - 86_400_000, 1.0));
    softlanding_says(folder, &["init", "--twin", &url]).await;
    softlanding_says(folder, &["agents", "import", "enrolments.jsonl"]).await;
}

fn serve(scenario: Scenario, listener: TcpListener, url: &str, clock: Clock) -> Served {
    let served = Served::new(Twin::new(scenario, SEED, friday(), url), clock, Options::default());
    tokio::spawn(served.clone().run(listener, std::future::pending()));
    served
}

fn friday() -> Timestamp {
    Timestamp::parse_rfc3339(FRIDAY).expect("an instant")
}

/// A database with a journal's tables, whose every row is heard of.
pub struct Store {
    /// The database.
    pub database: Database,
    /// Its rows so far, in the order in which they were committed.
    pub rows: Tale<Row>,
}

/// A row of the journal.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its run, or an entry of the calendar.
    pub run: String,
    /// The fence under which it was written.
    pub fence: i64,
    /// What it tells of.
    pub kind: String,
    /// The phase that it enters, or empty.
    pub phase: String,
}

/// Every row is told to whoever listens, and every leader that a run ever had is kept.
const TELL: &str = "
    CREATE TABLE leaders (run text, holder text);
    CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO leaders VALUES (NEW.run, NEW.holder);
        RETURN NULL;
    END $$;
    CREATE TRIGGER keep AFTER UPDATE ON softlanding_runs FOR EACH ROW
        WHEN (NEW.fence > OLD.fence) EXECUTE FUNCTION keep();
    CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_notify('rows', concat_ws(' ', NEW.run, NEW.fence,
            NEW.event::json ->> 'event', NEW.event::json ->> 'phase', '-', NEW.seq));
        RETURN NULL;
    END $$;
    CREATE TRIGGER tell AFTER INSERT ON softlanding_events FOR EACH ROW EXECUTE FUNCTION tell();";

impl Store {
    /// Makes one.
    pub async fn open() -> Store {
        let database = Database::new().await;
        drop(PostgresJournal::connect(&database.url(), None).await.expect("a journal"));
        database.meddle(TELL).await;
        let mut listener = PgListener::connect(&database.url()).await.expect("a connection");
        listener.listen("rows").await.expect("a channel");
        let rows: Tale<Row> = Tale::default();
        let heard = rows.clone();
        tokio::spawn(async move {
            while let Ok(told) = listener.recv().await {
                heard.push(row(told.payload()));
            }
        });
        Store { database, rows }
    }
    /// The journal.
    pub async fn journal(&self) -> PostgresJournal {
        PostgresJournal::connect(&self.database.url(), None).await.expect("a journal")
    }
    /// A way to it that can be cut, and the address at its beginning.
    pub async fn way(&self) -> (Way, String) {
        let url = self.database.url();
        let (front, rest) = url.split_once('@').expect("a user");
        let (host, database) = rest.split_once('/').expect("a database");
        let way = Way::to(host.parse::<SocketAddr>().expect("a host and a port")).await;
        let url = format!("{front}@127.0.0.1:{}/{database}", way.port);
        (way, url)
    }
    /// Each run that a holder leads now, and each entry of the calendar.
    pub async fn led_by(&self, holder: &str) -> Vec<String> {
        let led = "SELECT run FROM softlanding_runs WHERE holder = $1 AND lease_until > clock_timestamp() ORDER BY run";
        self.texts(led, holder).await
    }
    /// Waits until every lease of a holder that renews none has run out; the server itself waits.
    pub async fn outlasts(&self, holder: &str) {
        let wait = "SELECT concat(pg_sleep_until(max(lease_until))) FROM softlanding_runs WHERE holder = $1";
        self.texts(wait, holder).await;
    }
    /// Who leads a run now.
    pub async fn leader(&self, run: &str) -> Option<String> {
        let leader = "SELECT holder FROM softlanding_runs WHERE run = $1 AND lease_until > clock_timestamp()";
        self.texts(leader, run).await.pop()
    }
    /// Each run and entry that a holder has led, however briefly.
    pub async fn ever_led(&self, holder: &str) -> Vec<String> {
        self.texts("SELECT DISTINCT run FROM leaders WHERE holder = $1 ORDER BY run", holder).await
    }
    async fn texts(&self, question: &'static str, value: &str) -> Vec<String> {
        let mut db = PgConnection::connect(&self.database.url()).await.expect("a connection");
        let texts = sqlx::query_scalar(question).bind(value).fetch_all(&mut db).await.expect("an answer");
        db.close().await.expect("a connection that closes");
        texts
    }
    /// Waits until a row of this kind is in a run's journal.
    pub async fn until(&self, run: &str, kind: &str) {
        self.rows.until(|rows| rows.iter().any(|row| row.run == run && row.kind == kind).then_some(())).await;
    }
}

fn row(payload: &str) -> Row {
    let mut words = payload.split(' ').map(str::to_owned);
    let mut next = || words.next().unwrap_or_default();
    let (run, fence, kind, phase) = (next(), next(), next(), next());
    let phase = if phase == "-" { String::new() } else { phase };
    Row { run, fence: fence.parse().expect("a number"), kind, phase }
}

/// A process that serves.
pub struct Replica {
    /// Its process.
    pub pid: u32,
    /// Its name as a holder of leases.
    pub holder: String,
    /// What it has logged.
    pub log: Tale<Value>,
    complaint: Tale<String>,
    child: Child,
}

impl Replica {
    /// Starts one with these configurations of a place, and waits until it serves.
    pub async fn start(place: &Place, configs: &[&str]) -> Replica {
        let mut arguments = vec!["serve"];
        configs.iter().for_each(|config| arguments.extend(["--config", config]));
        let mut command = softlanding(&place.folder, &arguments);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let pid = child.id().expect("a process");
        let (log, complaint): (Tale<Value>, Tale<String>) = Default::default();
        let (lines, told) = (child.stdout.take().expect("a pipe"), log.clone());
        tokio::spawn(async move {
            let mut lines = BufReader::new(lines).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                told.push(serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}")));
            }
        });
        let (mut errors, told) = (child.stderr.take().expect("a pipe"), complaint.clone());
        tokio::spawn(async move {
            let mut text = String::new();
            let _ended = errors.read_to_string(&mut text).await;
            told.push(text);
        });
        let serving = says(&log, 0, |line| line["event"] == "serving");
        let line = tokio::select! {
            line = serving => line,
            text = complaint.until(|texts| texts.first().cloned()) => panic!("it does not serve: {text}"),
        };
        let holder = line["replica"].as_str().expect("a name").to_owned();
        Replica { pid, holder, log, complaint, child }
    }
    /// How many lines it has logged.
    pub fn lines(&self) -> usize {
        self.log.look(<[Value]>::len)
    }
    /// Waits for a line after the first `after`.
    pub async fn says(&self, after: usize, wanted: impl Fn(&Value) -> bool) -> Value {
        says(&self.log, after, wanted).await
    }
    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid.cast_signed()).expect("a process");
        kill_process(pid, signal).expect("it can be signalled");
    }
    /// Kills it with SIGKILL and waits until it is gone; what it has logged stays.
    pub async fn kill(mut self) -> Tale<Value> {
        self.child.kill().await.expect("it can be killed");
        self.log
    }
    /// Asks it to end, and expects that it does so in order.
    pub async fn stop(mut self) -> Tale<Value> {
        self.signal(Signal::TERM);
        let ended = self.child.wait().await.expect("it ends");
        let text = self.complaint.until(|texts| texts.first().cloned()).await;
        assert!(ended.success() && !text.contains("panicked"), "it ended with {ended}: {text}");
        self.log
    }
}

async fn says(log: &Tale<Value>, after: usize, wanted: impl Fn(&Value) -> bool) -> Value {
    log.until(|lines| lines.iter().skip(after).find(|line| wanted(line)).cloned()).await
}

/// When a line of a log was written.
pub fn written_at(line: &Value) -> Timestamp {
    line["at"].as_str().and_then(Timestamp::parse_rfc3339).expect("an instant")
}
