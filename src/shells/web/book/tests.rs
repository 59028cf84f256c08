//! What a listener makes of the frames is what a whole look shows, wherever it breaks off and however large the roster is.

use std::collections::BTreeMap;

use super::*;
use crate::law::command::UserSeen;
use crate::law::event::{Event, Phase, Record};
use crate::law::verdict::{CallState, PresenceState, Reason, StationState, Verdict};
use crate::shells::report::sample;
use crate::words::clock::Timestamp;
use crate::words::id::Seat;

fn run_id() -> RunId {
    RunId::new("20261127-1600-care").unwrap()
}

/// Every row, without what goes with time.
fn rows(folded: &Folded) -> BTreeMap<u32, AgentRow> {
    folded.by_shift.iter().map(|seat| (seat.0, folded.row(*seat).unwrap().without_time())).collect()
}

fn take_in(rows: &mut BTreeMap<u32, AgentRow>, frame: &Frame) {
    rows.extend(frame.changed.iter().map(|row| (row.seat, row.clone().without_time())));
}

#[test]
fn frames_from_any_record_on_lead_to_what_a_whole_look_shows() {
    for seed in 0..4 {
        let records = sample::friday(seed, 150);
        let until = |n: usize| Folded::of(&run_id(), &records[..n]).unwrap();
        let whole = until(records.len());
        for from in (1..records.len()).step_by(records.len() / 12) {
            let mut seen = rows(&until(from));
            let frame = whole.since(from as u64);
            take_in(&mut seen, &frame);
            assert_eq!(seen, rows(&whole), "seed {seed}, from record {from}");
            assert_eq!((frame.seq, frame.card.last_seq), (records.len() as u64, records.len() as u64));
        }
        assert_eq!(whole.since(records.len() as u64).changed, []);
        // A number from another life of the run means that nothing is known.
        assert_eq!(whole.since(u64::MAX).changed.len(), whole.since(0).changed.len());
    }
}

#[test]
fn it_does_not_matter_in_which_pieces_the_records_come() {
    let records = sample::friday(7, 80);
    let whole = Folded::of(&run_id(), &records).unwrap();
    let mut pieces = Folded::of(&run_id(), &records[..1]).unwrap();
    let (mut seen, mut words, mut heard) = (rows(&pieces), Vec::new(), 1);
    for piece in records[1..].chunks(37) {
        pieces.take_in(piece).unwrap();
        let frame = pieces.since(heard);
        take_in(&mut seen, &frame);
        words.extend(frame.words);
        heard = frame.seq;
        // What was taken in already is not taken in again.
        pieces.take_in(piece).unwrap();
    }
    assert_eq!((seen, pieces.card()), (rows(&whole), whole.card()));
    assert_eq!(words[words.len() - 3..], whole.since(0).words[whole.since(0).words.len() - 3..]);
}

#[test]
fn records_that_do_not_follow_are_refused() {
    let records = sample::friday(1, 10);
    let mut folded = Folded::of(&run_id(), &records[..5]).unwrap();
    assert!(folded.take_in(&records[6..8]).is_err());
    assert!(Folded::of(&run_id(), &records[1..]).is_err());
    assert!(Folded::of(&run_id(), &[]).is_err());
    let twice = Record { seq: 6, ..records[0].clone() };
    assert!(folded.take_in(&[twice]).is_err());
}

#[test]
fn one_agent_of_ten_thousand_that_changes_is_one_row() {
    let staged = sample::Scribe::staged(sample::plan(3, 10_000)).records;
    let mut folded = Folded::of(&run_id(), &staged).unwrap();
    let mut say = |event: Event| {
        let record = Record { seq: folded.run.seq + 1, at: sample::T, event };
        folded.take_in(&[record]).unwrap();
        folded.since(folded.run.seq - 1).changed.len()
    };
    let grey = Verdict::Straggler { reason: Reason::PhoneDown };
    assert_eq!(say(Event::Judged { verdicts: (0..10_000).map(|n| (Seat(n), Verdict::Ready)).collect() }), 10_000);
    assert_eq!(say(Event::Judged { verdicts: vec![(Seat(4_711), grey)] }), 1);
    // The same once more is no change.
    assert_eq!(say(Event::Judged { verdicts: vec![(Seat(4_711), grey), (Seat(1), Verdict::Ready)] }), 0);
    // When remedies stop, something else comes next for whoever is not ready, and for nobody else.
    assert_eq!(say(Event::BrakeApplied { rung: None, why: "too many are grey".to_owned() }), 1);
}

#[test]
fn the_next_look_is_counted_from_the_last_one_and_nothing_is_promised_while_remedies_are_stopped() {
    let mut records = sample::Scribe::staged(sample::plan(1, 5)).records;
    let mut say = |at: Timestamp, event: Event| records.push(Record { seq: records.len() as u64 + 1, at, event });
    let interval_ms = sample::plan(1, 5).timing.logged_out_interval_ms;
    let looked_at = sample::T + 10 * interval_ms;
    let (station, presence, call) = (StationState::Absent, PresenceState::LoggedIn, CallState::Free);
    let user = UserSeen { seat: Seat(0), token_issued: None, station, presence, call };
    say(sample::T, Event::PhaseEntered { phase: Phase::Checking });
    say(sample::T, Event::Judged { verdicts: vec![(Seat(0), Verdict::Straggler { reason: Reason::PhoneDown })] });
    say(looked_at, Event::UsersSeen { seen: vec![user] });
    say(looked_at, Event::BrakeApplied { rung: None, why: "too many are grey".to_owned() });
    let next_at = |n: usize| {
        let folded = Folded::of(&run_id(), &records[..n]).unwrap();
        serde_json::to_value(folded.row(Seat(0)).unwrap()).unwrap()["next_at"].clone()
    };
    assert_eq!(next_at(5), (looked_at + interval_ms).rfc3339());
    assert_eq!(next_at(6), serde_json::Value::Null);
}
