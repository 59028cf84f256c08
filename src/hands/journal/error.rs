//! What can go wrong with a journal, and what each case means for the one who appends.
//!
//! Must never: let a case that changed nothing look like one that may have changed something.

use crate::hands::StoreError;
use crate::words::id::RunId;

/// Why a journal could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The run has moved on: someone else works on it. Nothing was added.
    #[error("run {run} is at record {found_seq}, not {expected_seq}: another process works on it")]
    Conflict {
        /// The run.
        run: RunId,
        /// The record that the batch was to follow.
        expected_seq: u64,
        /// The run's last record.
        found_seq: u64,
    },
    /// The lease has run out or passed on. Nothing was added.
    #[error("the lease of run {run} is lost: {}", lost_to(.by.as_deref()))]
    LeaseLost {
        /// The run.
        run: RunId,
        /// Who holds the lease now, if anybody does.
        by: Option<String>,
    },
    /// This publish attempt is claimed already. Nothing was added.
    #[error("attempt {attempt} of run {run} is claimed already")]
    ClaimTaken {
        /// The run.
        run: RunId,
        /// The number of the publish attempt.
        attempt: u32,
    },
    /// A run of this name was begun before. Nothing was added.
    #[error("there is a run {run} already")]
    Exists {
        /// The run.
        run: RunId,
    },
    /// Somebody leads the run, so it cannot be taken away. Nothing was removed.
    #[error("run {run} is being carried out by {by}")]
    Led {
        /// The run.
        run: RunId,
        /// The holder of its lease.
        by: String,
    },
    /// A record has a format that this build does not know.
    #[error("run {run} holds records of format {found}; this softlanding reads up to format {accepted}")]
    Newer {
        /// The run.
        run: RunId,
        /// The format that was found.
        found: u32,
        /// The newest format that can be read.
        accepted: u32,
    },
    /// A record is missing or cannot be read.
    #[error("record {seq} of run {run} cannot be read: {why}")]
    Corrupt {
        /// The run.
        run: RunId,
        /// The first record that is affected.
        seq: u64,
        /// What is wrong with it.
        why: String,
    },
    /// An order cannot be read.
    #[error("order {order} for run {run} cannot be read: {why}")]
    BadOrder {
        /// The run.
        run: RunId,
        /// The order's number.
        order: u64,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing was ever recorded of this run.
    #[error("there is no run {run}")]
    NotFound {
        /// The run.
        run: RunId,
    },
    /// An event or an order could not be written as JSON: a fault in softlanding. Nothing was added.
    #[error("{what} of run {run} cannot be written as JSON")]
    Unwritable {
        /// The run.
        run: RunId,
        /// `record 7`, with the number that it would have had, or `an order`.
        what: String,
        /// What the writer said.
        source: serde_json::Error,
    },
    /// The store failed. Whether the batch is in it, only a look can tell.
    #[error("the journal cannot be read or written")]
    Store(#[source] StoreError),
}

/// How a lease was lost, for people.
fn lost_to(by: Option<&str>) -> String {
    by.map_or_else(
        || "it has run out, so that another process may take it".to_owned(),
        |by| format!("another process leads the run now ({by})"),
    )
}

impl JournalError {
    /// What to do about it, as one sentence.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            JournalError::Conflict { .. } | JournalError::LeaseLost { .. } | JournalError::ClaimTaken { .. } => {
                Some("leave this run to the other process; `softlanding status` shows where it stands")
            }
            JournalError::Exists { .. } => Some("nothing was changed; choose another name, or look at that run first"),
            JournalError::Led { .. } => Some("let it come to its end, or stop it first"),
            JournalError::Newer { .. } => Some("use the softlanding that wrote it, or a newer one"),
            JournalError::Corrupt { .. } => Some("keep a copy of the journal; restore it from a backup"),
            JournalError::BadOrder { .. } => Some("give orders with the softlanding that carries the run out"),
            JournalError::NotFound { .. } => Some("`softlanding status` lists the runs"),
            JournalError::Unwritable { .. } => None,
            JournalError::Store(e) => Some(e.hint()),
        }
    }
}

impl From<StoreError> for JournalError {
    fn from(e: StoreError) -> Self {
        JournalError::Store(e)
    }
}
