//! What is learnt from journals, and what is not.

use crate::law::event::{Event, Record, Tally};
use crate::law::fared::Fared;
use crate::law::lead::learn::learn_remedies;
use crate::law::lead::{Known, LeadSettings, Learnt, Past, PastState, Seen, learn};
use crate::law::verdict::{Reason, Rung};
use crate::words::clock::Timestamp;
use crate::words::id::{BusinessUnitId, Seat};

use super::T;

const JOURNAL: &str = include_str!("../../../../tests/journals/v1.jsonl");

fn journal() -> Vec<Record> {
    JOURNAL.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn claimed(at: Timestamp) -> Record {
    Record { seq: 0, at, event: Event::PublishClaimed { attempt: 1, late_ms: 0 } }
}
fn confirmed(at: Timestamp) -> Record {
    Record { seq: 0, at, event: Event::PublishConfirmed { version: 8 } }
}
/// A run of the old journal's plan in which this happened.
fn past(events: impl IntoIterator<Item = Record>) -> Past {
    let mut records: Vec<Record> = journal().into_iter().take(1).collect();
    records.extend(events);
    Past::of(&records).unwrap()
}

#[test]
fn a_whole_journal_teaches_how_long_the_publish_took_and_how_long_tokens_live() {
    let records = journal();
    let past = Past::of(&records).unwrap();
    let at = |which: fn(&Event) -> bool| records.iter().find(|r| which(&r.event)).unwrap().at;
    let took_ms =
        at(|e| matches!(e, Event::PublishConfirmed { .. })).since_ms(at(|e| matches!(e, Event::PublishClaimed { .. })));
    assert_eq!((past.publish_ms, past.state), (Some(took_ms), PastState::Over));
    // The twin's tokens live a day; the record is written moments after the answer.
    let life = past.token_life_ms.unwrap();
    assert!((86_390_000..=86_400_000).contains(&life), "{life}");
    assert_eq!(Past::of(&[]), None);
    assert_eq!(Past::of(&records[1..]), None);
}

#[test]
fn remedies_are_judged_by_the_newest_ten_runs_that_had_stragglers() {
    let one = |cured| Fared { rung: Rung::SessionReset, reason: Reason::PhoneDown, cured, failed: 1 };
    let run = |had_stragglers, fared: Vec<Fared>| Past { had_stragglers, fared, ..past([]) };
    let mut newest_first = vec![run(false, Vec::new())];
    newest_first.extend((0..10).map(|_| run(true, vec![one(0)])));
    newest_first.push(run(true, vec![one(99)]));
    assert_eq!(learn_remedies(&newest_first), [Fared { failed: 10, ..one(0) }]);
    // Left out in ten runs that could have used it, it is known no longer.
    newest_first.splice(0..0, (0..10).map(|_| run(true, Vec::new())));
    assert_eq!(learn_remedies(&newest_first), []);
}

#[test]
fn the_longest_of_the_last_ten_publishes_counts_and_never_less_than_the_floor() {
    let run = |ms: i64| past([claimed(T), confirmed(T + ms)]);
    let unit = run(0).unit;
    let mut newest_first: Vec<Past> = (1..=10).map(|minutes| run(minutes * 60_000)).collect();
    newest_first.push(run(99 * 60_000));
    let learnt = learn(&newest_first, &unit);
    assert_eq!(learnt.publish, Some(Seen { ms: 600_000, runs: 10 }));
    let settings = LeadSettings::default();
    assert_eq!(Known::publish(&settings, &learnt), Known { ms: 600_000, from_runs: 10 });
    let quick = learn(&[run(5_000)], &unit);
    assert_eq!(Known::publish(&settings, &quick), Known { ms: 120_000, from_runs: 0 });
    let elsewhere = BusinessUnitId::new("elsewhere").unwrap();
    assert_eq!(learn(&newest_first, &elsewhere), Learnt::default());
}

#[test]
fn a_publish_that_nobody_watched_to_its_end_teaches_nothing() {
    let taken_up = Record { seq: 0, at: T + 1, event: Event::TakenUp };
    assert_eq!(past([claimed(T), taken_up.clone(), confirmed(T + 9_000_000)]).publish_ms, None);
    let gave_up = Record { seq: 0, at: T + 600_000, event: Event::PublishUnconfirmed { looked_ms: 600_000 } };
    assert_eq!(past([claimed(T), gave_up, confirmed(T + 9_000_000)]).publish_ms, None);
    assert_eq!(past([claimed(T)]).publish_ms, None);
    assert_eq!(past([taken_up, claimed(T), confirmed(T + 25_000)]).publish_ms, Some(25_000));
}

#[test]
fn the_newest_run_that_refreshed_tells_how_long_tokens_live_by_its_shortest() {
    let refreshed = |life_ms: i64| Record {
        seq: 0,
        at: T,
        event: Event::TokenRefreshed { seat: Seat(0), expires_at: T + life_ms },
    };
    let runs = [past([]), past([refreshed(3_600_000), refreshed(3_599_000)]), past([refreshed(60_000)])];
    let learnt = learn(&runs, &BusinessUnitId::new("elsewhere").unwrap());
    assert_eq!(learnt.token_life, Some(Seen { ms: 3_599_000, runs: 1 }));
    let settings = LeadSettings::default();
    assert_eq!(Known::token_life(&settings, &learnt), Known { ms: 3_599_000, from_runs: 1 });
    assert_eq!(Known::token_life(&settings, &Learnt::default()), Known { ms: 86_400_000, from_runs: 0 });
}

#[test]
fn a_run_is_open_until_it_settled_or_stopped() {
    assert_eq!(past([claimed(T)]).state, PastState::Open);
    let settled = Record { seq: 0, at: T, event: Event::Settled { tally: Tally::default() } };
    assert_eq!(past([settled]).state, PastState::Over);
}
