//! People's sessions: an opaque cookie, of which only the hash is kept, and a token against forged requests that follows
//! from it.
//!
//! Must never: let a session live on after its time, used or not, or say what somebody may do: the rules of now do.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{Access, AccessError, Role, ask, hash};
use crate::hands::StoreError;
use crate::hands::vault::random_text;
use crate::words::clock::Timestamp;
use crate::words::secret::Secret;

/// A session ends so long after the sign-in, in ms.
const LIFE_MS: i64 = 12 * 3_600_000;
/// And so long after it was last used, in ms.
const IDLE_MS: i64 = 3_600_000;
/// That it was used is noted at most this often, in ms.
const NOTE_EVERY_MS: i64 = 60_000;
/// Sessions at the same time.
const SESSIONS_MAX: i64 = 10_000;
/// The longest cookie that is looked for, in bytes.
const COOKIE_BYTES_MAX: usize = 128;
const CSRF_PURPOSE: &str = "softlanding csrf 1";

/// Somebody who has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The person's name, as journals show it.
    pub name: String,
    /// The person's mail address, by which rules tell what they may do.
    pub mail: String,
}

impl Access {
    /// Opens a session and gives its cookie, which is told here and never again. `role` is only for a softlanding of before
    /// that shares the store.
    ///
    /// # Errors
    /// [`AccessError::TooMany`] when so many are open that no more are taken.
    pub async fn open_session(&self, who: &Session, role: Role, now: Timestamp) -> Result<Secret, AccessError> {
        self.sweep_sessions(now).await?;
        let count = "SELECT count(*) FROM softlanding_sessions";
        let (open,): (i64,) = ask!(self, "counting the sessions", fetch_one, count)?;
        if open >= SESSIONS_MAX {
            return Err(AccessError::TooMany(open));
        }
        let cookie = random_text().map_err(AccessError::NoEntropy)?;
        let insert = "INSERT INTO softlanding_sessions (hash, name, mail, role, made_ms, seen_ms)
             VALUES ($1, $2, $3, $4, $5, $5) RETURNING made_ms";
        let Session { name, mail } = who;
        let hash = hash(&cookie);
        let _made: (i64,) = ask!(
            self,
            "opening a session",
            fetch_one,
            insert,
            hash.as_str(),
            name.as_str(),
            mail.as_str(),
            role.word(),
            now.0
        )?;
        Ok(Secret::new(cookie))
    }

    /// Whose session it is, noted as used; `None` for one that is nobody's, or over.
    ///
    /// # Errors
    /// Only [`AccessError::Store`].
    pub async fn session(&self, cookie: &str, now: Timestamp) -> Result<Option<Session>, AccessError> {
        if cookie.is_empty() || cookie.len() > COOKIE_BYTES_MAX {
            return Ok(None);
        }
        let cookie = hash(cookie);
        let find = "SELECT name, mail, seen_ms FROM softlanding_sessions
             WHERE hash = $1 AND made_ms > $2 AND seen_ms > $3 AND mail <> ''";
        let found: Option<(String, String, i64)> = ask!(
            self,
            "looking for a session",
            fetch_optional,
            find,
            cookie.as_str(),
            (now - LIFE_MS).0,
            (now - IDLE_MS).0
        )?;
        let Some((name, mail, seen_ms)) = found else { return Ok(None) };
        if now.since_ms(Timestamp(seen_ms)) >= NOTE_EVERY_MS {
            let note = "UPDATE softlanding_sessions SET seen_ms = $2 WHERE hash = $1 RETURNING seen_ms";
            // A store that takes nothing, on a full disk, keeps nobody from looking; the session ends the sooner for it.
            let _unnoted: Result<Option<(i64,)>, StoreError> =
                ask!(self, "noting the use of a session", fetch_optional, note, cookie.as_str(), now.0);
        }
        Ok(Some(Session { name, mail }))
    }

    /// Ends a session; does nothing when it is over already.
    ///
    /// # Errors
    /// Only [`AccessError::Store`].
    pub async fn close_session(&self, cookie: &str) -> Result<(), AccessError> {
        let delete = "DELETE FROM softlanding_sessions WHERE hash = $1 RETURNING made_ms";
        let _closed: Option<(i64,)> = ask!(self, "closing a session", fetch_optional, delete, hash(cookie))?;
        Ok(())
    }

    pub(super) async fn sweep_sessions(&self, now: Timestamp) -> Result<(), AccessError> {
        let delete = "DELETE FROM softlanding_sessions WHERE made_ms <= $1 OR seen_ms <= $2 RETURNING made_ms";
        let _swept: Vec<(i64,)> =
            ask!(self, "closing old sessions", fetch_all, delete, (now - LIFE_MS).0, (now - IDLE_MS).0)?;
        Ok(())
    }
}

/// The token that a page sends with whatever changes something: only pages of ours are told it, and it follows from the
/// session's cookie, which scripts cannot read.
#[must_use]
pub fn csrf_of(cookie: &str) -> String {
    // A key of any length is accepted, so the other arm is never taken.
    let mut mac =
        <Hmac<Sha256> as KeyInit>::new_from_slice(cookie.as_bytes()).unwrap_or_else(|_| Hmac::new(&Default::default()));
    mac.update(CSRF_PURPOSE.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether `token` is that of the session with this cookie. Takes as long for a wrong one, wherever it is wrong.
#[must_use]
pub fn is_csrf_of(cookie: &str, token: &str) -> bool {
    let (wanted, given) = (csrf_of(cookie), token.as_bytes());
    let differ = wanted.bytes().zip(given).fold(0_u8, |differ, (a, b)| differ | (a ^ b));
    wanted.len() == given.len() && differ == 0
}
