//! Calls of the platform that a run has spent, by what they were for.
//!
//! A call is counted with its answer, as many as its command takes at least: a login, a repetition after a 401, the lines for what
//! is pushed and what a preflight asks stand in no run's account; they belong to all runs of the organisation. Those with the agents' own tokens and those to the
//! token endpoint are counted with the others, although each token has a budget of its own (API.md section 3).
//! Must never: count what never left, or lose a call because an agent was given up.

use serde::{Deserialize, Serialize};

use crate::law::command::{Command, FailureKind, Outcome, PublishAnswer, ReadPurpose};
use crate::law::event::Tally;

/// Calls, by what they were for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Calls {
    /// New tokens for agents. By the OAuth grant they go to the token endpoint and take nothing from the API's budget.
    #[serde(skip_serializing_if = "is_zero")]
    pub refresh: u32,
    /// Looks at everybody before the publish.
    #[serde(skip_serializing_if = "is_zero")]
    pub watch: u32,
    /// The publish: looks at the schedule, the upload's URL, the request itself.
    #[serde(skip_serializing_if = "is_zero")]
    pub publish: u32,
    /// Bulk reads after it, each of many agents or of a page of phones.
    #[serde(skip_serializing_if = "is_zero")]
    pub sweep: u32,
    /// Reads of one agent: one phone, one probe.
    #[serde(skip_serializing_if = "is_zero")]
    pub single: u32,
    /// Remedies, and the looks at calls that they rest on.
    #[serde(skip_serializing_if = "is_zero")]
    pub remedy: u32,
}

/// What was spent in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Spent {
    /// The calls.
    pub calls: Calls,
    /// Commands that the platform refused with 429: not done, and not counted again when they are repeated.
    pub refused: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(calls: &u32) -> bool {
    *calls == 0
}

impl Calls {
    /// The calls that a command takes at least, when all goes well.
    #[must_use]
    pub fn of(command: &Command) -> Calls {
        let none = Calls::default();
        match command {
            Command::RefreshToken { .. } => Calls { refresh: 1, ..none },
            Command::ReadUsers { purpose: ReadPurpose::Watch, .. }
            | Command::ReadPhones { purpose: ReadPurpose::Watch, .. } => Calls { watch: 1, ..none },
            // The upload itself goes to another host, by a URL that is signed.
            Command::ReadSchedule | Command::PrepareUpload { .. } | Command::Publish { .. } => {
                Calls { publish: 1, ..none }
            }
            Command::ReadUsers { purpose: ReadPurpose::Sweep, .. }
            | Command::ReadPhones { purpose: ReadPurpose::Sweep | ReadPurpose::BeforeRemedy, .. } => {
                Calls { sweep: 1, ..none }
            }
            Command::ReadPhone { .. } | Command::ProbeMedia { .. } => Calls { single: 1, ..none },
            Command::ReadUsers { purpose: ReadPurpose::BeforeRemedy, .. }
            | Command::ResetSessions { .. }
            | Command::RebootPhones { .. }
            | Command::RevokeTokens { .. } => Calls { remedy: 1, ..none },
            // Found, freed and taken again (API.md section 9).
            Command::Reassociate { .. } => Calls { remedy: 3, ..none },
            Command::ReadPages { .. } | Command::TellPage { .. } | Command::Preflight | Command::RunHooks { .. } => {
                none
            }
        }
    }
    /// All of them.
    #[must_use]
    pub fn total(self) -> u32 {
        let parts = [self.refresh, self.watch, self.publish, self.sweep, self.single, self.remedy];
        parts.into_iter().fold(0, u32::saturating_add)
    }
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Calls) -> Calls {
        Calls {
            refresh: self.refresh.saturating_add(other.refresh),
            watch: self.watch.saturating_add(other.watch),
            publish: self.publish.saturating_add(other.publish),
            sweep: self.sweep.saturating_add(other.sweep),
            single: self.single.saturating_add(other.single),
            remedy: self.remedy.saturating_add(other.remedy),
        }
    }
}

impl Spent {
    /// What one answered command adds.
    #[must_use]
    pub fn on(command: &Command, outcome: &Outcome) -> Spent {
        let kind = match outcome {
            Outcome::TokenLeft { .. } => Some(FailureKind::NotSent),
            Outcome::Published { left: None, .. } => Some(FailureKind::NotSent),
            Outcome::Published { answer: PublishAnswer::NotDone(failure) | PublishAnswer::Doubt(failure), .. } => {
                Some(failure.kind)
            }
            other => other.failure().map(|failure| failure.kind),
        };
        match kind {
            Some(FailureKind::NotSent | FailureKind::Local) => Spent::default(),
            Some(FailureKind::Throttled) => Spent { calls: Calls::of(command), refused: 1 },
            Some(
                FailureKind::Unauthorized
                | FailureKind::Forbidden
                | FailureKind::NotFound
                | FailureKind::Conflict
                | FailureKind::Invalid
                | FailureKind::Server
                | FailureKind::NoAnswer
                | FailureKind::Malformed,
            )
            | None => Spent { calls: Calls::of(command), refused: 0 },
        }
    }
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Spent) -> Spent {
        Spent { calls: self.calls.plus(other.calls), refused: self.refused.saturating_add(other.refused) }
    }
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_nothing(self) -> bool {
        self == Spent::default()
    }
    /// Calls for each agent who is ready or recovered: of those that were about one agent alone, and of all. Near zero for a
    /// cohort that is well; `None` while nobody is ready.
    #[must_use]
    pub fn per_ready(self, tally: Tally) -> Option<PerReady> {
        let ready = tally.ready.saturating_add(tally.recovered);
        let share = |calls: u32| f64::from(calls) / f64::from(ready);
        (ready > 0).then(|| PerReady { single: share(self.calls.single), all: share(self.calls.total()) })
    }
}

/// Calls for each agent who is ready.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PerReady {
    /// Reads of one agent alone: where that costs fewer calls than the pages of everybody, and the *reported* media-token probe.
    pub single: f64,
    /// All calls of the run.
    pub all: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::command::Failure;
    use crate::words::id::Seat;

    #[test]
    fn what_never_left_costs_nothing_and_what_was_refused_is_told_apart() {
        let command = Command::Reassociate { seat: Seat(1) };
        let after = |kind| Spent::on(&command, &Outcome::Failed(Failure::plain(kind, "as told")));
        assert!(after(FailureKind::NotSent).is_nothing() && after(FailureKind::Local).is_nothing());
        assert_eq!((after(FailureKind::Throttled).refused, after(FailureKind::Server).refused), (1, 0));
        assert_eq!(Spent::on(&command, &Outcome::RemedyAccepted).calls, Calls { remedy: 3, ..Calls::default() });
    }

    #[test]
    fn calls_are_told_for_each_agent_who_is_ready() {
        let calls = Calls { sweep: 30, single: 10, ..Calls::default() };
        let spent = Spent { calls, refused: 0 };
        let tally = Tally { ready: 75, recovered: 25, stragglers: 3, ..Tally::default() };
        assert_eq!(spent.per_ready(tally), Some(PerReady { single: 0.1, all: 0.4 }));
        assert_eq!(spent.per_ready(Tally { stragglers: 3, ..Tally::default() }), None);
    }

    #[test]
    fn an_account_is_written_without_what_is_zero_and_read_as_it_was() {
        let calls = Calls { sweep: 2, ..Calls::default() };
        let text = serde_json::to_string(&calls).unwrap();
        assert_eq!(text, r#"{"sweep":2}"#);
        assert_eq!(serde_json::from_str::<Calls>(&text).unwrap(), calls);
    }
}
