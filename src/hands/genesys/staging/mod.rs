//! What `stage`, `check` and `doctor` read outside of a run: business unit, schedules, roster, names, shifts, what the
//! publisher may, what agents have, and the way to the carriers.
//!
//! Every read is a pure decoder and a few lines that ask. Must never: change anything at the platform.

pub mod carriers;
pub mod equipment;
pub mod find;
pub mod people;
pub mod read;
pub mod rights;
pub mod schedules;
pub mod shifts;
pub mod units;

pub use carriers::{Carrier, edges, trunks};
pub use equipment::{Equipment, equipment};
pub use find::{Candidate, Found};
pub use people::{Person, people};
pub use rights::{CALLS_A_MINUTE, Permissions, auth_limits, limits, permissions, server_date};
pub use schedules::{Roster, ScheduleListed, roster, schedule, schedules};
pub use shifts::{Shift, Shifts, running_or_next, shift_starts, shift_starts_in};
pub use units::{BusinessUnitFound, agents_of, business_unit, business_units, names};
