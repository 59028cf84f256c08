//! Which runs there are, and which of them this process takes: those that nobody leads, the fewer it has the sooner, so that
//! runs spread over the replicas.
//!
//! Must never: ask the store more often than it was told to, or take more than the store gives.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch::Receiver;
use tokio::task::{Id, JoinSet};

use super::Daemon;
use super::carry::{Carried, Carrier};
use super::counters::Counters;
use super::news::{News, chain};
use crate::hands::journal::{Holder, Journal, RunSummary};
use crate::law::pace::Party;
use crate::shells::leader::is_gone;
use crate::words::clock::{Clock, Timestamp};
use crate::words::id::RunId;

/// A process that leads n runs leaves a leaderless one to the others for n times this, in ms.
const YIELD_MS: i64 = 400;
/// But never longer than this: a failover must not wait for a busy process.
const YIELD_MAX_MS: i64 = 1_600;
/// A run that was let go is tried again after this, in ms.
const AGAIN_MS: i64 = 1_000;

/// What is known of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Nobody was seen to lead it since then.
    Leaderless(Timestamp),
    /// This process carries it.
    Carried,
    /// It is tried again then.
    Again(Timestamp),
    /// It is over as long as it has so many records.
    Done(u64),
    /// It cannot be followed as long as it has so many records; whoever leads it may be newer than this process.
    Unreadable(u64),
    /// It belongs to an organisation that is not served here, and always will.
    Others,
}

/// The runs of the store, as this process sees them.
pub struct Watch<'a> {
    daemon: &'a Daemon,
    stopping: Receiver<bool>,
    known: HashMap<RunId, Known>,
    carried: JoinSet<(RunId, Carried)>,
    names: HashMap<Id, RunId>,
    parties: u32,
    counters: Counters,
    away: Option<String>,
}

impl<'a> Watch<'a> {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(daemon: &'a Daemon, counters: Counters, stopping: Receiver<bool>) -> Watch<'a> {
        let (known, carried, names) = (HashMap::new(), JoinSet::new(), HashMap::new());
        Watch { daemon, stopping, known, carried, names, parties: Party::HOUSE.0, counters, away: None }
    }
    /// How many runs this process carries.
    #[must_use]
    pub fn led(&self) -> usize {
        self.carried.len()
    }

    /// One look at the store; what nobody leads is taken.
    pub async fn look(&mut self) {
        let looked = async {
            let runs = self.daemon.journal.runs().await?;
            // On a full disk, reading goes well. Nothing is taken then: it would be let go at once.
            self.daemon.journal.takes_writes().await.map(|()| runs)
        };
        let runs = match looked.await {
            Ok(runs) => runs,
            Err(e) => {
                self.store_is_away(chain(&e));
                return;
            }
        };
        if self.away.take().is_some() {
            (self.daemon.tell)(News::StoreBack);
        }
        (self.daemon.tell)(News::Looked);
        let now = Clock::System.now();
        self.known.retain(|id, known| *known == Known::Carried || runs.iter().any(|summary| summary.run == *id));
        for summary in runs {
            if self.is_due(&summary, now) {
                self.take(summary.run);
            }
        }
    }

    /// A store that is away is asked again and again, and told of once for each reason.
    fn store_is_away(&mut self, why: String) {
        if self.away.as_ref() != Some(&why) {
            (self.daemon.tell)(News::StoreAway { why: why.clone() });
            self.away = Some(why);
        }
    }

    /// Waits, and takes in what ends meanwhile.
    pub async fn rest(&mut self, pause: Duration) {
        let pause = tokio::time::sleep(pause);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => return,
                () = self.daemon.look_now.notified() => return,
                Some(ended) = self.carried.join_next_with_id() => self.took_in(ended).await,
            }
        }
    }

    /// Waits until nothing is in hand any more.
    pub async fn end(mut self) {
        while let Some(ended) = self.carried.join_next_with_id().await {
            self.took_in(ended).await;
        }
    }

    fn is_due(&mut self, summary: &RunSummary, now: Timestamp) -> bool {
        let led = summary.leader.as_deref().and_then(|name| Holder::new(name).ok()).is_some_and(|h| !is_gone(&h));
        let yields_ms = (self.led() as i64 * YIELD_MS).min(YIELD_MAX_MS);
        let known = self.known.get(&summary.run).copied();
        match known {
            Some(Known::Carried | Known::Others) => false,
            Some(Known::Done(records)) => records != summary.last_seq,
            Some(Known::Unreadable(records)) => !led && records != summary.last_seq,
            Some(Known::Again(at)) => now >= at && !led,
            _ if led => {
                self.known.remove(&summary.run);
                false
            }
            Some(Known::Leaderless(since)) => now.since_ms(since) >= yields_ms,
            None => {
                self.known.insert(summary.run.clone(), Known::Leaderless(now));
                yields_ms == 0
            }
        }
    }

    fn take(&mut self, run: RunId) {
        self.parties = self.parties.wrapping_add(1).max(Party::HOUSE.0 + 1);
        let carrier = Carrier {
            journal: Arc::clone(&self.daemon.journal),
            sites: self.daemon.sites.clone(),
            holder: self.daemon.holder.clone(),
            settings: self.daemon.settings,
            party: Party(self.parties),
            counters: self.counters.clone(),
            tell: self.daemon.tell.clone(),
        };
        let (id, stopping) = (run.clone(), self.stopping.clone());
        let task = self.carried.spawn(async move {
            let carried = carrier.carry(&id, stopping).await;
            (id, carried)
        });
        self.names.insert(task.id(), run.clone());
        self.known.insert(run, Known::Carried);
    }

    async fn took_in(&mut self, ended: Result<(Id, (RunId, Carried)), tokio::task::JoinError>) {
        let (task, run, carried) = match ended {
            Ok((task, (run, carried))) => (task, Some(run), carried),
            // A bug of ours ends the one run's task and nothing else; its lease runs out, and it is taken up again.
            Err(e) => (e.id(), self.names.get(&e.id()).cloned(), Carried::LetGo),
        };
        self.names.remove(&task);
        let Some(run) = run else { return };
        let known = match carried {
            Carried::Over => Known::Done(self.records(&run).await),
            Carried::Unreadable => Known::Unreadable(self.records(&run).await),
            Carried::NotOurs => Known::Others,
            Carried::Led | Carried::LetGo => Known::Again(Clock::System.now() + AGAIN_MS),
        };
        self.known.insert(run, known);
    }

    /// How many records a run has; when that cannot be told it is looked at again.
    async fn records(&self, run: &RunId) -> u64 {
        let runs = self.daemon.journal.runs().await.unwrap_or_default();
        runs.iter().find(|summary| summary.run == *run).map_or(0, |summary| summary.last_seq)
    }
}
