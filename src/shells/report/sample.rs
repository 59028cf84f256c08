//! A plausible Friday from a seed, as records: what the tests of every face look at.
//!
//! Must never: leave the tests; a run's records come from its journal.

use crate::law::command::{Failure, FailureKind, PhoneSeen, TokenVia, UserSeen};
use crate::law::event::{Attempt, Blame, Event, Phase, Record, StopKind, Tally};
use crate::law::page::{Errand, PageAnswer, PageSeen, PageState};
use crate::law::plan::{BusinessUnit, Limits, Mechanisms, Member, PinnedSchedule, Plan, Policy, RemedyPolicy, Timing};
use crate::law::verdict::{
    CallState, Deferral, Missing, PhoneState, PresenceState, ProbeState, Reason, Rung, StationState, Verdict,
};
use crate::words::clock::{Seed, Timestamp};
use crate::words::hook::{HookOutcome, HookPoint, HookRun};
use crate::words::id::{AgentId, BusinessUnitId, ManagementUnitId, OperationId, PhoneId, ScheduleId, Seat, StationId};

/// Friday 27 Nov 2026 16:00:00 CST.
pub const T: Timestamp = Timestamp(1_795_816_800_000);
const MINUTE: i64 = 60_000;

/// Names as they come, and some that nobody should have.
pub const HOSTILE: [&str; 4] = [
    "<script>alert('x')</script>",
    "Pipe | and `tick`\nnew line",
    "\u{202e}desrever\u{202c} \u{1b}[31mred",
    "[a](b) *c* _d_",
];

/// How the hook that fails on a Friday ended, in words.
pub const SAID: &str = "failed with exit code 3; it said: no route";

/// Writes records with their numbers.
pub struct Scribe {
    /// What was written.
    pub records: Vec<Record>,
}

impl Scribe {
    /// A journal that begins with this plan, two days before T.
    pub fn staged(plan: Plan) -> Scribe {
        let mut scribe = Scribe { records: Vec::new() };
        let at = plan.publish_at - 2 * 24 * 60 * MINUTE;
        scribe.say(at, Event::Staged { plan: Box::new(plan) });
        scribe.say(at + 5, Event::PhaseEntered { phase: Phase::Waiting });
        scribe
    }
    /// Writes one more.
    pub fn say(&mut self, at: Timestamp, event: Event) {
        let seq = self.records.len() as u64 + 1;
        self.records.push(Record { seq, at, event });
    }
    /// Puts the records in order of time and numbers them again.
    pub fn in_order(mut self) -> Vec<Record> {
        self.records.sort_by_key(|record| record.at);
        for (at, record) in self.records.iter_mut().enumerate() {
            record.seq = at as u64 + 1;
        }
        self.records
    }
}

/// A plan for so many agents; most are enrolled, shifts start from 16:30 on, a few ran before.
pub fn plan(seed: u64, agents: usize) -> Plan {
    let mut seed = Seed(seed).fork("sample plan");
    let first = ["Ana", "Ben", "Chidi", "Dora", "Emre", "Fay", "Goran", "Hana", "Iris", "Jamal", "Kira", "Luis"];
    let last = ["Abbot", "Berg", "Costa", "Diaz", "Evans", "Fuchs", "Gupta", "Hill", "Ivanov", "Jones", "Kim", "Lopez"];
    let roster = (0..agents)
        .map(|at| {
            let pick =
                |seed: &mut Seed, names: &[&str]| names[seed.between(0, names.len() as i64 - 1) as usize].to_owned();
            let name = format!("{} {}", pick(&mut seed, &first), pick(&mut seed, &last));
            let start = [-120, 0, 30, 30, 30, 60, 60, 90, 120, 180][seed.between(0, 9) as usize];
            Member {
                agent: AgentId::new(&format!("agent-{at:05}")).unwrap(),
                name: HOSTILE.get(at).map_or(name, |hostile| (*hostile).to_owned()),
                management_unit: ManagementUnitId::new(["evening", "weekend", "night"][at % 3]).unwrap(),
                shift_start: (at % 29 != 28).then_some(T + start * MINUTE),
                enrolled: at == 7 || seed.chance(0.9),
            }
        })
        .collect();
    Plan {
        api: None,
        client: None,
        business_unit: BusinessUnit { id: BusinessUnitId::new("bu-1").unwrap(), name: "Contoso Care".to_owned() },
        week: crate::words::id::WeekDate::new("2026-11-30").unwrap(),
        schedule: PinnedSchedule {
            id: ScheduleId::new("schedule-7").unwrap(),
            description: "Week 49, final".to_owned(),
            version: 7,
        },
        publish_at: T,
        zone: "America/Chicago".to_owned(),
        roster,
        timing: Timing::default(),
        limits: Limits::default(),
        remedies: RemedyPolicy::default(),
        mechanisms: Mechanisms { session_reset: true, media_probe: true, companion: true, ..Mechanisms::default() },
        seed: Seed(1),
        policy: Policy::default(),
    }
}

/// A failure as the client words it.
pub fn failure(kind: FailureKind, status: u16, message: &str) -> Failure {
    Failure {
        kind,
        status: Some(status),
        code: None,
        correlation: Some("c-42".to_owned()),
        message: message.to_owned(),
        again_at: None,
    }
}

/// The whole Friday of so many agents, settled.
pub fn friday(seed: u64, agents: usize) -> Vec<Record> {
    let plan = plan(seed, agents);
    let mut seed = Seed(seed).fork("sample friday");
    let mut scribe = Scribe::staged(plan.clone());
    refresh(&mut scribe, &plan, &mut seed);
    publish(&mut scribe, &plan);
    check(&mut scribe, &plan, &mut seed);
    scribe.in_order()
}

/// A Friday up to and with the refresh.
pub fn refresh(scribe: &mut Scribe, plan: &Plan, seed: &mut Seed) {
    let begin = plan.refresh_at();
    scribe.say(begin, Event::TakenUp);
    scribe.say(begin, Event::PhaseEntered { phase: Phase::Refreshing });
    let gap = (15 * MINUTE / plan.roster.len().max(1) as i64).max(1);
    for (at, member) in plan.roster.iter().enumerate() {
        let seat = Seat(at as u32);
        let start = begin + at as i64 * gap;
        if !member.enrolled {
            continue;
        }
        scribe.say(start, Event::RefreshStarted { seat, via: TokenVia::Grant });
        let answer = start + seed.between(80, 900);
        if at == 7 || seed.chance(0.02) {
            let failure = failure(FailureKind::Invalid, 400, "the refresh token is not accepted");
            scribe.say(answer, Event::TokenDead { seat, failure });
        } else if seed.chance(0.02) {
            let failure = failure(FailureKind::Server, 503, "the login service is not available");
            scribe.say(answer, Event::RefreshFailed { seat, failure, again_at: None });
        } else {
            scribe.say(answer, Event::TokenRefreshed { seat, expires_at: T + 1_000 * MINUTE });
            let told = match at % 7 {
                0 => PageAnswer::NoPage,
                1 => PageAnswer::Failed { why: "<i>no</i> softphone | here".to_owned() },
                2 => PageAnswer::Deferred,
                _ => PageAnswer::Done,
            };
            scribe.say(answer + 400, Event::PageTold { seat, errand: Errand::Token, answer: told });
        }
    }
}

/// Preparation and publish, seen complete after 25 s.
pub fn publish(scribe: &mut Scribe, plan: &Plan) {
    let ready = HookRun { name: "10-notify".to_owned(), outcome: HookOutcome::Ok, output: String::new() };
    let results = vec![ready];
    scribe.say(plan.prepare_at(), Event::PhaseEntered { phase: Phase::Preparing });
    scribe.say(plan.prepare_at() + 300, Event::ScheduleSeen { version: 7, published: false });
    scribe.say(plan.prepare_at() + 900, Event::HooksRan { point: HookPoint::PrePublish, seat: None, results });
    scribe.say(T + 12, Event::PublishClaimed { attempt: 1, late_ms: 12 });
    let operation = Some(OperationId::new("op-1").unwrap());
    scribe.say(T + 410, Event::PublishSent { left: T + 31, late_ms: 31 });
    scribe.say(T + 410, Event::PublishAccepted { operation });
    scribe.say(T + 25_012, Event::ScheduleSeen { version: 8, published: true });
    scribe.say(T + 25_012, Event::PublishConfirmed { version: 8 });
    let outcome = HookOutcome::Exit(3);
    let results =
        vec![HookRun { name: "20-wallboard".to_owned(), outcome, output: "no route\n  to the board\n".to_owned() }];
    scribe.say(T + 25_700, Event::HooksRan { point: HookPoint::PostPublish, seat: None, results });
}

fn saw(seat: Seat, presence: PresenceState, call: CallState) -> UserSeen {
    let station = StationState::Associated(StationId::new(&format!("station-{}", seat.0)).unwrap());
    UserSeen { seat, token_issued: None, station, presence, call }
}

/// The check of everybody, the climb of those who need it, and the end.
pub fn check(scribe: &mut Scribe, plan: &Plan, seed: &mut Seed) {
    let begin = T + 55_000;
    scribe.say(begin, Event::PhaseEntered { phase: Phase::Checking });
    let mut verdicts: Vec<Verdict> = Vec::new();
    for (at, member) in plan.roster.iter().enumerate() {
        let seat = Seat(at as u32);
        let seen = begin + (at as i64 / 20) * 900;
        let drawn = seed.between(0, 99);
        // One of each kind is always there, whatever the seed.
        let dice = [20, 25, 3, 99, 9, 99, 38, 10].get(at).copied().unwrap_or(drawn);
        let (presence, call) = match dice {
            0..8 => (PresenceState::Offline, CallState::Free),
            8..12 => (PresenceState::LoggedIn, CallState::OnCall),
            _ => (PresenceState::LoggedIn, CallState::Free),
        };
        scribe.say(seen, Event::UsersSeen { seen: vec![saw(seat, presence, call)] });
        let down = matches!(dice, 8..38) || dice == 99;
        let page = |state, at| PageSeen { seat, state, call, at };
        if at % 7 != 0 {
            let state = if down { PageState::Refused } else { PageState::Ready };
            scribe.say(seen, Event::PagesSeen { seen: vec![page(state, seen)] });
            let end = T + 44 * MINUTE;
            scribe.say(end, Event::PagesSeen { seen: vec![page(PageState::Ready, end)] });
        }
        let state = if down { PhoneState::Down } else { PhoneState::Up };
        let phone = PhoneId::new(&format!("phone-{at}")).unwrap();
        let seen_phone = PhoneSeen { agent: member.agent.clone(), phone, state };
        scribe.say(seen + 100, Event::PhonesSeen { seen: vec![seen_phone] });
        let last = agent(scribe, seed, seat, seen + 200, dice);
        verdicts.push(last);
    }
    let why = "phone reboot helped <b>0</b> of 10 | agents".to_owned();
    scribe.say(T + 43 * MINUTE, Event::BrakeApplied { rung: Some(Rung::RebootPhone), why });
    let end = T + 45 * MINUTE;
    scribe.say(end, Event::PhaseEntered { phase: Phase::Settling });
    let tally = Tally::of(verdicts.into_iter().map(Some));
    scribe.say(end + 400, Event::Settled { tally });
    scribe.say(end + 401, Event::PhaseEntered { phase: Phase::Settled });
}

fn agent(scribe: &mut Scribe, seed: &mut Seed, seat: Seat, at: Timestamp, dice: i64) -> Verdict {
    let judged = |scribe: &mut Scribe, at: Timestamp, verdict: Verdict| {
        scribe.say(at, Event::Judged { verdicts: vec![(seat, verdict)] });
        verdict
    };
    match dice {
        0..8 => judged(scribe, at, Verdict::Deferred { because: Deferral::LoggedOut }),
        8..10 => judged(scribe, at, Verdict::Deferred { because: Deferral::OnCall }),
        10..12 => {
            judged(scribe, at, Verdict::Deferred { because: Deferral::OnCall });
            let later = at + seed.between(3, 20) * MINUTE;
            climb(scribe, seed, seat, later, 1)
        }
        12..38 => {
            let rungs = if dice < 30 { 1 } else { 2 };
            climb(scribe, seed, seat, at, rungs)
        }
        38 => judged(scribe, at, Verdict::Unknown { missing: Missing::Phone }),
        99 => climb(scribe, seed, seat, at, 9),
        _ => {
            scribe.say(at - 5, Event::Probed { seat, result: ProbeState::Accepted });
            judged(scribe, at, Verdict::Ready)
        }
    }
}

/// Climbs so many rungs; the last of them cures, unless there are too many.
fn climb(scribe: &mut Scribe, seed: &mut Seed, seat: Seat, at: Timestamp, rungs: usize) -> Verdict {
    let reason = Reason::PhoneDown;
    scribe.say(at - 5, Event::Probed { seat, result: ProbeState::Refused });
    scribe.say(at, Event::Judged { verdicts: vec![(seat, Verdict::Straggler { reason })] });
    let ladder = [Rung::SessionReset, Rung::Reassociate, Rung::RebootPhone, Rung::Ask];
    let mut now = at;
    for (step, rung) in ladder.into_iter().take(rungs).enumerate() {
        now = now + seed.between(2_000, 20_000);
        scribe.say(now, Event::RemedyStarted { rung, seats: vec![seat] });
        now = now + seed.between(200, 900);
        if step == 2 {
            let failure = failure(FailureKind::Server, 503, "no active edge");
            let (attempt, blame) = (Attempt::Made, Blame::Nobody);
            scribe.say(now, Event::RemedyFailed { rung, seats: vec![seat], failure, attempt, blame });
        } else {
            scribe.say(now, Event::RemedyAccepted { rung, seats: vec![seat] });
        }
        now = now + seed.between(8_000, 60_000);
        if step + 1 == rungs {
            let verdict = Verdict::Recovered { by: rung };
            scribe.say(now, Event::Judged { verdicts: vec![(seat, verdict)] });
            return verdict;
        }
    }
    scribe.say(now, Event::HooksRan { point: HookPoint::Straggler, seat: Some(seat), results: Vec::new() });
    Verdict::Straggler { reason }
}

/// A run that ended before its publish.
pub fn stopped(kind: StopKind, why: &str) -> Vec<Record> {
    let plan = plan(3, 20);
    let mut scribe = Scribe::staged(plan.clone());
    refresh(&mut scribe, &plan, &mut Seed(3));
    scribe.say(T - 30_000, Event::PhaseEntered { phase: Phase::Preparing });
    scribe.say(T - 20_000, Event::Stopped { kind, why: why.to_owned() });
    scribe.say(T - 20_000, Event::PhaseEntered { phase: Phase::Stopped });
    scribe.in_order()
}

/// A run whose publish nobody can prove or disprove.
pub fn in_doubt() -> Vec<Record> {
    let plan = plan(4, 20);
    let mut scribe = Scribe::staged(plan);
    scribe.say(T + 3, Event::PublishClaimed { attempt: 1, late_ms: 3 });
    scribe.say(T + 30_003, Event::PublishDoubted { why: "no answer within 30 s".to_owned(), kind: None });
    scribe.say(T + 10 * MINUTE, Event::PublishUnconfirmed { looked_ms: 570_000 });
    scribe.records
}
