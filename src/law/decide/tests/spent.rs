//! The account of calls.

use super::*;
use crate::law::spent::Calls;

fn accounts(desk: &Desk) -> Vec<(Timestamp, Timestamp, Calls)> {
    let account = |record: &Record| match &record.event {
        Event::Spent { since, calls, .. } => Some((*since, record.at, *calls)),
        _ => None,
    };
    desk.journal.iter().filter_map(account).collect()
}

#[test]
fn every_call_of_a_run_stands_in_its_account_once() {
    let grey = |seat: Seat| (CallState::Free, if seat.0 == 1 { PhoneState::Down } else { PhoneState::Up });
    let mut desk = Desk::to_the_check(plan(3), grey);
    let mut spent = 0;
    let mut calls_of_remedies = || {
        spent += 1;
        Outcome::RemedyAccepted
    };
    desk.go_to_the_end(grey, &mut calls_of_remedies);
    let told = accounts(&desk);
    let sum = told.iter().fold(Calls::default(), |sum, (_, _, calls)| sum.plus(*calls));
    assert_eq!((sum, sum.total()), (desk.run.spent.calls, desk.run.spent.calls.total()));
    // Two looks at the schedule before T, the upload, the request, the look that saw it published.
    assert_eq!((sum.publish, sum.watch), (5, 0));
    assert!(sum.sweep >= 2 && sum.remedy as usize > spent && spent > 0, "{sum:?}, {spent}");
    desk.audit();
    desk.restart();
}

#[test]
fn an_account_is_written_about_once_a_minute_and_at_every_turn_of_the_run() {
    let grey = |_: Seat| (CallState::Free, PhoneState::Down);
    let mut desk = Desk::to_the_check(plan(1), grey);
    desk.go_to_the_end(grey, || Outcome::RemedyAccepted);
    let told = accounts(&desk);
    assert!(told.len() > 3);
    let span_ms = desk.now.since_ms(T) + desk.run.plan.timing.prepare_lead_ms;
    assert!((told.len() as i64) <= span_ms / 60_000 + 5, "{} in {span_ms} ms", told.len());
    assert!(told.windows(2).all(|two| two[0].1 <= two[1].0), "they do not overlap");
    desk.audit();
}

#[test]
fn a_process_that_is_about_to_end_closes_its_account() {
    let mut desk = Desk::to_the_claim(plan(1));
    let before = accounts(&desk).len();
    desk.feed(Input::Closing);
    desk.answer(is_publish, accepted());
    assert_eq!(accounts(&desk).len(), before + 2, "what was open, and what still came");
    desk.audit();
}
