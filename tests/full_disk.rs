//! A disk that is full when SQLite commits: every write that stands alone is refused, leaves nothing behind, and goes well once
//! there is room; and a `serve` that cannot write is not ready.
//!
//! SQLite writes to its log only as it commits, after a write that returns a row has returned it. The disk is full for this
//! process: its limit on the size of files is set to what the log has now.

use std::error::Error;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use softlanding::hands::access::{Access, Begun, Request, Role, Session};
use softlanding::hands::journal::{AnyJournal, Holder, Journal, SqliteJournal};
use softlanding::hands::outbox::{DeadLetter, Failing, Outbox};
use softlanding::hands::vault::{Taken, Vault, new_key};
use softlanding::shells::daemon::news::{News, Teller, chain};
use softlanding::shells::daemon::{Daemon, Settings};
use softlanding::shells::telemetry::Telemetry;
use softlanding::words::clock::{Seed, Timestamp};
use softlanding::words::id::{AgentId, RunId};
use softlanding::words::secret::{Grant, Secret};
use tokio::sync::{Mutex, MutexGuard, Notify, mpsc, oneshot};

const REPEAT: &str = "to repeat: ./tests/run --test full_disk";
const NOW: Timestamp = Timestamp(1_795_816_800_000);
/// Leases that no test outlives. They differ: one that is renewed within a millisecond would stay as it is, and not be written.
const LONG_MS: i64 = 1_800_000;
const LONGER_MS: i64 = 3_600_000;

/// A folder on a disk that can be full. The limit is the whole process's, so that one test at a time has it.
struct Disk {
    folder: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

impl Disk {
    async fn new() -> Disk {
        static TURN: Mutex<()> = Mutex::const_new(());
        static HEARD: OnceLock<tokio::signal::unix::Signal> = OnceLock::new();
        let turn = TURN.lock().await;
        // A write beyond the limit fails, as on a full disk, and no signal ends the process.
        let kind = tokio::signal::unix::SignalKind::from_raw(Signal::XFSZ.as_raw());
        HEARD.get_or_init(|| tokio::signal::unix::signal(kind).expect("a handler"));
        let name = format!("softlanding-full-disk-{}-{:x}", std::process::id(), Seed::from_system().0);
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        Disk { folder, _turn: turn }
    }

    /// From now on the log of the database at `path` does not grow, nor does any file that is longer.
    fn full(&self, path: &Path) {
        let log = path.with_extension("db-wal");
        let bytes = std::fs::metadata(&log).map_or(0, |meta| meta.len());
        assert!(bytes > 0, "nothing has been logged in {}; {REPEAT}", log.display());
        setrlimit(Resource::Fsize, Rlimit { current: Some(bytes), maximum: None }).expect("a limit");
    }

    fn free(&self) {
        setrlimit(Resource::Fsize, Rlimit { current: None, maximum: None }).expect("no limit");
    }

    /// What comes of a write once there is room, after it was refused for want of it.
    async fn refuses<T, E>(&self, what: &str, path: &Path, write: impl AsyncFn() -> Result<T, E>) -> T
    where
        T: Debug,
        E: Error + 'static,
    {
        self.full(path);
        let written = write().await;
        self.free();
        match written {
            Ok(done) => panic!("{what}: it is called done, and is not on disk: {done:?}; {REPEAT}"),
            Err(e) => assert!(chain(&e).contains("disk"), "{what}: {}; {REPEAT}", chain(&e)),
        }
        write().await.unwrap_or_else(|e| panic!("{what}, with room again: {}; {REPEAT}", chain(&e)))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.free();
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

fn run(name: &str) -> RunId {
    RunId::new(name).expect("a name")
}

fn holder(name: &str) -> Holder {
    Holder::new(name).expect("a name")
}

#[tokio::test]
async fn runs_their_leases_and_their_orders() {
    let disk = Disk::new().await;
    let path = disk.folder.join("journal.db");
    let journal = SqliteJournal::open(&path).await.expect("a journal");
    let (friday, ann) = (run("friday"), holder("ann"));
    disk.refuses("beginning", &path, async || journal.begin(&friday, NOW, &["staged"]).await).await;
    let lease = disk.refuses("leading", &path, async || journal.lead(&friday, &ann, LONG_MS).await).await;
    let lease = lease.expect("nobody leads it");
    assert_eq!(lease.fence, 1, "a lease that was not taken has counted; {REPEAT}");
    disk.refuses("renewing", &path, async || journal.renew(&lease, LONGER_MS).await).await;
    disk.refuses("claiming", &path, async || journal.append(&lease, 1, NOW, &["claimed"], Some(1)).await).await;
    let number = disk.refuses("an order", &path, async || journal.send(&friday, NOW, &"hold").await).await;
    assert_eq!(journal.orders::<String>(&friday).await.expect("orders"), [(number, "hold".to_owned())], "{REPEAT}");
    disk.refuses("dismissing", &path, async || journal.dismiss(&friday, number).await).await;
    disk.refuses("releasing", &path, async || journal.release(&lease).await).await;
    disk.refuses("forgetting", &path, async || journal.forget(&friday).await).await;
}

#[tokio::test]
async fn keys_sessions_and_answers() {
    let disk = Disk::new().await;
    let path = disk.folder.join("journal.db");
    let access = Access::open(&path).await.expect("a store");
    let key = disk.refuses("a key", &path, async || access.add_key("ci", Role::Operator, NOW).await).await;
    // That the use of a key cannot be noted keeps nobody out.
    disk.full(&path);
    let who = access.holder_of_key(key.expose(), NOW).await;
    disk.free();
    assert_eq!(who.expect("looked up"), Some(("ci".to_owned(), Role::Operator)), "{REPEAT}");
    disk.refuses("revoking", &path, async || access.revoke_key("ci", NOW).await).await;
    assert_eq!(access.holder_of_key(key.expose(), NOW).await.expect("looked up"), None, "{REPEAT}");

    let ann = Session { name: "ann".to_owned(), mail: "ann@example.com".to_owned() };
    let cookie = disk.refuses("a session", &path, async || access.open_session(&ann, Role::Viewer, NOW).await).await;
    disk.full(&path);
    let seen = access.session(cookie.expose(), NOW + 120_000).await;
    disk.free();
    assert!(seen.expect("looked up").is_some(), "{REPEAT}");
    disk.refuses("signing out", &path, async || access.close_session(cookie.expose()).await).await;
    assert_eq!(access.session(cookie.expose(), NOW).await.expect("looked up"), None, "{REPEAT}");

    let request = Request { caller: "ci", key: "k", print: "p", holder: "a" };
    let begun = disk.refuses("a request", &path, async || access.begin_answer(request, NOW).await).await;
    assert_eq!(begun, Begun::Mine, "{REPEAT}");
    let other = Request { holder: "b", ..request };
    let taken = async || access.take_over_answer(other, "a", NOW, NOW).await;
    assert!(disk.refuses("taking over", &path, taken).await, "{REPEAT}");
    disk.refuses("letting go", &path, async || access.let_go_of_answer(other).await).await;
    assert_eq!(access.begin_answer(request, NOW).await.expect("begun"), Begun::Mine, "{REPEAT}");
    disk.refuses("an answer", &path, async || access.keep_answer(request, 202, "{}").await).await;
    let known = Begun::Known { status: 202, body: "{}".to_owned() };
    assert_eq!(access.begin_answer(request, NOW).await.expect("begun"), known, "{REPEAT}");
    assert!(disk.refuses("a webhook", &path, async || access.receive("ci", "1", "s", NOW).await).await, "{REPEAT}");
    let late = NOW + 100 * 3_600_000;
    disk.refuses("sweeping", &path, async || access.sweep(late).await).await;
    assert_eq!(access.begin_answer(request, NOW).await.expect("begun"), Begun::Mine, "{REPEAT}");
}

#[tokio::test]
async fn webhooks_and_what_they_were_told() {
    let disk = Disk::new().await;
    let path = disk.folder.join("journal.db");
    let journal: Arc<AnyJournal> = Arc::new(SqliteJournal::open(&path).await.expect("a journal").into());
    let (outbox, friday, ann) = (Outbox::of(Arc::clone(&journal)), run("friday"), holder("ann"));
    disk.refuses("a target", &path, async || outbox.know("ops", NOW).await).await;
    journal.begin(&friday, NOW, &["a", "b", "c"]).await.expect("begun");
    let lease = disk.refuses("leading", &path, async || outbox.lead("ops", &ann, LONG_MS).await).await;
    let lease = lease.expect("nobody leads it");
    assert!(disk.refuses("renewing", &path, async || outbox.renew(&lease, LONGER_MS).await).await, "{REPEAT}");
    let moved = async || outbox.move_to(&lease, &friday, 1, None).await;
    assert!(disk.refuses("moving on", &path, moved).await, "{REPEAT}");
    let failing = Failing { attempts: 1, since: NOW, next_at: NOW, why: "HTTP 500".to_owned() };
    let noted = async || outbox.not_taken(&lease, &friday, 1, &failing).await;
    assert!(disk.refuses("not taken", &path, noted).await, "{REPEAT}");
    disk.refuses("how it is", &path, async || outbox.note(&lease, Some("HTTP 500"), NOW).await).await;
    let letter = DeadLetter {
        number: 0,
        target: "ops".to_owned(),
        run: friday.clone(),
        seq: 2,
        event: "settled".to_owned(),
        at: NOW,
        attempts: 9,
        why: "HTTP 500".to_owned(),
        document: "{}".to_owned(),
    };
    disk.refuses("burying", &path, async || outbox.bury(&lease, &letter).await).await;
    let number = outbox.dead(10).await.expect("a list").first().expect("a letter").number;
    disk.refuses("still dead", &path, async || outbox.dead_still(number, "HTTP 404", NOW).await).await;
    assert!(disk.refuses("unburying", &path, async || outbox.unbury(number).await).await, "{REPEAT}");
    disk.refuses("disabling", &path, async || outbox.disable("ops", "it is gone", NOW).await).await;
    assert!(disk.refuses("enabling", &path, async || outbox.enable("ops").await).await, "{REPEAT}");
    disk.refuses("releasing", &path, async || outbox.release("ops", &ann).await).await;
    disk.refuses("passing over", &path, async || outbox.pass_over(&run("imported"), 4).await).await;
}

#[tokio::test]
async fn a_grant_leaves_the_vault_only_once_it_is_noted() {
    let disk = Disk::new().await;
    let path = disk.folder.join("vault.db");
    let vault = Vault::open(&path, &new_key().expect("a key")).await.expect("a vault");
    let (ann, secret) = (AgentId::new("ann").expect("an id"), |text: &str| Secret::new(text.to_owned()));
    let grant = Grant { refresh_token: secret("r"), access_token: None };
    disk.refuses("enrolling", &path, async || vault.put(&ann, "Ann", &grant).await).await;
    let taken = disk.refuses("taking a grant out", &path, async || vault.take(&ann).await).await;
    let Taken::Yours(spending) = taken else { panic!("{taken:?}; {REPEAT}") };
    assert_eq!(spending.interrupted(), None, "it was not handed out, and counts as spent; {REPEAT}");
    disk.refuses("bringing it back", &path, async || vault.give_back(&spending).await).await;
    disk.refuses("its use", &path, async || vault.used(std::slice::from_ref(&ann)).await).await;
    assert_eq!(
        disk.refuses("taking out", &path, async || vault.remove(std::slice::from_ref(&ann)).await).await,
        1,
        "{REPEAT}"
    );
}

#[tokio::test]
async fn a_serve_whose_store_takes_nothing_is_not_ready_until_it_does() {
    let disk = Disk::new().await;
    let path = disk.folder.join("journal.db");
    let journal: Arc<AnyJournal> = Arc::new(SqliteJournal::open(&path).await.expect("a journal").into());
    journal.begin(&run("friday"), NOW, &["staged"]).await.expect("begun");
    let telemetry = Telemetry::new(None).expect("metrics");
    let (tell, mut news) = mpsc::unbounded_channel();
    let heard = telemetry.clone();
    let tell: Teller = Arc::new(move |told: News| {
        heard.hear(&told);
        let _nobody_listens = tell.send(told);
    });
    let daemon = Daemon {
        journal: Arc::clone(&journal),
        sites: Vec::new(),
        holder: holder("ann"),
        settings: Settings { lease_ms: 6_000, look_every_ms: 20, keep_ms: None },
        tell,
        look_now: Arc::new(Notify::new()),
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        daemon.serve(stopped).await;
    });
    let mut until = async |what: fn(&News) -> bool| while !what(&news.recv().await.expect("news")) {};
    until(|news| matches!(news, News::Looked)).await;
    assert_eq!(telemetry.ready(), Ok(()), "{REPEAT}");

    disk.full(&path);
    let lost = journal.send(&run("friday"), NOW, &"hold").await;
    lost.expect_err("there is no room");
    until(|news| matches!(news, News::StoreAway { .. })).await;
    let unready = telemetry.ready().expect_err("the store takes nothing");
    assert!(unready.iter().any(|one| one.what == "store" && one.why.contains("disk")), "{unready:?}; {REPEAT}");
    // Reads go well all the while.
    journal.runs().await.expect("runs");
    disk.free();
    until(|news| matches!(news, News::StoreBack)).await;
    until(|news| matches!(news, News::Looked)).await;
    assert_eq!(telemetry.ready(), Ok(()), "{REPEAT}");
    stop.send(()).expect("it serves");
    serving.await.expect("it has ended");
}
