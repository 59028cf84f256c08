//! What a caller of the API, or the sender of a webhook, can do when nothing is staged: in the fields of requests and keys of the
//! configuration, since these know no commands.
//!
//! Must never: name an option of the command line.

use crate::law::plan::BadPlan;
use crate::shells::stage::Refusal;

/// One sentence, and perhaps a list.
pub(super) fn advice(refusal: &Refusal) -> Option<String> {
    let said = |text: &str| Some(text.to_owned());
    match refusal {
        Refusal::Unknown { what: "schedule", candidates, .. }
        | Refusal::Ambiguous { what: "schedule", candidates, .. }
            if !candidates.is_empty() =>
        {
            let hint = refusal.hint().unwrap_or_default();
            Some(format!("the draft follows from `schedule` of the [[publish]] in the configuration; {hint}"))
        }
        Refusal::NotAFirstDay { right, .. } => Some(format!("write {right} as the week")),
        Refusal::WeekUnknown { .. } => said("a webhook can name the week by its first day, as `week`: yyyy-MM-dd"),
        Refusal::NoSchedules { .. } => said(
            "create a schedule for that week in WFM; the week is the one after `at`, or what a webhook names as `week`",
        ),
        Refusal::AlreadyPublished { .. } => {
            said("there is nothing to publish; `schedule` of the [[publish]] in the configuration names another draft")
        }
        Refusal::StagedAlready { run, .. } => {
            Some(format!("let that run publish, or abort it first: POST /api/v1/runs/{run}/orders"))
        }
        Refusal::Past(_) => said("name an instant that is still to come, as `at`"),
        Refusal::TooTight { tight, .. } => {
            let ways: Vec<String> = tight.help().iter().map(|way| format!("  - {way}")).collect();
            Some(format!("what would help:\n{}", ways.join("\n")))
        }
        Refusal::Plan(BadPlan::EmptyRoster) => said(
            "schedule agents in this draft, or have `schedule` of the [[publish]] in the configuration name another",
        ),
        Refusal::Platform { .. }
        | Refusal::Unknown { .. }
        | Refusal::Ambiguous { .. }
        | Refusal::NotPublished { .. }
        | Refusal::Preflight(_)
        | Refusal::Plan(_)
        | Refusal::Name(_)
        | Refusal::Veto { .. }
        | Refusal::Vault(_)
        | Refusal::Journal(_) => refusal.hint(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::id::{RunId, WeekDate};

    #[test]
    fn no_option_of_the_command_line_is_named() {
        let (week, unit) = (WeekDate::new("2026-11-30").unwrap(), "Customer Care".to_owned());
        let description = "Approved".to_owned();
        let candidates = vec!["Approved (1)".to_owned()];
        let refusals = [
            Refusal::Unknown { what: "schedule", asked: description.clone(), candidates: candidates.clone() },
            Refusal::Ambiguous { what: "business unit", asked: unit.clone(), candidates },
            Refusal::NotAFirstDay { asked: week, unit: unit.clone(), start_day: "Monday".to_owned(), right: week },
            Refusal::WeekUnknown { unit: unit.clone() },
            Refusal::NoSchedules { unit: unit.clone(), week },
            Refusal::AlreadyPublished { description: description.clone(), week },
            Refusal::NotPublished { unit, week },
            Refusal::StagedAlready { schedule: description, run: RunId::new("r").unwrap() },
            Refusal::Past("an hour ago".to_owned()),
            Refusal::Plan(BadPlan::EmptyRoster),
        ];
        for refusal in refusals {
            let told = advice(&refusal).unwrap_or_default();
            assert!(!told.is_empty() && !told.contains("--") && !told.contains("softlanding "), "{refusal}: {told}");
        }
    }
}
