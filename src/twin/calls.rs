//! The publisher's calls, minute by minute and in every 60 seconds: what shows whether a client uses its limit in full, and
//! never more.
//!
//! Must never: count for anything that the twin answers, or grow with the length of a run.

use std::collections::VecDeque;

use super::limit::WINDOW_MS;
use super::truth::MinuteOfCalls;
use crate::words::clock::Timestamp;

/// Minutes that are remembered, the last ones: a day of them.
const MINUTES_MAX: usize = 1_440;
/// Calls of the last 60 seconds that are remembered. A client that makes more is told of as many.
const RECENT_MAX: usize = 10_000;

/// What is kept of the calls that arrive with the publisher's token, whichever it is. One call costs O(1).
#[derive(Debug, Clone, Default)]
pub(super) struct Calls {
    minutes: VecDeque<MinuteOfCalls>,
    /// When the calls of the last 60 seconds came.
    recent: VecDeque<Timestamp>,
    most_in_60_s: u32,
}

impl Calls {
    /// A call came to `route`, what follows `/api/v2/` in its path. Of minutes without a call nothing is kept.
    pub fn count(&mut self, now: Timestamp, anchor: Timestamp, route: &str) {
        let minute = now.since_ms(anchor).div_euclid(WINDOW_MS);
        if self.minutes.back().is_none_or(|last| last.minute != minute) {
            if self.minutes.len() == MINUTES_MAX {
                self.minutes.pop_front();
            }
            self.minutes.push_back(MinuteOfCalls { minute, ..MinuteOfCalls::default() });
        }
        if let Some(counted) = self.minutes.back_mut() {
            *of_kind(counted, route) += 1;
        }
        while self.recent.front().is_some_and(|at| now.since_ms(*at) >= WINDOW_MS) || self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        self.most_in_60_s = self.most_in_60_s.max(u32::try_from(self.recent.len()).unwrap_or(u32::MAX));
    }
    /// The minutes that had calls, in their order.
    pub fn by_minute(&self) -> Vec<MinuteOfCalls> {
        self.minutes.iter().copied().collect()
    }
    /// The most calls that came within any 60 seconds, wherever these begin.
    pub fn most_in_60_s(&self) -> u32 {
        self.most_in_60_s
    }
}

fn of_kind<'a>(counted: &'a mut MinuteOfCalls, route: &str) -> &'a mut u32 {
    match route {
        "users" => &mut counted.users,
        _ if route.starts_with("telephony/providers/edges/phones") && !route.ends_with("/reboot") => {
            &mut counted.phones
        }
        _ if route.starts_with("stations") || route.contains("/station/") => &mut counted.stations,
        _ => &mut counted.others,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANCHOR: Timestamp = Timestamp(7_000_000);

    fn at(ms: i64) -> Timestamp {
        ANCHOR + ms
    }

    #[test]
    fn each_minute_is_told_by_what_was_called() {
        let mut calls = Calls::default();
        for (ms, route) in [
            (-1, "date"),
            (0, "users"),
            (1, "telephony/providers/edges/phones"),
            (2, "telephony/providers/edges/phones/p-1"),
            (3, "telephony/providers/edges/phones/reboot"),
            (59_999, "stations"),
            (180_000, "users/u-1/station/associatedstation/s-1"),
            (180_001, "stations/s-1/associateduser"),
            (180_002, "users/bulk/export"),
        ] {
            calls.count(at(ms), ANCHOR, route);
        }
        let minute =
            |minute, users, phones, stations, others| MinuteOfCalls { minute, users, phones, stations, others };
        assert_eq!(
            calls.by_minute(),
            [minute(-1, 0, 0, 0, 1), minute(0, 1, 2, 1, 1), minute(3, 0, 0, 2, 1)],
            "and minutes without calls are left out"
        );
        assert_eq!(calls.by_minute().iter().map(MinuteOfCalls::all).collect::<Vec<_>>(), [1, 5, 3]);
    }

    #[test]
    fn sixty_seconds_may_begin_anywhere() {
        let mut calls = Calls::default();
        // Three at the end of a minute and three at the beginning of the next: no minute has more than three.
        for ms in [57_000, 58_000, 59_000, 60_000, 61_000, 62_000] {
            calls.count(at(ms), ANCHOR, "date");
        }
        assert_eq!(calls.most_in_60_s(), 6);
        // The first is 60 seconds past, the others are not.
        calls.count(at(117_000), ANCHOR, "date");
        assert_eq!(calls.most_in_60_s(), 6);
    }

    #[test]
    fn what_is_kept_has_an_end() {
        let mut calls = Calls::default();
        for minute in 0..2_000 {
            calls.count(at(minute * 60_000), ANCHOR, "date");
        }
        let kept = calls.by_minute();
        assert_eq!((kept.len(), kept.first().map(|m| m.minute)), (1_440, Some(560)));
        for _ in 0..20_000 {
            calls.count(at(120_000_000), ANCHOR, "date");
        }
        assert_eq!((calls.recent.len(), calls.most_in_60_s()), (10_000, 10_000));
    }
}
