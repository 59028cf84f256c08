//! Decisions, one story each: feed inputs, look at what is recorded and asked.

use std::sync::Arc;

use super::{Input, Step, decide};
use crate::law::agent::TokenState;
use crate::law::audit::Auditor;
use crate::law::command::{
    Command, CommandId, Failure, FailureKind, Outcome, PhoneSeen, PublishAnswer, ReadPurpose, ScheduleState, UploadKey,
    UserSeen,
};
use crate::law::event::{Event, Phase, Record, StopKind};
use crate::law::plan::{BusinessUnit, Limits, Mechanisms, Member, PinnedSchedule, Plan, RemedyPolicy, Timing};
use crate::law::run::Run;
use crate::law::verdict::{CallState, Deferral, PhoneState, PresenceState, Reason, Rung, StationState, Verdict};
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
        enrolled: n % 2 == 0,
    };
    Plan {
        api: None,
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
    }
}

/// A run with its journal, and the commands that wait for an answer.
struct Desk {
    run: Run,
    now: Timestamp,
    journal: Vec<Record>,
    open: Vec<(CommandId, Command)>,
    wake_at: Option<Timestamp>,
}

impl Desk {
    fn at(now: Timestamp, plan: Plan) -> Desk {
        let staged = Record { seq: 1, at: T - 3_600_000, event: Event::Staged { plan: Box::new(plan.clone()) } };
        let run = Run::staged(Arc::new(plan));
        let mut desk = Desk { run, now, journal: vec![staged], open: Vec::new(), wake_at: None };
        desk.feed(Input::Started);
        desk
    }
    fn feed(&mut self, input: Input) {
        let before = self.run.seq;
        let Step { record, perform, wake_at } = decide(&mut self.run, input, self.now);
        self.journal.extend((before + 1..).zip(record).map(|(seq, event)| Record { seq, at: self.now, event }));
        self.open.extend(perform);
        self.wake_at = wake_at;
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
        desk.answer(|c| matches!(c, Command::PrepareUpload), upload());
        desk.sleep();
        assert_eq!(desk.now, T);
        desk
    }
    /// On to the first sweep, with `users` and `phones` as they are seen there.
    fn to_the_check(plan: Plan, state: impl Fn(Seat) -> (CallState, PhoneState)) -> Desk {
        let mut desk = Desk::to_the_claim(plan);
        desk.answer(is_publish, Outcome::Published(PublishAnswer::Accepted { operation: None }));
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
fn doubt(kind: FailureKind) -> Outcome {
    Outcome::Published(PublishAnswer::Doubt(failure(kind)))
}
fn not_done(kind: FailureKind) -> Outcome {
    Outcome::Published(PublishAnswer::NotDone(failure(kind)))
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

#[test]
fn nothing_happens_before_the_refresh_lead() {
    let desk = Desk::at(T - 3_600_000, plan(3));
    assert!(desk.open.is_empty());
    assert_eq!(desk.wake_at, Some(T - 20 * 60_000));
}

#[test]
fn tokens_are_refreshed_in_order_of_shift_start_and_only_of_the_enrolled() {
    let mut desk = Desk::at(T - 20 * 60_000, plan(5));
    desk.hooks(HookPoint::PreRefresh);
    let order: Vec<u32> = desk
        .open
        .iter()
        .filter_map(|(_, c)| match c {
            Command::RefreshToken { seat, .. } => Some(seat.0),
            _ => None,
        })
        .collect();
    assert_eq!(order, [4, 2, 0]);
    for _ in 0..3 {
        desk.answer(
            |c| matches!(c, Command::RefreshToken { .. }),
            Outcome::TokenRefreshed { expires_at: T + 86_400_000 },
        );
    }
    assert_eq!(desk.run.phase, Phase::Refreshing, "the last look belongs close to T");
    desk.sleep();
    assert_eq!((desk.run.phase, desk.now), (Phase::Preparing, T - 60_000));
    desk.audit();
}

#[test]
fn a_refresh_that_fails_is_tried_again_later_and_not_for_ever() {
    let mut desk = Desk::at(T - 20 * 60_000, plan(1));
    desk.hooks(HookPoint::PreRefresh);
    let is_refresh = |c: &Command| matches!(c, Command::RefreshToken { .. });
    for attempt in 1..=4 {
        desk.answer(is_refresh, Outcome::Failed(failure(FailureKind::Server)));
        if attempt < 4 {
            assert_eq!(desk.asked(is_refresh), 0, "attempt {} comes at once", attempt + 1);
            desk.sleep();
        }
    }
    assert_eq!(desk.events(|e| matches!(e, Event::RefreshFailed { again_at: None, .. })), 1);
    desk.sleep();
    assert_eq!(desk.run.phase, Phase::Preparing);
}

#[test]
fn a_veto_stops_the_run_before_anything_is_claimed() {
    let mut desk = Desk::at(T - 60_000, plan(1));
    desk.hooks(HookPoint::PreRefresh);
    let veto = HookRun { name: "10-freeze".into(), outcome: HookOutcome::Exit(1), output: String::new() };
    desk.answer(|c| matches!(c, Command::RunHooks { .. }), Outcome::HooksRan(vec![veto]));
    assert_eq!(desk.stopped(), Some(StopKind::Vetoed));
    desk.hooks(HookPoint::Failed);
    assert!(desk.run.is_over() && desk.run.claims == 0);
    desk.audit();
}

#[test]
fn a_schedule_that_moved_on_or_is_published_is_not_published() {
    for seen in [schedule(8, false), schedule(7, true), Outcome::Failed(failure(FailureKind::NotFound))] {
        let mut desk = Desk::at(T - 60_000, plan(1));
        desk.hooks(HookPoint::PreRefresh);
        desk.hooks(HookPoint::PrePublish);
        desk.answer(is_schedule, seen);
        assert_eq!(desk.stopped(), Some(StopKind::Drifted));
        desk.audit();
    }
}

#[test]
fn a_machine_that_slept_through_the_instant_publishes_late_or_not_at_all() {
    let mut late = Desk::at(T + 600_000, plan(1));
    late.hooks(HookPoint::PreRefresh);
    late.hooks(HookPoint::PrePublish);
    late.answer(is_schedule, schedule(7, false));
    late.answer(|c| matches!(c, Command::PrepareUpload), upload());
    assert_eq!(late.events(|e| matches!(e, Event::PublishClaimed { late_ms: 600_000, .. })), 1);
    late.audit();
    let missed = Desk::at(T + 600_001, plan(1));
    assert_eq!(missed.stopped(), Some(StopKind::Missed));
}

#[test]
fn the_claim_is_recorded_before_the_publish_is_asked_and_both_at_t() {
    let desk = Desk::to_the_claim(plan(1));
    assert_eq!(
        desk.journal.last().map(|r| (&r.event, r.at)),
        Some((&Event::PublishClaimed { attempt: 1, late_ms: 0 }, T))
    );
    assert_eq!(desk.asked(is_publish), 1);
}

#[test]
fn a_lost_answer_is_settled_by_looking() {
    for kind in [FailureKind::NoAnswer, FailureKind::Server, FailureKind::Conflict, FailureKind::Malformed] {
        let mut desk = Desk::to_the_claim(plan(1));
        desk.answer(is_publish, doubt(kind));
        assert_eq!(desk.asked(is_publish), 0);
        desk.sleep();
        desk.answer(is_schedule, schedule(8, true));
        assert_eq!(desk.run.phase, Phase::Checking);
        desk.audit();
    }
}

#[test]
fn doubt_that_looking_does_not_settle_is_left_to_a_person_who_may_ask_to_look_again() {
    let mut desk = Desk::to_the_claim(plan(1));
    desk.answer(is_publish, doubt(FailureKind::NoAnswer));
    while desk.run.phase == Phase::Publishing {
        if desk.asked(is_schedule) > 0 {
            desk.answer(is_schedule, schedule(7, false));
        } else {
            desk.sleep();
        }
    }
    assert_eq!(desk.run.phase, Phase::InDoubt);
    desk.hooks(HookPoint::Failed);
    assert!(desk.run.is_over());
    desk.now = desk.now + 3_600_000;
    desk.restart();
    assert_eq!((desk.run.phase, desk.asked(is_publish)), (Phase::Publishing, 0));
    desk.answer(is_schedule, schedule(8, true));
    assert_eq!(desk.run.phase, Phase::Checking);
    assert_eq!(desk.run.claims, 1);
    desk.audit();
}

#[test]
fn a_process_that_died_after_the_claim_looks_and_does_not_publish() {
    let mut desk = Desk::to_the_claim(plan(1));
    desk.restart();
    assert_eq!(desk.asked(is_publish), 0);
    assert_eq!(desk.asked(is_schedule), 1);
    assert_eq!(desk.events(|e| matches!(e, Event::PublishDoubted { kind: None, .. })), 1);
    desk.audit();
}

#[test]
fn what_is_proven_not_done_is_claimed_again_but_not_for_ever() {
    let mut desk = Desk::to_the_claim(plan(1));
    for attempt in 1..=3 {
        assert_eq!(desk.run.claims, attempt);
        desk.answer(is_publish, not_done(FailureKind::Throttled));
        if attempt < 3 {
            desk.sleep();
        }
    }
    assert_eq!(desk.stopped(), Some(StopKind::Refused));
    let mut refused = Desk::to_the_claim(plan(1));
    refused.answer(is_publish, not_done(FailureKind::Forbidden));
    assert_eq!((refused.stopped(), refused.run.claims), (Some(StopKind::Refused), 1));
    desk.audit();
    refused.audit();
}

#[test]
fn a_schedule_changed_at_the_last_moment_is_told_apart_from_doubt() {
    let mut desk = Desk::to_the_claim(plan(1));
    desk.answer(is_publish, doubt(FailureKind::Conflict));
    desk.sleep();
    desk.answer(is_schedule, schedule(8, false));
    assert_eq!(desk.stopped(), Some(StopKind::Drifted));
}

#[test]
fn when_everyone_is_ready_nobody_is_touched_and_the_run_settles() {
    let mut desk = Desk::to_the_check(plan(5), well);
    desk.hooks(HookPoint::PostCheck);
    desk.hooks(HookPoint::Settled);
    assert!(desk.run.is_over());
    assert_eq!(desk.run.tally().ready, 5);
    assert_eq!(desk.events(|e| matches!(e, Event::RemedyStarted { .. })), 0);
    desk.audit();
}

#[test]
fn a_straggler_climbs_the_ladder_gentlest_first_and_is_recovered() {
    let down = |seat: Seat| (CallState::Free, if seat.0 == 1 { PhoneState::Down } else { PhoneState::Up });
    let mut desk = Desk::to_the_check(plan(3), down);
    desk.answer(is_look_before, Outcome::Users(vec![user(Seat(1), CallState::Free)]));
    desk.answer(|c| *c == Command::ResetSessions { seats: vec![Seat(1)] }, Outcome::RemedyAccepted);
    desk.sleep();
    desk.sweep(well);
    assert_eq!(desk.run.agent(Seat(1)).unwrap().verdict, Some(Verdict::Recovered { by: Rung::SessionReset }));
    assert_eq!(desk.run.scores[Rung::SessionReset.index()].cured, 1);
    assert_eq!(desk.run.phase, Phase::Settling);
    desk.audit();
}

#[test]
fn nobody_on_a_call_or_perhaps_on_a_call_is_touched() {
    for call in [CallState::OnCall, CallState::Unknown] {
        let mut desk = Desk::to_the_check(plan(1), |_| (CallState::Free, PhoneState::Down));
        desk.answer(is_look_before, Outcome::Users(vec![user(Seat(0), call)]));
        assert_eq!(desk.events(|e| matches!(e, Event::RemedyStarted { .. })), 0, "{call:?}");
    }
    let mut desk = Desk::to_the_check(plan(1), |_| (CallState::OnCall, PhoneState::Down));
    assert_eq!(desk.run.agent(Seat(0)).unwrap().verdict, Some(Verdict::Deferred { because: Deferral::OnCall }));
    desk.sleep();
    desk.sweep(|_| (CallState::Free, PhoneState::Down));
    assert_eq!(desk.asked(is_look_before), 1, "the cure comes after the call");
}

#[test]
fn an_exhausted_ladder_ends_with_a_person_and_the_run_with_a_straggler() {
    let down = |_| (CallState::Free, PhoneState::Down);
    let mut desk = Desk::to_the_check(plan(1), down);
    while !desk.run.is_over() {
        let Some((id, command)) = desk.open.pop() else {
            desk.sleep();
            continue;
        };
        let outcome = match &command {
            Command::ReadUsers { seats, .. } => {
                Outcome::Users(seats.iter().map(|s| user(*s, CallState::Free)).collect())
            }
            Command::ReadPhones { .. } | Command::ReadPhone { .. } => phones(&[Seat(0)], &down),
            Command::RunHooks { .. } => Outcome::HooksRan(Vec::new()),
            _ => Outcome::RemedyAccepted,
        };
        desk.feed(Input::Answered { id, outcome });
    }
    let rungs: Vec<Rung> = desk
        .journal
        .iter()
        .filter_map(|r| match &r.event {
            Event::RemedyStarted { rung, .. } => Some(*rung),
            _ => None,
        })
        .collect();
    use Rung::{Ask, Reassociate, RebootPhone, SessionReset};
    assert_eq!(rungs, [SessionReset, SessionReset, Reassociate, Reassociate, RebootPhone, Ask]);
    assert_eq!(desk.run.agent(Seat(0)).unwrap().verdict, Some(Verdict::Straggler { reason: Reason::PhoneDown }));
    desk.audit();
}

#[test]
fn a_mechanism_that_the_org_does_not_offer_is_left_out_for_everybody() {
    let mut desk = Desk::to_the_check(plan(1), |_| (CallState::Free, PhoneState::Down));
    desk.answer(is_look_before, Outcome::Users(vec![user(Seat(0), CallState::Free)]));
    desk.answer(|c| matches!(c, Command::ResetSessions { .. }), Outcome::Failed(failure(FailureKind::NotFound)));
    assert!(!desk.run.open.is_open(Rung::SessionReset));
    desk.sleep();
    desk.answer(is_look_before, Outcome::Users(vec![user(Seat(0), CallState::Free)]));
    assert_eq!(desk.asked(|c| matches!(c, Command::Reassociate { .. })), 1);
    desk.audit();
}

#[test]
fn an_outage_is_not_a_matter_of_stragglers() {
    let desk = Desk::to_the_check(plan(40), |_| (CallState::Free, PhoneState::Down));
    assert_eq!(desk.events(|e| matches!(e, Event::BrakeApplied { rung: None, .. })), 1);
    assert_eq!(desk.asked(is_look_before), 0);
    desk.audit();
}

#[test]
fn a_rung_that_helps_nobody_is_given_up() {
    let some_down = |seat: Seat| (CallState::Free, if seat.0 < 12 { PhoneState::Down } else { PhoneState::Up });
    let mut desk = Desk::to_the_check(plan(40), some_down);
    let looked = |desk: &mut Desk| {
        let (id, command) = desk.open.iter().find(|(_, c)| is_look_before(c)).cloned().unwrap();
        let Command::ReadUsers { seats, .. } = command else { unreachable!() };
        desk.open.retain(|(other, _)| *other != id);
        let outcome = Outcome::Users(seats.iter().map(|s| user(*s, CallState::Free)).collect());
        desk.feed(Input::Answered { id, outcome });
    };
    looked(&mut desk);
    desk.answer(|c| matches!(c, Command::ResetSessions { .. }), Outcome::RemedyAccepted);
    desk.sleep();
    desk.sweep(some_down);
    assert_eq!(desk.events(|e| matches!(e, Event::BrakeApplied { rung: Some(Rung::SessionReset), .. })), 1);
    desk.audit();
}

#[test]
fn answers_that_come_late_or_twice_are_no_ones() {
    let mut desk = Desk::to_the_claim(plan(1));
    let id = desk.answer(is_publish, Outcome::Published(PublishAnswer::Accepted { operation: None }));
    let seq = desk.run.seq;
    desk.feed(Input::Answered { id, outcome: not_done(FailureKind::Throttled) });
    desk.feed(Input::Answered { id: CommandId(999), outcome: schedule(8, true) });
    assert_eq!(desk.run.seq, seq);
}

#[test]
fn waking_early_or_twice_is_harmless() {
    let mut desk = Desk::at(T - 3_600_000, plan(1));
    for _ in 0..3 {
        desk.feed(Input::Woke);
    }
    assert!(desk.open.is_empty());
    assert_eq!(desk.wake_at, Some(T - 20 * 60_000));
}

#[test]
fn a_dead_refresh_token_stays_dead_when_the_other_way_fails_too() {
    let mechanisms = Mechanisms { authentication_refresh: true, ..Mechanisms::default() };
    let mut desk = Desk::at(T - 20 * 60_000, Plan { mechanisms, ..plan(1) });
    desk.hooks(HookPoint::PreRefresh);
    let is_refresh = |c: &Command| matches!(c, Command::RefreshToken { .. });
    desk.answer(is_refresh, Outcome::TokenDead { failure: failure(FailureKind::Invalid) });
    desk.answer(is_refresh, Outcome::Failed(failure(FailureKind::Local)));
    assert_eq!(desk.run.agent(Seat(0)).unwrap().token, TokenState::Dead);
}

#[test]
fn news_of_one_source_is_not_read_together_with_anothers_from_long_ago() {
    let logged_out = |seat: Seat| {
        let out =
            UserSeen { presence: PresenceState::Offline, station: StationState::Absent, ..user(seat, CallState::Free) };
        Outcome::Users(vec![out])
    };
    let mut desk = Desk::to_the_claim(plan(2));
    desk.answer(is_publish, Outcome::Published(PublishAnswer::Accepted { operation: None }));
    desk.sleep();
    desk.answer(is_schedule, schedule(8, true));
    desk.hooks(HookPoint::PostPublish);
    desk.sleep();
    desk.answer(|c| matches!(c, Command::ReadUsers { .. }), logged_out(Seat(0)));
    desk.answer(
        |c| matches!(c, Command::ReadPhones { .. }),
        phones(&[Seat(0)], &|_| (CallState::Free, PhoneState::Down)),
    );
    let verdict = |desk: &Desk| desk.run.agent(Seat(0)).unwrap().verdict;
    assert_eq!(verdict(&desk), Some(Verdict::Deferred { because: Deferral::LoggedOut }));
    // The other agent is looked at again; the page of phones shows that this one has logged in meanwhile.
    desk.sleep();
    desk.answer(|c| matches!(c, Command::ReadPhones { .. }), phones(&[Seat(0), Seat(1)], &well));
    assert_eq!(verdict(&desk), Some(Verdict::Deferred { because: Deferral::LoggedOut }), "an old station says nothing");
    assert_eq!(desk.events(|e| matches!(e, Event::RemedyStarted { .. })), 0);
    desk.audit();
}
