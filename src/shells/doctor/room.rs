//! Whether agents' pages and people would reach the web room at the address that they are given.
//!
//! Must never: send anything but one question, or take an answer of somebody else for the room's.

use super::Check;
use crate::hands::genesys::Wire;
use crate::shells::report::words::{clean, counted, cut};
use crate::words::clock::Clock;
use crate::words::http::{Method, Request};

const NAME: &str = "web room";
/// What the room answers when it is asked whether it lives.
const ALIVE: &[u8] = b"alive\n";
/// Of an answer that is not the room's, so much is shown, in columns.
const SHOWN_COLUMNS_MAX: usize = 40;
/// The most of it that is read, in bytes.
const SHOWN_BYTES_MAX: usize = 200;

/// Asks `<public_url>/livez`; `origins` is how many origins may hold a companion.
pub async fn room(public_url: &str, origins: usize) -> Check {
    let fix = "start `softlanding serve`, and let the reverse proxy pass every path and WebSockets on to [web] listen";
    let what = match origins {
        0 => "no origin may hold a companion, so there are none".to_owned(),
        n => format!("companions may come from {}", counted(n as u64, "origin", "origins")),
    };
    let wire = match Wire::new(Clock::System) {
        Ok(wire) => wire,
        Err(e) => return Check::warn(NAME, format!("no HTTP client can be made: {e}"), fix),
    };
    match wire.send(Request::new(Method::Get, format!("{public_url}/livez"))).await {
        Ok(answer) if answer.status == 200 && answer.body == ALIVE => {
            Check::ok(NAME, format!("reached at {public_url}; {what}"))
        }
        Ok(answer) => {
            let body = answer.body.get(..SHOWN_BYTES_MAX).unwrap_or(&answer.body);
            let shown = cut(&clean(String::from_utf8_lossy(body).trim()), SHOWN_COLUMNS_MAX);
            let words = format!("{public_url} answers {} and not as softlanding does: {shown}", answer.status);
            Check::warn(NAME, words, fix)
        }
        Err(e) => Check::warn(NAME, format!("not reached at {public_url} from this machine: {e}; {what}"), fix),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::shells::doctor::Mark;

    /// Asks a server that answers once, with this.
    async fn asked(answer: &'static str) -> Check {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let served = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = [0; 1_024];
            let read = socket.read(&mut request).await.unwrap();
            socket.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&request[..read]).starts_with("GET /livez ")
        });
        let check = room(&url, 2).await;
        assert!(served.await.unwrap(), "asked for something else");
        check
    }

    #[tokio::test]
    async fn only_the_rooms_own_answer_is_taken_for_it() {
        let good = asked("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nalive\n").await;
        assert!(good.mark == Mark::Ok && good.words.ends_with("companions may come from 2 origins"), "{good:?}");
        let proxy = asked("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n<html>\n").await;
        assert!(proxy.mark == Mark::Warn && proxy.words.contains("not as softlanding does: <html>"), "{proxy:?}");
        let bad = asked("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n").await;
        assert!(bad.mark == Mark::Warn && bad.words.contains("answers 502"), "{bad:?}");
        let nobody = room("http://127.0.0.1:9", 0).await;
        assert!(nobody.mark == Mark::Warn && nobody.words.contains("there are none"), "{nobody:?}");
        assert!(nobody.fix.is_some_and(|fix| fix.contains("serve")));
    }
}
