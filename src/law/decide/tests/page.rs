//! Agents' pages: tokens are handed to them, what they say counts, and they initialise softphones again.

use super::*;
use crate::law::agent::Delivery;
use crate::law::hint::{Hint, Stirred};
use crate::law::page::{Errand, PageAnswer, PageSeen, PageState};

const FREE: CallState = CallState::Free;

fn companions(agents: u32) -> Plan {
    Plan { mechanisms: Mechanisms { companion: true, ..Mechanisms::default() }, ..plan(agents) }
}
fn is_refresh(c: &Command) -> bool {
    matches!(c, Command::RefreshToken { .. })
}
fn is_read(c: &Command) -> bool {
    matches!(c, Command::ReadPages { .. })
}
fn is(errand: Errand) -> impl Fn(&Command) -> bool {
    move |c| matches!(c, Command::TellPage { errand: e, .. } if *e == errand)
}
fn told(answer: PageAnswer) -> Outcome {
    Outcome::PageTold(answer)
}
fn refreshed() -> Outcome {
    Outcome::TokenRefreshed { expires_at: T + 86_400_000 }
}
fn delivery(desk: &Desk, seat: u32) -> Delivery {
    desk.run.agent(Seat(seat)).unwrap().delivery
}
fn verdict(desk: &Desk, seat: u32) -> Option<Verdict> {
    desk.run.agent(Seat(seat)).unwrap().verdict
}
/// What the companion of the first agent says now.
fn page(desk: &Desk, state: PageState, call: CallState) -> Outcome {
    Outcome::Pages(vec![PageSeen { seat: Seat(0), state, call, at: desk.now }])
}
/// The refresh of one agent's token, up to its answer.
fn refreshing(plan: Plan) -> Desk {
    let mut desk = Desk::at(plan.refresh_at(), plan);
    desk.hooks(HookPoint::PreRefresh);
    desk.answer(is_refresh, refreshed());
    desk
}
/// One agent at the first sweep, whose page says this; phone and call as `seen`.
fn checked(state: PageState, call: CallState, seen: (CallState, PhoneState)) -> Desk {
    let mut desk = Desk::to_the_check(companions(1), |_| seen);
    assert_eq!(verdict(&desk, 0), None, "nothing is said while the companion may still speak");
    let outcome = page(&desk, state, call);
    desk.answer(is_read, outcome);
    desk
}

#[test]
fn a_new_token_is_handed_to_the_page_and_that_is_told() {
    let mut desk = refreshing(companions(1));
    assert_eq!(delivery(&desk, 0), Delivery::Due);
    desk.answer(is(Errand::Token), told(PageAnswer::Done));
    assert_eq!(delivery(&desk, 0), Delivery::Made);
    assert_eq!(desk.events(|e| matches!(e, Event::PageTold { answer: PageAnswer::Done, .. })), 1);
    desk.audit();
}

#[test]
fn a_session_is_renewed_before_the_publish_where_the_plan_says_so() {
    let mechanisms = Mechanisms { companion: true, renew_sessions: true, ..Mechanisms::default() };
    let mut desk = refreshing(Plan { mechanisms, ..plan(1) });
    assert_eq!((desk.asked(is(Errand::Renew)), desk.asked(is(Errand::Token))), (1, 0));
    desk.answer(is(Errand::Renew), told(PageAnswer::Deferred));
    assert_eq!(delivery(&desk, 0), Delivery::Made, "it will be, after the call");
}

#[test]
fn without_companions_no_page_is_asked() {
    let desk = refreshing(plan(1));
    let desk_at_check = Desk::to_the_check(plan(1), well);
    for desk in [desk, desk_at_check] {
        assert_eq!(desk.asked(|c| matches!(c, Command::TellPage { .. } | Command::ReadPages { .. })), 0);
    }
}

#[test]
fn a_token_that_found_no_page_is_handed_over_when_the_page_comes() {
    let mut desk = refreshing(companions(1));
    desk.answer(is(Errand::Token), told(PageAnswer::NoPage));
    assert_eq!(delivery(&desk, 0), Delivery::Due);
    let agent = AgentId::new("agent-0").unwrap();
    for _ in 0..2 {
        desk.feed(Input::Hinted(Hint::Agent { agent: agent.clone(), what: Stirred::PageCame }));
    }
    assert_eq!(desk.asked(is(Errand::Token)), 1, "once, however often it is told");
    desk.answer(is(Errand::Token), told(PageAnswer::Done));
    desk.feed(Input::Hinted(Hint::Agent { agent, what: Stirred::PageCame }));
    assert_eq!(desk.asked(is(Errand::Token)), 0);
}

#[test]
fn a_token_that_was_on_its_way_when_the_process_died_is_handed_over_again() {
    let mut desk = refreshing(companions(1));
    desk.restart();
    desk.answer(is(Errand::Token), told(PageAnswer::Done));
    desk.restart();
    assert_eq!(desk.asked(is(Errand::Token)), 0);
    desk.audit();
}

#[test]
fn whoever_must_sign_in_again_is_asked_to_in_the_page() {
    let plan = companions(1);
    let mut desk = Desk::at(plan.refresh_at(), plan);
    desk.hooks(HookPoint::PreRefresh);
    desk.answer(is_refresh, Outcome::TokenDead { failure: failure(FailureKind::Invalid) });
    assert_eq!(desk.asked(is(Errand::AskToSignIn)), 1);
}

#[test]
fn what_the_page_says_counts_beside_what_the_platform_says() {
    let straggler = |reason| Some(Verdict::Straggler { reason });
    let deferred = Some(Verdict::Deferred { because: Deferral::OnCall });
    let unknown = Some(Verdict::Unknown { missing: Missing::Phone });
    let (up, silent) = ((FREE, PhoneState::Up), (FREE, PhoneState::Unknown));
    for (state, call, seen, said) in [
        (PageState::Ready, FREE, up, Some(Verdict::Ready)),
        (PageState::Ready, FREE, silent, Some(Verdict::Ready)),
        (PageState::Unknown, FREE, up, Some(Verdict::Ready)),
        (PageState::Unknown, CallState::Unknown, silent, unknown),
        // The platform has not noticed what the page knows.
        (PageState::Refused, FREE, up, straggler(Reason::TokenRefused)),
        (PageState::Down, FREE, up, straggler(Reason::SoftphoneDown)),
        (PageState::NoStation, FREE, up, straggler(Reason::NoStation)),
        (PageState::NoMicrophone, FREE, up, straggler(Reason::NoMicrophone)),
        // The page has not noticed what the platform knows.
        (PageState::Ready, FREE, (FREE, PhoneState::Down), straggler(Reason::PhoneDown)),
        // A call that only the page sees is a call.
        (PageState::Refused, CallState::OnCall, up, deferred),
    ] {
        let mut desk = checked(state, call, seen);
        // With nothing more to come the sweep ends.
        desk.sweep(|_| seen);
        assert_eq!(verdict(&desk, 0), said, "{state:?} {call:?} {seen:?}");
        desk.audit();
    }
}

#[test]
fn a_page_that_falls_silent_is_unknown_and_no_good_sign() {
    let silent = |_: Seat| (FREE, PhoneState::Unknown);
    let mut desk = checked(PageState::Refused, FREE, silent(Seat(0)));
    assert_eq!(verdict(&desk, 0), Some(Verdict::Straggler { reason: Reason::TokenRefused }));
    let mut looked = false;
    while !looked {
        desk.sleep();
        looked = desk.asked(is_read) > 0;
    }
    desk.answer(is_read, Outcome::Pages(Vec::new()));
    assert_eq!(desk.run.agent(Seat(0)).unwrap().signals.page, PageState::Unknown);
    desk.sweep(silent);
    assert_eq!(verdict(&desk, 0), Some(Verdict::Unknown { missing: Missing::Phone }));
}

#[test]
fn a_softphone_that_is_down_is_initialised_again_by_its_page_once_nobody_is_on_a_call() {
    let mut desk = checked(PageState::Down, FREE, (FREE, PhoneState::Up));
    let on_call = Outcome::Users(vec![user(Seat(0), CallState::OnCall)]);
    desk.answer(is_look_before, on_call);
    assert_eq!(desk.asked(is(Errand::Revive)), 0, "somebody on a call was touched");
    while desk.asked(is(Errand::Revive)) == 0 {
        match desk.open.iter().find(|(_, c)| is_read(c) || is_look_before(c) || is_sweep(c)).cloned() {
            Some((_, command)) if is_read(&command) => {
                let outcome = page(&desk, PageState::Down, FREE);
                desk.answer(is_read, outcome);
            }
            Some((_, command)) if is_look_before(&command) => {
                desk.answer(is_look_before, Outcome::Users(vec![user(Seat(0), FREE)]));
            }
            Some(_) => desk.sweep(well),
            None => desk.sleep(),
        }
    }
    desk.answer(is(Errand::Revive), told(PageAnswer::Done));
    assert_eq!(desk.events(|e| matches!(e, Event::RemedyAccepted { rung: Rung::Companion, .. })), 1);
    while verdict(&desk, 0).is_none_or(|verdict| !verdict.is_final()) {
        if desk.asked(is_read) > 0 {
            let outcome = page(&desk, PageState::Ready, FREE);
            desk.answer(is_read, outcome);
            desk.sweep(well);
        } else {
            desk.sleep();
        }
    }
    assert_eq!(verdict(&desk, 0), Some(Verdict::Recovered { by: Rung::Companion }));
    desk.audit();
}

/// Thirty pages whose softphones are down among a hundred, each of which answers so when it is told to initialise again.
fn revived(answer: &PageAnswer) -> Desk {
    let state = |seat: Seat| if seat.0 < 30 { PageState::Down } else { PageState::Ready };
    let mut desk = Desk::to_the_check(companions(100), well);
    let begun = |desk: &Desk| desk.events(|e| matches!(e, Event::RemedyStarted { rung: Rung::Companion, .. }));
    while begun(&desk) < 24 && desk.run.open.is_open(Rung::Companion) {
        let Some((_, command)) = desk.open.iter().find(|(_, c)| !matches!(c, Command::RunHooks { .. })).cloned() else {
            desk.sleep();
            continue;
        };
        let outcome = match &command {
            Command::ReadPages { seats, .. } => {
                let page = |seat: &Seat| PageSeen { seat: *seat, state: state(*seat), call: FREE, at: desk.now };
                Outcome::Pages(seats.iter().map(page).collect())
            }
            Command::ReadUsers { seats, .. } => Outcome::Users(seats.iter().map(|seat| user(*seat, FREE)).collect()),
            Command::ReadPhones { .. } => phones(&desk.run.all_seats().collect::<Vec<_>>(), &well),
            Command::ReadPhone { seat, .. } => phones(&[*seat], &well),
            Command::TellPage { errand: Errand::Revive, .. } => told(answer.clone()),
            Command::RefreshToken { .. } => Outcome::Failed(failure(FailureKind::Local)),
            // The rungs above, which bring nothing.
            _ => Outcome::RemedyAccepted,
        };
        desk.answer(|c| *c == command, outcome);
    }
    desk.audit();
    desk.restart();
    desk
}

#[test]
fn pages_that_refuse_to_initialise_again_are_no_more_told_to_and_those_that_are_not_there_say_nothing() {
    let refused = revived(&PageAnswer::Failed { why: "the softphone was refused".to_owned() });
    let score = refused.run.scores[Rung::Companion.index()];
    assert_eq!((score.cured, score.failed), (0, 10));
    let gone = revived(&PageAnswer::NoPage);
    assert!(gone.run.open.is_open(Rung::Companion));
    assert_eq!(gone.run.scores[Rung::Companion.index()].failed, 0);
}

#[test]
fn a_refused_token_is_refreshed_and_the_remedy_ends_when_the_page_has_it() {
    let mut desk = checked(PageState::Refused, FREE, (FREE, PhoneState::Up));
    desk.answer(is_look_before, Outcome::Users(vec![user(Seat(0), FREE)]));
    desk.answer(is_refresh, refreshed());
    assert_eq!(desk.run.agent(Seat(0)).unwrap().remedy, RemedyState::Started(Rung::TokenRefresh));
    desk.answer(is(Errand::Token), told(PageAnswer::Done));
    assert_eq!(desk.run.agent(Seat(0)).unwrap().remedy, RemedyState::Awaiting(Rung::TokenRefresh));
    desk.audit();
}

#[test]
fn a_softphone_that_falls_after_a_good_verdict_is_looked_at_again() {
    // The second agent keeps the check open.
    let seen = |seat: Seat| (FREE, if seat == Seat(0) { PhoneState::Up } else { PhoneState::Down });
    let mut desk = Desk::to_the_check(companions(2), seen);
    let outcome = page(&desk, PageState::Ready, FREE);
    desk.answer(is_read, outcome);
    assert_eq!(verdict(&desk, 0), Some(Verdict::Ready));
    desk.open.clear();
    desk.now = desk.now + 10_000;
    let agent = AgentId::new("agent-0").unwrap();
    desk.feed(Input::Hinted(Hint::Agent { agent, what: Stirred::PageFell }));
    let about = |c: &Command| matches!(c, Command::ReadPages { seats, .. } if seats.contains(&Seat(0)));
    while desk.asked(about) == 0 {
        desk.open.clear();
        desk.run.desk.under_way.clear();
        desk.sleep();
    }
    let outcome = page(&desk, PageState::Down, FREE);
    desk.answer(about, outcome);
    desk.sweep(seen);
    assert_eq!(verdict(&desk, 0), Some(Verdict::Straggler { reason: Reason::SoftphoneDown }));
    desk.audit();
}

#[test]
fn of_a_refused_probe_and_a_content_page_the_newer_word_counts() {
    let mechanisms = Mechanisms { companion: true, media_probe: true, ..Mechanisms::default() };
    let silent = |_: Seat| (FREE, PhoneState::Unknown);
    let mut desk = Desk::to_the_check(Plan { mechanisms, ..plan(1) }, silent);
    desk.answer(is_read, Outcome::Pages(Vec::new()));
    let is_probe = |c: &Command| matches!(c, Command::ProbeMedia { .. });
    desk.answer(is_probe, Outcome::Probed(ProbeState::Refused));
    assert_eq!(verdict(&desk, 0), Some(Verdict::Straggler { reason: Reason::TokenRefused }));
    // A page comes, with a token of its own that is good.
    while desk.asked(is_read) == 0 {
        desk.open.clear();
        desk.run.desk.under_way.clear();
        desk.sleep();
    }
    let outcome = page(&desk, PageState::Ready, FREE);
    desk.answer(is_read, outcome);
    desk.sweep(silent);
    assert_eq!(verdict(&desk, 0), Some(Verdict::Ready));
    desk.audit();
}

#[test]
fn a_token_that_is_young_enough_is_left_and_the_page_gets_it_all_the_same() {
    use crate::law::young::Young;
    let mut plan = companions(1);
    plan.timing.young_ms = 3_600_000;
    let mut desk = Desk::at(plan.refresh_at(), plan);
    desk.hooks(HookPoint::PreRefresh);
    let (ends_from, made_from) = (T + desk.run.plan.timing.token_outlives_ms, desk.now - 3_600_000);
    let unless = Some(Young { ends_from, made_from });
    assert_eq!(desk.asked(|c| matches!(c, Command::RefreshToken { unless: u, .. } if *u == unless)), 1);
    desk.answer(is_refresh, Outcome::TokenLeft { made_at: made_from, expires_at: ends_from });
    let agent = desk.run.agent(Seat(0)).unwrap();
    assert_eq!((agent.token, agent.refresh_attempts), (TokenState::Fresh(ends_from), 0));
    assert!(desk.run.desk.account.is_none(), "nothing was asked of the platform");
    desk.answer(is(Errand::Token), told(PageAnswer::Done));
    assert_eq!(delivery(&desk, 0), Delivery::Made);
    desk.restart();
    assert_eq!(desk.asked(is_refresh), 0);
    desk.audit();
}

#[test]
fn by_default_everybody_who_is_enrolled_is_refreshed() {
    let mut desk = Desk::at(companions(3).refresh_at(), companions(3));
    desk.hooks(HookPoint::PreRefresh);
    assert_eq!(desk.asked(|c| matches!(c, Command::RefreshToken { unless: None, .. })), 2);
}
