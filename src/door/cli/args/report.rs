//! What may be typed to write a report, to look at one before it is sent, and to know its format.
//!
//! Must never: take a secret as an argument; process lists show them to everyone.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ConfigArgs;
use crate::shells::report::Format;

/// `report`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ReportArgs {
    #[command(subcommand)]
    #[expect(missing_docs, reason = "described by its type")]
    pub command: Option<ReportCommand>,
    /// The run, as `stage` named it
    #[arg(required = true)]
    pub run: Option<String>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
    /// The folder to write to; by default a folder of the run's name in the configured one
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// What else there is about reports.
#[derive(Debug, Subcommand)]
pub enum ReportCommand {
    /// Print a report in one format, from a run, an export, or a Friday that was recorded for this
    #[command(
        after_help = "A template that is broken is told with its line, and the code is 3. A run that ends uses the built-in one instead.\n\n\
                      Examples:\n  softlanding report preview --sample --format slack --templates templates\n  \
                      softlanding report preview --sample --format variables\n  \
                      softlanding report preview --from friday.jsonl --format mail \\\n      | sendmail -t desk@example.com"
    )]
    Preview(PreviewArgs),
    /// Print the JSON Schema of report.json
    #[command(after_help = "Example:\n  softlanding report schema > report.schema.json")]
    Schema,
}

/// `report preview`
#[derive(Debug, Args)]
pub struct PreviewArgs {
    /// The run, as `stage` named it
    #[arg(required_unless_present_any = ["from", "sample"], conflicts_with_all = ["from", "sample"])]
    pub run: Option<String>,
    /// A run that `softlanding export` wrote, or lines of `--json`; needs no configuration
    #[arg(long, value_name = "FILE", conflicts_with = "sample")]
    pub from: Option<PathBuf>,
    /// A small Friday that was recorded; needs no configuration
    #[arg(long)]
    pub sample: bool,
    /// What to print; `variables` is all that a template can name, as JSON
    #[arg(long, value_name = "html|md|json|slack|teams|mail|variables", default_value = "html", value_parser = shown)]
    pub format: Shown,
    /// A folder of own templates; by default the configured one, where a configuration is read
    #[arg(long, value_name = "DIR")]
    pub templates: Option<PathBuf>,
    /// The file to write to instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described by its type")]
    pub config: ConfigArgs,
}

/// What a preview shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The report.
    Report(Format),
    /// What a template can name.
    Variables,
}

fn shown(text: &str) -> Result<Shown, String> {
    match text {
        "variables" => Ok(Shown::Variables),
        name => name.parse().map(Shown::Report).map_err(|e| format!("{e}; or variables")),
    }
}
