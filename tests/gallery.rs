//! The gallery of failures: a scenario for each way a Friday can go wrong, played whole in virtual time, with the verdict that
//! each kind of agent must end with, and every verdict held against what is really so.
//!
//! A file of `tests/gallery/` holds a scenario and what is expected of it: how the run ends, and for each kind of agent (or
//! `cohort/kind`) the verdicts that are right, by name; where it matters, also how much of what the platform pushed was
//! heard, and which remedies the brake stopped because they harm or help nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use softlanding::law::event::Phase;
use softlanding::law::losses::Losses;
use softlanding::law::verdict::{Deferral, Verdict};
use softlanding::shells::sim::{Lived, Pushed, Story, play};
use softlanding::twin::scenario::{Cohort, Kind, KindCounts, Scenario};
use softlanding::twin::{AgentTruth, Truth};
use softlanding::words::id::Seat;

const REPEAT: &str = "to repeat: ./tests/run --test gallery";
/// Seeds that each scenario is played with.
const SEEDS: u64 = 4;

/// What the brake says of a remedy that harms.
const HARM: &str = "ready before";
/// And of one that helps nobody.
const USELESS: &str = "helped 0 of";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Picture {
    /// How the run ends.
    ends: Phase,
    /// Whether the organisation has a limit that it does not tell, so that it answers 429.
    #[serde(default)]
    throttled: bool,
    /// How many hints of each kind were heard, from and to; nothing is said where it is left out.
    pushed: Option<Amounts>,
    /// The remedies that the brake stopped because they harm, and no others.
    #[serde(default)]
    harmful: BTreeSet<String>,
    /// Remedies that the brake must have stopped because they help nobody; others it may have.
    #[serde(default)]
    given_up: BTreeSet<String>,
    /// The verdicts that are right, for each kind of agent or `cohort/kind`.
    #[serde(default)]
    expect: BTreeMap<String, BTreeSet<String>>,
    scenario: Scenario,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Amounts {
    schedule: [u32; 2],
    agent: [u32; 2],
    gap: [u32; 2],
}

impl Amounts {
    fn hold(&self, heard: Pushed) -> bool {
        let within = |[from, to]: [u32; 2], found| (from..=to).contains(&found);
        within(self.schedule, heard.schedule) && within(self.agent, heard.agent) && within(self.gap, heard.gap)
    }
}

fn pictures() -> Vec<(String, Picture)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gallery");
    let mut pictures: Vec<_> = std::fs::read_dir(folder)
        .expect("the gallery")
        .map(|entry| {
            let path = entry.expect("a file").path();
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).expect("a text");
            let picture = toml::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}; {REPEAT}"));
            (name, picture)
        })
        .collect();
    pictures.sort_by(|(a, _), (b, _)| a.cmp(b));
    pictures
}

fn named(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        None => "none",
        Some(Verdict::Ready) => "ready",
        Some(Verdict::Recovered { .. }) => "recovered",
        Some(Verdict::Deferred { because: Deferral::OnCall }) => "on_call",
        Some(Verdict::Deferred { because: Deferral::LoggedOut }) => "logged_out",
        Some(Verdict::Straggler { .. }) => "straggler",
        Some(Verdict::Unknown { .. }) => "unknown",
    }
}

fn kind_of(kind: Kind) -> String {
    serde_json::to_value(kind).expect("JSON").as_str().expect("a name").to_owned()
}

/// What must be true of an agent's verdict, whatever the scenario.
fn is_true(verdict: Option<Verdict>, agent: &AgentTruth) -> bool {
    match verdict {
        Some(Verdict::Ready | Verdict::Recovered { .. }) => agent.media_ready,
        Some(Verdict::Deferred { because: Deferral::LoggedOut }) => !agent.logged_in,
        // A straggler may have been helped by hand since the last look, and a call may have ended.
        Some(Verdict::Straggler { .. } | Verdict::Deferred { .. } | Verdict::Unknown { .. }) => true,
        None => false,
    }
}

fn holds(name: &str, seed: u64, picture: &Picture, lived: &Lived) -> Vec<String> {
    let Lived { run, truth, .. } = lived;
    let about = |what: String| format!("{name}, seed {seed}: {what}");
    let mut wrong = Vec::new();
    if run.phase != picture.ends {
        wrong.push(about(format!("it ended {} instead of {}", run.phase.words(), picture.ends.words())));
    }
    let Truth { counters, agents, .. } = truth;
    let too_many = counters.too_many_requests > 0 && !picture.throttled;
    if counters.publishes_applied > 1 || counters.touched_on_call > 0 || too_many {
        wrong.push(about(format!("{counters:?}")));
    }
    if picture.pushed.as_ref().is_some_and(|amounts| !amounts.hold(lived.pushed)) {
        wrong.push(about(format!("{:?}", lived.pushed)));
    }
    let stopped = |why: &str| -> BTreeSet<String> {
        let found = lived.brakes.iter().filter(|(_, said)| said.contains(why)).filter_map(|(rung, _)| *rung);
        found.map(|rung| rung.words().to_owned()).collect()
    };
    if !picture.given_up.is_subset(&stopped(USELESS)) {
        wrong.push(about(format!("the brake did not stop {:?}: {:?}", picture.given_up, lived.brakes)));
    }
    let harmful = stopped(HARM);
    if harmful != picture.harmful {
        wrong.push(about(format!("the brake found harm in {harmful:?}: {:?}", lived.brakes)));
    }
    if run.phase != Phase::Settled {
        return wrong;
    }
    for (at, member) in (0..).zip(&run.plan.roster) {
        let agent = agents.iter().find(|agent| agent.id == member.agent).expect("an agent of the twin");
        let verdict = run.agent(Seat(at)).and_then(|agent| agent.verdict);
        let kind = kind_of(agent.kind);
        let place = format!("{}/{kind}", agent.cohort);
        let right = picture.expect.get(&place).or_else(|| picture.expect.get(&kind));
        if !right.is_some_and(|right| right.contains(named(verdict))) {
            wrong.push(about(format!("{place} is {}, expected {right:?}", named(verdict))));
        } else if !is_true(verdict, agent) {
            wrong.push(about(format!("{place} is {} and that is not so: {agent:?}", named(verdict))));
        }
    }
    wrong.sort();
    wrong.dedup();
    wrong
}

#[test]
fn every_way_to_fail_ends_with_the_right_verdict_for_everybody() {
    let mut wrong = Vec::new();
    for (name, picture) in pictures() {
        for seed in 0..SEEDS {
            match play(seed, picture.scenario.clone(), Story::Silent) {
                Ok(lived) => wrong.extend(holds(&name, seed, &picture, &lived)),
                Err(found) => wrong.push(format!("{name}, seed {seed}: {}", found.what)),
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{REPEAT}", wrong.join("\n"));
}

#[test]
fn each_scenario_is_a_way_to_fail_of_its_own() {
    let pictures = pictures();
    assert!(pictures.len() >= 25, "{} pictures; {REPEAT}", pictures.len());
    let stories: BTreeSet<&str> = pictures.iter().map(|(_, picture)| picture.scenario.story.as_str()).collect();
    assert_eq!(stories.len(), pictures.len(), "{REPEAT}");
}

/// What a run asks beside its check: staging, three logins, looks at the schedule, the upload and the publish.
const BESIDE: u64 = 30;
/// Topics of one channel, and what it takes to listen to them: a channel and its subscriptions (API.md section 11).
const TOPICS: u64 = 1_000;
const LISTENING: u64 = 2;

#[test]
fn a_cohort_in_good_order_costs_a_fiftieth_of_a_call_each() {
    for agents in [600_u32, 5_000] {
        let cohort = Cohort {
            agents,
            login_min: [-120, -60],
            kinds: KindCounts { not_enrolled: agents, ..KindCounts::default() },
            ..Cohort::default()
        };
        let scenario = Scenario { cohorts: vec![cohort], ..Scenario::default() };
        let lived = play(1, scenario, Story::Silent).unwrap_or_else(|found| panic!("{}; {REPEAT}", found.what));
        let (tally, requests) = (lived.run.tally(), lived.truth.counters.requests);
        let least = u64::from(agents).div_ceil(100) * 2;
        let looks = Losses::of(&lived.journal).looks() as u64;
        let watched = looks * least;
        let listening = (u64::from(agents) + 1).div_ceil(TOPICS) * LISTENING;
        println!(
            "{agents} agents: {requests} requests in all, {watched} of them for {looks} looks before the publish and {listening} for \
             listening; the check needs {least}, users and phones by the hundred"
        );
        assert_eq!((lived.run.phase, tally.ready), (Phase::Settled, agents), "{REPEAT}");
        assert!(
            requests <= u64::from(agents) / 50 + watched + listening + BESIDE,
            "{requests} requests for {agents} agents; {REPEAT}"
        );
    }
}
