//! What the API, the dashboard and inbound webhooks work with: who may come in, the runs, the calendar, the daemon's ear.
//!
//! Must never: show a run of another organisation that shares the store.

use std::sync::Arc;

use tokio::sync::{Notify, Semaphore};

use super::book::Book;
use super::inbound::Senders;
use super::peers::Peers;
use crate::hands::access::Access;
use crate::hands::journal::{AnyJournal, Holder};
use crate::shells::daemon::news::{News, Teller};
use crate::shells::daemon::site::Site;

/// Wrong keys of one peer within a minute; after that it is told to wait.
const WRONG_KEYS_MAX: u32 = 60;
/// Roll calls at the same time: each reads a whole business unit, and the publish's calls come first.
const CHECKS_AT_ONCE: usize = 1;
/// Stagings at the same time.
const STAGES_AT_ONCE: usize = 1;
/// Reports that are drawn at the same time.
const REPORTS_AT_ONCE: usize = 1;
/// Those who follow runs at the same time.
const LISTENERS_MAX: usize = 256;

/// What the API works with.
pub struct Office {
    pub(super) access: Arc<Access>,
    pub(super) journal: Arc<AnyJournal>,
    pub(super) site: Arc<Site>,
    pub(super) book: Arc<Book>,
    /// This process.
    pub(super) holder: Holder,
    /// Has the daemon look for runs at once.
    pub(super) look_now: Arc<Notify>,
    /// Who may send webhooks.
    pub(super) senders: Senders,
    pub(super) wrong_keys: Peers,
    pub(super) checks: Arc<Semaphore>,
    pub(super) stages: Semaphore,
    pub(super) reports: Semaphore,
    pub(super) listeners: Arc<Semaphore>,
    tell: Teller,
}

impl Office {
    /// An office for one organisation. `look_now` wakes the daemon of this process.
    #[must_use]
    pub fn new(
        access: Arc<Access>,
        journal: Arc<AnyJournal>,
        site: Arc<Site>,
        book: Arc<Book>,
        holder: Holder,
        look_now: Arc<Notify>,
        tell: Teller,
    ) -> Office {
        Office {
            access,
            journal,
            site,
            book,
            holder,
            look_now,
            senders: Senders::new(),
            wrong_keys: Peers::forgiving(WRONG_KEYS_MAX),
            checks: Arc::new(Semaphore::new(CHECKS_AT_ONCE)),
            stages: Semaphore::new(STAGES_AT_ONCE),
            reports: Semaphore::new(REPORTS_AT_ONCE),
            listeners: Arc::new(Semaphore::new(LISTENERS_MAX)),
            tell,
        }
    }

    /// The same with those who may send webhooks.
    #[must_use]
    pub fn with_senders(self, senders: Senders) -> Office {
        Office { senders, ..self }
    }

    pub(super) fn tell(&self, news: News) {
        (self.tell)(news);
    }
}
