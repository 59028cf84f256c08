//! The far end of a call: another page, or a test, whose words the twin carries to the softphone and back.
//!
//! To the far end go `{"do":"offer"}`, `{"do":"answer","sdp":…}`, `{"do":"candidate","sdp":…}`, `{"do":"connected",…}` and
//! `{"do":"end"}`; from it come `{"offer": sdp}` with its candidates in it, `{"stats": {…}}` and `{"end": true}`.
//!
//! Must never: keep more for a far end that nobody attends than it could use.

use serde_json::Value;

use crate::twin::ids::{self, Thing};
use crate::twin::world::Twin;
use crate::words::clock::Timestamp;

/// Most words that wait for one far end.
const WAITING_MAX: usize = 200;
/// Longest report of a far end that is kept, in bytes.
const STATS_BYTES_MAX: usize = 4_096;

impl Twin {
    pub(super) fn tell_far(&mut self, at: usize, word: &Value) {
        if let Some(media) = self.lines.media.get_mut(at).filter(|m| m.to_far.len() < WAITING_MAX) {
            media.to_far.push_back(word.to_string());
        }
    }

    /// The line of a conversation, for its far end; `None` when there is no such conversation.
    #[must_use]
    pub fn far_line(&self, conversation: &str) -> Option<usize> {
        let n = ids::index(Thing::Conversation, conversation)?;
        self.lines.conversations.get(n).map(|c| c.session)
    }

    /// What waits for the far end of a line.
    pub fn drain_far(&mut self, line: usize) -> Vec<String> {
        self.lines.media.get_mut(line).map(|m| m.to_far.drain(..).collect()).unwrap_or_default()
    }

    /// The far end of a line says something.
    pub fn far_says(&mut self, now: Timestamp, line: usize, text: &str) {
        self.advance(now);
        let Ok(word) = serde_json::from_str::<Value>(text) else { return };
        let Some(media) = self.lines.media.get_mut(line) else { return };
        if let Some(sdp) = word.get("offer").and_then(Value::as_str) {
            media.offer = media.offer.take().or_else(|| Some(sdp.to_owned()));
            self.offer_if_ready(line);
        } else if let Some(stats) = word.get("stats").filter(|_| text.len() <= STATS_BYTES_MAX) {
            media.far_stats = Some(stats.clone());
        } else if word.get("end").is_some() {
            let carried = self.lines.conversations.iter().rposition(|c| c.session == line);
            if let Some(n) = carried {
                self.end_conversation(n);
            }
        }
    }
}
