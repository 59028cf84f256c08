//! The forms that a report takes, and what each of them demands of its template.
//!
//! All six are written for every run: together they take a few milliseconds, and whoever wants to post one an hour later finds
//! it there. Must never: let a value end a string, a tag or a table cell of its format.

use std::io::Write;
use std::str::FromStr;

use crate::shells::report::chat::{slack_fits, teams_fits};

/// A form of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// One self-contained page.
    Html,
    /// Markdown, for wikis and tickets.
    Markdown,
    /// The whole run for programs, versioned.
    Json,
    /// A message for Slack, of Block Kit.
    Slack,
    /// A message for Microsoft Teams with an Adaptive Card.
    Teams,
    /// A plain mail.
    Mail,
}

/// A name that is no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("accepted is html, md, json, slack, teams or mail")]
pub struct UnknownFormat;

impl Format {
    /// Every form, in the order in which they are written.
    pub const ALL: [Format; 6] =
        [Format::Html, Format::Markdown, Format::Json, Format::Slack, Format::Teams, Format::Mail];
    /// Its short name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::Html => "html",
            Format::Markdown => "md",
            Format::Json => "json",
            Format::Slack => "slack",
            Format::Teams => "teams",
            Format::Mail => "mail",
        }
    }
    /// The file it is written to.
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            Format::Html => "report.html",
            Format::Markdown => "report.md",
            Format::Json => "report.json",
            Format::Slack => "report.slack.json",
            Format::Teams => "report.teams.json",
            Format::Mail => "report.mail.txt",
        }
    }
    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Html => "text/html; charset=utf-8",
            Format::Markdown => "text/markdown; charset=utf-8",
            Format::Json | Format::Slack | Format::Teams => "application/json",
            Format::Mail => "text/plain; charset=utf-8",
        }
    }
    /// What its template must be; `None` for JSON, which no template makes.
    pub(super) fn template(self) -> Option<&'static Template> {
        match self {
            Format::Html => Some(&HTML),
            Format::Markdown => Some(&MARKDOWN),
            Format::Json => None,
            Format::Slack => Some(&SLACK),
            Format::Teams => Some(&TEAMS),
            Format::Mail => Some(&MAIL),
        }
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;
    fn from_str(text: &str) -> Result<Format, UnknownFormat> {
        Format::ALL.into_iter().find(|format| format.name() == text).ok_or(UnknownFormat)
    }
}

/// What a template of one format is made of and held to.
pub(super) struct Template {
    /// Its file name.
    pub name: &'static str,
    /// Templates whose name ends so are of this format and can include one another.
    pub suffix: &'static str,
    /// The one that comes with the program.
    pub built_in: &'static str,
    /// How a value is made harmless.
    pub escape: fn(&str, &mut dyn Write) -> std::io::Result<()>,
    /// How much of a limit a character takes, once it is harmless.
    pub weigh: fn(char) -> usize,
    /// The longest output.
    pub bytes_max: usize,
    /// What else is demanded of the output; what is wrong, otherwise.
    pub fits: fn(&str) -> Result<(), String>,
}

/// A page of the largest cohort has some 6 MB; beyond this no browser follows.
const PAGE_BYTES_MAX: usize = 32 << 20;
/// What a chat or a mail server takes is far less; this only ends a template that does not.
const MESSAGE_BYTES_MAX: usize = 1 << 20;

static HTML: Template = Template {
    name: "report.html.tera",
    suffix: ".html.tera",
    built_in: include_str!("../../../templates/report.html.tera"),
    escape: escape_html,
    weigh: one,
    bytes_max: PAGE_BYTES_MAX,
    fits: anything,
};
static MARKDOWN: Template = Template {
    name: "report.md.tera",
    suffix: ".md.tera",
    built_in: include_str!("../../../templates/report.md.tera"),
    escape: escape_markdown,
    weigh: one,
    bytes_max: PAGE_BYTES_MAX,
    fits: anything,
};
static SLACK: Template = Template {
    name: "report.slack.json.tera",
    suffix: ".slack.json.tera",
    built_in: include_str!("../../../templates/report.slack.json.tera"),
    escape: escape_slack,
    weigh: weigh_slack,
    bytes_max: MESSAGE_BYTES_MAX,
    fits: slack_fits,
};
static TEAMS: Template = Template {
    name: "report.teams.json.tera",
    suffix: ".teams.json.tera",
    built_in: include_str!("../../../templates/report.teams.json.tera"),
    escape: escape_json,
    weigh: one,
    bytes_max: MESSAGE_BYTES_MAX,
    fits: teams_fits,
};
static MAIL: Template = Template {
    name: "report.mail.txt.tera",
    suffix: ".mail.txt.tera",
    built_in: include_str!("../../../templates/report.mail.txt.tera"),
    escape: escape_text,
    weigh: one,
    bytes_max: MESSAGE_BYTES_MAX,
    fits: anything,
};

fn anything(_: &str) -> Result<(), String> {
    Ok(())
}

fn one(_: char) -> usize {
    1
}

/// Slack counts what it is sent: `&amp;` is five characters, a picture two.
fn weigh_slack(c: char) -> usize {
    match c {
        '&' => 5,
        '<' | '>' => 4,
        c => c.len_utf16(),
    }
}

/// For HTML, between tags and inside of attributes.
fn escape_html(text: &str, out: &mut dyn Write) -> std::io::Result<()> {
    out.write_all(super::svg::escape(text).as_bytes())
}

/// For a string of JSON.
fn escape_json(text: &str, out: &mut dyn Write) -> std::io::Result<()> {
    let quoted = serde_json::to_string(text)?;
    let inside = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default();
    out.write_all(inside.as_bytes())
}

/// For a string of JSON that Slack reads: `&`, `<` and `>` begin its entities, links and mentions.
fn escape_slack(text: &str, out: &mut dyn Write) -> std::io::Result<()> {
    escape_json(&text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"), out)
}

/// For plain text: nothing but the control characters, which could begin a line or a header.
fn escape_text(text: &str, out: &mut dyn Write) -> std::io::Result<()> {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    out.write_all(plain.as_bytes())
}

/// For Markdown, table cells included: what could mark up, link or end the cell stands for itself.
fn escape_markdown(text: &str, out: &mut dyn Write) -> std::io::Result<()> {
    for (at, c) in text.char_indices() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => write!(out, "\\{c}")?,
            '<' => out.write_all(b"&lt;")?,
            '>' => out.write_all(b"&gt;")?,
            '&' => out.write_all(b"&amp;")?,
            // A bare address would become a link.
            ':' if text.get(at..).is_some_and(|rest| rest.starts_with("://")) => out.write_all(b"&#58;")?,
            '@' => out.write_all(b"&#64;")?,
            c if c.is_control() => out.write_all(b" ")?,
            c => write!(out, "{c}")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(escape: fn(&str, &mut dyn Write) -> std::io::Result<()>, text: &str) -> String {
        let mut out = Vec::new();
        escape(text, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_value_stays_inside_of_its_string() {
        let hostile = "\"}],\\ \n\u{7} <!channel> & \u{2028}";
        for escape in [escape_json, escape_slack] {
            let text = format!("\"{}\"", through(escape, hostile));
            let back: String = serde_json::from_str(&text).unwrap();
            assert_eq!(back.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"), hostile);
        }
        assert!(through(escape_slack, hostile).contains("&lt;!channel&gt; &amp;"));
        assert_eq!(through(escape_text, "a\r\nBcc: b"), "a  Bcc: b");
    }

    #[test]
    fn what_is_weighed_is_what_is_sent() {
        for c in ['a', '&', '<', '>', '語', '\u{1f600}'] {
            assert_eq!(weigh_slack(c), through(escape_slack, &c.to_string()).encode_utf16().count(), "{c}");
        }
    }

    #[test]
    fn every_format_is_found_by_its_name() {
        for format in Format::ALL {
            assert_eq!(format.name().parse(), Ok(format));
            assert!(format.template().is_none_or(|template| template.name == format!("{}.tera", format.file())));
        }
        assert!("pdf".parse::<Format>().is_err());
    }
}
