//! `softlanding stage`: stages a publish and says what was understood.
//!
//! Must never: leave a run behind when it refuses.

use serde_json::json;

use crate::door::cli::args::StageArgs;
use crate::door::cli::{intent, open, out};
use crate::door::error::{ExitCode, Failure};
use crate::hands::journal::SqliteJournal;
use crate::law::plan::Policy;
use crate::shells::stage::{StageRequest, Staged, Tools, echo, stage as put};
use crate::words::calendar::{describe, parse_when};
use crate::words::clock::{Seed, Timestamp};

pub(super) async fn stage(args: &StageArgs) -> Result<ExitCode, Failure> {
    let config = open::config(&args.config.config)?;
    let clock = open::clock(&config).await?;
    let publish_at = parse_when(&args.at, clock.now(), config.zone)?;
    let client = open::client(&config, clock).await?;
    let vault = config.open_vault().await?;
    let hooks = config.open_hooks();
    let request = StageRequest {
        business_unit: args.business_unit.clone(),
        week: args.week,
        schedule: args.schedule.clone(),
        publish_at,
        timing: config.timing.clone(),
        limits: config.limits.clone(),
        remedies: config.remedies.clone(),
        policy: Policy::default(),
        mechanisms: intent::mechanisms(&config),
        seed: args.seed.map_or_else(Seed::from_system, Seed),
    };
    let tools = Tools { client: &client, vault: vault.as_ref(), hooks: &hooks };
    let ready = put(&request, &tools, clock.now()).await?;
    // Opened last: a refusal leaves not even an empty journal behind.
    let journal = SqliteJournal::open(open::sqlite_path(&config)?).await?;
    let staged = ready.record(&journal).await?;
    let now = clock.now();
    if args.json {
        out::say([document(&staged, now).to_string()]);
    } else {
        out::say(echo(&staged.run, &staged.plan, &staged.budget, &staged.warnings, now));
        out::say([String::new(), format!("Staged. Carry it out with: softlanding run {}", staged.run)]);
    }
    Ok(ExitCode::Done)
}

fn document(staged: &Staged, now: Timestamp) -> serde_json::Value {
    let plan = &staged.plan;
    let zone = plan.zone.parse().unwrap_or(chrono_tz::Tz::UTC);
    json!({
        "run": staged.run,
        "publish_at": plan.publish_at.rfc3339(),
        "publish_at_words": describe(plan.publish_at, zone, now),
        "business_unit": plan.business_unit,
        "week": plan.week,
        "schedule": plan.schedule,
        "agents": plan.roster.len(),
        "enrolled": plan.roster.iter().filter(|m| m.enrolled).count(),
        "refresh_at": plan.refresh_at().rfc3339(),
        "settle_at": plan.settle_at().rfc3339(),
        "mechanisms": plan.mechanisms,
        "warnings": staged.warnings,
    })
}
