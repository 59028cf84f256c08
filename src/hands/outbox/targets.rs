//! Targets: who there is to tell, since when, whether it takes what it is told, and which replica tells it.
//!
//! Must never: let two replicas tell one target at the same time for longer than a lease.

use super::{Outbox, ask, signed, unsigned};
use crate::hands::journal::{Holder, JournalError};
use crate::words::clock::Timestamp;
use crate::words::id::RunId;

/// The right to tell one target, for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetLease {
    /// The target.
    pub target: String,
    /// Who holds it.
    pub holder: Holder,
    /// Its number, higher than all before it.
    pub fence: u64,
}

/// A target as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetState {
    /// Its name.
    pub target: String,
    /// What was recorded from then on is told to it.
    pub known_at: Timestamp,
    /// Who tells it now, if anybody does.
    pub told_by: Option<String>,
    /// When it last took a message.
    pub delivered_at: Option<Timestamp>,
    /// Since when it does not take what it is told, and why not.
    pub failing: Option<(Timestamp, String)>,
    /// Since when nothing is told to it any more, and why.
    pub disabled: Option<(Timestamp, String)>,
}

type Row = (String, i64, Option<String>, Option<i64>, Option<i64>, Option<String>, Option<i64>, Option<String>);

impl Outbox {
    /// Makes a target known. One that is new is told what is recorded from now on: of runs that exist, nothing up to here.
    /// One that is known goes on where it was.
    ///
    /// # Errors
    /// Only [`JournalError::Store`].
    pub async fn know(&self, target: &str, now: Timestamp) -> Result<(), JournalError> {
        // In this order: interrupted in between, it is a new target still.
        let pass = "INSERT INTO softlanding_cursors (target, run, seq)
             SELECT $1, run, last_seq FROM {runs}
             WHERE NOT EXISTS (SELECT 1 FROM softlanding_targets WHERE target = $1)
             ON CONFLICT (target, run) DO NOTHING RETURNING seq";
        let _passed: Vec<(i64,)> = ask!(write, self, "noting where a webhook begins", fetch_all, pass, target)?;
        let know = "INSERT INTO softlanding_targets (target, known_ms) VALUES ($1, $2)
             ON CONFLICT (target) DO NOTHING RETURNING known_ms";
        let _known: Option<(i64,)> = ask!(write, self, "noting a webhook", fetch_optional, know, target, now.0)?;
        Ok(())
    }

    /// Lets every known target pass over the first `seq` records of a run: it was taken in from elsewhere, and what happened in
    /// it is no news.
    ///
    /// # Errors
    /// Only [`JournalError::Store`].
    pub async fn pass_over(&self, run: &RunId, seq: u64) -> Result<(), JournalError> {
        let pass = "INSERT INTO softlanding_cursors (target, run, seq) SELECT target, $1, $2 FROM softlanding_targets
             WHERE true ON CONFLICT (target, run) DO NOTHING RETURNING seq";
        let _passed: Vec<(i64,)> = ask!(write, self, "passing over a run", fetch_all, pass, run.as_str(), signed(seq))?;
        Ok(())
    }

    /// Takes the right to tell a target for `for_ms` milliseconds by the store's clock; `None` while another process has it, or
    /// when the target is disabled or not known.
    ///
    /// # Errors
    /// Only [`JournalError::Store`].
    pub async fn lead(&self, target: &str, holder: &Holder, for_ms: i64) -> Result<Option<TargetLease>, JournalError> {
        let take = "UPDATE softlanding_targets SET holder = $2, fence = fence + 1, lease_until_ms = {now} + $3
             WHERE target = $1 AND disabled_ms IS NULL
               AND (holder IS NULL OR holder = $2 OR lease_until_ms <= {now}) RETURNING fence";
        let taken: Option<(i64,)> =
            ask!(write, self, "taking a webhook in hand", fetch_optional, take, target, holder.as_str(), for_ms)?;
        let lease =
            |(fence,)| TargetLease { target: target.to_owned(), holder: holder.clone(), fence: unsigned(fence) };
        Ok(taken.map(lease))
    }

    /// Lets the lease run for `for_ms` milliseconds from now; false when it is lost, or the target is disabled.
    ///
    /// # Errors
    /// Only [`JournalError::Store`].
    pub async fn renew(&self, lease: &TargetLease, for_ms: i64) -> Result<bool, JournalError> {
        let renew = "UPDATE softlanding_targets SET lease_until_ms = {now} + $3
             WHERE target = $1 AND fence = $2 AND disabled_ms IS NULL AND lease_until_ms > {now} RETURNING fence";
        let (target, fence) = (lease.target.as_str(), signed(lease.fence));
        let renewed: Option<(i64,)> =
            ask!(write, self, "keeping a webhook in hand", fetch_optional, renew, target, fence, for_ms)?;
        Ok(renewed.is_some())
    }

    /// Gives a lease up, by the name of its holder: its own, or that of a process that is known to be gone.
    ///
    /// # Errors
    /// Only [`JournalError::Store`].
    pub async fn release(&self, target: &str, holder: &Holder) -> Result<(), JournalError> {
        let release = "UPDATE softlanding_targets SET holder = NULL, lease_until_ms = 0
             WHERE target = $1 AND holder = $2 RETURNING fence";
        let _released: Option<(i64,)> =
            ask!(write, self, "letting a webhook go", fetch_optional, release, target, holder.as_str())?;
        Ok(())
    }

    /// Notes that a target does not take what it is told, and why; or that it does again.
    ///
    /// # Errors
    /// Only [`JournalError::Store`].
    pub async fn note(&self, lease: &TargetLease, failing: Option<&str>, now: Timestamp) -> Result<(), JournalError> {
        let note = "UPDATE softlanding_targets SET failing_why = $3,
                 failing_ms = CASE WHEN $3 IS NULL THEN NULL ELSE COALESCE(failing_ms, $4) END
             WHERE target = $1 AND fence = $2 RETURNING fence";
        let (target, fence) = (lease.target.as_str(), signed(lease.fence));
        let _noted: Option<(i64,)> =
            ask!(write, self, "noting how a webhook is", fetch_optional, note, target, fence, failing, now.0)?;
        Ok(())
    }

    /// Stops telling a target anything, because it wants nothing more; or a person does.
    ///
    /// # Errors
    /// Only [`JournalError::Store`].
    pub async fn disable(&self, target: &str, why: &str, now: Timestamp) -> Result<(), JournalError> {
        let disable = "UPDATE softlanding_targets SET disabled_ms = COALESCE(disabled_ms, $2),
                 disabled_why = COALESCE(disabled_why, $3) WHERE target = $1 RETURNING fence";
        let _disabled: Option<(i64,)> =
            ask!(write, self, "disabling a webhook", fetch_optional, disable, target, now.0, why)?;
        Ok(())
    }

    /// Tells a target again, from where it was; false when it is not known.
    ///
    /// # Errors
    /// Only [`JournalError::Store`].
    pub async fn enable(&self, target: &str) -> Result<bool, JournalError> {
        let again = "UPDATE softlanding_cursors SET next_ms = NULL WHERE target = $1 RETURNING seq";
        let _now: Vec<(i64,)> = ask!(write, self, "enabling a webhook", fetch_all, again, target)?;
        let enable =
            "UPDATE softlanding_targets SET disabled_ms = NULL, disabled_why = NULL WHERE target = $1 RETURNING fence";
        let enabled: Option<(i64,)> = ask!(write, self, "enabling a webhook", fetch_optional, enable, target)?;
        Ok(enabled.is_some())
    }

    /// Every target that was ever known, by name.
    ///
    /// # Errors
    /// Only [`JournalError::Store`].
    pub async fn targets(&self) -> Result<Vec<TargetState>, JournalError> {
        let list = "SELECT target, known_ms, CASE WHEN lease_until_ms > {now} THEN holder END, delivered_ms,
                 failing_ms, failing_why, disabled_ms, disabled_why FROM softlanding_targets ORDER BY target";
        let rows: Vec<Row> = ask!(read, self, "listing the webhooks", fetch_all, list)?;
        let since = |at: Option<i64>, why: Option<String>| at.map(|at| (Timestamp(at), why.unwrap_or_default()));
        let state =
            |(target, known, told_by, delivered, failing, failing_why, disabled, disabled_why): Row| TargetState {
                target,
                known_at: Timestamp(known),
                told_by,
                delivered_at: delivered.map(Timestamp),
                failing: since(failing, failing_why),
                disabled: since(disabled, disabled_why),
            };
        Ok(rows.into_iter().map(state).collect())
    }
}
