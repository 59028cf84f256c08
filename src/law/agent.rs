//! One agent: what was observed, what was tried, and what comes next. A reconciler in small.
//!
//! Must never: name a rung that touches an agent whose calls are not known to be none.

use crate::law::command::UserSeen;
use crate::law::event::Attempt;
use crate::law::page::{Errand, PageAnswer, PageSeen, PageState};
use crate::law::plan::{RemedyPolicy, Shift};
use crate::law::rungs::OpenRungs;
use crate::law::verdict::{CallState, LegState, PhoneState, ProbeState, Readiness, Rung, Signals, Verdict, readiness};
use crate::words::clock::Timestamp;
use crate::words::id::PhoneId;

/// What the journal knows of one agent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Agent {
    /// What was last seen, each signal from its own source.
    pub signals: Signals,
    /// The agent's phone, once seen.
    pub phone: Option<PhoneId>,
    /// When the agent's newest token was issued, as the platform says.
    pub token_issued: Option<Timestamp>,
    /// When users, phone and probe were last seen.
    pub seen: SeenAt,
    /// The token that softlanding holds for the agent.
    pub token: TokenState,
    /// Whether that token has reached the agent's page.
    pub delivery: Delivery,
    /// Attempts to refresh it.
    pub refresh_attempts: u8,
    /// How often each rung was tried.
    pub tried: [u8; Rung::ALL.len()],
    /// The rungs after which the agent was not ready, as far as was seen last.
    pub failed: [bool; Rung::ALL.len()],
    /// Remedies in a row that never left.
    pub unsent: u8,
    /// The last remedy that may have had an effect.
    pub last_rung: Option<Rung>,
    /// A remedy is under way: nobody starts another.
    pub remedy: RemedyState,
    /// What is said about the agent.
    pub verdict: Option<Verdict>,
    /// When that was said last.
    pub judged_at: Timestamp,
    /// What was seen before this instant says nothing about now: a publish or a remedy lies between.
    pub fresh_from: Timestamp,
    /// The same of what was pushed of the media leg. What the publish itself breaks is pushed once, and before the looks begin.
    pub leg_from: Timestamp,
}

/// When each source last spoke; the epoch means never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SeenAt {
    /// The read of users.
    pub users: Timestamp,
    /// The read of phones.
    pub phone: Timestamp,
    /// The probe.
    pub probe: Timestamp,
    /// The page.
    pub page: Timestamp,
    /// What is pushed of the media leg.
    pub leg: Timestamp,
}

/// The agent's token, as far as softlanding holds one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenState {
    /// Nothing was done yet.
    #[default]
    Untouched,
    /// A refresh is under way.
    Refreshing,
    /// It was refreshed and ends at this instant.
    Fresh(Timestamp),
    /// The last attempt brought nothing.
    Failed,
    /// The refresh token is dead: the agent must sign in again.
    Dead,
}

/// Whether the newest token has reached the agent's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delivery {
    /// There is no newer one.
    #[default]
    NothingNew,
    /// It has not, as far as is known.
    Due,
    /// The page has taken it over, or will after its call.
    Made,
}

/// Whether a remedy is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RemedyState {
    /// None.
    #[default]
    Idle,
    /// Started, no answer yet.
    Started(Rung),
    /// It may have had its effect; the next look tells.
    Awaiting(Rung),
}

impl Agent {
    /// What the signals say that are younger than the last publish or remedy; older ones count as missing.
    #[must_use]
    pub fn readiness(&self) -> Option<Readiness> {
        self.readiness_since(self.fresh_from)
    }
    /// The same, of what was seen since `since`; `None` when no read of users was.
    #[must_use]
    pub fn readiness_since(&self, since: Timestamp) -> Option<Readiness> {
        let since = since.max(self.fresh_from);
        if self.seen.users < since || self.seen.users == Timestamp::default() {
            return None;
        }
        let mut signals = self.signals.clone();
        // A page speaks at every change, so what it said last holds until something is done that it cannot know of.
        if self.seen.page < self.fresh_from {
            (signals.page, signals.page_call) = (PageState::Unknown, CallState::Unknown);
        }
        signals.leg = self.leg();
        if self.seen.probe < since {
            signals.probe = ProbeState::Unknown;
        }
        // The probe is about the vault's token, the page about the softphone's own: of the two the newer word counts.
        if signals.page == PageState::Ready && self.seen.page > self.seen.probe {
            signals.probe = ProbeState::Unknown;
        }
        if self.seen.phone < since {
            signals.phone = PhoneState::Unknown;
            // An accepted token and a page that is content stand in for a phone of which the platform says nothing, not for
            // one that nobody has read.
            if signals.probe == ProbeState::Accepted {
                signals.probe = ProbeState::Unknown;
            }
            if signals.page == PageState::Ready {
                signals.page = PageState::Unknown;
            }
        }
        Some(readiness(&signals))
    }
    /// What was pushed of the media leg, as far as it still holds: until something newer is heard, or done.
    #[must_use]
    pub fn leg(&self) -> LegState {
        if self.seen.leg < self.leg_from { LegState::Unknown } else { self.signals.leg }
    }
    /// The verdict that a readiness means for this agent.
    #[must_use]
    pub fn verdict_for(&self, readiness: Readiness) -> Verdict {
        use crate::law::verdict::Deferral;
        match (readiness, self.last_rung) {
            (Readiness::Ready, None) => Verdict::Ready,
            (Readiness::Ready, Some(by)) => Verdict::Recovered { by },
            (Readiness::NotReady(reason), _) => Verdict::Straggler { reason },
            (Readiness::OnCall, _) => Verdict::Deferred { because: Deferral::OnCall },
            (Readiness::LoggedOut, _) => Verdict::Deferred { because: Deferral::LoggedOut },
            (Readiness::Unknown(missing), _) => Verdict::Unknown { missing },
        }
    }
    /// Whether the agent's phone was seen down after a final verdict: what was said may not be so any more.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        self.verdict.is_some_and(Verdict::is_final) && self.signals.phone == PhoneState::Down
    }
    /// Whether the media leg was pushed as failed after a final verdict.
    #[must_use]
    pub fn is_stirred(&self) -> bool {
        self.verdict.is_some_and(Verdict::is_final) && self.leg() == LegState::Failed
    }
    /// Whether the agent may be touched, as far as was seen since `since`.
    #[must_use]
    pub fn may_be_touched(&self, since: Timestamp) -> bool {
        self.signals.on_call() == CallState::Free && self.seen.users >= since
    }
    /// Remedies so far, all rungs together.
    #[must_use]
    pub fn attempts(&self) -> u8 {
        self.tried.iter().copied().fold(0, u8::saturating_add)
    }
    /// The next rung for this agent; `None` when the ladder is exhausted.
    #[must_use]
    pub fn next_rung(&self, open: &OpenRungs, policy: &RemedyPolicy, enrolled: bool, shift: Shift) -> Option<Rung> {
        let Some(Verdict::Straggler { reason }) = self.verdict else { return None };
        let spent = self.attempts() >= policy.attempts_max;
        reason.ladder().iter().copied().find(|rung| {
            open.is_open(*rung)
                && !policy.is_useless(*rung, reason)
                && self.applies(*rung, enrolled)
                && policy.allows(*rung, shift)
                && self.tries_left(*rung)
                && (*rung == Rung::Ask || !spent)
        })
    }

    /// Takes in one user as a bulk read showed it.
    pub(crate) fn see_user(&mut self, at: Timestamp, user: &UserSeen) {
        self.signals.station = user.station.clone();
        self.signals.presence = user.presence;
        self.signals.call = user.call;
        self.token_issued = user.token_issued.or(self.token_issued);
        self.seen.users = at;
    }
    /// Takes in the state of the agent's phone.
    pub(crate) fn see_phone(&mut self, at: Timestamp, phone: Option<&PhoneId>, state: PhoneState) {
        self.phone = phone.cloned();
        self.signals.phone = state;
        self.seen.phone = at;
    }
    /// Takes in what the companion in the agent's page said.
    pub(crate) fn see_page(&mut self, page: &PageSeen) {
        (self.signals.page, self.signals.page_call) = (page.state, page.call);
        self.seen.page = page.at;
    }
    /// Takes in what was pushed of the media leg.
    pub(crate) fn hear_leg(&mut self, at: Timestamp, state: LegState) {
        self.signals.leg = state;
        self.seen.leg = at;
    }
    /// Takes in what became of the agent's token. A dead refresh token stays dead, whatever else is tried, until a new
    /// token proves otherwise: the agent is to be asked to sign in.
    pub(crate) fn token_is(&mut self, token: TokenState) {
        if self.token != TokenState::Dead || matches!(token, TokenState::Fresh(_)) {
            self.token = token;
        }
    }
    /// The token that the vault holds is left as it is; that was no attempt. The page may not have it all the same.
    pub(crate) fn token_left(&mut self, expires_at: Timestamp) {
        self.token_is(TokenState::Fresh(expires_at));
        self.delivery = Delivery::Due;
        self.refresh_attempts = self.refresh_attempts.saturating_sub(1);
    }
    /// The page has answered an errand that carries the newest token.
    pub(crate) fn page_answered(&mut self, errand: Errand, answer: &PageAnswer) {
        let carries_it = match errand {
            Errand::Token | Errand::Renew | Errand::Revive => true,
            Errand::AskToReload | Errand::AskToSignIn => false,
        };
        let taken = matches!(answer, PageAnswer::Done | PageAnswer::Deferred);
        if carries_it && taken && self.delivery == Delivery::Due {
            self.delivery = Delivery::Made;
        }
    }
    /// A remedy is about to be applied.
    pub(crate) fn start_remedy(&mut self, rung: Rung) {
        self.remedy = RemedyState::Started(rung);
        if let Some(tried) = self.tried.get_mut(rung.index()) {
            *tried = tried.saturating_add(1);
        }
    }
    /// A remedy may have had its effect: what is seen before the effect can show says nothing.
    pub(crate) fn await_remedy(&mut self, rung: Rung, at: Timestamp) {
        self.remedy = RemedyState::Awaiting(rung);
        self.unsent = 0;
        self.last_rung = Some(rung);
        self.fresh_from = at + rung.effect_ms();
        self.leg_from = self.fresh_from;
    }
    /// The agent is not ready after a rung.
    pub(crate) fn fail(&mut self, rung: Rung) {
        if let Some(failed) = self.failed.get_mut(rung.index()) {
            *failed = true;
        }
    }
    /// A remedy had no effect. One that never left is taken back from the attempts.
    pub(crate) fn miss_remedy(&mut self, rung: Rung, attempt: Attempt) {
        self.remedy = RemedyState::Idle;
        match attempt {
            Attempt::Made => self.unsent = 0,
            Attempt::NotMade => {
                self.unsent = self.unsent.saturating_add(1);
                if let Some(tried) = self.tried.get_mut(rung.index()) {
                    *tried = tried.saturating_sub(1);
                }
            }
        }
    }
    /// A person wants the ladder climbed again: nothing counts as tried, and a refresh token that was dead may be another by
    /// now. How the rungs fared stays as it was seen.
    pub(crate) fn begin_anew(&mut self) {
        (self.tried, self.unsent, self.refresh_attempts) = (Default::default(), 0, 0);
        if self.token == TokenState::Dead {
            self.token = TokenState::Failed;
        }
    }
    /// The process that had something under way for this agent is gone, and its answers with it.
    pub(crate) fn lose_what_was_under_way(&mut self, at: Timestamp) {
        if self.token == TokenState::Refreshing {
            self.token = TokenState::Failed;
        }
        if let RemedyState::Started(rung) = self.remedy {
            self.await_remedy(rung, at);
        }
    }

    fn tries_left(&self, rung: Rung) -> bool {
        self.tried.get(rung.index()).is_some_and(|n| *n < rung.tries_max())
    }

    fn applies(&self, rung: Rung, enrolled: bool) -> bool {
        match rung {
            // Where the page is content, there is nothing to be initialised again.
            Rung::Companion => !matches!(self.signals.page, PageState::Unknown | PageState::Ready),
            Rung::TokenRefresh => enrolled && self.token != TokenState::Dead,
            // Nor is a session to be reset: what is wrong lies elsewhere.
            Rung::SessionReset => self.signals.page != PageState::Ready,
            Rung::RebootPhone => self.phone.is_some(),
            Rung::Reassociate | Rung::RevokeTokens | Rung::Ask => true,
        }
    }
}
