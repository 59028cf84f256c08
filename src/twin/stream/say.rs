//! What the server says on a softphone's stream (SOFTPHONE.md sections 3 and 4): values in, the text of one frame out.
//!
//! Must never: say what a client takes for something else; `from` of an answer is its addressee or absent.

use serde_json::{Value, json};

use super::hear::Ask;
use super::names;
use super::xml::Tag;

/// Lifetime that a TURN credential is announced with, in seconds. Clients ignore it (SOFTPHONE.md section 2, row 6).
const CREDENTIAL_S: u32 = 86_400;

pub(super) fn open(domain: &str, id: &str) -> String {
    let open = Tag::within("open", names::FRAMING).with("from", domain).with("id", id).with("version", "1.0");
    open.with("xml:lang", "en").to_string()
}

fn features(inside: Tag) -> String {
    Tag::new("stream:features").with("xmlns:stream", names::STREAM).holding(inside).to_string()
}

/// PLAIN and nothing else: the client would choose any stronger one, and fail.
pub(super) fn login_features() -> String {
    features(Tag::within("mechanisms", names::SASL).holding(Tag::new("mechanism").saying("PLAIN")))
}

/// `bind` and nothing else: no stream is ever resumed.
pub(super) fn bind_features() -> String {
    features(Tag::within("bind", names::BIND))
}

pub(super) fn success() -> String {
    Tag::within("success", names::SASL).to_string()
}

/// `condition` is one of RFC 6120, section 6.5.
pub(super) fn failure(condition: &'static str) -> String {
    Tag::within("failure", names::SASL).holding(Tag::new(condition)).to_string()
}

pub(super) fn close() -> String {
    Tag::within("close", names::FRAMING).to_string()
}

pub(super) fn stream_error(condition: &'static str) -> String {
    let why = Tag::within(condition, names::STREAM_ERRORS);
    Tag::new("stream:error").with("xmlns:stream", names::STREAM).holding(why).to_string()
}

fn iq(kind: &str, id: &str, from: Option<&str>, to: Option<&str>) -> Tag {
    let iq = Tag::within("iq", names::CLIENT).with("type", kind).with("id", id);
    iq.with_some("from", from).with_some("to", to)
}

/// An answer to a question of the client whose full address is `jid`.
pub(super) fn result(ask: &Ask, jid: Option<&str>, inside: Option<Tag>) -> String {
    let iq = iq("result", &ask.id, ask.to.as_deref(), jid);
    inside.into_iter().fold(iq, Tag::holding).to_string()
}

pub(super) fn refusal(ask: &Ask, jid: Option<&str>, kind: &str, condition: &'static str) -> String {
    let why = Tag::new("error").with("type", kind).holding(Tag::within(condition, names::STANZA_ERRORS));
    iq("error", &ask.id, ask.to.as_deref(), jid).holding(why).to_string()
}

pub(super) fn bound(ask: &Ask, jid: &str) -> String {
    result(ask, None, Some(Tag::within("bind", names::BIND).holding(Tag::new("jid").saying(jid))))
}

/// One server of the asked type. Both types have one: without STUN the client would want a relay for every call
/// (SOFTPHONE.md section 3).
pub(super) fn services(ask: &Ask, jid: &str, kind: &str) -> String {
    let service = Tag::new("service").with("type", kind).with("host", "127.0.0.1").with("port", "3478");
    let service = service.with("transport", "udp").with("expires", CREDENTIAL_S.to_string());
    let (service, known) = match kind {
        "turn" => (service.with("username", "twin").with("password", "twin-turn"), true),
        "stun" => (service, true),
        _ => (service, false),
    };
    let list = Tag::within("services", names::SERVICES).with("type", kind);
    result(ask, Some(jid), Some(if known { list.holding(service) } else { list }))
}

/// Without the `pubsub` element the client throws (SOFTPHONE.md section 2, row 7).
pub(super) fn subscribed(ask: &Ask, jid: &str, node: &str) -> String {
    let entry = Tag::new("subscription").with("node", node).with("jid", jid).with("subscription", "subscribed");
    result(ask, Some(jid), Some(Tag::within("pubsub", names::PUBSUB).holding(entry)))
}

/// An event of a topic, as JSON text.
pub(super) fn event(domain: &str, jid: &str, topic: &str, json: &str) -> String {
    let item = Tag::new("item").holding(Tag::within("json", names::JSON).saying(json));
    let items = Tag::new("items").with("node", topic).holding(item);
    let message = Tag::within("message", names::CLIENT).with("from", format!("notifications.{domain}")).with("to", jid);
    message.holding(Tag::within("event", names::PUBSUB_EVENT).holding(items)).to_string()
}

fn message(from: &str, to: &str, inside: Tag) -> String {
    Tag::within("message", names::CLIENT).with("from", from).with("to", to).holding(inside).to_string()
}

/// A call rings.
pub(super) fn propose(from: &str, to: &str, session: &str, conversation: &str) -> String {
    let ring = Tag::within("propose", names::SIGNAL).with("id", session).with("inin-cid", conversation);
    let ring = ring.with("inin-autoanswer", "false").with("inin-sdp-over-xmpp", "true");
    message(from, to, ring)
}

/// A ringing call is rung no longer.
pub(super) fn retract(from: &str, to: &str, session: &str) -> String {
    message(from, to, Tag::within("retract", names::SIGNAL).with("id", session))
}

/// Another client of the same user has taken or refused the call.
pub(super) fn taken(from: &str, to: &str, session: &str, refused: bool) -> String {
    let word = if refused { "reject" } else { "accept" };
    message(from, to, Tag::within(word, names::SIGNAL).with("id", session))
}

/// A `genesys-webrtc` call to the client.
pub(super) fn webrtc(id: &str, from: &str, to: &str, method: &str, params: &Value) -> String {
    let call = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string();
    iq("set", id, Some(from), Some(to)).holding(Tag::within("genesys-webrtc", names::GENESYS).saying(call)).to_string()
}
