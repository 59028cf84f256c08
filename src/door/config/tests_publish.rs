//! Entries of `[[publish]]` and the store: defaults, everything set, and every mistake named with its line.

use chrono::NaiveDate;

use super::tests::{ORG, errors, errors_after_org, parse};
use super::*;
use crate::law::plan::{Approval, OnDrift};
use crate::shells::stage::WeekChoice;
use crate::words::calendar::recur::{DstPolicy, Fold, Gap, Recurrence};

/// The smallest entry, in which everything else has its default.
const ENTRY: &str = "[[publish]]\nname = 'customer-care'\ncron = '0 0 16 * * Fri'\nbusiness_unit = 'Customer Care'\n";

fn friday(gap: Gap, fold: Fold, skip: &[NaiveDate]) -> Recurrence {
    Recurrence::parse("0 0 16 * * Fri", chrono_tz::Tz::America__Chicago, DstPolicy { gap, fold }, skip).unwrap()
}

fn customer_care() -> PublishSettings {
    PublishSettings {
        name: "customer-care".to_owned(),
        recurrence: friday(Gap::Next, Fold::First, &[]),
        zone: chrono_tz::Tz::America__Chicago,
        business_unit: "Customer Care".to_owned(),
        week: WeekChoice::Next,
        schedule: None,
        stage_before_ms: 3 * 86_400_000,
        approval: Approval::NotNeeded,
        on_drift: OnDrift::Hold,
        catch_up: CatchUp::Within(600_000),
    }
}

/// What the template shows of an entry, apart from the schedule and the skipped dates.
pub(super) fn the_example_of_an_entry_is_full_of_defaults(publishes: &[PublishSettings]) {
    let [entry] = publishes else { panic!("{publishes:#?}") };
    let skip = [NaiveDate::from_ymd_opt(2026, 12, 25).unwrap(), NaiveDate::from_ymd_opt(2027, 1, 1).unwrap()];
    let expected = PublishSettings {
        recurrence: friday(Gap::Next, Fold::First, &skip),
        schedule: Some("Approved*".to_owned()),
        ..customer_care()
    };
    assert_eq!(entry, &expected);
}

#[test]
fn an_entry_has_defaults_and_every_field_can_be_set() {
    let config = parse(&format!("{ORG}[timing]\nzone = 'Eastern'\nlate_by_max = '7min'\n{ENTRY}")).unwrap();
    let eastern = Recurrence::parse(
        "0 16 * * Friday",
        chrono_tz::Tz::America__New_York,
        DstPolicy { gap: Gap::Next, fold: Fold::First },
        &[],
    );
    let expected = PublishSettings {
        recurrence: eastern.unwrap(),
        zone: chrono_tz::Tz::America__New_York,
        catch_up: CatchUp::Within(420_000),
        ..customer_care()
    };
    assert_eq!(config.publishes, [expected]);
    let all = "zone = 'Central'\ndst_gap = 'skip'\ndst_fold = 'both'\nskip = ['2026-12-25', 2027-01-01]\nweek = 'next'\n\
        schedule = 'Approved*'\nstage_before = '1d 12h'\nrequire_approval = true\non_drift = 'publish-latest'\n\
        catch_up = 'never'\n";
    let second = ENTRY.replace("customer-care", "night-2");
    let config = parse(&format!("{ORG}{ENTRY}{all}{second}[serve]\nlease = '10s'\nlook_every = '1s'\n")).unwrap();
    let [first, second] = config.publishes.as_slice() else { panic!("{:#?}", config.publishes) };
    let skip = [NaiveDate::from_ymd_opt(2026, 12, 25).unwrap(), NaiveDate::from_ymd_opt(2027, 1, 1).unwrap()];
    let expected = PublishSettings {
        recurrence: friday(Gap::Skip, Fold::Both, &skip),
        schedule: Some("Approved*".to_owned()),
        stage_before_ms: 36 * 3_600_000,
        approval: Approval::Required,
        on_drift: OnDrift::PublishLatest,
        catch_up: CatchUp::Never,
        ..customer_care()
    };
    assert_eq!((first, second.name.as_str()), (&expected, "night-2"));
    assert_eq!(config.serve, ServeSettings { lease_ms: 10_000, look_every_ms: 1_000 });
    // Nothing after T is never; a busy machine is not a missed publish.
    assert_eq!((CatchUp::within(0), CatchUp::Never.late_by_max_ms()), (CatchUp::Never, 5_000));
    assert_eq!((CatchUp::Never.ms(), CatchUp::within(60_000).ms()), (0, 60_000));
    assert_eq!(CatchUp::within(60_000).late_by_max_ms(), 60_000);
}

#[test]
fn each_mistake_of_an_entry_is_named_with_its_line() {
    let with = |from: &str, to: &str| ENTRY.replace(from, to);
    for (text, expected) in [
        ("[publish]\nname = 'x'\n".to_owned(), "s.toml:5: publish: found a table; accepted: a section [[publish]]"),
        (
            "[[publish]]\nname = 'x'\nbusiness_unit = 'y'\n".to_owned(),
            "publish[1].cron: found nothing; accepted: a cron",
        ),
        (
            format!("{ENTRY}{}", with("0 0 16 * * Fri", "0 0 16 * * 5").replace("-care", "")),
            "s.toml:11: publish[2].cron: found \"5\" in the weekday field; accepted: weekdays by name: Mon, Tue, Wed, Thu, Fri, \
             Sat, Sun, a range such as Mon-Fri, a list such as Mon,Wed, or *; never a digit, which is another day in every \
             kind of cron (5 is Fri to a crontab and Thu to Quartz; write the name, such as Fri)",
        ),
        (
            format!("{ENTRY}{ENTRY}"),
            "s.toml:10: publish[2].name: found \"customer-care\", the name of an entry above; accepted: a name of its own",
        ),
        (with("customer-care", "Care"), "publish[1].name: found \"Care\"; accepted: 1 to 40 lower-case letters"),
        (with("customer-care", &"x".repeat(41)), "accepted: 1 to 40 lower-case letters"),
        (format!("{ENTRY}zone = 'Midwest'"), "publish[1].zone: found \"Midwest\"; accepted: a time zone"),
        (format!("{ENTRY}dst_gap = 'both'"), "publish[1].dst_gap: found \"both\"; accepted: \"next\" or \"skip\""),
        (format!("{ENTRY}dst_fold = 'frist'"), "accepted: \"first\" or \"both\" (did you mean first?)"),
        (format!("{ENTRY}skip = '2026-12-25'"), "publish[1].skip: found \"2026-12-25\"; accepted: a list of dates"),
        (format!("{ENTRY}skip = [\n'2026-12-25',\n'25.12.2026']"), "s.toml:11: publish[1].skip: found \"25.12.2026\""),
        (format!("{ENTRY}skip = ['2026-02-30']"), "found \"2026-02-30\"; accepted: a date such as \"2026-12-25\""),
        (format!("{ENTRY}skip = [2026-12-25T00:00:00Z]"), "accepted: a date such as \"2026-12-25\""),
        (format!("{ENTRY}week = 'this'"), "publish[1].week: found \"this\"; accepted: \"next\""),
        (
            format!("{ENTRY}stage_before = '5min'"),
            "found \"5min\"; accepted: a duration such as \"3d\", from 10min to 14d",
        ),
        (format!("{ENTRY}on_drift = 'publish'"), "accepted: \"hold\" or \"publish-latest\""),
        (format!("{ENTRY}catch_up = '13h'"), "found \"13h\"; accepted: \"never\", or a duration such as \"10min\""),
        (format!("{ENTRY}catch_up = 10"), "found 10; accepted: \"never\", or a duration"),
        (format!("{ENTRY}crom = ''"), "publish[1].crom: found an unknown field; accepted: name, cron, zone"),
    ] {
        let got = errors_after_org(&text);
        assert!(got.len() == 1 && got[0].contains(expected), "{text}: {got:#?}");
    }
}

#[test]
fn the_store_is_a_file_or_a_database() {
    let postgres = |url: &str, password| StorePlace::Postgres { url: url.to_owned(), password };
    for (text, expected) in [
        ("", StorePlace::Sqlite("/etc/softlanding/softlanding.db".into())),
        ("store = 'sqlite:x/y.db'\n", StorePlace::Sqlite("/etc/softlanding/x/y.db".into())),
        ("store = 'sqlite:/var/y.db'\n", StorePlace::Sqlite("/var/y.db".into())),
        ("store = 'sqlite:///var/y.db'\n", StorePlace::Sqlite("/var/y.db".into())),
        ("store = 'postgres://s@localhost/x'\n", postgres("postgres://s@localhost/x", None)),
        (
            "[store]\nurl = 'postgres://s@db/x'\npassword = { env = 'P' }\n",
            postgres("postgres://s@db/x?sslmode=require", Some(SecretRef::Env("P".to_owned()))),
        ),
    ] {
        let config = parse(&format!("{text}{ORG}")).unwrap_or_else(|e| panic!("{text}: {e:#?}"));
        assert_eq!(config.store, StoreSettings { place: expected, keep_ms: None }, "{text}");
    }
    for (text, expected) in [
        ("store = 5\n", "s.toml:1: store: found 5; accepted: \"sqlite:softlanding.db\""),
        ("store = 'sqlite:'\n", "found sqlite: without a path"),
        ("store = 'softlanding.db'\n", "found something that begins with neither sqlite: nor postgres:"),
        ("store = 'postgers://s:hush@db/x'\n", "found something that begins with neither sqlite: nor postgres:"),
        ("store = 'postgres://s:hush@db/x'\n", "s.toml:1: store: found a URL with a password in it"),
    ] {
        let got = errors(&format!("{text}{ORG}"));
        assert!(got.len() == 1 && got[0].contains(expected) && !got[0].contains("hush"), "{text}: {got:#?}");
    }
}
