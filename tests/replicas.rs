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

/// An org of one business unit with 8 agents that breaks in a few ways. It is forgiving: whatever is sent is applied, so that
/// a publish sent twice counts twice.
const SMALL_ORG: &str = r#"
story = "replicas: 8 agents; the publish revokes and cuts, and whatever is sent is applied"
[org]
business_units = ["Customer Care"]
management_units = ["Service"]
drafts = ["Approved"]
[publish]
stale_version = "accepted"
upload_key_reusable = true
[revoke]
on_publish = true
[reported]
offered = true
[[cohorts]]
name = "evening"
agents = 8
login_min = [-120, -40]
[cohorts.kinds]
not_enrolled = 1
station_lost = 1
stubborn = 1
"#;

const REPEAT: &str = "to repeat: ./tests/run --test replicas";
