//! The budget: whole Fridays of 5,000 agents at 300 calls a minute in virtual time. What each took is printed beside what
//! arithmetic allows, and while work waits the allowance is used, and never more than the allowance.
//!
//! Nothing here is a timing: the time is the simulation's own, and one seed gives one number.

use std::collections::{BTreeMap, BTreeSet};

use softlanding::law::event::{Attempt, Event, Phase, Record};
use softlanding::law::verdict::{Deferral, Rung, Verdict};
use softlanding::shells::sim::{Lived, Story, play};
use softlanding::twin::MinuteOfCalls;
use softlanding::twin::scenario::{Calls, Cohort, KindCounts, Scenario};
use softlanding::words::clock::Timestamp;
use softlanding::words::id::Seat;

const REPEAT: &str = "to repeat: ./tests/run --test budget";
const SEED: u64 = 1;
const AGENTS: u32 = 5_000;
/// Calls a minute that the organisation allows (API.md section 3), and how many of them are used at least while work waits.
const ALLOWED: u32 = 300;
const USED_SHARE: f64 = 0.95;
/// Users in one bulk read, and phones on one page (API.md section 7).
const IN_BULK: u32 = 100;
/// Calls of a re-association where the station is held by nobody: it is found, and given (API.md section 9).
const CALLS_PER_REMEDY: u32 = 2;
const MINUTE_MS: i64 = 60_000;

/// 5,000 agents of whom `lost` lose their station with the publish. Everybody was logged in long before.
fn scenario(lost: u32, calls: Vec<Calls>) -> Scenario {
    let kinds = KindCounts { station_lost: lost, not_enrolled: AGENTS - lost, ..KindCounts::default() };
    let cohort = Cohort { agents: AGENTS, login_min: [-120, -60], kinds, calls, ..Cohort::default() };
    let mut scenario = Scenario { cohorts: vec![cohort], ..Scenario::default() };
    scenario.rate_limit.calls_per_minute = ALLOWED;
    // None is refused at first, so that every remedy is as many calls as any.
    scenario.softphone.station_conflict_share = 0.0;
    scenario
}

/// One Friday, and what its journal says about when.
struct Friday {
    lived: Lived,
}

impl Friday {
    fn play(scenario: Scenario) -> Friday {
        let lived = play(SEED, scenario, Story::Silent).unwrap_or_else(|found| panic!("{}; {REPEAT}", found.what));
        assert_eq!(lived.run.phase, Phase::Settled, "{REPEAT}");
        Friday { lived }
    }
    /// Milliseconds after T.
    fn after_t(&self, at: Timestamp) -> i64 {
        at.since_ms(self.lived.run.plan.publish_at)
    }
    /// What `pick` finds in the journal, with the instants in milliseconds after T.
    fn found<'a, V>(&'a self, pick: impl Fn(&'a Event) -> Option<V> + 'a) -> impl Iterator<Item = (i64, V)> + 'a {
        self.lived.journal.iter().filter_map(move |Record { at, event, .. }| Some((self.after_t(*at), pick(event)?)))
    }
    /// When the first answer of the check could say something: the first look begins then.
    fn check_from(&self) -> i64 {
        let fresh_ms = self.lived.run.plan.timing.check_delay_ms;
        let seen = self.found(|e| matches!(e, Event::PublishConfirmed { .. }).then_some(())).next();
        seen.expect("the publish was seen through").0 + fresh_ms
    }
    fn last_verdict(&self) -> i64 {
        self.found(|e| matches!(e, Event::Judged { .. }).then_some(())).last().expect("somebody was judged").0
    }
    fn remedies(&self) -> Vec<(i64, usize)> {
        let started = |e: &Event| match e {
            Event::RemedyStarted { rung: Rung::Reassociate, seats } => Some(seats.len()),
            _ => None,
        };
        self.found(started).collect()
    }
    /// The calls of a minute after T; none were made in one that the twin does not tell of.
    fn minute(&self, minute: i64) -> MinuteOfCalls {
        let told = self.lived.truth.calls_by_minute.iter().find(|told| told.minute == minute);
        told.copied().unwrap_or(MinuteOfCalls { minute, ..MinuteOfCalls::default() })
    }
    /// Calls since the check began, but for those to the schedule and of the upload before it.
    fn calls_of_the_check(&self) -> MinuteOfCalls {
        let from = self.check_from().div_euclid(MINUTE_MS);
        let mut sum = MinuteOfCalls::default();
        for told in self.lived.truth.calls_by_minute.iter().filter(|told| told.minute >= from) {
            sum.users += told.users;
            sum.phones += told.phones;
            sum.stations += told.stations;
        }
        sum
    }
    fn never_too_many(&self) {
        let truth = &self.lived.truth;
        let most = truth.most_calls_in_60_s;
        assert!(most <= ALLOWED, "60 s held {most} calls; {REPEAT}");
        assert_eq!(truth.counters.too_many_requests, 0, "calls were answered 429; {REPEAT}");
        assert_eq!(truth.counters.touched_on_call, 0, "an agent on a call was touched; {REPEAT}");
    }
    /// How many agents waited all through each whole minute after T, at least.
    fn waited(&self) -> BTreeMap<i64, Waiting> {
        let (mut cure, mut look) = (BTreeSet::new(), BTreeSet::new());
        let mut minutes: BTreeMap<i64, Waiting> = BTreeMap::new();
        let mut reached = self.check_from().div_euclid(MINUTE_MS);
        for Record { at, event, .. } in &self.lived.journal {
            let minute = self.after_t(*at).div_euclid(MINUTE_MS);
            // A minute begins with whoever waits then, and has as many as waited at its quietest instant.
            let now = Waiting { cure: cure.len(), look: look.len() };
            for begun in reached + 1..=minute {
                minutes.insert(begun, now);
            }
            reached = reached.max(minute);
            follow(event, &mut cure, &mut look);
            if let Some(least) = minutes.get_mut(&minute) {
                *least = Waiting { cure: least.cure.min(cure.len()), look: least.look.min(look.len()) };
            }
        }
        // The last minute is not whole.
        minutes.remove(&reached);
        minutes
    }
    fn minutes_of_waiting(&self) -> Vec<i64> {
        self.waited().into_iter().filter(|(_, waiting)| waiting.cure > 0).map(|(minute, _)| minute).collect()
    }
    /// Prints every minute from the beginning of the check until the last remedy.
    fn print_minutes(&self) {
        let waited = self.waited();
        let last = self.remedies().last().map_or(0, |(at, _)| at.div_euclid(MINUTE_MS));
        println!(
            "minute after T   calls of {ALLOWED}   users   phones   stations   others   remedies begun   wait for help   for a look"
        );
        for minute in self.check_from().div_euclid(MINUTE_MS)..=last {
            let told = self.minute(minute);
            let MinuteOfCalls { users, phones, stations, others, .. } = told;
            let begun = self.remedies().iter().filter(|(at, _)| at.div_euclid(MINUTE_MS) == minute).count();
            let Waiting { cure, look } = waited.get(&minute).copied().unwrap_or_default();
            println!(
                "{minute:>14} {:>14} {users:>7} {phones:>8} {stations:>10} {others:>8} {begun:>16} {cure:>15} {look:>12}",
                told.all()
            );
        }
    }
    /// Of what was allowed in the minutes all through which somebody waited for help, so much was used.
    fn used_share(&self) -> f64 {
        let whole = self.minutes_of_waiting();
        let allowed = ALLOWED * u32::try_from(whole.len()).expect("few");
        assert!(whole.len() >= 5, "work waited for {} whole minutes only; {REPEAT}", whole.len());
        let made: u32 = whole.iter().map(|minute| self.minute(*minute).all()).sum();
        let share = f64::from(made) / f64::from(allowed);
        println!("while somebody waited: {made} calls of {allowed} in {} minutes, {:.1} %", whole.len(), share * 100.0);
        share
    }
}

/// Agents who wait: stragglers for a remedy to begin, and others for a look.
#[derive(Debug, Clone, Copy, Default)]
struct Waiting {
    cure: usize,
    look: usize,
}

/// Who waits for what after this event.
fn follow(event: &Event, cure: &mut BTreeSet<Seat>, look: &mut BTreeSet<Seat>) {
    match event {
        Event::Judged { verdicts } => {
            for (seat, verdict) in verdicts {
                cure.remove(seat);
                look.remove(seat);
                match verdict {
                    Verdict::Straggler { .. } => cure.insert(*seat),
                    Verdict::Deferred { because: Deferral::OnCall } => look.insert(*seat),
                    Verdict::Ready | Verdict::Recovered { .. } | Verdict::Deferred { .. } | Verdict::Unknown { .. } => {
                        false
                    }
                };
            }
        }
        Event::RemedyStarted { seats, .. } => cure.retain(|seat| !seats.contains(seat)),
        Event::RemedyAccepted { seats, .. } => look.extend(seats),
        Event::RemedyFailed { seats, .. } => cure.extend(seats),
        _ => {}
    }
}

fn minutes(ms: i64) -> f64 {
    ms as f64 / MINUTE_MS as f64
}

#[test]
fn where_everybody_is_ready_the_check_costs_a_fiftieth_of_a_call_each() {
    let friday = Friday::play(scenario(0, Vec::new()));
    let check = friday.calls_of_the_check();
    let least = AGENTS.div_ceil(IN_BULK) * 2;
    let (from, last) = (friday.check_from(), friday.last_verdict());
    println!("{AGENTS} agents, all ready, at {ALLOWED} calls a minute");
    println!(
        "calls of the check: {} (users {}, phones {}); at least {least}: {} for users, {} pages of phones; allowed {}",
        check.all(),
        check.users,
        check.phones,
        least / 2,
        least / 2,
        AGENTS / 50
    );
    println!(
        "the check began {:.2} min after T, the last verdict fell {:.2} min after T; at least {:.2} min between them",
        minutes(from),
        minutes(last),
        f64::from(least.saturating_sub(ALLOWED)) / f64::from(ALLOWED)
    );
    assert_eq!(friday.lived.run.tally().ready, AGENTS, "{REPEAT}");
    assert!(check.all() <= AGENTS / 50, "{} calls; {REPEAT}", check.all());
    assert!(last - from < MINUTE_MS, "what fits into one window is not spread over two; {REPEAT}");
    friday.never_too_many();
}

/// Agents that lose their station: the work of many minutes.
const LOST: u32 = 1_500;

/// The calls that the work needs, if every read is full: everybody is looked at once, every straggler before the remedy and
/// after it, and helped.
fn least_calls(lost: u32) -> u32 {
    let looks = AGENTS.div_ceil(IN_BULK) * 2;
    let (before, remedies) = (lost.div_ceil(IN_BULK), lost * CALLS_PER_REMEDY);
    let after = lost.div_ceil(IN_BULK) + AGENTS.div_ceil(IN_BULK);
    looks + before + remedies + after
}

/// The work takes so many times what arithmetic allows, at most. Arithmetic reads the phones of everybody who was helped in
/// one go at the very end; whoever wants to know within a minute whether a remedy has worked reads them every minute.
const LONGER_MAX: f64 = 1.4;
/// And the first waves, a few agents each, are waited for before there is work for the whole allowance, in minutes.
const WAVES_MIN: f64 = 1.5;

/// Prints what the work took beside what it must take at least, and holds the one against the other.
fn weigh_the_work(friday: &Friday) {
    let check = friday.calls_of_the_check();
    let least = least_calls(LOST);
    let (from, last) = (friday.check_from(), friday.last_verdict());
    let remedies = friday.remedies();
    let done = remedies.last().map_or(0, |(at, _)| *at);
    println!(
        "calls of the check and the cures: {} (users {}, phones {}, stations {}); at least {least}",
        check.all(),
        check.users,
        check.phones,
        check.stations
    );
    let given_up = |e: &Event| matches!(e, Event::RemedyFailed { attempt: Attempt::NotMade, .. }).then_some(());
    println!(
        "remedies begun: {}; given up because there was no turn while their look was fresh: {}",
        remedies.len(),
        friday.found(given_up).count()
    );
    println!(
        "check from {:.2} min after T; last remedy begun {:.2} min, last verdict {:.2} min after T",
        minutes(from),
        minutes(done),
        minutes(last)
    );
    let (took, at_least) = (minutes(last - from), f64::from(least) / f64::from(ALLOWED));
    println!("so the work took {took:.2} min; {least} calls at {ALLOWED} a minute take {at_least:.2} min");
    assert!(took <= at_least * LONGER_MAX + WAVES_MIN, "{took:.2} min for what takes {at_least:.2} min; {REPEAT}");
}

#[test]
fn while_remedies_wait_the_allowance_is_used() {
    let friday = Friday::play(scenario(LOST, Vec::new()));
    println!("{AGENTS} agents, {LOST} of them without their station, at {ALLOWED} calls a minute");
    friday.print_minutes();
    weigh_the_work(&friday);
    let share = friday.used_share();
    let tally = friday.lived.run.tally();
    assert_eq!((tally.ready, tally.recovered), (AGENTS - LOST, LOST), "{REPEAT}");
    assert!(share >= USED_SHARE, "{share:.3} of the allowance was used while work waited; {REPEAT}");
    friday.never_too_many();
}

/// Half of the agents are on calls at T; these end between so many minutes after it.
const CALLS_END_MIN: [i64; 2] = [2, 12];

#[test]
fn looks_and_remedies_share_the_allowance_and_neither_starves() {
    let calls = Calls { agents: AGENTS / 2, start_min: [-15, -1], end_min: CALLS_END_MIN };
    let friday = Friday::play(scenario(LOST, vec![calls]));
    println!(
        "{AGENTS} agents at {ALLOWED} calls a minute, {LOST} of them without their station, half of all on calls that end {} to {} min after T",
        CALLS_END_MIN[0], CALLS_END_MIN[1]
    );
    friday.print_minutes();
    weigh_the_work(&friday);
    let share = friday.used_share();
    let tally = friday.lived.run.tally();
    assert_eq!((tally.ready, tally.recovered), (AGENTS - LOST, LOST), "{REPEAT}");
    let both: Vec<i64> =
        friday.waited().into_iter().filter(|(_, w)| w.cure > 0 && w.look > 0).map(|(minute, _)| minute).collect();
    println!("minutes in which agents waited for help and others for a look: {both:?}");
    assert!(both.len() >= 5, "{REPEAT}");
    for minute in both {
        let told = friday.minute(minute);
        assert!(told.stations > 0 && told.phones > 0, "one of them had no call: {told:?}; {REPEAT}");
    }
    assert!(share >= USED_SHARE, "{share:.3} of the allowance was used while work waited; {REPEAT}");
    friday.never_too_many();
}
