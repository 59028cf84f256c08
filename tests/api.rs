//! The API over real sockets, before `softlanding serve` as a process: who may do what, runs as they happen, requests that are
//! repeated, webhooks that come in, and a fuzzing client that knows nothing but `/openapi.json`.

#[path = "api/act.rs"]
mod act;
#[path = "api/calendar.rs"]
mod calendar;
#[path = "api/client.rs"]
mod client;
#[path = "api/follow.rs"]
mod follow;
#[path = "api/fuzz.rs"]
mod fuzz;
#[path = "api/inbound.rs"]
mod inbound;
mod support;
#[path = "api/who.rs"]
mod who;
