//! Second opinions over ten years: `croner` on which wall clock times are asked for, `jiff` with zone data of its own on
//! when they are, and `croner` once more on what becomes of a single time of day when the clocks change.
//!
//! Where `croner` does otherwise by design, `jiff` alone is asked: `croner` drops a gap of more than two hours and a time
//! that a gap moves onto another day, and takes expressions of several times a day for intervals, which it leaves out in
//! gaps and runs twice in folds.

use chrono::{DateTime, NaiveDateTime, TimeDelta};
use chrono_tz::TZ_VARIANTS;
use croner::Cron;
use croner::parser::{CronParser, Seconds};
use jiff::tz::{AmbiguousOffset, TimeZone as JiffZone, TimeZoneDatabase};

use super::*;

/// Zones whose governments have changed the rules since the release that is compiled in here (2025b); jiff's data is newer
/// (2026f). The two know the same up to the end of the year given.
const CHANGED_SINCE: [(&str, i32); 15] = [
    ("Africa/Casablanca", 2025),
    ("Africa/El_Aaiun", 2025),
    ("America/Edmonton", 2025),
    ("America/Havana", 2025),
    ("America/Inuvik", 2025),
    ("America/Rainy_River", 2025),
    ("America/Vancouver", 2025),
    ("America/Winnipeg", 2025),
    ("America/Yellowknife", 2025),
    ("Canada/Central", 2025),
    ("Canada/Mountain", 2025),
    ("Canada/Pacific", 2025),
    ("Cuba", 2025),
    ("Europe/Chisinau", 2021),
    ("Europe/Tiraspol", 2021),
];

/// Ten years that both know.
fn decade(zone: Tz) -> (Timestamp, Timestamp) {
    let known_to = CHANGED_SINCE.iter().find(|(name, _)| *name == zone.name()).map_or(2035, |(_, year)| *year);
    let year = |year: i32| at(&format!("{year}-01-01T00:00:00Z"));
    (year(known_to - 9), year(known_to + 1))
}

fn croner(cron: &str) -> Cron {
    CronParser::builder().seconds(Seconds::Required).dom_and_dow(true).build().parse(cron).unwrap()
}

/// What the expression asks for on the bare wall clock, in all the years that are compared.
fn walls(cron: &str) -> Vec<NaiveDateTime> {
    let start = date("2011-12-30").and_hms_opt(0, 0, 0).unwrap();
    let end = date("2036-01-03").and_hms_opt(0, 0, 0).unwrap();
    croner(cron).iter_after(start).take_while(|wall| *wall < end).collect()
}

/// How often the comparison has met a change of the clocks.
#[derive(Debug, Default)]
struct Met {
    gaps: usize,
    folds: usize,
}

/// The instants of a wall clock time by jiff, in seconds since 1970.
fn by_jiff(wall: NaiveDateTime, zone: &JiffZone, policy: DstPolicy, met: &mut Met) -> Vec<i64> {
    let seconds = wall.and_utc().timestamp();
    let civil = JiffZone::UTC.to_datetime(jiff::Timestamp::from_second(seconds).unwrap());
    let at = |offset: jiff::tz::Offset| seconds - i64::from(offset.seconds());
    match zone.to_ambiguous_timestamp(civil).offset() {
        AmbiguousOffset::Unambiguous { offset } => vec![at(offset)],
        AmbiguousOffset::Fold { before, after } => {
            met.folds += 1;
            match policy.fold {
                Fold::First => vec![at(before)],
                Fold::Both => vec![at(before), at(after)],
            }
        }
        AmbiguousOffset::Gap { before, .. } => {
            met.gaps += 1;
            // On the clock of before, the missing time lies behind the change; the change is the last one up to it.
            let behind = jiff::Timestamp::from_second(at(before) + 1).unwrap();
            let change = zone.preceding(behind).next().unwrap().timestamp().as_second();
            match policy.gap {
                Gap::Next => vec![change],
                Gap::Skip => Vec::new(),
            }
        }
    }
}

fn compare(cron: &str, walls: &[NaiveDateTime], zone: Tz, policy: DstPolicy, met: &mut Met) {
    let (from, to) = decade(zone);
    let jiff_zone = TimeZoneDatabase::bundled().get(zone.name()).unwrap();
    let near = |wall: &&NaiveDateTime| {
        let day = TimeDelta::days(2);
        **wall > from.utc().naive_utc() - day && **wall < to.utc().naive_utc() + day
    };
    let mut theirs: Vec<i64> =
        walls.iter().filter(near).flat_map(|wall| by_jiff(*wall, &jiff_zone, policy, met)).collect();
    theirs.retain(|second| (from.0 / 1000 + 1..=to.0 / 1000).contains(second));
    theirs.sort_unstable();
    theirs.dedup();
    let ours: Vec<i64> = recurrence(cron, zone, policy).fires_between(from, to).map(|fire| fire.at.0 / 1000).collect();
    if let Some(at) = (0..ours.len().max(theirs.len())).find(|at| ours.get(*at) != theirs.get(*at)) {
        let say = |all: &[i64]| all.get(at).map(|second| Timestamp(second * 1000).rfc3339());
        panic!("{zone} {cron} {policy:?}: ours {:?}, theirs {:?}", say(&ours), say(&theirs));
    }
}

#[test]
fn ten_years_of_fridays_agree_in_every_zone() {
    let cron = "0 0 16 * * FRI";
    let walls = walls(cron);
    let mut met = Met::default();
    for zone in TZ_VARIANTS {
        compare(cron, &walls, zone, USUAL, &mut met);
    }
}

#[test]
fn ten_years_of_hours_at_which_clocks_change_agree_in_a_hundred_zones() {
    // Around midnight and in the small hours, on the days and in the months in which clocks are usually changed.
    let cron = "0 30 0-3,23 * 3-4,9-11 THU,FRI,SAT,SUN";
    let walls = walls(cron);
    let mut met = Met::default();
    let chosen =
        [Tz::America__Chicago, Tz::Europe__London, Tz::Australia__Lord_Howe, Tz::Africa__Cairo, Tz::America__Nuuk];
    for (at, zone) in chosen.into_iter().chain(TZ_VARIANTS.into_iter().step_by(6)).enumerate() {
        let gap = if at % 2 == 0 { Gap::Next } else { Gap::Skip };
        let fold = if at % 4 < 2 { Fold::First } else { Fold::Both };
        compare(cron, &walls, zone, DstPolicy { gap, fold }, &mut met);
    }
    assert!(met.gaps > 200 && met.folds > 200, "hardly any change of the clocks was met: {met:?}");
}

#[test]
fn ten_years_of_one_time_a_day_agree_with_croner_in_seventy_zones() {
    let mut moved = 0;
    for (at, zone) in TZ_VARIANTS.into_iter().step_by(8).enumerate() {
        let cron = format!("0 30 {} * * *", at % 4);
        let (from, to) = decade(zone);
        let start = DateTime::from_timestamp_millis(from.0).unwrap().with_timezone(&zone);
        let theirs = croner(&cron).iter_after(start).map(|at| Timestamp(at.timestamp_millis()));
        let ours = recurrence(&cron, zone, USUAL);
        for (fire, theirs) in ours.fires_between(from, to).zip(theirs) {
            assert_eq!(fire.at, theirs, "{zone} {cron}: {}", line(&fire));
            moved += usize::from(fire.note != FireNote::Plain);
        }
    }
    assert!(moved > 100, "hardly any change of the clocks was met: {moved}");
}
