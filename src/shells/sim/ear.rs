//! The ear of a simulated process: channels with their subscriptions at the twin, one socket each, opened again when they end,
//! with the topics, the frames and the pauses of `hands::genesys::push`.
//!
//! Must never: hear what was pushed while its socket was down, or anything on a channel of a process that has died.

use super::setup;
use crate::hands::genesys::login::token_request;
use crate::hands::genesys::push::{
    self, Board, CHANNELS, FIRST_PAUSE_MS, Heard, IN_VAIN_MAX, PAUSE_MS_MAX, STAYED_MS, Topic,
};
use crate::law::hint::Hint;
use crate::law::pace::backoff_ms;
use crate::law::plan::Plan;
use crate::twin::{Frame, Push, Twin};
use crate::words::clock::{Seed, Timestamp};
use crate::words::http::{Method, Request, Response};
use crate::words::secret::Secret;

/// What a life heard, all its processes together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Hints about the schedule.
    pub schedule: u32,
    /// Hints about an agent.
    pub agent: u32,
    /// Gaps: sockets that were opened.
    pub gap: u32,
}

/// What a pushed frame comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Something to look at.
    Hint(Hint),
    /// A line's socket has ended, and is opened again at this instant.
    Ended { line: usize, again_at: Timestamp },
    /// Nothing.
    Nothing,
}

/// All that one process listens with.
#[derive(Debug)]
pub(super) struct Ear {
    /// What is wanted, as the hub of a client keeps it.
    board: Board,
    lines: Vec<Line>,
    /// The publisher's token; of its own, so that the requests of the run are counted apart.
    token: Option<String>,
    /// Whether the process wants to hear.
    wanted: bool,
    chance: Seed,
    pub pushed: Pushed,
}

/// One channel's worth of topics.
#[derive(Debug, Default)]
struct Line {
    topics: Vec<Topic>,
    channel: Option<String>,
    /// Since when its socket is up.
    up_since: Option<Timestamp>,
    /// Pauses since a socket has stayed.
    failed: u8,
    /// Sockets of this channel in a row that did not stay.
    in_vain: u8,
}

impl Ear {
    pub fn new(plan: &Plan, chance: Seed) -> Ear {
        let mut board = Board::default();
        let (_, lines) = board.join(push::topics(plan));
        let line = |number| Line { topics: board.topics(number).0.to_vec(), ..Line::default() };
        let lines = lines.into_iter().map(line).collect();
        Ear { board, lines, token: None, wanted: false, chance, pushed: Pushed::default() }
    }

    /// The process wants to hear from now on: the lines that are to be opened, at the first call.
    pub fn pick_up(&mut self) -> Option<std::ops::Range<usize>> {
        let first = !std::mem::replace(&mut self.wanted, true);
        first.then_some(0..self.lines.len())
    }

    /// The process has died: its sockets are down, and nobody knows of its channels any more.
    pub fn hang_up(&mut self) {
        (self.token, self.wanted) = (None, false);
        for line in &mut self.lines {
            *line = Line { topics: std::mem::take(&mut line.topics), ..Line::default() };
        }
    }

    /// Opens a line's channel if there is none, and its socket.
    ///
    /// # Errors
    /// When it cannot be opened now: the instant at which it is tried again.
    pub fn open(&mut self, line: usize, twin: &mut Twin, now: Timestamp) -> Result<Hint, Timestamp> {
        let known = self.lines.get(line).and_then(|l| l.channel.clone());
        let channel = known.or_else(|| self.subscribed(line, twin, now)).filter(|id| twin.channel_is_open(id));
        if let Some(l) = self.lines.get_mut(line) {
            l.up_since = channel.is_some().then_some(now);
            l.channel = channel;
            if l.channel.is_some() {
                self.pushed.gap += 1;
                return Ok(Hint::Gap);
            }
        }
        Err(self.pause(line, now))
    }

    /// A new channel with the line's topics.
    fn subscribed(&mut self, line: usize, twin: &mut Twin, now: Timestamp) -> Option<String> {
        let token = match self.token.take() {
            Some(token) => token,
            None => login(twin, now)?,
        };
        let topics = &self.lines.get(line)?.topics;
        let ask = |twin: &mut Twin, method, path: &str| {
            let request = Request::new(method, format!("{}{path}", setup::BASE_URL));
            twin.handle(
                now,
                &request.header("authorization", format!("Bearer {token}")).json(&push::subscription(topics)),
            )
        };
        let id = accepted(&ask(twin, Method::Post, CHANNELS))?["id"].as_str()?.to_owned();
        accepted(&ask(twin, Method::Put, &format!("{CHANNELS}/{id}/subscriptions?ignoreErrors=true")))?;
        // Kept only when it was good: one that has expired is asked for anew.
        self.token = Some(token);
        Some(id)
    }

    fn pause(&mut self, line: usize, now: Timestamp) -> Timestamp {
        let Some(l) = self.lines.get_mut(line) else { return now + PAUSE_MS_MAX };
        l.failed = l.failed.saturating_add(1);
        now + backoff_ms(FIRST_PAUSE_MS, PAUSE_MS_MAX, l.failed, &mut self.chance)
    }

    /// Takes in what was pushed.
    pub fn take_in(&mut self, push: &Push, now: Timestamp) -> Told {
        let heard_by = |l: &Line| l.up_since.is_some() && l.channel.as_deref() == Some(push.channel.as_str());
        let Some(line) = self.lines.iter().position(heard_by) else { return Told::Nothing };
        let heard = match &push.frame {
            Frame::Text(text) => push::heard(text, &push.channel),
            Frame::Close => Heard::Closing,
        };
        match heard {
            Heard::Alive => Told::Nothing,
            Heard::Hint { topic, .. } if self.board.heard_by(&topic).is_empty() => Told::Nothing,
            Heard::Hint { hint, .. } => {
                match hint {
                    Hint::Schedule => self.pushed.schedule += 1,
                    Hint::Agent { .. } => self.pushed.agent += 1,
                    Hint::Gap | Hint::Unheard { .. } => self.pushed.gap += 1,
                }
                Told::Hint(hint)
            }
            Heard::Closing => Told::Ended { line, again_at: self.ended(line, now) },
            Heard::Gone => {
                let again_at = self.ended(line, now);
                if let Some(l) = self.lines.get_mut(line) {
                    l.channel = None;
                }
                Told::Ended { line, again_at }
            }
        }
    }

    /// A socket has ended. A channel on which none stays is given up.
    fn ended(&mut self, line: usize, now: Timestamp) -> Timestamp {
        if let Some(l) = self.lines.get_mut(line) {
            let stayed = l.up_since.take().is_some_and(|since| now.since_ms(since) > STAYED_MS);
            (l.failed, l.in_vain) = if stayed { (0, 0) } else { (l.failed, l.in_vain + 1) };
            if l.in_vain >= IN_VAIN_MAX {
                (l.channel, l.in_vain) = (None, 0);
            }
        }
        self.pause(line, now)
    }
}

fn login(twin: &mut Twin, now: Timestamp) -> Option<String> {
    let secret = Secret::new(setup::PUBLISHER.1.to_owned());
    let grant = [("grant_type", "client_credentials")];
    let answer = twin.handle(now, &token_request(setup::BASE_URL, setup::PUBLISHER.0, &secret, &grant));
    accepted(&answer)?["access_token"].as_str().map(str::to_owned)
}

fn accepted(answer: &Response) -> Option<serde_json::Value> {
    (answer.status == 200).then(|| answer.value())
}
