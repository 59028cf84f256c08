//! `softlanding report`: writes the report of a run from its journal.
//!
//! Must never: ask the platform anything; the journal is all that a report needs.

use crate::door::cli::args::ReportArgs;
use crate::door::cli::{open, out};
use crate::door::error::{ExitCode, Failure};
use crate::shells::report::write_all;

pub(super) async fn report(args: &ReportArgs) -> Result<ExitCode, Failure> {
    let id = open::run_id(&args.run)?;
    let config = open::config(&args.config.config)?;
    let journal = open::journal(&config).await?;
    let records = open::records(&journal, &id).await?;
    let dir = args.out.clone().unwrap_or_else(|| config.report.dir.join(id.as_str()));
    let files = write_all(&records, &dir, config.report.templates.as_deref())?;
    out::say(files.iter().map(|file| file.display().to_string()));
    Ok(ExitCode::Done)
}
