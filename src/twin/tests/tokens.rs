//! Login, refresh, revocation, permissions.

use serde_json::json;

use super::kit::{Desk, anchor, struck_one};
use crate::twin::scenario::{Kind, Scenario};
use crate::twin::truth::{Cure, Touch};
use crate::twin::{APP_CLIENT_ID, APP_CLIENT_SECRET, PUBLISHER_CLIENT_ID, PUBLISHER_CLIENT_SECRET};
use crate::words::http::{Method, Request};

#[test]
fn each_client_gets_its_own_grant_only() {
    let mut desk = Desk::new(Scenario::default());
    let answer = desk.oauth(PUBLISHER_CLIENT_ID, PUBLISHER_CLIENT_SECRET, "grant_type=client_credentials");
    assert_eq!((answer.status, answer.value()["expires_in"].clone()), (200, json!(86_400)));
    assert!(answer.value().get("refresh_token").is_none());
    let refused = [
        (PUBLISHER_CLIENT_ID, "wrong", "grant_type=client_credentials", 401, "invalid_client"),
        ("nobody", PUBLISHER_CLIENT_SECRET, "grant_type=client_credentials", 401, "invalid_client"),
        (APP_CLIENT_ID, APP_CLIENT_SECRET, "grant_type=client_credentials", 400, "unauthorized_client"),
        (APP_CLIENT_ID, APP_CLIENT_SECRET, "grant_type=refresh_token", 400, "invalid_grant"),
        (APP_CLIENT_ID, APP_CLIENT_SECRET, "grant_type=password", 400, "unsupported_grant_type"),
        (APP_CLIENT_ID, APP_CLIENT_SECRET, "", 400, "invalid_request"),
    ];
    for (id, secret, form, status, error) in refused {
        let answer = desk.oauth(id, secret, form);
        assert_eq!((answer.status, answer.value()["error"].as_str()), (status, Some(error)), "{id} {form}");
    }
}

#[test]
fn a_refresh_rotates_and_the_old_token_dies_with_its_use() {
    let mut desk = Desk::new(Scenario::default());
    let first = desk.enrolled(0);
    let answer = desk.refresh(&first).value();
    let second = answer["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    assert_eq!(desk.refresh(&first).status, 400, "used");
    assert_eq!(desk.refresh(&second).status, 200);
    let mut scenario = Scenario::default();
    scenario.tokens.old_refresh_token_dies = false;
    let mut desk = Desk::new(scenario);
    let first = desk.enrolled(0);
    assert_eq!(desk.refresh(&first).status, 200);
    assert_eq!(desk.refresh(&first).status, 200, "a forgiving org");
    let mut scenario = Scenario::default();
    scenario.tokens.rotate_refresh_token = false;
    let mut desk = Desk::new(scenario);
    let first = desk.enrolled(0);
    assert_eq!(desk.refresh(&first).value()["refresh_token"], json!(first));
}

#[test]
fn a_made_up_token_opens_nothing() {
    let mut desk = Desk::new(Scenario::default());
    let mut forged = desk.token.clone();
    forged.pop();
    for token in ["", "x", "twin-access-0-0000000000000000", "twin-access-99-1", &forged, "twin-refresh-0-0-0"] {
        let answer = desk.ask(Method::Get, "/api/v2/organizations/me", None, token);
        assert_eq!((answer.status, answer.value()["code"].clone()), (401, json!("bad.credentials")), "{token}");
        assert_eq!(desk.refresh(token).status, 400);
    }
    assert_eq!(desk.twin.truth().counters.unauthorized, 6);
}

#[test]
fn tokens_expire() {
    let mut scenario = Scenario::default();
    scenario.tokens.publisher_expires_in_s = 300;
    let mut desk = Desk::new(scenario);
    desk.wait_s(299);
    desk.get("/api/v2/date");
    desk.wait_s(1);
    assert_eq!(desk.call(Method::Get, "/api/v2/date", None).status, 401);
}

#[test]
fn a_page_whose_token_expires_is_grey() {
    let mut scenario = struck_one(Kind::Healthy);
    scenario.tokens.agent_expires_in_s = 7_200 + 600;
    let mut desk = Desk::new(scenario);
    desk.until(anchor() + 599_000);
    assert!(desk.truth(0).media_ready);
    desk.wait_s(1);
    assert_eq!(desk.truth(0).grey_since, Some(desk.now));
}

#[test]
fn deleting_tokens_logs_out_and_a_new_login_cures() {
    let mut desk = Desk::new(struck_one(Kind::HandOverMissed));
    desk.friday();
    let (agent, refresh) = (desk.agent(0), desk.enrolled(0));
    assert_eq!(desk.call(Method::Delete, &format!("/api/v2/tokens/{agent}"), None).status, 204);
    assert_eq!(desk.refresh(&refresh).status, 400, "refresh tokens go too");
    assert!(!desk.truth(0).logged_in);
    assert!(desk.truth(0).grey_since.is_some(), "logged out by force is grey as well");
    desk.wait_s(60);
    let truth = desk.truth(0);
    assert_eq!((truth.media_ready, truth.cured_by), (true, Some(Cure::Login)));
    assert_eq!(truth.remedies[0].0, Touch::TokensDeleted);
}

#[test]
fn a_withheld_permission_is_named() {
    let mut scenario = Scenario::default();
    scenario.withheld_permissions = vec!["wfm:schedule:edit".to_owned(), "telephony:plugin:all".to_owned()];
    let mut desk = Desk::new(scenario);
    let draft = desk.draft();
    let answer = desk.post(&format!("{draft}/update/uploadurl"), &json!({ "contentLengthBytes": 10 }));
    assert_eq!((answer.status, answer.value()["code"].clone()), (403, json!("missing.permissions")));
    assert!(answer.value()["message"].as_str().unwrap().contains("wfm:schedule:edit"));
    assert_eq!(answer.value()["messageParams"]["permissions"], "wfm:schedule:edit");
    assert_eq!(desk.call(Method::Get, "/api/v2/telephony/providers/edges/phones", None).status, 403);
    let policies = desk.get("/api/v2/authorization/subjects/me")["grants"][0]["role"]["policies"].clone();
    let held = policies.as_array().unwrap();
    assert!(held.iter().any(|p| p["domain"] == "wfm" && p["entityName"] == "schedule" && p["actions"][0] == "view"));
    assert!(!held.iter().any(|p| p["domain"] == "wfm" && p["entityName"] == "schedule" && p["actions"][0] == "edit"));
}

#[test]
fn an_agent_may_read_itself_and_publish_nothing() {
    let mut desk = Desk::new(Scenario::default());
    let token = desk.refresh_agent(1);
    let me = desk.ask(Method::Get, "/api/v2/users/me?expand=station", None, &token).value();
    assert_eq!(me["id"], desk.agent(1));
    let draft = desk.draft();
    assert_eq!(desk.ask(Method::Post, &format!("{draft}/update"), Some(&json!({})), &token).status, 403);
    let answer = desk.call(Method::Get, "/api/v2/users/me", None);
    assert_eq!((answer.status, answer.value()["code"].clone()), (400, json!("not.a.user")));
}

#[test]
fn agents_without_the_permission_to_choose_a_station_can_be_told_from_their_profile() {
    let mut scenario = Scenario::default();
    scenario.org.agents_without_permission = 2;
    let mut desk = Desk::new(scenario);
    let users = desk.get("/api/v2/users?pageSize=500&expand=authorization");
    let lacking = users["entities"].as_array().unwrap().iter().filter(|user| {
        !user["authorization"]["permissions"]
            .as_array()
            .unwrap()
            .contains(&json!("telephony:selfStationAssociation:edit"))
    });
    assert_eq!(lacking.count(), 2);
}

#[test]
fn reported_calls_are_unknown_unless_offered() {
    let mut desk = Desk::new(Scenario::default());
    let token = desk.refresh_agent(0);
    assert_eq!(desk.ask(Method::Get, "/api/v2/communications/webRTC", None, &token).status, 404);
    assert_eq!(desk.ask(Method::Post, "/api/v2/authentication/refresh", None, &token).status, 404);
    assert_eq!(desk.reset(0).status, 404);
    assert!(desk.truth(0).remedies.is_empty());
    let answer = desk.call(Method::Get, "/api/v2/nonsense", None);
    assert_eq!((answer.status, answer.value()["code"].clone()), (404, json!("not.found")));
}

#[test]
fn the_reported_refresh_takes_a_token_revoked_less_than_an_hour_ago() {
    let mut scenario = struck_one(Kind::TokenRevokedSocketUp);
    scenario.people.reload_by_hand = false;
    let mut desk = Desk::new(scenario);
    let token = desk.refresh_agent(0);
    desk.friday();
    let path = "/api/v2/authentication/refresh";
    desk.until(anchor() + 25_000 + 3_599_000);
    assert_eq!(desk.ask(Method::Post, path, None, &token).status, 200);
    desk.wait_s(1);
    assert_eq!(desk.ask(Method::Post, path, None, &token).status, 401);
    let publisher = desk.publisher_token();
    assert_eq!(desk.ask(Method::Post, path, None, &publisher).status, 400);
}

#[test]
fn a_session_reset_wants_exactly_what_users_report() {
    let mut desk = Desk::new(struck_one(Kind::NotEnrolled));
    let path = "/api/v2/users/bulk/export";
    let many: Vec<String> = (0..101).map(|i| i.to_string()).collect();
    for body in [
        json!({}),
        json!({ "target": "webrtc_sessions", "userIds": [] }),
        json!({ "force_refresh": true, "target": "everything", "userIds": [] }),
        json!({ "force_refresh": true, "target": "webrtc_sessions" }),
        json!({ "force_refresh": true, "target": "webrtc_sessions", "userIds": many }),
    ] {
        assert_eq!(desk.post(path, &body).status, 400, "{body}");
    }
}

#[test]
fn whatever_arrives_is_answered() {
    let mut desk = Desk::new(Scenario::named("friday-1600").unwrap());
    let draft = desk.draft();
    let paths = [
        "",
        "/",
        "/api/v2/",
        "/api/v2/users/%00",
        "/api/v2/users?id=%FF&pageSize=-1",
        "/oauth/token",
        "/twin-upload/",
        "/twin-upload/18446744073709551615-0",
        "/twin-download/x",
        "/channels/x",
        "/api/v2/users//station",
        "/api/v2/workforcemanagement/businessunits/x/weeks/0000-00-00/schedules/y/update",
    ];
    let bodies: [&[u8]; 5] = [b"", b"{", b"[]", &[0xff, 0xfe], b"{\"userIds\":7,\"uploadKey\":{}}"];
    let methods =
        [Method::Get, Method::Head, Method::Post, Method::Put, Method::Patch, Method::Delete, Method::Options];
    for path in paths.iter().copied().chain([draft.as_str()]) {
        for body in bodies {
            for method in methods {
                let mut request = Request::new(method, format!("http://h{path}"))
                    .header("authorization", format!("Bearer {}", desk.token));
                request.body = body.to_vec();
                let status = desk.twin.handle(desk.now, &request).status;
                assert!((200..500).contains(&status), "{method:?} {path}: {status}");
            }
            desk.wait_s(3);
        }
    }
}
