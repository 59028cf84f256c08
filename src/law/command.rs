//! Every question the world may be asked, and every answer it may give: both are data.
//!
//! Must never: know a URL. A command says what is wanted; `hands::genesys` says how it is asked.

use serde::{Deserialize, Serialize};

pub use crate::law::concern::{Concern, Weight};
use crate::law::page::{Errand, PageAnswer, PageSeen};
use crate::law::verdict::{CallState, PhoneState, PresenceState, ProbeState, StationState};
use crate::law::young::Young;
use crate::words::clock::Timestamp;
use crate::words::hook::{HookPoint, HookRun};
use crate::words::id::{AgentId, OperationId, PhoneId, Seat};
use crate::words::secret::Secret;

/// Names one command of one process, so that a late or repeated answer finds no one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub u64);

/// A question to the world.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// The pinned schedule: is it published, at which version? (API.md section 6)
    ReadSchedule,
    /// Steps 2 and 3 of the publish: an upload URL, and the upload. Harmless until used (API.md section 5).
    PrepareUpload {
        /// The version that is to be published; the platform refuses the update when it has moved on.
        version: i64,
    },
    /// Step 4: the one act that cannot be undone (API.md section 5).
    Publish {
        /// What [`Command::PrepareUpload`] brought.
        upload: UploadKey,
    },
    /// A new access token for one agent.
    RefreshToken {
        /// The agent.
        seat: Seat,
        /// Which way to ask.
        via: TokenVia,
        /// Nothing is asked where the vault holds a token as young as this.
        unless: Option<Young>,
    },
    /// Token age, station, presence and calls of many agents in one call (API.md section 7).
    ReadUsers {
        /// The agents, at most `bulk_ids_max`.
        seats: Vec<Seat>,
        /// What the answer is for.
        purpose: ReadPurpose,
    },
    /// One page of the org's phones with their status (API.md section 7).
    ReadPhones {
        /// The page, from 1.
        page: u32,
        /// What the answer is for.
        purpose: ReadPurpose,
    },
    /// One phone's status.
    ReadPhone {
        /// The agent it belongs to.
        seat: Seat,
        /// The phone.
        phone: PhoneId,
    },
    /// *Reported*: does the media-token endpoint accept the agent's token? Asked with that token.
    ProbeMedia {
        /// The agent.
        seat: Seat,
        /// The look that it belongs to: what was seen before says nothing.
        since: Timestamp,
    },
    /// *Reported*: reset the WebRTC sessions of many agents in one call.
    ResetSessions {
        /// The agents, at most `bulk_ids_max`.
        seats: Vec<Seat>,
    },
    /// Disassociate and associate an agent's station again (API.md section 9).
    Reassociate {
        /// The agent.
        seat: Seat,
    },
    /// Reboot the phones of many agents in one call (API.md section 10).
    RebootPhones {
        /// The agents and their phones.
        phones: Vec<(Seat, PhoneId)>,
    },
    /// Delete all tokens of an agent, which forces a new login (API.md section 8).
    RevokeTokens {
        /// The agent.
        seat: Seat,
    },
    /// What the companions in these agents' pages say of their softphones. No call of the platform's API.
    ReadPages {
        /// The agents.
        seats: Vec<Seat>,
        /// What a page said before this is asked for once more.
        since: Timestamp,
    },
    /// Tell an agent's page to do something. No call of the platform's API, but for those that the page makes itself.
    TellPage {
        /// The agent.
        seat: Seat,
        /// What.
        errand: Errand,
    },
    /// Look over what the publish needs, shortly before it: the way in, permissions, the clock, the carriers.
    Preflight,
    /// Run the organisation's own executables.
    RunHooks {
        /// The moment.
        point: HookPoint,
        /// The agent it is about, at [`HookPoint::Straggler`].
        seat: Option<Seat>,
    },
}

/// Which way a token is refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenVia {
    /// The OAuth refresh-token grant (API.md section 2).
    Grant,
    /// *Reported*: `POST /api/v2/authentication/refresh` with the agent's present token.
    Reported,
}

/// What a read of users or phones is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadPurpose {
    /// Part of a sweep over agents that are due.
    Sweep,
    /// The look at calls directly before a remedy.
    BeforeRemedy,
    /// A look at everybody before the publish.
    Watch,
}

/// The key that ties the uploaded publish to the update; worth a secret, since whoever holds it can publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadKey(pub Secret);

/// What to do when the answer to a command was lost.
#[derive(Debug, Clone, PartialEq)]
pub enum OnDoubt {
    /// Asking again is harmless.
    Repeat,
    /// Asking again could do it twice: look at the world with this command.
    Observe(Command),
}

impl Command {
    /// What a lost answer means. Only the publish must be settled by looking.
    #[must_use]
    pub fn on_doubt(&self) -> OnDoubt {
        match self {
            Command::Publish { .. } => OnDoubt::Observe(Command::ReadSchedule),
            Command::ReadSchedule
            | Command::PrepareUpload { .. }
            | Command::RefreshToken { .. }
            | Command::ReadUsers { .. }
            | Command::ReadPhones { .. }
            | Command::ReadPhone { .. }
            | Command::ProbeMedia { .. }
            | Command::ResetSessions { .. }
            | Command::Reassociate { .. }
            | Command::RebootPhones { .. }
            | Command::RevokeTokens { .. }
            | Command::ReadPages { .. }
            | Command::TellPage { .. }
            | Command::Preflight
            | Command::RunHooks { .. } => OnDoubt::Repeat,
        }
    }
    /// Until when the command may leave, when it was decided at `now`: a remedy that touches agents rests on a look at their
    /// calls, and must leave while that look is fresh (for so many ms of `on_call_fresh_ms`). `None` where nothing depends
    /// on it; a token refresh is no touch.
    #[must_use]
    pub fn not_after(&self, now: Timestamp, on_call_fresh_ms: i64) -> Option<Timestamp> {
        match self {
            Command::ResetSessions { .. }
            | Command::Reassociate { .. }
            | Command::RebootPhones { .. }
            | Command::RevokeTokens { .. }
            | Command::TellPage { errand: Errand::Revive, .. } => Some(now + on_call_fresh_ms),
            Command::ReadSchedule
            | Command::PrepareUpload { .. }
            | Command::Publish { .. }
            | Command::RefreshToken { .. }
            | Command::ReadUsers { .. }
            | Command::ReadPhones { .. }
            | Command::ReadPhone { .. }
            | Command::ProbeMedia { .. }
            | Command::ReadPages { .. }
            // A token is taken over beside a call, and a new session is opened by the page itself when none is up.
            | Command::TellPage {
                errand: Errand::Token | Errand::Renew | Errand::AskToReload | Errand::AskToSignIn, ..
            }
            | Command::Preflight
            | Command::RunHooks { .. } => None,
        }
    }
    /// The agent whose own token is used: it is taken from the vault before, and what comes of it is kept there.
    #[must_use]
    pub fn own_token_of(&self) -> Option<Seat> {
        match self {
            Command::RefreshToken { seat, .. } | Command::ProbeMedia { seat, .. } => Some(*seat),
            Command::ReadSchedule
            | Command::PrepareUpload { .. }
            | Command::Publish { .. }
            | Command::ReadUsers { .. }
            | Command::ReadPhones { .. }
            | Command::ReadPhone { .. }
            | Command::ResetSessions { .. }
            | Command::Reassociate { .. }
            | Command::RebootPhones { .. }
            | Command::RevokeTokens { .. }
            | Command::ReadPages { .. }
            | Command::TellPage { .. }
            | Command::Preflight
            | Command::RunHooks { .. } => None,
        }
    }
}

/// An answer of the world.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The pinned schedule as it is now.
    Schedule(ScheduleState),
    /// The upload is in place.
    UploadReady(UploadKey),
    /// What is known about the publish.
    Published {
        /// What the answer proves.
        answer: PublishAnswer,
        /// When the request was handed to the wire; `None` when it is proven that it never left.
        left: Option<Timestamp>,
    },
    /// An agent's token was refreshed; the vault holds it already.
    TokenRefreshed {
        /// When the new token ends.
        expires_at: Timestamp,
    },
    /// The vault holds a token that is young enough: nothing was asked.
    TokenLeft {
        /// When it was made.
        made_at: Timestamp,
        /// When it ends.
        expires_at: Timestamp,
    },
    /// The agent's refresh token is not accepted any more; the agent must sign in again.
    TokenDead {
        /// What the platform said.
        failure: Failure,
    },
    /// What was seen of users. Agents of the question that the answer left out were not seen.
    Users(Vec<UserSeen>),
    /// What was seen of phones on this page.
    Phones {
        /// The phones that belong to a user.
        seen: Vec<PhoneSeen>,
        /// Pages in all.
        pages: u32,
    },
    /// What the media-token endpoint said.
    Probed(ProbeState),
    /// What the companions said. A page that is not there, or has not answered, is unknown.
    Pages(Vec<PageSeen>),
    /// What became of an errand.
    PageTold(PageAnswer),
    /// A remedy was accepted; whether it cured is seen by looking.
    RemedyAccepted,
    /// How the hooks ended.
    HooksRan(Vec<HookRun>),
    /// What the preflight found that is not as it should be.
    Preflighted(Vec<Concern>),
    /// The command had no result.
    Failed(Failure),
}

impl Outcome {
    /// Why the command had no result; `None` for one that had, and for a publish, whose answer says more.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Outcome::Failed(failure) | Outcome::TokenDead { failure } => Some(failure),
            Outcome::Schedule(_)
            | Outcome::UploadReady(_)
            | Outcome::Published { .. }
            | Outcome::TokenRefreshed { .. }
            | Outcome::TokenLeft { .. }
            | Outcome::Users(_)
            | Outcome::Phones { .. }
            | Outcome::Probed(_)
            | Outcome::Pages(_)
            | Outcome::PageTold(_)
            | Outcome::RemedyAccepted
            | Outcome::Preflighted(_)
            | Outcome::HooksRan(_) => None,
        }
    }
}

/// A schedule's state (API.md section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleState {
    /// `metadata.version`.
    pub version: i64,
    /// Whether it is published.
    pub published: bool,
}

/// What the answer to the publish proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublishAnswer {
    /// The platform took it and works on it.
    Accepted {
        /// To be matched with the completion event; `None` when the answer left it out.
        operation: Option<OperationId>,
    },
    /// It had no effect: the request did not arrive or was refused as a whole.
    NotDone(Failure),
    /// It may have had its effect: only looking tells.
    Doubt(Failure),
}

/// One user as a bulk read showed it. Whatever a read left out is *unknown* (house rule 14).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserSeen {
    /// The agent.
    pub seat: Seat,
    /// When the user's newest token was issued; age, not validity (API.md section 7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_issued: Option<Timestamp>,
    /// The station.
    pub station: StationState,
    /// Logged in or not.
    pub presence: PresenceState,
    /// On a call or not.
    pub call: CallState,
}

/// One phone as a read showed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneSeen {
    /// The user whose softphone it is.
    pub agent: AgentId,
    /// The phone.
    pub phone: PhoneId,
    /// Up, down or unknown.
    pub state: PhoneState,
}

/// Why a command had no result; what a person needs to act on it, and never a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind it is.
    pub kind: FailureKind,
    /// The HTTP status, if an answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The platform's code, such as `missing.permissions` (API.md section 3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The platform's correlation id, to be quoted to its support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<String>,
    /// What happened, a lower-case fragment.
    pub message: String,
    /// When the platform wants to be asked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_at: Option<Timestamp>,
}

impl Failure {
    /// A failure without an answer of the platform behind it.
    #[must_use]
    pub fn plain(kind: FailureKind, message: impl Into<String>) -> Failure {
        Failure { kind, status: None, code: None, correlation: None, message: message.into(), again_at: None }
    }
}

/// Kinds of failure, told apart by what may be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// 429: not done, ask again later.
    Throttled,
    /// 401 or refused credentials: not done.
    Unauthorized,
    /// 403: not done, a permission is missing.
    Forbidden,
    /// 404: not there, or a mechanism that this org does not offer.
    NotFound,
    /// 409: the world is not as expected, look.
    Conflict,
    /// Another 4xx: the request itself is refused.
    Invalid,
    /// 5xx: may have had its effect.
    Server,
    /// No connection: not done.
    NotSent,
    /// No answer: may have had its effect.
    NoAnswer,
    /// An answer that could not be read: may have had its effect.
    Malformed,
    /// Something on this side, such as the vault, could not be used: not done.
    Local,
}

impl FailureKind {
    /// Whether asking again later may help.
    #[must_use]
    pub fn passes(self) -> bool {
        match self {
            FailureKind::Throttled
            | FailureKind::Unauthorized
            | FailureKind::Conflict
            | FailureKind::Server
            | FailureKind::NotSent
            | FailureKind::NoAnswer
            | FailureKind::Malformed => true,
            FailureKind::Forbidden | FailureKind::NotFound | FailureKind::Invalid | FailureKind::Local => false,
        }
    }
    /// What is proven about a request that failed so.
    #[must_use]
    pub fn effect(self) -> Effect {
        match self {
            FailureKind::Throttled
            | FailureKind::Unauthorized
            | FailureKind::Forbidden
            | FailureKind::NotFound
            | FailureKind::Invalid
            | FailureKind::NotSent
            | FailureKind::Local => Effect::None,
            // 409 after our own request may be the echo of its own effect, so it proves nothing.
            FailureKind::Conflict | FailureKind::Server | FailureKind::NoAnswer | FailureKind::Malformed => {
                Effect::Possible
            }
        }
    }
}

/// Whether a failed request may have had its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Proven: it had none.
    None,
    /// Unproven: it may have.
    Possible,
}

/// What stands before a correlation id in words; behind it stands a bracket.
const CORRELATION: &str = ", correlation id ";

/// Words without the correlation ids in them: of two failures that differ in nothing else, the second is no news.
#[must_use]
pub fn without_correlation(words: &str) -> String {
    let mut parts = words.split(CORRELATION);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |said, part| said + part.find(')').map_or("", |end| &part[end..]))
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        if let Some(status) = self.status {
            write!(f, " (HTTP {status}")?;
            if let Some(code) = &self.code {
                write!(f, " {code}")?;
            }
            if let Some(correlation) = &self.correlation {
                write!(f, "{CORRELATION}{correlation}")?;
            }
            f.write_str(")")?;
        }
        Ok(())
    }
}
