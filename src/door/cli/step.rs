//! `softlanding step`: one step of a run, for an engine that is somebody else's. Each is safe to repeat, to kill and to resume.
//!
//! Must never: wait for an instant that another step belongs to, or say anything on the standard output but one document.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::door::cli::args::{StepArgs, StepName};
use crate::door::cli::take_up::{Taken, Waiting, take_up};
use crate::door::cli::{intent, open, out, report, stop};
use crate::door::config::Config;
use crate::door::error::{ExitCode, Failure};
use crate::hands::journal::{AnyJournal, Journal, JournalError};
use crate::law::event::{Phase, Record};
use crate::law::run::{Goal, Run};
use crate::shells::driver::{Ended, ForPeople};
use crate::shells::report::write_all;
use crate::shells::stage::{Refusal, StageRequest, Tools, stage};
use crate::words::clock::Timestamp;
use crate::words::id::RunId;

/// How a step stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    Done,
    NotYet { again_at: Timestamp, why: String },
    Refused(String),
    InDoubt,
    NeedsPerson(String),
    Interrupted,
}

impl Standing {
    fn word(&self) -> &'static str {
        match self {
            Standing::Done => "done",
            Standing::NotYet { .. } => "not_yet",
            Standing::Refused(_) => "refused",
            Standing::InDoubt => "in_doubt",
            Standing::NeedsPerson(_) => "needs_a_person",
            Standing::Interrupted => "interrupted",
        }
    }
    fn code(&self) -> ExitCode {
        match self {
            Standing::Done => ExitCode::Done,
            Standing::NotYet { .. } => ExitCode::NotYet,
            Standing::Refused(_) => ExitCode::Refused,
            Standing::InDoubt => ExitCode::InDoubt,
            Standing::NeedsPerson(_) => ExitCode::NeedsPerson,
            Standing::Interrupted => ExitCode::Interrupted,
        }
    }
    fn why(&self) -> Option<&str> {
        match self {
            Standing::NotYet { why, .. } | Standing::Refused(why) | Standing::NeedsPerson(why) => Some(why),
            Standing::InDoubt => Some("it cannot be told whether the publish took effect: look at the schedule"),
            Standing::Done | Standing::Interrupted => None,
        }
    }
}

/// What a step's document is.
const FORMAT: &str = "softlanding.step.v1";

pub(super) async fn step(args: &StepArgs) -> Result<ExitCode, Failure> {
    let id = open::run_id(&args.run)?;
    let stepped = match args.step {
        StepName::Stage => stage_it(args, &id).await,
        StepName::Refresh => drive(args, &id, Goal::Refreshed).await,
        StepName::Publish => drive(args, &id, Goal::Published).await,
        StepName::Check => drive(args, &id, Goal::Checked).await,
        StepName::Settle => drive(args, &id, Goal::End).await,
    };
    match stepped {
        Ok((standing, phase)) => {
            tell(args, document(args, &standing, phase), &standing);
            Ok(standing.code())
        }
        Err(failure) => {
            if args.json {
                out::document(FORMAT, failed(args, &failure));
            }
            Err(failure)
        }
    }
}

fn document(args: &StepArgs, standing: &Standing, phase: Option<Phase>) -> Value {
    let mut document = json!({
        "run": args.run,
        "step": name(args.step),
        "status": standing.word(),
        "phase": phase,
    });
    if let Some(why) = standing.why() {
        document["why"] = json!(why);
    }
    if let Standing::NotYet { again_at, .. } = standing {
        document["again_at"] = json!(again_at.rfc3339());
    }
    document
}

fn failed(args: &StepArgs, failure: &Failure) -> Value {
    let status = match failure.code {
        ExitCode::Refused => "refused",
        ExitCode::NotYet => "not_yet",
        _ => "failed",
    };
    json!({ "run": args.run, "step": name(args.step), "status": status, "phase": null, "why": failure.to_string() })
}

fn tell(args: &StepArgs, document: Value, standing: &Standing) {
    if args.json {
        out::document(FORMAT, document);
        return;
    }
    let why = standing.why().map(|why| format!(": {why}")).unwrap_or_default();
    let again = match standing {
        Standing::NotYet { again_at, .. } => format!("; again at {}", again_at.rfc3339()),
        Standing::Done
        | Standing::Refused(_)
        | Standing::InDoubt
        | Standing::NeedsPerson(_)
        | Standing::Interrupted => String::new(),
    };
    out::say([format!("{} {}: {}{why}{again}", args.run, name(args.step), standing.word().replace('_', " "))]);
}

fn name(step: StepName) -> &'static str {
    match step {
        StepName::Stage => "stage",
        StepName::Refresh => "refresh",
        StepName::Publish => "publish",
        StepName::Check => "check",
        StepName::Settle => "settle",
    }
}

type Stepped = Result<(Standing, Option<Phase>), Failure>;

/// Stages the run under its name; one that is there already, from the same entry, is done.
async fn stage_it(args: &StepArgs, id: &RunId) -> Stepped {
    let config = open::config(&args.config.config)?;
    let entry = intent::entry(&config, args.publish.as_deref().unwrap_or_default())?;
    let journal = open::new_journal(&config).await?;
    if let Some(staged) = staged_already(&journal, id).await? {
        return same_entry(&staged, &entry.name);
    }
    let clock = open::clock(&config).await?;
    let publish_at = intent::instant(entry, args.at.as_deref(), clock.now())?;
    let request = StageRequest { run: Some(id.clone()), ..intent::entry_request(&config, entry, publish_at) };
    let (client, vault) = (open::client(&config, clock).await?, config.open_vault(clock).await?);
    let (hooks, history) = (config.open_hooks(), open::history(&config).await?);
    let tools = Tools { client: &client, vault: vault.as_ref(), hooks: &hooks, history: &history };
    let staged = match stage(&request, &tools, clock.now()).await {
        Ok(ready) => ready.record(&journal).await,
        Err(refusal) => Err(refusal),
    };
    match staged {
        Ok(_) => Ok((Standing::Done, Some(Phase::Waiting))),
        // Another process was quicker; what it staged is what there is.
        Err(refusal) if was_quicker(&refusal, id) => match staged_already(&journal, id).await? {
            Some(staged) => same_entry(&staged, &entry.name),
            None => Err(Failure::new(ExitCode::Access, format!("run {id} was there and is gone"))),
        },
        Err(refusal) => Err(refusal.into()),
    }
}

/// Whether staging was refused because this very run has come into being meanwhile.
fn was_quicker(refusal: &Refusal, id: &RunId) -> bool {
    let (Refusal::Journal(JournalError::Exists { run }) | Refusal::StagedAlready { run, .. }) = refusal else {
        return false;
    };
    run == id
}

async fn staged_already(journal: &AnyJournal, id: &RunId) -> Result<Option<Run>, Failure> {
    match journal.load(id).await {
        Ok(records) => open::replay(id, &records).map(Some),
        Err(JournalError::NotFound { .. }) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

fn same_entry(staged: &Run, entry: &str) -> Stepped {
    let of = staged.plan.policy.entry.as_deref();
    if of == Some(entry) {
        return Ok((Standing::Done, Some(staged.phase)));
    }
    let whose = of.map_or("no entry of the calendar".to_owned(), |of| format!("the entry {of:?}"));
    Ok((
        Standing::Refused(format!("there is a run of this name already, and it belongs to {whose}")),
        Some(staged.phase),
    ))
}

/// Takes the run as far as `goal`, unless it is there already or its time has not come.
async fn drive(args: &StepArgs, id: &RunId, goal: Goal) -> Stepped {
    let config = open::config(&args.config.config)?;
    let journal = Arc::new(open::journal(&config).await?);
    let clock = open::clock(&config).await?;
    let run = open::replay(id, &open::records(journal.as_ref(), id).await?)?;
    if let Some(standing) = without_driving(&run, goal, clock.now()) {
        return Ok((standing, Some(run.phase)));
    }
    let taken = take_up(&config, &journal, id, Waiting::No, ForPeople::Return).await?;
    let Some(Taken { driver, mut run, mut records, joined: _joined }) = taken else {
        let again_at = clock.now() + config.serve.lease_ms;
        let why = "another process leads this run".to_owned();
        return Ok((Standing::NotYet { again_at, why }, Some(run.phase)));
    };
    run.desk.goal = goal;
    let ended = driver.drive(&mut run, |record| records.push(record.clone()), stop::asked()?).await;
    driver.leader.release().await;
    let standing = after_driving(&run, goal, ended?, clock.now());
    if goal == Goal::End && standing != Standing::Interrupted {
        write_reports(&config, id, &records)?;
    }
    Ok((standing, Some(run.phase)))
}

/// What can be told without taking the run up; `None` when it is to be taken up.
fn without_driving(run: &Run, goal: Goal, now: Timestamp) -> Option<Standing> {
    if run.is_over() {
        // A publish in doubt is looked for again whenever somebody asks for it.
        let looks_again = run.phase == Phase::InDoubt && goal == Goal::Published;
        return if looks_again { None } else { Some(over(run)) };
    }
    let last = match goal {
        Goal::End => None,
        Goal::Refreshed => Some(Phase::Refreshing),
        Goal::Published => Some(Phase::Publishing),
        Goal::Checked => Some(Phase::Checking),
    };
    if last.is_some_and(|last| run.phase > last && run.phase <= Phase::Settling) {
        return Some(Standing::Done);
    }
    let (begins_at, why) = begins(run, goal, now)?;
    Some(Standing::NotYet { again_at: begins_at.max(now + 1_000), why: why.to_owned() })
}

/// When the step's own time comes, if it has not.
fn begins(run: &Run, goal: Goal, now: Timestamp) -> Option<(Timestamp, &'static str)> {
    let plan = &run.plan;
    match goal {
        Goal::Refreshed => (now < plan.refresh_at()).then(|| (plan.refresh_at(), "the refresh has not begun")),
        Goal::Published => {
            (now < plan.prepare_at()).then(|| (plan.prepare_at(), "the publish is not being prepared yet"))
        }
        Goal::Checked | Goal::End => {
            (run.phase < Phase::Checking).then(|| (plan.publish_at, "the publish has not been seen complete"))
        }
    }
}

fn over(run: &Run) -> Standing {
    match (&run.stop, run.phase) {
        (Some((_, why)), _) => Standing::Refused(why.clone()),
        (None, Phase::InDoubt) => Standing::InDoubt,
        (
            None,
            Phase::Waiting
            | Phase::Refreshing
            | Phase::Preparing
            | Phase::Publishing
            | Phase::Checking
            | Phase::Settling
            | Phase::Settled
            | Phase::Stopped,
        ) => Standing::Done,
    }
}

fn after_driving(run: &Run, goal: Goal, ended: Ended, now: Timestamp) -> Standing {
    match ended {
        Ended::Interrupted => Standing::Interrupted,
        Ended::Waits => Standing::NeedsPerson(run.waits_for().map_or("it waits", |wait| wait.words()).to_owned()),
        Ended::Over if run.is_over() => over(run),
        Ended::Over => without_driving(run, goal, now).unwrap_or(Standing::Done),
    }
}

fn write_reports(config: &Config, id: &RunId, records: &[Record]) -> Result<(), Failure> {
    let folder = config.report.dir.join(id.as_str());
    match write_all(records, &folder, config.report.templates.as_deref()) {
        Ok(written) => {
            report::tell(&written);
            Ok(())
        }
        Err(e) => {
            // The run has ended well; a report can be written again.
            out::note(&Failure::from(e).hint(format!("write it again with: softlanding report {id}")).render());
            Ok(())
        }
    }
}
