//! `softlanding agents import` and `new-key`: refresh tokens into the vault, all or none.
//!
//! Must never: show a token, or import for an agent that the organisation does not have.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use crate::door::cli::args::ImportArgs;
use crate::door::cli::{open, out};
use crate::door::error::{ExitCode, Failure};
use crate::hands::genesys::Client;
use crate::hands::genesys::staging::{self, Person};
use crate::hands::vault::{Enrolment, new_key as make, parse_enrolments};
use crate::law::command::Failure as Told;
use crate::shells::stage::refusal;
use crate::words::id::{AgentId, is_uuid};
use crate::words::secret::Grant;

/// The largest list, in bytes.
const LIST_BYTES_MAX: u64 = 256 << 20;

pub(super) fn new_key() -> Result<ExitCode, Failure> {
    out::say([make()?.expose()]);
    Ok(ExitCode::Done)
}

pub(super) async fn import(args: &ImportArgs) -> Result<ExitCode, Failure> {
    let config = open::config(&args.config.config)?;
    let text = read(&args.file)?;
    let enrolments = parse_enrolments(&text).map_err(|errors| {
        let mut failure = Failure::new(ExitCode::Usage, format!("{} cannot be imported", args.file.display()));
        failure.details = errors.iter().map(ToString::to_string).collect();
        failure.hint("nothing has been imported; correct these lines and import the file again")
    })?;
    let clock = open::clock(&config).await?;
    let vault = open::needed_vault(&config, clock).await?;
    let client = open::client(&config, clock).await?;
    let resolved = resolve(&client, enrolments).await?;
    let imported = vault.import(&resolved).await?;
    out::say([format!(
        "{} agents enrolled: {} new, {} with a newer token",
        imported.added + imported.replaced,
        imported.added,
        imported.replaced
    )]);
    Ok(ExitCode::Done)
}

fn read(file: &Path) -> Result<String, Failure> {
    let unreadable =
        |e: std::io::Error| Failure::new(ExitCode::Access, format!("{} cannot be read", file.display())).because(e);
    let mut text = String::new();
    let from: Box<dyn Read> = if file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(file).map_err(unreadable)?)
    };
    from.take(LIST_BYTES_MAX).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

/// Finds each agent in the organisation: ids by id, everything else among all of its users.
async fn resolve(client: &Client, enrolments: Vec<Enrolment>) -> Result<Vec<(AgentId, String, Grant)>, Failure> {
    let ids: Vec<AgentId> = enrolments.iter().filter_map(|e| id_in(e.agent.as_str())).collect();
    let mut people = BTreeMap::new();
    let known = staging::names(client, &ids).await.map_err(unread)?;
    for (agent, name) in known {
        people.insert(agent.as_str().to_owned(), vec![(agent, name)]);
    }
    if ids.len() < enrolments.len() {
        for person in staging::people(client).await.map_err(unread)? {
            add(&mut people, person);
        }
    }
    let (mut resolved, mut wrong) = (Vec::new(), Vec::new());
    for enrolment in enrolments {
        match people.get(&enrolment.agent.as_str().to_lowercase()).map(Vec::as_slice) {
            Some([(agent, name)]) => {
                let grant = Grant { refresh_token: enrolment.refresh_token, access_token: None };
                resolved.push((agent.clone(), name.clone(), grant));
            }
            Some(several) if !several.is_empty() => {
                let ids: Vec<&str> = several.iter().map(|(id, _)| id.as_str()).collect();
                wrong.push(format!("line {}: {} could be {}", enrolment.line, enrolment.agent, ids.join(" or ")));
            }
            Some(_) | None => {
                wrong.push(format!("line {}: the organisation has no {}", enrolment.line, enrolment.agent))
            }
        }
    }
    if wrong.is_empty() {
        return Ok(resolved);
    }
    let mut failure = Failure::new(ExitCode::Usage, format!("{} agents cannot be found", wrong.len()));
    failure.details = wrong;
    Err(failure.hint("nothing has been imported; name each agent by user id, e-mail address or full name"))
}

fn id_in(text: &str) -> Option<AgentId> {
    Some(text.to_lowercase()).filter(|id| is_uuid(id)).and_then(|id| AgentId::new(&id).ok())
}

fn add(people: &mut BTreeMap<String, Vec<(AgentId, String)>>, person: Person) {
    for word in [&person.email, &person.name] {
        let of = people.entry(word.to_lowercase()).or_default();
        if !of.iter().any(|(agent, _)| *agent == person.agent) {
            of.push((person.agent.clone(), person.name.clone()));
        }
    }
}

pub(super) fn unread(failure: Told) -> Failure {
    let hint = refusal::platform_hint(&failure);
    let told = refusal::Told(failure);
    Failure { hint, ..Failure::new(ExitCode::Access, "the organisation's users cannot be read") }.because(told)
}
