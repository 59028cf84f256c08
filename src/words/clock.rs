//! The only clock and the only entropy. Everything above takes `now` and chance as arguments.
//!
//! Must never: be called from the law floor; a decision that reads a clock cannot be replayed.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// An instant: whole milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Milliseconds from `earlier` to `self`; negative when `self` comes first.
    #[must_use]
    pub fn since_ms(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
    /// As a date and time in UTC; instants outside of the calendar's range read as the epoch.
    #[must_use]
    pub fn utc(self) -> chrono::DateTime<chrono::Utc> {
        chrono::DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }
    /// Reads RFC 3339, as the platform writes instants.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Timestamp> {
        chrono::DateTime::parse_from_rfc3339(text).ok().map(|t| Timestamp(t.timestamp_millis()))
    }
    /// Writes RFC 3339 in UTC with milliseconds, as the platform does.
    #[must_use]
    pub fn rfc3339(self) -> String {
        self.utc().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
    }
}
impl Add<i64> for Timestamp {
    type Output = Timestamp;
    /// Later by so many milliseconds.
    fn add(self, ms: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(ms))
    }
}
impl Sub<i64> for Timestamp {
    type Output = Timestamp;
    /// Earlier by so many milliseconds.
    fn sub(self, ms: i64) -> Timestamp {
        Timestamp(self.0.saturating_sub(ms))
    }
}
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}
impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

/// Where `now` comes from: the system's clock, or one that starts elsewhere and runs faster.
///
/// A scaled clock is derived from the system's, so two processes with the same three numbers agree on the time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// The wall clock of this machine.
    System,
    /// `origin + (system - epoch) * scale`.
    Scaled {
        /// The scaled time at the moment `epoch`.
        origin: Timestamp,
        /// The system time at which the scaled time was `origin`.
        epoch: Timestamp,
        /// Scaled milliseconds per system millisecond; above 0.
        scale: f64,
    },
}

impl Clock {
    /// A clock that reads `origin` now and runs `scale` times as fast as the system's.
    #[must_use]
    pub fn scaled(origin: Timestamp, scale: f64) -> Clock {
        Clock::Scaled { origin, epoch: system_now(), scale: scale.max(0.001) }
    }
    /// The time on this clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match *self {
            Clock::System => system_now(),
            Clock::Scaled { origin, epoch, scale } => {
                origin
                    + (system_now_micros().saturating_sub(epoch.0.saturating_mul(1000)) as f64 * scale / 1000.0) as i64
            }
        }
    }
    /// How long `ms` of this clock take in real time; never negative.
    #[must_use]
    pub fn real(&self, ms: i64) -> Duration {
        let ms = ms.max(0) as f64;
        match *self {
            Clock::System => Duration::from_secs_f64(ms / 1000.0),
            Clock::Scaled { scale, .. } => Duration::from_secs_f64(ms / 1000.0 / scale),
        }
    }
    /// Returns once [`Clock::now`] has reached `at`. Follows corrections of the system clock within a second.
    pub async fn sleep_until(&self, at: Timestamp) {
        loop {
            let left_ms = at.since_ms(self.now());
            if left_ms <= 0 {
                return;
            }
            tokio::time::sleep(self.real(left_ms).min(Duration::from_secs(1))).await;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system clock")]
fn system_now_micros() -> i64 {
    chrono::Utc::now().timestamp_micros()
}

fn system_now() -> Timestamp {
    Timestamp(system_now_micros().div_euclid(1000))
}

/// A moment on both clocks of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    wall: Timestamp,
    steady: Instant,
}

impl Moment {
    /// This one.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the steady clock")]
    pub fn now() -> Moment {
        Moment { wall: Clock::System.now(), steady: Instant::now() }
    }
    /// Milliseconds that have passed between this moment and `now`, on the steady clock.
    #[must_use]
    pub fn passed_ms(self, now: Moment) -> u64 {
        u64::try_from(now.steady.saturating_duration_since(self.steady).as_millis()).unwrap_or(u64::MAX)
    }
    /// Whether so many ms have passed between this moment and `now`, on either clock.
    #[must_use]
    pub fn is_past(self, ms: i64, now: Moment) -> bool {
        let steady = Duration::from_millis(ms.max(0).unsigned_abs());
        now.wall.since_ms(self.wall) >= ms || now.steady.saturating_duration_since(self.steady) >= steady
    }
}

/// A source of chance that repeats: the same seed gives the same numbers, on every machine and for ever.
///
/// Never a source of secrets: keys and nonces come from the operating system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// A seed that nobody has chosen, from the operating system's entropy.
    #[must_use]
    pub fn from_system() -> Seed {
        use std::hash::{BuildHasher, Hasher};
        Seed(std::hash::RandomState::new().build_hasher().finish())
    }
    /// A seed of its own for one purpose, so that a new use of chance does not move the others.
    #[must_use]
    pub fn fork(&self, purpose: &str) -> Seed {
        let mixed = purpose
            .bytes()
            .fold(self.0 ^ 0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        let mut seed = Seed(mixed);
        Seed(seed.bits())
    }
    /// The next 64 bits (SplitMix64).
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// A whole number from `low` to `high`, both included; `low` when the range is empty.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        if high <= low {
            return low;
        }
        let span = high.wrapping_sub(low) as u64;
        let draw = if span == u64::MAX { self.bits() } else { self.bits() % (span + 1) };
        low.wrapping_add(draw as i64)
    }
    /// True once in a while: `share` is a probability from 0 to 1.
    pub fn chance(&mut self, share: f64) -> bool {
        ((self.bits() >> 11) as f64 / (1u64 << 53) as f64) < share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scaled_clock_starts_at_its_origin_and_runs_ahead() {
        let clock = Clock::scaled(Timestamp(1_000_000), 60_000.0);
        let first = clock.now();
        assert!(first >= Timestamp(1_000_000));
        while clock.now() < first + 60_000 {}
    }

    #[test]
    fn a_seed_repeats_and_its_forks_differ() {
        let (mut a, mut b) = (Seed(7).fork("jitter"), Seed(7).fork("jitter"));
        assert_eq!(a.bits(), b.bits());
        assert_ne!(Seed(7).fork("jitter"), Seed(7).fork("loss"));
        for _ in 0..1000 {
            assert!((3..=5).contains(&a.between(3, 5)));
        }
        assert_eq!(a.between(5, 3), 5);
    }

    #[test]
    fn instants_are_written_as_the_platform_writes_them() {
        let at = Timestamp::parse_rfc3339("2026-11-27T22:00:00Z").unwrap();
        assert_eq!(at.rfc3339(), "2026-11-27T22:00:00.000Z");
    }

    #[test]
    fn a_time_is_past_when_either_clock_says_so() {
        let since = Moment::now();
        let after = |wall_ms: i64, steady_ms: u64| Moment {
            wall: since.wall + wall_ms,
            steady: since.steady + Duration::from_millis(steady_ms),
        };
        assert!(!since.is_past(6_000, after(5_999, 5_999)));
        // A machine that slept, and one whose clock was set back by an hour.
        assert!(since.is_past(6_000, after(6_000, 10)));
        assert!(since.is_past(6_000, after(-3_600_000, 6_000)));
    }
}
