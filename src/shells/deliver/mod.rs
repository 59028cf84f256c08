//! Webhooks out: what the journal records is told to whoever asked for it, at least once, in order for each run.
//!
//! - [`names`]: what events are called, and which of them a target wants.
//! - `message`: from a record to the body of a message.
//! - `follow`: one run for one target: the journal after the cursor, message by message.
//! - `attempt`: one message until it is taken or given up.
//! - `target`: one target: its lease, its runs, how it is.
//!
//! Of several replicas one tells a target, by a lease in the store; another takes over when it is gone. What is new is found in
//! the store, whoever wrote it; this process's own news only bring the next look forward. A message that is not taken holds up
//! what comes after it in its own run, for its own target, and nothing else: no run waits for any of this.
//! Must never: touch a run, or keep a publish waiting.

mod attempt;
mod follow;
mod message;
pub mod names;
mod target;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch::{self, Receiver, Sender};
use tokio::task::JoinHandle;

pub use message::{Message, message_id, test_message};
pub use names::Wanted;

use crate::hands::journal::{AnyJournal, Holder, JournalError};
use crate::hands::outbox::{Outbox, Post};
use crate::shells::daemon::news::{News, Teller};
use crate::shells::daemon::site::Site;
use crate::words::clock::Clock;

/// What is under way when it is asked to stop may take so long to be taken, in ms.
const CLOSE_MS: u64 = 3_000;

/// How long a target is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// The longest first pause after a try in vain, in ms.
    pub backoff_first_ms: i64,
    /// The longest pause, in ms.
    pub backoff_max_ms: i64,
    /// How often a message is tried before it is given up; at least once.
    pub attempts_max: u32,
    /// How long a message is tried before it is given up, in ms.
    pub give_up_after_ms: i64,
}

/// Somebody who wants to be told.
#[derive(Clone)]
pub struct Target {
    /// Its name; unique in the store.
    pub name: String,
    /// What it wants to hear of.
    pub wanted: Wanted,
    /// The way there.
    pub post: Post,
    /// How long it is tried.
    pub patience: Patience,
    /// Whose runs it hears of.
    pub site: Arc<Site>,
    /// Who tells it: the installation's URL, or its name.
    pub source: String,
}

/// All targets of a process, before anything is told to them.
pub struct Deliveries {
    journal: Arc<AnyJournal>,
    outbox: Arc<Outbox>,
    holder: Holder,
    targets: Vec<Target>,
    wake: Sender<()>,
}

/// Targets that are being told.
pub struct Delivering {
    stop: Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Deliveries {
    /// Of a store, by this process, to nobody yet.
    #[must_use]
    pub fn new(journal: Arc<AnyJournal>, holder: Holder) -> Deliveries {
        let outbox = Arc::new(Outbox::of(Arc::clone(&journal)));
        Deliveries { journal, outbox, holder, targets: Vec::new(), wake: watch::channel(()).0 }
    }

    /// Takes a target in. One that the store does not know yet hears of what is recorded from now on.
    ///
    /// # Errors
    /// [`JournalError`] when the store does not answer.
    pub async fn add(&mut self, target: Target) -> Result<(), JournalError> {
        self.outbox.know(&target.name, Clock::System.now()).await?;
        self.targets.push(target);
        Ok(())
    }

    /// A teller that also brings the next look at the store forward, when there is something new in it.
    #[must_use]
    pub fn hears(&self, tell: Teller) -> Teller {
        let wake = self.wake.clone();
        Arc::new(move |news| {
            let is_new = matches!(news, News::Recorded { .. } | News::Calendar { .. });
            tell(news);
            if is_new {
                wake.send_replace(());
            }
        })
    }

    /// Begins to tell.
    #[must_use]
    pub fn start(self, tell: &Teller) -> Delivering {
        let (stop, stopping) = watch::channel(false);
        let mut tasks = Vec::new();
        for target in self.targets {
            let teller = target::Telling {
                journal: Arc::clone(&self.journal),
                outbox: Arc::clone(&self.outbox),
                holder: self.holder.clone(),
                target: Arc::new(target),
                tell: tell.clone(),
            };
            tasks.push(tokio::spawn(teller.tell(self.wake.subscribe(), stopping.clone())));
        }
        Delivering { stop, tasks }
    }
}

impl Delivering {
    /// Tells nothing new, and gives what is on its way a moment. What is left is told by whoever serves next.
    pub async fn close(self) {
        self.stop.send_replace(true);
        let ended = futures_util::future::join_all(self.tasks);
        let _in_time = tokio::time::timeout(Duration::from_millis(CLOSE_MS), ended).await;
    }
}

/// Completes when this was asked to end.
async fn stopped(mut stopping: Receiver<bool>) {
    // A sender that is gone has ended without asking; then nobody goes on either.
    let _ = stopping.wait_for(|stop| *stop).await;
}
