//! Channels, subscriptions, and what is pushed.

use serde_json::{Value, json};

use super::kit::{Desk, anchor, struck_one};
use crate::twin::notify::Frame;
use crate::twin::scenario::{Kind, PublishOutcome, Scenario};
use crate::words::http::Method;

const CHANNELS: &str = "/api/v2/notifications/channels";

fn channel(desk: &mut Desk, topics: &[String]) -> String {
    let made = desk.post(CHANNELS, &json!({})).value();
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!(made["connectUri"], format!("ws://127.0.0.1:4321/channels/{id}"));
    let body: Vec<Value> = topics.iter().map(|t| json!({ "id": t })).collect();
    let answer = desk.post(&format!("{CHANNELS}/{id}/subscriptions"), &json!(body));
    assert_eq!(answer.status, 200, "{}", answer.value());
    id
}

fn heard(desk: &mut Desk) -> Vec<(String, Value)> {
    let pushes = desk.twin.drain_pushes();
    pushes
        .into_iter()
        .filter_map(|push| match push.frame {
            Frame::Text(text) => {
                let frame: Value = serde_json::from_str(&text).unwrap();
                Some((frame["topicName"].as_str().unwrap().to_owned(), frame))
            }
            Frame::Close => None,
        })
        .collect()
}

fn schedules_topic(desk: &mut Desk) -> String {
    format!("v2.workforcemanagement.businessunits.{}.schedules", desk.business_unit())
}

#[test]
fn the_completion_is_told_with_its_operation() {
    let mut desk = Desk::new(Scenario::default());
    let topic = schedules_topic(&mut desk);
    channel(&mut desk, std::slice::from_ref(&topic));
    let operation = desk.publish_with(&json!({})).value()["operationId"].clone();
    desk.wait_s(24);
    assert!(heard(&mut desk).is_empty());
    desk.wait_s(1);
    let told = heard(&mut desk);
    assert_eq!((told.len(), told[0].0.clone()), (1, topic));
    let body = &told[0].1["eventBody"];
    assert_eq!((body["status"].clone(), body["operationId"].clone()), (json!("Complete"), operation));
    assert_eq!(body["result"]["published"], true);
}

#[test]
fn a_failure_is_told_without_a_reason() {
    let mut scenario = Scenario::default();
    scenario.publish.outcome = PublishOutcome::Error;
    let mut desk = Desk::new(scenario);
    let topic = schedules_topic(&mut desk);
    channel(&mut desk, &[topic]);
    let operation = desk.publish_with(&json!({})).value()["operationId"].clone();
    desk.wait_s(25);
    let told = heard(&mut desk);
    assert_eq!(told[0].1["eventBody"], json!({ "status": "Error", "operationId": operation, "eventType": "Update" }));
}

#[test]
fn a_notification_can_be_lost() {
    let mut scenario = Scenario::default();
    scenario.faults.lost_notifications_share = 1.0;
    let mut desk = Desk::new(scenario);
    let topic = schedules_topic(&mut desk);
    channel(&mut desk, &[topic]);
    desk.publish_with(&json!({}));
    desk.wait_s(60);
    assert_eq!(desk.twin.truth().counters.publishes_applied, 1);
    assert!(heard(&mut desk).is_empty());
}

#[test]
fn a_notification_can_come_late_or_twice() {
    let mut scenario = Scenario::default();
    (scenario.faults.late_notifications_share, scenario.faults.late_notifications_s) = (1.0, 90);
    let mut desk = Desk::new(scenario);
    let topic = schedules_topic(&mut desk);
    channel(&mut desk, std::slice::from_ref(&topic));
    desk.publish_with(&json!({}));
    desk.wait_s(25 + 89);
    assert!(heard(&mut desk).is_empty());
    desk.wait_s(1);
    assert_eq!(heard(&mut desk).len(), 1);

    let mut scenario = Scenario::default();
    scenario.faults.doubled_notifications_share = 1.0;
    let mut desk = Desk::new(scenario);
    channel(&mut desk, &[topic]);
    desk.publish_with(&json!({}));
    desk.wait_s(25);
    let told = heard(&mut desk);
    assert_eq!((told.len(), &told[0]), (2, &told[1]));
}

#[test]
fn a_late_notification_does_not_reach_a_channel_that_has_ended() {
    let mut scenario = Scenario::default();
    (scenario.faults.late_notifications_share, scenario.faults.late_notifications_s) = (1.0, 90);
    let mut desk = Desk::new(scenario);
    let topic = schedules_topic(&mut desk);
    channel(&mut desk, &[topic]);
    desk.publish_with(&json!({}));
    desk.wait_s(30);
    for _ in 0..20 {
        channel(&mut desk, &[]);
    }
    desk.wait_s(120);
    assert!(heard(&mut desk).is_empty());
}

#[test]
fn a_socket_closes_again_and_again_and_its_channel_stays() {
    let mut scenario = Scenario::default();
    scenario.faults.sockets_close_every_s = 20;
    let mut desk = Desk::new(scenario);
    let topic = schedules_topic(&mut desk);
    let id = channel(&mut desk, &[topic]);
    for _ in 0..3 {
        desk.wait_s(19);
        assert_eq!(desk.twin.drain_pushes(), []);
        desk.wait_s(1);
        let pushes = desk.twin.drain_pushes();
        let Frame::Text(text) = &pushes[0].frame else { panic!("first the word, then the end") };
        assert!(text.contains("\"v2.system.socket_closing\""), "{text}");
        assert_eq!((pushes.len(), &pushes[1].frame, &pushes[1].channel), (2, &Frame::Close, &id));
        assert!(desk.twin.channel_is_open(&id));
    }
    desk.wait_s(86_400);
    assert_eq!((desk.twin.channel_is_open(&id), desk.twin.drain_pushes().len()), (false, 2 * 4_316));
}

#[test]
fn somebody_elses_update_is_told_under_an_operation_of_its_own_and_publishes_nothing() {
    let mut scenario = Scenario::default();
    scenario.faults.others_update_s = 10;
    let mut desk = Desk::new(scenario);
    let topic = schedules_topic(&mut desk);
    channel(&mut desk, &[topic]);
    let ours = desk.publish_with(&json!({})).value()["operationId"].clone();
    desk.wait_s(10);
    let told = heard(&mut desk);
    assert_eq!((told.len(), &told[0].1["eventBody"]["status"]), (1, &json!("Complete")));
    assert_ne!(told[0].1["eventBody"]["operationId"], ours);
    assert_eq!(told[0].1["eventBody"]["result"]["published"], false);
    assert_eq!(desk.twin.truth().counters.publishes_applied, 0);
    desk.wait_s(15);
    assert_eq!(heard(&mut desk)[0].1["eventBody"]["operationId"], ours);
    assert_eq!(desk.twin.truth().counters.publishes_applied, 1);
}

#[test]
fn a_lost_station_and_a_phone_are_told_under_their_single_names() {
    let mut desk = Desk::new(struck_one(Kind::StationLost));
    let agent = desk.agent(0);
    let phone = desk.get("/api/v2/telephony/providers/edges/phones")["entities"][0]["id"].as_str().unwrap().to_owned();
    let topics = [format!("v2.users.{agent}?station&tokens"), format!("v2.telephony.providers.edges.phones.{phone}")];
    channel(&mut desk, &topics);
    desk.friday();
    let told = heard(&mut desk);
    let station = told.iter().find(|(topic, _)| *topic == format!("v2.users.{agent}.station")).unwrap();
    assert_eq!(station.1["metadata"]["action"], "Disassociated");
    let offline = told.iter().find(|(topic, _)| topic.ends_with(&phone)).unwrap();
    assert_eq!(offline.1["eventBody"]["status"]["operationalStatus"], "OFFLINE");
    desk.reset(0);
    desk.wait_s(6);
    let told = heard(&mut desk);
    assert!(
        told.iter()
            .any(|(topic, frame)| topic.ends_with(".tokens") && frame["eventBody"]["user"]["id"] == json!(agent))
    );
}

#[test]
fn the_end_of_a_call_is_told() {
    let mut scenario = Scenario::default();
    let calls = crate::twin::scenario::Calls { agents: 5, start_min: [-5, -5], end_min: [6, 6] };
    scenario.cohorts[0].calls = vec![calls];
    let mut desk = Desk::new(scenario);
    let agent = desk.agent(2);
    channel(&mut desk, &[format!("v2.users.{agent}?routingStatus&conversationsummary")]);
    desk.until(anchor() + 6 * 60_000);
    let told = heard(&mut desk);
    let active: Vec<Value> = told
        .iter()
        .filter(|(topic, _)| topic.ends_with("conversationsummary"))
        .map(|(_, frame)| frame["eventBody"]["call"]["contactCenter"]["active"].clone())
        .collect();
    assert_eq!(active, [json!(1), json!(0)]);
    assert_eq!(told.len(), 4);
}

#[test]
fn bad_and_forbidden_topics_fail_the_whole_request_unless_told_to_ignore_them() {
    let mut scenario = Scenario::default();
    scenario.withheld_permissions = vec!["telephony:plugin:all".to_owned()];
    let mut desk = Desk::new(scenario);
    let good = schedules_topic(&mut desk);
    let id = channel(&mut desk, &[]);
    let path = format!("{CHANNELS}/{id}/subscriptions");
    let bad = json!([{ "id": good }, { "id": "v2.nonsense" }]);
    let answer = desk.post(&path, &bad);
    assert_eq!((answer.status, answer.value()["code"].clone()), (400, json!("notification.invalid.topic")));
    let forbidden = json!([{ "id": good }, { "id": "v2.telephony.providers.edges.phones.x" }]);
    assert_eq!(desk.post(&path, &forbidden).status, 403);
    assert_eq!(desk.get(&path)["entities"], json!([]));
    let answer = desk.post(&format!("{path}?ignoreErrors=true"), &forbidden).value();
    assert_eq!(answer["entities"][0]["state"], "Permitted");
    assert_eq!(answer["entities"][1]["missingPermissions"], json!(["telephony:plugin:all"]));
    assert_eq!(desk.get(&path)["entities"], json!([{ "id": good }]));
}

#[test]
fn topics_are_added_replaced_emptied_and_counted() {
    let mut desk = Desk::new(Scenario::default());
    let topic = |n: usize| json!({ "id": format!("v2.users.{n}.station") });
    let id = channel(&mut desk, &[]);
    let path = format!("{CHANNELS}/{id}/subscriptions");
    let count = |desk: &mut Desk| desk.get(&path)["entities"].as_array().unwrap().len();
    desk.post(&path, &json!([topic(1), topic(2), topic(2)]));
    desk.post(&path, &json!([topic(3)]));
    assert_eq!(count(&mut desk), 3);
    desk.call(Method::Put, &path, Some(&json!([topic(4)])));
    assert_eq!(count(&mut desk), 1);
    let all: Vec<Value> = (0..1000).map(topic).collect();
    assert_eq!(desk.call(Method::Put, &path, Some(&json!(all))).status, 200);
    assert_eq!(desk.post(&path, &json!([topic(1000)])).status, 400);
    assert_eq!(desk.call(Method::Delete, &path, None).status, 200);
    assert_eq!(count(&mut desk), 0);
}

#[test]
fn a_channel_is_its_owners_and_ends_with_the_owners_tokens() {
    let mut desk = Desk::new(Scenario::default());
    let own = channel(&mut desk, &[]);
    let agents = desk.refresh_agent(0);
    assert_eq!(desk.ask(Method::Get, &format!("{CHANNELS}/{own}/subscriptions"), None, &agents).status, 404);
    let made = desk.ask(Method::Post, CHANNELS, None, &agents).value();
    let id = made["id"].as_str().unwrap();
    assert!(desk.twin.channel_is_open(id));
    let agent = desk.agent(0);
    desk.call(Method::Delete, &format!("/api/v2/tokens/{agent}"), None);
    let pushes = desk.twin.drain_pushes();
    assert_eq!(pushes.len(), 2);
    let Frame::Text(text) = &pushes[0].frame else { panic!("first the reason, then the end") };
    assert!(text.contains("v2.system.token_revoked") && text.contains("user_tokens_revoked"));
    assert_eq!((pushes[1].frame.clone(), desk.twin.channel_is_open(id)), (Frame::Close, false));
    assert!(desk.twin.channel_is_open(&own));
}

#[test]
fn the_twenty_first_channel_ends_the_first() {
    let mut desk = Desk::new(Scenario::default());
    let all: Vec<String> = (0..21).map(|_| channel(&mut desk, &[])).collect();
    assert!(!desk.twin.channel_is_open(&all[0]));
    assert!(all[1..].iter().all(|id| desk.twin.channel_is_open(id)));
}

#[test]
fn what_becomes_of_a_media_leg_and_of_a_token_is_told() {
    let mut scenario = struck_one(Kind::MediaLegFailed);
    scenario.softphone.legs_pushed = true;
    let calls = crate::twin::scenario::Calls { agents: 1, start_min: [-10, -10], end_min: [-5, -5] };
    scenario.cohorts[0].calls = vec![calls];
    scenario.revoke.tokens_older_than_s = 3_600;
    let mut desk = Desk::new(scenario);
    let agent = desk.agent(0);
    desk.until(anchor() - 20 * 60_000);
    channel(&mut desk, &[format!("v2.users.{agent}?persistentconnection&tokens")]);
    desk.friday();
    desk.reset(0);
    desk.wait_s(6);
    let told = heard(&mut desk);
    let of = |end: &str| -> Vec<Value> {
        let ours = told.iter().filter(|(topic, _)| topic.ends_with(end));
        ours.map(|(_, frame)| frame["eventBody"].clone()).collect()
    };
    let states: Vec<Value> = of(".persistentconnection").iter().map(|body| body["persistentState"].clone()).collect();
    // Cut as everybody is, it comes back by itself or gives up; nothing of that is news while it has failed.
    assert_eq!(states, ["ACTIVE_CALL", "PERSISTED", "FAILED", "PERSISTED"]);
    let revoked = |body: &&Value| body["tokenExpirationDate"].as_str().unwrap() < desk.twin.now.rfc3339().as_str();
    assert_eq!(of(".tokens").iter().filter(revoked).count(), 1, "{told:?}");
}

#[test]
fn a_media_leg_that_failed_is_seen_by_no_read() {
    let mut scenario = struck_one(Kind::MediaLegFailed);
    scenario.revoke.on_publish = false;
    let mut desk = Desk::new(scenario);
    desk.friday();
    let phone = &desk.get("/api/v2/telephony/providers/edges/phones?expand=status")["entities"][0];
    assert_eq!(phone["status"]["operationalStatus"], "OPERATIONAL", "{phone}");
    assert!(!desk.twin.truth().agents[0].media_ready);
    desk.reset(0);
    desk.wait_s(6);
    assert!(desk.twin.truth().agents[0].media_ready);
}
