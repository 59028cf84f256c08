//! Why nothing was staged: one sentence each, and what to do about it.
//!
//! Must never: be returned after something has been changed, or name a secret.

use crate::hands::journal::JournalError;
use crate::hands::vault::VaultError;
use crate::law::command::{Failure, FailureKind};
use crate::law::lead::TooTight;
use crate::law::plan::BadPlan;
use crate::shells::stage::timetable::Timetable;
use crate::words::id::{BadId, RunId, WeekDate};

/// Why nothing was staged.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The platform did not answer a question, or refused it.
    #[error("{doing} failed")]
    Platform {
        /// What was asked, as a noun: `reading the business units`.
        doing: &'static str,
        /// What came back.
        #[source]
        failure: Told,
    },
    /// Nothing of this name.
    #[error("there is no {what} {asked:?}")]
    Unknown {
        /// `business unit` or `schedule`.
        what: &'static str,
        /// What was asked for.
        asked: String,
        /// What there is.
        candidates: Vec<String>,
    },
    /// More than one is meant, or none was named where there are several.
    #[error("{asked} could mean {count} {what}s", count = candidates.len())]
    Ambiguous {
        /// `business unit` or `schedule`.
        what: &'static str,
        /// What was asked for, as it stands in the sentence.
        asked: String,
        /// Those that could be meant.
        candidates: Vec<String>,
    },
    /// A run that is still to come, or goes on, publishes this schedule: a second one would make two of one publish.
    #[error("the schedule {schedule:?} is staged already, as run {run}")]
    StagedAlready {
        /// Its description.
        schedule: String,
        /// The run.
        run: RunId,
    },
    /// The date is not a week's first day.
    #[error("{asked} is not the first day of a week of {unit}: weeks begin on a {start_day} there")]
    NotAFirstDay {
        /// The date that was asked for.
        asked: WeekDate,
        /// The business unit's name.
        unit: String,
        /// The day on which its weeks begin.
        start_day: String,
        /// The first day of the week that the date lies in.
        right: WeekDate,
    },
    /// The platform does not say when the business unit's weeks begin.
    #[error("the platform does not say on which day the weeks of {unit} begin")]
    WeekUnknown {
        /// The business unit's name.
        unit: String,
    },
    /// The week has no schedule.
    #[error("{unit} has no schedule for the week of {week}")]
    NoSchedules {
        /// The business unit's name.
        unit: String,
        /// The week.
        week: WeekDate,
    },
    /// The schedule is published.
    #[error("the schedule {description:?} of the week of {week} is published already")]
    AlreadyPublished {
        /// The schedule's description.
        description: String,
        /// The week.
        week: WeekDate,
    },
    /// The schedule is said to be published, and is not.
    #[error("{unit} has no published schedule for the week of {week}")]
    NotPublished {
        /// The business unit's name.
        unit: String,
        /// The week.
        week: WeekDate,
    },
    /// T has passed.
    #[error("the publish instant has passed: {0}")]
    Past(String),
    /// What would stop the publish at T, a fragment each.
    #[error("the preflight found that {}", .0.join(", and that "))]
    Preflight(Vec<String>),
    /// A window cannot hold the work.
    #[error("{tight}")]
    TooTight {
        /// Which, by how much, and what would help.
        tight: Box<TooTight>,
        /// The arithmetic, for who wants to see it.
        timetable: Box<Timetable>,
    },
    /// The plan as a whole cannot be carried out.
    #[error("the plan cannot be carried out")]
    Plan(#[source] BadPlan),
    /// The instant cannot be written into a name.
    #[error("the run cannot be named")]
    Name(#[source] BadId),
    /// A `pre-stage` hook said no.
    #[error("the pre-stage hook {hook} says no: {why}")]
    Veto {
        /// The hook's file name.
        hook: String,
        /// What it printed, or how it ended.
        why: String,
    },
    /// The vault could not be read.
    #[error("the vault cannot say who is enrolled")]
    Vault(#[source] VaultError),
    /// The journal could not be written.
    #[error("the run could not be recorded")]
    Journal(#[source] JournalError),
}

/// A failure of the platform as the cause of something.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Told(pub Failure);

/// Kinds of refusal, told apart by who can do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// What was asked for does not exist, or is not clear.
    Asked,
    /// Refused for safety.
    Safety,
    /// The platform could not be reached, or refuses the credentials or a permission.
    Reach,
    /// The store on this machine.
    Store,
}

impl Refusal {
    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> RefusalKind {
        match self {
            Refusal::Platform { .. } | Refusal::Preflight(_) => RefusalKind::Reach,
            Refusal::Unknown { .. }
            | Refusal::Ambiguous { .. }
            | Refusal::NotAFirstDay { .. }
            | Refusal::WeekUnknown { .. }
            | Refusal::NoSchedules { .. }
            | Refusal::Name(_) => RefusalKind::Asked,
            Refusal::AlreadyPublished { .. }
            | Refusal::NotPublished { .. }
            | Refusal::StagedAlready { .. }
            | Refusal::Past(_)
            | Refusal::TooTight { .. }
            | Refusal::Plan(_)
            | Refusal::Veto { .. } => RefusalKind::Safety,
            Refusal::Vault(_) | Refusal::Journal(_) => RefusalKind::Store,
        }
    }
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let said = |text: &str| Some(text.to_owned());
        match self {
            Refusal::Platform { failure, .. } => platform_hint(&failure.0),
            Refusal::Unknown { what, candidates, .. } if candidates.is_empty() => {
                Some(format!("the OAuth client sees no {what} at all; check its divisions and permissions"))
            }
            Refusal::Unknown { candidates, .. } | Refusal::Ambiguous { candidates, .. } => {
                Some(format!("name one of these, by name or by id:\n{}", list(candidates)))
            }
            Refusal::NotAFirstDay { right, .. } => Some(format!("write --week {right}")),
            Refusal::WeekUnknown { .. } => said("name the week by its first day: --week yyyy-MM-dd"),
            Refusal::NoSchedules { .. } => {
                said("create a schedule for that week in WFM, or name another week with --week")
            }
            Refusal::AlreadyPublished { .. } => said("there is nothing to publish; name another draft with --schedule"),
            Refusal::NotPublished { .. } => said("look which week was published, and name it"),
            Refusal::StagedAlready { run, .. } => {
                Some(format!("let that run publish, or end it first: softlanding abort {run} --why \"…\""))
            }
            Refusal::Past(_) => said("name an instant that is still to come with --at"),
            Refusal::Preflight(_) => {
                said("add the permission to a role of the OAuth client in Admin > Roles / Permissions")
            }
            Refusal::TooTight { tight, .. } => {
                Some(format!("what would help (`--explain` shows the arithmetic):\n{}", list(&tight.help())))
            }
            Refusal::Plan(BadPlan::EmptyRoster) => {
                said("schedule agents in this draft, or name another with --schedule")
            }
            Refusal::Plan(_) | Refusal::Name(_) => None,
            Refusal::Veto { .. } => said("clear what the hook complains about, then stage again"),
            Refusal::Vault(e) => e.hint().map(str::to_owned),
            Refusal::Journal(e) => e.hint().map(str::to_owned),
        }
    }
}

/// What can be done about a failure of the platform.
#[must_use]
pub fn platform_hint(failure: &Failure) -> Option<String> {
    let hint = match failure.kind {
        FailureKind::Unauthorized => {
            "check org.client_id, org.client_secret and the region: the client must be a client-credentials client of this org"
        }
        FailureKind::Forbidden => "add the permission to a role of the OAuth client in Admin > Roles / Permissions",
        FailureKind::NotSent | FailureKind::NoAnswer => {
            "check the region or the address in [org], and this machine's network"
        }
        FailureKind::Throttled => "others use this OAuth client's rate limit; try again in a minute",
        FailureKind::Server => "the platform has trouble; try again, and quote the correlation id to its support",
        FailureKind::NotFound => "check the id, and that the OAuth client may see its division",
        FailureKind::Conflict | FailureKind::Invalid | FailureKind::Malformed => {
            "this may be a change of the platform's API; quote the correlation id"
        }
        FailureKind::Local => return None,
    };
    Some(hint.to_owned())
}

fn list(candidates: &[String]) -> String {
    const SHOWN_MAX: usize = 20;
    let mut lines: Vec<String> = candidates.iter().take(SHOWN_MAX).map(|c| format!("  - {c}")).collect();
    if candidates.len() > SHOWN_MAX {
        lines.push(format!("  … and {} more", candidates.len() - SHOWN_MAX));
    }
    lines.join("\n")
}
