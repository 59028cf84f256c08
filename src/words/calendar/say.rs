//! Instants and durations in words, the same everywhere: terminal, report, error messages.
//!
//! Must never: show a local time without saying, somewhere on the same line, whose clock it is.

use chrono::{Offset, Timelike};
use chrono_tz::Tz;

use crate::words::clock::Timestamp;

/// "Friday 27 Nov 2026 16:00 CST, America/Chicago, UTC-6; in 4 d 23 h": everything a planner needs to see a mistake.
///
/// Seconds appear when they are not zero; an instant that has gone by ends in "… ago".
#[must_use]
pub fn describe(at: Timestamp, zone: Tz, now: Timestamp) -> String {
    let local = at.utc().with_timezone(&zone);
    let time = if local.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
    let wall = local.format(&format!("%A %-d %b %Y {time} %Z")).to_string();
    let offset = offset_words(local.offset().fix().local_minus_utc());
    let place = if zone == Tz::UTC { String::new() } else { format!(", {}, {offset}", zone.name()) };
    format!("{wall}{place}; {}", relative(at.since_ms(now)))
}

/// "Fri 27 Nov 2026 16:00:00 CST UTC-6": one row of a table of instants, 28 to 38 characters.
#[must_use]
pub fn stamp(at: Timestamp, zone: Tz) -> String {
    let local = at.utc().with_timezone(&zone);
    let wall = local.format("%a %e %b %Y %H:%M:%S").to_string();
    if zone == Tz::UTC {
        return format!("{wall} UTC");
    }
    format!("{wall} {} {}", local.format("%Z"), offset(at, zone))
}

/// How far the wall clock of `zone` is from UTC at that instant: "UTC-6", "UTC+5:30", "UTC".
#[must_use]
pub fn offset(at: Timestamp, zone: Tz) -> String {
    offset_words(at.utc().with_timezone(&zone).offset().fix().local_minus_utc())
}

/// "16:00:03" on the wall clock of `zone`.
#[must_use]
pub fn short(at: Timestamp, zone: Tz) -> String {
    at.utc().with_timezone(&zone).format("%H:%M:%S").to_string()
}

/// "4 d 23 h", "3 h 12 min", "2 min 5 s", "12 s", "450 ms": the two largest units, rounded down; the sign is dropped.
#[must_use]
pub fn duration_words(ms: i64) -> String {
    let ms = ms.unsigned_abs();
    let (s, min, h, d) = (ms / 1000, ms / 60_000, ms / 3_600_000, ms / 86_400_000);
    let two = |large: u64, large_unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{large} {large_unit}"),
        _ => format!("{large} {large_unit} {small} {small_unit}"),
    };
    if d > 0 {
        two(d, "d", h % 24, "h")
    } else if h > 0 {
        two(h, "h", min % 60, "min")
    } else if min > 0 {
        two(min, "min", s % 60, "s")
    } else if s > 0 || ms == 0 {
        format!("{s} s")
    } else {
        format!("{ms} ms")
    }
}

fn relative(ms: i64) -> String {
    match ms {
        0 => "now".to_owned(),
        1.. => format!("in {}", duration_words(ms)),
        _ => format!("{} ago", duration_words(ms)),
    }
}

/// "UTC-6", "UTC+5:30", "UTC".
fn offset_words(seconds: i32) -> String {
    if seconds == 0 {
        return "UTC".to_owned();
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let (h, min) = (seconds.unsigned_abs() / 3600, seconds.unsigned_abs() / 60 % 60);
    if min == 0 { format!("UTC{sign}{h}") } else { format!("UTC{sign}{h}:{min:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn an_appointment_is_said_in_full() {
        let friday = at("2026-11-27T22:00:00Z");
        let chicago = Tz::America__Chicago;
        assert_eq!(
            describe(friday, chicago, at("2026-11-22T23:00:00Z")),
            "Friday 27 Nov 2026 16:00 CST, America/Chicago, UTC-6; in 4 d 23 h"
        );
        assert_eq!(
            describe(friday + 3000, chicago, friday + 63_000),
            "Friday 27 Nov 2026 16:00:03 CST, America/Chicago, UTC-6; 1 min ago"
        );
        assert_eq!(
            describe(at("2026-07-03T21:00:00Z"), chicago, at("2026-07-03T21:00:00Z")),
            "Friday 3 Jul 2026 16:00 CDT, America/Chicago, UTC-5; now"
        );
        assert_eq!(
            describe(friday, Tz::Asia__Kolkata, friday),
            "Saturday 28 Nov 2026 03:30 IST, Asia/Kolkata, UTC+5:30; now"
        );
        assert_eq!(describe(friday, Tz::UTC, friday), "Friday 27 Nov 2026 22:00 UTC; now");
        assert_eq!(short(friday + 3000, chicago), "16:00:03");
        assert_eq!(stamp(friday, chicago), "Fri 27 Nov 2026 16:00:00 CST UTC-6");
        assert_eq!(stamp(at("2026-07-03T21:00:00Z"), chicago), "Fri  3 Jul 2026 16:00:00 CDT UTC-5");
        assert_eq!(stamp(friday, Tz::Australia__Lord_Howe), "Sat 28 Nov 2026 09:00:00 +11 UTC+11");
        assert_eq!(stamp(friday, Tz::UTC), "Fri 27 Nov 2026 22:00:00 UTC");
        assert_eq!(offset(friday, Tz::Asia__Kolkata), "UTC+5:30");
    }

    #[test]
    fn durations_keep_their_two_largest_units() {
        for (ms, words) in [
            (0, "0 s"),
            (450, "450 ms"),
            (12_999, "12 s"),
            (125_000, "2 min 5 s"),
            (120_000, "2 min"),
            (11_520_000, "3 h 12 min"),
            (4 * 86_400_000 + 23 * 3_600_000 + 59 * 60_000, "4 d 23 h"),
            (-5000, "5 s"),
            (i64::MIN, "106751991167 d 7 h"),
        ] {
            assert_eq!(duration_words(ms), words);
        }
    }
}
