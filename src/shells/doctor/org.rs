//! What can be found out about the organisation: all of the preflight, how often it may be asked, and of each business unit
//! whether its agents are there, enrolled, and equipped with softphones.
//!
//! Must never: use anything that changes the organisation; what could only be tried out is named as such.

use std::collections::HashSet;

use super::{Check, Mark};
use crate::hands::genesys::Client;
use crate::hands::genesys::staging::{self, Equipment};
use crate::hands::vault::Enrolled;
use crate::law::plan::{Limits, Mechanisms};
use crate::shells::preflight::{WAY_IN, preflight};
use crate::shells::report::words::{count, counted, list};
use crate::shells::rollcall::{self, Called, call};
use crate::words::id::AgentId;

/// What is looked for.
pub struct Wanted<'a> {
    /// The mechanisms that a run would use.
    pub mechanisms: &'a Mechanisms,
    /// How much is asked at once.
    pub limits: &'a Limits,
    /// The business units, by name or id.
    pub units: &'a [String],
    /// Whom the vault holds; `None` where there is none, so that nobody can be enrolled.
    pub enrolled: Option<&'a [Enrolled]>,
}

/// Looks over the organisation. One that does not answer, or does not let the client in, is asked nothing more.
pub async fn organisation(client: &Client, wanted: &Wanted<'_>) -> Vec<Check> {
    let mut checks = preflight(client, wanted.mechanisms).await;
    if checks.iter().any(|check| check.name == WAY_IN && check.mark == Mark::Fail) {
        return checks;
    }
    checks.push(rate_limit(client).await);
    for unit in wanted.units {
        checks.extend(business_unit(client, unit, wanted).await);
    }
    checks
}

async fn rate_limit(client: &Client) -> Check {
    const NAME: &str = "rate limit";
    let told = staging::limits(client).await;
    let cap = client.org().settings.calls_per_minute_max;
    let capped = cap.map_or(String::new(), |cap| format!("; the configuration allows {cap}"));
    match told {
        Ok(limits) => match limits.unwrap_or_default().get(staging::CALLS_A_MINUTE) {
            Some(calls) => Check::ok(NAME, format!("{calls} calls a minute for the client's token{capped}")),
            None => Check::ok(NAME, format!("the organisation does not tell it; runs learn it from answers{capped}")),
        },
        Err(failure) => Check::warn(NAME, failure.to_string(), "try again in a few minutes"),
    }
}

async fn business_unit(client: &Client, unit: &str, wanted: &Wanted<'_>) -> Vec<Check> {
    let name = format!("unit {unit}");
    let called = match rollcall::unit(client, unit).await {
        Ok(unit) => call(client, &unit, wanted.limits, None).await,
        Err(refusal) => {
            let words = super::with_source(&refusal);
            return vec![Check::fail(
                &name,
                words,
                refusal.hint().unwrap_or_else(|| "see what stands above".to_owned()),
            )];
        }
    };
    let agents: Vec<AgentId> = called.roll.seated().into_iter().map(|(agent, _)| agent).collect();
    let mut checks = vec![softphones(&name, &called)];
    if !agents.is_empty() {
        checks.extend(wanted.enrolled.map(|enrolled| enrolment(&name, &agents, enrolled)));
        checks.extend(match staging::equipment(client, &agents).await {
            Ok(equipment) => equipped(&name, &equipment),
            Err(failure) => vec![Check::warn(&name, failure.to_string(), "the client needs directory:user:view")],
        });
    }
    checks
}

fn softphones(name: &str, called: &Called) -> Check {
    let tally = called.roll.tally();
    let agents = counted(u64::from(tally.total()), "agent", "agents");
    let words = format!(
        "{agents}: {} ready, {} deferred, {} cannot take a call, {} unknown",
        tally.ready, tally.deferred, tally.stragglers, tally.unknown
    );
    match (tally.total(), tally.stragglers + tally.unknown, called.gaps.first()) {
        (0, ..) => Check::fail(name, "it has no agents", "name the business unit that the schedule is for"),
        (_, _, Some(gap)) => {
            let fix = "give the client what is missing above; where nothing is, try again in a few minutes";
            Check::warn(name, format!("{words}; {gap}"), fix)
        }
        (_, 0, None) => Check::ok(name, words),
        (..) => Check::warn(name, words, format!("`softlanding check --business-unit {:?}` names them", called.unit)),
    }
}

fn enrolment(name: &str, agents: &[AgentId], enrolled: &[Enrolled]) -> Check {
    let (dead, alive): (Vec<&Enrolled>, Vec<&Enrolled>) = enrolled.iter().partition(|one| one.must_sign_in());
    let among = |some: Vec<&Enrolled>| {
        let some: HashSet<&AgentId> = some.into_iter().map(|one| &one.agent).collect();
        agents.iter().filter(|agent| some.contains(agent)).count()
    };
    let (covered, dead) = (among(alive), among(dead));
    let words = format!("{} of {} agents are enrolled", count(covered as u64), count(agents.len() as u64));
    if covered == agents.len() {
        return Check::ok(name, words);
    }
    let again = if dead == 0 { String::new() } else { format!(", {} must sign in again", count(dead as u64)) };
    let words = format!("{words}{again}");
    let words = format!("{words}; the others depend on the remedies after a publish");
    Check::warn(name, words, "let them sign in through your app, then `softlanding agents import`")
}

fn equipped(name: &str, equipment: &[Equipment]) -> Vec<Check> {
    let agents = |n: usize| counted(n as u64, "agent", "agents");
    let other = equipment.iter().filter(|one| one.webrtc == Some(false)).count();
    let unable = equipment.iter().filter(|one| one.lacks.as_ref().is_some_and(|lacks| !lacks.is_empty()));
    let unable: Vec<&Equipment> = unable.collect();
    let mut checks = Vec::new();
    if other > 0 {
        let words = format!("{} have a station that is no WebRTC softphone", agents(other));
        checks.push(Check::warn(name, words, "remedies for softphones do not help there; give them a WebRTC phone"));
    }
    if let Some(first) = unable.first() {
        let mut lacking: Vec<String> = first.lacks.iter().flatten().map(|lack| (*lack).to_owned()).collect();
        lacking.sort();
        let words = format!("{} lack the permission to select a softphone", agents(unable.len()));
        checks.push(Check::warn(name, words, format!("give their role {}", list(&lacking))));
    }
    checks
}
