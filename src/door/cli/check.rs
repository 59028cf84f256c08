//! `softlanding check`: a roll call of one business unit, any day, without a publish.
//!
//! Must never: change anything, or count an agent as ready of whom a signal is missing.

use serde_json::json;

use crate::door::cli::args::CheckArgs;
use crate::door::cli::joined::{join, with_companions};
use crate::door::cli::{ending::Strictness, intent, open, out};
use crate::door::error::{ExitCode, Failure};
use crate::law::event::Tally;
use crate::law::verdict::Verdict;
use crate::shells::report::words::{Zone, clean, count, counted, duration};
use crate::shells::rollcall::{self, Called, Unit, answer_words, call};
use crate::words::id::AgentId;
use crate::words::wrap::wrap_words;

const WIDTH: usize = 80;
/// Of a name, so much is shown.
const NAME_WIDTH_MAX: usize = 28;
/// Agents that are listed at most; all of them are in the JSON document.
const ROWS_MAX: usize = 50;

pub(super) async fn check(args: &CheckArgs) -> Result<ExitCode, Failure> {
    let config = open::config(&args.config.config)?;
    let unit = match (&args.business_unit, &args.publish) {
        (Some(unit), _) => unit.as_str(),
        (None, Some(name)) => intent::entry(&config, name)?.business_unit.as_str(),
        (None, None) => return Err(Failure::new(ExitCode::Usage, "nobody is named to be checked")),
    };
    let clock = open::clock(&config).await?;
    let client = open::client(&config, clock).await?;
    let joined = join(&config, &client, None, clock).await?;
    let unit = peopled(rollcall::unit(&client, unit).await?)?;
    if let Some(joined) = &joined {
        joined.told().await;
    }
    let called = call(&client, &unit, &config.limits, joined.as_ref().map(|joined| &joined.pages)).await;
    if args.json {
        out::document("softlanding.check.v1", json!(called.document()));
    } else {
        let at = Zone::named(config.zone.name()).moment(called.span.from);
        out::say(table(&called, &at, args.all));
        if joined.is_none() && with_companions(&config).is_some() {
            out::say(["Agents' pages were not heard: they connect to `serve`, and a store in a file is not shared."]);
        }
    }
    let strictness = if args.strict { Strictness::Strict } else { Strictness::Lenient };
    Ok(code(called.roll.tally(), strictness))
}

/// A unit that has somebody to be called.
pub(super) fn peopled(unit: Unit) -> Result<Unit, Failure> {
    if unit.agents() > 0 {
        return Ok(unit);
    }
    let message = format!("the business unit {} has no agents", clean(&unit.name));
    Err(Failure::new(ExitCode::Access, message)
        .hint("add agents to its management units in WFM, or look which divisions the OAuth client sees"))
}

/// A roll call that nobody could answer is as bad as one where softphones are dead.
fn code(tally: Tally, strictness: Strictness) -> ExitCode {
    let nobody_seen = tally.unknown > 0 && tally.unknown == tally.total();
    let unclear = tally.unknown > 0 && strictness == Strictness::Strict;
    if tally.stragglers > 0 || unclear || nobody_seen { ExitCode::Stragglers } else { ExitCode::Done }
}

fn table(called: &Called, at: &str, all: bool) -> Vec<String> {
    let tally = called.roll.tally();
    let agents = counted(u64::from(tally.total()), "agent", "agents");
    let mut lines = wrap_words(&format!("{}, {at}: {agents}", clean(&called.unit)), WIDTH);
    let of_each = [
        (tally.ready, "ready"),
        (tally.deferred, "deferred: on a call, or logged out"),
        (tally.stragglers, "cannot take a call"),
        (tally.unknown, "unknown: a signal is missing"),
    ];
    lines.extend(of_each.map(|(n, what)| format!("{:>7}  {what}", count(u64::from(n)))));
    let shown: Vec<_> = called.roll.answers().filter(|(_, _, verdict)| all || !is_fine(*verdict)).collect();
    if !shown.is_empty() {
        lines.push(String::new());
    }
    let name = |agent: &AgentId| clean(called.names.get(agent).map_or(agent.as_str(), String::as_str));
    let width = shown.iter().map(|(agent, ..)| name(agent).chars().count()).max().unwrap_or(0).min(NAME_WIDTH_MAX);
    let rows_max = if all { usize::MAX } else { ROWS_MAX };
    for (agent, _, verdict) in shown.iter().take(rows_max) {
        let mut name: String = name(agent).chars().take(width).collect();
        for words in wrap_words(&answer_words(*verdict), WIDTH - width - 2) {
            lines.push(format!("{:<width$}  {words}", std::mem::take(&mut name)));
        }
    }
    if shown.len() > rows_max {
        lines.push(format!("and {} more; --all lists everybody", count((shown.len() - rows_max) as u64)));
    }
    for gap in &called.gaps {
        lines.push(String::new());
        lines.extend(wrap_words(&format!("warning: {}", clean(gap)), WIDTH));
    }
    let took = duration(called.span.to.since_ms(called.span.from));
    lines.push(String::new());
    lines.push(format!("Read with {} in {took}. Nothing was changed.", counted(called.reads as u64, "call", "calls")));
    lines
}

/// Whether there is nothing to look into: whoever is not there, or on a call, is no trouble.
fn is_fine(verdict: Verdict) -> bool {
    match verdict {
        Verdict::Ready | Verdict::Recovered { .. } | Verdict::Deferred { .. } => true,
        Verdict::Straggler { .. } | Verdict::Unknown { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_softphones_and_blindness_have_a_code_of_their_own() {
        let tally = |ready, stragglers, unknown| Tally { ready, recovered: 0, deferred: 1, stragglers, unknown };
        let (lenient, strict) = (Strictness::Lenient, Strictness::Strict);
        assert_eq!(code(tally(4, 0, 0), strict), ExitCode::Done);
        assert_eq!(code(tally(4, 1, 0), lenient), ExitCode::Stragglers);
        assert_eq!(code(tally(4, 0, 1), lenient), ExitCode::Done);
        assert_eq!(code(tally(4, 0, 1), strict), ExitCode::Stragglers);
        assert_eq!(code(Tally { unknown: 9, ..Tally::default() }, lenient), ExitCode::Stragglers);
        assert_eq!(code(Tally::default(), strict), ExitCode::Done);
    }
}
