//! Listening: channels with their subscriptions, one socket each, opened again when they end, renewed before they lapse.
//!
//! Every opening is told as a gap, because what was pushed while nobody listened is lost. Must never: hold anybody up; what a
//! run is too busy to hear is dropped, and its next planned look finds it.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::sync::mpsc::{Sender, error::TrySendError};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::frames::{Heard, TOPICS_MAX, Topic, heard, subscription, topics};
use crate::hands::genesys::ask::Ask;
use crate::hands::genesys::client::Client;
use crate::hands::genesys::{failure, hosts};
use crate::law::command::{Failure, FailureKind};
use crate::law::hint::Hint;
use crate::law::pace::backoff_ms;
use crate::law::plan::Plan;
use crate::words::clock::{Seed, Timestamp};
use crate::words::http::{Method, Response};
use crate::words::id::BusinessUnitId;
use crate::words::secret::Secret;

/// Where channels are opened.
pub const CHANNELS: &str = "/api/v2/notifications/channels";
/// The platform says something every 30 s; clients give up after 35 s of silence (API.md section 11), in ms.
const SILENCE_MS: i64 = 35_000;
/// A channel lives 24 h and is renewed by subscribing again (API.md section 11); half of that leaves room, in ms.
const RENEW_MS: i64 = 12 * 3_600_000;
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
/// A channel that the platform refuses for its number of topics counts each of the three that are combined (UNCERTAIN, API.md
/// section 11); it gets a third of them, and the other agents are looked at without being pushed.
const COUNTED_SINGLY: usize = 3;

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// Listens for a run, until it is dropped or nobody wants to hear any more. What goes wrong is tried again, with growing
/// pauses: a run does without what is pushed.
pub async fn listen(client: Client, plan: &Plan, seed: Seed, tell: Sender<Hint>) {
    let all = topics(plan);
    let channels = all.chunks(TOPICS_MAX).enumerate().map(|(number, topics)| {
        let listener = Listener {
            client: client.clone(),
            unit: plan.business_unit.id.clone(),
            topics: topics.to_vec(),
            chance: seed.fork(&format!("channel {number}")),
            tell: tell.clone(),
            failed: 0,
        };
        listener.keep()
    });
    futures_util::future::join_all(channels).await;
}

/// One channel's worth of topics.
struct Listener {
    client: Client,
    unit: BusinessUnitId,
    topics: Vec<Topic>,
    chance: Seed,
    tell: Sender<Hint>,
    /// Pauses since a socket has stayed.
    failed: u8,
}

/// Where a channel is listened to. The id in the address is the secret (API.md section 11).
struct Channel {
    id: Secret,
    connect: Secret,
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

impl Listener {
    async fn keep(mut self) {
        let client = self.client.clone();
        let Some(_seat) = client.channel_seat().await else { return };
        while !self.tell.is_closed() {
            if let Ok(End::Unwanted) = self.attend().await {
                return;
            }
            self.pause().await;
        }
    }

    /// One channel from its opening to its end; its socket may end, or not open, and be opened again in between. A channel on
    /// which no socket stays is given up: it may be gone without a word.
    async fn attend(&mut self) -> Result<End, Failure> {
        let channel = self.open().await?;
        self.subscribe(&channel).await?;
        let mut renew_at = self.client.clock().now() + RENEW_MS;
        let mut in_vain = 0;
        while in_vain < IN_VAIN_MAX {
            // A process that was paused for longer than its lease listens for nobody.
            if !self.client.may_act() {
                return Ok(End::Unwanted);
            }
            let began = self.client.clock().now();
            if let Ok(mut socket) = self.connect(&channel).await {
                if !self.say(Hint::Gap) {
                    return Ok(End::Unwanted);
                }
                match self.hear(&channel, &mut socket, &mut renew_at).await? {
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
        tokio::select! {
            () = clock.sleep_until(at) => {}
            () = self.tell.closed() => {}
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

    /// Topics that are forbidden are left out by the platform; the others are heard.
    async fn subscribe(&self, channel: &Channel) -> Result<(), Failure> {
        let asked = |topics: &[Topic]| {
            let path = format!("{CHANNELS}/{}/subscriptions?ignoreErrors=true", channel.id.expose());
            self.asked(Ask::api(Method::Put, path).json(&subscription(topics)))
        };
        match asked(&self.topics).await {
            Err(failure) if failure.status == Some(400) => {
                asked(self.topics.get(..self.topics.len().div_ceil(COUNTED_SINGLY)).unwrap_or_default()).await.map(drop)
            }
            other => other.map(drop),
        }
    }

    async fn asked(&self, ask: Ask) -> Result<Response, Failure> {
        let response = self.client.ask(ask).await?;
        failure::accepted(response, self.client.clock().now())
    }

    async fn connect(&self, channel: &Channel) -> Result<Socket, Failure> {
        let lost = || Failure::plain(FailureKind::NoAnswer, "the notification socket cannot be opened");
        match timeout(self.patience(), connect_async(channel.connect.expose())).await {
            Ok(Ok((socket, _))) => Ok(socket),
            Ok(Err(_)) | Err(_) => Err(lost()),
        }
    }

    /// Hears until the socket ends, is silent, or the channel is gone.
    async fn hear(&self, channel: &Channel, socket: &mut Socket, renew_at: &mut Timestamp) -> Result<End, Failure> {
        let clock = self.client.clock();
        let mut asked = false;
        loop {
            tokio::select! {
                frame = timeout(self.patience(), socket.next()) => match frame {
                    Ok(Some(Ok(message))) => {
                        asked = false;
                        if let Some(end) = self.take_in(&message) {
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
                () = clock.sleep_until(*renew_at) => {
                    self.subscribe(channel).await?;
                    *renew_at = clock.now() + RENEW_MS;
                }
                () = self.tell.closed() => return Ok(End::Unwanted),
            }
        }
    }

    fn take_in(&self, message: &Message) -> Option<End> {
        let text = match message {
            Message::Text(text) => text,
            Message::Close(_) => return Some(End::Socket),
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => return None,
        };
        match heard(text, &self.unit) {
            Heard::Hint(hint) if !self.say(hint.clone()) => Some(End::Unwanted),
            Heard::Hint(_) | Heard::Alive => None,
            Heard::Closing => Some(End::Socket),
            Heard::Gone => Some(End::Channel),
        }
    }

    /// Tells the run; false when nobody hears any more. A run that is behind has enough to look at.
    fn say(&self, hint: Hint) -> bool {
        !matches!(self.tell.try_send(hint), Err(TrySendError::Closed(_)))
    }

    fn patience(&self) -> Duration {
        self.client.clock().real(SILENCE_MS).max(REAL_WAIT_MIN)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;
    use tokio::sync::mpsc;

    use super::*;
    use crate::hands::genesys::tests::support::settings;
    use crate::hands::genesys::{Org, Wire};
    use crate::words::clock::Clock;

    fn listener(tell: Sender<Hint>) -> Listener {
        let client = Client::new(Org::new(settings()), Wire::new(Clock::System).unwrap(), Clock::System);
        let unit = BusinessUnitId::new("care").unwrap();
        Listener { client, unit, topics: Vec::new(), chance: Seed(1), tell, failed: 0 }
    }

    #[tokio::test]
    async fn a_socket_that_speaks_no_tls_is_an_error_that_names_no_address() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = server.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = server.accept().await {
                let _gone = stream.write_all(b"HTTP/1.1 400 no\r\n\r\n").await;
            }
        });
        let (tell, _told) = mpsc::channel(1);
        let secret = |text: String| Secret::new(text);
        let channel =
            Channel { id: secret("c-1".to_owned()), connect: secret(format!("wss://127.0.0.1:{port}/channels/c-1")) };
        let Err(failure) = listener(tell).connect(&channel).await else { panic!("nobody speaks TLS there") };
        assert!(!failure.to_string().contains("c-1"), "{failure}");
    }

    #[test]
    fn who_is_behind_loses_a_hint_and_who_is_gone_ends_it() {
        let (tell, told) = mpsc::channel(1);
        let listener = listener(tell);
        assert!(listener.say(Hint::Gap) && listener.say(Hint::Schedule), "a run that is behind holds nobody up");
        drop(told);
        assert!(!listener.say(Hint::Gap));
    }
}
