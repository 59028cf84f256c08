//! The daemon: Fridays by themselves. It keeps the calendar, stages each publish in time, leads the runs that nobody else
//! leads, resumes what was interrupted, and ends in order.
//!
//! - [`site`]: an organisation as one configuration describes it.
//! - [`calendar`]: one entry of the calendar, from staging it to having missed it.
//! - [`carry`]: one run, from its lease to its reports.
//! - [`counters`]: what became of the publishes, counted.
//! - [`watch`]: which runs there are, and which of them this process takes.
//! - [`news`]: what there is to tell, as values.
//! - [`supervisor`]: what systemd is told.
//!
//! Several replicas on one store need no word between them: the store's leases say who leads which run and which entry.
//! Must never: decide what a run does, or hold one run up because of another.

pub mod calendar;
pub mod carry;
pub mod counters;
pub mod news;
pub mod site;
pub mod supervisor;
pub mod watch;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::maybe_done;
use tokio::sync::Notify;
use tokio::sync::watch::{Receiver, Sender, channel};

use self::calendar::Keeper;
use self::counters::Counters;
use self::news::{News, Teller};
use self::site::Site;
use self::watch::Watch;
use crate::hands::journal::{AnyJournal, Holder, Journal};
use crate::shells::retention::ended_before;
use crate::words::clock::{Clock, Timestamp};

/// A graceful end takes no longer than this, in real time: the driver's own 8 s and a little.
const STOP_WITHIN: Duration = Duration::from_millis(9_500);
/// Old runs are looked for this often, in ms.
const PRUNE_EVERY_MS: i64 = 6 * 3_600_000;

/// How the daemon works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How long a lease lasts, in ms.
    pub lease_ms: i64,
    /// How often the store is asked for runs and orders, in ms.
    pub look_every_ms: i64,
    /// How long runs are kept after they ended, in ms; `None` for ever.
    pub keep_ms: Option<i64>,
}

/// One process of those that serve.
pub struct Daemon {
    /// The store that all replicas share.
    pub journal: Arc<AnyJournal>,
    /// The organisations that are served.
    pub sites: Vec<Arc<Site>>,
    /// This process's name among those that share the store.
    pub holder: Holder,
    /// How it works.
    pub settings: Settings,
    /// Hears what there is to tell.
    pub tell: Teller,
    /// Has it look for runs at once.
    pub look_now: Arc<Notify>,
}

impl Daemon {
    /// Serves until `stop` completes, then ends what is in hand and returns.
    pub async fn serve(&self, stop: impl Future<Output = ()>) {
        let (say_stop, stopping) = channel(false);
        let names = self.sites.iter().flat_map(|site| site.entries.iter().map(|entry| entry.name.clone())).collect();
        self.tell(News::Serving { entries: names });
        supervisor::ready();
        let counters = Counters::new(self.tell.clone());
        // A calendar without entries is kept at once, and that is no reason to end.
        let mut entries = std::pin::pin!(maybe_done(self.keep_calendar(&counters, &stopping)));
        let mut watch = Watch::new(self, counters.clone(), stopping.clone());
        {
            let look = self.look(&mut watch);
            let kept = async {
                entries.as_mut().await;
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = stop => {}
                () = look => {}
                () = kept => {}
            }
        }
        self.end(&say_stop, watch, entries).await;
    }

    /// Looks for runs again and again, and shows the supervisor that it does.
    async fn look(&self, watch: &mut Watch<'_>) {
        let pause = Duration::from_millis(self.settings.look_every_ms.max(1).unsigned_abs());
        let mut pruned_at = Timestamp(i64::MIN);
        loop {
            watch.look().await;
            supervisor::alive(watch.led());
            let now = Clock::System.now();
            if let Some(keep_ms) = self.settings.keep_ms.filter(|_| now.since_ms(pruned_at) >= PRUNE_EVERY_MS) {
                pruned_at = now;
                self.prune(keep_ms).await;
            }
            watch.rest(pause).await;
        }
    }

    /// Each entry of the calendar has a keeper of its own, so that a slow organisation holds only itself up.
    async fn keep_calendar(&self, counters: &Counters, stopping: &Receiver<bool>) {
        let keepers = self.sites.iter().flat_map(|site| (0..site.entries.len()).map(move |at| (site, at)));
        let keepers = keepers.map(|(site, at)| {
            let site = Arc::clone(site);
            Keeper {
                journal: Arc::clone(&self.journal),
                site,
                at,
                holder: self.holder.clone(),
                counters: counters.clone(),
                lease_ms: self.settings.lease_ms,
                tell: self.tell.clone(),
            }
        });
        let kept = keepers.map(|keeper| {
            let stopping = stopping.clone();
            async move { keeper.keep(stopping).await }
        });
        futures_util::future::join_all(kept).await;
    }

    async fn prune(&self, keep_ms: i64) {
        let site_now = self.sites.first().map_or(Clock::System.now(), |site| site.clock.now());
        match ended_before(self.journal.as_ref(), site_now - keep_ms).await {
            Ok(old) => {
                for run in old {
                    match self.journal.forget(&run).await {
                        Ok(()) => self.tell(News::Pruned { run }),
                        Err(e) => self.tell(News::trouble(Some(run), "an old run cannot be deleted", &e)),
                    }
                }
            }
            Err(e) => self.tell(News::trouble(None, "old runs cannot be looked for", &e)),
        }
    }

    async fn end(&self, say_stop: &Sender<bool>, watch: Watch<'_>, entries: impl Future<Output = ()>) {
        supervisor::stopping();
        self.tell(News::Stopping { led: watch.led() });
        // Nobody may be listening any more; then there is nothing to end.
        let _ = say_stop.send(true);
        let all = async { tokio::join!(watch.end(), entries) };
        let ended = tokio::time::timeout(STOP_WITHIN, all).await;
        self.tell(News::Stopped { in_order: ended.is_ok() });
    }

    fn tell(&self, news: News) {
        (self.tell)(news);
    }
}

/// Completes when the daemon has been asked to end.
async fn stopped(mut stopping: Receiver<bool>) {
    // A sender that is gone has ended without asking; then nobody goes on either.
    let _ = stopping.wait_for(|stop| *stop).await;
}
