//! The routes under `/twin/` that act on real softphones, for tests and people: JSON in, JSON out.
//!
//! Whom: `{"agent": id}`, `{"agents": [id, …]}` or `{"all": true}`. Times are on the twin's clock.
//!
//! | route | body besides whom | what it does |
//! |---|---|---|
//! | `login` | `age_s` (7200) | gives a page's `access_token`, as if the agent had logged in so long ago |
//! | `revoke` | | revokes the agents' access tokens; sockets and refresh tokens stay |
//! | `cut` | | breaks the streams without a word |
//! | `close` | | closes the streams in order |
//! | `silence` | | lets the streams hear everything and say nothing |
//! | `refuse` | `at`, `for_ms` | refuses at `sasl` (`condition`), `handshake`, `channel` (`status`), `path` (`path`, `status`, `retry_after_s`) |
//! | `ring` | | a call; gives `conversation`, `far` (the far end's WebSocket), `offered_to` |
//! | `hangup` | `conversation`, and nobody | ends a call |
//! | `publish` | nobody | somebody publishes the first draft by hand |
//!
//! Must never: be reachable under `/api/v2`, or act when it cannot tell on whom.

use serde_json::{Value, json};

use super::faults::{CONDITIONS, PathRefusal, Refusal};
use crate::twin::ids::{self, Thing};
use crate::twin::world::Twin;
use crate::words::clock::Timestamp;

/// How old a page's token is at its login: a publish revokes what is older than half an hour (`revoke.tokens_older_than_s`).
const AGE_S: i64 = 7_200;
/// Longest refusal, in ms.
const REFUSAL_MS_MAX: i64 = 86_400_000;

impl Twin {
    /// Does what a route under `/twin/` asks for. `what` is its name.
    ///
    /// # Errors
    /// A status and words for people: 404 for an unknown name, agent or conversation, 400 for anything else.
    pub fn poke(&mut self, now: Timestamp, what: &str, body: &Value) -> Result<Value, (u16, String)> {
        self.advance(now);
        match what {
            "login" => self.poke_login(body),
            "revoke" => self.poke_each(body, |twin, i| {
                twin.revoke_by_hand(i);
                1
            }),
            "cut" => self.poke_each(body, |twin, i| twin.cut_streams(i)),
            "close" => self.poke_each(body, |twin, i| twin.close_streams(i)),
            "silence" => self.poke_each(body, |twin, i| twin.silence(i)),
            "refuse" => self.poke_refuse(body),
            "ring" => {
                let i = self.one_agent(body)?;
                let Some((n, offered)) = self.ring(i) else { return Err((400, "too many calls".to_owned())) };
                let conversation = ids::id(Thing::Conversation, n);
                let host = self.base_url.strip_prefix("http").unwrap_or_default();
                let far = format!("ws{host}/twin/far/{conversation}");
                Ok(json!({ "conversation": conversation, "offered_to": offered, "far": far }))
            }
            // As without softlanding: somebody presses the button, and what follows is the scenario's.
            "publish" => {
                self.publish_by_hand();
                Ok(json!({ "takes_effect_in_s": self.scenario.publish.duration_s }))
            }
            "hangup" => {
                let id = body.get("conversation").and_then(Value::as_str).unwrap_or_default();
                let n = ids::index(Thing::Conversation, id).filter(|n| *n < self.lines.conversations.len());
                let n = n.ok_or_else(|| (404, "no such conversation".to_owned()))?;
                self.end_conversation(n);
                Ok(json!({ "conversation": id }))
            }
            _ => Err((404, "no such route".to_owned())),
        }
    }

    fn poke_login(&mut self, body: &Value) -> Result<Value, (u16, String)> {
        let i = self.one_agent(body)?;
        let lifetime_s = self.scenario.tokens.agent_expires_in_s;
        let age_s = body.get("age_s").map_or(Some(AGE_S.min(lifetime_s / 2)), Value::as_i64);
        let age_s = age_s
            .filter(|s| (0..lifetime_s).contains(s))
            .ok_or_else(|| (400, format!("age_s: seconds from 0 to below the token's lifetime, {lifetime_s}")))?;
        let token = self.log_in_page(i, age_s.saturating_mul(1000));
        Ok(json!({
            "agent": self.agents.get(i).map(|a| a.id.as_str()),
            "name": ids::person(i),
            "jid": self.bare_jid(i),
            "station": ids::id(Thing::Station, i),
            "access_token": self.token_text(token),
            "expires_in": lifetime_s - age_s,
        }))
    }

    fn poke_refuse(&mut self, body: &Value) -> Result<Value, (u16, String)> {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let refusal = match text("at") {
            Some("sasl") => {
                let wanted = text("condition").unwrap_or("not-authorized");
                let known = CONDITIONS.into_iter().find(|c| *c == wanted);
                Refusal::Login(known.ok_or_else(|| (400, format!("condition: one of {}", CONDITIONS.join(", "))))?)
            }
            Some("handshake") => Refusal::Handshake,
            Some("channel") => Refusal::Channel(status_in(body)?),
            Some("path") => {
                let path_starts = text("path").filter(|path| path.starts_with("/api/v2/")).map(str::to_owned);
                let path_starts =
                    path_starts.ok_or_else(|| (400, "path: how the paths start, /api/v2/…".to_owned()))?;
                let retry_after_s = body.get("retry_after_s").and_then(Value::as_i64).map(|s| s.clamp(0, 3_600));
                Refusal::Path(PathRefusal { path_starts, status: status_in(body)?, retry_after_s })
            }
            Some(_) | None => return Err((400, "at: sasl, handshake, channel or path".to_owned())),
        };
        let for_ms = body.get("for_ms").and_then(Value::as_i64).filter(|ms| (0..=REFUSAL_MS_MAX).contains(ms));
        let for_ms = for_ms.ok_or_else(|| (400, format!("for_ms: from 0 to {REFUSAL_MS_MAX}; 0 lifts it")))?;
        self.poke_each(body, |twin, i| {
            twin.refuse(i, refusal.clone(), twin.now + for_ms);
            1
        })
    }

    fn poke_each(
        &mut self,
        body: &Value,
        mut act: impl FnMut(&mut Twin, usize) -> usize,
    ) -> Result<Value, (u16, String)> {
        let whom = self.whom(body)?;
        let agents = whom.len();
        let hit: usize = whom.into_iter().map(|i| act(self, i)).sum();
        Ok(json!({ "agents": agents, "hit": hit }))
    }

    fn whom(&self, body: &Value) -> Result<Vec<usize>, (u16, String)> {
        if body.get("all").and_then(Value::as_bool) == Some(true) {
            return Ok((0..self.agents.len()).collect());
        }
        match body.get("agents").and_then(Value::as_array) {
            Some(listed) => listed.iter().map(|id| self.agent_named(id)).collect(),
            None => self.one_agent(body).map(|i| vec![i]),
        }
    }

    fn one_agent(&self, body: &Value) -> Result<usize, (u16, String)> {
        let Some(id) = body.get("agent") else {
            return Err((400, "whom: {\"agent\": id}, {\"agents\": [id, …]} or {\"all\": true}".to_owned()));
        };
        self.agent_named(id)
    }

    fn agent_named(&self, id: &Value) -> Result<usize, (u16, String)> {
        let found = id.as_str().and_then(|id| self.find_agent(id).ok());
        found.ok_or_else(|| (404, format!("no such agent: {id}")))
    }
}

/// The HTTP status of a refusal; 401 when none is named.
fn status_in(body: &Value) -> Result<u16, (u16, String)> {
    let status = body.get("status").map_or(Some(401), Value::as_u64);
    let status = status.and_then(|s| u16::try_from(s).ok()).filter(|s| (400..=599).contains(s));
    status.ok_or_else(|| (400, "status: from 400 to 599".to_owned()))
}
