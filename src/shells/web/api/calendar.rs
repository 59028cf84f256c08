//! The next publishes of each entry of the calendar.
//!
//! Must never: show an instant without saying on whose clock it stands.

use axum::Json;
use axum::extract::State;
use chrono::SecondsFormat;
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::unshown;
use crate::shells::daemon::site::Entry;
use crate::shells::web::Room;
use crate::shells::web::access::Caller;
use crate::shells::web::book::RunCard;
use crate::shells::web::problem::Problem;
use crate::words::clock::Timestamp;

/// Publishes of each entry that are shown.
const NEXT_MAX: usize = 4;
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
    /// planned while it is not staged; the run's phase afterwards.
    #[schema(example = "planned")]
    state: String,
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
    let entries = office.site.entries.iter().map(|entry| entry_doc(entry, &runs, now)).collect();
    Ok(Json(Calendar { now: now.rfc3339(), entries }))
}

fn entry_doc(entry: &Entry, runs: &[&RunCard], now: Timestamp) -> EntryDoc {
    let occasion = |at: Timestamp| {
        let publish_at = at.rfc3339();
        let is_it = |card: &&&RunCard| card.entry.as_deref() == Some(&*entry.name) && card.publish_at == publish_at;
        let staged = runs.iter().find(is_it);
        let state = staged.and_then(|card| serde_json::to_value(card.phase).ok());
        Occasion {
            local: at.utc().with_timezone(&entry.zone).to_rfc3339_opts(SecondsFormat::Secs, false),
            stage_at: (at - entry.habits.stage_before_ms).rfc3339(),
            state: state.and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_else(|| "planned".to_owned()),
            run: staged.map(|card| card.run.clone()),
            publish_at,
        }
    };
    EntryDoc {
        entry: entry.name.clone(),
        business_unit: entry.request.business_unit.clone(),
        zone: entry.zone.name().to_owned(),
        next: entry.recurrence.after(now).take(NEXT_MAX).map(|fire| occasion(fire.at)).collect(),
    }
}
