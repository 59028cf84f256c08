//! The wire and the client over real sockets of the loopback: what counts as sent, and that nothing repeats.

use std::sync::{Arc, Mutex};
use std::task::Poll;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::support::{call, plan, settings};
use crate::hands::genesys::{Call, Client, Hosts, Org, Wire};
use crate::law::command::{Command, FailureKind, Outcome, PublishAnswer, UploadKey};
use crate::words::clock::{Clock, Moment};
use crate::words::http::{Lost, Method, Request, Response};
use crate::words::id::Seat;
use crate::words::permit::Permit;
use crate::words::secret::Secret;

/// A server on the loopback and a client that speaks to it.
pub struct Served {
    pub client: Client,
    pub requests: Arc<Mutex<Vec<Request>>>,
}

/// Serves `answer`; logins are answered here, and 404 where `answer` says nothing.
pub async fn serve(answer: impl Fn(&Request) -> Option<Response> + Send + Sync + 'static) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let (seen, here, answer) = (requests.clone(), base.clone(), Arc::new(answer));
    let handler = move |incoming: axum::extract::Request| {
        let (seen, here, answer) = (seen.clone(), here.clone(), answer.clone());
        async move {
            let (parts, body) = incoming.into_parts();
            let mut request =
                Request::new(Method::parse(parts.method.as_str()).unwrap(), format!("{here}{}", parts.uri));
            for (name, value) in &parts.headers {
                request.headers.push((name.as_str().to_owned(), value.to_str().unwrap().to_owned()));
            }
            request.body = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
            let response = match request.path() {
                "/oauth/token" => Response::new(200).json(&json!({"access_token": "token-1", "expires_in": 86_400})),
                _ => answer(&request).unwrap_or(Response::new(404)),
            };
            seen.lock().unwrap().push(request);
            let mut outgoing = axum::response::Response::builder().status(response.status);
            for (name, value) in &response.headers {
                outgoing = outgoing.header(name, value);
            }
            outgoing.body(axum::body::Body::from(response.body)).unwrap()
        }
    };
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(handler)).await });
    Served { client: client_of(&base), requests }
}

fn client_of(base: &str) -> Client {
    let mut settings = settings();
    settings.hosts = Hosts::given(base, base).unwrap();
    Client::new(Org::new(settings), Wire::new(Clock::System).unwrap(), Clock::System)
}

/// A server that hands each connection to `talk`, one after the other.
async fn raw<F, T>(talk: F) -> String
where
    F: Fn(TcpStream) -> T + Send + 'static,
    T: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            talk(stream).await;
        }
    });
    base
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") && stream.read(&mut byte).await.unwrap_or(0) == 1 {
        text.push(byte[0]);
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn a_closed_port_means_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let wire = Wire::new(Clock::System).unwrap();
    let answer = wire.send(Request::new(Method::Get, format!("{base}/secret-path?token=abc"))).await;
    let Err(Lost::NotSent(why)) = answer else { panic!("{answer:?}") };
    assert!(why.starts_with("127.0.0.1: "), "{why}");
    assert!(!why.contains("abc") && !why.contains("secret-path"), "{why}");
    let answer = wire.send(Request::new(Method::Get, "no address")).await;
    assert!(matches!(answer, Err(Lost::NotSent(_))));
    let broken = Request::new(Method::Get, base).header("x-broken", "a\r\nb: c");
    assert!(matches!(wire.send(broken).await, Err(Lost::NotSent(_))));
}

#[tokio::test]
async fn what_was_on_its_way_when_the_permit_ended_does_not_leave() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = heard.clone();
    let base = raw(move |mut stream| {
        let ear = ear.clone();
        async move {
            let mut all = Vec::new();
            let _reset = stream.read_to_end(&mut all).await;
            ear.lock().unwrap().push(String::from_utf8_lossy(&all).into_owned());
        }
    })
    .await;
    let update = |method| Request::new(method, format!("{base}/update"));
    let with_a_body = update(Method::Post).json(&json!({"uploadKey": "key-1"}));
    let acts = [with_a_body, update(Method::Put), update(Method::Post), update(Method::Delete)];
    for (n, request) in acts.into_iter().enumerate() {
        let wire = Wire::new(Clock::System).unwrap();
        let permit = Permit::lasting(Moment::now(), 600_000);
        let mut sending = std::pin::pin!(wire.send_while(&permit, request.clone()));
        // It is connecting now; a process can be paused here for as long as its lease runs.
        let under_way = std::future::poll_fn(|context| Poll::Ready(sending.as_mut().poll(context).is_pending())).await;
        assert!(under_way);
        permit.end();
        for answer in [sending.await, wire.send_while(&permit, request).await] {
            assert!(matches!(&answer, Err(Lost::NotSent(why)) if why.contains("may not act")), "{answer:?}");
        }
        while heard.lock().unwrap().len() <= n {
            tokio::task::yield_now().await;
        }
    }
    // At most the head of one came through: what is neither its bytes nor the end of its chunks is no request.
    let whole = |bytes: &String| bytes.contains("key-1") || bytes.contains("\r\n\r\n0\r\n");
    assert!(!heard.lock().unwrap().iter().any(whole), "{heard:?}");
}

#[tokio::test]
async fn what_acts_without_a_body_is_understood() {
    let Served { client, requests } = serve(|_| Some(Response::new(204))).await;
    let done = client.perform(call(&Command::RevokeTokens { seat: Seat(0) })).await;
    assert_eq!(done.outcome, Outcome::RemedyAccepted);
    let requests = requests.lock().unwrap();
    let last = requests.last().unwrap();
    assert_eq!((last.method, last.body.len()), (Method::Delete, 0));
}

#[tokio::test]
async fn nothing_leaves_this_machine_in_the_clear() {
    let wire = Wire::new(Clock::System).unwrap();
    let plain = Request::new(Method::Get, "http://192.0.2.1/api/v2/date").header("authorization", "Bearer token-1");
    let Err(Lost::NotSent(why)) = wire.send(plain).await else { panic!("sent in the clear") };
    assert!(!why.contains("token-1"), "{why}");
}

#[tokio::test]
async fn a_connection_cut_after_the_request_means_no_answer_and_no_second_request() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = seen.clone();
    // The login is answered on a connection that stays open; whatever follows on it is read and cut off.
    let base = raw(move |mut stream| {
        let record = record.clone();
        async move {
            loop {
                let head = read_request(&mut stream).await;
                if head.is_empty() {
                    return;
                }
                let line = head.lines().next().unwrap_or_default().to_owned();
                record.lock().unwrap().push(line.clone());
                if !line.contains("/oauth/token") {
                    return;
                }
                let body = r#"{"access_token":"t","expires_in":900}"#;
                let mut form = [0; 31];
                stream.read_exact(&mut form).await.unwrap();
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    })
    .await;
    let publish = Command::Publish { upload: UploadKey(Secret::new("key-17".to_owned())) };
    let done = client_of(&base).perform(call(&publish)).await;
    let Outcome::Published { answer: PublishAnswer::Doubt(failure), .. } = done.outcome else { panic!("{done:?}") };
    assert_eq!(failure.kind, FailureKind::NoAnswer);
    let seen = seen.lock().unwrap();
    let updates = seen.iter().filter(|line| line.contains("/update ")).count();
    assert_eq!((seen.len(), updates), (2, 1), "{seen:?}");
}

#[tokio::test]
async fn redirects_are_answers() {
    let Served { client, requests } =
        serve(|_| Some(Response::new(307).header("location", "http://127.0.0.1:9/elsewhere"))).await;
    let done = client.perform(call(&Command::ReadSchedule)).await;
    let Outcome::Failed(failure) = done.outcome else { panic!("{done:?}") };
    assert_eq!((failure.kind, failure.status), (FailureKind::Malformed, Some(307)));
    assert_eq!(requests.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off_even_when_it_is_small_on_the_wire() {
    use std::io::Write;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&vec![b' '; 1 << 20]).unwrap();
    let bomb = gzip.finish().unwrap();
    assert!(bomb.len() < 4_096);
    let body = bomb.clone();
    let Served { requests, client } = serve(move |_| {
        let mut response = Response::new(200).header("content-encoding", "gzip");
        response.body = body.clone();
        Some(response)
    })
    .await;
    client.perform(call(&Command::ReadSchedule)).await;
    let url = requests.lock().unwrap()[1].url.clone();
    let small = Wire::new(Clock::System).unwrap().answer_bytes_max(65_536);
    let Err(Lost::NoAnswer(why)) = small.send(Request::new(Method::Get, url.clone())).await else { panic!("no bound") };
    assert!(why.contains("larger than 65536 bytes"), "{why}");
    let large = Wire::new(Clock::System).unwrap().send(Request::new(Method::Get, url)).await.unwrap();
    assert_eq!(large.body.len(), 1 << 20);
}

#[tokio::test]
async fn silence_ends_at_the_timeout() {
    let base = raw(|mut stream| async move { while !read_request(&mut stream).await.is_empty() {} }).await;
    // Measured on a clock that runs 1,000 times as fast: 30 s pass in the shortest wait that the wire allows.
    let wire = Wire::new(Clock::scaled(Clock::System.now(), 1_000.0)).unwrap();
    let answer = wire.send(Request::new(Method::Get, base)).await;
    let Err(Lost::NoAnswer(why)) = answer else { panic!("{answer:?}") };
    assert!(why.contains("nothing within 30 s"), "{why}");
}

#[tokio::test]
async fn many_at_once_log_in_once() {
    let Served { client, requests } = serve(|_| Some(Response::new(204))).await;
    let calls = (0..32).map(|n| {
        let client = client.clone();
        let call = Call::new(&Command::RevokeTokens { seat: Seat(n) }, &plan(32), None);
        tokio::spawn(async move { client.perform(call).await })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap().outcome, Outcome::RemedyAccepted);
    }
    let requests = requests.lock().unwrap();
    let logins = requests.iter().filter(|request| request.path() == "/oauth/token").count();
    assert_eq!((logins, requests.len()), (1, 33));
}

#[tokio::test]
async fn a_call_given_up_in_mid_air_gives_its_login_back() {
    let (told, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let base = raw(move |mut stream| {
        let told = told.clone();
        async move {
            read_request(&mut stream).await;
            let _ = told.send(());
            // Held open until the client goes away.
            while !read_request(&mut stream).await.is_empty() {}
        }
    })
    .await;
    let client = client_of(&base);
    let task = tokio::spawn({
        let client = client.clone();
        async move { client.perform(call(&Command::ReadSchedule)).await }
    });
    asked.recv().await.unwrap();
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    let now = client.clock().now();
    let mut next = call(&Command::ReadSchedule);
    let sent = next.next(&mut client.org(), now);
    assert!(matches!(sent, crate::hands::genesys::Next::Send(_)), "{sent:?}");
}
