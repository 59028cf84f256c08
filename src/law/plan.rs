//! What one publish intends: the schedule and its version, the roster, the instants, the budgets, the mechanisms.
//! Made at staging, checked whole, and from then on immutable: it is the first event of the run's journal.
//!
//! Must never: change after `Staged`; a run that needs another plan is another run.

mod usual;

use serde::{Deserialize, Serialize};

use crate::law::fared::Fared;
use crate::law::verdict::{Reason, Rung};
use crate::words::clock::{Seed, Timestamp};
use crate::words::id::{AgentId, BusinessUnitId, ManagementUnitId, ScheduleId, Seat, WeekDate};

/// The platform tells of a publish only so many of the agents whose schedules it changed; told by users, and which of them is
/// UNCERTAIN: taken here in the order of the roster, which is that of the schedule.
pub const TOLD_MAX: usize = 1_000;

/// Everything that a run intends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The API host that the plan was made from: a run is carried out where it was staged, and nowhere else. `None` in a
    /// journal from before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
    /// The OAuth client that staged it: in a store that several organisations share, it tells whose run this is. `None` in a
    /// journal from before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The business unit whose week is published.
    pub business_unit: BusinessUnit,
    /// The week: date of its first day in the business unit's time zone.
    pub week: WeekDate,
    /// The draft schedule, pinned with the version that was read at staging.
    pub schedule: PinnedSchedule,
    /// T: the instant of the publish.
    pub publish_at: Timestamp,
    /// The IANA zone in which T was asked for, e.g. `America/Chicago`.
    pub zone: String,
    /// The agents of the schedule; a [`Seat`] is a position in this list.
    pub roster: Vec<Member>,
    /// When each phase starts and how long it may take.
    pub timing: Timing,
    /// How much may be done at once.
    pub limits: Limits,
    /// How far to go with an agent whose softphone cannot take calls.
    pub remedies: RemedyPolicy,
    /// What this org offers and the admin allows.
    pub mechanisms: Mechanisms,
    /// Who must agree, and what happens when the world is not as it was at staging. A journal from before this was kept
    /// has the default.
    #[serde(default, skip_serializing_if = "Policy::is_default")]
    pub policy: Policy,
    /// The chance of this run: jitter repeats when the run is replayed.
    pub seed: Seed,
}

/// A business unit, by id and by the name people know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusinessUnit {
    /// Its id.
    pub id: BusinessUnitId,
    /// Its name.
    pub name: String,
}

/// A draft schedule as it was when the run was staged (API.md section 5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedSchedule {
    /// Its id.
    pub id: ScheduleId,
    /// Its description, the only name a schedule has.
    pub description: String,
    /// `metadata.version`: the publish is refused when the schedule has moved on.
    pub version: i64,
}

/// One agent of the roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The agent's user id.
    pub agent: AgentId,
    /// The name people know.
    pub name: String,
    /// The management unit the agent is scheduled in.
    pub management_unit: ManagementUnitId,
    /// When the agent's running or next shift starts; `None` when the schedules show none.
    pub shift_start: Option<Timestamp>,
    /// Whether the vault holds a refresh token of this agent, so that the token can be refreshed.
    pub enrolled: bool,
}

/// The instants of a run relative to T, all in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// Refreshing starts this long before T; computed or checked at staging ([`lead`](crate::law::lead)).
    pub refresh_lead_ms: i64,
    /// Everybody is looked at from so long before T on, so that what is lost after it can be held against what is lost
    /// without it; 0 for never, and in a journal from before this was kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub watch_lead_ms: i64,
    /// Time between two of these looks.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub watch_interval_ms: i64,
    /// The last look at the schedule, the `pre-publish` hooks and the upload start this long before T.
    pub prepare_lead_ms: i64,
    /// A publish later than T by more than this is not made at all (the misfire policy).
    pub late_by_max_ms: i64,
    /// How long after the claim the outcome of the publish is looked for before a person must decide.
    pub publish_window_ms: i64,
    /// Time between two looks at the schedule while the outcome is open.
    pub look_interval_ms: i64,
    /// A refreshed token must live at least this long after T; never less than the first check needs.
    pub token_outlives_ms: i64,
    /// A token that was made less than so long before its turn, and lives as long, is left as it is; 0 for none, and in a journal
    /// from before this was kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub young_ms: i64,
    /// The first check waits this long after the publish was seen complete, so that softphones can reconnect by themselves.
    pub check_delay_ms: i64,
    /// Time between two looks at an agent that is not ready.
    pub check_interval_ms: i64,
    /// Time between two looks at an agent that is logged out.
    pub logged_out_interval_ms: i64,
    /// The run settles this long after the publish was seen complete, at the latest.
    pub settle_after_ms: i64,
}

/// How much is done at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Commands under way at once, at most.
    pub in_flight_max: usize,
    /// Ids in one bulk call, at most (API.md section 7: 100, today's value UNCERTAIN).
    pub bulk_ids_max: usize,
    /// Agents whose remedy is one call each that are treated at once, so that what was read about their calls is still fresh.
    pub single_remedies_max: usize,
    /// What was read about an agent's calls is good enough to act on for this long.
    pub on_call_fresh_ms: i64,
    /// Publish claims, at most; each after the first needs proof that the one before had no effect.
    pub claims_max: u32,
    /// Attempts to refresh one agent's token, at most.
    pub refresh_attempts_max: u8,
    /// Calls a minute of the publisher's token, as the org told at staging; `None` when it told none, and in a journal from
    /// before this was kept. Whoever carries the run out begins with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_per_minute: Option<u32>,
    /// The same of an OAuth client's calls to the token endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_calls_per_minute: Option<u32>,
}

/// A rung is begun for so many more agents at once for each that it has helped.
pub const WIDER_BY: u32 = 3;

/// How far to go with a straggler.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RemedyPolicy {
    /// Remedies for one agent, at most, all rungs together.
    pub attempts_max: u8,
    /// First wait after a remedy that failed, before jitter.
    pub backoff_first_ms: i64,
    /// Longest wait after a remedy that failed, before jitter.
    pub backoff_max_ms: i64,
    /// When more than this share of all agents is not ready, it is an outage and not a matter of stragglers: the brake.
    pub outage_share: f64,
    /// A rung that brings nothing for more than this share of at least ten agents is not used any more: the brake.
    pub rung_failure_share: f64,
    /// A rung is tried for so many agents first; for as many at once as that, and three more for each that it has helped, it is
    /// used from then on. 0 for everybody at once, and in a journal from before this was kept.
    #[serde(default, skip_serializing_if = "is_none_at_all")]
    pub canary: u32,
    /// Whether agents' tokens may be revoked while their shift has begun; without it they are before it alone.
    #[serde(default, skip_serializing_if = "is_no")]
    pub revoke_on_shift: bool,
    /// How remedies fared in earlier runs of the org; those known to be of no use are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub learnt: Vec<Fared>,
}

impl RemedyPolicy {
    /// Whether a rung may be used for an agent at this time of its shift: whoever works is not signed out without consent.
    #[must_use]
    pub fn allows(&self, rung: Rung, shift: Shift) -> bool {
        match (rung, shift) {
            (Rung::RevokeTokens, Shift::Begun) => self.revoke_on_shift,
            (Rung::RevokeTokens, Shift::Ahead)
            | (
                Rung::Companion
                | Rung::TokenRefresh
                | Rung::SessionReset
                | Rung::Reassociate
                | Rung::RebootPhone
                | Rung::Ask,
                _,
            ) => true,
        }
    }
    /// Whether a rung is known to be of no use for a reason.
    #[must_use]
    pub fn is_useless(&self, rung: Rung, reason: Reason) -> bool {
        self.learnt.iter().any(|fared| (fared.rung, fared.reason) == (rung, reason) && fared.is_useless())
    }
}

/// Whether an agent's shift is still to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shift {
    /// It is, and there is time for a new login before it.
    Ahead,
    /// It is not: it has begun, or begins before a new login can be over, or nobody knows when it does.
    Begun,
}

/// What may be used. Published by the vendor unless marked *reported* (MISSION.md, two dialects of the platform).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mechanisms {
    /// The OAuth refresh-token grant (API.md section 2).
    pub oauth_refresh: bool,
    /// *Reported*: `POST /api/v2/authentication/refresh`.
    pub authentication_refresh: bool,
    /// *Reported*: `GET /api/v2/communications/webRTC` with the agent's token.
    pub media_probe: bool,
    /// *Reported*: `purgeCache` on the publish.
    pub purge_cache: bool,
    /// *Reported*: the bulk reset of WebRTC sessions.
    pub session_reset: bool,
    /// Disassociate and associate the station again (API.md section 9).
    pub reassociate: bool,
    /// Reboot the phone (API.md section 10).
    pub reboot_phone: bool,
    /// Delete all of the user's tokens, which forces a new login (API.md section 8). Opt-in.
    pub revoke_tokens: bool,
    /// Ask a person through the `straggler` hook.
    pub ask: bool,
    /// Listen to what the platform pushes, so that looks come sooner (API.md section 11). Runs that were staged before it
    /// existed listen as well.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub notifications: bool,
    /// The companions in agents' pages: new tokens are handed to them, they say how their softphone is, and they initialise it
    /// again (SOFTPHONE.md section 8).
    #[serde(default, skip_serializing_if = "is_no")]
    pub companion: bool,
    /// Not only a new token is handed to a page before the publish, but a new session is opened with it where no call is up, so
    /// that it is younger than the publish. Opt-in.
    #[serde(default, skip_serializing_if = "is_no")]
    pub renew_sessions: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_none_at_all(number: &u32) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(ms: &i64) -> bool {
    *ms == 0
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_yes(switch: &bool) -> bool {
    *switch
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_no(switch: &bool) -> bool {
    !*switch
}

/// Who must agree before the publish, and what happens when the world is not as it was at staging.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Whether somebody must approve the publish.
    pub approval: Approval,
    /// What happens when the schedule is not what was staged.
    pub on_drift: OnDrift,
    /// A publish that is claimed later after T than this counts as late, in ms: an event, a hook and a counter.
    pub late_after_ms: i64,
    /// The calendar entry that staged the run; `None` for a run staged by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// Who staged it from outside; `None` where the calendar or a command did, and in a journal from before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staged_by: Option<StagedBy>,
}

/// Somebody who staged a run by the API, in the dashboard or by a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedBy {
    /// The person's name, the API key's, or `webhook:` and the sender's.
    pub who: String,
    /// Why, in their words, where they say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Policy {
    fn is_default(&self) -> bool {
        *self == Policy::default()
    }
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            approval: Approval::NotNeeded,
            on_drift: OnDrift::Hold,
            late_after_ms: 10_000,
            entry: None,
            staged_by: None,
        }
    }
}

/// Whether somebody must approve the publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// Nobody must.
    NotNeeded,
    /// Without it the publish is not made.
    Required,
}

/// What happens when the schedule is not what was staged.
///
/// | found at the last look | `hold` | `publish-latest` |
/// |---|---|---|
/// | another version | held; `resume` accepts that version | that version is published |
/// | published already | held; `resume` goes on to the check | nothing is sent; the run goes on to the check |
/// | gone | held; `resume` looks again | the run stops |
///
/// A run that is still held when T has passed by `late_by_max` stops, and nothing is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnDrift {
    /// A person decides.
    Hold,
    /// What is there now is what is meant.
    PublishLatest,
}

/// A plan that cannot be carried out, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPlan {
    /// The roster has no agent.
    #[error("the schedule has no agents")]
    EmptyRoster,
    /// The roster has more agents than a seat can number.
    #[error("the schedule has {0} agents, more than the 1,000,000 that one run can hold")]
    RosterTooLarge(usize),
    /// An agent stands in the roster twice.
    #[error("agent {0} stands in the roster twice")]
    Twice(AgentId),
    /// A number lies outside of its range.
    #[error("{field} is {found}, accepted is {accepted}")]
    OutOfRange {
        /// The number's name.
        field: &'static str,
        /// What it is.
        found: i64,
        /// What it may be.
        accepted: &'static str,
    },
    /// T has passed.
    #[error("the publish instant has passed by {0} s")]
    InThePast(i64),
}

/// A cohort smaller than this tells nothing: a handful of softphones is lost on any evening.
const COHORT_MIN: usize = 20;

impl Plan {
    /// Checks the plan as a whole.
    ///
    /// # Errors
    /// The first [`BadPlan`] found.
    pub fn check(&self, now: Timestamp) -> Result<(), BadPlan> {
        if self.roster.is_empty() {
            return Err(BadPlan::EmptyRoster);
        }
        if self.roster.len() > 1_000_000 {
            return Err(BadPlan::RosterTooLarge(self.roster.len()));
        }
        let mut seen = std::collections::HashSet::with_capacity(self.roster.len());
        if let Some(member) = self.roster.iter().find(|m| !seen.insert(&m.agent)) {
            return Err(BadPlan::Twice(member.agent.clone()));
        }
        self.check_numbers()?;
        if now > self.publish_at {
            return Err(BadPlan::InThePast(now.since_ms(self.publish_at) / 1000));
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), BadPlan> {
        const DAY: i64 = 86_400_000;
        let t = &self.timing;
        let positive = "1 ms to 24 h";
        let numbers = [
            ("refresh_lead", t.refresh_lead_ms, 0, "0 to 24 h"),
            ("watch_lead", t.watch_lead_ms, 0, "0 to 24 h"),
            ("watch_interval", t.watch_interval_ms, 1, positive),
            ("prepare_lead", t.prepare_lead_ms, 0, "0 to 24 h"),
            ("late_by_max", t.late_by_max_ms, 0, "0 to 24 h"),
            ("publish_window", t.publish_window_ms, 1, positive),
            ("look_interval", t.look_interval_ms, 1, positive),
            ("token_outlives", t.token_outlives_ms, 0, "0 to 24 h"),
            ("session_younger_than", t.young_ms, 0, "0 to 24 h"),
            ("check_delay", t.check_delay_ms, 0, "0 to 24 h"),
            ("check_interval", t.check_interval_ms, 1, positive),
            ("logged_out_interval", t.logged_out_interval_ms, 1, positive),
            ("settle_after", t.settle_after_ms, 1, positive),
            ("in_flight_max", self.limits.in_flight_max as i64, 1, "1 or more"),
            ("bulk_ids_max", self.limits.bulk_ids_max as i64, 1, "1 or more"),
            ("single_remedies_max", self.limits.single_remedies_max as i64, 1, "1 or more"),
            ("claims_max", i64::from(self.limits.claims_max), 1, "1 or more"),
        ];
        let bad = numbers.into_iter().find(|(_, found, least, _)| found < least || *found > DAY);
        match bad {
            Some((field, found, _, accepted)) => Err(BadPlan::OutOfRange { field, found, accepted }),
            None => Ok(()),
        }
    }

    /// The agent in a seat; `None` for a seat that the roster does not have.
    #[must_use]
    pub fn member(&self, seat: Seat) -> Option<&Member> {
        self.roster.get(seat.index())
    }
    /// Whether an agent's shift is still to begin.
    #[must_use]
    pub fn shift(&self, seat: Seat, now: Timestamp) -> Shift {
        let begins = self.member(seat).and_then(|member| member.shift_start);
        let free_until = now + Rung::RevokeTokens.effect_ms();
        if begins.is_some_and(|at| at > free_until) { Shift::Ahead } else { Shift::Begun }
    }
    /// Whether the platform can be expected to tell the agent of the publish ([`TOLD_MAX`]).
    #[must_use]
    pub fn is_told(&self, seat: Seat) -> bool {
        seat.index() < TOLD_MAX
    }
    /// Agents that the platform does not tell of the publish, in the order of the roster.
    #[must_use]
    pub fn untold(&self) -> &[Member] {
        self.roster.get(TOLD_MAX..).unwrap_or_default()
    }
    /// When refreshing starts.
    #[must_use]
    pub fn refresh_at(&self) -> Timestamp {
        self.publish_at - self.timing.refresh_lead_ms.max(self.timing.prepare_lead_ms)
    }
    /// When the last preparations for the publish start.
    #[must_use]
    pub fn prepare_at(&self) -> Timestamp {
        self.publish_at - self.timing.prepare_lead_ms
    }
    /// From when on everybody is looked at before the publish; `None` where nobody wants that, or the cohort is too small to tell
    /// anything.
    #[must_use]
    pub fn watch_at(&self) -> Option<Timestamp> {
        let is_watched = self.timing.watch_lead_ms > 0 && self.roster.len() >= COHORT_MIN;
        is_watched.then(|| self.publish_at - self.timing.watch_lead_ms)
    }
    /// From when on a run listens to what the platform pushes; `None` for never. From the beginning of the watch on, so that what is
    /// pushed after the publish can be held against what is pushed without one; without a watch, from the preparations on.
    #[must_use]
    pub fn listen_at(&self) -> Option<Timestamp> {
        let prepare_at = self.prepare_at();
        self.mechanisms.notifications.then(|| self.watch_at().map_or(prepare_at, |at| at.min(prepare_at)))
    }
    /// From when on a publish would be too late to be made.
    #[must_use]
    pub fn too_late_after(&self) -> Timestamp {
        self.publish_at + self.timing.late_by_max_ms
    }
    /// When the run settles at the latest, if the publish is seen complete at T.
    #[must_use]
    pub fn settle_at(&self) -> Timestamp {
        self.publish_at + self.timing.settle_after_ms
    }
    /// Who comes first: the agent whose shift starts soonest; agents without a known shift come last.
    #[must_use]
    pub fn urgency(&self, seat: Seat) -> Timestamp {
        self.member(seat).and_then(|m| m.shift_start).unwrap_or(Timestamp(i64::MAX))
    }
}
