//! `softlanding run`: carries a staged run out, or takes one up where it was interrupted.
//!
//! Must never: start over. What the journal holds has happened.

use std::sync::Arc;

use crate::door::cli::args::RunArgs;
use crate::door::cli::ending::{Strictness, code};
use crate::door::cli::out::Audience;
use crate::door::cli::{open, out, stop};
use crate::door::config::Config;
use crate::door::error::{ExitCode, Failure};
use crate::hands::journal::{Holder, Journal, Lease, SqliteJournal};
use crate::law::event::{Phase, Record};
use crate::law::run::Run;
use crate::shells::driver::{Driver, Ended};
use crate::shells::live;
use crate::shells::perform::Hands;
use crate::shells::report::write_all;
use crate::words::id::RunId;

/// Every process of this command bears this name, so that the one that comes last leads at once and the others lose.
const HOLDER: &str = "softlanding run";
/// No run takes longer than this, from its staging on.
const LEASE_MS: i64 = 400 * 86_400_000;

pub(super) async fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    let id = open::run_id(&args.run)?;
    let config = open::config(&args.config.config)?;
    let journal = open::journal(&config).await?;
    // First the lease, then the history: what is read now is what the next append follows.
    let lease = lead(&journal, &id).await?;
    let mut records = open::records(&journal, &id).await?;
    let mut run = replay(&id, &records)?;
    let strictness = if args.strict { Strictness::Strict } else { Strictness::Lenient };
    if run.is_over() && run.phase != Phase::InDoubt {
        return over(&id, &run, strictness);
    }
    let audience = Audience::of(&args.show);
    let driver = driver(&config, lease, &journal, &run).await?;
    let mut display = audience.display();
    let (ended, fresh) = live::drive(&driver, &mut run, &records, &mut display, stop::asked()?).await?;
    records.extend(fresh);
    let reports = write_all(&records, &config.report.dir.join(id.as_str()), config.report.templates.as_deref());
    let (reports, trouble) = match reports {
        Ok(reports) => (reports, None),
        Err(e) => (Vec::new(), Some(Failure::from(e))),
    };
    // A reader that has gone away changes nothing about the run.
    let _ = display.finish(&reports);
    if ended == Ended::Interrupted {
        out::note(&format!("interrupted: nothing is lost, the run goes on with: softlanding run {id}"));
    }
    // How the run ended matters more than a report, which can be written again.
    if let Some(trouble) = trouble {
        out::note(&trouble.hint(format!("write it again with: softlanding report {id}")).render());
    }
    Ok(code(&run, ended, strictness))
}

fn replay(id: &RunId, records: &[Record]) -> Result<Run, Failure> {
    Run::replay(records).map_err(|e| {
        Failure::new(ExitCode::Access, format!("the journal of run {id} cannot be followed"))
            .because(e)
            .hint("keep a copy of the journal's file; restore it from a backup")
    })
}

fn over(id: &RunId, run: &Run, strictness: Strictness) -> Result<ExitCode, Failure> {
    if let Some((_, why)) = &run.stop {
        return Err(Failure::new(ExitCode::Refused, format!("run {id} has stopped: {why}"))
            .hint("stage the publish again when it is wanted"));
    }
    out::say([format!("Run {id} has settled; there is nothing left to do. Read it with: softlanding status {id}")]);
    Ok(code(run, Ended::Over, strictness))
}

async fn driver<'a>(
    config: &Config,
    lease: Lease,
    journal: &'a SqliteJournal,
    run: &Run,
) -> Result<Driver<'a, SqliteJournal>, Failure> {
    let id = lease.run.clone();
    let clock = open::clock(config).await?;
    let (staged_at, configured) = (run.plan.api.as_ref(), &config.org.hosts.api);
    if let Some(staged_at) = staged_at.filter(|api| *api != configured) {
        let message = format!("run {id} was staged at {staged_at}, and this configuration names {configured}");
        return Err(Failure::new(ExitCode::Refused, message)
            .hint("use the configuration with which it was staged; --config names it"));
    }
    let client = open::client(config, clock).await?;
    let vault = config.open_vault().await?;
    let wanted = run.plan.mechanisms.oauth_refresh && run.plan.roster.iter().any(|m| m.enrolled);
    if wanted && (vault.is_none() || config.app.is_none()) {
        let message = format!("run {id} refreshes agents' tokens, and this configuration has no app or no vault");
        return Err(Failure::new(ExitCode::Config, message)
            .hint("use the configuration with which it was staged; --config names it"));
    }
    Ok(Driver { id, lease, journal, hands: Arc::new(Hands { client, hooks: config.open_hooks(), vault }), clock })
}

async fn lead(journal: &SqliteJournal, id: &RunId) -> Result<Lease, Failure> {
    let holder = Holder::new(HOLDER).map_err(|e| Failure::new(ExitCode::Bug, e.to_string()))?;
    journal.lead(id, &holder, LEASE_MS).await?.ok_or_else(|| {
        Failure::new(ExitCode::Refused, format!("another process leads run {id}"))
            .hint("leave this run to the other process; `softlanding status` shows where it stands")
    })
}
