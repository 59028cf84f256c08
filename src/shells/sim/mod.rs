//! The simulation: whole Fridays in virtual time, drawn from one seed each.
//!
//! The unchanged law and the unchanged client run against the twin as a value. The network loses requests and answers,
//! delivers them late or twice; the process is killed at any boundary and taken up again; the twin is strict or forgiving.
//! Hints are drawn at random, or, where a scenario is played, heard as the twin pushes them.
//! After each step the invariants of `law::audit` are checked, and the twin is asked what really happened.
//!
//! Must never: read a clock, touch a socket, or behave differently for the same seed.

mod ear;
mod life;
mod lot;
mod setup;
#[cfg(test)]
mod tests;

pub use ear::Pushed;
pub use life::{Found, Lived};
pub use lot::Lot;

use crate::twin::scenario::Scenario;
use crate::words::clock::Seed;

/// A bug planted on purpose, to show that the simulation finds it.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    /// One of those that live in the law.
    Law(crate::law::decide::Planted),
    /// The shell performs before it records.
    PerformBeforeRecord,
    /// Remedies leave however late it is.
    LateRemedy,
}

/// Whether a life's story is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Story {
    /// Each happening leaves a line.
    Told,
    /// Only the end is reported; many times as fast.
    Silent,
}

/// Lives one Friday.
///
/// # Errors
/// [`Found`] when a rule was broken, with the story so far.
pub fn live(seed: u64, story: Story) -> Result<Lived, Box<Found>> {
    let lot = Lot::draw(&Seed(seed));
    life::Life::begin(seed, lot, story)?.live()
}

/// Lives the Friday of a scenario, on a network that loses nothing and in a process that does not die. The mechanisms that are
/// only reported are switched on; an organisation that does not offer them says so.
///
/// # Errors
/// [`Found`] when a rule was broken, or the scenario cannot be staged.
pub fn play(seed: u64, scenario: Scenario, story: Story) -> Result<Lived, Box<Found>> {
    life::Life::begin(seed, Lot::of(scenario), story)?.live()
}

#[cfg(test)]
pub(crate) fn live_with(seed: u64, lot: Lot, bug: Option<Bug>) -> Result<Lived, Box<Found>> {
    let mut life = life::Life::begin(seed, lot, Story::Silent)?;
    bug.into_iter().for_each(|bug| life.plant(bug));
    life.live()
}
