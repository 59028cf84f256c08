//! `softlanding serve` as a program: Fridays by themselves, late and missed ones, stops and crashes, its log and its supervisor.
//!
//! Must never: assert how long something took; the org's clock runs many times as fast as ours.

mod support;

#[path = "serve/fridays.rs"]
mod fridays;
#[path = "serve/gate.rs"]
mod gate;
#[path = "serve/log.rs"]
mod log;
#[path = "serve/misfire.rs"]
mod misfire;
#[path = "serve/staging.rs"]
mod staging;
#[path = "serve/stops.rs"]
mod stops;
#[path = "serve/store.rs"]
mod store;
#[path = "serve/supervisor.rs"]
mod supervisor;
