//! Random answers: no decoder panics, no call hangs, and nothing good is read out of nonsense.

use serde_json::{Map, Value};

use super::support::*;
use crate::hands::genesys::staging::{find, rights, schedules, shifts, units};
use crate::hands::genesys::{Call, failure, phones, publish, stations, users};
use crate::law::command::{Command, Outcome, PublishAnswer, ReadPurpose, TokenVia, UploadKey};
use crate::law::verdict::CallState;
use crate::words::clock::{Seed, Timestamp};
use crate::words::http::{Lost, Request, Response};
use crate::words::id::{AgentId, BusinessUnitId, PhoneId, Seat};
use crate::words::secret::Secret;

const NAMES: [&str; 44] = [
    "entities",
    "id",
    "status",
    "station",
    "effectiveStation",
    "associatedStation",
    "presence",
    "presenceDefinition",
    "systemPresence",
    "conversationSummary",
    "call",
    "contactCenter",
    "enterprise",
    "active",
    "acw",
    "routingStatus",
    "lastTokenIssued",
    "dateIssued",
    "metadata",
    "version",
    "published",
    "uploadKey",
    "url",
    "headers",
    "operationId",
    "access_token",
    "refresh_token",
    "expires_in",
    "error",
    "message",
    "code",
    "pageCount",
    "total",
    "webRtcUser",
    "operationalStatus",
    "lineStatuses",
    "reachable",
    "webRtcUserId",
    "userId",
    "managementUnits",
    "agents",
    "grants",
    "result",
    "agentSchedules",
];

const TEXTS: [&str; 16] = [
    "",
    "agent-0",
    "agent-1",
    "OPERATIONAL",
    "ASSOCIATED",
    "Processing",
    "Complete",
    "Error",
    "invalid_grant",
    "IDLE",
    "https://h/x",
    "http://h/x",
    "2026-11-27T22:00:00Z",
    "\u{0}\u{1b}[31m",
    "in [99999999999999999999]",
    "\u{1f600}é",
];

fn json(chance: &mut Seed, depth: u32) -> Value {
    let pick = |chance: &mut Seed, n: usize| chance.between(0, n as i64 - 1) as usize;
    match chance.between(0, if depth == 0 { 5 } else { 9 }) {
        0 => Value::Null,
        1 => Value::Bool(chance.chance(0.5)),
        2 => Value::from(chance.bits() as i64),
        3 => Value::from(chance.between(-1, 3)),
        4 => Value::from(chance.between(-9, 9) as f64 / 4.0),
        5 => Value::from(TEXTS[pick(chance, TEXTS.len())]),
        6 | 7 => (0..chance.between(0, 3)).map(|_| json(chance, depth - 1)).collect(),
        _ => {
            let fields = (0..chance.between(0, 6)).map(|_| {
                let name = NAMES[pick(chance, NAMES.len())].to_owned();
                (name, json(chance, depth - 1))
            });
            Value::Object(fields.collect::<Map<_, _>>())
        }
    }
}

fn response(chance: &mut Seed) -> Response {
    let statuses = [200, 200, 200, 201, 202, 204, 302, 400, 401, 403, 404, 408, 409, 429, 500, 503, 0, 999];
    let status = statuses[chance.between(0, statuses.len() as i64 - 1) as usize];
    let mut response = Response::new(status);
    match chance.between(0, 9) {
        0 => response.body = (0..chance.between(0, 40)).map(|_| chance.bits() as u8).collect(),
        1 => response.body = "[".repeat(10_000).into_bytes(),
        _ => response = response.json(&json(chance, 5)),
    }
    for name in ["retry-after", "inin-ratelimit-count", "inin-ratelimit-allowed", "inin-ratelimit-reset"] {
        if chance.chance(0.2) {
            let number = chance.between(-5, 100);
            response = response.header(name, if chance.chance(0.2) { "soon".to_owned() } else { number.to_string() });
        }
    }
    response
}

#[test]
fn no_decoder_panics() {
    let mut chance = Seed(94).fork("decoders");
    let (agent, unit) = (AgentId::new("agent-1").unwrap(), BusinessUnitId::new("bu-1").unwrap());
    let seats = [(AgentId::new("agent-0").unwrap(), Seat(0)), (agent.clone(), Seat(1))];
    for _ in 0..2_000 {
        let response = response(&mut chance);
        let now = Timestamp(chance.bits() as i64);
        let _ = publish::state_of(&response);
        let _ = publish::upload(&response, Vec::new());
        let _ = publish::publish_answer(Ok(response.clone()), now);
        let _ = phones::seen_on_page(&response);
        let _ = phones::seen_alone(&response, &agent);
        let _ = stations::found(&response, &agent);
        let failure = failure::refused(&response, now);
        assert!(!failure.message.chars().any(char::is_control) && failure.message.chars().count() <= 300);
        let _ = failure::rate_headers(&response);
        let _ = units::units_in(&response);
        let _ = units::unit_in(&response, &unit);
        let _ = units::names_in(&response);
        let _ = schedules::schedules_in(&response);
        let _ = schedules::roster_in(&response);
        let _ = rights::permissions_in(&response).map(|permissions| permissions.allows("wfm:schedule:edit"));
        let _ = rights::limits_in(&response);
        let _ = rights::date_in(&response);
        let _ = shifts::body_of(&response.value());
        shifts::merge(&response.value(), &mut shifts::Shifts::default());
        if let Ok(seen) = users::seen(&response, &seats) {
            assert!(seen.len() <= 2);
            assert!(seen.iter().all(|user| user.call != CallState::Free), "free needs five signs, not chance");
        }
        let label = |value: &Value| find::Candidate { id: value.to_string(), name: value.to_string() };
        let _ = find::pick(vec![response.value()], "x", label);
    }
}

fn commands() -> Vec<Command> {
    let phone = PhoneId::new("p-1").unwrap();
    vec![
        Command::ReadSchedule,
        Command::PrepareUpload { version: 7 },
        Command::Publish { upload: UploadKey(Secret::new("key-17".to_owned())) },
        Command::RefreshToken { seat: Seat(0), via: TokenVia::Grant, unless: None },
        Command::RefreshToken { seat: Seat(0), via: TokenVia::Reported, unless: None },
        Command::ReadUsers { seats: seats(&[0, 1]), purpose: ReadPurpose::BeforeRemedy },
        Command::ReadPhones { page: 0, purpose: ReadPurpose::Sweep },
        Command::ReadPhone { seat: Seat(0), phone: phone.clone() },
        Command::ProbeMedia { seat: Seat(0), since: Timestamp::default() },
        Command::ResetSessions { seats: seats(&[0]) },
        Command::Reassociate { seat: Seat(1) },
        Command::RebootPhones { phones: vec![(Seat(0), phone)] },
        Command::RevokeTokens { seat: Seat(0) },
    ]
}

#[test]
fn every_call_ends_whatever_comes_back_and_publishes_at_most_once() {
    for seed in 0..400 {
        let mut chance = Seed(seed).fork("calls");
        let mut org = org();
        for command in commands() {
            let mut call = Call::new(&command, &plan(2), Some(grant(Some("a-1"))));
            let answer = |request: &Request| {
                if is_login(request) && chance.chance(0.8) {
                    return Ok(Response::new(200).json(&serde_json::json!({"access_token": "t", "expires_in": 99})));
                }
                match chance.between(0, 9) {
                    0 => Err(Lost::NoAnswer("reset".to_owned())),
                    1 => Err(Lost::NotSent("refused".to_owned())),
                    _ => Ok(response(&mut chance)),
                }
            };
            let played = play_all(&mut call, &mut org, Timestamp(0), answer);
            let updates = played.sent.iter().filter(|(_, r)| r.path() == format!("{SCHEDULE}/update")).count();
            assert!(updates <= 1, "seed {seed}: published {updates} times");
            if updates == 0 && matches!(command, Command::Publish { .. }) {
                let not_done =
                    matches!(played.done.outcome, Outcome::Published { answer: PublishAnswer::NotDone(_), .. });
                assert!(not_done, "seed {seed}: {:?}", played.done.outcome);
            }
        }
    }
}
