//! Two replicas on one PostgreSQL database: a command reaches the page whichever of them holds its socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use softlanding::hands::companion::protocol::read;
use softlanding::hands::companion::{Attached, Bus, Errand, PageId, Pages, PagesSettings, TokenOf, Told};
use softlanding::words::clock::{Clock, Timestamp};
use softlanding::words::id::AgentId;
use softlanding::words::secret::Secret;
use sqlx::postgres::PgListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::page::REPEAT;
use crate::support::postgres::Database;
use crate::support::tale::Tale;

const ORG: &str = "https://api.example client";

/// A replica: a hub and its bus.
struct Replica {
    pages: Pages,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
    /// How often it took a token from the vault.
    taken: Arc<AtomicUsize>,
}

impl Replica {
    fn start(database: &Database, org: &str, holds_tokens: bool) -> Replica {
        let pages = Pages::new(Clock::System, PagesSettings { companions_max: 20_000, answer_ms: 60_000 });
        let taken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&taken);
        let token_of: TokenOf = Arc::new(move |agent: AgentId| {
            count.fetch_add(1, Ordering::Relaxed);
            let token = holds_tokens.then(|| Secret::new(format!("vault-token-of-{agent}")));
            Box::pin(async move { token })
        });
        let bus = Bus::new(pages.clone(), &database.url(), None, org, token_of).expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async {
            let _ = stopped.await;
        };
        let task = tokio::spawn(bus.run(stopped, |_| {}));
        Replica { pages, stop: Some(stop), task, taken }
    }
    async fn stop(mut self) {
        drop(self.stop.take());
        self.task.await.expect("it ends");
    }
}

fn agent(n: usize) -> AgentId {
    AgentId::new(&format!("agent-{n}")).expect("an id")
}

fn attach(pages: &Pages, n: usize) -> Attached {
    let attached = pages.attach(&agent(n), &PageId::new("p"), Some("9.2.4".to_owned())).expect("room");
    let text =
        format!(r#"{{"type":"report","connected":true,"http":200,"call":{},"state":"up","ready":true}}"#, n % 2 == 1);
    attached.page.heard(read(&text, Timestamp(1_000 + n as i64)));
    attached
}

/// Waits until something is so; it is looked at again and again, since the other replica tells when it likes.
async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..3_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what}; {REPEAT}");
}

/// Answers the next command of a page, and says which frame it was.
async fn answer(attached: &mut Attached, result: &str) -> serde_json::Value {
    let frame = attached.frames.recv().await.expect("a frame");
    let frame: serde_json::Value = serde_json::from_str(frame.expose()).expect("JSON");
    let text = format!(r#"{{"type":"done","id":{},"result":"{result}","why":"so"}}"#, frame["id"]);
    attached.page.heard(read(&text, Timestamp(0)));
    frame
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_reaches_the_page_on_the_other_replica_and_no_token_travels() {
    let database = Database::new().await;
    let spoken: Tale<String> = Tale::default();
    let here = Replica::start(&database, ORG, false);
    let there = Replica::start(&database, ORG, true);
    let stranger = Replica::start(&database, "another organisation", true);
    // Everything that is said on any channel of ours.
    let channel = {
        let mut probe = attach(&there.pages, 0);
        until("the page of the other replica is seen", || here.pages.seen(&agent(0)).is_some()).await;
        probe.closing.borrow_and_update();
        drop(probe);
        let names =
            "SELECT DISTINCT query FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()";
        let mut db = <sqlx::PgConnection as sqlx::Connection>::connect(&database.url()).await.expect("a connection");
        let listened: Vec<String> = sqlx::query_scalar(names).fetch_all(&mut db).await.expect("rows");
        listened
            .into_iter()
            .map(|query| query.trim_start_matches("LISTEN ").trim_matches('"').to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(channel.len(), 2, "{channel:?}; {REPEAT}");
    let mut listener = PgListener::connect(&database.url()).await.expect("a connection");
    listener.listen_all(channel.iter().map(String::as_str)).await.expect("channels");
    let heard = spoken.clone();
    tokio::spawn(async move {
        while let Ok(told) = listener.recv().await {
            heard.push(told.payload().to_owned());
        }
    });

    until("it is gone again", || here.pages.who().is_empty()).await;
    let mut news = here.pages.news();
    let mut page = attach(&there.pages, 1);
    super::room::until(&mut news, |news| *news.agent() == agent(1)).await;
    until("it is seen", || here.pages.seen(&agent(1)).is_some()).await;
    let seen = here.pages.seen(&agent(1)).expect("a report");
    assert!(seen.ready && seen.call && seen.at == Timestamp(1_001) && seen.sdk.as_deref() == Some("9.2.4"), "{seen:?}");
    assert_eq!((here.pages.who(), here.pages.connected()), (vec![agent(1)], 0));
    assert!(stranger.pages.who().is_empty(), "organisations are apart; {REPEAT}");

    let vault_token = || Errand::Token(Secret::new("vault-token-of-agent-1".to_owned()));
    let errand = vault_token();
    let whom = agent(1);
    let (told, frame) = tokio::join!(here.pages.command(&whom, errand), answer(&mut page, "done"));
    assert_eq!((told, &frame["do"], &frame["token"]), (Told::Done, &"token".into(), &"vault-token-of-agent-1".into()));
    let errand = Errand::Notify("Reload, please".to_owned());
    let (told, frame) = tokio::join!(here.pages.command(&whom, errand), answer(&mut page, "failed"));
    assert_eq!((told, &frame["words"]), (Told::Failed("so".to_owned()), &"Reload, please".into()), "{REPEAT}");
    let (told, _) = tokio::join!(here.pages.command(&whom, Errand::Revive(None)), answer(&mut page, "deferred"));
    assert_eq!((told, there.taken.load(Ordering::Relaxed)), (Told::Deferred, 1), "{REPEAT}");

    // The other way round there is no token in the vault: the page is not told to take one.
    let own = attach(&here.pages, 2);
    until("it is seen", || there.pages.has_page(&agent(2))).await;
    let told = there.pages.command(&agent(2), Errand::Token(Secret::new("hush-hush".to_owned()))).await;
    assert!(matches!(told, Told::Failed(_)), "{told:?}; {REPEAT}");
    drop(own);

    // A page on both: a token reaches both.
    let mut second = attach(&here.pages, 1);
    let both = async { tokio::join!(answer(&mut page, "failed"), answer(&mut second, "done")) };
    let (told, (far, near)) = tokio::join!(here.pages.command(&whom, vault_token()), both);
    let token = "vault-token-of-agent-1";
    assert_eq!((told, &near["token"], &far["token"]), (Told::Done, &token.into(), &token.into()), "{REPEAT}");
    // Another token than the one that the other vault holds is not handed over there.
    let stale = Errand::Token(Secret::new("hush-hush".to_owned()));
    let (told, near) = tokio::join!(here.pages.command(&whom, stale), answer(&mut second, "failed"));
    assert!(matches!(told, Told::Failed(_)) && near["token"] == "hush-hush", "{told:?}; {REPEAT}");
    assert!(page.frames.try_recv().is_err(), "{REPEAT}");

    // A replica that ends says so: nobody waits for it, and what it had is gone.
    let other = attach(&there.pages, 4);
    until("it is seen", || here.pages.has_page(&agent(4))).await;
    let fourth = agent(4);
    let (told, ()) = tokio::join!(here.pages.command(&fourth, Errand::Report), there.stop());
    assert_eq!(told, Told::NoPage, "{REPEAT}");
    assert_eq!(here.pages.who(), [agent(1)], "{REPEAT}");
    drop((second, other));
    assert_eq!(here.pages.command(&whom, Errand::Report).await, Told::NoPage, "{REPEAT}");
    spoken.until(|all| all.iter().any(|text| text.contains("\"bye\"")).then_some(())).await;
    spoken.look(|all| {
        assert!(all.iter().any(|text| text.contains("\"command\"")), "{all:?}; {REPEAT}");
        let leaked = all.iter().find(|text| text.contains("hush") || text.contains("vault-token"));
        assert!(leaked.is_none(), "{leaked:?}; {REPEAT}");
        assert!(all.iter().all(|text| text.len() < 8_000));
    });
    here.stop().await;
    stranger.stop().await;
    database.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_comes_late_or_was_cut_off_hears_of_every_page() {
    let database = Database::new().await;
    let first = Replica::start(&database, ORG, true);
    let pages: Vec<Attached> = (0..10_000).map(|n| attach(&first.pages, n)).collect();
    let second = Replica::start(&database, ORG, true);
    until("it hears of all", || second.pages.who().len() == 10_000).await;
    until("it has all reports", || (0..10_000).step_by(97).all(|n| second.pages.seen(&agent(n)).is_some())).await;
    // Every connection of ours is cut; meanwhile most of the pages go.
    database.meddle("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").await;
    let left: Vec<Attached> = pages.into_iter().take(10).collect();
    until("what has gone meanwhile is known", || second.pages.who().len() == 10).await;
    assert_eq!(second.pages.who().len(), left.len());
    // One that is killed says nothing, and is forgotten by its silence.
    first.task.abort();
    until("it is forgotten", || second.pages.who().is_empty()).await;
    second.stop().await;
    database.close().await;
}
