//! Agents that are played by a page: registered by stanzas, struck by a publish, called, and told of; without a socket.

use serde_json::{Value, json};

use super::kit::{Desk, anchor, struck_one};
use crate::twin::scenario::{Kind, Scenario};
use crate::twin::stream::Sent;
use crate::words::http::{Method, Request, Response};

/// A page that speaks as the vendor's SDK does.
struct Page {
    token: String,
    agent: String,
    jid: String,
    channel: String,
    stream: u64,
}

fn ask_as_page(desk: &mut Desk, token: &str, method: Method, path: &str, body: Option<&Value>) -> Response {
    let request = Request::new(method, format!("http://twin{path}"))
        .header("authorization", format!("Bearer {token}"))
        .header("origin", "http://127.0.0.1:9");
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    desk.twin.handle(desk.now, &request)
}

fn poke(desk: &mut Desk, what: &str, body: &Value) -> Value {
    desk.twin.poke(desk.now, what, body).unwrap_or_else(|(status, why)| panic!("{what}: {status} {why}"))
}

fn login(desk: &mut Desk, i: usize) -> Page {
    let agent = desk.agent(i);
    let told = poke(desk, "login", &json!({ "agent": agent }));
    let text = |name: &str| told[name].as_str().unwrap().to_owned();
    Page { token: text("access_token"), agent, jid: text("jid"), channel: String::new(), stream: 0 }
}

impl Page {
    /// As a new page does it: a channel, then the stream.
    fn register(&mut self, desk: &mut Desk) {
        let path = "/api/v2/notifications/channels?connectionType=streaming";
        let answer = ask_as_page(desk, &self.token, Method::Post, path, None);
        assert_eq!(answer.status, 200, "{}", answer.value());
        self.channel = answer.value()["id"].as_str().unwrap().to_owned();
        assert_eq!(self.connect(desk), "success");
    }
    /// Connects on the page's channel; gives the name of the answer to the login.
    fn connect(&mut self, desk: &mut Desk) -> String {
        self.stream = desk.twin.open_stream(desk.now, &self.channel).unwrap();
        let open = r#"<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" version="1.0" to="northfield.orgspan.com"/>"#;
        let said = self.say(desk, open);
        assert!(said.len() == 2 && said[1].contains("PLAIN"), "{said:?}");
        let words = format!("\0{}\0authKey:{}", self.jid, self.token);
        let words = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, words);
        let said = self
            .say(desk, &format!(r#"<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">{words}</auth>"#));
        if !said.concat().starts_with("<success") {
            return "failure".to_owned();
        }
        self.say(desk, open);
        let bind =
            r#"<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>"#;
        assert!(self.say(desk, bind).concat().contains(&format!("<jid>{}/", self.jid)));
        "success".to_owned()
    }
    /// Says something; gives what is said back on this stream.
    fn say(&self, desk: &mut Desk, text: &str) -> Vec<String> {
        desk.twin.stream_says(desk.now, self.stream, text);
        self.heard(desk)
    }
    fn heard(&self, desk: &mut Desk) -> Vec<String> {
        let pushes = desk.twin.drain_streams().into_iter().filter(|p| p.stream == self.stream);
        pushes.map(|p| if let Sent::Text(text) = p.sent { text } else { format!("{:?}", p.sent) }).collect()
    }
    fn subscribe(&self, desk: &mut Desk, node: &str) -> String {
        let inside = format!(
            r#"<pubsub xmlns="http://jabber.org/protocol/pubsub"><subscribe node="{node}" jid="{}"/></pubsub>"#,
            self.jid
        );
        self.say(desk, &format!(r#"<iq xmlns="jabber:client" type="set" id="s" to="notifications.h">{inside}</iq>"#))
            .concat()
    }
    fn webrtc(&self, desk: &mut Desk, method: &str, params: &Value) -> String {
        let call = json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string().replace('"', "&quot;");
        let inside = format!(r#"<genesys-webrtc xmlns="genesys">{call}</genesys-webrtc>"#);
        self.say(desk, &format!(r#"<iq xmlns="jabber:client" type="set" id="w" to="x@gjoll">{inside}</iq>"#)).concat()
    }
    fn log(&self, desk: &Desk) -> Vec<String> {
        let told = desk.twin.softphones().into_iter().find(|s| s.agent.as_str() == self.agent).unwrap();
        told.log.into_iter().map(|n| format!("{} {}", n.what, n.told)).collect()
    }
}

#[test]
fn a_page_registers_and_plays_the_agent_from_then_on() {
    let mut desk = Desk::new(Scenario::default());
    let mut page = login(&mut desk, 0);
    assert!(!desk.truth(0).played_by_page, "a token alone plays nobody");
    page.register(&mut desk);
    let truth = desk.truth(0);
    assert!(truth.played_by_page && truth.registered && truth.media_ready);
    assert!(!desk.truth(1).played_by_page && desk.truth(1).media_ready, "the others are as they were");
    let told = serde_json::to_string(&desk.twin.softphones()).unwrap();
    assert!(told.contains(&page.channel) && !told.contains(&page.token));
    let log = page.log(&desk);
    assert!(log.contains(&"sasl ok".to_owned()) && log.iter().any(|l| l.starts_with("bind ")), "{log:?}");
    let ping = r#"<iq xmlns="jabber:client" id="p" type="get"><ping xmlns="urn:xmpp:ping"/></iq>"#;
    assert!(page.say(&mut desk, ping).concat().contains("result"));
    assert_eq!(page.say(&mut desk, r#"<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>"#).last().unwrap(), "Close");
    let truth = desk.truth(0);
    assert!(truth.played_by_page && !truth.registered && !truth.media_ready && truth.grey_since.is_some());
    desk.wait_s(3_600);
    assert!(!desk.truth(0).media_ready, "the model does not reconnect for a page");
}

#[test]
fn a_login_needs_a_good_token_its_own_channel_and_its_own_name() {
    let mut desk = Desk::new(Scenario::default());
    let mut page = login(&mut desk, 0);
    page.register(&mut desk);
    let mut other = login(&mut desk, 1);
    other.channel.clone_from(&page.channel);
    assert_eq!(other.connect(&mut desk), "failure", "another user's channel");
    other.register(&mut desk);
    let (own, held) = (page.jid.clone(), page.token.clone());
    page.jid.clone_from(&other.jid);
    assert_eq!(page.connect(&mut desk), "failure", "another user's name");
    (page.jid, page.token) = (own, "twin-access-0-0000000000000000".to_owned());
    assert_eq!(page.connect(&mut desk), "failure", "a made-up token");
    page.token = desk.token.clone();
    assert_eq!(page.connect(&mut desk), "failure", "a token without a user");
    page.token = held;
    page.channel = "made-up-0".to_owned();
    assert_eq!(page.connect(&mut desk), "failure", "no such channel");
    assert!(desk.truth(0).registered, "none of that touches the stream that is bound");
}

#[test]
fn nothing_is_done_before_the_login() {
    let mut desk = Desk::new(Scenario::default());
    let mut page = login(&mut desk, 0);
    page.register(&mut desk);
    for text in [
        r#"<iq xmlns="jabber:client" id="p" type="get"><ping xmlns="urn:xmpp:ping"/></iq>"#,
        r#"<message xmlns="jabber:client" to="a"><accept xmlns="urn:xmpp:jingle-message:0" id="s"/></message>"#,
        "no stanza",
    ] {
        let other = Page { stream: desk.twin.open_stream(desk.now, &page.channel).unwrap(), ..login(&mut desk, 0) };
        let said = other.say(&mut desk, text);
        assert!(said[0].contains("stream:error") && said.last().unwrap() == "Close", "{text}: {said:?}");
        assert!(other.say(&mut desk, text).is_empty(), "and then it is over");
    }
}

#[test]
fn a_publish_revokes_a_pages_token_and_cuts_its_stream() {
    let mut desk = Desk::new(struck_one(Kind::Healthy));
    let mut page = login(&mut desk, 0);
    page.register(&mut desk);
    desk.until(anchor());
    assert_eq!(desk.publish_with(&json!({})).status, 202);
    desk.wait_s(26);
    assert!(desk.truth(0).registered, "revoked, and the socket is up");
    assert!(page.log(&desk).contains(&"token the page's is revoked".to_owned()));
    assert!(!desk.truth(0).media_ready, "but that is not readiness");
    let (token, agent) = (page.token.clone(), page.agent.clone());
    assert_eq!(ask_as_page(&mut desk, &token, Method::Get, "/api/v2/users/me", None).status, 401);
    assert!(page.log(&desk).contains(&"http 401 GET /api/v2/users/me".to_owned()));
    let ping = r#"<iq xmlns="jabber:client" id="p" type="get"><ping xmlns="urn:xmpp:ping"/></iq>"#;
    assert!(page.say(&mut desk, ping).concat().contains("result"), "the stream does not notice");
    desk.wait_s(20);
    assert_eq!(page.heard(&mut desk).last().unwrap(), "Cut");
    assert!(!desk.truth(0).registered);
    assert_eq!(page.connect(&mut desk), "failure");
    desk.wait_s(600);
    assert!(!desk.truth(0).media_ready && desk.truth(0).hand_overs == 0, "nothing happens by itself");
    // A token issued after the publish, on the same channel, as after a hand-over.
    page.token =
        poke(&mut desk, "login", &json!({ "agent": agent, "age_s": 0 }))["access_token"].as_str().unwrap().into();
    assert_eq!(page.connect(&mut desk), "success");
    assert!(desk.truth(0).media_ready);
}

#[test]
fn a_token_handed_over_in_time_outlives_the_publish_on_the_same_channel() {
    let mut desk = Desk::new(struck_one(Kind::Healthy));
    let mut page = login(&mut desk, 0);
    page.register(&mut desk);
    desk.until(anchor() - 10 * 60_000);
    page.token = desk.refresh_agent(0);
    desk.wait_s(60);
    assert_eq!(desk.truth(0).hand_overs, 0, "the model hands nothing to a page");
    desk.until(anchor());
    assert_eq!(desk.publish_with(&json!({})).status, 202);
    desk.wait_s(46);
    assert!(!desk.truth(0).registered);
    assert_eq!(page.connect(&mut desk), "success");
    assert!(desk.truth(0).media_ready);
}

#[test]
fn what_a_page_holds_is_what_it_calls_with() {
    let mut desk = Desk::new(Scenario::default());
    let mut page = login(&mut desk, 0);
    page.register(&mut desk);
    let agent = page.agent.clone();
    poke(&mut desk, "revoke", &json!({ "agent": agent }));
    assert!(!desk.truth(0).media_ready);
    let fresh = desk.refresh_agent(0);
    // Somebody's own look with the fresh token says nothing of the page; the page's does.
    assert_eq!(desk.ask(Method::Get, "/api/v2/users/me", None, &fresh).status, 200);
    assert!(!desk.truth(0).media_ready);
    assert_eq!(ask_as_page(&mut desk, &fresh, Method::Get, "/api/v2/users/me", None).status, 200);
    assert!(desk.truth(0).media_ready);
}

#[test]
fn events_come_once_whichever_way_they_were_asked_for() {
    let mut desk = Desk::new(Scenario::default());
    let mut page = login(&mut desk, 0);
    page.register(&mut desk);
    let (token, agent) = (page.token.clone(), page.agent.clone());
    let topic = format!("v2.users.{agent}.conversations");
    assert!(page.subscribe(&mut desk, &topic).contains("<pubsub"));
    for refused in ["enable.server.side.pings", "v2.users.somebody-else.conversations", "made.up"] {
        assert!(page.subscribe(&mut desk, refused).contains("item-not-found"), "{refused}");
    }
    let path = format!("/api/v2/notifications/channels/{}/subscriptions", page.channel);
    let wanted = json!([{ "id": format!("v2.users.{agent}?conversations&station") }]);
    assert_eq!(ask_as_page(&mut desk, &token, Method::Put, &path, Some(&wanted)).status, 200);
    page.heard(&mut desk);
    poke(&mut desk, "ring", &json!({ "agent": agent }));
    let said = page.heard(&mut desk);
    assert_eq!(said.iter().filter(|s| s.contains("urn:xmpp:json:0")).count(), 1, "{said:?}");
    assert_eq!(said.iter().filter(|s| s.contains("<propose")).count(), 1);
    assert_eq!(
        desk.call(Method::Delete, &format!("/api/v2/users/{agent}/station/associatedstation"), None).status,
        202
    );
    assert!(page.heard(&mut desk).concat().contains("Disassociated"));
    assert_eq!(ask_as_page(&mut desk, &token, Method::Put, &path, Some(&json!([]))).status, 200);
    poke(&mut desk, "ring", &json!({ "agent": agent }));
    assert!(page.heard(&mut desk).concat().contains("urn:xmpp:json:0"), "its own subscription stays");
}

#[test]
fn a_call_rings_is_answered_and_ends() {
    let mut desk = Desk::new(Scenario::default());
    let mut page = login(&mut desk, 0);
    page.register(&mut desk);
    let (token, agent) = (page.token.clone(), page.agent.clone());
    let topic = format!("v2.users.{agent}.conversations");
    page.subscribe(&mut desk, &topic);
    let rung = poke(&mut desk, "ring", &json!({ "agent": agent }));
    assert_eq!(rung["offered_to"], 1);
    let conversation = rung["conversation"].as_str().unwrap().to_owned();
    let said = page.heard(&mut desk).concat();
    assert!(said.contains("gjoll") && said.contains(&conversation) && said.contains("alerting"), "{said}");
    let session = desk.twin.softphones()[0].calls[0]["session"].as_str().unwrap().to_owned();
    let proceed = format!(
        r#"<message xmlns="jabber:client" to="twin-0@gjoll.northfield.orgspan.com/line"><proceed xmlns="urn:xmpp:jingle-message:0" id="{session}"/></message>"#
    );
    let line = desk.twin.far_line(&conversation).unwrap();
    assert!(page.say(&mut desk, &proceed).is_empty(), "the far end has no offer yet");
    assert_eq!(desk.twin.drain_far(line), [r#"{"do":"offer"}"#]);
    desk.twin.far_says(desk.now, line, &json!({ "offer": "v=0\r\n" }).to_string());
    assert!(page.heard(&mut desk).concat().contains("&quot;method&quot;:&quot;offer&quot;"));
    assert!(!desk.truth(0).on_call);
    for (method, extra) in
        [("answer", ("sdp", "v=0 answer")), ("iceCandidate", ("sdp", "m=0")), ("info", ("status", "active"))]
    {
        let mut params = json!({ "sessionId": session });
        params[extra.0] = json!(extra.1);
        assert!(page.webrtc(&mut desk, method, &params).contains("type=\"result\""), "{method}");
    }
    assert!(desk.truth(0).on_call);
    let told = desk.twin.drain_far(line).concat();
    assert!(told.contains("v=0 answer") && told.contains("candidate") && told.contains("connected"), "{told}");
    let path = format!("/api/v2/conversations/calls/{conversation}");
    let shown = ask_as_page(&mut desk, &token, Method::Get, &path, None).value();
    let part =
        shown["participants"].as_array().unwrap().iter().find(|p| p["userId"] == agent.as_str()).unwrap().clone();
    assert_eq!(part["calls"][0]["state"], "connected");
    let part = format!("{path}/participants/{}", part["id"].as_str().unwrap());
    assert_eq!(ask_as_page(&mut desk, &token, Method::Patch, &part, Some(&json!({ "muted": true }))).status, 202);
    let muted = page.heard(&mut desk).concat();
    assert!(muted.contains("&quot;muted&quot;:true"), "{muted}");
    let stranger = login(&mut desk, 1).token;
    assert_eq!(ask_as_page(&mut desk, &stranger, Method::Get, &path, None).status, 404);
    let end = json!({ "state": "disconnected" });
    assert_eq!(ask_as_page(&mut desk, &token, Method::Patch, &part, Some(&end)).status, 202);
    let said = page.heard(&mut desk).concat();
    assert!(said.contains("terminate") && said.contains("disconnected"), "{said}");
    assert!(!desk.truth(0).on_call);
    assert!(desk.twin.drain_far(line).concat().contains("end"));
    assert_eq!(
        ask_as_page(&mut desk, &token, Method::Patch, &part, Some(&json!({ "state": "connected" }))).status,
        409
    );
}

#[test]
fn an_unanswered_call_is_retracted_and_a_revoked_token_does_not_end_one() {
    let mut desk = Desk::new(Scenario::default());
    let mut page = login(&mut desk, 0);
    page.register(&mut desk);
    let agent = page.agent.clone();
    let rung = poke(&mut desk, "ring", &json!({ "agent": agent }));
    page.heard(&mut desk);
    poke(&mut desk, "revoke", &json!({ "agent": agent }));
    assert!(page.heard(&mut desk).is_empty());
    poke(&mut desk, "hangup", &json!({ "conversation": rung["conversation"] }));
    assert!(page.heard(&mut desk).concat().contains("<retract"));
    assert_eq!(desk.truth(0).calls_missed, 1);
}

#[test]
fn with_a_persistent_connection_the_second_call_needs_http() {
    let mut scenario = Scenario::default();
    scenario.softphone.persistent_connection = true;
    let mut desk = Desk::new(scenario);
    let mut page = login(&mut desk, 0);
    page.register(&mut desk);
    let (token, agent) = (page.token.clone(), page.agent.clone());
    let first = poke(&mut desk, "ring", &json!({ "agent": agent }))["conversation"].clone();
    let session = desk.twin.softphones()[0].calls[0]["session"].as_str().unwrap().to_owned();
    page.say(&mut desk, &format!(
        r#"<message xmlns="jabber:client" to="x@gjoll"><proceed xmlns="urn:xmpp:jingle-message:0" id="{session}"/></message>"#
    ));
    desk.twin.far_says(desk.now, 0, r#"{"offer":"v=0"}"#);
    page.webrtc(&mut desk, "answer", &json!({ "sessionId": session, "sdp": "v=0" }));
    poke(&mut desk, "hangup", &json!({ "conversation": first }));
    let said = page.heard(&mut desk).concat();
    assert!(!said.contains("terminate"), "the line stays: {said}");
    assert!(!desk.truth(0).on_call);
    let second = poke(&mut desk, "ring", &json!({ "agent": agent }))["conversation"].as_str().unwrap().to_owned();
    assert!(!page.heard(&mut desk).concat().contains("<propose"));
    let part = format!("/api/v2/conversations/calls/{second}/participants/00000c02-0000-4000-8000-000000000002");
    let answer = json!({ "state": "connected" });
    poke(&mut desk, "revoke", &json!({ "agent": agent }));
    assert_eq!(ask_as_page(&mut desk, &token, Method::Patch, &part, Some(&answer)).status, 401);
    assert!(!desk.truth(0).on_call);
    let fresh = login(&mut desk, 0).token;
    assert_eq!(ask_as_page(&mut desk, &fresh, Method::Patch, &part, Some(&answer)).status, 202);
    assert!(desk.truth(0).on_call);
}

#[test]
fn refusals_last_as_long_as_they_were_asked_to() {
    let mut desk = Desk::new(Scenario::default());
    let mut page = login(&mut desk, 0);
    page.register(&mut desk);
    let agent = page.agent.clone();
    poke(&mut desk, "refuse", &json!({ "agent": agent, "at": "sasl", "for_ms": 3_000 }));
    assert_eq!(page.connect(&mut desk), "failure");
    desk.wait_s(3);
    assert_eq!(page.connect(&mut desk), "success");
    poke(&mut desk, "refuse", &json!({ "agents": [agent], "at": "handshake", "for_ms": 3_000 }));
    assert_eq!(desk.twin.open_stream(desk.now, &page.channel), Err(503));
    desk.wait_s(3);
    assert!(desk.twin.open_stream(desk.now, &page.channel).is_ok());
    poke(&mut desk, "refuse", &json!({ "all": true, "at": "channel", "for_ms": 3_000, "status": 503 }));
    let path = "/api/v2/notifications/channels?connectionType=streaming";
    let token = page.token.clone();
    assert_eq!(ask_as_page(&mut desk, &token, Method::Post, path, None).status, 503);
    desk.wait_s(3);
    assert_eq!(ask_as_page(&mut desk, &token, Method::Post, path, None).status, 200);
    let refusal = json!({ "agent": agent, "at": "path", "path": "/api/v2/users/me", "status": 429, "retry_after_s": 7, "for_ms": 1_000 });
    poke(&mut desk, "refuse", &refusal);
    let answer = ask_as_page(&mut desk, &token, Method::Get, "/api/v2/users/me", None);
    assert_eq!((answer.status, answer.header_value("retry-after")), (429, Some("7")));
    assert_eq!(ask_as_page(&mut desk, &token, Method::Get, "/api/v2/organizations/me", None).status, 200);
    desk.wait_s(1);
    assert_eq!(ask_as_page(&mut desk, &token, Method::Get, "/api/v2/users/me", None).status, 200);
    for (what, body) in [
        ("refuse", json!({ "agent": agent, "at": "path", "for_ms": 1 })),
        ("refuse", json!({ "agent": agent, "at": "lunch", "for_ms": 1 })),
        ("refuse", json!({ "agent": agent, "at": "sasl", "for_ms": -1 })),
        ("refuse", json!({ "agent": agent, "at": "sasl", "for_ms": 1, "condition": "tired" })),
        ("login", json!({ "agent": agent, "age_s": 86_400 })),
        ("cut", json!({})),
    ] {
        assert_eq!(desk.twin.poke(desk.now, what, &body).unwrap_err().0, 400, "{what} {body}");
    }
    for (what, body) in
        [("cut", json!({ "agent": "x" })), ("dance", json!({})), ("hangup", json!({ "conversation": 1 }))]
    {
        assert_eq!(desk.twin.poke(desk.now, what, &body).unwrap_err().0, 404, "{what}");
    }
}

#[test]
fn a_silent_stream_hears_and_says_nothing_and_is_not_ready() {
    let mut desk = Desk::new(Scenario::default());
    let mut page = login(&mut desk, 0);
    page.register(&mut desk);
    let agent = page.agent.clone();
    assert_eq!(poke(&mut desk, "silence", &json!({ "agent": agent }))["hit"], 1);
    let ping = r#"<iq xmlns="jabber:client" id="p" type="get"><ping xmlns="urn:xmpp:ping"/></iq>"#;
    assert!(page.say(&mut desk, ping).is_empty());
    assert!(desk.truth(0).registered && !desk.truth(0).media_ready);
    desk.twin.stream_ended(desk.now, page.stream);
    assert_eq!(page.connect(&mut desk), "success");
    assert!(desk.truth(0).media_ready);
}

#[test]
fn streams_are_closed_in_order_when_asked() {
    let mut desk = Desk::new(Scenario::default());
    let mut page = login(&mut desk, 0);
    page.register(&mut desk);
    let agent = page.agent.clone();
    assert_eq!(poke(&mut desk, "close", &json!({ "agent": agent }))["hit"], 1);
    let said = page.heard(&mut desk);
    assert!(said[0].starts_with("<close") && said[1] == "Close", "{said:?}");
    assert!(!desk.truth(0).registered);
}

#[test]
fn two_tabs_are_two_softphones_and_a_second_stream_on_one_channel_ends_the_first() {
    let mut desk = Desk::new(Scenario::default());
    let mut first = login(&mut desk, 0);
    first.register(&mut desk);
    let mut second = login(&mut desk, 0);
    second.register(&mut desk);
    let agent = first.agent.clone();
    assert_eq!(poke(&mut desk, "ring", &json!({ "agent": agent }))["offered_to"], 2);
    desk.twin.stream_ended(desk.now, first.stream);
    assert!(desk.truth(0).media_ready, "the other tab is there");
    let before = second.stream;
    assert_eq!(second.connect(&mut desk), "success");
    let streams: Vec<u64> = desk.twin.softphones()[0].streams.iter().map(|s| s.stream).collect();
    assert_eq!(streams, [second.stream]);
    assert_ne!(before, second.stream);
}

#[test]
fn deleted_tokens_end_the_streams() {
    let mut desk = Desk::new(Scenario::default());
    let mut page = login(&mut desk, 0);
    page.register(&mut desk);
    let agent = page.agent.clone();
    assert_eq!(desk.call(Method::Delete, &format!("/api/v2/tokens/{agent}"), None).status, 204);
    assert_eq!(page.heard(&mut desk), ["Cut"]);
    desk.wait_s(600);
    assert!(!desk.truth(0).logged_in && !desk.truth(0).media_ready, "no login but a page's");
    let mut page = login(&mut desk, 0);
    page.register(&mut desk);
    assert!(desk.truth(0).logged_in && desk.truth(0).media_ready);
}
