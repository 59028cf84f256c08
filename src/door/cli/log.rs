//! The log of `serve`: the news as lines, for programs or for people.
//!
//! Must never: have whoever tells something wait for whoever reads it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::door::cli::spool::{self, Losses, Patience, Pen, STANDS_STILL, Spool, WAITING_BYTES_MAX};
use crate::door::error::Failure;
use crate::shells::daemon::news::{News, Teller};
use crate::shells::telemetry::Telemetry;
use crate::words::clock::{Clock, Moment, Timestamp};

/// A supervisor that asks for an end does not wait for long.
const PATIENCE: Patience = Patience { stands_still: STANDS_STILL, within: Duration::from_secs(3) };
/// That lines are dropped is noted on the standard error this often at most, in ms.
const NOTE_EVERY_MS: i64 = 60_000;

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    /// A JSON document a line.
    Json,
    /// A line for people.
    Plain,
}

/// What is written, to be kept until the end: then what is left is written.
pub(super) struct Log {
    lines: Spool,
    face: Face,
    replica: String,
    _notes: Spool,
}

impl Log {
    /// Writes to the standard output; lines that are dropped are counted in `telemetry`.
    pub(super) fn new(face: Face, replica: &str, telemetry: &Telemetry) -> Result<Log, Failure> {
        let notes = spool::notes()?;
        let losses = losses(face, replica.to_owned(), telemetry.clone(), notes.pen());
        let lines = Spool::new(std::io::stdout(), WAITING_BYTES_MAX, PATIENCE, losses)?;
        Ok(Log { lines, face, replica: replica.to_owned(), _notes: notes })
    }
    /// Takes in each piece of news as a line of the log, or several.
    pub(super) fn teller(&self) -> Teller {
        let (pen, face, replica) = (self.lines.pen(), self.face, self.replica.clone());
        Arc::new(move |news: News| pen.put(lines(face, &news, &replica)))
    }
}

fn losses(face: Face, replica: String, telemetry: Telemetry, notes: Pen) -> Losses {
    let noted_at: Mutex<Option<Moment>> = Mutex::default();
    Losses {
        line: Box::new(move |lost| lines(face, &News::LinesDropped { lines: lost }, &replica).join("\n")),
        hear: Box::new(move |lost| {
            telemetry.lines_dropped(lost);
            let (mut noted_at, now) = (noted_at.lock().unwrap_or_else(PoisonError::into_inner), Moment::now());
            if noted_at.is_none_or(|at| at.is_past(NOTE_EVERY_MS, now)) {
                *noted_at = Some(now);
                let note = "nobody reads the log on the standard output, so lines of it are dropped; all else goes on";
                notes.put([note.to_owned()]);
            }
        }),
    }
}

fn lines(face: Face, news: &News, replica: &str) -> Vec<String> {
    let at = Clock::System.now();
    let line = |words: &String| match face {
        Face::Json => document(news, words, at, replica).to_string(),
        Face::Plain => plain(news, words, at),
    };
    news.words().iter().map(line).collect()
}

fn document(news: &News, words: &str, at: Timestamp, replica: &str) -> Value {
    let mut line = json!({
        "at": at.rfc3339(),
        "level": news.level().word(),
        "replica": replica,
        "event": news.name(),
        "message": words,
    });
    if let Some(run) = news.run() {
        line["run"] = json!(run);
    }
    if let (Some(line), Value::Object(fields)) = (line.as_object_mut(), news.fields()) {
        line.extend(fields);
    }
    line
}

fn plain(news: &News, words: &str, at: Timestamp) -> String {
    let run = news.run().map(|run| format!("{run}  ")).unwrap_or_default();
    format!("{}  {:<5}  {run}{words}", at.rfc3339(), news.level().word())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_were_dropped_are_a_line_of_the_log_and_counted_at_once() {
        let telemetry = Telemetry::new(None).unwrap();
        let notes = spool::notes().unwrap();
        let losses = losses(Face::Json, "one".to_owned(), telemetry.clone(), notes.pen());
        (losses.hear)(2);
        (losses.hear)(1);
        let text = telemetry.exposition().unwrap();
        assert!(text.contains("\nsoftlanding_log_lines_dropped_total 3\n"), "{text}");
        let line: Value = serde_json::from_str(&(losses.line)(3)).unwrap();
        assert_eq!((&line["event"], &line["level"]), (&json!("log_lines_dropped"), &json!("warn")), "{line}");
        assert_eq!((&line["lines"], &line["replica"]), (&json!(3), &json!("one")), "{line}");
        assert_eq!(line["message"], "3 lines are missing here, because nobody read them in time");
    }
}
