//! What comes next for an agent who is not ready, and when, in words.
//!
//! Must never: promise what the run does not do; once it has settled only people do anything.

use crate::law::run::Brake;
use crate::law::verdict::{Deferral, Verdict};
use crate::shells::report::agent::AgentStory;
use crate::shells::report::facts::Ending;
use crate::shells::report::story::Story;
use crate::shells::report::words::duration;

/// What comes next for this agent, and when; empty for one who is ready.
#[must_use]
pub fn next_words(story: &Story, agent: &AgentStory) -> String {
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
        (Some(Verdict::Straggler { .. }), false) => "a hard refresh by the agent, before the next call".to_owned(),
        (Some(Verdict::Deferred { because: Deferral::OnCall }), false) => {
            "a look by hand when the call has ended".to_owned()
        }
        (Some(Verdict::Deferred { because: Deferral::LoggedOut }), false) => {
            "nothing: a new login brings a new session".to_owned()
        }
        (Some(Verdict::Unknown { .. }) | None, false) => "a look by hand".to_owned(),
    }
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
            let found = story.agents.iter().find(|a| matches!(a.verdict, Some(Verdict::Straggler { .. })));
            next_words(story, found.expect("a straggler"))
        };
        assert!(straggler(&open).contains("within"), "{}", straggler(&open));
        let staged = Story::of(&records[..1]);
        let next = |(_, _, agent)| next_words(&staged, agent);
        assert!(staged.everyone().map(next).all(|words| words == "a first look after the publish"));
        assert!(straggler(&over).contains("hard refresh"), "{}", straggler(&over));
        for (_, _, agent) in over.everyone() {
            let ready = matches!(agent.verdict, Some(Verdict::Ready | Verdict::Recovered { .. }));
            assert_eq!(next_words(&over, agent).is_empty(), ready);
        }
    }
}
