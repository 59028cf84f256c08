//! What templates can do to a text, beside what their engine brings: cut it, break it into lines, make it a header of a mail.
//!
//! Must never: hand out a text as harmless that was not made so here.

use tera::{Kwargs, State, Tera, TeraResult, Value};

use crate::shells::report::words::{clean, cut_by, wrap};

/// Columns of a plain mail, unless a template says otherwise.
const COLUMNS: usize = 72;
/// Columns that a template may ask for.
const COLUMNS_MAX: usize = 998;
/// Longest line of a header (RFC 5322 section 2.1.1).
const HEADER_CHARS: usize = 76;
/// Characters of a subject, at most.
const SUBJECT_CHARS_MAX: usize = 160;
/// Bytes in one encoded word, so that its line keeps to [`HEADER_CHARS`] (RFC 2047 section 2).
const ENCODED_BYTES_MAX: usize = 42;

/// `{{ text | cut(max=150) }}`: at most so much of it, counted as the receiver counts it.
pub(super) fn add_cut(engine: &mut Tera, weigh: fn(char) -> usize) {
    engine.register_filter("cut", move |text: String, kwargs: Kwargs, _: &State| -> TeraResult<String> {
        Ok(cut_by(&text, kwargs.must_get::<usize>("max")?, weigh))
    });
}

/// `wrap` and `header`, for plain mail only: what they give is harmless there and nowhere else.
pub(super) fn add_mail(engine: &mut Tera) {
    engine.register_filter("wrap", |text: String, kwargs: Kwargs, _: &State| -> TeraResult<Value> {
        let first = kwargs.get::<String>("first")?.unwrap_or_default();
        let rest = kwargs.get::<String>("rest")?.unwrap_or_default();
        let width = kwargs.get::<usize>("width")?.unwrap_or(COLUMNS).min(COLUMNS_MAX);
        Ok(Value::safe_string(&wrap(&clean(&text), width, &clean_end(&first), &clean_end(&rest)).join("\n")))
    });
    engine.register_filter("header", |text: String, _: Kwargs, _: &State| -> Value {
        Value::safe_string(&header(&text))
    });
}

/// An indent without what breaks lines; its spaces stay.
fn clean_end(indent: &str) -> String {
    indent.chars().filter(|c| !c.is_control()).collect()
}

/// A text as the value of a mail's header: as it is where it is ASCII and short, else in encoded words (RFC 2047).
fn header(text: &str) -> String {
    let text = cut_by(&clean(text), SUBJECT_CHARS_MAX, |_| 1);
    let is_plain = text.chars().all(|c| c.is_ascii_graphic() || c == ' ') && !text.contains("=?");
    if is_plain { folded(&text) } else { encoded(&text) }
}

/// Broken before spaces, each line after the first beginning with one.
fn folded(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        // The first line has the header's name before it.
        let used = lines.last().map_or(0, String::len) + if lines.len() == 1 { "Subject: ".len() } else { 1 };
        match lines.last_mut() {
            Some(line) if used + 1 + word.len() <= HEADER_CHARS => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines.join("\n ")
}

fn encoded(text: &str) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let mut parts = vec![String::new()];
    for c in text.chars() {
        match parts.last_mut() {
            Some(part) if part.len() + c.len_utf8() <= ENCODED_BYTES_MAX => part.push(c),
            Some(_) | None => parts.push(c.to_string()),
        }
    }
    let words: Vec<String> = parts.iter().map(|part| format!("=?UTF-8?B?{}?=", STANDARD.encode(part))).collect();
    words.join("\n ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_keeps_to_its_lines_and_to_ascii() {
        let long = "Customer Care, week of 2026-11-30: ".repeat(6);
        for text in [
            "short",
            &long,
            "Kundendienst Köln: 語語語 nicht erreichbar, bitte nachsehen",
            "=?UTF-8?B?x?=",
            &"x".repeat(300),
        ] {
            let header = header(text);
            assert!(header.is_ascii() && !header.contains('\r'), "{header}");
            for (at, line) in header.lines().enumerate() {
                assert!(line.len() <= 200 && (at == 0) != line.starts_with(' '), "{header}");
            }
        }
        assert_eq!(header("a\r\nBcc: b"), "a  Bcc: b");
        assert!(header("ä").starts_with("=?UTF-8?B?") && header("=?UTF-8?Q?a?=").starts_with("=?UTF-8?B?"));
    }
}
