//! The journal: what happened to a run, in order, for ever. The run itself is nothing but a fold of it.
//!
//! The floor above records first and performs afterwards, so that after a crash the journal names everything that may
//! have been done. These are the promises that make that true, the same for every store:
//!
//! 1. **All or nothing.** A batch given to [`Journal::append`] is in the journal as a whole, or not at all.
//! 2. **On disk before it is reported.** After `append` has returned, neither a killed process nor a power cut loses it.
//!    When it returns an error, or does not return at all, the batch may or may not be there: whoever comes next loads
//!    and looks.
//! 3. **One line of history.** The records of a run are numbered from 1 without gaps. A batch states the number that it
//!    follows; if the run has moved on meanwhile, because a second process works on it, the batch is refused
//!    ([`JournalError::Conflict`]). The loser has not performed anything yet, and must not.
//! 4. **One claim per attempt.** The claim of a publish attempt commits with the events that announce it. No two
//!    batches hold the same claim ([`JournalError::ClaimTaken`]), whatever their place in the history.
//! 5. **Nothing is dropped in silence.** A record that cannot be read is an error that names it, never a shorter run.
//!
//! Must never: understand an event. A store sees JSON text; the law sees events.

mod error;
mod memory;
mod record;
mod sqlite;
#[cfg(test)]
mod tests;

use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use error::JournalError;
pub use memory::MemoryJournal;
pub use record::{RECORD_FORMAT, RunSummary};
pub use sqlite::SqliteJournal;

pub use crate::law::event::Record;
use crate::words::clock::Timestamp;
use crate::words::id::RunId;

/// Where runs are recorded. See the module's page for what its callers may rely on.
pub trait Journal {
    /// Every record of `run`, in order.
    ///
    /// For recovery this is all there is: what is not in here has not been announced, so it has not been done.
    ///
    /// # Errors
    /// [`JournalError::NotFound`] when nothing was ever recorded of this run; [`JournalError::Corrupt`] when a record
    /// is missing or cannot be read; [`JournalError::Newer`] when a newer softlanding has written one.
    fn load<E: DeserializeOwned + Send>(
        &self,
        run: &RunId,
    ) -> impl Future<Output = Result<Vec<Record<E>>, JournalError>> + Send;

    /// Adds `events` after record number `last_seq` (0 begins a run) and returns the number of the last one.
    ///
    /// `claim` is the number of the publish attempt when the batch holds its claim; the claim commits with the events.
    /// For recovery: a claim without an outcome after it means that the publish may have been performed. Look, never
    /// repeat.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when the run is not at `last_seq`; [`JournalError::ClaimTaken`] when the attempt is
    /// claimed already. In both cases nothing is added. After [`JournalError::Store`] only a look can tell.
    fn append<E: Serialize + Sync>(
        &self,
        run: &RunId,
        last_seq: u64,
        at: Timestamp,
        events: &[E],
        claim: Option<u32>,
    ) -> impl Future<Output = Result<u64, JournalError>> + Send;

    /// Every run, the oldest first.
    ///
    /// # Errors
    /// [`JournalError::Store`] when the store cannot be read.
    fn runs(&self) -> impl Future<Output = Result<Vec<RunSummary>, JournalError>> + Send;
}
