//! The runs as the API shows them: each a fold of its records, kept up to date by asking for what came after the last one.
//!
//! - `folded`: one run, with what has changed about whom and since when.
//! - `card`, `row`: a run and an agent in a few fields.
//! - `follow`: one task for each run that somebody follows, however many do.
//! - `nudge`: what this process records itself is seen at once.
//!
//! Must never: hold more runs than its bound, walk over a roster because of one event, or show a run of another organisation.

mod card;
mod folded;
mod follow;
mod nudge;
mod row;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OnceCell, RwLock, RwLockReadGuard, Semaphore, broadcast};

pub(super) use card::RunCard;
pub(super) use folded::{Folded, Frame};
pub(super) use follow::Follower;
pub use nudge::Nudges;
pub(super) use row::{AgentRow, VERDICTS, verdict_name};

use crate::hands::journal::{AnyJournal, Journal, JournalError, RunSummary};
use crate::law::audit::{Auditor, Violation};
use crate::law::event::{Event, Record};
use crate::law::evidence::Evidence;
use crate::law::run::BadJournal;
use crate::shells::daemon::site::Site;
use crate::words::id::RunId;

/// Runs that are held open at the same time: those looked at last, and those that somebody follows.
const OPEN_MAX: usize = 32;
/// Runs of which the card is kept, so that a list need not read them again.
const CARDS_MAX: usize = 2_000;
/// Runs that are read at the same time.
const READS_AT_ONCE: usize = 2;
/// Frames that wait for a listener; one that is slower is brought up to date by a single one.
const FRAMES_MAX: usize = 16;

/// Why a run cannot be shown.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unshown {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It is not a run.
    #[error("the journal of run {run} cannot be followed")]
    Bad {
        /// The run.
        run: RunId,
        /// Why.
        source: BadJournal,
    },
    /// So many are followed that no other can be opened.
    #[error("so many runs are followed that no other can be opened")]
    Full,
    /// The task that read it was lost.
    #[error("the run could not be read")]
    Lost,
}

/// The runs of one organisation.
pub struct Book {
    journal: Arc<AnyJournal>,
    site: Arc<Site>,
    nudges: Arc<Nudges>,
    open: Mutex<HashMap<RunId, Arc<Opened>>>,
    /// With the number of the record that each was made at; nothing of a run of another organisation.
    cards: Mutex<HashMap<RunId, AsOf>>,
    reads: Semaphore,
    uses: AtomicU64,
}

/// What is kept of a run, and the number of its newest record then.
type AsOf = (u64, Option<Arc<Kept>>);

/// What is kept of a run that is not open.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) card: RunCard,
    /// What was lost before its publish and after it, and among how many agents.
    pub(super) evidence: Evidence,
    pub(super) watched_agents: u64,
}

/// A run that is held open.
pub(super) struct Opened {
    run: RunId,
    folded: OnceCell<RwLock<Folded>>,
    frames: broadcast::Sender<Arc<Frame>>,
    /// Whether a task brings it up to date for those who follow it.
    is_followed: Mutex<bool>,
    used: AtomicU64,
}

impl Book {
    /// A book of the runs of `site`.
    #[must_use]
    pub fn new(journal: Arc<AnyJournal>, site: Arc<Site>, nudges: Arc<Nudges>) -> Book {
        Book {
            journal,
            site,
            nudges,
            open: Mutex::default(),
            cards: Mutex::default(),
            reads: Semaphore::new(READS_AT_ONCE),
            uses: AtomicU64::default(),
        }
    }

    /// The run as it is now.
    pub(super) async fn run(&self, run: &RunId) -> Result<Arc<Opened>, Unshown> {
        let opened = self.opened(run)?;
        let fresh = opened.folded.initialized();
        let read = opened.folded.get_or_try_init(async || self.read(run).await.map(RwLock::new)).await;
        if let Err(e) = read {
            self.lock_open().remove(run);
            return Err(e);
        }
        // What was read just now need not be asked for again.
        if fresh {
            opened.catch_up(&self.journal).await.inspect_err(|_| {
                self.lock_open().remove(run);
            })?;
        }
        if self.site.owns(&opened.look().await?.run.plan) {
            return Ok(opened);
        }
        self.lock_open().remove(run);
        Err(JournalError::NotFound { run: run.clone() }.into())
    }

    fn opened(&self, run: &RunId) -> Result<Arc<Opened>, Unshown> {
        let used = self.uses.fetch_add(1, Ordering::Relaxed);
        let mut open = self.lock_open();
        if let Some(opened) = open.get(run) {
            opened.used.store(used, Ordering::Relaxed);
            return Ok(Arc::clone(opened));
        }
        if open.len() >= OPEN_MAX {
            let idle = open.values().filter(|opened| opened.frames.receiver_count() == 0);
            let oldest = idle.min_by_key(|opened| opened.used.load(Ordering::Relaxed)).map(|opened| opened.run.clone());
            open.remove(&oldest.ok_or(Unshown::Full)?);
        }
        let opened = Arc::new(Opened::new(run.clone(), used));
        open.insert(run.clone(), Arc::clone(&opened));
        Ok(opened)
    }

    fn lock_open(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, Arc<Opened>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a whole run. Folding takes its time where there are many records, and must hold nobody's publish up.
    async fn read(&self, run: &RunId) -> Result<Folded, Unshown> {
        let _turn = self.reads.acquire().await.map_err(|_| Unshown::Lost)?;
        let records = self.journal.load::<Event>(run).await?;
        let id = run.clone();
        let folded = tokio::task::spawn_blocking(move || Folded::of(&id, &records)).await.map_err(|_| Unshown::Lost)?;
        folded.map_err(|source| Unshown::Bad { run: run.clone(), source })
    }

    /// Reads a whole run and holds it against every rule: how many records it has, and the first that breaks one.
    pub(super) async fn audit(&self, run: &RunId) -> Result<(usize, Option<Violation>), Unshown> {
        // Whose it is, first.
        let _ours = self.run(run).await?;
        let _turn = self.reads.acquire().await.map_err(|_| Unshown::Lost)?;
        let records = self.journal.load::<Event>(run).await?;
        let audited = tokio::task::spawn_blocking(move || (records.len(), Auditor::check(&records).err())).await;
        audited.map_err(|_| Unshown::Lost)
    }

    /// Runs, the newest first: those after the run `before`, at most `limit`; and whether there are more. What cannot be read
    /// is left out.
    pub(super) async fn cards(
        &self,
        before: Option<&RunId>,
        limit: usize,
    ) -> Result<Option<(Vec<Arc<Kept>>, bool)>, Unshown> {
        let mut summaries = self.journal.runs().await?;
        summaries.reverse();
        let from = match before {
            None => 0,
            Some(before) => match summaries.iter().position(|summary| summary.run == *before) {
                Some(at) => at + 1,
                None => return Ok(None),
            },
        };
        let mut cards = Vec::new();
        for summary in summaries.iter().skip(from) {
            if let Some(kept) = self.kept(summary).await? {
                if cards.len() == limit {
                    return Ok(Some((cards, true)));
                }
                cards.push(kept);
            }
        }
        Ok(Some((cards, false)))
    }

    /// What is kept of a run; read anew when it has moved on.
    async fn kept(&self, summary: &RunSummary) -> Result<Option<Arc<Kept>>, Unshown> {
        let lock = || self.cards.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((last_seq, kept)) = lock().get(&summary.run)
            && *last_seq == summary.last_seq
        {
            return Ok(kept.clone());
        }
        let opened = self.lock_open().get(&summary.run).cloned();
        let is_open = opened.is_some_and(|opened| opened.folded.initialized());
        let read = if is_open {
            match self.run(&summary.run).await {
                Ok(opened) => Ok(opened.look().await?.kept()),
                Err(e) => Err(e),
            }
        } else {
            self.read(&summary.run).await.map(|folded| folded.kept())
        };
        let (seq, kept) = match read {
            Ok((plan, kept)) => (kept.card.last_seq, self.site.owns(&plan).then(|| Arc::new(kept))),
            Err(Unshown::Journal(error @ JournalError::Store(_))) => return Err(error.into()),
            // One run that cannot be read is no reason to show none.
            Err(Unshown::Journal(_) | Unshown::Bad { .. } | Unshown::Full | Unshown::Lost) => (summary.last_seq, None),
        };
        let mut cards = lock();
        if cards.len() >= CARDS_MAX {
            cards.clear();
        }
        cards.insert(summary.run.clone(), (seq, kept.clone()));
        Ok(kept)
    }
}

impl Opened {
    /// Nothing is read of it so far.
    fn new(run: RunId, used: u64) -> Opened {
        Opened {
            run,
            folded: OnceCell::new(),
            frames: broadcast::Sender::new(FRAMES_MAX),
            is_followed: Mutex::new(false),
            used: AtomicU64::new(used),
        }
    }

    /// The fold, for a moment.
    pub(super) async fn look(&self) -> Result<RwLockReadGuard<'_, Folded>, Unshown> {
        Ok(self.folded.get().ok_or(Unshown::Lost)?.read().await)
    }

    /// Takes in what was recorded since the last look.
    async fn catch_up(&self, journal: &AnyJournal) -> Result<(), Unshown> {
        let folded = self.folded.get().ok_or(Unshown::Lost)?;
        let seq = folded.read().await.run.seq;
        let records: Vec<Record> = journal.load_after::<Event>(&self.run, seq).await?;
        if records.is_empty() {
            return Ok(());
        }
        let bad = |source| Unshown::Bad { run: self.run.clone(), source };
        folded.write().await.take_in(&records).map_err(bad)
    }
}
