//! Every fact that a journal may hold. A run is the fold of its events, and words and pictures are made from nothing else.
//!
//! Must never: change the meaning of an event that a journal somewhere holds; add a new variant or a new optional field.
//! Must never: carry a secret.

use serde::{Deserialize, Serialize};

pub use crate::law::attempt::{Attempt, Blame};
use crate::law::command::{Concern, Failure, FailureKind, PhoneSeen, TokenVia, UserSeen};
use crate::law::order::{OrderId, Wish};
use crate::law::page::{Errand, PageAnswer, PageSeen};
use crate::law::plan::{OnDrift, Plan};
use crate::law::spent::Calls;
pub use crate::law::tally::Tally;
use crate::law::verdict::{LegState, ProbeState, Rung, Verdict};
use crate::words::clock::Timestamp;
use crate::words::hook::{HookPoint, HookRun};
use crate::words::id::{AgentId, OperationId, Seat};

/// Something that happened, recorded before anything is done because of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The run exists and intends this.
    Staged {
        /// What it intends.
        plan: Box<Plan>,
    },
    /// A process took the run up; what an earlier process had under way is lost.
    TakenUp,
    /// The run moved on.
    PhaseEntered {
        /// To here.
        phase: Phase,
    },
    /// The hooks of one moment have run.
    HooksRan {
        /// The moment.
        point: HookPoint,
        /// The agent it was about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seat: Option<Seat>,
        /// How each ended, in the order they ran.
        results: Vec<HookRun>,
    },
    /// An agent's token is about to be refreshed.
    RefreshStarted {
        /// The agent.
        seat: Seat,
        /// Which way.
        via: TokenVia,
    },
    /// An agent's token was refreshed.
    TokenRefreshed {
        /// The agent.
        seat: Seat,
        /// When the new token ends.
        expires_at: Timestamp,
    },
    /// Refreshing an agent's token brought nothing.
    RefreshFailed {
        /// The agent.
        seat: Seat,
        /// Why.
        failure: Failure,
        /// When it is tried again; `None` when it is given up.
        again_at: Option<Timestamp>,
    },
    /// An agent's token was made lately and ends late enough: it was not refreshed.
    TokenLeft {
        /// The agent.
        seat: Seat,
        /// When it was made.
        made_at: Timestamp,
        /// When it ends.
        expires_at: Timestamp,
    },
    /// An agent's refresh token is dead: the agent must sign in again.
    TokenDead {
        /// The agent.
        seat: Seat,
        /// What the platform said.
        failure: Failure,
    },
    /// The org does not offer a rung; the run goes on without it.
    RungUnavailable {
        /// The rung.
        rung: Rung,
        /// What the platform said.
        failure: Failure,
    },
    /// The org does not offer the media-token probe; the run goes on without it.
    ProbeUnavailable {
        /// What the platform said.
        failure: Failure,
    },
    /// The pinned schedule was looked at.
    ScheduleSeen {
        /// `metadata.version`.
        version: i64,
        /// Whether it is published.
        published: bool,
    },
    /// Somebody told the run something, and it follows.
    Ordered {
        /// The order's number in the store.
        order: OrderId,
        /// What is wanted.
        wish: Wish,
        /// The agent it is about, where it is about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<AgentId>,
        /// Who wants it.
        who: String,
        /// Why, in their words.
        why: String,
    },
    /// Somebody told the run something that it cannot follow.
    OrderRefused {
        /// The order's number in the store.
        order: OrderId,
        /// What was wanted.
        wish: Wish,
        /// The agent it was about, where it was about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<AgentId>,
        /// Who wanted it.
        who: String,
        /// Why it cannot be followed.
        because: String,
    },
    /// Somebody told the run something in words that this build does not know; it is set aside.
    OrderUnread {
        /// The order's number in the store.
        order: OrderId,
        /// What is wrong with it.
        why: String,
    },
    /// The schedule is not what was staged, or what was accepted since.
    Drifted {
        /// What was found.
        drift: Drift,
        /// What the plan says about that.
        policy: OnDrift,
    },
    /// T has come, and the publish waits.
    PublishWaits {
        /// What it waits for.
        wait: Wait,
    },
    /// The schedule was published by somebody else: nothing is sent, and the agents are checked.
    PublishedElsewhere {
        /// The version it has now.
        version: i64,
    },
    /// The publish is claimed later than the plan calls punctual.
    PublishLate {
        /// How long after T, in ms.
        late_ms: i64,
        /// Why, in words.
        why: String,
    },
    /// When the publish request left; recorded with its answer.
    PublishSent {
        /// The instant at which it was handed to the wire.
        left: Timestamp,
        /// How long after T that was, in ms.
        late_ms: i64,
    },
    /// The publish is claimed: from here on it may have been sent. Its journal row commits with the claim.
    PublishClaimed {
        /// 1 for the first claim; a higher one needs proof that the one before had no effect.
        attempt: u32,
        /// How long after T the claim was made, in ms.
        late_ms: i64,
    },
    /// The platform took the publish and works on it.
    PublishAccepted {
        /// The operation that carries it out.
        operation: Option<OperationId>,
    },
    /// The publish had no effect, and that is proven.
    PublishNotDone {
        /// The claim it belonged to.
        attempt: u32,
        /// Why.
        failure: Failure,
        /// When it may be claimed again; `None` when it may not.
        again_at: Option<Timestamp>,
    },
    /// The publish may have had its effect; only looking tells.
    PublishDoubted {
        /// Why it is in doubt.
        why: String,
        /// What kind of failure left it in doubt; `None` when a process stopped before an answer came.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<FailureKind>,
    },
    /// The schedule was seen published: once, and done.
    PublishConfirmed {
        /// The version it has now.
        version: i64,
    },
    /// The window passed and the schedule was not seen published. A person must look.
    PublishUnconfirmed {
        /// How long it was looked for, in ms.
        looked_ms: i64,
    },
    /// Users were seen.
    UsersSeen {
        /// Each with its seat.
        seen: Vec<UserSeen>,
    },
    /// Phones were seen, of agents in the roster.
    PhonesSeen {
        /// Each with its owner.
        seen: Vec<PhoneSeen>,
    },
    /// A whole look at the org's phones found none for these agents.
    PhonesAbsent {
        /// The agents.
        seats: Vec<Seat>,
    },
    /// An agent's token was tried at the media-token endpoint.
    Probed {
        /// The agent.
        seat: Seat,
        /// What it said.
        result: ProbeState,
    },
    /// Companions were heard, where what they said is news.
    PagesSeen {
        /// Each with its seat.
        seen: Vec<PageSeen>,
    },
    /// A page was told to do something.
    PageTold {
        /// The agent.
        seat: Seat,
        /// What.
        errand: Errand,
        /// What became of it.
        #[serde(flatten)]
        answer: PageAnswer,
    },
    /// Everybody was looked at before the publish, so that losses after it can be held against those before.
    Watched {
        /// When the look began.
        since: Timestamp,
        /// Who was ready, in the order of seats.
        ready: Vec<Seat>,
        /// Who was at risk at the look before, and cannot take a call now although logged in.
        lost: Vec<Seat>,
        /// Who was at risk at the look before and is on a call or unknown now, so that the next look has to tell.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        undecided: Vec<Seat>,
    },
    /// What was pushed. Stations and tokens are evidence and nothing else, because what is concluded of them rests on a read;
    /// media legs are a signal.
    Pushed {
        /// When the first of them was heard; the others within the 10 s after it, in the same minute counted from T.
        since: Timestamp,
        /// Whose stations were disassociated, in the order of seats, each once.
        disassociated: Vec<Seat>,
        /// Whose tokens changed, in the order of seats, each once.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tokens: Vec<Seat>,
        /// Media legs that changed at `since`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        legs: Vec<(Seat, LegState)>,
        /// Of how many topics nothing can be heard from `since` on, where that is news.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unheard: Option<u32>,
    },
    /// What a publish needs was looked over once more, shortly before it.
    Preflighted {
        /// What is not as it should be.
        concerns: Vec<Concern>,
    },
    /// A read brought nothing.
    ReadFailed {
        /// Why.
        failure: Failure,
    },
    /// What is said about agents has changed.
    Judged {
        /// Who and what.
        verdicts: Vec<(Seat, Verdict)>,
    },
    /// A remedy is about to be applied.
    RemedyStarted {
        /// Which.
        rung: Rung,
        /// To whom.
        seats: Vec<Seat>,
    },
    /// A remedy was accepted; what it brought is seen by looking.
    RemedyAccepted {
        /// Which.
        rung: Rung,
        /// For whom.
        seats: Vec<Seat>,
    },
    /// A remedy could not be applied.
    RemedyFailed {
        /// Which.
        rung: Rung,
        /// To whom.
        seats: Vec<Seat>,
        /// Why.
        failure: Failure,
        /// Whether it counts among the attempts.
        #[serde(default, skip_serializing_if = "Attempt::is_made")]
        attempt: Attempt,
        /// Whether it counts against the rung.
        #[serde(default, skip_serializing_if = "Blame::is_nobodys")]
        blame: Blame,
    },
    /// Remedies stop, all or one rung: they do no good, they harm others, or this is an outage.
    BrakeApplied {
        /// The rung that is given up; `None` for all.
        rung: Option<Rung>,
        /// Why, in words.
        why: String,
    },
    /// Calls that were answered since `since`; written about once a minute, with other events.
    Spent {
        /// When the first of them was answered.
        since: Timestamp,
        /// The calls.
        calls: Calls,
        /// Commands that were refused with 429.
        #[serde(default, skip_serializing_if = "is_none_at_all")]
        refused: u32,
    },
    /// Everyone has a verdict: the run is over.
    Settled {
        /// How many of each.
        tally: Tally,
    },
    /// The run stopped without settling.
    Stopped {
        /// What kind of end.
        kind: StopKind,
        /// Why, in words.
        why: String,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_none_at_all(number: &u32) -> bool {
    *number == 0
}

/// One line of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record<E = Event> {
    /// Its number in the run, from 1, without gaps.
    pub seq: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: E,
}

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Staged, nothing due yet.
    Waiting,
    /// Agents' tokens are refreshed.
    Refreshing,
    /// The last look at the schedule, the `pre-publish` hooks, the upload; then waiting for T.
    Preparing,
    /// Claimed: sent, or seen through.
    Publishing,
    /// Softphones are checked, stragglers helped.
    Checking,
    /// The last hooks before the end.
    Settling,
    /// Over, everyone has a verdict.
    Settled,
    /// Over before its end.
    Stopped,
    /// Nobody knows whether the publish happened: a person must look. Running it again looks again.
    InDoubt,
}

impl Phase {
    /// The phase in an admin's words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Phase::Waiting => "waiting",
            Phase::Refreshing => "refresh",
            Phase::Preparing => "prepare",
            Phase::Publishing => "publish",
            Phase::Checking => "check and re-provision",
            Phase::Settling => "settle",
            Phase::Settled => "settled",
            Phase::Stopped => "stopped",
            Phase::InDoubt => "in doubt",
        }
    }
}

/// How the schedule differs from what was staged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Drift {
    /// It has another version.
    Changed {
        /// Its version now.
        version: i64,
    },
    /// It is published already.
    Published {
        /// Its version now.
        version: i64,
    },
    /// It is not there any more.
    Vanished,
}

impl Drift {
    /// What was found, in an admin's words.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Drift::Changed { version } => {
                format!("the schedule was changed after it was staged: it has version {version} now")
            }
            Drift::Published { .. } => "the schedule is published already".to_owned(),
            Drift::Vanished => "the schedule is not there any more".to_owned(),
        }
    }
}

/// What a publish waits for when its instant has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// Nobody has approved it.
    Approval,
    /// Somebody holds it.
    Resume,
    /// The schedule has drifted, and nobody has decided.
    Drift,
}

impl Wait {
    /// What it waits for, in an admin's words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Wait::Approval => "nobody has approved it",
            Wait::Resume => "somebody holds it",
            Wait::Drift => "the schedule is not what was staged, and nobody has decided",
        }
    }
}

/// Why a run stopped without settling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopKind {
    /// A `pre-*` hook said no.
    Vetoed,
    /// The schedule is not what was staged.
    Drifted,
    /// T passed by more than the policy allows before the publish could be made.
    Missed,
    /// The platform refused the publish for good.
    Refused,
    /// Somebody aborted it before the publish was claimed.
    Aborted,
}
