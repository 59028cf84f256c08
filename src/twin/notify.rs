//! Notification channels, subscriptions and what is pushed over them (API.md sections 6 and 11).
//!
//! Must never: keep an event for a channel that hears nothing; events in a gap are lost, as on the platform.

use serde_json::{Value, json};

use super::answer::{Answer, Problem, Reply};
use super::ids::{self, Thing};
use super::router::Call;
use super::shapes::Routing;
use super::users::conversations_json;
use super::world::{Client, DAY_MS, Leg, Owner, Socket, Twin};
use crate::words::clock::{Seed, Timestamp};

/// Topics per channel (API.md section 11).
pub(super) const TOPICS_MAX: usize = 1_000;
/// Channels per user and client; one more evicts the oldest (API.md section 11).
const CHANNELS_PER_OWNER: usize = 20;
/// Longest name of a topic, in characters (API.md section 11).
const TOPIC_CHARS_MAX: usize = 200;

/// Something for the socket of one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// The channel's id.
    pub channel: String,
    /// What to do on its socket.
    pub frame: Frame,
}

/// What is to be done on a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A text frame.
    Text(String),
    /// The channel has ended; close the socket.
    Close,
}

#[derive(Debug, Clone)]
pub(super) struct Channel {
    pub id: String,
    pub token: usize,
    pub expires: Timestamp,
    pub topics: Vec<String>,
    pub open: bool,
    /// Whether it is a softphone's: reached by a stream, and the user's rather than the token's. It outlives the token, since a
    /// client with a newer one reconnects on it (SOFTPHONE.md section 5).
    pub streaming: bool,
    /// Topics that its stream has subscribed to itself; a `PUT` of topics leaves them alone.
    pub spoken: Vec<String>,
    /// The stream that is bound on it.
    pub stream: Option<u64>,
}

/// What a request does to a channel's topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Add,
    Replace,
}

const SCHEDULES_VIEW: [&str; 2] = ["wfm:schedule:view", "wfm:publishedSchedule:view"];

/// Topics: what they begin with, what follows the id, and the permissions that one of must be held.
const TOPICS: [(&str, &str, &[&str]); 13] = [
    ("v2.workforcemanagement.businessunits.", ".schedules", &SCHEDULES_VIEW),
    ("v2.users.", ".station", &[]),
    ("v2.users.", ".tokens", &[]),
    ("v2.users.", ".presence", &[]),
    ("v2.users.", ".routingStatus", &[]),
    ("v2.users.", ".activity", &[]),
    ("v2.users.", ".conversationsummary", &[]),
    ("v2.users.", ".conversations.calls", &[]),
    ("v2.users.", ".conversations", &[]),
    ("v2.users.", ".persistentconnection", &[]),
    ("v2.users.", ".workforcemanagement.schedules", &[]),
    ("v2.telephony.providers.edges.phones.", "", &["telephony:plugin:all"]),
    ("v2.telephony.providers.edges.trunks.", "", &["telephony:plugin:all"]),
];

/// The permissions of a topic; `None` when there is no such topic.
pub(super) fn topic_permissions(topic: &str) -> Option<&'static [&'static str]> {
    TOPICS.iter().find_map(|(start, end, any_of)| {
        let id = topic.strip_prefix(start)?.strip_suffix(end)?;
        let plain = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        plain.then_some(*any_of)
    })
}

/// `v2.users.{id}?presence&station` as its single topics.
pub(super) fn split_topic(topic: &str) -> Vec<String> {
    match topic.split_once('?') {
        Some((start, ends)) => ends.split('&').map(|end| format!("{start}.{end}")).collect(),
        None => vec![topic.to_owned()],
    }
}

impl Twin {
    /// What was pushed since the last call, in order.
    pub fn drain_pushes(&mut self) -> Vec<Push> {
        std::mem::take(&mut self.pushes)
    }

    /// Whether a socket may be opened on this channel now.
    #[must_use]
    pub fn channel_is_open(&self, id: &str) -> bool {
        self.find_channel(id).is_some()
    }

    /// The platform closes the socket of one channel, as it does before it looks after its machines (API.md section 11).
    pub fn close_socket_of(&mut self, id: &str) {
        self.find_channel(id).into_iter().for_each(|at| self.close_socket(at));
    }

    pub(super) fn find_channel(&self, id: &str) -> Option<usize> {
        let at = id.rsplit_once('-').and_then(|(_, end)| usize::from_str_radix(end, 16).ok())?;
        let channel = self.channels.get(at).filter(|c| c.id == id && c.open)?;
        (self.now < channel.expires && (channel.streaming || self.token_valid(channel.token))).then_some(at)
    }

    /// The caller's own channel.
    fn own_channel(&self, call: &Call<'_>, id: &str) -> Result<usize, Problem> {
        let at = self.find_channel(id).ok_or_else(Problem::not_found)?;
        let owner = self.channels.get(at).and_then(|c| self.tokens.get(c.token)).map(|t| t.owner);
        if owner == Some(call.owner) { Ok(at) } else { Err(Problem::not_found()) }
    }

    fn channel_json(&self, channel: &Channel) -> Value {
        let host = self.base_url.strip_prefix("http").map_or_else(|| self.base_url.clone(), |rest| format!("ws{rest}"));
        json!({
            "id": channel.id,
            "connectUri": format!("{host}/{}channels/{}", if channel.streaming { "stream/" } else { "" }, channel.id),
            "expires": channel.expires.rfc3339(),
        })
    }

    fn channels_of(&self, owner: Owner, client: Client) -> Vec<usize> {
        let own = |c: &Channel| self.tokens.get(c.token).is_some_and(|t| t.owner == owner && t.client == client);
        let open = self.channels.iter().enumerate().filter(|(_, c)| c.open && own(c));
        open.map(|(at, _)| at).collect()
    }

    pub(super) fn open_channel(&mut self, call: &Call<'_>) -> Answer {
        let client = self.tokens.get(call.token).map_or(Client::Publisher, |t| t.client);
        let streaming = call.query.get("connectionType") == Some("streaming");
        if let (true, Owner::Agent(i)) = (streaming, call.owner) {
            self.admit_channel(i)?;
        }
        let held = self.channels_of(call.owner, client);
        if held.len() >= CHANNELS_PER_OWNER {
            let idle = held.iter().find(|at| self.channels.get(**at).is_some_and(|c| c.stream.is_none()));
            idle.or(held.first()).copied().into_iter().for_each(|at| self.close_channel(at));
        }
        let at = self.channels.len();
        let (a, b) = (Seed(self.secret ^ 0xc4a7).fork("channel").bits(), at as u64);
        let secret = Seed(a ^ b.wrapping_mul(0x9e37_79b9_7f4a_7c15)).bits();
        let id = format!("{:08x}-{:04x}-4{:03x}-8000-{at:012x}", secret >> 32, (secret >> 16) & 0xffff, secret & 0xfff);
        let channel = Channel {
            id,
            token: call.token,
            expires: self.now + DAY_MS,
            topics: Vec::new(),
            open: true,
            streaming,
            spoken: Vec::new(),
            stream: None,
        };
        let body = self.channel_json(&channel);
        self.channels.push(channel);
        self.let_socket_close(at);
        Reply::ok(body)
    }

    pub(super) fn list_channels(&self, call: &Call<'_>) -> Answer {
        let client = self.tokens.get(call.token).map_or(Client::Publisher, |t| t.client);
        let own = self.channels_of(call.owner, client);
        let entities: Vec<Value> =
            own.into_iter().filter_map(|at| self.channels.get(at)).map(|c| self.channel_json(c)).collect();
        Reply::ok(json!({ "entities": entities }))
    }

    pub(super) fn subscriptions(&self, call: &Call<'_>, id: &str) -> Answer {
        let at = self.own_channel(call, id)?;
        let topics = self.channels.get(at).map(|c| c.topics.as_slice()).unwrap_or_default();
        Reply::ok(json!({ "entities": topics.iter().map(|t| json!({ "id": t })).collect::<Vec<_>>() }))
    }

    /// `POST` adds, `PUT` replaces. One topic that is forbidden fails the request, unless `ignoreErrors=true`.
    pub(super) fn subscribe(&mut self, call: &Call<'_>, id: &str, change: Change) -> Answer {
        let at = self.own_channel(call, id)?;
        let body = call.json()?;
        let wanted = body.as_array().ok_or_else(|| Problem::bad("A list of topics is required."))?;
        let ignore = call.query.flag("ignoreErrors");
        let mut topics = match change {
            Change::Add => self.channels.get(at).map(|c| c.topics.clone()).unwrap_or_default(),
            Change::Replace => Vec::new(),
        };
        let mut entities = Vec::with_capacity(wanted.len());
        for topic in wanted {
            let topic = topic.get("id").and_then(Value::as_str).unwrap_or_default();
            match self.check_topic(call, topic) {
                Ok(()) => {
                    entities.push(json!({ "id": topic, "state": "Permitted" }));
                    topics.push(topic.to_owned());
                }
                Err(problem) if ignore => {
                    let missing =
                        problem.params.iter().find(|(name, _)| *name == "permissions").map(|(_, v)| v.as_str());
                    let reason = problem.code;
                    let missing: Vec<&str> = missing.into_iter().collect();
                    entities.push(json!({
                        "id": topic, "state": "Rejected", "rejectionReason": reason, "missingPermissions": missing,
                    }));
                }
                Err(problem) => return Err(problem),
            }
        }
        let mut seen = std::collections::HashSet::new();
        topics.retain(|topic| seen.insert(topic.clone()));
        let singly = self.scenario.faults.topics_counted_singly;
        let counted = |topic: &String| if singly { split_topic(topic).len() } else { 1 };
        if topics.iter().map(counted).sum::<usize>() > TOPICS_MAX {
            return Err(Problem::bad(format!("A channel may have no more than {TOPICS_MAX} topics.")));
        }
        self.set_topics(at, topics);
        Reply::ok(json!({ "entities": entities }))
    }

    fn check_topic(&self, call: &Call<'_>, topic: &str) -> Result<(), Problem> {
        if topic.len() > TOPIC_CHARS_MAX {
            return Err(invalid_topic(topic));
        }
        for single in split_topic(topic) {
            let any_of = topic_permissions(&single).ok_or_else(|| invalid_topic(topic))?;
            if self.scenario.faults.token_topics_refused && single.ends_with(".tokens") {
                return Err(Problem::new(403, "missing.permissions", "The topic is not for this client."));
            }
            if !any_of.is_empty() {
                self.need(call, any_of)?;
            }
        }
        Ok(())
    }

    fn set_topics(&mut self, at: usize, topics: Vec<String>) {
        let Some(channel) = self.channels.get_mut(at) else { return };
        let before = std::mem::replace(&mut channel.topics, topics);
        channel.expires = self.now + DAY_MS;
        self.listen_anew(at, &before);
    }

    /// Brings the index of listeners up to date, after a channel's topics were others before.
    pub(super) fn listen_anew(&mut self, at: usize, before: &[String]) {
        let Some(channel) = self.channels.get(at) else { return };
        let after: Vec<String> = channel.topics.iter().chain(&channel.spoken).cloned().collect();
        for topic in before.iter().flat_map(|t| split_topic(t)) {
            if let Some(heard_by) = self.topics.get_mut(&topic) {
                heard_by.retain(|channel| *channel != at);
                if heard_by.is_empty() {
                    self.topics.remove(&topic);
                }
            }
        }
        for topic in after.iter().flat_map(|t| split_topic(t)) {
            let heard_by = self.topics.entry(topic).or_default();
            if !heard_by.contains(&at) {
                heard_by.push(at);
            }
        }
    }

    pub(super) fn unsubscribe(&mut self, call: &Call<'_>, id: &str) -> Answer {
        let at = self.own_channel(call, id)?;
        self.set_topics(at, Vec::new());
        Reply::empty(200)
    }

    pub(super) fn available_topics(&self) -> Answer {
        let entities: Vec<Value> = TOPICS
            .iter()
            .map(|(start, end, any_of)| {
                json!({
                    "id": format!("{start}{{id}}{end}"),
                    "requiresPermissions": any_of,
                    "visibility": "Public",
                    "transports": ["All"],
                })
            })
            .collect();
        Reply::ok(json!({ "entities": entities }))
    }

    fn close_channel(&mut self, at: usize) {
        self.hush_stream(at);
        self.set_topics(at, Vec::new());
        let Some(channel) = self.channels.get_mut(at) else { return };
        channel.open = false;
        self.pushes.push(Push { channel: channel.id.clone(), frame: Frame::Close });
    }

    /// Tokens of an agent were revoked: the channels opened with them say so and end.
    pub(super) fn close_channels_of(&mut self, i: usize) {
        if self.channels.is_empty() {
            return;
        }
        for client in [Client::App, Client::Page] {
            for at in self.channels_of(Owner::Agent(i), client) {
                let revoked = self.channels.get(at).filter(|c| !c.streaming && !self.token_valid(c.token));
                let Some(id) = revoked.map(|c| c.id.clone()) else { continue };
                let body = json!({
                    "channelId": id,
                    "systemTopicType": "token_revoked",
                    "userId": self.agents.get(i).map(|a| a.id.as_str()),
                    "reason": "user_tokens_revoked",
                });
                let text = frame(&format!("v2.system.token_revoked.{id}"), body, None, self.answers);
                self.pushes.push(Push { channel: id, frame: Frame::Text(text) });
                self.close_channel(at);
            }
        }
    }

    /// Pushes an event to every channel that hears its topic. `make` is called only when somebody listens.
    pub(super) fn tell(&mut self, topic: &str, make: impl FnOnce(&Twin) -> Option<(Value, Option<&'static str>)>) {
        if !self.topics.contains_key(topic) {
            return;
        }
        let Some((body, action)) = make(self) else { return };
        let text = frame(topic, body, action, self.answers);
        let heard_by = self.topics.get(topic).cloned().unwrap_or_default();
        for at in heard_by {
            self.send_event(at, &text);
        }
    }

    pub(super) fn user_topic(&self, i: usize, end: &str) -> Option<String> {
        if self.topics.is_empty() {
            return None;
        }
        self.agents.get(i).map(|a| format!("v2.users.{}.{end}", a.id))
    }

    pub(super) fn tell_station(&mut self, i: usize) {
        let Some(topic) = self.user_topic(i, "station") else { return };
        self.tell(&topic, |twin| {
            let agent = twin.agents.get(i)?;
            let station = json!({
                "id": ids::id(Thing::Station, i),
                "name": format!("{} softphone", ids::person(i)),
                "associatedUser": { "id": agent.id.as_str() },
            });
            match agent.station.associated_at {
                Some(_) => Some((json!({ "associatedStation": station }), Some("Associated"))),
                None => Some((json!({}), Some("Disassociated"))),
            }
        });
    }

    /// Says what has become of the softphone's media leg, where that is news (API.md section 12).
    pub(super) fn tell_leg(&mut self, i: usize) {
        if !self.scenario.softphone.legs_pushed || self.played_by_a_page(i) {
            return;
        }
        let Some(agent) = self.agents.get_mut(i) else { return };
        let now = match agent.socket {
            Socket::GivenUp => Leg::Failed,
            Socket::Up if agent.leg_failed => Leg::Failed,
            Socket::Up if agent.on_call() => Leg::ActiveCall,
            Socket::Up => Leg::Persisted,
            Socket::Closed => Leg::Disconnected,
            Socket::Retrying => agent.leg,
        };
        if std::mem::replace(&mut agent.leg, now) == now {
            return;
        }
        let Some(topic) = self.user_topic(i, "persistentconnection") else { return };
        self.tell(&topic, |_| {
            let (state, code) = match now {
                Leg::Disconnected => ("DISCONNECTED", None),
                Leg::Persisted => ("PERSISTED", None),
                Leg::ActiveCall => ("ACTIVE_CALL", None),
                Leg::Failed => ("FAILED", Some("error.ininedgecontrol.connection.webrtc.endpoint.disconnect")),
            };
            let mut body = json!({ "persistentState": state });
            if let Some(code) = code {
                body["errorInfo"] = json!({ "code": code });
            }
            Some((body, None))
        });
    }

    /// One of the agent's tokens was issued or revoked; told of both, which is UNCERTAIN on the platform (API.md section 8).
    pub(super) fn tell_token(&mut self, i: usize, token: usize) {
        let Some(topic) = self.user_topic(i, "tokens") else { return };
        self.tell(&topic, |twin| {
            let (agent, token) = (twin.agents.get(i)?, twin.tokens.get(token)?);
            let client = match token.client {
                Client::App => super::oauth::APP_CLIENT_ID,
                Client::Page | Client::Publisher => "agent-ui",
            };
            let body = json!({
                "user": { "id": agent.id.as_str(), "name": ids::person(i) },
                "dateCreated": token.issued.rfc3339(),
                "tokenExpirationDate": token.revoked.unwrap_or(token.expires).rfc3339(),
                "clientId": client,
            });
            Some((body, None))
        });
    }

    /// A call has begun or ended.
    pub(super) fn tell_routing(&mut self, i: usize) {
        self.tell_leg(i);
        let Some(topic) = self.user_topic(i, "routingStatus") else { return };
        self.tell(&topic, |twin| {
            let agent = twin.agents.get(i)?;
            let status = Routing { user_id: None, ..twin.routing_json(agent) };
            Some((json!({ "id": agent.id.as_str(), "routingStatus": status }), None))
        });
        let Some(topic) = self.user_topic(i, "conversationsummary") else { return };
        self.tell(&topic, |twin| Some((serde_json::to_value(conversations_json(twin.agents.get(i)?)).ok()?, None)));
    }

    pub(super) fn tell_phone(&mut self, i: usize) {
        if self.topics.is_empty() {
            return;
        }
        let topic = format!("v2.telephony.providers.edges.phones.{}", ids::id(Thing::Phone, i));
        self.tell(&topic, |twin| Some((twin.phone_event(i)?, None)));
    }

    /// An update has completed or failed. A failure carries no reason (API.md section 6).
    pub(super) fn tell_schedule(&mut self, operation: usize, schedule: usize, applied: bool) {
        let Some(unit) = self.schedules.get(schedule).map(|s| s.unit) else { return };
        let topic = format!("v2.workforcemanagement.businessunits.{}.schedules", ids::id(Thing::BusinessUnit, unit));
        self.tell(&topic, |twin| {
            let operation = ids::id(Thing::Operation, operation);
            if !applied {
                return Some((json!({ "status": "Error", "operationId": operation, "eventType": "Update" }), None));
            }
            let mut result = twin.schedule_brief(schedule)?;
            result.as_object_mut()?.remove("selfUri");
            let body =
                json!({ "status": "Complete", "operationId": operation, "eventType": "Update", "result": result });
            Some((body, None))
        });
    }
}

fn invalid_topic(topic: &str) -> Problem {
    let shown: String = topic.chars().take(80).collect();
    Problem::new(400, "notification.invalid.topic", format!("Unknown topic: {shown}"))
}

pub(super) fn frame(topic: &str, body: Value, action: Option<&str>, correlation: u64) -> String {
    let mut metadata = json!({ "CorrelationId": format!("c0ffee01-0000-4000-8000-{correlation:012x}") });
    if let Some(action) = action {
        metadata["action"] = json!(action);
    }
    json!({ "topicName": topic, "version": "2", "eventBody": body, "metadata": metadata }).to_string()
}

/// A frame on the channel's own topic, `channel.metadata`.
fn metadata_frame(message: &str) -> String {
    json!({ "topicName": "channel.metadata", "eventBody": { "message": message } }).to_string()
}

/// The heartbeat that comes every 30 s (API.md section 11).
pub(super) fn heartbeat() -> String {
    metadata_frame("WebSocket Heartbeat")
}

/// What an unknown or ended channel says on its socket (API.md section 11).
pub(super) fn closed_message() -> String {
    json!({ "result": "404", "message": "channel not found" }).to_string()
}

/// The answer to a client's message; only `ping` has one.
pub(super) fn answer_message(text: &str) -> Option<String> {
    let message: Value = serde_json::from_str(text).ok()?;
    (message.get("message")?.as_str()? == "ping").then(|| metadata_frame("pong"))
}
