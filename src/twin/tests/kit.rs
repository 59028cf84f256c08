//! A caller of the twin for tests: keeps the time, a token, and the ids that most tests need.

use std::io::Write;

use serde_json::{Value, json};

use crate::twin::scenario::{Cohort, Kind, KindCounts, Scenario};
use crate::twin::truth::AgentTruth;
use crate::twin::{APP_CLIENT_ID, APP_CLIENT_SECRET, PUBLISHER_CLIENT_ID, PUBLISHER_CLIENT_SECRET, Twin};
use crate::words::clock::{Seed, Timestamp};
use crate::words::http::{Method, Request, Response};

pub const BASE: &str = "http://127.0.0.1:4321";

/// Friday, 27 November 2026, 16:00 in Chicago.
pub fn anchor() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-27T22:00:00Z").unwrap()
}

pub struct Desk {
    pub twin: Twin,
    pub now: Timestamp,
    pub token: String,
}

/// A scenario of one cohort, logged in two hours before the publish, whose publish revokes and cuts.
pub fn struck(kinds: KindCounts, agents: u32) -> Scenario {
    let mut scenario = Scenario::default();
    scenario.cohorts = vec![Cohort { agents, kinds, login_min: [-120, -120], ..Cohort::default() }];
    scenario.revoke.on_publish = true;
    scenario.reported.offered = true;
    scenario
}

/// The same with one agent of one kind.
pub fn struck_one(kind: Kind) -> Scenario {
    let mut kinds = KindCounts::default();
    match kind {
        Kind::Healthy => {}
        Kind::NotEnrolled => kinds.not_enrolled = 1,
        Kind::HandOverMissed => kinds.hand_over_missed = 1,
        Kind::RefreshTokenDead => kinds.refresh_token_dead = 1,
        Kind::StationLost => kinds.station_lost = 1,
        Kind::PhoneStale => kinds.phone_stale = 1,
        Kind::TokenRevokedSocketUp => kinds.token_revoked_socket_up = 1,
        Kind::Stubborn => kinds.stubborn = 1,
        Kind::Incurable => kinds.incurable = 1,
        Kind::BlocksMissing => kinds.blocks_missing = 1,
        Kind::MediaLegFailed => kinds.media_leg_failed = 1,
    }
    struck(kinds, 1)
}

pub fn basic(id: &str, secret: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text = format!("{id}:{secret}");
    let bits: String = text.bytes().map(|b| format!("{b:08b}")).collect();
    let sixes = bits.as_bytes().chunks(6).map(|six| {
        let six = format!("{:0<6}", std::str::from_utf8(six).unwrap());
        LETTERS[usize::from_str_radix(&six, 2).unwrap()] as char
    });
    format!("Basic {}", sixes.collect::<String>())
}

impl Desk {
    /// Half an hour before the publish, with the publisher's token.
    pub fn new(scenario: Scenario) -> Desk {
        Desk::with_seed(scenario, 7)
    }
    pub fn with_seed(scenario: Scenario, seed: u64) -> Desk {
        scenario.check().unwrap();
        let twin = Twin::new(scenario, Seed(seed), anchor(), BASE);
        let mut desk = Desk { twin, now: anchor() - 30 * 60_000, token: String::new() };
        desk.token = desk.publisher_token();
        desk
    }
    pub fn publisher_token(&mut self) -> String {
        let answer = self.oauth(PUBLISHER_CLIENT_ID, PUBLISHER_CLIENT_SECRET, "grant_type=client_credentials");
        answer.value()["access_token"].as_str().unwrap().to_owned()
    }
    pub fn oauth(&mut self, id: &str, secret: &str, form: &str) -> Response {
        let mut request = Request::new(Method::Post, format!("{BASE}/oauth/token"))
            .header("authorization", basic(id, secret))
            .header("content-type", "application/x-www-form-urlencoded");
        request.body = form.as_bytes().to_vec();
        self.twin.handle(self.now, &request)
    }
    pub fn refresh(&mut self, refresh_token: &str) -> Response {
        self.oauth(APP_CLIENT_ID, APP_CLIENT_SECRET, &format!("grant_type=refresh_token&refresh_token={refresh_token}"))
    }
    /// The refresh token of an agent, as enrolled.
    pub fn enrolled(&self, i: usize) -> String {
        let id = self.agent(i);
        let held = self.twin.enrolments().into_iter().find(|(agent, _, _)| agent.as_str() == id);
        held.unwrap().2.expose().to_owned()
    }
    /// Refreshes one agent; gives the access token.
    pub fn refresh_agent(&mut self, i: usize) -> String {
        let token = self.enrolled(i);
        let answer = self.refresh(&token);
        assert_eq!(answer.status, 200, "{}", answer.value());
        answer.value()["access_token"].as_str().unwrap().to_owned()
    }
    pub fn ask(&mut self, method: Method, path: &str, body: Option<&Value>, token: &str) -> Response {
        let request = Request::new(method, format!("{BASE}{path}")).header("authorization", format!("Bearer {token}"));
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        self.twin.handle(self.now, &request)
    }
    pub fn call(&mut self, method: Method, path: &str, body: Option<&Value>) -> Response {
        let token = self.token.clone();
        self.ask(method, path, body, &token)
    }
    pub fn get(&mut self, path: &str) -> Value {
        let answer = self.call(Method::Get, path, None);
        assert_eq!(answer.status, 200, "{path}: {}", answer.value());
        answer.value()
    }
    pub fn post(&mut self, path: &str, body: &Value) -> Response {
        self.call(Method::Post, path, Some(body))
    }
    pub fn wait_s(&mut self, seconds: i64) {
        self.now = self.now + seconds * 1000;
        self.twin.advance(self.now);
    }
    pub fn until(&mut self, at: Timestamp) {
        self.now = at;
        self.twin.advance(at);
    }
    pub fn agent(&self, i: usize) -> String {
        self.truth(i).id.as_str().to_owned()
    }
    pub fn truth(&self, i: usize) -> AgentTruth {
        self.twin.truth().agents[i].clone()
    }
    pub fn business_unit(&mut self) -> String {
        self.get("/api/v2/workforcemanagement/businessunits")["entities"][0]["id"].as_str().unwrap().to_owned()
    }
    /// The path of the first draft of the week to be published.
    pub fn draft(&mut self) -> String {
        let unit = self.business_unit();
        let week = format!("/api/v2/workforcemanagement/businessunits/{unit}/weeks/2026-11-30/schedules");
        let listed = self.get(&week);
        let draft = listed["entities"].as_array().unwrap().iter().find(|s| s["published"] == false).unwrap();
        format!("{week}/{}", draft["id"].as_str().unwrap())
    }
    /// Steps 2 and 3: an uploaded body; gives the upload key.
    pub fn upload(&mut self, schedule: &str, body: &Value) -> String {
        let answer = self.post(&format!("{schedule}/update/uploadurl"), &json!({ "contentLengthBytes": 2048 }));
        assert_eq!(answer.status, 201, "{}", answer.value());
        let target = answer.value();
        let mut request = Request::new(Method::Put, target["url"].as_str().unwrap());
        for (name, value) in target["headers"].as_object().unwrap() {
            request = request.header(name, value.as_str().unwrap());
        }
        request.body = gzip(body.to_string().as_bytes());
        assert_eq!(self.twin.handle(self.now, &request).status, 200);
        target["uploadKey"].as_str().unwrap().to_owned()
    }
    /// Step 4.
    pub fn update(&mut self, schedule: &str, key: &str) -> Response {
        self.post(&format!("{schedule}/update"), &json!({ "uploadKey": key }))
    }
    /// All steps at this moment; gives the answer to the last.
    pub fn publish_with(&mut self, extra: &Value) -> Response {
        let schedule = self.draft();
        let version = self.get(&schedule)["metadata"]["version"].clone();
        let mut body = json!({ "metadata": { "version": version }, "published": true });
        for (name, value) in extra.as_object().unwrap() {
            body[name] = value.clone();
        }
        let key = self.upload(&schedule, &body);
        self.update(&schedule, &key)
    }
    /// Publishes at the anchor and waits until sockets were cut and have tried again.
    pub fn friday(&mut self) {
        self.until(anchor());
        assert_eq!(self.publish_with(&json!({})).status, 202);
        self.wait_s(25 + 20 + 5);
        assert_eq!(self.twin.truth().counters.publishes_applied, 1);
    }
    pub fn reset(&mut self, i: usize) -> Response {
        let agent = self.agent(i);
        let body = json!({ "force_refresh": true, "target": "webrtc_sessions", "userIds": [agent] });
        self.post("/api/v2/users/bulk/export", &body)
    }
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}
