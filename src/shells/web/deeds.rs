//! What callers of the API and inbound webhooks may have done: staging a publish of the calendar, telling a run something, a
//! roll call. Both doors lead here.
//!
//! Must never: approve anything by itself, or do for a caller what the calendar would not do.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::ToSchema;

use super::advice::advice;
use super::office::Office;
use super::problem::{Kind, Problem};
use crate::hands::journal::{Journal, JournalError};
use crate::law::decide::orders::refusal;
use crate::law::order::{Order, Wish};
use crate::law::plan::{Approval, OnDrift, Policy, StagedBy, Timing};
use crate::law::run::Run;
use crate::shells::daemon::news::{News, chain};
use crate::shells::daemon::site::Entry;
use crate::shells::rollcall::{self, Called};
use crate::shells::stage::name::entry_run_id;
use crate::shells::stage::{
    History, Published, Refusal, RefusalKind, StageRequest, Tools, WeekChoice, WhenPast, find_unit, stage,
};
use crate::shells::web::book::{RunCard, Unshown};
use crate::words::calendar::Appointment;
use crate::words::clock::Timestamp;
use crate::words::id::{RunId, WeekDate};
use crate::words::nearest::nearest;

/// The longest reason, in characters.
const WHY_CHARS_MAX: usize = 500;
/// Runs among which one that waits is looked for, the newest.
const RUNS_MAX: usize = 60;
/// A run that is staged for a publish that was made elsewhere must find it published within this, in ms: reading a large
/// organisation takes a while.
const ELSEWHERE_LATE_MS: i64 = 900_000;
/// Where the documents of roll calls are kept, below the reports.
const CHECKS_DIR: &str = "checks";

/// The entry of that name.
pub(super) fn entry<'a>(office: &'a Office, name: &str) -> Result<&'a Entry, Problem> {
    let entries = &office.site.entries;
    entries.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        let hint = match (nearest(name, names.iter().copied()), names.as_slice()) {
            (Some(near), _) => format!("did you mean {near}?"),
            (None, []) => "the configuration has no [[publish]]".to_owned(),
            (None, names) => format!("the configuration has: {}", names.join(", ")),
        };
        Problem::new(Kind::NotUnderstood, format!("the calendar has no entry {name:?}")).hint(hint)
    })
}

/// A business unit, as somebody outside names it.
pub(super) enum Unit {
    /// That of an entry of the calendar.
    OfEntry(String),
    /// By name or id.
    Named(String),
}

impl Unit {
    /// Its name or id, as the platform is asked for it.
    pub(super) fn name(&self, office: &Office) -> Result<String, Problem> {
        match self {
            Unit::OfEntry(name) => Ok(entry(office, name)?.request.business_unit.clone()),
            Unit::Named(unit) => Ok(unit.clone()),
        }
    }
}

/// An instant, as somebody outside writes it.
pub(super) fn instant(text: &str) -> Result<Timestamp, Problem> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| {
        Problem::new(Kind::NotUnderstood, format!("at is {text:?}"))
            .hint("accepted: an instant such as 2026-11-27T16:00:00-06:00")
    })
}

/// The name under which journals show the sender of a webhook.
pub(super) fn webhook(source: &str) -> String {
    format!("webhook:{source}")
}

/// What became of a wish to stage.
pub(super) enum StageAnswer {
    /// It is staged now.
    Staged(RunId),
    /// It was staged before.
    Already(RunId),
}

/// Stages the publish of an entry at its next instant or at another one, as the calendar would: under the same name, so that of
/// several who stage it only one does. Who wants it, and perhaps why, stands in the plan.
pub(super) async fn stage_entry(
    office: &Office,
    name: &str,
    at: Option<Timestamp>,
    by: StagedBy,
) -> Result<StageAnswer, Problem> {
    let StagedBy { who, why } = by;
    let why = why.as_deref().map(reason).transpose()?;
    let entry = entry(office, name)?;
    let now = office.site.clock.now();
    let next = || entry.recurrence.after(now).next().map(|fire| fire.at);
    let at = at.or_else(next).ok_or_else(|| {
        Problem::new(Kind::Refused, format!("the entry {name:?} has no instant left")).hint("say another one as `at`")
    })?;
    let request = StageRequest {
        run: Some(named(entry, at)?),
        publish_at: Appointment { at, zone: entry.zone },
        policy: Policy { staged_by: Some(StagedBy { who, why }), ..entry.request.policy.clone() },
        ..entry.request.clone()
    };
    staged(office, request).await
}

fn named(entry: &Entry, at: Timestamp) -> Result<RunId, Problem> {
    let bad = |_| Problem::new(Kind::NotUnderstood, "the instant has a year that no calendar on paper has");
    entry_run_id(at, entry.zone, &entry.name).map_err(bad)
}

async fn staged(office: &Office, request: StageRequest) -> Result<StageAnswer, Problem> {
    let _turn = office.stages.try_acquire().map_err(|_| {
        Problem::new(Kind::TooMany, "another publish is being staged").hint("ask again soon").again_after_s(5)
    })?;
    let history = History::read(office.journal.as_ref()).await.map_err(|e| Problem::of_journal(office, &e))?;
    let site = &office.site;
    let tools = Tools { client: &site.client, vault: site.vault.as_deref(), hooks: &site.hooks, history: &history };
    let staged = match stage(&request, &tools, site.clock.now()).await {
        Ok(ready) => ready.record(office.journal.as_ref()).await,
        Err(refusal) => Err(refusal),
    };
    match (staged, request.run) {
        (Ok(staged), _) => {
            office.look_now.notify_one();
            Ok(StageAnswer::Staged(staged.run))
        }
        (Err(Refusal::StagedAlready { run, .. }), _)
        | (Err(Refusal::Journal(JournalError::Exists { .. })), Some(run)) => Ok(StageAnswer::Already(run)),
        (Err(refusal), _) => Err(refused(office, &refusal)),
    }
}

/// Why the platform's answers, or the rules, do not allow it.
fn refused(office: &Office, refusal: &Refusal) -> Problem {
    let kind = match (refusal, refusal.kind()) {
        (Refusal::Journal(e), _) => return Problem::of_journal(office, e),
        (_, RefusalKind::Asked) => Kind::NotUnderstood,
        (_, RefusalKind::Safety) => Kind::Refused,
        (_, RefusalKind::Reach) => Kind::Platform,
        (_, RefusalKind::Store) => Kind::Store,
    };
    let problem = Problem::new(kind, chain(refusal));
    match advice(refusal) {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

/// Why somebody wants something, as it stands in the journal.
fn reason(why: &str) -> Result<String, Problem> {
    let why = why.trim();
    if why.is_empty() || why.chars().count() > WHY_CHARS_MAX || why.chars().any(char::is_control) {
        let detail = format!("why is empty, longer than {WHY_CHARS_MAX} characters, or has control characters");
        return Err(Problem::new(Kind::NotUnderstood, detail)
            .hint("it stands in the journal: one line that others will understand"));
    }
    Ok(why.to_owned())
}

/// On which side of the publish an order is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Expects {
    /// While the publish can still be held and called back.
    BeforePublish,
    /// Once it was made.
    AfterPublish,
}

impl Expects {
    /// What is otherwise; `None` when it is as expected.
    fn unmet(self, run: &Run) -> Option<&'static str> {
        match (self, run.before_the_claim()) {
            (Expects::BeforePublish, true) | (Expects::AfterPublish, false) => None,
            (Expects::BeforePublish, false) => Some("the publish has been made meanwhile"),
            (Expects::AfterPublish, true) => Some("the publish has not been made"),
        }
    }
}

/// Leaves an order for whoever leads the run, unless it is clear already that it cannot be followed; gives its number.
pub(super) async fn order(office: &Office, run: &RunId, wanted: Order) -> Result<u64, Problem> {
    order_on(office, run, wanted, None).await
}

/// The same, and only on the side of the publish on which it is meant.
pub(super) async fn order_on(
    office: &Office,
    run: &RunId,
    order: Order,
    expects: Option<Expects>,
) -> Result<u64, Problem> {
    let Order { wish, agent, who, why } = order;
    let why = reason(&why)?;
    let opened = office.book.run(run).await.map_err(|e| unshown(office, e))?;
    let because = {
        let looked = opened.look().await.map_err(|e| unshown(office, e))?;
        let unmet = || expects.and_then(|expects| expects.unmet(&looked.run));
        refusal(&looked.run, wish, agent.as_ref()).or_else(unmet)
    };
    if let Some(because) = because {
        let problem = Problem::new(Kind::Refused, format!("run {run} cannot be told to {}: {because}", wish.words()));
        return Err(problem.hint(format!("GET /api/v1/runs/{run} shows where it stands, and what it can be told")));
    }
    let order = Order { wish, agent, who, why };
    let sent = office.journal.send(run, office.site.clock.now(), &order).await;
    sent.map_err(|e| Problem::of_journal(office, &e))
}

/// Has the daemon of this process look at once whether it can lead the run.
pub(super) async fn start(office: &Office, run: &RunId) -> Result<(), Problem> {
    let opened = office.book.run(run).await.map_err(|e| unshown(office, e))?;
    if opened.look().await.map_err(|e| unshown(office, e))?.run.is_over() {
        return Err(Problem::new(Kind::Refused, format!("run {run} is over")).hint("stage the publish again"));
    }
    office.look_now.notify_one();
    Ok(())
}

/// A roll call whose turn it is, of a business unit that is there.
pub(super) struct Roll {
    unit: rollcall::Unit,
    _turn: OwnedSemaphorePermit,
}

impl Roll {
    /// Takes the turn, and finds the business unit by name or id.
    pub(super) async fn of(office: &Office, unit: &str) -> Result<Roll, Problem> {
        let turn = Arc::clone(&office.checks).try_acquire_owned().map_err(|_| {
            Problem::new(Kind::TooMany, "another roll call is under way").hint("ask again soon").again_after_s(10)
        })?;
        let unit = rollcall::unit(&office.site.client, unit).await.map_err(|refusal| refused(office, &refusal))?;
        Ok(Roll { unit, _turn: turn })
    }
    /// The business unit's name.
    pub(super) fn unit(&self) -> &str {
        &self.unit.name
    }
    /// Calls it.
    pub(super) async fn call(self, office: &Office) -> Called {
        let site = &office.site;
        rollcall::call(&site.client, &self.unit, &site.limits, site.pages.as_ref()).await
    }
    /// Calls it without anybody waiting for it. What came of it is told, and the whole document is kept beside the reports.
    pub(super) fn call_aside(self, office: &Arc<Office>, source: String) {
        let office = Arc::clone(office);
        tokio::spawn(async move {
            let called = self.call(&office).await;
            // One at a time, so that no two begin within the same thousandth of a second.
            let at = called.span.from.utc().format("%Y%m%dT%H%M%S%.3fZ");
            let file = office.site.reports.join(CHECKS_DIR).join(format!("{at}-{source}.json"));
            let text = json!(called.document()).to_string();
            let kept = tokio::task::spawn_blocking(move || keep(&file, &text).map(|()| file)).await;
            let file = kept.ok().and_then(Result::ok).map(|file| file.display().to_string());
            office.tell(News::Checked { by: source, unit: called.unit.clone(), tally: called.roll.tally(), file });
        });
    }
}

/// Somebody has published without softlanding. A run that is staged for it is told, and looks; without one a run is staged that
/// finds the schedule published. Either checks the agents and helps them. Gives the run.
pub(super) async fn published_elsewhere(
    office: &Office,
    unit: &Unit,
    week: Option<WeekDate>,
    source: &str,
) -> Result<RunId, Problem> {
    let entry = match unit {
        Unit::OfEntry(name) => entry(office, name)?,
        Unit::Named(unit) => entry_of_unit(office, unit).await?,
    };
    let (who, why) = (webhook(source), "published without softlanding, as it was told".to_owned());
    if let Some(run) = waiting_run(office, entry, week).await? {
        order(office, &run, Order { wish: Wish::Elsewhere, agent: None, who, why }).await?;
        return Ok(run);
    }
    let at = office.site.clock.now();
    let request = StageRequest {
        publish_at: Appointment { at, zone: entry.zone },
        run: Some(named(entry, at)?),
        week: week.map_or(entry.request.week, WeekChoice::Of),
        published: Published::Elsewhere,
        when_past: WhenPast::CatchUp,
        // It is never to publish: what is not published after all waits for an approval that nobody gives.
        policy: Policy {
            approval: Approval::Required,
            on_drift: OnDrift::PublishLatest,
            staged_by: Some(StagedBy { who, why: Some(why) }),
            ..entry.request.policy.clone()
        },
        timing: Timing { late_by_max_ms: ELSEWHERE_LATE_MS, ..entry.request.timing.clone() },
        ..entry.request.clone()
    };
    match staged(office, request).await? {
        StageAnswer::Staged(run) | StageAnswer::Already(run) => Ok(run),
    }
}

/// The entry that publishes for a business unit. The configuration may have its name where we are told its id, or the other
/// way round: only then is the platform asked.
async fn entry_of_unit<'a>(office: &'a Office, unit: &str) -> Result<&'a Entry, Problem> {
    let of = |unit: &str| {
        let unit = unit.trim().to_lowercase();
        office.site.entries.iter().find(|entry| entry.request.business_unit.trim().to_lowercase() == unit)
    };
    if let Some(entry) = of(unit) {
        return Ok(entry);
    }
    let found = find_unit(&office.site.client, unit).await.map_err(|refusal| refused(office, &refusal))?;
    of(found.id.as_str()).or_else(|| of(&found.name)).ok_or_else(|| {
        Problem::new(Kind::NotUnderstood, format!("no entry of the calendar publishes for {unit:?}"))
            .hint("name the entry as `publish`, or add a [[publish]] for the business unit")
    })
}

/// The run of an entry, for a week if one is named, whose publish has not been made.
async fn waiting_run(office: &Office, entry: &Entry, week: Option<WeekDate>) -> Result<Option<RunId>, Problem> {
    let page = office.book.cards(None, RUNS_MAX).await.map_err(|e| unshown(office, e))?;
    let kept = page.map(|(kept, _)| kept).unwrap_or_default();
    let week = week.map(|week| week.to_string());
    let is_it = |card: &RunCard| {
        let of_entry = card.entry.as_deref() == Some(&*entry.name) && !card.over && card.publish.is_open();
        of_entry
            && card.allowed.contains(&Wish::Elsewhere.words())
            && week.as_ref().is_none_or(|week| *week == card.week)
    };
    // The newest is listed first, and the one whose instant comes first is meant.
    let found = kept.iter().rev().find(|kept| is_it(&kept.card));
    Ok(found.and_then(|kept| RunId::new(&kept.card.run).ok()))
}

fn keep(file: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(file, text)
}

/// Why a run cannot be shown.
pub(super) fn unshown(office: &Office, error: Unshown) -> Problem {
    match error {
        Unshown::Journal(e) => Problem::of_journal(office, &e),
        Unshown::Bad { run, source } => {
            Problem::new(Kind::Store, format!("the journal of run {run} cannot be followed: {source}"))
        }
        Unshown::Full => {
            Problem::new(Kind::TooMany, "so many runs are followed that no other can be opened").again_after_s(30)
        }
        Unshown::Lost => Problem::new(Kind::Bug, "the run could not be read"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::event::Event;
    use crate::shells::report::sample;

    #[test]
    fn an_order_is_meant_for_one_side_of_the_publish() {
        let mut run = Run::staged(Arc::new(sample::plan(1, 5)));
        assert_eq!(Expects::BeforePublish.unmet(&run), None);
        assert_eq!(Expects::AfterPublish.unmet(&run), Some("the publish has not been made"));
        run.apply(sample::T, &Event::PublishClaimed { attempt: 1, late_ms: 0 });
        assert_eq!(Expects::BeforePublish.unmet(&run), Some("the publish has been made meanwhile"));
        assert_eq!(Expects::AfterPublish.unmet(&run), None);
    }
}
