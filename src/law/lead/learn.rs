//! What earlier runs teach: how long a publish takes here, how long a refreshed token lives, and who shares the budget.
//!
//! Must never: learn a duration from a run that nobody watched to its end; a process that was down makes it too long.

use crate::law::event::{Event, Record};
use crate::law::fared::{Fared, fared, together};
use crate::law::plan::Plan;
use crate::law::verdict::Verdict;
use crate::words::clock::Timestamp;
use crate::words::id::{BusinessUnitId, ScheduleId};

/// So many of the newest publishes of a business unit are learnt from.
pub const PUBLISHES_MAX: usize = 10;

/// So many of the newest runs that had stragglers teach how remedies fare.
pub const RUNS_OF_REMEDIES_MAX: usize = 10;

/// What the next staging wants to know of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// The API host that it was staged at, if that was kept.
    pub api: Option<String>,
    /// The OAuth client that staged it, if that was kept.
    pub client: Option<String>,
    /// The business unit.
    pub unit: BusinessUnitId,
    /// The business unit's name.
    pub unit_name: String,
    /// The schedule that it publishes.
    pub schedule: ScheduleId,
    /// T.
    pub publish_at: Timestamp,
    /// The calendar entry that it was staged for; `None` for a run staged outright.
    pub entry: Option<String>,
    /// From when to when it spends the app's budget.
    pub refresh: Span,
    /// From when to when it spends the publisher's budget.
    pub check: Span,
    /// Whether it still goes on, or is still to come.
    pub state: PastState,
    /// From the claim to the schedule seen published, in ms, if it was watched without a break.
    pub publish_ms: Option<i64>,
    /// The shortest life of a token that it refreshed, in ms, if it refreshed any.
    pub token_life_ms: Option<i64>,
    /// Whether anybody in it needed help, so that it could have taught something about remedies.
    pub had_stragglers: bool,
    /// How its remedies fared.
    pub fared: Vec<Fared>,
}

/// Whether a run is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PastState {
    /// It settled, stopped, or ended in doubt.
    Over,
    /// It has not.
    Open,
}

/// From one instant to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// From when on.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
}

impl Span {
    /// Whether the two have more than a moment in common.
    #[must_use]
    pub fn meets(self, other: Span) -> bool {
        self.from < other.to && other.from < self.to
    }
}

/// What was learnt; `None` where no run has shown it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Learnt {
    /// The longest of the newest publishes of the business unit, in ms.
    pub publish: Option<Seen>,
    /// The life of a refreshed token as the newest run saw it, in ms.
    pub token_life: Option<Seen>,
}

/// A number that runs have shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The number, in ms.
    pub ms: i64,
    /// How many runs have shown it.
    pub runs: usize,
}

impl Past {
    /// What a journal tells; `None` when it does not begin with a plan.
    #[must_use]
    pub fn of(records: &[Record]) -> Option<Past> {
        let Event::Staged { plan } = &records.first()?.event else { return None };
        let state = if records.iter().any(|r| ends(&r.event)) || is_in_doubt(records) {
            PastState::Over
        } else {
            PastState::Open
        };
        Some(Past {
            api: plan.api.clone(),
            client: plan.client.clone(),
            unit: plan.business_unit.id.clone(),
            unit_name: plan.business_unit.name.clone(),
            schedule: plan.schedule.id.clone(),
            publish_at: plan.publish_at,
            entry: plan.policy.entry.clone(),
            refresh: refresh_span(plan),
            check: check_span(plan),
            state,
            publish_ms: publish_ms(records),
            token_life_ms: records.iter().filter_map(token_life_ms).min(),
            had_stragglers: records.iter().any(|record| has_stragglers(&record.event)),
            fared: fared(records),
        })
    }
    /// Whether it is of the org at `api`; a run that did not keep its host may be.
    #[must_use]
    pub fn is_at(&self, api: Option<&str>) -> bool {
        self.api.is_none() || api.is_none() || self.api.as_deref() == api
    }
}

fn ends(event: &Event) -> bool {
    matches!(event, Event::Settled { .. } | Event::Stopped { .. })
}

/// Whether a person must look, and nobody has asked to look again: such a run stands in nobody's way.
fn is_in_doubt(records: &[Record]) -> bool {
    let about = |r: &&Record| matches!(r.event, Event::PublishUnconfirmed { .. } | Event::PublishDoubted { .. });
    records.iter().rfind(about).is_some_and(|r| matches!(r.event, Event::PublishUnconfirmed { .. }))
}

/// From when to when a plan spends the app's budget.
#[must_use]
pub fn refresh_span(plan: &Plan) -> Span {
    Span { from: plan.refresh_at(), to: plan.prepare_at() }
}

/// From when to when a plan spends the publisher's budget.
#[must_use]
pub fn check_span(plan: &Plan) -> Span {
    Span { from: plan.prepare_at(), to: plan.settle_at() }
}

/// Learns from runs of one org, the newest first, for a business unit.
#[must_use]
pub fn learn(past: &[Past], unit: &BusinessUnitId) -> Learnt {
    let of_unit = past.iter().filter(|p| p.unit == *unit);
    let publishes: Vec<i64> = of_unit.filter_map(|p| p.publish_ms).take(PUBLISHES_MAX).collect();
    let longest = publishes.iter().max().map(|ms| Seen { ms: *ms, runs: publishes.len() });
    // The client's setting may have changed since an older run, and it is the client's, not the business unit's.
    let life = past.iter().find_map(|p| p.token_life_ms).map(|ms| Seen { ms, runs: 1 });
    Learnt { publish: longest, token_life: life }
}

/// How remedies fared in the newest runs of one org, the newest first, that had stragglers. A run in which a rung was left out
/// counts like any other, so that what is known of it grows old and it is tried again.
#[must_use]
pub fn learn_remedies(past: &[Past]) -> Vec<Fared> {
    let newest = past.iter().filter(|run| run.had_stragglers).take(RUNS_OF_REMEDIES_MAX);
    together(newest.map(|run| run.fared.as_slice()))
}

fn has_stragglers(event: &Event) -> bool {
    match event {
        Event::Judged { verdicts } => verdicts.iter().any(|(_, verdict)| matches!(verdict, Verdict::Straggler { .. })),
        _ => false,
    }
}

/// From the first claim to the schedule seen published. `None` when a process was lost, or gave up looking, in between:
/// then the schedule was complete long before anybody saw it.
fn publish_ms(records: &[Record]) -> Option<i64> {
    let claimed = records.iter().position(|r| matches!(r.event, Event::PublishClaimed { .. }))?;
    let after = records.get(claimed..)?;
    let confirmed = after.iter().position(|r| matches!(r.event, Event::PublishConfirmed { .. }))?;
    let between = after.get(..=confirmed)?;
    let unwatched = |e: &Event| matches!(e, Event::TakenUp | Event::PublishUnconfirmed { .. });
    if between.iter().any(|r| unwatched(&r.event)) {
        return None;
    }
    Some(between.last()?.at.since_ms(between.first()?.at).max(0))
}

fn token_life_ms(record: &Record) -> Option<i64> {
    let Event::TokenRefreshed { expires_at, .. } = &record.event else { return None };
    Some(expires_at.since_ms(record.at)).filter(|ms| *ms > 0)
}
