//! `softlanding agents forget` and `rotate-key`: out of the vault, and the vault under another key.
//!
//! Must never: forget anybody when one of those who are named cannot be found.

use std::collections::BTreeMap;

use crate::door::cli::agents::unread;
use crate::door::cli::args::{ForgetArgs, RotateKeyArgs};
use crate::door::cli::{open, out};
use crate::door::config::Config;
use crate::door::error::{ExitCode, Failure};
use crate::hands::genesys::staging;
use crate::hands::vault::{Enrolled, Rekeyed};
use crate::shells::report::words::counted;
use crate::words::clock::Clock;
use crate::words::id::AgentId;

pub(super) async fn forget(args: &ForgetArgs) -> Result<ExitCode, Failure> {
    let config = open::config(&args.config.config)?;
    let clock = open::clock(&config).await?;
    let vault = open::needed_vault(&config, clock).await?;
    let enrolled = vault.agents().await?;
    let chosen: Vec<&Enrolled> = if args.all_dead {
        enrolled.iter().filter(|one| one.must_sign_in()).collect()
    } else {
        named(&config, clock, &enrolled, &args.agents).await?
    };
    let ids: Vec<AgentId> = chosen.iter().map(|one| one.agent.clone()).collect();
    vault.remove(&ids).await?;
    out::say(chosen.iter().map(|one| format!("forgotten: {} ({})", one.name, one.agent)));
    out::say([match ids.len() {
        0 => "nobody had to be forgotten".to_owned(),
        n => format!(
            "{} forgotten; the platform keeps the refresh tokens until they are revoked there",
            counted(n as u64, "agent", "agents")
        ),
    }]);
    Ok(ExitCode::Done)
}

/// Those of the vault who are named: by id, by the name under which they are enrolled, or by the platform's e-mail address. All
/// of them, or a failure that names each who cannot be told.
async fn named<'a>(
    config: &Config,
    clock: Clock,
    enrolled: &'a [Enrolled],
    words: &[String],
) -> Result<Vec<&'a Enrolled>, Failure> {
    let by_email = match words.iter().any(|word| found(enrolled, word).is_empty() && word.contains('@')) {
        true => emails(config, clock).await?,
        false => BTreeMap::new(),
    };
    let (mut chosen, mut wrong): (BTreeMap<&AgentId, &Enrolled>, Vec<String>) = (BTreeMap::new(), Vec::new());
    for word in words {
        let mut of = found(enrolled, word);
        if let Some(agent) = by_email.get(&word.to_lowercase()) {
            of.extend(enrolled.iter().filter(|one| one.agent == *agent));
        }
        match of.as_slice() {
            [one] => drop(chosen.insert(&one.agent, one)),
            [] => wrong.push(format!("{word} is not enrolled")),
            several => {
                let ids: Vec<&str> = several.iter().map(|one| one.agent.as_str()).collect();
                wrong.push(format!("{word} could be {}", ids.join(" or ")));
            }
        }
    }
    if wrong.is_empty() {
        return Ok(chosen.into_values().collect());
    }
    let mut failure = Failure::new(ExitCode::Usage, "not everybody can be found in the vault");
    failure.details = wrong;
    Err(failure.hint("nobody has been forgotten; `softlanding agents list --json` has everybody's id"))
}

fn found<'a>(enrolled: &'a [Enrolled], word: &str) -> Vec<&'a Enrolled> {
    let word = word.to_lowercase();
    enrolled.iter().filter(|one| one.agent.as_str() == word || one.name.to_lowercase() == word).collect()
}

async fn emails(config: &Config, clock: Clock) -> Result<BTreeMap<String, AgentId>, Failure> {
    let client = open::client(config, clock).await?;
    let people = staging::people(&client).await.map_err(unread)?;
    Ok(people.into_iter().map(|person| (person.email.to_lowercase(), person.agent)).collect())
}

pub(super) async fn rotate_key(args: &RotateKeyArgs) -> Result<ExitCode, Failure> {
    let config = open::config(&args.config.config)?;
    out::say([match config.rekey_vault().await? {
        Rekeyed::Done(agents) => format!(
            "the tokens of {} are sealed with the new key; take old_key out of [vault], restart what runs, destroy the old key",
            counted(agents as u64, "agent", "agents")
        ),
        Rekeyed::Already => "the vault is sealed with the new key already; take old_key out of [vault]".to_owned(),
    }]);
    Ok(ExitCode::Done)
}
