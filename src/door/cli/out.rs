//! The standard output: lines for people, documents for programs, and which display follows a run.
//!
//! Must never: panic because a reader has gone away, as `println!` would.

use std::io::{IsTerminal, Write};

use serde_json::Value;

use crate::door::cli::args::ShowArgs;
use crate::shells::report::{Colour, Display};

/// Writes lines to the standard output. A reader that has gone away is no error of ours.
pub(super) fn say<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) {
    let mut out = std::io::stdout().lock();
    for line in lines {
        if writeln!(out, "{}", line.as_ref()).is_err() {
            return;
        }
    }
    let _ = out.flush();
}

/// Writes a document for programs, in one line: an object whose `format` says what it is and in which version. A field that is
/// added keeps the version; one that is taken away or means something else makes another.
pub(super) fn document(format: &str, mut document: Value) {
    document["format"] = format.into();
    say([document.to_string()]);
}

/// Writes one line to the standard error.
pub(super) fn note(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// What the standard output is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    /// People, live.
    Bars,
    /// People, line by line.
    Lines,
    /// Programs.
    Json,
}

impl Audience {
    /// What was asked for, and otherwise what the standard output can do.
    pub(super) fn of(show: &ShowArgs) -> Audience {
        match (show.json, show.plain || !std::io::stdout().is_terminal()) {
            (true, _) => Audience::Json,
            (false, true) => Audience::Lines,
            (false, false) => Audience::Bars,
        }
    }
    /// The display for it, for whoever only looks: it waits for its reader.
    pub(super) fn display(self) -> Display {
        match self {
            Audience::Bars => Display::bars(colour()),
            Audience::Lines => Display::lines(Box::new(std::io::stdout())),
            Audience::Json => Display::json(Box::new(std::io::stdout())),
        }
    }
    /// Lines for people; programs do not get them.
    pub(super) fn say<S: AsRef<str>>(self, lines: impl IntoIterator<Item = S>) {
        match self {
            Audience::Bars | Audience::Lines => say(lines),
            Audience::Json => {}
        }
    }
}

/// Whether the terminal takes colours.
pub(super) fn colour() -> Colour {
    let variable = |name: &str| std::env::var(name).ok();
    Colour::asked(variable("NO_COLOR").as_deref(), variable("TERM").as_deref())
}
