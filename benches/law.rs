//! How fast the law is: `cargo bench`. Nothing here asserts a time; it prints them.
//!
//! Must never: measure anything that touches a disk or a socket.

use std::sync::Arc;

use divan::counter::ItemsCount;
use softlanding::law::agenda::Agenda;
use softlanding::law::command::{Command, Outcome, PublishAnswer, ReadPurpose, ScheduleState, UploadKey, UserSeen};
use softlanding::law::decide::{Input, Step, decide};
use softlanding::law::plan::{
    BusinessUnit, Limits, Mechanisms, Member, PinnedSchedule, Plan, Policy, RemedyPolicy, Timing,
};
use softlanding::law::run::Run;
use softlanding::law::verdict::{CallState, PresenceState, StationState};
use softlanding::shells::sim::{Story, live};
use softlanding::words::clock::{Seed, Timestamp};
use softlanding::words::id::{AgentId, BusinessUnitId, ManagementUnitId, ScheduleId, Seat, StationId, WeekDate};
use softlanding::words::secret::Secret;

const T: Timestamp = Timestamp(10_000_000);

fn main() {
    divan::main();
}

/// Whole simulated Fridays, crashes and losses included.
#[divan::bench]
fn simulated_friday(bencher: divan::Bencher<'_, '_>) {
    let mut seed = 0;
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        seed += 1;
        live(seed, Story::Silent).is_ok()
    });
}

/// One bulk answer about 100 users, in a run of so many agents: the cost must not grow with the roster.
#[divan::bench(args = [1_000, 10_000, 100_000], sample_count = 20)]
fn a_read_of_100_users(bencher: divan::Bencher<'_, '_>, agents: u32) {
    bencher.counter(ItemsCount::new(100_u32)).with_inputs(|| checking(agents)).bench_local_values(
        |(mut run, input, now)| {
            let step = decide(&mut run, input, now);
            // A benchmark of an answer that nobody takes in would measure nothing.
            assert_eq!(step.record.len(), 1);
            (run, step)
        },
    );
}

#[divan::bench(args = [1_000, 100_000])]
fn agenda_put_and_take(bencher: divan::Bencher<'_, '_>, agents: u32) {
    let mut agenda = Agenda::default();
    for n in 0..agents {
        agenda.put(Seat(n), Timestamp(i64::from(n % 977)), Timestamp(i64::from(n % 31)));
    }
    let mut now = 1_000;
    bencher.bench_local(|| {
        now += 1;
        for seat in agenda.take(Timestamp(now), 1) {
            agenda.put(seat, Timestamp(now + 977), Timestamp(i64::from(seat.0 % 31)));
        }
    });
}

/// A run whose first sweep is under way, and the answer to its first read of users.
fn checking(agents: u32) -> (Run, Input, Timestamp) {
    let mut run = Run::staged(Arc::new(plan(agents)));
    let mut now = T - 60_000;
    let mut step = decide(&mut run, Input::Started, now);
    loop {
        let reads = step.perform.iter().find_map(|(id, c)| match c {
            Command::ReadUsers { seats, purpose: ReadPurpose::Sweep } => Some((*id, seats.clone())),
            _ => None,
        });
        if let Some((id, seats)) = reads {
            let outcome = Outcome::Users(seats.into_iter().map(well).collect());
            return (run, Input::Answered { id, outcome }, now);
        }
        let mut next = Step::default();
        for (id, command) in step.perform {
            let published = run.claims > 0;
            let outcome = match command {
                Command::RunHooks { .. } => Outcome::HooksRan(Vec::new()),
                Command::Preflight => Outcome::Preflighted(Vec::new()),
                Command::ReadSchedule => {
                    Outcome::Schedule(ScheduleState { version: if published { 8 } else { 7 }, published })
                }
                Command::PrepareUpload { .. } => Outcome::UploadReady(UploadKey(Secret::new("key".to_owned()))),
                _ => Outcome::Published { answer: PublishAnswer::Accepted { operation: None }, left: None },
            };
            let one = decide(&mut run, Input::Answered { id, outcome }, now);
            next.perform.extend(one.perform);
            next.wake_at = one.wake_at;
        }
        if next.perform.is_empty() {
            now = next.wake_at.or(step.wake_at).unwrap_or(now + 1_000);
            next = decide(&mut run, Input::Woke, now);
        }
        step = next;
    }
}

fn well(seat: Seat) -> UserSeen {
    let station = StationId::new("station").map_or(StationState::Unknown, StationState::Associated);
    UserSeen { seat, token_issued: None, station, presence: PresenceState::LoggedIn, call: CallState::Free }
}

fn plan(agents: u32) -> Plan {
    let member = |n: u32| Member {
        agent: AgentId::new(&format!("agent-{n}")).expect("an id"),
        name: format!("Agent {n}"),
        management_unit: ManagementUnitId::new("mu").expect("an id"),
        shift_start: Some(T + i64::from(n % 97) * 60_000),
        enrolled: false,
    };
    Plan {
        api: None,
        client: None,
        business_unit: BusinessUnit { id: BusinessUnitId::new("bu").expect("an id"), name: "Customer Care".to_owned() },
        week: WeekDate::new("2026-11-30").expect("a date"),
        schedule: PinnedSchedule {
            id: ScheduleId::new("s").expect("an id"),
            description: "Draft".to_owned(),
            version: 7,
        },
        publish_at: T,
        zone: "America/Chicago".to_owned(),
        roster: (0..agents).map(member).collect(),
        timing: Timing::default(),
        limits: Limits::default(),
        remedies: RemedyPolicy::default(),
        mechanisms: Mechanisms::default(),
        seed: Seed(1),
        policy: Policy::default(),
    }
}
