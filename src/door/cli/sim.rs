//! `softlanding sim`: Fridays in virtual time; a broken promise ends it with the command that repeats it.
//!
//! Must never: go on past a broken promise.

use std::collections::BTreeMap;

use crate::door::cli::args::SimArgs;
use crate::door::cli::out;
use crate::door::error::{ExitCode, Failure};
use crate::shells::sim::{Found, Lived, Lot, Story, live};
use crate::words::clock::{Clock, Seed};

pub(super) fn sim(args: &SimArgs) -> Result<ExitCode, Failure> {
    match args.seed {
        Some(seed) => one(seed),
        None => many(args.from, args.seeds),
    }
}

fn one(seed: u64) -> Result<ExitCode, Failure> {
    out::say([format!("{:#?}", Lot::draw(&Seed(seed)))]);
    let lived = live(seed, Story::Told).map_err(|found| broken(&found))?;
    out::say(&lived.story);
    out::say([format!(
        "seed {seed}: {}, {} crashes, {} events, {} happenings",
        lived.phase.words(),
        lived.crashes,
        lived.events,
        lived.happenings
    )]);
    Ok(ExitCode::Done)
}

fn many(from: u64, seeds: u64) -> Result<ExitCode, Failure> {
    let began = Clock::System.now();
    let mut ends: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut crashes = 0_u64;
    for seed in from..from.saturating_add(seeds) {
        let Lived { phase, crashes: died, .. } = live(seed, Story::Silent).map_err(|_| told(seed))?;
        *ends.entry(phase.words()).or_default() += 1;
        crashes += u64::from(died);
    }
    let ms = Clock::System.now().since_ms(began).max(1);
    let rate = seeds as f64 * 1000.0 / ms as f64;
    let ends: Vec<String> = ends.iter().map(|(phase, n)| format!("{n} {phase}")).collect();
    out::say([
        format!("{seeds} Fridays from seed {from}, {rate:.0} a second: every promise held"),
        format!("  ends: {}; crashes: {crashes}", ends.join(", ")),
    ]);
    Ok(ExitCode::Done)
}

/// The same life once more, with its story.
fn told(seed: u64) -> Failure {
    match live(seed, Story::Told) {
        Err(found) => broken(&found),
        Ok(_) => Failure::new(
            ExitCode::Bug,
            format!("seed {seed} broke a rule once and not again: chance came from elsewhere"),
        ),
    }
}

fn broken(found: &Found) -> Failure {
    out::say(&found.story);
    Failure::new(ExitCode::Bug, format!("seed {}: {}", found.seed, found.what))
        .hint(format!("repeat it with: softlanding sim --seed {}", found.seed))
}
