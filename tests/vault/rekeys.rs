//! `agents rotate-key` is killed with SIGKILL: in the middle of its work, where it is held, and at instants spread over all of
//! it. The vault opens in full with one of the two keys, and to begin again is right.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use softlanding::hands::vault::{Vault, VaultError, new_key};
use softlanding::words::clock::Clock;
use softlanding::words::id::AgentId;
use softlanding::words::secret::{Grant, Secret};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use super::REPEAT;
use crate::support::postgres::Database;
use crate::support::process::{folder, patiently, softlanding, texts};

/// Enough agents that sealing them anew takes a while.
const AGENTS: usize = 2_000;
/// Instants at which it is killed, from its beginning to behind its end.
const KILLS: i64 = 6;

/// What a process that is dead by now had asked of the server is not done any more.
const END_OF_OTHERS: &str = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// Whose key the vault has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sealed {
    Old,
    New,
}

/// A configured vault that holds many agents, and its two keys.
struct Bench {
    folder: PathBuf,
    database: Option<Database>,
    old: Secret,
    new: Secret,
    agents: Vec<(AgentId, String, Grant)>,
}

impl Bench {
    async fn open(name: &str, database: Option<Database>) -> Bench {
        let store = database.as_ref().map_or_else(String::new, |it| format!("store = \"{}\"\n", it.url()));
        let config = format!(
            "{store}[org]\napi_url = \"http://127.0.0.1:9\"\nlogin_url = \"http://127.0.0.1:9\"\nclient_id = \"x\"\n\
             client_secret = {{ env = \"X\" }}\n[vault]\nkey = {{ env = \"NEW\" }}\nold_key = {{ env = \"OLD\" }}\n"
        );
        let folder = folder(name);
        std::fs::write(folder.join("softlanding.toml"), config).expect("a file");
        let agent = |n| {
            let grant = Grant { refresh_token: Secret::new(format!("token-{n}")), access_token: None };
            (AgentId::new(&format!("agent-{n:05}")).expect("an id"), format!("Agent {n}"), grant)
        };
        let (old, new) = (new_key().expect("a key"), new_key().expect("a key"));
        let bench = Bench { folder, database, old, new, agents: (0..AGENTS).map(agent).collect() };
        bench.vault(&bench.old).await.expect("a vault").import(&bench.agents).await.expect("an import");
        bench
    }
    fn file(&self) -> PathBuf {
        self.folder.join("vault.db")
    }
    async fn vault(&self, key: &Secret) -> Result<Vault, VaultError> {
        match &self.database {
            Some(database) => Vault::connect(&database.url(), None, key).await,
            None => Vault::open(&self.file(), key).await,
        }
    }
    fn rotate_key(&self) -> tokio::process::Command {
        let mut command = softlanding(&self.folder, &["agents", "rotate-key"]);
        command.env("OLD", self.old.expose()).env("NEW", self.new.expose()).stdout(Stdio::null());
        command
    }
    /// Does it to its end.
    async fn seals_anew(&self) {
        let output = self.rotate_key().output().await.expect("the program runs");
        assert_eq!(output.status.code(), Some(0), "{}; {REPEAT}", texts(&output).1);
    }
    /// Which key opens the vault; it opens all of it, and the other key nothing.
    async fn sealed(&self) -> Sealed {
        let (by_old, by_new) = (self.vault(&self.old).await, self.vault(&self.new).await);
        assert!(by_old.is_ok() != by_new.is_ok(), "{by_old:?} {by_new:?}; {REPEAT}");
        let sealed = if by_old.is_ok() { Sealed::Old } else { Sealed::New };
        let vault = by_old.or(by_new).expect("a vault");
        assert_eq!(vault.agents().await.expect("agents").len(), self.agents.len(), "{REPEAT}");
        for (agent, _, grant) in self.agents.iter().step_by(17) {
            assert_eq!(vault.get(agent).await.expect("a vault").as_ref(), Some(grant), "{REPEAT}");
        }
        sealed
    }
    async fn meddle(&self, on_file: &str, on_server: &str) {
        match &self.database {
            Some(database) => database.meddle(on_server).await,
            None => sqlite(&self.file(), on_file).await.expect("a statement"),
        }
    }
    /// Returns once somebody is held in the middle of sealing everything anew.
    async fn somebody_is_held(&self) {
        let clock = Clock::System;
        loop {
            let held = match &self.database {
                Some(database) => {
                    let mut db = PgConnection::connect(&database.url()).await.expect("the database");
                    let look = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity
                         WHERE datname = current_database() AND wait_event = 'PgSleep')";
                    let held: bool = sqlx::query_scalar(look).fetch_one(&mut db).await.expect("an answer");
                    held
                }
                // It writes: whoever wants to as well is refused.
                None => sqlite(&self.file(), "PRAGMA busy_timeout = 0; BEGIN IMMEDIATE").await.is_err(),
            };
            if held {
                return;
            }
            clock.sleep_until(clock.now() + 20).await;
        }
    }
    async fn close(self) {
        if let Some(database) = self.database {
            database.close().await;
        }
    }
}

async fn sqlite(path: &Path, statement: &str) -> Result<(), sqlx::Error> {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut db = SqliteConnection::connect_with(&options).await?;
    let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut db).await.map(drop);
    db.close().await?;
    done
}

/// Half of the rows are sealed anew when it comes to one at which it does not go on.
#[tokio::test(flavor = "multi_thread")]
async fn killed_half_way_everything_is_still_under_the_old_key() {
    patiently(async {
        for database in [None, Some(Database::new().await)] {
            let name = if database.is_some() { "vault-half-way-postgres" } else { "vault-half-way" };
            let bench = Bench::open(name, database).await;
            bench
                .meddle(
                    "CREATE TRIGGER hold AFTER UPDATE ON grants WHEN NEW.agent = 'agent-01000' BEGIN
                         SELECT count(*) FROM (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000000000)
                             SELECT i FROM n);
                     END",
                    "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
                         BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$;
                     CREATE TRIGGER hold AFTER UPDATE ON softlanding_vault_grants FOR EACH ROW
                         WHEN (NEW.agent = 'agent-01000') EXECUTE FUNCTION hold()",
                )
                .await;
            let mut process = bench.rotate_key().spawn().expect("the program starts");
            bench.somebody_is_held().await;
            process.kill().await.expect("it can be killed");
            bench
                .meddle(
                    "DROP TRIGGER hold",
                    &format!("{END_OF_OTHERS}; DROP TRIGGER hold ON softlanding_vault_grants"),
                )
                .await;
            assert_eq!(bench.sealed().await, Sealed::Old, "{REPEAT}");
            bench.seals_anew().await;
            assert_eq!(bench.sealed().await, Sealed::New, "{REPEAT}");
            bench.close().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_instant_one_key_opens_all_of_it() {
    patiently(async {
        let clock = Clock::System;
        let whole = Bench::open("vault-rekey-whole", None).await;
        let begun = clock.now();
        whole.seals_anew().await;
        let took_ms = clock.now().since_ms(begun);
        let mut found = Vec::new();
        for kill in 0..KILLS {
            for database in [None, Some(Database::new().await)] {
                let bench = Bench::open(&format!("vault-rekey-{kill}"), database).await;
                let mut process = bench.rotate_key().spawn().expect("the program starts");
                clock.sleep_until(clock.now() + took_ms * kill * 5 / (KILLS * 4)).await;
                process.kill().await.expect("it can be killed");
                bench.meddle("SELECT 1", END_OF_OTHERS).await;
                found.push(bench.sealed().await);
                bench.seals_anew().await;
                assert_eq!(bench.sealed().await, Sealed::New, "{REPEAT}");
                bench.close().await;
            }
        }
        let old = found.iter().filter(|sealed| **sealed == Sealed::Old).count();
        println!("of {} kills over {took_ms} ms, {old} left the old key and the others the new one", found.len());
    })
    .await;
}
