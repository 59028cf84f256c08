//! What may be typed to look at something: runs, the calendar, the organisation, softphones. Nothing of it changes anything.
//!
//! Must never: take a secret as an argument; process lists show them to everyone.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::{ConfigArgs, ShowArgs, duration};

/// `status`
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The run; all of them when left out
    pub run: Option<String>,
    /// The list, or the one run, and the counts as one JSON document
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
}

/// `watch`
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// The run, as `stage` named it
    pub run: String,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
    /// End with code 7 when stragglers remain
    #[arg(long)]
    pub strict: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub show: ShowArgs,
}

/// `evidence`
#[derive(Debug, Args)]
pub struct EvidenceArgs {
    /// Only publishes of this business unit: its name or its id
    #[arg(long, value_name = "NAME")]
    pub business_unit: Option<String>,
    /// Observations by `observe --out` to be pooled with them
    #[arg(long, value_name = "FILE")]
    pub pool: Vec<PathBuf>,
    /// One JSON document on standard output
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
}

/// `calendar`
#[derive(Debug, Args)]
pub struct CalendarArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
    /// How many publishes of each entry
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=520))]
    pub count: u32,
    /// One entry only
    #[arg(long, value_name = "NAME")]
    pub publish: Option<String>,
    /// One JSON document on standard output
    #[arg(long)]
    pub json: bool,
}

/// `doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
    /// A business unit to look at beside those of the calendar, by name or id
    #[arg(long, value_name = "NAME|ID", conflicts_with = "offline")]
    pub business_unit: Vec<String>,
    /// Look at this machine only
    #[arg(long)]
    pub offline: bool,
    /// One JSON document on standard output
    #[arg(long)]
    pub json: bool,
}

/// `check`
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("whose").args(["business_unit", "publish"]).required(true))]
pub struct CheckArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
    /// The business unit, by name or id
    #[arg(long, value_name = "NAME|ID")]
    pub business_unit: Option<String>,
    /// The business unit of an entry of the calendar, by the entry's name
    #[arg(long, value_name = "NAME")]
    pub publish: Option<String>,
    /// List everybody, not only those who cannot take a call
    #[arg(long)]
    pub all: bool,
    /// End with code 7 also when a signal is missing of somebody
    #[arg(long)]
    pub strict: bool,
    /// One JSON document on standard output, with every agent and signal
    #[arg(long)]
    pub json: bool,
}

/// `observe`
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("whose").args(["business_unit", "publish"]).required(true))]
pub struct ObserveArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
    /// The business unit, by name or id
    #[arg(long, value_name = "NAME|ID")]
    pub business_unit: Option<String>,
    /// An entry of the calendar: its business unit, and its next instant unless --at says another
    #[arg(long, value_name = "NAME")]
    pub publish: Option<String>,
    /// When the publish is expected: "Friday 16:00 CST", …; now when left out
    #[arg(long, value_name = "INSTANT")]
    pub at: Option<String>,
    /// Watch from so long before it
    #[arg(long, value_name = "DURATION", default_value = "30min", value_parser = duration)]
    pub before: i64,
    /// Watch until so long after it
    #[arg(long, value_name = "DURATION", default_value = "30min", value_parser = duration)]
    pub after: i64,
    /// Losses count as after the publish for so long
    #[arg(long, value_name = "DURATION", default_value = "5min", value_parser = duration)]
    pub within: i64,
    /// Call the roll this often; at least 1s
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub every: i64,
    /// Write the observation to this new file, to be pooled with others
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Earlier observations to be pooled with this one
    #[arg(long, value_name = "FILE")]
    pub pool: Vec<PathBuf>,
    /// One JSON document on standard output
    #[arg(long)]
    pub json: bool,
}
