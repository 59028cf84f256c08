//! What can be found out in advance: each check is a value, with its words and what to do about it.
//!
//! - [`machine`]: where softlanding runs; [`org`]: the organisation that it works for.
//!
//! Must never: change anything.

pub mod machine;
pub mod org;
pub mod room;

use serde::Serialize;

use crate::shells::report::words::clean;
use crate::words::wrap::wrap_words;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// As it should be.
    Ok,
    /// It works, and may yet surprise.
    Warn,
    /// It does not work.
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at, in one to three words.
    pub name: String,
    /// How it ended.
    pub mark: Mark,
    /// What was found.
    pub words: String,
    /// What to do about it; always there when the mark is [`Mark::Fail`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Check {
    /// A check that found everything in order.
    #[must_use]
    pub fn ok(name: &str, words: impl Into<String>) -> Check {
        Check { name: name.to_owned(), mark: Mark::Ok, words: words.into(), fix: None }
    }
    /// A check that found something that works, and may yet surprise.
    #[must_use]
    pub fn warn(name: &str, words: impl Into<String>, fix: impl Into<String>) -> Check {
        Check { name: name.to_owned(), mark: Mark::Warn, words: words.into(), fix: Some(fix.into()) }
    }
    /// A check that found something that does not work.
    #[must_use]
    pub fn fail(name: &str, words: impl Into<String>, fix: impl Into<String>) -> Check {
        Check { name: name.to_owned(), mark: Mark::Fail, words: words.into(), fix: Some(fix.into()) }
    }
}

/// The worst mark of all; [`Mark::Ok`] when nothing was looked at.
#[must_use]
pub fn worst(checks: &[Check]) -> Mark {
    checks.iter().map(|check| check.mark).max().unwrap_or(Mark::Ok)
}

/// An error with what lies below it, in one line.
fn with_source(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) if !error.to_string().contains(&source.to_string()) => format!("{error}: {source}"),
        Some(_) | None => error.to_string(),
    }
}

/// The columns of a line of the table.
const WIDTH: usize = 80;
/// The widest column of names; a longer name stands on a line of its own.
const NAME_WIDTH_MAX: usize = 24;

/// The checks as a table of 80 columns, long words aside: mark, name, what was found, and below it what to do.
#[must_use]
pub fn table(checks: &[Check]) -> Vec<String> {
    let longest = checks.iter().map(|check| check.name.chars().count()).max().unwrap_or(0);
    let name_width = longest.min(NAME_WIDTH_MAX);
    checks.iter().flat_map(|check| rows(check, name_width)).collect()
}

fn rows(check: &Check, name_width: usize) -> Vec<String> {
    let mark = match check.mark {
        Mark::Ok => "ok",
        Mark::Warn => "WARN",
        Mark::Fail => "FAIL",
    };
    let mut head = format!("{mark:<4}  {:<name_width$}", check.name);
    // Mark, name, and two spaces after each.
    let indent = 4 + 2 + name_width + 2;
    let mut lines = Vec::new();
    if check.name.chars().count() > name_width {
        lines.push(std::mem::take(&mut head));
    }
    let fix = check.fix.as_ref().map(|fix| format!("fix: {fix}"));
    for text in [Some(check.words.clone()), fix].into_iter().flatten() {
        for row in wrap_words(&clean(&text), WIDTH - indent) {
            lines.push(format!("{:<indent$}{row}", std::mem::take(&mut head)));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::machine::zone_data;
    use super::*;

    #[test]
    fn a_table_keeps_to_eighty_columns_and_says_what_to_do() {
        let checks = [Check::ok("configuration", "/etc/softlanding.toml"), zone_data("2025b", Some("2026a"))];
        assert_eq!(worst(&checks), Mark::Warn);
        let lines = table(&checks);
        assert_eq!(lines[0], "ok    configuration  /etc/softlanding.toml");
        assert_eq!(lines[1], "WARN  zone data      release 2025b is compiled in, and this host has the newer");
        assert!(lines[3].starts_with("                     fix: install a newer softlanding;"), "{lines:#?}");
        let long = table(&[Check::ok("publish a-name-of-forty-characters-at-the-most", "next Friday")]);
        let expected =
            ["ok    publish a-name-of-forty-characters-at-the-most", "                                next Friday"];
        assert_eq!(long, expected);
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:#?}");
        assert_eq!((worst(&[]), table(&[]).len()), (Mark::Ok, 0));
    }
}
