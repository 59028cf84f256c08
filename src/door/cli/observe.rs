//! `softlanding observe`: watches a Friday that somebody else publishes, and says whether softphones were lost by it.
//!
//! Must never: change anything, or call an association a cause.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::door::cli::args::ObserveArgs;
use crate::door::cli::{intent, open, out, stop};
use crate::door::config::Config;
use crate::door::error::{ExitCode, Failure};
use crate::law::evidence::{Evidence, Exposure, pooled};
use crate::shells::observe::{Observed, Watch, observe as watch};
use crate::shells::report::losses::{finding_words, rate_words};
use crate::shells::report::words::{Zone, clean, counted, duration};
use crate::shells::rollcall::{self, Called};
use crate::words::calendar::parse_when;
use crate::words::clock::Timestamp;
use crate::words::wrap::wrap_words;

const WIDTH: usize = 80;

pub(super) async fn observe(args: &ObserveArgs) -> Result<ExitCode, Failure> {
    let config = open::config(&args.config.config)?;
    // What cannot be read or written is said now, and not after an hour of watching.
    let earlier = args.pool.iter().map(|file| Ok(read(file)?.evidence)).collect::<Result<Vec<_>, Failure>>()?;
    if let Some(file) = &args.out {
        std::fs::File::options().create(true).append(true).open(file).map_err(|e| unwritable(file, e))?;
        keeps_nothing(file)?;
    }
    let clock = open::clock(&config).await?;
    let (unit, publish_at) = wanted(&config, args, clock.now())?;
    let client = open::client(&config, clock).await?;
    let unit = rollcall::unit(&client, &unit).await?;
    let zone = Zone::named(config.zone.name());
    let watched = Watch {
        publish_at,
        before_ms: args.before,
        after_ms: args.after,
        within_ms: args.within,
        every_ms: args.every.max(1_000),
    };
    let tell = |called: &Called| {
        if !args.json {
            out::say([line(called, zone)]);
        }
    };
    let observed = watch(&client, &unit, &config.limits, watched, tell, stop::asked()?).await;
    let mut fridays = earlier;
    fridays.push(observed.evidence);
    let document = document(&observed, &fridays);
    if let Some(file) = &args.out {
        std::fs::write(file, format!("{document}\n")).map_err(|e| unwritable(file, e))?;
    }
    if args.json {
        out::document("softlanding.observation.v1", document);
    } else {
        out::say(summary(&observed, &fridays, zone));
    }
    Ok(if observed.interrupted { ExitCode::Interrupted } else { ExitCode::Done })
}

/// An observation cannot be made again, so none is written over.
fn keeps_nothing(file: &Path) -> Result<(), Failure> {
    let length = std::fs::metadata(file).map_err(|e| unwritable(file, e))?.len();
    if length == 0 {
        return Ok(());
    }
    let message = format!("{} holds something already", file.display());
    Err(Failure::new(ExitCode::Usage, message).hint("name a new file; earlier observations are pooled with --pool"))
}

fn wanted(config: &Config, args: &ObserveArgs, now: Timestamp) -> Result<(String, Timestamp), Failure> {
    if let Some(name) = &args.publish {
        let entry = intent::entry(config, name)?;
        return Ok((entry.business_unit.clone(), intent::instant(entry, args.at.as_deref(), now)?.at));
    }
    let unit = args.business_unit.clone().unwrap_or_default();
    let at = args.at.as_deref().map_or(Ok(now), |at| parse_when(at, now, config.zone).map(|when| when.at))?;
    Ok((unit, at))
}

/// An earlier observation, as far as it is pooled.
#[derive(Deserialize)]
pub(super) struct Earlier {
    /// The business unit's name.
    pub(super) business_unit: String,
    watch: EarlierWatch,
    /// What it saw.
    pub(super) evidence: Evidence,
}

#[derive(Deserialize)]
struct EarlierWatch {
    publish_at: Timestamp,
}

impl Earlier {
    /// The publish that it is about.
    pub(super) fn publish_at(&self) -> Timestamp {
        self.watch.publish_at
    }
}

/// What `--out` of an earlier watch wrote.
pub(super) fn read(file: &Path) -> Result<Earlier, Failure> {
    let unreadable = || Failure::new(ExitCode::Usage, format!("{} is no observation", file.display()));
    let hint = "name files that `softlanding observe --out` wrote";
    let text = std::fs::read_to_string(file).map_err(|e| unreadable().because(e).hint(hint))?;
    serde_json::from_str(&text).map_err(|e| unreadable().because(e).hint(hint))
}

fn unwritable(file: &Path, e: std::io::Error) -> Failure {
    Failure::new(ExitCode::Access, format!("{} cannot be written", file.display())).because(e)
}

fn line(called: &Called, zone: Zone) -> String {
    let tally = called.roll.tally();
    let torn = if called.gaps.is_empty() { "" } else { "; not all could be read" };
    format!(
        "{}  {} ready, {} deferred, {} cannot take a call, {} unknown{torn}",
        zone.clock(called.span.from),
        tally.ready,
        tally.deferred,
        tally.stragglers,
        tally.unknown
    )
}

fn document(observed: &Observed, fridays: &[Evidence]) -> Value {
    let mut document = json!(observed);
    document["finding"] = json!(observed.evidence.finding());
    if fridays.len() > 1 {
        document["pooled"] = json!({
            "observations": fridays.len(),
            "evidence": Evidence::sum(fridays),
            "finding": pooled(fridays),
        });
    }
    document
}

fn summary(observed: &Observed, fridays: &[Evidence], zone: Zone) -> Vec<String> {
    let within = duration(observed.watch.within_ms);
    let looks = counted(observed.looks.len() as u64 + 1, "look", "looks");
    let ended = if observed.interrupted { "; interrupted before its time" } else { "" };
    let head = format!(
        "{}, publish at {}: {looks}, {}{ended}",
        clean(&observed.business_unit),
        zone.moment_short(observed.watch.publish_at),
        counted(observed.reads as u64, "call", "calls"),
    );
    let mut lines = vec![String::new()];
    lines.extend(wrap_words(&head, WIDTH));
    lines.extend(told(std::slice::from_ref(&observed.evidence), &within));
    if let Some(earlier) = fridays.len().checked_sub(1).filter(|earlier| *earlier > 0) {
        lines.push(String::new());
        lines.push(format!("With {}:", counted(earlier as u64, "earlier observation", "earlier observations")));
        lines.extend(told(fridays, &within));
    }
    lines
}

fn told(fridays: &[Evidence], within: &str) -> Vec<String> {
    let seen = Evidence::sum(fridays);
    let row = |name: String, seen: &Exposure| format!("  {name:<14} {}", rate_words(seen));
    let mut lines = vec![row("before".to_owned(), &seen.before), row(format!("after, {within}"), &seen.after)];
    lines.extend(wrap_words(
        &finding_words(pooled(fridays), &seen, &format!("in the {within} after the publish")),
        WIDTH,
    ));
    lines
}
