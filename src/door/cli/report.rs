//! `softlanding report`: writes the report of a run from its journal, previews one in any format, prints its schema.
//!
//! Must never: ask the platform anything; the journal is all that a report needs.

use std::path::{Path, PathBuf};

use crate::door::cli::args::{PreviewArgs, ReportArgs, ReportCommand, Shown};
use crate::door::cli::{care, open, out};
use crate::door::error::{ExitCode, Failure};
use crate::law::event::Record;
use crate::shells::report::strays::strays;
use crate::shells::report::view::view;
use crate::shells::report::write::trouble_words;
use crate::shells::report::{ReportError, SCHEMA, Story, Written, recorded, render, write_all};

pub(super) async fn report(args: &ReportArgs) -> Result<ExitCode, Failure> {
    match (&args.command, &args.run) {
        (Some(ReportCommand::Preview(preview_args)), _) => preview(preview_args).await,
        (Some(ReportCommand::Schema), _) => {
            out::say([SCHEMA.trim_end()]);
            Ok(ExitCode::Done)
        }
        (None, Some(run)) => write(args, run).await,
        (None, None) => Err(Failure::new(ExitCode::Usage, "no run is named")),
    }
}

async fn write(args: &ReportArgs, run: &str) -> Result<ExitCode, Failure> {
    let id = open::run_id(run)?;
    let config = open::config(&args.config.config)?;
    let journal = open::journal(&config).await?;
    let records = open::records(&journal, &id).await?;
    name_strays(config.report.templates.as_deref());
    let dir = args.out.clone().unwrap_or_else(|| config.report.dir.join(id.as_str()));
    let written = write_all(&records, &dir, config.report.templates.as_deref())?;
    out::say(written.files.iter().map(|file| file.display().to_string()));
    tell(&written);
    Ok(ExitCode::Done)
}

/// Names own templates that are used for nothing.
fn name_strays(templates: Option<&Path>) {
    templates.map(strays).into_iter().flatten().for_each(|stray| out::note(&format!("note: {stray}")));
}

/// Says which own templates were passed over, and why.
pub(super) fn tell(written: &Written) {
    for trouble in &written.troubles {
        out::note(&format!("the built-in template was used instead: {}", trouble_words(trouble)));
    }
    if !written.troubles.is_empty() {
        out::note("  hint: `softlanding report preview --sample --templates DIR` shows what a template makes");
    }
}

async fn preview(args: &PreviewArgs) -> Result<ExitCode, Failure> {
    let (records, configured) = records(args).await?;
    let templates = args.templates.clone().or(configured);
    name_strays(templates.as_deref());
    let story = Story::of(&records);
    let text = match args.format {
        Shown::Variables => serde_json::to_string_pretty(&view(&story)).map_err(anyhow::Error::from)?,
        Shown::Report(format) => {
            let rendered = render(&story, format, templates.as_deref())?;
            if let Some(trouble) = &rendered.trouble {
                return Err(broken(trouble));
            }
            rendered.text
        }
    };
    match &args.out {
        None => out::say([text.strip_suffix('\n').unwrap_or(&text)]),
        Some(file) => std::fs::write(file, text)
            .map_err(|e| Failure::new(ExitCode::Access, format!("{} cannot be written", file.display())).because(e))?,
    }
    Ok(ExitCode::Done)
}

/// The records to show, and the templates that are configured where they come from.
async fn records(args: &PreviewArgs) -> Result<(Vec<Record>, Option<PathBuf>), Failure> {
    if let Some(file) = &args.from {
        return Ok((care::exported(file)?, None));
    }
    let Some(run) = &args.run else { return Ok((recorded::friday().map_err(anyhow::Error::from)?, None)) };
    let id = open::run_id(run)?;
    let config = open::config(&args.config.config)?;
    let journal = open::journal(&config).await?;
    Ok((open::records(&journal, &id).await?, config.report.templates))
}

fn broken(trouble: &ReportError) -> Failure {
    Failure::new(ExitCode::Config, trouble_words(trouble))
        .hint("`--format variables` shows what a template can name; a run that ends uses the built-in template instead")
}
