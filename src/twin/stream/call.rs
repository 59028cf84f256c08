//! Calls of real softphones (SOFTPHONE.md section 4): rung, answered, muted, held, hung up; and the sessions that carry them.
//!
//! A conversation is the call; a media session is the line that its sound goes over. Without a persistent connection each
//! conversation has a session of its own. With one, the first session stays, and later calls come over it.
//!
//! Must never: take part in the sound; it flows between the page and the far end, and the twin carries words only.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::hear::{Signal, Signalled};
use super::say;
use crate::twin::ids::{self, Thing};
use crate::twin::world::{Call, CallState, Twin};
use crate::words::clock::Timestamp;

/// Most calls in the life of one twin.
const CONVERSATIONS_MAX: usize = 100_000;
/// How many calls are told of one agent.
const TOLD_MAX: usize = 64;

/// A call.
#[derive(Debug, Clone)]
pub(in crate::twin) struct Conversation {
    pub agent: usize,
    pub state: Stand,
    pub muted: bool,
    pub held: bool,
    pub started: Timestamp,
    pub answered: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    /// The session that carries it.
    pub session: usize,
}

/// How a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::twin) enum Stand {
    Alerting,
    Connected,
    Ended,
}

impl Stand {
    /// As the platform writes it.
    fn word(self) -> &'static str {
        match self {
            Stand::Alerting => "alerting",
            Stand::Connected => "connected",
            Stand::Ended => "disconnected",
        }
    }
}

/// A line between a page and its far end.
#[derive(Debug, Clone)]
pub(in crate::twin) struct Media {
    pub agent: usize,
    /// The conversation that it was opened for.
    pub conversation: usize,
    pub stage: MediaStage,
    /// The stream that took it.
    pub stream: Option<u64>,
    /// The far end's offer.
    pub offer: Option<String>,
    /// What waits for the far end, as JSON.
    pub to_far: VecDeque<String>,
    /// What the far end has told of the sound last.
    pub far_stats: Option<Value>,
}

/// How far a line has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::twin) enum MediaStage {
    /// Rings at the page.
    Proposed,
    /// The page goes on; the far end is to make its offer.
    Taken,
    /// The offer has been sent.
    Offered,
    /// The page has answered it.
    Answered,
    /// The page says that sound flows.
    Active,
    Ended,
}

impl MediaStage {
    fn is_up(self) -> bool {
        match self {
            MediaStage::Answered | MediaStage::Active => true,
            MediaStage::Proposed | MediaStage::Taken | MediaStage::Offered | MediaStage::Ended => false,
        }
    }
}

/// The customer's address; a softphone's caller has to look like this (SOFTPHONE.md section 4).
fn caller(n: usize) -> String {
    format!("twin-{n:x}@gjoll.northfield.orgspan.com/line")
}

impl Twin {
    /// A call comes for an agent. Gives its number and to how many streams it was offered.
    pub(super) fn ring(&mut self, i: usize) -> Option<(usize, usize)> {
        let n = self.lines.conversations.len();
        if n >= CONVERSATIONS_MAX {
            return None;
        }
        let persistent = self.scenario.softphone.persistent_connection;
        let line = self.lines.media.iter().rposition(|m| m.agent == i && m.stage.is_up()).filter(|_| persistent);
        let session = line.unwrap_or(self.lines.media.len());
        self.lines.conversations.push(Conversation {
            agent: i,
            state: Stand::Alerting,
            muted: false,
            held: false,
            started: self.now,
            answered: None,
            ended: None,
            session,
        });
        self.note(i, "call", &format!("{} rings", ids::id(Thing::Conversation, n)), None);
        let mut offered = 0;
        if line.is_none() {
            self.lines.media.push(Media {
                agent: i,
                conversation: n,
                stage: MediaStage::Proposed,
                stream: None,
                offer: None,
                to_far: VecDeque::new(),
                far_stats: None,
            });
            let (session, conversation) = (ids::id(Thing::Session, session), ids::id(Thing::Conversation, n));
            for id in self.streams_of(i) {
                self.say(id, say::propose(&caller(n), &self.bare_jid(i), &session, &conversation));
                offered += 1;
            }
        } else {
            offered = self.streams_of(i).len();
        }
        self.tell_conversation(n);
        Some((n, offered))
    }

    /// A word about a ringing session, to the caller or to the own account.
    pub(super) fn signalled(&mut self, id: u64, i: usize, jid: &str, signal: &Signal) {
        let own = self.bare_jid(i);
        let Some(at) = ids::index(Thing::Session, &signal.session) else { return };
        if signal.to == own {
            let refused = match signal.what {
                Signalled::Accept => false,
                Signalled::Reject => true,
                Signalled::Proceed => return,
            };
            for other in self.streams_of(i).into_iter().filter(|other| *other != id) {
                self.say(other, say::taken(jid, &own, &signal.session, refused));
            }
            return;
        }
        let Some(media) = self.lines.media.get_mut(at).filter(|m| m.agent == i && m.stage == MediaStage::Proposed)
        else {
            return;
        };
        let conversation = media.conversation;
        match signal.what {
            Signalled::Proceed => {
                media.stage = MediaStage::Taken;
                media.stream = Some(id);
                self.tell_far(at, &json!({ "do": "offer" }));
                self.note(i, "call", &format!("{} is taken", ids::id(Thing::Conversation, conversation)), Some(id));
                self.offer_if_ready(at);
            }
            Signalled::Reject => self.end_conversation(conversation),
            Signalled::Accept => {}
        }
    }

    /// A `genesys-webrtc` call of the page.
    pub(super) fn webrtc_asked(&mut self, i: usize, method: &str, params: &Value) {
        let text = |name: &str| params.get(name).and_then(Value::as_str).map(str::to_owned);
        let session = text("sessionId").and_then(|id| ids::index(Thing::Session, &id));
        let Some(at) = session.filter(|at| self.lines.media.get(*at).is_some_and(|m| m.agent == i)) else { return };
        let sdp = text("sdp");
        match method {
            "answer" => {
                self.tell_far(at, &json!({ "do": "answer", "sdp": sdp }));
                let Some(media) = self.lines.media.get_mut(at).filter(|m| m.stage == MediaStage::Offered) else {
                    return;
                };
                media.stage = MediaStage::Answered;
                let conversation = media.conversation;
                self.connect(conversation);
            }
            "iceCandidate" => self.tell_far(at, &json!({ "do": "candidate", "sdp": sdp })),
            "info" if text("status").as_deref() == Some("active") => {
                if let Some(media) = self.lines.media.get_mut(at).filter(|m| m.stage == MediaStage::Answered) {
                    media.stage = MediaStage::Active;
                }
                self.note(i, "call", &format!("{} has sound", ids::id(Thing::Session, at)), None);
            }
            "terminate" => self.end_session(at, false),
            _ => {}
        }
    }

    /// The far end has made its offer, or the page has said that it goes on: the second of both sends it.
    pub(super) fn offer_if_ready(&mut self, at: usize) {
        let Some(media) = self.lines.media.get_mut(at).filter(|m| m.stage == MediaStage::Taken) else { return };
        let Some(sdp) = media.offer.take() else { return };
        media.stage = MediaStage::Offered;
        let conversation = ids::id(Thing::Conversation, media.conversation);
        let session = ids::id(Thing::Session, at);
        self.ask_page(at, "offer", &json!({ "sessionId": session, "conversationId": conversation, "sdp": sdp }));
    }

    /// A `genesys-webrtc` call to the page that has the session, on whatever stream it is reached now.
    fn ask_page(&mut self, at: usize, method: &str, params: &Value) {
        let Some(media) = self.lines.media.get(at) else { return };
        let streams = self.streams_of(media.agent);
        let taken_by = media.stream.filter(|id| streams.contains(id));
        let Some(id) = taken_by.or(streams.last().copied()) else { return };
        let jid = self.lines.streams.get(&id).and_then(|s| s.bound()).map(|(_, jid)| jid.to_owned());
        let from = caller(media.conversation);
        self.lines.asked += 1;
        let asked = format!("twin-{}", self.lines.asked);
        if let Some(jid) = jid {
            self.say(id, say::webrtc(&asked, &from, &jid, method, params));
        }
    }

    /// Whether the line of a call is there.
    pub(in crate::twin) fn line_is_up(&self, n: usize) -> bool {
        let session = self.lines.conversations.get(n).map(|c| c.session);
        session.and_then(|at| self.lines.media.get(at)).is_some_and(|m| m.stage.is_up())
    }

    /// The call is answered.
    pub(in crate::twin) fn connect(&mut self, n: usize) {
        let now = self.now;
        let Some(call) = self.lines.conversations.get_mut(n).filter(|c| c.state == Stand::Alerting) else { return };
        (call.state, call.answered) = (Stand::Connected, Some(now));
        let (i, session) = (call.agent, call.session);
        if let Some(agent) = self.agents.get_mut(i) {
            agent.call = Some(Call { start: now, end: Timestamp(i64::MAX), state: CallState::Active });
        }
        self.note(i, "call", &format!("{} is connected", ids::id(Thing::Conversation, n)), None);
        self.tell_far(session, &json!({ "do": "connected", "conversation": ids::id(Thing::Conversation, n) }));
        self.tell_conversation(n);
        self.tell_routing(i);
    }

    /// The call ends, whoever hangs up. Without a persistent connection its line ends with it.
    pub(in crate::twin) fn end_conversation(&mut self, n: usize) {
        let now = self.now;
        let Some(call) = self.lines.conversations.get_mut(n).filter(|c| c.state != Stand::Ended) else { return };
        let was = std::mem::replace(&mut call.state, Stand::Ended);
        call.ended = Some(now);
        let (i, session) = (call.agent, call.session);
        let others = self.lines.conversations.iter().any(|c| c.agent == i && c.state == Stand::Connected);
        if let Some(agent) = self.agents.get_mut(i) {
            match was {
                Stand::Connected if !others => {
                    if let Some(call) = agent.call.as_mut() {
                        call.state = CallState::Over;
                    }
                }
                Stand::Alerting => agent.story.calls_missed += 1,
                Stand::Connected | Stand::Ended => {}
            }
        }
        self.note(i, "call", &format!("{} has ended", ids::id(Thing::Conversation, n)), None);
        self.tell_conversation(n);
        self.tell_routing(i);
        let stays = self.scenario.softphone.persistent_connection
            && self.lines.media.get(session).is_some_and(|m| m.stage.is_up());
        if !stays {
            self.end_session(session, true);
        }
    }

    /// A line ends, and every call on it.
    fn end_session(&mut self, at: usize, tell_page: bool) {
        let Some(media) = self.lines.media.get_mut(at).filter(|m| m.stage != MediaStage::Ended) else { return };
        let was = std::mem::replace(&mut media.stage, MediaStage::Ended);
        let (i, conversation) = (media.agent, media.conversation);
        let session = ids::id(Thing::Session, at);
        match was {
            MediaStage::Proposed if tell_page => {
                for id in self.streams_of(i) {
                    self.say(id, say::retract(&caller(conversation), &self.bare_jid(i), &session));
                }
            }
            MediaStage::Taken | MediaStage::Offered | MediaStage::Answered | MediaStage::Active if tell_page => {
                self.ask_page(at, "terminate", &json!({ "sessionId": session, "reason": "success" }));
            }
            MediaStage::Proposed
            | MediaStage::Taken
            | MediaStage::Offered
            | MediaStage::Answered
            | MediaStage::Active
            | MediaStage::Ended => {}
        }
        self.tell_far(at, &json!({ "do": "end" }));
        let carried = |c: &Conversation| c.session == at && c.state != Stand::Ended;
        let left: Vec<usize> =
            self.lines.conversations.iter().enumerate().filter(|(_, c)| carried(c)).map(|(n, _)| n).collect();
        for n in left {
            self.end_conversation(n);
        }
    }

    /// A conversation as its topic and its route show it.
    pub(in crate::twin) fn conversation_json(&self, n: usize) -> Option<Value> {
        let call = self.lines.conversations.get(n)?;
        let agent = self.agents.get(call.agent)?;
        let leg = |id: usize, direction: &str| {
            json!({
                "id": ids::id(Thing::Leg, id),
                "state": call.state.word(),
                "direction": direction,
                "muted": false,
                "held": false,
                "confined": false,
                "recording": false,
                "provider": "Edge",
                "startAlertingTime": call.started.rfc3339(),
                "connectedTime": call.answered.map(Timestamp::rfc3339),
                "disconnectedTime": call.ended.map(Timestamp::rfc3339),
            })
        };
        let mut own = leg(2 * n, "inbound");
        own["muted"] = json!(call.muted);
        own["held"] = json!(call.held);
        let participant = |id: usize, purpose: &str, leg: Value| json!({ "id": ids::id(Thing::Participant, id), "purpose": purpose, "calls": [leg], "attributes": {} });
        let mut user = participant(2 * n, "agent", own);
        user["userId"] = json!(agent.id.as_str());
        user["name"] = json!(ids::person(call.agent));
        Some(json!({
            "id": ids::id(Thing::Conversation, n),
            "startTime": call.started.rfc3339(),
            "participants": [participant(2 * n + 1, "customer", leg(2 * n + 1, "inbound")), user],
        }))
    }

    /// What is told of an agent's calls.
    pub(super) fn calls_told(&self, i: usize) -> Vec<Value> {
        let own = self.lines.conversations.iter().enumerate().rev().filter(|(_, c)| c.agent == i);
        let mut told: Vec<Value> = own
            .take(TOLD_MAX)
            .map(|(n, call)| {
                let media = self.lines.media.get(call.session);
                json!({
                    "conversation": ids::id(Thing::Conversation, n),
                    "session": ids::id(Thing::Session, call.session),
                    "state": call.state.word(),
                    "line": media.map(|m| format!("{:?}", m.stage).to_lowercase()),
                    "muted": call.muted,
                    "held": call.held,
                    "started": call.started,
                    "answered": call.answered,
                    "ended": call.ended,
                    "far": media.and_then(|m| m.far_stats.clone()),
                })
            })
            .collect();
        told.reverse();
        told
    }
}
