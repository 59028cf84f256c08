//! From a request to its answer: who asks, within which limit, for which route, with which permission.
//!
//! Must never: let an unknown route, a bad body or a made-up id do more than answer with an error.

use serde_json::Value;

use super::answer::{Answer, Problem, Query, Reply};
use super::ids::{self, Thing};
use super::limit::Admission;
use super::world::{Owner, Twin};
use crate::words::clock::Timestamp;
use crate::words::http::{Method, Request, Response};

/// The permissions that the publishing client's role has: the least set of API.md section 7, and what the default
/// station and the presence list need besides.
pub(super) const PUBLISHER_PERMISSIONS: [&str; 13] = [
    "wfm:schedule:view",
    "wfm:schedule:edit",
    "wfm:agent:view",
    "wfm:businessUnit:view",
    "directory:user:view",
    "authorization:grant:view",
    "oauth:token:delete",
    "telephony:otherStationAssociation:view",
    "telephony:otherStationAssociation:edit",
    "telephony:station:disassociate",
    "telephony:plugin:all",
    "analytics:userObservation:view",
    "analytics:agentState:view",
];

/// The permissions of an agent's role; the last two are what choosing a softphone needs (API.md section 7).
pub(super) const AGENT_PERMISSIONS: [&str; 4] = [
    "wfm:publishedSchedule:view",
    "telephony:station:disassociateSelf",
    "telephony:selfStationAssociation:view",
    "telephony:selfStationAssociation:edit",
];

/// Largest body that the API takes, in bytes (API.md section 3: `request.bytes.max`).
pub(super) const BODY_BYTES_MAX: usize = 512_000;

/// A request with what is known of it.
pub(super) struct Call<'a> {
    pub request: &'a Request,
    pub query: Query<'a>,
    pub owner: Owner,
    pub token: usize,
}

impl Call<'_> {
    /// The body as JSON.
    pub fn json(&self) -> Result<Value, Problem> {
        serde_json::from_slice(&self.request.body).map_err(|_| Problem::bad("The request body is not valid JSON."))
    }
}

impl Twin {
    /// Answers a request at `now`, after letting everything happen that was due until then. Of the URL only path and
    /// query matter.
    pub fn handle(&mut self, now: Timestamp, request: &Request) -> Response {
        self.advance(now);
        self.counters.requests += 1;
        self.answers += 1;
        let correlation = format!("c0ffee00-0000-4000-8000-{:012x}", self.answers);
        let mut limits = None;
        let answer = self.dispatch(request, &mut limits);
        if let Err(Problem { status, .. }) = &answer {
            match status {
                401 => self.counters.unauthorized += 1,
                429 => self.counters.too_many_requests += 1,
                _ => {}
            }
        }
        let response = finish(answer, &correlation);
        match limits {
            None => response,
            Some((allowed, admission)) => self.with_limits(response, allowed, admission),
        }
    }

    fn dispatch(&mut self, request: &Request, limits: &mut Option<(u32, Admission)>) -> Answer {
        let path = request.path();
        if request.method == Method::Options {
            return Reply::empty(204);
        }
        if let Some(key) = path.strip_prefix("/twin-upload/") {
            return self.receive_upload(request, key);
        }
        if let Some(number) = path.strip_prefix("/twin-download/") {
            return self.give_download(request, number);
        }
        if request.body.len() > BODY_BYTES_MAX {
            return Err(Problem::new(413, "request.entity.too.large", "The request is larger than 512000 bytes."));
        }
        if path == "/oauth/token" {
            return self.oauth(request, limits);
        }
        if path == "/oauth/authorize" {
            return self.authorize(request);
        }
        match path.strip_prefix("/api/v2/") {
            Some(rest) => self.api(request, rest, limits),
            None => Err(Problem::not_found()),
        }
    }

    fn api(&mut self, request: &Request, rest: &str, limits: &mut Option<(u32, Admission)>) -> Answer {
        if rest == "authentication/refresh" && self.scenario.reported.offered {
            return self.refresh_by_token(request);
        }
        let bearer = self.bearer(request);
        self.note_page_call(request, bearer);
        if let Some(Owner::Agent(i)) = bearer.and_then(|t| self.tokens.get(t)).map(|t| t.owner) {
            self.refuses_path(i, request)?;
        }
        let token = bearer.filter(|t| self.token_valid(*t));
        if let Some(token) = token {
            if self.tokens.get(token).is_some_and(|t| t.owner == Owner::Publisher) {
                self.calls.count(self.now, self.anchor, rest);
            }
            *limits = self.count_call(token, request.path());
            if let Some((_, admission)) = limits.as_ref().filter(|(_, a)| !a.admitted) {
                return Err(Problem::too_many(admission.reset_s));
            }
        }
        self.weather()?;
        let segments: Vec<&str> = rest.split('/').collect();
        let known = token.and_then(|t| Some((t, self.tokens.get(t)?.owner)));
        let (token, owner) = match known {
            Some(known) => known,
            // An unknown route is unknown to everybody.
            None if !self.knows(request.method, &segments) => return Err(Problem::not_found()),
            None => return Err(Problem::credentials()),
        };
        let call = Call { request, query: Query::parse(request.query()), owner, token };
        self.route(&call, &segments).unwrap_or_else(|| Err(Problem::not_found()))
    }

    /// Drawn answers of 503 (fault), before anything has an effect.
    fn weather(&mut self) -> Result<(), Problem> {
        let faults = self.scenario.faults;
        if self.now < self.unavailable_until {
            return Err(Problem::unavailable());
        }
        if faults.unavailable_share > 0.0 && self.luck.chance(faults.unavailable_share) {
            self.unavailable_until = self.now + faults.unavailable_burst_s.saturating_mul(1000);
            return Err(Problem::unavailable());
        }
        Ok(())
    }

    /// The token of a Bearer authorization, valid or not.
    pub(super) fn bearer(&self, request: &Request) -> Option<usize> {
        let value = request.header_value("authorization")?;
        let (scheme, text) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| self.find_token(text.trim())).flatten()
    }

    /// Counts a call against its token's window and the route's own, and tells the tighter of the two.
    fn count_call(&mut self, token: usize, path: &str) -> Option<(u32, Admission)> {
        let now = self.now;
        let allowed = self.scenario.rate_limit.calls_per_minute;
        let admission = self.tokens.get_mut(token)?.window.admit(now, allowed);
        self.counters.max_calls_in_a_window = self.counters.max_calls_in_a_window.max(admission.calls);
        if !admission.admitted {
            return Some((allowed, admission));
        }
        let route = self.scenario.rate_limit.routes.iter().position(|r| path.starts_with(&r.path_starts));
        let Some((at, limit)) = route.and_then(|at| Some((at, self.scenario.rate_limit.routes.get(at)?))) else {
            return Some((allowed, admission));
        };
        let own = self.route_windows.entry((token, at)).or_default().admit(now, limit.calls_per_minute);
        Some((limit.calls_per_minute, own))
    }

    fn with_limits(&mut self, response: Response, allowed: u32, admission: Admission) -> Response {
        let jitter = self.scenario.rate_limit.reset_jitter_s;
        let wrong_by = if jitter == 0 { 0 } else { self.luck.between(-jitter, jitter) };
        response
            .header("inin-ratelimit-count", admission.calls.min(allowed).to_string())
            .header("inin-ratelimit-allowed", allowed.to_string())
            .header("inin-ratelimit-reset", (admission.reset_s + wrong_by).max(0).to_string())
    }

    /// Refuses when the caller has none of these permissions.
    pub(super) fn need(&self, call: &Call<'_>, any_of: &[&str]) -> Result<(), Problem> {
        let held = |name: &&str| match call.owner {
            Owner::Publisher => {
                PUBLISHER_PERMISSIONS.contains(name) && !self.scenario.withheld_permissions.iter().any(|w| w == name)
            }
            Owner::Agent(i) => self.agent_permissions(i).contains(name),
            Owner::Person(_) => false,
        };
        if any_of.iter().any(held) { Ok(()) } else { Err(Problem::permission(any_of)) }
    }

    pub(super) fn agent_permissions(&self, i: usize) -> &'static [&'static str] {
        match self.agents.get(i) {
            Some(agent) if agent.lacks_permission => AGENT_PERMISSIONS.get(..2).unwrap_or_default(),
            Some(_) | None => &AGENT_PERMISSIONS,
        }
    }

    /// The agent behind a user id.
    pub(super) fn find_agent(&self, id: &str) -> Result<usize, Problem> {
        ids::index(Thing::Agent, id).filter(|i| *i < self.agents.len()).ok_or_else(Problem::not_found)
    }

    /// The agent who calls; a client-credentials token has none.
    pub(super) fn caller(&self, call: &Call<'_>) -> Result<usize, Problem> {
        match call.owner {
            Owner::Publisher | Owner::Person(_) => Err(Problem::no_user()),
            Owner::Agent(i) => Ok(i),
        }
    }
}

fn finish(answer: Answer, correlation: &str) -> Response {
    let (status, body, headers) = match answer {
        Ok(Reply { status, body, headers }) => (status, body, headers),
        Err(problem) => (problem.status, Some(problem.body(correlation).to_string().into_bytes()), problem.headers),
    };
    let mut response = Response::new(status).header("inin-correlation-id", correlation);
    if let Some(body) = body {
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            response = response.header("content-type", "application/json");
        }
        response.body = body;
    }
    headers.into_iter().fold(response, |response, (name, value)| response.header(name, value))
}
