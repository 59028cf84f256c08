//! A run in a few fields: how it stands, what it needs, what it can be told.
//!
//! Must never: offer an order that would be refused.

use chrono_tz::Tz;
use serde::Serialize;
use utoipa::ToSchema;

use crate::law::decide::orders::refusal;
use crate::law::event::{Phase, Tally};
use crate::law::order::Wish;
use crate::law::punctuality::{Fate, Publish};
use crate::law::run::Run;
use crate::shells::report::Story;
use crate::shells::report::document::ending_name;
use crate::shells::report::needs::{ApprovalState, Needs, approval, is_held, needs};
use crate::words::calendar::stamp;
use crate::words::id::RunId;

/// A run in a few fields.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::shells::web) struct RunCard {
    /// Its name.
    #[schema(example = "20261127-1600-care")]
    pub(in crate::shells::web) run: String,
    /// The entry of the calendar that it was staged for; null for one that was staged outright.
    pub(in crate::shells::web) entry: Option<String>,
    /// The business unit's name.
    pub(in crate::shells::web) business_unit: String,
    /// The business unit's id.
    pub(in crate::shells::web) business_unit_id: String,
    /// The first day of the week whose schedule is published.
    #[schema(format = "date")]
    pub(in crate::shells::web) week: String,
    /// The schedule's description.
    pub(in crate::shells::web) schedule: String,
    /// T.
    #[schema(format = "date-time")]
    pub(in crate::shells::web) publish_at: String,
    /// T on the wall clock of `zone`.
    #[schema(example = "Fri 27 Nov 2026 16:00:00 CST UTC-6")]
    pub(in crate::shells::web) publish_local: String,
    /// The time zone in which T was chosen.
    #[schema(example = "America/Chicago")]
    pub(in crate::shells::web) zone: String,
    /// Where it is: waiting, refreshing, preparing, publishing, checking, settling, settled, stopped or in_doubt.
    #[schema(value_type = String, example = "checking")]
    pub(in crate::shells::web) phase: Phase,
    /// Whether nothing more will happen without a person.
    pub(in crate::shells::web) over: bool,
    /// How it ended: open, settled, vetoed, drifted, missed, refused, aborted or in_doubt.
    #[schema(example = "open")]
    pub(in crate::shells::web) ending: &'static str,
    /// Whether the publish is held or, after it, the remedies.
    pub(in crate::shells::web) held: bool,
    /// Whether somebody must approve it, and has.
    pub(in crate::shells::web) approval: ApprovalState,
    /// What it needs of a person; null for nothing.
    pub(in crate::shells::web) needs: Option<Needs>,
    /// Why it needs that, or why it stopped.
    pub(in crate::shells::web) why: Option<String>,
    /// Agents on its roster.
    pub(in crate::shells::web) agents: u32,
    /// Agents by verdict.
    pub(in crate::shells::web) tally: TallyCard,
    /// Agents that nobody has looked at so far.
    pub(in crate::shells::web) not_checked: u32,
    /// Agents on a call; part of the deferred.
    pub(in crate::shells::web) on_call: u32,
    /// What became of the publish.
    pub(in crate::shells::web) publish: PublishCard,
    /// What it can be told now: approve, hold, resume, abort; and retry, of an agent.
    #[schema(value_type = Vec<String>, example = json!(["hold", "abort"]))]
    pub(in crate::shells::web) allowed: Vec<&'static str>,
    /// The number of its newest record.
    pub(in crate::shells::web) last_seq: u64,
}

/// Agents by verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::shells::web) struct TallyCard {
    /// Ready without help.
    ready: u32,
    /// Ready after a remedy.
    recovered: u32,
    /// On a call, or logged out.
    deferred: u32,
    /// Not ready.
    stragglers: u32,
    /// A signal is missing.
    unknown: u32,
}

impl From<Tally> for TallyCard {
    fn from(tally: Tally) -> TallyCard {
        let Tally { ready, recovered, deferred, stragglers, unknown } = tally;
        TallyCard { ready, recovered, deferred, stragglers, unknown }
    }
}

/// What became of the publish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::shells::web) struct PublishCard {
    /// on_time, late, elsewhere, missed, vetoed, drifted, refused, aborted or in_doubt; null while it is open.
    #[schema(example = "on_time")]
    fate: Option<&'static str>,
    /// How long after T its request left, in ms; null when none has.
    late_ms: Option<i64>,
}

impl PublishCard {
    /// Whether it is not known yet what becomes of it.
    pub(in crate::shells::web) fn is_open(&self) -> bool {
        self.fate.is_none()
    }
}

/// Everything that a run can be told.
const WISHES: [Wish; 6] = [Wish::Approve, Wish::Hold, Wish::Resume, Wish::Abort, Wish::Retry, Wish::Elsewhere];

/// Whether a run can be told that now; that an agent is tried again, once agents are.
fn is_possible(run: &Run, wish: Wish) -> bool {
    match wish {
        Wish::Approve | Wish::Hold | Wish::Resume | Wish::Abort | Wish::Elsewhere => refusal(run, wish, None).is_none(),
        Wish::Retry => run.phase == Phase::Checking && !run.brake.stops(),
    }
}

pub(super) fn card(id: &RunId, run: &Run, story: &Story, publish: &Publish) -> RunCard {
    let plan = &run.plan;
    let zone: Tz = plan.zone.parse().unwrap_or(Tz::UTC);
    let need = needs(story);
    let stopped = run.stop.as_ref().map(|(_, why)| why.clone());
    RunCard {
        run: id.to_string(),
        entry: plan.policy.entry.clone(),
        business_unit: plan.business_unit.name.clone(),
        business_unit_id: plan.business_unit.id.to_string(),
        week: plan.week.to_string(),
        schedule: plan.schedule.description.clone(),
        publish_at: plan.publish_at.rfc3339(),
        publish_local: stamp(plan.publish_at, zone),
        zone: plan.zone.clone(),
        phase: run.phase,
        over: run.is_over(),
        ending: ending_name(story),
        held: is_held(story),
        approval: approval(story),
        needs: need.as_ref().map(|need| need.what),
        why: need.map(|need| need.why).or(stopped),
        agents: u32::try_from(plan.roster.len()).unwrap_or(u32::MAX),
        tally: story.counts.tally.into(),
        not_checked: story.counts.unjudged,
        on_call: story.counts.on_call,
        publish: PublishCard { fate: publish.fate().map(Fate::word), late_ms: publish.late_ms() },
        allowed: WISHES.into_iter().filter(|wish| is_possible(run, *wish)).map(Wish::words).collect(),
        last_seq: run.seq,
    }
}
