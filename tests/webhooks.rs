//! Webhooks out, with `softlanding serve` as a program, receivers in the test, and the journal as the judge of what had to arrive.
//!
//! Must never: assert how long something took.

mod support;

#[path = "webhooks/commands.rs"]
mod commands;
#[path = "webhooks/fridays.rs"]
mod fridays;
#[path = "webhooks/kills.rs"]
mod kills;
#[path = "webhooks/receiver.rs"]
mod receiver;
#[path = "webhooks/refusals.rs"]
mod refusals;
#[path = "webhooks/yard.rs"]
mod yard;

const REPEAT: &str = "to repeat: ./tests/run --test webhooks";
