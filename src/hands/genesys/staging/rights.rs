//! What the publisher may do, how much of it, and what time the platform has.
//!
//! Must never: read "not told" as "not allowed"; a client-credentials token has no user, and some answers are for users
//! only (API.md section 2).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::hands::genesys::ask::Ask;
use crate::hands::genesys::client::Client;
use crate::hands::genesys::failure;
use crate::hands::genesys::staging::read::read;
use crate::law::command::{Failure, FailureKind};
use crate::words::clock::Timestamp;
use crate::words::http::{Method, Response};

/// The permissions that a subject's roles grant, in any division.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Permissions {
    /// Each as domain, entity and action; any may be `*`.
    held: BTreeSet<[String; 3]>,
}

impl Permissions {
    /// Whether `permission`, written `domain:entity:action`, is granted.
    #[must_use]
    pub fn allows(&self, permission: &str) -> bool {
        let wanted: Vec<&str> = permission.split(':').collect();
        let covers = |held: &[String; 3]| {
            let part = |(held, wanted): (&String, &&str)| held == "*" || held.eq_ignore_ascii_case(wanted);
            wanted.len() == 3 && held.iter().zip(&wanted).all(part)
        };
        self.held.iter().any(covers)
    }
    /// Those of `permissions` that are not granted.
    #[must_use]
    pub fn missing<'a>(&self, permissions: &[&'a str]) -> Vec<&'a str> {
        permissions.iter().filter(|permission| !self.allows(permission)).copied().collect()
    }
    /// All of them, written `domain:entity:action`.
    pub fn iter(&self) -> impl Iterator<Item = String> {
        self.held.iter().map(|parts| parts.join(":"))
    }
}

/// The permissions of the publisher itself.
///
/// # Errors
/// Why the platform could not be read. 400 and 403 mean that it does not tell this client, not that nothing is granted.
pub async fn permissions(client: &Client) -> Result<Permissions, Failure> {
    let answer = read(client, Ask::api(Method::Get, "/api/v2/authorization/subjects/me")).await;
    let response = answer.map_err(|failure| match failure.kind {
        FailureKind::Forbidden | FailureKind::Invalid | FailureKind::NotFound => {
            let message = format!("the platform does not tell this client its own permissions: {}", failure.message);
            Failure { message, ..failure }
        }
        FailureKind::Throttled
        | FailureKind::Unauthorized
        | FailureKind::Conflict
        | FailureKind::Server
        | FailureKind::NotSent
        | FailureKind::NoAnswer
        | FailureKind::Malformed
        | FailureKind::Local => failure,
    })?;
    permissions_in(&response)
}

/// The permissions in a subject's grants.
///
/// # Errors
/// A malformed answer when it has no grants.
pub fn permissions_in(response: &Response) -> Result<Permissions, Failure> {
    let body = response.value();
    let Some(grants) = body.get("grants").and_then(Value::as_array) else {
        return Err(failure::malformed(response, "the answer holds no grants"));
    };
    let policies = grants.iter().filter_map(|grant| grant.pointer("/role/policies")?.as_array()).flatten();
    let held: BTreeSet<_> = policies.flat_map(granted).collect();
    // Whoever is let in and may do nothing at all cannot be told from one whose policies are not told.
    if held.is_empty() {
        return Err(failure::malformed(response, "the answer holds no permission at all"));
    }
    Ok(Permissions { held })
}

fn granted(policy: &Value) -> Vec<[String; 3]> {
    let text = |name: &str| policy.get(name).and_then(Value::as_str);
    let (Some(domain), Some(entity)) = (text("domain"), text("entityName")) else { return Vec::new() };
    let actions = policy.get("actions").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    actions.map(|action| [domain.to_owned(), entity.to_owned(), action.to_owned()]).collect()
}

/// The key of the calls that a client-credentials token may make in a minute, in the namespace `platform.api` (API.md
/// section 3).
pub const CALLS_A_MINUTE: &str = "client.credentials.token.rate.per.minute";

/// The platform's limits of the namespace `platform.api` by key, e.g. [`CALLS_A_MINUTE`];
/// `None` when it does not tell this client.
///
/// # Errors
/// Why the platform could not be read.
pub async fn limits(client: &Client) -> Result<Option<BTreeMap<String, i64>>, Failure> {
    limits_of(client, "platform.api").await
}

/// The same of the namespace `auth.api`. Which of its keys holds for the token endpoint is UNCERTAIN (API.md section 3).
///
/// # Errors
/// Why the platform could not be read.
pub async fn auth_limits(client: &Client) -> Result<Option<BTreeMap<String, i64>>, Failure> {
    limits_of(client, "auth.api").await
}

async fn limits_of(client: &Client, namespace: &str) -> Result<Option<BTreeMap<String, i64>>, Failure> {
    let path = format!("/api/v2/organizations/limits/namespaces/{namespace}");
    match read(client, Ask::api(Method::Get, path)).await {
        Ok(response) => limits_in(&response).map(Some),
        Err(failure) if matches!(failure.kind, FailureKind::Forbidden | FailureKind::NotFound) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The limits of a listing.
///
/// # Errors
/// A malformed answer when it has no list.
pub fn limits_in(response: &Response) -> Result<BTreeMap<String, i64>, Failure> {
    let body = response.value();
    let Some(limits) = body.get("entities").and_then(Value::as_array) else {
        return Err(failure::malformed(response, "the answer holds no limits"));
    };
    let limit = |limit: &Value| Some((limit.get("key")?.as_str()?.to_owned(), limit.get("value")?.as_i64()?));
    Ok(limits.iter().filter_map(limit).collect())
}

/// The platform's own time; ours may be off, and the publish is due on the second.
///
/// # Errors
/// Why the platform could not be read.
pub async fn server_date(client: &Client) -> Result<Timestamp, Failure> {
    date_in(&read(client, Ask::api(Method::Get, "/api/v2/date")).await?)
}

/// The instant in an answer about the date.
///
/// # Errors
/// A malformed answer when it has none.
pub fn date_in(response: &Response) -> Result<Timestamp, Failure> {
    let body = response.value();
    let date = body.get("currentDate").and_then(Value::as_str).and_then(Timestamp::parse_rfc3339);
    date.ok_or_else(|| failure::malformed(response, "the answer holds no date"))
}
