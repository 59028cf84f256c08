//! `softlanding completions`, `softlanding man`: what is generated from the description of the command line.
//!
//! Must never: describe a command in words of its own, or set an example so that it cannot be copied.

use std::path::Path;

use clap::CommandFactory;
use clap::builder::Resettable;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

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
            let rendered = page(Cli::command());
            let (_, page) = rendered.map_err(|e| Failure::new(ExitCode::Bug, "the page cannot be made").because(e))?;
            out::say([page.trim_end()]);
        }
    }
    Ok(ExitCode::Done)
}

fn pages(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut all = vec![Cli::command().disable_help_subcommand(true)];
    // Only a command that is built knows the names of those above it.
    all.iter_mut().for_each(clap::Command::build);
    while let Some(command) = all.pop() {
        all.extend(command.get_subcommands().filter(|sub| !sub.is_hide_set()).cloned());
        let (file, page) = page(command)?;
        std::fs::write(folder.join(file), page)?;
    }
    Ok(())
}

/// A command's page with the name of its file.
fn page(command: clap::Command) -> std::io::Result<(String, String)> {
    let below = Below::of(&command.get_after_help().map(ToString::to_string).unwrap_or_default());
    let mut command = command.after_help(Resettable::Reset);
    if !below.prose.is_empty() {
        let about = command.get_long_about().or(command.get_about()).map(ToString::to_string);
        let description: Vec<String> = about.into_iter().chain(below.prose).collect();
        command = command.long_about(description.join("\n\n"));
    }
    let man = Man::new(command);
    let mut page = Vec::new();
    man.render(&mut page)?;
    let mut more = Roff::new();
    set(&mut more, "EXIT STATUS", &below.codes);
    set(&mut more, "EXAMPLES", &below.examples);
    Ok((man.get_filename(), String::from_utf8_lossy(&page).into_owned() + &more.to_roff()))
}

/// A section whose lines stand as they are.
fn set(page: &mut Roff, section: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    page.control("SH", [section]).control("nf", []);
    for line in lines {
        page.text([roman(line.as_str())]);
    }
    page.control("fi", []);
}

/// What stands below a command's options, taken apart.
#[derive(Default)]
struct Below {
    prose: Vec<String>,
    codes: Vec<String>,
    examples: Vec<String>,
}

impl Below {
    fn of(text: &str) -> Below {
        let mut below = Below::default();
        for part in text.split("\n\n").filter(|part| !part.is_empty()) {
            let mut lines = part.lines().map(|line| line.strip_prefix("  ").unwrap_or(line).to_owned());
            if let Some(codes) = part.strip_prefix("Codes: ") {
                below.codes.extend(codes.trim_end_matches('.').split(", ").map(str::to_owned));
            } else if part.starts_with("Exit codes:") {
                below.codes.extend(lines.skip(1));
            } else if part.starts_with("Example") {
                below.examples.extend(lines.by_ref().skip(1));
            } else {
                below.prose.push(part.to_owned());
            }
        }
        below
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page_of(path: &[&str]) -> String {
        let mut command = Cli::command();
        command.build();
        for name in path {
            command = command.find_subcommand(name).expect("a command").clone();
        }
        page(command).expect("a page").1
    }

    #[test]
    fn examples_and_exit_codes_have_sections_of_their_own_and_stand_as_they_are() {
        let first = page_of(&[]);
        assert!(first.contains("\n.SH \"EXIT STATUS\"\n.nf\n  0  done\n  1  our bug"), "{first}");
        let stage = page_of(&["stage"]);
        let example = ".SH EXAMPLES\n.nf\nsoftlanding stage \\-\\-business\\-unit \"Customer Care\"";
        assert!(stage.contains(example) && stage.trim_end().ends_with(".fi"), "{stage}");
        assert!(stage.contains(" \\\\\n    \\-\\-at "), "a line that goes on ends with a backslash: {stage}");
        let check = page_of(&["check"]);
        assert!(check.contains(".nf\n0 nobody was seen who cannot\n7 some cannot\n.fi"), "{check}");
        let forget = page_of(&["agents", "forget"]);
        assert!(forget.contains("until it is revoked there.") && forget.contains(".SH EXAMPLES"), "{forget}");
        for page in [first, stage, check, forget] {
            assert!(!page.contains("EXTRA"), "{page}");
        }
    }
}
