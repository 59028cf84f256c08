//! Replicas of `softlanding serve` on one PostgreSQL database, killed, paused and cut off: each publish happens once, nobody
//! is lost, and who was away does nothing on the strength of what it held before.
//!
//! What is done to a replica is done at a row of the journal or at the bytes of a question, never at a time. Times are
//! printed, and none is asserted. They need the server that `./tests/run` starts.

mod support;

#[path = "replicas/cut.rs"]
mod cut;
#[path = "replicas/failover.rs"]
mod failover;
#[path = "replicas/hundred.rs"]
mod hundred;
#[path = "replicas/sites.rs"]
mod sites;

const REPEAT: &str = "to repeat: ./tests/run --test replicas";
