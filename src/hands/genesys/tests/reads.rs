//! Users and phones: a table for each signal, and that what is missing stays unknown.

use serde_json::{Value, json};

use super::support::*;
use crate::hands::genesys::{phones, users};
use crate::law::command::{Command, FailureKind, Outcome, PhoneSeen, ReadPurpose};
use crate::law::verdict::{CallState, PhoneState, PresenceState, StationState};
use crate::words::clock::Timestamp;
use crate::words::http::Response;
use crate::words::id::{AgentId, PhoneId, Seat, StationId};

fn read_users(wanted: &[u32]) -> Command {
    Command::ReadUsers { seats: seats(wanted), purpose: ReadPurpose::Sweep }
}

#[test]
fn users_are_read_in_one_call_in_the_given_order() {
    let body = json!({"entities": [
        {"id": "agent-2", "lastTokenIssued": {"dateIssued": "1970-01-01T00:00:05Z"}},
        {"id": "stranger"}, {"name": "nobody"}, 17,
        {"id": "agent-0", "presence": {"presenceDefinition": {"systemPresence": "Offline"}}},
        {"id": "agent-0", "presence": {"presenceDefinition": {"systemPresence": "Available"}}},
    ]});
    let played = play(&mut call(&read_users(&[0, 2, 1])), &mut org(), always(Response::new(200).json(&body)));
    let expands =
        "expand=lasttokenissued&expand=station&expand=presence&expand=routingStatus&expand=conversationSummary";
    assert_eq!(played.api(), [format!("GET /api/v2/users?pageSize=3&id=agent-0&id=agent-2&id=agent-1&{expands}")]);
    let Outcome::Users(seen) = &played.done.outcome else { panic!("{:?}", played.done) };
    assert_eq!(seen.iter().map(|user| user.seat).collect::<Vec<_>>(), [Seat(2), Seat(0)]);
    assert_eq!(seen[0].token_issued, Some(Timestamp(5_000)));
    assert_eq!(seen[0].presence, PresenceState::Unknown);
    assert_eq!(seen[1].presence, PresenceState::Offline, "the first entry counts");
}

#[test]
fn an_answer_without_users_is_no_answer() {
    for body in [json!({}), json!({"entities": 3}), json!([]), Value::Null] {
        let played = play(&mut call(&read_users(&[0])), &mut org(), always(Response::new(200).json(&body)));
        assert_eq!(played.failure().kind, FailureKind::Malformed, "{body}");
    }
}

#[test]
fn stations() {
    let id = |text: &str| StationState::Associated(StationId::new(text).unwrap());
    let table = [
        (json!({}), StationState::Unknown),
        (json!({"station": null}), StationState::Unknown),
        (json!({"station": "s"}), StationState::Unknown),
        (json!({"station": {}}), StationState::Absent),
        (json!({"station": {"effectiveStation": null, "associatedStation": null}}), StationState::Absent),
        (
            json!({"station": {"defaultStation": {"id": "d"}, "lastAssociatedStation": {"id": "l"}}}),
            StationState::Absent,
        ),
        (json!({"station": {"associatedStation": {"id": "a"}}}), id("a")),
        (json!({"station": {"associatedStation": {"id": "a"}, "effectiveStation": {"id": "e"}}}), id("e")),
        (json!({"station": {"effectiveStation": {"id": "not an id"}}}), StationState::Unknown),
        (json!({"station": {"effectiveStation": {}}}), StationState::Unknown),
    ];
    for (user, state) in table {
        assert_eq!(users::station(&user), state, "{user}");
    }
}

#[test]
fn presences() {
    let with = |presence: Value| json!({"presence": {"presenceDefinition": {"systemPresence": presence}}});
    let table = [
        (json!({}), PresenceState::Unknown),
        (json!({"presence": {}}), PresenceState::Unknown),
        (with(json!(null)), PresenceState::Unknown),
        (with(json!("")), PresenceState::Unknown),
        (with(json!("Offline")), PresenceState::Offline),
        (with(json!("OFFLINE")), PresenceState::Offline),
        (with(json!("On Queue")), PresenceState::LoggedIn),
        (with(json!("Something New")), PresenceState::LoggedIn),
    ];
    for (user, state) in table {
        assert_eq!(users::presence(&user), state, "{user}");
    }
}

fn user_on(counts: [Value; 4], routing: Value) -> Value {
    let [cc_active, cc_acw, ent_active, ent_acw] = counts;
    json!({"routingStatus": {"status": routing}, "conversationSummary": {"call": {
        "contactCenter": {"active": cc_active, "acw": cc_acw}, "enterprise": {"active": ent_active, "acw": ent_acw}}}})
}

#[test]
fn calls() {
    let none = || [json!(0), json!(0), json!(0), json!(0)];
    for routing in ["OFF_QUEUE", "IDLE", "NOT_RESPONDING"] {
        assert_eq!(users::call(&user_on(none(), json!(routing))), CallState::Free, "{routing}");
    }
    for routing in ["INTERACTING", "COMMUNICATING"] {
        assert_eq!(users::call(&user_on(none(), json!(routing))), CallState::OnCall, "{routing}");
        assert_eq!(users::call(&json!({"routingStatus": {"status": routing}})), CallState::OnCall);
    }
    for routing in [json!("SOMETHING_NEW"), json!(null), json!(7)] {
        assert_eq!(users::call(&user_on(none(), routing.clone())), CallState::Unknown, "{routing}");
    }
    for at in 0..4 {
        let mut counts = none();
        counts[at] = json!(1);
        assert_eq!(users::call(&user_on(counts, json!("IDLE"))), CallState::OnCall, "count {at}");
        for missing in [json!(null), json!("0"), json!(-1), json!(0.5)] {
            let mut counts = none();
            counts[at] = missing.clone();
            assert_eq!(users::call(&user_on(counts, json!("IDLE"))), CallState::Unknown, "count {at} is {missing}");
        }
    }
    let without_summary = json!({"routingStatus": {"status": "IDLE"}});
    assert_eq!(users::call(&without_summary), CallState::Unknown);
    let empty_call = json!({"routingStatus": {"status": "IDLE"}, "conversationSummary": {"call": {}}});
    assert_eq!(users::call(&empty_call), CallState::Unknown);
    let without_routing = json!({"conversationSummary": user_on(none(), json!("IDLE"))["conversationSummary"]});
    assert_eq!(users::call(&without_routing), CallState::Unknown);
    let call_alone = json!({"conversationSummary": {"call": {"enterprise": {"active": 2}}}});
    assert_eq!(users::call(&call_alone), CallState::OnCall);
}

#[test]
fn phone_states() {
    let lines = |reachable: &[bool]| json!(reachable.iter().map(|r| json!({"reachable": r})).collect::<Vec<_>>());
    let status = |operational: &str, reachable: &[bool]| json!({"status": {"operationalStatus": operational, "lineStatuses": lines(reachable)}});
    let table = [
        (status("OPERATIONAL", &[true]), PhoneState::Up),
        (status("OPERATIONAL", &[]), PhoneState::Up),
        (json!({"status": {"operationalStatus": "OPERATIONAL"}}), PhoneState::Up),
        (status("OPERATIONAL", &[true, false]), PhoneState::Down),
        (status("OFFLINE", &[true]), PhoneState::Down),
        (status("DEGRADED", &[true]), PhoneState::Down),
        (status("UNKNOWN", &[true]), PhoneState::Unknown),
        (status("UNKNOWN", &[false]), PhoneState::Down),
        (status("SOMETHING_NEW", &[true]), PhoneState::Unknown),
        (json!({}), PhoneState::Unknown),
        (json!({"status": null}), PhoneState::Unknown),
        (json!({"secondaryStatus": {"operationalStatus": "OPERATIONAL"}}), PhoneState::Up),
        (
            json!({"status": {"operationalStatus": "OPERATIONAL"}, "secondaryStatus": {"operationalStatus": "UNKNOWN"}}),
            PhoneState::Up,
        ),
        (
            json!({"status": {"operationalStatus": "OFFLINE"}, "secondaryStatus": {"operationalStatus": "OPERATIONAL"}}),
            PhoneState::Unknown,
        ),
    ];
    for (phone, state) in table {
        assert_eq!(phones::state(&phone), state, "{phone}");
    }
}

#[test]
fn a_page_of_phones() {
    let phone = |id: &str, user: &str| {
        json!({"id": id, "webRtcUser": {"id": user},
        "status": {"operationalStatus": "OPERATIONAL"}})
    };
    let mut deleted = phone("p-4", "agent-1");
    deleted["state"] = json!("deleted");
    let body = json!({"pageCount": 3, "entities": [phone("p-1", "agent-0"), {"id": "p-2"}, phone("bad id!", "agent-1"),
        phone("p-3", "bad user!"), deleted, 9]});
    let played = play(
        &mut call(&Command::ReadPhones { page: 2, purpose: ReadPurpose::Sweep }),
        &mut org(),
        always(Response::new(200).json(&body)),
    );
    let up = |id: &str, agent: &str| PhoneSeen {
        agent: AgentId::new(agent).unwrap(),
        phone: PhoneId::new(id).unwrap(),
        state: PhoneState::Up,
    };
    assert_eq!(played.done.outcome, Outcome::Phones { seen: vec![up("p-1", "agent-0")], pages: 3 });
    let query = "pageSize=100&pageNumber=2&sortBy=id&expand=status&expand=lines&fields=webRtcUser";
    assert_eq!(played.api(), [format!("GET /api/v2/telephony/providers/edges/phones?{query}")]);
    let pages = |body: Value| match phones::seen_on_page(&Response::new(200).json(&body)) {
        Ok((_, pages)) => Some(pages),
        Err(_) => None,
    };
    assert_eq!(pages(json!({"entities": [], "total": 201})), Some(3));
    assert_eq!(pages(json!({"entities": [], "pageCount": 0})), Some(1));
    assert_eq!(pages(json!({"entities": [], "pageCount": i64::MAX})), Some(10_000));
    assert_eq!(pages(json!({"entities": [], "total": i64::MAX})), Some(10_000));
    assert_eq!(pages(json!({"entities": []})), Some(1));
    assert_eq!(pages(json!({"pageCount": 2})), None);
}

#[test]
fn one_phone() {
    let command = Command::ReadPhone { seat: Seat(1), phone: PhoneId::new("p-1").unwrap() };
    let body = json!({"id": "p-1", "status": {"operationalStatus": "OFFLINE"}});
    let played = play(&mut call(&command), &mut org(), always(Response::new(200).json(&body)));
    assert_eq!(played.api(), ["GET /api/v2/telephony/providers/edges/phones/p-1"]);
    let Outcome::Phones { seen, pages: 1 } = &played.done.outcome else { panic!("{:?}", played.done) };
    assert_eq!((seen[0].agent.as_str(), seen[0].state), ("agent-1", PhoneState::Down));
    let nothing = play(&mut call(&command), &mut org(), always(Response::new(200).json(&json!({}))));
    assert_eq!(nothing.failure().kind, FailureKind::Malformed);
    let gone = play(&mut call(&command), &mut org(), always(Response::new(404)));
    assert_eq!(gone.failure().kind, FailureKind::NotFound);
}
