//! What all publishes say together about whether softphones are lost by them.
//!
//! Must never: call an association a cause, or leave a run out without a rule.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Fields, unshown};
use crate::law::evidence::{Evidence, Finding, pooled};
use crate::shells::web::Room;
use crate::shells::web::access::Caller;
use crate::shells::web::book::Kept;
use crate::shells::web::problem::Problem;

/// Runs that are looked at, the newest.
const RUNS_MAX: usize = 500;

/// Which publishes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EvidenceWanted {
    /// Only those of this business unit, by name or id.
    business_unit: Option<String>,
}

/// What all publishes say together.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EvidenceDoc {
    /// The publishes that were watched before and checked after, the newest first.
    runs: Vec<FridayDoc>,
    /// How many.
    publishes: usize,
    /// Agents that were watched, all publishes together.
    agents: u64,
    /// What they say together.
    #[schema(value_type = Value)]
    finding: Finding,
}

/// One publish.
#[derive(Debug, Serialize, ToSchema)]
struct FridayDoc {
    /// The run.
    run: String,
    /// The business unit's name.
    business_unit: String,
    /// T.
    #[schema(format = "date-time")]
    publish_at: String,
    /// The time zone in which T was chosen.
    #[schema(example = "America/Chicago")]
    zone: String,
    /// Agents that were watched.
    agents: u64,
    /// Losses and exposure before the publish and after it.
    #[schema(value_type = Object)]
    evidence: Evidence,
    /// What they say.
    #[schema(value_type = Value)]
    finding: Finding,
}

/// What all publishes say together
///
/// Of the newest 500 runs, those that were watched before their publish and checked after it.
#[utoipa::path(get, path = "/api/v1/evidence", tag = "look", params(EvidenceWanted), responses(
    (status = 200, description = "The evidence", body = EvidenceDoc),
    (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn evidence(
    State(room): State<Room>,
    _caller: Caller,
    Fields(wanted): Fields<EvidenceWanted>,
) -> Result<Json<EvidenceDoc>, Problem> {
    let office = room.office()?;
    let page = office.book.cards(None, RUNS_MAX).await.map_err(unshown(office))?;
    let kept = page.map(|(kept, _)| kept).unwrap_or_default();
    let is_wanted = |kept: &Kept| {
        let unit = wanted.business_unit.as_deref();
        let card = &kept.card;
        unit.is_none_or(|unit| card.business_unit_id == unit || card.business_unit.eq_ignore_ascii_case(unit))
    };
    let tells = |kept: &Kept| kept.evidence.before.agent_ms > 0 && kept.evidence.after.agent_ms > 0;
    let fridays: Vec<&Kept> = kept.iter().map(|kept| &**kept).filter(|kept| is_wanted(kept) && tells(kept)).collect();
    let all: Vec<Evidence> = fridays.iter().map(|kept| kept.evidence).collect();
    let runs = fridays.iter().map(|kept| FridayDoc {
        run: kept.card.run.clone(),
        business_unit: kept.card.business_unit.clone(),
        publish_at: kept.card.publish_at.clone(),
        zone: kept.card.zone.clone(),
        agents: kept.watched_agents,
        evidence: kept.evidence,
        finding: kept.evidence.finding(),
    });
    Ok(Json(EvidenceDoc {
        runs: runs.collect(),
        publishes: all.len(),
        agents: fridays.iter().map(|kept| kept.watched_agents).sum(),
        finding: pooled(&all),
    }))
}
