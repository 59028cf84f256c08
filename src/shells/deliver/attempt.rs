//! One message, tried until it is taken or given up.
//!
//! Must never: try again sooner than the receiver asked for, or without a pause that is drawn anew.

use tokio::sync::Semaphore;
use tokio::sync::watch::Receiver;

use super::message::{Message, message_id};
use super::{Target, stopped};
use crate::hands::journal::JournalError;
use crate::hands::outbox::{Answer, DeadLetter, Failing, Outbox, TargetLease};
use crate::law::pace::backoff_ms;
use crate::shells::deliver::target::Mood;
use crate::words::clock::{Clock, Seed};
use crate::words::id::RunId;

/// What became of a message.
#[derive(Debug)]
pub(super) enum Ended {
    /// It was taken.
    Taken,
    /// It was given up.
    GivenUp(DeadLetter),
    /// The target wants nothing more.
    Gone,
    /// This process was asked to stop first.
    Stopping,
    /// Another process has the lease.
    LeaseLost,
}

/// What a message is tried with.
pub(super) struct Attempts<'a> {
    pub(super) target: &'a Target,
    pub(super) outbox: &'a Outbox,
    pub(super) lease: &'a TargetLease,
    /// How the target is, for all of its runs.
    pub(super) mood: &'a Mood,
    /// Messages that may be on their way at the same time.
    pub(super) seats: &'a Semaphore,
    pub(super) stopping: &'a Receiver<bool>,
}

impl Attempts<'_> {
    /// Tries a message of `run`, whose cursor stands at `seq`. `failing` is how it stood with it before, if it was tried before.
    pub(super) async fn deliver(
        &self,
        run: &RunId,
        seq: u64,
        message: &Message,
        mut failing: Option<Failing>,
    ) -> Result<Ended, JournalError> {
        let id = message_id(&self.target.name, run, message.seq);
        let mut chance = Seed::from_system().fork("webhook");
        loop {
            if let Some(failing) = &failing {
                tokio::select! {
                    () = Clock::System.sleep_until(failing.next_at) => {}
                    () = stopped(self.stopping.clone()) => return Ok(Ended::Stopping),
                }
            }
            if *self.stopping.borrow() {
                return Ok(Ended::Stopping);
            }
            // Taken for each try, so that a run that waits for its next one keeps nobody out.
            let Ok(seat) = self.seats.acquire().await else { return Ok(Ended::Stopping) };
            let answer = self.target.post.send(&id, &message.body).await;
            drop(seat);
            match answer {
                Answer::Taken => return Ok(Ended::Taken),
                Answer::Gone => return Ok(Ended::Gone),
                Answer::NotTaken { why, retry_after_ms } => {
                    let now = Clock::System.now();
                    let (before, since) = failing.map_or((0, now), |failing| (failing.attempts, failing.since));
                    let attempts = before.saturating_add(1);
                    self.mood.not_taken(self.outbox, self.lease, run, &why).await?;
                    let patience = self.target.patience;
                    if attempts >= patience.attempts_max || now.since_ms(since) >= patience.give_up_after_ms {
                        return Ok(Ended::GivenUp(self.letter(run, message, attempts, why)));
                    }
                    let nth = u8::try_from(attempts).unwrap_or(u8::MAX);
                    let pause_ms = backoff_ms(patience.backoff_first_ms, patience.backoff_max_ms, nth, &mut chance);
                    let next_at = now + pause_ms.max(retry_after_ms.unwrap_or_default());
                    let noted = Failing { attempts, since, next_at, why };
                    if !self.outbox.not_taken(self.lease, run, seq, &noted).await? {
                        return Ok(Ended::LeaseLost);
                    }
                    failing = Some(noted);
                }
            }
        }
    }

    fn letter(&self, run: &RunId, message: &Message, attempts: u32, why: String) -> DeadLetter {
        DeadLetter {
            number: 0,
            target: self.target.name.clone(),
            run: run.clone(),
            seq: message.seq,
            event: message.event.to_owned(),
            at: Clock::System.now(),
            attempts,
            why,
            document: message.body.clone(),
        }
    }
}
