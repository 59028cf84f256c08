//! Which week is meant: dates on the business unit's own calendar.
//!
//! Must never: guess the day on which a week begins.

use chrono::{Datelike, Days, NaiveDate, Weekday};
use chrono_tz::Tz;

use super::refusal::Refusal;
use super::request::WeekChoice;
use crate::words::calendar::week_after;
use crate::words::clock::Timestamp;
use crate::words::id::WeekDate;

/// The calendar of a business unit, as far as the platform tells (API.md section 4).
#[derive(Debug, Clone)]
pub(super) struct UnitCalendar {
    pub unit: String,
    pub zone: Option<Tz>,
    pub start_day: Option<Weekday>,
}

/// The week that is meant.
pub(super) fn choose(choice: WeekChoice, calendar: &UnitCalendar, publish_at: Timestamp) -> Result<WeekDate, Refusal> {
    match (choice, calendar.start_day, calendar.zone) {
        (WeekChoice::Next, Some(start_day), Some(zone)) => {
            Ok(week_after(publish_at.utc().with_timezone(&zone).date_naive(), start_day))
        }
        (WeekChoice::Next, _, _) => Err(Refusal::WeekUnknown { unit: calendar.unit.clone() }),
        (WeekChoice::Of(week), Some(start_day), _) if week.date().weekday() != start_day => {
            Err(Refusal::NotAFirstDay {
                asked: week,
                unit: calendar.unit.clone(),
                start_day: day_name(start_day).to_owned(),
                right: WeekDate::from(first_day(week.date(), start_day)),
            })
        }
        (WeekChoice::Of(week), _, _) => Ok(week),
    }
}

fn first_day(date: NaiveDate, start_day: Weekday) -> NaiveDate {
    let back = (date.weekday().num_days_from_monday() + 7 - start_day.num_days_from_monday()) % 7;
    date.checked_sub_days(Days::new(u64::from(back))).unwrap_or(date)
}

fn day_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "Monday",
        Weekday::Tue => "Tuesday",
        Weekday::Wed => "Wednesday",
        Weekday::Thu => "Thursday",
        Weekday::Fri => "Friday",
        Weekday::Sat => "Saturday",
        Weekday::Sun => "Sunday",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar() -> UnitCalendar {
        let zone = Some(Tz::America__Chicago);
        UnitCalendar { unit: "Customer Care".to_owned(), zone, start_day: Some(Weekday::Mon) }
    }
    fn week(text: &str) -> WeekDate {
        WeekDate::new(text).unwrap()
    }

    #[test]
    fn next_is_the_week_after_the_publish_on_the_units_calendar() {
        let friday = Timestamp::parse_rfc3339("2026-11-27T22:00:00Z").unwrap();
        assert_eq!(choose(WeekChoice::Next, &calendar(), friday).unwrap(), week("2026-11-30"));
        // Sunday 23:00 in Chicago is Monday in UTC, and still the old week there.
        let late = Timestamp::parse_rfc3339("2026-11-30T05:00:00Z").unwrap();
        assert_eq!(choose(WeekChoice::Next, &calendar(), late).unwrap(), week("2026-11-30"));
        let unknown = UnitCalendar { start_day: None, ..calendar() };
        assert!(matches!(choose(WeekChoice::Next, &unknown, friday), Err(Refusal::WeekUnknown { .. })));
    }

    #[test]
    fn a_date_inside_of_a_week_names_its_first_day() {
        let at = Timestamp(0);
        assert_eq!(choose(WeekChoice::Of(week("2026-11-30")), &calendar(), at).unwrap(), week("2026-11-30"));
        for inside in ["2026-12-01", "2026-12-06"] {
            match choose(WeekChoice::Of(week(inside)), &calendar(), at) {
                Err(Refusal::NotAFirstDay { right, .. }) => assert_eq!(right, week("2026-11-30")),
                other => panic!("{other:?}"),
            }
        }
    }
}
