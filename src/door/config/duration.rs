//! Durations as people write them: "30s", "5 min", "1h 30min", "250ms", "2d".
//!
//! Must never: take a bare number; nobody can tell seconds from minutes.

use crate::words::calendar::duration_words;

/// Reads a duration: whole numbers, each with its unit (`ms`, `s`, `min` or `m`, `h`, `d`), largest unit first.
///
/// `None` when it is none, or longer than 3660 days.
#[must_use]
pub fn parse_duration_ms(text: &str) -> Option<i64> {
    let compact: String = text.chars().filter(|c| *c != ' ').collect();
    let mut rest = compact.as_str();
    let (mut total_ms, mut smaller_than_ms) = (0_i64, i64::MAX);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at_checked(digits)?;
        let unit_len = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(unit_len)?;
        let unit_ms = unit_ms(unit).filter(|ms| *ms < smaller_than_ms)?;
        total_ms = number.parse::<i64>().ok()?.checked_mul(unit_ms)?.checked_add(total_ms)?;
        (rest, smaller_than_ms) = (after, unit_ms);
    }
    (!compact.is_empty() && total_ms <= LONGEST_MS).then_some(total_ms)
}

/// Ten years, with their leap days: more is a slip of the pen.
const LONGEST_MS: i64 = 3660 * 86_400_000;

fn unit_ms(unit: &str) -> Option<i64> {
    Some(match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    })
}

/// A duration as it is written in the file: "1h 30min" rather than a report's "1 h 30 min".
pub(super) fn written(ms: i64) -> String {
    duration_words(ms)
        .replace(" d", "d")
        .replace(" h", "h")
        .replace(" min", "min")
        .replace(" ms", "ms")
        .replace(" s", "s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_units_only() {
        for (text, ms) in [
            ("30s", 30_000),
            ("0s", 0),
            ("250ms", 250),
            ("5min", 300_000),
            ("5 min", 300_000),
            ("5m", 300_000),
            ("1h 30min", 5_400_000),
            ("1h30m", 5_400_000),
            ("2d", 172_800_000),
            ("1min 1s 1ms", 61_001),
        ] {
            assert_eq!(parse_duration_ms(text), Some(ms), "{text}");
        }
        for text in [
            "",
            " ",
            "30",
            "s",
            "-5s",
            "1.5h",
            "5 minutes",
            "1s 1h",
            "1h 1h",
            "99999999999999999999s",
            "9999999d",
            "5é",
            "5S",
        ] {
            assert_eq!(parse_duration_ms(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for ms in [0, 1, 250, 1000, 61_000, 3_600_000, 5_400_000, 86_400_000, 90_000_000] {
            assert_eq!(parse_duration_ms(&written(ms)), Some(ms), "{}", written(ms));
        }
    }
}
