//! One agent's part of the story: what is said of the agent now, and what was seen and done, in order.
//!
//! Must never: grow without bound; an agent that flaps all evening keeps its first and its newest moments.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::law::command::{Failure, TokenVia, UserSeen};
use crate::law::page::{Errand, PageState};
use crate::law::verdict::{
    CallState, Deferral, LegState, PhoneState, PresenceState, ProbeState, Reason, Rung, StationState, Verdict,
};
use crate::shells::report::story::HandOver;
use crate::shells::report::words::{Zone, clean};
use crate::words::clock::Timestamp;

/// The first so many moments of an agent are kept.
const FIRST_MAX: usize = 32;
/// And the newest so many.
const NEWEST_MAX: usize = 32;

/// What the run saw of one agent and did for it.
#[derive(Debug, Clone, Default)]
pub struct AgentStory {
    /// What is said of the agent now; `None` before the first look.
    pub verdict: Option<Verdict>,
    /// When that was first said.
    pub judged_at: Option<Timestamp>,
    /// When the agent was first seen not ready after the publish, and why.
    pub first_not_ready: Option<(Timestamp, Reason)>,
    /// Since when the agent is ready; `None` while it is not.
    pub ready_at: Option<Timestamp>,
    /// The token that softlanding holds for the agent.
    pub token: TokenStory,
    /// Whether that token has reached the agent's page.
    pub hand_over: HandOver,
    /// How both stood when the publish was claimed.
    pub at_publish: AtPublish,
    /// What the page said at the first look after the publish was claimed; `None` for one that was not heard since.
    pub page_first: Option<PageState>,
    /// How often each rung was tried, by [`Rung::index`].
    pub tried: [u8; Rung::ALL.len()],
    /// What was last seen.
    pub seen: Seen,
    /// The newest answer by which the platform refused something for this agent.
    pub refused: Option<Refused>,
    first: Vec<Moment>,
    newest: VecDeque<Moment>,
    left_out: u32,
}

/// The agent's token when the publish was claimed; until then, now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AtPublish {
    /// The token that softlanding held for the agent.
    pub token: TokenStory,
    /// Whether it had reached the agent's page.
    pub hand_over: HandOver,
}

/// An answer by which the platform refused something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// When it was heard.
    pub at: Timestamp,
    /// Its HTTP status; `None` when there was no answer.
    pub status: Option<u16>,
    /// The platform's correlation id, to be quoted to its support.
    pub correlation: Option<Arc<str>>,
    /// In words.
    pub words: Arc<str>,
}

impl Refused {
    /// What a failure says.
    #[must_use]
    pub fn of(at: Timestamp, failure: &Failure) -> Refused {
        let correlation = failure.correlation.as_deref().map(shared);
        Refused { at, status: failure.status, correlation, words: shared(&failure.to_string()) }
    }
}

/// Something that was seen of an agent or done for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: Happening,
}

/// What can be seen of an agent or done for it.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// A read of users showed a change.
    Saw {
        /// Logged in or not.
        presence: PresenceState,
        /// The station, without its id.
        station: StationSeen,
        /// On a call or not.
        call: CallState,
    },
    /// A read of phones showed a change.
    Phone(PhoneState),
    /// The companion in the agent's page said something new.
    PageSaid(PageState),
    /// The platform pushed what has become of the media leg.
    Leg(LegState),
    /// The page was told to do something; what became of it, in words.
    PageTold(Errand, Arc<str>),
    /// The media-token endpoint answered.
    Probed(ProbeState),
    /// What is said of the agent changed.
    Judged(Verdict),
    /// A token refresh began.
    RefreshStarted(TokenVia),
    /// The token was refreshed and ends then.
    Refreshed(Timestamp),
    /// The refresh brought nothing.
    RefreshFailed {
        /// Why, in words.
        why: Arc<str>,
        /// When it is tried again; `None` when it is given up.
        again_at: Option<Timestamp>,
    },
    /// The token was left as it was: when it was made, and when it ends.
    TokenLeft(Timestamp, Timestamp),
    /// The agent must sign in again.
    TokenDead(Arc<str>),
    /// A remedy began.
    RemedyStarted(Rung),
    /// The platform took the remedy.
    RemedyAccepted(Rung),
    /// The remedy could not be applied.
    RemedyFailed(Rung, Arc<str>),
    /// The `straggler` hooks ran; how many had a problem.
    Asked {
        /// Hooks that ran.
        ran: u32,
        /// Hooks that had a problem.
        problems: u32,
    },
    /// A person wanted the agent looked at again and the ladder climbed anew; who and why.
    Retried(Arc<str>),
}

/// The station as far as it matters to the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StationSeen {
    /// Not said.
    #[default]
    Unknown,
    /// None.
    Absent,
    /// One.
    Present,
}

/// What was last seen of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Logged in or not.
    pub presence: PresenceState,
    /// The station.
    pub station: StationSeen,
    /// On a call or not.
    pub call: CallState,
    /// The phone.
    pub phone: PhoneState,
    /// The page.
    pub page: PageState,
}

/// The agent's token, as the journal tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenStory {
    /// Nothing was done.
    #[default]
    Untouched,
    /// A refresh is under way, or will be tried again.
    UnderWay,
    /// Refreshed.
    Fresh,
    /// Young enough to be left as it was.
    Left,
    /// Given up.
    Failed,
    /// The agent must sign in again.
    Dead,
}

impl AgentStory {
    /// Adds a moment; one too many pushes out the oldest of the newest.
    pub fn add(&mut self, at: Timestamp, what: Happening) {
        let moment = Moment { at, what };
        if self.first.len() < FIRST_MAX {
            self.first.push(moment);
            return;
        }
        if self.newest.len() == NEWEST_MAX {
            self.newest.pop_front();
            self.left_out = self.left_out.saturating_add(1);
        }
        self.newest.push_back(moment);
    }
    /// What happened, in order.
    pub fn moments(&self) -> impl Iterator<Item = &Moment> {
        self.first.iter().chain(&self.newest)
    }
    /// Moments that were left out between the first and the newest.
    #[must_use]
    pub fn left_out(&self) -> u32 {
        self.left_out
    }
    /// Takes in what a read of users showed; adds a moment when something changed.
    pub fn see(&mut self, at: Timestamp, user: &UserSeen) {
        let station = match &user.station {
            StationState::Unknown => StationSeen::Unknown,
            StationState::Absent => StationSeen::Absent,
            StationState::Associated(_) => StationSeen::Present,
        };
        let now = Seen { presence: user.presence, station, call: user.call, ..self.seen };
        if now != self.seen {
            self.seen = now;
            self.add(at, Happening::Saw { presence: now.presence, station, call: now.call });
        }
    }
    /// Takes in what a read of phones showed; adds a moment when something changed.
    pub fn see_phone(&mut self, at: Timestamp, state: PhoneState) {
        if state != self.seen.phone {
            self.seen.phone = state;
            self.add(at, Happening::Phone(state));
        }
    }
    /// Takes in a verdict; adds a moment when it changed. Gives back the verdict before.
    pub fn judge(&mut self, at: Timestamp, verdict: Verdict) -> Option<Verdict> {
        let before = self.verdict;
        if before == Some(verdict) {
            return before;
        }
        self.verdict = Some(verdict);
        self.judged_at = Some(at);
        match verdict {
            Verdict::Ready | Verdict::Recovered { .. } => self.ready_at = Some(at),
            Verdict::Straggler { reason } => {
                self.ready_at = None;
                self.first_not_ready.get_or_insert((at, reason));
            }
            Verdict::Deferred { .. } | Verdict::Unknown { .. } => self.ready_at = None,
        }
        self.add(at, Happening::Judged(verdict));
        before
    }
    /// The rungs that were tried, gentlest first, each with how often.
    pub fn rungs_tried(&self) -> impl Iterator<Item = (Rung, u8)> {
        Rung::ALL.into_iter().zip(self.tried).filter(|(_, n)| *n > 0)
    }
    /// The rung that was started last, among the moments that were kept.
    #[must_use]
    pub fn last_rung(&self) -> Option<Rung> {
        let newest = self.newest.iter().rev().chain(self.first.iter().rev());
        newest.into_iter().find_map(|moment| match moment.what {
            Happening::RemedyStarted(rung) => Some(rung),
            Happening::Saw { .. }
            | Happening::Phone(_)
            | Happening::Probed(_)
            | Happening::PageSaid(_)
            | Happening::Leg(_)
            | Happening::PageTold(..)
            | Happening::Judged(_)
            | Happening::RefreshStarted(_)
            | Happening::Refreshed(_)
            | Happening::RefreshFailed { .. }
            | Happening::TokenLeft(..)
            | Happening::TokenDead(_)
            | Happening::RemedyAccepted(_)
            | Happening::RemedyFailed(..)
            | Happening::Asked { .. }
            | Happening::Retried(_) => None,
        })
    }
    /// The rungs that were tried, in words: `session reset (2), phone reboot`; `nothing` when none was.
    #[must_use]
    pub fn tried_words(&self) -> String {
        let parts: Vec<String> = self
            .rungs_tried()
            .map(|(rung, n)| if n > 1 { format!("{} ({n} times)", rung.words()) } else { rung.words().to_owned() })
            .collect();
        if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
    }
}

/// A verdict in an admin's words: `recovered by session reset`.
#[must_use]
pub fn verdict_words(verdict: Option<Verdict>) -> String {
    match verdict {
        None => "not checked".to_owned(),
        Some(Verdict::Ready) => "ready without help".to_owned(),
        Some(Verdict::Recovered { by }) => format!("recovered by {}", by.words()),
        Some(Verdict::Deferred { because }) => format!("deferred: {}", deferral_words(because)),
        Some(Verdict::Straggler { reason }) => format!("straggler: {}", reason.words()),
        Some(Verdict::Unknown { missing }) => format!("unknown: {} not seen", missing.words()),
    }
}

/// Why an agent is deferred, in an admin's words.
#[must_use]
pub fn deferral_words(because: Deferral) -> &'static str {
    match because {
        Deferral::OnCall => "on a call, not touched",
        Deferral::LoggedOut => "logged out, no softphone to check",
    }
}

impl Happening {
    /// The moment in an admin's words; instants in the run's zone, as seen from `reference`.
    #[must_use]
    pub fn words(&self, zone: Zone, reference: Timestamp) -> String {
        match self {
            Happening::Saw { presence, station, call } => saw_words(*presence, *station, *call),
            Happening::Phone(state) => match state {
                PhoneState::Unknown => "phone: state not known".to_owned(),
                PhoneState::Up => "phone: up".to_owned(),
                PhoneState::Down => "phone: does not answer".to_owned(),
                PhoneState::Absent => "phone: the org has none for this agent".to_owned(),
            },
            Happening::Probed(state) => match state {
                ProbeState::Unknown => "media-token probe: no clear answer".to_owned(),
                ProbeState::Accepted => "media-token probe: accepted (200)".to_owned(),
                ProbeState::Refused => "media-token probe: refused (401)".to_owned(),
            },
            Happening::Judged(verdict) => format!("verdict: {}", verdict_words(Some(*verdict))),
            Happening::RefreshStarted(TokenVia::Grant) => "token refresh started (refresh-token grant)".to_owned(),
            Happening::RefreshStarted(TokenVia::Reported) => "token refresh started (reported call)".to_owned(),
            Happening::Refreshed(ends) => {
                format!("token refreshed, good until {}", zone.near_second(*ends, reference))
            }
            Happening::RefreshFailed { why, again_at: None } => format!("token refresh given up: {why}"),
            Happening::RefreshFailed { why, again_at: Some(at) } => {
                format!("token refresh failed, again at {}: {why}", zone.near_second(*at, reference))
            }
            Happening::TokenLeft(made, ends) => format!(
                "token left as it was: made at {}, good until {}",
                zone.near_second(*made, reference),
                zone.near_second(*ends, reference)
            ),
            Happening::TokenDead(why) => format!("must sign in again: {why}"),
            Happening::RemedyStarted(rung) => format!("remedy: {}", rung.words()),
            Happening::RemedyAccepted(Rung::Companion) => "done by the agent's page".to_owned(),
            Happening::RemedyAccepted(rung) => format!("{} accepted by the platform", rung.words()),
            Happening::Leg(state) => match state {
                LegState::Unknown => "pushed: media leg, nothing clear".to_owned(),
                LegState::Up => "pushed: media leg up".to_owned(),
                LegState::Idle => "pushed: media leg closed".to_owned(),
                LegState::Failed => "pushed: media leg failed".to_owned(),
            },
            Happening::PageSaid(state) => format!("its page says: {}", state.words()),
            Happening::PageTold(errand, answer) => format!("page told to {}: {answer}", errand.words()),
            Happening::RemedyFailed(rung, why) => format!("{} could not be applied: {why}", rung.words()),
            Happening::Retried(who) => format!("to be tried again, as told by {who}"),
            Happening::Asked { ran: 0, .. } => "nobody was asked: no straggler hook is enabled".to_owned(),
            Happening::Asked { problems: 0, .. } => "a person was asked to help".to_owned(),
            Happening::Asked { ran, problems } => format!("asking a person: {problems} of {ran} hooks had a problem"),
        }
    }
}

fn saw_words(presence: PresenceState, station: StationSeen, call: CallState) -> String {
    let presence = match presence {
        PresenceState::Unknown => "presence not seen",
        PresenceState::Offline => "logged out",
        PresenceState::LoggedIn => "logged in",
    };
    let station = match station {
        StationSeen::Unknown => "station not seen",
        StationSeen::Absent => "no station",
        StationSeen::Present => "station associated",
    };
    let call = match call {
        CallState::Unknown => "call state not seen",
        CallState::OnCall => "on a call",
        CallState::Free => "not on a call",
    };
    format!("seen: {presence}, {station}, {call}")
}

/// Text from outside, made harmless and shared: one failure often concerns many agents.
#[must_use]
pub fn shared(text: &str) -> Arc<str> {
    Arc::from(clean(text).as_str())
}
