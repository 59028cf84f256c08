//! `softlanding completions`, `softlanding man`: what is generated from the description of the command line.
//!
//! Must never: describe a command in words of its own.

use std::path::Path;

use clap::CommandFactory;

use crate::door::cli::args::{Cli, CompletionsArgs, ManArgs};
use crate::door::cli::out;
use crate::door::error::{ExitCode, Failure};

const NAME: &str = "softlanding";

pub(super) fn completions(args: &CompletionsArgs) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), NAME, &mut script);
    out::say([String::from_utf8_lossy(&script).trim_end()]);
    ExitCode::Done
}

/// All pages into a folder, or the first one on the standard output.
pub(super) fn man(args: &ManArgs) -> Result<ExitCode, Failure> {
    match &args.out {
        Some(folder) => pages(folder).map_err(|e| {
            Failure::new(ExitCode::Access, format!("the pages cannot be written to {}", folder.display())).because(e)
        })?,
        None => {
            let mut page = Vec::new();
            let rendered = clap_mangen::Man::new(Cli::command()).render(&mut page);
            rendered.map_err(|e| Failure::new(ExitCode::Bug, "the page cannot be made").because(e))?;
            out::say([String::from_utf8_lossy(&page).trim_end()]);
        }
    }
    Ok(ExitCode::Done)
}

fn pages(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)
}
