//! Cron expressions: every form that is accepted, and every refusal with its reason and its hint.

use super::*;

const NOW: &str = "2026-11-22T23:00:00Z";

fn next(cron: &str) -> String {
    let recurrence = recurrence(cron, Tz::America__Chicago, USUAL);
    let next = recurrence.after(at(NOW)).next().unwrap();
    next.wall.format("%a %F %T").to_string()
}

#[test]
fn five_six_and_seven_fields_mean_the_same_friday() {
    for cron in [
        "0 16 * * Fri",
        "0 0 16 * * Fri",
        "0 0 16 * * Fri *",
        "0 0 16 * * Fri 2026-2030",
        "  0  0 16 ? * FRIDAY ",
        "0 0 16 * * fri,Fri",
        "0 0 16 * Nov,Dec Fri",
        "0 0 16 * november-december Fri",
        "0 0 16 * 11-12 Fri",
        "0 0 16 */1 * Fri-Fri",
    ] {
        assert_eq!(next(cron), "Fri 2026-11-27 16:00:00", "{cron}");
    }
}

#[test]
fn each_weekday_is_the_day_of_its_name() {
    for (cron, expected) in [
        ("0 0 16 * * Sun", "Sun 2026-11-29"),
        ("0 0 16 * * Mon", "Mon 2026-11-23"),
        ("0 0 16 * * tues", "Tue 2026-11-24"),
        ("0 0 16 * * Weds", "Wed 2026-11-25"),
        ("0 0 16 * * Thurs", "Thu 2026-11-26"),
        ("0 0 16 * * Friday", "Fri 2026-11-27"),
        ("0 0 16 * * Sat", "Sat 2026-11-28"),
        ("0 0 16 * * Thu,Tue", "Tue 2026-11-24"),
        ("0 0 16 * * Wed-Fri", "Wed 2026-11-25"),
        // Over the weekend, and the whole week round.
        ("0 0 16 24-30 * Sat-Mon", "Sat 2026-11-28"),
        ("0 0 16 * * Sun-Sat", "Mon 2026-11-23"),
    ] {
        assert_eq!(next(cron), format!("{expected} 16:00:00"), "{cron}");
    }
}

#[test]
fn day_of_month_and_weekday_must_both_fit() {
    assert_eq!(next("0 0 16 13 * Fri"), "Fri 2027-08-13 16:00:00");
    assert_eq!(next("0 0 16 1-7 * Fri"), "Fri 2026-12-04 16:00:00");
    assert_eq!(next("0 0 12 29 2 *"), "Tue 2028-02-29 12:00:00");
    assert_eq!(next("*/20 59 23 31 Dec *"), "Thu 2026-12-31 23:59:00");
}

#[test]
fn what_is_refused_names_its_field_and_what_to_write() {
    for (cron, message, hint) in [
        ("", "cron expression: found nothing; accepted: six fields", None),
        (
            "@weekly",
            "cron expression: found \"@weekly\", one field",
            Some("\"0 0 16 * * Fri\" is every Friday at 16:00:00"),
        ),
        ("0 16 * *", "found \"0 16 * *\", 4 fields; accepted: six fields: second minute hour", None),
        ("0 0 16 * * Mon, Wed *", "8 fields", Some("hold no spaces")),
        ("60 0 16 * * Fri", "second field: found \"60\"; accepted: 0 to 59", None),
        ("0 61 16 * * Fri", "minute field: found \"61\"; accepted: 0 to 59", None),
        ("0 0 24 * * Fri", "hour field: found \"24\"; accepted: 0 to 23", None),
        ("0 0 16 0 * Fri", "day-of-month field: found \"0\"; accepted: 1 to 31", None),
        ("0 0 16 L * Fri", "day-of-month field: found \"L\"; accepted: 1 to 31", None),
        ("0 0 16 * 13 Fri", "month field: found \"13\"; accepted: 1 to 12 or Jan to Dec", None),
        ("0 0 16 * Janu Fri", "month field: found \"Janu\"", None),
        ("0 0 16 * * Fri 1969", "year field: found \"1969\"; accepted: 1970 to 2100", None),
        // Six fields that begin with the minute and end with the year: crontabs of another kind.
        ("0 16 * * Fri 2026", "month field: found \"Fri\"", None),
        (
            "0 0 16-8 * * Fri",
            "hour field: found \"16-8\", which runs backwards",
            Some("write it as two ranges: 16-23,0-8"),
        ),
        ("0 */0 16 * * Fri", "minute field: found \"*/0\"", Some("a step is from 1 to 59")),
        ("0 */60 16 * * Fri", "minute field: found \"*/60\"", Some("a step is from 1 to 59")),
        ("0 0/5/5 16 * * Fri", "minute field: found \"0/5/5\"", Some("a step is from 1 to 59")),
        ("0 , 16 * * Fri", "minute field: found \"\"", None),
        ("0 0 ? * * Fri", "hour field: found \"?\"", None),
        ("0 0 99999999999 * * Fri", "hour field: found \"99999999999\"", None),
        ("0 0 +4 * * Fri", "hour field: found \"+4\"", None),
        ("0 0 16 * * Firday", "weekday field: found \"Firday\"; accepted: weekdays by name", Some("did you mean Fri?")),
        ("0 0 16 * * FriL", "weekday field: found \"FriL\"", Some("did you mean Fri?")),
        ("0 0 16 * * *-Fri", "weekday field: found \"*-Fri\"", None),
        (
            "0 0 16 30 2 *",
            "cron expression: found \"0 0 16 30 2 *\", which no date ever fits",
            Some("day of the month"),
        ),
        ("0 0 16 29 2 * 2027", "which no date ever fits", Some("day of the month against the month, and the year")),
    ] {
        let error = Recurrence::parse(cron, Tz::America__Chicago, USUAL, &[]).unwrap_err();
        assert!(error.to_string().contains(message), "{cron}: {error}");
        assert_eq!(error.hint.is_some(), hint.is_some(), "{cron}: {:?}", error.hint);
        assert!(error.hint.unwrap_or_default().contains(hint.unwrap_or_default()), "{cron}");
    }
}

#[test]
fn a_weekday_as_a_digit_is_refused_with_the_reason() {
    for (field, hint) in [
        ("5", "5 is Fri to a crontab and Thu to Quartz; write the name, such as Fri"),
        ("0", "0 is Sun to a crontab; write Sun"),
        ("7", "7 is Sun to a crontab and Sat to Quartz; write the name, such as Sun"),
        ("1-5", "1 is Mon to a crontab and Sun to Quartz; write the name, such as Mon"),
        ("Mon,5", "5 is Fri to a crontab"),
        ("Mon-5", "5 is Fri to a crontab"),
        ("8", "write the name, such as Fri"),
        ("*/2", "name the days, such as Mon,Wed,Fri"),
        ("Mon/2", "name the days, such as Mon,Wed,Fri"),
        ("Mon-Fri/2", "name the days, such as Mon,Wed,Fri"),
        ("Mon#1", "the first Mon of a month is \"0 0 16 1-7 * Mon\": both fields must fit"),
        ("5#3", "the first Fri of a month is"),
        ("5L", "5 is Fri to a crontab"),
    ] {
        for cron in [format!("0 0 16 * * {field}"), format!("0 16 * * {field}")] {
            let error = Recurrence::parse(&cron, Tz::America__Chicago, USUAL, &[]).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "weekday field: found \"{field}\"; accepted: weekdays by name: Mon, Tue, Wed, Thu, Fri, Sat, Sun, a range \
                     such as Mon-Fri, a list such as Mon,Wed, or *; never a digit, which is another day in every kind of cron"
                )
            );
            assert!(error.hint.as_deref().unwrap().contains(hint), "{cron}: {:?}", error.hint);
        }
    }
}

#[test]
fn no_expression_makes_it_panic() {
    let mut seed = crate::words::clock::Seed(7).fork("cron");
    let pieces = ["*", "/", "-", ",", "?", "#", "L", "0", "5", "59", "99999", "Fri", "Feb", "é", "@", " ", " ", " "];
    for _ in 0..5_000 {
        let text: String =
            (0..seed.between(0, 16)).map(|_| pieces[seed.between(0, pieces.len() as i64 - 1) as usize]).collect();
        let _ = Recurrence::parse(&text, Tz::America__Chicago, USUAL, &[]);
    }
}
