//! What staging reads: decoders first, then the few paths that have a decision in them, over the loopback.

use serde_json::{Value, json};

use super::wire::{Served, serve};
use crate::hands::genesys::staging::*;
use crate::hands::genesys::staging::{rights, schedules, shifts, units};
use crate::law::command::FailureKind;
use crate::words::clock::Timestamp;
use crate::words::http::{Request, Response};
use crate::words::id::{AgentId, BusinessUnitId, ScheduleId, WeekDate};

const UNITS: &str = "/api/v2/workforcemanagement/businessunits";

fn ok(body: &Value) -> Response {
    Response::new(200).json(body)
}

fn unit() -> BusinessUnitId {
    BusinessUnitId::new("bu-1").unwrap()
}

fn week() -> WeekDate {
    WeekDate::new("2026-11-23").unwrap()
}

#[test]
fn a_roster_holds_every_agent_once() {
    let body = json!({"id": "sch-1", "weekDate": "2026-11-23T00:00:00Z", "published": false, "metadata": {"version": 3},
        "description": "Draft\u{7}", "managementUnits": [
        {"managementUnit": {"id": "mu-1"}, "agentCount": 2, "agents": [{"id": "a"}, {"id": "b"}]},
        {"managementUnit": {"id": "mu-2"}, "agentCount": 3, "agents": [{"id": "c"}, {"id": "a"}, {"id": "bad id"}]},
        {"managementUnit": {"id": "mu-3"}, "agentCount": 0},
    ]});
    let roster = schedules::roster_in(&ok(&body)).unwrap();
    let members: Vec<(&str, &str)> = roster.members.iter().map(|(a, u)| (a.as_str(), u.as_str())).collect();
    assert_eq!(members, [("a", "mu-1"), ("b", "mu-1"), ("c", "mu-2")]);
    assert_eq!((roster.skipped, roster.schedule.version, roster.schedule.week), (2, Some(3), Some(week())));
    assert_eq!(roster.schedule.description, "Draft");
}

#[test]
fn a_schedule_without_its_agents_is_not_an_empty_one() {
    let with = |unit: Value| json!({"id": "sch-1", "managementUnits": [unit]});
    for body in [
        json!({"id": "sch-1"}),
        with(json!({"managementUnit": {"id": "mu"}, "agentCount": 2})),
        with(json!({"managementUnit": {"id": "mu"}, "agentCount": 2, "agents": []})),
        with(json!({"managementUnit": {"id": "mu"}})),
    ] {
        assert_eq!(schedules::roster_in(&ok(&body)).unwrap_err().kind, FailureKind::Malformed, "{body}");
    }
    let empty = with(json!({"managementUnit": {"id": "mu"}, "agents": []}));
    assert_eq!(schedules::roster_in(&ok(&empty)).unwrap().members, []);
}

#[test]
fn shifts_are_sorted_and_the_running_one_comes_first() {
    let shift = |start: &str, minutes: i64| json!({"startDate": start, "lengthMinutes": minutes});
    let result = json!({"agentSchedules": [
        {"user": {"id": "a"}, "shifts": [shift("1970-01-02T00:00:00Z", 60), shift("1970-01-01T00:00:00Z", 60), {}]},
        {"user": {}, "shifts": [shift("1970-01-01T00:00:00Z", 60)]},
    ]});
    let mut read = Shifts::default();
    shifts::merge(&result, &mut read);
    let of = &read.of[&AgentId::new("a").unwrap()];
    assert_eq!((read.of.len(), of.len()), (1, 2));
    assert_eq!(running_or_next(of, Timestamp(59 * 60_000)), Some(Timestamp(0)));
    assert_eq!(running_or_next(of, Timestamp(60 * 60_000)), Some(Timestamp(86_400_000)));
    assert_eq!(running_or_next(of, Timestamp(90_000_000)), None);
}

#[test]
fn permissions_know_wildcards() {
    let policy = |domain: &str, entity: &str, actions: &[&str]| json!({"domain": domain, "entityName": entity, "actions": actions});
    let body = json!({"grants": [{"role": {"policies": [
        policy("wfm", "schedule", &["view"]), policy("telephony", "plugin", &["all"]), policy("directory", "*", &["*"])]}}, {}]});
    let held = rights::permissions_in(&ok(&body)).unwrap();
    for (permission, allowed) in [
        ("wfm:schedule:view", true),
        ("WFM:Schedule:View", true),
        ("wfm:schedule:edit", false),
        ("directory:user:view", true),
        ("telephony:plugin:all", true),
        ("telephony:plugin", false),
        ("wfm:schedule:view:more", false),
        ("", false),
    ] {
        assert_eq!(held.allows(permission), allowed, "{permission}");
    }
    assert_eq!(held.missing(&["wfm:schedule:view", "wfm:schedule:edit"]), ["wfm:schedule:edit"]);
    assert!(rights::permissions_in(&ok(&json!({}))).is_err());
}

fn two_units(request: &Request) -> Option<Response> {
    let listing = json!({"entities": [{"id": "bu-1", "name": "Sales"}, {"id": "bu-2", "name": "Support"},
        {"id": "not an id", "name": "Broken"}]});
    match request.path() {
        UNITS => Some(ok(&listing)),
        path if path == format!("{UNITS}/bu-1") => Some(ok(&json!({"id": "bu-1", "name": "Sales",
            "settings": {"timeZone": "America/Chicago", "startDayOfWeek": "Monday"}}))),
        _ => None,
    }
}

#[tokio::test]
async fn a_business_unit_is_found_by_name_with_its_settings() {
    let Served { client, .. } = serve(two_units).await;
    let Ok(Found::One(found)) = business_unit(&client, "sales").await else { panic!("by name") };
    assert_eq!((found.id, found.time_zone.as_deref()), (unit(), Some("America/Chicago")));
    assert_eq!(found.start_day_of_week.as_deref(), Some("Monday"));
    let Ok(Found::Nothing(all)) = business_unit(&client, "Marketing").await else { panic!("nothing of that name") };
    assert_eq!(all.len(), 2);
    let unknown = "00000000-0000-4000-8000-000000000001";
    assert!(matches!(business_unit(&client, unknown).await, Ok(Found::Nothing(_))));
}

#[tokio::test]
async fn a_schedule_is_found_by_description_or_as_the_only_draft() {
    let Served { client, .. } = serve(|request| {
        let listing = json!({"entities": [
            {"id": "s-1", "description": "Week 48", "published": true, "metadata": {"version": 9}},
            {"id": "s-2", "description": "Week 48 draft", "published": false, "metadata": {"version": 2}}]});
        let week = format!("{UNITS}/bu-1/weeks/2026-11-23/schedules");
        (request.path() == week).then(|| ok(&listing))
    })
    .await;
    let id = |found| match found {
        Ok(Found::One(ScheduleListed { id, .. })) => id,
        other => panic!("{other:?}"),
    };
    assert_eq!(id(schedule(&client, &unit(), week(), None).await), ScheduleId::new("s-2").unwrap());
    assert_eq!(id(schedule(&client, &unit(), week(), Some("week 48")).await), ScheduleId::new("s-1").unwrap());
    let other_week = WeekDate::new("2026-11-30").unwrap();
    assert_eq!(schedules(&client, &unit(), other_week).await.unwrap_err().kind, FailureKind::NotFound);
}

#[tokio::test]
async fn shifts_that_come_later_or_from_elsewhere_are_no_error() {
    let agents = [AgentId::new("a").unwrap()];
    let search = format!("{UNITS}/bu-1/agentschedules/search");
    for (answer, known) in [
        (json!({"status": "Processing", "operationId": "op"}), false),
        (json!({"status": "Complete", "downloadUrl": "http://elsewhere.example.org/x"}), false),
        (json!({"status": "Complete", "downloadUrl": "SELF/missing"}), false),
        (json!({"status": "Complete", "downloadUrl": "SELF/shifts"}), true),
        (json!({"status": "Complete", "result": {"agentSchedules": []}}), true),
    ] {
        let search = search.clone();
        let shown = answer.to_string();
        let Served { client, requests } = serve(move |request| {
            let here = request.url.split("/api").next().unwrap_or_default().to_owned();
            match request.path() {
                path if path == search => {
                    let mut response = Response::new(200);
                    response.body = answer.to_string().replace("SELF", &here).into_bytes();
                    Some(response)
                }
                "/shifts" => {
                    assert_eq!(request.header_value("authorization"), None);
                    Some(ok(&json!({"result": {"agentSchedules": [{"user": {"id": "a"}, "shifts": []}]}})))
                }
                _ => None,
            }
        })
        .await;
        let shifts = shift_starts(&client, &unit(), Timestamp(0), Timestamp(86_400_000), &agents).await.unwrap();
        assert_eq!(shifts.unknown.is_none(), known, "{shown}: {shifts:?}");
        let requests = requests.lock().unwrap();
        let body: Value = requests
            .iter()
            .find(|r| r.path().ends_with("/search"))
            .map(|r| serde_json::from_slice(&r.body).unwrap())
            .unwrap();
        assert_eq!(
            body,
            json!({"startDate": "1970-01-01T00:00:00.000Z", "endDate": "1970-01-02T00:00:00.000Z",
            "userIds": ["a"]})
        );
    }
}

#[tokio::test]
async fn limits_that_are_not_told_are_none() {
    for (status, told) in [(200, Some(300)), (403, None), (404, None)] {
        let Served { client, .. } = serve(move |_| {
            let body = json!({"entities": [{"key": "token.rate.per.minute", "value": 300}, {"key": "x"}]});
            Some(Response::new(status).json(&body))
        })
        .await;
        let limits = limits(&client).await.unwrap();
        assert_eq!(limits.and_then(|limits| limits.get("token.rate.per.minute").copied()), told);
    }
}

#[tokio::test]
async fn a_client_that_may_not_see_its_permissions_is_told_so() {
    let Served { client, .. } =
        serve(|_| Some(Response::new(400).json(&json!({"code": "not.a.user", "message": "no user"})))).await;
    let refused = permissions(&client).await.unwrap_err();
    assert_eq!(refused.code.as_deref(), Some("not.a.user"));
    assert!(refused.message.starts_with("the platform does not tell this client"), "{refused}");
}

#[test]
fn a_business_unit_that_is_another_is_refused() {
    let body = json!({"id": "bu-2", "name": "Other"});
    assert_eq!(units::unit_in(&ok(&body), &unit()).unwrap_err().kind, FailureKind::Malformed);
}
