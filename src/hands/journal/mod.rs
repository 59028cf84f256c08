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
//! 6. **One leader per run.** Every append is made under a [`Lease`]. The store checks in the write itself that the
//!    lease's fence is the run's present one and that by the store's own clock it has not run out
//!    ([`JournalError::LeaseLost`]). So a process that was paused, or cut off, for longer than its lease cannot append,
//!    hence cannot act, whether or not somebody else has taken over.
//!
//! Besides its history a run has *orders*: what a person or a program wants of it, put into the store by any process
//! and taken by whoever leads the run. An order is pending until it is dismissed, which comes after its event is
//! recorded; a leader that dies between the two leaves it pending, and its successor finds the event and dismisses it.
//!
//! A run can be taken out as a whole and put back ([`Journal::load`] and [`Journal::claims`], [`Journal::restore`]); it
//! leaves the store only when it is told to ([`Journal::forget`]).
//!
//! Must never: understand an event. A store sees JSON text; the law sees events.

mod any;
mod doubt;
mod error;
mod lease;
mod memory;
mod postgres;
mod record;
mod rows;
mod sqlite;
#[cfg(test)]
mod tests;

use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use any::AnyJournal;
pub use error::JournalError;
pub use lease::{BadHolder, Holder, Lease};
pub use memory::MemoryJournal;
pub use postgres::PostgresJournal;
pub(in crate::hands) use postgres::schema::SCHEMA as POSTGRES_SCHEMA;
pub use record::{RECORD_FORMAT, RunSummary};
pub use sqlite::SqliteJournal;
pub(in crate::hands) use sqlite::schema::SCHEMA as SQLITE_SCHEMA;

pub use crate::law::event::Record;
use crate::words::clock::Timestamp;
use crate::words::id::RunId;

/// Where runs are recorded. See the module's page for what its callers may rely on.
///
/// Each method can fail with [`JournalError::Store`]; after a write, only a look can tell then whether it took effect.
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
    ) -> impl Future<Output = Result<Vec<Record<E>>, JournalError>> + Send {
        self.load_after(run, 0)
    }

    /// The records of `run` with numbers above `seq`, in order, for somebody who has read those up to it; none when there
    /// are none.
    ///
    /// # Errors
    /// As [`Journal::load`].
    fn load_after<E: DeserializeOwned + Send>(
        &self,
        run: &RunId,
        seq: u64,
    ) -> impl Future<Output = Result<Vec<Record<E>>, JournalError>> + Send;

    /// Begins a run with its first events, numbered from 1, and returns the number of the last one. No lease is needed:
    /// nobody can lead what does not exist. Without events nothing is begun.
    ///
    /// # Errors
    /// [`JournalError::Exists`] when there is such a run; nothing is added then.
    fn begin<E: Serialize + Sync>(
        &self,
        run: &RunId,
        at: Timestamp,
        events: &[E],
    ) -> impl Future<Output = Result<u64, JournalError>> + Send;

    /// Takes the lease of `run` for `for_ms` milliseconds by the store's clock; `None` while somebody else's lease
    /// runs. (0 or less gives a lease that has run out already.)
    ///
    /// Lead first, then load: only what is read under the lease is sure to be what the next append follows.
    ///
    /// Each lease has a higher fence than all before it, also when its holder asks again: its earlier self may live on
    /// as a zombie, which must not append any more.
    ///
    /// # Errors
    /// [`JournalError::NotFound`] when there is no such run.
    fn lead(
        &self,
        run: &RunId,
        holder: &Holder,
        for_ms: i64,
    ) -> impl Future<Output = Result<Option<Lease>, JournalError>> + Send;

    /// Lets the lease run for `for_ms` milliseconds from now, by the store's clock.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`] when it has run out, even if nobody else has taken it, or passed on.
    fn renew(&self, lease: &Lease, for_ms: i64) -> impl Future<Output = Result<(), JournalError>> + Send;

    /// Gives the lease up, so that the next leader need not wait for its end. Does nothing when it is lost already.
    ///
    /// # Errors
    /// Only [`JournalError::Store`].
    fn release(&self, lease: &Lease) -> impl Future<Output = Result<(), JournalError>> + Send;

    /// Adds `events` after record number `last_seq` and returns the number of the last one. The fence of the lease is
    /// written with each of them.
    ///
    /// `claim` is the number of the publish attempt when the batch holds its claim; the claim commits with the events.
    /// For recovery: a claim without an outcome after it means that the publish may have been performed. Look, never
    /// repeat.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`] when the lease has run out or passed on; [`JournalError::Conflict`] when the run is
    /// not at `last_seq`; [`JournalError::ClaimTaken`] when the attempt is claimed already;
    /// [`JournalError::NotFound`] when there is no such run. In all these cases nothing is added. After
    /// [`JournalError::Store`] only a look can tell.
    fn append<E: Serialize + Sync>(
        &self,
        lease: &Lease,
        last_seq: u64,
        at: Timestamp,
        events: &[E],
        claim: Option<u32>,
    ) -> impl Future<Output = Result<u64, JournalError>> + Send;

    /// Every run, the oldest first. The daemon's own streams ([`RunId::calendar`]) are left out.
    ///
    /// # Errors
    /// [`JournalError::Store`] when the store cannot be read.
    fn runs(&self) -> impl Future<Output = Result<Vec<RunSummary>, JournalError>> + Send;

    /// Leaves an order for whoever leads `run`, and returns its number. Numbers grow and are never used again.
    ///
    /// # Errors
    /// [`JournalError::NotFound`] when there is no such run.
    fn send<O: Serialize + Sync>(
        &self,
        run: &RunId,
        at: Timestamp,
        order: &O,
    ) -> impl Future<Output = Result<u64, JournalError>> + Send;

    /// The pending orders for `run` with their numbers, the oldest first.
    ///
    /// # Errors
    /// [`JournalError::BadOrder`] when one cannot be read; it stays pending until it is dismissed.
    fn orders<O: DeserializeOwned + Send>(
        &self,
        run: &RunId,
    ) -> impl Future<Output = Result<Vec<(u64, O)>, JournalError>> + Send;

    /// The runs that have pending orders, by name: one cheap question for somebody who asks again and again.
    ///
    /// # Errors
    /// Only [`JournalError::Store`].
    fn waiting_orders(&self) -> impl Future<Output = Result<Vec<RunId>, JournalError>> + Send;

    /// Takes an order away, once its event is recorded. Does nothing when it is gone already.
    ///
    /// # Errors
    /// Only [`JournalError::Store`].
    fn dismiss(&self, run: &RunId, order: u64) -> impl Future<Output = Result<(), JournalError>> + Send;

    /// The claimed attempts of a run, in order, for an export beside its records.
    ///
    /// # Errors
    /// [`JournalError::NotFound`] when there is no such run.
    fn claims(&self, run: &RunId) -> impl Future<Output = Result<Vec<u32>, JournalError>> + Send;

    /// Puts a run that was exported back, with the times of its records and its claims, all or nothing. Nobody leads it
    /// then, and its fences begin anew.
    ///
    /// # Errors
    /// [`JournalError::Exists`] when there is such a run; [`JournalError::Corrupt`] when the records are not numbered
    /// from 1 without gaps, or there are none. Nothing is added then.
    fn restore(
        &self,
        run: &RunId,
        records: &[Record<serde_json::Value>],
        claims: &[u32],
    ) -> impl Future<Output = Result<(), JournalError>> + Send;

    /// Takes a run away for ever, with its claims and its orders, once it has been kept long enough.
    ///
    /// # Errors
    /// [`JournalError::Led`] while somebody leads it; [`JournalError::NotFound`] when there is no such run. Nothing is
    /// removed then.
    fn forget(&self, run: &RunId) -> impl Future<Output = Result<(), JournalError>> + Send;
}
