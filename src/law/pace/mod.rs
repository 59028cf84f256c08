//! Budgets as values: the server's rate window, its `Retry-After`, and jittered backoff.
//!
//! One [`Pacer`] is shared by everything that uses the same token, because the platform counts per token (API.md
//! section 3); `queue` keeps whose turn it is among the runs that share it. Must never: let more requests out in a window
//! than the server allows, whoever asks.

mod queue;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use self::queue::Queue;
use crate::words::clock::{Seed, Timestamp};

/// The length of the platform's window, in ms: 300 calls *a minute* (API.md section 3).
/// Fixed or sliding is UNCERTAIN, so the pacer keeps to the stricter reading: no 60 s hold more than the allowance.
pub const WINDOW_MS: i64 = 60_000;

/// Calls a minute until the server says otherwise (API.md section 3, `client.credentials.token.rate.per.minute`).
pub const CALLS_PER_MINUTE: u32 = 300;

/// Calls kept back for urgent requests: nothing else may spend the last of a window when T comes.
pub const RESERVE_CALLS: u32 = 10;

/// The reserve is kept until nothing urgent has been asked for so long, in ms: two windows. A publish is looked after every
/// few seconds until it is seen through, so by then whoever was urgent is done. For a publish that is to come it is kept again
/// for as long before its instant, so that its preparations find it after one window.
pub const RESERVE_KEPT_MS: i64 = 2 * WINDOW_MS;

/// How soon a request asks again that left a free turn to others, in ms: they are about to ask.
pub const YIELD_MS: i64 = 50;

/// A request that does not ask again within this long after the instant that it was told has lost its place, in ms.
/// Longer than a machine under load takes to wake a task, short beside a window.
pub const PRESENT_MS: i64 = 1_000;

/// How urgent a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// The publish, its preparations and what settles it: may use the reserve, and goes before everybody.
    Publish,
    /// Everything else: may use the reserve when nobody has been urgent for [`RESERVE_KEPT_MS`].
    Normal,
}

/// On whose behalf a request is made, among those that share one budget: one number per run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Party(pub u32);

impl Party {
    /// Staging, and whatever belongs to no run.
    pub const HOUSE: Party = Party(0);
}

/// A request that wants a turn, and its place in the queue once it has had to wait. Each request keeps its own.
#[derive(Debug, Clone)]
pub struct Ticket {
    party: Party,
    urgency: Urgency,
    /// Numbers are drawn in the order of the first asking.
    number: Option<u64>,
}

impl Ticket {
    /// A request that has not asked yet.
    #[must_use]
    pub fn new(party: Party, urgency: Urgency) -> Ticket {
        Ticket { party, urgency, number: None }
    }
    /// On whose behalf it asks.
    #[must_use]
    pub fn party(&self) -> Party {
        self.party
    }
    /// How urgent it is.
    #[must_use]
    pub fn urgency(&self) -> Urgency {
        self.urgency
    }
}

/// What the server says about its limit in an answer (API.md section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RateHeaders {
    /// `inin-ratelimit-count`: calls counted in the present window.
    pub count: Option<u32>,
    /// `inin-ratelimit-allowed`: calls allowed per window.
    pub allowed: Option<u32>,
    /// `inin-ratelimit-reset`: seconds until the window ends.
    pub reset_s: Option<i64>,
    /// `Retry-After`, in seconds, on a 429.
    pub retry_after_s: Option<i64>,
}

/// May a request leave now?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Yes, and it has been counted.
    Go,
    /// Not before this instant; ask again then. Whoever does not loses its place after [`PRESENT_MS`].
    Wait(Timestamp),
}

/// Where the allowance of a [`Pacer`] is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KnownFrom {
    /// A usual value, or what was read elsewhere.
    Hearsay,
    /// An answer of the server to a request of this token.
    Server,
}

/// Keeps the requests of one token within the server's limit, and shares it among the parties.
///
/// A request counts from the moment it leaves until one window after its answer: the server counted it somewhere in
/// between, so however long either took, no window of the server's holds more than the allowance.
/// When the server counts more than we did (another process uses the token), the difference is taken over.
///
/// A free turn goes to the party with the fewest calls in the window among those that wait, and among equals to whoever
/// has waited longest since its last turn: max-min fairness. A party alone has the whole allowance, and one that does not
/// come back for its turn holds the others up for a moment only. One turn costs O(parties that wait), and O(log) of what
/// is counted and of the requests that wait.
#[derive(Debug, Clone)]
pub struct Pacer {
    allowed: u32,
    known_from: KnownFrom,
    cap: Option<u32>,
    /// When counted requests stop counting, whose they are (`None`: another process's), and how many do then.
    expiring: BTreeMap<(Timestamp, Option<Party>), u32>,
    counted: u32,
    under_way: u32,
    /// Calls of each party that count or are under way; a party without any is not in it.
    used: BTreeMap<Party, u32>,
    gate: Timestamp,
    /// When somebody urgent last asked for a turn. Who has seen nobody urgent yet keeps the reserve: T may be about to come.
    urgent_at: Option<Timestamp>,
    /// Publishes that are to come.
    to_come: BTreeSet<Timestamp>,
    queue: Queue,
}

impl Pacer {
    /// A pacer that starts with `allowed` calls per window until the server says otherwise; `cap` is the admin's own limit.
    #[must_use]
    pub fn new(allowed: u32, cap: Option<u32>) -> Pacer {
        Pacer {
            allowed: allowed.max(1),
            known_from: KnownFrom::Hearsay,
            cap,
            expiring: BTreeMap::new(),
            counted: 0,
            under_way: 0,
            used: BTreeMap::new(),
            gate: Timestamp(i64::MIN),
            urgent_at: None,
            to_come: BTreeSet::new(),
            queue: Queue::default(),
        }
    }
    /// Somebody has heard that the server allows `allowed` calls per window. No more are let out until the server says
    /// something else itself; once it has, hearsay counts for nothing, and of two hearsays the lower one does.
    pub fn expect(&mut self, allowed: u32) {
        if self.known_from == KnownFrom::Hearsay {
            self.allowed = self.allowed.min(allowed.max(1));
        }
    }
    /// A publish is to come at this instant: the reserve is kept for it and its preparations, however long nobody was urgent.
    pub fn expect_publish(&mut self, at: Timestamp) {
        self.to_come.insert(at);
    }
    /// Asks for a turn. [`Turn::Go`] counts the request as sent; [`Pacer::answered`] or [`Pacer::lost`] must follow.
    pub fn turn(&mut self, now: Timestamp, ticket: &mut Ticket) -> Turn {
        if ticket.urgency == Urgency::Publish {
            self.urgent_at = self.urgent_at.max(Some(now));
        }
        let at = if now < self.gate { Some(self.gate) } else { self.not_before(now, ticket) };
        if let Some(at) = at {
            self.queue.wait(ticket, at);
            return Turn::Wait(at);
        }
        self.queue.serve(now, ticket);
        self.under_way += 1;
        *self.used.entry(ticket.party).or_default() += 1;
        Turn::Go
    }
    /// Gives up waiting: the place in the queue is free for whoever comes next.
    pub fn withdraw(&mut self, ticket: &mut Ticket) {
        self.queue.leave(ticket);
    }
    /// An answer to a request of `party` came, and with it what the server says. Later answers to earlier requests do no
    /// harm: the gate only moves forward.
    pub fn answered(&mut self, now: Timestamp, party: Party, headers: RateHeaders) {
        self.forget(now);
        // The party's own count stays as it is: the request was under way and is counted from here on.
        self.count(now + WINDOW_MS, Some(party), 1);
        self.under_way = self.under_way.saturating_sub(1);
        if let Some(allowed) = headers.allowed {
            (self.allowed, self.known_from) = (allowed.max(1), KnownFrom::Server);
        }
        if let Some(after_s) = headers.retry_after_s {
            self.gate = self.gate.max(now + after_s.clamp(1, 3_600) * 1_000);
        }
        if let (Some(count), Some(reset_s)) = (headers.count, headers.reset_s) {
            let ours = self.counted + self.under_way;
            // Whole seconds: the window may last almost one longer than it says.
            let window_ends = now + (reset_s.clamp(0, 3_600) + 1) * 1_000;
            self.count(window_ends, None, count.min(100_000).saturating_sub(ours));
        }
    }
    /// No answer came. The server may have counted the request all the same.
    pub fn lost(&mut self, now: Timestamp, party: Party) {
        self.answered(now, party, RateHeaders::default());
    }
    /// Calls allowed per window at present.
    #[must_use]
    pub fn allowed(&self) -> u32 {
        self.cap.map_or(self.allowed, |cap| cap.min(self.allowed)).max(1)
    }

    /// When to ask again; `None` when the turn is this request's.
    fn not_before(&mut self, now: Timestamp, ticket: &Ticket) -> Option<Timestamp> {
        self.forget(now);
        let allowed = self.allowed();
        let room = if self.reserve_is_free(now) { allowed } else { room(allowed, ticket.urgency) };
        let free = room.saturating_sub(self.under_way + self.counted);
        if free == 0 {
            // With everything still under way there is no instant to name; an answer is close.
            let next = self.expiring.first_key_value().map_or(now + 250, |((at, _), _)| *at);
            return Some(next.max(now + 1));
        }
        let used = |party: Party| self.used.get(&party).copied().unwrap_or(0);
        let ahead = self.queue.ahead_of(now, ticket, used);
        (free <= ahead).then_some(now + YIELD_MS)
    }

    fn reserve_is_free(&self, now: Timestamp) -> bool {
        let close = now - RESERVE_KEPT_MS..=now + RESERVE_KEPT_MS;
        self.urgent_at.is_some_and(|at| now.since_ms(at) >= RESERVE_KEPT_MS)
            && self.to_come.range(close).next().is_none()
    }

    fn count(&mut self, until: Timestamp, party: Option<Party>, calls: u32) {
        if calls > 0 {
            *self.expiring.entry((until, party)).or_default() += calls;
            self.counted += calls;
        }
    }

    fn forget(&mut self, now: Timestamp) {
        while self.to_come.first().is_some_and(|at| *at < now - RESERVE_KEPT_MS) {
            self.to_come.pop_first();
        }
        while let Some(entry) = self.expiring.first_entry().filter(|entry| entry.key().0 <= now) {
            let ((_, party), calls) = entry.remove_entry();
            self.counted = self.counted.saturating_sub(calls);
            let Some(party) = party else { continue };
            let left = self.used.get(&party).map_or(0, |used| used.saturating_sub(calls));
            if left == 0 {
                self.used.remove(&party);
            } else {
                self.used.insert(party, left);
            }
        }
    }
}

/// Calls that may leave in one window when `allowed` are and T may come: urgent ones may use all, others keep
/// [`RESERVE_CALLS`] back. Arithmetic ahead of T counts with it.
#[must_use]
pub fn room(allowed: u32, urgency: Urgency) -> u32 {
    match urgency {
        Urgency::Publish => allowed,
        // A tiny allowance cannot keep a reserve and still move.
        Urgency::Normal => allowed.saturating_sub(RESERVE_CALLS.min(allowed / 10)).max(1),
    }
}

/// The wait before attempt `attempt` (from 1): exponential with full jitter, from 1 ms to `max_ms`.
#[must_use]
pub fn backoff_ms(first_ms: i64, max_ms: i64, attempt: u8, chance: &mut Seed) -> i64 {
    let doubled = first_ms.max(1).saturating_mul(1_i64 << u32::from(attempt.saturating_sub(1)).min(30));
    chance.between(1, doubled.min(max_ms.max(1)))
}
