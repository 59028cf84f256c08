//! The rehearsal: a whole Friday on a scaled clock, against the twin over loopback HTTP, through the same staging, the same
//! client, the same driver and the same display as a real run.
//!
//! - [`folder`]: the folder that a rehearsal keeps its things in, and replaces.
//! - [`setting`]: which Friday, how fast, with which plan.
//! - [`play`]: the rehearsal itself.
//! - [`truth`]: what the twin counted, held against the run's verdicts.
//! - [`companions`]: the pages of the cohort, each on a socket of its own.
//! - [`beside`]: the same Friday without softlanding.
//!
//! Must never: reach beyond 127.0.0.1, or delete a folder that no rehearsal made.

pub mod beside;
pub mod companions;
pub mod folder;
pub mod play;
pub mod setting;
#[cfg(test)]
mod tests;
pub mod truth;

pub use folder::{Folder, FolderError};
pub use play::{Rehearsal, RehearseError, Rehearsed, rehearse};
pub use setting::Setting;
