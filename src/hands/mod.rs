//! Floor 2, *hands*: what touches the world. Each hand does what it is told and decides nothing.

pub mod hook;
pub mod journal;
mod sqlite;
#[cfg(test)]
mod testing;

pub mod vault;

pub use sqlite::StoreError;
