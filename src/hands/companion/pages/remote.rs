//! The pages on other replicas, as the bus tells of them; and what is to be told to them.
//!
//! Must never: keep what a replica said that is not heard of any more, or hand a token on.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{broadcast, mpsc};

use super::state::Place;
use super::{Errand, PageNews, Pages, Told};
use crate::hands::companion::seen::PageSeen;
use crate::hands::companion::slip;
use crate::words::clock::Moment;
use crate::words::id::AgentId;

/// A replica that has not been heard of for this long is gone, in ms: three of the bus's signs of life.
const SILENT_MS: i64 = 15_000;
/// Replicas that are kept at the same time; there are a handful.
const REPLICAS_MAX: usize = 64;

/// A command for the pages of an agent on another replica. The replica takes the token, if one goes with it, from the
/// vault that all share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hands::companion) struct Outgoing {
    /// The replica.
    pub(in crate::hands::companion) to: Arc<str>,
    /// The command.
    pub(in crate::hands::companion) id: String,
    /// Whose pages.
    pub(in crate::hands::companion) agent: AgentId,
    /// What they are to do: the protocol's word.
    pub(in crate::hands::companion) errand: &'static str,
    /// The mark of the token that goes with it, if one does.
    pub(in crate::hands::companion) token: Option<String>,
    /// What is shown to the agent, for `notify`.
    pub(in crate::hands::companion) words: Option<String>,
}

/// What the other replicas have said.
#[derive(Debug, Default)]
pub(super) struct Replicas {
    bus: Option<mpsc::Sender<Outgoing>>,
    known: HashMap<Arc<str>, Replica>,
}

#[derive(Debug)]
struct Replica {
    heard: Moment,
    pages: HashMap<AgentId, There>,
}

#[derive(Debug)]
struct There {
    /// The number of the account in which it stood last.
    account: u64,
    seen: Option<PageSeen>,
}

impl Replicas {
    fn live(&self) -> impl Iterator<Item = (&Arc<str>, &Replica)> {
        let now = Moment::now();
        self.known.iter().filter(move |(_, replica)| !replica.heard.is_past(SILENT_MS, now))
    }
    /// The replicas on which the agent has a page.
    pub(super) fn of(&self, agent: &AgentId) -> impl Iterator<Item = &Arc<str>> {
        self.live().filter(|(_, replica)| replica.pages.contains_key(agent)).map(|(name, _)| name)
    }
    pub(super) fn seen(&self, agent: &AgentId) -> impl Iterator<Item = PageSeen> {
        self.live().filter_map(|(_, replica)| replica.pages.get(agent)?.seen.clone())
    }
    pub(super) fn who(&self) -> impl Iterator<Item = AgentId> {
        self.live().flat_map(|(_, replica)| replica.pages.keys().cloned())
    }
    /// Hands a command to the bus; the replicas that it goes to.
    pub(super) fn command(&self, agent: &AgentId, id: &str, errand: &Errand) -> Vec<Arc<str>> {
        let Some(bus) = &self.bus else { return Vec::new() };
        let words = match errand {
            Errand::Notify(words) => Some(words.clone()),
            Errand::Token(_) | Errand::Renew(_) | Errand::Revive(_) | Errand::Report => None,
        };
        let outgoing = |to: &Arc<str>| Outgoing {
            to: Arc::clone(to),
            id: id.to_owned(),
            agent: agent.clone(),
            errand: errand.word(),
            token: errand.token().map(slip::mark),
            words: words.clone(),
        };
        // A bus that cannot keep up takes no more; then the command has not gone there.
        self.of(agent).filter(|to| bus.try_send(outgoing(to)).is_ok()).cloned().collect()
    }
    fn heard(&mut self, replica: &str) -> Option<&mut Replica> {
        let now = Moment::now();
        self.known.retain(|_, known| !known.heard.is_past(SILENT_MS, now));
        if !self.known.contains_key(replica) && self.known.len() >= REPLICAS_MAX {
            return None;
        }
        let known = self.known.entry(Arc::from(replica));
        let known = known.or_insert_with(|| Replica { heard: now, pages: HashMap::new() });
        known.heard = now;
        Some(known)
    }
}

impl Replica {
    /// What has changed by it.
    fn take_in(
        &mut self,
        most: usize,
        account: u64,
        agent: AgentId,
        page: Option<Option<PageSeen>>,
    ) -> Option<PageNews> {
        let Some(seen) = page else { return self.pages.remove(&agent).map(|_| PageNews::Gone(agent)) };
        let room = self.pages.len() < most;
        match self.pages.get_mut(&agent) {
            Some(there) => {
                there.account = account;
                let before = std::mem::replace(&mut there.seen, seen);
                (before != there.seen).then_some(PageNews::Seen(agent))
            }
            None if room => {
                self.pages.insert(agent.clone(), There { account, seen });
                Some(PageNews::Come(agent))
            }
            None => None,
        }
    }
}

/// For the bus alone.
impl Pages {
    /// From now on commands for pages on other replicas go into `bus`.
    pub(in crate::hands::companion) fn join(&self, bus: mpsc::Sender<Outgoing>) {
        self.state().replicas.bus = Some(bus);
    }
    /// Nobody is heard of any more, and commands stay here.
    pub(in crate::hands::companion) fn leave(&self) {
        let mut state = self.state();
        state.replicas.bus = None;
        state.replicas.known.clear();
    }
    /// Hears what changes here, and nothing of other replicas: what they have told is not told to them.
    pub(in crate::hands::companion) fn news_from_here(&self) -> broadcast::Receiver<PageNews> {
        self.here.subscribe()
    }
    fn tell_of_others(&self, news: impl IntoIterator<Item = PageNews>) {
        for news in news {
            // Nobody may be listening.
            let _unheard = self.news.send(news);
        }
    }
    /// A replica lives.
    pub(in crate::hands::companion) fn hears_from(&self, replica: &str) {
        let _kept = self.state().replicas.heard(replica);
    }
    /// A replica has ended; nobody waits for its answers.
    pub(in crate::hands::companion) fn left(&self, replica: &str) {
        let mut state = self.state();
        let had = state.replicas.known.remove(replica);
        state.gone(&Place::There(Arc::from(replica)));
        drop(state);
        let agents = had.into_iter().flat_map(|had| had.pages.into_keys());
        self.tell_of_others(agents.map(PageNews::Gone));
    }
    /// What a replica says of an agent's pages there: `Some(None)` is a page that has not reported yet.
    pub(in crate::hands::companion) fn there(
        &self,
        replica: &str,
        account: u64,
        agent: AgentId,
        page: Option<Option<PageSeen>>,
    ) {
        // No replica has more pages than one may have sockets.
        let most = self.settings.companions_max.saturating_mul(2);
        let mut state = self.state();
        let news = state.replicas.heard(replica).and_then(|known| known.take_in(most, account, agent, page));
        drop(state);
        self.tell_of_others(news);
    }
    /// A replica has given a whole account; what does not stand in it is gone.
    pub(in crate::hands::companion) fn accounted(&self, replica: &str, account: u64) {
        let mut state = self.state();
        let Some(known) = state.replicas.heard(replica) else { return };
        let gone = known.pages.extract_if(|_, there| there.account < account);
        let gone: Vec<AgentId> = gone.map(|(agent, _)| agent).collect();
        drop(state);
        self.tell_of_others(gone.into_iter().map(PageNews::Gone));
    }
    /// A replica's answer to a command.
    pub(in crate::hands::companion) fn answered_there(&self, replica: &str, id: &str, told: Told) {
        self.state().answered(&Place::There(Arc::from(replica)), id, told);
    }
    /// Every agent with a page on this replica.
    pub(in crate::hands::companion) fn who_is_here(&self) -> Vec<AgentId> {
        self.state().who_is_here()
    }
    /// What is to be told of an agent's pages here; `None` when there is none.
    pub(in crate::hands::companion) fn here(&self, agent: &AgentId) -> Option<Option<PageSeen>> {
        let state = self.state();
        state.has_page_here(agent).then(|| state.seen_here(agent))
    }
}
