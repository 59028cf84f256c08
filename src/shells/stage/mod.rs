//! Staging: reads the org, pins a schedule with its version and a roster, checks everything that could fail at T, and
//! writes the plan into the journal as the first event of a new run.
//!
//! - [`request`]: what a person asks for.
//! - [`stage()`]: the steps, in order; each may refuse.
//! - [`preflight`]: permissions, and what is lost without each; whether the calls fit into the time.
//! - [`name`]: the readable name of the run.
//! - [`mod@echo`]: what was staged, in words, so that a planner sees a mistake.
//! - [`refusal`]: why nothing was staged.
//!
//! Must never: change anything in the org, or leave anything behind when it refuses.

pub mod echo;
pub mod name;
pub mod preflight;
pub mod refusal;
pub mod request;
mod steps;
#[cfg(test)]
mod tests;
mod week;

pub use echo::echo;
pub use refusal::{Refusal, RefusalKind};
pub use request::{StageRequest, WeekChoice};
pub use steps::{Ready, Staged, Tools, stage};
