//! One hub of channels for all runs of a client: who listens, what each is told, and the lines that are kept open for them.
//!
//! Must never: tell a run of what it has no part in, or hold anybody up; what a run is too busy to hear is dropped, and its
//! next planned look finds it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::mpsc::{Sender, error::TrySendError};

use super::board::{Board, Ear, LineId};
use super::frames::{Topic, topics};
use super::line::Line;
use crate::hands::genesys::client::Client;
use crate::law::hint::Hint;
use crate::law::pace::Party;
use crate::law::plan::Plan;
use crate::words::clock::Seed;
use crate::words::permit::Permit;

/// All that listens through one client; clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct Hub {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    board: Board,
    runs: BTreeMap<Ear, Listener>,
    lines: BTreeMap<LineId, Arc<Notify>>,
}

/// A run that listens.
#[derive(Debug)]
struct Listener {
    tell: Sender<Hint>,
    permit: Permit,
    /// How many of its topics no line carries, as it was told last.
    unheard: usize,
}

/// A run's place in the hub, for as long as it is kept.
struct Place {
    hub: Hub,
    ear: Ear,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.hub.leave(self.ear);
    }
}

/// Listens for a run, until it is dropped or nobody wants to hear any more. Channels are shared with all other runs of the
/// client. What goes wrong is tried again, with growing pauses: a run does without what is pushed.
pub async fn listen(client: Client, plan: &Plan, seed: Seed, tell: Sender<Hint>) {
    let place = client.hub().join(&client, topics(plan), seed, tell.clone());
    tell.closed().await;
    drop(place);
}

impl Hub {
    fn join(&self, client: &Client, topics: Vec<Topic>, seed: Seed, tell: Sender<Hint>) -> Place {
        let mut shared = self.shared();
        let (ear, new) = shared.board.join(topics);
        shared.runs.insert(ear, Listener { tell, permit: client.permit(), unheard: 0 });
        shared.tell_the_unheard();
        shared.stir();
        drop(shared);
        self.open(client, new, seed);
        Place { hub: self.clone(), ear }
    }

    fn leave(&self, ear: Ear) {
        let mut shared = self.shared();
        shared.leave(ear);
    }

    /// Opens lines. They belong to nobody in particular, and what they ask spends the house's share of the budgets.
    fn open(&self, client: &Client, new: Vec<LineId>, seed: Seed) {
        for number in new {
            let changed = Arc::new(Notify::new());
            self.shared().lines.insert(number, Arc::clone(&changed));
            let chance = seed.fork(&format!("channel {number}"));
            tokio::spawn(Line::new(client.for_party(Party::HOUSE), self.clone(), number, changed, chance).keep());
        }
    }

    /// A line was refused for its number of topics.
    pub(super) fn narrow(&self, client: &Client, number: LineId, room: usize, seed: Seed) {
        let mut shared = self.shared();
        let new = shared.board.narrow(number, room);
        shared.tell_the_unheard();
        shared.stir();
        drop(shared);
        self.open(client, new, seed);
    }

    /// Takes a line away on which there is nothing any more.
    pub(super) fn retire(&self, number: LineId) -> bool {
        let mut shared = self.shared();
        shared.prune();
        let is_gone = shared.board.retire(number);
        if is_gone {
            shared.lines.remove(&number);
        }
        is_gone
    }

    /// Whether nobody has anything on a line. A process that was paused for longer than a run's lease listens no more for it.
    pub(super) fn is_unwanted(&self, number: LineId) -> bool {
        let mut shared = self.shared();
        shared.prune();
        shared.board.topics(number).0.is_empty()
    }

    /// What a line carries, the number of that state, and the permit of somebody who wants it.
    pub(super) fn wanted(&self, number: LineId) -> (Vec<Topic>, u64, Option<Permit>) {
        let mut shared = self.shared();
        shared.prune();
        let permit = shared.board.hearers(number).iter().find_map(|ear| shared.runs.get(ear)).map(|l| l.permit.clone());
        let (topics, version) = shared.board.topics(number);
        (topics.to_vec(), version, permit)
    }

    /// The number of the state that a line is in.
    pub(super) fn version(&self, number: LineId) -> u64 {
        self.shared().board.topics(number).1
    }

    /// A line's socket is open, and the platform was told what is wanted on it in state `said`: what was pushed before is lost,
    /// to everybody who has something on it.
    pub(super) fn gap(&self, number: LineId, said: u64) {
        let mut shared = self.shared();
        let hearers = shared.board.hearers(number);
        if shared.board.topics(number).1 == said {
            shared.board.newcomers(number);
        }
        shared.tell(&hearers, &Hint::Gap);
    }

    /// The platform was told what is wanted on a line in state `said`: whoever has something on it since then hears from now on.
    pub(super) fn welcome(&self, number: LineId, said: u64) {
        let mut shared = self.shared();
        if shared.board.topics(number).1 == said {
            let newcomers = shared.board.newcomers(number);
            shared.tell(&newcomers, &Hint::Gap);
        }
    }

    /// Tells whoever wants to hear it.
    pub(super) fn heard(&self, topic: &str, hint: &Hint) {
        let mut shared = self.shared();
        let ears: BTreeSet<Ear> = shared.board.heard_by(topic).iter().copied().collect();
        shared.tell(&ears, hint);
    }

    /// How many channels are open, or about to be.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.shared().board.lines().count()
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        // A panic elsewhere leaves it as it was before one of its small steps; it stays usable.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn leave(&mut self, ear: Ear) {
        if self.runs.remove(&ear).is_some() {
            self.board.leave(ear);
            self.tell_the_unheard();
            self.stir();
        }
    }

    /// Those whom nobody hears any more, or for whom this process may not act, have left.
    fn prune(&mut self) {
        let has_left = |l: &Listener| l.tell.is_closed() || !l.permit.holds();
        let left: Vec<Ear> = self.runs.iter().filter(|(_, l)| has_left(l)).map(|(ear, _)| *ear).collect();
        left.into_iter().for_each(|ear| self.leave(ear));
    }

    /// A run that is behind has enough to look at.
    fn tell(&mut self, ears: &BTreeSet<Ear>, hint: &Hint) {
        let mut left = Vec::new();
        for ear in ears {
            let Some(listener) = self.runs.get(ear) else { continue };
            if let Err(TrySendError::Closed(_)) = listener.tell.try_send(hint.clone()) {
                left.push(*ear);
            }
        }
        left.into_iter().for_each(|ear| self.leave(ear));
    }

    /// Tells every run of how many of its topics nothing can be heard, where that is news.
    fn tell_the_unheard(&mut self) {
        let board = &self.board;
        for (ear, listener) in &mut self.runs {
            let unheard = board.unheard(*ear);
            let topics = u32::try_from(unheard).unwrap_or(u32::MAX);
            // One that could not be told is told the next time.
            if unheard != listener.unheard && listener.tell.try_send(Hint::Unheard { topics }).is_ok() {
                listener.unheard = unheard;
            }
        }
    }

    /// Every line looks whether it is still what the platform was told.
    fn stir(&self) {
        self.lines.values().for_each(|changed| changed.notify_one());
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::law::hint::Stirred;
    use crate::words::id::AgentId;

    /// A run of some agents; its place without lines.
    fn joined(hub: &Hub, agents: std::ops::Range<u32>, permit: Permit) -> (Ear, mpsc::Receiver<Hint>) {
        let (tell, told) = mpsc::channel(2);
        let topics = agents.map(|n| Topic::from(format!("t-{n}"))).collect();
        let mut shared = hub.shared();
        let (ear, _) = shared.board.join(topics);
        shared.runs.insert(ear, Listener { tell, permit, unheard: 0 });
        shared.tell_the_unheard();
        (ear, told)
    }
    fn all(told: &mut mpsc::Receiver<Hint>) -> Vec<Hint> {
        std::iter::from_fn(|| told.try_recv().ok()).collect()
    }
    fn lines(hub: &Hub) -> Vec<LineId> {
        hub.shared().board.lines().collect()
    }

    #[test]
    fn each_hears_what_it_wants_and_a_gap_is_told_to_those_on_the_line() {
        let hub = Hub::default();
        let (_, mut one) = joined(&hub, 0..900, Permit::always());
        let (_, mut two) = joined(&hub, 800..1_800, Permit::always());
        let (_, mut three) = joined(&hub, 1_700..1_900, Permit::always());
        let agent = AgentId::new("ann").unwrap();
        let hint = Hint::Agent { agent, what: Stirred::Other };
        for topic in ["t-5", "t-850", "t-1750", "t-9999"] {
            hub.heard(topic, &hint);
        }
        assert_eq!([all(&mut one).len(), all(&mut two).len(), all(&mut three).len()], [2, 2, 1]);
        let second = lines(&hub)[1];
        hub.gap(second, hub.version(second));
        assert_eq!([all(&mut one), all(&mut two), all(&mut three)], [vec![], vec![Hint::Gap], vec![Hint::Gap]]);
        hub.welcome(second, hub.version(second));
        assert!(all(&mut two).is_empty(), "nobody is new there");
    }

    #[test]
    fn whoever_is_behind_loses_a_hint_and_whoever_is_gone_or_may_not_act_takes_the_topics_away() {
        let hub = Hub::default();
        let permit = Permit::lasting(crate::words::clock::Moment::now(), 60_000);
        let (_, mut one) = joined(&hub, 0..5, Permit::always());
        let (_, _two) = joined(&hub, 3..8, permit.clone());
        let line = lines(&hub)[0];
        (0..5).for_each(|_| hub.heard("t-1", &Hint::Schedule));
        assert_eq!(all(&mut one).len(), 2, "a run that is behind holds nobody up");
        permit.end();
        assert!(!hub.is_unwanted(line));
        assert_eq!(hub.wanted(line).0.len(), 5);
        drop(one);
        hub.heard("t-1", &Hint::Schedule);
        assert!(hub.is_unwanted(line) && hub.retire(line) && hub.channels() == 0);
        assert!(hub.shared().runs.is_empty());
    }

    #[test]
    fn a_run_is_told_of_how_many_topics_nothing_is_heard_and_when_that_is_over() {
        let hub = Hub::default();
        let (one, mut first) = joined(&hub, 0..9_990, Permit::always());
        let (_, mut second) = joined(&hub, 20_000..20_030, Permit::always());
        assert_eq!((all(&mut first), all(&mut second)), (vec![], vec![Hint::Unheard { topics: 20 }]));
        hub.leave(one);
        assert_eq!(all(&mut second), [Hint::Unheard { topics: 0 }]);
    }
}
