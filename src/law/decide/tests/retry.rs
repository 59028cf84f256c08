//! One agent that somebody wants looked at again.

use super::*;

fn grey(_: Seat) -> (CallState, PhoneState) {
    (CallState::Free, PhoneState::Down)
}

fn agent(n: u32) -> Option<AgentId> {
    Some(AgentId::new(&format!("agent-{n}")).unwrap())
}

/// Whether nothing is left to try for the first agent, and nothing is under way.
fn is_at_its_end(run: &Run) -> bool {
    let agent = run.agent(Seat(0)).unwrap();
    let straggles = matches!(agent.verdict, Some(Verdict::Straggler { .. })) && agent.remedy == RemedyState::Idle;
    straggles && agent.next_rung(&run.open, &run.plan.remedies, true, Shift::Begun).is_none()
}

fn refusals<'a>(desk: &'a Desk) -> Vec<&'a str> {
    let because = |record: &'a Record| match &record.event {
        Event::OrderRefused { because, .. } => Some(because.as_str()),
        _ => None,
    };
    desk.journal.iter().filter_map(because).collect()
}

fn remedies(desk: &Desk) -> usize {
    desk.events(|e| matches!(e, Event::RemedyStarted { .. }))
}

#[test]
fn an_agent_that_nothing_is_left_for_climbs_the_whole_ladder_once_more_and_no_further() {
    let mut desk = Desk::to_the_check(plan(1), grey);
    desk.go_until(is_at_its_end, grey, || Outcome::RemedyAccepted);
    let once = remedies(&desk);
    assert!(once > 1, "there is a ladder");
    let first = desk.journal.iter().find_map(|r| match &r.event {
        Event::RemedyStarted { rung, .. } => Some(*rung),
        _ => None,
    });
    desk.order_for(Wish::Retry, agent(0));
    assert_eq!((refusals(&desk).len(), desk.run.agent(Seat(0)).unwrap().attempts()), (0, 0));
    desk.restart();
    desk.go_until(|run| run.agent(Seat(0)).unwrap().attempts() > 0, grey, || Outcome::RemedyAccepted);
    assert_eq!(desk.run.agent(Seat(0)).unwrap().tried.iter().position(|n| *n > 0), first.map(Rung::index));
    desk.go_to_the_end(grey, || Outcome::RemedyAccepted);
    assert_eq!(remedies(&desk), 2 * once);
    desk.audit();
}

#[test]
fn the_order_is_followed_by_a_look_and_a_good_one_needs_no_remedy() {
    let mut desk = Desk::to_the_check(plan(1), grey);
    desk.go_until(is_at_its_end, grey, || Outcome::RemedyAccepted);
    let once = remedies(&desk);
    desk.order_for(Wish::Retry, agent(0));
    desk.go_until(
        |run| run.agent(Seat(0)).unwrap().verdict.is_some_and(Verdict::is_final),
        well,
        || Outcome::RemedyAccepted,
    );
    assert_eq!(remedies(&desk), once);
    desk.audit();
}

#[test]
fn who_has_signed_in_again_is_not_held_to_a_refresh_token_that_was_dead() {
    let mut desk = Desk::to_the_check(plan(1), grey);
    desk.go_until(is_at_its_end, grey, || Outcome::RemedyAccepted);
    let dead = Event::TokenDead { seat: Seat(0), failure: failure(FailureKind::Invalid) };
    desk.run.apply(desk.now, &dead);
    desk.journal.push(Record { seq: desk.run.seq, at: desk.now, event: dead });
    desk.order_for(Wish::Retry, agent(0));
    assert_eq!(desk.run.agent(Seat(0)).unwrap().token, TokenState::Failed);
    desk.audit();
}

#[test]
fn a_retry_that_can_do_no_good_is_refused_with_the_reason() {
    let mut early = Desk::at(T - 3_000_000, plan(1));
    early.order_for(Wish::Retry, agent(0));
    early.order_for(Wish::Retry, agent(9));
    early.order(Wish::Retry);
    early.order_for(Wish::Hold, agent(0));
    assert_eq!(early.run.held, crate::law::run::Held::No);
    early.audit();
    let mixed = |seat: Seat| match seat.0 {
        0 => (CallState::OnCall, PhoneState::Down),
        1 => (CallState::Free, PhoneState::Down),
        _ => well(seat),
    };
    let mut desk = Desk::to_the_check(plan(4), mixed);
    desk.order_for(Wish::Retry, agent(0));
    desk.order_for(Wish::Retry, agent(2));
    desk.order(Wish::Hold);
    desk.order_for(Wish::Retry, agent(1));
    desk.order(Wish::Abort);
    desk.order_for(Wish::Retry, agent(1));
    desk.audit();
    let said = [refusals(&early), refusals(&desk)].concat();
    let parts = [
        "has not been seen complete",
        "no such agent",
        "names no agent",
        "names an agent",
        "on a call",
        "was ready",
        "`resume`",
        "final",
    ];
    assert_eq!(said.len(), parts.len(), "{said:?}");
    for (said, part) in said.iter().zip(parts) {
        assert!(said.contains(part), "{said} / {part}");
    }
}

#[test]
fn while_a_remedy_is_at_work_its_result_is_seen_first() {
    let mut desk = Desk::to_the_check(plan(1), grey);
    desk.go_until(|run| run.agent(Seat(0)).unwrap().remedy != RemedyState::Idle, grey, || Outcome::RemedyAccepted);
    desk.order_for(Wish::Retry, agent(0));
    assert!(refusals(&desk).concat().contains("a remedy is at work"));
    desk.audit();
}
