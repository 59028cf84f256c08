//! Schedules: listing, versions, the four steps of an update, what can go wrong with it.

use serde_json::{Value, json};

use super::kit::{Desk, anchor, gzip, struck};
use crate::twin::scenario::{AgentsIn, KindCounts, PublishOutcome, Scenario, StaleVersion, UpdateAnswer};
use crate::words::http::{Method, Request};

fn with(change: impl FnOnce(&mut Scenario)) -> Desk {
    let mut scenario = Scenario::default();
    change(&mut scenario);
    Desk::new(scenario)
}

#[test]
fn a_publish_takes_its_time_and_then_takes_the_week_over() {
    let mut desk = with(|_| {});
    let draft = desk.draft();
    let answer = desk.publish_with(&json!({}));
    assert_eq!((answer.status, answer.value()["status"].clone()), (202, json!("Processing")));
    desk.wait_s(24);
    assert_eq!(desk.get(&draft)["published"], false);
    desk.wait_s(1);
    let published = desk.get(&draft);
    assert_eq!((published["published"].clone(), published["metadata"]["version"].clone()), (json!(true), json!(8)));
    // Another schedule of the same week takes over in turn.
    let other = desk.draft();
    assert_ne!(other, draft);
    assert_eq!(desk.publish_with(&json!({})).status, 202);
    desk.wait_s(25);
    assert_eq!(
        (desk.get(&draft)["published"].clone(), desk.get(&other)["published"].clone()),
        (json!(false), json!(true))
    );
    let unit = desk.business_unit();
    let recent = desk.get(&format!("/api/v2/workforcemanagement/businessunits/{unit}/weeks/recent/schedules"));
    let listed = recent["entities"].as_array().unwrap();
    assert_eq!(listed.len(), 3);
    let last = listed.iter().find(|s| s["weekDate"] == "2026-11-23").unwrap();
    assert_eq!(last["published"], true, "the week before stays published");
}

#[test]
fn every_agent_is_in_the_schedule_and_only_when_asked_for() {
    let mut desk = Desk::new(Scenario::named("calm").unwrap());
    let draft = desk.draft();
    let count = |schedule: &Value| {
        let units = schedule["managementUnits"].as_array().unwrap();
        units.iter().map(|u| u["agents"].as_array().unwrap().len()).sum::<usize>()
    };
    assert_eq!(count(&desk.get(&draft)), 0);
    assert_eq!(count(&desk.get(&format!("{draft}?expand=managementUnits.agents"))), 40);
    let unit = desk.business_unit();
    let users = desk.get(&format!("/api/v2/workforcemanagement/businessunits/{unit}/users"));
    let listed: usize =
        users["managementUnits"].as_array().unwrap().iter().map(|u| u["users"].as_array().unwrap().len()).sum();
    assert_eq!(listed, 40);
}

#[test]
fn the_upload_wants_its_headers_and_no_authorization() {
    let mut desk = with(|_| {});
    let draft = desk.draft();
    let target = desk.post(&format!("{draft}/update/uploadurl"), &json!({ "contentLengthBytes": 9 })).value();
    let key = target["uploadKey"].as_str().unwrap().to_owned();
    let put = |headers: &[(&str, &str)], body: Vec<u8>| {
        let mut request = Request::new(Method::Put, target["url"].as_str().unwrap());
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        request.body = body;
        request
    };
    let body = gzip(b"{\"metadata\":{\"version\":7},\"published\":true}");
    let now = desk.now;
    let right = ("x-twin-upload", key.as_str());
    assert_eq!(desk.twin.handle(now, &put(&[right, ("authorization", "Bearer x")], body.clone())).status, 400);
    assert_eq!(desk.twin.handle(now, &put(&[], body.clone())).status, 403);
    assert_eq!(desk.twin.handle(now, &put(&[right], b"{}".to_vec())).status, 400);
    assert_eq!(desk.twin.handle(now, &put(&[right], body.get(..20).unwrap().to_vec())).status, 400);
    assert_eq!(desk.update(&draft, &key).status, 400, "nothing uploaded yet");
    assert_eq!(desk.twin.handle(now, &put(&[right], body)).status, 200);
    assert_eq!(desk.update(&draft, "0-0000000000000000").status, 400);
    assert_eq!(desk.update(&draft, &key).status, 202);
    assert_eq!(desk.twin.truth().counters.update_posts, 3);
    assert_eq!(desk.twin.truth().counters.updates_refused, 2);
    assert_eq!(desk.post(&format!("{draft}/update/uploadurl"), &json!({})).status, 400);
}

/// Two updates from the same version, the second at once; gives both statuses and what was applied in the end.
fn twice(stale: StaleVersion, between_s: i64) -> (u16, u16, u32, u32) {
    let mut desk = with(|s| s.publish.stale_version = stale);
    let draft = desk.draft();
    let key = desk.upload(&draft, &json!({ "metadata": { "version": 7 }, "published": true }));
    let first = desk.update(&draft, &key).status;
    desk.wait_s(between_s);
    let second = desk.update(&draft, &key).status;
    desk.wait_s(60);
    let counters = desk.twin.truth().counters;
    (first, second, counters.publishes_applied, counters.updates_refused)
}

#[test]
fn a_strict_org_applies_one_version_once() {
    assert_eq!(twice(StaleVersion::Conflict, 0), (202, 409, 1, 1));
    assert_eq!(twice(StaleVersion::Conflict, 30), (202, 409, 1, 1));
    assert_eq!(twice(StaleVersion::ErrorEvent, 0), (202, 202, 1, 1));
    assert_eq!(twice(StaleVersion::ErrorEvent, 30), (202, 202, 1, 1));
}

#[test]
fn a_forgiving_org_publishes_twice() {
    assert_eq!(twice(StaleVersion::Accepted, 0), (202, 202, 2, 0));
    assert_eq!(twice(StaleVersion::Accepted, 30), (202, 202, 2, 0));
    assert_eq!(twice(StaleVersion::ConflictAtPost, 0), (202, 202, 2, 0));
    assert_eq!(twice(StaleVersion::ConflictAtPost, 30), (202, 409, 1, 1));
}

#[test]
fn an_upload_key_can_be_good_for_one_update_only() {
    let mut desk = with(|s| {
        s.publish.stale_version = StaleVersion::Accepted;
        s.publish.upload_key_reusable = false;
    });
    let draft = desk.draft();
    let key = desk.upload(&draft, &json!({ "metadata": { "version": 7 }, "published": true }));
    assert_eq!(desk.update(&draft, &key).status, 202);
    assert_eq!(desk.update(&draft, &key).status, 400);
}

#[test]
fn an_update_without_published_publishes_nothing() {
    let mut desk = with(|s| s.revoke.on_publish = true);
    let draft = desk.draft();
    let key = desk.upload(&draft, &json!({ "metadata": { "version": 7 }, "description": "Edited" }));
    assert_eq!(desk.update(&draft, &key).status, 202);
    desk.wait_s(60);
    let schedule = desk.get(&draft);
    assert_eq!((schedule["published"].clone(), schedule["description"].clone()), (json!(false), json!("Edited")));
    assert_eq!(desk.twin.truth().counters.publishes_applied, 0);
    assert!(desk.twin.truth().agents.iter().all(|a| a.media_ready));
}

#[test]
fn an_error_answer_says_nothing_about_the_effect() {
    let mut desk = with(|s| s.publish.answer = UpdateAnswer::ErrorThoughAccepted);
    let draft = desk.draft();
    assert_eq!(desk.publish_with(&json!({})).status, 504);
    desk.wait_s(25);
    assert_eq!(desk.get(&draft)["published"], true);

    let mut desk = with(|s| s.publish.answer = UpdateAnswer::ErrorNotAccepted);
    let draft = desk.draft();
    assert_eq!(desk.publish_with(&json!({})).status, 503);
    desk.wait_s(60);
    assert_eq!(desk.get(&draft)["published"], false);
    assert_eq!(desk.publish_with(&json!({})).status, 202, "only the first answer was wrong");
}

#[test]
fn a_failing_publish_leaves_the_draft_alone() {
    let mut desk = with(|s| s.publish.outcome = PublishOutcome::Error);
    let draft = desk.draft();
    assert_eq!(desk.publish_with(&json!({})).status, 202);
    desk.wait_s(600);
    let schedule = desk.get(&draft);
    assert_eq!((schedule["published"].clone(), schedule["metadata"]["version"].clone()), (json!(false), json!(7)));
    assert_eq!(desk.twin.truth().counters.updates_refused, 1);
}

#[test]
fn schedules_are_found_under_their_own_week_and_unit_only() {
    let mut desk = with(|_| {});
    let draft = desk.draft();
    for wrong in [draft.replace("2026-11-30", "2026-12-07"), draft.replace("2026-11-30", "soon")] {
        let status = desk.call(Method::Get, &wrong, None).status;
        assert!(status == 404 || status == 400, "{wrong}: {status}");
    }
    let units = desk.get("/api/v2/workforcemanagement/businessunits")["entities"].clone();
    assert_eq!(
        (units[0]["name"].clone(), units[1]["name"].clone()),
        (json!("Customer Care"), json!("Customer Care West"))
    );
    let west = units[1]["id"].as_str().unwrap();
    let empty = desk.get(&format!("/api/v2/workforcemanagement/businessunits/{west}/weeks/2027-01-04/schedules"));
    assert_eq!(empty["entities"], json!([]));
}

#[test]
fn the_week_starts_on_the_units_own_day() {
    for (day, week) in [("Sunday", "2026-11-29"), ("Monday", "2026-11-30"), ("Friday", "2026-12-04")] {
        let mut desk = with(|s| s.org.start_day_of_week = day.to_owned());
        let unit = desk.business_unit();
        let path = format!("/api/v2/workforcemanagement/businessunits/{unit}");
        assert_eq!(desk.get(&path)["settings"]["startDayOfWeek"], day);
        let listed = desk.get(&format!("{path}/weeks/{week}/schedules"));
        assert_eq!(listed["entities"].as_array().unwrap().len(), 2, "{day}");
    }
}

#[test]
fn shifts_are_given_by_search_and_by_query() {
    let mut desk = Desk::new(Scenario::named("calm").unwrap());
    let unit = desk.business_unit();
    let search = format!("/api/v2/workforcemanagement/businessunits/{unit}/agentschedules/search");
    let (agent, day) = (desk.agent(0), anchor());
    let body = json!({ "startDate": day.rfc3339(), "endDate": (day + 12 * 3_600_000).rfc3339(), "userIds": [agent] });
    let found = desk.post(&search, &body).value();
    let listed = &found["result"]["agentSchedules"];
    assert_eq!((found["status"].clone(), listed.as_array().unwrap().len()), (json!("Complete"), 1));
    assert_eq!(listed[0]["shifts"][0]["startDate"], "2026-11-27T22:30:00.000Z");
    assert_eq!(listed[0]["shifts"][0]["lengthMinutes"], 480);
    let paths = found["result"]["publishedSchedules"].as_array().unwrap();
    assert_eq!((paths.len(), paths[0]["weekDate"].clone()), (1, json!("2026-11-23")));
    assert_eq!(desk.post(&search, &json!({ "startDate": "x" })).status, 400);

    let draft = desk.draft();
    let schedule = desk.get(&draft);
    let management = schedule["managementUnits"][0]["managementUnit"]["id"].clone();
    let query = format!("{draft}/agentschedules/query");
    let found = desk.post(&query, &json!({ "managementUnitId": management })).value();
    let shifts = found["result"]["agentSchedules"][0]["shifts"].as_array().unwrap().len();
    assert_eq!(shifts, 5, "a shift each working day of the week to come");

    let found =
        desk.post(&format!("{query}?forceDownloadService=true"), &json!({ "managementUnitId": management })).value();
    let url = found["downloadUrl"].as_str().unwrap().to_owned();
    let given = desk.twin.handle(desk.now, &Request::new(Method::Get, url)).value();
    assert_eq!(given["agentSchedules"][0]["shifts"].as_array().unwrap().len(), 5);
}

#[test]
fn a_publish_strikes_its_own_business_unit_and_the_truth_counts_by_schedule() {
    let mut scenario = struck(KindCounts { not_enrolled: 4, ..KindCounts::default() }, 4);
    scenario.org.agents_in = AgentsIn::Every;
    let mut desk = Desk::new(scenario);
    let unit = desk.business_unit();
    let users = desk.get(&format!("/api/v2/workforcemanagement/businessunits/{unit}/users"));
    let units = users["managementUnits"].as_array().unwrap();
    let listed: usize = units.iter().map(|u| u["users"].as_array().unwrap().len()).sum();
    assert_eq!(listed, 2, "half of the four, as there are two business units");
    desk.friday();
    let grey: Vec<bool> = (0..4).map(|i| desk.truth(i).grey_since.is_some()).collect();
    assert_eq!(grey, [true, false, true, false]);
    let truth = desk.twin.truth();
    let told: Vec<(u32, u32)> = truth.schedules.iter().map(|s| (s.updates_sent, s.publishes_applied)).collect();
    assert_eq!(told, [(0, 0), (1, 1), (0, 0), (0, 0), (0, 0), (0, 0)]);
}
