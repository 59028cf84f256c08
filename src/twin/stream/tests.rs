//! The dialect: what is heard in stanzas as a real client writes them, what broken ones are, and what is said back.

use roxmltree::{Document, Node};
use serde_json::{Value, json};

use super::hear::{Ask, Asked, Heard, Signal, Signalled, hear};
use super::say;

fn ask(id: &str, to: Option<&str>, what: Asked) -> Heard {
    Heard::Ask(Ask { id: id.to_owned(), to: to.map(str::to_owned), what })
}

#[test]
fn every_stanza_of_a_registration_is_understood() {
    let open =
        r#"<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" version="1.0" xml:lang="en" to="acme.orgspan.com"/>"#;
    assert_eq!(hear(open), Heard::Open { to: "acme.orgspan.com".to_owned() });
    // NUL, bare JID, NUL, authKey:TOKEN
    let login =
        r#"<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">AHVAYWNtZQBhdXRoS2V5OnRvay0x</auth>"#;
    let Heard::Login { jid, token } = hear(login) else { panic!("a login") };
    assert_eq!((jid.as_str(), token.as_ref().map(|t| t.expose())), ("u@acme", Some("tok-1")));
    assert!(!format!("{:?}", hear(login)).contains("tok-1"), "a token is not shown");
    let other = login.replace("PLAIN", "SCRAM-SHA-1");
    assert_eq!(hear(&other), Heard::OtherLogin);
    for (inside, resource) in [
        (r#"<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/>"#, None),
        (r#"<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><resource>r-1</resource></bind>"#, Some("r-1")),
    ] {
        let bind = format!(r#"<iq xmlns="jabber:client" type="set" id="b">{inside}</iq>"#);
        assert_eq!(hear(&bind), ask("b", None, Asked::Bind { resource: resource.map(str::to_owned) }));
    }
    let services = r#"<iq xmlns="jabber:client" type="get" id="s" to="acme.orgspan.com"><services xmlns="urn:xmpp:extdisco:1" type="turn"/></iq>"#;
    assert_eq!(hear(services), ask("s", Some("acme.orgspan.com"), Asked::Services { kind: "turn".to_owned() }));
    let ping = r#"<iq xmlns="jabber:client" id="p" type="get"><ping xmlns="urn:xmpp:ping"/></iq>"#;
    assert_eq!(hear(ping), ask("p", None, Asked::Ping));
    let node = "v2.users.1.conversations";
    for (act, asked) in [
        ("subscribe", Asked::Subscribe { node: node.to_owned() }),
        ("unsubscribe", Asked::Unsubscribe { node: node.to_owned() }),
    ] {
        let iq = format!(
            r#"<iq xmlns="jabber:client" type="set" id="n" to="notifications.h"><pubsub xmlns="http://jabber.org/protocol/pubsub"><{act} node="{node}" jid="u@acme"/></pubsub></iq>"#
        );
        assert_eq!(hear(&iq), ask("n", Some("notifications.h"), asked));
    }
    assert_eq!(hear(r#"<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>"#), Heard::Close);
}

#[test]
fn every_word_about_a_call_is_understood() {
    for (word, what) in [("proceed", Signalled::Proceed), ("accept", Signalled::Accept), ("reject", Signalled::Reject)]
    {
        let message = format!(
            r#"<message xmlns="jabber:client" to="line@gjoll.x/1"><{word} xmlns="urn:xmpp:jingle-message:0" id="s-1"/></message>"#
        );
        let signal = Signal { to: "line@gjoll.x/1".to_owned(), session: "s-1".to_owned(), what };
        assert_eq!(hear(&message), Heard::Signal(signal));
    }
    let call = r#"{"jsonrpc":"2.0","method":"answer","params":{"sessionId":"s-1","sdp":"v=0\r\n"}}"#;
    let iq = format!(
        r#"<iq xmlns="jabber:client" type="set" id="a" to="line@gjoll.x/1"><genesys-webrtc xmlns="genesys">{}</genesys-webrtc></iq>"#,
        call.replace('"', "&quot;")
    );
    let asked = Asked::Webrtc { method: "answer".to_owned(), params: json!({ "sessionId": "s-1", "sdp": "v=0\r\n" }) };
    assert_eq!(hear(&iq), ask("a", Some("line@gjoll.x/1"), asked));
}

#[test]
fn what_means_nothing_here_is_passed_over() {
    for text in [
        r#"<iq xmlns="jabber:client" type="result" id="x"/>"#,
        r#"<iq xmlns="jabber:client" type="error" id="x"><error type="cancel"/></iq>"#,
        r#"<presence xmlns="jabber:client"/>"#,
        r#"<message xmlns="jabber:client" to="a"><body>hello</body></message>"#,
        r#"<message xmlns="jabber:client" to="a"><stranger xmlns="urn:xmpp:jingle-message:0" id="s"/></message>"#,
    ] {
        assert_eq!(hear(text), Heard::Nothing, "{text}");
    }
    for inside in ["", r#"<query xmlns="jabber:iq:roster"/>"#, r#"<genesys-webrtc xmlns="genesys">{</genesys-webrtc>"#]
    {
        let iq = format!(r#"<iq xmlns="jabber:client" type="get" id="q">{inside}</iq>"#);
        assert_eq!(hear(&iq), ask("q", None, Asked::Unknown), "{inside}");
    }
}

#[test]
fn what_is_not_a_stanza_is_broken_and_does_no_harm() {
    let login =
        |text: &str| format!(r#"<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">{text}</auth>"#);
    let deep = "<a>".repeat(20_000);
    let closed = format!("{}{}", "<a>".repeat(9_000), "</a>".repeat(9_000));
    let wide = format!("<iq xmlns=\"jabber:client\">{}</iq>", "<a/>".repeat(10_000));
    let long = format!("<iq xmlns=\"jabber:client\" id=\"{}\"/>", "x".repeat(70_000));
    let laughs = "<!DOCTYPE l [<!ENTITY a \"haha\"><!ENTITY b \"&a;&a;&a;&a;\">]><iq xmlns=\"jabber:client\">&b;</iq>";
    for text in [
        "",
        " ",
        "<",
        "<iq",
        "hello",
        "\u{0}",
        "<iq xmlns='jabber:client'>",
        "<iq xmlns='jabber:client'>&nothing;</iq>",
        "<stranger/>",
        "<iq xmlns='jabber:server' type='get' id='1'/>",
        &login("%%%"),
        &login("aGVsbG8="),
        &deep,
        &closed,
        &wide,
        &long,
        laughs,
    ] {
        assert_eq!(hear(text), Heard::Broken, "{}", text.chars().take(80).collect::<String>());
    }
    let Heard::Login { token, .. } = hear(&login("AHUAcGFzc3dvcmQ=")) else { panic!("a login") };
    assert_eq!(token, None, "a password that is no authKey");
}

fn with_root<T>(text: &str, look: impl FnOnce(Node<'_, '_>) -> T) -> T {
    look(Document::parse(text).unwrap_or_else(|e| panic!("{text}: {e}")).root_element())
}

#[test]
fn whatever_is_said_is_a_document_of_its_own() {
    let asked = Ask { id: "i-1".to_owned(), to: Some("d".to_owned()), what: Asked::Ping };
    let jid = "u@d/r";
    let said = [
        say::open("d", "s"),
        say::login_features(),
        say::bind_features(),
        say::success(),
        say::failure("not-authorized"),
        say::close(),
        say::stream_error("not-well-formed"),
        say::result(&asked, Some(jid), None),
        say::refusal(&asked, Some(jid), "cancel", "item-not-found"),
        say::bound(&asked, jid),
        say::services(&asked, jid, "turn"),
        say::services(&asked, jid, "stun"),
        say::subscribed(&asked, jid, "n"),
        say::event("d", jid, "n", "{\"a\":\"<&>\"}"),
        say::propose("l@gjoll.d/1", "u@d", "s", "c"),
        say::retract("l@gjoll.d/1", "u@d", "s"),
        say::taken(jid, "u@d", "s", false),
        say::webrtc("w", "l@gjoll.d/1", jid, "offer", &json!({ "sdp": "v=0\r\n" })),
    ];
    for text in &said {
        with_root(text, |root| assert!(root.is_element(), "{text}"));
    }
}

#[test]
fn answers_carry_what_a_client_looks_for() {
    let asked = Ask { id: "i-1".to_owned(), to: Some("notifications.h".to_owned()), what: Asked::Ping };
    with_root(&say::result(&asked, Some("u@d/r"), None), |iq| {
        let told = (iq.attribute("type"), iq.attribute("id"), iq.attribute("from"));
        assert_eq!(told, (Some("result"), Some("i-1"), Some("notifications.h")));
    });
    for kind in ["turn", "stun"] {
        with_root(&say::services(&asked, "u@d/r", kind), |iq| {
            let rows = iq.descendants().filter(|n| n.has_tag_name(("urn:xmpp:extdisco:1", "service"))).count();
            assert_eq!(rows, 1, "{kind}: never empty");
        });
    }
    with_root(&say::subscribed(&asked, "u@d/r", "n"), |iq| {
        assert!(iq.first_element_child().unwrap().has_tag_name(("http://jabber.org/protocol/pubsub", "pubsub")));
    });
    let words = r#"{"sdp":"a\r\nb","x":"</json>"}"#;
    with_root(&say::event("d", "u@d/r", "v2.users.1.station", words), |message| {
        let json = message.descendants().find(|n| n.has_tag_name(("urn:xmpp:json:0", "json"))).unwrap();
        assert_eq!(json.text(), Some(words));
        let items = message.descendants().find(|n| n.attribute("node").is_some()).unwrap();
        assert_eq!(items.attribute("node"), Some("v2.users.1.station"));
    });
    with_root(&say::webrtc("w", "l@gjoll.d/1", "u@d/r", "offer", &json!({ "sdp": "v=0\r\n" })), |iq| {
        let call: Value = serde_json::from_str(iq.first_element_child().unwrap().text().unwrap()).unwrap();
        assert_eq!((&call["method"], &call["params"]["sdp"]), (&json!("offer"), &json!("v=0\r\n")));
    });
    with_root(&say::login_features(), |features| {
        let offered: Vec<_> = features.descendants().filter(|n| n.tag_name().name() == "mechanism").collect();
        assert_eq!(offered.iter().map(|n| n.text()).collect::<Vec<_>>(), [Some("PLAIN")]);
    });
}

mod anything {
    //! Whatever is said on streams, in whatever order: nothing panics, and only a checked login is ever bound.

    use base64::Engine;
    use proptest::prelude::*;
    use serde_json::json;

    use crate::twin::{Scenario, Twin};
    use crate::words::clock::{Seed, Timestamp};

    /// One thing that a client does. Numbers choose among what is there.
    #[derive(Debug, Clone)]
    enum Act {
        Open(u8),
        Say(u8, String),
        Gone(u8),
        Poke(&'static str),
        Far(String),
        Wait(u16),
    }

    fn stanza() -> impl Strategy<Value = String> {
        let good = base64::engine::general_purpose::STANDARD;
        let login = move |words: &str| {
            format!(r#"<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">{}</auth>"#, good.encode(words))
        };
        let session = "00000c01-0000-4000-8000-000000000000";
        let rpc = |method: &str| {
            let call = json!({ "method": method, "params": { "sessionId": session, "sdp": "v", "status": "active" } });
            let call = call.to_string().replace('"', "&quot;");
            format!(
                r#"<iq xmlns="jabber:client" type="set" id="1" to="x@gjoll"><genesys-webrtc xmlns="genesys">{call}</genesys-webrtc></iq>"#
            )
        };
        let word = |word: &str| {
            format!(
                r#"<message xmlns="jabber:client" to="x@gjoll"><{word} xmlns="urn:xmpp:jingle-message:0" id="{session}"/></message>"#
            )
        };
        let known = vec![
            r#"<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="northfield.orgspan.com"/>"#.to_owned(),
            login("\0JID\0authKey:TOKEN"),
            "LOGIN".to_owned(),
            "LOGIN".to_owned(),
            login("\0x\0y"),
            r#"<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>"#
                .to_owned(),
            r#"<iq xmlns="jabber:client" type="get" id="p"><ping xmlns="urn:xmpp:ping"/></iq>"#.to_owned(),
            rpc("answer"),
            rpc("info"),
            rpc("iceCandidate"),
            rpc("terminate"),
            word("proceed"),
            word("accept"),
            word("reject"),
            r#"<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>"#.to_owned(),
        ];
        prop_oneof![20 => proptest::sample::select(known), 1 => ".{0,60}", 1 => "<[a-z]{1,9}[ <>/\"'=a-z&;]{0,40}"]
    }

    fn act() -> impl Strategy<Value = Act> {
        let pokes = vec!["ring", "cut", "close", "silence", "revoke", "publish", "refuse", "hangup"];
        prop_oneof![
            3 => any::<u8>().prop_map(Act::Open),
            20 => (any::<u8>(), stanza()).prop_map(|(at, text)| Act::Say(at, text)),
            1 => any::<u8>().prop_map(Act::Gone),
            4 => proptest::sample::select(pokes).prop_map(Act::Poke),
            2 => prop_oneof![Just(r#"{"offer":"v"}"#.to_owned()), Just(r#"{"end":true}"#.to_owned()), ".{0,20}"]
                .prop_map(Act::Far),
            1 => any::<u16>().prop_map(Act::Wait),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
        #[test]
        fn nothing_breaks(acts in proptest::collection::vec(act(), 1..120)) {
            let mut scenario = Scenario::default();
            scenario.revoke.on_publish = true;
            let mut now = Timestamp(1_795_000_000_000);
            let mut twin = Twin::new(scenario, Seed(1), now + 60_000, "http://127.0.0.1");
            let agent = "00000a00-0000-4000-8000-000000000000";
            let whom = json!({ "agent": agent, "at": "sasl", "for_ms": 500, "conversation": "00000c00-0000-4000-8000-000000000000" });
            let told = twin.poke(now, "login", &whom).unwrap();
            let token = told["access_token"].as_str().unwrap().to_owned();
            let bearer = format!("Bearer {token}");
            let url = "http://t/api/v2/notifications/channels?connectionType=streaming";
            let asked = crate::words::http::Request::new(crate::words::http::Method::Post, url).header("authorization", bearer);
            let channel = twin.handle(now, &asked).value()["id"].as_str().unwrap().to_owned();
            let good = format!("\0{}\0authKey:{token}", told["jid"].as_str().unwrap());
            let good = base64::engine::general_purpose::STANDARD.encode(good);
            let login = format!(r#"<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">{good}</auth>"#);
            // Begins as a softphone that is registered, so that every word about calls can meet one.
            let open = r#"<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="d"/>"#;
            let bind = r#"<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>"#;
            let first = twin.open_stream(now, &channel).unwrap();
            for text in [open, login.as_str(), open, bind] {
                twin.stream_says(now, first, text);
            }
            prop_assert!(twin.truth().agents[0].registered);
            let mut revoked = false;
            for act in acts {
                now = now + 1;
                match act {
                    Act::Open(at) => {
                        let channel = if at % 5 == 0 { "made-up-0" } else { channel.as_str() };
                        let _ = twin.open_stream(now, channel);
                    }
                    Act::Say(at, text) => {
                        let text = if text == "LOGIN" { login.clone() } else { text };
                        twin.stream_says(now, u64::from(at % 12), &text);
                    }
                    Act::Gone(at) => twin.stream_ended(now, u64::from(at % 12)),
                    Act::Poke(what) => {
                        revoked |= what == "revoke";
                        let _ = twin.poke(now, what, &whom);
                    }
                    Act::Far(text) => twin.far_says(now, 0, &text),
                    Act::Wait(ms) => now = now + i64::from(ms),
                }
                twin.drain_streams();
                let truth = twin.truth();
                prop_assert!(truth.agents.iter().skip(1).all(|a| !a.registered), "somebody else is registered");
                prop_assert!(!revoked || !truth.agents[0].registered || !truth.agents[0].media_ready, "ready with a revoked token");
                let told = twin.softphones();
                prop_assert!(told.iter().all(|s| s.log.len() <= 256 && s.registered != s.streams.is_empty()));
            }
        }
    }
}
