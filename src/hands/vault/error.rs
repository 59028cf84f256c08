//! What can go wrong with the vault.
//!
//! Must never: hold a token or a key, not even in part.

use crate::hands::StoreError;
use crate::words::id::AgentId;

/// Why the vault could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key is not 32 bytes in base64 or hexadecimal.
    #[error(
        "the vault's key is not usable: {found}; accepted: 32 bytes as 43 or 44 characters of base64 or 64 of hexadecimal"
    )]
    BadKey {
        /// What is wrong with it, without the key.
        found: String,
    },
    /// The key is well formed, but the vault was sealed with another one.
    #[error("the vault was sealed with another key")]
    WrongKey,
    /// This agent's row has been altered or damaged; the others are not affected.
    #[error("the vault's entry of agent {agent} has been altered or is damaged")]
    Altered {
        /// The agent.
        agent: AgentId,
    },
    /// The vault's own record of its key is damaged.
    #[error("the vault's record of its key is damaged")]
    Damaged,
    /// There is no entry to change.
    #[error("agent {agent} is not enrolled")]
    NotEnrolled {
        /// The agent.
        agent: AgentId,
    },
    /// A token is empty or longer than any token is.
    #[error("the {field} of agent {agent} has {found} bytes; accepted: 1 to {accepted}")]
    BadToken {
        /// The agent.
        agent: AgentId,
        /// "refresh token" or "access token".
        field: &'static str,
        /// How long it is, in bytes.
        found: usize,
        /// The longest that is accepted, in bytes.
        accepted: usize,
    },
    /// The operating system gave no random numbers.
    #[error("the operating system gave no random numbers")]
    NoEntropy,
    /// The file could not be read or written.
    #[error("the vault cannot be read or written")]
    Store(#[source] StoreError),
}

impl VaultError {
    /// What to do about it, as one sentence.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            VaultError::BadKey { .. } => {
                Some("make one with `softlanding agents new-key` and keep it outside of the configuration")
            }
            VaultError::WrongKey => {
                Some("give the key that the vault was made with; without it, agents must enrol again")
            }
            VaultError::Altered { .. } => Some("import this agent's refresh token again"),
            VaultError::Damaged => Some("restore the vault's file from a backup"),
            VaultError::NotEnrolled { .. } => Some("import this agent's refresh token first"),
            VaultError::BadToken { .. } | VaultError::NoEntropy => None,
            VaultError::Store(e) => Some(e.hint()),
        }
    }
}

impl From<StoreError> for VaultError {
    fn from(e: StoreError) -> Self {
        VaultError::Store(e)
    }
}
