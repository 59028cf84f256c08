//! People of the org who are no agents: they plan, supervise or look on, and have neither a station nor a shift.
//!
//! Must never: hold a refresh token that is good for anything; nobody keeps their softphone alive.

use serde_json::{Value, json};

use super::answer::{Answer, Reply};
use super::ids::{self, Thing};
use super::limit::Window;
use super::world::{Client, Owner, Token, Twin};

/// Their names. Each has the address `first.last@northfield.example`.
const NAMES: [&str; 3] = ["Nora Lindqvist", "Tom Brandt", "Iris Chen"];

/// How many there are.
pub(super) const COUNT: usize = NAMES.len();

pub(super) fn id(n: usize) -> String {
    ids::id(Thing::Person, n)
}

pub(super) fn name(n: usize) -> &'static str {
    NAMES.get(n).copied().unwrap_or_default()
}

/// The person behind a user id.
pub(super) fn find(id: &str) -> Option<usize> {
    ids::index(Thing::Person, id).filter(|n| *n < COUNT)
}

/// The mail address that goes with a name.
pub(super) fn mail(name: &str) -> String {
    format!("{}@northfield.example", name.to_lowercase().replace(' ', "."))
}

/// The user as the platform tells it.
pub(super) fn person_json(n: usize) -> Value {
    let (id, name) = (id(n), name(n));
    json!({
        "id": id,
        "name": name,
        "division": { "id": ids::id(Thing::Division, 0), "name": "Home" },
        "email": mail(name),
        "username": mail(name),
        "state": "active",
        "version": 4,
        "acdAutoAnswer": false,
        "selfUri": format!("/api/v2/users/{id}"),
    })
}

impl Twin {
    /// Who signs in gets an access token and, as with every code grant, a refresh token.
    pub(super) fn grant_person(&mut self, n: usize) -> Answer {
        let expires_in = self.scenario.tokens.agent_expires_in_s;
        let token = self.tokens.len();
        self.tokens.push(Token {
            owner: Owner::Person(n),
            client: Client::App,
            issued: self.now,
            expires: self.now + expires_in.saturating_mul(1000),
            revoked: None,
            window: Window::default(),
        });
        let access_token = self.token_text(token);
        Reply::ok(json!({
            "access_token": access_token,
            "token_type": "bearer",
            "expires_in": expires_in,
            "refresh_token": format!("twin-refresh-person-{n}"),
        }))
    }
}
