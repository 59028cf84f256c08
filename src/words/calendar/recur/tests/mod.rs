//! What is accepted and refused, both sides of every change of the clocks, and what two other libraries say to it.

mod clocks;
mod expression;
mod opinion;

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::*;
use crate::words::clock::Timestamp;

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

const USUAL: DstPolicy = DstPolicy { gap: Gap::Next, fold: Fold::First };
const STRICT: DstPolicy = DstPolicy { gap: Gap::Skip, fold: Fold::Both };

fn recurrence(cron: &str, zone: Tz, policy: DstPolicy) -> Recurrence {
    Recurrence::parse(cron, zone, policy, &[]).unwrap_or_else(|e| panic!("{cron}: {e}"))
}

/// A fire as one line: the instant, the wall clock, and what a change of the clocks has to do with it.
fn line(fire: &Fire) -> String {
    let note = match fire.note {
        FireNote::Plain => String::new(),
        FireNote::Gap { asked } => format!(" for {}", asked.format("%d %H:%M")),
        FireNote::Fold(Which::First) => " first".to_owned(),
        FireNote::Fold(Which::Second) => " second".to_owned(),
    };
    format!("{} is {}{note}", fire.at.utc().format("%FT%TZ"), fire.wall.format("%F %H:%M"))
}
