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
mod tests {
    use chrono::Utc;

    use super::*;
    use crate::words::clock::Seed;

    const CHICAGO: Tz = Tz::America__Chicago;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }
    fn when(text: &str, now: &str) -> Result<String, WhenError> {
        parse_when(text, at(now), CHICAGO).map(|a| format!("{} {}", a.at.utc().format("%FT%TZ"), a.zone.name()))
    }

    #[test]
    fn every_accepted_form_means_the_same_friday() {
        for text in [
            "Friday 16:00 CST",
            "Fri 16:00 Central",
            "friday 16:00",
            "Friday, 16:00 US Central",
            "FRI 16:00:00 CT",
            "Friday 4:00 PM CST",
            "Friday 4pm Central Time",
            "Friday 16:00 (CDT)",
            "2026-11-27 16:00 America/Chicago",
            "2026-11-27 16:00",
            "2026-11-27T16:00",
            "2026-11-27T16:00:00 cst",
            "2026-11-27T16:00:00-06:00",
            "2026-11-27T16:00-06:00",
            "2026-11-27T22:00:00Z",
            "2026-11-27T22:00Z",
        ] {
            assert_eq!(when(text, "2026-11-22T23:00:00Z").unwrap(), "2026-11-27T22:00:00Z America/Chicago", "{text}");
        }
        assert_eq!(when("Friday 17:00 EST", "2026-11-22T23:00:00Z").unwrap(), "2026-11-27T22:00:00Z America/New_York");
        assert_eq!(when("2026-11-27 22:00 UTC", "2026-11-22T23:00:00Z").unwrap(), "2026-11-27T22:00:00Z UTC");
        assert_eq!(
            when("Sat 03:30 asia/kolkata", "2026-11-22T23:00:00Z").unwrap(),
            "2026-11-27T22:00:00Z Asia/Kolkata"
        );
    }

    #[test]
    fn cst_is_the_wall_clock_in_summer_too() {
        assert_eq!(when("Friday 16:00 CST", "2026-07-01T00:00:00Z").unwrap(), "2026-07-03T21:00:00Z America/Chicago");
        assert_eq!(when("Friday 16:00 CDT", "2026-12-01T00:00:00Z").unwrap(), "2026-12-04T22:00:00Z America/Chicago");
    }

    #[test]
    fn the_next_friday_is_strictly_after_now() {
        assert_eq!(when("Fri 16:00", "2026-11-27T21:59:59.999Z").unwrap(), "2026-11-27T22:00:00Z America/Chicago");
        assert_eq!(when("Fri 16:00", "2026-11-27T22:00:00.000Z").unwrap(), "2026-12-04T22:00:00Z America/Chicago");
        assert_eq!(when("Fri 16:00", "2026-11-27T22:00:00.001Z").unwrap(), "2026-12-04T22:00:00Z America/Chicago");
        assert_eq!(when("Fri 16:00:03", "2026-11-27T22:00:02.500Z").unwrap(), "2026-11-27T22:00:03Z America/Chicago");
    }

    #[test]
    fn cron_counts_sunday_as_one_which_is_why_weekdays_are_names() {
        let next = |expression: &str| {
            let monday: DateTime<Utc> = "2026-11-23T00:00:00Z".parse().unwrap();
            Schedule::from_str(expression).unwrap().after(&monday).next().unwrap().weekday()
        };
        assert_eq!(next("0 0 16 * * 5"), Weekday::Thu);
        assert_eq!(next("0 0 16 * * Fri"), Weekday::Fri);
        for n in 0..7 {
            let day = Weekday::try_from(n).unwrap();
            assert_eq!(next(&format!("0 0 16 * * {}", cron_name(day))), day);
            assert_eq!(parse_weekday(&day.to_string()), Some(day));
        }
    }

    #[test]
    fn a_skipped_time_is_refused_and_names_its_neighbours() {
        // Clocks go forward on Sunday 14 March 2027 at 02:00.
        for text in ["Sunday 02:30 CST", "2027-03-14 02:30", "2027-03-14T02:30:00 Central"] {
            let error = when(text, "2027-03-10T00:00:00Z").unwrap_err();
            assert_eq!(
                error.to_string(),
                "Sunday 14 Mar 2027 02:30:00 does not exist in America/Chicago: that day the clocks go from 01:59 CST \
                 straight to 03:00 CDT",
                "{text}"
            );
            assert_eq!(error.hint().unwrap(), "choose a time up to 01:59 CST or from 03:00 CDT on");
        }
        assert_eq!(when("Sun 03:00", "2027-03-10T00:00:00Z").unwrap(), "2027-03-14T08:00:00Z America/Chicago");
    }

    #[test]
    fn a_repeated_time_is_refused_and_names_both() {
        // Clocks go back on Sunday 1 November 2026 at 02:00: 01:30 is 06:30Z and 07:30Z.
        for (text, now) in [
            ("Sunday 01:30 CST", "2026-10-28T00:00:00Z"),
            ("2026-11-01 01:30", "2026-10-28T00:00:00Z"),
            // Between the two: the second one is still to come.
            ("Sunday 01:30", "2026-11-01T06:45:00Z"),
        ] {
            let error = when(text, now).unwrap_err();
            assert_eq!(
                error.to_string(),
                "Sunday 1 Nov 2026 01:30:00 happens twice in America/Chicago: first as 2026-11-01T01:30:00-05:00, \
                 then as 2026-11-01T01:30:00-06:00"
            );
        }
        // What the hint offers is accepted.
        assert_eq!(
            when("2026-11-01T01:30:00-06:00", "2026-10-28T00:00:00Z").unwrap(),
            "2026-11-01T07:30:00Z America/Chicago"
        );
    }

    #[test]
    fn every_weekday_and_hour_agrees_with_plain_arithmetic() {
        let mut seed = Seed(16).fork("calendar");
        let days = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];
        let zones = [CHICAGO, Tz::Europe__London, Tz::Australia__Lord_Howe, Tz::UTC, Tz::America__Phoenix];
        let mut refused = 0;
        for round in 0..4000 {
            // Half of the rounds lie around the first Sunday of November, when Chicago's clocks go back.
            let now = match seed.between(0, 1) {
                0 => at("2024-01-01T00:00:00Z") + seed.between(0, 6 * 366 * 86_400_000),
                _ => at("2026-11-01T06:30:00Z") + seed.between(-9 * 86_400_000, 7_200_000),
            };
            let zone = zones[seed.between(0, 4) as usize];
            let day = days[seed.between(0, 6) as usize];
            let time = NaiveTime::from_hms_opt(seed.between(0, 23) as u32, seed.between(0, 59) as u32, 0).unwrap();
            let text = format!("{day} {} {}", time.format("%H:%M"), zone.name());
            // Walk the days of the wall clock until the first that fits.
            let local = now.utc().with_timezone(&zone).naive_local();
            let expected = (0..=8)
                .filter_map(|n| local.date().checked_add_days(Days::new(n)))
                .filter(|date| date.weekday() == day)
                .map(|date| date.and_time(time))
                .find_map(|wall| match zone.from_local_datetime(&wall) {
                    LocalResult::Single(at) => {
                        (at.timestamp_millis() > now.0).then_some(Some(Timestamp(at.timestamp_millis())))
                    }
                    LocalResult::Ambiguous(_, second) => (second.timestamp_millis() > now.0).then_some(None),
                    LocalResult::None => (wall > local).then_some(None),
                });
            match (parse_when(&text, now, CHICAGO), expected) {
                (Ok(got), Some(Some(want))) => {
                    assert_eq!((got.at, got.zone), (want, zone), "{round}: {text} from {now}")
                }
                (Err(_), Some(None)) => refused += 1,
                (got, want) => panic!("{round}: {text} from {now}: {got:?}, expected {want:?}"),
            }
        }
        assert!(refused > 0, "no round fell on a change of the clocks");
    }

    #[test]
    fn the_past_is_an_error_of_its_own() {
        let error = when("2026-11-20 16:00", "2026-11-22T22:00:00Z").unwrap_err();
        assert!(matches!(error, WhenError::Past { .. }));
        assert_eq!(
            error.to_string(),
            "\"2026-11-20 16:00\" is in the past: Friday 20 Nov 2026 16:00 CST, America/Chicago, UTC-6; 2 d ago"
        );
        assert!(matches!(when("2026-11-27T22:00:00Z", "2026-11-27T22:00:00Z"), Err(WhenError::Past { .. })));
    }

    #[test]
    fn what_cannot_be_read_says_where_and_what_instead() {
        let now = "2026-11-22T22:00:00Z";
        for (text, message, hint) in [
            ("", "\"\" (character 1) is not an instant", None),
            ("5 16:00", "\"5\" (character 1) is not a weekday or a date", Some("name the weekday")),
            ("Firday 16:00", "\"Firday\" (character 1) is not a weekday or a date", Some("did you mean Friday?")),
            ("Friday", "\"\" (character 7) is not a time of day", Some("\"Friday 16:00\"")),
            ("Friday 25:00", "\"25:00\" (character 8) is not a time of day", None),
            ("Friday 16", "\"16\" (character 8) is not a time of day", None),
            ("Friday 16:00 PM", "\"16:00\" (character 8) is not a time of day", None),
            ("Friday 1600:00", "\"1600:00\" (character 8)", None),
            ("Friday 16:00 Midwst", "\"Midwst\" (character 14) is not a known time zone", None),
            ("Friday 16:00 Chicago", "\"Chicago\" (character 14)", Some("did you mean America/Chicago?")),
            ("2026-02-30 16:00", "\"2026-02-30\" (character 1) is not a weekday or a date", None),
            ("11/27/2026 16:00", "\"11/27/2026\"", Some("write dates as 2026-11-27")),
            ("2026-11-27T16h", "\"16h\" (character 12) is not a time of day", None),
        ] {
            let error = when(text, now).unwrap_err();
            assert!(error.to_string().starts_with(message), "{text}: {error}");
            if let Some(hint) = hint {
                assert!(error.hint().unwrap().contains(hint), "{text}: {:?}", error.hint());
            }
        }
    }

    #[test]
    fn no_text_makes_it_panic() {
        let mut seed = Seed(3).fork("noise");
        let pieces = [
            "Friday",
            " ",
            "16:00",
            "CST",
            "2026-11-27",
            "T",
            "Z",
            ":",
            "9",
            "é",
            "\u{0}",
            ",",
            "pm",
            "(",
            "-06:00",
            "ſ",
        ];
        for _ in 0..5000 {
            let text: String =
                (0..seed.between(0, 8)).map(|_| pieces[seed.between(0, pieces.len() as i64 - 1) as usize]).collect();
            let _ = parse_when(&text, Timestamp(seed.bits() as i64), CHICAGO);
        }
    }

    #[test]
    fn the_week_after_begins_on_the_start_day() {
        let date = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(week_after(date("2026-11-27"), Weekday::Mon).to_string(), "2026-11-30");
        assert_eq!(week_after(date("2026-11-27"), Weekday::Sun).to_string(), "2026-11-29");
        assert_eq!(week_after(date("2026-11-23"), Weekday::Mon).to_string(), "2026-11-30");
        assert_eq!(week_after(date("2026-11-27"), Weekday::Fri).to_string(), "2026-12-04");
        for start in 0..7 {
            let start = Weekday::try_from(start).unwrap();
            for n in 0..14 {
                let from = date("2026-12-25") + Days::new(n);
                let week = week_after(from, start).date();
                let ahead = (week - from).num_days();
                assert!(week.weekday() == start && (1..=7).contains(&ahead), "{from} {start}: {week}");
            }
        }
    }
}
