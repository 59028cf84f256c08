//! Stages a simulated Friday: reads the twin as staging does, but in no time and without faults.
//!
//! Must never: draw chance; that is the lot's and the life's.

use std::sync::Arc;

use serde_json::{Value, json};

use super::lot::{Lot, Revoking};
use crate::hands::genesys::login::token_request;
use crate::law::plan::{BusinessUnit, Limits, Mechanisms, Member, PinnedSchedule, Plan, RemedyPolicy, Timing};
use crate::twin::{APP_CLIENT_ID, APP_CLIENT_SECRET, PUBLISHER_CLIENT_ID, PUBLISHER_CLIENT_SECRET, Twin};
use crate::words::clock::{Seed, Timestamp};
use crate::words::http::{Method, Request};
use crate::words::id::{AgentId, BusinessUnitId, ManagementUnitId, ScheduleId, WeekDate};
use crate::words::secret::Secret;

/// Where the twin is said to live; no socket is behind it.
pub(super) const BASE_URL: &str = "http://127.0.0.1:9";
/// The client that publishes, as the twin knows it.
pub(super) const PUBLISHER: (&str, &str) = (PUBLISHER_CLIENT_ID, PUBLISHER_CLIENT_SECRET);
/// The organisation's own app, as the twin knows it.
pub(super) const APP: (&str, &str) = (APP_CLIENT_ID, APP_CLIENT_SECRET);

/// Reads the org and makes the plan.
pub(super) fn plan(
    twin: &mut Twin,
    lot: &Lot,
    seed: &Seed,
    now: Timestamp,
    publish_at: Timestamp,
) -> Option<Arc<Plan>> {
    let token = login(twin, now)?;
    let mut get = |path: &str| api(twin, now, &token, Request::new(Method::Get, format!("{BASE_URL}{path}")));
    let wfm = "/api/v2/workforcemanagement/businessunits";
    let units = get(wfm);
    let unit = units["entities"].get(0)?;
    let unit_id = BusinessUnitId::new(unit["id"].as_str()?).ok()?;
    let schedules = get(&format!("{wfm}/{unit_id}/weeks/recent/schedules"));
    let draft = schedules["entities"].as_array()?.iter().find(|s| s["published"] == json!(false))?;
    let week = WeekDate::new(draft["weekDate"].as_str()?).ok()?;
    let id = ScheduleId::new(draft["id"].as_str()?).ok()?;
    let schedule = get(&format!("{wfm}/{unit_id}/weeks/{week}/schedules/{id}?expand=managementUnits.agents"));
    let version = schedule["metadata"]["version"].as_i64()?;
    let mut told = |namespace: &str, key: &str| {
        let limits = get(&format!("/api/v2/organizations/limits/namespaces/{namespace}"));
        let limit = limits["entities"].as_array()?.iter().find(|limit| limit["key"] == json!(key))?;
        limit["value"].as_u64().and_then(|calls| u32::try_from(calls).ok())
    };
    let limits = Limits {
        calls_per_minute: told("platform.api", "client.credentials.token.rate.per.minute"),
        auth_calls_per_minute: told("auth.api", "token.rate.per.minute"),
        ..lot.limits.clone()
    };
    let enrolled: Vec<AgentId> = twin.enrolments().into_iter().map(|(agent, _, _)| agent).collect();
    let shift_start = publish_at + lot.shift_after_ms;
    let roster: Vec<Member> =
        schedule["managementUnits"].as_array()?.iter().flat_map(|unit| members(unit, &enrolled, shift_start)).collect();
    let mechanisms = Mechanisms {
        media_probe: lot.reported,
        session_reset: lot.reported,
        authentication_refresh: lot.reported,
        revoke_tokens: lot.revoking != Revoking::Never,
        companion: lot.scenario.softphone.companions,
        renew_sessions: lot.scenario.softphone.companions && lot.reported,
        ..Mechanisms::default()
    };
    let plan = Plan {
        api: None,
        client: None,
        business_unit: BusinessUnit { id: unit_id, name: "simulated".to_owned() },
        week,
        schedule: PinnedSchedule { id, description: "simulated".to_owned(), version },
        publish_at,
        zone: "America/Chicago".to_owned(),
        roster,
        timing: Timing { young_ms: lot.young_ms, ..timing() },
        limits,
        remedies: RemedyPolicy { revoke_on_shift: lot.revoking == Revoking::Always, ..RemedyPolicy::default() },
        mechanisms,
        seed: seed.fork("plan"),
        policy: lot.policy.clone(),
    };
    // As staging does: a plan without agents would keep every rule about agents, and prove nothing.
    plan.check(now).ok()?;
    Some(Arc::new(plan))
}

/// Shorter than a real Friday's, so that a life has fewer empty hours.
fn timing() -> Timing {
    Timing {
        refresh_lead_ms: 600_000,
        late_by_max_ms: 300_000,
        publish_window_ms: 300_000,
        settle_after_ms: 1_200_000,
        ..Timing::default()
    }
}

fn members(unit: &Value, enrolled: &[AgentId], shift_start: Timestamp) -> Vec<Member> {
    let management_unit = unit["managementUnit"]["id"].as_str().and_then(|id| ManagementUnitId::new(id).ok());
    let agents = unit["agents"].as_array().cloned().unwrap_or_default();
    let ids = agents.iter().filter_map(|a| AgentId::new(a["id"].as_str()?).ok());
    let member = |agent: AgentId| {
        Some(Member {
            name: agent.to_string(),
            management_unit: management_unit.clone()?,
            shift_start: Some(shift_start),
            enrolled: enrolled.contains(&agent),
            agent,
        })
    };
    ids.filter_map(member).collect()
}

/// Somebody else edits the schedule: its version moves on, and it stays a draft.
pub(super) fn edit(twin: &mut Twin, plan: &Plan, now: Timestamp) -> Option<()> {
    let token = login(twin, now)?;
    let path = format!(
        "{BASE_URL}/api/v2/workforcemanagement/businessunits/{}/weeks/{}/schedules/{}/update",
        plan.business_unit.id, plan.week, plan.schedule.id
    );
    let body = json!({ "metadata": { "version": plan.schedule.version } }).to_string();
    let url =
        Request::new(Method::Post, format!("{path}/uploadurl")).json(&json!({ "contentLengthBytes": body.len() }));
    let upload = api(twin, now, &token, url);
    let mut put = Request::new(Method::Put, upload["url"].as_str()?);
    for (name, value) in upload["headers"].as_object().into_iter().flatten() {
        put = put.header(&name.to_lowercase(), value.as_str().unwrap_or_default());
    }
    put.body = gzip(body.as_bytes())?;
    twin.handle(now, &put);
    let update = Request::new(Method::Post, path).json(&json!({ "uploadKey": upload["uploadKey"] }));
    api(twin, now, &token, update);
    Some(())
}

fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

fn login(twin: &mut Twin, now: Timestamp) -> Option<String> {
    let secret = Secret::new(PUBLISHER.1.to_owned());
    let request = token_request(BASE_URL, PUBLISHER.0, &secret, &[("grant_type", "client_credentials")]);
    patiently(twin, now, &request)["access_token"].as_str().map(str::to_owned)
}

fn api(twin: &mut Twin, now: Timestamp, token: &str, request: Request) -> Value {
    patiently(twin, now, &request.header("authorization", format!("Bearer {token}")))
}

/// Asks until the org is available and has a turn: what is staged here is staged hours before T, and nothing of it is under test.
fn patiently(twin: &mut Twin, now: Timestamp, request: &Request) -> Value {
    let answers = (0..500).map(|s| twin.handle(now + s * 1_000, request));
    answers
        .into_iter()
        .find(|answer| !matches!(answer.status, 429 | 503))
        .map(|answer| answer.value())
        .unwrap_or_default()
}
