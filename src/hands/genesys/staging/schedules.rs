//! The schedules of a week and the roster of one (API.md section 4).
//!
//! Must never: read a schedule without its agents as one that has none.

use std::collections::HashSet;

use serde_json::Value;

use crate::hands::genesys::ask::Ask;
use crate::hands::genesys::client::Client;
use crate::hands::genesys::failure;
use crate::hands::genesys::publish::schedule_path;
use crate::hands::genesys::staging::find::{self, Candidate, Found};
use crate::hands::genesys::staging::read::read;
use crate::law::command::Failure;
use crate::words::http::{Method, Response};
use crate::words::id::{AgentId, BusinessUnitId, ManagementUnitId, ScheduleId, WeekDate};

/// A schedule as a week's list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleListed {
    /// Its id.
    pub id: ScheduleId,
    /// The first day of its first week, where the platform gives it.
    pub week: Option<WeekDate>,
    /// How many weeks it covers, at least 1.
    pub weeks: u32,
    /// Its description, the only name it has.
    pub description: String,
    /// Whether it is published; `None` when the platform leaves it out.
    pub published: Option<bool>,
    /// `metadata.version`; `None` when the platform leaves it out.
    pub version: Option<i64>,
}

/// The agents of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// The schedule they belong to, as it was when they were read.
    pub schedule: ScheduleListed,
    /// Each agent once, with the management unit that lists it first.
    pub members: Vec<(AgentId, ManagementUnitId)>,
    /// Agents that the answer names in a way that cannot be used, or twice.
    pub skipped: usize,
}

/// The schedules of a week.
///
/// # Errors
/// Why the platform could not be read.
pub async fn schedules(client: &Client, unit: &BusinessUnitId, week: WeekDate) -> Result<Vec<ScheduleListed>, Failure> {
    let path = format!("/api/v2/workforcemanagement/businessunits/{unit}/weeks/{week}/schedules");
    schedules_in(&read(client, Ask::api(Method::Get, path)).await?)
}

/// The schedule of this id or description; without one, the week's only schedule that is not published.
///
/// # Errors
/// Why the platform could not be read.
pub async fn schedule(
    client: &Client,
    unit: &BusinessUnitId,
    week: WeekDate,
    wanted: Option<&str>,
) -> Result<Found<ScheduleListed>, Failure> {
    let all = schedules(client, unit, week).await?;
    Ok(match wanted {
        Some(wanted) => find::pick(all, wanted, label),
        None => only_draft(all),
    })
}

fn label(schedule: &ScheduleListed) -> Candidate {
    Candidate { id: schedule.id.to_string(), name: schedule.description.clone() }
}

fn only_draft(all: Vec<ScheduleListed>) -> Found<ScheduleListed> {
    let labels: Vec<Candidate> = all.iter().map(label).collect();
    let mut drafts: Vec<ScheduleListed> = all.into_iter().filter(|s| s.published == Some(false)).collect();
    match (drafts.pop(), drafts.is_empty()) {
        (Some(only), true) => Found::One(only),
        (Some(last), false) => Found::Several(drafts.iter().chain([&last]).map(label).collect()),
        (None, _) => Found::Nothing(labels),
    }
}

/// The agents of a schedule, in one call.
///
/// # Errors
/// Why the platform could not be read; a malformed answer when it leaves the agents out.
pub async fn roster(
    client: &Client,
    unit: &BusinessUnitId,
    week: WeekDate,
    schedule: &ScheduleId,
) -> Result<Roster, Failure> {
    let path = format!("{}?expand=managementUnits.agents", schedule_path(unit, week, schedule));
    roster_in(&read(client, Ask::api(Method::Get, path)).await?)
}

/// The schedules of a listing.
///
/// # Errors
/// A malformed answer when it has no list.
pub fn schedules_in(response: &Response) -> Result<Vec<ScheduleListed>, Failure> {
    let body = response.value();
    match body.get("entities").and_then(Value::as_array) {
        Some(schedules) => Ok(schedules.iter().filter_map(listed).collect()),
        None => Err(failure::malformed(response, "the answer holds no list of schedules")),
    }
}

/// The roster in a schedule that was asked for with its agents.
///
/// # Errors
/// A malformed answer when it is no schedule, or a management unit counts agents and lists none.
pub fn roster_in(response: &Response) -> Result<Roster, Failure> {
    let body = response.value();
    let units = body.get("managementUnits").and_then(Value::as_array);
    let (Some(schedule), Some(units)) = (listed(&body), units) else {
        return Err(failure::malformed(response, "the schedule came without its management units"));
    };
    let mut roster = Roster { schedule, members: Vec::new(), skipped: 0 };
    let mut seen = HashSet::new();
    for unit in units {
        let count = unit.get("agentCount").and_then(Value::as_i64);
        let agents = match unit.get("agents").and_then(Value::as_array) {
            Some(agents) if !agents.is_empty() || count.unwrap_or(0) == 0 => agents.as_slice(),
            None if count == Some(0) => &[],
            Some(_) | None => {
                return Err(failure::malformed(response, "a management unit of the schedule came without its agents"));
            }
        };
        let unit_id = unit.pointer("/managementUnit/id").and_then(Value::as_str);
        let unit_id = unit_id.and_then(|id| ManagementUnitId::new(id).ok());
        for agent in agents {
            let id = agent.get("id").and_then(Value::as_str).and_then(|id| AgentId::new(id).ok());
            match (id.filter(|id| seen.insert(id.clone())), &unit_id) {
                (Some(id), Some(unit)) => roster.members.push((id, unit.clone())),
                (None, _) | (_, None) => roster.skipped += 1,
            }
        }
    }
    Ok(roster)
}

fn listed(schedule: &Value) -> Option<ScheduleListed> {
    let text = |name: &str| schedule.get(name).and_then(Value::as_str);
    // Events write the week date as a date and time, REST as a date (API.md section 6): the first ten letters are both.
    let week = text("weekDate").and_then(|date| date.get(..10)).and_then(|date| WeekDate::new(date).ok());
    let weeks = schedule.get("weekCount").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    Some(ScheduleListed {
        id: ScheduleId::new(text("id")?).ok()?,
        week,
        weeks: weeks.unwrap_or(1).max(1),
        description: failure::plain(text("description").unwrap_or_default(), 200),
        published: schedule.get("published").and_then(Value::as_bool),
        version: schedule.pointer("/metadata/version").and_then(Value::as_i64),
    })
}
