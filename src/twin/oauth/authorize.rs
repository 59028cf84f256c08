//! `GET /oauth/authorize`: the step in the browser where a person signs in, and the code that comes of it (API.md section 2).
//!
//! There are no passwords here: the page lets a tester choose who signs in, and `twin_agent=<user id>` does so at once.
//!
//! Must never: take a code twice, or for another client's address or verifier.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::super::answer::{Answer, Problem, Query, Reply};
use super::super::world::{Client, Twin};
use super::super::{ids, people};
use super::{APP_CLIENT_ID, mac, refused};
use crate::words::clock::Timestamp;
use crate::words::http::{Method, Request};

/// How long a code is good for, in ms.
const CODE_LIFE_MS: i64 = 300_000;
/// Codes that are out at the same time; the oldest makes room.
const CODES_MAX: usize = 10_000;
/// People on the page at most.
const CHOICES_MAX: usize = 500;

/// Who has signed in through the organisation's own app, and the codes that are out.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct SignIns {
    codes: Vec<Code>,
    issued: u64,
    /// Agents who have signed in since the beginning, and the serial of the refresh token that came of the last time.
    since: BTreeMap<usize, u32>,
}

#[derive(Debug, Clone)]
struct Code {
    text: String,
    who: Who,
    redirect_uri: String,
    challenge: Option<String>,
    until: Timestamp,
}

/// Who signs in.
#[derive(Debug, Clone, Copy)]
enum Who {
    Agent(usize),
    Person(usize),
}

impl SignIns {
    /// The serial of the refresh token of the agent's last sign-in.
    pub(super) fn since(&self, i: usize) -> Option<u32> {
        self.since.get(&i).copied()
    }
}

impl Twin {
    pub(in super::super) fn authorize(&mut self, request: &Request) -> Answer {
        if request.method != Method::Get {
            return Err(Problem::not_found());
        }
        let query = Query::parse(request.query());
        // An address that is not known gets no redirect: the person sees the fault.
        if query.get("client_id") != Some(APP_CLIENT_ID) {
            return page(400, "<p>This client is not known.</p>");
        }
        let Some(redirect_uri) = query.get("redirect_uri").filter(|uri| is_registered(uri)) else {
            return page(400, "<p>This redirect URI is not registered for the client.</p>");
        };
        let state = query.get("state");
        if query.get("response_type") != Some("code") {
            return back(redirect_uri, &[("error", "unsupported_response_type")], state);
        }
        let challenge = match (query.get("code_challenge"), query.get("code_challenge_method")) {
            (None, _) => None,
            (Some(challenge), Some("S256")) => Some(challenge.to_owned()),
            (Some(_), _) => return back(redirect_uri, &[("error", "invalid_request")], state),
        };
        if query.get("twin_deny").is_some() {
            return back(redirect_uri, &[("error", "access_denied")], state);
        }
        let Some(user) = query.get("twin_agent") else { return self.choice(request.query()) };
        let person = people::find(user).map(Who::Person);
        let Some(who) = person.or_else(|| self.find_agent(user).ok().map(Who::Agent)) else {
            return page(400, "<p>Nobody has this user id.</p>");
        };
        self.sign_ins.issued += 1;
        let text = format!("twin-code-{:016x}", mac(self.secret ^ 0xc0de, self.sign_ins.issued));
        let until = self.now + CODE_LIFE_MS;
        if self.sign_ins.codes.len() >= CODES_MAX {
            self.sign_ins.codes.remove(0);
        }
        let code = Code { text: text.clone(), who, redirect_uri: redirect_uri.to_owned(), challenge, until };
        self.sign_ins.codes.push(code);
        back(redirect_uri, &[("code", &text)], state)
    }

    /// A list of people, each a link to the same address.
    fn choice(&self, query: &str) -> Answer {
        let link = |id: &str, name: &str| {
            format!("<li><a href=\"?{}&amp;twin_agent={id}\">{}</a>", escaped(query), escaped(name))
        };
        let people: String = (0..people::COUNT).map(|n| link(&people::id(n), people::name(n))).collect();
        let agents = self.agents.iter().take(CHOICES_MAX).enumerate();
        let agents: String = agents.map(|(i, agent)| link(agent.id.as_str(), &ids::person(i))).collect();
        page(
            200,
            &format!(
                "<p>Who signs in?</p><ul>{people}</ul><p>Agents:</p><ul>{agents}</ul><p><a href=\"?{}&amp;twin_deny=1\">Nobody</a></p>",
                escaped(query)
            ),
        )
    }

    /// A code becomes an access token and a refresh token, once.
    pub(super) fn grant_code(&mut self, form: &Query<'_>) -> Answer {
        let text = form.get("code").unwrap_or_default();
        let at = self.sign_ins.codes.iter().position(|code| code.text == text);
        // Whatever is wrong with the rest, a code that was shown is spent.
        let Some(code) = at.map(|at| self.sign_ins.codes.swap_remove(at)) else {
            return invalid("the code is not valid");
        };
        let verifier = form.get("code_verifier");
        let proven = match (&code.challenge, verifier) {
            (None, None) => true,
            (Some(challenge), Some(verifier)) => URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) == *challenge,
            (None, Some(_)) | (Some(_), None) => false,
        };
        if self.now >= code.until {
            return invalid("the code has expired");
        }
        if form.get("redirect_uri") != Some(code.redirect_uri.as_str()) {
            return invalid("the redirect URI is another one");
        }
        if !proven {
            return invalid("the code verifier does not fit");
        }
        let i = match code.who {
            Who::Person(n) => return self.grant_person(n),
            Who::Agent(i) => i,
        };
        let token = self.issue(i, Client::App);
        let Some(agent) = self.agents.get_mut(i) else { return Err(Problem::not_found()) };
        // Higher than any before, so that no older token comes to life again.
        let since = self.sign_ins.since.get(&i).copied().unwrap_or(0);
        let serial = agent.refresh_serial.unwrap_or(0).max(since).saturating_add(1_000);
        agent.refresh_serial = Some(serial);
        self.sign_ins.since.insert(i, serial);
        Reply::ok(json!({
            "access_token": self.token_text(token),
            "token_type": "bearer",
            "expires_in": self.scenario.tokens.agent_expires_in_s,
            "refresh_token": self.refresh_token_text(i, serial),
        }))
    }
}

fn invalid(why: &str) -> Answer {
    refused(400, "invalid_grant", why)
}

/// Every address of this machine is registered, and every https one: a twin is for trying things out.
fn is_registered(uri: &str) -> bool {
    let rest = uri.strip_prefix("http://").or_else(|| uri.strip_prefix("https://"));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let here = host.is_some_and(|host| ["127.0.0.1", "localhost", "[::1]"].iter().any(|name| names(host, name)));
    !uri.contains('#') && host.is_some_and(|host| !host.is_empty()) && (here || uri.starts_with("https://"))
}

fn names(host: &str, name: &str) -> bool {
    host.strip_prefix(name).is_some_and(|port| port.is_empty() || port.starts_with(':'))
}

fn back(redirect_uri: &str, fields: &[(&str, &str)], state: Option<&str>) -> Answer {
    let encode =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let state = state.map(|state| ("state", state));
    let pairs: Vec<String> =
        fields.iter().copied().chain(state).map(|(name, value)| format!("{name}={}", encode(value))).collect();
    let separator = if redirect_uri.contains('?') { '&' } else { '?' };
    let location = format!("{redirect_uri}{separator}{}", pairs.join("&"));
    Ok(Reply {
        status: 302,
        body: None,
        headers: vec![("location", location), ("cache-control", "no-store".to_owned())],
    })
}

fn page(status: u16, inside: &str) -> Answer {
    let body = format!("<!doctype html><meta charset=\"utf-8\"><title>Twin: sign in</title><h1>Twin</h1>{inside}");
    let headers = vec![("content-type", "text/html; charset=utf-8".to_owned())];
    Ok(Reply { status, body: Some(body.into_bytes()), headers })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
