//! The next publishes of each entry of the calendar, and the last one where nothing has become of it.
//!
//! Must never: show an instant without saying on whose clock it stands, or keep silent about one that cannot be staged or was
//! missed.

use axum::Json;
use axum::extract::State;
use chrono::SecondsFormat;
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::unshown;
use crate::hands::journal::{Journal, JournalError};
use crate::law::event::Phase;
use crate::law::occurrence::{self, Note};
use crate::shells::daemon::site::Entry;
use crate::shells::web::Room;
use crate::shells::web::access::Caller;
use crate::shells::web::book::RunCard;
use crate::shells::web::office::Office;
use crate::shells::web::problem::Problem;
use crate::words::clock::Timestamp;
use crate::words::id::RunId;

/// Publishes of each entry that are shown.
const NEXT_MAX: usize = 4;
/// A publish that was missed is shown for so long, in ms, unless a later one was made meanwhile.
const MISSED_SHOWN_MS: i64 = 7 * 86_400_000;
/// Runs among which those of the entries are looked for, the newest.
const RUNS_MAX: usize = 60;

/// The calendar.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Calendar {
    /// This instant, on the clock that the runs follow.
    #[schema(format = "date-time")]
    now: String,
    /// Its entries, in the order of the configuration.
    entries: Vec<EntryDoc>,
}

/// An entry of the calendar.
#[derive(Debug, Serialize, ToSchema)]
struct EntryDoc {
    /// Its name.
    entry: String,
    /// The business unit, as the configuration names it.
    business_unit: String,
    /// The time zone in which its instants are meant.
    zone: String,
    /// Its last publish, where nothing has come of it: overdue, or missed within the last seven days with none made since; null
    /// for nothing of the kind.
    last: Option<Occasion>,
    /// Its next publishes.
    next: Vec<Occasion>,
}

/// One publish of an entry.
#[derive(Debug, Serialize, ToSchema)]
struct Occasion {
    /// T.
    #[schema(format = "date-time")]
    publish_at: String,
    /// T on the wall clock of the entry's zone, with its offset.
    #[schema(format = "date-time")]
    local: String,
    /// When it is staged at the latest.
    #[schema(format = "date-time")]
    stage_at: String,
    /// planned while it is not staged, not_staged when that was tried in vain so far; overdue once T has passed without a run,
    /// missed when it is given up; for one that is staged, the run's phase.
    #[schema(example = "planned")]
    state: String,
    /// Why it could not be staged so far, or was missed; null where there is nothing to explain.
    why: Option<String>,
    /// The run that was staged for it; null while there is none.
    run: Option<String>,
}

/// The next publishes of each entry of the calendar
#[utoipa::path(get, path = "/api/v1/calendar", tag = "look", responses(
    (status = 200, description = "The calendar", body = Calendar),
    (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn calendar(State(room): State<Room>, _caller: Caller) -> Result<Json<Calendar>, Problem> {
    let office = room.office()?;
    let now = office.site.clock.now();
    let page = office.book.cards(None, RUNS_MAX).await.map_err(unshown(office))?;
    let kept = page.map(|(kept, _)| kept).unwrap_or_default();
    let runs: Vec<&RunCard> = kept.iter().map(|kept| &kept.card).collect();
    let mut entries = Vec::new();
    for entry in &office.site.entries {
        let noted = noted(office, entry).await?;
        entries.push(Shown { entry, noted: &noted, runs: &runs, now }.document());
    }
    Ok(Json(Calendar { now: now.rfc3339(), entries }))
}

/// What the notes of an entry tell; one that nobody has kept yet has none.
async fn noted(office: &Office, entry: &Entry) -> Result<occurrence::Entry, Problem> {
    let Ok(stream) = RunId::calendar(&entry.name) else { return Ok(occurrence::Entry::default()) };
    match office.journal.load::<Note>(&stream).await {
        Ok(notes) => Ok(occurrence::Entry::of(notes.iter().map(|note| (note.at, &note.event)))),
        Err(JournalError::NotFound { .. }) => Ok(occurrence::Entry::default()),
        Err(e) => Err(Problem::of_journal(office, &e)),
    }
}

/// What an entry is shown from.
struct Shown<'a> {
    entry: &'a Entry,
    noted: &'a occurrence::Entry,
    runs: &'a [&'a RunCard],
    now: Timestamp,
}

impl Shown<'_> {
    fn document(&self) -> EntryDoc {
        let entry = self.entry;
        EntryDoc {
            entry: entry.name.clone(),
            business_unit: entry.request.business_unit.clone(),
            zone: entry.zone.name().to_owned(),
            last: self.overdue().or_else(|| self.missed()),
            next: entry.recurrence.after(self.now).take(NEXT_MAX).map(|fire| self.occasion(fire.at)).collect(),
        }
    }

    fn runs(&self) -> impl Iterator<Item = &RunCard> {
        self.runs.iter().copied().filter(|card| card.entry.as_deref() == Some(&*self.entry.name))
    }

    /// The run that was staged for an instant.
    fn staged(&self, at: Timestamp) -> Option<&RunCard> {
        let publish_at = at.rfc3339();
        self.runs().find(|card| card.publish_at == publish_at)
    }

    fn occasion(&self, at: Timestamp) -> Occasion {
        if let Some(card) = self.staged(at) {
            let state = serde_json::to_value(card.phase).ok();
            let state = state.and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default();
            return Occasion { run: Some(card.run.clone()), ..self.without_run(at, &state, None) };
        }
        let refused = self.noted.trouble.as_ref().filter(|(of, _, _)| *of == at).map(|(_, _, why)| why.clone());
        let state = match (at <= self.now, &refused) {
            (true, _) => "overdue",
            (false, Some(_)) => "not_staged",
            (false, None) => "planned",
        };
        self.without_run(at, state, refused)
    }

    fn without_run(&self, at: Timestamp, state: &str, why: Option<String>) -> Occasion {
        Occasion {
            publish_at: at.rfc3339(),
            local: at.utc().with_timezone(&self.entry.zone).to_rfc3339_opts(SecondsFormat::Secs, false),
            stage_at: (at - self.entry.habits.stage_before_ms).rfc3339(),
            state: state.to_owned(),
            why,
            run: None,
        }
    }

    /// The first instant that has passed, and of which nobody has made anything so far.
    fn overdue(&self) -> Option<Occasion> {
        let at = self.entry.recurrence.after(self.noted.done_until?).next()?.at;
        (at <= self.now && self.staged(at).is_none()).then(|| self.occasion(at))
    }

    fn missed(&self) -> Option<Occasion> {
        let (at, why) = self.noted.newest_miss.as_ref()?;
        let is_lately = self.now.since_ms(*at) <= MISSED_SHOWN_MS;
        let made_since = |card: &RunCard| {
            is_made(card.phase) && Timestamp::parse_rfc3339(&card.publish_at).is_some_and(|other| other > *at)
        };
        (is_lately && !self.runs().any(made_since)).then(|| self.without_run(*at, "missed", Some(why.clone())))
    }
}

/// Whether a run that is in this phase has published.
fn is_made(phase: Phase) -> bool {
    match phase {
        Phase::Checking | Phase::Settling | Phase::Settled => true,
        Phase::Waiting | Phase::Refreshing | Phase::Preparing | Phase::Publishing | Phase::Stopped | Phase::InDoubt => {
            false
        }
    }
}
