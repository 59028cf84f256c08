//! Every accepted form, both sides of every change of the clocks, and what is refused.

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
    assert_eq!(when("Sat 03:30 asia/kolkata", "2026-11-22T23:00:00Z").unwrap(), "2026-11-27T22:00:00Z Asia/Kolkata");
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
    let pieces =
        ["Friday", " ", "16:00", "CST", "2026-11-27", "T", "Z", ":", "9", "é", "\u{0}", ",", "pm", "(", "-06:00", "ſ"];
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
