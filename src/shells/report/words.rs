//! How instants, durations, counts and names are written for people: in the run's zone, short, and harmless.
//!
//! Must never: read a clock, or let a name from outside move the cursor, change its colour or turn the line around.

use chrono::{Datelike, Timelike};
use chrono_tz::Tz;

use crate::words::clock::Timestamp;

/// The zone in which a run speaks: the plan's, or UTC when the plan's is not known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(Tz);

impl Default for Zone {
    fn default() -> Zone {
        Zone(Tz::UTC)
    }
}

impl Zone {
    /// The zone of an IANA name; UTC for a name that is none.
    #[must_use]
    pub fn named(iana: &str) -> Zone {
        Zone(iana.parse().unwrap_or(Tz::UTC))
    }
    fn local(self, at: Timestamp) -> chrono::DateTime<Tz> {
        // Years 1 to 9998: a wild instant in a journal must not leave the calendar when the offset is added.
        let sane = Timestamp(at.0.clamp(-62_135_596_800_000, 253_370_764_800_000));
        sane.utc().with_timezone(&self.0)
    }
    /// `Friday 27 Nov 2026 16:00:00 CST`.
    #[must_use]
    pub fn moment(self, at: Timestamp) -> String {
        self.local(at).format("%A %-d %b %Y %H:%M:%S %Z").to_string()
    }
    /// `Friday 27 Nov 2026 16:00 CST`.
    #[must_use]
    pub fn moment_short(self, at: Timestamp) -> String {
        self.local(at).format("%A %-d %b %Y %H:%M %Z").to_string()
    }
    /// `16:00:00`.
    #[must_use]
    pub fn clock(self, at: Timestamp) -> String {
        self.local(at).format("%H:%M:%S").to_string()
    }
    /// `16:00`.
    #[must_use]
    pub fn minute(self, at: Timestamp) -> String {
        self.local(at).format("%H:%M").to_string()
    }
    /// `16:30` on the day of `reference`, `Sat 28 Nov 08:00` on another.
    #[must_use]
    pub fn near(self, at: Timestamp, reference: Timestamp) -> String {
        let (a, b) = (self.local(at), self.local(reference));
        if a.date_naive() == b.date_naive() { self.minute(at) } else { a.format("%a %-d %b %H:%M").to_string() }
    }
    /// `16:00:00` on the day of `reference`, `Sat 28 Nov 08:00:00` on another.
    #[must_use]
    pub fn near_second(self, at: Timestamp, reference: Timestamp) -> String {
        let (a, b) = (self.local(at), self.local(reference));
        if a.date_naive() == b.date_naive() { self.clock(at) } else { a.format("%a %-d %b %H:%M:%S").to_string() }
    }
    /// Milliseconds since local midnight, so that an axis can put its ticks on round times of day.
    #[must_use]
    pub fn since_midnight_ms(self, at: Timestamp) -> i64 {
        let local = self.local(at);
        i64::from(local.num_seconds_from_midnight()) * 1000 + at.0.rem_euclid(1000)
    }
    /// The local date, for grouping: year, month, day.
    #[must_use]
    pub fn day(self, at: Timestamp) -> (i32, u32, u32) {
        let local = self.local(at);
        (local.year(), local.month(), local.day())
    }
    /// What the zone calls itself at that instant: `CST`.
    #[must_use]
    pub fn abbreviation(self, at: Timestamp) -> String {
        self.local(at).format("%Z").to_string()
    }
}

/// A duration in at most two units: `12 ms`, `25 s`, `4 min 10 s`, `1 h 5 min`, `4 d 23 h`.
#[must_use]
pub fn duration(ms: i64) -> String {
    let ms = ms.unsigned_abs();
    let two = |big: u64, unit: &str, small: u64, small_unit: &str| {
        if small == 0 { format!("{big} {unit}") } else { format!("{big} {unit} {small} {small_unit}") }
    };
    let seconds = (ms + 500) / 1000;
    match (ms, seconds) {
        (0..1_000, _) => format!("{ms} ms"),
        (1_000..10_000, _) if !ms.is_multiple_of(1000) => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        (_, 0..60) => format!("{seconds} s"),
        (_, 60..3_600) => two(seconds / 60, "min", seconds % 60, "s"),
        (_, 3_600..86_400) => two(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        (_, _) => two(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

/// A duration for a countdown: whole seconds, never negative.
#[must_use]
pub fn countdown(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    if seconds == 0 { "0 s".to_owned() } else { duration(seconds * 1000) }
}

/// An estimate in its largest unit only, rounded up, so that it does not promise more than it knows: `5 min`.
#[must_use]
pub fn about(ms: i64) -> String {
    let seconds = (ms.max(0) as u64).div_ceil(1000);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..5_400 => format!("{} min", seconds.div_ceil(60)),
        5_400..172_800 => format!("{} h", seconds.div_ceil(3_600)),
        _ => format!("{} d", seconds.div_ceil(86_400)),
    }
}

/// How far from its instant something was: `+12 ms`, `-3 s`.
#[must_use]
pub fn offset(ms: i64) -> String {
    format!("{}{}", if ms < 0 { '-' } else { '+' }, duration(ms))
}

/// A whole number with thousands set apart: `100,000`.
#[must_use]
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count and its noun: `1 agent`, `2 agents`.
#[must_use]
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// A part of a whole in whole percent, never rounded to none of it or all of it: `< 1 %`, `> 99 %`.
#[must_use]
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "0 %".to_owned();
    }
    let exact = part as f64 * 100.0 / whole as f64;
    match (part, whole) {
        (p, w) if p >= w => "100 %".to_owned(),
        (1.., _) if exact < 1.0 => "< 1 %".to_owned(),
        (_, _) if exact > 99.0 => "> 99 %".to_owned(),
        (_, _) => format!("{exact:.0} %"),
    }
}

/// Text from outside on one line: control characters become spaces, characters that turn the line around are left out.
#[must_use]
pub fn clean(text: &str) -> String {
    flat(text).trim().to_owned()
}

/// The same line by line, each with its indent.
#[must_use]
pub fn clean_lines(text: &str) -> String {
    text.lines().map(flat).collect::<Vec<_>>().join("\n")
}

fn flat(text: &str) -> String {
    text.chars().filter(|c| !turns_the_line(*c)).map(|c| if breaks_the_line(c) { ' ' } else { c }).collect()
}

fn breaks_the_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

fn turns_the_line(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Columns that a text takes on a terminal, near enough: wide East Asian characters and pictures take two, marks none.
#[must_use]
pub fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

fn columns_of(c: char) -> usize {
    match c {
        '\u{0300}'..='\u{036f}' | '\u{200c}'..='\u{200d}' | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

/// The text in at most `max` columns, its end replaced by `…` when it is longer.
#[must_use]
pub fn cut(text: &str, max: usize) -> String {
    cut_by(text, max, columns_of)
}

/// The same with another measure of a character; `…` takes one of it.
#[must_use]
pub fn cut_by(text: &str, max: usize, weigh: impl Fn(char) -> usize) -> String {
    if text.chars().map(&weigh).sum::<usize>() <= max {
        return text.to_owned();
    }
    let (mut kept, mut used) = (String::new(), 0);
    for c in text.chars() {
        used += weigh(c);
        if used > max.saturating_sub(1) {
            break;
        }
        kept.push(c);
    }
    if max > 0 {
        kept.push('…');
    }
    kept
}

/// The text in exactly `width` columns, cut or filled up with spaces.
#[must_use]
pub fn fit(text: &str, width: usize) -> String {
    let mut text = cut(text, width);
    let missing = width.saturating_sub(columns(&text));
    text.extend(std::iter::repeat_n(' ', missing));
    text
}

/// The text in lines of at most `width` columns, broken at spaces; the first starts with `first`, the others with `rest`.
#[must_use]
pub fn wrap(text: &str, width: usize, first: &str, rest: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut line, mut is_empty) = (first.to_owned(), true);
    for word in text.split_whitespace() {
        if !is_empty && columns(&line) + 1 + columns(word) > width {
            lines.push(std::mem::replace(&mut line, rest.to_owned()));
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(&cut(word, width.saturating_sub(columns(&line)).max(8)));
        is_empty = false;
    }
    lines.push(line);
    lines
}

/// `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn list(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timestamp = Timestamp(1_795_816_800_000); // 2026-11-27T22:00:00Z

    #[test]
    fn an_instant_is_written_in_the_zone_of_the_run() {
        let zone = Zone::named("America/Chicago");
        assert_eq!(zone.moment(T), "Friday 27 Nov 2026 16:00:00 CST");
        assert_eq!(zone.near(T + 86_400_000, T), "Sat 28 Nov 16:00");
        assert_eq!(Zone::named("no/where").moment(T), "Friday 27 Nov 2026 22:00:00 UTC");
    }

    #[test]
    fn a_wild_instant_is_still_written() {
        for wild in [i64::MIN, i64::MAX, -62_200_000_000_000] {
            assert!(!Zone::named("Pacific/Kiritimati").moment(Timestamp(wild)).is_empty());
        }
    }

    #[test]
    fn durations_take_two_units_at_most() {
        let cases = [
            (0, "0 ms"),
            (12, "12 ms"),
            (1_500, "1.5 s"),
            (25_000, "25 s"),
            (59_700, "1 min"),
            (250_000, "4 min 10 s"),
            (3_900_000, "1 h 5 min"),
            (428_400_000, "4 d 23 h"),
            (-3_000, "3 s"),
        ];
        for (ms, words) in cases {
            assert_eq!(duration(ms), words, "{ms} ms");
        }
        assert_eq!((about(64_000), about(5_000_000), about(-1)), ("2 min".into(), "84 min".into(), "0 s".into()));
        assert_eq!((offset(12), offset(-3_000)), ("+12 ms".to_owned(), "-3 s".to_owned()));
    }

    #[test]
    fn percentages_never_round_a_few_away() {
        assert_eq!((percent(1, 100_000), percent(99_999, 100_000)), ("< 1 %".to_owned(), "> 99 %".to_owned()));
        assert_eq!((percent(3, 400), percent(4, 400)), ("< 1 %".to_owned(), "1 %".to_owned()));
        assert_eq!((percent(397, 400), percent(396, 400)), ("> 99 %".to_owned(), "99 %".to_owned()));
        assert_eq!((percent(0, 5), percent(5, 5), percent(0, 0)), ("0 %".into(), "100 %".into(), "0 %".into()));
    }

    #[test]
    fn a_hostile_name_stays_on_its_line() {
        assert_eq!(clean("a\u{1b}[31mb\nc\u{202e}d"), "a [31mb cd");
        assert_eq!(clean_lines("a\u{1b}[31mb\r\n  c\u{202e}d\n"), "a [31mb\n  cd");
        assert_eq!(columns(&cut(&"x".repeat(200), 20)), 20);
        assert_eq!(columns(&fit("日本語", 8)), 8);
    }

    #[test]
    fn wrapped_text_keeps_to_its_width() {
        for line in wrap(&format!("one two {} three", "w".repeat(120)), 30, "  ", "     ") {
            assert!(columns(&line) <= 30, "{line}");
        }
    }

    #[test]
    fn counts_have_their_thousands_set_apart() {
        assert_eq!((count(7), count(1_000), count(1_234_567)), ("7".into(), "1,000".into(), "1,234,567".into()));
        assert_eq!(list(&["a".into(), "b".into(), "c".into()]), "a, b and c");
    }
}
