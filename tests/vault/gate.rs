//! A gate before an org: a token refresh is held on its way there, or its answer on the way back.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Stands in the request of a refresh and in no other.
const REFRESH: &[u8] = b"refresh_token=";

/// What does not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// The request of a refresh: the org never hears of it.
    Requests,
    /// The answer to a refresh: the org has carried it out.
    Answers,
    /// Nothing.
    Nothing,
}

/// A gate.
pub struct Gate {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    open: Arc<watch::Sender<bool>>,
    held: watch::Receiver<bool>,
    passed: watch::Receiver<bool>,
}

impl Gate {
    /// A gate before the org at `url`. It never lets a request go that it holds; answers once it is opened.
    pub async fn before(url: &str, holds: Holds) -> Gate {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let own = format!("http://{}", listener.local_addr().expect("an address"));
        let (hold, held) = watch::channel(false);
        let (pass, passed) = watch::channel(false);
        let (open, opened) = watch::channel(false);
        let (address, hold, pass) = (url.trim_start_matches("http://").to_owned(), Arc::new(hold), Arc::new(pass));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&address).await.expect("the org");
                let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
                let (say, said) = watch::channel(false);
                tokio::spawn(requests(from_client, to_server, say, holds, Arc::clone(&hold)));
                tokio::spawn(answers(
                    from_server,
                    to_client,
                    said,
                    holds,
                    Arc::clone(&hold),
                    opened.clone(),
                    Arc::clone(&pass),
                ));
            }
        });
        Gate { url: own, open: Arc::new(open), held, passed }
    }
    /// Returns once something is held.
    pub async fn holds_a_refresh(&self) {
        self.held.clone().wait_for(|held| *held).await.expect("a gate");
    }
    /// Lets the answers through that are held.
    pub fn open(&self) {
        self.open.send_replace(true);
    }
    /// Returns once the answer to a refresh has passed.
    pub async fn a_refresh_has_passed(&self) {
        self.passed.clone().wait_for(|passed| *passed).await.expect("a gate");
    }
}

/// Passes requests on, and says when one of the connection is a refresh.
async fn requests(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    refresh: watch::Sender<bool>,
    holds: Holds,
    held: Arc<watch::Sender<bool>>,
) {
    let mut bytes = vec![0; 16_384];
    while let Ok(n @ 1..) = from.read(&mut bytes).await {
        if bytes[..n].windows(REFRESH.len()).any(|window| window == REFRESH) {
            refresh.send_replace(true);
            if holds == Holds::Requests {
                held.send_replace(true);
                std::future::pending::<()>().await;
            }
        }
        if to.write_all(&bytes[..n]).await.is_err() {
            return;
        }
    }
}

/// Passes answers on, but for those of a connection with a refresh where they are held.
async fn answers(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    refresh: watch::Receiver<bool>,
    holds: Holds,
    held: Arc<watch::Sender<bool>>,
    mut opened: watch::Receiver<bool>,
    passed: Arc<watch::Sender<bool>>,
) {
    let mut bytes = vec![0; 16_384];
    while let Ok(n @ 1..) = from.read(&mut bytes).await {
        let of_a_refresh = *refresh.borrow();
        if of_a_refresh && holds == Holds::Answers {
            held.send_replace(true);
            // A gate that is gone is open.
            let _ = opened.wait_for(|open| *open).await;
        }
        if to.write_all(&bytes[..n]).await.is_err() {
            return;
        }
        if of_a_refresh {
            passed.send_replace(true);
        }
    }
}
