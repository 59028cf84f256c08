//! Waits for something that may never end, and no longer than that.
//!
//! What does not end in time cannot be stopped: it goes on in its thread, and nothing else is begun before it is through, so
//! that one broken template costs one thread and no more. Must never: hold up whoever waits beyond the bound.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// It takes longer.
    TooLong,
    /// What took too long before is still at it.
    Busy,
    /// No thread could be had for it, or it has panicked.
    Lost,
}

/// Where such things are done.
#[derive(Debug)]
pub(super) struct Bench {
    /// Threads that nobody waits for any more.
    stuck: AtomicUsize,
}

impl Bench {
    pub(super) const fn new() -> Bench {
        Bench { stuck: AtomicUsize::new(0) }
    }
    /// Does it in a thread of its own, and waits for it for so long.
    pub(super) fn within<T: Send + 'static>(
        &'static self,
        bound: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unanswered> {
        if self.stuck.load(Ordering::Acquire) > 0 {
            return Err(Unanswered::Busy);
        }
        // Without a buffer, an answer is either taken or known not to be.
        let (tell, told) = sync_channel(0);
        let at_work = std::thread::Builder::new().name("template".to_owned()).spawn(move || {
            if tell.send(work()).is_err() {
                self.stuck.fetch_sub(1, Ordering::Release);
            }
        });
        if at_work.is_err() {
            return Err(Unanswered::Lost);
        }
        told.recv_timeout(bound).map_err(|why| match why {
            RecvTimeoutError::Timeout => {
                // Before the receiver goes, so that the thread finds itself counted.
                self.stuck.fetch_add(1, Ordering::Release);
                Unanswered::TooLong
            }
            RecvTimeoutError::Disconnected => Unanswered::Lost,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn what_ends_is_answered_and_what_does_not_is_left_alone_until_it_does() {
        static BENCH: Bench = Bench::new();
        assert_eq!(BENCH.within(LONG, || 7), Ok(7));
        let (go_on, gone_on) = channel::<()>();
        let endless = move || gone_on.recv().is_err();
        assert_eq!(BENCH.within(Duration::from_millis(1), endless), Err(Unanswered::TooLong));
        assert_eq!(BENCH.within(LONG, || 7), Err(Unanswered::Busy));
        drop(go_on);
        while BENCH.stuck.load(Ordering::Acquire) > 0 {
            std::thread::yield_now();
        }
        assert_eq!(BENCH.within(LONG, || 7), Ok(7));
    }

    #[test]
    fn a_panic_there_is_none_here() {
        static BENCH: Bench = Bench::new();
        assert_eq!(BENCH.within(LONG, || panic!("a bug")).map(|()| 7), Err(Unanswered::Lost));
        assert_eq!(BENCH.within(LONG, || 7), Ok(7));
    }
}
