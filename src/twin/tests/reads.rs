//! Bulk reads of users, stations and phones.

use serde_json::{Value, json};

use super::kit::{Desk, anchor};
use crate::twin::scenario::{Cohort, Scenario};
use crate::words::http::Method;

fn many(agents: u32) -> Desk {
    let mut scenario = Scenario::default();
    scenario.cohorts = vec![Cohort { agents, ..Cohort::default() }];
    Desk::new(scenario)
}

fn ids(listing: &Value) -> Vec<String> {
    listing["entities"].as_array().unwrap().iter().map(|e| e["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn users_are_read_by_a_hundred_ids_and_not_by_more() {
    let mut desk = many(120);
    let all = ids(&desk.get("/api/v2/users?pageSize=500"));
    assert_eq!(all.len(), 120);
    let hundred = &all[..100];
    let repeated = format!("/api/v2/users?id={}&pageSize=100", hundred.join("&id="));
    let listed = format!("/api/v2/users?id={}", hundred.join(","));
    assert_eq!(ids(&desk.get(&repeated)), hundred);
    assert_eq!(ids(&desk.get(&listed)), hundred);
    let answer = desk.call(Method::Get, &format!("/api/v2/users?id={}", all[..101].join(",")), None);
    assert_eq!((answer.status, answer.value()["code"].clone()), (400, json!("max.user.ids")));
    assert_eq!(desk.call(Method::Get, "/api/v2/users?pageSize=501", None).status, 400);
}

#[test]
fn a_user_has_the_blocks_that_were_asked_for() {
    let mut desk = many(1);
    let agent = desk.agent(0);
    let plain = desk.get(&format!("/api/v2/users/{agent}"));
    assert!(plain.get("presence").is_none() && plain.get("lastTokenIssued").is_none());
    let expand = "lasttokenissued,station,presence,routingStatus,conversationSummary,authorization";
    let user = desk.get(&format!("/api/v2/users?id={agent}&expand={expand}"))["entities"][0].clone();
    assert_eq!(user["presence"]["presenceDefinition"]["systemPresence"], "Available");
    assert_eq!(user["routingStatus"]["status"], "OFF_QUEUE");
    assert_eq!(user["conversationSummary"]["call"]["contactCenter"]["active"], 0);
    assert_eq!(user["station"]["effectiveStation"]["type"], "inin_webrtc_softphone");
    let issued = user["lastTokenIssued"]["dateIssued"].as_str().unwrap().to_owned();
    desk.refresh_agent(0);
    let user = desk.get(&format!("/api/v2/users/{agent}?expand=lasttokenissued"));
    assert_eq!(user["lastTokenIssued"]["dateIssued"], desk.now.rfc3339());
    assert_ne!(user["lastTokenIssued"]["dateIssued"], issued);
    desk.until(anchor() + 31 * 60_000);
    let user = desk.get(&format!("/api/v2/users/{agent}?expand=presence,routingStatus"));
    assert_eq!(user["presence"]["presenceDefinition"]["systemPresence"], "On Queue");
    assert_eq!(user["routingStatus"]["status"], "IDLE");
}

#[test]
fn those_logged_out_are_offline_and_hold_no_station() {
    let mut scenario = Scenario::default();
    scenario.cohorts[0].login_min = [60, 60];
    let mut desk = Desk::new(scenario);
    let agent = desk.agent(0);
    let user = desk.get(&format!("/api/v2/users/{agent}?expand=presence,station,lasttokenissued"));
    assert_eq!(user["presence"]["presenceDefinition"]["systemPresence"], "Offline");
    assert!(user["station"].get("associatedStation").is_none() && user.get("lastTokenIssued").is_none());
    let bulk = desk.get(&format!("/api/v2/users/presences/purecloud/bulk?id={agent}"));
    assert_eq!(bulk[0]["presenceDefinition"]["systemPresence"], "Offline");
    assert!(!desk.truth(0).media_ready && desk.truth(0).grey_since.is_none(), "logged out is not grey");
}

#[test]
fn a_station_that_was_just_freed_refuses_for_a_while() {
    for status in [409, 400] {
        let mut scenario = Scenario::default();
        scenario.softphone.station_refusal_status = status;
        let mut desk = Desk::new(scenario);
        let agent = desk.agent(0);
        let station = desk.get(&format!("/api/v2/stations?webRtcUserId={agent}"))["entities"][0].clone();
        assert_eq!((station["status"].clone(), station["userId"].clone()), (json!("ASSOCIATED"), json!(agent)));
        let id = station["id"].as_str().unwrap();
        assert_eq!(desk.call(Method::Delete, &format!("/api/v2/stations/{id}/associateduser"), None).status, 200);
        assert!(!desk.truth(0).media_ready);
        let put = format!("/api/v2/users/{agent}/station/associatedstation/{id}");
        assert_eq!(desk.call(Method::Put, &put, None).status, status);
        desk.wait_s(2);
        assert_eq!(desk.call(Method::Put, &put, None).status, 202);
        assert_eq!(desk.get(&format!("/api/v2/stations/{id}"))["status"], "AVAILABLE");
        desk.wait_s(3);
        assert_eq!(desk.get(&format!("/api/v2/stations/{id}"))["status"], "ASSOCIATED");
        assert!(desk.truth(0).media_ready);
    }
}

#[test]
fn stations_and_phones_come_in_pages_in_order_of_their_ids() {
    let mut desk = many(250);
    for path in ["/api/v2/stations", "/api/v2/telephony/providers/edges/phones"] {
        let mut all = Vec::new();
        for number in 1..=3 {
            let page = desk.get(&format!("{path}?pageSize=100&pageNumber={number}&sortBy=id"));
            assert_eq!((page["total"].clone(), page["pageCount"].clone()), (json!(250), json!(3)));
            all.extend(ids(&page));
        }
        assert_eq!(all.len(), 250);
        assert!(all.is_sorted(), "{path}");
    }
    let first = ids(&desk.get("/api/v2/stations?pageSize=100"));
    let some = desk.get(&format!("/api/v2/stations?id={},{}", first[7], first[3]));
    assert_eq!(ids(&some), [first[7].clone(), first[3].clone()]);
}

#[test]
fn a_phone_follows_its_softphones_socket_when_the_scenario_says_so() {
    for (follows, status) in [(true, "OFFLINE"), (false, "OPERATIONAL")] {
        let mut scenario = super::kit::struck_one(crate::twin::Kind::NotEnrolled);
        scenario.softphone.phone_follows_socket = follows;
        let mut desk = Desk::new(scenario);
        let path = "/api/v2/telephony/providers/edges/phones?expand=status";
        assert_eq!(desk.get(path)["entities"][0]["status"]["operationalStatus"], "OPERATIONAL");
        desk.friday();
        let phone = desk.get(path)["entities"][0]["status"].clone();
        assert_eq!(phone["operationalStatus"], status);
        assert_eq!(phone["lineStatuses"][0]["reachable"], json!(!follows));
    }
}

#[test]
fn values_that_no_document_names_come_when_the_scenario_says_so() {
    let mut scenario = Scenario::default();
    scenario.faults.unknown_enums_share = 1.0;
    let mut desk = Desk::new(scenario);
    let user = desk.get("/api/v2/users?expand=routingStatus")["entities"][0].clone();
    assert_eq!(user["routingStatus"]["status"], "DAYDREAMING");
}

#[test]
fn the_org_the_trunks_and_the_limits_answer() {
    let mut desk = many(1);
    assert_eq!(desk.get("/api/v2/organizations/me")["state"], "active");
    let limits = desk.get("/api/v2/organizations/limits/namespaces/platform.api");
    let rate = limits["entities"].as_array().unwrap().iter().find(|l| l["key"] == "token.rate.per.minute").unwrap();
    assert_eq!(rate["value"], 300);
    let trunks = desk.get("/api/v2/telephony/providers/edges/trunks?trunkType=EXTERNAL&pageSize=100");
    assert!(trunks["entities"].as_array().unwrap().iter().all(|t| t["inService"] == true));
    assert_eq!(desk.get("/api/v2/telephony/providers/edges")["entities"][0]["onlineStatus"], "ONLINE");
    assert_eq!(desk.get("/api/v2/date")["currentDate"], desk.now.rfc3339());
}

#[test]
fn a_hundred_thousand_agents_are_read_by_id_without_a_walk() {
    let mut desk = many(100_000);
    let unit = desk.business_unit();
    let users = desk.get(&format!("/api/v2/workforcemanagement/businessunits/{unit}/users"));
    assert_eq!(users["managementUnits"][0]["users"].as_array().unwrap().len(), 50_000);
    let last = users["managementUnits"][1]["users"][49_999]["id"].as_str().unwrap().to_owned();
    let user = desk.get(&format!("/api/v2/users?id={last}&expand=presence"));
    assert_eq!(ids(&user), [last]);
}

#[test]
fn shuffled_pages_show_some_twice_and_others_not_at_all_and_each_read_differs() {
    for path in ["/api/v2/telephony/providers/edges/phones", "/api/v2/users"] {
        let mut desk = many(60);
        let page = |desk: &mut Desk, number: u32| ids(&desk.get(&format!("{path}?pageSize=30&pageNumber={number}")));
        let whole: Vec<String> = [page(&mut desk, 1), page(&mut desk, 2)].concat();
        let mut scenario = Scenario::default();
        scenario.cohorts = vec![Cohort { agents: 60, ..Cohort::default() }];
        scenario.faults.pages_shuffled = true;
        let mut desk = Desk::new(scenario);
        let seen: Vec<String> = [page(&mut desk, 1), page(&mut desk, 2)].concat();
        let different: std::collections::BTreeSet<&String> = seen.iter().collect();
        assert!(seen.len() == 60 && different.len() < 60, "{path}: {} of {}", different.len(), seen.len());
        assert!(seen.iter().all(|id| whole.contains(id)), "{path}");
        assert_ne!(page(&mut desk, 1), page(&mut desk, 1), "{path}");
    }
}
