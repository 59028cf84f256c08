//! API keys: `slk_` and 64 hexadecimal digits, of which only the hash is kept.
//!
//! Must never: show a key after it was made, or let a revoked one in.

use super::{Access, AccessError, Role, ask, hash};
use crate::hands::StoreError;
use crate::hands::vault::random_text;
use crate::words::clock::Timestamp;
use crate::words::secret::Secret;

/// What each key begins with, so that it is recognised where it should not be.
pub const KEY_PREFIX: &str = "slk_";
/// The longest key that is looked for, in bytes.
const KEY_BYTES_MAX: usize = 128;
/// That a key was used is noted at most this often, in ms.
const NOTE_EVERY_MS: i64 = 60_000;
const NAME_CHARS_MAX: usize = 40;

/// A key, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyListed {
    /// Its name; unique among those that are in use.
    pub name: String,
    /// What its holder may do.
    pub role: Role,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it was last used, to the minute; `None` for never.
    pub used_at: Option<Timestamp>,
    /// When it was revoked; `None` for one that is in use.
    pub revoked_at: Option<Timestamp>,
}

type Row = (String, String, i64, Option<i64>, Option<i64>);

impl Access {
    /// Makes a key. It is told here and never again.
    ///
    /// # Errors
    /// [`AccessError::NameTaken`] when a key of that name is in use; [`AccessError::BadName`].
    pub async fn add_key(&self, name: &str, role: Role, now: Timestamp) -> Result<Secret, AccessError> {
        if !name_is_fine(name) {
            return Err(AccessError::BadName(name.to_owned()));
        }
        let key = format!("{KEY_PREFIX}{}", random_text().map_err(AccessError::NoEntropy)?);
        let insert = "INSERT INTO softlanding_keys (hash, name, role, made_ms) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING RETURNING made_ms";
        let made: Option<(i64,)> =
            ask!(self, "adding an API key", fetch_optional, insert, hash(&key), name, role.word(), now.0)?;
        if made.is_some() { Ok(Secret::new(key)) } else { Err(AccessError::NameTaken(name.to_owned())) }
    }

    /// Whose key it is; `None` for one that is nobody's, or revoked.
    ///
    /// # Errors
    /// Only [`AccessError::Store`].
    pub async fn holder_of_key(&self, key: &str, now: Timestamp) -> Result<Option<(String, Role)>, AccessError> {
        if !key.starts_with(KEY_PREFIX) || key.len() > KEY_BYTES_MAX {
            return Ok(None);
        }
        let key = hash(key);
        // Looking a hash up tells nothing about the key by the time it takes.
        let find = "SELECT name, role, used_ms FROM softlanding_keys WHERE hash = $1 AND revoked_ms IS NULL";
        let found: Option<(String, String, Option<i64>)> =
            ask!(self, "looking for an API key", fetch_optional, find, key.as_str())?;
        let Some((name, role, used_ms)) = found else { return Ok(None) };
        let Ok(role) = role.parse() else { return Ok(None) };
        if used_ms.is_none_or(|used_ms| now.since_ms(Timestamp(used_ms)) >= NOTE_EVERY_MS) {
            let note = "UPDATE softlanding_keys SET used_ms = $2 WHERE hash = $1 RETURNING used_ms";
            // A store that takes nothing, on a full disk, keeps nobody from looking.
            let _unnoted: Result<Option<(i64,)>, StoreError> =
                ask!(self, "noting the use of an API key", fetch_optional, note, key.as_str(), now.0);
        }
        Ok(Some((name, role)))
    }

    /// Every key, those in use first, then by name.
    ///
    /// # Errors
    /// Only [`AccessError::Store`].
    pub async fn keys(&self) -> Result<Vec<KeyListed>, AccessError> {
        let list = "SELECT name, role, made_ms, used_ms, revoked_ms FROM softlanding_keys
             ORDER BY revoked_ms IS NOT NULL, name, made_ms";
        let rows: Vec<Row> = ask!(self, "listing the API keys", fetch_all, list)?;
        // A role that only a newer softlanding knows lets nobody in here, so that it is not listed either.
        let listed = |(name, role, made_ms, used_ms, revoked_ms): Row| {
            Some(KeyListed {
                name,
                role: role.parse().ok()?,
                made_at: Timestamp(made_ms),
                used_at: used_ms.map(Timestamp),
                revoked_at: revoked_ms.map(Timestamp),
            })
        };
        Ok(rows.into_iter().filter_map(listed).collect())
    }

    /// Revokes the key of that name; false when none is in use. It opens nothing from then on, in any process.
    ///
    /// # Errors
    /// Only [`AccessError::Store`].
    pub async fn revoke_key(&self, name: &str, now: Timestamp) -> Result<bool, AccessError> {
        let revoke =
            "UPDATE softlanding_keys SET revoked_ms = $2 WHERE name = $1 AND revoked_ms IS NULL RETURNING made_ms";
        let revoked: Option<(i64,)> = ask!(self, "revoking an API key", fetch_optional, revoke, name, now.0)?;
        Ok(revoked.is_some())
    }
}

/// Whether a name can stand in journals, on one line: 1 to 40 letters, digits, and `-`, `_`, `.`, `@`.
#[must_use]
pub fn name_is_fine(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
    (1..=NAME_CHARS_MAX).contains(&name.len()) && name.chars().all(plain)
}
