//! From what was observed of an agent to what is said about it. A pure rule, and the table of the ladder.
//!
//! Must never: read a missing signal as a good one (house rule 14).

use serde::{Deserialize, Serialize};

use crate::law::page::PageState;
use crate::words::id::StationId;

/// The station that will ring (API.md section 9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum StationState {
    /// The read left it out.
    #[default]
    Unknown,
    /// The agent has no station.
    Absent,
    /// The agent has one.
    Associated(StationId),
}

/// Whether the agent is logged in (API.md section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum PresenceState {
    /// The read left it out.
    #[default]
    Unknown,
    /// Logged out.
    Offline,
    /// Logged in, whatever the presence.
    LoggedIn,
}

/// Whether the agent is on a call (API.md section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// The read left it out: treated as on a call wherever touching is at stake.
    #[default]
    Unknown,
    /// A call is under way, or its after-call work.
    OnCall,
    /// No call.
    Free,
}

/// Whether the softphone's phone and line answer (API.md section 10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum PhoneState {
    /// The platform does not say, or nobody has looked.
    #[default]
    Unknown,
    /// Operational and reachable.
    Up,
    /// Offline, degraded or unreachable.
    Down,
    /// The org has no phone for this agent.
    Absent,
}

/// What the media-token endpoint said to the agent's token (*reported*).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum ProbeState {
    /// Nobody has asked, or no clear answer came.
    #[default]
    Unknown,
    /// 200.
    Accepted,
    /// 401: the failure that users report.
    Refused,
}

/// What was pushed of the softphone's media leg, its persistent connection (API.md section 12). Only heard where stations keep
/// one, and never read: what is pushed may be lost, so that it can be bad news and no more. A FAILED that is lost is not made good: the
/// agent stays as the other signals say, until a companion reports that the softphone is not ready, or another push comes. Where
/// neither does, nobody notices before a call cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum LegState {
    /// Nothing was pushed, or nothing clear.
    #[default]
    Unknown,
    /// PERSISTED or ACTIVE_CALL: it is up. What failed before has passed; that calls ring does not follow from it.
    Up,
    /// DISCONNECTED: idle legs are closed after a while, so it is no fault.
    Idle,
    /// FAILED: it could not be established, or broke.
    Failed,
}

/// What is known of an agent, each part from its own source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signals {
    /// The station.
    pub station: StationState,
    /// Logged in or not.
    pub presence: PresenceState,
    /// On a call or not.
    pub call: CallState,
    /// The phone.
    pub phone: PhoneState,
    /// The probe with the agent's token.
    pub probe: ProbeState,
    /// What the companion in the agent's page says.
    pub page: PageState,
    /// Whether a call is up in the agent's page.
    pub page_call: CallState,
    /// What was pushed of the media leg.
    pub leg: LegState,
}

impl Signals {
    /// Whether the agent is on a call, as any source says: one that sees a call is right, and one that sees none may be late.
    #[must_use]
    pub fn on_call(&self) -> CallState {
        if self.page_call == CallState::OnCall { CallState::OnCall } else { self.call }
    }
}

/// What the signals say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// Calls can ring and be answered.
    Ready,
    /// They cannot.
    NotReady(Reason),
    /// Something is wrong or unknown, but the agent is on a call: hands off.
    OnCall,
    /// Nobody is there whose softphone could be ready.
    LoggedOut,
    /// A signal is missing.
    Unknown(Missing),
}

/// Why a softphone cannot take calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No station is associated.
    NoStation,
    /// The phone or its line does not answer: the grey softphone.
    PhoneDown,
    /// The media-token endpoint refuses the agent's token.
    TokenRefused,
    /// The org has no phone for the agent.
    NoPhone,
    /// The softphone in the agent's page is not connected, as its companion says.
    SoftphoneDown,
    /// The agent's page has no microphone.
    NoMicrophone,
    /// The softphone's media leg failed, as the platform pushed; everything that is read may look well.
    MediaLegFailed,
}

/// Which signal is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// The phone's state, and no probe in its place.
    Phone,
    /// The station.
    Station,
    /// Logged in or not.
    Presence,
    /// On a call or not.
    Call,
    /// Nothing at all was seen.
    Everything,
}

/// What is said about an agent; exactly one at the end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Ready without help after the publish.
    Ready,
    /// Ready after a remedy.
    Recovered {
        /// The last remedy before the agent was seen ready.
        by: Rung,
    },
    /// Nothing could be done or said now, for a good reason.
    Deferred {
        /// The reason.
        because: Deferral,
    },
    /// Not ready, and nothing helped so far.
    Straggler {
        /// What is wrong.
        reason: Reason,
    },
    /// A signal is missing.
    Unknown {
        /// Which.
        missing: Missing,
    },
}

/// Why an agent is deferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deferral {
    /// On a call: nobody on a call is touched.
    OnCall,
    /// Logged out: there is no softphone to check.
    LoggedOut,
}

/// The rungs of the ladder of remedies, gentlest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// The companion initialises the softphone again, in its page.
    Companion,
    /// A new token for the agent.
    TokenRefresh,
    /// *Reported*: reset the WebRTC session, in bulk.
    SessionReset,
    /// Disassociate and associate the station.
    Reassociate,
    /// Reboot the phone, in bulk.
    RebootPhone,
    /// Delete the agent's tokens: a new login. Opt-in.
    RevokeTokens,
    /// Ask a person, through the `straggler` hook.
    Ask,
}

impl Rung {
    /// Every rung, gentlest first.
    pub const ALL: [Rung; 7] = [
        Rung::Companion,
        Rung::TokenRefresh,
        Rung::SessionReset,
        Rung::Reassociate,
        Rung::RebootPhone,
        Rung::RevokeTokens,
        Rung::Ask,
    ];
    /// The rung's place on the ladder, from 0.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
    /// How often a rung is tried for one agent: twice where a first try is known to fail for passing reasons.
    #[must_use]
    pub fn tries_max(self) -> u8 {
        match self {
            Rung::Companion | Rung::SessionReset | Rung::Reassociate => 2,
            Rung::TokenRefresh | Rung::RebootPhone | Rung::RevokeTokens | Rung::Ask => 1,
        }
    }
    /// How long to wait for the effect before looking, in ms. UNCERTAIN on a real org, hence generous:
    /// SOFTPHONE.md measures 0.2 s to 2 s for a client that is told, 8 s for one that heals itself.
    #[must_use]
    pub fn effect_ms(self) -> i64 {
        match self {
            Rung::Companion | Rung::TokenRefresh | Rung::SessionReset | Rung::Reassociate => 10_000,
            Rung::RebootPhone => 20_000,
            Rung::RevokeTokens | Rung::Ask => 60_000,
        }
    }
    /// The rung in an admin's words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Rung::Companion => "companion's re-initialisation",
            Rung::TokenRefresh => "token refresh",
            Rung::SessionReset => "session reset",
            Rung::Reassociate => "station re-association",
            Rung::RebootPhone => "phone reboot",
            Rung::RevokeTokens => "forced new login",
            Rung::Ask => "asking a person",
        }
    }
}

impl Reason {
    /// The rungs worth climbing for this reason, gentlest first.
    #[must_use]
    pub fn ladder(self) -> &'static [Rung] {
        match self {
            Reason::NoStation => &[Rung::Reassociate, Rung::SessionReset, Rung::Ask],
            Reason::PhoneDown => {
                const RUNGS: [Rung; 6] = [
                    Rung::Companion,
                    Rung::SessionReset,
                    Rung::Reassociate,
                    Rung::RebootPhone,
                    Rung::RevokeTokens,
                    Rung::Ask,
                ];
                &RUNGS
            }
            // Without a new token a new session would be refused as well; with one, the page opens it unasked.
            Reason::TokenRefused => &[Rung::TokenRefresh, Rung::SessionReset, Rung::RevokeTokens, Rung::Ask],
            Reason::SoftphoneDown => {
                const RUNGS: [Rung; 7] = Rung::ALL;
                &RUNGS
            }
            // A reboot is left out: a softphone that is registered has nothing to gain from it (API.md section 10).
            Reason::MediaLegFailed => {
                const RUNGS: [Rung; 5] =
                    [Rung::Companion, Rung::SessionReset, Rung::Reassociate, Rung::RevokeTokens, Rung::Ask];
                &RUNGS
            }
            Reason::NoPhone | Reason::NoMicrophone => &[Rung::Ask],
        }
    }
    /// The reason in an admin's words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Reason::NoStation => "no station associated",
            Reason::PhoneDown => "phone offline (grey softphone)",
            Reason::TokenRefused => "token refused with 401",
            Reason::NoPhone => "no WebRTC phone",
            Reason::SoftphoneDown => "softphone not connected (page)",
            Reason::NoMicrophone => "no microphone (page)",
            Reason::MediaLegFailed => "media leg failed (pushed)",
        }
    }
}

impl Missing {
    /// The missing signal in an admin's words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Missing::Phone => "the phone's state",
            Missing::Station => "the station",
            Missing::Presence => "the presence",
            Missing::Call => "whether on a call",
            Missing::Everything => "every signal",
        }
    }
}

impl Verdict {
    /// Whether nothing more is to be done for this agent.
    #[must_use]
    pub fn is_final(self) -> bool {
        match self {
            Verdict::Ready | Verdict::Recovered { .. } => true,
            Verdict::Deferred { .. } | Verdict::Straggler { .. } | Verdict::Unknown { .. } => false,
        }
    }
}

/// The rule. Read from the top; the first line that fits decides.
///
/// | signals | says |
/// |---|---|
/// | logged out, phone not up | logged out |
/// | presence missing | unknown (on a call: hands off) |
/// | something bad or missing, on a call | on a call |
/// | no station, or none known to the page | not ready: no station |
/// | probe refused, or the page's token is | not ready: token refused |
/// | page: softphone down | not ready: softphone down |
/// | page: no microphone | not ready: no microphone |
/// | phone down | not ready: phone down |
/// | no phone in the org | not ready: no phone |
/// | media leg pushed as FAILED, nothing newer heard or done | not ready: media leg failed |
/// | station missing | unknown |
/// | phone unknown, no probe accepted and no page ready | unknown |
/// | call state missing | unknown |
/// | all else | ready |
///
/// Where sources disagree, the bad one is believed: the platform has not noticed a revoked token, and a page has not noticed a
/// server that fell silent for up to a minute (SOFTPHONE.md sections 0 and 7).
///
/// Nothing that was pushed of the media leg is a good sign: where it is up, idle or unknown, the other signals decide.
///
/// An agent on a call whose signals are all good is ready: audio flows, nothing is to be done.
#[must_use]
pub fn readiness(signals: &Signals) -> Readiness {
    let call = signals.on_call();
    if signals.presence == PresenceState::Offline && call != CallState::OnCall && signals.phone != PhoneState::Up {
        return Readiness::LoggedOut;
    }
    match (health(signals), call) {
        (Health::Good, CallState::Unknown) => Readiness::Unknown(Missing::Call),
        (Health::Good, CallState::OnCall | CallState::Free) => Readiness::Ready,
        (Health::Bad(_) | Health::Unclear(_), CallState::OnCall) => Readiness::OnCall,
        (Health::Bad(reason), CallState::Free | CallState::Unknown) => Readiness::NotReady(reason),
        (Health::Unclear(missing), CallState::Free | CallState::Unknown) => Readiness::Unknown(missing),
    }
}

enum Health {
    Good,
    Bad(Reason),
    Unclear(Missing),
}

fn health(signals: &Signals) -> Health {
    if signals.presence == PresenceState::Unknown {
        return Health::Unclear(Missing::Presence);
    }
    match signals.station {
        StationState::Absent => return Health::Bad(Reason::NoStation),
        StationState::Unknown | StationState::Associated(_) => {}
    }
    match signals.page {
        PageState::NoStation => return Health::Bad(Reason::NoStation),
        PageState::Refused => return Health::Bad(Reason::TokenRefused),
        PageState::Down if signals.probe != ProbeState::Refused => return Health::Bad(Reason::SoftphoneDown),
        PageState::NoMicrophone if signals.probe != ProbeState::Refused => return Health::Bad(Reason::NoMicrophone),
        PageState::Down | PageState::NoMicrophone | PageState::Ready | PageState::Unknown => {}
    }
    match (signals.probe, signals.phone) {
        (ProbeState::Refused, _) => return Health::Bad(Reason::TokenRefused),
        (_, PhoneState::Down) => return Health::Bad(Reason::PhoneDown),
        (_, PhoneState::Absent) => return Health::Bad(Reason::NoPhone),
        (ProbeState::Accepted | ProbeState::Unknown, PhoneState::Up | PhoneState::Unknown) => {}
    }
    match signals.leg {
        LegState::Failed => return Health::Bad(Reason::MediaLegFailed),
        // Never a reason to call anybody ready.
        LegState::Up | LegState::Idle | LegState::Unknown => {}
    }
    if signals.station == StationState::Unknown {
        return Health::Unclear(Missing::Station);
    }
    if signals.page == PageState::Ready {
        return Health::Good;
    }
    match (signals.phone, signals.probe) {
        (PhoneState::Unknown, ProbeState::Unknown | ProbeState::Refused) => Health::Unclear(Missing::Phone),
        (PhoneState::Unknown, ProbeState::Accepted) | (PhoneState::Up | PhoneState::Down | PhoneState::Absent, _) => {
            Health::Good
        }
    }
}

#[cfg(test)]
mod tests;
