//! What a person asks to be staged.
//!
//! Must never: hold what only the org can tell, such as an id that was looked up.

use crate::law::lead::LeadSettings;
use crate::law::plan::{Limits, Mechanisms, Policy, RemedyPolicy, Timing};
use crate::words::calendar::Appointment;
use crate::words::clock::Seed;
use crate::words::id::{RunId, WeekDate};

/// A publish as someone wants it.
#[derive(Debug, Clone)]
pub struct StageRequest {
    /// The business unit, by id or by name.
    pub business_unit: String,
    /// Which week.
    pub week: WeekChoice,
    /// The draft, by id, by description, or by a rule on it such as `Approved*`; `None` takes the week's only draft.
    pub schedule: Option<String>,
    /// T, and the wall clock on which it was chosen.
    pub publish_at: Appointment,
    /// When each phase starts. The refresh lead in it counts only where it was given.
    pub timing: Timing,
    /// How the refresh lead is found.
    pub lead: LeadSettings,
    /// How much may be done at once.
    pub limits: Limits,
    /// How far to go with a straggler.
    pub remedies: RemedyPolicy,
    /// What may be used.
    pub mechanisms: Mechanisms,
    /// Who must agree, and what happens when the schedule is not what was staged.
    pub policy: Policy,
    /// The chance of this run.
    pub seed: Seed,
    /// The run's name; `None` draws one.
    pub run: Option<RunId>,
    /// What becomes of an instant that has passed.
    pub when_past: WhenPast,
    /// Whether the schedule is a draft, or was published by somebody else.
    pub published: Published,
}

/// Whether a schedule that is staged is still to be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// It is a draft, which the run publishes.
    NotYet,
    /// Somebody else has published it: the run finds it so, and checks the agents.
    Elsewhere,
}

/// What becomes of an instant that has passed when it is to be staged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenPast {
    /// It is refused: whoever asks has mistaken the date.
    Refuse,
    /// It is caught up with, as far as the plan's lateness allows; there is no time to refresh tokens.
    CatchUp,
}

/// Which week is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeekChoice {
    /// The week after the one that T lies in, by the business unit's own calendar.
    Next,
    /// The week that begins on this day.
    Of(WeekDate),
}

impl std::str::FromStr for WeekChoice {
    type Err = String;

    /// Reads `next` or the date of a week's first day.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().eq_ignore_ascii_case("next") {
            return Ok(WeekChoice::Next);
        }
        WeekDate::new(text.trim())
            .map(WeekChoice::Of)
            .map_err(|_| "accepted is `next` or the week's first day as yyyy-MM-dd, e.g. 2026-11-30".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_is_next_or_a_date() {
        assert_eq!("next".parse(), Ok(WeekChoice::Next));
        assert_eq!(" Next ".parse(), Ok(WeekChoice::Next));
        assert_eq!("2026-11-30".parse(), Ok(WeekChoice::Of(WeekDate::new("2026-11-30").unwrap())));
        for bad in ["", "last", "30.11.2026", "2026-02-30"] {
            assert!(bad.parse::<WeekChoice>().unwrap_err().contains("yyyy-MM-dd"), "{bad}");
        }
    }
}
