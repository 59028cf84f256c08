//! `softlanding run`: carries a staged run out, or takes one up where it was interrupted.
//!
//! Must never: start over. What the journal holds has happened.

use std::sync::Arc;
use std::time::Duration;

use crate::door::cli::args::RunArgs;
use crate::door::cli::ending::{Strictness, code};
use crate::door::cli::out::Audience;
use crate::door::cli::{open, out, stop};
use crate::door::config::Config;
use crate::door::error::{ExitCode, Failure};
use crate::hands::journal::SqliteJournal;
use crate::law::event::Phase;
use crate::law::run::Run;
use crate::shells::driver::{Driver, Ended, ForPeople, LOOK_EVERY};
use crate::shells::leader::{LEASE_MS, Leader, myself};
use crate::shells::live;
use crate::shells::perform::Hands;
use crate::shells::report::write_all;
use crate::words::id::RunId;

pub(super) async fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    let id = open::run_id(&args.run)?;
    let config = open::config(&args.config.config)?;
    let journal = Arc::new(open::journal(&config).await?);
    let mut records = open::records(&journal, &id).await?;
    let mut run = open::replay(&id, &records)?;
    let strictness = if args.strict { Strictness::Strict } else { Strictness::Lenient };
    if run.is_over() && run.phase != Phase::InDoubt {
        return over(&id, &run, strictness);
    }
    let audience = Audience::of(&args.show);
    let driver = driver(&config, &id, &journal, &run).await?;
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

fn over(id: &RunId, run: &Run, strictness: Strictness) -> Result<ExitCode, Failure> {
    if let Some((_, why)) = &run.stop {
        return Err(Failure::new(ExitCode::Refused, format!("run {id} has stopped: {why}"))
            .hint("stage the publish again when it is wanted"));
    }
    out::say([format!("Run {id} has settled; there is nothing left to do. Read it with: softlanding status {id}")]);
    Ok(code(run, Ended::Over, strictness))
}

async fn driver(
    config: &Config,
    id: &RunId,
    journal: &Arc<SqliteJournal>,
    run: &Run,
) -> Result<Driver<SqliteJournal>, Failure> {
    let (clock, hands) = open::hands(config, id, run).await?;
    let leader = lead(journal, id).await?;
    let hands = Arc::new(Hands { client: hands.client.permitted_by(leader.permit()), ..hands });
    let journal = Arc::clone(journal);
    Ok(Driver { journal, leader, hands, clock, look_every: LOOK_EVERY, for_people: ForPeople::Wait })
}

/// Takes the lease, and waits for one that may be a dead process's on another machine to run out.
async fn lead(journal: &Arc<SqliteJournal>, id: &RunId) -> Result<Leader<SqliteJournal>, Failure> {
    let tries = LEASE_MS / PAUSE_MS + 4;
    for _ in 0..tries {
        if let Some(leader) = Leader::take(journal, id, &myself(), LEASE_MS).await? {
            return Ok(leader);
        }
        tokio::time::sleep(Duration::from_millis(PAUSE_MS.unsigned_abs())).await;
    }
    Err(Failure::new(ExitCode::Refused, format!("another process leads run {id}"))
        .hint("leave this run to the other process; `softlanding status` shows where it stands"))
}

/// A lease that is taken is asked for again after this, in ms.
const PAUSE_MS: i64 = 500;
