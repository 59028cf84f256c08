//! Floor 2, *hands*: what touches the world. Each hand does what it is told and says what came of it; none decides.

pub mod access;
pub mod companion;
pub mod genesys;
pub mod hook;
pub mod journal;
pub mod otlp;
pub mod outbox;
mod postgres;
mod sqlite;
mod store;
#[cfg(test)]
pub(crate) mod testing;
pub mod vault;

pub use store::{Cause, StoreError};
