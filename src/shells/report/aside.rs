//! Bars that are drawn in a thread of their own: a terminal that stands still (Ctrl-S) holds up the drawing, and nothing else.
//!
//! Must never: have whoever tells it something wait, before the end.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use crate::law::event::Record;
use crate::shells::report::bars::Bars;
use crate::shells::report::summary::summary;
use crate::words::clock::Timestamp;

/// Tells the thread that draws. What it has not drawn waits: at most the run's own records, which whoever drives it holds as well.
pub struct Aside {
    tell: Sender<Told>,
    /// Whether a tick waits already; one is enough.
    ticked: Arc<AtomicBool>,
    drawing: JoinHandle<std::io::Result<()>>,
}

enum Told {
    Heard(Box<Record>),
    Ticked(Timestamp),
    Ended(Vec<PathBuf>),
}

impl Aside {
    /// Draws these from now on.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn new(bars: Bars) -> std::io::Result<Aside> {
        let (tell, told) = channel();
        let ticked = Arc::new(AtomicBool::new(false));
        let waits = Arc::clone(&ticked);
        let drawing = std::thread::Builder::new().name("bars".to_owned()).spawn(move || draw(bars, &told, &waits))?;
        Ok(Aside { tell, ticked, drawing })
    }
    /// Takes in a record.
    pub fn hear(&mut self, record: &Record) {
        // Whoever has stopped drawing says so at the end.
        let _ = self.tell.send(Told::Heard(Box::new(record.clone())));
    }
    /// Moves the countdowns on.
    pub fn tick(&mut self, now: Timestamp) {
        if !self.ticked.swap(true, Ordering::AcqRel) {
            let _ = self.tell.send(Told::Ticked(now));
        }
    }
    /// Writes the summary where the bars stood, once the terminal takes it: whoever has stopped it wants to read.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn finish(self, reports: &[PathBuf]) -> std::io::Result<()> {
        let _ = self.tell.send(Told::Ended(reports.to_vec()));
        self.drawing.join().unwrap_or_else(|_| Err(std::io::Error::other("the bars cannot be drawn")))
    }
}

fn draw(mut bars: Bars, told: &Receiver<Told>, ticked: &AtomicBool) -> std::io::Result<()> {
    while let Ok(told) = told.recv() {
        match told {
            Told::Heard(record) => bars.hear(&record),
            Told::Ticked(now) => {
                ticked.store(false, Ordering::Release);
                bars.tick(now);
            }
            Told::Ended(reports) => {
                let closing = summary(bars.story(), &reports);
                return bars.finish(&closing);
            }
        }
    }
    // Whoever told has gone without an end.
    Ok(())
}
