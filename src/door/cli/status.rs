//! `softlanding status`: where runs stand, and how punctual publishes were.
//!
//! Must never: change a run, or fail for all because one cannot be read.

use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::door::cli::args::StatusArgs;
use crate::door::cli::{open, out};
use crate::door::config::Config;
use crate::door::error::{ExitCode, Failure};
use crate::hands::journal::{AnyJournal, Journal, JournalError};
use crate::law::event::Phase;
use crate::law::occurrence::Note;
use crate::law::punctuality::{Fate, Publish, Punctuality};
use crate::law::run::Run;
use crate::shells::report::Story;
use crate::shells::report::control::Side;
use crate::shells::report::facts::Ending;
use crate::shells::report::needs::{Needs, approval, is_held, needs};
use crate::shells::report::summary::summary;
use crate::words::calendar::describe;
use crate::words::clock::{Clock, Timestamp};
use crate::words::id::RunId;
use crate::words::wrap::wrap_words;

/// What the document is.
const FORMAT: &str = "softlanding.status.v1";
/// Lines are no longer than this.
const WIDTH: usize = 80;

pub(super) async fn status(args: &StatusArgs) -> Result<ExitCode, Failure> {
    let config = open::config(&args.config.config)?;
    let journal = match (&args.run, open::journal_if_any(&config).await?) {
        (_, Some(journal)) => journal,
        (Some(_), None) => open::journal(&config).await?,
        (None, None) if args.json => {
            out::document(FORMAT, json!({ "runs": [], "counters": Punctuality::default() }));
            return Ok(ExitCode::Done);
        }
        (None, None) => {
            out::say(["No run has been staged yet."]);
            return Ok(ExitCode::Done);
        }
    };
    // A twin that has ended takes its clock with it; the runs can be read all the same.
    let now = open::clock(&config).await.unwrap_or(Clock::System).now();
    match &args.run {
        Some(run) if args.json => {
            let id = open::run_id(run)?;
            open::records(&journal, &id).await?;
            let standing = Standing::of(&journal, id).await;
            let mut counted = Punctuality::default();
            standing.publish.fate().into_iter().for_each(|fate| counted.count(fate));
            out::document(FORMAT, json!({ "runs": [standing.document()], "counters": counted }));
            Ok(ExitCode::Done)
        }
        Some(run) => one(&journal, run, now).await,
        None => all(&config, &journal, now, if args.json { Face::Json } else { Face::Plain }).await,
    }
}

async fn one(journal: &AnyJournal, run: &str, now: Timestamp) -> Result<ExitCode, Failure> {
    let id = open::run_id(run)?;
    let records = open::records(journal, &id).await?;
    let story = Story::of(&records);
    let phase = Run::replay(&records).map(|run| run.phase);
    let standing = phase.map_or("its journal cannot be followed", Phase::words);
    out::say([format!("Run {id}: {standing}{}", at_the_gate(&story))]);
    if let Some(plan) = &story.plan {
        let zone: Tz = plan.zone.parse().unwrap_or(Tz::UTC);
        out::say([format!("Publish: {}", describe(plan.publish_at, zone, now)), String::new()]);
    }
    out::say(summary(&story, &[]));
    Ok(ExitCode::Done)
}

/// Whether it is approved and held, as long as that matters.
fn at_the_gate(story: &Story) -> String {
    match (story.ending(), story.side()) {
        (Ending::Open(_), Side::BeforeTheClaim) => {
            let held = if is_held(story) { "held" } else { "not held" };
            format!(", {}, {held}", approval(story).words())
        }
        (Ending::Open(_), Side::AfterTheClaim) if is_held(story) => ", remedies stopped".to_owned(),
        (Ending::Open(_) | Ending::Settled | Ending::Stopped { .. } | Ending::InDoubt, _) => String::new(),
    }
}

/// Who reads the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Face {
    /// Programs.
    Json,
    /// People.
    Plain,
}

async fn all(config: &Config, journal: &AnyJournal, now: Timestamp, face: Face) -> Result<ExitCode, Failure> {
    let mut counted = Punctuality::default();
    let mut listed = Vec::new();
    let runs = journal.runs().await?;
    if runs.is_empty() && face == Face::Plain {
        out::say(["No run has been staged yet."]);
    }
    for summary in runs {
        let standing = Standing::of(journal, summary.run).await;
        if let Some(fate) = standing.publish.fate() {
            counted.count(fate);
        }
        match face {
            Face::Json => listed.push(standing.document()),
            Face::Plain => out::say(standing.lines(now)),
        }
    }
    for entry in &config.publishes {
        count_missed(&mut counted, journal, &entry.name).await?;
    }
    match face {
        Face::Json => out::document(FORMAT, json!({ "runs": listed, "counters": counted })),
        Face::Plain => out::say(wrap_words(&counted.words(), WIDTH)),
    }
    Ok(ExitCode::Done)
}

/// Instants that passed without a run stand in the entry's own stream; an entry that nobody has served yet has none.
async fn count_missed(counted: &mut Punctuality, journal: &AnyJournal, entry: &str) -> Result<(), Failure> {
    let stream = open::stream(entry)?;
    match journal.load::<Note>(&stream).await {
        Ok(notes) => notes.iter().for_each(|note| {
            counted.count_note(&note.event);
        }),
        Err(JournalError::NotFound { .. }) => {}
        Err(e) => return Err(e.into()),
    }
    Ok(())
}

/// A run as the list shows it.
struct Standing {
    id: RunId,
    publish: Publish,
    run: Result<Box<Told>, [String; 2]>,
}

/// What its records tell.
struct Told {
    run: Run,
    story: Story,
}

impl Standing {
    async fn of(journal: &AnyJournal, id: RunId) -> Standing {
        let records = match open::records(journal, &id).await {
            Ok(records) => records,
            Err(failure) => {
                let run = Err(["cannot be read".to_owned(), failure.to_string()]);
                return Standing { id, publish: Publish::default(), run };
            }
        };
        let publish = Publish::of(records.iter().map(|record| &record.event));
        let run = Run::replay(&records)
            .map(|run| Box::new(Told { run, story: Story::of(&records) }))
            .map_err(|e| ["cannot be followed".to_owned(), format!("its journal is not in order: {e}")]);
        Standing { id, publish, run }
    }

    fn lines(&self, now: Timestamp) -> Vec<String> {
        let below = |text: &str| wrap_words(text, WIDTH - 2).into_iter().map(|line| format!("  {line}"));
        match &self.run {
            Ok(told) => {
                let run = &told.run;
                let zone: Tz = run.plan.zone.parse().unwrap_or(Tz::UTC);
                let when = describe(run.plan.publish_at, zone, now);
                let head = format!("{}  {}", self.id, run.phase.words());
                std::iter::once(head).chain(below(&format!("{when}; {}", said(told)))).collect()
            }
            Err([standing, why]) => std::iter::once(format!("{}  {standing}", self.id)).chain(below(why)).collect(),
        }
    }

    fn document(&self) -> Value {
        let Told { run, story } = match &self.run {
            Ok(told) => told.as_ref(),
            Err([standing, why]) => return json!({ "run": self.id, "error": format!("{standing}: {why}") }),
        };
        let need = needs(story);
        let stopped = run.stop.as_ref().map(|(_, why)| why.clone());
        json!({
            "run": self.id,
            "phase": run.phase,
            "held": is_held(story),
            "approval": approval(story),
            "needs": need.as_ref().map(|need| need.what),
            "entry": run.plan.policy.entry,
            "business_unit": run.plan.business_unit,
            "week": run.plan.week,
            "publish_at": run.plan.publish_at.rfc3339(),
            "zone": run.plan.zone,
            "agents": run.plan.roster.len(),
            "publish": self.publish.fate().map(Fate::word),
            "late_ms": self.publish.late_ms(),
            "tally": run.tally(),
            "spent": run.spent,
            "why": need.map(|need| need.why).or(stopped),
        })
    }
}

fn said(Told { run, story }: &Told) -> String {
    let tally = run.tally();
    let stands = match run.phase {
        Phase::Waiting | Phase::Refreshing | Phase::Preparing | Phase::Publishing => {
            format!("{} agents", run.plan.roster.len())
        }
        Phase::Checking | Phase::Settling | Phase::Settled => format!(
            "{} ready, {} recovered, {} deferred, {} stragglers, {} unknown",
            tally.ready, tally.recovered, tally.deferred, tally.stragglers, tally.unknown
        ),
        Phase::Stopped => run.stop.as_ref().map_or(String::new(), |(_, why)| why.clone()),
        Phase::InDoubt => return "a person must look whether the schedule is published".to_owned(),
    };
    // What it needs once it has settled, the tally says.
    match needs(story).filter(|need| need.what != Needs::Look || run.phase == Phase::Publishing) {
        Some(need) => format!("{stands}; {}: {}", need.what.words(), need.why),
        None => stands,
    }
}
