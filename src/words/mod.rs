//! Floor 0, *words*: what every other floor speaks in. No floor below it, no knowledge of publishes or agents' health.

pub mod calendar;
pub mod clock;
pub mod glob;
pub mod hook;
pub mod http;
pub mod id;
pub mod nearest;
pub mod permit;
pub mod secret;
pub mod wrap;
