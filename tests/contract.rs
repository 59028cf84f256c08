//! The twin keeps the platform's published API: everything asked of it here, and everything that it answers, is checked
//! against `tests/openapi/platform.json`. And the check itself is checked: it has to find what was spoilt on purpose.

mod support;

use serde_json::{Value, json};
use softlanding::twin::scenario::{Faults, RateLimit, RouteLimit, StaleVersion};
use support::contract;
use support::openapi::Description;
use support::org::{Answer, Org, scenario};

const WFM: &str = "/api/v2/workforcemanagement";
const EDGES: &str = "/api/v2/telephony/providers/edges";
const REPEAT: &str = "to repeat: ./tests/run --test contract";

fn no_faults(exchanges: &[Value]) {
    let faults = contract::check(exchanges);
    assert!(faults.is_empty(), "{} faults; {REPEAT}\n{}", faults.len(), faults.join("\n"));
}

/// A served org with a token, and the ids that its first answers gave.
struct Visit {
    org: Org,
    token: String,
    unit: String,
    week: String,
    schedule: String,
    version: i64,
}

impl Visit {
    async fn begin(org: Org) -> Visit {
        let token = org.token().await;
        let mut visit =
            Visit { org, token, unit: String::new(), week: String::new(), schedule: String::new(), version: 0 };
        visit.unit = text(&visit.get(&format!("{WFM}/businessunits")).await.body["entities"][0]["id"]);
        let path = format!("{WFM}/businessunits/{}/weeks/recent/schedules", visit.unit);
        let listed = visit.get(&path).await.body;
        let drafts = listed["entities"].as_array().expect("schedules").iter();
        let draft = drafts.clone().find(|s| s["published"] == false).expect("a draft");
        visit.week = text(&draft["weekDate"]);
        visit.schedule = text(&draft["id"]);
        visit.version = draft["metadata"]["version"].as_i64().expect("a version");
        visit
    }

    fn path(&self) -> String {
        format!("{WFM}/businessunits/{}/weeks/{}/schedules/{}", self.unit, self.week, self.schedule)
    }

    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.org.call(&self.token, method, path, body.as_ref()).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None).await
    }

    /// The four steps of API.md section 5, without waiting for the end.
    async fn publish(&self, version: i64) -> Answer {
        let length = json!({ "contentLengthBytes": 80 });
        let place = self.call("POST", &format!("{}/update/uploadurl", self.path()), Some(length)).await.body;
        let body = json!({ "metadata": { "version": version }, "published": true });
        assert_eq!(self.org.upload(&place, &body).await.status, 200);
        let update = json!({ "uploadKey": place["uploadKey"] });
        self.call("POST", &format!("{}/update", self.path()), Some(update)).await
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}")).to_owned()
}

/// Asks for every operation of the description once, and publishes.
async fn ask_everything(visit: &Visit) {
    let agents: Vec<String> = visit.org.truth().agents.iter().map(|a| a.id.to_string()).collect();
    let (one, some) = (agents[0].clone(), agents[..agents.len().min(40)].join(","));
    let (unit, week) = (&visit.unit, &visit.week);
    let schedule = visit.path();
    let stations = visit.get("/api/v2/stations?pageSize=100&pageNumber=1").await.body;
    let station = text(&visit.get(&format!("/api/v2/stations?webRtcUserId={one}")).await.body["entities"][0]["id"]);
    let listed: Vec<String> =
        stations["entities"].as_array().expect("stations").iter().map(|s| text(&s["id"])).collect();
    let phones = format!("{EDGES}/phones?pageSize=100&sortBy=id&expand=status,lines&fields=webRtcUser");
    let phones = visit.get(&phones).await.body;
    let phone = text(&phones["entities"][0]["id"]);
    let managed = text(&visit.get(&format!("{WFM}/managementunits")).await.body["entities"][0]["id"]);
    let edge = text(&visit.get(&format!("{EDGES}?pageSize=10")).await.body["entities"][0]["id"]);
    let trunks = visit.get(&format!("{EDGES}/trunks?trunkType=EXTERNAL&pageSize=100")).await.body;
    let trunk = text(&trunks["entities"][0]["id"]);
    let channel = visit.call("POST", "/api/v2/notifications/channels", None).await.body;
    let subscriptions = format!("/api/v2/notifications/channels/{}/subscriptions", text(&channel["id"]));
    let everything = "presence,routingStatus,conversationSummary,station,authorization,lasttokenissued";
    let reads = [
        "/api/v2/date".to_owned(),
        "/api/v2/organizations/me".to_owned(),
        "/api/v2/organizations/limits/namespaces/platform.api".to_owned(),
        "/api/v2/organizations/limits/namespaces/platform.api/defaults".to_owned(),
        "/api/v2/tokens/me?preserveIdleTTL=true".to_owned(),
        "/api/v2/presence/definitions".to_owned(),
        "/api/v2/authorization/subjects/me".to_owned(),
        format!("/api/v2/authorization/subjects/{one}"),
        "/api/v2/authorization/divisionspermitted/me?permission=wfm:schedule:edit".to_owned(),
        "/api/v2/authorization/divisionspermitted/paged/me?permission=wfm:schedule:edit&pageSize=5".to_owned(),
        format!("/api/v2/authorization/divisionspermitted/paged/{one}?permission=wfm:schedule:edit"),
        "/api/v2/notifications/availabletopics?expand=requiresPermissions".to_owned(),
        "/api/v2/notifications/channels".to_owned(),
        subscriptions.clone(),
        format!("{WFM}/businessunits/{unit}?expand=settings"),
        format!("{WFM}/businessunits/{unit}/managementunits"),
        format!("{WFM}/businessunits/{unit}/users"),
        format!("{WFM}/managementunits/{managed}"),
        format!("{WFM}/managementunits/{managed}/users"),
        format!("{WFM}/businessunits/{unit}/weeks/{week}/schedules"),
        format!("{schedule}?expand=managementUnits.agents"),
        format!("/api/v2/users?pageSize=100&id={some}&expand={everything}"),
        format!("/api/v2/users?pageSize=500&pageNumber=1&expand={everything}"),
        format!("/api/v2/users/{one}?expand={everything}"),
        format!("/api/v2/users/{one}/station"),
        format!("/api/v2/users/{one}/routingstatus"),
        format!("/api/v2/users/{one}/presences/purecloud"),
        format!("/api/v2/users/{one}/roles"),
        format!("/api/v2/users/presences/purecloud/bulk?id={some}"),
        format!("/api/v2/users/presences/PURECLOUD/bulk?id={some}"),
        format!("/api/v2/stations?pageSize=100&id={}", listed.join(",")),
        format!("/api/v2/stations/{station}"),
        format!("{EDGES}/{edge}"),
        format!("{EDGES}/phones/{phone}"),
        format!("{EDGES}/phones?webRtcUser.id={one}&expand=status"),
        format!("{EDGES}/trunks/{trunk}"),
        format!("{EDGES}/sites"),
    ];
    for path in reads {
        let answer = visit.get(&path).await;
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.body);
    }
    let week_of =
        json!({ "startDate": "2026-11-26T00:00:00.000Z", "endDate": "2026-12-05T00:00:00.000Z", "userIds": [one] });
    let topics = json!([
        { "id": format!("v2.workforcemanagement.businessunits.{unit}.schedules") },
        { "id": format!("v2.users.{one}?presence&routingStatus&station") },
    ]);
    let (person, place) = (format!("/api/v2/users/{one}/station"), format!("/api/v2/stations/{station}"));
    let acts = [
        ("POST", format!("{WFM}/businessunits/{unit}/agentschedules/search"), Some(week_of)),
        (
            "POST",
            format!("{schedule}/agentschedules/query"),
            Some(json!({ "managementUnitId": managed, "userIds": [one] })),
        ),
        ("PUT", subscriptions.clone(), Some(topics.clone())),
        ("POST", format!("{subscriptions}?ignoreErrors=true"), Some(topics)),
        ("GET", subscriptions.clone(), None),
        ("DELETE", subscriptions, None),
        ("DELETE", format!("{place}/associateduser"), None),
        ("PUT", format!("{person}/defaultstation/{station}"), None),
        ("POST", format!("{EDGES}/phones/{phone}/reboot"), None),
        ("POST", format!("{EDGES}/phones/reboot"), Some(json!({ "phoneIds": [phone] }))),
    ];
    for (method, path, body) in acts {
        let answer = visit.call(method, &path, body).await;
        assert!((200..300).contains(&answer.status), "{method} {path} -> {}: {}", answer.status, answer.body);
    }
    // A station just freed refuses for a while.
    visit.org.pass(60_000);
    assert_eq!(visit.call("PUT", &format!("{person}/associatedstation/{station}"), None).await.status, 202);
    visit.org.pass(60_000);
    assert_eq!(visit.call("DELETE", &format!("{person}/associatedstation"), None).await.status, 202);
    assert_eq!(visit.publish(visit.version).await.status, 202);
    visit.org.pass(120_000);
    let published = visit.get(&schedule).await.body;
    assert_eq!(published["published"], true, "{published}");
    visit.get(&format!("/api/v2/users?pageSize=100&id={some}&expand={everything}")).await;
    as_an_agent(visit).await;
    assert_eq!(visit.call("DELETE", &schedule, None).await.status, 202);
    assert_eq!(visit.get(&schedule).await.status, 404);
    assert_eq!(visit.call("DELETE", &format!("/api/v2/tokens/{one}"), None).await.status, 204);
    assert_eq!(visit.call("HEAD", "/api/v2/tokens/me", None).await.status, 200);
    assert!((200..300).contains(&visit.call("DELETE", "/api/v2/tokens/me", None).await.status));
}

/// What only an agent's own token may ask for.
async fn as_an_agent(visit: &Visit) {
    let app = (softlanding::twin::APP_CLIENT_ID, softlanding::twin::APP_CLIENT_SECRET);
    let held = reqwest::get(format!("{}/twin/enrolments", visit.org.url)).await.expect("enrolments").text().await;
    let held = held.expect("a text");
    let first: Value = serde_json::from_str(held.lines().next().expect("an enrolled agent")).expect("JSON lines");
    let form = format!("grant_type=refresh_token&refresh_token={}", text(&first["refresh_token"]));
    let granted = visit.org.grant(app, &form).await;
    assert_eq!(granted.status, 200, "{}", granted.body);
    let token = text(&granted.body["access_token"]);
    for path in ["/api/v2/users/me?expand=station", "/api/v2/users/stations/me", "/api/v2/authorization/subjects/me"] {
        let answer = visit.org.call(&token, "GET", path, None).await;
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.body);
    }
    // A used refresh token, and a client that nobody knows.
    assert_eq!(visit.org.grant(app, &form).await.status, 400);
    assert!([400, 401].contains(&visit.org.grant(("nobody", "x"), "grant_type=client_credentials").await.status));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_calm_org_serves_every_operation_as_described() {
    let mut calm = scenario("calm");
    calm.rate_limit = RateLimit { calls_per_minute: 3_000, ..calm.rate_limit };
    let visit = Visit::begin(Org::serve(calm, -60, 1.0).await).await;
    ask_everything(&visit).await;
    let exchanges = visit.org.exchanges();
    no_faults(&exchanges);
    let missing: Vec<String> =
        Description::load().names().difference(&contract::findings(&exchanges).served).cloned().collect();
    assert!(missing.is_empty(), "described but never answered with 2xx: {missing:#?}; {REPEAT}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_org_of_the_users_report_serves_every_operation_as_described() {
    let mut friday = scenario("friday-1600");
    friday.rate_limit = RateLimit { calls_per_minute: 3_000, ..friday.rate_limit };
    let visit = Visit::begin(Org::serve(friday, -30, 1.0).await).await;
    ask_everything(&visit).await;
    let exchanges = visit.org.exchanges();
    no_faults(&exchanges);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_look_as_described() {
    let mut calm = scenario("calm");
    calm.publish.stale_version = StaleVersion::Conflict;
    calm.withheld_permissions = vec!["oauth:token:delete".to_owned()];
    calm.rate_limit.routes = vec![RouteLimit { path_starts: "/api/v2/date".to_owned(), calls_per_minute: 2 }];
    let visit = Visit::begin(Org::serve(calm, -60, 1.0).await).await;
    let agent = visit.org.truth().agents[0].id.to_string();
    let nobody = "00000a00-0000-4000-8000-0000000fffff";
    let status = |answer: Answer| answer.status;
    assert_eq!(status(visit.org.call("twin-access-no", "GET", "/api/v2/stations", None).await), 401);
    assert_eq!(status(visit.call("DELETE", &format!("/api/v2/tokens/{agent}"), None).await), 403);
    assert_eq!(status(visit.get(&format!("/api/v2/users/{nobody}")).await), 404);
    assert_eq!(status(visit.get("/api/v2/users/me").await), 400);
    assert_eq!(status(visit.get("/api/v2/users?pageSize=9999").await), 400);
    assert_eq!(status(visit.publish(visit.version - 1).await), 409);
    assert_eq!(status(visit.get("/api/v2/communications/webRTC").await), 404);
    let seen = [visit.get("/api/v2/date").await, visit.get("/api/v2/date").await, visit.get("/api/v2/date").await];
    assert_eq!(seen.map(|a| a.status), [200, 200, 429]);
    no_faults(&visit.org.exchanges());

    let mut stormy = scenario("calm");
    stormy.faults = Faults { unavailable_share: 1.0, unavailable_burst_s: 5, ..stormy.faults };
    let org = Org::serve(stormy, -60, 1.0).await;
    let token = org.token().await;
    assert_eq!(status(org.call(&token, "GET", "/api/v2/stations", None).await), 503);
    no_faults(&org.exchanges());
}

/// A good exchange, to be spoilt.
fn good() -> Value {
    json!({
        "method": "POST",
        "url": "/api/v2/workforcemanagement/businessunits/b/weeks/2026-11-30/schedules/s/update/uploadurl",
        "headers": ["authorization", "content-type"],
        "content_type": "application/json",
        "body": r#"{"contentLengthBytes":80}"#,
        "status": 201,
        "response_headers": ["content-type", "inin-correlation-id"],
        "response_body": r#"{"uploadKey":"k","url":"https://example.com/u","headers":{"a":"b"}}"#,
    })
}

fn users(query: &str, response_body: &str) -> Value {
    json!({
        "method": "GET",
        "url": format!("/api/v2/users{query}"),
        "headers": ["authorization"],
        "status": 200,
        "response_headers": ["content-type", "inin-correlation-id"],
        "response_body": response_body,
    })
}

/// The good exchange with one member changed.
fn spoilt(member: &str, value: impl Into<Value>) -> Value {
    let mut exchange = good();
    exchange[member] = value.into();
    exchange
}

#[test]
fn the_check_passes_what_is_good() {
    let expands = users("?id=a&id=b,c&pageSize=100&expand=station", r#"{"entities":[{"id":"a"}],"pageSize":100}"#);
    no_faults(&[good(), expands]);
}

#[test]
fn the_check_finds_what_is_spoilt() {
    let spoilt_ones = [
        (spoilt("body", "{}"), "\"contentLengthBytes\" is a required property"),
        (spoilt("body", r#"{"contentLengthBytes":"80"}"#), "is not of type \"integer\""),
        (spoilt("body", r#"{"contentLengthBytes":80,"purgeCache":true}"#), "purgeCache"),
        (spoilt("body", ""), "the body is missing"),
        (spoilt("body", "{"), "not JSON"),
        (spoilt("content_type", "text/plain"), "content type"),
        (spoilt("headers", json!([])), "no Authorization"),
        (spoilt("method", "PUT"), "has no PUT"),
        (spoilt("url", "/api/v2/invented"), "no such path"),
        (spoilt("url", good()["url"].as_str().expect("a url").replace("2026-11-30", "next")), "weekId"),
        (spoilt("url", format!("{}?purgeCache=true", good()["url"].as_str().expect("a url"))), "purgeCache"),
        (spoilt("status", 299), "the status 299"),
        (spoilt("response_headers", json!([])), "inin-correlation-id is missing"),
        (spoilt("response_body", r#"{"uploadKey":7}"#), "is not of type \"string\""),
        (spoilt("response_body", r#"{"invented":1}"#), "invented"),
        (spoilt("response_body", ""), "the body is missing"),
        (spoilt("response_body", r#"{"uploadKey":null}"#), "null is not of type"),
        (users("?expand=invented", "{}"), "\"invented\" is not one of"),
        (users("?pageSize=many", "{}"), "is not of type \"integer\""),
        (users("?webRtc=1", "{}"), "webRtc is not in the published API"),
        (users(&format!("?id={}", vec!["a"; 101].join(",")), "{}"), "100"),
        (users("", r#"{"entities":[{"state":"asleep"}]}"#), "\"asleep\" is not one of"),
        (users("", r#"{"entities":[{"presence":{"modifiedDate":"yesterday"}}]}"#), "date-time"),
        (json!({ "method": "GET" }), "is not readable"),
    ];
    for (exchange, expected) in spoilt_ones {
        let faults = contract::check(std::slice::from_ref(&exchange));
        assert!(faults.iter().any(|f| f.contains(expected)), "{expected}: {faults:?} for {exchange}; {REPEAT}");
    }
}

#[test]
fn the_check_knows_forms() {
    let login = |body: &str| {
        json!({
            "method": "POST", "url": "/oauth/token", "headers": ["authorization"], "status": 200, "body": body,
            "content_type": "application/x-www-form-urlencoded",
            "response_body": r#"{"access_token":"[secret]","token_type":"bearer","expires_in":1}"#,
        })
    };
    no_faults(&[login("grant_type=client_credentials")]);
    for (body, expected) in
        [("grant_type=password", "is not one of"), ("refresh_token=x", "grant_type"), ("", "missing")]
    {
        let faults = contract::check(&[login(body)]);
        assert!(faults.iter().any(|f| f.contains(expected)), "{body}: {faults:?}; {REPEAT}");
    }
}

#[test]
fn reported_mechanisms_pass_by_name_only() {
    let reset = |path: &str, status: u16, body: &str| json!({ "method": "POST", "url": path, "status": status, "body": "{}", "response_body": body });
    assert!(contract::check(&[reset("/api/v2/users/bulk/export", 202, "{}")]).is_empty());
    assert!(!contract::check(&[reset("/api/v2/users/bulk/import", 202, "{}")]).is_empty());
    assert!(!contract::check(&[reset("/api/v2/users/bulk/export", 404, r#"{"sorry":1}"#)]).is_empty());
}
