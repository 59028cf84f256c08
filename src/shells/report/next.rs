//! What comes next for an agent who is not ready, and when, in words.
//!
//! Must never: promise what the run does not do; once it has settled only people do anything.

use crate::law::run::Brake;
use crate::law::verdict::{Deferral, Reason, Rung, Verdict};
use crate::shells::report::agent::AgentStory;
use crate::shells::report::facts::Ending;
use crate::shells::report::story::Story;
use crate::shells::report::words::duration;
use crate::words::id::Seat;

/// What comes next for this agent, and when; empty for one who is ready.
#[must_use]
pub fn next_words(story: &Story, seat: Seat, agent: &AgentStory) -> String {
    let goes_on = matches!(story.ending(), Ending::Open(_));
    let timing = story.plan.as_ref().map(|plan| &plan.timing);
    let within = |ms: Option<i64>| ms.map_or_else(String::new, |ms| format!(" within {}", duration(ms)));
    let soon = || within(timing.map(|timing| timing.check_interval_ms));
    let later = || within(timing.map(|timing| timing.logged_out_interval_ms));
    match (agent.verdict, goes_on) {
        (Some(Verdict::Ready | Verdict::Recovered { .. }), _) => String::new(),
        (Some(Verdict::Straggler { .. }), true) if story.remedies() == Brake::Applied => {
            "remedies are stopped until somebody resumes".to_owned()
        }
        (Some(Verdict::Straggler { .. }), true) if story.remedies() == Brake::Aborted => {
            format!("remedies were aborted: only another look{}", later())
        }
        (Some(Verdict::Straggler { .. }), true) => format!("a remedy or another look{}", later()),
        (Some(Verdict::Deferred { because: Deferral::OnCall } | Verdict::Unknown { .. }), true) => {
            format!("another look{}", soon())
        }
        (None, true) => "a first look after the publish".to_owned(),
        (Some(Verdict::Deferred { because: Deferral::LoggedOut }), true) => {
            format!("another look{}, or when the agent logs in", later())
        }
        (Some(Verdict::Straggler { reason }), false) => {
            let spared = if is_spared(story, seat, agent, reason) { SPARED } else { "" };
            format!("a hard refresh by the agent, before the next call{spared}")
        }
        (Some(Verdict::Deferred { because: Deferral::OnCall }), false) => {
            "a look by hand when the call has ended".to_owned()
        }
        (Some(Verdict::Deferred { because: Deferral::LoggedOut }), false) => {
            "nothing: a new login brings a new session".to_owned()
        }
        (Some(Verdict::Unknown { .. }) | None, false) => "a look by hand".to_owned(),
    }
}

/// Why nothing harder was tried.
const SPARED: &str = "; no new login was forced, because the shift may have begun";

/// Whether an agent was left alone because tokens are not revoked on shift.
fn is_spared(story: &Story, seat: Seat, agent: &AgentStory, reason: Reason) -> bool {
    let Some((plan, at)) = story.plan.as_ref().zip(agent.judged_at) else { return false };
    let rung = Rung::RevokeTokens;
    let wanted = plan.mechanisms.revoke_tokens && reason.ladder().contains(&rung);
    let tried = agent.tried.get(rung.index()).is_some_and(|times| *times > 0);
    wanted && !tried && !plan.remedies.allows(rung, plan.shift(seat, at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::event::Event;
    use crate::shells::report::sample;

    #[test]
    fn while_a_run_goes_on_it_says_what_it_does_and_afterwards_what_people_do() {
        let records = sample::friday(3, 80);
        let open: Vec<_> = records.iter().filter(|r| !matches!(r.event, Event::Settled { .. })).cloned().collect();
        let until_check = open
            .iter()
            .take_while(|r| !matches!(r.event, Event::PhaseEntered { phase: crate::law::event::Phase::Settling }));
        let (open, over) = (Story::of(until_check), Story::of(&records));
        let straggler = |story: &Story| {
            let found = story.everyone().find(|(_, _, a)| matches!(a.verdict, Some(Verdict::Straggler { .. })));
            let (seat, _, agent) = found.expect("a straggler");
            next_words(story, seat, agent)
        };
        assert!(straggler(&open).contains("within"), "{}", straggler(&open));
        let staged = Story::of(&records[..1]);
        let next = |(seat, _, agent)| next_words(&staged, seat, agent);
        assert!(staged.everyone().map(next).all(|words| words == "a first look after the publish"));
        assert!(straggler(&over).contains("hard refresh"), "{}", straggler(&over));
        for (seat, _, agent) in over.everyone() {
            let ready = matches!(agent.verdict, Some(Verdict::Ready | Verdict::Recovered { .. }));
            assert_eq!(next_words(&over, seat, agent).is_empty(), ready);
        }
    }

    #[test]
    fn whoever_was_not_made_to_sign_in_again_because_of_the_shift_is_told_of_so() {
        let mut over = Story::of(&sample::friday(3, 80));
        let down = |agent: &AgentStory| {
            matches!(agent.verdict, Some(Verdict::Straggler { reason: Reason::PhoneDown })) && agent.judged_at.is_some()
        };
        let seat = over.everyone().find(|(_, _, agent)| down(agent)).map(|(seat, _, _)| seat).expect("a straggler");
        let mut words = |revokes: bool, on_shift: bool, shift_start: Option<i64>| {
            let plan = over.plan.as_mut().expect("a plan");
            (plan.mechanisms.revoke_tokens, plan.remedies.revoke_on_shift) = (revokes, on_shift);
            plan.roster[seat.index()].shift_start = shift_start.map(|minutes| sample::T + minutes * 60_000);
            let (_, agent) = over.agent(seat).expect("the straggler");
            next_words(&over, seat, agent)
        };
        for begun in [Some(-60), None] {
            let told = words(true, false, begun);
            assert!(told.ends_with("; no new login was forced, because the shift may have begun"), "{told}");
        }
        for (revokes, on_shift, shift) in [(false, false, None), (true, true, None), (true, false, Some(600))] {
            assert!(!words(revokes, on_shift, shift).contains("login"));
        }
    }
}
