//! `POST /oauth/token`: client credentials, codes and refresh tokens (API.md section 2); [`authorize`] holds the step in the
//! browser that a code comes from.
//!
//! Must never: tell a caller more than "refused" about a secret.

mod authorize;

use serde_json::json;

pub(super) use authorize::SignIns;

use super::agenda::Due;
use super::answer::{Answer, Problem, Query, Reply, base64};
use super::limit::{Admission, Window};
use super::scenario::Kind;
use super::truth::Touch;
use super::world::{Agent, Client, Owner, Socket, Token, Twin};
use crate::words::clock::Seed;
use crate::words::http::{Method, Request};

/// The id of the client that publishes: client credentials, no user.
pub const PUBLISHER_CLIENT_ID: &str = "softlanding";
/// Its secret; a twin is no place for real ones.
pub const PUBLISHER_CLIENT_SECRET: &str = "twin-publisher-secret";
/// The id of the organisation's own app, which owns the agents' refresh tokens.
pub const APP_CLIENT_ID: &str = "agent-desktop";
/// Its secret.
pub const APP_CLIENT_SECRET: &str = "twin-app-secret";

impl Twin {
    pub(super) fn oauth(&mut self, request: &Request, limits: &mut Option<(u32, Admission)>) -> Answer {
        if request.method != Method::Post {
            return Err(Problem::not_found());
        }
        let Some(client) = client_of(request) else {
            self.counters.unauthorized += 1;
            return refused(self.scenario.tokens.refused_client_status, "invalid_client", "client not found");
        };
        let allowed = self.scenario.rate_limit.oauth_calls_per_minute;
        let slot = usize::from(client == Client::App);
        if let Some(window) = self.client_windows.get_mut(slot) {
            let admission = window.admit(self.now, allowed);
            self.counters.max_calls_in_a_window = self.counters.max_calls_in_a_window.max(admission.calls);
            *limits = Some((allowed, admission));
            if !admission.admitted {
                return Err(Problem::too_many(admission.reset_s));
            }
        }
        let form = String::from_utf8_lossy(&request.body);
        let form = Query::parse(&form);
        match (form.get("grant_type"), client) {
            (Some("client_credentials"), Client::Publisher) => self.grant_publisher(),
            (Some("authorization_code"), Client::App) => self.grant_code(&form),
            (Some("refresh_token"), Client::App) => self.grant_refresh(form.get("refresh_token").unwrap_or_default()),
            (Some("client_credentials" | "refresh_token" | "authorization_code"), _) => {
                refused(400, "unauthorized_client", "this client may not use this grant")
            }
            (Some(_), _) => refused(400, "unsupported_grant_type", "this grant is not supported"),
            (None, _) => refused(400, "invalid_request", "grant_type is missing"),
        }
    }

    fn grant_publisher(&mut self) -> Answer {
        let expires_in = self.scenario.tokens.publisher_expires_in_s;
        let token = self.tokens.len();
        self.tokens.push(Token {
            owner: Owner::Publisher,
            client: Client::Publisher,
            issued: self.now,
            expires: self.now + expires_in.saturating_mul(1000),
            revoked: None,
            window: Window::default(),
        });
        Reply::ok(json!({ "access_token": self.token_text(token), "token_type": "bearer", "expires_in": expires_in }))
    }

    fn grant_refresh(&mut self, text: &str) -> Answer {
        let Some(i) = self.refresh_token_owner(text) else {
            self.counters.invalid_grants += 1;
            return refused(400, "invalid_grant", "the refresh token is not valid");
        };
        let token = self.refresh_agent(i);
        let tokens = self.scenario.tokens;
        let serial = self.agents.get_mut(i).and_then(|a| {
            a.refresh_serial =
                a.refresh_serial.map(|s| if tokens.rotate_refresh_token { s.saturating_add(1) } else { s });
            a.refresh_serial
        });
        Reply::ok(json!({
            "access_token": self.token_text(token),
            "token_type": "bearer",
            "expires_in": tokens.agent_expires_in_s,
            "refresh_token": self.refresh_token_text(i, serial.unwrap_or(0)),
        }))
    }

    /// Issues a refreshed token; the organisation's own app hands it to the agent's page, if it can.
    pub(super) fn refresh_agent(&mut self, i: usize) -> usize {
        if self.scenario.tokens.refresh_revokes_old {
            self.revoke_app_tokens(i);
        }
        let token = self.issue(i, Client::App);
        let gets = self.agents.get(i).is_some_and(|a| a.logged_in.is_some() && a.kind.gets_hand_over());
        if gets && !self.scenario.softphone.companions {
            self.schedule_in(self.scenario.softphone.hand_over_s, Due::HandOver(i, token));
        }
        token
    }

    fn revoke_app_tokens(&mut self, i: usize) {
        let held = self.agents.get(i).map(|a| a.tokens.clone()).unwrap_or_default();
        for token in held {
            if let Some(token) = self.tokens.get_mut(token).filter(|t| t.client == Client::App) {
                token.revoked = token.revoked.or(Some(self.now));
            }
        }
        self.review(i, None);
    }

    fn refresh_token_owner(&self, text: &str) -> Option<usize> {
        let (agent, rest) = text.strip_prefix("twin-refresh-")?.split_once('-')?;
        let (serial, _) = rest.split_once('-')?;
        let (i, serial) = (agent.parse::<usize>().ok()?, serial.parse::<u32>().ok()?);
        if text != self.refresh_token_text(i, serial) {
            return None;
        }
        // Who has signed in since holds a good token whatever became of the first one, and older ones are worthless.
        let since = self.sign_ins.since(i);
        let first = |a: &&Agent| a.kind.enrolled() && a.kind != Kind::RefreshTokenDead;
        let agent =
            self.agents.get(i).filter(|a| since.is_some_and(|since| serial >= since) || since.is_none() && first(a))?;
        let in_force = agent.refresh_serial?;
        let old_lives = !self.scenario.tokens.old_refresh_token_dies;
        (serial == in_force || (old_lives && serial < in_force)).then_some(i)
    }

    /// The text of an access token.
    pub(super) fn token_text(&self, token: usize) -> String {
        format!("twin-access-{token}-{:016x}", mac(self.secret, token as u64))
    }

    /// The access token behind a text, valid or not.
    pub(super) fn find_token(&self, text: &str) -> Option<usize> {
        let (token, _) = text.strip_prefix("twin-access-")?.split_once('-')?;
        let token = token.parse::<usize>().ok().filter(|t| *t < self.tokens.len())?;
        (self.token_text(token) == text).then_some(token)
    }

    /// The text of an agent's refresh token with this serial.
    pub(super) fn refresh_token_text(&self, i: usize, serial: u32) -> String {
        format!("twin-refresh-{i}-{serial}-{:016x}", mac(self.secret ^ 0x5eed, ((i as u64) << 32) | u64::from(serial)))
    }

    /// `DELETE /tokens/{userId}`: every token of the user, of every client, refresh tokens included (API.md section 8).
    pub(super) fn delete_tokens(&mut self, user: &str) -> Answer {
        let i = self.find_agent(user)?;
        self.touch(i, Touch::TokensDeleted);
        self.revoke_tokens(i, self.now);
        self.cut_streams(i);
        let keeps_station = self.scenario.softphone.station_survives_token_delete;
        let mut was_open = false;
        if let Some(agent) = self.agents.get_mut(i) {
            was_open = agent.logged_in.is_some();
            agent.refresh_serial = None;
            agent.logged_in = None;
            agent.forced_out = agent.forced_out || was_open;
            agent.page_token = None;
            agent.socket = Socket::Closed;
            if !keeps_station {
                agent.station.associated_at = None;
            }
        }
        if was_open {
            self.schedule_in(self.scenario.softphone.login_again_s, Due::Login(i));
            if !keeps_station {
                self.tell_station(i);
            }
            self.tell_phone(i);
        }
        self.review(i, None);
        Reply::empty(204)
    }
}

fn mac(secret: u64, number: u64) -> u64 {
    Seed(secret ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).bits()
}

fn client_of(request: &Request) -> Option<Client> {
    let (scheme, text) = request.header_value("authorization")?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(base64(text.trim())?).ok()?;
    match pair.split_once(':')? {
        (PUBLISHER_CLIENT_ID, PUBLISHER_CLIENT_SECRET) => Some(Client::Publisher),
        (APP_CLIENT_ID, APP_CLIENT_SECRET) => Some(Client::App),
        _ => None,
    }
}

fn refused(status: u16, error: &str, description: &str) -> Answer {
    Reply::json(status, json!({ "error": error, "description": description, "error_description": description }))
}
