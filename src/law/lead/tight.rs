//! A window that cannot hold the work: which one, by how much, and what would help, each with its number.
//!
//! Must never: offer a way out that does not lead out.

use std::fmt;

use super::{Budget, Lead, RefreshLead};
use crate::words::calendar::duration_words;
use crate::words::clock::Timestamp;

/// Budgets larger than this are not offered as a way out, in calls a minute: no source tells of one.
const CALLS_PER_MINUTE_MAX: u32 = 10_000;
/// As many calls under way as the configuration takes.
const IN_FLIGHT_MAX: u32 = 256;

/// The work does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooTight {
    /// Where it does not.
    pub why: Why,
    /// The arithmetic.
    pub lead: Lead,
}

/// Where the work does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Tokens live too short: whatever the lead, either the first end too early or the last come too late.
    TokensTooShort,
    /// It is too late: from now on not everything can be refreshed.
    TooLate,
    /// The refresh lead that was given is too short.
    LeadTooShort,
    /// The refresh lead that was given is so long that the first tokens would end too early.
    LeadTooLong,
    /// The check ends before everyone has been seen once.
    CheckTooShort,
}

/// Where the work of a lead does not fit; `None` when it does.
pub(super) fn why(lead: &Lead) -> Option<Why> {
    let last_start = last_start(lead);
    let refresh = if lead.grounds.work.refreshes == 0 {
        None
    } else if lead.fresh_enough_from > last_start {
        Some(Why::TokensTooShort)
    } else if lead.grounds.now > last_start {
        Some(Why::TooLate)
    } else if lead.refresh_from > last_start {
        Some(Why::LeadTooShort)
    } else {
        (lead.refresh_starts < lead.fresh_enough_from).then_some(Why::LeadTooLong)
    };
    refresh.or((lead.seen_by > lead.settle_at).then_some(Why::CheckTooShort))
}

/// When refreshing must begin at the latest.
fn last_start(lead: &Lead) -> Timestamp {
    lead.prepare_at - lead.refresh_ms
}

impl TooTight {
    /// What there is for the work, in ms; never negative.
    #[must_use]
    pub fn there_ms(&self) -> i64 {
        let lead = &self.lead;
        let ms = match self.why {
            Why::TokensTooShort => lead.prepare_at.since_ms(lead.fresh_enough_from),
            Why::TooLate => lead.prepare_at.since_ms(lead.grounds.now),
            Why::LeadTooShort => lead.prepare_at.since_ms(lead.refresh_from),
            Why::LeadTooLong => lead.grounds.token_life.ms,
            Why::CheckTooShort => lead.settle_at.since_ms(lead.check_at),
        };
        ms.max(0)
    }
    /// What the work needs, in ms.
    #[must_use]
    pub fn needed_ms(&self) -> i64 {
        let lead = &self.lead;
        match self.why {
            Why::TokensTooShort | Why::TooLate | Why::LeadTooShort => lead.refresh_ms,
            Why::LeadTooLong => lead.token_must_outlive.since_ms(lead.refresh_starts),
            Why::CheckTooShort => lead.sweep_ms,
        }
    }
    /// What would help, one sentence each; any one of them is enough, unless it says "in any case".
    #[must_use]
    pub fn help(&self) -> Vec<String> {
        let lead = &self.lead;
        let mut ways = Vec::new();
        match self.why {
            Why::TokensTooShort => {
                let needed_ms = lead.token_must_outlive.since_ms(last_start(lead));
                ways.push(longer_tokens(needed_ms));
                ways.extend(self.shorter_need());
                ways.extend(self.fewer_refreshes());
            }
            Why::TooLate => {
                let soonest = ceil(lead.grounds.timing.prepare_lead_ms + lead.refresh_ms);
                ways.push(format!("a later instant: the publish can be in {soonest} at the earliest"));
                ways.extend(self.fewer_refreshes());
            }
            Why::LeadTooShort => {
                ways.push(earlier_lead(lead));
                ways.extend(self.fewer_refreshes());
            }
            Why::LeadTooLong => {
                let longest = written(floor(lead.longest_lead_ms()));
                ways.push(format!("a later lead: timing.refresh_lead = \"auto\", or \"{longest}\" at most"));
                ways.push(longer_tokens(self.needed_ms()));
            }
            Why::CheckTooShort => ways.extend(self.longer_check()),
        }
        ways.extend(self.in_any_case());
        ways
    }

    /// A given lead may be wrong besides.
    fn in_any_case(&self) -> Option<String> {
        let lead = &self.lead;
        let given = lead.grounds.settings.refresh_lead == RefreshLead::Given;
        let first = matches!(self.why, Why::TokensTooShort | Why::TooLate);
        let fits = lead.refresh_from <= last_start(lead) && lead.refresh_from >= lead.fresh_enough_from;
        (given && first && !fits).then(|| "in any case: timing.refresh_lead = \"auto\"".to_owned())
    }

    /// What only `token_outlives` asks for can be given up.
    fn shorter_need(&self) -> Option<String> {
        let lead = &self.lead;
        let t = lead.grounds.publish_at;
        let longest_ms = (last_start(lead) + lead.grounds.token_life.ms).since_ms(t);
        let least_ms = lead.seen_by.since_ms(t) + lead.grounds.settings.margin_ms;
        let longest = written(floor(longest_ms));
        (longest_ms >= least_ms).then(|| format!("a shorter need: timing.token_outlives = \"{longest}\" or less"))
    }

    fn fewer_refreshes(&self) -> Vec<String> {
        let lead = &self.lead;
        let (budget, calls) = (&lead.grounds.refresh_budget, lead.grounds.work.refreshes);
        let starts = lead.refresh_starts.max(lead.fresh_enough_from);
        let usable_ms = lead.prepare_at.since_ms(starts).max(0);
        let fit = budget.holds(usable_ms);
        let mut ways: Vec<String> = alone(budget, calls, usable_ms).into_iter().collect();
        ways.extend(larger_budget(budget, calls, usable_ms));
        ways.extend((fit > 0).then(|| {
            let clients = "another client has a budget of its own";
            format!("fewer agents enrolled with this OAuth client: {fit} of the {calls} fit; {clients}")
        }));
        let off = "with mechanisms.oauth_refresh and authentication_refresh off nothing is refreshed beforehand";
        ways.push(format!("fewer mechanisms: {off}"));
        ways
    }

    fn longer_check(&self) -> Vec<String> {
        let lead = &self.lead;
        let after = written(ceil(lead.grounds.timing.check_delay_ms + lead.sweep_ms));
        let mut ways = vec![format!("a longer check: timing.settle_after = \"{after}\" or more")];
        ways.extend(alone(&lead.grounds.check_budget, lead.sweep_calls, self.there_ms()));
        ways
    }
}

fn longer_tokens(needed_ms: i64) -> String {
    let needed = written(ceil(needed_ms));
    format!("longer tokens: the app's OAuth client issues them for {needed} or more, and timing.token_life says so")
}

fn earlier_lead(lead: &Lead) -> String {
    let wanted_ms = lead.wanted_lead_ms();
    let number = if wanted_ms <= lead.longest_lead_ms() {
        format!(", or \"{}\" with a margin of {}", written(ceil(wanted_ms)), ceil(lead.grounds.settings.margin_ms))
    } else {
        String::new()
    };
    format!("an earlier lead: timing.refresh_lead = \"auto\"{number}")
}

/// Without the others the budget might do.
fn alone(budget: &Budget, calls: u64, there_ms: i64) -> Option<String> {
    let others = budget.share.saturating_sub(1);
    let runs = if others == 1 { "1 other run spends".to_owned() } else { format!("{others} other runs spend") };
    let enough = Budget { share: 1, ..*budget }.takes_ms(calls) <= there_ms;
    (others > 0 && enough).then(|| format!("another instant, or another OAuth client: {runs} the same budget then"))
}

/// More calls a minute, or more calls at once.
fn larger_budget(budget: &Budget, calls: u64, there_ms: i64) -> Option<String> {
    let fits = |budget: &Budget| budget.takes_ms(calls) <= there_ms;
    if fits(&Budget { in_flight_max: IN_FLIGHT_MAX, ..*budget }) {
        let most = least(budget.in_flight_max, IN_FLIGHT_MAX, |n| fits(&Budget { in_flight_max: n, ..*budget }))?;
        return Some(format!("more calls under way at once: limits.in_flight_max = {most} or more"));
    }
    let with = |n| Budget { calls_per_minute: Some(n), ..*budget };
    let minute = least(budget.calls_per_minute?, CALLS_PER_MINUTE_MAX, |n| fits(&with(n)))?;
    Some(format!("a higher limit of the platform for this OAuth client: {minute} calls a minute or more"))
}

/// The least number above `low` and up to `high` that will do, where a higher one always does if a lower one does.
fn least(low: u32, high: u32, will_do: impl Fn(u32) -> bool) -> Option<u32> {
    let (mut too_few, mut enough) = (low, high);
    if low >= high || !will_do(high) {
        return None;
    }
    while enough - too_few > 1 {
        let middle = too_few.midpoint(enough);
        if will_do(middle) {
            enough = middle;
        } else {
            too_few = middle;
        }
    }
    Some(enough)
}

impl fmt::Display for TooTight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (needed, there) = (ceil(self.needed_ms()), floor(self.there_ms()));
        let grounds = &self.lead.grounds;
        let refreshes = format!("{} token refreshes{}", grounds.work.refreshes, rate(&grounds.refresh_budget));
        match self.why {
            Why::TokensTooShort => write!(
                f,
                "{refreshes} take {needed}, and a token that lives {} and must outlive the publish by {} can be refreshed \
                 only in the last {there} before the last look",
                floor(grounds.token_life.ms),
                ceil(self.lead.token_outlives_ms())
            ),
            Why::TooLate => write!(f, "{refreshes} take {needed}, and {there} are left before the last look"),
            Why::LeadTooShort => {
                let lead = floor(self.lead.refresh_lead_ms());
                write!(
                    f,
                    "{refreshes} take {needed}, and the refresh lead of {lead} leaves {there} before the last look"
                )
            }
            Why::LeadTooLong => {
                let before = floor(grounds.publish_at.since_ms(self.lead.refresh_starts));
                write!(f, "a token refreshed {before} before the publish must live {needed}, and it lives {there}")
            }
            Why::CheckTooShort => write!(
                f,
                "one look at {} agents is {} calls{}, takes {needed}, and the check leaves {there}",
                grounds.work.agents,
                self.lead.sweep_calls,
                rate(&grounds.check_budget)
            ),
        }
    }
}

impl std::error::Error for TooTight {}

/// How fast, in words that follow the calls.
fn rate(budget: &Budget) -> String {
    match budget.calls_in_a_window() {
        Some(room) => format!(" at {room} a minute"),
        None => format!(", {} at once,", budget.in_flight_max),
    }
}

/// A need in words, rounded up so that it is not understated.
#[must_use]
pub fn ceil(ms: i64) -> String {
    let step = step_ms(ms);
    duration_words(ms.saturating_add(step - 1).div_euclid(step).saturating_mul(step))
}

/// What there is, in words, rounded down.
#[must_use]
pub fn floor(ms: i64) -> String {
    duration_words(ms)
}

/// What the smaller of the two units of `duration_words` stands for.
fn step_ms(ms: i64) -> i64 {
    match ms {
        ..1_000 => 1,
        1_000..3_600_000 => 1_000,
        3_600_000..86_400_000 => 60_000,
        86_400_000.. => 3_600_000,
    }
}

/// A duration in words as the configuration has it: "1h 30min".
fn written(words: String) -> String {
    [" d", " h", " min", " ms", " s"].iter().fold(words, |text, unit| text.replace(unit, unit.trim_start()))
}
