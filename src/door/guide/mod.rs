//! The guide, for those who run softlanding. Begin with a [`rehearsal`], then let it watch [a Friday](observed) that you publish
//! yourself, and only then let it [publish](friday).
//!
//! The README is the short way in; here stands what it leaves out.
//!
//! What stands in their blocks is typed into a shell or written into a configuration, so none of it is a doctest.
//!
//! Must never: name a command or a setting that does not exist. A test reads every command of these pages and of the README as
//! the command line does.

#[cfg_attr(not(doctest), doc = include_str!("rehearsal.md"))]
pub mod rehearsal {}

#[cfg_attr(not(doctest), doc = include_str!("observed.md"))]
pub mod observed {}

#[cfg_attr(not(doctest), doc = include_str!("friday.md"))]
pub mod friday {}

#[cfg_attr(not(doctest), doc = include_str!("enrolment.md"))]
pub mod enrolment {}

#[cfg_attr(not(doctest), doc = include_str!("day.md"))]
pub mod day {}

#[cfg_attr(not(doctest), doc = include_str!("verdicts.md"))]
pub mod verdicts {}

#[cfg_attr(not(doctest), doc = include_str!("../../../hooks/README.md"))]
pub mod hooks {}

#[cfg_attr(not(doctest), doc = include_str!("../../../templates/README.md"))]
pub mod templates {}

#[cfg_attr(not(doctest), doc = include_str!("replicas.md"))]
pub mod replicas {}

#[cfg_attr(not(doctest), doc = include_str!("security.md"))]
pub mod security {}

#[cfg_attr(not(doctest), doc = include_str!("upgrade.md"))]
pub mod upgrade {}

#[cfg(test)]
mod tests;
