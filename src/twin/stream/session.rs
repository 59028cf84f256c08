//! One stream from its opening to its end: open, login, bind, questions and answers, close (SOFTPHONE.md section 3).
//!
//! Must never: let a stream do anything before its login was checked, against the token and against the channel.

use std::collections::BTreeMap;

use super::call::{Conversation, Media};
use super::hear::{Ask, Asked, Heard, hear};
use super::say;
use crate::twin::world::{Owner, Twin};
use crate::words::clock::{Seed, Timestamp};
use crate::words::secret::Secret;

/// Most streams at once. One more is refused at its handshake.
const STREAMS_MAX: usize = 20_000;
/// Longest resource that a client may choose, in characters.
const RESOURCE_CHARS_MAX: usize = 128;

/// Something to be sent on the socket of one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamPush {
    /// The stream's number, as [`Twin::open_stream`] gave it.
    pub stream: u64,
    /// What to do.
    pub sent: Sent,
}

/// What is to be done on a stream's socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// A text frame.
    Text(String),
    /// The stream has ended in order; close the socket.
    Close,
    /// Break the connection without a word, as a network does.
    Cut,
}

/// All streams, all calls that real softphones have, and what waits to be sent.
#[derive(Debug, Clone, Default)]
pub(in crate::twin) struct Lines {
    pub streams: BTreeMap<u64, Stream>,
    pub opened: u64,
    pub out: Vec<StreamPush>,
    pub conversations: Vec<Conversation>,
    pub media: Vec<Media>,
    /// Numbers for the server's own questions.
    pub asked: u64,
}

/// One stream.
#[derive(Debug, Clone)]
pub(in crate::twin) struct Stream {
    /// The channel in its address, if there is such a channel.
    pub channel: Option<usize>,
    pub opened: Timestamp,
    pub stage: Stage,
    /// Hears everything and says nothing any more (fault).
    pub silent: bool,
}

/// How far a stream has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::twin) enum Stage {
    /// The socket is there.
    Fresh,
    /// Waits for a login.
    Login,
    /// Logged in; the stream is to be opened anew.
    LoggedIn(Person),
    /// Waits for a resource.
    Binding(Person),
    /// In order: the agent and the full JID.
    Bound(usize, String),
}

/// Who has logged in: the agent, and the token as an index into the twin's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::twin) struct Person {
    pub agent: usize,
    pub token: usize,
}

impl Stream {
    /// The agent and the full JID of a bound stream.
    pub fn bound(&self) -> Option<(usize, &str)> {
        match &self.stage {
            Stage::Bound(agent, jid) => Some((*agent, jid)),
            Stage::Fresh | Stage::Login | Stage::LoggedIn(_) | Stage::Binding(_) => None,
        }
    }
}

impl Twin {
    /// A socket wants to be a stream on a channel; gives its number.
    ///
    /// # Errors
    /// The HTTP status with which the handshake is refused: a fault, or too many streams. An unknown channel is no reason:
    /// the login will fail.
    pub fn open_stream(&mut self, now: Timestamp, channel: &str) -> Result<u64, u16> {
        self.advance(now);
        let channel = self.streaming_channel(channel);
        let owner = channel.and_then(|at| self.channel_owner(at));
        if let Some(i) = owner.filter(|i| self.refuses_handshake(*i)) {
            self.note(i, "handshake", "503: refused", None);
            return Err(503);
        }
        if self.lines.streams.len() >= STREAMS_MAX {
            return Err(503);
        }
        self.lines.opened += 1;
        let id = self.lines.opened;
        let stream = Stream { channel, opened: self.now, stage: Stage::Fresh, silent: false };
        self.lines.streams.insert(id, stream);
        Ok(id)
    }

    /// A text frame has come in on a stream. An unknown stream says nothing.
    pub fn stream_says(&mut self, now: Timestamp, id: u64, text: &str) {
        self.advance(now);
        let Some(stream) = self.lines.streams.get(&id).filter(|s| !s.silent) else { return };
        let stage = stream.stage.clone();
        match (hear(text), stage) {
            (Heard::Broken, _) => self.end_with(id, "not-well-formed"),
            (Heard::Close, _) => {
                self.say(id, say::close());
                self.finish(id, Sent::Close);
            }
            (Heard::Open { to }, Stage::Fresh) => {
                self.greet(id, &to, say::login_features());
                self.at_stage(id, Stage::Login);
            }
            (Heard::Login { jid, token }, Stage::Login) => self.log_in_stream(id, &jid, token.as_ref()),
            (Heard::OtherLogin, Stage::Login) => self.say(id, say::failure("invalid-mechanism")),
            (Heard::Open { to }, Stage::LoggedIn(person)) => {
                self.greet(id, &to, say::bind_features());
                self.at_stage(id, Stage::Binding(person));
            }
            (Heard::Ask(ask), Stage::Binding(person)) => match &ask.what {
                Asked::Bind { resource } => self.bind(id, &ask, person, resource.as_deref()),
                Asked::Services { .. }
                | Asked::Ping
                | Asked::Subscribe { .. }
                | Asked::Unsubscribe { .. }
                | Asked::Webrtc { .. }
                | Asked::Unknown => self.end_with(id, "not-authorized"),
            },
            (Heard::Ask(ask), Stage::Bound(i, jid)) => self.answer_ask(id, i, &jid, &ask),
            (Heard::Signal(signal), Stage::Bound(i, jid)) => self.signalled(id, i, &jid, &signal),
            (Heard::Nothing, Stage::Bound(..)) => {}
            (
                Heard::Open { .. }
                | Heard::Login { .. }
                | Heard::OtherLogin
                | Heard::Ask(_)
                | Heard::Signal(_)
                | Heard::Nothing,
                _,
            ) => self.end_with(id, "not-authorized"),
        }
    }

    /// The other side has gone.
    pub fn stream_ended(&mut self, now: Timestamp, id: u64) {
        self.advance(now);
        self.forget_stream(id);
    }

    /// What is to be sent since the last call, in order.
    pub fn drain_streams(&mut self) -> Vec<StreamPush> {
        std::mem::take(&mut self.lines.out)
    }

    pub(super) fn say(&mut self, id: u64, text: String) {
        let heard = self.lines.streams.get(&id).is_some_and(|s| !s.silent);
        if heard {
            self.lines.out.push(StreamPush { stream: id, sent: Sent::Text(text) });
        }
    }

    /// Ends a stream from this side.
    pub(super) fn finish(&mut self, id: u64, how: Sent) {
        self.lines.out.push(StreamPush { stream: id, sent: how });
        self.forget_stream(id);
    }

    fn end_with(&mut self, id: u64, condition: &'static str) {
        self.say(id, say::stream_error(condition));
        self.say(id, say::close());
        self.finish(id, Sent::Close);
    }

    fn at_stage(&mut self, id: u64, stage: Stage) {
        if let Some(stream) = self.lines.streams.get_mut(&id) {
            stream.stage = stage;
        }
    }

    fn greet(&mut self, id: u64, to: &str, features: String) {
        let stream = format!("{:016x}", Seed(self.secret ^ 0x57ea).fork("stream").bits() ^ id);
        self.say(id, say::open(to, &stream));
        self.say(id, features);
    }

    /// The login: the token must be good, and the JID and the channel must be those of its user.
    fn log_in_stream(&mut self, id: u64, jid: &str, token: Option<&Secret>) {
        let found = token.and_then(|t| self.find_token(t.expose()));
        let channel = self.lines.streams.get(&id).and_then(|s| s.channel);
        let owner = match found.and_then(|t| self.tokens.get(t)).map(|t| t.owner) {
            Some(Owner::Agent(i)) => Some(i),
            Some(Owner::Publisher | Owner::Person(_)) | None => None,
        };
        let told_to = owner.or_else(|| channel.and_then(|at| self.channel_owner(at)));
        match self.judge(jid, found, owner, channel) {
            Ok(person) => {
                self.note(person.agent, "sasl", "ok", Some(id));
                self.at_stage(id, Stage::LoggedIn(person));
                self.say(id, say::success());
            }
            Err((why, condition)) => {
                if let Some(i) = told_to {
                    self.note(i, "sasl", &format!("{condition}: {why}"), Some(id));
                }
                self.say(id, say::failure(condition));
            }
        }
    }

    fn judge(
        &self,
        jid: &str,
        token: Option<usize>,
        owner: Option<usize>,
        channel: Option<usize>,
    ) -> Result<Person, (&'static str, &'static str)> {
        const CONDITION: &str = "not-authorized";
        let token = token.ok_or(("no such token", CONDITION))?;
        let agent = owner.ok_or(("not an agent's token", CONDITION))?;
        if let Some(condition) = self.refuses_login(agent) {
            return Err(("refused", condition));
        }
        if !self.token_valid(token) {
            return Err(("the token was revoked or has expired", CONDITION));
        }
        if channel.and_then(|at| self.channel_owner(at)) != Some(agent) {
            return Err(("the channel is not this user's", CONDITION));
        }
        if jid != self.bare_jid(agent) {
            return Err(("the JID is not this user's", CONDITION));
        }
        Ok(Person { agent, token })
    }

    fn bind(&mut self, id: u64, ask: &Ask, person: Person, resource: Option<&str>) {
        let made_up = || format!("twin-{:012x}", Seed(self.secret ^ 0xb19d).fork("resource").bits() >> 16 ^ id);
        let chosen = resource.filter(|r| r.chars().count() <= RESOURCE_CHARS_MAX).map(str::to_owned);
        let jid = format!("{}/{}", self.bare_jid(person.agent), chosen.unwrap_or_else(made_up));
        self.say(id, say::bound(ask, &jid));
        self.note(person.agent, "bind", &jid, Some(id));
        self.at_stage(id, Stage::Bound(person.agent, jid));
        self.seat(person, id);
    }

    fn answer_ask(&mut self, id: u64, i: usize, jid: &str, ask: &Ask) {
        let channel = self.lines.streams.get(&id).and_then(|s| s.channel);
        let answer = match &ask.what {
            Asked::Ping => say::result(ask, Some(jid), None),
            Asked::Services { kind } => {
                self.note(i, "extdisco", kind, Some(id));
                say::services(ask, jid, kind)
            }
            Asked::Subscribe { node } => match channel.is_some_and(|at| self.subscribe_stream(at, i, node)) {
                true => say::subscribed(ask, jid, node),
                // That of server-side pings among them: the client falls back to its own (SOFTPHONE.md section 3).
                false => say::refusal(ask, Some(jid), "cancel", "item-not-found"),
            },
            Asked::Unsubscribe { node } => {
                if let Some(at) = channel {
                    self.unsubscribe_stream(at, node);
                }
                say::result(ask, Some(jid), None)
            }
            Asked::Webrtc { method, params } => {
                self.webrtc_asked(i, method, params);
                say::result(ask, Some(jid), None)
            }
            Asked::Bind { .. } | Asked::Unknown => say::refusal(ask, Some(jid), "cancel", "service-unavailable"),
        };
        self.say(id, answer);
    }
}
