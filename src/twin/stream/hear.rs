//! What a softphone's stanza says (SOFTPHONE.md section 3): the text of one frame in, its meaning out.
//!
//! Must never: trust a stanza; whatever cannot be read is [`Heard::Broken`], however it was made.

use base64::Engine;
use roxmltree::{Document, Node, ParsingOptions};
use serde_json::Value;

use super::names;
use crate::words::secret::Secret;

/// Longest stanza, in bytes; an offer with its candidates has about 6,000.
const STANZA_BYTES_MAX: usize = 65_536;
/// Most elements, texts and attributes of one stanza.
const NODES_MAX: u32 = 2_000;

/// The meaning of one frame.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Heard {
    /// The stream is opened, or opened anew after the login.
    Open {
        /// The domain that is addressed.
        to: String,
    },
    /// A login by SASL PLAIN.
    Login {
        /// The bare JID that is claimed.
        jid: String,
        /// The access token behind `authKey:`; `None` when the words are others.
        token: Option<Secret>,
    },
    /// A login by a mechanism that was not offered.
    OtherLogin,
    /// A question or an order that wants an answer.
    Ask(Ask),
    /// A word about a call, to whomever it is addressed.
    Signal(Signal),
    /// An answer to what the server asked, a presence, or a message without meaning here.
    Nothing,
    /// The stream is closed.
    Close,
    /// Not a stanza.
    Broken,
}

/// An IQ of type `get` or `set`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ask {
    pub id: String,
    /// Whom it is addressed to; absent for the user's own account.
    pub to: Option<String>,
    pub what: Asked,
}

/// What an IQ asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Asked {
    /// A resource to be reached at; the server makes one up when none is wanted.
    Bind { resource: Option<String> },
    /// External services of a type, `turn` or `stun` (XEP-0215).
    Services { kind: String },
    /// Whether the server is there (XEP-0199).
    Ping,
    /// The events of a topic.
    Subscribe { node: String },
    /// No more events of a topic.
    Unsubscribe { node: String },
    /// A `genesys-webrtc` call: a method and what it is about.
    Webrtc { method: String, params: Value },
    /// Something that this server does not know.
    Unknown,
}

/// A `urn:xmpp:jingle-message:0` element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signal {
    pub to: String,
    pub session: String,
    pub what: Signalled,
}

/// What is said of a ringing session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signalled {
    /// To the caller: go on, this client takes it.
    Proceed,
    /// To the own account: another client need not ring any longer.
    Accept,
    Reject,
}

/// Reads one frame.
pub(super) fn hear(text: &str) -> Heard {
    if text.len() > STANZA_BYTES_MAX {
        return Heard::Broken;
    }
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    let Ok(document) = Document::parse_with_options(text, options) else { return Heard::Broken };
    let root = document.root_element();
    let name = root.tag_name();
    match (name.namespace().unwrap_or_default(), name.name()) {
        (names::FRAMING, "open") => Heard::Open { to: attribute(root, "to") },
        (names::FRAMING, "close") => Heard::Close,
        (names::SASL, "auth") if root.attribute("mechanism") == Some("PLAIN") => login(root),
        (names::SASL, "auth") => Heard::OtherLogin,
        (names::CLIENT | "", "iq") => iq(root),
        (names::CLIENT | "", "message") => message(root),
        (names::CLIENT | "", "presence") => Heard::Nothing,
        (names::STREAM, "error") => Heard::Nothing,
        _ => Heard::Broken,
    }
}

fn attribute(node: Node<'_, '_>, name: &str) -> String {
    node.attribute(name).unwrap_or_default().to_owned()
}

fn login(auth: Node<'_, '_>) -> Heard {
    let engine = base64::engine::general_purpose::STANDARD;
    let text = engine.decode(auth.text().unwrap_or_default().trim()).ok().and_then(|b| String::from_utf8(b).ok());
    let Some(text) = text.map(Secret::new) else { return Heard::Broken };
    // authorization identity, NUL, authentication identity, NUL, password (RFC 4616)
    let mut parts = text.expose().splitn(3, '\0');
    let (_, Some(jid), Some(password)) = (parts.next(), parts.next(), parts.next()) else { return Heard::Broken };
    let token = password.strip_prefix("authKey:").map(|token| Secret::new(token.to_owned()));
    Heard::Login { jid: jid.to_owned(), token }
}

fn iq(iq: Node<'_, '_>) -> Heard {
    if !matches!(iq.attribute("type"), Some("get" | "set")) {
        return Heard::Nothing;
    }
    let what = iq.first_element_child().map_or(Asked::Unknown, asked);
    Heard::Ask(Ask { id: attribute(iq, "id"), to: iq.attribute("to").map(str::to_owned), what })
}

fn asked(what: Node<'_, '_>) -> Asked {
    let name = what.tag_name();
    match (name.namespace().unwrap_or_default(), name.name()) {
        (names::BIND, "bind") => {
            let resource = what.children().find(|c| c.has_tag_name((names::BIND, "resource")));
            Asked::Bind { resource: resource.and_then(|r| r.text()).map(str::to_owned).filter(|r| !r.is_empty()) }
        }
        (names::SERVICES, "services") => Asked::Services { kind: attribute(what, "type") },
        (names::PING, "ping") => Asked::Ping,
        (names::PUBSUB, "pubsub") => match what.first_element_child() {
            Some(act) if act.has_tag_name((names::PUBSUB, "subscribe")) => {
                Asked::Subscribe { node: attribute(act, "node") }
            }
            Some(act) if act.has_tag_name((names::PUBSUB, "unsubscribe")) => {
                Asked::Unsubscribe { node: attribute(act, "node") }
            }
            Some(_) | None => Asked::Unknown,
        },
        (names::GENESYS, "genesys-webrtc") => webrtc(what.text().unwrap_or_default()),
        _ => Asked::Unknown,
    }
}

fn webrtc(text: &str) -> Asked {
    let Ok(mut call) = serde_json::from_str::<Value>(text) else { return Asked::Unknown };
    let Some(method) = call.get("method").and_then(Value::as_str).map(str::to_owned) else { return Asked::Unknown };
    let params = call.get_mut("params").map(Value::take).unwrap_or_default();
    Asked::Webrtc { method, params }
}

fn message(message: Node<'_, '_>) -> Heard {
    let signalled = message.children().filter(|c| c.tag_name().namespace() == Some(names::SIGNAL)).find_map(|child| {
        let what = match child.tag_name().name() {
            "proceed" => Signalled::Proceed,
            "accept" => Signalled::Accept,
            "reject" => Signalled::Reject,
            _ => return None,
        };
        Some((attribute(child, "id"), what))
    });
    match signalled {
        Some((session, what)) => Heard::Signal(Signal { to: attribute(message, "to"), session, what }),
        None => Heard::Nothing,
    }
}
