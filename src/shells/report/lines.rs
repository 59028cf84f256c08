//! The plain face of a run, for a log or a pipe: one line per noteworthy thing, each with its time in the run's zone.
//!
//! Must never: write more than a bounded number of lines, whatever the size of the cohort, or one that is wider than a terminal.

use std::io::Write;

use crate::law::event::{Event, Phase, Record};
use crate::shells::report::notices::{count_line, notices, turn_line};
use crate::shells::report::story::{Story, Turn};
use crate::shells::report::summary::WIDTH;
use crate::shells::report::words::{columns, counted, wrap};
use crate::words::clock::Timestamp;

/// Lines about single stragglers, at most; what comes after is counted.
const STRAGGLER_LINES_MAX: u32 = 40;
/// The first counts come this far apart, in ms of the run's time; later ones further, so that their number stays small.
const COUNT_EVERY_MS: i64 = 30_000;

/// Writes plain lines.
pub struct Lines {
    out: Box<dyn Write + Send>,
    story: Story,
    told: u32,
    untold: u64,
    counted_at: Option<Timestamp>,
    counted_as: String,
    broken: Option<std::io::Error>,
}

impl Lines {
    /// Writes to `out`.
    #[must_use]
    pub fn new(out: Box<dyn Write + Send>) -> Lines {
        Lines {
            out,
            story: Story::default(),
            told: 0,
            untold: 0,
            counted_at: None,
            counted_as: String::new(),
            broken: None,
        }
    }
    /// The story so far.
    #[must_use]
    pub fn story(&self) -> &Story {
        &self.story
    }
    /// Takes in a record and writes what is worth a line.
    pub fn hear(&mut self, record: &Record) {
        // The counts of a phase are told before the next one begins.
        if let Event::PhaseEntered { .. } = record.event {
            self.count(record.at);
        }
        let turns = self.story.hear(record);
        for line in notices(record, &self.story) {
            self.say(record.at, &line);
        }
        self.turns(record.at, &turns);
        self.tick(record.at);
    }
    /// Writes a count when the last one is old.
    pub fn tick(&mut self, now: Timestamp) {
        let begun = self.story.phases.items.last().map_or(now, |span| span.begin);
        let gap_ms = (now.since_ms(begun) / 4).max(COUNT_EVERY_MS);
        let last = self.counted_at.unwrap_or(begun).max(begun);
        if now.since_ms(last) >= gap_ms {
            self.count(now);
            self.counted_at = Some(now);
        }
    }
    /// Writes the closing lines.
    ///
    /// # Errors
    /// The first error that writing met, now or before.
    pub fn finish(mut self, closing: &[String]) -> std::io::Result<()> {
        if self.untold > 0 {
            let more = counted(self.untold, "more change", "more changes");
            self.write(&format!("… and {more} of stragglers, found or cured; see the report"));
        }
        self.write("");
        for line in closing {
            self.write(line);
        }
        match self.broken {
            Some(error) => Err(error),
            None => self.out.flush(),
        }
    }

    fn count(&mut self, at: Timestamp) {
        match self.story.phase() {
            Phase::Refreshing | Phase::Checking => {}
            Phase::Waiting
            | Phase::Preparing
            | Phase::Publishing
            | Phase::Settling
            | Phase::Settled
            | Phase::Stopped
            | Phase::InDoubt => return,
        }
        let line = count_line(&self.story);
        if line != self.counted_as {
            self.say(at, &line);
            self.counted_as = line;
        }
    }
    fn turns(&mut self, at: Timestamp, turns: &[Turn]) {
        for turn in turns {
            let Some(line) = turn_line(turn, &self.story) else { continue };
            if self.told < STRAGGLER_LINES_MAX {
                self.told += 1;
                self.say(at, &line);
                if self.told == STRAGGLER_LINES_MAX {
                    self.say(at, "… more stragglers are counted, not listed");
                }
            } else {
                self.untold += 1;
            }
        }
    }
    fn say(&mut self, at: Timestamp, line: &str) {
        let time = self.story.zone.near_second(at, self.story.publish_at());
        let first = format!("{time}  ");
        for line in wrap(line, WIDTH, &first, &" ".repeat(columns(&first))) {
            self.write(&line);
        }
    }
    fn write(&mut self, line: &str) {
        if self.broken.is_none()
            && let Err(error) = writeln!(self.out, "{line}")
        {
            self.broken = Some(error);
        }
    }
}
