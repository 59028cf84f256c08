//! Whose page it is: by a page key that was made here, or by the agent's access token, about which the platform is asked
//! once.
//!
//! Must never: believe a page about who it is, or let a user of another organisation in.

use std::time::Duration;

use super::desk::Desk;
use crate::hands::companion::protocol::{Credential, Hello};
use crate::hands::companion::{KeyRefused, PageKeys};
use crate::hands::genesys::sign_in;
use crate::words::clock::Clock;
use crate::words::id::AgentId;
use crate::words::secret::Secret;

/// How long a page waits until the platform can be asked about its token, in ms.
const TURN_MS: u64 = 8_000;
/// How long the questions about a token may take, in ms: a page waits ten seconds for its welcome, and the rate budget is
/// the publish's first.
const ASK_MS: u64 = 8_000;

/// What becomes of a hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is this agent's page.
    In(AgentId),
    /// It is nobody's.
    Refused(&'static str),
    /// It cannot be told now; the page may come again.
    Later(&'static str),
}

pub(super) async fn admit(desk: &Desk, keys: &PageKeys, hello: &Hello) -> Admission {
    match &hello.credential {
        Credential::Key(key) => by_key(keys, key),
        Credential::Token(token) => by_token(desk, token).await,
    }
}

fn by_key(keys: &PageKeys, key: &Secret) -> Admission {
    // Page keys live in browsers, so their time is the real one, whatever clock the runs follow.
    match keys.check(key, Clock::System.now()) {
        Ok(agent) => Admission::In(agent),
        Err(KeyRefused::Foreign) => Admission::Refused("the page key is not known here"),
        Err(KeyRefused::Old) => Admission::Refused("the page key is too old"),
    }
}

async fn by_token(desk: &Desk, token: &Secret) -> Admission {
    let turn = tokio::time::timeout(Duration::from_millis(TURN_MS), desk.tokens.acquire()).await;
    let Ok(Ok(_turn)) = turn else { return Admission::Later("too many pages at once") };
    // What asks on after its page has gone would only keep others waiting.
    let asked = tokio::time::timeout(Duration::from_millis(ASK_MS), ask(desk, token)).await;
    asked.unwrap_or(Admission::Later("the platform cannot be asked in time"))
}

async fn ask(desk: &Desk, token: &Secret) -> Admission {
    let answer = desk.client.ask(sign_in::whoami(token)).await;
    let agent = match sign_in::who(answer, desk.client.clock().now()) {
        Ok((agent, _)) => agent,
        Err(failure) if sign_in::is_refusal(&failure) => return Admission::Refused("the access token is not valid"),
        Err(_) => return Admission::Later("the platform cannot be asked"),
    };
    if is_enrolled(desk, &agent).await {
        return Admission::In(agent);
    }
    // A token of another organisation in the same region is a good one too.
    match sign_in::is_member(&desk.client.ask(sign_in::member(&agent)).await) {
        Some(true) => Admission::In(agent),
        Some(false) => Admission::Refused("the access token is of another organisation"),
        None => Admission::Later("the platform cannot be asked"),
    }
}

/// Whether the vault holds a grant of the agent that is good as far as is known.
pub(super) async fn is_enrolled(desk: &Desk, agent: &AgentId) -> bool {
    let Some(vault) = &desk.vault else { return false };
    matches!(vault.get(agent).await, Ok(Some(_)))
}
