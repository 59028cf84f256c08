//! Reads a cron expression field by field and hands it to `cron` in a form that means one thing only: seconds first,
//! months as numbers, weekdays by name.
//!
//! Must never: let a digit through in the weekday field. `cron` counts Sunday as 1, crontabs count Monday as 1, and a
//! publish on the wrong day cannot be undone.

use std::str::FromStr;

use cron::Schedule;

use super::error::{RecurError, quoted};
use crate::words::nearest::nearest;

const WHOLE: &str = "cron expression";
const FORM: &str = "six fields: second minute hour day-of-month month weekday, such as \"0 0 16 * * Fri\"; the second may \
     be left out, and a year may follow";
const WEEKDAY: &str = "weekday field";
const WEEKDAYS_ACCEPTED: &str =
    "weekdays by name: Mon, Tue, Wed, Thu, Fri, Sat, Sun, a range such as Mon-Fri, a list such as Mon,Wed, or *";

/// The weekdays in the order of `cron` and Quartz: Sunday is their 1, and every crontab's 0.
const DAYS: [(&str, &[&str]); 7] = [
    ("Sun", &["sun", "sunday"]),
    ("Mon", &["mon", "monday"]),
    ("Tue", &["tue", "tues", "tuesday"]),
    ("Wed", &["wed", "weds", "wednesday"]),
    ("Thu", &["thu", "thur", "thurs", "thursday"]),
    ("Fri", &["fri", "friday"]),
    ("Sat", &["sat", "saturday"]),
];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// A field of numbers.
struct Numbers {
    name: &'static str,
    low: u32,
    high: u32,
    /// What is accepted, in words.
    accepted: &'static str,
}

const SECOND: Numbers = Numbers {
    name: "second field",
    low: 0,
    high: 59,
    accepted: "0 to 59, a range such as 0-30, a list such as 0,30, a step such as */15, or *",
};
const MINUTE: Numbers = Numbers { name: "minute field", ..SECOND };
const HOUR: Numbers = Numbers {
    name: "hour field",
    low: 0,
    high: 23,
    accepted: "0 to 23, a range such as 8-18, a list such as 8,16, a step such as */2, or *",
};
const DAY: Numbers = Numbers {
    name: "day-of-month field",
    low: 1,
    high: 31,
    accepted: "1 to 31, a range such as 1-7, a list such as 1,15, a step such as */2, or *",
};
const MONTH: Numbers = Numbers {
    name: "month field",
    low: 1,
    high: 12,
    accepted: "1 to 12 or Jan to Dec, a range such as Jan-Jun, a list such as Jan,Jul, a step such as */3, or *",
};
const YEAR: Numbers = Numbers {
    name: "year field",
    low: 1970,
    high: 2100,
    accepted: "1970 to 2100, a range such as 2026-2028, a list such as 2026,2028, a step such as 2026/2, or *",
};

/// Reads an expression; the schedule is about the bare wall clock.
///
/// The weekday and the day of the month must both fit, so that "1-7 * Fri" is the first Friday of the month.
pub(super) fn read(text: &str) -> Result<Schedule, RecurError> {
    let plain = normal(text)?;
    let schedule = Schedule::from_str(&plain).map_err(|_| RecurError::new(WHOLE, quoted(text), FORM))?;
    let ever = schedule.after(&chrono::DateTime::<chrono::Utc>::UNIX_EPOCH).next();
    match ever {
        Some(_) => Ok(schedule),
        None => Err(RecurError::new(WHOLE, format!("{}, which no date ever fits", quoted(text)), FORM)
            .hint("check the day of the month against the month, and the year")),
    }
}

/// The expression with all of its seven fields spelt out.
fn normal(text: &str) -> Result<String, RecurError> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let (second, minute, hour, day, month, weekday, year) = match *fields.as_slice() {
        [minute, hour, day, month, weekday] => ("0", minute, hour, day, month, weekday, "*"),
        [second, minute, hour, day, month, weekday] => (second, minute, hour, day, month, weekday, "*"),
        [second, minute, hour, day, month, weekday, year] => (second, minute, hour, day, month, weekday, year),
        _ => return Err(wrong_count(text, &fields)),
    };
    let fields = [
        numbers(&SECOND, second)?,
        numbers(&MINUTE, minute)?,
        numbers(&HOUR, hour)?,
        numbers(&DAY, if day == "?" { "*" } else { day })?,
        numbers(&MONTH, month)?,
        weekdays(weekday)?,
        numbers(&YEAR, year)?,
    ];
    Ok(fields.join(" "))
}

fn wrong_count(text: &str, fields: &[&str]) -> RecurError {
    let found = match fields {
        [] => "nothing".to_owned(),
        [_] => format!("{}, one field", quoted(text)),
        _ => format!("{}, {} fields", quoted(text), fields.len()),
    };
    let error = RecurError::new(WHOLE, found, FORM);
    if text.trim_start().starts_with('@') {
        return error.hint("write the time out: \"0 0 16 * * Fri\" is every Friday at 16:00:00");
    }
    if text.contains(", ") || text.contains(" ,") || text.contains(" -") || text.contains("- ") {
        return error.hint("lists and ranges hold no spaces: Mon,Wed or Mon-Fri");
    }
    error
}

/// A field of numbers: a list of values, ranges and steps.
fn numbers(kind: &Numbers, text: &str) -> Result<String, RecurError> {
    let items: Result<Vec<String>, RecurError> = text.split(',').map(|item| numbers_item(kind, item)).collect();
    Ok(items?.join(","))
}

fn numbers_item(kind: &Numbers, item: &str) -> Result<String, RecurError> {
    let (base, step) = match item.split_once('/') {
        Some((base, step)) => (base, Some(step)),
        None => (item, None),
    };
    let base = match base.split_once('-') {
        _ if base == "*" => base.to_owned(),
        Some((from, to)) => range(kind, item, number(kind, item, from)?, number(kind, item, to)?)?,
        None => number(kind, item, base)?.to_string(),
    };
    match step {
        None => Ok(base),
        Some(step) => {
            let widest = kind.high - kind.low;
            let step = digits(step).filter(|step| (1..=widest).contains(step)).ok_or_else(|| {
                RecurError::new(kind.name, quoted(item), kind.accepted).hint(format!("a step is from 1 to {widest}"))
            })?;
            Ok(format!("{base}/{step}"))
        }
    }
}

fn range(kind: &Numbers, item: &str, from: u32, to: u32) -> Result<String, RecurError> {
    if from <= to {
        return Ok(format!("{from}-{to}"));
    }
    let Numbers { low, high, .. } = kind;
    Err(RecurError::new(kind.name, format!("{}, which runs backwards", quoted(item)), kind.accepted)
        .hint(format!("write it as two ranges: {from}-{high},{low}-{to}")))
}

fn number(kind: &Numbers, item: &str, text: &str) -> Result<u32, RecurError> {
    let named = || if kind.name == MONTH.name { month_by_name(text) } else { None };
    let found = digits(text).or_else(named).filter(|n| (kind.low..=kind.high).contains(n));
    found.ok_or_else(|| RecurError::new(kind.name, quoted(item), kind.accepted))
}

fn digits(text: &str) -> Option<u32> {
    let plain = (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn month_by_name(text: &str) -> Option<u32> {
    let lower = text.to_ascii_lowercase();
    let at = MONTHS.iter().position(|name| *name == lower || name.get(..3) == Some(lower.as_str()))?;
    u32::try_from(at + 1).ok()
}

/// The weekday field: names, ranges of names that may run over the weekend, and lists.
fn weekdays(text: &str) -> Result<String, RecurError> {
    if matches!(text, "*" | "?") {
        return Ok("*".to_owned());
    }
    if text.contains(|c: char| c.is_ascii_digit()) {
        return Err(digit_refused(text));
    }
    let mut days: Vec<&'static str> = Vec::new();
    for item in text.split(',') {
        let (from, to) = item.split_once('-').unwrap_or((item, item));
        let (from, to) = (weekday(item, from)?, weekday(item, to)?);
        days.extend(span(from, to));
    }
    Ok(days.join(","))
}

/// The days from one to another, over the weekend if need be: Fri-Mon is four days.
fn span(from: usize, to: usize) -> impl Iterator<Item = &'static str> {
    let count = (to + DAYS.len() - from) % DAYS.len() + 1;
    DAYS.iter().cycle().skip(from).take(count).map(|(name, _)| *name)
}

fn weekday(item: &str, text: &str) -> Result<usize, RecurError> {
    let lower = text.to_ascii_lowercase();
    DAYS.iter().position(|(_, names)| names.contains(&lower.as_str())).ok_or_else(|| {
        let error = RecurError::new(WEEKDAY, quoted(item), WEEKDAYS_ACCEPTED);
        let known = DAYS.iter().flat_map(|(_, names)| names.iter().copied());
        match nearest(text, known).and_then(|near| DAYS.iter().find(|(_, names)| names.contains(&near))) {
            Some((name, _)) => error.hint(format!("did you mean {name}?")),
            None => error,
        }
    })
}

/// Why a digit is refused, and what to write for it.
fn digit_refused(text: &str) -> RecurError {
    let accepted = format!("{WEEKDAYS_ACCEPTED}; never a digit, which is another day in every kind of cron");
    let error = RecurError::new(WEEKDAY, quoted(text), accepted);
    if text.contains('/') {
        return error.hint("name the days, such as Mon,Wed,Fri");
    }
    if let Some((day, _)) = text.split_once('#') {
        let day = name_of(day).unwrap_or("Fri");
        return error.hint(format!("the first {day} of a month is \"0 0 16 1-7 * {day}\": both fields must fit"));
    }
    let digit = text.bytes().find(u8::is_ascii_digit).map(|b| usize::from(b.saturating_sub(b'0')));
    let crontab = digit.and_then(|n| DAYS.get(n % 7)).map(|(name, _)| *name);
    let quartz = digit.and_then(|n| n.checked_sub(1)).and_then(|n| DAYS.get(n)).map(|(name, _)| *name);
    match (digit, crontab, quartz) {
        (Some(n), Some(crontab), Some(quartz)) if n <= 7 => error
            .hint(format!("{n} is {crontab} to a crontab and {quartz} to Quartz; write the name, such as {crontab}")),
        (Some(0), Some(crontab), None) => error.hint(format!("0 is {crontab} to a crontab; write {crontab}")),
        (_, _, _) => error.hint("write the name, such as Fri"),
    }
}

fn name_of(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    DAYS.iter().find(|(_, names)| names.contains(&lower.as_str())).map(|(name, _)| *name)
}
