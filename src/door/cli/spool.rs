//! Lines that wait for their reader: whoever has something to say leaves it here and goes on, and a thread of its own writes it.
//!
//! A reader may stand still: Ctrl-S, a pager, a log driver that blocks. What waits for it then has a bound; lines beyond it are
//! dropped, and a line in their place says how many.
//! Must never: have anybody wait who leaves a line, or put lines in another order.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::door::error::{ExitCode, Failure};
use crate::shells::report::words::counted;
use crate::words::clock::Moment;

/// Lines that wait take so much memory at most, in bytes: some 40,000 lines of a log.
pub(super) const WAITING_BYTES_MAX: usize = 8 << 20;
/// The same of notes.
const NOTES_BYTES_MAX: usize = 64 << 10;
/// A reader that takes nothing is given up after that long, when nothing says otherwise.
pub(super) const STANDS_STILL: Duration = Duration::from_secs(2);
/// What a line takes beside its text, in bytes.
const LINE_BYTES: usize = 32;

/// How long the end waits for a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patience {
    /// For one that takes nothing.
    pub(super) stands_still: Duration,
    /// For one that goes on.
    pub(super) within: Duration,
}

/// What becomes known of lines that are dropped.
pub(super) struct Losses {
    /// The line that stands in the place of so many.
    pub(super) line: Box<dyn Fn(u64) -> String + Send + Sync>,
    /// Hears at once of so many more.
    pub(super) hear: Box<dyn Fn(u64) + Send + Sync>,
}

/// Where lines wait. Dropped, it waits until they are written, as long as somebody reads them.
pub(super) struct Spool {
    shared: Arc<Shared>,
    patience: Patience,
}

/// Leaves lines in a spool.
pub(super) struct Pen {
    shared: Arc<Shared>,
    /// A line without its end so far.
    begun: Vec<u8>,
}

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    losses: Losses,
}

struct Queue {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    bytes_max: usize,
    /// Lines that were dropped since the last one that was taken in.
    missing: u64,
    /// Whether the writer has a line in hand, and how many it is through with.
    in_hand: bool,
    through: u64,
    closed: bool,
}

/// Notes on the standard error for whoever must not wait for its reader either.
pub(super) fn notes() -> Result<Spool, Failure> {
    let line = |notes: u64| format!("{} missing here", counted(notes, "note is", "notes are"));
    let losses = Losses { line: Box::new(line), hear: Box::new(|_| {}) };
    let patience = Patience { stands_still: STANDS_STILL, within: STANDS_STILL };
    Spool::new(std::io::stderr(), NOTES_BYTES_MAX, patience, losses)
}

impl Spool {
    /// Writes to `out`; lines that wait take `bytes_max` at most.
    pub(super) fn new(
        out: impl Write + Send + 'static,
        bytes_max: usize,
        patience: Patience,
        losses: Losses,
    ) -> Result<Spool, Failure> {
        let queue = Queue {
            lines: VecDeque::new(),
            bytes: 0,
            bytes_max,
            missing: 0,
            in_hand: false,
            through: 0,
            closed: false,
        };
        let shared = Arc::new(Shared { queue: Mutex::new(queue), changed: Condvar::new(), losses });
        let of_writer = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("spool".to_owned())
            .spawn(move || write(&of_writer, out))
            .map_err(|e| Failure::new(ExitCode::Access, "the system gives no threads").because(e))?;
        Ok(Spool { shared, patience })
    }
    /// Something to write with.
    pub(super) fn pen(&self) -> Pen {
        Pen { shared: Arc::clone(&self.shared), begun: Vec::new() }
    }
    /// Whatever `put` puts is taken in, beyond the bound: what lies in memory already may wait in memory.
    pub(super) fn take_in(&self, put: impl FnOnce()) {
        let bytes_max = std::mem::replace(&mut self.shared.lock().bytes_max, usize::MAX);
        put();
        let mut queue = self.shared.lock();
        queue.bytes_max = queue.bytes.saturating_add(bytes_max);
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        let begun = Moment::now();
        let mut queue = self.shared.lock();
        queue.closed = true;
        self.shared.tell_losses(&mut queue);
        self.shared.changed.notify_all();
        while !queue.is_done() {
            let seen = queue.through;
            let stands_still = |queue: &mut Queue| !queue.is_done() && queue.through == seen;
            let pause = self.patience.stands_still.min(self.patience.within);
            let waited = self.shared.changed.wait_timeout_while(queue, pause, stands_still);
            let (after, waited) = waited.unwrap_or_else(PoisonError::into_inner);
            queue = after;
            let passed = Duration::from_millis(begun.passed_ms(Moment::now()));
            if !queue.is_done() && (waited.timed_out() || passed >= self.patience.within) {
                let lost = queue.lines.len() as u64;
                drop(queue);
                return (self.shared.losses.hear)(lost);
            }
        }
    }
}

impl Pen {
    /// Leaves lines that belong together.
    pub(super) fn put(&self, lines: impl IntoIterator<Item = String>) {
        self.shared.put(lines.into_iter().map(ended));
    }
}

/// For whoever writes lines to a writer. Never fails; what a reader does not take is dropped.
impl Write for Pen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.shared.put([std::mem::take(&mut self.begun)]);
            }
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn put(&self, lines: impl IntoIterator<Item = Vec<u8>>) {
        let mut queue = self.lock();
        let before = queue.missing;
        lines.into_iter().for_each(|line| queue.take(line));
        let dropped = queue.missing - before;
        drop(queue);
        self.changed.notify_all();
        if dropped > 0 {
            (self.losses.hear)(dropped);
        }
    }
    /// The next line to write, once there is one; `None` at the end.
    fn next(&self) -> Option<Vec<u8>> {
        let mut queue = self.lock();
        loop {
            if let Some(line) = queue.lines.pop_front() {
                queue.bytes = queue.bytes.saturating_sub(cost(&line));
                queue.in_hand = true;
                // Not at the first free place: a slow reader would read of losses more than of anything else.
                if queue.bytes <= queue.bytes_max / 2 {
                    self.tell_losses(&mut queue);
                }
                return Some(line);
            }
            if queue.closed {
                return None;
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
    fn is_through(&self) {
        let mut queue = self.lock();
        queue.in_hand = false;
        queue.through += 1;
        drop(queue);
        self.changed.notify_all();
    }
    /// From here on lines are taken in again; one says how many are missing before them.
    fn tell_losses(&self, queue: &mut Queue) {
        let missing = std::mem::take(&mut queue.missing);
        if missing > 0 {
            queue.push(ended((self.losses.line)(missing)));
        }
    }
}

impl Queue {
    /// Takes a line in, or drops it: there is no room, or no room yet since the last one was dropped.
    fn take(&mut self, line: Vec<u8>) {
        if self.closed {
            return;
        }
        match self.missing > 0 || self.bytes >= self.bytes_max {
            true => self.missing += 1,
            false => self.push(line),
        }
    }
    fn push(&mut self, line: Vec<u8>) {
        self.bytes = self.bytes.saturating_add(cost(&line));
        self.lines.push_back(line);
    }
    fn is_done(&self) -> bool {
        self.lines.is_empty() && !self.in_hand
    }
}

/// Writes what is there, and waits for more. What cannot be written is lost, and the next line is tried all the same.
fn write(shared: &Shared, mut out: impl Write) {
    let mut unwritten = 0;
    while let Some(mut line) = shared.next() {
        if unwritten > 0 {
            line = [ended((shared.losses.line)(unwritten)), line].concat();
        }
        match out.write_all(&line).and_then(|()| out.flush()) {
            Ok(()) => unwritten = 0,
            Err(_) => {
                unwritten += 1;
                (shared.losses.hear)(1);
            }
        }
        shared.is_through();
    }
}

fn ended(line: String) -> Vec<u8> {
    let mut line = line.into_bytes();
    line.push(b'\n');
    line
}

fn cost(line: &[u8]) -> usize {
    line.len() + LINE_BYTES
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    const PATIENT: Patience = Patience { stands_still: Duration::from_secs(100), within: Duration::from_secs(100) };

    /// A reader that takes nothing while its lock is held, and refuses so many lines before that.
    #[derive(Clone, Default)]
    struct Reader {
        read: Arc<Mutex<Vec<u8>>>,
        refuses: Arc<AtomicU64>,
    }
    impl Reader {
        fn text(&self) -> String {
            String::from_utf8(self.read.lock().unwrap().clone()).unwrap()
        }
    }
    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if self.refuses.load(Ordering::Relaxed) > 0 {
                self.refuses.fetch_sub(1, Ordering::Relaxed);
                return Err(std::io::ErrorKind::BrokenPipe.into());
            }
            self.read.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// A spool before a reader, and how many lines it has dropped.
    fn spool(reader: &Reader, bytes_max: usize, patience: Patience) -> (Spool, Arc<AtomicU64>) {
        let dropped = Arc::new(AtomicU64::new(0));
        let counts = Arc::clone(&dropped);
        let losses = Losses {
            line: Box::new(|lines| format!("missing {lines}")),
            hear: Box::new(move |lines| {
                counts.fetch_add(lines, Ordering::Relaxed);
            }),
        };
        (Spool::new(reader.clone(), bytes_max, patience, losses).unwrap(), dropped)
    }

    /// Counts the lines 0, 1, 2 … of a text, and those of which it says that they are missing; each in its place.
    fn in_order(text: &str) -> (u64, u64) {
        let (mut next, mut missing) = (0, 0);
        for line in text.lines() {
            match line.strip_prefix("missing ") {
                Some(lines) => {
                    let lines: u64 = lines.parse().unwrap();
                    (next, missing) = (next + lines, missing + lines);
                }
                None => {
                    assert_eq!(line, next.to_string(), "{text}");
                    next += 1;
                }
            }
        }
        (next, missing)
    }

    #[test]
    fn every_line_is_written_in_order_before_it_ends() {
        let reader = Reader::default();
        let (spool, dropped) = spool(&reader, WAITING_BYTES_MAX, PATIENT);
        let mut pen = spool.pen();
        (0..500).for_each(|n| pen.put([n.to_string()]));
        (500..1_000).for_each(|n| writeln!(pen, "{n}").unwrap());
        drop(spool);
        assert_eq!((in_order(&reader.text()), dropped.load(Ordering::Relaxed)), ((1_000, 0), 0));
        // What is said after the end is for nobody.
        pen.put(["late".to_owned()]);
        assert_eq!(in_order(&reader.text()), (1_000, 0));
    }

    #[test]
    fn nobody_waits_for_a_reader_that_stands_still_and_what_it_misses_is_counted_in_its_place() {
        let reader = Reader::default();
        let (spool, dropped) = spool(&reader, 10 * (LINE_BYTES + 3), PATIENT);
        let pen = spool.pen();
        let standing = reader.read.lock().unwrap();
        (0..100).for_each(|n| pen.put([n.to_string()]));
        let lost = dropped.load(Ordering::Relaxed);
        assert!((80..100).contains(&lost), "{lost}");
        drop(standing);
        // It goes on: there is room again, sooner or later.
        let mut put = 100;
        while reader.text().lines().all(|line| !line.starts_with("missing")) {
            pen.put([put.to_string()]);
            put += 1;
            std::thread::yield_now();
        }
        drop(spool);
        assert_eq!(in_order(&reader.text()), (put, dropped.load(Ordering::Relaxed)));
    }

    #[test]
    fn what_was_dropped_up_to_the_end_is_told_at_the_end() {
        let reader = Reader::default();
        let (spool, dropped) = spool(&reader, LINE_BYTES + 1, PATIENT);
        let standing = reader.read.lock().unwrap();
        (0..50).for_each(|n| spool.pen().put([n.to_string()]));
        drop(standing);
        drop(spool);
        let lost = dropped.load(Ordering::Relaxed);
        assert!(lost > 40, "{lost}");
        assert_eq!(in_order(&reader.text()), (50, lost));
    }

    #[test]
    fn what_lies_in_memory_already_is_taken_in_whole_and_the_bound_holds_after_it() {
        let reader = Reader::default();
        let (spool, dropped) = spool(&reader, 10 * (LINE_BYTES + 3), PATIENT);
        let pen = spool.pen();
        let standing = reader.read.lock().unwrap();
        spool.take_in(|| (0..500).for_each(|n| pen.put([n.to_string()])));
        assert_eq!(dropped.load(Ordering::Relaxed), 0);
        (500..600).for_each(|n| pen.put([n.to_string()]));
        let lost = dropped.load(Ordering::Relaxed);
        assert!((80..100).contains(&lost), "{lost}");
        drop(standing);
        drop(spool);
        assert_eq!(in_order(&reader.text()), (600, lost));
    }

    #[test]
    fn a_reader_that_is_gone_is_harmless_and_one_that_comes_back_hears_what_it_missed() {
        let reader = Reader::default();
        reader.refuses.store(3, Ordering::Relaxed);
        let (spool, dropped) = spool(&reader, WAITING_BYTES_MAX, PATIENT);
        (0..10).for_each(|n| spool.pen().put([n.to_string()]));
        drop(spool);
        assert_eq!((in_order(&reader.text()), dropped.load(Ordering::Relaxed)), ((10, 3), 3));
    }

    #[test]
    fn the_end_does_not_wait_for_ever_and_what_is_left_is_counted() {
        let reader = Reader::default();
        let soon = Patience { stands_still: Duration::from_millis(1), ..PATIENT };
        let (spool, dropped) = spool(&reader, WAITING_BYTES_MAX, soon);
        let _standing = reader.read.lock().unwrap();
        (0..10).for_each(|n| spool.pen().put([n.to_string()]));
        drop(spool);
        // The writer may have one in hand.
        assert!((9..=10).contains(&dropped.load(Ordering::Relaxed)));
    }
}
