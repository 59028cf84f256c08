//! From a configuration to what a command works with: the clock, the client, the journal, the vault, the hooks.
//!
//! Must never: read a secret that the command does not need, or follow a clock that is not this machine's.

use std::path::Path;
use std::sync::Arc;

use crate::door::config::{ClockSettings, Config, SecretRef, StorePlace};
use crate::door::error::{ExitCode, Failure};
use crate::hands::StoreError;
use crate::hands::access::Access;
use crate::hands::genesys::{AppClient, Client, Org, OrgSettings, Wire};
use crate::hands::journal::{AnyJournal, Journal, JournalError, PostgresJournal, SqliteJournal};
use crate::hands::vault::Vault;
use crate::law::event::{Event, Record};
use crate::law::run::Run;
use crate::shells::stage::History;
use crate::words::clock::Clock;
use crate::words::http::{Method, Request};
use crate::words::id::RunId;
use crate::words::secret::Secret;

/// The configuration in `file`.
pub(super) fn config(file: &Path) -> Result<Config, Failure> {
    Ok(Config::read(file)?)
}

/// The clock to go by: the system's, or the twin's that the configuration follows.
pub(super) async fn clock(config: &Config) -> Result<Clock, Failure> {
    match &config.clock {
        None => Ok(Clock::System),
        Some(settings) => follow(settings).await,
    }
}

async fn follow(settings: &ClockSettings) -> Result<Clock, Failure> {
    let unreachable = |e: anyhow::Error| {
        Failure::new(ExitCode::Access, format!("the twin's clock {} cannot be read", settings.follow))
            .because(e)
            .hint("is `softlanding twin` still running there? `softlanding init --twin URL` follows another one")
    };
    let wire = Wire::new(Clock::System).map_err(|e| unreachable(e.into()))?;
    let answer = wire.send(Request::new(Method::Get, settings.follow.as_str())).await;
    let answer = answer.map_err(|e| unreachable(e.into()))?;
    if answer.status != 200 {
        return Err(unreachable(anyhow::anyhow!("it answers {}", answer.status)));
    }
    serde_json::from_slice(&answer.body).map_err(|e| unreachable(e.into()))
}

/// The client for the configured organisation.
pub(super) async fn client(config: &Config, clock: Clock) -> Result<Client, Failure> {
    connected(config.org_settings().await?, clock)
}

/// The same, with another OAuth client as the app.
pub(super) async fn client_for(config: &Config, id: &str, secret: &Secret, clock: Clock) -> Result<Client, Failure> {
    let app = AppClient { client_id: id.to_owned(), client_secret: secret.clone() };
    let settings = config.org_settings().await?;
    connected(OrgSettings { app: Some(app), ..settings }, clock)
}

fn connected(settings: OrgSettings, clock: Clock) -> Result<Client, Failure> {
    let wire = Wire::new(clock).map_err(|e| Failure::new(ExitCode::Access, "no HTTP client can be made").because(e))?;
    Ok(Client::new(Org::new(settings), wire, clock))
}

/// The vault, for a command that is about nothing else.
pub(super) async fn needed_vault(config: &Config, clock: Clock) -> Result<Vault, Failure> {
    config.open_vault(clock).await?.ok_or_else(|| {
        Failure::new(ExitCode::Config, "no vault is configured")
            .hint("add [app] and a key for [vault] to the configuration; `softlanding agents new-key` makes a key")
    })
}

/// The journal, for a command that only looks.
pub(super) async fn journal(config: &Config) -> Result<AnyJournal, Failure> {
    Ok(existing(config).await??)
}

/// The journal, if there is one.
pub(super) async fn journal_if_any(config: &Config) -> Result<Option<AnyJournal>, Failure> {
    match existing(config).await? {
        Ok(journal) => Ok(Some(journal)),
        Err(JournalError::Store(StoreError::Missing { .. })) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// What an existing journal teaches; where there is none, nothing, and none is made.
pub(super) async fn history(config: &Config) -> Result<History, Failure> {
    match journal_if_any(config).await? {
        Some(journal) => Ok(History::read(&journal).await?),
        None => Ok(History::default()),
    }
}

async fn existing(config: &Config) -> Result<Result<AnyJournal, JournalError>, Failure> {
    Ok(match &config.store.place {
        StorePlace::Sqlite(path) => SqliteJournal::open_existing(path).await.map(AnyJournal::from),
        StorePlace::Postgres { url, password } => {
            let password = secret(password.as_ref()).await?;
            PostgresJournal::connect_existing(url, password).await.map(AnyJournal::from)
        }
    })
}

/// The journal, made when there is none.
pub(super) async fn new_journal(config: &Config) -> Result<AnyJournal, Failure> {
    Ok(match &config.store.place {
        StorePlace::Sqlite(path) => SqliteJournal::open(path).await?.into(),
        StorePlace::Postgres { url, password } => {
            PostgresJournal::connect(url, secret(password.as_ref()).await?).await?.into()
        }
    })
}

/// Who may use softlanding from outside, kept where the journal is.
pub(super) async fn access(config: &Config) -> Result<Arc<Access>, Failure> {
    Ok(Arc::new(match &config.store.place {
        StorePlace::Sqlite(path) => Access::open(path).await?,
        StorePlace::Postgres { url, password } => {
            Access::connect(url, secret(password.as_ref()).await?.as_ref()).await?
        }
    }))
}

pub(super) async fn secret(at: Option<&SecretRef>) -> Result<Option<Secret>, Failure> {
    match at {
        Some(at) => Ok(Some(at.resolve().await?)),
        None => Ok(None),
    }
}

/// A run's name as it was typed.
pub(super) fn run_id(text: &str) -> Result<RunId, Failure> {
    RunId::new(text)
        .map_err(|e| Failure::new(ExitCode::Usage, e.to_string()).hint("`softlanding status` lists the runs"))
}

/// The stream in which what becomes of a calendar entry's instants is noted.
pub(super) fn stream(entry: &str) -> Result<RunId, Failure> {
    let bad = |e| {
        Failure::new(ExitCode::Config, format!("[[publish]] {entry:?} cannot name a stream"))
            .because(anyhow::Error::new(e))
    };
    RunId::calendar(entry).map_err(bad)
}

/// Every record of a run.
pub(super) async fn records(journal: &AnyJournal, run: &RunId) -> Result<Vec<Record>, Failure> {
    Ok(journal.load::<Event>(run).await?)
}

/// The run that the records tell of.
pub(super) fn replay(id: &RunId, records: &[Record]) -> Result<Run, Failure> {
    Run::replay(records).map_err(|e| {
        Failure::new(ExitCode::Access, format!("the journal of run {id} cannot be followed"))
            .because(e)
            .hint("keep a copy of the journal's file; restore it from a backup")
    })
}
