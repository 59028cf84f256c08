//! One run in the daemon's hands: the lease, the history, the drive, the reports.
//!
//! Must never: drive by a history that was read before the lease was held, lead what is not ours, or keep the lease when it
//! is done.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch::Receiver;

use super::counters::Counters;
use super::news::{News, Teller, chain};
use super::site::Site;
use super::{Settings, stopped};
use crate::hands::journal::{AnyJournal, Holder, Journal, JournalError};
use crate::law::event::{Event, Record};
use crate::law::pace::Party;
use crate::law::run::{BadJournal, Run};
use crate::shells::driver::{Driver, Ended, ForPeople};
use crate::shells::leader::Leader;
use crate::shells::perform::{Hands, VaultEar};
use crate::shells::report::notices::notices;
use crate::shells::report::{Story, write_all};
use crate::shells::telemetry::figures::Figures;
use crate::words::id::RunId;

/// How it ended for this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// Nothing more will happen in this run without a person.
    Over,
    /// It belongs to an organisation that is not served here.
    NotOurs,
    /// Its journal cannot be followed, and no later look at the same records will.
    Unreadable,
    /// Somebody else leads it.
    Led,
    /// It goes on, elsewhere or later.
    LetGo,
}

/// Why a run's history could not be taken in.
#[derive(Debug, thiserror::Error)]
enum Unread {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("its journal cannot be followed")]
    Bad(#[from] BadJournal),
}

/// What one run is carried with.
pub struct Carrier {
    /// The store.
    pub journal: Arc<AnyJournal>,
    /// The organisations that are served.
    pub sites: Vec<Arc<Site>>,
    /// This process.
    pub holder: Holder,
    /// How the daemon works.
    pub settings: Settings,
    /// Whose share of the rate budget the run spends.
    pub party: Party,
    /// Counts what becomes of its publish.
    pub counters: Counters,
    /// Hears what there is to tell.
    pub tell: Teller,
}

impl Carrier {
    /// Carries a run as far as it goes, unless somebody else does.
    pub async fn carry(&self, id: &RunId, stopping: Receiver<bool>) -> Carried {
        // Whose a run is never changes, so that is asked before the lease: another's run is not led, not even for a moment.
        let run = match self.read(id).await {
            Ok((records, run)) if run.is_over() => {
                (self.tell)(News::Over { run: id.clone(), figures: Box::new(Figures::of(&records)) });
                return Carried::Over;
            }
            Ok((_, run)) => run,
            Err(e) => return self.cannot_read(id, &e),
        };
        let Some(site) = self.sites.iter().find(|site| site.owns(&run.plan)) else {
            let api = run.plan.api.clone().unwrap_or_else(|| "a host that was not kept".to_owned());
            (self.tell)(News::NotOurs { run: id.clone(), api });
            return Carried::NotOurs;
        };
        let leader = match Leader::take(&self.journal, id, &self.holder, self.settings.lease_ms).await {
            Ok(Some(leader)) => leader,
            Ok(None) => return Carried::Led,
            Err(e) => return self.let_go(id, chain(&e)),
        };
        let (records, run) = match self.read(id).await {
            Ok(read) => read,
            Err(e) => {
                leader.release().await;
                return self.cannot_read(id, &e);
            }
        };
        if run.is_over() {
            // Somebody brought it to its end between the two looks.
            leader.release().await;
            (self.tell)(News::Over { run: id.clone(), figures: Box::new(Figures::of(&records)) });
            (self.tell)(News::Ended { run: id.clone(), phase: run.phase });
            return Carried::Over;
        }
        site.client.org().expect(&run.plan);
        let figures = Box::new(Figures::of(&records));
        (self.tell)(News::Leading { run: id.clone(), phase: run.phase, figures });
        self.drive(id, site, leader, run, records, stopping).await
    }

    async fn read(&self, id: &RunId) -> Result<(Vec<Record>, Run), Unread> {
        let records = self.journal.load::<Event>(id).await?;
        let run = Run::replay(&records)?;
        Ok((records, run))
    }

    async fn drive(
        &self,
        id: &RunId,
        site: &Site,
        leader: Leader<AnyJournal>,
        mut run: Run,
        mut records: Vec<Record>,
        stopping: Receiver<bool>,
    ) -> Carried {
        let driver = self.driver(site, leader);
        let mut story = Story::of(&records);
        let mut publish = self.counters.follow(&records);
        let listen = |record: &Record| {
            story.hear(record);
            let words = notices(record, &story);
            (self.tell)(News::Recorded { run: id.clone(), record: record.clone(), words });
            publish.hear(&record.event);
            records.push(record.clone());
        };
        let driven = driver.drive(&mut run, listen, stopped(stopping)).await;
        driver.leader.release().await;
        match driven {
            Ok(Ended::Over) => {
                self.report(id, site, records).await;
                (self.tell)(News::Ended { run: id.clone(), phase: run.phase });
                Carried::Over
            }
            Ok(Ended::Interrupted | Ended::Waits) => Carried::LetGo,
            Err(e) => self.let_go(id, chain(&e)),
        }
    }

    fn driver(&self, site: &Site, leader: Leader<AnyJournal>) -> Driver<AnyJournal> {
        let client = site.client.for_party(self.party).permitted_by(leader.permit());
        let (tell, run) = (self.tell.clone(), leader.lease().run.clone());
        let ear = VaultEar::new(move |e| tell(News::trouble(Some(run.clone()), "the vault cannot be used", e)));
        let hands = Hands {
            client,
            hooks: site.hooks.clone(),
            vault: site.vault.clone(),
            pages: site.pages.clone(),
            preflights: Arc::clone(&site.preflights),
            ear: Arc::new(ear),
        };
        Driver {
            journal: Arc::clone(&self.journal),
            leader,
            hands: Arc::new(hands),
            clock: site.clock,
            look_every: Duration::from_millis(self.settings.look_every_ms.max(1).unsigned_abs()),
            for_people: ForPeople::Wait,
        }
    }

    /// Apart from everything else: drawing a report takes long enough to make another run's publish late.
    async fn report(&self, id: &RunId, site: &Site, records: Vec<Record>) {
        let (folder, templates) = (site.reports.join(id.as_str()), site.templates.clone());
        let written = tokio::task::spawn_blocking(move || write_all(&records, &folder, templates.as_deref())).await;
        let trouble = |e: &(dyn std::error::Error + 'static)| {
            (self.tell)(News::trouble(Some(id.clone()), "the report cannot be written as it should be", e));
        };
        match written {
            // The built-in templates have taken the place of those that are broken.
            Ok(Ok(written)) => written.troubles.iter().for_each(|e| trouble(e.as_ref())),
            Ok(Err(e)) => trouble(&e),
            // A bug of ours in the report is no end of the daemon.
            Err(e) => trouble(&e),
        }
    }

    fn cannot_read(&self, id: &RunId, why: &Unread) -> Carried {
        let carried = self.let_go(id, chain(why));
        match why {
            Unread::Journal(JournalError::Newer { .. } | JournalError::Corrupt { .. }) | Unread::Bad(_) => {
                Carried::Unreadable
            }
            Unread::Journal(_) => carried,
        }
    }

    fn let_go(&self, id: &RunId, why: String) -> Carried {
        (self.tell)(News::LetGo { run: id.clone(), why });
        Carried::LetGo
    }
}
