//! Events on a softphone's stream: its own subscriptions beside those of its channel, and how an event is put into words.
//!
//! Must never: give a user the events of another.

use serde_json::{Value, json};

use super::say;
use super::session::Sent;
use crate::twin::answer::Problem;
use crate::twin::notify::{TOPICS_MAX, topic_permissions};
use crate::twin::world::{Owner, Twin};

/// The domain of every user's address.
const DOMAIN: &str = "northfield.orgspan.com";

impl Twin {
    /// A user's address without a resource.
    pub(in crate::twin) fn bare_jid(&self, i: usize) -> String {
        let id = self.agents.get(i).map(|a| a.id.as_str().replace('-', "")).unwrap_or_default();
        format!("{id}@{DOMAIN}")
    }

    /// A streaming channel by its id.
    pub(super) fn streaming_channel(&self, id: &str) -> Option<usize> {
        self.find_channel(id).filter(|at| self.channels.get(*at).is_some_and(|c| c.streaming))
    }

    pub(super) fn channel_owner(&self, at: usize) -> Option<usize> {
        match self.channels.get(at).and_then(|c| self.tokens.get(c.token)).map(|t| t.owner) {
            Some(Owner::Agent(i)) => Some(i),
            Some(Owner::Publisher | Owner::Person(_)) | None => None,
        }
    }

    /// A softphone asks for a channel.
    pub(in crate::twin) fn admit_channel(&mut self, i: usize) -> Result<(), Problem> {
        match self.refuses_channel(i) {
            Some(status) => {
                self.note(i, "channel", &format!("{status}: refused"), None);
                Err(Problem::new(status, "not.authorized", "Refused by hand."))
            }
            None => {
                self.note(i, "channel", "ok", None);
                Ok(())
            }
        }
    }

    /// Subscribes a channel's stream to a topic of its own user; false when there is no such topic.
    pub(super) fn subscribe_stream(&mut self, at: usize, i: usize, node: &str) -> bool {
        let own = self.agents.get(i).is_some_and(|a| node.starts_with(&format!("v2.users.{}.", a.id)));
        let known = topic_permissions(node).is_some_and(<[&str]>::is_empty);
        let Some(channel) = self.channels.get_mut(at).filter(|c| own && known && c.spoken.len() < TOPICS_MAX) else {
            return false;
        };
        if !channel.spoken.iter().any(|held| held == node) {
            channel.spoken.push(node.to_owned());
            self.listen_anew(at, &[]);
        }
        true
    }

    pub(super) fn unsubscribe_stream(&mut self, at: usize, node: &str) {
        if let Some(channel) = self.channels.get_mut(at) {
            channel.spoken.retain(|held| held != node);
            self.listen_anew(at, &[node.to_owned()]);
        }
    }

    /// One event to the stream that is bound on a channel. Without one it is lost, as on the platform.
    pub(in crate::twin) fn event_to_stream(&mut self, at: usize, text: &str) {
        let Some(id) = self.channels.get(at).and_then(|c| c.stream) else { return };
        let Some(jid) = self.lines.streams.get(&id).and_then(|s| s.bound()).map(|(_, jid)| jid.to_owned()) else {
            return;
        };
        let topic = serde_json::from_str::<Value>(text).ok();
        let topic = topic.as_ref().and_then(|frame| frame.get("topicName")).and_then(Value::as_str);
        self.say(id, say::event(DOMAIN, &jid, topic.unwrap_or_default(), text));
    }

    /// A channel ends: so does its stream, and what that has subscribed to.
    pub(in crate::twin) fn hush_stream(&mut self, at: usize) {
        let Some(channel) = self.channels.get_mut(at) else { return };
        let (spoken, stream) = (std::mem::take(&mut channel.spoken), channel.stream.take());
        self.listen_anew(at, &spoken);
        stream.into_iter().for_each(|id| self.finish(id, Sent::Cut));
    }

    /// Whether something that is said to the agent's softphone is heard: always of a simulated one.
    pub(in crate::twin) fn page_hears(&self, i: usize) -> bool {
        let page = self.agents.get(i).and_then(|a| a.page.as_ref()).filter(|p| p.plays);
        page.is_none_or(|p| p.streams.iter().any(|id| self.lines.streams.get(id).is_some_and(|s| !s.silent)))
    }

    /// A call has changed.
    pub(in crate::twin) fn tell_conversation(&mut self, n: usize) {
        let Some(i) = self.lines.conversations.get(n).map(|c| c.agent) else { return };
        for end in ["conversations", "conversations.calls"] {
            let Some(topic) = self.user_topic(i, end) else { return };
            self.tell(&topic, |twin| Some((twin.conversation_json(n).unwrap_or_else(|| json!({})), None)));
        }
    }
}
