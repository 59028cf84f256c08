//! Instants that come back: "every Friday 16:00 on the wall clock of Chicago", as a cron expression, a zone, a policy for
//! changes of the clocks, and dates on which nothing happens.
//!
//! - `expression`: what may be written, read field by field; weekdays by name only.
//! - `fires`: from the bare wall clock to instants: gaps, folds, skipped dates.
//!
//! Must never: read the clock, or ask `cron` about a zone: asked there, it passes over gaps without a word.

mod error;
mod expression;
mod fires;
#[cfg(test)]
mod tests;

pub use error::RecurError;
pub use fires::{DstPolicy, Fate, Fire, FireNote, Fold, Gap, Occasion, Recurrence, Which};
