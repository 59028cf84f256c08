//! What the journal already holds: runs to learn from, and runs that will spend the same budget at the same time.
//!
//! Must never: refuse a publish because an old run cannot be read; that is a warning.

use crate::hands::journal::{Journal, JournalError};
use crate::law::event::Event;
use crate::law::fared::Fared;
use crate::law::lead::learn::learn_remedies;
use crate::law::lead::{Learnt, Past, PastState, learn};
use crate::law::plan::Plan;
use crate::words::clock::Timestamp;
use crate::words::id::RunId;

/// So many of the newest runs are read in any case, to learn from them.
pub const RUNS_READ_MIN: usize = 30;
/// And all that were staged within so long before the newest, in ms, however many business units there are: one of them may
/// be about the same schedule.
const STAGED_WITHIN_MS: i64 = 14 * 86_400_000;

/// Earlier runs, as far as staging wants to know them. The default is an empty journal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// The newest first.
    past: Vec<(RunId, Past)>,
    /// Runs that could not be read, one sentence each.
    pub warnings: Vec<String>,
}

impl History {
    /// Reads the newest runs of a journal, one at a time, and keeps of each what matters here.
    ///
    /// # Errors
    /// [`JournalError`] when the runs cannot be listed.
    pub async fn read<J: Journal>(journal: &J) -> Result<History, JournalError> {
        let mut runs = journal.runs().await?;
        runs.sort_by_key(|summary| std::cmp::Reverse(summary.created));
        let mut history = History::default();
        let recent = runs.first().map(|newest| newest.created - STAGED_WITHIN_MS);
        let counts =
            |at: usize, created: Timestamp| at < RUNS_READ_MIN || recent.is_some_and(|recent| created >= recent);
        let read = (0..).zip(runs).take_while(|(at, summary)| counts(*at, summary.created));
        for (_, summary) in read {
            let run = summary.run;
            match journal.load::<Event>(&run).await {
                Ok(records) => history.past.extend(Past::of(&records).map(|past| (run, past))),
                Err(e) => {
                    history.warnings.push(format!("nothing is learnt from run {run}, which cannot be read: {e}"));
                }
            }
        }
        Ok(history)
    }

    /// What the runs of the plan's org teach about its business unit.
    #[must_use]
    pub(super) fn learnt(&self, plan: &Plan) -> Learnt {
        let here: Vec<Past> = self.here(plan).map(|(_, past)| past.clone()).collect();
        learn(&here, &plan.business_unit.id)
    }

    /// How remedies fared in the newest runs of the plan's org.
    #[must_use]
    pub(super) fn remedies(&self, plan: &Plan) -> Vec<Fared> {
        let here: Vec<Past> = self.here(plan).map(|(_, past)| past.clone()).collect();
        learn_remedies(&here)
    }

    /// Another run than `run` that still goes on, or is still to come, and publishes the plan's schedule.
    pub(super) fn rival(&self, plan: &Plan, run: Option<&RunId>) -> Option<RunId> {
        let open = self.open(plan);
        let mut others = open.iter().filter(|(other, past)| Some(other) != run && past.schedule == plan.schedule.id);
        others.next().map(|(other, _)| other.clone())
    }

    /// The same as if this run were not there.
    pub(super) fn without(&self, run: &RunId) -> History {
        let past = self.past.iter().filter(|(other, _)| other != run).cloned().collect();
        History { past, warnings: self.warnings.clone() }
    }

    /// Runs of the plan's org that still go on, or are still to come.
    pub(super) fn open(&self, plan: &Plan) -> Vec<&(RunId, Past)> {
        self.here(plan).filter(|(_, past)| past.state == PastState::Open).collect()
    }

    /// The run that still goes on, or is still to come, and of which `is_it` holds.
    #[must_use]
    pub fn find_open(&self, is_it: impl Fn(&Past) -> bool) -> Option<&RunId> {
        let mut open = self.past.iter().filter(|(_, past)| past.state == PastState::Open);
        open.find(|(_, past)| is_it(past)).map(|(run, _)| run)
    }

    fn here(&self, plan: &Plan) -> impl Iterator<Item = &(RunId, Past)> {
        self.past.iter().filter(|(_, past)| past.is_at(plan.api.as_deref()))
    }
}
