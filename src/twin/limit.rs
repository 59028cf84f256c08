//! The rate limit: a fixed window of 60 seconds that starts with its first call (API.md section 3; that it is fixed and
//! not sliding is UNCERTAIN on the platform).
//!
//! Must never: admit more than the limit within one window.

use crate::words::clock::Timestamp;

/// Length of a window.
pub(super) const WINDOW_MS: i64 = 60_000;

/// Calls counted since the window's first call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Window {
    started: Option<Timestamp>,
    calls: u32,
}

/// What a window says to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Admission {
    /// Whether the call may pass.
    pub admitted: bool,
    /// Calls in this window so far, refused ones included.
    pub calls: u32,
    /// Whole seconds until the next window, rounded up; 1 to 60.
    pub reset_s: i64,
}

impl Window {
    /// Counts a call at `now` against `allowed` calls per window.
    pub fn admit(&mut self, now: Timestamp, allowed: u32) -> Admission {
        let started = match self.started {
            Some(started) if now.since_ms(started) < WINDOW_MS => started,
            Some(_) | None => {
                *self = Window { started: Some(now), calls: 0 };
                now
            }
        };
        self.calls = self.calls.saturating_add(1);
        let left_ms = (started + WINDOW_MS).since_ms(now).clamp(1, WINDOW_MS);
        Admission { admitted: self.calls <= allowed, calls: self.calls, reset_s: (left_ms + 999) / 1000 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_starts_with_its_first_call_and_admits_its_share() {
        let mut window = Window::default();
        let start = Timestamp(1_234);
        for call in 1..=3 {
            assert_eq!(
                window.admit(start + call - 1, 3),
                Admission { admitted: true, calls: call as u32, reset_s: 60 }
            );
        }
        assert_eq!(window.admit(start + 18_500, 3), Admission { admitted: false, calls: 4, reset_s: 42 });
        assert_eq!(window.admit(start + 59_999, 3), Admission { admitted: false, calls: 5, reset_s: 1 });
        assert_eq!(window.admit(start + 60_000, 3), Admission { admitted: true, calls: 1, reset_s: 60 });
    }

    #[test]
    fn waiting_as_long_as_told_is_enough() {
        for offset in [0, 1, 999, 1000, 1001, 59_000] {
            let mut window = Window::default();
            window.admit(Timestamp(0), 1);
            let refused = window.admit(Timestamp(offset), 1);
            assert!(!refused.admitted);
            assert!(window.admit(Timestamp(offset + refused.reset_s * 1000), 1).admitted);
        }
    }
}
