//! From a run's name to a driver that leads it: the lease first, then the history, then what it is carried out with.
//!
//! Must never: read the history before the lease is held; what is read then is what the next append follows.

use std::sync::Arc;
use std::time::Duration;

use crate::door::cli::joined::{Joined, join};
use crate::door::cli::{open, out};
use crate::door::config::Config;
use crate::door::error::{ExitCode, Failure};
use crate::hands::journal::AnyJournal;
use crate::law::event::Record;
use crate::law::run::Run;
use crate::shells::daemon::news::chain;
use crate::shells::driver::{Driver, ForPeople};
use crate::shells::leader::{Leader, myself};
use crate::shells::perform::{Hands, VaultEar};
use crate::words::id::RunId;

/// A lease that somebody holds is asked for again after this, in ms of real time.
const PAUSE_MS: i64 = 500;

/// A run that this process leads from now on.
pub(super) struct Taken {
    pub driver: Driver<AnyJournal>,
    pub run: Run,
    pub records: Vec<Record>,
    /// The way to agents' pages, for as long as the run is driven.
    pub joined: Option<Joined>,
}

/// What to do while somebody else leads the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// Wait as long as a lease lasts: its holder may be dead.
    ForItsEnd,
    /// Come back later.
    No,
}

/// Takes a run up; `None` when somebody else leads it.
pub(super) async fn take_up(
    config: &Config,
    journal: &Arc<AnyJournal>,
    id: &RunId,
    waiting: Waiting,
    for_people: ForPeople,
) -> Result<Option<Taken>, Failure> {
    journal.verify().await?;
    let run = open::replay(id, &open::records(journal.as_ref(), id).await?)?;
    fits(config, id, &run)?;
    // Secrets may come from commands that take their time, and nobody renews the lease until the run is driven. So all that is
    // slow comes before the lease, and what is true of the run is read again under it.
    let clock = open::clock(config).await?;
    let client = open::client(config, clock).await?;
    let vault = config.open_vault(clock).await?.map(Arc::new);
    let joined = match run.plan.mechanisms.companion {
        true => join(config, &client, vault.clone(), clock).await?,
        false => None,
    };
    let Some(leader) = lead(config, journal, id, waiting).await? else { return Ok(None) };
    let records = open::records(journal.as_ref(), id).await?;
    let run = open::replay(id, &records)?;
    client.org().expect(&run.plan);
    let hands = Hands {
        client: client.permitted_by(leader.permit()),
        hooks: config.open_hooks(),
        vault,
        // Pages connect to `serve`; without a database that is shared with it, a run that is driven from here does without.
        pages: joined.as_ref().map(|joined| joined.pages.clone()),
        preflights: Arc::default(),
        ear: Arc::new(VaultEar::new(|e| out::note(&format!("the vault cannot be used: {}", chain(e))))),
    };
    let hands = Arc::new(hands);
    let look_every = Duration::from_millis(config.serve.look_every_ms.unsigned_abs());
    let journal = Arc::clone(journal);
    Ok(Some(Taken { driver: Driver { journal, leader, hands, clock, look_every, for_people }, run, records, joined }))
}

async fn lead(
    config: &Config,
    journal: &Arc<AnyJournal>,
    id: &RunId,
    waiting: Waiting,
) -> Result<Option<Leader<AnyJournal>>, Failure> {
    let lease_ms = config.serve.lease_ms;
    let mut tries = match waiting {
        Waiting::ForItsEnd => lease_ms / PAUSE_MS + 4,
        Waiting::No => 1,
    };
    loop {
        if let Some(leader) = Leader::take(journal, id, &myself(), lease_ms).await? {
            return Ok(Some(leader));
        }
        tries -= 1;
        if tries <= 0 {
            return Ok(None);
        }
        tokio::time::sleep(Duration::from_millis(PAUSE_MS.unsigned_abs())).await;
    }
}

/// Whether a run can be carried out with this configuration: at the org where it was staged, with the app whose tokens it
/// refreshes.
pub(super) fn fits(config: &Config, id: &RunId, run: &Run) -> Result<(), Failure> {
    let hint = "use the configuration with which it was staged; --config names it";
    let (staged_at, configured) = (run.plan.api.as_ref(), &config.org.hosts.api);
    if let Some(staged_at) = staged_at.filter(|api| *api != configured) {
        let message = format!("run {id} was staged at {staged_at}, and this configuration names {configured}");
        return Err(Failure::new(ExitCode::Refused, message).hint(hint));
    }
    let (by, configured) = (run.plan.client.as_ref(), &config.org.client_id);
    if let Some(by) = by.filter(|client| *client != configured) {
        let message = format!("run {id} was staged by OAuth client {by}, and this configuration names {configured}");
        return Err(Failure::new(ExitCode::Refused, message).hint(hint));
    }
    let wanted = run.plan.mechanisms.oauth_refresh && run.plan.roster.iter().any(|m| m.enrolled);
    if wanted && (config.vault.is_none() || config.app.is_none()) {
        let message = format!("run {id} refreshes agents' tokens, and this configuration has no app or no vault");
        return Err(Failure::new(ExitCode::Config, message).hint(hint));
    }
    Ok(())
}
