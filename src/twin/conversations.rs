//! Conversations by REST, as a softphone uses them: look, answer, mute, hold, hang up (SOFTPHONE.md section 4).
//!
//! Must never: show a conversation to an agent who is not in it.

use serde_json::Value;

use super::answer::{Answer, Problem, Reply};
use super::ids::{self, Thing};
use super::router::Call;
use super::world::Twin;
use crate::words::http::Method::{Get, Patch, Post};

impl Twin {
    pub(super) fn route_conversations(&mut self, call: &Call<'_>, path: &[&str]) -> Option<Answer> {
        Some(match (call.request.method, path) {
            (Get, ["calls", id] | [id]) => self.own_conversation(call, id).and_then(|n| self.show_conversation(n)),
            (Patch, ["calls", id]) => self.own_conversation(call, id).and_then(|n| self.change_conversation(call, n)),
            (Patch, ["calls", id, "participants", participant]) => self
                .own_conversation(call, id)
                .and_then(|n| self.own_participant(n, participant))
                .and_then(|n| self.change_conversation(call, n)),
            // To voicemail, which ends it for the agent.
            (Post, ["calls", id, "participants", participant, "replace"]) => {
                self.own_conversation(call, id).and_then(|n| self.own_participant(n, participant)).and_then(|n| {
                    self.end_conversation(n);
                    Reply::empty(202)
                })
            }
            // Newer clients tell that a call is up; nothing comes of it.
            (Post, ["calls", id, "communications", leg, "metadata"]) => {
                self.own_conversation(call, id).and_then(|n| match ids::index(Thing::Leg, leg) == Some(2 * n) {
                    true => Reply::empty(204),
                    false => Err(Problem::not_found()),
                })
            }
            _ => return None,
        })
    }

    fn own_conversation(&self, call: &Call<'_>, id: &str) -> Result<usize, Problem> {
        let i = self.caller(call)?;
        let n = ids::index(Thing::Conversation, id).ok_or_else(Problem::not_found)?;
        let own = self.lines.conversations.get(n).is_some_and(|c| c.agent == i);
        if own { Ok(n) } else { Err(Problem::not_found()) }
    }

    /// The agent's own part in a call; the customer's is not the agent's to change.
    fn own_participant(&self, n: usize, id: &str) -> Result<usize, Problem> {
        if ids::index(Thing::Participant, id) == Some(2 * n) { Ok(n) } else { Err(Problem::not_found()) }
    }

    fn show_conversation(&self, n: usize) -> Answer {
        Reply::ok(self.conversation_json(n))
    }

    /// `{"state": "connected" | "disconnected"}`, `{"muted": …}`, `{"held": …}`: 202, and the event follows.
    fn change_conversation(&mut self, call: &Call<'_>, n: usize) -> Answer {
        let body = call.json()?;
        let flag = |name: &str| body.get(name).and_then(Value::as_bool);
        match body.get("state").and_then(Value::as_str) {
            Some("connected") if self.line_is_up(n) => self.connect(n),
            Some("connected") => return Err(Problem::conflict("The softphone has no line for this call.")),
            Some("disconnected" | "terminated") => self.end_conversation(n),
            Some(_) => return Err(Problem::bad("state must be connected or disconnected.")),
            None => {}
        }
        if let Some(conversation) = self.lines.conversations.get_mut(n) {
            let before = (conversation.muted, conversation.held);
            conversation.muted = flag("muted").unwrap_or(conversation.muted);
            conversation.held = flag("held").unwrap_or(conversation.held);
            if before != (conversation.muted, conversation.held) {
                self.tell_conversation(n);
            }
        }
        Reply::empty(202)
    }
}
