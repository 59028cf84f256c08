//! An agent in a few fields.
//!
//! Must never: say that an agent is not on a call because nobody has looked.

use serde::Serialize;
use utoipa::ToSchema;

use crate::law::agent::Agent;
use crate::law::run::Brake;
use crate::law::verdict::{CallState, Deferral, Verdict};
use crate::shells::report::Story;
use crate::shells::report::agent::deferral_words;
use crate::shells::report::facts::Ending;
use crate::shells::report::next::next_words;
use crate::shells::report::pictures::Kind;
use crate::words::clock::Timestamp;
use crate::words::id::Seat;

/// An agent in a few fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::shells::web) struct AgentRow {
    /// The agent's place on the roster, from 0.
    pub(in crate::shells::web) seat: u32,
    /// The platform's user id.
    agent: String,
    /// The name that people know.
    name: String,
    /// ready, recovered, deferred, straggler, unknown or not_checked.
    #[schema(example = "straggler")]
    pub(in crate::shells::web) verdict: &'static str,
    /// How the agent's cell is drawn: ready, recovered, oncall, loggedout, unknown, straggler or unjudged.
    #[schema(example = "straggler")]
    cell: &'static str,
    /// Why: what is wrong, what is missing, what helped; null for one who is ready without help.
    reason: Option<String>,
    /// Whether the agent is on a call; null where that is not known.
    on_call: Option<bool>,
    /// When the agent's shift starts; null where the schedules show none.
    #[schema(format = "date-time")]
    shift_start: Option<String>,
    /// What comes next, in words; null for one who is ready.
    next: Option<String>,
    /// When that comes at the latest; null for what has no time.
    #[schema(format = "date-time")]
    next_at: Option<String>,
}

#[cfg(test)]
impl AgentRow {
    /// The same without the instant at which it is looked at again: it moves on with every look, which is no change.
    pub(super) fn without_time(self) -> AgentRow {
        AgentRow { next_at: None, ..self }
    }
}

/// The verdicts by name, as rows and filters have them.
pub(in crate::shells::web) const VERDICTS: [&str; 6] =
    ["ready", "recovered", "deferred", "straggler", "unknown", "not_checked"];

/// A verdict by name.
pub(in crate::shells::web) fn verdict_name(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Ready) => "ready",
        Some(Verdict::Recovered { .. }) => "recovered",
        Some(Verdict::Deferred { .. }) => "deferred",
        Some(Verdict::Straggler { .. }) => "straggler",
        Some(Verdict::Unknown { .. }) => "unknown",
        None => "not_checked",
    }
}

pub(super) fn row(story: &Story, known: &Agent, seat: Seat) -> Option<AgentRow> {
    let (member, told) = story.agent(seat)?;
    let next = next_words(story, seat, told);
    let reason = match known.verdict {
        Some(Verdict::Straggler { reason }) => Some(reason.words().to_owned()),
        Some(Verdict::Unknown { missing }) => Some(format!("{} not seen", missing.words())),
        Some(Verdict::Deferred { because }) => Some(deferral_words(because).to_owned()),
        Some(Verdict::Recovered { by }) => Some(by.words().to_owned()),
        Some(Verdict::Ready) | None => None,
    };
    Some(AgentRow {
        seat: seat.0,
        agent: member.agent.to_string(),
        name: member.name.clone(),
        verdict: verdict_name(known.verdict),
        cell: Kind::of(known.verdict).class(),
        reason,
        on_call: match known.signals.on_call() {
            CallState::OnCall => Some(true),
            CallState::Free => Some(false),
            CallState::Unknown => None,
        },
        shift_start: member.shift_start.map(Timestamp::rfc3339),
        next_at: next_at(story, known).map(Timestamp::rfc3339).filter(|_| !next.is_empty()),
        next: (!next.is_empty()).then_some(next),
    })
}

/// When an agent is looked at again at the latest, counted from the last look, while the run goes on and something comes next.
fn next_at(story: &Story, known: &Agent) -> Option<Timestamp> {
    let Ending::Open(_) = story.ending() else { return None };
    let timing = &story.plan.as_ref()?.timing;
    let within_ms = match known.verdict? {
        Verdict::Ready | Verdict::Recovered { .. } => return None,
        Verdict::Straggler { .. } if story.remedies() == Brake::Applied => return None,
        Verdict::Straggler { .. } | Verdict::Deferred { because: Deferral::LoggedOut } => timing.logged_out_interval_ms,
        Verdict::Deferred { because: Deferral::OnCall } | Verdict::Unknown { .. } => timing.check_interval_ms,
    };
    let seen = known.seen;
    Some(known.judged_at.max(seen.users).max(seen.phone).max(seen.probe) + within_ms)
}
