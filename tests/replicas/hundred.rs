//! A hundred runs on two replicas, one of which is killed, or paused for longer than its lease, again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use rustix::process::Signal;
use serde_json::Value;
use softlanding::hands::journal::Journal;
use softlanding::law::audit::Auditor;
use softlanding::law::event::{Event, Phase, Record};
use softlanding::law::run::Run;
use softlanding::twin::{ScheduleTruth, Truth};
use softlanding::words::clock::{Clock, Seed, Timestamp};
use softlanding::words::id::{RunId, ScheduleId};

use super::REPEAT;
use super::support::process::{patiently, softlanding_says};
use super::support::replicas::{Place, Replica, Row, Store, written_at};
use super::support::tale::Tale;
use super::support::way::Watched;

const ROUNDS: u64 = 4;
/// Runs in a round, all at the same instant.
const RUNS: usize = 25;
/// Agents of each run.
const AGENTS: usize = 8;
/// Twin seconds per second.
const SPEED: f64 = 30.0;
/// The clock stands so many minutes before the publish when the replicas start.
const MINUTES: i64 = 6;

/// Forgiving: whatever is sent is applied, so that a publish sent twice counts twice.
const SCENARIO: &str = r#"
story = "replicas: 25 business units of 8 agents; the publish revokes and cuts, and whatever is sent is applied"

[org]
business_units = UNITS
agents_in = "every"
management_units = ["Service"]
drafts = ["Approved"]

[publish]
duration_s = 25
stale_version = "accepted"
upload_key_reusable = true

[revoke]
on_publish = true

[reported]
offered = true

[[cohorts]]
name = "evening"
agents = 200
shift_start_min = 30
login_min = [-120, -40]
calls = [{ agents = 20, start_min = [-8, -4], end_min = [2, 5] }]
[cohorts.kinds]
not_enrolled = 30
hand_over_missed = 10
refresh_token_dead = 5
station_lost = 10
phone_stale = 10
stubborn = 8
"#;

const SERVE: &str = "lease = \"2s\"\nlook_every = \"200ms\"";
const TIMING: &str =
    "refresh_lead = \"4min\"\nprepare_lead = \"1min\"\npublish_window = \"5min\"\nsettle_after = \"6min\"";

/// What is staged again is published so many ms later, by the twin's clock.
const AGAIN_MS: i64 = 9 * 60_000;

/// What is done to a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strike {
    /// SIGKILL; it is started again at once.
    Kill,
    /// SIGSTOP until another one leads its runs, then SIGCONT.
    Pause,
}

/// Done to the leader of the run whose row is the `nth` of those written in a phase.
#[derive(Debug, Clone, Copy)]
struct Point {
    phase: &'static str,
    nth: usize,
    strike: Strike,
}

/// The points of a round: each phase has one.
fn points(round: u64) -> Vec<Point> {
    let mut chance = Seed(round).fork("points");
    let phases: [(&str, i64); 6] = [
        ("waiting", 25),
        ("refreshing", 150),
        ("preparing", 90),
        ("publishing", 150),
        ("checking", 250),
        ("settling", 20),
    ];
    let mut point = |(phase, rows): (&'static str, i64)| Point {
        phase,
        nth: chance.between(1, rows) as usize,
        // While runs are staged nobody leads one, so that a paused process would have nothing to let go of.
        strike: if phase == "waiting" || chance.chance(0.4) { Strike::Kill } else { Strike::Pause },
    };
    phases.map(&mut point).to_vec()
}

/// A row with the phase that its run is in after it.
fn phases(rows: &[Row]) -> Vec<(&Row, &str)> {
    let mut at: BTreeMap<&str, &str> = BTreeMap::new();
    let runs = rows.iter().filter(|row| !of_calendar(&row.run));
    runs.map(|row| {
        let phase = at.entry(&row.run).or_insert("waiting");
        match row.kind.as_str() {
            "phase_entered" => *phase = &row.phase,
            "publish_claimed" => *phase = "publishing",
            "settled" | "stopped" | "publish_unconfirmed" => *phase = "over",
            _ => {}
        }
        (row, *phase)
    })
    .collect()
}

fn over(rows: &[Row]) -> BTreeSet<&str> {
    phases(rows).into_iter().filter(|(_, phase)| *phase == "over").map(|(row, _)| row.run.as_str()).collect()
}

/// Where a point comes: the newest row once the phase has enough of them, with its phase; `None` when all runs are over.
fn comes(rows: &[Row], point: Point) -> Option<Option<(String, String)>> {
    let (all, over) = (phases(rows), over(rows));
    if over.len() == RUNS {
        return Some(None);
    }
    if all.iter().filter(|(_, phase)| *phase == point.phase).count() >= point.nth {
        let (row, phase) = all.iter().rev().find(|(row, _)| !over.contains(row.run.as_str()))?;
        return Some(Some((row.run.clone(), (*phase).to_owned())));
    }
    None
}

/// A time for which a process was paused, so that it had nothing to do any more once it woke.
struct Away {
    process: Watched,
    woken_at: Timestamp,
    /// What it led.
    led: Vec<String>,
    /// Lines of its log from before it woke.
    known: usize,
    log: Tale<Value>,
}

/// What a round tells.
#[derive(Default)]
struct Told {
    struck: Vec<(Strike, String)>,
    failovers_ms: Vec<(Strike, i64)>,
    /// Requests that left a woken process before it knew: their first lines.
    handed_over: Vec<String>,
    settled: usize,
    doubted: usize,
}

struct Round {
    place: Place,
    store: Store,
    replicas: Vec<Replica>,
    /// Logs of replicas that were killed.
    logs: Vec<Tale<Value>>,
    away: Vec<Away>,
    told: Told,
}

impl Round {
    async fn open(number: u64) -> Round {
        let units: Vec<String> = (1..=RUNS).map(|n| format!("Unit {n:02}")).collect();
        let scenario = SCENARIO.replace("UNITS", &format!("{units:?}"));
        let store = Store::open().await;
        let place = Place::open(&format!("replicas-{number}"), &scenario, MINUTES, SPEED).await;
        let entries: Vec<(String, String)> =
            units.into_iter().map(|unit| (unit.to_lowercase().replace(' ', "-"), unit)).collect();
        place.configure("softlanding.toml", &store.database.url(), SERVE, TIMING, &entries);
        let replicas = vec![start(&place).await, start(&place).await];
        Round { place, store, replicas, logs: Vec::new(), away: Vec::new(), told: Told::default() }
    }

    async fn strike(&mut self, point: Point) {
        let Some((run, phase)) = self.store.rows.until(|rows| comes(rows, point)).await else { return };
        let leader = self.store.leader(&run).await;
        let victim = self.replicas.iter().position(|replica| Some(&replica.holder) == leader.as_ref()).unwrap_or(0);
        let holder = self.replicas[victim].holder.clone();
        let struck_at = Clock::System.now();
        if point.strike == Strike::Pause {
            // A process that has stopped can neither take nor give up what it is found to lead.
            self.replicas[victim].signal(Signal::STOP);
        }
        let led = self.store.led_by(&holder).await;
        let fences = self.store.rows.look(newest_fences);
        match point.strike {
            Strike::Kill => {
                let log = self.replicas.remove(victim).kill().await;
                self.logs.push(log);
                self.replicas.push(start(&self.place).await);
                self.led_again(&led, &fences).await;
            }
            Strike::Pause => {
                self.store.outlasts(&holder).await;
                self.led_again(&led, &fences).await;
                let process = self.place.way.watch(self.replicas[victim].pid);
                let (woken_at, log) = (Clock::System.now(), self.replicas[victim].log.clone());
                let known = log.look(<[Value]>::len);
                self.replicas[victim].signal(Signal::CONT);
                // Where everything is over already, there may be nothing left for it to let go of.
                tokio::select! {
                    _ = log.until(|lines| lets_go(lines.get(known..)?, &led)) => {}
                    () = self.store.rows.until(|rows| (over(rows).len() == RUNS).then_some(())) => {}
                }
                self.place.way.watch_nobody();
                self.away.push(Away { process, woken_at, led: led.clone(), known, log });
            }
        }
        self.told.struck.push((point.strike, phase));
        self.note_failovers(point.strike, &led, struck_at);
    }

    /// Waits until each of these runs is led under a new fence, or over. The calendar has no need to be led again.
    async fn led_again(&self, led: &[String], fences: &BTreeMap<String, i64>) {
        let again = |rows: &[Row]| {
            let (over, newest) = (over(rows), newest_fences(rows));
            let fence_of = |run: &String| newest.get(run).copied().unwrap_or_default();
            let moved = |run: &String| fence_of(run) > fences.get(run).copied().unwrap_or_default();
            led.iter()
                .filter(|run| !of_calendar(run))
                .all(|run| over.contains(run.as_str()) || moved(run))
                .then_some(())
        };
        self.store.rows.until(again).await;
    }

    fn note_failovers(&mut self, strike: Strike, led: &[String], struck_at: Timestamp) {
        for replica in &self.replicas {
            let times = replica.log.look(|lines| {
                let leading = lines.iter().filter(|line| line["event"] == "leading");
                let theirs = leading.filter(|line| led.iter().any(|run| line["run"] == run.as_str()));
                theirs.map(|line| written_at(line).since_ms(struck_at)).filter(|ms| *ms > 0).collect::<Vec<_>>()
            });
            self.told.failovers_ms.extend(times.into_iter().map(|ms| (strike, ms)));
        }
    }

    /// Lets the runs end, and the replicas. Of a run that ended in doubt a person decides, and this is the person: who looks,
    /// finds the schedule unpublished, and stages it again.
    async fn close(mut self) -> Told {
        self.store.rows.until(|rows| (over(rows).len() == RUNS).then_some(())).await;
        let doubted = self.store.rows.look(doubted);
        for run in &doubted {
            self.stage_again(run).await;
        }
        self.store.rows.until(|rows| (over(rows).len() == RUNS + doubted.len()).then_some(())).await;
        for replica in std::mem::take(&mut self.replicas) {
            self.logs.push(replica.stop().await);
        }
        self.nothing_on_waking();
        self.holds().await;
        self.store.database.close().await;
        self.told
    }

    async fn stage_again(&self, run: &str) {
        let records =
            self.store.journal().await.load::<Event>(&RunId::new(run).expect("a run")).await.expect("records");
        let plan = Run::replay(&records).expect("a journal replays").plan;
        let published = schedule(&self.place.truth(), &plan.schedule.id).publishes_applied > 0;
        assert!(!published, "{run} is in doubt, and a look would have told; {REPEAT}");
        let at = (self.place.clock.now() + AGAIN_MS).utc().with_timezone(&chrono_tz::America::Chicago);
        let at = at.format("%Y-%m-%d %H:%M America/Chicago").to_string();
        let entry = plan.policy.entry.as_deref().expect("an entry");
        softlanding_says(&self.place.folder, &["stage", "--publish", entry, "--at", &at]).await;
    }

    /// Until the next lease that it tells of, nothing that acts leaves a woken process, and from the moment at which it knows
    /// nothing at all. Before that a read can still leave if it was handed to a connection before the pause; that is counted,
    /// as are heads of requests whose rest was held back.
    fn nothing_on_waking(&mut self) {
        let sent = self.place.way.sent();
        for away in &self.away {
            let next_lease_at = away.log.look(|lines| {
                let leading = lines.iter().filter(|line| line["event"] == "leading").map(written_at);
                leading.filter(|at| *at > away.woken_at).min()
            });
            let next_lease_at = next_lease_at.unwrap_or(Timestamp(i64::MAX));
            // Its log is whole by now. A process that never said that it let go is only known not to have sent twice.
            let knows = away.log.look(|lines| lets_go(lines.get(away.known..)?, &away.led));
            let Some(knows_at) = knows else { continue };
            let theirs = sent.iter().filter(|sent| away.process.holds(sent.port));
            let early = theirs.filter(|sent| sent.at >= away.woken_at && sent.at < next_lease_at);
            let (known, handed_over): (Vec<_>, Vec<_>) = early.partition(|sent| sent.at > knows_at);
            assert!(known.is_empty(), "woken at {}, it went on: {known:?}; {REPEAT}", away.woken_at);
            // What acts has a body, be it an empty one, and is none without it.
            let acts: Vec<_> = handed_over.iter().filter(|sent| sent.has_body).collect();
            assert!(acts.is_empty(), "woken at {}, it acted: {acts:?}; {REPEAT}", away.woken_at);
            self.told.handed_over.extend(handed_over.iter().map(|sent| sent.line.clone()));
        }
    }

    async fn holds(&mut self) {
        let (journal, truth) = (self.store.journal().await, self.place.truth());
        assert_eq!(truth.counters.touched_on_call, 0, "{REPEAT}");
        assert_eq!(truth.counters.too_many_requests, 0, "{REPEAT}");
        // Every agent has a verdict, of the one run that published the agent's schedule; each schedule has one such run.
        let mut agents = BTreeSet::new();
        for summary in journal.runs().await.expect("runs") {
            let records: Vec<Record> = journal.load::<Event>(&summary.run).await.expect("records");
            let Some(run) = self.run_holds(&summary.run, &records, &truth) else { continue };
            for member in &run.plan.roster {
                assert!(agents.insert(member.agent.clone()), "{}: {:?} twice; {REPEAT}", summary.run, member.agent);
            }
        }
        assert_eq!(agents.len(), RUNS * AGENTS, "{REPEAT}");
        let applied = truth.schedules.iter().map(|schedule| schedule.publishes_applied).sum::<u32>();
        assert_eq!((truth.counters.publishes_applied, applied), (RUNS as u32, RUNS as u32), "{REPEAT}");
    }

    /// What holds for each run: its schedule is published once. Gives back the run if it is the one that did it, and settled
    /// with a verdict for everyone; the other kind ended in doubt because its leader was lost right behind the claim.
    fn run_holds(&mut self, id: &RunId, records: &[Record], truth: &Truth) -> Option<Run> {
        let violation = Auditor::check(records);
        assert!(violation.is_ok(), "{id}: {violation:?}; {REPEAT}");
        let run = Run::replay(records).expect("a journal replays");
        let schedule = schedule(truth, &run.plan.schedule.id);
        let once = schedule.updates_sent == 1 && schedule.publishes_applied == 1;
        assert!(once, "{id}: {schedule:?}; {REPEAT}");
        let fences = self.store.rows.look(|rows| fences_of(rows, id.as_str()));
        assert!(fences.is_sorted(), "{id}: an old fence after a new one: {fences:?}; {REPEAT}");
        if run.phase == Phase::InDoubt {
            let lost = self.store.rows.look(|rows| lost_behind_the_claim(rows, id.as_str()));
            assert!(lost, "{id}: in doubt, and its leader was not lost behind the claim; {REPEAT}");
            self.told.doubted += 1;
            return None;
        }
        assert_eq!(run.phase, Phase::Settled, "{id}; {REPEAT}");
        assert_eq!(run.tally().total() as usize, AGENTS, "{id}; {REPEAT}");
        assert!(run.agents.iter().all(|agent| agent.verdict.is_some()), "{id}; {REPEAT}");
        self.told.settled += 1;
        Some(run)
    }
}

fn schedule<'t>(truth: &'t Truth, id: &ScheduleId) -> &'t ScheduleTruth {
    truth.schedules.iter().find(|schedule| schedule.id == *id).expect("a schedule")
}

/// The runs that ended in doubt.
fn doubted(rows: &[Row]) -> BTreeSet<String> {
    rows.iter().filter(|row| row.kind == "publish_unconfirmed").map(|row| row.run.clone()).collect()
}

/// When a log says that a process leads none of these runs any more, or a run anew.
fn lets_go(lines: &[Value], led: &[String]) -> Option<Timestamp> {
    let when = |run: &String| {
        let about = lines.iter().filter(|line| line["run"] == run.as_str());
        about.filter(|line| line["event"] == "let_go" || line["event"] == "ended").map(written_at).next()
    };
    let anew = || lines.iter().find(|line| line["event"] == "leading").map(written_at);
    let gone: Option<Vec<Timestamp>> = led.iter().filter(|run| !of_calendar(run)).map(when).collect();
    gone.and_then(|gone| gone.into_iter().max()).or_else(anew)
}

fn of_calendar(run: &str) -> bool {
    run.starts_with("calendar.")
}

async fn start(place: &Place) -> Replica {
    Replica::start(place, &["softlanding.toml"]).await
}

fn newest_fences(rows: &[Row]) -> BTreeMap<String, i64> {
    rows.iter().map(|row| (row.run.clone(), row.fence)).collect()
}

fn fences_of(rows: &[Row], run: &str) -> Vec<i64> {
    rows.iter().filter(|row| row.run == run).map(|row| row.fence).collect()
}

/// Whether the leader that claimed never heard what came of its request, and another one came. (A hook that it ran beside
/// the request may have ended before.)
fn lost_behind_the_claim(rows: &[Row], run: &str) -> bool {
    let mut rows = rows.iter().filter(|row| row.run == run).skip_while(|row| row.kind != "publish_claimed");
    let Some(claimed) = rows.next() else { return false };
    let (own, others): (Vec<&Row>, Vec<&Row>) = rows.partition(|row| row.fence == claimed.fence);
    own.iter().all(|row| row.kind == "hooks_ran") && !others.is_empty()
}

/// Prints what was seen; none of it is asserted but that every phase was struck.
fn print(all: &[Told]) {
    let (settled, doubted) = all.iter().fold((0, 0), |(s, d), told| (s + told.settled, d + told.doubted));
    println!(
        "{settled} runs published once and settled; {doubted} of their schedules were staged again, because an earlier run \
         had lost its leader right behind the claim"
    );
    let pauses = all.iter().flat_map(|told| &told.struck).filter(|(kind, _)| *kind == Strike::Pause).count();
    let late: Vec<&str> = all.iter().flat_map(|told| &told.handed_over).map(String::as_str).collect();
    println!(
        "{} reads, or heads without their rest, that were handed over before one of {pauses} pauses left behind it {late:?}",
        late.len()
    );
    for strike in [Strike::Kill, Strike::Pause] {
        let struck = all.iter().flat_map(|told| &told.struck).filter(|(kind, _)| *kind == strike);
        let mut phases: BTreeMap<&str, usize> = BTreeMap::new();
        struck.for_each(|(_, phase)| *phases.entry(phase).or_default() += 1);
        let words = phases.iter().fold(String::new(), |mut words, (phase, n)| {
            write!(words, " {phase} {n}").expect("memory");
            words
        });
        println!("{strike:?}:{words}");
        let mut times: Vec<i64> = all
            .iter()
            .flat_map(|told| &told.failovers_ms)
            .filter(|(kind, _)| *kind == strike)
            .map(|(_, ms)| *ms)
            .collect();
        times.sort_unstable();
        if let (Some(median), Some(longest)) = (times.get(times.len() / 2), times.last()) {
            println!("  led again after: median {median} ms, longest {longest} ms, of {} runs", times.len());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_runs_whose_replicas_are_killed_and_paused_are_published_once_each() {
    let mut all = Vec::new();
    for number in 1..=ROUNDS {
        let told = patiently(async {
            let mut round = Round::open(number).await;
            for point in points(number) {
                round.strike(point).await;
            }
            round.close().await
        });
        all.push(told.await);
    }
    print(&all);
    let struck: BTreeSet<&str> = all.iter().flat_map(|told| &told.struck).map(|(_, phase)| phase.as_str()).collect();
    for phase in ["waiting", "refreshing", "preparing", "publishing", "checking"] {
        assert!(struck.contains(phase), "nobody was struck at {phase}; {REPEAT}");
    }
}
