//! What is pushed makes a run look sooner and decides nothing.

use super::*;
use crate::law::hint::{Hint, Stirred};

fn hint(desk: &mut Desk, hint: Hint) {
    desk.feed(Input::Hinted(hint));
}

#[test]
fn a_hint_about_the_schedule_brings_the_look_forward_and_many_bring_one() {
    let mut desk = Desk::to_the_claim(plan(1));
    desk.answer(is_publish, accepted());
    desk.sleep();
    desk.answer(is_schedule, schedule(7, false));
    let planned = desk.wake_at.unwrap();
    for _ in 0..5 {
        hint(&mut desk, Hint::Schedule);
    }
    assert!(desk.wake_at.unwrap() < planned, "{:?} is not before {planned:?}", desk.wake_at);
    desk.sleep();
    assert_eq!(desk.asked(is_schedule), 1);
    assert_eq!(desk.events(|e| matches!(e, Event::PublishConfirmed { .. })), 0);
    desk.audit();
}

#[test]
fn a_hint_about_an_agent_brings_the_look_forward_unless_nothing_is_left_to_do() {
    let down = |_| (CallState::OnCall, PhoneState::Down);
    let mut desk = Desk::to_the_check(plan(2), down);
    let agents: Vec<_> = desk.run.plan.roster.iter().map(|member| member.agent.clone()).collect();
    let planned = desk.wake_at.unwrap();
    hint(&mut desk, Hint::Agent { agent: agents[0].clone(), what: Stirred::Other });
    assert!(desk.wake_at.unwrap() < planned, "{:?} is not before {planned:?}", desk.wake_at);
    let agent = crate::words::id::AgentId::new("somebody-else").unwrap();
    hint(&mut desk, Hint::Agent { agent, what: Stirred::Disassociated });
    hint(&mut desk, Hint::Schedule);
    let before = desk.journal.len();
    hint(&mut desk, Hint::Gap);
    assert_eq!(desk.journal.len(), before, "a hint was written down");
    desk.audit();
}

/// Two agents: the second is ready, and the first, who is on a call, keeps the check open.
fn one_on_a_call(seat: Seat) -> (CallState, PhoneState) {
    match seat {
        Seat(0) => (CallState::OnCall, PhoneState::Down),
        _ => (CallState::Free, PhoneState::Up),
    }
}

fn pushed(desk: &mut Desk, seat: usize, what: Stirred) {
    let agent = desk.run.plan.roster[seat].agent.clone();
    hint(desk, Hint::Agent { agent, what });
}

fn looks_at(desk: &Desk, seat: Seat) -> usize {
    desk.asked(|c| matches!(c, Command::ReadUsers { seats, .. } if seats.contains(&seat)))
}

/// Lets the next sweep begin; how many of its reads are about the agent.
fn next_sweep(desk: &mut Desk, seat: Seat) -> usize {
    while desk.asked(is_sweep) == 0 {
        desk.sleep();
    }
    looks_at(desk, seat)
}

#[test]
fn a_ready_agent_whose_station_is_disassociated_is_looked_at_and_only_the_look_decides() {
    for (phone, verdict) in [
        (PhoneState::Up, Verdict::Ready),
        (PhoneState::Unknown, Verdict::Ready),
        (PhoneState::Down, Verdict::Straggler { reason: crate::law::verdict::Reason::PhoneDown }),
    ] {
        let mut desk = Desk::to_the_check(plan(2), one_on_a_call);
        let ready = |desk: &Desk| desk.run.agent(Seat(1)).unwrap().verdict;
        pushed(&mut desk, 1, Stirred::Disassociated);
        assert_eq!(ready(&desk), Some(Verdict::Ready), "a hint alone has taken the verdict back");
        assert_eq!(next_sweep(&mut desk, Seat(1)), 1, "{phone:?}");
        desk.sweep(|seat| if seat == Seat(1) { (CallState::Free, phone) } else { one_on_a_call(seat) });
        assert_eq!(ready(&desk), Some(verdict), "{phone:?}");
        desk.audit();
    }
}

#[test]
fn other_news_of_a_ready_agent_bring_no_look() {
    let mut desk = Desk::to_the_check(plan(2), one_on_a_call);
    pushed(&mut desk, 1, Stirred::Other);
    assert_eq!(next_sweep(&mut desk, Seat(1)), 0);
}

#[test]
fn a_station_that_comes_and_goes_all_the_time_is_looked_at_a_few_times() {
    let mut desk = Desk::to_the_check(plan(2), one_on_a_call);
    let mut looks = 0;
    for _ in 0..20 {
        // Doubled on its way.
        pushed(&mut desk, 1, Stirred::Disassociated);
        pushed(&mut desk, 1, Stirred::Disassociated);
        looks += next_sweep(&mut desk, Seat(1));
        desk.sweep(one_on_a_call);
    }
    assert_eq!(looks, 4);
    assert_eq!(desk.run.phase, Phase::Checking);
    desk.audit();
}

#[test]
fn what_is_pushed_while_a_look_is_under_way_is_looked_at_once_more() {
    let mut desk = Desk::to_the_check(plan(2), one_on_a_call);
    pushed(&mut desk, 1, Stirred::Disassociated);
    assert_eq!(next_sweep(&mut desk, Seat(1)), 1);
    desk.now = desk.now + 2_000;
    pushed(&mut desk, 1, Stirred::Disassociated);
    desk.sweep(one_on_a_call);
    assert_eq!(next_sweep(&mut desk, Seat(1)), 1, "the look had begun before the news");
    desk.sweep(one_on_a_call);
    assert_eq!(next_sweep(&mut desk, Seat(1)), 0);
    desk.audit();
}
