//! From a configuration to what a command works with: the clock, the client, the journal, the vault, the hooks; and a run's
//! hands.
//!
//! Must never: read a secret that the command does not need, or follow a clock that is not this machine's.

use std::path::Path;

use crate::door::config::{ClockSettings, Config};
use crate::door::error::{ExitCode, Failure};
use crate::hands::genesys::{Client, Org, Wire};
use crate::hands::journal::{Journal, SqliteJournal};
use crate::hands::vault::Vault;
use crate::law::event::{Event, Record};
use crate::law::run::Run;
use crate::shells::perform::Hands;
use crate::words::clock::Clock;
use crate::words::http::{Method, Request};
use crate::words::id::RunId;

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
    let settings = config.org_settings().await?;
    let wire = Wire::new(clock).map_err(|e| Failure::new(ExitCode::Access, "no HTTP client can be made").because(e))?;
    Ok(Client::new(Org::new(settings), wire, clock))
}

/// The vault, for a command that is about nothing else.
pub(super) async fn needed_vault(config: &Config) -> Result<Vault, Failure> {
    config.open_vault().await?.ok_or_else(|| {
        Failure::new(ExitCode::Config, "no vault is configured")
            .hint("add [app] and a key for [vault] to the configuration; `softlanding agents new-key` makes a key")
    })
}

/// The journal, for a command that only looks.
pub(super) async fn journal(config: &Config) -> Result<SqliteJournal, Failure> {
    Ok(SqliteJournal::open_existing(sqlite_path(config)?).await?)
}

/// The journal's file; a journal in PostgreSQL cannot be opened yet.
pub(super) fn sqlite_path(config: &Config) -> Result<&Path, Failure> {
    config.store.sqlite_path().ok_or_else(|| {
        Failure::new(ExitCode::Config, "this command cannot use a journal in PostgreSQL yet")
            .hint("name a file: store = \"sqlite:softlanding.db\"")
    })
}

/// A run's name as it was typed.
pub(super) fn run_id(text: &str) -> Result<RunId, Failure> {
    RunId::new(text)
        .map_err(|e| Failure::new(ExitCode::Usage, e.to_string()).hint("`softlanding status` lists the runs"))
}

/// Every record of a run.
pub(super) async fn records(journal: &SqliteJournal, run: &RunId) -> Result<Vec<Record>, Failure> {
    Ok(journal.load::<Event>(run).await?)
}

/// What a staged run is carried out with, and the clock it goes by.
pub(super) async fn hands(config: &Config, id: &RunId, run: &Run) -> Result<(Clock, Hands), Failure> {
    let clock = clock(config).await?;
    let (staged_at, configured) = (run.plan.api.as_ref(), &config.org.hosts.api);
    if let Some(staged_at) = staged_at.filter(|api| *api != configured) {
        let message = format!("run {id} was staged at {staged_at}, and this configuration names {configured}");
        return Err(Failure::new(ExitCode::Refused, message)
            .hint("use the configuration with which it was staged; --config names it"));
    }
    let client = client(config, clock).await?;
    let vault = config.open_vault().await?;
    let wanted = run.plan.mechanisms.oauth_refresh && run.plan.roster.iter().any(|m| m.enrolled);
    if wanted && (vault.is_none() || config.app.is_none()) {
        let message = format!("run {id} refreshes agents' tokens, and this configuration has no app or no vault");
        return Err(Failure::new(ExitCode::Config, message)
            .hint("use the configuration with which it was staged; --config names it"));
    }
    Ok((clock, Hands { client, hooks: config.open_hooks(), vault }))
}

/// The run that the records tell of.
pub(super) fn replay(id: &RunId, records: &[Record]) -> Result<Run, Failure> {
    Run::replay(records).map_err(|e| {
        Failure::new(ExitCode::Access, format!("the journal of run {id} cannot be followed"))
            .because(e)
            .hint("keep a copy of the journal's file; restore it from a backup")
    })
}
