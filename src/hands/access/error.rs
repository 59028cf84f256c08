//! Why something about access could not be done.
//!
//! Must never: hold a key.

use crate::hands::StoreError;
use crate::hands::vault::VaultError;

/// Why something about access could not be done.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key of that name is in use.
    #[error("there is a key named {0:?} already")]
    NameTaken(String),
    /// The name cannot stand in a journal.
    #[error("{0:?} cannot name a key")]
    BadName(String),
    /// So many sessions are open that no more are taken.
    #[error("{0} sessions are open, and no more are taken")]
    TooMany(i64),
    /// The operating system gives no random numbers.
    #[error("no secret can be made")]
    NoEntropy(#[source] VaultError),
}

impl AccessError {
    /// What to do about it, as one sentence.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            AccessError::Store(e) => e.hint(),
            AccessError::NameTaken(_) => "revoke that one first, or choose another name",
            AccessError::BadName(_) => "accepted: 1 to 40 letters, digits, and any of - _ . @",
            AccessError::TooMany(_) => {
                "sessions end by themselves after an hour without use; look who signs in so often"
            }
            AccessError::NoEntropy(_) => "look at the operating system's source of random numbers",
        }
    }
}
