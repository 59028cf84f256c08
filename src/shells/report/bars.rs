//! The live face of a run on a terminal: header, a bar per phase, the newest stragglers; facts scroll by above them.
//!
//! Must never: be used when the output is no terminal; [`crate::shells::report::lines`] is for that.

use std::collections::VecDeque;
use std::io::Write;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::law::event::Record;
use crate::shells::report::frame::{BAR, NAME, Row, WIDTH, header, rows, straggler};
use crate::shells::report::notices::{Found, found, notices};
use crate::shells::report::story::Story;
use crate::shells::report::words::wrap;
use crate::words::clock::Timestamp;
use crate::words::id::Seat;

/// Stragglers shown at once.
const NEWEST_MAX: usize = 6;
/// Records between two redraws that no tick asked for.
const REDRAW_RECORDS: u64 = 64;

/// Whether colours may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// As the terminal's own palette has them.
    Palette,
    /// None: `NO_COLOR` is set, or the terminal cannot.
    Plain,
}

impl Colour {
    /// What the values of `NO_COLOR` and `TERM` ask for: a `NO_COLOR` that is not empty means none.
    #[must_use]
    pub fn asked(no_color: Option<&str>, term: Option<&str>) -> Colour {
        let is_refused = no_color.is_some_and(|value| !value.is_empty());
        if is_refused || term == Some("dumb") { Colour::Plain } else { Colour::Palette }
    }
}

/// Draws bars.
pub struct Bars {
    story: Story,
    now: Timestamp,
    all: MultiProgress,
    header: [ProgressBar; 2],
    rows: [ProgressBar; 4],
    drawn: [Option<Row>; 4],
    newest: VecDeque<Seat>,
    listed: Vec<ProgressBar>,
    heard: u64,
}

impl Bars {
    /// Draws on `target`.
    #[must_use]
    pub fn new(target: ProgressDrawTarget, colour: Colour) -> Bars {
        let all = MultiProgress::with_draw_target(target);
        let line = |all: &MultiProgress, template: &str| {
            let bar = all.add(ProgressBar::new(1));
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("━╸─"));
            }
            bar
        };
        let (bold, bars) = match colour {
            Colour::Palette => ("{msg:.bold}", format!("{{prefix:<{NAME}.bold}} {{bar:{BAR}.green/dim}}  {{msg}}")),
            Colour::Plain => ("{msg}", format!("{{prefix:<{NAME}}} {{bar:{BAR}}}  {{msg}}")),
        };
        let header = [line(&all, bold), line(&all, "{msg}")];
        let rows = [(); 4].map(|()| line(&all, &bars));
        let listed = (0..NEWEST_MAX).map(|_| line(&all, "{msg}")).collect();
        Bars {
            story: Story::default(),
            now: Timestamp::default(),
            all,
            header,
            rows,
            drawn: [const { None }; 4],
            newest: VecDeque::new(),
            listed,
            heard: 0,
        }
    }
    /// The story so far.
    #[must_use]
    pub fn story(&self) -> &Story {
        &self.story
    }
    /// Takes in a record.
    pub fn hear(&mut self, record: &Record) {
        self.now = self.now.max(record.at);
        self.heard += 1;
        let turns = self.story.hear(record);
        for turn in &turns {
            match found(turn) {
                Found::Straggler | Found::Cured => self.list(turn.seat),
                Found::Other => {}
            }
        }
        let facts = notices(record, &self.story);
        let time = self.story.zone.near_second(record.at, self.story.publish_at());
        for fact in &facts {
            for line in wrap(fact, WIDTH, &format!("{time}  "), "          ") {
                // A terminal that is gone is noticed at the end, by whoever prints the summary.
                self.all.println(line).ok();
            }
        }
        if !facts.is_empty() || self.heard.is_multiple_of(REDRAW_RECORDS) {
            self.draw();
        }
    }
    /// Moves the countdowns on.
    pub fn tick(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        self.draw();
    }
    /// Writes the closing lines where the bars stood.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn finish(self, closing: &[String]) -> std::io::Result<()> {
        if self.all.is_hidden() {
            // No terminal after all: bars are for nobody then, but the summary is still for somebody.
            return writeln!(std::io::stdout(), "{}", closing.join("\n"));
        }
        for line in std::iter::once("").chain(closing.iter().map(String::as_str)) {
            self.all.println(line)?;
        }
        self.all.clear()
    }

    fn list(&mut self, seat: Seat) {
        self.newest.retain(|listed| *listed != seat);
        self.newest.push_back(seat);
        if self.newest.len() > NEWEST_MAX {
            self.newest.pop_front();
        }
    }
    fn draw(&mut self) {
        for (bar, text) in self.header.iter().zip(header(&self.story, self.now)) {
            say(bar, text);
        }
        for (at, row) in rows(&self.story, self.now).into_iter().enumerate() {
            let (Some(bar), Some(drawn)) = (self.rows.get(at), self.drawn.get_mut(at)) else { continue };
            // Each setting draws; what has not changed is left alone.
            if drawn.as_ref() == Some(&row) {
                continue;
            }
            *drawn = Some(row.clone());
            bar.update(|state| {
                state.set_len(row.total);
                state.set_pos(row.done);
            });
            bar.set_prefix(row.name);
            bar.set_message(row.words);
        }
        for (at, bar) in self.listed.iter().enumerate() {
            let text = self.newest.get(at).map(|seat| straggler(&self.story, *seat)).unwrap_or_default();
            say(bar, text);
        }
    }
}

fn say(bar: &ProgressBar, text: String) {
    if bar.message() != text {
        bar.set_message(text);
    }
}
