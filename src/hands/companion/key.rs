//! Page keys: how a page whose token was revoked still authenticates, and how 10,000 pages come back after a restart of
//! the server without one call of the platform's API.
//!
//! A key is `slp1.<agent>.<end, seconds since 1970>.<mark>`; the mark is an HMAC-SHA256 over organisation, agent and end,
//! with a key that is derived from the vault's. It says who the page is, and gives nothing but a place in the hub: it
//! opens no door of the platform's.
//!
//! Must never: accept a key of another organisation or one whose time is over, or compare marks in a time that tells where
//! they differ.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::hands::vault::{Derived, VaultError};
use crate::words::clock::Timestamp;
use crate::words::id::AgentId;
use crate::words::secret::Secret;

/// How long a page key is good for, in ms: 30 days. A page gets a new one with every welcome.
pub const KEY_LIFE_MS: i64 = 30 * 86_400_000;
/// The longest key that is looked at, in bytes.
const KEY_BYTES_MAX: usize = 256;
const VERSION: &str = "slp1";
const PURPOSE: &str = "softlanding page key 1";

/// Why a key was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefused {
    /// It was not made here, or for another organisation, or with another vault key.
    #[error("the page key is not one of this server's")]
    Foreign,
    /// Its time is over.
    #[error("the page key is too old")]
    Old,
}

/// Makes and checks the page keys of one organisation.
#[derive(Debug, Clone)]
pub struct PageKeys {
    org: String,
    making: Derived,
    /// The key before the last rotation of the vault's, for pages that have not come back since.
    before: Option<Derived>,
}

impl PageKeys {
    /// `org` names the organisation; `vault_key` is the vault's key.
    ///
    /// # Errors
    /// [`VaultError::BadKey`] when the key is none.
    pub fn new(org: &str, vault_key: &Secret) -> Result<PageKeys, VaultError> {
        Ok(PageKeys { org: org.to_owned(), making: Derived::new(vault_key, PURPOSE)?, before: None })
    }
    /// The same, which accept what was made with the vault's key before this one as well.
    ///
    /// # Errors
    /// As [`PageKeys::new`].
    pub fn and_before(self, old_key: &Secret) -> Result<PageKeys, VaultError> {
        Ok(PageKeys { before: Some(Derived::new(old_key, PURPOSE)?), ..self })
    }

    /// A key for a page of `agent`, good for [`KEY_LIFE_MS`] from `now` on.
    #[must_use]
    pub fn make(&self, agent: &AgentId, now: Timestamp) -> Secret {
        let end = (now + KEY_LIFE_MS).0.div_euclid(1000).to_string();
        let mark = self.making.mark(&[&self.org, agent.as_str(), &end]);
        Secret::new(format!("{VERSION}.{agent}.{end}.{}", URL_SAFE_NO_PAD.encode(mark)))
    }

    /// Whose key it is.
    ///
    /// # Errors
    /// [`KeyRefused`].
    pub fn check(&self, key: &Secret, now: Timestamp) -> Result<AgentId, KeyRefused> {
        let (agent, end) = self.read(key.expose()).ok_or(KeyRefused::Foreign)?;
        // One that ends too late was made by a clock that is wrong; its holder shows a token instead.
        let left_ms = end.since_ms(now);
        if (1..=KEY_LIFE_MS + 86_400_000).contains(&left_ms) { Ok(agent) } else { Err(KeyRefused::Old) }
    }

    fn read(&self, text: &str) -> Option<(AgentId, Timestamp)> {
        if text.len() > KEY_BYTES_MAX {
            return None;
        }
        // An id of the platform may hold dots, so the parts are taken from both ends.
        let rest = text.strip_prefix(VERSION)?.strip_prefix('.')?;
        let (rest, mark) = rest.rsplit_once('.')?;
        let (agent, end) = rest.rsplit_once('.')?;
        let mark = URL_SAFE_NO_PAD.decode(mark).ok()?;
        let parts = [self.org.as_str(), agent, end];
        let known = self.making.is_mark_of(&parts, &mark)
            || self.before.as_ref().is_some_and(|before| before.is_mark_of(&parts, &mark));
        let end = end.parse::<i64>().ok()?.checked_mul(1000)?;
        known.then_some((AgentId::new(agent).ok()?, Timestamp(end)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hands::vault::new_key;

    #[test]
    fn a_key_names_its_agent_until_its_time_is_over() {
        let vault_key = new_key().unwrap();
        let keys = PageKeys::new("org", &vault_key).unwrap();
        let agent = AgentId::new("a.b-1").unwrap();
        let now = Timestamp(1_000_000);
        let key = keys.make(&agent, now);
        assert_eq!(keys.check(&key, now), Ok(agent.clone()));
        assert_eq!(keys.check(&key, now + (KEY_LIFE_MS - 1_000)), Ok(agent.clone()));
        assert_eq!(keys.check(&key, now + KEY_LIFE_MS), Err(KeyRefused::Old));
        assert_eq!(keys.check(&key, now - 2 * 86_400_000), Err(KeyRefused::Old));
        let other = PageKeys::new("other", &vault_key).unwrap();
        assert_eq!(other.check(&key, now), Err(KeyRefused::Foreign));
        // After the vault's key was rotated, the old one is good while it is configured.
        let rotated = new_key().unwrap();
        assert_eq!(PageKeys::new("org", &rotated).unwrap().check(&key, now), Err(KeyRefused::Foreign));
        assert_eq!(PageKeys::new("org", &rotated).unwrap().and_before(&vault_key).unwrap().check(&key, now), Ok(agent));
    }

    #[test]
    fn no_altered_key_is_taken() {
        let keys = PageKeys::new("org", &new_key().unwrap()).unwrap();
        let now = Timestamp(1_000_000);
        let key = keys.make(&AgentId::new("agent-1").unwrap(), now);
        let text = key.expose().to_owned();
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
            let altered = String::from_utf8(bytes).unwrap();
            // The last character of base64 holds bits that mean nothing; the decoder refuses them when they are set.
            assert!(keys.check(&Secret::new(altered), now).is_err(), "{at}");
        }
        for odd in ["", "slp1", "slp1.", "slp1...", "slp1.a.b.c", &"x".repeat(300)] {
            assert_eq!(keys.check(&Secret::new(odd.to_owned()), now), Err(KeyRefused::Foreign), "{odd}");
        }
    }
}
