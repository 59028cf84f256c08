//! The hub's state and its small steps, each of them whole before the next.
//!
//! Must never: grow without a bound, or believe an answer from a page that was not asked.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use super::remote::Replicas;
use super::{Close, Errand, PAGES_OF_AGENT_MAX, PageId, PageNews, Told};
use crate::hands::companion::protocol::Ended;
use crate::hands::companion::seen::PageSeen;
use crate::words::id::AgentId;
use crate::words::secret::Secret;

/// Commands that wait for one agent's pages at the same time. A run has one under way for an agent.
const COMMANDS_OF_AGENT_MAX: usize = 8;
/// Commands whose answers a page may still give.
const SENT_KEPT: usize = 16;

/// What leads to a page.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) frames: mpsc::Sender<Secret>,
    pub(super) close: watch::Sender<Option<Close>>,
    pub(super) sdk: Option<String>,
}

/// How far a command goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// To the pages on this replica.
    Here,
    /// To the pages on all replicas.
    Everywhere,
}

/// From where an answer is expected.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Here(PageId),
    There(Arc<str>),
}

#[derive(Debug)]
struct Page {
    id: PageId,
    serial: u64,
    link: Link,
    seen: Option<PageSeen>,
    sent: VecDeque<(String, Sent)>,
}

/// How far a command has come on one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Waiting,
    Deferred,
    Over,
}

#[derive(Debug)]
struct Pending {
    agent: AgentId,
    frame: Secret,
    token: Option<Secret>,
    waiting: HashSet<Place>,
    best: Option<Told>,
    tell: Option<oneshot::Sender<Told>>,
}

/// Everything that the hub knows.
#[derive(Debug)]
pub(super) struct State {
    agents: HashMap<AgentId, Vec<Page>>,
    sockets: usize,
    serial: u64,
    pending: HashMap<String, Pending>,
    /// The commands in it, by agent: a push to everybody has as many at the same time as there are agents.
    pending_of: HashMap<AgentId, Vec<String>>,
    prefix: String,
    commands: u64,
    pub(super) replicas: Replicas,
}

impl State {
    pub(super) fn new(prefix: String) -> State {
        State {
            agents: HashMap::new(),
            sockets: 0,
            serial: 0,
            pending: HashMap::new(),
            pending_of: HashMap::new(),
            prefix,
            commands: 0,
            replicas: Replicas::default(),
        }
    }

    pub(super) fn sockets(&self) -> usize {
        self.sockets
    }

    /// The number of the new attachment; `None` when there is no room.
    pub(super) fn attach(&mut self, agent: &AgentId, id: &PageId, link: Link, most: usize) -> Option<u64> {
        let mut sent = VecDeque::new();
        let held = self.agents.get(agent).and_then(|pages| pages.iter().position(|page| page.id == *id));
        if let Some(old) = held.and_then(|at| self.take_out(agent, at)) {
            old.link.close.send_replace(Some(Close::Replaced));
            sent = old.sent;
        } else if self.agents.get(agent).is_some_and(|pages| pages.len() >= PAGES_OF_AGENT_MAX) {
            // They stand in the order in which they came.
            if let Some(oldest) = self.take_out(agent, 0) {
                oldest.link.close.send_replace(Some(Close::Crowded));
            }
        }
        if self.sockets >= most {
            return None;
        }
        self.serial += 1;
        let mut page = Page { id: id.clone(), serial: self.serial, link, seen: None, sent };
        let asked = self.pending_of.get(agent).into_iter().flatten();
        let again = asked.filter_map(|command| Some((command, self.pending.get(command)?)));
        let again = again.filter(|(_, pending)| pending.waiting.contains(&Place::Here(id.clone())));
        for (command, pending) in again {
            // A new queue has room for them: there are fewer commands of one agent than frames in it.
            let _full = page.link.frames.try_send(pending.frame.clone());
            page.note(command);
        }
        self.agents.entry(agent.clone()).or_default().push(page);
        self.sockets += 1;
        Some(self.serial)
    }

    /// Whether the page was still attached.
    pub(super) fn detach(&mut self, agent: &AgentId, serial: u64) -> bool {
        let at = self.agents.get(agent).and_then(|pages| pages.iter().position(|page| page.serial == serial));
        at.and_then(|at| self.take_out(agent, at)).is_some()
    }

    fn take_out(&mut self, agent: &AgentId, at: usize) -> Option<Page> {
        let pages = self.agents.get_mut(agent)?;
        let page = (at < pages.len()).then(|| pages.remove(at))?;
        if pages.is_empty() {
            self.agents.remove(agent);
        }
        self.sockets = self.sockets.saturating_sub(1);
        Some(page)
    }

    fn page(&mut self, agent: &AgentId, serial: u64) -> Option<&mut Page> {
        self.agents.get_mut(agent)?.iter_mut().find(|page| page.serial == serial)
    }

    pub(super) fn report(&mut self, agent: &AgentId, serial: u64, seen: PageSeen) -> Option<PageNews> {
        let page = self.page(agent, serial)?;
        let sdk = seen.sdk.clone().or_else(|| page.link.sdk.clone());
        page.seen = Some(PageSeen { sdk, ..seen });
        Some(PageNews::Seen(agent.clone()))
    }

    /// What the agent's pages on this replica report.
    pub(super) fn seen_here(&self, agent: &AgentId) -> Option<PageSeen> {
        let pages = self.agents.get(agent)?;
        pages.iter().filter_map(Page::says).reduce(PageSeen::with)
    }

    pub(super) fn seen(&self, agent: &AgentId) -> Option<PageSeen> {
        self.seen_here(agent).into_iter().chain(self.replicas.seen(agent)).reduce(PageSeen::with)
    }

    pub(super) fn has_page_here(&self, agent: &AgentId) -> bool {
        self.agents.contains_key(agent)
    }

    pub(super) fn has_page(&self, agent: &AgentId) -> bool {
        self.has_page_here(agent) || self.replicas.of(agent).next().is_some()
    }

    pub(super) fn who_is_here(&self) -> Vec<AgentId> {
        self.agents.keys().cloned().collect()
    }

    pub(super) fn who(&self) -> Vec<AgentId> {
        let mut all = self.who_is_here();
        all.extend(self.replicas.who());
        all.sort();
        all.dedup();
        all
    }

    /// Sends a command, and gives its id; or what there is to tell at once.
    pub(super) fn begin(
        &mut self,
        agent: &AgentId,
        errand: &Errand,
        reach: Reach,
        tell: oneshot::Sender<Told>,
        frame: impl FnOnce(&str) -> Secret,
    ) -> Result<String, Told> {
        if !self.has_page(agent) {
            return Err(Told::NoPage);
        }
        if self.pending_of.get(agent).is_some_and(|asked| asked.len() >= COMMANDS_OF_AGENT_MAX) {
            return Err(Told::Failed("too many commands at once".to_owned()));
        }
        self.commands += 1;
        let id = format!("{}-{}", self.prefix, self.commands);
        let frame = frame(&id);
        let mut waiting: HashSet<Place> = self.send_here(agent, &id, &frame).into_iter().map(Place::Here).collect();
        if reach == Reach::Everywhere {
            let there = self.replicas.command(agent, &id, errand);
            waiting.extend(there.into_iter().map(Place::There));
        }
        if waiting.is_empty() {
            return Err(Told::NoPage);
        }
        let token = errand.token().cloned();
        let pending = Pending { agent: agent.clone(), frame, token, waiting, best: None, tell: Some(tell) };
        self.pending.insert(id.clone(), pending);
        self.pending_of.entry(agent.clone()).or_default().push(id.clone());
        Ok(id)
    }

    /// Puts a frame into the queues of the agent's pages; the pages that have taken it. One whose queue is full is closed.
    fn send_here(&mut self, agent: &AgentId, id: &str, frame: &Secret) -> Vec<PageId> {
        let Some(pages) = self.agents.get_mut(agent) else { return Vec::new() };
        let before = pages.len();
        let mut taken = Vec::new();
        pages.retain_mut(|page| {
            if page.link.frames.try_send(frame.clone()).is_err() {
                page.link.close.send_replace(Some(Close::Slow));
                return false;
            }
            page.note(id);
            taken.push(page.id.clone());
            true
        });
        let closed = before - pages.len();
        if pages.is_empty() {
            self.agents.remove(agent);
        }
        self.sockets = self.sockets.saturating_sub(closed);
        taken
    }

    /// A page's word about a command.
    pub(super) fn done(&mut self, agent: &AgentId, serial: u64, id: &str, ended: Ended) -> Option<PageNews> {
        let page = self.page(agent, serial)?;
        let place = Place::Here(page.id.clone());
        let (_, sent) = page.sent.iter_mut().find(|(sent, _)| sent == id)?;
        let next = if ended == Ended::Deferred { Sent::Deferred } else { Sent::Over };
        match (*sent, next) {
            (Sent::Over, _) | (Sent::Deferred, Sent::Deferred) => None,
            (Sent::Waiting, next) => {
                *sent = next;
                let awaited = self.pending.contains_key(id);
                self.answered(&place, id, ended.clone().into());
                // Nobody waits for a late answer any more, but somebody may want to look.
                (!awaited && next == Sent::Over)
                    .then(|| PageNews::Finished { agent: agent.clone(), told: ended.into() })
            }
            (Sent::Deferred, next) => {
                *sent = next;
                Some(PageNews::Finished { agent: agent.clone(), told: ended.into() })
            }
        }
    }

    /// An answer from a page or a replica. One that was not asked, or has answered, changes nothing.
    pub(super) fn answered(&mut self, place: &Place, id: &str, told: Told) {
        let Some(pending) = self.pending.get_mut(id).filter(|pending| pending.waiting.contains(place)) else { return };
        pending.waiting.remove(place);
        let told = pending.without_token(told);
        if pending.best.as_ref().is_none_or(|best| rank(&told) > rank(best)) {
            pending.best = Some(told);
        }
        let enough = matches!(pending.best, Some(Told::Done | Told::Deferred)) || pending.waiting.is_empty();
        if let Some((tell, best)) = enough.then(|| pending.tell.take().zip(pending.best.clone())).flatten() {
            // Whoever asked may have stopped waiting.
            let _unheard = tell.send(best);
        }
    }

    /// Nothing will come from there any more.
    pub(super) fn gone(&mut self, place: &Place) {
        let waiting: Vec<String> =
            self.pending.iter().filter(|(_, p)| p.waiting.contains(place)).map(|(id, _)| id.clone()).collect();
        for id in waiting {
            self.answered(place, &id, Told::NoPage);
        }
    }

    /// The best answer so far.
    pub(super) fn best(&self, id: &str) -> Told {
        self.pending.get(id).and_then(|pending| pending.best.clone()).unwrap_or(Told::NoAnswer)
    }

    pub(super) fn forget(&mut self, id: &str) {
        let Some(pending) = self.pending.remove(id) else { return };
        let Some(asked) = self.pending_of.get_mut(&pending.agent) else { return };
        asked.retain(|other| other != id);
        if asked.is_empty() {
            self.pending_of.remove(&pending.agent);
        }
    }
}

impl Page {
    fn note(&mut self, command: &str) {
        if self.sent.iter().any(|(id, _)| id == command) {
            return;
        }
        if self.sent.len() >= SENT_KEPT {
            self.sent.pop_front();
        }
        self.sent.push_back((command.to_owned(), Sent::Waiting));
    }

    fn says(&self) -> Option<PageSeen> {
        let deferred = self.sent.iter().any(|(_, sent)| *sent == Sent::Deferred);
        self.seen.clone().map(|seen| PageSeen { deferred, ..seen })
    }
}

impl Pending {
    /// A page must not repeat the token; should one do so, nobody hears it.
    fn without_token(&self, told: Told) -> Told {
        match (told, &self.token) {
            (Told::Failed(why), Some(token)) => Told::Failed(why.replace(token.expose(), "[secret]")),
            (told, _) => told,
        }
    }
}

/// Better answers have higher ranks.
fn rank(told: &Told) -> u8 {
    match told {
        Told::NoPage => 0,
        Told::NoAnswer => 1,
        Told::Failed(_) => 2,
        Told::Deferred => 3,
        Told::Done => 4,
    }
}
