//! The mechanisms that users report and that the published API does not have (API.md section 13). A scenario offers
//! them or answers 404.
//!
//! Must never: be offered by default; nobody but users' forum posts knows of them.

use serde_json::{Value, json};

use super::agenda::Due;
use super::answer::{Answer, Problem, Reply, texts};
use super::ids::{self, Thing};
use super::router::Call;
use super::truth::Touch;
use super::world::{Owner, Twin};
use crate::words::http::{Method, Request};

/// Most users in one session reset.
const RESET_MAX: usize = 100;

impl Twin {
    /// `GET /communications/webRTC`: the media-server token, for the agent whose token asks.
    pub(super) fn media_token(&self, call: &Call<'_>) -> Answer {
        let i = self.caller(call)?;
        Reply::ok(json!({ "token": format!("twin-media-{i}-{}", call.token) }))
    }

    /// `POST /authentication/refresh`: a new token for an old one, even for one that was revoked a while ago.
    pub(super) fn refresh_by_token(&mut self, request: &Request) -> Answer {
        if request.method != Method::Post {
            return Err(Problem::not_found());
        }
        let grace_ms = self.scenario.reported.refresh_grace_s.saturating_mul(1000);
        let found = self.bearer(request).and_then(|t| self.tokens.get(t));
        let owner = found
            .filter(|t| t.revoked.is_none_or(|at| self.now.since_ms(at) < grace_ms))
            .filter(|t| self.now < t.expires)
            .map(|t| t.owner);
        let i = match owner.ok_or_else(Problem::credentials)? {
            Owner::Publisher | Owner::Person(_) => return Err(Problem::no_user()),
            Owner::Agent(i) => i,
        };
        let token = self.refresh_agent(i);
        let expires_in = self.scenario.tokens.agent_expires_in_s;
        Reply::ok(json!({ "access_token": self.token_text(token), "token_type": "bearer", "expires_in": expires_in }))
    }

    /// `POST /users/bulk/export` `{"force_refresh": true, "target": "webrtc_sessions", "userIds": […]}`: every listed
    /// user's softphone is initialised anew a little later, with a fresh token.
    pub(super) fn reset_sessions(&mut self, call: &Call<'_>) -> Answer {
        let body = call.json()?;
        if body.get("target").and_then(Value::as_str) != Some("webrtc_sessions") {
            return Err(Problem::bad("target must be webrtc_sessions."));
        }
        if body.get("force_refresh").and_then(Value::as_bool) != Some(true) {
            return Err(Problem::bad("force_refresh must be true."));
        }
        let users = texts(&body, "userIds").ok_or_else(|| Problem::bad("userIds is required: a list of user ids."))?;
        if users.len() > RESET_MAX {
            return Err(Problem::bad(format!("No more than {RESET_MAX} user ids may be given.")));
        }
        let found: Vec<usize> = users.iter().filter_map(|id| self.find_agent(id).ok()).collect();
        for i in &found {
            self.touch(*i, Touch::Reset);
            self.schedule_in(self.scenario.softphone.reset_s, Due::ResetDone(*i));
        }
        let (share, reset_s) = (self.scenario.faults.reset_cuts_others_share, self.scenario.softphone.reset_s);
        self.hit_others(&found, share, reset_s, Due::CutForGood);
        let job = ids::id(Thing::Job, usize::try_from(self.answers).unwrap_or(0));
        Reply::json(202, json!({ "jobId": job, "accepted": found.len() }))
    }
}
