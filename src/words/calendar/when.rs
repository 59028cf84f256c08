//! Reads the instants that people write. Weekdays go through `cron`, always by name: it counts Sunday as 1, so that
//! a 5 written for Friday would fire on Thursday.
//!
//! Must never: hand a weekday to `cron` as a number, or read the clock; `now` is an argument.

use std::str::FromStr;

use chrono::{
    DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Timelike, Weekday,
};
use chrono_tz::Tz;
use cron::Schedule;

use super::error::{FORMS, WhenError};
use super::say::describe;
use super::zone::{parse_zone, zone_hint};
use crate::words::clock::Timestamp;
use crate::words::id::WeekDate;

/// An instant that someone has chosen, and the wall clock on which they chose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appointment {
    /// The instant.
    pub at: Timestamp,
    /// The zone in which it is to be shown.
    pub zone: Tz,
}

/// Reads an instant as people write it; `default_zone` stands in where no zone is named.
///
/// Accepted: a weekday and a time ("Friday 16:00 CST", "Fri 4:00 PM Central"): the next such instant strictly after
/// `now`; a date and a time ("2026-11-27 16:00 America/Chicago", "2026-11-27T16:00"); RFC 3339 with an offset, which
/// is shown on the clock of `default_zone`. Zones are those of [`parse_zone`].
///
/// # Errors
/// [`WhenError`] for anything else, for a local time that daylight saving skips or repeats, and for an instant that
/// is not after `now`.
pub fn parse_when(text: &str, now: Timestamp, default_zone: Tz) -> Result<Appointment, WhenError> {
    let words = words(text);
    let Some((first, rest)) = words.split_first() else {
        return Err(unreadable(Word { place: 1, text }, "an instant", FORMS, None));
    };
    if let Some(day) = parse_weekday(first.text) {
        let (time, zone) = time_and_zone(*first, rest, default_zone)?;
        let at = next_weekday(day, time, zone, now)?;
        return Ok(Appointment { at, zone });
    }
    let appointment = on_a_date(*first, rest, default_zone)?;
    if appointment.at <= now {
        return Err(WhenError::Past {
            found: format!("{:?}", cut(text.trim())),
            description: describe(appointment.at, appointment.zone, now),
        });
    }
    Ok(appointment)
}

/// The first day of the week after the one that `date` is in, when weeks begin on `start_day`.
///
/// This is the platform's `weekId` of the schedule that a publish on `date` usually concerns (API.md section 4).
#[must_use]
pub fn week_after(date: NaiveDate, start_day: Weekday) -> WeekDate {
    let ahead = start_day.num_days_from_monday() + 7 - date.weekday().num_days_from_monday();
    let ahead = if ahead > 7 { ahead - 7 } else { ahead };
    WeekDate::from(date.checked_add_days(Days::new(u64::from(ahead))).unwrap_or(date))
}

/// A word of the text and the character at which it begins, from 1.
#[derive(Debug, Clone, Copy)]
struct Word<'a> {
    place: usize,
    text: &'a str,
}

/// Splits at spaces; a comma at the end of a word is punctuation.
fn words(text: &str) -> Vec<Word<'_>> {
    text.split_whitespace()
        .map(|word| {
            // Every word is a slice of `text`, so that the difference of their starts is its place in it.
            let start = word.as_ptr() as usize - text.as_ptr() as usize;
            let place = text.get(..start).map_or(0, |before| before.chars().count()) + 1;
            Word { place, text: word.trim_end_matches(',') }
        })
        .filter(|word| !word.text.is_empty())
        .collect()
}

fn cut(text: &str) -> String {
    text.chars().take(60).collect()
}

fn unreadable(word: Word<'_>, expected: &'static str, accepted: &'static str, hint: Option<String>) -> WhenError {
    WhenError::Unreadable { place: word.place, found: cut(word.text), expected, accepted, hint }
}

/// A weekday by its English name or a usual abbreviation; never by number, which means a different day to everyone.
fn parse_weekday(text: &str) -> Option<Weekday> {
    let names = [
        (Weekday::Mon, ["monday", "mon", "mo"].as_slice()),
        (Weekday::Tue, &["tuesday", "tue", "tues", "tu"]),
        (Weekday::Wed, &["wednesday", "wed", "weds", "we"]),
        (Weekday::Thu, &["thursday", "thu", "thur", "thurs", "th"]),
        (Weekday::Fri, &["friday", "fri", "fr"]),
        (Weekday::Sat, &["saturday", "sat", "sa"]),
        (Weekday::Sun, &["sunday", "sun", "su"]),
    ];
    let text = text.trim_end_matches('.').to_lowercase();
    names.iter().find(|(_, names)| names.contains(&text.as_str())).map(|(day, _)| *day)
}

/// The time of day and the zone that follow a weekday or a date.
fn time_and_zone(before: Word<'_>, rest: &[Word<'_>], default_zone: Tz) -> Result<(NaiveTime, Tz), WhenError> {
    let Some((time_word, rest)) = rest.split_first() else {
        let place = before.place + before.text.chars().count();
        let hint = Some(format!("add the time of day, e.g. \"{} 16:00\"", cut(before.text)));
        return Err(unreadable(Word { place, text: "" }, "a time of day", TIMES, hint));
    };
    // "4:00 PM" is two words, "4:00PM" one.
    let half = rest.split_first().and_then(|(word, rest)| Some((parse_half(word.text)?, rest)));
    let (time, rest) = match half {
        Some((half, rest)) => (parse_half_day_time(time_word.text, half), rest),
        None => (parse_time(time_word.text), rest),
    };
    let time = time.ok_or_else(|| unreadable(*time_word, "a time of day", TIMES, None))?;
    Ok((time, zone_of(rest, default_zone)?))
}

const TIMES: &str = "HH:MM or HH:MM:SS (00:00 to 23:59:59), or 4:00 PM";

fn zone_of(rest: &[Word<'_>], default_zone: Tz) -> Result<Tz, WhenError> {
    let Some(first) = rest.first() else { return Ok(default_zone) };
    let text = rest.iter().map(|word| word.text).collect::<Vec<_>>().join(" ");
    let bare = text.trim_start_matches('(').trim_end_matches(')');
    parse_zone(bare).ok_or_else(|| WhenError::UnknownZone {
        place: first.place,
        found: cut(bare),
        hint: zone_hint(bare),
    })
}

/// `16:00`, `16:00:03`, `4pm`, `4:00PM`.
fn parse_time(text: &str) -> Option<NaiveTime> {
    let lower = text.to_lowercase();
    if let Some(at) = lower.find(['a', 'p']) {
        let (clock, half) = lower.split_at_checked(at)?;
        return parse_half_day_time(clock, parse_half(half)?);
    }
    let (h, m, s) = clock_fields(text)?;
    // "16" alone could be a day of the month; a time of day says its minutes.
    NaiveTime::from_hms_opt(h, m?, s.unwrap_or(0))
}

/// Which half of the day a time on a twelve-hour clock is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    Am,
    Pm,
}

fn parse_half(text: &str) -> Option<Half> {
    match text.to_lowercase().as_str() {
        "am" | "a.m." => Some(Half::Am),
        "pm" | "p.m." => Some(Half::Pm),
        _ => None,
    }
}

fn parse_half_day_time(text: &str, half: Half) -> Option<NaiveTime> {
    let (h, m, s) = clock_fields(text)?;
    let h = (1..=12).contains(&h).then_some(h % 12)?;
    let h = match half {
        Half::Am => h,
        Half::Pm => h + 12,
    };
    NaiveTime::from_hms_opt(h, m.unwrap_or(0), s.unwrap_or(0))
}

/// Hours and, where they are given, minutes and seconds: one or two digits each.
fn clock_fields(text: &str) -> Option<(u32, Option<u32>, Option<u32>)> {
    let number = |field: &str| {
        let plain = (1..=2).contains(&field.len()) && field.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| field.parse().ok()).flatten()
    };
    let mut fields = text.split(':');
    let h = number(fields.next()?)?;
    let m = fields.next().map(|field| number(field).ok_or(())).transpose().ok()?;
    let s = fields.next().map(|field| number(field).ok_or(())).transpose().ok()?;
    fields.next().is_none().then_some((h, m, s))
}

/// `2026-11-27` and a time, `2026-11-27T16:00`, or RFC 3339.
fn on_a_date(first: Word<'_>, rest: &[Word<'_>], default_zone: Tz) -> Result<Appointment, WhenError> {
    if rest.is_empty()
        && let Some(at) = parse_offset_instant(first.text)
    {
        return Ok(Appointment { at, zone: default_zone });
    }
    let (date_text, joined_time) = match first.text.split_once(['T', 't']) {
        Some((date, time)) => (date, Some(time)),
        None => (first.text, None),
    };
    let date =
        parse_date(date_text).ok_or_else(|| unreadable(first, "a weekday or a date", FORMS, first_hint(first.text)))?;
    let (time, zone) = match joined_time {
        Some(time_text) => {
            let place = first.place + date_text.chars().count() + 1;
            let time = parse_time(time_text)
                .ok_or_else(|| unreadable(Word { place, text: time_text }, "a time of day", TIMES, None))?;
            (time, zone_of(rest, default_zone)?)
        }
        None => time_and_zone(first, rest, default_zone)?,
    };
    Ok(Appointment { at: resolve(date.and_time(time), zone)?, zone })
}

/// `yyyy-MM-dd`, all ten characters: "26-11-27" could be two different days.
fn parse_date(text: &str) -> Option<NaiveDate> {
    (text.len() == 10).then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten()
}

/// RFC 3339, with or without seconds.
fn parse_offset_instant(text: &str) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text)
        .or_else(|| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M%#z").ok().map(|at| Timestamp(at.timestamp_millis())))
}

fn first_hint(found: &str) -> Option<String> {
    let days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    if found.len() == 1 && found.bytes().all(|b| b.is_ascii_digit()) {
        return Some("name the weekday: its number means a different day in every calendar".to_owned());
    }
    if found.contains('/') || found.contains('.') {
        return Some("write dates as 2026-11-27: year, month, day".to_owned());
    }
    crate::words::nearest::nearest(found, days).map(|day| format!("did you mean {day}?"))
}

/// The next `day` at `time` strictly after `now`, by the wall clock of `zone`.
fn next_weekday(day: Weekday, time: NaiveTime, zone: Tz, now: Timestamp) -> Result<Timestamp, WhenError> {
    let expression = format!("{} {} {} * * {}", time.second(), time.minute(), time.hour(), cron_name(day));
    let none_ever = || WhenError::Skipped {
        found: format!("{day} {}", time.format("%H:%M:%S")),
        zone: zone.name(),
        before: "the end of the calendar".to_owned(),
        after: "nothing".to_owned(),
    };
    let schedule = Schedule::from_str(&expression).map_err(|_| none_ever())?;
    let here = now.utc().with_timezone(&zone).naive_local();
    // Asked in the zone, cron passes over a day on which this time is skipped, and the publish would silently be a week
    // late. So it is asked about the bare wall clock, from before the widest fold that clocks make, and the first of
    // its answers that is still to come is taken, or refused when it is not a single instant.
    let from = here.checked_sub_signed(TimeDelta::hours(FOLD_H_MAX)).unwrap_or(here);
    schedule
        .after(&from.and_utc())
        .take(3)
        .map(|wall| wall.naive_utc())
        .find(|wall| match zone.from_local_datetime(wall) {
            LocalResult::Single(at) => at.timestamp_millis() > now.0,
            LocalResult::Ambiguous(_, second) => second.timestamp_millis() > now.0,
            LocalResult::None => *wall > here,
        })
        .ok_or_else(none_ever)
        .and_then(|wall| resolve(wall, zone))
}

/// No zone puts its clocks back by more than this, in hours.
const FOLD_H_MAX: i64 = 3;

fn cron_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "Mon",
        Weekday::Tue => "Tue",
        Weekday::Wed => "Wed",
        Weekday::Thu => "Thu",
        Weekday::Fri => "Fri",
        Weekday::Sat => "Sat",
        Weekday::Sun => "Sun",
    }
}

/// The one instant at which the clocks of `zone` show `wall`.
fn resolve(wall: NaiveDateTime, zone: Tz) -> Result<Timestamp, WhenError> {
    let found = wall.format("%A %-d %b %Y %H:%M:%S").to_string();
    match zone.from_local_datetime(&wall) {
        LocalResult::Single(at) => Ok(Timestamp(at.timestamp_millis())),
        LocalResult::Ambiguous(first, second) => {
            Err(WhenError::Twice { found, zone: zone.name(), first: first.to_rfc3339(), second: second.to_rfc3339() })
        }
        LocalResult::None => Err(WhenError::Skipped {
            found,
            zone: zone.name(),
            before: neighbour(wall, zone, -1),
            after: neighbour(wall, zone, 1),
        }),
    }
}

/// The nearest minute before or after a skipped time that the clocks do show. No zone has skipped more than a day.
fn neighbour(wall: NaiveDateTime, zone: Tz, step_min: i64) -> String {
    let minute = wall.with_second(0).unwrap_or(wall);
    (1..=2 * 24 * 60)
        .filter_map(|n| minute.checked_add_signed(TimeDelta::minutes(n * step_min)))
        .find_map(|wall| zone.from_local_datetime(&wall).earliest())
        .map_or_else(|| "another day".to_owned(), |at| at.format("%H:%M %Z").to_string())
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
