//! A gate before an org: requests pass, and the answer to a token refresh waits until the gate is opened.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Stands in the request of a refresh and in no other.
const REFRESH: &[u8] = b"&refresh_token=";

/// A gate that is shut.
pub struct Gate {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    open: Arc<watch::Sender<bool>>,
    held: watch::Receiver<bool>,
}

impl Gate {
    /// A gate before the org at `url`.
    pub async fn before(url: &str) -> Gate {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let own = format!("http://{}", listener.local_addr().expect("an address"));
        let (open, opened) = watch::channel(false);
        let (hold, held) = watch::channel(false);
        let (address, hold) = (url.trim_start_matches("http://").to_owned(), Arc::new(hold));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&address).await.expect("the org");
                let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
                let (say, said) = watch::channel(false);
                tokio::spawn(requests(from_client, to_server, say));
                tokio::spawn(answers(from_server, to_client, said, Arc::clone(&hold), opened.clone()));
            }
        });
        Gate { url: own, open: Arc::new(open), held }
    }
    /// Returns once the answer to a refresh waits at the gate.
    pub async fn holds_a_refresh(&self) {
        self.held.clone().wait_for(|held| *held).await.expect("a gate");
    }
    /// Lets through what waits, and all that comes.
    pub fn open(&self) {
        self.open.send_replace(true);
    }
}

/// Passes requests on, and says when one of the connection is a refresh.
async fn requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, refresh: watch::Sender<bool>) {
    let mut bytes = vec![0; 16_384];
    while let Ok(n @ 1..) = from.read(&mut bytes).await {
        if bytes[..n].windows(REFRESH.len()).any(|window| window == REFRESH) {
            refresh.send_replace(true);
        }
        if to.write_all(&bytes[..n]).await.is_err() {
            return;
        }
    }
}

/// Passes answers on; those of a connection with a refresh wait for the gate.
async fn answers(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    refresh: watch::Receiver<bool>,
    hold: Arc<watch::Sender<bool>>,
    mut opened: watch::Receiver<bool>,
) {
    let mut bytes = vec![0; 16_384];
    while let Ok(n @ 1..) = from.read(&mut bytes).await {
        if *refresh.borrow() {
            hold.send_replace(true);
            // A gate that is gone is open.
            let _ = opened.wait_for(|open| *open).await;
        }
        if to.write_all(&bytes[..n]).await.is_err() {
            return;
        }
    }
}
