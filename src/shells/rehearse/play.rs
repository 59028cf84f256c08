//! The rehearsal itself: a twin on 127.0.0.1, an org client for it, a vault with the twin's enrolments, and then what every
//! real run does: stage, drive, report.
//!
//! Must never: take a shortcut that a real run could not take; the twin's truth is looked at only afterwards.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::beside::Beside;
use super::companions::Companions;
use super::folder::{Folder, FolderError};
use super::setting::{Setting, org_settings};
use super::truth::Audit;
use crate::hands::companion::Pages;
use crate::hands::genesys::hosts::BadHost;
use crate::hands::genesys::{Client, Org, Wire};
use crate::hands::hook::{HookLimits, Hooks};
use crate::hands::journal::{JournalError, SqliteJournal};
use crate::hands::vault::{Vault, VaultError, new_key};
use crate::law::event::Record;
use crate::law::run::Run;
use crate::shells::driver::{DriveError, Driver, Ended, ForPeople, LOOK_EVERY};
use crate::shells::leader::{LEASE_MS, Leader, myself};
use crate::shells::live;
use crate::shells::perform::Hands;
use crate::shells::report::{Display, ReportError, write_all};
use crate::shells::stage::{History, Refusal, Staged, Tools, stage};
use crate::twin::Twin;
use crate::twin::serve::{Options, Served};
use crate::words::clock::Clock;
use crate::words::http::Lost;
use crate::words::secret::{Grant, Secret};

/// Why a rehearsal could not be played.
#[derive(Debug, thiserror::Error)]
pub enum RehearseError {
    /// No folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The twin could not be put behind a socket.
    #[error("the simulated org cannot listen on 127.0.0.1")]
    Listen(#[from] std::io::Error),
    /// The twin's address is not one of this machine: a bug of ours.
    #[error("the simulated org's address cannot be used")]
    Host(#[from] BadHost),
    /// No HTTP client.
    #[error("no HTTP client can be made")]
    Wire(#[from] Lost),
    /// The vault.
    #[error("the rehearsal's vault cannot be used")]
    Vault(#[from] VaultError),
    /// The journal.
    #[error("the rehearsal's journal cannot be used")]
    Journal(#[from] JournalError),
    /// Somebody else has its lease: a bug of ours, since nobody knows of its journal.
    #[error("another process leads the rehearsal's run")]
    Led,
    /// Staging refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The run could not go on.
    #[error("the run could not go on")]
    Drive(#[from] DriveError),
    /// The reports could not be written.
    #[error("the reports cannot be written")]
    Report(#[from] ReportError),
}

/// What a rehearsal is played with.
#[derive(Debug, Clone)]
pub struct Rehearsal {
    /// What is played.
    pub setting: Setting,
    /// Where its things are kept.
    pub out: PathBuf,
    /// The organisation's hooks.
    pub hooks: PathBuf,
    /// Exchanges that the twin records; 0 for none.
    pub exchanges_max: usize,
}

/// A rehearsal that was played.
pub struct Rehearsed {
    /// How driving ended.
    pub ended: Ended,
    /// The run at its end.
    pub run: Run,
    /// What was staged.
    pub staged: Staged,
    /// Every record of the journal.
    pub records: Vec<Record>,
    /// The reports.
    pub reports: Vec<PathBuf>,
    /// What the twin counted, held against the verdicts.
    pub audit: Audit,
    /// The twin as the run left it.
    pub twin: Twin,
    /// The twin as it was served.
    pub served: Served,
}

impl Rehearsed {
    /// The same Friday without softlanding, beside this one.
    #[must_use]
    pub fn beside(&self, setting: &Setting) -> Beside {
        Beside::of(setting, self.twin.clone())
    }
}

/// Plays a rehearsal. `staged` hears what was staged before the run begins; `display` follows the run.
///
/// # Errors
/// [`RehearseError`]; a run that stops or settles with stragglers is no error.
pub async fn rehearse(
    rehearsal: &Rehearsal,
    display: &mut Display,
    staged_is: impl FnOnce(&Staged, Clock),
    stop: impl Future<Output = ()>,
) -> Result<Rehearsed, RehearseError> {
    let setting = &rehearsal.setting;
    let folder = Folder::fresh(&rehearsal.out)?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let clock = Clock::scaled(setting.begins_at(), setting.speed);
    let mut twin = Twin::new(setting.scenario.clone(), setting.seed.clone(), setting.publish_at, &url);
    twin.advance(setting.begins_at());
    let key = new_key()?;
    let vault = Arc::new(enrol(&twin, &folder.vault(), &key, clock).await?);
    let served = Served::new(twin, clock, Options { exchanges_max: rehearsal.exchanges_max });
    let (end, ended) = oneshot::channel::<()>();
    let serving = tokio::spawn(served.clone().run(listener, async move {
        let _ = ended.await;
    }));
    let client = Client::new(Org::new(org_settings(&url)?), Wire::new(clock)?, clock);
    let companions = Companions::open(served.twin(), &client, &vault, &key).await?;
    let played = play(rehearsal, &folder, client, vault, companions.pages.clone(), display, staged_is, stop).await;
    drop(companions);
    let truth = served.truth();
    let twin = served.twin().lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    let _ = end.send(());
    serving.abort();
    let (run_ended, run, staged, records) = played?;
    let audit = Audit::of(&run, &truth);
    let reports = write_all(&records, folder.path(), None)?.files;
    Ok(Rehearsed { ended: run_ended, run, staged, records, reports, audit, twin, served })
}

/// What a real run does, with the twin in the region's place.
#[expect(clippy::too_many_arguments, reason = "the pieces of one rehearsal, used once")]
async fn play(
    rehearsal: &Rehearsal,
    folder: &Folder,
    client: Client,
    vault: Arc<Vault>,
    pages: Pages,
    display: &mut Display,
    staged_is: impl FnOnce(&Staged, Clock),
    stop: impl Future<Output = ()>,
) -> Result<(Ended, Run, Staged, Vec<Record>), RehearseError> {
    let clock = client.clock();
    let hooks = Hooks::new(rehearsal.hooks.clone(), HookLimits::default());
    let journal = Arc::new(SqliteJournal::open(&folder.journal()).await?);
    let history = History::default();
    let tools = Tools { client: &client, vault: Some(vault.as_ref()), hooks: &hooks, history: &history };
    let staged = stage(&rehearsal.setting.request(), &tools, clock.now()).await?.record(journal.as_ref()).await?;
    staged_is(&staged, clock);
    client.org().expect(&staged.plan);
    let mut run = Run::staged(Arc::clone(&staged.plan));
    staged.records.iter().skip(1).for_each(|record| run.apply(record.at, &record.event));
    let leader = Leader::take(&journal, &staged.run, &myself(), LEASE_MS).await?.ok_or(RehearseError::Led)?;
    let hands = Arc::new(Hands {
        client: client.permitted_by(leader.permit()),
        hooks,
        vault: Some(vault),
        pages: Some(pages),
        preflights: Arc::default(),
        ear: Arc::default(),
    });
    let driver = Driver { journal, leader, hands, clock, look_every: LOOK_EVERY, for_people: ForPeople::Wait };
    let (ended, fresh) = live::drive(&driver, &mut run, &staged.records, display, stop).await?;
    let records = staged.records.iter().cloned().chain(fresh).collect();
    Ok((ended, run, staged, records))
}

/// A vault whose key is kept nowhere, holding what the organisation's own app would hand over.
async fn enrol(twin: &Twin, path: &Path, key: &Secret, clock: Clock) -> Result<Vault, RehearseError> {
    let vault = Vault::open(path, key).await?.by(clock);
    let grant = |refresh_token| Grant { refresh_token, access_token: None };
    let enrolments = twin.enrolments().into_iter().map(|(agent, name, token)| (agent, name, grant(token)));
    vault.import(&enrolments.collect::<Vec<_>>()).await?;
    Ok(vault)
}
