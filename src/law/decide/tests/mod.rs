//! Decisions, one story each: feed inputs, look at what is recorded and asked. Here is the desk they are told at.
//!
//! Must never: share a rule with `decide`; a desk only carries answers.

mod check;
mod elsewhere;
mod harm;
mod hinted;
mod orders;
mod page;
mod preflight;
mod publish;
mod retry;
mod share;
mod shift;
mod spent;
mod unsent;
mod watch;
mod wave;

use std::sync::Arc;

use super::{Input, Step, decide};
use crate::law::agent::{RemedyState, TokenState};
use crate::law::audit::Auditor;
use crate::law::command::{
    Command, CommandId, Failure, FailureKind, Outcome, PhoneSeen, PublishAnswer, ReadPurpose, ScheduleState, UploadKey,
    UserSeen,
};
use crate::law::event::{Drift, Event, Phase, Record, StopKind, Wait};
use crate::law::order::{Order, OrderId, Wish};
use crate::law::plan::{
    Approval, BusinessUnit, Limits, Mechanisms, Member, OnDrift, PinnedSchedule, Plan, Policy, RemedyPolicy, Shift,
    Timing,
};
use crate::law::run::{Brake, Goal, Run};
use crate::law::verdict::{
    CallState, Deferral, Missing, PhoneState, PresenceState, ProbeState, Reason, Rung, StationState, Verdict,
};
use crate::words::clock::{Seed, Timestamp};
use crate::words::hook::{HookOutcome, HookPoint, HookRun};
use crate::words::id::{AgentId, BusinessUnitId, ManagementUnitId, PhoneId, ScheduleId, Seat, StationId, WeekDate};
use crate::words::secret::Secret;

const T: Timestamp = Timestamp(10_000_000);

fn plan(agents: u32) -> Plan {
    let member = |n: u32| Member {
        agent: AgentId::new(&format!("agent-{n}")).unwrap(),
        name: format!("Agent {n}"),
        management_unit: ManagementUnitId::new("mu").unwrap(),
        // The last in the roster is the most urgent.
        shift_start: Some(T + 3_600_000 - i64::from(n) * 60_000),
        enrolled: n.is_multiple_of(2),
    };
    Plan {
        api: None,
        client: None,
        business_unit: BusinessUnit { id: BusinessUnitId::new("bu").unwrap(), name: "Customer Care".to_owned() },
        week: WeekDate::new("2026-11-30").unwrap(),
        schedule: PinnedSchedule { id: ScheduleId::new("s").unwrap(), description: "Draft".to_owned(), version: 7 },
        publish_at: T,
        zone: "America/Chicago".to_owned(),
        roster: (0..agents).map(member).collect(),
        timing: Timing::default(),
        limits: Limits::default(),
        remedies: RemedyPolicy::default(),
        mechanisms: Mechanisms { session_reset: true, ..Mechanisms::default() },
        seed: Seed(1),
        policy: Policy::default(),
    }
}

/// A run with its journal, and the commands that wait for an answer.
struct Desk {
    run: Run,
    now: Timestamp,
    journal: Vec<Record>,
    open: Vec<(CommandId, Command)>,
    wake_at: Option<Timestamp>,
    preflight: Preflights,
}

/// What becomes of a preflight that is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Preflights {
    /// It waits for its answer like everything.
    Asked,
    /// It finds nothing, at once.
    AllWell,
}

impl Desk {
    /// Whatever a preflight is asked for, all is well.
    fn at(now: Timestamp, plan: Plan) -> Desk {
        Desk { preflight: Preflights::AllWell, ..Desk::bare(now, plan) }.all_well()
    }
    fn bare(now: Timestamp, plan: Plan) -> Desk {
        let staged = Record { seq: 1, at: T - 3_600_000, event: Event::Staged { plan: Box::new(plan.clone()) } };
        let run = Run::staged(Arc::new(plan));
        let mut desk =
            Desk { run, now, journal: vec![staged], open: Vec::new(), wake_at: None, preflight: Preflights::Asked };
        desk.feed(Input::Started);
        desk
    }
    fn feed(&mut self, input: Input) {
        let before = self.run.seq;
        let Step { record, perform, wake_at } = decide(&mut self.run, input, self.now);
        self.journal.extend((before + 1..).zip(record).map(|(seq, event)| Record { seq, at: self.now, event }));
        self.open.extend(perform);
        self.wake_at = wake_at;
        if self.preflight == Preflights::AllWell && self.asked(|c| *c == Command::Preflight) > 0 {
            self.answer(|c| *c == Command::Preflight, Outcome::Preflighted(Vec::new()));
        }
    }
    fn all_well(mut self) -> Desk {
        self.feed(Input::Woke);
        self
    }
    /// Time passes until the run wants to be woken.
    fn sleep(&mut self) {
        self.now = self.wake_at.expect("the run has nothing to wait for");
        self.feed(Input::Woke);
    }
    /// Answers the oldest command that `which` picks.
    fn answer(&mut self, which: impl Fn(&Command) -> bool, outcome: Outcome) -> CommandId {
        let at = self.open.iter().position(|(_, c)| which(c));
        let at = at.unwrap_or_else(|| panic!("nothing of the kind is asked, but {:?}", self.open));
        let (id, _) = self.open.remove(at);
        self.feed(Input::Answered { id, outcome });
        id
    }
    /// Somebody tells the run something; the numbers of the orders count up from 1.
    fn order(&mut self, wish: Wish) {
        self.order_for(wish, None);
    }
    fn order_for(&mut self, wish: Wish, agent: Option<AgentId>) {
        let id = OrderId(self.run.orders.len() as u64 + 1);
        let order = Order { wish, agent, who: "ann".to_owned(), why: "as told".to_owned() };
        self.feed(Input::Ordered { id, order });
    }
    fn hooks(&mut self, point: HookPoint) {
        self.answer(|c| matches!(c, Command::RunHooks { point: p, .. } if *p == point), Outcome::HooksRan(Vec::new()));
    }
    /// The process dies and another replays the journal.
    fn restart(&mut self) {
        let replayed = Run::replay(&self.journal).unwrap();
        assert_eq!(replayed, self.run, "the journal replays to the run");
        self.run = replayed;
        self.open.clear();
        self.feed(Input::Started);
    }
    fn events(&self, which: impl Fn(&Event) -> bool) -> usize {
        self.journal.iter().filter(|r| which(&r.event)).count()
    }
    fn asked(&self, which: impl Fn(&Command) -> bool) -> usize {
        self.open.iter().filter(|(_, c)| which(c)).count()
    }
    fn stopped(&self) -> Option<StopKind> {
        self.run.stop.as_ref().map(|(kind, _)| *kind)
    }
    /// Every story ends here: what was recorded breaks no rule.
    fn audit(&self) {
        Auditor::check(&self.journal).unwrap();
    }
    /// On to the instant of the claim, with nobody to refresh.
    fn to_the_claim(plan: Plan) -> Desk {
        let start = T - plan.timing.prepare_lead_ms;
        let mut desk = Desk::at(start, plan);
        desk.hooks(HookPoint::PreRefresh);
        desk.hooks(HookPoint::PrePublish);
        desk.answer(is_schedule, schedule(7, false));
        desk.answer(|c| matches!(c, Command::PrepareUpload { .. }), upload());
        desk.sleep();
        // The last look, shortly before T.
        desk.answer(is_schedule, schedule(7, false));
        desk.sleep();
        assert_eq!(desk.now, T);
        desk
    }
    /// On to the first sweep, with `users` and `phones` as they are seen there.
    fn to_the_check(plan: Plan, state: impl Fn(Seat) -> (CallState, PhoneState)) -> Desk {
        let mut desk = Desk::to_the_claim(plan);
        desk.answer(is_publish, accepted());
        desk.sleep();
        desk.answer(is_schedule, schedule(8, true));
        desk.hooks(HookPoint::PostPublish);
        desk.sleep();
        desk.sweep(state);
        desk
    }
    fn sweep(&mut self, state: impl Fn(Seat) -> (CallState, PhoneState)) {
        while let Some((_, command)) = self.open.iter().find(|(_, c)| is_sweep(c)).cloned() {
            let outcome = match &command {
                Command::ReadUsers { seats, .. } => {
                    Outcome::Users(seats.iter().map(|s| user(*s, state(*s).0)).collect())
                }
                Command::ReadPhone { seat, .. } => phones(&[*seat], &state),
                _ => phones(&self.run.all_seats().collect::<Vec<_>>(), &state),
            };
            self.answer(|c| *c == command, outcome);
        }
    }
    /// Lets the run of one agent go on to its end, with a phone that stays in this state; remedies are answered by `remedy`.
    fn go_to_the_end(&mut self, state: impl Fn(Seat) -> (CallState, PhoneState), remedy: impl FnMut() -> Outcome) {
        self.go_until(Run::is_over, state, remedy);
    }
    /// The same until something is so.
    fn go_until(
        &mut self,
        is_so: impl Fn(&Run) -> bool,
        state: impl Fn(Seat) -> (CallState, PhoneState),
        mut remedy: impl FnMut() -> Outcome,
    ) {
        while !is_so(&self.run) {
            let Some((id, command)) = self.open.pop() else {
                self.sleep();
                continue;
            };
            let outcome = match &command {
                Command::ReadUsers { seats, .. } => {
                    Outcome::Users(seats.iter().map(|s| user(*s, CallState::Free)).collect())
                }
                Command::ReadPhones { .. } | Command::ReadPhone { .. } => phones(&[Seat(0)], &state),
                Command::RunHooks { .. } => Outcome::HooksRan(Vec::new()),
                _ => remedy(),
            };
            self.feed(Input::Answered { id, outcome });
        }
    }
}

fn is_publish(c: &Command) -> bool {
    matches!(c, Command::Publish { .. })
}
fn is_schedule(c: &Command) -> bool {
    matches!(c, Command::ReadSchedule)
}
fn is_sweep(c: &Command) -> bool {
    matches!(
        c,
        Command::ReadUsers { purpose: ReadPurpose::Sweep, .. } | Command::ReadPhones { .. } | Command::ReadPhone { .. }
    )
}
fn is_look_before(c: &Command) -> bool {
    matches!(c, Command::ReadUsers { purpose: ReadPurpose::BeforeRemedy, .. })
}
fn schedule(version: i64, published: bool) -> Outcome {
    Outcome::Schedule(ScheduleState { version, published })
}
fn upload() -> Outcome {
    Outcome::UploadReady(UploadKey(Secret::new("key".to_owned())))
}
fn failure(kind: FailureKind) -> Failure {
    Failure::plain(kind, "as told")
}
fn accepted() -> Outcome {
    Outcome::Published { answer: PublishAnswer::Accepted { operation: None }, left: Some(T) }
}
fn doubt(kind: FailureKind) -> Outcome {
    Outcome::Published { answer: PublishAnswer::Doubt(failure(kind)), left: Some(T) }
}
fn not_done(kind: FailureKind) -> Outcome {
    Outcome::Published { answer: PublishAnswer::NotDone(failure(kind)), left: Some(T) }
}
fn user(seat: Seat, call: CallState) -> UserSeen {
    let station = StationState::Associated(StationId::new("station").unwrap());
    UserSeen { seat, token_issued: None, station, presence: PresenceState::LoggedIn, call }
}
fn phones(seats: &[Seat], state: &impl Fn(Seat) -> (CallState, PhoneState)) -> Outcome {
    let phone = |seat: &Seat| PhoneSeen {
        agent: AgentId::new(&format!("agent-{}", seat.0)).unwrap(),
        phone: PhoneId::new(&format!("phone-{}", seat.0)).unwrap(),
        state: state(*seat).1,
    };
    Outcome::Phones { seen: seats.iter().map(phone).collect(), pages: 1 }
}
fn well(_: Seat) -> (CallState, PhoneState) {
    (CallState::Free, PhoneState::Up)
}
