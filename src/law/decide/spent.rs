//! The account of calls: what the answers have cost, written down about once a minute while anything is spent.
//!
//! It is written with whatever is decided anyway: no wake-up is worth a line in an account. Must never: hold anything up, or
//! write after the end of a run.

use super::Work;
use crate::law::command::{Command, Outcome};
use crate::law::event::{Event, Phase};
use crate::law::run::{Account, Closing};
use crate::law::spent::Spent;

/// An account is written down when it has been open for so long, in ms: the window of the platform's rate limit.
const ACCOUNT_MS: i64 = 60_000;

/// An answer has come: what it cost is added to the account that is open.
pub(super) fn count(work: &mut Work, command: &Command, outcome: &Outcome) {
    let spent = Spent::on(command, outcome);
    if spent.is_nothing() {
        return;
    }
    write_down(work);
    let (since, phase) = (work.now, work.run.phase);
    let account = work.run.desk.account.get_or_insert(Account { since, phase, spent: Spent::default() });
    account.spent = account.spent.plus(spent);
}

/// Writes the account down when it has been open for long enough, when the run has moved on, or the process is about to end.
pub(super) fn write_down(work: &mut Work) {
    let Some(Account { since, phase, .. }) = work.run.desk.account else { return };
    // The claim goes to the disk alone: nothing may make it later.
    if matches!(work.step.record.last(), Some(Event::PublishClaimed { .. })) {
        return;
    }
    let is_full = work.now.since_ms(since) >= ACCOUNT_MS || work.run.desk.closing == Closing::Yes;
    let is_due = match work.run.phase {
        Phase::Waiting | Phase::Refreshing | Phase::Preparing | Phase::Publishing | Phase::Checking => {
            is_full || work.run.phase != phase
        }
        Phase::Settling | Phase::Settled | Phase::Stopped | Phase::InDoubt => true,
    };
    let account = work.run.desk.account.take_if(|_| is_due);
    if let Some(Account { since, spent, .. }) = account.filter(|_| !work.run.is_over()) {
        work.note(Event::Spent { since, calls: spent.calls, refused: spent.refused });
    }
}
