//! Whether a store takes what is written to it. On a full disk, or with a server that has become a standby, reading goes well all
//! the while.
//!
//! Must never: call a store good again because it could be read, or because a write changed nothing.

use std::sync::atomic::{AtomicBool, Ordering};

use super::JournalError;

/// Whether a write has failed since one was last seen to arrive.
#[derive(Debug, Default)]
pub(super) struct Doubt(AtomicBool);

impl Doubt {
    /// Takes in how a write ended.
    pub(super) fn hear<T>(&self, written: Result<T, JournalError>) -> Result<T, JournalError> {
        if let Err(JournalError::Store(_)) = &written {
            self.0.store(true, Ordering::Relaxed);
        }
        written
    }

    /// Where there is doubt, `write` is to be tried, and settles it when it goes well.
    pub(super) async fn settle(
        &self,
        write: impl Future<Output = Result<(), JournalError>>,
    ) -> Result<(), JournalError> {
        // Taken before the try, so that a write which fails meanwhile is not forgotten.
        if self.0.swap(false, Ordering::Relaxed) { self.hear(write.await) } else { Ok(()) }
    }
}
