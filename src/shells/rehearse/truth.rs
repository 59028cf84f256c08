//! What the twin counted, and whether each verdict agrees with it.
//!
//! Must never: help a verdict; a disagreement is a fault of softlanding and is printed as one.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::law::run::Run;
use crate::law::verdict::{Deferral, Verdict};
use crate::twin::{AgentTruth, Truth};

/// Disagreements that are named; the count says how many there are.
const NAMED_MAX: usize = 10;

/// A run held against the twin that it ran against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// How often the schedule was really published.
    pub publishes_applied: u32,
    /// How often an agent was touched while on a call.
    pub touched_on_call: u32,
    /// Calls that the twin answered 429.
    pub too_many_requests: u32,
    /// The most calls of one token within a minute.
    pub max_calls_in_a_minute: u32,
    /// All requests.
    pub requests: u64,
    /// Verdicts that say what is so.
    pub agreeing: u32,
    /// Agents of whom nothing was said, because a signal was missing.
    pub silent: u32,
    /// Verdicts that say what is not so: name, verdict, truth.
    pub disagreeing: Vec<Disagreement>,
}

/// A verdict that says what is not so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Disagreement {
    /// The agent's name.
    pub name: String,
    /// What the run says.
    pub said: &'static str,
    /// What the twin says.
    pub truth: &'static str,
}

/// What a verdict claims about an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    Ready,
    NotReady,
    OnCall,
    LoggedOut,
    Nothing,
}

impl Audit {
    /// Holds the run's verdicts against the truth at its end.
    #[must_use]
    pub fn of(run: &Run, truth: &Truth) -> Audit {
        let counters = &truth.counters;
        let mut audit = Audit {
            publishes_applied: counters.publishes_applied,
            touched_on_call: counters.touched_on_call,
            too_many_requests: counters.too_many_requests,
            max_calls_in_a_minute: counters.max_calls_in_a_window,
            requests: counters.requests,
            agreeing: 0,
            silent: 0,
            disagreeing: Vec::new(),
        };
        let known: BTreeMap<_, _> = truth.agents.iter().map(|agent| (&agent.id, agent)).collect();
        for seat in run.all_seats() {
            let (Some(agent), Some(member)) = (run.agent(seat), run.plan.member(seat)) else { continue };
            let Some(real) = known.get(&member.agent) else { continue };
            let claim = claim(agent.verdict);
            match (claim, agrees(claim, real)) {
                (Claim::Nothing, _) => audit.silent += 1,
                (_, true) => audit.agreeing += 1,
                (claim, false) => {
                    audit.disagreeing.push(Disagreement {
                        name: member.name.clone(),
                        said: claim.words(),
                        truth: truth_words(real),
                    });
                }
            }
        }
        audit
    }

    /// The counts as lines for a terminal.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let published = match self.publishes_applied {
            0 => "never applied".to_owned(),
            1 => "applied exactly once".to_owned(),
            n => format!("APPLIED {n} TIMES"),
        };
        let refused = match self.too_many_requests {
            0 => "none refused with 429".to_owned(),
            n => format!("{n} REFUSED WITH 429"),
        };
        let calls =
            format!("{} requests, {} in the busiest minute, {refused}", self.requests, self.max_calls_in_a_minute);
        let all = self.agreeing as usize + self.disagreeing.len();
        let verdicts = if self.disagreeing.is_empty() {
            let silent = if self.silent > 0 { format!("; nothing was said of {}", self.silent) } else { String::new() };
            format!("{}{silent}", agreement(all))
        } else {
            format!("{} of {all} verdicts DISAGREE with what is really so", self.disagreeing.len())
        };
        let mut lines = vec!["What the simulated org counted on its side:".to_owned()];
        lines.push(format!("  publish    {published}"));
        lines.push(format!("  on a call  {} touched", self.touched_on_call));
        lines.push(format!("  calls      {calls}"));
        lines.push(format!("  verdicts   {verdicts}"));
        for one in self.disagreeing.iter().take(NAMED_MAX) {
            lines.push(format!("    {}: said {}, is {}", one.name, one.said, one.truth));
        }
        lines
    }
}

fn agreement(all: usize) -> String {
    if all == 0 { "none".to_owned() } else { format!("all {all} agree with what is really so") }
}

fn claim(verdict: Option<Verdict>) -> Claim {
    match verdict {
        Some(Verdict::Ready | Verdict::Recovered { .. }) => Claim::Ready,
        Some(Verdict::Straggler { .. }) => Claim::NotReady,
        Some(Verdict::Deferred { because: Deferral::OnCall }) => Claim::OnCall,
        Some(Verdict::Deferred { because: Deferral::LoggedOut }) => Claim::LoggedOut,
        Some(Verdict::Unknown { .. }) | None => Claim::Nothing,
    }
}

fn agrees(claim: Claim, real: &AgentTruth) -> bool {
    match claim {
        Claim::Ready => real.media_ready,
        Claim::NotReady => !real.media_ready,
        Claim::OnCall => real.on_call,
        Claim::LoggedOut => !real.logged_in,
        Claim::Nothing => true,
    }
}

fn truth_words(real: &AgentTruth) -> &'static str {
    match (real.logged_in, real.on_call, real.media_ready) {
        (false, _, _) => "logged out",
        (true, true, _) => "on a call",
        (true, false, true) => "ready",
        (true, false, false) => "not ready",
    }
}

impl Claim {
    fn words(self) -> &'static str {
        match self {
            Claim::Ready => "ready",
            Claim::NotReady => "not ready",
            Claim::OnCall => "on a call",
            Claim::LoggedOut => "logged out",
            Claim::Nothing => "nothing",
        }
    }
}
