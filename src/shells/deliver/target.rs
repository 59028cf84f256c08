//! One target: the lease on telling it, the runs of which it has not heard everything, and whether it takes what it is told.
//!
//! Must never: tell it anything without the lease, or tell its log of each failed try.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::sync::watch::Receiver;
use tokio::task::JoinSet;

use super::attempt::Attempts;
use super::follow::{Follow, Following, Halt};
use super::{Target, stopped};
use crate::hands::journal::{AnyJournal, Holder, JournalError};
use crate::hands::outbox::{Behind, Outbox, TargetLease};
use crate::shells::daemon::news::{Delivery, News, Teller, chain};
use crate::shells::leader::is_gone;
use crate::words::clock::{Clock, Moment};
use crate::words::id::RunId;

/// How long a lease on a target lasts, in ms. It is renewed three times within that: seldom enough to cost the journal nothing.
const LEASE_MS: i64 = 30_000;
/// The store is asked for news this often, in ms, whatever this process hears of itself.
const LOOK_MS: u64 = 1_000;
/// What this process hears of itself is gathered for so long, in ms.
const GATHER_MS: u64 = 150;
/// Messages to one target that are on their way at the same time, each of another run.
const ON_THEIR_WAY_MAX: usize = 4;
/// Cursors of runs that are gone are looked for this often, in looks.
const SWEEP_LOOKS: u32 = 3_600;

/// Whether a target takes what it is told, over all of its runs; told once when it changes.
pub(super) struct Mood {
    target: String,
    tell: Teller,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    is_failing: bool,
    runs: BTreeSet<RunId>,
}

impl Mood {
    fn new(target: &str, tell: Teller) -> Mood {
        Mood { target: target.to_owned(), tell, state: Mutex::default() }
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A message of a run was not taken.
    pub(super) async fn not_taken(
        &self,
        outbox: &Outbox,
        lease: &TargetLease,
        run: &RunId,
        why: &str,
    ) -> Result<(), JournalError> {
        let is_news = self.with(|state| {
            state.runs.insert(run.clone());
            !std::mem::replace(&mut state.is_failing, true)
        });
        if is_news {
            (self.tell)(News::Webhook { target: self.target.clone(), word: Delivery::Failing { why: why.to_owned() } });
            outbox.note(lease, Some(why), Clock::System.now()).await?;
        }
        Ok(())
    }

    /// A message of a run was taken.
    pub(super) async fn taken(&self, outbox: &Outbox, lease: &TargetLease, run: &RunId) -> Result<(), JournalError> {
        let is_back = self.with(|state| {
            state.runs.remove(run);
            state.is_failing && state.runs.is_empty() && std::mem::take(&mut state.is_failing)
        });
        if is_back {
            (self.tell)(News::Webhook { target: self.target.clone(), word: Delivery::Back });
            outbox.note(lease, None, Clock::System.now()).await?;
        }
        Ok(())
    }

    /// A message of a run was given up; whether the target is back, the next one tells.
    pub(super) fn given_up(&self, run: &RunId) {
        self.with(|state| state.runs.remove(run));
    }

    /// What was known of it before this process had the lease.
    fn recall(&self, behind: &[Behind]) {
        self.with(|state| {
            state.runs = behind.iter().filter(|b| b.failing.is_some()).map(|b| b.run.clone()).collect();
            state.is_failing = !state.runs.is_empty();
        });
    }
}

/// Tells one target, in turn with other replicas.
pub(super) struct Telling {
    pub(super) journal: Arc<AnyJournal>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) holder: Holder,
    pub(super) target: Arc<Target>,
    pub(super) tell: Teller,
}

/// What following one run ended with.
type Followed = (RunId, Result<Halt, JournalError>);

/// What one holder of the lease has in hand.
struct Hand {
    lease: TargetLease,
    mood: Mood,
    seats: Semaphore,
}

impl Telling {
    /// Tells the target until this process is asked to stop.
    pub(super) async fn tell(self, wake: Receiver<()>, stopping: Receiver<bool>) {
        let this = Arc::new(self);
        let mut told = None;
        while !*stopping.borrow() {
            match this.lead().await {
                Ok(Some(lease)) => {
                    let lost = this.work(lease, wake.clone(), &stopping).await;
                    this.trouble(lost.err(), &mut told);
                    // A store that does not answer is no matter: the lease runs out by itself.
                    let _runs_out = this.outbox.release(&this.target.name, &this.holder).await;
                }
                Ok(None) => {}
                Err(e) => this.trouble(Some(e), &mut told),
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(LOOK_MS)) => {}
                () = stopped(stopping.clone()) => {}
            }
        }
    }

    /// Trouble with the store is told once for each reason; that it is away at all is told by whoever looks for runs.
    fn trouble(&self, error: Option<JournalError>, told: &mut Option<String>) {
        let Some(error) = error else { return };
        let why = chain(&error);
        let passes = matches!(&error, JournalError::Store(store) if store.passes());
        if !passes && told.as_ref() != Some(&why) {
            let what = format!("the webhook {} cannot be served", self.target.name);
            (self.tell)(News::Trouble { run: None, what, why: why.clone() });
            *told = Some(why);
        }
    }

    /// The lease, when nobody has it, or only a process of this machine that is gone.
    async fn lead(&self) -> Result<Option<TargetLease>, JournalError> {
        let name = &self.target.name;
        let known = self.outbox.targets().await?.into_iter().find(|state| state.target == *name);
        let Some(state) = known.filter(|state| state.disabled.is_none()) else { return Ok(None) };
        if let Some(by) = state.told_by.and_then(|by| Holder::new(&by).ok()).filter(|by| *by != self.holder) {
            if !is_gone(&by) {
                return Ok(None);
            }
            self.outbox.release(name, &by).await?;
        }
        self.outbox.lead(name, &self.holder, LEASE_MS).await
    }

    /// Tells the target for as long as the lease is held.
    async fn work(
        self: &Arc<Telling>,
        lease: TargetLease,
        wake: Receiver<()>,
        stopping: &Receiver<bool>,
    ) -> Result<(), JournalError> {
        let mood = Mood::new(&self.target.name, self.tell.clone());
        let hand = Arc::new(Hand { lease, mood, seats: Semaphore::new(ON_THEIR_WAY_MAX) });
        tokio::select! {
            ended = self.look(&hand, wake, stopping) => ended,
            // What is under way is dropped with the work; it may arrive twice, which its id tells.
            () = self.keep(&hand.lease) => Ok(()),
        }
    }

    /// Renews the lease for ever, and completes only when it is lost, or when the store has been silent for its length.
    async fn keep(&self, lease: &TargetLease) {
        let mut asked_at = Moment::now();
        loop {
            tokio::time::sleep(Duration::from_millis(LEASE_MS.unsigned_abs() / 3)).await;
            let now = Moment::now();
            match self.outbox.renew(lease, LEASE_MS).await {
                Ok(true) => asked_at = now,
                Ok(false) => return,
                Err(_) if asked_at.is_past(LEASE_MS, now) => return,
                Err(_) => {}
            }
        }
    }

    async fn look(
        self: &Arc<Telling>,
        hand: &Arc<Hand>,
        mut wake: Receiver<()>,
        stopping: &Receiver<bool>,
    ) -> Result<(), JournalError> {
        let mut known: HashMap<RunId, Following> = HashMap::new();
        // Runs in hand, and those whose journal cannot be read: these are left alone for as long as the lease lasts.
        let mut busy: HashSet<RunId> = HashSet::new();
        let mut tasks: JoinSet<Followed> = JoinSet::new();
        let mut looks = 0_u32;
        loop {
            if looks.is_multiple_of(SWEEP_LOOKS) {
                self.outbox.sweep().await?;
            }
            let behind = self.outbox.behind(&self.target.name).await?;
            if looks == 0 {
                hand.mood.recall(&behind);
            }
            looks = looks.wrapping_add(1);
            for run in behind {
                let nothing_to_do = known.get(&run.run).is_some_and(|known| known.rests_at(run.last_seq));
                if nothing_to_do || busy.contains(&run.run) {
                    continue;
                }
                let following = known.remove(&run.run).unwrap_or_else(|| Following::from(run.seq));
                busy.insert(run.run.clone());
                tasks.spawn(Arc::clone(self).follow(Arc::clone(hand), run, following, stopping.clone()));
            }
            let look = tokio::time::sleep(Duration::from_millis(LOOK_MS));
            tokio::pin!(look);
            loop {
                tokio::select! {
                    () = &mut look => break,
                    woken = wake.changed() => {
                        // Nobody to wake it is no reason to stop looking.
                        if woken.is_err() { look.as_mut().await; }
                        tokio::time::sleep(Duration::from_millis(GATHER_MS)).await;
                        break;
                    }
                    Some(ended) = tasks.join_next() => {
                        if !self.took_in(ended, &mut known, &mut busy)? {
                            return Ok(());
                        }
                    }
                    () = stopped(stopping.clone()) => {
                        while tasks.join_next().await.is_some() {}
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn follow(
        self: Arc<Telling>,
        hand: Arc<Hand>,
        behind: Behind,
        following: Following,
        stopping: Receiver<bool>,
    ) -> Followed {
        let attempts = Attempts {
            target: &self.target,
            outbox: &self.outbox,
            lease: &hand.lease,
            mood: &hand.mood,
            seats: &hand.seats,
            stopping: &stopping,
        };
        let follow = Follow { journal: &self.journal, attempts, tell: &self.tell };
        let run = behind.run.clone();
        (run, follow.all(behind, following).await)
    }

    /// Takes in how following a run ended; false when nothing more is to be told.
    fn took_in(
        &self,
        ended: Result<Followed, tokio::task::JoinError>,
        known: &mut HashMap<RunId, Following>,
        busy: &mut HashSet<RunId>,
    ) -> Result<bool, JournalError> {
        // A task that ended by a bug of ours leaves its run alone until the lease is taken anew.
        let Ok((run, halt)) = ended else { return Ok(true) };
        match halt {
            Ok(Halt::Heard(following)) => {
                busy.remove(&run);
                // What is left of a run that is over is heard again from its beginning, should there be anything.
                if !following.is_over() {
                    known.insert(run, following);
                }
                Ok(true)
            }
            Ok(Halt::Gone | Halt::Over) => Ok(false),
            // It was deleted meanwhile.
            Err(JournalError::NotFound { .. }) => {
                busy.remove(&run);
                Ok(true)
            }
            Err(e @ JournalError::Store(_)) => Err(e),
            // One run that cannot be read keeps no other from being told.
            Err(e) => {
                let what = format!("the webhook {} cannot be told of this run", self.target.name);
                (self.tell)(News::trouble(Some(run), &what, &e));
                Ok(true)
            }
        }
    }
}
