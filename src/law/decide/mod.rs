//! All control flow: `decide(run, input, now)` says what to record, what to ask of the world, and when to come back.
//!
//! The shell's part of the bargain: append `record`, then perform `perform`, then call again with the answers, or at
//! `wake_at`. Calling early or once too often is harmless. Must never: do anything itself.
//!
//! One file per phase of a run: `before` (waiting, refresh, preflight; beside them `watch`, the looks before the publish),
//! `publish` (prepare, claim, see through), `check` (sweeps and verdicts), `cure` (the ladder and the brake), `harm` (what
//! remedies do to those who are ready), `share` (which of them has the calls), `end` (settling, the last hooks); and `orders`,
//! what people tell it, `hinted`, what the platform pushes, and `page`, what goes to and comes from agents' pages; and `spent`, the account of
//! calls.

mod before;
mod check;
mod cure;
mod end;
mod harm;
mod hinted;
pub mod orders;
mod page;
mod publish;
mod share;
mod spent;
#[cfg(test)]
mod tests;
mod watch;

use crate::law::command::{Command, CommandId, Failure, FailureKind, Outcome, ReadPurpose};
use crate::law::event::{Event, Phase, StopKind};
use crate::law::hint::Hint;
use crate::law::order::{Order, OrderId};
use crate::law::run::{Closing, Goal, Run};
use crate::law::verdict::Rung;
use crate::words::clock::Timestamp;
use crate::words::hook::{HookOutcome, HookPoint, HookRun};
use crate::words::id::Seat;

/// Something that happened to the process.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Somebody told the run something.
    Ordered {
        /// Its number in the store: an order that is handed over twice is followed once.
        id: OrderId,
        /// What, who and why.
        order: Order,
    },
    /// Somebody told the run something that cannot be read.
    Unread {
        /// The order's number in the store.
        id: OrderId,
        /// What is wrong with it.
        why: String,
    },
    /// Something was pushed.
    Hinted(Hint),
    /// The process is about to end: nothing new is begun, answers to what is under way are still taken in.
    Closing,
    /// It took the run up, freshly staged or replayed from its journal.
    Started,
    /// An instant came.
    Woke,
    /// An answer came.
    Answered {
        /// To which command.
        id: CommandId,
        /// What it says.
        outcome: Outcome,
    },
}

/// What is to be done: record, then perform, then come back at `wake_at` or with an answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Step {
    /// Facts to append to the journal, all or none. The run has taken them in already.
    pub record: Vec<Event>,
    /// Questions to the world, to be asked once the append has succeeded.
    pub perform: Vec<(CommandId, Command)>,
    /// When to come back without an answer.
    pub wake_at: Option<Timestamp>,
}

/// A bug planted on purpose: the simulation must find each of them.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planted {
    /// A publish whose answer was lost is sent again at once.
    RetryBlindly,
    /// A publish in doubt that does not show up is sent again after a while.
    RepublishOnTimer,
    /// The publish is made although nobody approved it or somebody holds it.
    IgnoreHolds,
}

/// Decides. See the module's text for the bargain.
pub fn decide(run: &mut Run, input: Input, now: Timestamp) -> Step {
    let mut work = Work { run, now, step: Step::default() };
    match input {
        Input::Started => {
            work.note(Event::TakenUp);
            page::hand_over_again(&mut work);
        }
        Input::Woke => {}
        Input::Answered { id, outcome } => answered(&mut work, id, outcome),
        Input::Ordered { id, order } => orders::taken(&mut work, id, order),
        Input::Unread { id, why } => orders::unread(&mut work, id, why),
        Input::Hinted(hint) => hinted::taken(&mut work, &hint),
        Input::Closing => work.run.desk.closing = Closing::Yes,
    }
    loop {
        let before = work.run.phase;
        work.step.wake_at = None;
        advance(&mut work);
        if work.run.phase == before {
            spent::write_down(&mut work);
            hinted::write_down(&mut work);
            hinted::wait_to_listen(&mut work);
            return work.step;
        }
    }
}

/// One call of `decide`: the run, the time, and what has been decided so far.
struct Work<'a> {
    run: &'a mut Run,
    now: Timestamp,
    step: Step,
}

impl Work<'_> {
    /// Records a fact; the run takes it in at once.
    fn note(&mut self, event: Event) {
        self.run.apply(self.now, &event);
        self.step.record.push(event);
    }
    /// Asks the world.
    fn ask(&mut self, command: Command) {
        let desk = &mut self.run.desk;
        desk.last_command += 1;
        let id = CommandId(desk.last_command);
        desk.under_way.insert(id, command.clone());
        self.step.perform.push((id, command));
    }
    /// Comes back at `at`, or sooner.
    fn wake(&mut self, at: Timestamp) {
        let at = at.max(self.now + 1);
        self.step.wake_at = Some(self.step.wake_at.map_or(at, |earlier| earlier.min(at)));
    }
    fn enter(&mut self, phase: Phase) {
        self.note(Event::PhaseEntered { phase });
    }
    /// Stops the run; one that has stopped already keeps its reason, whatever answers still come.
    fn stop(&mut self, kind: StopKind, why: String) {
        if self.run.stop.is_some() {
            return;
        }
        self.note(Event::Stopped { kind, why });
    }
    fn under_way(&self, which: impl Fn(&Command) -> bool) -> bool {
        self.run.desk.under_way.values().any(which)
    }
    /// Looks at an agent from `at` on. Looks are gathered into slots, so that agents whose instants lie close together are
    /// seen in one bulk read.
    fn look(&mut self, seat: Seat, at: Timestamp) {
        let slot = check::SWEEP_SPACING_MS;
        let at = Timestamp(at.0.saturating_add(slot - 1).div_euclid(slot).saturating_mul(slot));
        let urgency = self.run.plan.urgency(seat);
        self.run.desk.look.put(seat, at, urgency);
    }
    /// How many more commands may be under way; what runs beside the phases takes nothing from them.
    fn room(&self) -> usize {
        let is_apart = |command: &Command| {
            *command == Command::Preflight || watch::is_of_a_look(command) || page::is_for_a_page(command)
        };
        let own = self.run.desk.under_way.values().filter(|command| !is_apart(command)).count();
        self.run.plan.limits.in_flight_max.saturating_sub(own)
    }
    /// Runs the hooks of a moment, once. True when they have run.
    fn hooked(&mut self, point: HookPoint) -> bool {
        if self.run.hooked.contains(&point) {
            return true;
        }
        if !self.under_way(|c| matches!(c, Command::RunHooks { point: p, .. } if *p == point)) {
            self.ask(Command::RunHooks { point, seat: None });
        }
        false
    }
}

fn advance(work: &mut Work) {
    if work.run.desk.closing == Closing::Yes || beyond(work.run.desk.goal, work.run.phase) {
        return;
    }
    match work.run.phase {
        Phase::Waiting => before::wait(work),
        Phase::Refreshing => before::refresh(work),
        Phase::Preparing => publish::prepare(work),
        Phase::Publishing => publish::see_through(work),
        Phase::Checking => check::check(work),
        Phase::Settling => end::settle(work),
        Phase::Settled => {
            work.hooked(HookPoint::Settled);
        }
        Phase::Stopped => end::stopped(work),
        Phase::InDoubt => end::in_doubt(work),
    }
}

/// Whether a phase lies beyond what this process was asked for. The end of a run that stopped or is in doubt never does:
/// its hooks must be heard.
fn beyond(goal: Goal, phase: Phase) -> bool {
    let last = match goal {
        Goal::End => return false,
        Goal::Refreshed => Phase::Refreshing,
        Goal::Published => Phase::Publishing,
        Goal::Checked => Phase::Checking,
    };
    match phase {
        Phase::Waiting
        | Phase::Refreshing
        | Phase::Preparing
        | Phase::Publishing
        | Phase::Checking
        | Phase::Settling
        | Phase::Settled => phase > last,
        Phase::Stopped | Phase::InDoubt => false,
    }
}

/// Hands an answer to the room that asked. Answers to commands that are not under way are late or repeated: no one's.
fn answered(work: &mut Work, id: CommandId, outcome: Outcome) {
    let Some(command) = work.run.desk.under_way.remove(&id) else { return };
    spent::count(work, &command, &outcome);
    match command {
        Command::ReadSchedule => publish::schedule_seen(work, outcome),
        Command::PrepareUpload { .. } => publish::upload_ready(work, outcome),
        Command::Publish { .. } => publish::answered(work, outcome),
        Command::RefreshToken { seat, via, .. } => before::token_answered(work, seat, via, outcome),
        Command::ReadUsers { purpose: ReadPurpose::Watch, .. } => watch::seen(work, None, outcome),
        Command::ReadPhones { page, purpose: ReadPurpose::Watch } => watch::seen(work, Some(page), outcome),
        Command::ReadUsers { seats, purpose } => check::users_seen(work, &seats, purpose, outcome),
        Command::ReadPhones { page, .. } => check::phones_seen(work, page, outcome),
        Command::ReadPhone { .. } => check::phone_seen(work, outcome),
        Command::ProbeMedia { seat, since } => check::probed(work, seat, since, outcome),
        Command::ResetSessions { seats } => cure::answered(work, Rung::SessionReset, seats, outcome),
        Command::Reassociate { seat } => cure::answered(work, Rung::Reassociate, vec![seat], outcome),
        Command::RebootPhones { phones } => {
            let seats = phones.into_iter().map(|(seat, _)| seat).collect();
            cure::answered(work, Rung::RebootPhone, seats, outcome);
        }
        Command::RevokeTokens { seat } => cure::answered(work, Rung::RevokeTokens, vec![seat], outcome),
        Command::ReadPages { seats, since } => check::pages_seen(work, &seats, since, outcome),
        Command::TellPage { seat, errand } => page::told(work, seat, errand, outcome),
        Command::Preflight => before::preflighted(work, outcome),
        Command::RunHooks { point, seat } => hooks_ran(work, point, seat, outcome),
    }
}

fn hooks_ran(work: &mut Work, point: HookPoint, seat: Option<Seat>, outcome: Outcome) {
    let results = match outcome {
        Outcome::HooksRan(results) => results,
        other => vec![not_run(&other)],
    };
    let problem = results.iter().find_map(|r| r.problem().map(|p| format!("hook {} {p}", r.name)));
    work.note(Event::HooksRan { point, seat, results });
    if let Some(seat) = seat {
        cure::answered(work, Rung::Ask, vec![seat], Outcome::RemedyAccepted);
    }
    if let (true, Some(why)) = (point.vetoes(), problem) {
        work.stop(StopKind::Vetoed, why);
    }
}

/// Hooks that could not even be started count as one failing hook: a veto must not be lost with its executable.
fn not_run(outcome: &Outcome) -> HookRun {
    let why = outcome.failure().map_or_else(|| "they brought no result".to_owned(), Failure::to_string);
    HookRun { name: "hooks".to_owned(), outcome: HookOutcome::CouldNotStart(why), output: String::new() }
}

/// The failure in an outcome; an outcome that does not belong to its command is a failure of ours, and says so.
fn failure_in(outcome: Outcome) -> Failure {
    let misplaced = || Failure::plain(FailureKind::Malformed, "the answer does not belong to the question");
    outcome.failure().cloned().unwrap_or_else(misplaced)
}
