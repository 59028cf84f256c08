//! How long so many calls take within a budget of calls a minute, and how many fit into a time.
//!
//! The arithmetic is that of [`pace::Pacer`](crate::law::pace::Pacer) and of the bound on commands under way, for calls that
//! all take as long as the slowest. Shorter calls only end sooner. Must never: say that something takes less time than the
//! pacer will give it.

use serde::Serialize;

use crate::law::pace::{Urgency, WINDOW_MS, room};

/// How long one call takes at most, in ms, as far as the arithmetic goes. The platform answers a token request within
/// half a second; four times as much leaves room for a slow day, and at the usual 16 calls under way it is still the rate
/// limit that sets the pace. What is slower than that eats into the margin.
pub const CALL_MS: i64 = 2_000;

/// More calls than this are not counted; a roster has no more agents.
const CALLS_MAX: u64 = 1_000_000;

/// The calls a minute of one token, who shares them, and how many are under way at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Budget {
    /// Calls that the platform allows the token in any 60 s; `None` where each agent's own token is used and nobody counts.
    pub calls_per_minute: Option<u32>,
    /// Runs that spend the budget at the same time, this one included; from 1.
    pub share: u32,
    /// Calls of this run under way at once, at most; from 1.
    pub in_flight_max: u32,
    /// How long one call takes, at most, in ms; from 1.
    pub call_ms: i64,
}

impl Budget {
    /// This run's calls in any 60 s: what the pacer lets out, by the runs that share it. `None` when nobody counts.
    #[must_use]
    pub fn calls_in_a_window(&self) -> Option<u32> {
        self.calls_per_minute.map(|allowed| (room(allowed, Urgency::Normal) / self.share.max(1)).max(1))
    }

    /// From the first of `calls` leaving, with the budget of one window unspent, to the answer to the last; in ms.
    ///
    /// Call number `i` leaves when call `i - in_flight_max` is answered and call `i - room` has left the window, which is
    /// one window after its answer. So its instant is the longest way back to the beginning in steps of either kind. Of
    /// runs that are more than the room, this one may be the last to have its first turn.
    #[must_use]
    pub fn takes_ms(&self, calls: u64) -> i64 {
        let Some(last) = calls.min(CALLS_MAX).checked_sub(1) else { return 0 };
        let call_ms = self.call_ms.max(1);
        let at_once = u64::from(self.in_flight_max.max(1));
        let answered_ms = |calls_before: u64| whole(calls_before / at_once).saturating_mul(call_ms);
        let leaves_ms = match self.calls_in_a_window().map(u64::from) {
            None => answered_ms(last),
            Some(room) => {
                let others_ms = (self.turns() - 1).saturating_mul(self.window_ms());
                let round_ms = self.turns().saturating_mul(self.window_ms());
                let way_ms = |rounds| whole(rounds).saturating_mul(round_ms) + answered_ms(last - rounds * room);
                others_ms + (0..=last / room).map(way_ms).max().unwrap_or_default()
            }
        };
        leaves_ms.saturating_add(call_ms)
    }

    /// The most calls that end within `ms`.
    #[must_use]
    pub fn holds(&self, ms: i64) -> u64 {
        let (mut fits, mut too_many) = (0, CALLS_MAX + 1);
        while too_many - fits > 1 {
            let middle = fits.midpoint(too_many);
            if self.takes_ms(middle) <= ms {
                fits = middle;
            } else {
                too_many = middle;
            }
        }
        fits
    }

    /// How long a call holds its place in the window: until one window after its answer.
    fn window_ms(&self) -> i64 {
        self.call_ms.max(1) + WINDOW_MS
    }

    /// In how many windows each of the runs that share them has had a turn: in one, unless they are more than the room.
    fn turns(&self) -> i64 {
        let whole_room = self.calls_per_minute.map_or(u32::MAX, |allowed| room(allowed, Urgency::Normal));
        i64::from(self.share.max(1).div_ceil(whole_room.max(1)))
    }
}

/// Counts here are at most [`CALLS_MAX`].
fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
