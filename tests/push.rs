//! What the platform pushes makes a run look sooner; a run that hears nothing ends the same. All runs of a client share their
//! channels.

mod support;

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;
use softlanding::hands::genesys::push::{TOPICS_MAX, listen};
use softlanding::hands::genesys::{Client, Hosts, Org as Known, OrgSettings, Wire};
use softlanding::law::event::{Event, Record};
use softlanding::law::hint::{Hint, Stirred};
use softlanding::law::plan::{BusinessUnit, Member, PinnedSchedule, Plan};
use softlanding::twin::Scenario;
use softlanding::twin::scenario::{Cohort, Faults};
use softlanding::words::clock::Seed;
use softlanding::words::id::{AgentId, BusinessUnitId, ManagementUnitId, ScheduleId, WeekDate};
use softlanding::words::secret::Secret;
use support::org::Org;
use support::process::{Bench, patiently};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinHandle;

const REPEAT: &str = "to repeat: ./tests/run --test push";
/// Twin seconds per second.
const SPEED: u32 = 20;
/// How far two planned looks are apart, in ms.
const LOOKS_APART_MS: i64 = 60_000;

fn scenario(faults: &str) -> String {
    format!(
        "story = \"push: 12 agents, a publish of 20 s\"\n[publish]\nduration_s = 20\n\
         [faults]\n{faults}\n[[cohorts]]\nagents = 12\nlogin_min = [-120, -60]\n"
    )
}

/// A run whose planned looks are far apart; its journal.
async fn friday(name: &str, faults: &str, notifications: bool) -> Vec<Record> {
    let bench = Bench::open_before(name, &scenario(faults), SPEED, "3min").await;
    bench.configure("refresh_lead = \"12min\"", "refresh_lead = \"90s\"\nlook_interval = \"1min\"");
    bench.configure("prepare_lead = \"1min\"", "prepare_lead = \"30s\"");
    bench.configure("settle_after = \"35min\"", "settle_after = \"10min\"");
    bench.configure("[mechanisms]", &format!("[mechanisms]\nnotifications = {notifications}"));
    let run = bench.stage().await;
    let (code, complaint, _) = bench.run(&run).rest().await;
    assert_eq!(code, 0, "{complaint}; {REPEAT}");
    let records = bench.records(&run).await;
    let truth = bench.truth().await;
    assert_eq!((&truth["publishes_applied"], &truth["too_many_requests"]), (&1.into(), &0.into()), "{REPEAT}");
    assert!(records.iter().any(|r| matches!(r.event, Event::Settled { .. })), "{REPEAT}");
    bench.close().await;
    records
}

/// From the first look after the publish to the one that confirmed it, in ms of the twin.
fn waited_ms(records: &[Record]) -> i64 {
    let sent = records.iter().position(|r| matches!(r.event, Event::PublishSent { .. })).expect("it was sent");
    let after = &records[sent..];
    let looked = after.iter().find(|r| matches!(r.event, Event::ScheduleSeen { .. })).expect("a look");
    let confirmed = after.iter().find(|r| matches!(r.event, Event::PublishConfirmed { .. })).expect("confirmed");
    confirmed.at.since_ms(looked.at)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_that_is_pushed_is_seen_before_the_next_planned_look() {
    patiently(async {
        let records = friday("push-heard", "", true).await;
        let waited_ms = waited_ms(&records);
        assert!(waited_ms < LOOKS_APART_MS, "it came with the planned look, after {waited_ms} ms; {REPEAT}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_hears_nothing_finds_out_at_its_planned_look() {
    patiently(async {
        let lost = "lost_notifications_share = 1.0";
        for (name, faults, notifications) in [("push-lost", lost, true), ("push-off", "", false)] {
            let waited_ms = waited_ms(&friday(name, faults, notifications).await);
            assert!(waited_ms >= LOOKS_APART_MS, "{name}: {waited_ms} ms; {REPEAT}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_hears_late_and_twice_over_sockets_that_close_ends_the_same() {
    patiently(async {
        let faults = "late_notifications_share = 0.5\nlate_notifications_s = 15\ndoubled_notifications_share = 0.5\n\
                      sockets_close_every_s = 20";
        let records = friday("push-torn", faults, true).await;
        let settled = records.iter().find_map(|r| match &r.event {
            Event::Settled { tally } => Some(*tally),
            _ => None,
        });
        assert_eq!(settled.map(|tally| (tally.ready, tally.total())), Some((12, 12)), "{REPEAT}");
    })
    .await;
}

/// Agents of one run.
const CREW: usize = 100;
/// Runs of a client.
const RUNS: usize = 25;

/// A run that listens, and what it has heard.
struct Listening {
    told: Receiver<Hint>,
    task: JoinHandle<()>,
}

impl Listening {
    fn begin(client: &Client, agents: &[AgentId], seed: u64) -> Listening {
        let (tell, told) = channel(64);
        let (client, plan) = (client.clone(), plan(agents));
        let task = tokio::spawn(async move { listen(client, &plan, Seed(seed), tell).await });
        Listening { told, task }
    }
    /// Waits until something like this is heard; what lies before it is gone.
    async fn hears(&mut self, wanted: impl Fn(&Hint) -> bool) {
        loop {
            let hint = self.told.recv().await.unwrap_or_else(|| panic!("it has stopped to listen; {REPEAT}"));
            if wanted(&hint) {
                return;
            }
        }
    }
    /// What else has been heard by now.
    fn rest(&mut self) -> Vec<Hint> {
        std::iter::from_fn(|| self.told.try_recv().ok()).collect()
    }
}

fn plan(agents: &[AgentId]) -> Plan {
    let member = |agent: &AgentId| Member {
        agent: agent.clone(),
        name: "Somebody".to_owned(),
        management_unit: ManagementUnitId::new("mu").expect("an id"),
        shift_start: None,
        enrolled: false,
    };
    Plan {
        api: None,
        client: None,
        business_unit: BusinessUnit { id: BusinessUnitId::new("care").expect("an id"), name: "Care".to_owned() },
        week: WeekDate::new("2026-11-30").expect("a date"),
        schedule: PinnedSchedule {
            id: ScheduleId::new("s").expect("an id"),
            description: "Draft".to_owned(),
            version: 7,
        },
        publish_at: support::org::friday(),
        zone: "America/Chicago".to_owned(),
        roster: agents.iter().map(member).collect(),
        timing: Default::default(),
        limits: Default::default(),
        remedies: Default::default(),
        mechanisms: Default::default(),
        policy: Default::default(),
        seed: Seed(1),
    }
}

/// The org's channels, each with what is subscribed on it.
async fn channels(org: &Org, token: &str) -> BTreeMap<String, Vec<String>> {
    let texts = |list: &Value| -> Vec<String> {
        let entities = list["entities"].as_array().expect("a list");
        entities.iter().map(|entity| entity["id"].as_str().expect("an id").to_owned()).collect()
    };
    let all = org.call(token, "GET", "/api/v2/notifications/channels", None).await;
    let mut found = BTreeMap::new();
    for id in texts(&all.body) {
        let answer = org.call(token, "GET", &format!("/api/v2/notifications/channels/{id}/subscriptions"), None).await;
        found.insert(id, texts(&answer.body));
    }
    found
}

/// Looks again until as many topics are subscribed; a test that never sees that hangs.
async fn subscribed(org: &Org, token: &str, topics: usize) -> BTreeMap<String, Vec<String>> {
    loop {
        let found = channels(org, token).await;
        if found.values().map(Vec::len).sum::<usize>() == topics {
            return found;
        }
        org.clock().sleep_until(org.clock().now() + 2_000).await;
    }
}

/// An org half an hour before its publish, a client of it, and its agents.
async fn org_of(agents: usize, faults: Faults) -> (Org, Client, Vec<AgentId>) {
    let cohort = Cohort { agents: agents as u32, login_min: [-90, -60], ..Cohort::default() };
    let org = Org::serve(Scenario { cohorts: vec![cohort], faults, ..Scenario::default() }, -30, 10.0).await;
    let (id, secret) = Org::publisher();
    let hosts = Hosts::given(&org.url, &org.url).expect("hosts");
    let settings = OrgSettings::new(hosts, id, Secret::new(secret.to_owned()));
    let client = Client::new(Known::new(settings), Wire::new(org.clock()).expect("a wire"), org.clock());
    let all = org.truth().agents.into_iter().map(|agent| agent.id).collect();
    (org, client, all)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_org_that_counts_every_combined_topic_is_listened_to_over_more_channels() {
    patiently(async {
        let faults = Faults { topics_counted_singly: true, ..Faults::default() };
        let (org, client, all) = org_of(500, faults).await;
        let token = org.token().await;
        let mut run = Listening::begin(&client, &all, 1);
        run.hears(|hint| *hint == Hint::Gap).await;
        let found = subscribed(&org, &token, 501).await;
        let most = found.values().map(Vec::len).max();
        assert_eq!((client.hub().channels(), most), (3, Some(200)), "{REPEAT}");
        assert!(run.rest().iter().all(|hint| *hint == Hint::Gap), "nothing is left unheard; {REPEAT}");
        // The narrow lines are known from then on, so that no other run is refused.
        let mut other = Listening::begin(&client, &all[..10], 2);
        other.hears(|hint| *hint == Hint::Gap).await;
        assert_eq!(client.hub().channels(), 3, "{REPEAT}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_org_that_does_not_tell_of_tokens_still_tells_of_stations() {
    patiently(async {
        let faults = Faults { token_topics_refused: true, ..Faults::default() };
        let (org, client, all) = org_of(5, faults).await;
        let token = org.token().await;
        let mut run = Listening::begin(&client, &all, 1);
        run.hears(|hint| *hint == Hint::Gap).await;
        subscribed(&org, &token, 6).await;
        lose_the_station(&org, &token, &all[2]).await;
        let lost = Hint::Agent { agent: all[2].clone(), what: Stirred::Disassociated };
        run.hears(|hint| *hint == lost).await;
    })
    .await;
}

/// Takes an agent's station away.
async fn lose_the_station(org: &Org, token: &str, agent: &AgentId) {
    let station = org.call(token, "GET", &format!("/api/v2/stations?webRtcUserId={agent}"), None).await;
    let station = station.body["entities"][0]["id"].as_str().expect("a station").to_owned();
    let gone = org.call(token, "DELETE", &format!("/api/v2/stations/{station}/associateduser"), None).await;
    assert_eq!(gone.status, 200, "{REPEAT}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_runs_of_a_client_share_their_channels() {
    patiently(async {
        let (org, client, all) = org_of(CREW * RUNS, Faults::default()).await;
        let token = org.token().await;
        let crew = |range: Range<usize>| -> &[AgentId] { &all[range] };

        // Each has agents of its own, and all have the business unit in common.
        let mut runs: Vec<Listening> =
            (0..RUNS).map(|run| Listening::begin(&client, crew(run * CREW..(run + 1) * CREW), run as u64)).collect();
        for run in &mut runs {
            run.hears(|hint| *hint == Hint::Gap).await;
        }
        let topics = RUNS * CREW + 1;
        let found = subscribed(&org, &token, topics).await;
        assert_eq!((found.len(), client.hub().channels()), (topics.div_ceil(TOPICS_MAX), 3), "{REPEAT}");

        // One more, half of whose agents another has as well: nothing is subscribed twice, and both hear.
        let mut other = Listening::begin(&client, crew(0..CREW / 2), 99);
        other.hears(|hint| *hint == Hint::Gap).await;
        let agent = &all[7];
        runs.iter_mut().for_each(|run| drop(run.rest()));
        lose_the_station(&org, &token, agent).await;
        let lost = Hint::Agent { agent: agent.clone(), what: Stirred::Disassociated };
        other.hears(|hint| *hint == lost).await;
        runs[0].hears(|hint| *hint == lost).await;
        for run in &mut runs[1..] {
            assert_eq!(run.rest(), [], "it is no agent of theirs; {REPEAT}");
        }
        assert_eq!(subscribed(&org, &token, topics).await, found, "{REPEAT}");

        // One ends: what only it wanted is subscribed no more, and the others lose nothing.
        let ended = runs.pop().expect("a run");
        ended.task.abort();
        let found = subscribed(&org, &token, topics - CREW).await;
        for run in &mut runs {
            assert_eq!(run.rest(), [], "{REPEAT}");
        }

        // The socket of one channel closes: whoever has something on it is told, and nobody else.
        let is_on = |channel: &str, run: usize| {
            crew(run * CREW..(run + 1) * CREW)
                .iter()
                .any(|agent| found[channel].iter().any(|topic| topic.starts_with(&format!("v2.users.{agent}?"))))
        };
        // Not the one with the topic that all have in common.
        let with_all = |topics: &[String]| topics.iter().any(|topic| topic.contains("businessunits"));
        let cut = found.iter().find(|(_, topics)| !with_all(topics)).map(|(id, _)| id.clone()).expect("a channel");
        org.close_socket(&cut);
        org.call(&token, "GET", "/api/v2/notifications/channels", None).await;
        let mut told = 0;
        for (_, run) in runs.iter_mut().enumerate().filter(|(number, _)| is_on(&cut, *number)) {
            run.hears(|hint| *hint == Hint::Gap).await;
            told += 1;
        }
        assert!((1..RUNS - 1).contains(&told), "{told} runs; {REPEAT}");
        for (number, run) in runs.iter_mut().enumerate().filter(|(number, _)| !is_on(&cut, *number)) {
            assert_eq!(run.rest(), [], "run {number} has nothing there; {REPEAT}");
        }

        // All end: no channel is kept open for nobody.
        for run in &runs {
            run.task.abort();
        }
        other.task.abort();
        while client.hub().channels() > 0 {
            org.clock().sleep_until(org.clock().now() + 1_000).await;
        }
    })
    .await;
}
