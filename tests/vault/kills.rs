//! A process that refreshes tokens is killed with SIGKILL at every step of a rotation, and another takes over. Nobody is lost:
//! an agent's token is the one in force, or the agent is asked to sign in again, with the reason.
//!
//! The process is this test's own program, started again; it refreshes through the real client, over sockets, against a twin.
//! Its steps are held by a gate before the twin and by a lock on the vault, never by a time.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use softlanding::hands::genesys::{Client, Org as Organisation, Wire};
use softlanding::hands::hook::{HookLimits, Hooks};
use softlanding::hands::vault::{Enrolled, GrantState, Vault, new_key};
use softlanding::law::command::{Command, Outcome, TokenVia};
use softlanding::shells::perform::{Asked, Hands};
use softlanding::twin::Scenario;
use softlanding::words::clock::Clock;
use softlanding::words::id::{AgentId, Seat};
use softlanding::words::secret::{Grant, Secret};
use sqlx::{Connection, PgConnection, SqliteConnection};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use super::gate::{Gate, Holds};
use super::{REPEAT, plan, settings};
use crate::support::org::Org;
use crate::support::postgres::Database;
use crate::support::process::{folder, patiently};

/// Names what the process is to work with: the vault's place and key, the org, and one agent after another.
const ORDERS: &str = "SOFTLANDING_TEST_REFRESH";
const AGENTS: usize = 3;

/// Where the process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It wants to note that the token may be spent, and cannot yet.
    BeforeTheNote,
    /// The note is there, and the request has left; the org never hears of it.
    OnTheWayThere,
    /// The org has carried it out; the answer never arrives.
    OnTheWayBack,
    /// The answer has arrived, and the new grant cannot be stored yet.
    BeforeTheStore,
    /// It is stored, and told.
    AfterTheStore,
}

/// What the org does with a refresh token that was used (UNCERTAIN on the platform).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Platform {
    /// It is dead at once.
    Strict,
    /// It is taken once more.
    Forgiving,
}

fn scenario(platform: Platform) -> Scenario {
    let dies = platform == Platform::Strict;
    let text = format!(
        "story = \"vault: a few agents, and nothing breaks\"\n[tokens]\nrotate_refresh_token = true\n\
         old_refresh_token_dies = {dies}\n[[cohorts]]\nname = \"evening\"\nagents = {AGENTS}\nshift_start_min = 30\n\
         login_min = [-200, -120]\n"
    );
    Scenario::from_toml(&text).unwrap_or_else(|e| panic!("{e}"))
}

/// The vault's place.
enum Place {
    File(PathBuf),
    Server(Database),
}

impl Place {
    fn address(&self) -> String {
        match self {
            Place::File(path) => path.display().to_string(),
            Place::Server(database) => database.url(),
        }
    }
    /// Keeps everybody from writing until what comes back is dropped.
    async fn lock(&self) -> Lock {
        match self {
            Place::File(path) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
                let mut db = SqliteConnection::connect_with(&options).await.expect("the vault's file");
                sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut db).await.expect("a lock");
                Lock::File { db }
            }
            Place::Server(database) => {
                let mut db = PgConnection::connect(&database.url()).await.expect("the database");
                let lock = "BEGIN; LOCK TABLE softlanding_vault_grants IN EXCLUSIVE MODE";
                sqlx::raw_sql(lock).execute(&mut db).await.expect("a lock");
                Lock::Server { db }
            }
        }
    }
}

enum Lock {
    File { db: SqliteConnection },
    Server { db: PgConnection },
}

impl Lock {
    /// Lets others write. What a process that is dead by now had asked of the server is not done any more: a server goes on
    /// with a statement that waits for a lock, whoever has asked for it.
    async fn release(self) {
        match self {
            Lock::File { db } => db.close().await.expect("a file that closes"),
            Lock::Server { mut db } => {
                let end = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
                     WHERE datname = current_database() AND pid <> pg_backend_pid()";
                sqlx::raw_sql(end).execute(&mut db).await.expect("an end");
                db.close().await.expect("a connection that closes");
            }
        }
    }
}

async fn open(address: &str, key: &Secret) -> Vault {
    let opened = if address.starts_with("postgres") {
        Vault::connect(address, None, key).await
    } else {
        Vault::open(Path::new(address), key).await
    };
    opened.unwrap_or_else(|e| panic!("{e}"))
}

/// The process that is killed: refreshes each agent's token in turn and says so. Does nothing unless it is told what to do.
#[tokio::test(flavor = "multi_thread")]
async fn the_process_that_is_killed() {
    let Ok(orders) = std::env::var(ORDERS) else { return };
    let mut orders = orders.split('\n').map(str::to_owned);
    let mut order = || orders.next().expect("an order");
    let (address, key, url) = (order(), Secret::new(order()), order());
    let agents: Vec<AgentId> = orders.map(|id| AgentId::new(&id).expect("an id")).collect();
    let hands = Hands {
        client: Client::new(
            Organisation::new(settings(&url)),
            Wire::new(Clock::System).expect("a client"),
            Clock::System,
        ),
        hooks: Hooks::new(PathBuf::new(), HookLimits::default()),
        vault: Some(Arc::new(open(&address, &key).await)),
        pages: None,
        preflights: Arc::default(),
        ear: Arc::default(),
    };
    println!("\nready");
    // Each refresh waits for a word, so that the test is there before it.
    let plan = Arc::new(plan(&agents));
    for seat in 0..agents.len() {
        std::io::stdin().read_line(&mut String::new()).expect("a word");
        let command = Command::RefreshToken { seat: Seat(seat as u32), via: TokenVia::Grant, unless: None };
        let asked = Asked::Platform { command, plan: Arc::clone(&plan), not_after: None };
        let told = match hands.perform(asked).await {
            Outcome::TokenRefreshed { .. } => "refreshed".to_owned(),
            Outcome::TokenDead { failure } => format!("dead: {failure}"),
            other => format!("{other:?}"),
        };
        println!("\ntold {seat} {told}");
    }
}

/// The process, under way.
struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    async fn start(bench: &Bench, url: &str) -> Process {
        let mut orders = vec![bench.place.address(), bench.key.expose().to_owned(), url.to_owned()];
        orders.extend(bench.agents.iter().map(AgentId::to_string));
        let mut command = tokio::process::Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", "kills::the_process_that_is_killed", "--nocapture"]).env(ORDERS, orders.join("\n"));
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut process = Process { child, lines };
        process.until("ready").await;
        process
    }
    /// Lets it refresh the next agent's token.
    async fn go_on(&mut self) {
        use tokio::io::AsyncWriteExt;
        let words = self.child.stdin.as_mut().expect("a pipe");
        words.write_all(b"\n").await.expect("a word");
        words.flush().await.expect("a word");
    }
    /// Reads on to the line that begins so; the rest of it.
    async fn until(&mut self, begins: &str) -> String {
        while let Some(line) = self.lines.next_line().await.expect("text") {
            if let Some(rest) = line.strip_prefix(begins) {
                return rest.trim().to_owned();
            }
        }
        panic!("the process ended before it said {begins:?}; {REPEAT}")
    }
    async fn kill(mut self) {
        self.child.kill().await.expect("it can be killed");
    }
}

/// An org, and a vault that holds its agents' refresh tokens.
struct Bench {
    org: Org,
    place: Place,
    key: Secret,
    agents: Vec<AgentId>,
}

impl Bench {
    async fn open(place: Place, platform: Platform) -> Bench {
        let org = Org::serve(scenario(platform), -60, 1.0).await;
        let key = new_key().expect("a key");
        let vault = open(&place.address(), &key).await;
        let grant = |token| Grant { refresh_token: token, access_token: None };
        let enrolments: Vec<_> =
            org.enrolments().into_iter().map(|(agent, name, token)| (agent, name, grant(token))).collect();
        vault.import(&enrolments).await.expect("an import");
        let agents = enrolments.into_iter().map(|(agent, ..)| agent).collect();
        Bench { org, place, key, agents }
    }
    async fn vault(&self) -> Vault {
        open(&self.place.address(), &self.key).await
    }
    async fn listed(&self, at: usize) -> Enrolled {
        let everybody = self.vault().await.agents().await.expect("agents");
        everybody.into_iter().find(|one| one.agent == self.agents[at]).expect("the agent")
    }
    /// Whether it is noted that the agent's refresh token may be spent.
    async fn noted(&self, at: usize) -> bool {
        let one = self.listed(at).await;
        one.under_way || one.spent_since.is_some()
    }
    /// Whether the vault holds the agent's token that is in force.
    async fn in_force(&self, at: usize) -> bool {
        let kept = self.vault().await.get(&self.agents[at]).await.expect("a vault");
        let in_force = self.org.enrolments().into_iter().find(|(agent, ..)| *agent == self.agents[at]);
        kept.is_some_and(|kept| in_force.is_some_and(|(_, _, token)| token == kept.refresh_token))
    }
}

/// The first agent's token is refreshed, and the process is killed at this step of the second agent's. Another process then
/// refreshes everybody's.
async fn killed_at(place: Place, step: Step, platform: Platform) {
    let holds = match step {
        Step::OnTheWayThere => Holds::Requests,
        Step::OnTheWayBack => Holds::Answers,
        Step::BeforeTheNote | Step::BeforeTheStore | Step::AfterTheStore => Holds::Nothing,
    };
    let bench = Bench::open(place, platform).await;
    let what = format!("{step:?}, {platform:?}, {}; {REPEAT}", bench.place.address());
    let gate = Gate::before(&bench.org.url, holds).await;
    match step {
        Step::BeforeTheNote => {
            let mut process = Process::start(&bench, &gate.url).await;
            let lock = bench.place.lock().await;
            process.go_on().await;
            process.kill().await;
            lock.release().await;
            // Whether it had come as far as the lock or not: nothing was noted, and nothing was spent.
            assert!(!bench.noted(0).await, "{what}");
            assert!(bench.in_force(0).await, "{what}");
        }
        Step::OnTheWayThere | Step::OnTheWayBack => {
            let mut process = Process::start(&bench, &gate.url).await;
            process.go_on().await;
            gate.holds_a_refresh().await;
            process.kill().await;
            assert!(bench.noted(0).await, "{what}");
            assert_eq!(bench.in_force(0).await, step == Step::OnTheWayThere, "{what}");
        }
        Step::BeforeTheStore => {
            // The request must have left before the vault is locked: its answer is held until then.
            let holding = Gate::before(&bench.org.url, Holds::Answers).await;
            let mut process = Process::start(&bench, &holding.url).await;
            process.go_on().await;
            holding.holds_a_refresh().await;
            let lock = bench.place.lock().await;
            holding.open();
            holding.a_refresh_has_passed().await;
            process.kill().await;
            lock.release().await;
            assert!(bench.noted(0).await, "{what}");
            assert!(!bench.in_force(0).await, "{what}");
        }
        Step::AfterTheStore => {
            let mut process = Process::start(&bench, &gate.url).await;
            process.go_on().await;
            assert_eq!(process.until("told 0").await, "refreshed", "{what}");
            process.kill().await;
            assert!(!bench.noted(0).await, "{what}");
            assert!(bench.in_force(0).await, "{what}");
        }
    }

    // Another process takes over, without a gate.
    let mut process = Process::start(&bench, &bench.org.url).await;
    let mut told = Vec::new();
    for at in 0..AGENTS {
        process.go_on().await;
        told.push(process.until(&format!("told {at}")).await);
    }
    process.kill().await;
    let spent = matches!(step, Step::OnTheWayBack | Step::BeforeTheStore);
    for (at, told) in told.iter().enumerate() {
        let one = bench.listed(at).await;
        if at == 0 && spent && platform == Platform::Strict {
            assert!(told.starts_with("dead: a refresh was interrupted ("), "{told}; {what}");
            let GrantState::Dead { why } = &one.state else { panic!("{one:?}; {what}") };
            assert!(why.starts_with("a refresh was interrupted ("), "{why}; {what}");
        } else {
            assert_eq!(told, "refreshed", "agent {at}; {what}");
            assert_eq!(one.state, GrantState::Alive, "agent {at}; {what}");
            assert!(bench.in_force(at).await, "agent {at}; {what}");
        }
        assert!(!bench.noted(at).await, "agent {at}; {what}");
    }
    if spent && platform == Platform::Strict {
        // Who must sign in again is told from the vault: the platform is not asked again.
        let asked = bench.org.truth().counters.invalid_grants;
        let mut process = Process::start(&bench, &bench.org.url).await;
        process.go_on().await;
        assert!(process.until("told 0").await.starts_with("dead: a refresh was interrupted ("), "{what}");
        process.kill().await;
        assert_eq!((asked, bench.org.truth().counters.invalid_grants), (1, 1), "{what}");
    }
    if let Place::Server(database) = bench.place {
        database.close().await;
    }
}

async fn killed_everywhere(name: &str, platform: Platform) {
    let steps =
        [Step::BeforeTheNote, Step::OnTheWayThere, Step::OnTheWayBack, Step::BeforeTheStore, Step::AfterTheStore];
    // At the same time: most of it is waiting until the dead process's hold runs out.
    let mut all = tokio::task::JoinSet::new();
    for (n, step) in steps.into_iter().enumerate() {
        let file = folder(&format!("vault-{name}-{n}")).join("vault.db");
        all.spawn(killed_at(Place::File(file), step, platform));
        all.spawn(async move { killed_at(Place::Server(Database::new().await), step, platform).await });
    }
    patiently(all.join_all()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_every_step_before_a_strict_platform_nobody_is_lost_silently() {
    killed_everywhere("strict", Platform::Strict).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_every_step_before_a_forgiving_platform_nobody_is_lost() {
    killed_everywhere("forgiving", Platform::Forgiving).await;
}

/// Two processes want the same agent's token at the same time: one refreshes it, and the other waits and gets what came of it.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_one_refreshes_and_the_other_waits() {
    patiently(async {
        for place in [Place::File(folder("vault-two").join("vault.db")), Place::Server(Database::new().await)] {
            let bench = Bench::open(place, Platform::Strict).await;
            let gate = Gate::before(&bench.org.url, Holds::Answers).await;
            let mut one = Process::start(&bench, &gate.url).await;
            let mut other = Process::start(&bench, &bench.org.url).await;
            one.go_on().await;
            gate.holds_a_refresh().await;
            let before = bench.org.truth().counters.requests;
            other.go_on().await;
            // It is told nothing before the first has its answer, for there is nothing to tell.
            gate.open();
            assert_eq!(one.until("told 0").await, "refreshed", "{REPEAT}");
            assert_eq!(other.until("told 0").await, "refreshed", "{REPEAT}");
            let after = bench.org.truth().counters.requests;
            // The other came while the first had it, or after that: then it refreshes once more, with the newest token.
            assert!(after - before <= 1, "{before} and {after} requests; {REPEAT}");
            assert_eq!(bench.org.truth().counters.invalid_grants, 0, "{REPEAT}");
            assert!(bench.in_force(0).await && !bench.noted(0).await, "{REPEAT}");
            if let Place::Server(database) = bench.place {
                database.close().await;
            }
        }
    })
    .await;
}
