//! The rate limit and drawn failures, seen by a caller.

use serde_json::json;

use super::kit::Desk;
use crate::twin::scenario::{RouteLimit, Scenario};
use crate::words::http::Method;

fn limited(calls: u32) -> Scenario {
    let mut scenario = Scenario::default();
    scenario.rate_limit.calls_per_minute = calls;
    scenario
}

#[test]
fn past_the_limit_comes_the_exact_answer_and_waiting_helps() {
    let mut desk = Desk::new(limited(3));
    for left in 0..3 {
        let answer = desk.call(Method::Get, "/api/v2/date", None);
        assert_eq!(answer.header_value("inin-ratelimit-count"), Some((left + 1).to_string().as_str()));
        assert_eq!(answer.header_value("inin-ratelimit-allowed"), Some("3"));
        assert_eq!(answer.header_value("inin-ratelimit-reset"), Some("60"));
    }
    desk.wait_s(18);
    let refused = desk.call(Method::Get, "/api/v2/date", None);
    assert_eq!((refused.status, refused.header_value("retry-after")), (429, Some("42")));
    let correlation = refused.header_value("inin-correlation-id").unwrap().to_owned();
    assert_eq!(
        refused.value(),
        json!({
            "message": "Rate limit exceeded the maximum. Retry the request in [42] seconds",
            "code": "too.many.requests.retry.after",
            "status": 429,
            "contextId": correlation,
            "details": [],
            "errors": [],
        })
    );
    desk.wait_s(42);
    assert_eq!(desk.call(Method::Get, "/api/v2/date", None).status, 200);
    let counters = desk.twin.truth().counters;
    assert_eq!((counters.too_many_requests, counters.max_calls_in_a_window), (1, 4));
}

#[test]
fn each_token_has_its_own_window() {
    let mut desk = Desk::new(limited(2));
    let other = desk.publisher_token();
    for _ in 0..2 {
        desk.get("/api/v2/date");
    }
    assert_eq!(desk.call(Method::Get, "/api/v2/date", None).status, 429);
    assert_eq!(desk.ask(Method::Get, "/api/v2/date", None, &other).status, 200);
}

#[test]
fn the_login_is_limited_per_client() {
    let mut scenario = Scenario::default();
    scenario.rate_limit.oauth_calls_per_minute = 2;
    let mut desk = Desk::new(scenario);
    desk.publisher_token();
    let answer = desk.oauth("softlanding", "twin-publisher-secret", "grant_type=client_credentials");
    assert_eq!(answer.status, 429);
    assert!(answer.header_value("retry-after").is_some());
    let token = desk.enrolled(0);
    assert_eq!(desk.refresh(&token).status, 200, "the other client's window");
}

#[test]
fn a_route_can_have_a_lower_limit() {
    let mut scenario = limited(100);
    scenario.rate_limit.routes = vec![RouteLimit { path_starts: "/api/v2/users".to_owned(), calls_per_minute: 1 }];
    let mut desk = Desk::new(scenario);
    desk.get("/api/v2/users");
    let refused = desk.call(Method::Get, "/api/v2/users", None);
    assert_eq!((refused.status, refused.header_value("inin-ratelimit-allowed")), (429, Some("1")));
    desk.get("/api/v2/date");
}

#[test]
fn the_reset_header_can_be_wrong_but_never_retry_after() {
    let mut scenario = limited(1);
    scenario.rate_limit.reset_jitter_s = 5;
    let mut desk = Desk::new(scenario);
    desk.get("/api/v2/date");
    let mut told = std::collections::BTreeSet::new();
    for _ in 0..40 {
        let refused = desk.call(Method::Get, "/api/v2/date", None);
        assert_eq!(refused.header_value("retry-after"), Some("60"));
        told.insert(refused.header_value("inin-ratelimit-reset").unwrap().parse::<i64>().unwrap());
    }
    assert!(told.len() > 3 && told.iter().all(|s| (55..=65).contains(s)), "{told:?}");
}

#[test]
fn an_outage_has_no_effect_and_lasts_as_long_as_the_scenario_says() {
    let mut scenario = Scenario::default();
    scenario.faults.unavailable_share = 1.0;
    scenario.faults.unavailable_burst_s = 10;
    let mut desk = Desk::new(scenario);
    let agent = desk.agent(0);
    let answer = desk.call(Method::Delete, &format!("/api/v2/tokens/{agent}"), None);
    assert_eq!((answer.status, answer.value()["code"].clone()), (503, json!("service.unavailable")));
    assert!(desk.truth(0).media_ready && desk.truth(0).remedies.is_empty());
}

#[test]
fn a_body_past_the_limit_is_refused() {
    let mut desk = Desk::new(Scenario::default());
    let huge = json!({ "userIds": ["x".repeat(512_001)] });
    assert_eq!(desk.post("/api/v2/users/bulk/export", &huge).status, 413);
}
