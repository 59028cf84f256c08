//! One line of the hub: a channel with its subscriptions and one socket, opened again when it ends, renewed before it lapses.
//!
//! Every opening is told as a gap, because what was pushed while nobody listened is lost. Must never: hold anybody up, or go on
//! when nobody has anything on it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::board::LineId;
use super::frames::{COUNTED_SINGLY, Heard, TOPICS_MAX, Topic, heard, plainer, refused, subscription};
use super::hub::Hub;
use crate::hands::genesys::ask::Ask;
use crate::hands::genesys::client::Client;
use crate::hands::genesys::{failure, hosts};
use crate::law::command::{Failure, FailureKind};
use crate::law::pace::backoff_ms;
use crate::words::clock::{Seed, Timestamp};
use crate::words::http::{Method, Response};
use crate::words::secret::Secret;

/// Where channels are opened.
pub const CHANNELS: &str = "/api/v2/notifications/channels";
/// The platform says something every 30 s; clients give up after 35 s of silence (API.md section 11), in ms.
const SILENCE_MS: i64 = 35_000;
/// A channel lives 24 h and is renewed by subscribing again (API.md section 11); half of that leaves room, in ms.
const RENEW_MS: i64 = 12 * 3_600_000;
/// What is wanted anew is subscribed so long after it is first heard of, in ms: of several runs that come or go, one call.
const SETTLE_MS: i64 = 1_000;
/// The client's own question whether the socket lives (API.md section 11).
const PING: &str = r#"{"message":"ping"}"#;
/// The first pause before a channel is opened again, in ms.
pub const FIRST_PAUSE_MS: i64 = 1_000;
/// The longest pause before a channel is opened again, in ms.
pub const PAUSE_MS_MAX: i64 = 60_000;
/// A socket that lived so long has stayed, in ms.
pub const STAYED_MS: i64 = 60_000;
/// After so many sockets in a row that did not stay, another channel is opened.
pub const IN_VAIN_MAX: u8 = 4;
/// A fast clock does not make a machine faster: no wait for a socket is cut below this.
const REAL_WAIT_MIN: Duration = Duration::from_secs(2);

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// A line that is kept open.
pub(super) struct Line {
    client: Client,
    hub: Hub,
    number: LineId,
    /// Something about what is wanted on it may have changed.
    changed: Arc<Notify>,
    chance: Seed,
    /// Pauses since a socket has stayed.
    failed: u8,
}

/// Where a channel is listened to. The id in the address is the secret (API.md section 11).
struct Channel {
    id: Secret,
    connect: Secret,
}

/// A channel that is listened to.
struct Attended {
    channel: Channel,
    /// What the platform was told is wanted on it.
    said: u64,
    /// When that is told once more, so that the channel does not lapse.
    renew_at: Timestamp,
}

/// Why a channel is not listened to any more.
enum End {
    /// Its socket has ended, and may be opened again.
    Socket,
    /// The channel is no more.
    Channel,
    /// Nobody wants to hear.
    Unwanted,
}

impl Line {
    pub(super) fn new(client: Client, hub: Hub, number: LineId, changed: Arc<Notify>, chance: Seed) -> Line {
        Line { client, hub, number, changed, chance, failed: 0 }
    }

    /// Keeps the line open until nobody has anything on it.
    pub(super) async fn keep(mut self) {
        while !self.hub.retire(self.number) {
            if !matches!(self.attend().await, Ok(End::Unwanted)) {
                self.pause().await;
            }
        }
    }

    /// One channel from its opening to its end; its socket may end, or not open, and be opened again in between. A channel on
    /// which no socket stays is given up: it may be gone without a word.
    async fn attend(&mut self) -> Result<End, Failure> {
        let channel = self.open().await?;
        let said = self.subscribe(&channel).await?;
        let mut attended = Attended { channel, said, renew_at: self.client.clock().now() + RENEW_MS };
        let mut in_vain = 0;
        while in_vain < IN_VAIN_MAX {
            if self.hub.is_unwanted(self.number) {
                return Ok(End::Unwanted);
            }
            let began = self.client.clock().now();
            if let Ok(mut socket) = self.connect(&attended.channel).await {
                if self.hub.version(self.number) != attended.said {
                    attended.said = self.subscribe(&attended.channel).await?;
                }
                self.hub.gap(self.number, attended.said);
                match self.hear(&mut attended, &mut socket).await? {
                    End::Socket => {}
                    ended => return Ok(ended),
                }
            }
            let lived = self.client.clock().now().since_ms(began) > STAYED_MS;
            in_vain = if lived { 0 } else { in_vain + 1 };
            self.failed = if lived { 0 } else { self.failed };
            self.pause().await;
        }
        Ok(End::Channel)
    }

    /// A while that grows from one to the next, until a socket has stayed; or until nobody wants to hear.
    async fn pause(&mut self) {
        self.failed = self.failed.saturating_add(1);
        let clock = self.client.clock();
        let at = clock.now() + backoff_ms(FIRST_PAUSE_MS, PAUSE_MS_MAX, self.failed, &mut self.chance);
        let until_unwanted = async {
            while !self.hub.is_unwanted(self.number) {
                self.changed.notified().await;
            }
        };
        tokio::select! {
            () = clock.sleep_until(at) => {}
            () = until_unwanted => {}
        }
    }

    async fn open(&self) -> Result<Channel, Failure> {
        let response = self.asked(Ask::api(Method::Post, CHANNELS)).await?;
        let body = response.value();
        let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let (Some(id), Some(connect)) = (text("id"), text("connectUri")) else {
            return Err(failure::malformed(&response, "the channel came without its id or its address"));
        };
        // Whoever knows the address hears everything, so it must not travel in the clear.
        let as_http = connect.replacen("ws", "http", 1);
        if !reqwest::Url::parse(&as_http).is_ok_and(|url| hosts::is_private(&url)) {
            return Err(failure::malformed(&response, "the address of the channel is not wss"));
        }
        Ok(Channel { id: Secret::new(id.to_owned()), connect: Secret::new(connect.to_owned()) })
    }

    /// Tells the platform all that is wanted on the line; gives back which state of it that is. Topics that are forbidden are
    /// left out by the platform; the others are heard.
    async fn subscribe(&self, channel: &Channel) -> Result<u64, Failure> {
        let (topics, said, _) = self.hub.wanted(self.number);
        match self.put(channel, &topics).await {
            Err(failure) if failure.status == Some(400) && topics.len() > TOPICS_MAX / COUNTED_SINGLY => {
                self.hub.narrow(&self.client, self.number, TOPICS_MAX / COUNTED_SINGLY, self.chance.clone());
                let (topics, said, _) = self.hub.wanted(self.number);
                self.put(channel, &topics).await.map(|()| said)
            }
            other => other.map(|()| said),
        }
    }

    /// A topic that is refused because of something newer in it is asked for once more without that.
    async fn put(&self, channel: &Channel, topics: &[Topic]) -> Result<(), Failure> {
        let asked = |topics: &[Topic]| {
            let path = format!("{CHANNELS}/{}/subscriptions?ignoreErrors=true", channel.id.expose());
            self.asked(Ask::api(Method::Put, path).json(&subscription(topics)))
        };
        let refused: HashSet<String> = refused(&asked(topics).await?.value());
        if refused.is_empty() {
            return Ok(());
        }
        let plain = |topic: &Topic| if refused.contains(&**topic) { plainer(topic) } else { Topic::clone(topic) };
        asked(&topics.iter().map(plain).collect::<Vec<_>>()).await.map(drop)
    }

    /// Asks on behalf of somebody who has something on the line, and only while this process may act for that one.
    async fn asked(&self, ask: Ask) -> Result<Response, Failure> {
        let (_, _, permit) = self.hub.wanted(self.number);
        let Some(permit) = permit else {
            return Err(Failure::plain(FailureKind::NotSent, "nobody wants to hear it any more"));
        };
        let response = self.client.permitted_by(permit).ask(ask).await?;
        failure::accepted(response, self.client.clock().now())
    }

    async fn connect(&self, channel: &Channel) -> Result<Socket, Failure> {
        let lost = || Failure::plain(FailureKind::NoAnswer, "the notification socket cannot be opened");
        match timeout(self.patience(), connect_async(channel.connect.expose())).await {
            Ok(Ok((socket, _))) => Ok(socket),
            Ok(Err(_)) | Err(_) => Err(lost()),
        }
    }

    /// Hears until the socket ends, is silent, the channel is gone, or nobody wants to hear.
    async fn hear(&mut self, attended: &mut Attended, socket: &mut Socket) -> Result<End, Failure> {
        let clock = self.client.clock();
        let mut asked = false;
        let mut put_at = attended.renew_at;
        loop {
            tokio::select! {
                frame = timeout(self.patience(), socket.next()) => match frame {
                    Ok(Some(Ok(message))) => {
                        asked = false;
                        if let Some(end) = self.take_in(&attended.channel, &message) {
                            return Ok(end);
                        }
                    }
                    // Silence: it is asked once whether it is still there.
                    Err(_) if !asked => {
                        asked = true;
                        if socket.send(Message::text(PING)).await.is_err() {
                            return Ok(End::Socket);
                        }
                    }
                    Ok(Some(Err(_)) | None) | Err(_) => return Ok(End::Socket),
                },
                () = clock.sleep_until(put_at) => put_at = self.say_again(attended).await?,
                () = self.changed.notified() => {
                    if self.hub.is_unwanted(self.number) {
                        return Ok(End::Unwanted);
                    }
                    if self.hub.version(self.number) != attended.said {
                        put_at = put_at.min(clock.now() + SETTLE_MS);
                    }
                    self.hub.welcome(self.number, attended.said);
                }
            }
        }
    }

    /// Subscribes again: because the channel would lapse, or because something else is wanted. Gives back when that is due
    /// next. What goes wrong is tried again, as long as there is a channel: those who hear on it must not pay for it.
    async fn say_again(&mut self, attended: &mut Attended) -> Result<Timestamp, Failure> {
        let clock = self.client.clock();
        match self.subscribe(&attended.channel).await {
            Ok(said) => {
                (attended.said, attended.renew_at) = (said, clock.now() + RENEW_MS);
                self.failed = 0;
                self.hub.welcome(self.number, said);
                // Something may have changed meanwhile, before anybody waited for it.
                self.changed.notify_one();
                Ok(attended.renew_at)
            }
            Err(failure) if failure.status == Some(404) => Err(failure),
            Err(_) => {
                self.failed = self.failed.saturating_add(1);
                Ok(clock.now() + backoff_ms(FIRST_PAUSE_MS, PAUSE_MS_MAX, self.failed, &mut self.chance))
            }
        }
    }

    fn take_in(&self, channel: &Channel, message: &Message) -> Option<End> {
        let text = match message {
            Message::Text(text) => text,
            Message::Close(_) => return Some(End::Socket),
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => return None,
        };
        match heard(text, channel.id.expose()) {
            Heard::Hint { topic, hint } => {
                self.hub.heard(&topic, &hint);
                None
            }
            Heard::Alive => None,
            Heard::Closing => Some(End::Socket),
            Heard::Gone => Some(End::Channel),
        }
    }

    fn patience(&self) -> Duration {
        self.client.clock().real(SILENCE_MS).max(REAL_WAIT_MIN)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;
    use crate::hands::genesys::tests::support::settings;
    use crate::hands::genesys::{Org, Wire};
    use crate::words::clock::Clock;

    #[tokio::test]
    async fn a_socket_that_speaks_no_tls_is_an_error_that_names_no_address() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = server.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = server.accept().await {
                let _gone = stream.write_all(b"HTTP/1.1 400 no\r\n\r\n").await;
            }
        });
        let secret = |text: String| Secret::new(text);
        let channel =
            Channel { id: secret("c-1".to_owned()), connect: secret(format!("wss://127.0.0.1:{port}/channels/c-1")) };
        let client = Client::new(Org::new(settings()), Wire::new(Clock::System).unwrap(), Clock::System);
        let line = Line::new(client, Hub::default(), 1, Arc::default(), Seed(1));
        let Err(failure) = line.connect(&channel).await else { panic!("nobody speaks TLS there") };
        assert!(!failure.to_string().contains("c-1"), "{failure}");
    }
}
