//! Agents' shifts: from the published schedules, or from one schedule whether published or not (API.md section 4).
//!
//! Must never: stop a staging because shifts are not to be had; they set the order of help, nothing else.

use std::collections::BTreeMap;

use reqwest::Url;
use serde_json::{Value, json};

use crate::hands::genesys::ask::{Ask, Credential, Place};
use crate::hands::genesys::client::Client;
use crate::hands::genesys::publish::schedule_path;
use crate::hands::genesys::staging::read::read;
use crate::hands::genesys::{failure, hosts};
use crate::law::command::Failure;
use crate::words::clock::Timestamp;
use crate::words::http::{Method, Response};
use crate::words::id::{AgentId, BusinessUnitId, ManagementUnitId, ScheduleId, WeekDate};

/// Agents in one request: 1,000 ids are 40 kB, far below the platform's 512,000 bytes (API.md section 3). A limit of
/// their number is not documented, UNCERTAIN.
const IDS_MAX: usize = 1_000;

/// One shift of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shift {
    /// When it starts.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
}

/// The shifts that could be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shifts {
    /// By agent, in order of their start. An agent without an entry has no shift, or it could not be read.
    pub of: BTreeMap<AgentId, Vec<Shift>>,
    /// Why some shifts could not be read, if so.
    pub unknown: Option<String>,
}

/// The start of the shift that runs at `at`, or else of the next one.
#[must_use]
pub fn running_or_next(shifts: &[Shift], at: Timestamp) -> Option<Timestamp> {
    shifts.iter().filter(|shift| shift.end > at).map(|shift| shift.start).min()
}

/// Shifts in the published schedules between two instants.
///
/// # Errors
/// Why the platform could not be read. Answers that come later or from elsewhere are no error: those shifts are unknown.
pub async fn shift_starts(
    client: &Client,
    unit: &BusinessUnitId,
    from: Timestamp,
    to: Timestamp,
    agents: &[AgentId],
) -> Result<Shifts, Failure> {
    let path = format!("/api/v2/workforcemanagement/businessunits/{unit}/agentschedules/search");
    let mut shifts = Shifts::default();
    for batch in agents.chunks(IDS_MAX) {
        let ids: Vec<&str> = batch.iter().map(AgentId::as_str).collect();
        let body = json!({"startDate": from.rfc3339(), "endDate": to.rfc3339(), "userIds": ids});
        add(client, Ask::api(Method::Post, path.clone()).json(&body), &mut shifts).await?;
    }
    Ok(shifts)
}

/// Shifts in one schedule, published or not, of one management unit's agents.
///
/// # Errors
/// As [`shift_starts`].
pub async fn shift_starts_in(
    client: &Client,
    unit: &BusinessUnitId,
    week: WeekDate,
    schedule: &ScheduleId,
    management_unit: &ManagementUnitId,
    agents: &[AgentId],
) -> Result<Shifts, Failure> {
    let path = format!("{}/agentschedules/query", schedule_path(unit, week, schedule));
    let mut shifts = Shifts::default();
    for batch in agents.chunks(IDS_MAX) {
        let ids: Vec<&str> = batch.iter().map(AgentId::as_str).collect();
        let body = json!({"managementUnitId": management_unit.as_str(), "userIds": ids});
        add(client, Ask::api(Method::Post, path.clone()).json(&body), &mut shifts).await?;
    }
    Ok(shifts)
}

async fn add(client: &Client, ask: Ask, shifts: &mut Shifts) -> Result<(), Failure> {
    let response = read(client, ask).await?;
    let body = response.value();
    match body_of(&body) {
        Body::Here(result) => merge(result, shifts),
        Body::Elsewhere(url) => match download(client, url).await {
            Ok(result) => merge(body_of_download(&result), shifts),
            Err(failure) => {
                shifts.unknown = Some(format!("the shifts could not be downloaded: {}", failure.message));
            }
        },
        Body::Missing(why) => shifts.unknown = Some(why.to_owned()),
    }
    Ok(())
}

/// Where an answer's shifts are.
#[derive(Debug, PartialEq)]
pub enum Body<'a> {
    /// In the answer.
    Here(&'a Value),
    /// At this address, for whoever has it.
    Elsewhere(&'a str),
    /// Nowhere yet.
    Missing(&'static str),
}

/// Where the shifts of an answer are (API.md section 4: in it, in a download, or not ready).
#[must_use]
pub fn body_of(body: &Value) -> Body<'_> {
    if let Some(result) = body.get("result").filter(|result| result.get("agentSchedules").is_some()) {
        return Body::Here(result);
    }
    if let Some(url) = body.get("downloadUrl").and_then(Value::as_str).filter(|url| !url.is_empty()) {
        return Body::Elsewhere(url);
    }
    match body.get("status").and_then(Value::as_str) {
        Some("Processing") => Body::Missing("the platform is still gathering the shifts"),
        Some("Complete") => Body::Missing("the platform's answer holds no shifts"),
        Some(_) | None => Body::Missing("the platform could not gather the shifts"),
    }
}

/// A download may be the result alone or the whole answer.
fn body_of_download(download: &Value) -> &Value {
    download.get("result").unwrap_or(download)
}

async fn download(client: &Client, url: &str) -> Result<Value, Failure> {
    if !Url::parse(url).is_ok_and(|url| hosts::is_private(&url)) {
        return Err(failure::malformed(&Response::new(200), "its address is not https"));
    }
    let ask = Ask::new(Method::Get, Place::Outright(url.to_owned()), Credential::Nobody);
    Ok(read(client, ask).await?.value())
}

/// Adds the shifts of a result; what cannot be read is left out.
pub fn merge(result: &Value, shifts: &mut Shifts) {
    for schedule in result.get("agentSchedules").and_then(Value::as_array).into_iter().flatten() {
        let agent = schedule.pointer("/user/id").and_then(Value::as_str).and_then(|id| AgentId::new(id).ok());
        let Some(agent) = agent else { continue };
        let read = schedule.get("shifts").and_then(Value::as_array).into_iter().flatten().filter_map(shift);
        let of = shifts.of.entry(agent).or_default();
        of.extend(read);
        of.sort_unstable();
    }
}

fn shift(shift: &Value) -> Option<Shift> {
    let start = Timestamp::parse_rfc3339(shift.get("startDate")?.as_str()?)?;
    let minutes = shift.get("lengthMinutes").and_then(Value::as_i64).unwrap_or(0);
    // A week bounds what a strange answer can do.
    Some(Shift { start, end: start + minutes.clamp(0, 10_080) * 60_000 })
}
