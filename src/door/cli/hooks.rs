//! `softlanding hooks`: which executables would run, what they would be given, and running them by hand.
//!
//! Must never: write to the journal, or speak to the organisation.

use serde_json::{Value, json};

use crate::door::cli::args::{HookRunArgs, HookTestArgs, HooksArgs, HooksCommand, HooksList};
use crate::door::cli::{open, out};
use crate::door::error::{ExitCode, Failure};
use crate::hands::hook::{FileState, Hooks};
use crate::law::run::BadJournal;
use crate::shells::rehook::documents;
use crate::shells::report::recorded;
use crate::words::clock::Moment;
use crate::words::hook::{HookOutcome, HookPoint, HookRun};
use crate::words::id::RunId;

/// What the recorded Friday is called in a document.
const RECORDED: &str = "20261127-1600-recorded";

pub(super) async fn hooks(args: &HooksArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        HooksCommand::List(args) => list(args),
        HooksCommand::Test(args) => test(args).await,
        HooksCommand::Run(args) => run(args).await,
    }
}

fn list(args: &HooksList) -> Result<ExitCode, Failure> {
    let config = open::config(&args.config.config)?;
    let hooks = config.open_hooks();
    let mut points = Vec::new();
    for point in HookPoint::ALL {
        points.push((point, files(&hooks, point)?));
    }
    if args.json {
        let points = points.iter().map(document).collect::<Vec<_>>();
        out::document("softlanding.hooks.v1", json!({ "points": points }));
        return Ok(ExitCode::Done);
    }
    out::say([format!("Hooks in {}:", config.hooks.dir.display())]);
    for (point, files) in &points {
        let veto = if point.vetoes() { "  (a failure stops what follows)" } else { "" };
        out::say([format!("{point}{veto}")]);
        if files.is_empty() {
            out::say(["  nothing"]);
        }
        let running = files.iter().filter(|(_, state)| *state == FileState::Runs);
        out::say(running.enumerate().map(|(at, (name, _))| format!("  {}. {name}", at + 1)));
        let others = files.iter().filter(|(_, state)| *state != FileState::Runs);
        out::say(others.map(|(name, state)| format!("  -  {name}: {}", words(*state))));
    }
    Ok(ExitCode::Done)
}

fn files(hooks: &Hooks, point: HookPoint) -> Result<Vec<(String, FileState)>, Failure> {
    hooks.files(point).map_err(|why| {
        Failure::new(ExitCode::Access, format!("the hooks of {point} cannot be listed: {why}"))
            .hint("check `dir` in [hooks], and who may read its folders")
    })
}

fn words(state: FileState) -> &'static str {
    match state {
        FileState::Runs => "runs",
        FileState::NotExecutable => "does not run; chmod +x it if it should",
        FileState::SetAside => "set aside",
    }
}

fn document((point, files): &(HookPoint, Vec<(String, FileState)>)) -> Value {
    let file = |(name, state): &(String, FileState)| {
        let state = match state {
            FileState::Runs => "runs",
            FileState::NotExecutable => "not_executable",
            FileState::SetAside => "set_aside",
        };
        json!({ "name": name, "state": state })
    };
    json!({ "point": point, "vetoes": point.vetoes(), "files": files.iter().map(file).collect::<Vec<_>>() })
}

async fn test(args: &HookTestArgs) -> Result<ExitCode, Failure> {
    let config = open::config(&args.config.config)?;
    let (id, records) = match &args.run {
        Some(run) => {
            let id = open::run_id(run)?;
            let records = open::records(&open::journal(&config).await?, &id).await?;
            (id, records)
        }
        None => {
            let id = RunId::new(RECORDED).map_err(anyhow::Error::from)?;
            (id, recorded::friday().map_err(anyhow::Error::from)?)
        }
    };
    let mut told = documents(&id, &records, args.point).map_err(|e| unfollowed(&id, e))?;
    // The newest is enough to see how a hook takes it.
    let mut document = told.pop().ok_or_else(|| nobody(&id, args.point))?;
    document["data"]["test"] = json!(true);
    let ran = run_all(&config.open_hooks(), args.point, &document).await?;
    if args.json {
        let ran_as = ran.iter().map(Ran::document).collect::<Vec<_>>();
        let said = json!({ "point": args.point, "document": document, "hooks": ran_as });
        out::document("softlanding.hook-test.v1", said);
    } else {
        out::say([serde_json::to_string_pretty(&document).map_err(anyhow::Error::from)?]);
        say(&ran, args.point);
    }
    ended(&ran, args.point)
}

async fn run(args: &HookRunArgs) -> Result<ExitCode, Failure> {
    let id = open::run_id(&args.run)?;
    let config = open::config(&args.config.config)?;
    let records = open::records(&open::journal(&config).await?, &id).await?;
    let told = documents(&id, &records, args.point).map_err(|e| unfollowed(&id, e))?;
    if told.is_empty() {
        return Err(nobody(&id, args.point));
    }
    let hooks = config.open_hooks();
    let mut ran = Vec::new();
    for document in &told {
        let these = run_all(&hooks, args.point, document).await?;
        if !args.json {
            let subject = document["subject"].as_str().unwrap_or_default();
            out::say([format!("{} of {subject}", args.point)]);
            say(&these, args.point);
        }
        ran.extend(these);
    }
    if args.json {
        let documents = told.len();
        let ran_as = ran.iter().map(Ran::document).collect::<Vec<_>>();
        let said = json!({ "point": args.point, "documents": documents, "hooks": ran_as });
        out::document("softlanding.hook-run.v1", said);
    }
    ended(&ran, args.point)
}

fn unfollowed(id: &RunId, e: BadJournal) -> Failure {
    Failure::new(ExitCode::Access, format!("the journal of run {id} cannot be followed"))
        .because(e)
        .hint("keep a copy of the journal's file; restore it from a backup")
}

fn nobody(id: &RunId, point: HookPoint) -> Failure {
    Failure::new(ExitCode::Usage, format!("nobody in run {id} is told of at {point}"))
        .hint("hooks of that point are run for each agent who cannot be helped, and there is none")
}

/// A hook that was run here, and how long it took.
struct Ran {
    hook: HookRun,
    ms: u64,
}

impl Ran {
    fn document(&self) -> Value {
        let HookRun { name, outcome, output } = &self.hook;
        let exit_code = match outcome {
            HookOutcome::Ok => Some(0),
            HookOutcome::Exit(code) => Some(*code),
            HookOutcome::Signal(_) | HookOutcome::TimedOut | HookOutcome::CouldNotStart(_) => None,
        };
        json!({ "name": name, "ended": outcome.to_string(), "exit_code": exit_code, "output": output, "took_ms": self.ms })
    }
}

/// As a run does it: in order, and at a point that vetoes up to the first failure.
async fn run_all(hooks: &Hooks, point: HookPoint, document: &Value) -> Result<Vec<Ran>, Failure> {
    let mut ran = Vec::new();
    for (name, _) in files(hooks, point)?.into_iter().filter(|(_, state)| *state == FileState::Runs) {
        let begun = Moment::now();
        let hook = hooks.run_one(point, &name, document).await;
        let failed = hook.problem().is_some();
        ran.push(Ran { hook, ms: begun.passed_ms(Moment::now()) });
        if failed && point.vetoes() {
            break;
        }
    }
    Ok(ran)
}

fn say(ran: &[Ran], point: HookPoint) {
    if ran.is_empty() {
        out::say([format!("{point}.d has no hook that would run")]);
    }
    for Ran { hook, ms } in ran {
        out::say([format!("{point}.d/{}: {}, {ms} ms", hook.name, hook.outcome)]);
        out::say(hook.output.lines().map(|line| format!("    {line}")));
    }
}

fn ended(ran: &[Ran], point: HookPoint) -> Result<ExitCode, Failure> {
    let failed: Vec<&str> =
        ran.iter().filter(|ran| ran.hook.problem().is_some()).map(|ran| ran.hook.name.as_str()).collect();
    if failed.is_empty() {
        return Ok(ExitCode::Done);
    }
    let means = if point.vetoes() { "a run would stop here" } else { "a run would report it and go on" };
    Err(Failure::new(ExitCode::Access, format!("{} did not end well; {means}", failed.join(", ")))
        .hint("0 is good, any other code is a failure; hooks/README.md has the rules"))
}
