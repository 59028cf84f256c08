//! What callers of the API and inbound webhooks may have done: staging a publish of the calendar, telling a run something, a
//! roll call. Both doors lead here.
//!
//! Must never: approve anything by itself, or do for a caller what the calendar would not do.

use super::office::Office;
use super::problem::{Kind, Problem};
use crate::hands::journal::{Journal, JournalError};
use crate::law::decide::orders::refusal;
use crate::law::order::{Order, Wish};
use crate::shells::daemon::news::chain;
use crate::shells::daemon::site::Entry;
use crate::shells::rollcall::{self, Called};
use crate::shells::stage::name::entry_run_id;
use crate::shells::stage::{History, Refusal, RefusalKind, StageRequest, Tools, WhenPast, stage};
use crate::shells::web::book::Unshown;
use crate::words::calendar::Appointment;
use crate::words::clock::Timestamp;
use crate::words::id::RunId;
use crate::words::nearest::nearest;

/// The longest reason, in characters.
const WHY_CHARS_MAX: usize = 500;

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

/// Stages the publish of an entry at its next instant or at another one, as the calendar would: under the same name, so that of
/// several who stage it only one does.
pub(super) async fn stage_entry(office: &Office, name: &str, at: Option<Timestamp>) -> Result<RunId, Problem> {
    let entry = entry(office, name)?;
    let now = office.site.clock.now();
    let next = || entry.recurrence.after(now).next().map(|fire| fire.at);
    let at = at.or_else(next).ok_or_else(|| {
        Problem::new(Kind::Refused, format!("the entry {name:?} has no instant left")).hint("say another one as `at`")
    })?;
    let _turn = office.stages.try_acquire().map_err(|_| {
        Problem::new(Kind::TooMany, "another publish is being staged").hint("ask again soon").again_after_s(5)
    })?;
    let run = entry_run_id(at, entry.zone, &entry.name)
        .map_err(|_| Problem::new(Kind::NotUnderstood, "the instant has a year that no calendar on paper has"))?;
    let history = History::read(office.journal.as_ref()).await.map_err(|e| Problem::of_journal(office, &e))?;
    let request = StageRequest {
        publish_at: Appointment { at, zone: entry.zone },
        run: Some(run.clone()),
        when_past: WhenPast::Refuse,
        ..entry.request.clone()
    };
    let site = &office.site;
    let tools = Tools { client: &site.client, vault: site.vault.as_deref(), hooks: &site.hooks, history: &history };
    let staged = match stage(&request, &tools, site.clock.now()).await {
        Ok(ready) => ready.record(office.journal.as_ref()).await,
        Err(refusal) => Err(refusal),
    };
    staged.map_err(|refusal| not_staged(office, &run, &refusal))?;
    office.look_now.notify_one();
    Ok(run)
}

fn not_staged(office: &Office, run: &RunId, refusal: &Refusal) -> Problem {
    let kind = match (refusal, refusal.kind()) {
        (Refusal::Journal(JournalError::Exists { .. }), _) => {
            return Problem::new(Kind::Refused, format!("it is staged already, as run {run}"))
                .hint(format!("GET /api/v1/runs/{run} shows it"));
        }
        (Refusal::Journal(e), _) => return Problem::of_journal(office, e),
        (_, RefusalKind::Asked) => Kind::NotUnderstood,
        (_, RefusalKind::Safety) => Kind::Refused,
        (_, RefusalKind::Reach) => Kind::Platform,
        (_, RefusalKind::Store) => Kind::Store,
    };
    let problem = Problem::new(kind, chain(refusal));
    match refusal.hint() {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

/// Leaves an order for whoever leads the run, unless it is clear already that it cannot be followed; gives its number.
pub(super) async fn order(office: &Office, run: &RunId, wish: Wish, who: &str, why: &str) -> Result<u64, Problem> {
    let why = why.trim();
    if why.is_empty() || why.chars().count() > WHY_CHARS_MAX || why.chars().any(char::is_control) {
        let detail = format!("why is empty, longer than {WHY_CHARS_MAX} characters, or has control characters");
        return Err(Problem::new(Kind::NotUnderstood, detail)
            .hint("it stands in the journal: one line that others will understand"));
    }
    let opened = office.book.run(run).await.map_err(|e| unshown(office, e))?;
    let because = refusal(&opened.look().await.map_err(|e| unshown(office, e))?.run, wish);
    if let Some(because) = because {
        let problem = Problem::new(Kind::Refused, format!("run {run} cannot be told to {}: {because}", wish.words()));
        return Err(problem.hint(format!("GET /api/v1/runs/{run} shows where it stands, and what it can be told")));
    }
    let order = Order { wish, who: who.to_owned(), why: why.to_owned() };
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

/// Calls the roll of a business unit.
pub(super) async fn call_roll(office: &Office, unit: &str) -> Result<Called, Problem> {
    let _turn = office.checks.try_acquire().map_err(|_| {
        Problem::new(Kind::TooMany, "another roll call is under way").hint("ask again soon").again_after_s(10)
    })?;
    let site = &office.site;
    let found = rollcall::unit(&site.client, unit).await.map_err(|refusal| {
        let kind = if refusal.kind() == RefusalKind::Asked { Kind::NotUnderstood } else { Kind::Platform };
        let problem = Problem::new(kind, chain(&refusal));
        match refusal.hint() {
            Some(hint) => problem.hint(hint),
            None => problem,
        }
    })?;
    Ok(rollcall::call(&site.client, &found, &site.limits).await)
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
