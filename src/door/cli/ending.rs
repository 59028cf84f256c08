//! From the end of a run to a code, and from refusals to failures.
//!
//! Must never: call an end done that a person has to look at.

use crate::door::error::{ExitCode, Failure};
use crate::law::event::Phase;
use crate::law::run::Run;
use crate::shells::driver::{DriveError, Ended};
use crate::shells::report::ReportError;
use crate::shells::stage::{Refusal, RefusalKind};

/// Whether remaining stragglers are worth a code of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    /// They are in the summary, and that is enough.
    Lenient,
    /// They are.
    Strict,
}

/// The code for a run that ended so.
pub(super) fn code(run: &Run, ended: Ended, strictness: Strictness) -> ExitCode {
    match (ended, run.phase) {
        (Ended::Interrupted, _) => ExitCode::Interrupted,
        (Ended::Waits, _) => ExitCode::NeedsPerson,
        (Ended::Over, Phase::Stopped) => ExitCode::Refused,
        (Ended::Over, Phase::InDoubt) => ExitCode::InDoubt,
        (Ended::Over, Phase::Settled) if strictness == Strictness::Strict && run.tally().stragglers > 0 => {
            ExitCode::Stragglers
        }
        (Ended::Over, Phase::Settled) => ExitCode::Done,
        (
            Ended::Over,
            Phase::Waiting
            | Phase::Refreshing
            | Phase::Preparing
            | Phase::Publishing
            | Phase::Checking
            | Phase::Settling,
        ) => ExitCode::Bug,
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let refusal = match refusal {
            Refusal::Vault(e) => return e.into(),
            Refusal::Journal(e) => return e.into(),
            other => other,
        };
        let code = match refusal.kind() {
            RefusalKind::Asked => ExitCode::Usage,
            RefusalKind::Safety => ExitCode::Refused,
            RefusalKind::Reach | RefusalKind::Store => ExitCode::Access,
        };
        let mut failure = Failure { hint: refusal.hint(), ..Failure::new(code, refusal.to_string()) };
        if std::error::Error::source(&refusal).is_some() {
            failure.source = Some(below(refusal));
        }
        failure
    }
}

/// What lies below a refusal; its own text is the failure's message already.
fn below(refusal: Refusal) -> anyhow::Error {
    match refusal {
        Refusal::Platform { failure, .. } => failure.into(),
        Refusal::Plan(bad) => bad.into(),
        Refusal::Name(bad) => bad.into(),
        other => other.into(),
    }
}

impl From<DriveError> for Failure {
    fn from(e: DriveError) -> Self {
        match e {
            DriveError::Journal(e) => e.into(),
            DriveError::Lost(e) => Failure::new(ExitCode::Bug, "a command ended without an answer")
                .because(e)
                .hint("please report it; the run can be taken up again"),
        }
    }
}

impl From<ReportError> for Failure {
    fn from(e: ReportError) -> Self {
        Failure::new(ExitCode::Access, "the report cannot be written").because(e)
    }
}
