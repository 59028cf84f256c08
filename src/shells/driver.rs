//! Drives one run in real or scaled time: append, perform, wait for an answer or an instant, and again.
//!
//! Must never: decide anything, or perform what is not in the journal. A failed append ends it at once.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::hands::journal::{Journal, JournalError, Lease};
use crate::law::command::{CommandId, Outcome};
use crate::law::decide::{Input, Step, decide};
use crate::law::event::{Event, Record};
use crate::law::run::Run;
use crate::shells::perform::Hands;
use crate::words::clock::{Clock, Timestamp};
use crate::words::id::RunId;

/// A graceful stop waits this long for what is under way, in real time.
const STOP_WITHIN: Duration = Duration::from_secs(8);

/// Why driving ended before the run did.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// The journal could not be written; nothing was performed that it does not hold.
    #[error("the journal could not be written")]
    Journal(#[from] JournalError),
    /// A command ended without an answer: a bug of ours.
    #[error("a command ended without an answer")]
    Lost(#[from] tokio::task::JoinError),
}

/// How driving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Nothing more will happen in this run without a person.
    Over,
    /// It was asked to stop. The run goes on where it is when it is taken up again.
    Interrupted,
}

/// What a run is driven with.
pub struct Driver<'a, J> {
    /// The run's name.
    pub id: RunId,
    /// The right to write to it.
    pub lease: Lease,
    /// Where it is recorded.
    pub journal: &'a J,
    /// What performs its commands.
    pub hands: Arc<Hands>,
    /// Its time.
    pub clock: Clock,
}

impl<J: Journal> Driver<'_, J> {
    /// Drives `run` until it is over or `stop` completes. `listen` hears every record once it is in the journal.
    ///
    /// # Errors
    /// [`DriveError`] when the journal cannot be written.
    pub async fn drive(
        &self,
        run: &mut Run,
        mut listen: impl FnMut(&Record),
        stop: impl Future<Output = ()>,
    ) -> Result<Ended, DriveError> {
        let mut stop = std::pin::pin!(stop);
        let mut tasks: JoinSet<(CommandId, Outcome)> = JoinSet::new();
        let mut input = Input::Started;
        loop {
            let now = self.clock.now();
            let last_seq = run.seq;
            let step = decide(run, input, now);
            self.append(last_seq, now, &step, &mut listen).await?;
            for (id, command) in step.perform {
                let (hands, run_id) = (Arc::clone(&self.hands), self.id.clone());
                let asked = hands.ask(&run_id, run, command, now);
                tasks.spawn(async move { (id, hands.perform(asked).await) });
            }
            if run.is_over() && tasks.is_empty() {
                return Ok(Ended::Over);
            }
            let wake_at = step.wake_at;
            input = tokio::select! {
                Some(answer) = tasks.join_next() => {
                    let (id, outcome) = answer?;
                    Input::Answered { id, outcome }
                }
                () = self.clock.sleep_until(wake_at.unwrap_or_default()), if wake_at.is_some() => Input::Woke,
                () = &mut stop => {
                    finish(tasks).await;
                    return Ok(Ended::Interrupted);
                }
            };
        }
    }

    async fn append(
        &self,
        last_seq: u64,
        now: Timestamp,
        step: &Step,
        listen: &mut impl FnMut(&Record),
    ) -> Result<(), JournalError> {
        if step.record.is_empty() {
            return Ok(());
        }
        self.journal.append(&self.lease, last_seq, now, &step.record, claim_in(&step.record)).await?;
        for (seq, event) in (last_seq + 1..).zip(&step.record) {
            listen(&Record { seq, at: now, event: event.clone() });
        }
        Ok(())
    }
}

/// Lets what is under way come to its end, so that no agent's new token is lost between the platform and the vault. The
/// answers are nobody's any more: whoever takes the run up looks for itself.
async fn finish(mut tasks: JoinSet<(CommandId, Outcome)>) {
    let all = async { while tasks.join_next().await.is_some() {} };
    // After that long a stop is a kill, and the run survives that as well.
    let _in_time = tokio::time::timeout(STOP_WITHIN, all).await;
}

/// The publish attempt that a batch of events claims; its row commits with them.
#[must_use]
pub fn claim_in(events: &[Event]) -> Option<u32> {
    events
        .iter()
        .find_map(|event| if let Event::PublishClaimed { attempt, .. } = event { Some(*attempt) } else { None })
}
