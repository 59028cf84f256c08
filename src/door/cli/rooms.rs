//! The web rooms of `serve`: one for each configuration that has `[web]`, with the bus to other replicas where there can be
//! any.
//!
//! Must never: open a room before every configuration has been read, or let a room that fails end the runs.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::door::cli::joined::with_companions;
use crate::door::cli::open;
use crate::door::config::{Config, PeopleSettings, PeopleWay, StorePlace, WebSettings};
use crate::door::error::{ExitCode, Failure};
use crate::hands::access::Access;
use crate::hands::companion::{Bus, Pages, PagesSettings, TokenOf};
use crate::hands::hook::signature::SigningKeys;
use crate::hands::journal::{AnyJournal, Holder};
use crate::hands::vault::Vault;
use crate::shells::daemon::news::{News, Teller};
use crate::shells::daemon::site::Site;
use crate::shells::telemetry::{self, Telemetry};
use crate::shells::web::people::{People, Roles};
use crate::shells::web::{Book, Desk, Nudges, Office, Sender, Senders, Settings, Web, org_name};
use crate::words::clock::Clock;

/// Open files beside those of the companions: stores, calls to the platform, sign-ins, pages on their way in.
const FILES_BESIDE: u64 = 1_024;
/// What is over is taken out of the store this often, in ms.
const SWEEP_EVERY_MS: u64 = 3_600_000;
/// The rooms may take so long to close, in ms.
const CLOSE_MS: u64 = 3_000;

/// What all rooms of a process share.
pub(super) struct Shared {
    /// The store of runs.
    pub(super) journal: Arc<AnyJournal>,
    /// Who may use softlanding from outside; there wherever a configuration has a room.
    pub(super) access: Option<Arc<Access>>,
    /// Has those look who follow a run.
    pub(super) nudges: Arc<Nudges>,
    /// This process.
    pub(super) holder: Holder,
    /// Has the daemon look for runs.
    pub(super) look_now: Arc<Notify>,
    /// How the process is.
    pub(super) telemetry: Telemetry,
}

/// Rooms that have their addresses and are not open yet.
pub(super) struct Rooms {
    tell: Teller,
    shared: Shared,
    webs: Vec<(Web, String)>,
    buses: Vec<Bus>,
    telemetry: Option<(Telemetry, TcpListener)>,
    /// Open files that all rooms together may need.
    files: u64,
}

/// Rooms that are open.
pub(super) struct Open {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Rooms {
    pub(super) fn new(tell: Teller, shared: Shared) -> Rooms {
        Rooms { tell, shared, webs: Vec::new(), buses: Vec::new(), telemetry: None, files: 0 }
    }

    /// Prepares the room of a site, if it has one.
    pub(super) async fn add(&mut self, config: &Config, site: &Arc<Site>) -> Result<(), Failure> {
        let Some(web) = &config.web else { return Ok(()) };
        let desk = self.desk(config, web, site).await?.with_telemetry(self.shared.telemetry.clone());
        let desk = match &self.shared.access {
            Some(access) => desk.with_office(self.office(site, access).with_senders(senders(config).await?)),
            None => desk,
        };
        let desk = match people(config, site.clock).await? {
            Some(people) => desk.with_people(people),
            None => desk,
        };
        let bound = Web::bind(desk).await.map_err(|e| {
            Failure::new(ExitCode::Access, format!("nobody can listen at {}", web.listen))
                .because(e)
                .hint("another program may have the address, or another configuration: [web] listen names one for each")
        })?;
        self.webs.push((bound, web.public_url.clone()));
        if let (StorePlace::Postgres { url, password }, Some(pages)) = (&config.store.place, &site.pages) {
            let password = open::secret(password.as_ref()).await?;
            let tokens = token_of(site.vault.clone(), site.clock);
            let org = org_name(&site.client);
            self.buses.push(Bus::new(pages.clone(), url, password.as_ref(), &org, tokens)?);
        }
        Ok(())
    }

    /// The desk: for agents' pages as well where there may be any.
    async fn desk(&mut self, config: &Config, web: &WebSettings, site: &Site) -> Result<Desk, Failure> {
        let (client, vault, tell) = (site.client.clone(), site.vault.clone(), self.tell.clone());
        let (Some(pages), Some(keys)) = (&site.pages, &config.vault) else {
            self.make_space(0);
            return Ok(Desk::plain(settings(web), client, vault, tell));
        };
        self.make_space(web.companions_max);
        let (key, old_key) = (keys.key.resolve().await?, keys.old_key.as_ref());
        let desk = Desk::new(settings(web), pages.clone(), client, vault, &key, tell)?;
        Ok(match open::secret(old_key).await? {
            Some(old_key) => desk.after_key(&old_key)?,
            None => desk,
        })
    }

    fn office(&self, site: &Arc<Site>, access: &Arc<Access>) -> Office {
        let Shared { journal, nudges, holder, look_now, .. } = &self.shared;
        let book = Book::new(Arc::clone(journal), Arc::clone(site), Arc::clone(nudges));
        Office::new(
            Arc::clone(access),
            Arc::clone(journal),
            Arc::clone(site),
            Arc::new(book),
            holder.clone(),
            Arc::clone(look_now),
            self.tell.clone(),
        )
    }

    /// Prepares the address at which machines ask, if the configuration names one.
    pub(super) async fn measure(&mut self, config: &Config) -> Result<(), Failure> {
        let Some(listen) = config.telemetry.listen else { return Ok(()) };
        let listener = TcpListener::bind(listen).await.map_err(|e| {
            Failure::new(ExitCode::Access, format!("nobody can listen at {listen}"))
                .because(e)
                .hint("another program may have the address; [telemetry] listen names it")
        })?;
        self.telemetry = Some((self.shared.telemetry.clone(), listener));
        Ok(())
    }

    /// Each socket is an open file, and most systems start a process with 1,024; more are its own to take, up to a limit
    /// that only the system's owner can raise.
    fn make_space(&mut self, companions: usize) {
        self.files = self.files.saturating_add(companions as u64).saturating_add(FILES_BESIDE);
        let limit = getrlimit(Resource::Nofile);
        let enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= self.files);
        if enough(limit.current) {
            return;
        }
        let current = if enough(limit.maximum) { Some(self.files) } else { limit.maximum };
        let raised = setrlimit(Resource::Nofile, Rlimit { current, maximum: limit.maximum });
        if raised.is_err() || !enough(current) {
            (self.tell)(News::Trouble {
                run: None,
                what: format!("the web room with {companions} companions needs {} open files", self.files),
                why: format!(
                    "this process may have {}; raise LimitNOFILE of its unit, or lower [web] companions_max",
                    limit.maximum.map_or_else(|| "fewer".to_owned(), |most| most.to_string())
                ),
            });
        }
    }

    /// Opens them.
    pub(super) fn open(self) -> Open {
        let (stop, stopping) = watch::channel(false);
        let mut tasks = Vec::new();
        for (web, url) in self.webs {
            let (tell, stopping) = (self.tell.clone(), stopping.clone());
            tasks.push(tokio::spawn(async move {
                if let Ok(at) = web.address() {
                    tell(News::Listening { at: at.to_string(), url });
                }
                if let Err(e) = web.serve(stopping).await {
                    tell(News::trouble(None, "the web room has closed", &e));
                }
            }));
        }
        if let Some((telemetry, listener)) = self.telemetry {
            let (tell, stopping) = (self.tell.clone(), stopping.clone());
            tasks.push(tokio::spawn(async move {
                if let Ok(at) = listener.local_addr() {
                    tell(News::Telemetry { at: at.to_string() });
                }
                if let Err(e) = telemetry::room::serve(telemetry, listener, stopping).await {
                    tell(News::trouble(None, "nobody can ask for metrics any more", &e));
                }
            }));
        }
        if let Some(access) = self.shared.access {
            tasks.push(tokio::spawn(swept(access, self.tell.clone(), stopping.clone())));
        }
        for bus in self.buses {
            let (tell, mut stopping) = (self.tell.clone(), stopping.clone());
            tasks.push(tokio::spawn(async move {
                let stop = async {
                    // A sender that is gone has ended without asking.
                    let _ = stopping.wait_for(|stop| *stop).await;
                };
                let trouble = |error: Option<&sqlx::Error>| match error {
                    Some(e) => tell(News::trouble(None, "pages on other replicas cannot be reached", e)),
                    None => tell(News::PagesBack),
                };
                bus.run(stop, trouble).await;
            }));
        }
        Open { stop, tasks }
    }
}

/// Takes away, now and then, sessions that are over and answers that nobody asks for again.
async fn swept(access: Arc<Access>, tell: Teller, mut stopping: watch::Receiver<bool>) {
    loop {
        if let Err(e) = access.sweep(Clock::System.now()).await {
            tell(News::trouble(None, "old sessions and answers cannot be taken away", &e));
        }
        let pause = tokio::time::sleep(Duration::from_millis(SWEEP_EVERY_MS));
        tokio::select! {
            () = pause => {}
            // A sender that is gone has ended without asking.
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}

impl Open {
    /// Closes them, and gives what is open a moment to end.
    pub(super) async fn close(self) {
        self.stop.send_replace(true);
        let ended = futures_util::future::join_all(self.tasks);
        let _in_time = tokio::time::timeout(Duration::from_millis(CLOSE_MS), ended).await;
    }
}

/// Who may send webhooks, with what verifies them.
async fn senders(config: &Config) -> Result<Senders, Failure> {
    let mut senders = Senders::new();
    for sender in &config.inbound {
        let mut secrets = vec![sender.secret.resolve().await?];
        secrets.extend(open::secret(sender.old_secret.as_ref()).await?);
        let keys = SigningKeys::new(&secrets).map_err(|e| {
            Failure::new(ExitCode::Config, format!("the secret of [[inbound]] {:?} cannot sign: {e}", sender.name))
                .hint("it is whsec_ and base64, as the Standard Webhooks specification has it")
        })?;
        senders.insert(sender.name.clone(), Sender { keys, may: sender.may.clone() });
    }
    Ok(senders)
}

/// The hub of a site's pages; `None` where none may come.
pub(super) fn pages(config: &Config, site: &Site) -> Option<Pages> {
    let web = with_companions(config)?;
    let answer_ms = web.answer_ms.max(1).unsigned_abs();
    Some(Pages::new(site.clock, PagesSettings { companions_max: web.companions_max, answer_ms }))
}

fn settings(web: &WebSettings) -> Settings {
    Settings {
        listen: web.listen,
        public_url: web.public_url.clone(),
        allowed_origins: web.allowed_origins.clone(),
        companions_max: web.companions_max,
        heartbeat_ms: web.heartbeat_ms,
        pkce: web.pkce,
    }
}

/// Who may sign in to the dashboard.
async fn people(config: &Config, clock: Clock) -> Result<Option<People>, Failure> {
    let Some(PeopleSettings { way, viewers, operators, approvers }) = config.people.clone() else { return Ok(None) };
    let roles = Roles { viewers, operators, approvers };
    Ok(Some(match way {
        PeopleWay::Platform(app) => {
            let secret = app.client_secret.resolve().await?;
            let client = open::client_for(config, &app.client_id, &secret, clock).await?;
            People::by_platform(roles, client, &secret)
        }
        PeopleWay::Proxy { header, from } => People::by_proxy(roles, header, from),
    }))
}

/// The newest access token of an agent that still holds.
pub(super) fn token_of(vault: Option<Arc<Vault>>, clock: Clock) -> TokenOf {
    Arc::new(move |agent| {
        let vault = vault.clone();
        Box::pin(async move {
            let grant = vault?.get(&agent).await.ok()??;
            let (token, _) = grant.access_token.filter(|(_, expires_at)| clock.now() < *expires_at)?;
            Some(token)
        })
    })
}
