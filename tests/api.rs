//! The API over real sockets, before `softlanding serve` as a process: who may do what, runs as they happen, requests that are
//! repeated, webhooks that come in, and a fuzzing client that knows nothing but `/openapi.json`.

#[path = "api/act.rs"]
mod act;
#[allow(dead_code, reason = "it is made for the tests of serve, and a part of it is of use here")]
#[path = "serve/bench.rs"]
mod bench;
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
