//! Reads fields out of a TOML document and collects what is wrong with them, instead of stopping at the first.
//!
//! Must never: stop early, or show the value of a field whose kind is a secret.

use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::duration::{parse_duration_ms, written};
use super::error::ConfigError;
use crate::words::nearest::nearest;

/// The longest text of a field that is accepted, in characters.
const TEXT_CHARS_MAX: usize = 4096;

/// Fields of the document itself: below a section they would be that section's.
const ABOVE_SECTIONS: [&str; 1] = ["store"];

/// Collects errors while fields are read.
#[derive(Debug)]
pub(super) struct Reader<'t> {
    text: &'t str,
    /// Whether the document could not be parsed in full: then a missing field says nothing.
    torn: bool,
    errors: Vec<ConfigError>,
}

/// A table of the document and which of its fields have been asked for.
#[derive(Debug)]
pub(super) struct Section<'t> {
    /// Its name, empty for the document itself.
    name: String,
    /// Where it stands, for fields that are missing from it.
    span: Range<usize>,
    table: Option<&'t DeTable<'t>>,
    known: Vec<&'static str>,
}

/// A value of the document and what it is called.
#[derive(Debug, Clone)]
pub(super) struct Field<'t> {
    pub(super) name: String,
    pub(super) span: Range<usize>,
    pub(super) value: &'t DeValue<'t>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Reader<'t> {
        Reader { text, torn: false, errors: Vec::new() }
    }

    /// Notes that the document could not be parsed at a place.
    pub(super) fn torn(&mut self, span: Range<usize>, message: &str) {
        self.torn = true;
        self.push(span, String::new(), format!("broken TOML ({})", cut(message)), "TOML (toml.io)".to_owned(), None);
    }

    /// The errors, in order of the lines. Next to a place that could not be parsed, what else seems wrong is noise.
    pub(super) fn into_errors(mut self) -> Vec<ConfigError> {
        let torn_lines: Vec<usize> = self.errors.iter().filter(|e| e.field.is_empty()).map(|e| e.line).collect();
        self.errors.retain(|e| e.field.is_empty() || !torn_lines.contains(&e.line));
        self.errors.sort_by(|a, b| (a.line, a.column, &a.field).cmp(&(b.line, b.column, &b.field)));
        self.errors.dedup();
        self.errors
    }

    pub(super) fn push(
        &mut self,
        span: Range<usize>,
        field: String,
        found: String,
        accepted: String,
        hint: Option<String>,
    ) {
        let (line, column) = position(self.text, span.start);
        self.errors.push(ConfigError { line, column, field, found, accepted, hint });
    }

    /// An error about a field that is there.
    pub(super) fn wrong(&mut self, field: &Field<'_>, found: impl Into<String>, accepted: impl Into<String>) {
        self.push(field.span.clone(), field.name.clone(), found.into(), accepted.into(), None);
    }

    /// The same with a hint.
    pub(super) fn wrong_hint(
        &mut self,
        field: &Field<'_>,
        found: impl Into<String>,
        accepted: impl Into<String>,
        hint: String,
    ) {
        self.push(field.span.clone(), field.name.clone(), found.into(), accepted.into(), Some(hint));
    }

    /// An error about a field that is missing from a section.
    pub(super) fn missing(&mut self, section: &Section<'_>, key: &str, accepted: impl Into<String>) {
        if !self.torn {
            self.push(section.span.clone(), section.path(key), "nothing".to_owned(), accepted.into(), None);
        }
    }

    /// The document itself as a section.
    pub(super) fn document(&mut self, table: &'t Spanned<DeTable<'t>>) -> Section<'t> {
        Section { name: String::new(), span: 0..0, table: Some(table.get_ref()), known: Vec::new() }
    }

    /// A section of the document. One that is missing reads as empty: its fields have their defaults.
    pub(super) fn section(&mut self, document: &mut Section<'t>, name: &'static str) -> Section<'t> {
        let mut section = Section { name: name.to_owned(), span: 0..0, table: None, known: Vec::new() };
        if let Some(field) = document.take(name) {
            section.span = field.span.clone();
            match field.value {
                DeValue::Table(table) => section.table = Some(table),
                other => self.wrong(&field, shown(other), format!("a section [{name}]")),
            }
        }
        section
    }

    /// A list of texts, each of them as `read` has it; `None` where there is none, or where one of them is wrong. The first of
    /// `accepted` is what a list must be, the other what each of its items must.
    pub(super) fn list<T>(
        &mut self,
        field: &Field<'t>,
        accepted: [&str; 2],
        count: std::ops::RangeInclusive<usize>,
        mut read: impl FnMut(&Field<'t>, &str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let [whole, one] = accepted;
        let DeValue::Array(items) = field.value else {
            self.wrong(field, shown(field.value), whole);
            return None;
        };
        if !count.contains(&items.len()) {
            self.wrong(field, format!("a list of {}", items.len()), whole);
            return None;
        }
        let mut found = Vec::new();
        for item in items.iter() {
            let place = Field { name: field.name.clone(), span: item.span(), value: item.get_ref() };
            let value = match item.get_ref() {
                DeValue::String(text) => read(&place, text),
                DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_)
                | DeValue::Array(_)
                | DeValue::Table(_) => None,
            };
            match value {
                Some(value) => found.push(value),
                None => self.wrong(&place, shown(item.get_ref()), one),
            }
        }
        (found.len() == items.len()).then_some(found)
    }

    /// The tables of `[[name]]`, each as a section called `name[1]`, `name[2]` and so on.
    pub(super) fn tables(&mut self, document: &mut Section<'t>, name: &'static str) -> Vec<Section<'t>> {
        let Some(field) = document.take(name) else { return Vec::new() };
        let accepted = format!("a section [[{name}]] for each entry");
        let DeValue::Array(list) = field.value else {
            let hint = format!("write [[{name}]], with two brackets");
            self.wrong_hint(&field, shown(field.value), accepted, hint);
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (at, item) in list.iter().enumerate() {
            let name = format!("{name}[{}]", at + 1);
            match item.get_ref() {
                DeValue::Table(table) => {
                    sections.push(Section { name, span: item.span(), table: Some(table), known: Vec::new() });
                }
                other => self.wrong(&Field { name, span: item.span(), value: other }, shown(other), accepted.as_str()),
            }
        }
        sections
    }

    /// Reports the fields of a section that nobody has asked for.
    pub(super) fn finish(&mut self, section: &Section<'t>) {
        let unknown = section.table.into_iter().flat_map(|table| table.keys());
        for key in unknown.filter(|key| !section.known.iter().any(|known| *known == key.get_ref().as_ref())) {
            let name = key.get_ref().as_ref();
            let what = if section.name.is_empty() { "section" } else { "field" };
            let near = nearest(name, section.known.iter().copied()).map(|near| format!("did you mean {near}?"));
            let hint = near.or_else(|| {
                ABOVE_SECTIONS.contains(&name).then(|| format!("{name} = … stands above the first section of the file"))
            });
            let found = format!("an unknown {what}");
            self.push(key.span(), section.path(&cut(name)), found, section.known.join(", "), hint);
        }
    }

    /// A text that must be there.
    pub(super) fn needed_text(
        &mut self,
        section: &mut Section<'t>,
        key: &'static str,
        accepted: &str,
    ) -> Option<(Field<'t>, &'t str)> {
        if !section.keys().contains(&key) {
            self.missing(section, key, accepted);
        }
        self.text(section, key, accepted)
    }

    /// A text that is not empty, if the field is there and is one.
    pub(super) fn text(
        &mut self,
        section: &mut Section<'t>,
        key: &'static str,
        accepted: &str,
    ) -> Option<(Field<'t>, &'t str)> {
        let field = section.take(key)?;
        match field.value {
            DeValue::String(text) if !text.is_empty() && plain(text) => Some((field.clone(), text.as_ref())),
            DeValue::String(text) if text.is_empty() => {
                self.wrong(&field, "an empty string", accepted);
                None
            }
            DeValue::String(_) => {
                self.wrong(&field, "a string with control characters or of more than 4096 characters", accepted);
                None
            }
            other => {
                self.wrong(&field, shown(other), accepted);
                None
            }
        }
    }

    /// A duration within a range; `default_ms` when the field is missing or wrong.
    pub(super) fn duration_ms(
        &mut self,
        section: &mut Section<'t>,
        key: &'static str,
        default_ms: i64,
        range_ms: RangeInclusive<i64>,
    ) -> i64 {
        self.optional_duration_ms(section, key, "", default_ms, range_ms).unwrap_or(default_ms)
    }

    /// A duration within a range, if the field is there and is one; `such_as_ms` is the example in the error, and `or`
    /// begins the sentence about what else is accepted.
    pub(super) fn optional_duration_ms(
        &mut self,
        section: &mut Section<'t>,
        key: &'static str,
        or: &str,
        such_as_ms: i64,
        range_ms: RangeInclusive<i64>,
    ) -> Option<i64> {
        let field = section.take(key)?;
        let accepted = format!(
            "{or}a duration such as \"{}\", from {} to {}",
            written(such_as_ms),
            written(*range_ms.start()),
            written(*range_ms.end())
        );
        let ms = match field.value {
            DeValue::String(text) => parse_duration_ms(text),
            DeValue::Integer(_) | DeValue::Float(_) => {
                let hint = "a number needs a unit: ms, s, min, h or d, in quotes".to_owned();
                self.wrong_hint(&field, shown(field.value), accepted, hint);
                return None;
            }
            DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
        };
        let ms = ms.filter(|ms| range_ms.contains(ms));
        if ms.is_none() {
            self.wrong(&field, shown(field.value), accepted);
        }
        ms
    }

    /// One of a few words, if the field is there and holds one.
    pub(super) fn choice<T: Copy>(
        &mut self,
        section: &mut Section<'t>,
        key: &'static str,
        choices: &[(&'static str, T)],
    ) -> Option<T> {
        let accepted = choices.iter().map(|(word, _)| format!("{word:?}")).collect::<Vec<_>>().join(" or ");
        let (field, text) = self.text(section, key, &accepted)?;
        let chosen = choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if chosen.is_none() {
            match nearest(text, choices.iter().map(|(word, _)| *word)) {
                Some(near) => self.wrong_hint(&field, shown(field.value), accepted, format!("did you mean {near}?")),
                None => self.wrong(&field, shown(field.value), accepted),
            }
        }
        chosen
    }

    /// A whole number within a range, if the field is there and is one.
    pub(super) fn whole(
        &mut self,
        section: &mut Section<'t>,
        key: &'static str,
        range: RangeInclusive<u32>,
    ) -> Option<u32> {
        let field = section.take(key)?;
        let number = match field.value {
            DeValue::Integer(n) => u32::from_str_radix(n.as_str(), n.radix()).ok().filter(|n| range.contains(n)),
            DeValue::String(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => None,
        };
        if number.is_none() {
            self.wrong(&field, shown(field.value), format!("a whole number from {} to {}", range.start(), range.end()));
        }
        number
    }

    /// A share: a number from 0 to 1, or a text such as "30%"; `default` when the field is missing or wrong.
    pub(super) fn share(&mut self, section: &mut Section<'t>, key: &'static str, default: f64) -> f64 {
        let Some(field) = section.take(key) else { return default };
        let number = match field.value {
            DeValue::Float(n) => n.as_str().parse::<f64>().ok(),
            DeValue::Integer(n) => n.as_str().parse::<f64>().ok(),
            DeValue::String(text) => {
                text.strip_suffix('%').and_then(|n| n.trim().parse::<f64>().ok()).map(|n| n / 100.0)
            }
            DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
        };
        match number {
            Some(share) if (0.0..=1.0).contains(&share) => share,
            Some(_) | None => {
                self.wrong(&field, shown(field.value), "a share from 0.0 to 1.0, or from \"0%\" to \"100%\"");
                default
            }
        }
    }

    /// `true` or `false`; `default` when the field is missing or wrong.
    pub(super) fn switch(&mut self, section: &mut Section<'t>, key: &'static str, default: bool) -> bool {
        let Some(field) = section.take(key) else { return default };
        match field.value {
            DeValue::Boolean(on) => *on,
            other => {
                self.wrong(&field, shown(other), "true or false, without quotes");
                default
            }
        }
    }
}

impl<'t> Section<'t> {
    /// The field's value, if it is there; either way the field is known from now on.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Field<'t>> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        let value = self.table?.get(key)?;
        Some(Field { name: self.path(key), span: value.span(), value: value.get_ref() })
    }
    /// Makes another field the place where fields that are missing from this section are reported.
    pub(super) fn blame(&mut self, field: &Field<'_>) {
        self.span = field.span.clone();
    }
    /// Whether the section is in the document.
    pub(super) fn present(&self) -> bool {
        self.table.is_some()
    }
    /// A field that stands in another field: `{ env = "…" }`.
    pub(super) fn inside(field: &Field<'t>, table: &'t DeTable<'t>) -> Section<'t> {
        Section { name: field.name.clone(), span: field.span.clone(), table: Some(table), known: Vec::new() }
    }
    /// The names of the fields that are there.
    pub(super) fn keys(&self) -> Vec<&'t str> {
        self.table.into_iter().flat_map(|table| table.keys()).map(|key| key.get_ref().as_ref()).collect()
    }
    fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }
}

/// A value as the error shows it: short, and by its kind where it is long.
pub(super) fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{:?}", cut(text)),
        DeValue::Integer(n) => cut(&n.to_string()),
        DeValue::Float(n) => cut(&n.to_string()),
        DeValue::Boolean(on) => on.to_string(),
        DeValue::Datetime(at) => at.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

pub(super) fn cut(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    if short.len() < text.len() { short + "…" } else { short }
}

fn plain(text: &str) -> bool {
    text.chars().count() <= TEXT_CHARS_MAX && !text.chars().any(char::is_control)
}

/// Line and column, both from 1, of a byte of the text.
fn position(text: &str, byte: usize) -> (usize, usize) {
    let before: &[u8] = text.as_bytes().get(..byte.min(text.len())).unwrap_or_default();
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let column = String::from_utf8_lossy(before.get(start..).unwrap_or_default()).chars().count() + 1;
    (line, column)
}
