//! Runs an organisation's own executables at the points of a run: one JSON document in, an exit code and a few lines out;
//! and signs and verifies webhooks.
//!
//! Must never: wait longer than allowed, keep more output than allowed, leave a process behind in the hook's group, or
//! hand over its own environment.

mod envelope;
mod list;
mod process;
mod runner;
pub mod signature;
#[cfg(test)]
mod tests;

pub use envelope::{CloudEvent, SOURCE, envelope};
pub use list::FileState;
pub use runner::{HookLimits, Hooks};
