//! The agents of a run: in order of shift start, and each with its whole story.
//!
//! Must never: give more of them at once than its bound.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Fields, Places, run_id, unshown};
use crate::law::agent::Agent;
use crate::shells::report::document_agents::agent_document;
use crate::shells::web::Room;
use crate::shells::web::access::Caller;
use crate::shells::web::book::{AgentRow, VERDICTS, verdict_name};
use crate::shells::web::problem::{Kind, Problem};
use crate::words::clock::Timestamp;
use crate::words::id::{AgentId, Seat};

/// Agents of one page, at most.
const PAGE_MAX: u32 = 5_000;
const PAGE: u32 = 1_000;

/// Which agents.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AgentsWanted {
    /// Only those of this verdict: ready, recovered, deferred, straggler, unknown or not_checked.
    #[param(pattern = "^(ready|recovered|deferred|straggler|unknown|not_checked)$")]
    verdict: Option<String>,
    /// Those after this seat: the `next` of the page before.
    after: Option<u32>,
    /// How many, from 1 to 5000; 1000 when left out.
    #[param(minimum = 1, maximum = 5000)]
    limit: Option<u32>,
}

/// Agents, the earliest shift first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Agents {
    /// The agents.
    agents: Vec<AgentRow>,
    /// What `after` is to be for the next page; null after the last one.
    next: Option<u32>,
    /// The number of the run's newest record: events go on from it.
    last_seq: u64,
}

/// The agents of a run, the earliest shift first
#[utoipa::path(get, path = "/api/v1/runs/{run}/agents", tag = "look",
    params(("run" = String, Path, description = "The run's name", max_length = 64, example = "20261127-1600-care"), AgentsWanted),
    responses(
        (status = 200, description = "A page of agents", body = Agents),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn list(
    State(room): State<Room>,
    _caller: Caller,
    Places(run): Places<String>,
    Fields(wanted): Fields<AgentsWanted>,
) -> Result<Json<Agents>, Problem> {
    let office = room.office()?;
    let limit = wanted.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Problem::new(Kind::BadRequest, format!("limit is {limit}")).hint("accepted: 1 to 5000"));
    }
    if let Some(verdict) = wanted.verdict.as_deref().filter(|verdict| !VERDICTS.contains(verdict)) {
        let problem = Problem::new(Kind::BadRequest, format!("there is no verdict {verdict:?}"));
        return Err(problem.hint(format!("accepted: {}", VERDICTS.join(", "))));
    }
    let opened = office.book.run(&run_id(&run)?).await.map_err(unshown(office))?;
    let folded = opened.look().await.map_err(unshown(office))?;
    let from = match wanted.after {
        None => 0,
        Some(after) => {
            let at = folded.by_shift.iter().position(|seat| seat.0 == after);
            at.ok_or_else(|| Problem::new(Kind::NotFound, format!("there is no seat {after}")))? + 1
        }
    };
    let fits = |seat: &&Seat| {
        let verdict = folded.run.agent(**seat).and_then(|agent| agent.verdict);
        wanted.verdict.as_deref().is_none_or(|wanted| wanted == verdict_name(verdict))
    };
    let mut seats = folded.by_shift.iter().skip(from).filter(fits);
    let page: Vec<Seat> = seats.by_ref().take(limit as usize).copied().collect();
    let next = if seats.next().is_some() { page.last().map(|seat| seat.0) } else { None };
    let agents = page.into_iter().filter_map(|seat| folded.row(seat)).collect();
    Ok(Json(Agents { agents, next, last_seq: folded.run.seq }))
}

/// An agent's whole story.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AgentDetail {
    #[serde(flatten)]
    row: AgentRow,
    /// What was last seen, each signal from its own source, and when that spoke.
    signals: Vec<SignalDoc>,
    /// All that the report says about the agent: what was tried, what was refused, what was seen and done in order.
    #[schema(value_type = Object)]
    story: serde_json::Value,
}

/// A signal.
#[derive(Debug, Serialize, ToSchema)]
struct SignalDoc {
    /// station, presence, call, phone, probe, page, page_call or media_leg.
    signal: &'static str,
    /// What it says.
    #[schema(value_type = Value)]
    says: serde_json::Value,
    /// Where it comes from.
    source: &'static str,
    /// When that source last spoke of the agent; null for never.
    #[schema(format = "date-time")]
    at: Option<String>,
}

/// An agent's whole story
#[utoipa::path(get, path = "/api/v1/runs/{run}/agents/{agent}", tag = "look",
    params(
        ("run" = String, Path, description = "The run's name", max_length = 64, example = "20261127-1600-care"),
        ("agent" = String, Path, description = "The platform's user id", max_length = 64),
    ),
    responses(
        (status = 200, description = "The agent", body = AgentDetail),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn one(
    State(room): State<Room>,
    _caller: Caller,
    Places((run, agent)): Places<(String, String)>,
) -> Result<Json<AgentDetail>, Problem> {
    let office = room.office()?;
    let opened = office.book.run(&run_id(&run)?).await.map_err(unshown(office))?;
    let folded = opened.look().await.map_err(unshown(office))?;
    let seat = AgentId::new(&agent).ok().and_then(|agent| folded.run.seat_of(&agent));
    let found = seat.and_then(|seat| {
        let story = serde_json::to_value(agent_document(&folded.story, seat)?).ok()?;
        Some(AgentDetail { row: folded.row(seat)?, signals: signals(folded.run.agent(seat)?), story })
    });
    let nobody = || {
        Problem::new(Kind::NotFound, "there is no agent of that id on the roster of this run")
            .hint("GET /api/v1/runs/{run}/agents lists them")
    };
    found.map(Json).ok_or_else(nobody)
}

fn signals(agent: &Agent) -> Vec<SignalDoc> {
    let (signals, seen) = (&agent.signals, &agent.seen);
    let of = |signal, says: serde_json::Value, source, at: Timestamp| SignalDoc {
        signal,
        says,
        source,
        at: (at.0 > 0).then(|| at.rfc3339()),
    };
    let word = |value: serde_json::Result<serde_json::Value>| value.unwrap_or_default();
    vec![
        of("presence", word(serde_json::to_value(signals.presence)), "bulk read of users", seen.users),
        of("station", word(serde_json::to_value(&signals.station)), "bulk read of users", seen.users),
        of("call", word(serde_json::to_value(signals.call)), "bulk read of users", seen.users),
        of("phone", word(serde_json::to_value(signals.phone)), "bulk read of phones", seen.phone),
        of("probe", word(serde_json::to_value(signals.probe)), "media-token probe", seen.probe),
        of("page", word(serde_json::to_value(signals.page)), "the companion in the agent's page", seen.page),
        of("page_call", word(serde_json::to_value(signals.page_call)), "the companion in the agent's page", seen.page),
        of("media_leg", word(serde_json::to_value(signals.leg)), "pushed by the platform", seen.leg),
    ]
}
