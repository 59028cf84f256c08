//! Several replicas as one hub: presence, commands and answers over LISTEN and NOTIFY of the PostgreSQL database that they
//! share.
//!
//! Presence goes by notification and not into a table: it belongs to the replica that holds the sockets and is gone with
//! it; a table would be written at every report of every page, and somebody would have to clean up after a crash. What a
//! notification can lose (a connection that broke, a replica that came later) is made good by an account: whoever is new
//! or was cut off asks for one, and every replica then tells all of its pages. A replica that is silent for three signs of
//! life is forgotten. 10,000 pages are 200 notifications.
//!
//! A token never goes this way: the replica that holds the socket takes it from the vault that all share, and hands it over
//! only if it is the one that was meant; replicas that do not share a vault hand over nothing.
//!
//! Must never: put a token into a notification, or hold a run up because the database is away; then each replica goes on
//! with its own pages.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgListener, PgPoolOptions};
use tokio::sync::{Semaphore, broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::pages::{Errand, Outgoing, Pages, Told};
use super::slip::{self, Signed, Slip};
use crate::hands::postgres;
use crate::hands::store::StoreError;
use crate::words::clock::{Moment, Seed};
use crate::words::id::AgentId;
use crate::words::secret::Secret;

/// Gets an agent's newest access token out of the vault that all replicas share; `None` when there is none.
pub type TokenOf = Arc<dyn Fn(AgentId) -> Pin<Box<dyn Future<Output = Option<Secret>> + Send>> + Send + Sync>;

/// What has changed is told so often, in ms.
const TELL_EVERY_MS: u64 = 200;
/// A sign of life is given every so many tellings: every 5 s.
const TELLINGS_PER_SIGN: u64 = 25;
/// Without a word on the channel for this long, in ms, the connection is taken for dead: our own signs come back to us.
const DEAF_MS: i64 = 15_000;
/// How long the server may take for anything, in ms.
const PATIENCE_MS: u64 = 3_000;
/// The pause after a connection that failed, in ms.
const AGAIN_MS: u64 = 1_000;
/// Commands and answers that wait for the way out.
const WAITING_MAX: usize = 4_096;
/// Notifications in one statement.
const BATCH_MAX: usize = 200;
/// Commands of other replicas that are carried out at the same time.
const ERRANDS_MAX: usize = 1_024;

/// The way between the replicas.
pub struct Bus {
    pages: Pages,
    options: PgConnectOptions,
    channel: String,
    me: Arc<str>,
    token_of: TokenOf,
}

/// A task that ends with its owner.
struct Helper(JoinHandle<()>);

impl Drop for Helper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One connection's worth of work.
struct Line {
    sender: PgConnection,
    heard: mpsc::Receiver<String>,
    news: broadcast::Receiver<super::PageNews>,
    _listening: Helper,
}

/// What waits for the way out.
struct Queues {
    out: mpsc::Receiver<Outgoing>,
    answers: mpsc::Receiver<Slip>,
    answer: mpsc::Sender<Slip>,
    errands: Arc<Semaphore>,
    /// The number of the newest account; it goes on over a connection's end, so that older ones are known as such.
    account: u64,
}

impl Bus {
    /// A bus for the hub of one organisation over the database at `url`; `org` names the organisation, so that several may
    /// share a database.
    ///
    /// # Errors
    /// [`StoreError::BadAddress`].
    pub fn new(
        pages: Pages,
        url: &str,
        password: Option<&Secret>,
        org: &str,
        token_of: TokenOf,
    ) -> Result<Bus, StoreError> {
        let options = postgres::options(url, password, "store")?;
        // The name of a channel is an identifier of at most 63 bytes; an organisation's name is not.
        let channel = format!("softlanding_pages_{:016x}", Seed(0).fork(org).bits());
        let me = format!("{:016x}", Seed::from_system().fork("replica").bits());
        Ok(Bus { pages, options, channel, me: Arc::from(me), token_of })
    }

    /// Carries until `stop` is done, and then tells the others so that they need not wait for its silence. `trouble` hears
    /// why the database cannot be used, once each time that begins; and `None` when it can be again.
    pub async fn run(self, stop: impl Future<Output = ()>, trouble: impl Fn(Option<&sqlx::Error>)) {
        let (out_in, out) = mpsc::channel(WAITING_MAX);
        let (answer, answers) = mpsc::channel(WAITING_MAX);
        let mut queues = Queues { out, answers, answer, errands: Arc::new(Semaphore::new(ERRANDS_MAX)), account: 0 };
        self.pages.join(out_in);
        let _leaving = Leaving(&self.pages);
        let mut stop = std::pin::pin!(stop);
        let mut troubled = false;
        loop {
            let connected = tokio::select! {
                connected = within(self.connect()) => connected,
                () = stop.as_mut() => return,
            };
            let error = match connected {
                Ok(mut line) => {
                    if std::mem::take(&mut troubled) {
                        trouble(None);
                    }
                    tokio::select! {
                        error = self.carry(&mut line, &mut queues) => error,
                        () = stop.as_mut() => return self.farewell().await,
                    }
                }
                Err(e) => e,
            };
            if !troubled {
                troubled = true;
                trouble(Some(&error));
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(AGAIN_MS)) => {}
                () = stop.as_mut() => return,
            }
        }
    }

    /// On a connection of its own: a statement may have been given up half-way on the other.
    async fn farewell(&self) {
        let told = async {
            let mut db = self.options.connect().await?;
            notify(&mut db, &self.channel, slip::write(&self.me, Slip::Bye).into_iter().collect()).await
        };
        // The others find out by themselves a little later.
        let _untold = within(told).await;
    }

    async fn connect(&self) -> Result<Line, sqlx::Error> {
        let patience = Duration::from_millis(PATIENCE_MS);
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(patience);
        let mut listener = PgListener::connect_with(&pool.connect_lazy_with(self.options.clone())).await?;
        listener.listen(&self.channel).await?;
        let mut sender = self.options.connect().await?;
        // Nothing that goes this way needs to be on disk.
        sqlx::raw_sql("SET synchronous_commit = off; SET statement_timeout = '3s'").execute(&mut sender).await?;
        let (hear, heard) = mpsc::channel(WAITING_MAX);
        let listening = Helper(tokio::spawn(async move {
            while let Ok(Some(told)) = listener.try_recv().await {
                if hear.send(told.payload().to_owned()).await.is_err() {
                    break;
                }
            }
        }));
        Ok(Line { sender, heard, news: self.pages.news_from_here(), _listening: listening })
    }

    /// Carries until the connection fails, and says how.
    async fn carry(&self, line: &mut Line, queues: &mut Queues) -> sqlx::Error {
        let mut ticks = tokio::time::interval(Duration::from_millis(TELL_EVERY_MS));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut tellings, mut heard_at) = (0_u64, Moment::now());
        let mut changed: BTreeSet<AgentId> = BTreeSet::new();
        // Whoever comes asks, and tells of its own.
        let mut owes_account = true;
        let mut slips = vec![Slip::Hello];
        loop {
            tokio::select! {
                heard = line.heard.recv() => {
                    let Some(heard) = heard else { return gone() };
                    heard_at = Moment::now();
                    owes_account |= self.hear(&heard, queues) == Asked::Account;
                }
                news = line.news.recv() => match news {
                    Ok(news) => {
                        changed.insert(news.agent().clone());
                    }
                    Err(broadcast::error::RecvError::Lagged(_)) => owes_account = true,
                    Err(broadcast::error::RecvError::Closed) => return gone(),
                },
                Some(outgoing) = queues.out.recv() => slips.push(command_slip(outgoing)),
                Some(answer) = queues.answers.recv() => slips.push(answer),
                _ = ticks.tick() => {
                    if heard_at.is_past(DEAF_MS, Moment::now()) {
                        return gone();
                    }
                    if tellings.is_multiple_of(TELLINGS_PER_SIGN) {
                        slips.push(Slip::Alive);
                    }
                    tellings += 1;
                    if std::mem::take(&mut owes_account) {
                        queues.account += 1;
                        changed.clear();
                        slips.extend(self.tell_of(self.pages.who_is_here(), queues.account));
                        slips.push(Slip::Accounted { account: queues.account });
                    } else {
                        slips.extend(self.tell_of(std::mem::take(&mut changed), queues.account));
                    }
                }
            }
            // What waits besides goes along in the same statement.
            while let Ok(outgoing) = queues.out.try_recv() {
                slips.push(command_slip(outgoing));
            }
            if let Err(e) = self.send(&mut line.sender, std::mem::take(&mut slips)).await {
                return e;
            }
        }
    }

    async fn send(&self, db: &mut PgConnection, slips: Vec<Slip>) -> Result<(), sqlx::Error> {
        let mut payloads: Vec<String> = slips.into_iter().filter_map(|slip| slip::write(&self.me, slip)).collect();
        while !payloads.is_empty() {
            let rest = payloads.split_off(payloads.len().min(BATCH_MAX));
            within(notify(db, &self.channel, payloads)).await?;
            payloads = rest;
        }
        Ok(())
    }

    fn tell_of(&self, agents: impl IntoIterator<Item = AgentId>, account: u64) -> Vec<Slip> {
        let digest = |agent: AgentId| {
            let here = self.pages.here(&agent);
            let digest = here.map(|seen| seen.as_ref().map(slip::digest).unwrap_or_default());
            (agent, digest)
        };
        let all: Vec<(AgentId, Option<String>)> = agents.into_iter().map(digest).collect();
        all.chunks(slip::PAGES_MAX).map(|pages| Slip::Pages { account, pages: pages.to_vec() }).collect()
    }

    fn hear(&self, text: &str, queues: &Queues) -> Asked {
        let Some(Signed { from, slip }) = slip::read(text) else { return Asked::Nothing };
        if *from == *self.me {
            return Asked::Nothing;
        }
        match slip {
            Slip::Hello => {
                self.pages.hears_from(&from);
                return Asked::Account;
            }
            Slip::Alive => self.pages.hears_from(&from),
            Slip::Bye => self.pages.left(&from),
            Slip::Pages { account, pages } => {
                for (agent, digest) in pages {
                    let page = digest.map(|digest| slip::undigest(&digest));
                    self.pages.there(&from, account, agent, page);
                }
            }
            Slip::Accounted { account } => self.pages.accounted(&from, account),
            Slip::Command { to, id, agent, errand, token, words } if *to == *self.me => {
                self.run_errand(queues, from, id, agent, Wanted { errand, token, words });
            }
            Slip::Answer { to, id, told, why } if *to == *self.me => {
                self.pages.answered_there(&from, &id, slip::told_of(&told, why));
            }
            // They are for another replica.
            Slip::Command { .. } | Slip::Answer { .. } => {}
        }
        Asked::Nothing
    }

    /// Carries a command of another replica out, and answers it.
    fn run_errand(&self, queues: &Queues, from: String, id: String, agent: AgentId, wanted: Wanted) {
        let answer = queues.answer.clone();
        let (pages, token_of) = (self.pages.clone(), Arc::clone(&self.token_of));
        let Ok(seat) = Arc::clone(&queues.errands).try_acquire_owned() else { return };
        tokio::spawn(async move {
            let _seat = seat;
            let token = match &wanted.token {
                Some(_) => token_of(agent.clone()).await,
                None => None,
            };
            let told = match wanted.errand(token) {
                Ok(errand) => pages.command_here(&agent, &errand).await,
                Err(why) => Told::Failed(why.to_owned()),
            };
            let (told, why) = slip::told_words(told);
            // A queue that is full is one that nobody reads: the asker then has no answer in time.
            let _full = answer.try_send(Slip::Answer { to: from, id, told, why });
        });
    }
}

/// Whether a slip asks for an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Account,
    Nothing,
}

struct Wanted {
    errand: String,
    /// The mark of the token that is meant.
    token: Option<String>,
    words: Option<String>,
}

impl Wanted {
    fn errand(self, token: Option<Secret>) -> Result<Errand, &'static str> {
        if self.token.is_some() && self.token != token.as_ref().map(slip::mark) {
            return Err("the replica that has the page finds no such token in its vault");
        }
        match (self.errand.as_str(), token) {
            ("token", Some(token)) => Ok(Errand::Token(token)),
            ("token", None) => Err("a token is missing"),
            ("renew", token) => Ok(Errand::Renew(token)),
            ("revive", token) => Ok(Errand::Revive(token)),
            ("notify", _) => Ok(Errand::Notify(self.words.unwrap_or_default())),
            ("report", _) => Ok(Errand::Report),
            _ => Err("the other replica does not know this command"),
        }
    }
}

struct Leaving<'a>(&'a Pages);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

fn command_slip(outgoing: Outgoing) -> Slip {
    Slip::Command {
        to: outgoing.to.to_string(),
        id: outgoing.id,
        agent: outgoing.agent,
        errand: outgoing.errand.to_owned(),
        token: outgoing.token,
        words: outgoing.words,
    }
}

async fn notify(db: &mut PgConnection, channel: &str, payloads: Vec<String>) -> Result<(), sqlx::Error> {
    // A connection that was given up half-way is not used again, since its owner ends with the error.
    sqlx::query("SELECT count(pg_notify($1, payload)) FROM unnest($2::text[]) AS payload")
        .bind(channel)
        .bind(payloads)
        .execute(&mut *db)
        .await
        .map(drop)
}

async fn within<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    let late = |_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
    timeout(Duration::from_millis(PATIENCE_MS), work).await.map_err(late)?
}

fn gone() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into())
}
