//! What is pushed makes a run look sooner and decides nothing.

use super::*;
use crate::law::hint::{Hint, Stirred};
use crate::law::verdict::LegState;

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

/// What was written down of what was pushed: seconds from T, and whose.
fn written(desk: &Desk) -> Vec<(i64, Vec<u32>)> {
    let told = desk.journal.iter().filter_map(|record| match &record.event {
        Event::Pushed { since, disassociated, .. } if !disassociated.is_empty() => {
            Some((since.since_ms(T) / 1_000, disassociated.iter().map(|seat| seat.0).collect()))
        }
        _ => None,
    });
    told.collect()
}

#[test]
fn disassociations_are_written_down_in_batches_of_ten_seconds_that_do_not_lie_on_both_sides_of_t() {
    let mut desk = Desk::at(T - 3_000_000, plan(4));
    for (at_s, seat) in [(-2_000, 0), (-1_205, 3), (-1_203, 1), (-1_202, 3), (-1_199, 2), (-1_100, 2)] {
        let at = T + at_s * 1_000;
        while desk.wake_at.is_some_and(|wake_at| wake_at <= at) {
            desk.sleep();
        }
        desk.now = at;
        pushed(&mut desk, seat, Stirred::Other);
        pushed(&mut desk, seat, Stirred::Disassociated);
    }
    assert_eq!(written(&desk), [(-1_205, vec![1, 3]), (-1_199, vec![2])], "a batch is written when it is over");
    desk.sleep();
    assert_eq!(written(&desk).last(), Some(&(-1_100, vec![2])));
    assert!(desk.run.agents.iter().all(|agent| agent.verdict.is_none()));
    desk.audit();
}

#[test]
fn what_was_pushed_is_written_down_before_the_process_or_the_check_ends() {
    let mut desk = Desk::to_the_check(plan(2), one_on_a_call);
    pushed(&mut desk, 1, Stirred::Disassociated);
    desk.feed(Input::Closing);
    assert_eq!(written(&desk).len(), 1);
    let mut desk = Desk::to_the_check(plan(2), one_on_a_call);
    desk.now = desk.run.settle_at();
    pushed(&mut desk, 1, Stirred::Disassociated);
    assert_eq!((desk.run.phase, written(&desk).len()), (Phase::Settling, usize::from(desk.now < T + 1_800_000)));
    desk.audit();
}

#[test]
fn a_run_comes_back_to_listen_when_its_watch_begins_and_not_before() {
    let lead_ms = plan(20).timing.watch_lead_ms;
    let mut desk = Desk::at(T - 86_400_000, plan(20));
    let mut woken = Vec::new();
    while desk.now < T - lead_ms {
        desk.sleep();
        woken.push(desk.now);
    }
    assert_eq!(woken.last(), Some(&(T - lead_ms)), "{woken:?}");
    assert_eq!(desk.run.plan.listen_at(), Some(T - lead_ms));
    assert_eq!(plan(2).listen_at(), Some(plan(2).prepare_at()), "so few are not watched");
    let mut deaf = plan(20);
    deaf.mechanisms.notifications = false;
    assert_eq!(deaf.listen_at(), None);
}

const LEG_FAILED: Stirred = Stirred::Leg(LegState::Failed);

/// What was written down of media legs: whose, and what they came to.
fn legs(desk: &Desk) -> Vec<(u32, LegState)> {
    let told = desk.journal.iter().filter_map(|record| match &record.event {
        Event::Pushed { since, legs, .. } if !legs.is_empty() => {
            assert_eq!(*since, record.at, "a signal is written down at once");
            Some(legs.iter().map(|(seat, state)| (seat.0, *state)))
        }
        _ => None,
    });
    told.flatten().collect()
}
fn verdict_of(desk: &Desk, seat: u32) -> Option<Verdict> {
    desk.run.agent(Seat(seat)).unwrap().verdict
}
const FAILED: Option<Verdict> = Some(Verdict::Straggler { reason: Reason::MediaLegFailed });

#[test]
fn a_media_leg_that_fails_takes_the_verdict_back_at_the_next_look_and_what_is_newer_gives_it_again() {
    for better in [LegState::Up, LegState::Idle] {
        let mut desk = Desk::to_the_check(plan(2), one_on_a_call);
        for _ in 0..2 {
            // Doubled on its way.
            pushed(&mut desk, 1, LEG_FAILED);
        }
        assert_eq!((verdict_of(&desk, 1), legs(&desk)), (Some(Verdict::Ready), vec![(1, LegState::Failed)]));
        assert_eq!(next_sweep(&mut desk, Seat(1)), 1);
        desk.sweep(one_on_a_call);
        assert_eq!(verdict_of(&desk, 1), FAILED, "all that is read is well");
        pushed(&mut desk, 1, Stirred::Leg(LegState::Unknown));
        pushed(&mut desk, 1, Stirred::Leg(better));
        assert_eq!(legs(&desk), [(1, LegState::Failed), (1, better)]);
        assert_eq!(verdict_of(&desk, 1), FAILED, "nothing that is pushed is read as ready");
        desk.audit();
    }
}

#[test]
fn a_media_leg_that_is_up_or_idle_is_no_news_and_does_not_stand_in_for_a_phone() {
    let unknown = |seat| if seat == Seat(1) { (CallState::Free, PhoneState::Unknown) } else { one_on_a_call(seat) };
    let mut desk = Desk::to_the_check(plan(2), unknown);
    let before = verdict_of(&desk, 1);
    assert!(matches!(before, Some(Verdict::Unknown { .. })), "{before:?}");
    for state in [LegState::Up, LegState::Idle, LegState::Unknown] {
        pushed(&mut desk, 1, Stirred::Leg(state));
    }
    next_sweep(&mut desk, Seat(1));
    desk.sweep(unknown);
    assert_eq!((verdict_of(&desk, 1), legs(&desk)), (before, vec![]));
    desk.audit();
}

#[test]
fn what_the_publish_does_to_a_media_leg_counts_although_it_is_pushed_before_the_looks_begin() {
    for (before_the_claim, verdict) in [(true, Some(Verdict::Ready)), (false, FAILED)] {
        let mut desk = Desk::to_the_claim(plan(2));
        if before_the_claim {
            // Heard before the publish: it says nothing of what came after.
            desk.run.agents[1].hear_leg(desk.now - 1, LegState::Failed);
        } else {
            pushed(&mut desk, 1, LEG_FAILED);
        }
        desk.answer(is_publish, accepted());
        desk.sleep();
        desk.answer(is_schedule, schedule(8, true));
        desk.hooks(HookPoint::PostPublish);
        desk.sleep();
        desk.sweep(one_on_a_call);
        assert_eq!(verdict_of(&desk, 1), verdict);
    }
}

#[test]
fn what_was_pushed_of_a_leg_before_a_remedy_says_nothing_after_it() {
    let mut agent = crate::law::agent::Agent::default();
    agent.hear_leg(T, LegState::Failed);
    assert_eq!(agent.leg(), LegState::Failed);
    agent.await_remedy(crate::law::verdict::Rung::SessionReset, T + 1_000);
    assert_eq!(agent.leg(), LegState::Unknown);
    agent.hear_leg(agent.fresh_from, LegState::Failed);
    assert_eq!(agent.leg(), LegState::Failed);
}

#[test]
fn a_leg_that_failed_before_a_process_died_is_looked_at_by_the_next_one_and_told_of_at_the_end() {
    let mut desk = Desk::to_the_check(plan(2), one_on_a_call);
    pushed(&mut desk, 1, LEG_FAILED);
    desk.restart();
    assert_eq!(next_sweep(&mut desk, Seat(1)), 1);
    // The look brings nothing, and there is no time for another: what was pushed last is what is said.
    desk.now = desk.run.settle_at();
    desk.feed(Input::Woke);
    while desk.asked(is_sweep) > 0 {
        desk.answer(is_sweep, Outcome::Failed(failure(FailureKind::NoAnswer)));
    }
    assert_eq!((desk.run.phase, verdict_of(&desk, 1)), (Phase::Settling, FAILED));
    desk.audit();
}

#[test]
fn tokens_that_change_around_t_are_written_down_and_bring_no_look() {
    let mut desk = Desk::to_the_check(plan(2), one_on_a_call);
    pushed(&mut desk, 1, Stirred::Token);
    pushed(&mut desk, 1, Stirred::Token);
    assert_eq!(next_sweep(&mut desk, Seat(1)), 0);
    desk.feed(Input::Closing);
    let changed: Vec<Vec<Seat>> = desk
        .journal
        .iter()
        .filter_map(|record| match &record.event {
            Event::Pushed { tokens, .. } if !tokens.is_empty() => Some(tokens.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(changed, [vec![Seat(1)]]);
    assert_eq!(verdict_of(&desk, 1), Some(Verdict::Ready));
}

#[test]
fn of_whom_nothing_can_be_heard_is_written_down_at_once() {
    let mut desk = Desk::to_the_check(plan(2), one_on_a_call);
    hint(&mut desk, Hint::Unheard { topics: 2 });
    let told = |record: &Record| matches!(record.event, Event::Pushed { unheard: Some(2), .. });
    assert_eq!(desk.journal.iter().filter(|record| told(record)).count(), 1);
    desk.audit();
}
