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
    /// The vault has been sealed with another key since it was opened.
    #[error("the vault has been sealed with a new key since it was opened")]
    KeyReplaced,
    /// Somebody else has taken the agent's grant out and does not bring it back.
    #[error("another process is refreshing the token of agent {agent}")]
    Held {
        /// The agent.
        agent: AgentId,
    },
    /// Grants are out, so nothing can be sealed anew.
    #[error("{count} refreshes are under way, so the vault cannot be sealed with another key")]
    Out {
        /// How many.
        count: u64,
    },
    /// This agent's row has been altered or damaged; the others are not affected.
    #[error("the vault's entry of agent {agent} has been altered or is damaged")]
    Altered {
        /// The agent.
        agent: AgentId,
    },
    /// The vault's own record of its key is damaged.
    #[error("the vault's record of its key is damaged")]
    Damaged,
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
    /// The file or the server could not be read or written.
    #[error("the vault cannot be read or written")]
    Store(#[source] StoreError),
}

impl VaultError {
    /// Whether asking again later may help.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            VaultError::Held { .. } | VaultError::Out { .. } => true,
            VaultError::Store(e) => e.passes(),
            VaultError::BadKey { .. }
            | VaultError::WrongKey
            | VaultError::KeyReplaced
            | VaultError::Altered { .. }
            | VaultError::Damaged
            | VaultError::BadToken { .. }
            | VaultError::NoEntropy => false,
        }
    }

    /// What to do about it, as one sentence.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            VaultError::BadKey { .. } => {
                Some("make one with `softlanding agents new-key` and keep it outside of the configuration")
            }
            VaultError::WrongKey => Some(
                "give the key that the vault was made with (a new one: `softlanding agents rotate-key` first); without it, agents must enrol again",
            ),
            VaultError::KeyReplaced => Some("start softlanding again with the new key; no token has been lost"),
            VaultError::Held { .. } => Some("try again in a minute"),
            VaultError::Out { .. } => Some("try again once the refresh before the publish is over"),
            VaultError::Altered { .. } => Some(
                "let this agent sign in again or import their refresh token; `softlanding agents forget` takes them out",
            ),
            VaultError::Damaged => Some("restore the vault from a backup"),
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
