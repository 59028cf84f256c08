//! Every command and every piece of configuration in the guide, the README and the pages beside hooks is read as softlanding
//! itself reads it.

use std::path::Path;

use clap::Parser;
use clap::error::ErrorKind;

use crate::door::cli::args::Cli;
use crate::door::config::Config;

/// The pages, by the names of their files.
const PAGES: [(&str, &str); 12] = [
    ("README.md", include_str!("../../../README.md")),
    ("hooks/README.md", include_str!("../../../hooks/README.md")),
    ("templates/README.md", include_str!("../../../templates/README.md")),
    ("guide/replicas.md", include_str!("replicas.md")),
    ("guide/day.md", include_str!("day.md")),
    ("guide/rehearsal.md", include_str!("rehearsal.md")),
    ("guide/observed.md", include_str!("observed.md")),
    ("guide/friday.md", include_str!("friday.md")),
    ("guide/enrolment.md", include_str!("enrolment.md")),
    ("guide/verdicts.md", include_str!("verdicts.md")),
    ("guide/security.md", include_str!("security.md")),
    ("guide/upgrade.md", include_str!("upgrade.md")),
];

/// Blocks of lines that are code, and pieces of code within a line.
fn code(page: &str) -> (Vec<String>, Vec<&str>) {
    let (mut blocks, mut inline, mut open, mut fenced) = (vec![String::new()], Vec::new(), false, false);
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            blocks.push(String::new());
            continue;
        }
        let is_code = fenced || line.starts_with("    ") || (open && line.is_empty());
        if is_code {
            if let Some(block) = blocks.last_mut() {
                block.push_str(line.trim_start());
                block.push('\n');
            }
        } else {
            inline.extend(line.split('`').skip(1).step_by(2));
            if open {
                blocks.push(String::new());
            }
        }
        open = is_code;
    }
    (blocks, inline)
}

/// The words of a command up to what a shell or a reader makes of the rest: a comment, a column of explanation, a file.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    let column = line.match_indices("  ").map(|(at, _)| at).find(|at| !line[*at..].trim_start().starts_with("--"));
    let end = [" #", " > ", ")"].iter().filter_map(|end| line.find(end)).chain(column).min().unwrap_or(line.len());
    for c in line[..end].chars() {
        match c {
            '"' => (quoted, any) = (!quoted, true),
            ' ' if !quoted => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            c => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}

/// A line as a command of softlanding's, if it is one.
fn command(line: &str) -> Option<Vec<String>> {
    let line = line.trim().trim_start_matches("$ ").trim_start_matches("(umask 077; ");
    let rest = line.strip_prefix("cargo run --release -- ").or_else(|| line.strip_prefix("softlanding "))?;
    // What stands for one of a few words; a run, a file or a person may have any name.
    let meant = |word: String| if word == "POINT" { "settled".to_owned() } else { word };
    Some([vec!["softlanding".to_owned()], words(rest).into_iter().map(meant).collect()].concat())
}

/// Whether there is such a command with such options. In passing, one may be named without what it needs.
fn is_known(words: &[String], in_passing: bool) -> Result<(), String> {
    match Cli::try_parse_from(words) {
        Ok(_) => Ok(()),
        Err(e) => match e.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Ok(()),
            ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                if in_passing =>
            {
                Ok(())
            }
            _ => Err(e.to_string()),
        },
    }
}

#[test]
fn every_command_of_every_page_is_one() {
    let mut read = 0;
    for (name, page) in PAGES {
        let (blocks, inline) = code(page);
        let lines = blocks.iter().flat_map(|block| block.lines()).map(|line| (line, false));
        for (line, in_passing) in lines.chain(inline.into_iter().map(|piece| (piece, true))) {
            let Some(words) = command(line) else { continue };
            read += 1;
            if let Err(why) = is_known(&words, in_passing) {
                panic!("{name}: {line}\n{words:?}\n{why}to repeat: ./tests/run door::guide");
            }
        }
    }
    assert!(read > 60, "only {read} commands were found");
}

#[test]
fn every_piece_of_configuration_of_every_page_is_read() {
    const ORG: &str = "[org]\nregion = 'us_west_2'\nclient_id = 'abc'\nclient_secret = { env = 'S' }\n";
    const APP: &str = "[app]\nclient_id = 'a'\nclient_secret = { env = 'A' }\n[vault]\nkey = { env = 'K' }\n";
    const WEB: &str = "[web]\npublic_url = 'https://s.example'\n";
    let mut read = 0;
    for (name, page) in PAGES {
        for block in code(page).0.iter().filter(|block| block.starts_with('[')) {
            // Shell and JavaScript may stand in the same block, below.
            let piece: Vec<&str> = block.lines().take_while(|line| !line.is_empty()).collect();
            let app = if block.contains("[app]") { "" } else { APP };
            let web = if block.contains("[web]") { "" } else { WEB };
            let text = format!("{ORG}{app}{web}{}\n", piece.join("\n"));
            if let Err(e) = Config::parse(&text, Path::new("softlanding.toml")) {
                panic!("{name}:\n{text}\n{e}\nto repeat: ./tests/run door::guide");
            }
            read += 1;
        }
    }
    assert!(read >= 2, "only {read} pieces were found");
}
