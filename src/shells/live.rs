//! Drives a run while a display follows it: the same for a real run and for a rehearsal.
//!
//! Must never: hold the run up because nobody can show it.

use std::cell::RefCell;
use std::future::Future;
use std::time::Duration;

use crate::hands::journal::Journal;
use crate::law::event::Record;
use crate::law::run::Run;
use crate::shells::driver::{DriveError, Driver, Ended};
use crate::shells::report::Display;

/// Countdowns move on so often, in real time.
const TICK: Duration = Duration::from_millis(120);

/// Drives `run` until it is over or `stop` completes. `display` hears the records of `past` first, then each new one as
/// soon as it is in the journal. The new records come back with how it ended.
///
/// # Errors
/// [`DriveError`] when the journal cannot be written.
pub async fn drive<J: Journal + Send + Sync + 'static>(
    driver: &Driver<J>,
    run: &mut Run,
    past: &[Record],
    display: &mut Display,
    stop: impl Future<Output = ()>,
) -> Result<(Ended, Vec<Record>), DriveError> {
    past.iter().for_each(|record| display.hear(record));
    let display = RefCell::new(display);
    let mut fresh = Vec::new();
    let listen = |record: &Record| {
        display.borrow_mut().hear(record);
        fresh.push(record.clone());
    };
    let ticking = async {
        loop {
            display.borrow_mut().tick(driver.clock.now());
            tokio::time::sleep(TICK).await;
        }
    };
    let ended = tokio::select! {
        ended = driver.drive(run, listen, stop) => ended?,
        () = ticking => Ended::Interrupted,
    };
    Ok((ended, fresh))
}
