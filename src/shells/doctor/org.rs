//! What can be found out about the organisation: that it answers and what time it has, what the OAuth client may do and how
//! often, and of each business unit whether its agents are there, enrolled, and equipped with softphones; and the way to the
//! carriers.
//!
//! Must never: use anything that changes the organisation; what could only be tried out is named as such.

use std::collections::HashSet;

use super::{Check, Mark};
use crate::hands::genesys::staging::{self, Carrier, Equipment};
use crate::hands::genesys::{Client, tokens};
use crate::hands::vault::{Enrolled, GrantState};
use crate::law::command::{Failure, FailureKind};
use crate::law::plan::{Limits, Mechanisms};
use crate::shells::report::words::{count, counted, duration, list};
use crate::shells::rollcall::{self, Called, call};
use crate::shells::stage::{Lack, SKEW_MAX_MS, lacks};
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
    let there = answers(client).await;
    if there.mark == Mark::Fail {
        return vec![there];
    }
    let mut checks = vec![there];
    checks.extend(permissions(client, wanted.mechanisms).await);
    checks.push(rate_limit(client).await);
    checks.push(reported(client, wanted.mechanisms).await);
    for unit in wanted.units {
        checks.extend(business_unit(client, unit, wanted).await);
    }
    checks.push(carriers("trunks", staging::trunks(client).await));
    checks.push(carriers("edges", staging::edges(client).await));
    checks
}

async fn answers(client: &Client) -> Check {
    const NAME: &str = "organisation";
    let skew_ms = match staging::server_date(client).await {
        Ok(theirs) => theirs.since_ms(client.clock().now()),
        Err(failure) => return Check::fail(NAME, failure.to_string(), way_in(&failure)),
    };
    if skew_ms.abs() <= SKEW_MAX_MS {
        return Check::ok(NAME, "answers and lets the client in; its clock and this machine's agree");
    }
    let words = format!("answers, but this machine's clock is {} off its own", duration(skew_ms.abs()));
    Check::warn(NAME, words, "set this machine's clock by NTP: the publish leaves by it")
}

fn way_in(failure: &Failure) -> &'static str {
    match failure.kind {
        FailureKind::Unauthorized | FailureKind::Forbidden | FailureKind::Invalid => {
            "check client_id and client_secret in [org], and that the client's grant is client credentials"
        }
        FailureKind::NotSent | FailureKind::NoAnswer => {
            "check the region in [org] and this machine's way to the network"
        }
        FailureKind::Throttled
        | FailureKind::NotFound
        | FailureKind::Conflict
        | FailureKind::Server
        | FailureKind::Malformed
        | FailureKind::Local => "try again in a few minutes",
    }
}

async fn permissions(client: &Client, mechanisms: &Mechanisms) -> Vec<Check> {
    const NAME: &str = "permissions";
    let held = match staging::permissions(client).await {
        Ok(held) => held,
        Err(failure) => {
            return vec![Check::warn(NAME, failure.to_string(), "look at the client's role in the admin UI")];
        }
    };
    let lacks = lacks(mechanisms, |permission| held.allows(permission));
    if lacks.is_empty() {
        return vec![Check::ok(NAME, "the client has all that it needs")];
    }
    let check = |lack: &Lack| {
        let fix = format!("give the client's role {}", lack.permission);
        match lack.loss {
            None => Check::fail(NAME, format!("{} is missing: nothing can be published", lack.permission), fix),
            Some(loss) => Check::warn(NAME, format!("{} is missing: {loss}", lack.permission), fix),
        }
    };
    lacks.iter().map(check).collect()
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

/// Of the mechanisms that only users report, one can be asked for without doing anything.
async fn reported(client: &Client, mechanisms: &Mechanisms) -> Check {
    const NAME: &str = "reported endpoints";
    let other = [
        (mechanisms.authentication_refresh, "authentication refresh"),
        (mechanisms.session_reset, "session reset"),
        (mechanisms.purge_cache, "purge of the cache"),
    ];
    let on: Vec<String> = other.iter().filter(|(on, _)| *on).map(|(_, name)| (*name).to_owned()).collect();
    let untried = match on.as_slice() {
        [] => String::new(),
        on => format!("; switched on, and told only by use: {}", list(on)),
    };
    match client.ask(tokens::probe_as_publisher()).await {
        Ok(response) if response.status == 404 && mechanisms.media_probe => Check::warn(
            NAME,
            format!("the media-token probe is switched on, and the organisation does not offer it{untried}"),
            "set media_probe = false in [mechanisms]; runs go on without it",
        ),
        Ok(response) if response.status == 404 => {
            Check::ok(NAME, format!("the media-token probe is not offered{untried}"))
        }
        Ok(_) if mechanisms.media_probe => Check::ok(NAME, format!("the media-token probe is offered{untried}")),
        Ok(_) => Check::ok(NAME, format!("the media-token probe is offered, and switched off{untried}")),
        Err(failure) => Check::warn(NAME, failure.to_string(), "try again in a few minutes"),
    }
}

async fn business_unit(client: &Client, unit: &str, wanted: &Wanted<'_>) -> Vec<Check> {
    let name = format!("unit {unit}");
    let called = match rollcall::unit(client, unit).await {
        Ok(unit) => call(client, &unit, wanted.limits).await,
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
        (_, _, Some(gap)) => Check::warn(name, format!("{words}; {gap}"), "try again in a few minutes"),
        (_, 0, None) => Check::ok(name, words),
        (..) => Check::warn(name, words, format!("`softlanding check --business-unit {:?}` names them", called.unit)),
    }
}

fn enrolment(name: &str, agents: &[AgentId], enrolled: &[Enrolled]) -> Check {
    let alive = enrolled.iter().filter(|one| one.state == GrantState::Alive);
    let alive: HashSet<&AgentId> = alive.map(|one| &one.agent).collect();
    let covered = agents.iter().filter(|agent| alive.contains(agent)).count();
    let words = format!("{} of {} agents are enrolled", count(covered as u64), count(agents.len() as u64));
    if covered == agents.len() {
        return Check::ok(name, words);
    }
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

fn carriers(name: &str, found: Result<Vec<Carrier>, Failure>) -> Check {
    let carriers = match found {
        Ok(carriers) => carriers,
        Err(failure) => return Check::warn(name, failure.to_string(), "the client needs telephony:plugin:all"),
    };
    let ill: Vec<String> = carriers.iter().filter_map(|one| Some(format!("{} ({})", one.name, one.ails?))).collect();
    let words = format!("{} in use", count(carriers.len() as u64));
    if ill.is_empty() {
        return Check::ok(name, format!("{words}, none of them ailing"));
    }
    let fix = "calls through it fail whatever the softphones do; ask the carrier, or whoever looks after the Edges";
    Check::warn(name, format!("{words}; {}", list(&ill)), fix)
}
