//! What is told of real softphones, with its time, so that a client's story can be matched (SOFTPHONE.md section 9).
//!
//! Must never: hold a token.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::session::Stage;
use crate::twin::ids;
use crate::twin::world::Twin;
use crate::words::clock::Timestamp;
use crate::words::id::AgentId;

/// How many notes are kept of one agent, the last ones.
const NOTES_MAX: usize = 256;

/// Something that happened to a real softphone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// When.
    pub at: Timestamp,
    /// `channel`, `handshake`, `sasl`, `bind`, `extdisco`, `stream`, `http` (a 401 or what was refused by hand), `call`, `token` or `fault`.
    pub what: String,
    /// How it went.
    pub told: String,
    /// The stream that it happened on, if one.
    pub stream: Option<u64>,
}

/// What is really so of an agent whose softphone is, or was, a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SoftphoneTruth {
    /// The user id.
    pub agent: AgentId,
    /// The agent's name.
    pub name: String,
    /// Whether a page plays the agent.
    pub played_by_page: bool,
    /// Whether a stream is bound now.
    pub registered: bool,
    /// Whether a call could be taken now, as far as the server can tell.
    pub media_ready: bool,
    /// Whether the token that the page used last is still good.
    pub token_good: bool,
    /// The streams that are bound now.
    pub streams: Vec<StreamTruth>,
    /// Calls, oldest first; the last 64.
    pub calls: Vec<Value>,
    /// What happened, oldest first; the last 256.
    pub log: Vec<Noted>,
}

/// One stream that is bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamTruth {
    /// Its number.
    pub stream: u64,
    /// The channel in its address.
    pub channel: Option<String>,
    /// Its full JID.
    pub jid: String,
    /// Since when its socket is open.
    pub since: Timestamp,
    /// Whether it has been made silent.
    pub silent: bool,
}

impl Twin {
    /// Writes down what happened to an agent's real softphone.
    pub(in crate::twin) fn note(&mut self, i: usize, what: &str, told: &str, stream: Option<u64>) {
        let at = self.now;
        let Some(page) = self.page_mut(i) else { return };
        if page.noted.len() == NOTES_MAX {
            page.noted.pop_front();
        }
        page.noted.push_back(Noted { at, what: what.to_owned(), told: told.to_owned(), stream });
    }

    /// What is so of every agent that anything was noted of.
    #[must_use]
    pub fn softphones(&self) -> Vec<SoftphoneTruth> {
        (0..self.agents.len()).filter_map(|i| self.softphone_truth(i)).collect()
    }

    fn softphone_truth(&self, i: usize) -> Option<SoftphoneTruth> {
        let agent = self.agents.get(i)?;
        let page = agent.page.as_ref()?;
        Some(SoftphoneTruth {
            agent: agent.id.clone(),
            name: ids::person(i),
            played_by_page: page.plays,
            registered: !page.streams.is_empty(),
            media_ready: page.plays && self.media_ready(i),
            token_good: agent.page_token.is_some_and(|t| self.token_valid(t)),
            streams: page.streams.iter().filter_map(|id| self.stream_truth(*id)).collect(),
            calls: self.calls_told(i),
            log: page.noted.iter().cloned().collect(),
        })
    }

    fn stream_truth(&self, id: u64) -> Option<StreamTruth> {
        let stream = self.lines.streams.get(&id)?;
        let jid = match &stream.stage {
            Stage::Bound(_, jid) => jid.clone(),
            Stage::Fresh | Stage::Login | Stage::LoggedIn(_) | Stage::Binding(_) => return None,
        };
        let channel = stream.channel.and_then(|at| self.channels.get(at)).map(|c| c.id.clone());
        Some(StreamTruth { stream: id, channel, jid, since: stream.opened, silent: stream.silent })
    }
}
