//! A row of the vault: what it says in the clear, and what is sealed in it.
//!
//! Must never: hold a token that is not sealed.

use super::seal::{Sealed, new_number};
use super::{VaultError, seal};
use crate::words::clock::Timestamp;
use crate::words::id::AgentId;

/// The longest name and the longest reason that are kept, in characters.
const TEXT_CHARS_MAX: usize = 200;

/// Whether an agent's grant can still be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantState {
    /// As far as is known.
    Alive,
    /// The platform has refused it; the agent must sign in again.
    Dead {
        /// What the platform said, and whether a refresh had been interrupted before.
        why: String,
    },
}

/// An agent in the vault, without the tokens. Instants are by the clock that the vault follows; `None` means never, or that
/// an earlier version of softlanding has not noted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// The agent.
    pub agent: AgentId,
    /// The agent's name for people, as given when they were enrolled.
    pub name: String,
    /// Whether the grant can be used.
    pub state: GrantState,
    /// When the agent signed in, or was imported, the last time.
    pub enrolled_at: Option<Timestamp>,
    /// When the tokens were refreshed the last time.
    pub refreshed_at: Option<Timestamp>,
    /// When the newest access token ends.
    pub access_until: Option<Timestamp>,
    /// When the grant was used the last time: for a refresh, or because its access token was handed over.
    pub used_at: Option<Timestamp>,
    /// When it was found dead.
    pub dead_at: Option<Timestamp>,
    /// The refresh token may have been spent at this instant by a refresh whose answer nobody has. It is tried once more.
    pub spent_since: Option<Timestamp>,
    /// Somebody is refreshing the token right now, or has died within the last ten seconds.
    pub under_way: bool,
}

/// What an import has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Imported {
    /// Agents who were not in the vault before.
    pub added: usize,
    /// Agents whose grant has been replaced.
    pub replaced: usize,
}

/// A number of its own for each grant that is stored, drawn by chance: whoever has used a grant can tell by it whether the row
/// still holds that one. 0 is that of grants which were stored before there were editions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edition(pub(super) i64);

impl Edition {
    pub(super) fn new() -> Result<Edition, VaultError> {
        Ok(Edition(i64::try_from(new_number()? >> 1).unwrap_or(i64::MAX).max(1)))
    }
}

/// Who has taken a grant out to spend it: a name of its own for each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hold(pub(super) String);

impl Hold {
    pub(super) fn new() -> Result<Hold, VaultError> {
        seal::new_key_id().map(Hold)
    }
}

/// A sealed grant on its way into the vault.
#[derive(Debug, Clone)]
pub(super) struct NewRow {
    pub(super) agent: AgentId,
    pub(super) edition: Edition,
    pub(super) sealed: Sealed,
    pub(super) access_until_ms: Option<i64>,
}

/// A sealed grant as it stands in the vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) key_id: String,
    pub(super) edition: Edition,
    pub(super) sealed: Sealed,
    /// Of a refresh that was begun before and whose end nobody has noted.
    pub(super) spent_since: Option<Timestamp>,
    pub(super) dead_because: Option<String>,
    /// When its access token was made and when it ends, if it has one and both are known.
    pub(super) age: Option<(Timestamp, Timestamp)>,
}

/// The columns of a [`Row`], as a statement names them and as they come.
pub(super) const ROW: &str = "key_id, edition, nonce, sealed, spent_since_ms, dead_because, coalesce(refreshed_ms, enrolled_ms), access_until_ms";
pub(super) type RowColumns = (String, i64, Vec<u8>, Vec<u8>, Option<i64>, Option<String>, Option<i64>, Option<i64>);

impl From<RowColumns> for Row {
    fn from((key_id, edition, nonce, bytes, spent_since_ms, dead_because, made_ms, until_ms): RowColumns) -> Row {
        let (edition, sealed) = (Edition(edition), Sealed { nonce, bytes });
        let age = made_ms.zip(until_ms).map(|(made, until)| (Timestamp(made), Timestamp(until)));
        Row { key_id, edition, sealed, spent_since: spent_since_ms.map(Timestamp), dead_because, age }
    }
}

/// What a row says in the clear; `held` is how the home asks whether somebody has the grant. A refresh that was begun, and that
/// nobody carries on, may have spent the token.
pub(super) fn facts(held: &str) -> String {
    format!(
        "agent, name, dead_because, enrolled_ms, refreshed_ms, access_until_ms, used_ms, dead_ms,
         CASE WHEN {held} THEN spent_since_ms ELSE coalesce(spent_since_ms, hold_since_ms) END, {held}"
    )
}
/// The same of a file that an earlier version has written and that is only looked at.
pub(super) const FACTS_OF_VERSION_1: &str = "agent, name, dead_because, NULL AS enrolled_ms, NULL AS refreshed_ms, \
     NULL AS access_until_ms, NULL AS used_ms, NULL AS dead_ms, NULL AS spent_since_ms, FALSE";

/// Agent, name, why dead; enrolled, refreshed, access token's end, used, dead, spent since; whether it is under way.
pub(super) type FactsColumns = (
    String,
    String,
    Option<String>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    bool,
);

/// Everybody of whom the rows tell. An id that is none was not written by us, and no run can ask for it.
pub(super) fn everybody(rows: Vec<FactsColumns>) -> Vec<Enrolled> {
    rows.into_iter().filter_map(enrolled).collect()
}

fn enrolled(
    (
        agent,
        name,
        dead_because,
        enrolled_ms,
        refreshed_ms,
        access_until_ms,
        used_ms,
        dead_ms,
        spent_since_ms,
        under_way,
    ): FactsColumns,
) -> Option<Enrolled> {
    Some(Enrolled {
        agent: AgentId::new(&agent).ok()?,
        name,
        state: dead_because.map_or(GrantState::Alive, |why| GrantState::Dead { why }),
        enrolled_at: enrolled_ms.map(Timestamp),
        refreshed_at: refreshed_ms.map(Timestamp),
        access_until: access_until_ms.map(Timestamp),
        used_at: used_ms.map(Timestamp),
        dead_at: dead_ms.map(Timestamp),
        spent_since: spent_since_ms.map(Timestamp),
        under_way,
    })
}

/// The vault's key as the vault names it: a value that only the right key opens.
#[derive(Debug, Clone)]
pub(super) struct KeyRow {
    pub(super) id: String,
    pub(super) check: Sealed,
}

/// How a grant that was taken out comes back without a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Release {
    /// Proven: it was not spent.
    Unspent,
    /// It may have been.
    Doubt,
    /// The platform says that it is dead.
    Dead { why: String, at_ms: i64 },
}

impl Release {
    /// What it writes: whether the grant may be spent, why it is dead, and since when.
    pub(super) fn columns(&self) -> (bool, Option<String>, Option<i64>) {
        match self {
            Release::Unspent => (false, None, None),
            Release::Doubt => (true, None, None),
            Release::Dead { why, at_ms } => (false, Some(cut(why)), Some(*at_ms)),
        }
    }
}

/// A text as the vault keeps it.
pub(super) fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(TEXT_CHARS_MAX).collect()
}
