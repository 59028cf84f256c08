//! A run's whole history in words, an event a line: what `audit` prints.
//!
//! Must never: leave an event out; what has no words of its own stands with its name.

use crate::law::event::{Event, Record};
use crate::shells::report::notices::notices;
use crate::shells::report::story::Story;
use crate::shells::report::words::{clean, cut};

/// The longest line, in characters.
const WIDTH: usize = 118;

/// The lines: number, instant in UTC, what happened.
#[must_use]
pub fn history(records: &[Record]) -> Vec<String> {
    let mut story = Story::default();
    let mut lines = Vec::new();
    for record in records {
        story.hear(record);
        let said = notices(record, &story);
        let words = if said.is_empty() { vec![plain(&record.event)] } else { said };
        for (n, words) in words.iter().enumerate() {
            let seq = if n == 0 { record.seq.to_string() } else { String::new() };
            lines.push(cut(&format!("{seq:>6}  {}  {}", record.at.rfc3339(), clean(words)), WIDTH));
        }
    }
    lines
}

/// The event's name and its fields, without the plan.
fn plain(event: &Event) -> String {
    let Ok(serde_json::Value::Object(mut fields)) = serde_json::to_value(event) else { return String::new() };
    let name = fields.remove("event").and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
    fields.remove("plan");
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name} {value}")).collect();
    format!("{} {}", name.replace('_', " "), fields.join(", ")).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shells::report::sample;

    #[test]
    fn every_event_has_a_line_with_its_number() {
        let records = sample::friday(2, 20);
        let lines = history(&records);
        for record in &records {
            let begins = format!("{:>6}  {}", record.seq, record.at.rfc3339());
            assert!(lines.iter().any(|line| line.starts_with(&begins)), "event {} is missing", record.seq);
        }
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH));
    }
}
