//! The guide, for those who run softlanding. Begin with a [`rehearsal`], then let it watch [a Friday](observed) that you publish
//! yourself, and only then let it [publish](friday).
//!
//! The README is the short way in; here stands what it leaves out.
//!
//! Must never: name a command or a setting that does not exist. A test reads every command of these pages and of the README as
//! the command line does.

#[doc = include_str!("rehearsal.md")]
pub mod rehearsal {}

#[doc = include_str!("observed.md")]
pub mod observed {}

#[doc = include_str!("friday.md")]
pub mod friday {}

#[doc = include_str!("enrolment.md")]
pub mod enrolment {}

#[doc = include_str!("day.md")]
pub mod day {}

#[doc = include_str!("verdicts.md")]
pub mod verdicts {}

#[doc = include_str!("../../../hooks/README.md")]
pub mod hooks {}

#[doc = include_str!("../../../templates/README.md")]
pub mod templates {}

#[doc = include_str!("replicas.md")]
pub mod replicas {}

#[doc = include_str!("security.md")]
pub mod security {}

#[doc = include_str!("upgrade.md")]
pub mod upgrade {}

#[cfg(test)]
mod tests;
