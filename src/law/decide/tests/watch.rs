//! Stories of the looks before the publish.
//!
//! Must never: reach the publish.

use super::*;

const MINUTE: i64 = 60_000;

fn is_users(c: &Command) -> bool {
    matches!(c, Command::ReadUsers { purpose: ReadPurpose::Watch, .. })
}
fn is_phones(c: &Command) -> bool {
    matches!(c, Command::ReadPhones { purpose: ReadPurpose::Watch, .. })
}

/// Answers the look that is asked for.
fn look(desk: &mut Desk, state: impl Fn(Seat) -> (CallState, PhoneState)) {
    let seats: Vec<Seat> = desk.run.all_seats().collect();
    desk.answer(is_users, Outcome::Users(seats.iter().map(|s| user(*s, state(*s).0)).collect()));
    desk.answer(is_phones, phones(&seats, &state));
}

/// Lets time pass until the next look is asked for; when that is.
fn next_look(desk: &mut Desk) -> Timestamp {
    while desk.asked(is_users) == 0 {
        desk.sleep();
    }
    desk.now
}

fn watched(desk: &Desk) -> Vec<(Timestamp, usize, Vec<Seat>)> {
    let told = desk.journal.iter().filter_map(|record| match &record.event {
        Event::Watched { since, ready, lost, .. } => Some((*since, ready.len(), lost.clone())),
        _ => None,
    });
    told.collect()
}

#[test]
fn everybody_is_looked_at_from_half_an_hour_before_the_publish_until_the_preparations() {
    let mut desk = Desk::at(T - 3_000_000, plan(20));
    let mut at = Vec::new();
    for n in 0..6 {
        at.push(next_look(&mut desk).since_ms(T) / MINUTE);
        // At the third look one is lost, and at the fourth one on a call is grey, who was ready; when the call is over, that
        // one is lost as well.
        look(&mut desk, |seat| match (n, seat) {
            (2, Seat(4)) | (4, Seat(5)) => (CallState::Free, PhoneState::Down),
            (3, Seat(5)) => (CallState::OnCall, PhoneState::Down),
            _ => (CallState::Free, PhoneState::Up),
        });
    }
    assert_eq!(at, [-27, -22, -17, -12, -7, -2]);
    let told: Vec<_> = watched(&desk).into_iter().map(|(_, ready, lost)| (ready, lost)).collect();
    let none = Vec::new;
    let lost = |seat| vec![Seat(seat)];
    assert_eq!(told, [(20, none()), (20, none()), (19, lost(4)), (19, none()), (19, lost(5)), (20, none())]);
    // What is seen here says nothing of anybody, and moves nothing.
    assert!(desk.run.agents.iter().all(|agent| agent.verdict.is_none()));
    desk.audit();
}

#[test]
fn a_small_cohort_is_not_watched_and_neither_is_one_that_wants_none() {
    let never = Timing { watch_lead_ms: 0, ..Timing::default() };
    for plan in [plan(19), Plan { timing: never, ..plan(20) }] {
        let mut desk = Desk::at(T - 3_000_000, plan);
        desk.sleep();
        assert_eq!((desk.now, desk.asked(is_users)), (T - 20 * MINUTE, 0));
    }
}

#[test]
fn a_look_that_could_not_be_read_whole_tells_nothing() {
    let mut desk = Desk::at(T - 3_000_000, plan(20));
    next_look(&mut desk);
    desk.answer(is_users, Outcome::Failed(failure(FailureKind::Server)));
    desk.answer(is_phones, phones(&[], &well));
    assert_eq!((watched(&desk).len(), desk.asked(is_users)), (0, 0));
    next_look(&mut desk);
    look(&mut desk, well);
    assert_eq!(watched(&desk).len(), 1);
    desk.audit();
}

#[test]
fn a_process_that_comes_late_looks_once_and_one_that_comes_after_another_goes_on_from_its_look() {
    let mut desk = Desk::at(T - 10 * MINUTE, plan(20));
    assert_eq!(desk.asked(is_users), 1);
    look(&mut desk, well);
    desk.restart();
    assert_eq!(desk.asked(is_users), 0);
    assert_eq!(next_look(&mut desk).since_ms(T) / MINUTE, -7);
    look(&mut desk, |seat| if seat == Seat(3) { (CallState::Free, PhoneState::Down) } else { well(seat) });
    assert_eq!(watched(&desk).last().map(|(_, _, lost)| lost.clone()), Some(vec![Seat(3)]));
    desk.audit();
}

#[test]
fn looks_leave_the_refreshes_their_room_and_end_with_the_preparations() {
    let limits = Limits { in_flight_max: 1, bulk_ids_max: 5, ..Limits::default() };
    let mut desk = Desk::at(T - 20 * MINUTE, Plan { limits, ..plan(20) });
    assert_eq!(desk.asked(is_users), 2, "two calls of a look at once");
    desk.hooks(HookPoint::PreRefresh);
    assert_eq!(desk.asked(|c| matches!(c, Command::RefreshToken { .. })), 1);
    desk.now = T - MINUTE;
    desk.feed(Input::Woke);
    assert_eq!(desk.run.phase, Phase::Preparing);
    desk.answer(is_users, Outcome::Users(Vec::new()));
    desk.answer(is_users, Outcome::Users(Vec::new()));
    assert_eq!((desk.asked(is_users), watched(&desk).len()), (0, 0));
    desk.audit();
}
