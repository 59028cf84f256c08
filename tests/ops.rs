//! What operations see of softlanding: metrics held against promtool, alert rules on series that were recorded from runs, readiness,
//! the Grafana dashboard, and the packages.
//!
//! Must never: assert how long something took; the org's clock runs many times as fast as ours.

#[path = "ops/contract.rs"]
mod contract;
#[path = "ops/files.rs"]
mod files;
#[path = "ops/fridays.rs"]
mod fridays;
#[path = "ops/generated.rs"]
mod generated;
#[path = "ops/promtool.rs"]
mod promtool;
#[path = "ops/scrape.rs"]
mod scrape;
mod support;
#[path = "ops/traces.rs"]
mod traces;
#[path = "ops/watch.rs"]
mod watch;
