//! `softlanding status`: where runs stand.
//!
//! Must never: change a run, or fail for all because one cannot be read.

use chrono_tz::Tz;

use crate::door::cli::args::StatusArgs;
use crate::door::cli::{open, out};
use crate::door::error::{ExitCode, Failure};
use crate::hands::journal::{AnyJournal, Journal, RunSummary};
use crate::law::event::Phase;
use crate::law::run::Run;
use crate::shells::report::Story;
use crate::shells::report::summary::summary;
use crate::words::calendar::describe;
use crate::words::clock::{Clock, Timestamp};

pub(super) async fn status(args: &StatusArgs) -> Result<ExitCode, Failure> {
    let config = open::config(&args.config.config)?;
    let journal = match (&args.run, open::journal_if_any(&config).await?) {
        (_, Some(journal)) => journal,
        (Some(_), None) => open::journal(&config).await?,
        (None, None) => {
            out::say(["No run has been staged yet."]);
            return Ok(ExitCode::Done);
        }
    };
    // A twin that has ended takes its clock with it; the runs can be read all the same.
    let now = open::clock(&config).await.unwrap_or(Clock::System).now();
    match &args.run {
        Some(run) => one(&journal, run, now).await,
        None => all(&journal, now).await,
    }
}

async fn one(journal: &AnyJournal, run: &str, now: Timestamp) -> Result<ExitCode, Failure> {
    let id = open::run_id(run)?;
    let records = open::records(journal, &id).await?;
    let story = Story::of(&records);
    let phase = Run::replay(&records).map(|run| run.phase);
    let standing = phase.map_or("its journal cannot be followed", Phase::words);
    out::say([format!("Run {id}: {standing}")]);
    if let Some(plan) = &story.plan {
        let zone: Tz = plan.zone.parse().unwrap_or(Tz::UTC);
        out::say([format!("Publish: {}", describe(plan.publish_at, zone, now)), String::new()]);
    }
    out::say(summary(&story, &[]));
    Ok(ExitCode::Done)
}

async fn all(journal: &AnyJournal, now: Timestamp) -> Result<ExitCode, Failure> {
    let runs = journal.runs().await?;
    if runs.is_empty() {
        out::say(["No run has been staged yet."]);
    }
    for run in &runs {
        out::say(lines(journal, run, now).await);
    }
    Ok(ExitCode::Done)
}

async fn lines(journal: &AnyJournal, summary: &RunSummary, now: Timestamp) -> [String; 2] {
    let head = |words: &str| format!("{}  {words}", summary.run);
    let records = match open::records(journal, &summary.run).await {
        Ok(records) => records,
        Err(failure) => return [head("cannot be read"), format!("  {failure}")],
    };
    let Ok(run) = Run::replay(&records) else {
        return [head("cannot be followed"), "  its journal is not in order".to_owned()];
    };
    let zone: Tz = run.plan.zone.parse().unwrap_or(Tz::UTC);
    let tally = run.tally();
    let said = match run.phase {
        Phase::Waiting | Phase::Refreshing | Phase::Preparing | Phase::Publishing => {
            format!("{} agents", run.plan.roster.len())
        }
        Phase::Checking | Phase::Settling | Phase::Settled => format!(
            "{} ready, {} recovered, {} deferred, {} stragglers, {} unknown",
            tally.ready, tally.recovered, tally.deferred, tally.stragglers, tally.unknown
        ),
        Phase::Stopped => run.stop.as_ref().map_or(String::new(), |(_, why)| why.clone()),
        Phase::InDoubt => "a person must look whether the schedule is published".to_owned(),
    };
    [head(run.phase.words()), format!("  {}; {said}", describe(run.plan.publish_at, zone, now))]
}
