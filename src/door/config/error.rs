//! What is wrong with a configuration file: where, what was found, what is accepted, what was probably meant.
//!
//! Must never: show a value that may be a secret.

use std::fmt;
use std::path::{Path, PathBuf};

/// One thing that is wrong with a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// The field, such as `timing.refresh_lead`; empty when it concerns the file.
    pub field: String,
    /// What was found.
    pub found: String,
    /// What is accepted there.
    pub accepted: String,
    /// What to do, if that is clear.
    pub hint: Option<String>,
}

impl ConfigError {
    /// The error in one line, with the file's name.
    #[must_use]
    pub fn line_for(&self, file: &Path) -> String {
        let mut text = format!("{}:{}: ", file.display(), self.line);
        if !self.field.is_empty() {
            text.push_str(&format!("{}: ", self.field));
        }
        text.push_str(&format!("found {}; accepted: {}", self.found, self.accepted));
        if let Some(hint) = &self.hint {
            text.push_str(&format!(" ({hint})"));
        }
        text
    }
}

/// Everything that is wrong with a configuration file, in order of the lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    /// The file.
    pub file: PathBuf,
    /// Why it could not be read at all; otherwise `errors` says what is wrong.
    pub unreadable: Option<String>,
    /// What is wrong with it.
    pub errors: Vec<ConfigError>,
}

impl ConfigErrors {
    /// What to do first.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        self.unreadable
            .as_ref()
            .map(|_| "`softlanding init` writes a commented softlanding.toml; --config names another one")
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        match (&self.unreadable, self.errors.len()) {
            (Some(why), _) => write!(f, "the configuration {file} cannot be read: {why}"),
            (None, 1) => write!(f, "the configuration {file} has an error"),
            (None, n) => write!(f, "the configuration {file} has {n} errors"),
        }
    }
}

impl std::error::Error for ConfigErrors {}
