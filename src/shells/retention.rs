//! How long runs are kept: those that ended long ago may be deleted.
//!
//! Must never: name a run that could still go on, or one that cannot be read; what is not understood is kept.

use crate::hands::journal::{Journal, JournalError};
use crate::law::event::Event;
use crate::law::run::Run;
use crate::words::clock::Timestamp;
use crate::words::id::RunId;

/// The runs whose last event is older than `before` and in which nothing more will happen.
///
/// # Errors
/// [`JournalError`] when the runs cannot be listed.
pub async fn ended_before<J: Journal>(journal: &J, before: Timestamp) -> Result<Vec<RunId>, JournalError> {
    let mut old = Vec::new();
    for summary in journal.runs().await?.into_iter().filter(|s| s.last_at < before && s.leader.is_none()) {
        let Ok(records) = journal.load::<Event>(&summary.run).await else { continue };
        if Run::replay(&records).is_ok_and(|run| run.is_over()) {
            old.push(summary.run);
        }
    }
    Ok(old)
}
