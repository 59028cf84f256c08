//! Instants as people say them: "Friday 16:00 CST" is the wall clock of America/Chicago, in winter and in summer.
//!
//! Must never: guess. A time that exists twice, or not at all, or that lies in the past, is refused with its neighbours.

mod error;
pub mod recur;
mod say;
pub mod tzdata;
mod when;
mod zone;

pub use error::WhenError;
pub use say::{describe, duration_words, offset, short, stamp};
pub use when::{Appointment, parse_when, week_after};
pub use zone::parse_zone;
