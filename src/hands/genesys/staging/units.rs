//! Business units and the names of users.
//!
//! Must never: take a unit whose name is only like the one asked for.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::hands::genesys::ask::Ask;
use crate::hands::genesys::client::Client;
use crate::hands::genesys::failure;
use crate::hands::genesys::staging::find::{self, Candidate, Found};
use crate::hands::genesys::staging::read::read;
use crate::law::command::{Failure, FailureKind};
use crate::words::http::{Method, Response};
use crate::words::id::{AgentId, BusinessUnitId, is_uuid};

const UNITS: &str = "/api/v2/workforcemanagement/businessunits";

/// Users in one call (API.md section 7; today's value UNCERTAIN).
const IDS_MAX: usize = 100;

/// A business unit as staging needs it (API.md section 4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusinessUnitFound {
    /// Its id.
    pub id: BusinessUnitId,
    /// Its name.
    pub name: String,
    /// `settings.timeZone`, an IANA name, where the platform gives it.
    pub time_zone: Option<String>,
    /// `settings.startDayOfWeek`, e.g. `Monday`, where the platform gives it.
    pub start_day_of_week: Option<String>,
}

/// The business unit of this id or name, with its settings.
///
/// # Errors
/// Why the platform could not be read.
pub async fn business_unit(client: &Client, wanted: &str) -> Result<Found<BusinessUnitFound>, Failure> {
    let wanted = wanted.trim();
    // An id needs no list, and a publisher that sees one unit only may not see the list.
    if let Some(id) = BusinessUnitId::new(wanted).ok().filter(|_| is_uuid(wanted)) {
        match with_settings(client, &id).await {
            Err(failure) if failure.kind == FailureKind::NotFound => {}
            found => return found.map(Found::One),
        }
    }
    let label = |(id, name): &(BusinessUnitId, String)| Candidate { id: id.to_string(), name: name.clone() };
    match find::pick(business_units(client).await?, wanted, label) {
        Found::One((id, _)) => with_settings(client, &id).await.map(Found::One),
        Found::Several(candidates) => Ok(Found::Several(candidates)),
        Found::Nothing(candidates) => Ok(Found::Nothing(candidates)),
    }
}

/// Every business unit that the publisher sees, by id and name.
///
/// # Errors
/// Why the platform could not be read.
pub async fn business_units(client: &Client) -> Result<Vec<(BusinessUnitId, String)>, Failure> {
    units_in(&read(client, Ask::api(Method::Get, UNITS)).await?)
}

async fn with_settings(client: &Client, id: &BusinessUnitId) -> Result<BusinessUnitFound, Failure> {
    let expands = "expand=settings.timeZone&expand=settings.startDayOfWeek";
    unit_in(&read(client, Ask::api(Method::Get, format!("{UNITS}/{id}?{expands}"))).await?, id)
}

/// Every agent of a business unit, in one call (API.md section 4).
///
/// # Errors
/// Why the platform could not be read.
pub async fn agents_of(client: &Client, unit: &BusinessUnitId) -> Result<Vec<AgentId>, Failure> {
    agents_in(&read(client, Ask::api(Method::Get, format!("{UNITS}/{unit}/users"))).await?)
}

/// The agents of a listing by management unit.
///
/// # Errors
/// A malformed answer when it has no list.
pub fn agents_in(response: &Response) -> Result<Vec<AgentId>, Failure> {
    let body = response.value();
    let Some(units) = body.get("managementUnits").and_then(Value::as_array) else {
        return Err(failure::malformed(response, "the answer holds no list of management units"));
    };
    let users = units.iter().filter_map(|unit| unit.get("users").and_then(Value::as_array)).flatten();
    Ok(users.filter_map(|user| AgentId::new(user.get("id")?.as_str()?).ok()).collect())
}

/// The business units of a listing.
///
/// # Errors
/// A malformed answer when it has no list.
pub fn units_in(response: &Response) -> Result<Vec<(BusinessUnitId, String)>, Failure> {
    let body = response.value();
    let Some(units) = body.get("entities").and_then(Value::as_array) else {
        return Err(failure::malformed(response, "the answer holds no list of business units"));
    };
    let unit = |unit: &Value| {
        let id = BusinessUnitId::new(unit.get("id")?.as_str()?).ok()?;
        Some((id, name_of(unit)))
    };
    Ok(units.iter().filter_map(unit).collect())
}

/// One business unit with its settings.
///
/// # Errors
/// A malformed answer when it is about no or another unit.
pub fn unit_in(response: &Response, id: &BusinessUnitId) -> Result<BusinessUnitFound, Failure> {
    let body = response.value();
    if body.get("id").and_then(Value::as_str) != Some(id.as_str()) {
        return Err(failure::malformed(response, "the answer is not about the business unit that was asked for"));
    }
    let setting = |path: &str| body.pointer(path).and_then(Value::as_str).map(str::to_owned);
    Ok(BusinessUnitFound {
        id: id.clone(),
        name: name_of(&body),
        time_zone: setting("/settings/timeZone"),
        start_day_of_week: setting("/settings/startDayOfWeek"),
    })
}

/// The names of users, in calls of 100. Users that the platform does not know are left out.
///
/// # Errors
/// Why the platform could not be read.
pub async fn names(client: &Client, ids: &[AgentId]) -> Result<BTreeMap<AgentId, String>, Failure> {
    let mut names = BTreeMap::new();
    for batch in ids.chunks(IDS_MAX) {
        let list: String = batch.iter().map(|id| format!("&id={id}")).collect();
        let ask = Ask::api(Method::Get, format!("/api/v2/users?pageSize={}&state=any{list}", batch.len()));
        names.extend(names_in(&read(client, ask).await?)?);
    }
    Ok(names)
}

/// The users of a listing, by id and name.
///
/// # Errors
/// A malformed answer when it has no list.
pub fn names_in(response: &Response) -> Result<Vec<(AgentId, String)>, Failure> {
    let body = response.value();
    let Some(users) = body.get("entities").and_then(Value::as_array) else {
        return Err(failure::malformed(response, "the answer holds no list of users"));
    };
    let user = |user: &Value| {
        let id = AgentId::new(user.get("id")?.as_str()?).ok()?;
        Some((id, name_of(user))).filter(|(_, name)| !name.is_empty())
    };
    Ok(users.iter().filter_map(user).collect())
}

/// A name as a person may read it: it is shown on terminals and pages, so it carries no control characters.
fn name_of(entity: &Value) -> String {
    failure::plain(entity.get("name").and_then(Value::as_str).unwrap_or_default(), 120)
}
