//! One life: a queue of happenings in virtual time, a process that may die at any boundary, and the checks after each step.
//!
//! Must never: let the process see more than a real one would: its journal, its vault, its answers.

mod pages;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::ear::{Ear, Pushed, Told};
use super::lot::{Budget, Hints, Lot, Revoking};
use super::{Story, setup};
use crate::hands::genesys::{AppClient, Call, Hosts, Next, Org, OrgSettings};
use crate::hands::journal::{Holder, JournalError, Lease, MemoryJournal};
use crate::law::audit::Auditor;
use crate::law::command::{Command, CommandId, Concern, Outcome, Weight};
use crate::law::decide::{Input, Step, decide};
use crate::law::event::{Event, Phase, Record};
use crate::law::hint::{Hint, Stirred};
use crate::law::order::{Order, OrderId, Wish};
use crate::law::plan::Plan;
use crate::law::run::Run;
use crate::law::verdict::{Rung, Verdict};
use crate::shells::driver::claim_in;
use crate::shells::perform::{agent_of, bound};
use crate::twin::truth::Touch;
use crate::twin::{Truth, Twin};
use crate::words::clock::{Seed, Timestamp};
use crate::words::hook::{HookOutcome, HookRun};
use crate::words::http::{Lost, Request, Response};
use crate::words::id::{AgentId, RunId};
use crate::words::secret::{Grant, Secret};

/// A Friday at 16:00 Central: 2026-11-27T22:00:00Z.
const T: Timestamp = Timestamp(1_795_816_800_000);
/// How long the client waits for an answer, as the real one does.
const PATIENCE_MS: i64 = 30_000;
/// From so long after T on, nothing fails any more: what is right must now come about.
const QUIET_AFTER_MS: i64 = 720_000;
/// How long a process may be silent and still lead; longer than any life, so that none of them has to renew it.
const LEASE_MS: i64 = 7 * 86_400_000;
/// The share of wake-ups after which something is pushed.
const HINTED_SHARE: f64 = 0.2;
/// A life with more happenings than this is stuck.
const HAPPENINGS_MAX: u32 = 1_000_000;

/// A life that went well.
#[derive(Debug, Clone)]
pub struct Lived {
    /// How the run ended.
    pub phase: Phase,
    /// How often the process died.
    pub crashes: u32,
    /// Events in its journal.
    pub events: u64,
    /// Happenings in all.
    pub happenings: u32,
    /// The run at its end, as its journal tells it.
    pub run: Run,
    /// Its journal.
    pub journal: Vec<Record>,
    /// What is really so at its end.
    pub truth: Truth,
    /// Requests that reached the org, without those of the staging.
    pub requests: u64,
    /// What was heard of what the org pushed.
    pub pushed: Pushed,
    /// What the brake stopped, and why.
    pub brakes: Vec<(Option<Rung>, String)>,
    /// The story, if it was told.
    pub story: Vec<String>,
}

/// A broken rule, and how it came about.
#[derive(Debug, Clone)]
pub struct Found {
    /// The seed that repeats it.
    pub seed: u64,
    /// What is wrong.
    pub what: String,
    /// The circumstances.
    pub lot: Box<Lot>,
    /// The story so far, if it was told.
    pub story: Vec<String>,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.story {
            writeln!(f, "{line}")?;
        }
        writeln!(f, "seed {}: {}", self.seed, self.what)?;
        write!(f, "repeat it with: softlanding sim --seed {}", self.seed)
    }
}

/// Something that is going to happen.
#[derive(Debug)]
enum Happening {
    /// The process is woken.
    Wake { epoch: u32 },
    /// A call that had to wait goes on.
    Poll { epoch: u32, id: CommandId },
    /// A request reaches the org.
    Arrive { epoch: u32, id: CommandId, hop: u32, request: Request },
    /// An answer, or the lack of one, reaches the client.
    Return { epoch: u32, id: CommandId, hop: u32, answer: Result<Response, Lost> },
    /// A line on which the process listens is opened.
    Listen { epoch: u32, line: usize },
    /// Something reaches agents' pages.
    ToPages { epoch: u32, id: CommandId, what: pages::OnItsWay },
    /// Hooks have ended, or a preflight, or pages have answered.
    Over { epoch: u32, id: CommandId, outcome: Outcome },
    /// The process is taken up (again).
    TakeUp,
    /// Somebody else edits the schedule.
    Edit,
    /// Somebody tells the run something: it lies in the store from now on.
    Order { order: Order },
    /// The process is asked to end, and dies a little later.
    Close,
    /// It dies.
    Die { epoch: u32 },
}

/// What dies with the process.
struct Process {
    run: Run,
    lease: Lease,
    org: Org,
    calls: BTreeMap<CommandId, OnItsWay>,
    wake_at: Option<Timestamp>,
}

struct OnItsWay {
    call: Call,
    agent: Option<AgentId>,
    /// Requests so far: an answer to an earlier one is no one's.
    hop: u32,
}

/// One Friday under way.
pub(super) struct Life {
    seed: u64,
    lot: Lot,
    story: Story,
    told: Vec<String>,
    now: Timestamp,
    order: u64,
    queue: BTreeMap<(Timestamp, u64), Happening>,
    chance: Seed,
    /// What is hinted, and when, where nobody listens to what is pushed.
    hints: Seed,
    /// What the process listens with.
    ear: Option<Ear>,
    brakes: Vec<(Option<Rung>, String)>,
    id: RunId,
    plan: Arc<Plan>,
    journal: MemoryJournal,
    holder: Holder,
    /// The lease of the process that died last.
    lost: Option<Lease>,
    vault: BTreeMap<AgentId, Grant>,
    /// When the access tokens in it were made.
    made: BTreeMap<AgentId, Timestamp>,
    twin: Twin,
    process: Option<Process>,
    epoch: u32,
    /// Orders in the store, by number; they stay there after they were taken, as a careless store might.
    inbox: Vec<Order>,
    auditor: Auditor,
    /// 429s before the run began: staging is not under test.
    refused_at_staging: u32,
    /// The same of all requests.
    asked_at_staging: u64,
    crashes: u32,
    happenings: u32,
    #[cfg(test)]
    bug: Option<super::Bug>,
}

type Checked<T = ()> = Result<T, Box<Found>>;

impl Life {
    /// Stages the Friday; the process has not started yet.
    pub fn begin(seed: u64, lot: Lot, story: Story) -> Checked<Life> {
        let chance = Seed(seed).fork("life");
        let mut twin = Twin::new(lot.scenario.clone(), Seed(seed).fork("twin"), T, setup::BASE_URL);
        let staged_at = T - 3_600_000;
        let staged = setup::plan(&mut twin, &lot, &Seed(seed), staged_at, T);
        let found =
            |what: &str| Box::new(Found { seed, what: what.to_owned(), lot: Box::new(lot.clone()), story: Vec::new() });
        let plan = staged.ok_or_else(|| found("the simulated org cannot be staged"))?;
        let id = RunId::new("simulated").map_err(|e| found(&e.to_string()))?;
        let holder = Holder::new("simulated").map_err(|e| found(&e.to_string()))?;
        let vault = twin.enrolments().into_iter().map(|(agent, _, token)| (agent, enrolment(token))).collect();
        let mut life = Life {
            seed,
            story,
            told: Vec::new(),
            now: staged_at,
            order: 0,
            queue: BTreeMap::new(),
            hints: Seed(seed).fork("hints"),
            ear: match lot.hints {
                Hints::Drawn => None,
                Hints::Pushed => Some(Ear::new(&plan, Seed(seed).fork("ear"))),
            },
            brakes: Vec::new(),
            made: BTreeMap::new(),
            chance,
            id,
            plan: Arc::clone(&plan),
            journal: MemoryJournal::new(),
            holder,
            lost: None,
            vault,
            refused_at_staging: twin.counters().too_many_requests,
            asked_at_staging: twin.counters().requests,
            twin,
            process: None,
            epoch: 0,
            inbox: Vec::new(),
            auditor: Auditor::default(),
            crashes: 0,
            happenings: 0,
            lot,
            #[cfg(test)]
            bug: None,
        };
        life.stage(Event::Staged { plan: Box::new((*plan).clone()) })?;
        let starts_at = T - life.lot.starts_before_ms;
        life.schedule(starts_at, Happening::TakeUp);
        if life.lot.edited {
            let at = T - life.chance.between(-60_000, 600_000);
            life.schedule(at, Happening::Edit);
        }
        for (at_ms, order) in life.lot.orders.clone() {
            life.schedule(T + at_ms, Happening::Order { order });
        }
        for (at_ms, place) in life.lot.retries.clone() {
            let order = life.retry(place);
            life.schedule(T + at_ms, Happening::Order { order });
        }
        if let Some(at_ms) = life.lot.closed_at_ms {
            life.schedule(T + at_ms, Happening::Close);
        }
        Ok(life)
    }

    /// A supervisor's wish about whoever has a place in the roster, counted round.
    fn retry(&self, place: usize) -> Order {
        let roster = &self.plan.roster;
        let nobody = place == usize::MAX;
        let member = roster.get(place % roster.len().max(1)).filter(|_| !nobody);
        let agent = member.map(|member| member.agent.clone()).or_else(|| AgentId::new("somebody-else").ok());
        Order { wish: Wish::Retry, agent, who: "a supervisor".to_owned(), why: "simulated".to_owned() }
    }

    #[cfg(test)]
    pub fn plant(&mut self, bug: super::Bug) {
        self.bug = Some(bug);
    }

    /// Lives it to its end.
    pub fn live(mut self) -> Checked<Lived> {
        while let Some(((at, _), _)) = self.queue.first_key_value().map(|(key, h)| (*key, h)) {
            if self.heard_before(at)? {
                continue;
            }
            let Some((_, happening)) = self.queue.pop_first() else { break };
            self.now = self.now.max(at);
            self.happenings += 1;
            if self.happenings > HAPPENINGS_MAX {
                return self.broken("the run does not come to an end");
            }
            self.happen(happening)?;
            self.hear()?;
            self.ask_the_twin()?;
        }
        self.check_the_end()
    }

    /// While somebody listens, the org moves on by itself. Its next move, if that comes before anything else; nothing is waited
    /// for that only the org can bring, because a run must end without it.
    fn heard_before(&mut self, at: Timestamp) -> Checked<bool> {
        let listens = self.ear.is_some() && self.process.as_ref().is_some_and(|p| !p.run.is_over());
        let Some(due) = self.twin.next_due().filter(|due| listens && *due < at) else { return Ok(false) };
        self.now = self.now.max(due);
        self.twin.advance(self.now);
        self.hear()?;
        self.ask_the_twin()?;
        Ok(true)
    }

    /// What was pushed reaches the process, as far as it listens.
    fn hear(&mut self) -> Checked {
        for push in self.twin.drain_pushes() {
            let Some(ear) = &mut self.ear else { continue };
            match ear.take_in(&push, self.now) {
                Told::Nothing => {}
                Told::Hint(hint) => {
                    self.tell(|| format!("  pushed: {hint:?}"));
                    self.step(Input::Hinted(hint))?;
                }
                Told::Ended { line, again_at } => {
                    self.tell(|| format!("  socket {line} ends"));
                    let epoch = self.epoch;
                    self.schedule(again_at, Happening::Listen { epoch, line });
                }
            }
        }
        Ok(())
    }

    /// Opens a line. What was pushed while it was down is lost, so its opening is a hint of its own.
    fn listen(&mut self, epoch: u32, line: usize) -> Checked {
        let lives = epoch == self.epoch && self.process.as_ref().is_some_and(|p| !p.run.is_over());
        let Some(ear) = self.ear.as_mut().filter(|_| lives) else { return Ok(()) };
        match ear.open(line, &mut self.twin, self.now) {
            Ok(hint) => {
                self.tell(|| format!("  socket {line} is up"));
                self.step(Input::Hinted(hint))
            }
            Err(again_at) => {
                self.schedule(again_at, Happening::Listen { epoch, line });
                Ok(())
            }
        }
    }

    fn happen(&mut self, happening: Happening) -> Checked {
        match happening {
            Happening::TakeUp => self.take_up(),
            Happening::Edit => {
                self.tell(|| "somebody edits the schedule".to_owned());
                let plan = Arc::clone(&self.plan);
                // Refused when it is published already; then there is nothing to edit.
                let _edited = setup::edit(&mut self.twin, &plan, self.now);
                Ok(())
            }
            Happening::Order { order } => {
                self.tell(|| format!("{} orders: {}", order.who, order.wish.words()));
                self.inbox.push(order);
                self.hand_over_orders()
            }
            Happening::Close => {
                let (epoch, at) = (self.epoch, self.now + self.chance.between(0, 8_000));
                self.schedule(at, Happening::Die { epoch });
                self.step(Input::Closing)
            }
            Happening::Die { epoch } => {
                if epoch == self.epoch && self.process.is_some() {
                    self.die();
                }
                Ok(())
            }
            Happening::Wake { epoch } => {
                let now = self.now;
                let process = self.process.as_mut().filter(|_| epoch == self.epoch);
                // A wake-up that a later decision has moved finds nothing due.
                let due = process.and_then(|p| p.wake_at.take_if(|at| *at <= now));
                if due.is_none() {
                    return Ok(());
                }
                self.step(Input::Woke)?;
                self.hint()
            }
            Happening::Poll { epoch, id } => {
                if epoch == self.epoch {
                    self.poll(id)
                } else {
                    Ok(())
                }
            }
            Happening::Arrive { epoch, id, hop, request } => {
                self.arrive(epoch, id, hop, &request);
                Ok(())
            }
            Happening::ToPages { epoch, id, what } => self.at_the_pages(epoch, id, &what),
            Happening::Listen { epoch, line } => self.listen(epoch, line),
            Happening::Return { epoch, id, hop, answer } => self.come_back(epoch, id, hop, answer),
            Happening::Over { epoch, id, outcome } => {
                if epoch == self.epoch {
                    self.answered(id, outcome)
                } else {
                    Ok(())
                }
            }
        }
    }

    /// Now and then something is pushed, true or not: hints prove nothing, so any will do.
    fn hint(&mut self) -> Checked {
        if self.ear.is_some() || !self.hints.chance(HINTED_SHARE) {
            return Ok(());
        }
        let member = self.hints.between(0, self.plan.roster.len() as i64 - 1);
        let member = usize::try_from(member).ok().and_then(|at| self.plan.roster.get(at));
        let hint = match (self.hints.between(0, 2), member) {
            (0, Some(member)) => {
                let what = if self.hints.chance(0.5) { Stirred::Disassociated } else { Stirred::Other };
                Hint::Agent { agent: member.agent.clone(), what }
            }
            (1, _) => Hint::Gap,
            _ => Hint::Schedule,
        };
        self.step(Input::Hinted(hint))
    }

    fn take_up(&mut self) -> Checked {
        let records = self.journal.load_now(&self.id).map_err(|e| self.found(&e.to_string()))?;
        let run = Run::replay(&records).map_err(|e| self.found(&e.to_string()))?;
        if run.is_over() && run.phase != Phase::InDoubt {
            return Ok(());
        }
        self.tell(|| format!("the process takes the run up at event {}, {}", run.seq, run.phase.words()));
        #[cfg(test)]
        let run = {
            let mut run = run;
            if let Some(super::Bug::Law(planted)) = self.bug {
                run.desk.planted = Some(planted);
            }
            run
        };
        let lease = self.lead(run.seq)?;
        let mut org = Org::new(org_settings());
        org.expect(&run.plan);
        self.process = Some(Process { run, lease, org, calls: BTreeMap::new(), wake_at: None });
        self.step(Input::Started)?;
        self.hand_over_orders()
    }

    /// Every order of the store, those taken long ago as well: the run knows which are new.
    fn hand_over_orders(&mut self) -> Checked {
        for (id, order) in (1..).zip(self.inbox.clone()) {
            self.step(Input::Ordered { id: OrderId(id), order })?;
        }
        Ok(())
    }

    /// Takes the lease. The process that had it before may not be as dead as it seems: nothing that it writes counts.
    fn lead(&mut self, last_seq: u64) -> Checked<Lease> {
        self.journal.set_clock(self.now);
        let led = self.journal.lead_now(&self.id, &self.holder, LEASE_MS).map_err(|e| self.found(&e.to_string()))?;
        let Some(lease) = led else { return self.broken("nobody can lead the run") };
        if let Some(lost) = self.lost.take() {
            let written = self.journal.append_now(&lost, last_seq, self.now, &[Event::TakenUp], Some(u32::MAX));
            if !matches!(written, Err(JournalError::LeaseLost { .. })) {
                return self.broken("a process whose lease had passed on could write to the journal");
            }
        }
        Ok(lease)
    }

    /// One decision: record, then perform, with a crash possible before, between and after.
    fn step(&mut self, input: Input) -> Checked {
        let Some(process) = &mut self.process else { return Ok(()) };
        let last_seq = process.run.seq;
        let step = decide(&mut process.run, input, self.now);
        process.wake_at = step.wake_at;
        // As the driver does: nothing that is pushed before the first look is of use.
        let wanted = process.run.plan.listen_at().is_some_and(|at| at <= self.now);
        let (lines, epoch) = (self.ear.as_mut().filter(|_| wanted).and_then(Ear::pick_up), self.epoch);
        for line in lines.into_iter().flatten() {
            self.schedule(self.now, Happening::Listen { epoch, line });
        }
        if self.crashes_now() {
            return Ok(());
        }
        #[cfg(test)]
        if self.bug == Some(super::Bug::PerformBeforeRecord) {
            return self.perform_then_append(last_seq, &step);
        }
        self.append(last_seq, &step.record)?;
        if self.crashes_now() {
            return Ok(());
        }
        self.perform(&step)?;
        if let (Some(at), epoch) = (step.wake_at, self.epoch) {
            self.schedule(at, Happening::Wake { epoch });
        }
        Ok(())
    }

    /// The planted order: what leaves before the append is not in the journal when the process dies between.
    #[cfg(test)]
    fn perform_then_append(&mut self, last_seq: u64, step: &Step) -> Checked {
        self.perform(step)?;
        for (id, _) in step.perform.iter().filter(|(_, c)| matches!(c, Command::Publish { .. })) {
            self.poll(*id)?;
        }
        if self.crashes_now() {
            return Ok(());
        }
        self.append(last_seq, &step.record)?;
        if let (Some(at), epoch) = (step.wake_at, self.epoch) {
            self.schedule(at, Happening::Wake { epoch });
        }
        Ok(())
    }

    fn stage(&mut self, event: Event) -> Checked {
        let events = [event];
        self.journal.begin_now(&self.id, self.now, &events).map_err(|e| self.found(&e.to_string()))?;
        self.recorded(0, &events)
    }

    fn append(&mut self, last_seq: u64, events: &[Event]) -> Checked {
        let Some(process) = self.process.as_ref().filter(|_| !events.is_empty()) else { return Ok(()) };
        self.journal.set_clock(self.now);
        let appended = self.journal.append_now(&process.lease, last_seq, self.now, events, claim_in(events));
        appended.map_err(|e| self.found(&e.to_string()))?;
        self.recorded(last_seq, events)
    }

    fn recorded(&mut self, last_seq: u64, events: &[Event]) -> Checked {
        for (seq, event) in (last_seq + 1..).zip(events) {
            self.tell(|| format!("  recorded {seq}: {}", brief(event)));
            let record = Record { seq, at: self.now, event: event.clone() };
            self.auditor.see(&record).map_err(|violation| self.found(&violation.to_string()))?;
            if let Event::BrakeApplied { rung, why } = event {
                self.brakes.push((*rung, why.clone()));
            }
            if matches!(event, Event::Settled { .. }) {
                self.compare_verdicts()?;
            }
        }
        Ok(())
    }

    fn perform(&mut self, step: &Step) -> Checked {
        let epoch = self.epoch;
        for (id, command) in &step.perform {
            self.tell(|| format!("  asks {}: {command:?}", id.0));
            if let Some(outcome) = self.left(command) {
                self.schedule(self.now, Happening::Over { epoch, id: *id, outcome });
                continue;
            }
            match command {
                Command::RunHooks { .. } => {
                    let outcome = if self.fault(self.lot.hook_fails) { HookOutcome::Exit(1) } else { HookOutcome::Ok };
                    let result = HookRun { name: "10-simulated".to_owned(), outcome, output: String::new() };
                    let at = self.now + self.chance.between(0, 5_000);
                    self.schedule(at, Happening::Over { epoch, id: *id, outcome: Outcome::HooksRan(vec![result]) });
                }
                Command::Preflight => {
                    let concern = Concern {
                        what: "permissions".to_owned(),
                        words: "one is missing".to_owned(),
                        fix: None,
                        weight: Weight::Stops,
                    };
                    let concerns = if self.fault(self.lot.hook_fails) { vec![concern] } else { Vec::new() };
                    let at = self.now + self.chance.between(0, 30_000);
                    self.schedule(at, Happening::Over { epoch, id: *id, outcome: Outcome::Preflighted(concerns) });
                }
                Command::ReadPages { .. } | Command::TellPage { .. } => self.send_to_pages(*id, command),
                command => {
                    let agent = agent_of(command, &self.plan);
                    let held = agent.as_ref().and_then(|a| self.vault.get(a).cloned());
                    let not_after = command.not_after(self.now, self.plan.limits.on_call_fresh_ms);
                    #[cfg(test)]
                    let not_after = not_after.filter(|_| self.bug != Some(super::Bug::LateRemedy));
                    let call = bound(Call::new(command, &self.plan, held), not_after);
                    if let Some(process) = &mut self.process {
                        process.calls.insert(*id, OnItsWay { call, agent, hop: 0 });
                    }
                    self.schedule(self.now, Happening::Poll { epoch, id: *id });
                }
            }
            if self.crashes_now() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The token that is young enough, as the real vault tells.
    fn left(&self, command: &Command) -> Option<Outcome> {
        let Command::RefreshToken { unless: Some(young), .. } = command else { return None };
        let agent = agent_of(command, &self.plan)?;
        let (made_at, grant) = (*self.made.get(&agent)?, self.vault.get(&agent)?);
        let expires_at = grant.access_token.as_ref().map(|(_, ends)| *ends)?;
        young.fits(made_at, expires_at).then_some(Outcome::TokenLeft { made_at, expires_at })
    }

    /// Lets a call go on until it sends, waits or is done.
    fn poll(&mut self, id: CommandId) -> Checked {
        let now = self.now;
        let Some(process) = &mut self.process else { return Ok(()) };
        let Some(way) = process.calls.get_mut(&id) else { return Ok(()) };
        match way.call.next(&mut process.org, now) {
            Next::Send(request) => {
                way.hop += 1;
                let hop = way.hop;
                self.send(id, hop, request);
                Ok(())
            }
            Next::Wait(at) => {
                let epoch = self.epoch;
                self.schedule(at.max(now + 1), Happening::Poll { epoch, id });
                Ok(())
            }
            Next::Done(done) => {
                let agent = way.agent.clone();
                process.calls.remove(&id);
                if let (Some(agent), Some(grant)) = (agent, done.grant) {
                    self.made.insert(agent.clone(), now);
                    self.vault.insert(agent, grant);
                }
                if self.crashes_now() {
                    return Ok(());
                }
                self.answered(id, done.outcome)
            }
        }
    }

    fn answered(&mut self, id: CommandId, outcome: Outcome) -> Checked {
        self.tell(|| format!("  answer to {}: {}", id.0, cut(&format!("{outcome:?}"))));
        let twice = self.fault(self.lot.answer_twice);
        self.step(Input::Answered { id, outcome: outcome.clone() })?;
        if twice { self.step(Input::Answered { id, outcome }) } else { Ok(()) }
    }

    fn send(&mut self, id: CommandId, hop: u32, request: Request) {
        let epoch = self.epoch;
        let latency = self.chance.between(0, self.lot.latency_max_ms);
        let gives_up_at = self.now + PATIENCE_MS;
        let nothing = || Err(Lost::NoAnswer("simulated".to_owned()));
        if self.fault(self.lot.not_sent) {
            let answer = Err(Lost::NotSent("simulated".to_owned()));
            self.schedule(self.now + latency, Happening::Return { epoch, id, hop, answer });
        } else if self.fault(self.lot.request_lost) {
            self.tell(|| format!("  lost on the way: {request:?}"));
            self.schedule(gives_up_at, Happening::Return { epoch, id, hop, answer: nothing() });
        } else if self.fault(self.lot.request_late) {
            let arrives_at = gives_up_at + self.chance.between(1, 120_000);
            self.tell(|| format!("  will arrive late: {request:?}"));
            self.schedule(gives_up_at, Happening::Return { epoch, id, hop, answer: nothing() });
            self.schedule(arrives_at, Happening::Arrive { epoch, id, hop, request });
        } else {
            self.schedule(self.now + latency, Happening::Arrive { epoch, id, hop, request });
        }
    }

    fn arrive(&mut self, epoch: u32, id: CommandId, hop: u32, request: &Request) {
        let response = self.twin.handle(self.now, request);
        self.tell(|| format!("    org: {request:?} -> {}", response.status));
        let delay_ms: i64 = response.header_value("x-twin-delay-ms").and_then(|v| v.parse().ok()).unwrap_or(0);
        let latency = self.chance.between(0, self.lot.latency_max_ms) + delay_ms;
        let lost = self.fault(self.lot.answer_lost) || latency > PATIENCE_MS;
        let answer = if lost { Err(Lost::NoAnswer("simulated".to_owned())) } else { Ok(response) };
        let at = self.now + if lost { PATIENCE_MS } else { latency };
        if self.fault(self.lot.answer_twice) {
            self.schedule(at + 1, Happening::Return { epoch, id, hop, answer: answer.clone() });
        }
        self.schedule(at, Happening::Return { epoch, id, hop, answer });
    }

    fn come_back(&mut self, epoch: u32, id: CommandId, hop: u32, answer: Result<Response, Lost>) -> Checked {
        let now = self.now;
        let Some(process) = self.process.as_mut().filter(|_| epoch == self.epoch) else { return Ok(()) };
        let Some(way) = process.calls.get_mut(&id).filter(|way| way.hop == hop) else { return Ok(()) };
        // From here on an answer to this request is a repetition.
        way.hop += 1;
        way.call.answer(&mut process.org, now, answer);
        self.poll(id)
    }

    /// Draws a fault; after a while there are none, so that what is right must come about.
    fn fault(&mut self, share: f64) -> bool {
        share > 0.0 && self.now < T + QUIET_AFTER_MS && self.chance.chance(share)
    }

    fn crashes_now(&mut self) -> bool {
        if !self.fault(self.lot.crash) {
            return false;
        }
        self.die();
        true
    }

    fn die(&mut self) {
        self.tell(|| "the process dies".to_owned());
        self.lost = self.process.take().map(|process| process.lease);
        self.ear.iter_mut().for_each(Ear::hang_up);
        self.epoch += 1;
        self.crashes += 1;
        let at = self.now + self.chance.between(1, self.lot.down_max_ms);
        self.schedule(at, Happening::TakeUp);
    }

    fn schedule(&mut self, at: Timestamp, happening: Happening) {
        self.order += 1;
        self.queue.insert((at.max(self.now), self.order), happening);
    }

    /// What must hold of the world after every happening, whatever the run believes.
    fn ask_the_twin(&self) -> Checked {
        let counters = self.twin.counters();
        if counters.publishes_applied > 1 {
            return self.broken("the schedule was published twice");
        }
        if counters.touched_on_call > 0 && !self.could_not_know(counters.touched_into_call_ms_max) {
            return self.broken("an agent on a call was touched");
        }
        if counters.too_many_requests > self.refused_at_staging {
            return self.broken("the rate limit was exceeded");
        }
        Ok(())
    }

    /// Whether every call that was disturbed began only after the look that the remedy rests on: the look's answer and the
    /// remedy take their time on the way, and between them the look may be as old as the plan allows.
    fn could_not_know(&self, into_call_ms: Option<i64>) -> bool {
        let ms = self.plan.limits.on_call_fresh_ms + 2 * self.lot.latency_max_ms;
        self.lot.budget == Budget::Tight && into_call_ms.is_none_or(|into| into <= ms)
    }

    fn check_the_end(mut self) -> Checked<Lived> {
        let records = self.journal.load_now(&self.id).map_err(|e| self.found(&e.to_string()))?;
        let replayed = Run::replay(&records).map_err(|e| self.found(&e.to_string()))?;
        if let Some(process) = &self.process
            && process.run != replayed
        {
            return self.broken("the journal does not replay to the run that wrote it");
        }
        if !replayed.is_over() {
            return self.broken(&format!("nothing more happens, and the run stands at {}", replayed.phase.words()));
        }
        let applied = self.twin.counters().publishes_applied;
        if applied > 0 && self.lot.forbids_the_publish() {
            return self.broken("the schedule was published although nobody approved it, or somebody had aborted it");
        }
        if self.has_revoked_on_shift() {
            return self.broken("tokens were revoked on shift, and nobody had consented");
        }
        match replayed.phase {
            Phase::Settled if applied != 1 => return self.broken("the run settled without a publish"),
            Phase::Stopped if applied != 0 => return self.broken("the run says that it did not publish, and it did"),
            Phase::Settled | Phase::Stopped | Phase::InDoubt => {}
            Phase::Waiting
            | Phase::Refreshing
            | Phase::Preparing
            | Phase::Publishing
            | Phase::Checking
            | Phase::Settling => {}
        }
        Ok(Lived {
            phase: replayed.phase,
            crashes: self.crashes,
            events: replayed.seq,
            happenings: self.happenings,
            truth: self.twin.truth(),
            requests: self.twin.counters().requests - self.asked_at_staging,
            pushed: self.ear.as_ref().map(|ear| ear.pushed).unwrap_or_default(),
            brakes: self.brakes,
            run: replayed,
            journal: records,
            story: std::mem::take(&mut self.told),
        })
    }

    /// Whether anybody's tokens were deleted whose shift had begun, without consent. What was held up on the way for long is no
    /// fault of the run.
    fn has_revoked_on_shift(&self) -> bool {
        let begins = self.plan.publish_at + self.lot.shift_after_ms;
        let forbidden = self.lot.revoking != Revoking::Always && self.lot.request_late == 0.0;
        let revoked = |touch: &(Touch, Timestamp)| touch.0 == Touch::TokensDeleted && touch.1 >= begins;
        forbidden && self.twin.truth().agents.iter().any(|agent| agent.remedies.iter().any(revoked))
    }

    /// Whoever is called ready can take calls: the twin knows. (Nothing in it breaks by itself once the first check has
    /// begun; a remedy of ours that was held up on the way and arrives after the look may, and no look can tell that.)
    fn compare_verdicts(&self) -> Checked {
        let Some(process) = &self.process else { return Ok(()) };
        let truth = self.twin.truth();
        let seen_at = |seat| process.run.agent(seat).map(|agent| agent.seen.users).unwrap_or_default();
        let really = |agent: &AgentId, seat| {
            let found = truth.agents.iter().find(|a| a.id == *agent);
            found.is_some_and(|a| a.media_ready || a.remedies.iter().any(|(_, at)| *at > seen_at(seat)))
        };
        let called_ready = |seat| process.run.agent(seat).and_then(|a| a.verdict).is_some_and(Verdict::is_final);
        let wrong = process.run.all_seats().filter(|seat| called_ready(*seat)).find_map(|seat| {
            let member = process.run.plan.member(seat)?;
            (!really(&member.agent, seat)).then(|| format!("{} is called ready and cannot take calls", member.agent))
        });
        wrong.map_or(Ok(()), |what| self.broken(&what))
    }

    fn broken<V>(&self, what: &str) -> Checked<V> {
        Err(self.found(what))
    }

    fn found(&self, what: &str) -> Box<Found> {
        Box::new(Found {
            seed: self.seed,
            what: what.to_owned(),
            lot: Box::new(self.lot.clone()),
            story: self.told.clone(),
        })
    }

    fn tell(&mut self, line: impl FnOnce() -> String) {
        if self.story == Story::Told {
            let at_s = self.now.since_ms(T) as f64 / 1_000.0;
            self.told.push(format!("T{at_s:+10.3} s  {}", line()));
        }
    }
}

fn org_settings() -> OrgSettings {
    let (id, secret) = setup::PUBLISHER;
    let (app_id, app_secret) = setup::APP;
    let hosts = Hosts { api: setup::BASE_URL.to_owned(), login: setup::BASE_URL.to_owned() };
    let app = AppClient { client_id: app_id.to_owned(), client_secret: Secret::new(app_secret.to_owned()) };
    OrgSettings { app: Some(app), ..OrgSettings::new(hosts, id, Secret::new(secret.to_owned())) }
}

fn enrolment(refresh_token: Secret) -> Grant {
    Grant { refresh_token, access_token: None }
}

/// An event in one line; the plan and long lists are cut.
fn brief(event: &Event) -> String {
    match event {
        Event::Staged { plan } => format!("staged, {} agents", plan.roster.len()),
        other => cut(&format!("{other:?}")),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(300) {
        Some((at, _)) => format!("{} …", &text[..at]),
        None => text.to_owned(),
    }
}
