//! The API over real sockets, before `softlanding serve` as a process: who may do what, runs as they happen, requests that are
//! repeated, webhooks that come in, and a fuzzing client that knows nothing but `/openapi.json`.

#[path = "serve/bench.rs"]
mod bench;
#[path = "api/client.rs"]
mod client;
#[path = "api/follow.rs"]
mod follow;
#[path = "api/who.rs"]
mod who;
mod support;
