//! `softlanding run`: carries a staged run out, or takes one up where it was interrupted.
//!
//! Must never: start over. What the journal holds has happened.

use std::sync::Arc;

use crate::door::cli::args::RunArgs;
use crate::door::cli::ending::{Strictness, code};
use crate::door::cli::out::Audience;
use crate::door::cli::shown::Shown;
use crate::door::cli::take_up::{Taken, Waiting, take_up};
use crate::door::cli::{open, out, report, stop};
use crate::door::error::{ExitCode, Failure};
use crate::law::event::Phase;
use crate::law::run::Run;
use crate::shells::driver::{Ended, ForPeople};
use crate::shells::live;
use crate::shells::report::{Written, write_all};
use crate::words::id::RunId;

pub(super) async fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    let id = open::run_id(&args.run)?;
    let config = open::config(&args.config.config)?;
    let journal = Arc::new(open::journal(&config).await?);
    let strictness = if args.strict { Strictness::Strict } else { Strictness::Lenient };
    let Taken { driver, mut run, mut records, joined: _joined } =
        match take_up(&config, &journal, &id, Waiting::ForItsEnd, ForPeople::Wait).await? {
            Some(taken) => taken,
            None => {
                return Err(Failure::new(ExitCode::NotYet, format!("another process leads run {id}"))
                    .hint("leave this run to the other process; `softlanding status` shows where it stands"));
            }
        };
    if run.is_over() && run.phase != Phase::InDoubt {
        driver.leader.release().await;
        return over(&id, &run, strictness, Audience::of(&args.show));
    }
    let mut shown = Shown::to(Audience::of(&args.show))?;
    shown.recall(&records);
    let (ended, fresh) = live::drive(&driver, &mut run, &[], &mut shown.display, stop::asked()?).await?;
    driver.leader.release().await;
    records.extend(fresh);
    let reports = write_all(&records, &config.report.dir.join(id.as_str()), config.report.templates.as_deref());
    let (reports, trouble) = match reports {
        Ok(reports) => (reports, None),
        Err(e) => (Written::default(), Some(Failure::from(e))),
    };
    shown.finish(&reports.files);
    report::tell(&reports);
    if ended == Ended::Interrupted {
        out::note(&format!("interrupted: nothing is lost, the run goes on with: softlanding run {id}"));
    }
    // How the run ended matters more than a report, which can be written again.
    if let Some(trouble) = trouble {
        out::note(&trouble.hint(format!("write it again with: softlanding report {id}")).render());
    }
    Ok(code(&run, ended, strictness))
}

fn over(id: &RunId, run: &Run, strictness: Strictness, audience: Audience) -> Result<ExitCode, Failure> {
    if let Some((_, why)) = &run.stop {
        return Err(Failure::new(ExitCode::Refused, format!("run {id} has stopped: {why}"))
            .hint("stage the publish again when it is wanted"));
    }
    audience.say([format!("Run {id} has settled; there is nothing left to do. Read it with: softlanding status {id}")]);
    Ok(code(run, Ended::Over, strictness))
}
