//! What `stage` reads before a run exists: business unit, schedules, roster, names, shifts, and what the publisher may.
//!
//! Every read is a pure decoder and a few lines that ask. Must never: change anything at the platform.

pub mod find;
pub mod people;
pub mod read;
pub mod rights;
pub mod schedules;
pub mod shifts;
pub mod units;

pub use find::{Candidate, Found};
pub use people::{Person, people};
pub use rights::{Permissions, auth_limits, limits, permissions, server_date};
pub use schedules::{Roster, ScheduleListed, roster, schedule, schedules};
pub use shifts::{Shift, Shifts, running_or_next, shift_starts, shift_starts_in};
pub use units::{BusinessUnitFound, agents_of, business_unit, business_units, names};
