//! The hub without sockets: what is bounded, what is idempotent, what several pages say together.

use super::*;
use crate::hands::companion::protocol::read;
use crate::hands::companion::seen::Signalling;
use crate::words::clock::Timestamp;

fn hub(answer_ms: u64) -> Pages {
    Pages::new(Clock::System, PagesSettings { companions_max: 20, answer_ms })
}
fn agent(name: &str) -> AgentId {
    AgentId::new(name).unwrap()
}
fn attach(pages: &Pages, name: &str, page: &str) -> Attached {
    pages.attach(&agent(name), &PageId::new(page), Some("9.2.4".to_owned())).unwrap()
}
fn report(ready: bool, call: bool) -> FromPage {
    let text = format!(
        r#"{{"type":"report","connected":true,"station":true,"http":200,"call":{call},"state":"up","ready":{ready}}}"#
    );
    read(&text, Timestamp(7))
}
fn ended(id: &str, result: &str) -> FromPage {
    read(&format!(r#"{{"type":"done","id":"{id}","result":"{result}","why":"so"}}"#), Timestamp(7))
}
/// The id of the next command that the page hears.
async fn next_id(attached: &mut Attached) -> String {
    let frame = attached.frames.recv().await.expect("a frame");
    let value: serde_json::Value = serde_json::from_str(frame.expose()).unwrap();
    assert_eq!(value["type"], "command");
    value["id"].as_str().unwrap().to_owned()
}
fn token() -> Errand {
    Errand::Token(Secret::new("hush".to_owned()))
}

#[tokio::test]
async fn a_command_is_answered_by_its_page_and_by_nobody_else() {
    let pages = hub(60_000);
    assert_eq!(pages.command(&agent("a"), token()).await, Told::NoPage);
    let (mut a, b) = (attach(&pages, "a", "p"), attach(&pages, "b", "q"));
    let whom = agent("a");
    let (told, ()) = tokio::join!(pages.command(&whom, token()), async {
        let id = next_id(&mut a).await;
        // Another agent's page, an id that was never sent, and a word that means nothing.
        b.page.heard(ended(&id, "done"));
        a.page.heard(ended("made-up", "done"));
        a.page.heard(ended(&id, "perhaps"));
        a.page.heard(ended(&id, "failed"));
        // The second answer is late.
        a.page.heard(ended(&id, "done"));
    });
    assert_eq!(told, Told::Failed("so".to_owned()));
}

#[tokio::test]
async fn a_silent_page_is_no_answer_and_its_late_one_is_news_and_no_more() {
    let pages = hub(20);
    let mut a = attach(&pages, "a", "p");
    assert_eq!(pages.command(&agent("a"), Errand::Report).await, Told::NoAnswer);
    let id = next_id(&mut a).await;
    let mut news = pages.news();
    a.page.heard(ended(&id, "done"));
    a.page.heard(ended(&id, "failed"));
    a.page.heard(report(true, false));
    assert_eq!(news.try_recv().unwrap(), PageNews::Finished { agent: agent("a"), told: Told::Done });
    assert_eq!(news.try_recv().unwrap(), PageNews::Seen(agent("a")));
    assert!(pages.state().best(&id) == Told::NoAnswer, "a command that nobody waits for is forgotten");
}

#[tokio::test]
async fn what_was_deferred_is_told_at_once_and_its_end_is_news() {
    let pages = hub(60_000);
    let mut a = attach(&pages, "a", "p");
    a.page.heard(report(false, true));
    let whom = agent("a");
    let (told, id) = tokio::join!(pages.command(&whom, Errand::Revive(None)), async {
        let id = next_id(&mut a).await;
        a.page.heard(ended(&id, "deferred"));
        id
    });
    assert_eq!(told, Told::Deferred);
    assert!(pages.seen(&whom).unwrap().deferred);
    let mut news = pages.news();
    a.page.heard(ended(&id, "deferred"));
    a.page.heard(ended(&id, "done"));
    a.page.heard(ended(&id, "done"));
    assert_eq!(news.try_recv().unwrap(), PageNews::Finished { agent: whom.clone(), told: Told::Done });
    assert!(news.try_recv().is_err(), "once");
    assert!(!pages.seen(&whom).unwrap().deferred);
}

#[tokio::test]
async fn a_page_that_comes_back_hears_again_what_waits_for_its_answer() {
    let pages = hub(60_000);
    let mut first = attach(&pages, "a", "p");
    let whom = agent("a");
    let (told, ()) = tokio::join!(pages.command(&whom, token()), async {
        let id = next_id(&mut first).await;
        let mut second = attach(&pages, "a", "p");
        assert_eq!(*first.closing.borrow(), Some(Close::Replaced));
        drop(first);
        assert_eq!(next_id(&mut second).await, id);
        assert_eq!(pages.connected(), 1);
        second.page.heard(ended(&id, "done"));
    });
    assert_eq!(told, Told::Done);
}

#[tokio::test]
async fn of_two_tabs_the_better_counts_and_a_command_goes_to_both() {
    let pages = hub(60_000);
    let (mut one, mut two) = (attach(&pages, "a", "p"), attach(&pages, "a", "q"));
    assert_eq!(pages.seen(&agent("a")), None);
    one.page.heard(report(false, true));
    two.page.heard(report(true, false));
    let seen = pages.seen(&agent("a")).unwrap();
    assert!(seen.ready && seen.call && seen.state == Signalling::Up && seen.sdk.as_deref() == Some("9.2.4"));
    let whom = agent("a");
    let (told, ()) = tokio::join!(pages.command(&whom, token()), async {
        let (id, same) = (next_id(&mut one).await, next_id(&mut two).await);
        assert_eq!(id, same);
        one.page.heard(ended(&id, "failed"));
        two.page.heard(ended(&id, "done"));
    });
    assert_eq!(told, Told::Done);
    drop(two);
    assert!(!pages.seen(&agent("a")).unwrap().ready, "what a page said is gone with it");
    drop(one);
    assert_eq!((pages.seen(&agent("a")), pages.connected(), pages.who().len()), (None, 0, 0));
}

#[tokio::test]
async fn everything_is_bounded() {
    let pages = hub(5);
    let mut tabs: Vec<Attached> = (0..=PAGES_OF_AGENT_MAX).map(|n| attach(&pages, "a", &format!("p{n}"))).collect();
    assert_eq!(*tabs[0].closing.borrow(), Some(Close::Crowded));
    assert!(tabs[1..].iter().all(|tab| tab.closing.borrow().is_none()));
    assert_eq!(pages.connected(), PAGES_OF_AGENT_MAX);
    let others: Vec<Attached> = (PAGES_OF_AGENT_MAX..20).map(|n| attach(&pages, &format!("b{n}"), "p")).collect();
    assert!(pages.attach(&agent("z"), &PageId::new("p"), None).is_err());
    // A page that is attached already still gets in on another socket.
    assert!(pages.attach(&agent("b19"), &PageId::new("p"), None).is_ok());
    drop(others);
    // Frames that nobody reads: the page is closed, and the next command finds none.
    tabs.truncate(1);
    let slow = attach(&pages, "s", "p");
    for _ in 0..FRAMES_WAITING_MAX {
        assert_eq!(pages.command(&agent("s"), Errand::Report).await, Told::NoAnswer);
    }
    assert_eq!(pages.command(&agent("s"), Errand::Report).await, Told::NoPage);
    assert_eq!(*slow.closing.borrow(), Some(Close::Slow));
}

#[tokio::test]
async fn a_token_that_a_page_repeats_is_taken_out_of_its_words() {
    let pages = hub(60_000);
    let mut a = attach(&pages, "a", "p");
    let whom = agent("a");
    let (told, ()) = tokio::join!(pages.command(&whom, token()), async {
        let id = next_id(&mut a).await;
        a.page.heard(FromPage::Done { id, ended: Ended::Failed("cannot use hush".to_owned()) });
    });
    assert_eq!(told, Told::Failed("cannot use [secret]".to_owned()));
}
