//! One run, three live faces: bars on a terminal, plain lines in a log, JSON lines for programs.
//!
//! Must never: choose by itself; whether the output is a terminal, and which colours it takes, the door knows.

use std::io::Write;
use std::path::PathBuf;

use indicatif::ProgressDrawTarget;

use crate::law::event::Record;
use crate::shells::report::aside::Aside;
use crate::shells::report::bars::{Bars, Colour};
use crate::shells::report::lines::Lines;
use crate::shells::report::summary::summary;
use crate::words::clock::Timestamp;

/// A live face.
pub enum Display {
    /// Bars on a terminal.
    Bars(Box<Bars>),
    /// The same, drawn in a thread of their own.
    Aside(Aside),
    /// Plain lines.
    Lines(Box<Lines>),
    /// One journal record a line, exactly as it was journaled.
    Json(JsonLines),
}

/// Writes one record a line.
pub struct JsonLines {
    out: Box<dyn Write + Send>,
    broken: Option<std::io::Error>,
}

impl Display {
    /// Bars on the standard output, which must be a terminal.
    #[must_use]
    pub fn bars(colour: Colour) -> Display {
        Display::bars_on(ProgressDrawTarget::stdout(), colour)
    }
    /// Bars on any target.
    #[must_use]
    pub fn bars_on(target: ProgressDrawTarget, colour: Colour) -> Display {
        Display::Bars(Box::new(Bars::new(target, colour)))
    }
    /// Bars on the standard output, which must be a terminal; whoever tells them something does not wait for it.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn bars_aside(colour: Colour) -> std::io::Result<Display> {
        Aside::new(Bars::new(ProgressDrawTarget::stdout(), colour)).map(Display::Aside)
    }
    /// Plain lines.
    #[must_use]
    pub fn lines(out: Box<dyn Write + Send>) -> Display {
        Display::Lines(Box::new(Lines::new(out)))
    }
    /// JSON lines.
    #[must_use]
    pub fn json(out: Box<dyn Write + Send>) -> Display {
        Display::Json(JsonLines { out, broken: None })
    }
    /// Shows a record.
    pub fn hear(&mut self, record: &Record) {
        match self {
            Display::Bars(bars) => bars.hear(record),
            Display::Aside(bars) => bars.hear(record),
            Display::Lines(lines) => lines.hear(record),
            Display::Json(json) => json.hear(record),
        }
    }
    /// Moves countdowns on; `now` on the run's clock. Worth calling a few times a second.
    pub fn tick(&mut self, now: Timestamp) {
        match self {
            Display::Bars(bars) => bars.tick(now),
            Display::Aside(bars) => bars.tick(now),
            Display::Lines(lines) => lines.tick(now),
            Display::Json(_) => {}
        }
    }
    /// Ends the display with the summary; JSON lines end without one, so that each of their lines is a record.
    ///
    /// # Errors
    /// The first error that writing met, now or before: a run is not stopped because nobody reads along.
    pub fn finish(self, reports: &[PathBuf]) -> std::io::Result<()> {
        match self {
            Display::Bars(bars) => {
                let closing = summary(bars.story(), reports);
                bars.finish(&closing)
            }
            Display::Aside(bars) => bars.finish(reports),
            Display::Lines(lines) => {
                let closing = summary(lines.story(), reports);
                lines.finish(&closing)
            }
            Display::Json(json) => json.finish(),
        }
    }
}

impl JsonLines {
    fn hear(&mut self, record: &Record) {
        if self.broken.is_none()
            && let Err(error) = self.write(record)
        {
            self.broken = Some(error);
        }
    }
    fn write(&mut self, record: &Record) -> std::io::Result<()> {
        let line = serde_json::to_string(record)?;
        writeln!(self.out, "{line}")
    }
    fn finish(mut self) -> std::io::Result<()> {
        match self.broken {
            Some(error) => Err(error),
            None => self.out.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::shells::report::frame::{WIDTH, header, rows, straggler};
    use crate::shells::report::sample;
    use crate::shells::report::story::Story;
    use crate::shells::report::words::columns;
    use crate::words::id::Seat;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);
    impl Shared {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }
    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// A pipe whose reader has gone.
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// A terminal that remembers what was written to it.
    #[derive(Debug, Clone, Default)]
    struct Glass(Arc<Mutex<String>>);
    impl indicatif::TermLike for Glass {
        fn width(&self) -> u16 {
            80
        }
        fn height(&self) -> u16 {
            40
        }
        fn move_cursor_up(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn write_line(&self, s: &str) -> std::io::Result<()> {
            self.0.lock().unwrap().push_str(&format!("{s}\n"));
            Ok(())
        }
        fn write_str(&self, s: &str) -> std::io::Result<()> {
            self.0.lock().unwrap().push_str(s);
            Ok(())
        }
        fn clear_line(&self) -> std::io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn play(mut display: Display, records: &[Record]) -> std::io::Result<()> {
        for record in records {
            display.hear(record);
            display.tick(record.at);
        }
        display.finish(&[PathBuf::from("report.html")])
    }

    #[test]
    fn plain_lines_tell_the_friday_in_order() {
        let out = Shared::default();
        play(Display::lines(Box::new(out.clone())), &sample::friday(1, 60)).unwrap();
        let text = out.text();
        println!("{text}");
        let wide: Vec<&str> = text.lines().filter(|line| columns(line) > WIDTH).collect();
        assert!(wide.is_empty(), "{wide:#?}");
        // A line may be broken anywhere.
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut rest = text.as_str();
        for part in [
            "Wed 25 Nov 16:00:00 staged: Contoso Care, week of 2026-11-30",
            "15:40:00 refresh: ",
            "tokens: ",
            "15:59:00 prepare: ",
            "16:00:00 publish: sending it, claim 1, +12 ms after T",
            "16:00:25 Published once at ",
            "hook post-publish.d/20-wallboard",
            "16:00:55 check: 60 softphones",
            "straggler: ",
            "cured: ",
            "checked 60 of 60",
            "settled: ",
            "What to do next:",
        ] {
            let at = rest.find(part).unwrap_or_else(|| panic!("{part:?} is missing or out of order in\n{text}"));
            rest = rest.get(at..).unwrap();
        }
    }

    #[test]
    fn a_large_cohort_takes_a_bounded_number_of_lines() {
        let out = Shared::default();
        play(Display::lines(Box::new(out.clone())), &sample::friday(5, 4_000)).unwrap();
        let text = out.text();
        assert!(text.lines().count() < 250, "{} lines", text.lines().count());
        assert!(text.contains("more changes of stragglers"), "{text}");
    }

    #[test]
    fn each_line_of_json_is_the_record_itself() {
        let (out, records) = (Shared::default(), sample::friday(2, 60));
        play(Display::json(Box::new(out.clone())), &records).unwrap();
        let back: Vec<Record> = out.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(back, records);
    }

    #[test]
    fn a_reader_that_leaves_is_told_at_the_end_and_stops_nothing() {
        let records = sample::friday(2, 20);
        assert!(play(Display::lines(Box::new(Closed)), &records).is_err());
        assert!(play(Display::json(Box::new(Closed)), &records).is_err());
    }

    #[test]
    fn every_frame_of_a_friday_keeps_to_its_width() {
        for records in [sample::friday(3, 60), sample::in_doubt(), sample::friday(9, 1_200)] {
            let mut story = Story::default();
            for record in &records {
                story.hear(record);
                for line in header(&story, record.at) {
                    assert!(columns(&line) <= WIDTH, "{line}");
                }
                for row in rows(&story, record.at) {
                    assert!(row.done <= row.total && row.total > 0, "{row:?}");
                    let line = format!("{:<8} {:20}  {}", row.name, "", row.words);
                    assert!(columns(&line) <= WIDTH, "{line}");
                }
                assert!(columns(&straggler(&story, Seat(0))) <= WIDTH);
            }
        }
    }

    #[test]
    fn bars_show_every_phase_and_plain_ones_no_colour() {
        let glass = Glass::default();
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(glass.clone()), 255);
        play(Display::bars_on(target, Colour::Plain), &sample::friday(1, 60)).unwrap();
        let text = glass.0.lock().unwrap().clone();
        for part in
            ["Contoso Care", "refresh", "publish", "once at 16:00:00 (+31 ms)", "check", "cure", "session reset"]
        {
            assert!(text.contains(part), "{part:?} was never drawn");
        }
        assert!(!text.contains("\u{1b}[3"), "a colour was drawn");
    }

    #[test]
    fn a_terminal_that_stands_still_holds_nobody_up_and_shows_everything_in_the_end() {
        let glass = Glass::default();
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(glass.clone()), 255);
        let mut display = Display::Aside(Aside::new(Bars::new(target, Colour::Plain)).unwrap());
        let standing = glass.0.lock().unwrap();
        for record in &sample::friday(1, 60) {
            display.hear(record);
            display.tick(record.at);
        }
        drop(standing);
        display.finish(&[PathBuf::from("report.html")]).unwrap();
        let text = glass.0.lock().unwrap().clone();
        for part in ["refresh", "once at 16:00:00 (+31 ms)", "cure", "report.html"] {
            assert!(text.contains(part), "{part:?} was never drawn");
        }
    }

    #[test]
    fn colours_are_refused_by_the_usual_means() {
        assert_eq!(Colour::asked(None, Some("xterm")), Colour::Palette);
        assert_eq!(Colour::asked(Some(""), None), Colour::Palette);
        assert_eq!(Colour::asked(Some("1"), Some("xterm")), Colour::Plain);
        assert_eq!(Colour::asked(None, Some("dumb")), Colour::Plain);
    }
}
