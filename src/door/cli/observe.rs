//! `softlanding observe`: watches a Friday that somebody else publishes, and says whether softphones were lost by it.
//!
//! Must never: change anything, or call an association a cause.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::door::cli::args::ObserveArgs;
use crate::door::cli::check::peopled;
use crate::door::cli::{intent, open, out, stop};
use crate::door::config::Config;
use crate::door::error::{ExitCode, Failure};
use crate::law::evidence::{Between, Evidence, Exposure, pooled, possible};
use crate::shells::observe::{Observed, Watch, observe as watch};
use crate::shells::report::losses::{finding_words, rate_words};
use crate::shells::report::words::{Zone, clean, count, counted, duration};
use crate::shells::rollcall::{self, Called};
use crate::words::calendar::parse_when;
use crate::words::clock::Timestamp;
use crate::words::wrap::wrap_words;

const WIDTH: usize = 80;

pub(super) async fn observe(args: &ObserveArgs) -> Result<ExitCode, Failure> {
    let config = open::config(&args.config.config)?;
    // What cannot be read or written is said now, and not after an hour of watching.
    let earlier = read(&args.pool)?;
    if let Some(file) = &args.out {
        std::fs::File::options().create(true).append(true).open(file).map_err(|e| unwritable(file, e))?;
        keeps_nothing(file)?;
    }
    let clock = open::clock(&config).await?;
    let (unit, publish_at) = wanted(&config, args, clock.now())?;
    let client = open::client(&config, clock).await?;
    let unit = peopled(rollcall::unit(&client, &unit).await?)?;
    let (again, earlier): (Vec<_>, Vec<_>) = earlier.into_iter().partition(|one| one.is_of(&unit.name, publish_at));
    again.iter().for_each(|one| one.left_out("it is of the publish that is watched now"));
    let zone = Zone::named(config.zone.name());
    let watched = Watch {
        publish_at,
        before_ms: args.before,
        after_ms: args.after,
        within_ms: args.within,
        every_ms: args.every.max(1_000),
    };
    let gap_told = Cell::new(false);
    let tell = |called: &Called| {
        if !args.json {
            out::say([line(called, zone)]);
        }
        if let Some(gap) = called.gaps.first().filter(|_| !gap_told.replace(true)) {
            out::note(&format!("not all can be read: {}", clean(gap)));
        }
    };
    let observed = watch(&client, &unit, &config.limits, watched, tell, stop::asked()?).await;
    let mut fridays: Vec<Evidence> = earlier.into_iter().map(|one| one.evidence).collect();
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
    /// Its id; earlier versions did not write it, nor how many agents there were.
    business_unit_id: Option<String>,
    agents: Option<u64>,
    watch: EarlierWatch,
    looks: Vec<Between>,
    /// What it saw.
    pub(super) evidence: Evidence,
}

#[derive(Deserialize)]
struct EarlierWatch {
    publish_at: Timestamp,
}

impl Earlier {
    /// Whether it is about this very publish: whoever names an instant by hand means the minute.
    pub(super) fn is_of(&self, unit: &str, publish_at: Timestamp) -> bool {
        self.is_of_unit(unit) && self.watch.publish_at.since_ms(publish_at).abs() < 60_000
    }
    /// Whether it is of the unit of this name or id.
    pub(super) fn is_of_unit(&self, unit: &str) -> bool {
        self.business_unit.eq_ignore_ascii_case(unit) || self.business_unit_id.as_deref() == Some(unit)
    }
    /// How many agents were watched: as many as were ready at once where it is not told.
    pub(super) fn agents(&self) -> u64 {
        self.agents.unwrap_or_else(|| self.looks.iter().map(|look| look.ready).max().unwrap_or_default())
    }
    /// Says that it is left out.
    pub(super) fn left_out(&self, why: &str) {
        let at = self.watch.publish_at.rfc3339();
        out::note(&format!("an observation of {} at {at} is left out: {why}", clean(&self.business_unit)));
    }
}

/// What `--out` of earlier watches wrote. What is told twice is no more evidence than what is told once.
pub(super) fn read(files: &[PathBuf]) -> Result<Vec<Earlier>, Failure> {
    let mut all: Vec<Earlier> = Vec::new();
    for file in files {
        let new = read_one(file)?;
        if all.iter().any(|known| known.is_of(&new.business_unit, new.watch.publish_at)) {
            new.left_out("its publish is pooled already");
        } else {
            all.push(new);
        }
    }
    Ok(all)
}

fn read_one(file: &Path) -> Result<Earlier, Failure> {
    let hint = "name files that `softlanding observe --out` wrote";
    let unreadable = || Failure::new(ExitCode::Usage, format!("{} is no observation", file.display())).hint(hint);
    let text = std::fs::read_to_string(file).map_err(|e| unreadable().because(e))?;
    let earlier: Earlier = serde_json::from_str(&text).map_err(|e| unreadable().because(e))?;
    possible(&earlier.looks, &earlier.evidence).map_err(|e| unreadable().because(e))?;
    Ok(earlier)
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
    let looks = counted(observed.calls as u64, "look", "looks");
    let ended = if observed.interrupted { "; interrupted before its time" } else { "" };
    let head = format!(
        "{}, publish at {}: {looks}, {}{ended}",
        clean(&observed.business_unit),
        zone.moment_short(observed.watch.publish_at),
        counted(observed.reads as u64, "call", "calls"),
    );
    let mut lines = vec![String::new()];
    lines.extend(wrap_words(&head, WIDTH));
    lines.extend(observed.gap.iter().flat_map(|gap| wrap_words(&torn_words(observed, gap), WIDTH)));
    lines.extend(told(std::slice::from_ref(&observed.evidence), &within));
    if let Some(earlier) = fridays.len().checked_sub(1).filter(|earlier| *earlier > 0) {
        lines.push(String::new());
        lines.push(format!("With {}:", counted(earlier as u64, "earlier observation", "earlier observations")));
        lines.extend(told(fridays, &within));
    }
    lines
}

/// That some looks could not be read whole, and why the first of them could not.
fn torn_words(observed: &Observed, gap: &str) -> String {
    let (torn, all) = (observed.torn as u64, counted(observed.calls as u64, "look", "looks"));
    format!("{} of {all} could not be read whole and counted for nothing: {}.", count(torn), clean(gap))
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
