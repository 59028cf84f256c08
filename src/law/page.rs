//! The agent's page as the law sees it: what its companion says of the softphone, and what it is told to do.
//!
//! The companion lives in the page that holds the vendor's softphone SDK, so it is the nearest witness of a softphone and the
//! only hand that reaches one without a call of the platform's API.
//! Must never: hold a token; whoever carries an errand out takes it from the vault.

use serde::{Deserialize, Serialize};

use crate::law::verdict::CallState;
use crate::words::clock::Timestamp;
use crate::words::id::Seat;

/// What the companion says of the softphone in its page (SOFTPHONE.md section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum PageState {
    /// No page is connected, or it has not said anything clear.
    #[default]
    Unknown,
    /// Connected, with a station, and an HTTP call with the softphone's own token was answered.
    Ready,
    /// An HTTP call with the softphone's own token was answered with 401, whether its socket is up or not (section 0, fact 2).
    Refused,
    /// The softphone is not connected: it tries again, or has given up (section 5).
    Down,
    /// The softphone knows of no station of its own.
    NoStation,
    /// The page may not use a microphone, or there is none.
    NoMicrophone,
}

/// One page as its companion described it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageSeen {
    /// The agent.
    pub seat: Seat,
    /// What it says of the softphone.
    pub state: PageState,
    /// Whether a call is under way in it.
    pub call: CallState,
    /// When it said so; for a page that is not there, when that was found.
    pub at: Timestamp,
}

/// Something that a page is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Errand {
    /// Take over the new token. A call that is up goes on (SOFTPHONE.md section 6).
    Token,
    /// Take over the new token and open a new session with it, unless a call is up.
    Renew,
    /// Initialise the softphone again in place, with the new token if there is one; after the call, if one is up.
    Revive,
    /// Ask the agent to reload the page.
    AskToReload,
    /// Ask the agent to sign in again, because the refresh token is dead.
    AskToSignIn,
}

/// What became of an errand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub enum PageAnswer {
    /// It is done.
    Done,
    /// It will be done once the call in the page has ended.
    Deferred,
    /// The agent has no page open with a companion in it.
    NoPage,
    /// It could not be done.
    Failed {
        /// Why, in the page's words.
        why: String,
    },
    /// The page has not answered in time; it may have done it.
    NoAnswer,
}

impl PageState {
    /// What the page said, in an admin's words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            PageState::Unknown => "nothing, or nothing clear",
            PageState::Ready => "softphone ready",
            PageState::Refused => "token refused (401)",
            PageState::Down => "softphone not connected",
            PageState::NoStation => "no station",
            PageState::NoMicrophone => "no microphone",
        }
    }
}

impl Errand {
    /// The errand in an admin's words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Errand::Token => "take over the new token",
            Errand::Renew => "open a new session",
            Errand::Revive => "initialise the softphone again",
            Errand::AskToReload => "ask for a reload",
            Errand::AskToSignIn => "ask to sign in again",
        }
    }
}

impl PageAnswer {
    /// The answer in an admin's words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            PageAnswer::Done => "done".to_owned(),
            PageAnswer::Deferred => "after the call".to_owned(),
            PageAnswer::NoPage => "no page is connected".to_owned(),
            PageAnswer::Failed { why } => format!("failed: {why}"),
            PageAnswer::NoAnswer => "no answer".to_owned(),
        }
    }
}
