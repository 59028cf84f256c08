//! Budgets as values: the server's rate window, its `Retry-After`, and jittered backoff.
//!
//! One [`Pacer`] is shared by everything that uses the same token, because the platform counts per token (API.md
//! section 3). Must never: let more requests out in a window than the server allows, whoever asks.

use std::collections::BTreeMap;

use crate::words::clock::{Seed, Timestamp};

/// The length of the platform's window, in ms: 300 calls *a minute* (API.md section 3).
/// Fixed or sliding is UNCERTAIN, so the pacer keeps to the stricter reading: no 60 s hold more than the allowance.
pub const WINDOW_MS: i64 = 60_000;

/// Calls kept back for urgent requests: nothing else may spend the last of a window when T comes.
pub const RESERVE_CALLS: u32 = 10;

/// How urgent a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// The publish and what settles it: may use the reserve.
    Publish,
    /// Everything else.
    Normal,
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
    /// Not before this instant; ask again then.
    Wait(Timestamp),
}

/// Keeps the requests of one token within the server's limit.
///
/// A request counts from the moment it leaves until one window after its answer: the server counted it somewhere in
/// between, so however long either took, no window of the server's holds more than the allowance.
/// When the server counts more than we did (another process uses the token), the difference is taken over.
#[derive(Debug, Clone)]
pub struct Pacer {
    allowed: u32,
    cap: Option<u32>,
    under_way: u32,
    /// When counted requests stop counting, and how many do then.
    expiring: BTreeMap<Timestamp, u32>,
    counted: u32,
    gate: Timestamp,
}

impl Pacer {
    /// A pacer that starts with `allowed` calls per window until the server says otherwise; `cap` is the admin's own limit.
    #[must_use]
    pub fn new(allowed: u32, cap: Option<u32>) -> Pacer {
        let (expiring, gate) = (BTreeMap::new(), Timestamp(i64::MIN));
        Pacer { allowed: allowed.max(1), cap, under_way: 0, expiring, counted: 0, gate }
    }
    /// Asks for a turn. [`Turn::Go`] counts the request as sent; [`Pacer::answered`] or [`Pacer::lost`] must follow.
    pub fn turn(&mut self, now: Timestamp, urgency: Urgency) -> Turn {
        if now < self.gate {
            return Turn::Wait(self.gate);
        }
        self.forget(now);
        if self.under_way + self.counted < room(self.allowed(), urgency) {
            self.under_way += 1;
            return Turn::Go;
        }
        // With everything still under way there is no instant to name; an answer is close.
        let next = self.expiring.first_key_value().map_or(now + 250, |(at, _)| *at);
        Turn::Wait(next.max(now + 1))
    }
    /// An answer came, and with it what the server says. Later answers to earlier requests do no harm: the gate only
    /// moves forward.
    pub fn answered(&mut self, now: Timestamp, headers: RateHeaders) {
        self.count(now + WINDOW_MS, 1);
        self.under_way = self.under_way.saturating_sub(1);
        if let Some(allowed) = headers.allowed {
            self.allowed = allowed.max(1);
        }
        if let Some(after_s) = headers.retry_after_s {
            self.gate = self.gate.max(now + after_s.clamp(1, 3_600) * 1_000);
        }
        if let (Some(count), Some(reset_s)) = (headers.count, headers.reset_s) {
            let ours = self.counted + self.under_way;
            // Whole seconds: the window may last almost one longer than it says.
            let window_ends = now + (reset_s.clamp(0, 3_600) + 1) * 1_000;
            self.count(window_ends, count.min(100_000).saturating_sub(ours));
        }
    }
    /// No answer came. The server may have counted the request all the same.
    pub fn lost(&mut self, now: Timestamp) {
        self.answered(now, RateHeaders::default());
    }
    /// Calls allowed per window at present.
    #[must_use]
    pub fn allowed(&self) -> u32 {
        self.cap.map_or(self.allowed, |cap| cap.min(self.allowed)).max(1)
    }

    fn count(&mut self, until: Timestamp, calls: u32) {
        if calls > 0 {
            *self.expiring.entry(until).or_default() += calls;
            self.counted += calls;
        }
    }

    fn forget(&mut self, now: Timestamp) {
        while let Some(entry) = self.expiring.first_entry().filter(|entry| *entry.key() <= now) {
            self.counted = self.counted.saturating_sub(entry.remove());
        }
    }
}

/// Calls that may leave in one window when `allowed` are: urgent ones may use all, others keep [`RESERVE_CALLS`] back.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends as fast as the pacer lets, each answer `latency` later; the instants at which requests left.
    fn drain(pacer: &mut Pacer, from: i64, to: i64, latency: i64) -> Vec<i64> {
        let (mut now, mut left) = (from, Vec::new());
        while now < to {
            match pacer.turn(Timestamp(now), Urgency::Normal) {
                Turn::Go => {
                    left.push(now);
                    now += latency;
                    pacer.answered(Timestamp(now), RateHeaders::default());
                }
                Turn::Wait(at) => now = at.0,
            }
        }
        left
    }

    #[test]
    fn no_window_of_sixty_seconds_holds_more_than_the_allowance() {
        let mut pacer = Pacer::new(300, None);
        let left = drain(&mut pacer, 0, 600_000, 7);
        for (i, at) in left.iter().enumerate() {
            let within = left[i..].iter().take_while(|later| **later < at + WINDOW_MS).count();
            assert!(within <= 300, "{within} calls within a minute of {at}");
        }
        assert!(left.len() >= 290 * 9, "only {} calls left in ten minutes", left.len());
    }

    #[test]
    fn the_publish_may_use_the_reserve() {
        let mut pacer = Pacer::new(300, None);
        for _ in 0..290 {
            assert_eq!(pacer.turn(Timestamp(0), Urgency::Normal), Turn::Go);
        }
        assert!(matches!(pacer.turn(Timestamp(0), Urgency::Normal), Turn::Wait(_)));
        for _ in 0..10 {
            assert_eq!(pacer.turn(Timestamp(0), Urgency::Publish), Turn::Go);
        }
        assert!(matches!(pacer.turn(Timestamp(0), Urgency::Publish), Turn::Wait(_)));
    }

    #[test]
    fn the_server_steers() {
        let mut pacer = Pacer::new(300, Some(200));
        assert_eq!(pacer.allowed(), 200);
        assert_eq!(pacer.turn(Timestamp(0), Urgency::Normal), Turn::Go);
        pacer.answered(Timestamp(0), RateHeaders { allowed: Some(180), ..RateHeaders::default() });
        assert_eq!(pacer.allowed(), 180);
        assert_eq!(pacer.turn(Timestamp(0), Urgency::Normal), Turn::Go);
        pacer.answered(Timestamp(0), RateHeaders { retry_after_s: Some(42), ..RateHeaders::default() });
        assert_eq!(pacer.turn(Timestamp(1), Urgency::Publish), Turn::Wait(Timestamp(42_000)));
    }

    #[test]
    fn what_others_spend_from_the_same_allowance_counts() {
        let mut pacer = Pacer::new(300, None);
        assert_eq!(pacer.turn(Timestamp(0), Urgency::Normal), Turn::Go);
        let theirs = RateHeaders { count: Some(300), allowed: Some(300), reset_s: Some(20), retry_after_s: None };
        pacer.answered(Timestamp(0), theirs);
        assert_eq!(pacer.turn(Timestamp(1), Urgency::Publish), Turn::Wait(Timestamp(21_000)));
        assert_eq!(pacer.turn(Timestamp(21_000), Urgency::Publish), Turn::Go);
    }

    #[test]
    fn backoff_doubles_up_to_its_bound() {
        let mut chance = Seed(1);
        for attempt in 1..=200 {
            let wait = backoff_ms(1_000, 60_000, attempt, &mut chance);
            assert!((1..=60_000).contains(&wait) && wait <= 1_000 << (attempt - 1).min(6));
        }
    }
}
