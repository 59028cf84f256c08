//! What is pushed makes a run look sooner and decides nothing.

use super::*;
use crate::law::hint::Hint;

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
    hint(&mut desk, Hint::Agent(agents[0].clone()));
    assert!(desk.wake_at.unwrap() < planned, "{:?} is not before {planned:?}", desk.wake_at);
    hint(&mut desk, Hint::Agent(crate::words::id::AgentId::new("somebody-else").unwrap()));
    hint(&mut desk, Hint::Schedule);
    let before = desk.journal.len();
    hint(&mut desk, Hint::Gap);
    assert_eq!(desk.journal.len(), before, "a hint was written down");
    desk.audit();
}
