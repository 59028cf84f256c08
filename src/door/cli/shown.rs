//! The display of a run that this process carries out: it hears everything at once, and shows it as its reader takes it.
//!
//! Must never: hold the run up. What nobody reads in time is dropped and counted; the journal has it all.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::door::cli::out::{self, Audience, colour};
use crate::door::cli::spool::{Losses, Patience, STANDS_STILL, Spool, WAITING_BYTES_MAX};
use crate::door::error::{ExitCode, Failure};
use crate::law::event::Record;
use crate::shells::daemon::news::News;
use crate::shells::report::Display;
use crate::shells::report::words::counted;

/// A display, and where its lines wait for a reader.
pub(super) struct Shown {
    pub(super) display: Display,
    /// `None` for bars, which have a thread of their own.
    lines: Option<Spool>,
    lost: Arc<AtomicU64>,
}

impl Shown {
    /// The display for this audience.
    pub(super) fn to(audience: Audience) -> Result<Shown, Failure> {
        let lost = Arc::new(AtomicU64::new(0));
        if audience == Audience::Bars {
            let display = Display::bars_aside(colour())
                .map_err(|e| Failure::new(ExitCode::Access, "the system gives no threads").because(e))?;
            return Ok(Shown { display, lines: None, lost });
        }
        let counts = Arc::clone(&lost);
        let hear = move |lines| {
            counts.fetch_add(lines, Ordering::Relaxed);
        };
        let losses = Losses { line: Box::new(move |lines| missing(audience, lines)), hear: Box::new(hear) };
        let lines = Spool::new(std::io::stdout(), WAITING_BYTES_MAX, patience(), losses)?;
        let pen = Box::new(lines.pen());
        let display = if audience == Audience::Json { Display::json(pen) } else { Display::lines(pen) };
        Ok(Shown { display, lines: Some(lines), lost })
    }
    /// Shows what happened before, as a whole: it is in memory anyway, and nobody could have read it yet.
    pub(super) fn recall(&mut self, past: &[Record]) {
        let display = &mut self.display;
        let mut hear = || past.iter().for_each(|record| display.hear(record));
        match &self.lines {
            Some(lines) => lines.take_in(hear),
            None => hear(),
        }
    }
    /// Ends the display with the summary, and waits for its reader, as long as there is one who reads.
    pub(super) fn finish(self, reports: &[PathBuf]) {
        let Shown { display, lines, lost } = self;
        // A reader that has gone away changes nothing about the run.
        let _ = display.finish(reports);
        drop(lines);
        let lost = lost.load(Ordering::Relaxed);
        if lost > 0 {
            let lines = counted(lost, "line was", "lines were");
            out::note(&format!("{lines} not shown, because nobody read them in time; the journal has every record"));
        }
    }
}

/// The run is over by then: a reader that goes on may have it all, and whoever has stopped a terminal wants to read.
fn patience() -> Patience {
    let stands_still = if std::io::stdout().is_terminal() { Duration::MAX } else { STANDS_STILL };
    Patience { stands_still, within: Duration::MAX }
}

/// The line in the place of so many. Among records it is none: it has no number, as the log of `serve` has it.
fn missing(audience: Audience, lines: u64) -> String {
    let news = News::LinesDropped { lines };
    let words = news.words().join(" ");
    match audience {
        Audience::Json => {
            json!({ "event": news.name(), "level": news.level().word(), "message": words, "lines": lines }).to_string()
        }
        Audience::Bars | Audience::Lines => format!("… {words}"),
    }
}
