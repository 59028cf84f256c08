//! Companions before a room: who gets in, what they are told, what ends them.

use std::time::Duration;

use serde_json::json;
use softlanding::hands::companion::{Errand, PageNews, Signalling, Told};
use softlanding::words::clock::{Clock, Timestamp};
use softlanding::words::secret::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;

use super::page::{ORIGIN, Page, REPEAT, refused_with, request};
use super::room::{Room, Wants, until};

fn token() -> Errand {
    Errand::Token(Secret::new("fresh-token".to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_gets_in_by_its_token_and_after_a_revocation_by_its_key() {
    let room = Room::open("hello").await;
    let agent = room.agent(0);
    let access = room.token(0).await;
    let (mut page, welcome) = Page::hello(&room.url, "page-1", ("token", &access)).await;
    assert_eq!((&welcome["type"], &welcome["agent"]), (&json!("welcome"), &json!(agent)), "{welcome}; {REPEAT}");
    assert_eq!(welcome["heartbeat_ms"], 30_000);
    // This agent's grant is not in our vault.
    assert_eq!(welcome["enrol"], json!(format!("{}/enrol", room.url)));
    let key = welcome["key"].as_str().expect("a key").to_owned();
    let mut news = room.pages.news();
    page.report(200, false).await;
    until(&mut news, |news| *news == PageNews::Seen(room.agent(0))).await;
    let seen = room.pages.seen(&agent).expect("a report");
    assert!(seen.ready && !seen.call && seen.http == Some(200) && seen.state == Signalling::Up, "{seen:?}");
    assert_eq!(seen.sdk.as_deref(), Some("9.2.4"));
    assert!(room.org.clock().now().since_ms(seen.at) < 3_600_000, "on the organisation's clock");

    let publisher = room.org.token().await;
    assert_eq!(room.org.call(&publisher, "DELETE", &format!("/api/v2/tokens/{agent}"), None).await.status, 204);
    let (mut refused, answer) = Page::hello(&room.url, "page-2", ("token", &access)).await;
    assert_eq!(answer["type"], "refused", "{answer}; {REPEAT}");
    assert_eq!(answer["enrol"], json!(format!("{}/enrol", room.url)));
    assert_eq!(refused.closed().await.0, 4401);
    let asked = room.org.exchanges().len();
    let (_back, welcome) = Page::hello(&room.url, "page-3", ("key", &key)).await;
    assert_eq!(welcome["agent"], json!(agent), "{welcome}; {REPEAT}");
    assert_eq!(room.org.exchanges().len(), asked, "a key costs no call");
    assert_eq!((room.pages.connected(), room.pages.who()), (2, vec![agent]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_gets_in() {
    let room = Room::open("refused").await;
    const V1: &str = "softlanding.companion.v1";
    assert_eq!(refused_with(&room.url, Some("https://evil.example"), Some(V1)).await, 403);
    assert_eq!(refused_with(&room.url, Some("https://desktop.example.evil.example"), Some(V1)).await, 403);
    assert_eq!(refused_with(&room.url, Some("null"), Some(V1)).await, 403);
    assert_eq!(refused_with(&room.url, None, Some(V1)).await, 403);
    assert_eq!(refused_with(&room.url, Some(ORIGIN), None).await, 400);
    assert_eq!(refused_with(&room.url, Some(ORIGIN), Some("softlanding.companion.v2")).await, 400);
    let publisher = room.org.token().await;
    let old = room.keys.make(&room.agent(0), Timestamp(0)).expose().to_owned();
    let good = room.key(0);
    let altered = good.replacen(room.agent(0).as_str(), room.agent(1).as_str(), 1);
    assert_ne!(altered, good);
    for proof in [("token", "made-up"), ("token", &publisher), ("key", "made-up"), ("key", &old), ("key", &altered)] {
        let (mut page, answer) = Page::hello(&room.url, "p", proof).await;
        assert_eq!(answer["type"], "refused", "{} {answer}; {REPEAT}", proof.0);
        assert!(!answer.to_string().contains(proof.1), "{answer}; {REPEAT}");
        assert_eq!(page.closed().await.0, 4401, "{}; {REPEAT}", proof.0);
    }
    let mut silent = Page::open(&room.url).await;
    silent.say(json!({ "type": "report" })).await;
    assert_eq!(silent.closed().await.0, 1008, "{REPEAT}");
    let mut loud = Page::welcome(&room.url, "p", ("key", &good)).await;
    loud.say(json!({ "type": "report", "padding": "x".repeat(17_000) })).await;
    loud.closed().await;
    let mut news = room.pages.news();
    while room.pages.connected() > 0 {
        until(&mut news, |news| matches!(news, PageNews::Gone(_))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_answered_once_whatever_a_page_says_besides() {
    let room = Room::open("commands").await;
    let (agent, other) = (room.agent(0), room.agent(1));
    let mut page = Page::welcome(&room.url, "p", ("key", &room.key(0))).await;
    let mut stranger = Page::welcome(&room.url, "p", ("key", &room.key(1))).await;
    assert_eq!(room.pages.command(&room.agent(2), token()).await, Told::NoPage);
    let answer = async {
        let frame = page.hear().await;
        assert_eq!((&frame["do"], &frame["token"]), (&json!("token"), &json!("fresh-token")), "{frame}; {REPEAT}");
        let id = frame["id"].as_str().expect("an id").to_owned();
        page.done("never-sent", "failed").await;
        page.say(json!({ "type": "song", "id": id })).await;
        page.say(json!({ "type": "done", "id": id, "result": "perhaps" })).await;
        page.done(&id, "deferred").await;
        page.done(&id, "deferred").await;
        id
    };
    let (told, id) = tokio::join!(room.pages.command(&agent, token()), answer);
    assert_eq!(told, Told::Deferred, "{REPEAT}");
    let mut news = room.pages.news();
    // Another agent's page cannot answer it; its own can, once.
    stranger.done(&id, "failed").await;
    page.done(&id, "done").await;
    page.done(&id, "failed").await;
    page.report(200, false).await;
    until(&mut news, |news| *news == PageNews::Finished { agent: agent.clone(), told: Told::Done }).await;
    until(&mut news, |news| {
        assert!(!matches!(news, PageNews::Finished { .. }), "{news:?}; {REPEAT}");
        *news == PageNews::Seen(agent.clone())
    })
    .await;
    let answer = async {
        let frame = stranger.hear().await;
        assert_eq!((&frame["do"], &frame["words"]), (&json!("notify"), &json!("Reload, please")), "{frame}");
        stranger.done(frame["id"].as_str().expect("an id"), "done").await;
    };
    let (told, ()) = tokio::join!(room.pages.command(&other, Errand::Notify("Reload, please".to_owned())), answer);
    assert_eq!(told, Told::Done, "{REPEAT}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_agents_pages_four_stay_and_all_hear() {
    let room = Room::open("tabs").await;
    let (agent, key) = (room.agent(0), room.key(0));
    let mut tabs = Vec::new();
    for n in 0..5 {
        tabs.push(Page::welcome(&room.url, &format!("tab-{n}"), ("key", &key)).await);
    }
    assert_eq!(tabs[0].closed().await.0, 4429, "{REPEAT}");
    assert_eq!(room.pages.connected(), 4);
    // The same page on another socket takes the place of the first.
    let mut again = Page::welcome(&room.url, "tab-4", ("key", &key)).await;
    assert_eq!(tabs[4].closed().await.0, 4409, "{REPEAT}");
    let mut three: Vec<Page> = tabs.drain(1..4).collect();
    let hear = async {
        let mut ids = Vec::new();
        for page in three.iter_mut().chain([&mut again]) {
            ids.push(page.hear().await["id"].as_str().expect("an id").to_owned());
        }
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}; {REPEAT}");
        for page in &mut three {
            page.done(&ids[0], "failed").await;
        }
        again.done(&ids[0], "done").await;
    };
    let (told, ()) = tokio::join!(room.pages.command(&agent, token()), hear);
    assert_eq!(told, Told::Done, "{REPEAT}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_does_not_read_is_closed() {
    let wants = Wants { answer_ms: 1, ..Wants::default() };
    let room = Room::with("slow", wants).await;
    let agent = room.agent(0);
    // A client that shakes hands, says hello, and never reads again, with little room before it.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4_096).expect("a small buffer");
    let address = room.url.trim_start_matches("http://").parse().expect("an address");
    let stream = socket.connect(address).await.expect("a connection");
    let request = request(&room.url, Some(ORIGIN), Some("softlanding.companion.v1"));
    let (client, _) = tokio_tungstenite::client_async(request, stream).await.expect("a socket");
    let mut client = client;
    let hello = json!({ "type": "hello", "page": "p", "key": room.key(0) }).to_string();
    let mut news = room.pages.news();
    futures_util::SinkExt::send(&mut client, tokio_tungstenite::tungstenite::Message::text(hello)).await.expect("sent");
    until(&mut news, |news| matches!(news, PageNews::Come(_))).await;
    let words = "\u{1f512}".repeat(500);
    let mut sent = 0;
    while room.pages.command(&agent, Errand::Notify(words.clone())).await != Told::NoPage {
        sent += 1;
        assert!(sent < 20_000, "whatever is written is kept for it; {REPEAT}");
    }
    assert!(sent > 32, "only {sent}; {REPEAT}");
    assert_eq!(room.pages.connected(), 0, "{REPEAT}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_silent_for_too_long_is_gone_and_one_that_answers_stays() {
    let room = Room::with("silent", Wants { heartbeat_ms: 2_000, ..Wants::default() }).await;
    let mut news = room.pages.news();
    let silent = Page::welcome(&room.url, "silent", ("key", &room.key(0))).await;
    let mut alive = Page::welcome(&room.url, "alive", ("key", &room.key(1))).await;
    // Its library answers pings while it is read from, as a browser does by itself.
    let listening = tokio::spawn(async move { alive.closed().await });
    until(&mut news, |news| {
        assert_ne!(*news, PageNews::Gone(room.agent(1)), "{REPEAT}");
        *news == PageNews::Gone(room.agent(0))
    })
    .await;
    assert_eq!(room.pages.who(), [room.agent(1)]);
    room.close();
    assert_eq!(listening.await.expect("a page").0, 1001, "a room that ends says so; {REPEAT}");
    drop(silent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_is_full_sends_the_next_one_away_for_a_while() {
    let room = Room::with("full", Wants { companions_max: 2, ..Wants::default() }).await;
    let _one = Page::welcome(&room.url, "p", ("key", &room.key(0))).await;
    let _two = Page::welcome(&room.url, "p", ("key", &room.key(1))).await;
    let mut third = Page::open(&room.url).await;
    third.say(json!({ "type": "hello", "page": "p", "key": room.key(2) })).await;
    assert_eq!(third.closed().await.0, 1013, "{REPEAT}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_module_is_served_to_every_origin_and_nothing_else_is_there() {
    let room = Room::open("files").await;
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let get = |path: &str| http.get(format!("{}{path}", room.url)).header("origin", "https://anybody.example");
    let module = get("/companion/v1.js").send().await.expect("an answer");
    let header = |name: &str| module.headers().get(name).map(|v| v.to_str().expect("text").to_owned());
    assert_eq!(header("content-type").as_deref(), Some("text/javascript; charset=utf-8"));
    assert_eq!(header("access-control-allow-origin").as_deref(), Some("*"));
    assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"));
    let tag = header("etag").expect("a tag");
    assert!(module.text().await.expect("text").contains("export function attach"), "{REPEAT}");
    let same = get("/companion/v1.js").header("if-none-match", &tag).send().await.expect("an answer");
    assert_eq!((same.status().as_u16(), same.text().await.expect("text").len()), (304, 0));
    for (path, status) in [
        ("/companion/v1.d.ts", 200),
        ("/companion/example.html", 200),
        ("/livez", 200),
        ("/enrol/page.js", 200),
        ("/enrol/page.css", 200),
        ("/", 404),
        ("/companion/", 404),
        ("/companion/../enrol.rs", 404),
        ("/companion/v1/socket", 400),
    ] {
        assert_eq!(get(path).send().await.expect("an answer").status().as_u16(), status, "{path}; {REPEAT}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_is_not_listened_to_for_a_while() {
    let room = Room::open("guesses").await;
    let mut guesses = 0;
    loop {
        let opened = connect_async(request(&room.url, Some(ORIGIN), Some("softlanding.companion.v1"))).await;
        let socket = match opened {
            Ok((socket, _)) => socket,
            Err(Error::Http(response)) => {
                assert_eq!(response.status().as_u16(), 429, "{REPEAT}");
                break;
            }
            Err(e) => panic!("{e}; {REPEAT}"),
        };
        let mut page = Page { socket };
        page.say(json!({ "type": "hello", "page": "p", "key": format!("slp1.guess-{guesses}") })).await;
        assert_eq!(page.closed().await.0, 4401, "{REPEAT}");
        guesses += 1;
        // More only where a machine is so slow that its guesses are spread over several windows.
        assert!(guesses < 6_000, "guessing goes on for ever; {REPEAT}");
    }
    assert!(guesses >= 600, "only {guesses}; {REPEAT}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_bytes_upset_the_room() {
    let room = Room::open("bytes").await;
    let address = room.url.trim_start_matches("http://").to_owned();
    for bytes in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /enrol?return=%ff%fe HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    ] {
        let mut stream = tokio::net::TcpStream::connect(&address).await.expect("a connection");
        stream.write_all(bytes).await.expect("written");
        let mut answer = Vec::new();
        let _read =
            tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await.expect("an end");
    }
    let mut page = Page::welcome(&room.url, "p", ("key", &room.key(0))).await;
    for odd in ["", "[]", "\u{0}", "{\"type\":\"report\",\"http\":-1,\"state\":[]}", "{\"type\":\"done\"}"] {
        futures_util::SinkExt::send(&mut page.socket, tokio_tungstenite::tungstenite::Message::text(odd))
            .await
            .expect("sent");
    }
    let mut news = room.pages.news();
    page.report(401, false).await;
    until(&mut news, |news| matches!(news, PageNews::Seen(_))).await;
    assert_eq!(room.pages.connected(), 1);
    assert!(Clock::System.now() > Timestamp(0));
}
