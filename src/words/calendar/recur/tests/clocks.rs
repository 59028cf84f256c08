//! Tables of changes of the clocks, skipped dates, and properties that hold for every zone and every instant.

use chrono::{Datelike, TimeZone, Timelike};
use chrono_tz::TZ_VARIANTS;
use proptest::prelude::*;

use super::*;

/// A zone, what is asked for, from when to when, and the fires with one policy and with another.
type Row = (Tz, &'static str, &'static str, &'static str, &'static [&'static str], &'static [&'static str]);

/// The fires from one instant to another.
fn fires(cron: &str, zone: Tz, policy: DstPolicy, from: &str, to: &str) -> Vec<String> {
    recurrence(cron, zone, policy).fires_between(at(from), at(to)).map(|fire| line(&fire)).collect()
}

#[test]
fn friday_1600_is_the_wall_clock_in_winter_and_in_summer() {
    let got = fires("0 0 16 * * Fri", Tz::America__Chicago, USUAL, "2026-10-19T00:00:00Z", "2026-11-14T00:00:00Z");
    let expected = [
        "2026-10-23T21:00:00Z is 2026-10-23 16:00",
        "2026-10-30T21:00:00Z is 2026-10-30 16:00",
        "2026-11-06T22:00:00Z is 2026-11-06 16:00",
        "2026-11-13T22:00:00Z is 2026-11-13 16:00",
    ];
    assert_eq!(got, expected);
}

#[test]
fn a_time_that_the_clocks_skip_comes_at_once_afterwards_or_not_at_all() {
    // With the policy next, and with the policy skip.
    let table: [Row; 7] = [
        (
            Tz::America__Chicago,
            "30 2 * * *",
            "2026-03-08T00:00:00Z",
            "2026-03-09T12:00:00Z",
            &["2026-03-08T08:00:00Z is 2026-03-08 03:00 for 08 02:30", "2026-03-09T07:30:00Z is 2026-03-09 02:30"],
            &["2026-03-09T07:30:00Z is 2026-03-09 02:30"],
        ),
        (
            Tz::Europe__London,
            "30 1 * * *",
            "2026-03-28T12:00:00Z",
            "2026-03-30T12:00:00Z",
            &["2026-03-29T01:00:00Z is 2026-03-29 02:00 for 29 01:30", "2026-03-30T00:30:00Z is 2026-03-30 01:30"],
            &["2026-03-30T00:30:00Z is 2026-03-30 01:30"],
        ),
        (
            // Half an hour: 02:15 does not exist, 02:30 does.
            Tz::Australia__Lord_Howe,
            "15,30 2 * * *",
            "2026-10-03T12:00:00Z",
            "2026-10-04T12:00:00Z",
            &["2026-10-03T15:30:00Z is 2026-10-04 02:30 for 04 02:15"],
            &["2026-10-03T15:30:00Z is 2026-10-04 02:30"],
        ),
        (
            // The whole of Friday 30 December 2011.
            Tz::Pacific__Apia,
            "0 16 * * Thu-Sat",
            "2011-12-29T00:00:00Z",
            "2012-01-01T00:00:00Z",
            &[
                "2011-12-30T02:00:00Z is 2011-12-29 16:00",
                "2011-12-30T10:00:00Z is 2011-12-31 00:00 for 30 16:00",
                "2011-12-31T02:00:00Z is 2011-12-31 16:00",
            ],
            &["2011-12-30T02:00:00Z is 2011-12-29 16:00", "2011-12-31T02:00:00Z is 2011-12-31 16:00"],
        ),
        (
            // At 24:00, so that midnight itself is missing.
            Tz::America__Sao_Paulo,
            "0 0 * * *",
            "2018-11-03T12:00:00Z",
            "2018-11-05T12:00:00Z",
            &["2018-11-04T03:00:00Z is 2018-11-04 01:00 for 04 00:00", "2018-11-05T02:00:00Z is 2018-11-05 00:00"],
            &["2018-11-05T02:00:00Z is 2018-11-05 00:00"],
        ),
        (
            Tz::Africa__Cairo,
            "59 0 * * *",
            "2026-04-23T12:00:00Z",
            "2026-04-25T12:00:00Z",
            &["2026-04-23T22:00:00Z is 2026-04-24 01:00 for 24 00:59", "2026-04-24T21:59:00Z is 2026-04-25 00:59"],
            &["2026-04-24T21:59:00Z is 2026-04-25 00:59"],
        ),
        (
            // From 23:00 straight to the next day.
            Tz::America__Nuuk,
            "30 23 * * *",
            "2026-03-28T12:00:00Z",
            "2026-03-30T12:00:00Z",
            &["2026-03-29T01:00:00Z is 2026-03-29 00:00 for 28 23:30", "2026-03-30T00:30:00Z is 2026-03-29 23:30"],
            &["2026-03-30T00:30:00Z is 2026-03-29 23:30"],
        ),
    ];
    for (zone, cron, from, to, next, skip) in table {
        assert_eq!(fires(cron, zone, USUAL, from, to), next, "{zone} {cron}");
        assert_eq!(fires(cron, zone, STRICT, from, to), skip, "{zone} {cron}");
    }
}

#[test]
fn a_time_that_the_clocks_show_twice_comes_once_or_twice() {
    // With the policy first, and with the policy both.
    let table: [Row; 4] = [
        (
            Tz::America__Chicago,
            "0,30 1 * * *",
            "2026-11-01T00:00:00Z",
            "2026-11-01T12:00:00Z",
            &["2026-11-01T06:00:00Z is 2026-11-01 01:00 first", "2026-11-01T06:30:00Z is 2026-11-01 01:30 first"],
            &[
                "2026-11-01T06:00:00Z is 2026-11-01 01:00 first",
                "2026-11-01T06:30:00Z is 2026-11-01 01:30 first",
                "2026-11-01T07:00:00Z is 2026-11-01 01:00 second",
                "2026-11-01T07:30:00Z is 2026-11-01 01:30 second",
            ],
        ),
        (
            Tz::Europe__London,
            "59 1 * * *",
            "2026-10-25T00:00:00Z",
            "2026-10-25T12:00:00Z",
            &["2026-10-25T00:59:00Z is 2026-10-25 01:59 first"],
            &["2026-10-25T00:59:00Z is 2026-10-25 01:59 first", "2026-10-25T01:59:00Z is 2026-10-25 01:59 second"],
        ),
        (
            // Half an hour: 01:29 comes once, 01:30 twice.
            Tz::Australia__Lord_Howe,
            "29,30 1 * * *",
            "2026-04-04T12:00:00Z",
            "2026-04-05T12:00:00Z",
            &["2026-04-04T14:29:00Z is 2026-04-05 01:29", "2026-04-04T14:30:00Z is 2026-04-05 01:30 first"],
            &[
                "2026-04-04T14:29:00Z is 2026-04-05 01:29",
                "2026-04-04T14:30:00Z is 2026-04-05 01:30 first",
                "2026-04-04T15:00:00Z is 2026-04-05 01:30 second",
            ],
        ),
        (
            // At 24:00 back to 23:00 of the day that was over.
            Tz::Africa__Cairo,
            "30 23 * * Thu",
            "2026-10-29T12:00:00Z",
            "2026-10-30T12:00:00Z",
            &["2026-10-29T20:30:00Z is 2026-10-29 23:30 first"],
            &["2026-10-29T20:30:00Z is 2026-10-29 23:30 first", "2026-10-29T21:30:00Z is 2026-10-29 23:30 second"],
        ),
    ];
    for (zone, cron, from, to, first, both) in table {
        assert_eq!(fires(cron, zone, USUAL, from, to), first, "{zone} {cron}");
        assert_eq!(fires(cron, zone, STRICT, from, to), both, "{zone} {cron}");
    }
}

#[test]
fn between_the_two_showings_the_second_is_still_to_come() {
    let both = DstPolicy { gap: Gap::Next, fold: Fold::Both };
    let recurrence = recurrence("30 1 * * Sun", Tz::America__Chicago, both);
    let next = recurrence.after(at("2026-11-01T06:45:00Z")).next().unwrap();
    assert_eq!(line(&next), "2026-11-01T07:30:00Z is 2026-11-01 01:30 second");
}

#[test]
fn several_that_fall_into_one_gap_are_one() {
    let got = fires("*/10 2 * * *", Tz::America__Chicago, USUAL, "2026-03-08T00:00:00Z", "2026-03-08T20:00:00Z");
    assert_eq!(got, ["2026-03-08T08:00:00Z is 2026-03-08 03:00 for 08 02:00"]);
    let got = fires("0 2,3 * * *", Tz::America__Chicago, USUAL, "2026-03-08T00:00:00Z", "2026-03-08T20:00:00Z");
    assert_eq!(got, ["2026-03-08T08:00:00Z is 2026-03-08 03:00 for 08 02:00"]);
    // What the gap leaves out does not stand in the way of what is asked for at its end.
    let got = fires("0 2,3 * * *", Tz::America__Chicago, STRICT, "2026-03-08T00:00:00Z", "2026-03-08T20:00:00Z");
    assert_eq!(got, ["2026-03-08T08:00:00Z is 2026-03-08 03:00"]);
}

#[test]
fn on_a_skipped_date_nothing_happens_and_it_can_be_told() {
    let skip = [date("2026-12-25"), date("2027-01-01")];
    let fridays = Recurrence::parse("0 16 * * Fri", Tz::America__Chicago, USUAL, &skip).unwrap();
    let (from, to) = (at("2026-12-14T00:00:00Z"), at("2027-01-10T00:00:00Z"));
    let fires: Vec<String> = fridays.fires_between(from, to).map(|fire| line(&fire)).collect();
    assert_eq!(fires, ["2026-12-18T22:00:00Z is 2026-12-18 16:00", "2027-01-08T22:00:00Z is 2027-01-08 16:00"]);
    let skipped: Vec<(String, Fate)> = fridays.skipped(from, to).map(|o| (line(&o.fire), o.fate)).collect();
    let expected = [
        ("2026-12-25T22:00:00Z is 2026-12-25 16:00".to_owned(), Fate::OnSkippedDate(skip[0])),
        ("2027-01-01T22:00:00Z is 2027-01-01 16:00".to_owned(), Fate::OnSkippedDate(skip[1])),
    ];
    assert_eq!(skipped, expected);
    assert_eq!(fridays.occasions_after(from).take(4).count(), 4);
}

#[test]
fn the_date_is_the_one_of_the_zone_and_a_move_onto_a_skipped_date_is_no_way_out() {
    // 16:00 on Friday in Auckland is still Thursday in UTC.
    let skip = [date("2026-11-27")];
    let fridays = Recurrence::parse("0 8 * * Fri", Tz::Pacific__Auckland, USUAL, &skip).unwrap();
    assert_eq!(fridays.fires_between(at("2026-11-25T00:00:00Z"), at("2026-11-29T00:00:00Z")).count(), 0);
    // What was asked for on the missing 30 December 2011 would be moved to the 31st.
    let moved = Recurrence::parse("0 16 30 12 *", Tz::Pacific__Apia, USUAL, &[date("2011-12-31")]).unwrap();
    let year = || (at("2011-06-01T00:00:00Z"), at("2012-06-01T00:00:00Z"));
    assert_eq!(moved.fires_between(year().0, year().1).count(), 0);
    assert_eq!(
        moved.skipped(year().0, year().1).map(|o| o.fate).collect::<Vec<_>>(),
        [Fate::OnSkippedDate(date("2011-12-31"))]
    );
}

#[test]
fn what_the_gap_leaves_out_is_told() {
    let strict = recurrence("30 2 * * Sun", Tz::America__Chicago, STRICT);
    let left_out: Vec<_> = strict.skipped(at("2026-03-01T00:00:00Z"), at("2026-04-01T00:00:00Z")).collect();
    assert_eq!((left_out.len(), left_out[0].fate), (1, Fate::InGap));
    assert_eq!(line(&left_out[0].fire), "2026-03-08T08:00:00Z is 2026-03-08 03:00 for 08 02:30");
}

#[test]
fn the_latest_fire_is_the_one_that_may_have_been_missed() {
    let fridays = recurrence("0 16 * * Fri", Tz::America__Chicago, USUAL);
    let latest = |now: &str| fridays.latest_by(at(now)).map(|fire| line(&fire));
    assert_eq!(latest("2026-11-27T22:00:00Z").unwrap(), "2026-11-27T22:00:00Z is 2026-11-27 16:00");
    assert_eq!(latest("2026-11-27T21:59:59.999Z").unwrap(), "2026-11-20T22:00:00Z is 2026-11-20 16:00");
    assert_eq!(latest("2026-12-03T00:00:00Z").unwrap(), "2026-11-27T22:00:00Z is 2026-11-27 16:00");
    assert_eq!(latest("1969-01-01T00:00:00Z"), None);
    // Within a fold, the second showing of an earlier time is the later instant.
    let both = recurrence("0,59 1 * * Sun", Tz::America__Chicago, STRICT);
    let latest = both.latest_by(at("2026-11-01T07:30:00Z")).unwrap();
    assert_eq!(line(&latest), "2026-11-01T07:00:00Z is 2026-11-01 01:00 second");
}

#[test]
fn instants_beyond_the_calendar_have_no_fires_and_no_end_of_time() {
    let fridays = recurrence("0 16 * * Fri", Tz::America__Chicago, USUAL);
    assert_eq!(fridays.after(Timestamp(i64::MAX)).next(), None);
    assert_eq!(fridays.latest_by(Timestamp(i64::MAX)), None);
    assert_eq!(fridays.after(at("2200-01-01T00:00:00Z")).next(), None);
    assert_eq!(line(&fridays.after(Timestamp(i64::MIN)).next().unwrap()), "1970-01-02T22:00:00Z is 1970-01-02 16:00");
}

/// The changes of a zone's clocks in fifty years: the second before and the first second after.
fn changes(zone: Tz) -> Vec<(Timestamp, Timestamp)> {
    let wall = |second: i64| Timestamp(second * 1000).utc().with_timezone(&zone).naive_local();
    let ahead = |second: i64| wall(second).and_utc().timestamp() - second;
    let (from, to) = (at("1987-01-01T00:00:00Z").0 / 1000, at("2037-01-01T00:00:00Z").0 / 1000);
    let mut found = Vec::new();
    for start in (from..to).step_by(12 * 3600) {
        let (mut before, mut after) = (start, start + 12 * 3600);
        if ahead(before) == ahead(after) {
            continue;
        }
        while after - before > 1 {
            let middle = (before + after) / 2;
            if ahead(middle) == ahead(before) { before = middle } else { after = middle }
        }
        found.push((Timestamp(before * 1000), Timestamp(after * 1000)));
    }
    found
}

#[test]
fn every_gap_is_left_at_its_first_instant() {
    let known = [Tz::America__Chicago, Tz::Pacific__Apia, Tz::Australia__Lord_Howe, Tz::Pacific__Kwajalein];
    let sample = TZ_VARIANTS.iter().step_by(14).chain(&known);
    let mut gaps = 0;
    for zone in sample {
        for (before, after) in changes(*zone) {
            let last = before.utc().with_timezone(zone).naive_local();
            let missing = last + chrono::TimeDelta::seconds(1);
            if zone.from_local_datetime(&missing) != chrono::LocalResult::None {
                continue;
            }
            gaps += 1;
            let cron = missing.format("%-S %-M %-H %-d %-m * %Y").to_string();
            let fire = recurrence(&cron, *zone, USUAL).after(before).next().unwrap_or_else(|| panic!("{zone} {cron}"));
            assert_eq!((fire.at, fire.note), (after, FireNote::Gap { asked: missing }), "{zone} {cron}");
        }
    }
    assert!(gaps > 500, "only {gaps} gaps were found");
}

/// An expression of one time of day, on some days, and that time.
fn one_time() -> impl Strategy<Value = (String, u32, u32, u32)> {
    let days = prop::sample::select(vec!["* *", "* Fri", "* Sun", "3 *", "3-11 Sat-Mon", "10-12 *"]);
    // Half of them lie where clocks change.
    let hour = prop_oneof![0_u32..4, 0_u32..24];
    (0_u32..60, prop::sample::select(vec![0_u32, 15, 30, 59]), hour, days).prop_map(|(s, m, h, days)| {
        let (months, days) = days.split_once(' ').unwrap_or(("*", days));
        (format!("{s} {m} {h} * {months} {days}"), h, m, s)
    })
}

fn zones() -> impl Strategy<Value = Tz> {
    prop::sample::select(TZ_VARIANTS.to_vec())
}

fn policies() -> impl Strategy<Value = DstPolicy> {
    let gap = prop::sample::select(vec![Gap::Skip, Gap::Next]);
    let fold = prop::sample::select(vec![Fold::First, Fold::Both]);
    (gap, fold).prop_map(|(gap, fold)| DstPolicy { gap, fold })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2048) })]

    #[test]
    fn the_next_instant_is_strictly_later_and_on_the_wall_clock_that_was_asked_for(
        (cron, h, m, s) in one_time(), zone in zones(), policy in policies(),
        // 1975 to 2095, in milliseconds.
        now in 157_766_400_000_i64..3_944_678_400_000,
    ) {
        let recurrence = recurrence(&cron, zone, policy);
        let mut before = Timestamp(now);
        for fire in recurrence.after(Timestamp(now)).take(6) {
            prop_assert!(fire.at > before, "{cron} {zone}: {fire:?} after {before}");
            let shown = fire.at.utc().with_timezone(&zone).naive_local();
            prop_assert_eq!(shown, fire.wall);
            let asked = match fire.note {
                FireNote::Plain | FireNote::Fold(_) => fire.wall,
                FireNote::Gap { asked } => {
                    prop_assert_eq!(policy.gap, Gap::Next);
                    prop_assert!(zone.from_local_datetime(&asked) == chrono::LocalResult::None);
                    asked
                }
            };
            prop_assert_eq!((asked.hour(), asked.minute(), asked.second()), (h, m, s));
            if cron.ends_with("Fri") {
                prop_assert_eq!(asked.weekday(), chrono::Weekday::Fri);
            }
            prop_assert!(fire.note != FireNote::Fold(Which::Second) || policy.fold == Fold::Both);
            before = fire.at;
        }
    }

    #[test]
    fn forwards_and_backwards_agree(
        (cron, ..) in one_time(), zone in zones(), policy in policies(),
        now in 157_766_400_000_i64..3_944_678_400_000,
    ) {
        let recurrence = recurrence(&cron, zone, policy);
        let fires: Vec<Fire> = recurrence.after(Timestamp(now)).take(4).collect();
        for pair in fires.windows(2) {
            prop_assert_eq!(recurrence.latest_by(pair[1].at - 1), Some(pair[0]));
            prop_assert_eq!(recurrence.latest_by(pair[1].at), Some(pair[1]));
            prop_assert_eq!(recurrence.after(pair[0].at).next(), Some(pair[1]));
        }
    }
}
