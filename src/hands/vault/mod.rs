//! The vault: agents' tokens, encrypted at rest with a key that is kept elsewhere.
//!
//! Each agent's grant is sealed on its own (XChaCha20-Poly1305, a new random nonce each time) and bound to the agent and
//! the key, so that a row can neither be altered nor moved to another agent without being found out.
//!
//! Must never: write a token or the key in the clear, or name one in an error or a log.

mod derive;
mod enrolment;
mod error;
mod seal;
mod table;
#[cfg(test)]
mod tests;

pub use derive::{Derived, random_text};
pub use enrolment::{AgentRef, Enrolment, EnrolmentError, parse_enrolments};
pub use error::VaultError;
pub use seal::new_key;
pub use table::{Enrolled, GrantState, Imported, Vault};
