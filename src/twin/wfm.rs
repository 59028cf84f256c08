//! Business units, management units, schedules and shifts (API.md section 4).
//!
//! Must never: list the agents of a schedule that were not asked for by `expand=managementUnits.agents`.

use chrono::{Datelike, NaiveDate, TimeZone};
use serde_json::{Value, json};

use super::answer::{Answer, Problem, Reply, texts};
use super::ids::{self, Thing};
use super::router::Call;
use super::world::{DAY_MS, Kept, Schedule, Twin};
use crate::words::clock::Timestamp;
use crate::words::http::{Method, Request};

const WFM: &str = "/api/v2/workforcemanagement";
/// `weeks/recent` covers so many days to either side (API.md section 4: 26 weeks).
const RECENT_DAYS: i64 = 182;
/// How many shifts an agent has before and after the one around the anchor.
const SHIFTS_BEFORE: i64 = 6;
const SHIFTS_AFTER: i64 = 13;
/// How many answers are kept for download.
const DOWNLOADS_MAX: usize = 1_000;

impl Twin {
    fn unit_id(&self, unit: usize) -> String {
        ids::id(Thing::BusinessUnit, unit)
    }

    fn find_unit(&self, id: &str) -> Result<usize, Problem> {
        let known = |i: &usize| *i < self.scenario.org.business_units.len();
        ids::index(Thing::BusinessUnit, id).filter(known).ok_or_else(Problem::not_found)
    }

    fn unit_brief(&self, unit: usize) -> Value {
        let id = self.unit_id(unit);
        json!({
            "id": id,
            "name": self.scenario.org.business_units.get(unit),
            "division": self.division_reference(),
            "selfUri": format!("{WFM}/businessunits/{id}"),
        })
    }

    pub(super) fn business_units(&self) -> Answer {
        let units: Vec<Value> = (0..self.scenario.org.business_units.len())
            .map(|unit| {
                let mut brief = self.unit_brief(unit);
                brief["authorized"] = json!(true);
                brief
            })
            .collect();
        Reply::ok(json!({ "entities": units }))
    }

    pub(super) fn business_unit(&self, id: &str) -> Answer {
        let mut unit = self.unit_brief(self.find_unit(id)?);
        unit["settings"] = json!({
            "startDayOfWeek": self.scenario.org.start_day_of_week,
            "timeZone": self.scenario.org.time_zone,
            "metadata": { "version": 3, "dateModified": (self.anchor - 90 * DAY_MS).rfc3339() },
        });
        Reply::ok(unit)
    }

    /// Management units of a business unit: the first one has the scenario's, each other one has one of its own.
    fn units_below(&self, unit: usize) -> Vec<usize> {
        let first = self.scenario.org.management_units.len();
        if unit == 0 { (0..first).collect() } else { vec![first + unit - 1] }
    }

    fn management_unit_json(&self, at: usize) -> Value {
        let org = &self.scenario.org;
        let id = ids::id(Thing::ManagementUnit, at);
        let (name, unit) = match org.management_units.get(at) {
            Some(name) => (name.clone(), 0),
            None => ("Service".to_owned(), at - org.management_units.len() + 1),
        };
        let unit = self.unit_id(unit);
        json!({
            "id": id,
            "name": name,
            "businessUnit": { "id": unit, "selfUri": format!("{WFM}/businessunits/{unit}") },
            "startDayOfWeek": org.start_day_of_week,
            "timeZone": org.time_zone,
            "division": self.division_reference(),
            "version": 2,
            "metadata": { "version": 2, "dateModified": (self.anchor - 90 * DAY_MS).rfc3339() },
            "selfUri": format!("{WFM}/managementunits/{id}"),
        })
    }

    fn management_units_count(&self) -> usize {
        self.scenario.org.management_units.len() + self.scenario.org.business_units.len().saturating_sub(1)
    }

    fn find_management_unit(&self, id: &str) -> Result<usize, Problem> {
        let known = |i: &usize| *i < self.management_units_count();
        ids::index(Thing::ManagementUnit, id).filter(known).ok_or_else(Problem::not_found)
    }

    pub(super) fn management_units(&self) -> Answer {
        let all: Vec<Value> = (0..self.management_units_count()).map(|at| self.management_unit_json(at)).collect();
        Reply::ok(json!({ "total": all.len(), "entities": all }))
    }

    pub(super) fn management_units_of(&self, unit: &str) -> Answer {
        let below = self.units_below(self.find_unit(unit)?);
        let all: Vec<Value> = below.into_iter().map(|at| self.management_unit_json(at)).collect();
        Reply::ok(json!({ "total": all.len(), "entities": all }))
    }

    pub(super) fn management_unit(&self, id: &str) -> Answer {
        Reply::ok(self.management_unit_json(self.find_management_unit(id)?))
    }

    /// Agents of a management unit: those of its business unit are dealt out in turn.
    fn members(&self, at: usize) -> impl Iterator<Item = usize> + use<> {
        let first = self.scenario.org.management_units.len();
        let (unit, place, among) = if at < first { (0, at, first) } else { (at - first + 1, 0, 1) };
        self.agents_of(unit).skip(place).step_by(among)
    }

    fn references(&self, at: usize) -> Vec<Value> {
        self.members(at).filter_map(|i| self.user_reference(i)).collect()
    }

    pub(super) fn user_reference(&self, i: usize) -> Option<Value> {
        let id = self.agents.get(i)?.id.as_str();
        Some(json!({ "id": id, "selfUri": format!("/api/v2/users/{id}") }))
    }

    fn management_reference(at: usize) -> Value {
        let id = ids::id(Thing::ManagementUnit, at);
        json!({ "id": id, "selfUri": format!("{WFM}/managementunits/{id}") })
    }

    pub(super) fn management_unit_users(&self, id: &str) -> Answer {
        let at = self.find_management_unit(id)?;
        Reply::ok(json!({ "entities": self.references(at) }))
    }

    pub(super) fn business_unit_users(&self, id: &str) -> Answer {
        let below = self.units_below(self.find_unit(id)?);
        let listed: Vec<Value> = below
            .into_iter()
            .map(|at| json!({ "managementUnit": Self::management_reference(at), "users": self.references(at) }))
            .collect();
        Reply::ok(json!({ "managementUnits": listed }))
    }

    fn schedule_path(&self, at: usize, schedule: &Schedule) -> String {
        let (unit, id) = (self.unit_id(schedule.unit), ids::id(Thing::Schedule, at));
        format!("{WFM}/businessunits/{unit}/weeks/{}/schedules/{id}", schedule.week)
    }

    pub(super) fn schedule_brief(&self, at: usize) -> Option<Value> {
        let schedule = self.schedules.get(at)?;
        Some(json!({
            "id": ids::id(Thing::Schedule, at),
            "weekDate": schedule.week.to_string(),
            "weekCount": 1,
            "description": schedule.description,
            "published": schedule.published,
            "metadata": {
                "version": schedule.version,
                "dateModified": schedule.modified.rfc3339(),
                "modifiedBy": { "id": ids::id(Thing::Client, 0) },
            },
            "selfUri": self.schedule_path(at, schedule),
        }))
    }

    /// The schedule behind a path; its week and business unit must be right as well.
    pub(super) fn find_schedule(&self, unit: &str, week: &str, id: &str) -> Result<usize, Problem> {
        let unit = self.find_unit(unit)?;
        let week: NaiveDate = week.parse().map_err(|_| Problem::bad("The week must be a date, yyyy-MM-dd."))?;
        let at = ids::index(Thing::Schedule, id).ok_or_else(Problem::not_found)?;
        let right = self.schedules.get(at).is_some_and(|s| s.unit == unit && s.week == week && s.kept == Kept::There);
        if right { Ok(at) } else { Err(Problem::not_found()) }
    }

    pub(super) fn week_schedules(&self, unit: &str, week: &str) -> Answer {
        let unit = self.find_unit(unit)?;
        let day: Option<NaiveDate> = week.parse().ok();
        if day.is_none() && week != "recent" {
            return Err(Problem::bad("The week must be a date, yyyy-MM-dd, or recent."));
        }
        let today = self.now.utc().date_naive();
        let wanted = |s: &Schedule| match day {
            Some(day) => s.week == day,
            None => (s.week - today).num_days().abs() <= RECENT_DAYS,
        };
        let own =
            self.schedules.iter().enumerate().filter(|(_, s)| s.unit == unit && s.kept == Kept::There && wanted(s));
        let entities: Vec<Value> = own.filter_map(|(at, _)| self.schedule_brief(at)).collect();
        Reply::ok(json!({ "entities": entities }))
    }

    pub(super) fn one_schedule(&self, call: &Call<'_>, unit: &str, week: &str, id: &str) -> Answer {
        let at = self.find_schedule(unit, week, id)?;
        let expand = call.query.list("expand");
        let with_agents = expand.contains(&"managementUnits.agents");
        let mut body = self.schedule_brief(at).ok_or_else(Problem::not_found)?;
        let Some(schedule) = self.schedules.get(at) else { return Err(Problem::not_found()) };
        let (start, end) = self.bounds(schedule);
        let below = self.units_below(schedule.unit);
        let units: Vec<Value> = below
            .into_iter()
            .map(|at| {
                let agents = if with_agents { self.references(at) } else { Vec::new() };
                json!({
                    "managementUnit": Self::management_reference(at),
                    "agentCount": self.members(at).count(),
                    "startDate": start.rfc3339(),
                    "endDate": end.rfc3339(),
                    "agents": agents,
                })
            })
            .collect();
        body["managementUnits"] = Value::Array(units);
        Reply::ok(body)
    }

    /// `DELETE …/schedules/{id}`. Answered as work in the background; here it is done at once.
    pub(super) fn delete_schedule(&mut self, unit: &str, week: &str, id: &str) -> Answer {
        let at = self.find_schedule(unit, week, id)?;
        if let Some(schedule) = self.schedules.get_mut(at) {
            (schedule.kept, schedule.published) = (Kept::Deleted, false);
        }
        Reply::json(202, json!({ "status": "Processing" }))
    }

    fn bounds(&self, schedule: &Schedule) -> (Timestamp, Timestamp) {
        (self.week.midnight(schedule.week), self.week.midnight(schedule.week + chrono::Days::new(7)))
    }

    /// The starts of an agent's shifts: the one around the anchor, and one at the same hour on working days around it.
    fn shifts(&self, i: usize) -> impl Iterator<Item = (Timestamp, i64)> + '_ {
        let shift = self.agents.get(i).map(|a| (a.shift_start, a.shift_end.since_ms(a.shift_start) / 60_000));
        (-SHIFTS_BEFORE..=SHIFTS_AFTER).filter_map(move |day| {
            let (start, minutes) = shift?;
            let at = start + day * DAY_MS;
            let local = self.week.zone.from_utc_datetime(&at.utc().naive_utc());
            (day == 0 || local.weekday().num_days_from_monday() < 5).then_some((at, minutes))
        })
    }

    fn shift_json(&self, i: usize, schedule: usize, start: Timestamp, minutes: i64) -> Value {
        let day = start.since_ms(self.anchor).div_euclid(DAY_MS) + 1_000;
        json!({
            "id": ids::id(Thing::Shift, i * 4_096 + usize::try_from(day).unwrap_or(0)),
            "startDate": start.rfc3339(),
            "lengthMinutes": minutes,
            "activities": [{
                "startDate": start.rfc3339(),
                "lengthMinutes": minutes,
                "description": "On queue",
                "activityCodeId": "0",
                "paid": true,
            }],
            "manuallyEdited": false,
            "schedule": {
                "id": ids::id(Thing::Schedule, schedule),
                "weekDate": self.schedules.get(schedule).map(|s| s.week.to_string()),
                "selfUri": self.schedules.get(schedule).map(|s| self.schedule_path(schedule, s)),
            },
        })
    }

    fn agent_shifts(&self, i: usize, schedule: usize, from: Timestamp, until: Timestamp) -> Vec<Value> {
        let within = self.shifts(i).filter(|(at, minutes)| *at + minutes * 60_000 > from && *at < until);
        within.map(|(at, minutes)| self.shift_json(i, schedule, at, minutes)).collect()
    }

    /// Agents asked for by id, or everybody of a business unit with agents.
    fn asked_for(&self, body: &Value, everybody: Vec<usize>) -> Result<Vec<usize>, Problem> {
        match texts(body, "userIds") {
            Some(ids) if !ids.is_empty() => Ok(ids.into_iter().filter_map(|id| self.find_agent(id).ok()).collect()),
            Some(_) => Ok(everybody),
            None if body.get("userIds").is_some_and(|v| !v.is_null()) => {
                Err(Problem::bad("userIds must be a list of ids."))
            }
            None => Ok(everybody),
        }
    }

    /// `POST …/agentschedules/search`: shifts of published schedules between two instants.
    pub(super) fn search_shifts(&mut self, call: &Call<'_>, unit: &str) -> Answer {
        let unit = self.find_unit(unit)?;
        let body = call.json()?;
        let instant = |name: &str| body.get(name).and_then(Value::as_str).and_then(Timestamp::parse_rfc3339);
        let (Some(from), Some(until)) = (instant("startDate"), instant("endDate")) else {
            return Err(Problem::bad("startDate and endDate are required, as instants in ISO 8601."));
        };
        let agents = self.asked_for(&body, self.agents_of(unit).collect())?;
        let published: Vec<(usize, Timestamp, Timestamp)> = self
            .schedules
            .iter()
            .enumerate()
            .filter(|(_, s)| s.unit == unit && s.published)
            .map(|(at, s)| (at, self.bounds(s).0.max(from), self.bounds(s).1.min(until)))
            .filter(|(_, from, until)| from < until)
            .collect();
        let listed: Vec<Value> = agents
            .into_iter()
            .map(|i| {
                let shifts = published.iter().flat_map(|(at, from, until)| self.agent_shifts(i, *at, *from, *until));
                json!({ "user": self.user_reference(i), "shifts": shifts.collect::<Vec<_>>(), "fullDayTimeOffMarkers": [] })
            })
            .collect();
        let references: Vec<Value> = published
            .iter()
            .filter_map(|(at, _, _)| self.schedule_brief(*at))
            .map(|s| json!({ "id": s["id"], "weekDate": s["weekDate"], "weekCount": 1, "selfUri": s["selfUri"] }))
            .collect();
        let result = json!({
            "agentSchedules": listed,
            "businessUnitTimeZone": self.scenario.org.time_zone,
            "publishedSchedules": references,
        });
        self.give_result(call, result)
    }

    /// `POST …/schedules/{id}/agentschedules/query`: shifts of one schedule, published or not.
    pub(super) fn query_shifts(&mut self, call: &Call<'_>, unit: &str, week: &str, id: &str) -> Answer {
        let at = self.find_schedule(unit, week, id)?;
        let body = call.json()?;
        let management = body.get("managementUnitId").and_then(Value::as_str);
        let management = management.ok_or_else(|| Problem::bad("managementUnitId is required."))?;
        let members: Vec<usize> = self.members(self.find_management_unit(management)?).collect();
        let agents = self.asked_for(&body, members)?;
        let Some(schedule) = self.schedules.get(at) else { return Err(Problem::not_found()) };
        let (from, until) = self.bounds(schedule);
        let version = schedule.version;
        let listed: Vec<Value> = agents
            .into_iter()
            .map(|i| {
                json!({
                    "user": self.user_reference(i),
                    "shifts": self.agent_shifts(i, at, from, until),
                    "fullDayTimeOffMarkers": [],
                    "metadata": { "version": version },
                })
            })
            .collect();
        let result = json!({ "agentSchedules": listed, "businessUnitTimeZone": self.scenario.org.time_zone });
        self.give_result(call, result)
    }

    /// The result in the answer, or behind a `downloadUrl` when the caller or the scenario says so.
    fn give_result(&mut self, call: &Call<'_>, result: Value) -> Answer {
        let by_download = self.scenario.faults.schedules_by_download || call.query.flag("forceDownloadService");
        if !by_download || self.downloads.len() >= DOWNLOADS_MAX {
            return Reply::ok(json!({ "status": "Complete", "result": result }));
        }
        let number = self.downloads.len();
        self.downloads.push(result);
        let url = format!("{}/twin-download/{number}", self.base_url);
        Reply::ok(json!({ "status": "Complete", "downloadUrl": url }))
    }

    /// A kept result; like the upload, on another host and without an Authorization.
    pub(super) fn give_download(&self, request: &Request, number: &str) -> Answer {
        if request.method != Method::Get {
            return Err(Problem::not_found());
        }
        if request.header_value("authorization").is_some() {
            return Err(Problem::bad("Only one auth mechanism allowed: send no Authorization header."));
        }
        let kept = number.parse::<usize>().ok().and_then(|n| self.downloads.get(n));
        Reply::ok(kept.ok_or_else(Problem::not_found)?.clone())
    }
}
