//! What could fail at T and can be known before: that the organisation lets the client in and what time it has, permissions and
//! what is lost without each, which reported endpoints it offers, and the way to the carriers. The same for `doctor`, at
//! staging, and once more shortly before T.
//!
//! Must never: change anything, or let a run be staged that cannot publish.

use tokio::sync::Mutex;

use crate::hands::genesys::staging::{self, Carrier};
use crate::hands::genesys::{Client, tokens};
use crate::law::command::{Concern, Failure, FailureKind, Weight};
use crate::law::plan::Mechanisms;
use crate::shells::doctor::{Check, Mark};
use crate::shells::report::words::{clean, count, duration, list};
use crate::words::clock::Timestamp;

/// The check of the way into the organisation; when it fails nothing else was asked.
pub const WAY_IN: &str = "organisation";
/// The checks whose failure stops a publish: without these permissions it is certain to be refused.
const PERMISSIONS: &str = "permissions";
/// What can be seen of softphones; without it a publish is made, and nobody is known to be ready.
const SIGHT: &str = "signals";
const CLOCK: &str = "clock";

/// The platform's date has whole seconds and travels a while; anything beyond this is the clock, in ms.
const SKEW_MAX_MS: i64 = 5_000;
/// A clock that is further off than this has the publish leave at the wrong time, in ms.
const SKEW_BAD_MS: i64 = 60_000;
/// What one run has asked is good enough for another of the same organisation for so long, in ms.
const SHARED_MS: i64 = 30_000;

/// What is lost without a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Without {
    /// Nothing can be published.
    Publish,
    /// Nobody is known to be ready; the words say why.
    Sight(&'static str),
    /// Something less; the words say what.
    Part(&'static str),
}

/// A permission that is needed, and what for (API.md sections 5, 7, 8, 9, 10).
struct Need {
    permission: &'static str,
    without: Without,
    wanted: fn(&Mechanisms) -> bool,
}

const NEEDS: [Need; 9] = [
    Need { permission: "wfm:schedule:view", without: Without::Publish, wanted: |_| true },
    Need { permission: "wfm:schedule:edit", without: Without::Publish, wanted: |_| true },
    Need {
        permission: "directory:user:view",
        without: Without::Sight("stations, presence and calls cannot be read: every softphone stays unknown"),
        wanted: |_| true,
    },
    Need {
        permission: "telephony:plugin:all",
        without: Without::Part(
            "phones cannot be read or rebooted: a grey softphone is seen by the probe only, if at all",
        ),
        wanted: |_| true,
    },
    Need {
        permission: "wfm:agent:view",
        without: Without::Part(
            "agents cannot be listed by `check`, `observe` and `doctor`, and shifts may be unknown: they are helped in the \
             order of the roster",
        ),
        wanted: |_| true,
    },
    Need {
        permission: "telephony:otherStationAssociation:view",
        without: Without::Part("stations cannot be associated again"),
        wanted: |m| m.reassociate,
    },
    Need {
        permission: "telephony:otherStationAssociation:edit",
        without: Without::Part("stations cannot be associated again"),
        wanted: |m| m.reassociate,
    },
    Need {
        permission: "telephony:station:disassociate",
        without: Without::Part("stations cannot be associated again"),
        wanted: |m| m.reassociate,
    },
    Need {
        permission: "oauth:token:delete",
        without: Without::Part("tokens cannot be revoked"),
        wanted: |m| m.revoke_tokens,
    },
];

/// A permission that the OAuth client lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lack {
    /// Its name.
    permission: &'static str,
    /// What is lost without it.
    without: Without,
}

/// What is missing among `held` for these mechanisms.
fn lacks(mechanisms: &Mechanisms, held: impl Fn(&str) -> bool) -> Vec<Lack> {
    let missing = NEEDS.iter().filter(|need| (need.wanted)(mechanisms) && !held(need.permission));
    missing.map(|need| Lack { permission: need.permission, without: need.without }).collect()
}

/// Looks over what a publish of these mechanisms needs. An organisation that does not answer, or does not let the client in, is
/// asked nothing more.
pub async fn preflight(client: &Client, mechanisms: &Mechanisms) -> Vec<Check> {
    let mut checks = match answers(client).await {
        Ok(skew_ms) => vec![Check::ok(WAY_IN, "answers and lets the client in"), clock(skew_ms)],
        Err(failure) => return vec![Check::fail(WAY_IN, failure.to_string(), way_in(&failure))],
    };
    checks.extend(permissions(client, mechanisms).await);
    checks.push(reported(client, mechanisms).await);
    checks.push(carriers("trunks", staging::trunks(client).await));
    checks.push(carriers("edges", staging::edges(client).await));
    checks
}

/// What was found for the runs of one organisation: those whose publishes lie close together share what one of them has asked.
#[derive(Debug, Default)]
pub struct Preflights(Mutex<Option<(Timestamp, Mechanisms, Vec<Concern>)>>);

impl Preflights {
    /// What a run should know; asked anew where nobody has just asked for the same mechanisms.
    pub async fn concerns(&self, client: &Client, mechanisms: &Mechanisms) -> Vec<Concern> {
        let mut newest = self.0.lock().await;
        if let Some((at, of, concerns)) = newest.as_ref()
            && of == mechanisms
            && client.clock().now().since_ms(*at) < SHARED_MS
        {
            return concerns.clone();
        }
        let concerns = concerns(&preflight(client, mechanisms).await);
        *newest = Some((client.clock().now(), mechanisms.clone(), concerns.clone()));
        concerns
    }
}

/// What a run should know of these checks. Only a lack of permission stops a publish: it is certain to be refused, while an
/// organisation that does not answer now may do so at T.
#[must_use]
pub fn concerns(checks: &[Check]) -> Vec<Concern> {
    let of = |check: &Check| Concern {
        what: check.name.clone(),
        words: clean(&check.words),
        fix: check.fix.clone(),
        weight: match check.mark {
            Mark::Fail if check.name == PERMISSIONS => Weight::Stops,
            Mark::Ok | Mark::Warn | Mark::Fail => Weight::Told,
        },
    };
    checks.iter().filter(|check| check.mark != Mark::Ok).map(of).collect()
}

/// How far the organisation's clock is ahead of this machine's, in ms.
async fn answers(client: &Client) -> Result<i64, Failure> {
    let theirs = staging::server_date(client).await?;
    Ok(theirs.since_ms(client.clock().now()))
}

fn clock(skew_ms: i64) -> Check {
    const FIX: &str = "set this machine's clock by NTP: the publish leaves by it";
    let off = || format!("this machine's clock is {} off the organisation's", duration(skew_ms.abs()));
    if skew_ms.abs() <= SKEW_MAX_MS {
        Check::ok(CLOCK, "this machine's agrees with the organisation's")
    } else if skew_ms.abs() <= SKEW_BAD_MS {
        Check::warn(CLOCK, off(), FIX)
    } else {
        Check::fail(CLOCK, off(), FIX)
    }
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
    let held = match staging::permissions(client).await {
        Ok(held) => held,
        Err(failure) => {
            return vec![Check::warn(PERMISSIONS, failure.to_string(), "look at the client's role in the admin UI")];
        }
    };
    let lacks = lacks(mechanisms, |permission| held.allows(permission));
    if lacks.is_empty() {
        return vec![Check::ok(PERMISSIONS, "the client has all that it needs")];
    }
    let check = |lack: &Lack| {
        let fix = format!("give the client's role {}", lack.permission);
        let missing = |loss: &str| format!("{} is missing: {loss}", lack.permission);
        match lack.without {
            Without::Publish => Check::fail(PERMISSIONS, missing("nothing can be published"), fix),
            Without::Sight(loss) => Check::fail(SIGHT, missing(loss), fix),
            Without::Part(loss) => Check::warn(PERMISSIONS, missing(loss), fix),
        }
    };
    lacks.iter().map(check).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_publish_needs_stops_it_and_what_helps_is_told() {
        let plain = Mechanisms::default();
        let missing = |mechanisms: &Mechanisms, lacked: &str| {
            let lacks = lacks(mechanisms, |permission| !permission.starts_with(lacked));
            lacks.iter().map(|lack| (lack.permission, lack.without == Without::Publish)).collect::<Vec<_>>()
        };
        assert_eq!(missing(&plain, "nothing:"), []);
        assert_eq!(missing(&plain, "wfm:schedule:"), [("wfm:schedule:view", true), ("wfm:schedule:edit", true)]);
        assert_eq!(missing(&plain, "telephony:plugin:all"), [("telephony:plugin:all", false)]);
        // What is switched off needs no permission.
        assert_eq!(missing(&plain, "oauth:token:delete"), []);
        let revoking = Mechanisms { revoke_tokens: true, ..plain };
        assert_eq!(missing(&revoking, "oauth:token:delete"), [("oauth:token:delete", false)]);
        let checks = [
            Check::ok(WAY_IN, "there"),
            Check::fail(PERMISSIONS, "wfm:schedule:edit is missing", "give it"),
            Check::fail(WAY_IN, "no answer", "try again"),
            Check::fail(SIGHT, "directory:user:view is missing", "give it"),
            clock(3 * 86_400_000),
            Check::warn("trunks", "one ails", "ask the carrier"),
        ];
        let weights: Vec<Weight> = concerns(&checks).into_iter().map(|concern| concern.weight).collect();
        assert_eq!(weights, [Weight::Stops, Weight::Told, Weight::Told, Weight::Told, Weight::Told]);
        assert_eq!(
            [0, -5_000, 30_000, -61_000].map(|skew| clock(skew).mark),
            [Mark::Ok, Mark::Ok, Mark::Warn, Mark::Fail]
        );
    }
}
