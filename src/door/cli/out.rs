//! The standard output: lines for people, documents for programs, and which display follows a run.
//!
//! Must never: panic because a reader has gone away, as `println!` would, or end well when what was to be said is cut.

use std::io::{Error, ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;

use serde_json::Value;

use crate::door::cli::args::ShowArgs;
use crate::door::error::{ExitCode, Failure};
use crate::shells::report::{Colour, Display};

/// Why the standard output could not be written, the first time.
static TROUBLE: OnceLock<Error> = OnceLock::new();

/// Writes lines to the standard output. A reader that has gone away is no error of ours; any other is kept for [`ended`].
pub(super) fn say<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) {
    if let Err(e) = write(lines)
        && e.kind() != ErrorKind::BrokenPipe
    {
        // The first trouble is the one to be told.
        let _ = TROUBLE.set(e);
    }
}

/// The same for what is shown once and never again: a reader that has gone away does not have it either.
pub(super) fn hand_over(secret: &str) -> Result<(), Error> {
    write([secret])
}

fn write<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    for line in lines {
        writeln!(out, "{}", line.as_ref())?;
    }
    out.flush()
}

/// How a command ends that has carried out what it was to do: not well, when what it said did not reach the standard output.
pub(super) fn ended(code: ExitCode) -> Result<ExitCode, Failure> {
    let Some(e) = TROUBLE.get() else { return Ok(code) };
    let cut = unwritable(e);
    if code == ExitCode::Done {
        return Err(cut);
    }
    note(&cut.render());
    Ok(code)
}

/// That the standard output cannot be written, on one line.
pub(super) fn unwritable(e: &Error) -> Failure {
    Failure::new(ExitCode::Access, format!("the standard output cannot be written, what it holds is not whole: {e}"))
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
