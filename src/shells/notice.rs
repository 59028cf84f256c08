//! What a hook is told: the data of its document, made from a run.
//!
//! Must never: hold a token or any other secret.

use serde_json::{Value, json};

use crate::law::agent::Agent;
use crate::law::event::Wait;
use crate::law::run::Run;
use crate::law::verdict::{Rung, Verdict};
use crate::words::hook::HookPoint;
use crate::words::id::{RunId, Seat};

/// Stragglers named in one document, at most; the count says how many there are.
const STRAGGLERS_MAX: usize = 200;

/// The data of a document about `point`, and about the agent in `seat` at [`HookPoint::Straggler`].
#[must_use]
pub fn data(id: &RunId, run: &Run, point: HookPoint, seat: Option<Seat>) -> Value {
    let plan = &run.plan;
    let mut data = json!({
        "run": id,
        "phase": run.phase,
        "business_unit": { "id": plan.business_unit.id, "name": plan.business_unit.name },
        "week": plan.week,
        "schedule": { "id": plan.schedule.id, "description": plan.schedule.description, "version": plan.schedule.version },
        "publish_at": plan.publish_at.rfc3339(),
        "zone": plan.zone,
        "agents": plan.roster.len(),
        "enrolled": plan.roster.iter().filter(|m| m.enrolled).count(),
    });
    if let Some(agent) = seat.and_then(|seat| straggler(run, seat)) {
        data["agent"] = agent;
    }
    match point {
        HookPoint::PostCheck | HookPoint::Settled => {
            data["tally"] = json!(run.tally());
            data["stragglers"] = run.all_seats().filter_map(|s| still(run, s)).take(STRAGGLERS_MAX).collect();
        }
        HookPoint::Failed | HookPoint::Missed => data["why"] = json!(why_it_failed(run)),
        HookPoint::Late => {
            data["late_ms"] = json!(run.claimed_at.map(|at| at.since_ms(plan.publish_at)));
            data["waited_for"] = json!(run.waited.map(Wait::words));
        }
        // Whoever wants to tell them needs all of them.
        HookPoint::PostPublish => {
            data["not_told_by_the_platform"] =
                plan.untold().iter().map(|member| json!({ "id": member.agent, "name": member.name })).collect();
        }
        HookPoint::PreStage | HookPoint::PreRefresh | HookPoint::PrePublish | HookPoint::Straggler => {}
    }
    data
}

fn why_it_failed(run: &Run) -> String {
    match &run.stop {
        Some((_, why)) => why.clone(),
        None => "the publish was sent, and nobody saw whether it took effect".to_owned(),
    }
}

fn still(run: &Run, seat: Seat) -> Option<Value> {
    matches!(run.agent(seat)?.verdict, Some(Verdict::Straggler { .. })).then(|| straggler(run, seat)).flatten()
}

fn straggler(run: &Run, seat: Seat) -> Option<Value> {
    let (agent, member) = (run.agent(seat)?, run.plan.member(seat)?);
    let reason = match agent.verdict {
        Some(Verdict::Straggler { reason }) => Some(reason.words()),
        Some(Verdict::Ready | Verdict::Recovered { .. } | Verdict::Deferred { .. } | Verdict::Unknown { .. })
        | None => None,
    };
    Some(json!({
        "id": member.agent,
        "name": member.name,
        "management_unit": member.management_unit,
        "shift_start": member.shift_start.map(|at| at.rfc3339()),
        "enrolled": member.enrolled,
        "reason": reason,
        "tried": tried(agent),
    }))
}

fn tried(agent: &Agent) -> Vec<&'static str> {
    let was_tried = |rung: &Rung| *rung != Rung::Ask && agent.tried.get(rung.index()).is_some_and(|n| *n > 0);
    Rung::ALL.into_iter().filter(was_tried).map(Rung::words).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::shells::report::sample;

    #[test]
    fn whom_the_platform_does_not_tell_is_named_after_the_publish_and_all_of_them() {
        let id = RunId::new("friday").unwrap();
        for (agents, untold) in [(1_000, 0), (1_250, 250)] {
            let run = Run::staged(Arc::new(sample::plan(1, agents)));
            let told = data(&id, &run, HookPoint::PostPublish, None);
            let named = told["not_told_by_the_platform"].as_array().unwrap();
            assert_eq!(named.len(), untold);
            assert_eq!(run.all_seats().filter(|seat| !run.plan.is_told(*seat)).count(), untold);
            let last = run.plan.roster.last().unwrap().agent.as_str();
            assert_eq!(named.last().map(|agent| agent["id"] == last), (untold > 0).then_some(true));
            assert!(data(&id, &run, HookPoint::PrePublish, None).get("not_told_by_the_platform").is_none());
        }
    }
}
