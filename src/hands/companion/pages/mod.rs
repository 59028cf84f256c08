//! The hub of the pages: sockets are attached to it, runs ask it what pages report and command them.
//!
//! It does no I/O of its own: the web room carries frames between it and the sockets, [`Bus`](super::Bus) between it and
//! other replicas. Everything in it is bounded: sockets, pages of one agent, frames that wait for a slow page, commands
//! that wait for an answer, and how long they do.
//!
//! A command has an id, and a page does each id once: it is sent again when the page comes back on a new socket while it
//! is waited for, and an answer that is late, doubled, or about an id that was never sent to that page changes nothing.
//!
//! Must never: wait for a page longer than its bound, or hold its lock across a wait.

mod remote;
mod state;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot, watch};

use self::state::State;
pub use super::protocol::Errand;
use super::protocol::{Ended, FromPage, command};
use super::seen::PageSeen;
pub(super) use remote::Outgoing;

use crate::words::clock::{Clock, Seed};
use crate::words::id::AgentId;
use crate::words::secret::Secret;

/// Pages of one agent; the oldest makes room for a newer one.
pub const PAGES_OF_AGENT_MAX: usize = 4;
/// Frames that wait for one page; a slower one is closed.
pub const FRAMES_WAITING_MAX: usize = 32;
/// News that wait for one listener; a slower one misses some, and is told so.
const NEWS_MAX: usize = 4_096;

/// How the hub works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PagesSettings {
    /// Sockets of this process at most.
    pub companions_max: usize,
    /// How long a command waits for its answer, in ms of real time.
    pub answer_ms: u64,
}

impl Default for PagesSettings {
    fn default() -> PagesSettings {
        PagesSettings { companions_max: 12_000, answer_ms: 5_000 }
    }
}

/// The random id of one load of a page, as its hello gave it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PageId(Arc<str>);

impl PageId {
    /// Takes an id that [`super::protocol::read`] has let through.
    #[must_use]
    pub fn new(text: &str) -> PageId {
        PageId(Arc::from(text))
    }
}

/// What came of a command, over all pages of the agent: the best answer counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The agent has no page.
    NoPage,
    /// A page has done it.
    Done,
    /// A page will do it once the call that is up has ended.
    Deferred,
    /// Every page that answered could not, for this reason.
    Failed(String),
    /// No page has answered in time. It may still do it.
    NoAnswer,
}

impl From<Ended> for Told {
    fn from(ended: Ended) -> Told {
        match ended {
            Ended::Done => Told::Done,
            Ended::Deferred => Told::Deferred,
            Ended::Failed(why) => Told::Failed(why),
        }
    }
}

/// Something has changed about an agent's pages, on whichever replica: a reason to look, and nothing more. Of what happens on
/// another replica within a fifth of a second, only the last is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageNews {
    /// A page has come.
    Come(AgentId),
    /// A page has reported.
    Seen(AgentId),
    /// A page has gone.
    Gone(AgentId),
    /// On this replica a command has ended for which nobody waits any more: it was deferred, or its answer is late.
    Finished {
        /// The agent.
        agent: AgentId,
        /// Done or failed.
        told: Told,
    },
}

impl PageNews {
    /// Whom it is about.
    #[must_use]
    pub fn agent(&self) -> &AgentId {
        match self {
            PageNews::Come(agent) | PageNews::Seen(agent) | PageNews::Gone(agent) => agent,
            PageNews::Finished { agent, .. } => agent,
        }
    }
}

/// Why the hub closes a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// The same page has come on another socket.
    Replaced,
    /// The agent has more pages than are kept, and this is the oldest.
    Crowded,
    /// It reads more slowly than it is written to.
    Slow,
}

impl Close {
    /// The code that the socket is closed with, and the reason beside it.
    #[must_use]
    pub fn code(self) -> (u16, &'static str) {
        match self {
            Close::Replaced => (4409, "this page has another socket"),
            Close::Crowded => (4429, "the agent has too many pages"),
            Close::Slow => (1013, "too slow"),
        }
    }
}

/// There is no room for another socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no room for another companion")]
pub struct Full;

/// The hub. Clones share it.
#[derive(Debug, Clone)]
pub struct Pages {
    state: Arc<Mutex<State>>,
    /// What changes on any replica.
    news: broadcast::Sender<PageNews>,
    /// What changes here.
    here: broadcast::Sender<PageNews>,
    clock: Clock,
    settings: PagesSettings,
}

/// A socket's half of an attachment; the page is gone when [`Attached::page`] is dropped.
#[derive(Debug)]
pub struct Attached {
    /// What is to be sent to the page, in order. Ends when the page is detached.
    pub frames: mpsc::Receiver<Secret>,
    /// Holds a reason as soon as the hub wants the socket closed.
    pub closing: watch::Receiver<Option<Close>>,
    /// The page itself.
    pub page: Page,
}

/// An attached page.
#[derive(Debug)]
pub struct Page {
    pages: Pages,
    agent: AgentId,
    serial: u64,
}

impl Page {
    /// Takes in a frame from the page. A second hello and what is not known change nothing.
    pub fn heard(&self, frame: FromPage) {
        let mut state = self.pages.state();
        let news = match frame {
            FromPage::Report(seen) => state.report(&self.agent, self.serial, *seen),
            FromPage::Done { id, ended } => state.done(&self.agent, self.serial, &id, ended),
            FromPage::Hello(_) | FromPage::Other => None,
        };
        drop(state);
        self.pages.tell(news);
    }
    /// Whose page it is.
    #[must_use]
    pub fn agent(&self) -> &AgentId {
        &self.agent
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if self.pages.state().detach(&self.agent, self.serial) {
            self.pages.tell(Some(PageNews::Gone(self.agent.clone())));
        }
    }
}

impl Pages {
    /// A hub without pages; `clock` says when reports came.
    #[must_use]
    pub fn new(clock: Clock, settings: PagesSettings) -> Pages {
        let ((news, _), (here, _)) = (broadcast::channel(NEWS_MAX), broadcast::channel(NEWS_MAX));
        // Ids of commands are unique over all replicas, and over restarts: a page remembers those that it has done.
        let prefix = format!("{:08x}", Seed::from_system().fork("commands").bits() >> 32);
        Pages { state: Arc::new(Mutex::new(State::new(prefix))), news, here, clock, settings }
    }

    /// The clock that reports are stamped with.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Attaches the socket of a page. The same page on another socket takes that one's place; commands that wait for its
    /// answer are sent to it again.
    ///
    /// # Errors
    /// [`Full`] when this process has as many sockets as it may have.
    pub fn attach(&self, agent: &AgentId, page: &PageId, sdk: Option<String>) -> Result<Attached, Full> {
        let (frames_in, frames) = mpsc::channel(FRAMES_WAITING_MAX);
        let (close, closing) = watch::channel(None);
        let serial = self.state().attach(
            agent,
            page,
            state::Link { frames: frames_in, close, sdk },
            self.settings.companions_max,
        );
        let serial = serial.ok_or(Full)?;
        self.tell(Some(PageNews::Come(agent.clone())));
        Ok(Attached { frames, closing, page: Page { pages: self.clone(), agent: agent.clone(), serial } })
    }

    /// What the agent's pages report now, on whichever replica they are; `None` when there is none, or none has reported.
    #[must_use]
    pub fn seen(&self, agent: &AgentId) -> Option<PageSeen> {
        self.state().seen(agent)
    }

    /// Whether the agent has a page, on whichever replica.
    #[must_use]
    pub fn has_page(&self, agent: &AgentId) -> bool {
        self.state().has_page(agent)
    }

    /// The sockets of this process.
    #[must_use]
    pub fn connected(&self) -> usize {
        self.state().sockets()
    }

    /// Every agent who has a page, on whichever replica, by id.
    #[must_use]
    pub fn who(&self) -> Vec<AgentId> {
        self.state().who()
    }

    /// Hears what changes from now on.
    #[must_use]
    pub fn news(&self) -> broadcast::Receiver<PageNews> {
        self.news.subscribe()
    }

    /// Tells all pages of an agent to do something, and waits for the first that has done it, within the hub's bound.
    /// Dropped half-way, it is as if no page had answered in time.
    pub async fn command(&self, agent: &AgentId, errand: Errand) -> Told {
        self.tell_pages(agent, &errand, state::Reach::Everywhere).await
    }

    /// The same for the pages on this replica only.
    pub(super) async fn command_here(&self, agent: &AgentId, errand: &Errand) -> Told {
        self.tell_pages(agent, errand, state::Reach::Here).await
    }

    async fn tell_pages(&self, agent: &AgentId, errand: &Errand, reach: state::Reach) -> Told {
        let (tell, answer) = oneshot::channel();
        let begun = self.state().begin(agent, errand, reach, tell, |id| command(id, errand));
        let id = match begun {
            Ok(id) => id,
            Err(told) => return told,
        };
        let outstanding = Outstanding { pages: self, id };
        let told = tokio::time::timeout(Duration::from_millis(self.settings.answer_ms), answer).await;
        match told {
            Ok(Ok(told)) => told,
            Ok(Err(_)) | Err(_) => outstanding.best(),
        }
    }

    fn tell(&self, news: Option<PageNews>) {
        if let Some(news) = news {
            // Nobody may be listening.
            let _unheard = self.here.send(news.clone());
            let _unheard = self.news.send(news);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves the value as it was between two of its small steps; it stays usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A command that waits for its answers. When nobody waits any more, what still comes is ignored.
struct Outstanding<'a> {
    pages: &'a Pages,
    id: String,
}

impl Outstanding<'_> {
    fn best(&self) -> Told {
        self.pages.state().best(&self.id)
    }
}

impl Drop for Outstanding<'_> {
    fn drop(&mut self) {
        self.pages.state().forget(&self.id);
    }
}
