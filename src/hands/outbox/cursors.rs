//! Cursors: up to which record a target has heard of a run, and how it stands with the next message.
//!
//! Must never: move back, or be moved by a process that has lost its lease.

use super::{Outbox, TargetLease, ask, signed, unsigned};
use crate::hands::journal::JournalError;
use crate::words::clock::Timestamp;
use crate::words::id::RunId;

/// A run of which there is more in the journal than a target has heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// The run, or an entry of the calendar.
    pub run: RunId,
    /// It has heard up to this record; 0 for nothing.
    pub seq: u64,
    /// The run's last record.
    pub last_seq: u64,
    /// How it stands with the next message, if that was tried and not taken.
    pub failing: Option<Failing>,
}

/// A message that is tried again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// How often it was tried; at least once.
    pub attempts: u32,
    /// When it was tried first.
    pub since: Timestamp,
    /// When it is tried again.
    pub next_at: Timestamp,
    /// Why it was not taken last time.
    pub why: String,
}

type Row = (String, i64, i64, i64, Option<i64>, Option<i64>, Option<String>);

impl Outbox {
    /// The runs of which a target has not heard everything, the oldest first, entries of the calendar among them.
    ///
    /// # Errors
    /// Only [`JournalError::Store`].
    pub async fn behind(&self, target: &str) -> Result<Vec<Behind>, JournalError> {
        let look =
            "SELECT r.run, COALESCE(c.seq, 0), r.last_seq, COALESCE(c.attempts, 0), c.failed_ms, c.next_ms, c.why
             FROM {runs} r LEFT JOIN softlanding_cursors c ON c.target = $1 AND c.run = r.run
             WHERE r.last_seq > COALESCE(c.seq, 0) ORDER BY r.created_ms, r.run";
        let rows: Vec<Row> = ask!(read, self, "looking for news to deliver", fetch_all, look, target)?;
        let behind = |(run, seq, last_seq, attempts, failed_ms, next_ms, why): Row| {
            let failing = failed_ms.filter(|_| attempts > 0).map(|failed_ms| Failing {
                attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
                since: Timestamp(failed_ms),
                next_at: Timestamp(next_ms.unwrap_or(failed_ms)),
                why: why.unwrap_or_default(),
            });
            // A name that is not ours cannot have been written by us, nor be asked for.
            Some(Behind { run: RunId::new(&run).ok()?, seq: unsigned(seq), last_seq: unsigned(last_seq), failing })
        };
        Ok(rows.into_iter().filter_map(behind).collect())
    }

    /// Moves the cursor of a run up to a record. `delivered` is when a message was taken, if that is why. False when the lease
    /// has passed on.
    ///
    /// # Errors
    /// Only [`JournalError::Store`].
    pub async fn move_to(
        &self,
        lease: &TargetLease,
        run: &RunId,
        seq: u64,
        delivered: Option<Timestamp>,
    ) -> Result<bool, JournalError> {
        let step = "INSERT INTO softlanding_cursors (target, run, seq)
             SELECT target, $3, $4 FROM softlanding_targets WHERE target = $1 AND fence = $2
             ON CONFLICT (target, run) DO UPDATE
             SET seq = excluded.seq, attempts = 0, failed_ms = NULL, next_ms = NULL, why = NULL
             WHERE softlanding_cursors.seq <= excluded.seq RETURNING seq";
        let (target, fence) = (lease.target.as_str(), signed(lease.fence));
        let moved: Option<(i64,)> =
            ask!(write, self, "moving a webhook on", fetch_optional, step, target, fence, run.as_str(), signed(seq))?;
        if let Some(at) = delivered.filter(|_| moved.is_some()) {
            let note = "UPDATE softlanding_targets SET delivered_ms = $3 WHERE target = $1 AND fence = $2
                 AND COALESCE(delivered_ms, 0) < $3 - 1000 RETURNING fence";
            let _noted: Option<(i64,)> =
                ask!(write, self, "noting a delivery", fetch_optional, note, target, fence, at.0)?;
        }
        Ok(moved.is_some())
    }

    /// Notes that the message after the cursor was not taken, and when it is tried again. False when the lease has passed on.
    ///
    /// # Errors
    /// Only [`JournalError::Store`].
    pub async fn not_taken(
        &self,
        lease: &TargetLease,
        run: &RunId,
        seq: u64,
        failing: &Failing,
    ) -> Result<bool, JournalError> {
        let note = "INSERT INTO softlanding_cursors (target, run, seq, attempts, failed_ms, next_ms, why)
             SELECT target, $3, $4, $5, $6, $7, $8 FROM softlanding_targets WHERE target = $1 AND fence = $2
             ON CONFLICT (target, run) DO UPDATE SET seq = excluded.seq, attempts = excluded.attempts,
                 failed_ms = excluded.failed_ms, next_ms = excluded.next_ms, why = excluded.why
             WHERE softlanding_cursors.seq <= excluded.seq RETURNING seq";
        let noted: Option<(i64,)> = ask!(
            write,
            self,
            "noting that a webhook was not taken",
            fetch_optional,
            note,
            lease.target.as_str(),
            signed(lease.fence),
            run.as_str(),
            signed(seq),
            i64::from(failing.attempts),
            failing.since.0,
            failing.next_at.0,
            failing.why.as_str(),
        )?;
        Ok(noted.is_some())
    }

    /// Forgets the cursors of runs that are not in the store any more.
    ///
    /// # Errors
    /// Only [`JournalError::Store`].
    pub async fn sweep(&self) -> Result<(), JournalError> {
        let sweep = "DELETE FROM softlanding_cursors WHERE run NOT IN (SELECT run FROM {runs}) RETURNING seq";
        let _swept: Vec<(i64,)> = ask!(write, self, "forgetting old cursors", fetch_all, sweep)?;
        Ok(())
    }
}
