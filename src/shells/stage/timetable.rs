//! Puts every phase in its place: the org's limits, the cohort's calls, what earlier runs taught, and who shares the budget.
//!
//! Must never: keep an arithmetic of its own; that is [`law::lead`](crate::law::lead).

use std::collections::BTreeMap;

use serde::Serialize;

use super::history::History;
use super::refusal::Refusal;
use crate::hands::genesys::org::CALLS_PER_MINUTE;
use crate::hands::genesys::{Client, staging};
use crate::law::lead::tight::{ceil, floor};
use crate::law::lead::{Budget, CALL_MS, Grounds, Known, Lead, LeadSettings, Past, Span, Work, place};
use crate::law::plan::{Plan, Timing};
use crate::words::clock::Timestamp;
use crate::words::id::RunId;

/// When each phase comes, and why then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Timetable {
    /// The arithmetic and its result.
    pub lead: Lead,
    /// Where the limit of the app's token comes from.
    pub refresh_limit: LimitFrom,
    /// Where the limit of the publisher's token comes from.
    pub check_limit: LimitFrom,
    /// Other runs that spend a budget at the same time.
    pub sharing: Vec<RunId>,
}

/// Where a limit comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitFrom {
    /// The org told it.
    Org,
    /// The org tells none, or a higher one than softlanding begins with.
    Usual,
    /// The admin's own cap.
    Cap,
    /// There is none: each agent's own token is used.
    Nobody,
}

/// What the org allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OrgLimits {
    /// Calls a minute as the org told them: of the publisher's token, and of the token endpoint.
    pub told: (Option<u32>, Option<u32>),
    refresh: (Option<u32>, LimitFrom),
    check: (Option<u32>, LimitFrom),
}

/// Reads the limits of both tokens.
pub(super) async fn limits(client: &Client, plan: &Plan) -> Result<OrgLimits, Refusal> {
    let reading = super::steps::platform("reading the rate limit");
    let platform = staging::limits(client).await.map_err(&reading)?.unwrap_or_default();
    let auth = staging::auth_limits(client).await.map_err(&reading)?.unwrap_or_default();
    let told = |limits: &BTreeMap<String, i64>, key: &str| {
        limits.get(key).and_then(|n| u32::try_from(*n).ok()).filter(|n| *n > 0)
    };
    let told = (told(&platform, staging::CALLS_A_MINUTE), told(&auth, "token.rate.per.minute"));
    let publisher = match told.0 {
        Some(calls) => (calls, LimitFrom::Org),
        None => (CALLS_PER_MINUTE, LimitFrom::Usual),
    };
    let cap = client.org().settings.calls_per_minute_max.unwrap_or(u32::MAX);
    let check = if cap < publisher.0 { (cap, LimitFrom::Cap) } else { publisher };
    // No source names the limit of the token endpoint (UNCERTAIN, API.md section 3), nor says that its answers carry the
    // rate headers, so a limit above the one that softlanding begins with is not counted on.
    let app = match told.1.filter(|calls| *calls <= CALLS_PER_MINUTE) {
        Some(calls) => (Some(calls), LimitFrom::Org),
        None => (Some(CALLS_PER_MINUTE), LimitFrom::Usual),
    };
    // The reported refresh spends each agent's own token.
    let refresh = if plan.mechanisms.oauth_refresh { app } else { (None, LimitFrom::Nobody) };
    Ok(OrgLimits { told, refresh, check: (Some(check.0), check.1) })
}

/// Places every phase of `plan`, whose timing holds a refresh lead only if one was given.
pub(super) fn timetable(
    plan: &Plan,
    settings: LeadSettings,
    limits: OrgLimits,
    history: &History,
    now: Timestamp,
) -> Timetable {
    let open = history.open(plan);
    let mut lead = place(grounds(plan, settings, limits, history, now));
    // A longer lead may meet more runs, which make it longer still; each is met once.
    for _ in 0..=open.len() {
        let (refresh, check) = spans(&lead);
        let count = |meets: &dyn Fn(&Past) -> bool| open.iter().filter(|(_, past)| meets(past)).count() as u32;
        let refresh_share = 1 + count(&|past| past.refresh.meets(refresh));
        let check_share = 1 + count(&|past| past.check.meets(check));
        let (refreshing, checking) = (lead.grounds.refresh_budget.share, lead.grounds.check_budget.share);
        if refresh_share <= refreshing && check_share <= checking {
            break;
        }
        let mut grounds = lead.grounds;
        grounds.refresh_budget.share = refresh_share.max(refreshing);
        grounds.check_budget.share = check_share.max(checking);
        lead = place(grounds);
    }
    let (refresh, check) = spans(&lead);
    let shares = |past: &Past| past.refresh.meets(refresh) || past.check.meets(check);
    let sharing = open.iter().filter(|(_, past)| shares(past)).map(|(run, _)| run.clone()).collect();
    Timetable { lead, refresh_limit: limits.refresh.1, check_limit: limits.check.1, sharing }
}

fn grounds(plan: &Plan, settings: LeadSettings, limits: OrgLimits, history: &History, now: Timestamp) -> Grounds {
    let learnt = history.learnt(plan);
    let in_flight_max = u32::try_from(plan.limits.in_flight_max).unwrap_or(u32::MAX);
    let budget = |calls_per_minute| Budget { calls_per_minute, share: 1, in_flight_max, call_ms: CALL_MS };
    Grounds {
        now,
        publish_at: plan.publish_at,
        work: Work::of(plan),
        refresh_budget: budget(limits.refresh.0),
        check_budget: budget(limits.check.0),
        timing: plan.timing.clone(),
        settings,
        publish_expected: Known::publish(&settings, &learnt),
        token_life: Known::token_life(&settings, &learnt),
    }
}

/// When the app's budget is spent, and when the publisher's.
fn spans(lead: &Lead) -> (Span, Span) {
    let refresh = Span { from: lead.refresh_from, to: lead.prepare_at };
    (refresh, Span { from: lead.prepare_at, to: lead.settle_at })
}

impl Timetable {
    /// The plan's timing with what was computed.
    #[must_use]
    pub fn timing(&self) -> Timing {
        Timing {
            refresh_lead_ms: self.lead.refresh_lead_ms(),
            token_outlives_ms: self.lead.token_outlives_ms(),
            ..self.lead.grounds.timing.clone()
        }
    }
    /// What fits, but only just, one sentence each.
    #[must_use]
    pub(super) fn cautions(&self) -> Vec<String> {
        let lead = &self.lead;
        let mut cautions = Vec::new();
        if lead.grounds.work.refreshes > 0 && lead.spare_ms() < lead.grounds.settings.margin_ms {
            let begun = if lead.grounds.now > lead.refresh_from { "the refresh lead has begun already: " } else { "" };
            let (spare, margin) = (floor(lead.spare_ms()), ceil(lead.grounds.settings.margin_ms));
            cautions.push(format!("{begun}the refresh has {spare} to spare, and not the margin of {margin}"));
        }
        if !self.sharing.is_empty() {
            let runs: Vec<&str> = self.sharing.iter().map(RunId::as_str).collect();
            cautions.push(format!(
                "these runs spend the same rate limit at the same time, and may have been staged without counting on it: {}",
                runs.join(", ")
            ));
        }
        cautions
    }
}
