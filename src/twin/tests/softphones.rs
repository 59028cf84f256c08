//! Each kind of softphone: what the publish does to it, what cures it, and what does not.

use serde_json::json;

use super::kit::{Desk, anchor, struck, struck_one};
use crate::twin::scenario::{Calls, Kind, KindCounts, Scenario};
use crate::twin::truth::{Cure, Touch};
use crate::twin::without_softlanding;
use crate::words::clock::Seed;
use crate::words::http::Method;

/// The publish of a scenario with one agent, with the agent refreshed 10 minutes before if that is possible.
fn after_friday(kind: Kind) -> Desk {
    let mut desk = Desk::new(struck_one(kind));
    desk.until(anchor() - 10 * 60_000);
    assert!(desk.truth(0).media_ready, "{kind:?} works before the publish");
    if kind.enrolled() {
        let token = desk.enrolled(0);
        desk.refresh(&token);
        desk.wait_s(5);
    }
    desk.friday();
    desk
}

#[test]
fn a_token_handed_over_before_the_cut_needs_nothing_else() {
    let mut desk = Desk::new(struck_one(Kind::Healthy));
    desk.until(anchor() - 10 * 60_000);
    desk.refresh_agent(0);
    desk.until(anchor());
    assert_eq!(desk.publish_with(&json!({})).status, 202);
    desk.wait_s(46);
    assert!(!desk.truth(0).media_ready, "cut, and not yet back");
    desk.wait_s(2);
    let truth = desk.truth(0);
    assert!(truth.media_ready);
    assert_eq!((truth.cured_by, truth.grey_total_ms, truth.hand_overs), (Some(Cure::ByItself), 2_000, 1));
    assert!(truth.remedies.is_empty(), "a refresh and its hand-over are no remedy");
}

#[test]
fn without_a_refresh_the_softphone_gives_up_and_a_token_alone_does_not_revive_it() {
    let mut desk = Desk::new(struck_one(Kind::Healthy));
    desk.friday();
    assert!(!desk.truth(0).media_ready);
    desk.refresh_agent(0);
    desk.wait_s(600);
    let truth = desk.truth(0);
    assert_eq!(truth.hand_overs, 1);
    assert!(!truth.media_ready, "given up for good");
    assert_eq!(desk.reset(0).status, 202);
    desk.wait_s(6);
    assert_eq!(desk.truth(0).cured_by, Some(Cure::Reset));
    assert!(desk.truth(0).media_ready);
}

#[test]
fn those_who_get_no_fresh_token_die_and_a_session_reset_cures_them() {
    for kind in [Kind::NotEnrolled, Kind::HandOverMissed, Kind::RefreshTokenDead] {
        let mut desk = after_friday(kind);
        assert!(!desk.truth(0).media_ready, "{kind:?}");
        desk.reset(0);
        desk.wait_s(5);
        assert!(!desk.truth(0).media_ready, "{kind:?}: the reset takes 6 s");
        desk.wait_s(1);
        assert!(desk.truth(0).media_ready, "{kind:?}");
        assert_eq!(desk.truth(0).remedies.iter().map(|r| r.0).collect::<Vec<_>>(), [Touch::Reset]);
    }
}

#[test]
fn a_dead_refresh_token_answers_invalid_grant() {
    let mut desk = Desk::new(struck_one(Kind::RefreshTokenDead));
    let token = desk.enrolled(0);
    let answer = desk.refresh(&token);
    assert_eq!((answer.status, answer.value()["error"].clone()), (400, json!("invalid_grant")));
}

#[test]
fn a_missed_hand_over_leaves_the_page_with_its_old_token() {
    let desk = after_friday(Kind::HandOverMissed);
    assert_eq!(desk.truth(0).hand_overs, 0);
}

#[test]
fn a_lost_station_is_cured_by_an_association_and_some_are_refused_once() {
    let mut refused = 0;
    for seed in 0..40 {
        let mut desk = Desk::with_seed(struck_one(Kind::StationLost), seed);
        desk.until(anchor() - 10 * 60_000);
        desk.refresh_agent(0);
        desk.friday();
        assert!(!desk.truth(0).media_ready);
        let agent = desk.agent(0);
        let user = desk.get(&format!("/api/v2/users/{agent}?expand=station"));
        assert!(user["station"].get("associatedStation").is_none());
        let station = user["station"]["lastAssociatedStation"]["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v2/users/{agent}/station/associatedstation/{station}");
        let mut status = desk.call(Method::Put, &path, None).status;
        if status == 409 {
            refused += 1;
            status = desk.call(Method::Put, &path, None).status;
        }
        assert_eq!(status, 202);
        assert!(desk.get(&format!("/api/v2/stations/{station}")).get("userId").is_none(), "not settled yet");
        desk.wait_s(3);
        assert_eq!(desk.get(&format!("/api/v2/stations/{station}"))["status"], "ASSOCIATED");
        assert_eq!((desk.truth(0).media_ready, desk.truth(0).cured_by), (true, Some(Cure::Reassociate)));
    }
    assert!((5..=35).contains(&refused), "about half of them: {refused} of 40");
}

#[test]
fn a_stale_phone_is_cured_by_a_reboot_and_by_nothing_gentler() {
    let mut desk = after_friday(Kind::PhoneStale);
    let phones = "/api/v2/telephony/providers/edges/phones";
    let listed = desk.get(&format!("{phones}?expand=status,lines&fields=webRtcUser&pageSize=100"));
    let phone = &listed["entities"][0];
    assert_eq!(phone["status"]["operationalStatus"], "OFFLINE");
    assert_eq!(phone["webRtcUser"]["id"], desk.agent(0));
    let id = phone["id"].as_str().unwrap().to_owned();
    desk.reset(0);
    desk.wait_s(10);
    assert!(!desk.truth(0).media_ready);
    assert_eq!(desk.post(&format!("{phones}/reboot"), &json!({ "phoneIds": [id] })).status, 200);
    desk.wait_s(10);
    assert_eq!((desk.truth(0).media_ready, desk.truth(0).cured_by), (true, Some(Cure::Reboot)));
    assert_eq!(desk.get(&format!("{phones}/{id}"))["status"]["operationalStatus"], "OPERATIONAL");
}

#[test]
fn a_revoked_token_with_the_socket_up_shows_in_the_media_probe_only_and_another_refresh_cures_it() {
    let mut desk = Desk::new(struck_one(Kind::TokenRevokedSocketUp));
    desk.until(anchor() - 10 * 60_000);
    let first = desk.refresh_agent(0);
    let media = "/api/v2/communications/webRTC";
    assert_eq!(desk.ask(Method::Get, media, None, &first).status, 200);
    let second = {
        desk.friday();
        assert_eq!(desk.ask(Method::Get, media, None, &first).status, 401, "even the fresh token is revoked");
        let phone = desk.get("/api/v2/telephony/providers/edges/phones?expand=status")["entities"][0].clone();
        assert_eq!(phone["status"]["operationalStatus"], "UNKNOWN");
        assert!(phone["status"].get("lineStatuses").is_none());
        assert!(!desk.truth(0).media_ready);
        let renewed = desk.ask(Method::Post, "/api/v2/authentication/refresh", None, &first);
        assert_eq!(renewed.status, 200);
        renewed.value()["access_token"].as_str().unwrap().to_owned()
    };
    assert_eq!(desk.ask(Method::Get, media, None, &second).status, 200);
    desk.wait_s(1);
    assert_eq!((desk.truth(0).media_ready, desk.truth(0).cured_by), (true, Some(Cure::Token)));
}

#[test]
fn the_stubborn_are_cured_by_the_second_reset() {
    let mut desk = after_friday(Kind::Stubborn);
    desk.reset(0);
    desk.wait_s(30);
    assert!(!desk.truth(0).media_ready);
    desk.reset(0);
    desk.wait_s(6);
    assert!(desk.truth(0).media_ready);
}

#[test]
fn nothing_cures_the_incurable() {
    let mut scenario = struck_one(Kind::Incurable);
    scenario.people.reload_by_hand = true;
    let mut desk = Desk::new(scenario);
    desk.friday();
    let agent = desk.agent(0);
    let station = desk.get("/api/v2/stations")["entities"][0]["id"].as_str().unwrap().to_owned();
    let phone = desk.get("/api/v2/telephony/providers/edges/phones")["entities"][0]["id"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        desk.refresh_agent(0);
        assert_eq!(desk.reset(0).status, 202);
        let path = format!("/api/v2/users/{agent}/station/associatedstation/{station}");
        assert_eq!(desk.call(Method::Put, &path, None).status, 202);
        let path = format!("/api/v2/telephony/providers/edges/phones/{phone}/reboot");
        assert_eq!(desk.post(&path, &json!({})).status, 200);
        desk.wait_s(120);
        assert!(!desk.truth(0).media_ready);
    }
    desk.call(Method::Delete, &format!("/api/v2/tokens/{agent}"), None);
    desk.wait_s(3 * 3600);
    let truth = desk.truth(0);
    assert!(truth.logged_in && !truth.media_ready);
    assert_eq!(truth.cured_by, None);
}

#[test]
fn missing_blocks_are_never_read_as_anything_else() {
    let mut desk = Desk::new(struck_one(Kind::BlocksMissing));
    let agent = desk.agent(0);
    for _ in 0..5 {
        let user =
            desk.get(&format!("/api/v2/users/{agent}?expand=presence,routingStatus,conversationSummary,station"));
        assert!(["presence", "routingStatus", "conversationSummary"].iter().all(|b| user.get(b).is_none()));
        assert!(user.get("station").is_some());
    }
}

#[test]
fn blocks_can_be_missing_for_the_first_reads_only() {
    let mut scenario = Scenario::default();
    scenario.faults.missing_blocks_share = 1.0;
    scenario.faults.missing_blocks_reads = 2;
    let mut desk = Desk::new(scenario);
    let agent = desk.agent(0);
    let path = format!("/api/v2/users/{agent}?expand=presence");
    let seen: Vec<bool> = (0..4).map(|_| desk.get(&path).get("presence").is_some()).collect();
    assert_eq!(seen, [false, false, true, true]);
}

#[test]
fn sessions_refreshed_within_the_last_half_hour_survive() {
    let mut scenario = struck(KindCounts { not_enrolled: 2, ..KindCounts::default() }, 2);
    scenario.cohorts[0].login_min = [-31, -31];
    let mut late = scenario.cohorts[0].clone();
    late.login_min = [-29, -29];
    scenario.cohorts.push(late);
    let mut desk = Desk::new(scenario);
    desk.friday();
    let ready: Vec<bool> = (0..4).map(|i| desk.truth(i).media_ready).collect();
    assert_eq!(ready, [false, false, true, true]);
}

#[test]
fn in_a_calm_org_a_publish_touches_nobody() {
    let mut desk = Desk::new(Scenario::named("calm").unwrap());
    desk.friday();
    desk.wait_s(3600);
    assert!(desk.twin.truth().agents.iter().all(|a| a.media_ready && a.grey_times == 0));
}

fn on_call(end_min: i64) -> Scenario {
    let mut scenario = struck_one(Kind::NotEnrolled);
    scenario.cohorts[0].calls = vec![Calls { agents: 1, start_min: [-5, -5], end_min: [end_min, end_min] }];
    scenario
}

#[test]
fn a_call_survives_the_cut_and_whoever_touches_its_agent_is_counted() {
    let mut desk = Desk::new(on_call(6));
    desk.friday();
    let agent = desk.agent(0);
    let expand = "conversationSummary,routingStatus";
    let user = desk.get(&format!("/api/v2/users?id={agent}&expand={expand}"))["entities"][0].clone();
    assert_eq!(user["conversationSummary"]["call"]["contactCenter"]["active"], 1);
    assert_eq!(user["routingStatus"]["status"], "INTERACTING");
    assert!(desk.truth(0).on_call && !desk.truth(0).media_ready);
    desk.reset(0);
    assert_eq!((desk.truth(0).touched_while_on_call, desk.twin.truth().counters.touched_on_call), (1, 1));
    desk.until(anchor() + 6 * 60_000);
    assert!(!desk.truth(0).on_call);
    desk.reset(0);
    assert_eq!(desk.truth(0).touched_while_on_call, 1);
}

#[test]
fn a_call_that_comes_to_a_grey_softphone_is_missed() {
    let mut scenario = on_call(6);
    scenario.cohorts[0].calls[0].start_min = [2, 2];
    let mut desk = Desk::new(scenario);
    desk.friday();
    desk.wait_s(600);
    assert_eq!((desk.truth(0).calls_missed, desk.truth(0).on_call), (1, false));
}

#[test]
fn people_notice_and_reload_but_not_during_a_call() {
    let mut scenario = on_call(45);
    scenario.people.reload_by_hand = true;
    let mut desk = Desk::new(scenario);
    desk.friday();
    desk.until(anchor() + 45 * 60_000);
    // Noticed between 16:36 and 16:58; within the call, the reload waits until half a minute after it.
    assert!(!desk.truth(0).media_ready, "on a call until now");
    desk.until(anchor() + (30 + 29) * 60_000);
    let truth = desk.truth(0);
    assert_eq!((truth.media_ready, truth.cured_by), (true, Some(Cure::Reload)));
    assert!(truth.remedies.is_empty());
    assert!(truth.grey_on_shift_ms >= 15 * 60_000 + 30_000);
}

#[test]
fn an_unhelped_evening_agent_is_grey_from_the_shift_until_the_reload() {
    let mut scenario = struck_one(Kind::NotEnrolled);
    scenario.people.reload_by_hand = true;
    scenario.people.notice_min = [10, 10];
    let compared = without_softlanding(scenario, Seed(1), anchor());
    // Grey from 16:00:25; it matters from 16:30; noticed ten minutes later.
    assert_eq!((compared.grey, compared.still_grey, compared.median_ms), (1, 0, 600_000));
    assert_eq!(compared.total_ms, 600_000);
}

#[test]
fn the_friday_without_softlanding_is_as_bad_as_reported() {
    let compared = without_softlanding(Scenario::named("friday-1600").unwrap(), Seed(94), anchor());
    assert_eq!(compared.agents, 600);
    assert!((450..=520).contains(&compared.grey), "{compared:?}");
    assert_eq!(compared.still_grey, 2, "the incurable");
    assert!((6 * 60_000..=28 * 60_000).contains(&compared.median_ms), "{compared:?}");
    assert!(compared.longest_ms > compared.p95_ms && compared.p95_ms >= compared.median_ms);
    let calm = without_softlanding(Scenario::named("calm").unwrap(), Seed(94), anchor());
    assert_eq!((calm.grey, calm.total_ms), (0, 0));
}

#[test]
fn the_same_seed_gives_the_same_friday() {
    let run = |seed| {
        let mut desk = Desk::with_seed(Scenario::named("friday-1600").unwrap(), seed);
        desk.friday();
        desk.wait_s(1800);
        desk.twin.truth()
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3).agents, run(4).agents);
}

#[test]
fn a_purged_cache_spares_the_share_that_the_scenario_names() {
    let mut scenario = struck(KindCounts { not_enrolled: 200, ..KindCounts::default() }, 200);
    scenario.reported.purge_cache_spares_share = 0.9;
    let ready = |desk: &Desk| desk.twin.truth().agents.iter().filter(|a| a.media_ready).count();
    let mut desk = Desk::new(scenario.clone());
    desk.until(anchor());
    assert_eq!(desk.publish_with(&json!({ "purgeCache": true })).status, 202);
    desk.wait_s(60);
    assert!((165..=195).contains(&ready(&desk)), "{}", ready(&desk));
    let mut desk = Desk::new(scenario);
    desk.friday();
    assert_eq!(ready(&desk), 0);
}

#[test]
fn a_remedy_can_hit_those_whom_it_was_not_about() {
    let calm = || {
        let mut scenario = struck(KindCounts::default(), 3);
        scenario.revoke.on_publish = false;
        (scenario.faults.reset_cuts_others_share, scenario.faults.reboot_drops_others_share) = (1.0, 1.0);
        scenario
    };
    let ready = |desk: &Desk| [0, 1, 2].map(|i| desk.truth(i).media_ready);
    let mut desk = Desk::new(calm());
    assert_eq!(desk.reset(1).status, 202);
    desk.wait_s(5);
    assert_eq!(ready(&desk), [true; 3], "not before the reset has its effect");
    desk.wait_s(1);
    assert_eq!(ready(&desk), [false, true, false]);
    assert!(desk.truth(0).remedies.is_empty(), "nobody laid a hand on it");
    desk.wait_s(3_600);
    assert_eq!(ready(&desk), [false, true, false], "the client has given up");

    let mut desk = Desk::new(calm());
    let phones = desk.get("/api/v2/telephony/providers/edges/phones");
    let phone = phones["entities"][1]["id"].as_str().unwrap().to_owned();
    desk.post(&format!("/api/v2/telephony/providers/edges/phones/{phone}/reboot"), &json!({}));
    desk.wait_s(10);
    assert_eq!(ready(&desk), [false, true, false]);
}
