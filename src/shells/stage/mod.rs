//! Staging: reads the org, pins a schedule with its version and a roster, checks everything that could fail at T, and
//! writes the plan into the journal as the first event of a new run.
//!
//! - [`request`]: what a person asks for.
//! - [`weigh`] and [`stage()`]: the steps, in order; each may refuse.
//! - [`mod@timetable`]: the org's limits, the cohort's calls, and so when each phase begins; [`history`]: what earlier runs
//!   teach about it; [`mod@explain`]: the arithmetic as a table and a timeline.
//! - [`name`]: the readable name of the run.
//! - [`mod@echo`]: what was staged, in words, so that a planner sees a mistake.
//! - [`refusal`]: why nothing was staged.
//!
//! Must never: change anything in the org, or leave anything behind when it refuses.

pub mod echo;
pub mod explain;
pub mod history;
pub mod name;
pub mod refusal;
pub mod request;
mod steps;
#[cfg(test)]
mod tests;
pub mod timetable;
mod week;

pub use echo::{echo, echo_weighed};
pub use explain::explain;
pub use history::History;
pub use refusal::{Refusal, RefusalKind};
pub use request::{Published, StageRequest, WeekChoice, WhenPast};
pub use steps::{Ready, Staged, Tools, Weighed, stage, weigh};
pub(in crate::shells) use steps::{find_unit, platform as refused_by_platform};
pub use timetable::Timetable;
