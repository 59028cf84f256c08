//! The namespaces of a softphone's stream (SOFTPHONE.md section 3).
//!
//! Must never: be written out anywhere else; one letter wrong and a client hears nothing.

pub(super) const FRAMING: &str = "urn:ietf:params:xml:ns:xmpp-framing";
pub(super) const STREAM: &str = "http://etherx.jabber.org/streams";
pub(super) const STREAM_ERRORS: &str = "urn:ietf:params:xml:ns:xmpp-streams";
pub(super) const STANZA_ERRORS: &str = "urn:ietf:params:xml:ns:xmpp-stanzas";
pub(super) const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";
pub(super) const BIND: &str = "urn:ietf:params:xml:ns:xmpp-bind";
pub(super) const CLIENT: &str = "jabber:client";
pub(super) const SERVICES: &str = "urn:xmpp:extdisco:1";
pub(super) const PING: &str = "urn:xmpp:ping";
pub(super) const PUBSUB: &str = "http://jabber.org/protocol/pubsub";
pub(super) const PUBSUB_EVENT: &str = "http://jabber.org/protocol/pubsub#event";
pub(super) const JSON: &str = "urn:xmpp:json:0";
pub(super) const SIGNAL: &str = "urn:xmpp:jingle-message:0";
pub(super) const GENESYS: &str = "genesys";
