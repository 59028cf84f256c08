//! Every user of the organisation, to find people by their e-mail address or name.
//!
//! Must never: stop half-way; a list that lacks pages would call people unknown who are there.

use serde_json::Value;

use crate::hands::genesys::ask::Ask;
use crate::hands::genesys::client::Client;
use crate::hands::genesys::failure;
use crate::hands::genesys::staging::read::read;
use crate::law::command::Failure;
use crate::words::http::{Method, Response};
use crate::words::id::AgentId;

/// Users on a page (API.md section 3: 500 in live use).
const PAGE_SIZE: u32 = 500;
/// More pages than any organisation has.
const PAGES_MAX: u32 = 2_000;

/// A user, by what people call them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The user id.
    pub agent: AgentId,
    /// The full name.
    pub name: String,
    /// The e-mail address; empty when the platform leaves it out.
    pub email: String,
}

/// Every user that the publisher sees.
///
/// # Errors
/// Why the platform could not be read.
pub async fn people(client: &Client) -> Result<Vec<Person>, Failure> {
    let mut people = Vec::new();
    let mut page = 1;
    loop {
        let path = format!("/api/v2/users?pageSize={PAGE_SIZE}&pageNumber={page}");
        let (found, pages) = people_in(&read(client, Ask::api(Method::Get, path)).await?)?;
        people.extend(found);
        if page >= pages.min(PAGES_MAX) {
            return Ok(people);
        }
        page += 1;
    }
}

/// The users of one page, and how many pages there are.
///
/// # Errors
/// A malformed answer when it has no list.
pub fn people_in(response: &Response) -> Result<(Vec<Person>, u32), Failure> {
    let body = response.value();
    let Some(users) = body.get("entities").and_then(Value::as_array) else {
        return Err(failure::malformed(response, "the answer holds no list of users"));
    };
    let pages = body.get("pageCount").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    Ok((users.iter().filter_map(person).collect(), pages.unwrap_or(1)))
}

fn person(user: &Value) -> Option<Person> {
    let text = |name: &str| failure::plain(user.get(name).and_then(Value::as_str).unwrap_or_default(), 120);
    let agent = AgentId::new(user.get("id")?.as_str()?).ok()?;
    Some(Person { agent, name: text("name"), email: text("email") })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn users_without_an_id_are_passed_over_and_pages_are_counted() {
        let page = json!({ "pageCount": 3, "entities": [
            { "id": "u1", "name": "Ann", "email": "ann@example.com" }, { "name": "nobody" }, { "id": "u2" }, 7,
        ]});
        let (people, pages) = people_in(&Response::new(200).json(&page)).unwrap();
        assert_eq!((people.len(), pages), (2, 3));
        assert_eq!(people[0].email, "ann@example.com");
        assert!(people_in(&Response::new(200).json(&json!({ "entities": 3 }))).is_err());
    }
}
