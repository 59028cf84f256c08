//! Dead letters: messages that were given up, kept whole, so that a person can look at them and send them again.
//!
//! Must never: lose one because it is being written twice, or keep more than [`DEAD_MAX`] of a target.

use super::{Outbox, TargetLease, ask, signed, unsigned};
use crate::hands::journal::JournalError;
use crate::words::clock::Timestamp;
use crate::words::id::RunId;

/// Dead letters that are kept of one target; when there are more, the oldest go.
pub const DEAD_MAX: i64 = 10_000;

/// A message that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its number in the list; never used again.
    pub number: u64,
    /// Whom it was for.
    pub target: String,
    /// The run that it tells of.
    pub run: RunId,
    /// The record that it tells of.
    pub seq: u64,
    /// What happened: `settled`, `calendar.missed` and the like.
    pub event: String,
    /// When it was given up.
    pub at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it was not taken last time.
    pub why: String,
    /// The body, as it was sent.
    pub document: String,
}

type Row = (i64, String, String, i64, String, i64, i64, String, String);

fn letter(row: Row) -> Option<DeadLetter> {
    let (number, target, run, seq, event, at_ms, attempts, why, document) = row;
    Some(DeadLetter {
        number: unsigned(number),
        target,
        run: RunId::new(&run).ok()?,
        seq: unsigned(seq),
        event,
        at: Timestamp(at_ms),
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
        why,
        document,
    })
}

impl Outbox {
    /// Puts a message on the list. Its number is given here, whatever stands in `letter`. The cursor is moved afterwards, by
    /// [`Outbox::move_to`]: interrupted in between, the same message is given up once more, and stands there once.
    ///
    /// # Errors
    /// Only [`JournalError::Store`].
    pub async fn bury(&self, lease: &TargetLease, letter: &DeadLetter) -> Result<(), JournalError> {
        let bury = "INSERT INTO softlanding_dead (target, run, seq, event, at_ms, attempts, why, document)
             SELECT target, $3, $4, $5, $6, $7, $8, $9 FROM softlanding_targets WHERE target = $1 AND fence = $2
             ON CONFLICT (target, run, seq) DO UPDATE
             SET at_ms = excluded.at_ms, attempts = excluded.attempts, why = excluded.why RETURNING number";
        let buried: Option<(i64,)> = ask!(
            write,
            self,
            "keeping a message that was given up",
            fetch_optional,
            bury,
            lease.target.as_str(),
            signed(lease.fence),
            letter.run.as_str(),
            signed(letter.seq),
            letter.event.as_str(),
            letter.at.0,
            i64::from(letter.attempts),
            letter.why.as_str(),
            letter.document.as_str(),
        )?;
        if buried.is_some() {
            let trim = "DELETE FROM softlanding_dead WHERE target = $1 AND number <=
                 (SELECT number FROM softlanding_dead WHERE target = $1 ORDER BY number DESC LIMIT 1 OFFSET $2)
                 RETURNING number";
            let _trimmed: Vec<(i64,)> =
                ask!(write, self, "dropping old messages", fetch_all, trim, lease.target.as_str(), DEAD_MAX)?;
        }
        Ok(())
    }

    /// The dead letters, the oldest first, at most `most` of them.
    ///
    /// # Errors
    /// Only [`JournalError::Store`].
    pub async fn dead(&self, most: u32) -> Result<Vec<DeadLetter>, JournalError> {
        let list = "SELECT number, target, run, seq, event, at_ms, attempts, why, document FROM softlanding_dead
             ORDER BY number LIMIT $1";
        let rows: Vec<Row> =
            ask!(read, self, "listing the messages that were given up", fetch_all, list, i64::from(most))?;
        Ok(rows.into_iter().filter_map(letter).collect())
    }

    /// How many there are of each target.
    ///
    /// # Errors
    /// Only [`JournalError::Store`].
    pub async fn count_dead(&self) -> Result<Vec<(String, u64)>, JournalError> {
        let count = "SELECT target, count(*) FROM softlanding_dead GROUP BY target ORDER BY target";
        let rows: Vec<(String, i64)> = ask!(read, self, "counting the messages that were given up", fetch_all, count)?;
        Ok(rows.into_iter().map(|(target, n)| (target, unsigned(n))).collect())
    }

    /// One of them, by its number.
    ///
    /// # Errors
    /// Only [`JournalError::Store`].
    pub async fn dead_letter(&self, number: u64) -> Result<Option<DeadLetter>, JournalError> {
        let find = "SELECT number, target, run, seq, event, at_ms, attempts, why, document FROM softlanding_dead
             WHERE number = $1";
        let row: Option<Row> =
            ask!(read, self, "looking for a message that was given up", fetch_optional, find, signed(number))?;
        Ok(row.and_then(letter))
    }

    /// Takes one off the list: it has arrived after all, or nobody wants it any more. False when it is not there.
    ///
    /// # Errors
    /// Only [`JournalError::Store`].
    pub async fn unbury(&self, number: u64) -> Result<bool, JournalError> {
        let take = "DELETE FROM softlanding_dead WHERE number = $1 RETURNING number";
        let taken: Option<(i64,)> =
            ask!(write, self, "taking a message off the list", fetch_optional, take, signed(number))?;
        Ok(taken.is_some())
    }

    /// Notes that one was tried again in vain.
    ///
    /// # Errors
    /// Only [`JournalError::Store`].
    pub async fn dead_still(&self, number: u64, why: &str, now: Timestamp) -> Result<(), JournalError> {
        let note = "UPDATE softlanding_dead SET attempts = attempts + 1, why = $2, at_ms = $3 WHERE number = $1
             RETURNING number";
        let _noted: Option<(i64,)> =
            ask!(write, self, "noting that a message was not taken", fetch_optional, note, signed(number), why, now.0)?;
        Ok(())
    }
}
