//! What may be typed to steer runs that go on by themselves: steps, the daemon, orders, and the care of the journal.
//!
//! Must never: take a secret as an argument; process lists show them to everyone.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::ConfigArgs;
use crate::door::config::parse_duration_ms;

/// `step`
#[derive(Debug, Args)]
pub struct StepArgs {
    /// Which step
    #[arg(value_enum)]
    pub step: StepName,
    /// The run; `stage` makes it under this name
    #[arg(long, value_name = "RUN")]
    pub run: String,
    /// The entry of the calendar, a publish of the configuration; for `stage`
    #[arg(long, value_name = "NAME", required_if_eq("step", "stage"))]
    pub publish: Option<String>,
    /// When to publish; the entry's next instant when left out; for `stage`
    #[arg(long, value_name = "INSTANT")]
    pub at: Option<String>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
    /// One JSON document on standard output
    #[arg(long)]
    pub json: bool,
}

/// A step of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StepName {
    /// Read the org, check all that could fail, pin schedule and roster
    Stage,
    /// Refresh agents' tokens
    Refresh,
    /// Publish at the instant, once, and see it complete
    Publish,
    /// Check every softphone and help those that stay grey
    Check,
    /// The last hooks and the reports
    Settle,
}

/// `serve`
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The configuration file; several serve several organisations from one store
    #[arg(long, value_name = "FILE", env = "SOFTLANDING_CONFIG", default_value = "softlanding.toml")]
    pub config: Vec<PathBuf>,
    /// Lines for people instead of JSON
    #[arg(long)]
    pub plain: bool,
}

/// `approve`, `hold`, `resume`, `abort`, and a part of `retry`
#[derive(Debug, Args)]
pub struct OrderArgs {
    /// The run
    pub run: String,
    /// Why; it stands in the journal and in the report
    #[arg(long, value_name = "TEXT")]
    pub why: String,
    /// In whose name; by default the user's, at this machine
    #[arg(long = "as", value_name = "NAME")]
    pub who: Option<String>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
}

/// `retry`
#[derive(Debug, Args)]
pub struct RetryArgs {
    /// The agent, by user id, full name or e-mail address
    #[arg(long, value_name = "AGENT")]
    pub agent: String,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub order: OrderArgs,
}

/// `audit`
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// The run
    pub run: String,
    /// One JSON document on standard output
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
}

/// `export`
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The run
    pub run: String,
    /// The file to write; standard output when left out
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
}

/// `import`
#[derive(Debug, Args)]
pub struct ImportRunArgs {
    /// What `export` wrote; `-` reads standard input
    pub file: PathBuf,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
}

/// `prune`
#[derive(Debug, Args)]
pub struct PruneArgs {
    /// Runs whose last event is older than this; by default what `keep` of the store says
    #[arg(long, value_name = "DURATION", value_parser = age)]
    pub older_than: Option<i64>,
    /// Delete them; otherwise they are only listed
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
}

fn age(text: &str) -> Result<i64, String> {
    const DAY_MS: i64 = 86_400_000;
    let accepted = || "accepted is a duration from 1d to 3660d, such as \"400d\"".to_owned();
    parse_duration_ms(text).filter(|ms| (DAY_MS..=3660 * DAY_MS).contains(ms)).ok_or_else(accepted)
}
