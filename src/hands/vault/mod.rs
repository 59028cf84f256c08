//! The vault: agents' tokens, encrypted at rest with a key that is kept elsewhere.
//!
//! Each agent's grant is sealed on its own (XChaCha20-Poly1305, a new random nonce each time) and bound to the agent, the key
//! and its edition, so that a row can neither be altered nor moved to another agent, nor an earlier grant be put back beside a
//! later row's facts, without being found out. Who takes back a whole row, or the whole file, brings back an old refresh
//! token; the platform refuses it, and the agent is asked to sign in again.
//!
//! - `open`: the [`Vault`] and what is asked of it; `spend`: a refresh token is good for one use, and none is lost; `rekey`:
//!   another key.
//! - `home`: where the rows are, with two kinds: `sqlite`, a file; `postgres`, tables that several replicas share.
//! - `row`: what a row says in the clear; `grant`: what is sealed; `seal`: how.
//! - `enrolment`: lists of refresh tokens that an organisation's app hands over.
//!
//! Must never: write a token or the key in the clear, or name one in an error or a log.

mod derive;
mod enrolment;
mod error;
mod grant;
mod home;
mod open;
mod postgres;
mod rekey;
mod row;
mod seal;
mod spend;
mod sqlite;
#[cfg(test)]
mod tests;

pub use derive::{Derived, random_text};
pub use enrolment::{AgentRef, Enrolment, EnrolmentError, parse_enrolments};
pub use error::VaultError;
pub use open::Vault;
pub use rekey::{Rekeyed, rekey_at, rekey_on};
pub use row::{Enrolled, GrantState, Imported};
pub use seal::new_key;
pub use spend::{Kept, Spending, Taken};
