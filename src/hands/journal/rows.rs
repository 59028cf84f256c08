//! What both SQL stores read, in the same shapes: rows become records, summaries, orders and reasons for a refusal.
//!
//! Must never: drop or repair a row that cannot be read.

use serde::de::DeserializeOwned;

use super::record::{to_order, to_record};
use super::{JournalError, Lease, Record, RunSummary};
use crate::words::clock::Timestamp;
use crate::words::id::RunId;

/// The databases' integers are signed; our counters never come near the difference.
pub(super) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The number above which rows are read by somebody who has read up to `after`; rows with a number that no row has are read by
/// whoever begins, and are found out then.
pub(super) fn floor(after: u64) -> i64 {
    if after == 0 { i64::MIN } else { signed(after) }
}

pub(super) fn unsigned(run: &RunId, n: i64) -> Result<u64, JournalError> {
    u64::try_from(n).map_err(|_| JournalError::Corrupt {
        run: run.clone(),
        seq: 0,
        why: format!("{n} stands where a record's number belongs"),
    })
}

/// Where a run stands: its last record, its fence, and the holder of a lease that runs. Nothing when it is not there.
pub(super) struct Standing(pub(super) Option<(i64, i64, Option<String>)>);

impl Standing {
    pub(super) fn exists(&self) -> bool {
        self.0.is_some()
    }

    /// Why `lease` could not be renewed.
    pub(super) fn lost(self, lease: &Lease) -> JournalError {
        let by = self.0.and_then(|(_, _, by)| by);
        JournalError::LeaseLost { run: lease.run.clone(), by }
    }

    /// Why the run could not be taken away.
    pub(super) fn kept(self, run: &RunId) -> JournalError {
        match self.0 {
            None => JournalError::NotFound { run: run.clone() },
            Some((_, _, by)) => {
                // Without a name the lease has ended between the attempt and the look.
                JournalError::Led { run: run.clone(), by: by.unwrap_or_else(|| "a process that is ending".to_owned()) }
            }
        }
    }

    /// Why nothing could be appended under `lease` after record `last_seq`.
    pub(super) fn refusal(self, lease: &Lease, last_seq: u64) -> JournalError {
        let run = lease.run.clone();
        match self.0 {
            None => JournalError::NotFound { run },
            Some((found, fence, Some(by))) if by == lease.holder.as_str() && fence == signed(lease.fence) => {
                match unsigned(&run, found) {
                    Ok(found_seq) => JournalError::Conflict { run, expected_seq: last_seq, found_seq },
                    Err(corrupt) => corrupt,
                }
            }
            Some((_, _, by)) => JournalError::LeaseLost { run, by },
        }
    }
}

/// Rows of `seq, at_ms, v, event` in order, as the records of a run that counts `last` of them.
pub(super) fn to_records<E: DeserializeOwned>(
    run: &RunId,
    after: u64,
    last: i64,
    rows: &[(i64, i64, i64, String)],
) -> Result<Vec<Record<E>>, JournalError> {
    let records = (after.saturating_add(1)..)
        .zip(rows)
        .map(|(due, (seq, at_ms, v, text))| {
            // A format that does not fit is from a future that this build knows nothing of.
            let format = u32::try_from(*v).unwrap_or(u32::MAX);
            to_record(run, due, (unsigned(run, *seq)?, Timestamp(*at_ms), format, text))
        })
        .collect::<Result<Vec<Record<E>>, JournalError>>()?;
    let count = unsigned(run, last)?;
    let held = after.saturating_add(records.len() as u64);
    // Somebody who asks for what comes after the last one is told of nothing.
    if held != count.max(after) {
        let why = format!("the run counts {count} records and holds {held}");
        return Err(JournalError::Corrupt { run: run.clone(), seq: held.saturating_add(1), why });
    }
    Ok(records)
}

/// A row of `run, created_ms, last_seq, last_ms, leader`.
pub(super) type SummaryRow = (String, i64, i64, i64, Option<String>);

/// The runs among `rows`.
pub(super) fn to_summaries(rows: Vec<SummaryRow>) -> Result<Vec<RunSummary>, JournalError> {
    let summary = |(run, created, last_seq, last_at, leader): SummaryRow| {
        // A run that is not named as ours are cannot have been written by us, nor be asked for.
        let run = RunId::new(&run).ok().filter(|run| !run.is_calendar())?;
        let last_seq = unsigned(&run, last_seq);
        let (created, last_at) = (Timestamp(created), Timestamp(last_at));
        Some(last_seq.map(|last_seq| RunSummary { run, created, last_seq, last_at, leader }))
    };
    rows.into_iter().filter_map(summary).collect()
}

/// Rows of `number, body`, as orders.
pub(super) fn to_orders<O: DeserializeOwned>(
    run: &RunId,
    rows: &[(i64, String)],
) -> Result<Vec<(u64, O)>, JournalError> {
    rows.iter().map(|(number, text)| to_order(run, unsigned(run, *number)?, text)).collect()
}

/// The names that are ours.
pub(super) fn to_runs(names: Vec<String>) -> Vec<RunId> {
    names.iter().filter_map(|name| RunId::new(name).ok()).collect()
}

/// The claimed attempts of a run that is there.
pub(super) fn to_claims(run: &RunId, rows: &[i64]) -> Result<Vec<u32>, JournalError> {
    let corrupt = |n: i64| {
        let why = format!("{n} stands where an attempt's number belongs");
        JournalError::Corrupt { run: run.clone(), seq: 0, why }
    };
    rows.iter().map(|n| u32::try_from(*n).map_err(|_| corrupt(*n))).collect()
}
