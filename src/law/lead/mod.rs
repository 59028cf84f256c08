//! Lead times are computed: when refreshing must begin so that it ends before the last look, which tokens would run out
//! too early, how long one look at everyone takes. Plain arithmetic over the cohort, the limits, and what was learnt.
//!
//! ```text
//!             margin, for what goes wrong
//! refresh_from ── refresh_ms ── ends_by ┄┄┄┄┄ prepare_at ── T ── publish ── check_at ── sweep ── seen_by … settle_at
//!      └──────────────── every token refreshed lives at least until token_must_outlive ─────────┘
//! ```
//!
//! The rule for tokens: a token refreshed in the lead must outlive T by `token_outlives`, and in any case the publish's
//! expected duration, the wait before the first check, one sweep and the margin. A token that ends by itself before the
//! first check has seen its agent would look like one that the publish revoked.
//!
//! - [`budget`]: how long calls take within a limit. [`learn`](mod@learn): what earlier runs teach. [`tight`]: a window that
//!   cannot hold the work, and what would help.
//!
//! Must never: be optimistic. What it accepts, the pacer can do; a shorter lead is taken only from a person who asked for it,
//! and only if it holds the work.

pub mod budget;
pub mod learn;
#[cfg(test)]
mod tests;
pub mod tight;

use serde::Serialize;

pub use budget::{Budget, CALL_MS};
pub use learn::{Learnt, Past, PastState, Seen, Span, learn};
pub use tight::{TooTight, Why};

use crate::law::plan::{Plan, Timing};
use crate::words::clock::Timestamp;

/// Phones on one page (API.md section 7).
const PHONES_PER_PAGE: u64 = 100;

/// Calls of the dearest remedy for one agent: find the station, free it, associate it again (API.md section 9).
const CALLS_PER_REMEDY: u32 = 3;

/// A computed lead is a whole number of these, in ms: instants are said in seconds.
const STEP_MS: i64 = 1_000;

/// What the admin sets about lead times, beside [`Timing`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LeadSettings {
    /// Who sets the refresh lead.
    pub refresh_lead: RefreshLead,
    /// How long a refreshed token lives, in ms, until a run has shown it (API.md section 2: 300 s to 172,800 s, 86,400 s by
    /// default; UNCERTAIN for any one client).
    pub token_life_ms: i64,
    /// How long a publish is expected to take at least, in ms; longer where runs have shown it.
    pub publish_expected_ms: i64,
    /// What is added to the refresh for what goes wrong, and to the publish before a token may end, in ms.
    pub margin_ms: i64,
}

/// Who sets the refresh lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshLead {
    /// Staging computes it.
    Auto,
    /// It stands in the configuration, and staging checks it.
    Given,
}

impl Default for LeadSettings {
    fn default() -> Self {
        const MINUTE: i64 = 60_000;
        LeadSettings {
            refresh_lead: RefreshLead::Auto,
            token_life_ms: 24 * 60 * MINUTE,
            publish_expected_ms: 2 * MINUTE,
            margin_ms: 5 * MINUTE,
        }
    }
}

/// What is to be done, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Work {
    /// Agents of the roster.
    pub agents: u64,
    /// Token refreshes, one call for each enrolled agent; 0 where nothing refreshes.
    pub refreshes: u64,
    /// Calls of one sweep that read users in bulk.
    pub user_calls: u64,
    /// Calls of one sweep that read pages of phones, when the org has no more phones than the roster has agents.
    pub phone_calls: u64,
}

impl Work {
    /// The work that a plan means.
    #[must_use]
    pub fn of(plan: &Plan) -> Work {
        let refreshing = plan.mechanisms.oauth_refresh || plan.mechanisms.authentication_refresh;
        let enrolled = plan.roster.iter().filter(|m| m.enrolled).count() as u64;
        let agents = plan.roster.len() as u64;
        Work {
            agents,
            refreshes: if refreshing { enrolled } else { 0 },
            user_calls: agents.div_ceil(plan.limits.bulk_ids_max.max(1) as u64),
            phone_calls: agents.div_ceil(PHONES_PER_PAGE),
        }
    }
}

/// What the arithmetic rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Grounds {
    /// When the run is staged: nothing can be refreshed earlier.
    pub now: Timestamp,
    /// T.
    pub publish_at: Timestamp,
    /// What is to be done.
    pub work: Work,
    /// What tokens are refreshed with: the app's budget at the login host.
    pub refresh_budget: Budget,
    /// What softphones are checked with: the publisher's budget at the API host.
    pub check_budget: Budget,
    /// The rest of the timing. `refresh_lead_ms` counts only where it was given.
    pub timing: Timing,
    /// What the admin set.
    pub settings: LeadSettings,
    /// How long the publish is expected to take.
    pub publish_expected: Known,
    /// How long a refreshed token lives.
    pub token_life: Known,
}

/// A number and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Known {
    /// The number, in ms.
    pub ms: i64,
    /// Runs that have shown it; 0 for a setting.
    pub from_runs: usize,
}

impl Known {
    fn set(ms: i64) -> Known {
        Known { ms, from_runs: 0 }
    }
    /// The expected duration of the publish: the longest one seen, and never less than the setting.
    #[must_use]
    pub fn publish(settings: &LeadSettings, learnt: &Learnt) -> Known {
        let floor = settings.publish_expected_ms;
        let seen = learnt.publish.filter(|seen| seen.ms > floor);
        seen.map_or(Known::set(floor), |seen| Known { ms: seen.ms, from_runs: seen.runs })
    }
    /// The life of a token: as seen, or else as set.
    #[must_use]
    pub fn token_life(settings: &LeadSettings, learnt: &Learnt) -> Known {
        learnt.token_life.map_or(Known::set(settings.token_life_ms), |seen| Known { ms: seen.ms, from_runs: seen.runs })
    }
}

/// Every phase in its place. [`Lead::check`] says whether the work fits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lead {
    /// What it rests on.
    pub grounds: Grounds,
    /// What refreshing takes, from the first call to the answer to the last, in ms.
    pub refresh_ms: i64,
    /// When refreshing begins by plan.
    pub refresh_from: Timestamp,
    /// When it can begin: by plan, or now if that has passed.
    pub refresh_starts: Timestamp,
    /// When the last answer is there at the latest, if no call is slow and none fails.
    pub refresh_ends_by: Timestamp,
    /// When the last look and the upload begin; nothing is refreshed from then on.
    pub prepare_at: Timestamp,
    /// When the publish is expected to be complete.
    pub complete_by: Timestamp,
    /// When the first check begins, if the publish is complete as expected.
    pub check_at: Timestamp,
    /// Calls of one look at everyone.
    pub sweep_calls: u64,
    /// What one look at everyone takes, in ms.
    pub sweep_ms: i64,
    /// Stragglers that can be helped in a minute by a remedy of one agent each, at worst; `None` when nobody counts calls.
    pub helped_a_minute: Option<u32>,
    /// When everyone has been seen once.
    pub seen_by: Timestamp,
    /// When the run settles at the latest, if the publish is complete as expected.
    pub settle_at: Timestamp,
    /// No refreshed token may end before.
    pub token_must_outlive: Timestamp,
    /// A token refreshed before this instant would end too early.
    pub fresh_enough_from: Timestamp,
}

/// Places every phase.
#[must_use]
pub fn place(grounds: Grounds) -> Lead {
    let (timing, t) = (&grounds.timing, grounds.publish_at);
    let prepare_at = t - timing.prepare_lead_ms;
    let refresh_ms = grounds.refresh_budget.takes_ms(grounds.work.refreshes);
    let sweep_calls = grounds.work.user_calls + grounds.work.phone_calls;
    let sweep_ms = sweep_ms(&grounds.work, &grounds.check_budget);
    let complete_by = t + grounds.publish_expected.ms;
    let check_at = complete_by + timing.check_delay_ms;
    let seen_by = check_at + sweep_ms;
    let token_must_outlive = (t + timing.token_outlives_ms).max(seen_by + grounds.settings.margin_ms);
    let fresh_enough_from = token_must_outlive - grounds.token_life.ms;
    let refresh_from = match grounds.settings.refresh_lead {
        RefreshLead::Given => t - timing.refresh_lead_ms.max(timing.prepare_lead_ms),
        RefreshLead::Auto => auto(&grounds, refresh_ms, fresh_enough_from).min(prepare_at),
    };
    let refresh_starts = refresh_from.max(grounds.now);
    Lead {
        refresh_ms,
        refresh_from,
        refresh_starts,
        refresh_ends_by: refresh_starts + refresh_ms,
        prepare_at,
        complete_by,
        check_at,
        sweep_calls,
        sweep_ms,
        helped_a_minute: grounds.check_budget.calls_in_a_window().map(|calls| calls / CALLS_PER_REMEDY),
        seen_by,
        settle_at: complete_by + timing.settle_after_ms,
        token_must_outlive,
        fresh_enough_from,
        grounds,
    }
}

/// Early enough for the work and the margin, but not so early that a token would end too soon.
fn auto(grounds: &Grounds, refresh_ms: i64, fresh_enough_from: Timestamp) -> Timestamp {
    let lead_ms = grounds.timing.prepare_lead_ms.saturating_add(refresh_ms).saturating_add(grounds.settings.margin_ms);
    let early = grounds.publish_at - whole_steps(lead_ms);
    if grounds.work.refreshes == 0 { early } else { early.max(fresh_enough_from) }
}

fn whole_steps(ms: i64) -> i64 {
    ms.saturating_add(STEP_MS - 1).div_euclid(STEP_MS).saturating_mul(STEP_MS)
}

/// The pages of phones after the first are asked for when the first has told how many there are.
fn sweep_ms(work: &Work, budget: &Budget) -> i64 {
    let more_pages_ms = if work.phone_calls > 1 { budget.call_ms } else { 0 };
    budget.takes_ms(work.user_calls + work.phone_calls).saturating_add(more_pages_ms)
}

impl Lead {
    /// How long before T refreshing begins by plan, in ms.
    #[must_use]
    pub fn refresh_lead_ms(&self) -> i64 {
        self.grounds.publish_at.since_ms(self.refresh_from)
    }
    /// How long after T no refreshed token may end, in ms.
    #[must_use]
    pub fn token_outlives_ms(&self) -> i64 {
        self.token_must_outlive.since_ms(self.grounds.publish_at)
    }
    /// What is left between the last answer and the last look, in ms; negative when the work does not fit.
    #[must_use]
    pub fn spare_ms(&self) -> i64 {
        self.prepare_at.since_ms(self.refresh_ends_by)
    }
    /// When the first token that was refreshed ends.
    #[must_use]
    pub fn first_token_ends(&self) -> Timestamp {
        self.refresh_starts + self.grounds.token_life.ms
    }
    /// The lead that holds the work and the margin, in ms, whatever tokens live and whatever the time is.
    #[must_use]
    pub fn wanted_lead_ms(&self) -> i64 {
        self.grounds.publish_at.since_ms(auto(&self.grounds, self.refresh_ms, Timestamp(i64::MIN)))
    }
    /// The longest lead whose first token lives long enough, in ms.
    #[must_use]
    pub fn longest_lead_ms(&self) -> i64 {
        self.grounds.publish_at.since_ms(self.fresh_enough_from)
    }
    /// Whether the work fits.
    ///
    /// # Errors
    /// [`TooTight`] with the numbers and what would help.
    pub fn check(&self) -> Result<(), Box<TooTight>> {
        match tight::why(self) {
            None => Ok(()),
            Some(why) => Err(Box::new(TooTight { why, lead: self.clone() })),
        }
    }
}
