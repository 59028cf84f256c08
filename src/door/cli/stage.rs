//! `softlanding stage`: stages a publish and says what was understood; with `--explain`, only says it.
//!
//! Must never: leave a run behind when it refuses, or when it only explains.

use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use crate::door::cli::args::StageArgs;
use crate::door::cli::{intent, open, out};
use crate::door::config::Config;
use crate::door::error::{ExitCode, Failure};
use crate::law::lead::TooTight;
use crate::law::plan::{Approval, Plan, Policy};
use crate::shells::stage::{
    Refusal, StageRequest, Staged, Timetable, Tools, Weighed, echo, echo_weighed, explain, stage as put, weigh,
};
use crate::words::calendar::{describe, parse_when};
use crate::words::clock::{Seed, Timestamp};

pub(super) async fn stage(args: &StageArgs) -> Result<ExitCode, Failure> {
    let config = open::config(&args.config.config)?;
    let clock = open::clock(&config).await?;
    let request = wanted(&config, args, clock.now())?;
    let publish_at = request.publish_at;
    let client = open::client(&config, clock).await?;
    let vault = config.open_vault(clock).await?;
    let hooks = config.open_hooks();
    let history = open::history(&config).await?;
    let tools = Tools { client: &client, vault: vault.as_ref(), hooks: &hooks, history: &history };
    if args.explain {
        return explained(args, weigh(&request, &tools, clock.now()).await, publish_at.zone);
    }
    let ready = put(&request, &tools, clock.now()).await?;
    // Opened last: a refusal leaves not even an empty journal behind.
    let journal = open::new_journal(&config).await?;
    let staged = ready.record(&journal).await?;
    let now = clock.now();
    if args.json {
        out::document("softlanding.stage.v1", document(&staged, now));
    } else {
        out::say(echo(&staged.run, &staged.plan, &staged.timetable, &staged.warnings, now));
        out::say([String::new(), format!("Staged. Carry it out with: softlanding run {}", staged.run)]);
    }
    Ok(ExitCode::Done)
}

/// What is asked for, by an entry of the calendar or outright.
fn wanted(config: &Config, args: &StageArgs, now: Timestamp) -> Result<StageRequest, Failure> {
    let mut request = match &args.publish {
        Some(name) => {
            let entry = intent::entry(config, name)?;
            intent::entry_request(config, entry, intent::instant(entry, args.at.as_deref(), now)?)
        }
        None => {
            let publish_at = parse_when(args.at.as_deref().unwrap_or_default(), now, config.zone)?;
            let approval = if args.require_approval { Approval::Required } else { Approval::NotNeeded };
            let policy = Policy { approval, on_drift: args.on_drift, ..Policy::default() };
            let unit = args.business_unit.as_deref().unwrap_or_default();
            StageRequest { policy, ..intent::request(config, unit, publish_at) }
        }
    };
    if let Some(week) = args.week {
        request.week = week;
    }
    if args.schedule.is_some() {
        request.schedule.clone_from(&args.schedule);
    }
    if let Some(seed) = args.seed {
        request.seed = Seed(seed);
    }
    Ok(request)
}

/// Shows the arithmetic, also of what is refused.
fn explained(args: &StageArgs, weighed: Result<Weighed, Refusal>, zone: Tz) -> Result<ExitCode, Failure> {
    match weighed {
        Ok(weighed) => {
            explain_fit(args, &weighed, zone);
            Ok(ExitCode::Done)
        }
        Err(refusal) => {
            if let Refusal::TooTight { tight, timetable } = &refusal {
                explain_misfit(args, tight, timetable, zone);
            }
            Err(refusal.into())
        }
    }
}

fn explain_fit(args: &StageArgs, weighed: &Weighed, zone: Tz) {
    let Weighed { plan, timetable, warnings, at } = weighed;
    if args.json {
        let mut document = intended(plan, timetable, warnings, *at);
        document.insert("recorded".to_owned(), json!(false));
        out::document("softlanding.stage.v1", Value::from(document));
    } else {
        out::say(echo_weighed(plan, timetable, warnings, *at));
        out::say([""]);
        out::say(explain(timetable, zone));
        out::say(["", "It fits. Nothing was recorded, and no hook was asked: this only explains."]);
    }
}

fn explain_misfit(args: &StageArgs, tight: &TooTight, timetable: &Timetable, zone: Tz) {
    if args.json {
        let refused = tight.to_string();
        let document = json!({ "recorded": false, "refused": refused, "help": tight.help(), "timetable": timetable });
        out::document("softlanding.stage.v1", document);
    } else {
        out::say(explain(timetable, zone));
        out::say(["", "It does not fit. Nothing was recorded."]);
    }
}

fn document(staged: &Staged, now: Timestamp) -> Value {
    let mut document = intended(&staged.plan, &staged.timetable, &staged.warnings, now);
    document.insert("run".to_owned(), json!(staged.run));
    document.into()
}

fn intended(plan: &Plan, timetable: &Timetable, warnings: &[String], now: Timestamp) -> Map<String, Value> {
    let zone = plan.zone.parse().unwrap_or(Tz::UTC);
    let entry = |(name, value): (&str, Value)| (name.to_owned(), value);
    let entries = [
        ("publish_at", json!(plan.publish_at.rfc3339())),
        ("publish_at_words", json!(describe(plan.publish_at, zone, now))),
        ("business_unit", json!(plan.business_unit)),
        ("week", json!(plan.week)),
        ("schedule", json!(plan.schedule)),
        ("agents", json!(plan.roster.len())),
        ("enrolled", json!(plan.roster.iter().filter(|m| m.enrolled).count())),
        ("refresh_at", json!(plan.refresh_at().rfc3339())),
        ("settle_at", json!(plan.settle_at().rfc3339())),
        ("mechanisms", json!(plan.mechanisms)),
        ("timetable", json!(timetable)),
        ("warnings", json!(warnings)),
    ];
    entries.into_iter().map(entry).collect()
}
