//! Lead times on trial: a refresh is played through the law, the client and the twin in virtual time, and must end at the
//! millisecond that the arithmetic names; and the program explains and refuses with the same numbers.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use softlanding::hands::genesys::{AppClient, Call, Hosts, Next, Org, OrgSettings};
use softlanding::law::command::{Command, CommandId, Outcome};
use softlanding::law::decide::{Input, decide};
use softlanding::law::event::Event;
use softlanding::law::lead::{
    Budget, CALL_MS, Grounds, Known, Lead, LeadSettings, Learnt, RefreshLead, Why, Work, place,
};
use softlanding::law::plan::{
    BusinessUnit, Limits, Mechanisms, Member, PinnedSchedule, Plan, Policy, RemedyPolicy, Timing,
};
use softlanding::law::run::Run;
use softlanding::twin::scenario::Cohort;
use softlanding::twin::{APP_CLIENT_ID, APP_CLIENT_SECRET, Scenario, Twin};
use softlanding::words::clock::{Seed, Timestamp};
use softlanding::words::http::Request;
use softlanding::words::id::{AgentId, BusinessUnitId, ManagementUnitId, ScheduleId, Seat, WeekDate};
use softlanding::words::secret::{Grant, Secret};
use support::process::{Bench, softlanding_ends, softlanding_says, texts};

const REPEAT: &str = "to repeat: ./tests/run --test lead";
/// Friday 27 November 2026, 16:00 in Chicago.
const T: Timestamp = Timestamp(1_795_816_800_000);
const BASE: &str = "http://127.0.0.1:9";

/// One Friday's refresh: so many agents, so many calls a minute, so many at once.
#[derive(Debug, Clone, Copy)]
struct Friday {
    agents: u32,
    calls_per_minute: u32,
    in_flight_max: u32,
    /// Each call takes from this to [`CALL_MS`], half of it on the way there.
    call_ms_min: i64,
    seed: u64,
}

impl Friday {
    fn draw(seed: u64, call_ms_min: i64) -> Friday {
        let mut chance = Seed(seed).fork("friday");
        let calls_per_minute = chance.between(10, 90) as u32;
        // The client begins with the limit that staging read, so the first wave may be larger than the limit.
        Friday {
            agents: chance.between(1, 160) as u32,
            calls_per_minute,
            in_flight_max: chance.between(2, 40) as u32,
            call_ms_min,
            seed,
        }
    }
    fn twin(&self) -> Twin {
        let cohorts = vec![Cohort { agents: self.agents, ..Cohort::default() }];
        let mut scenario = Scenario { cohorts, ..Scenario::default() };
        scenario.rate_limit.oauth_calls_per_minute = self.calls_per_minute;
        Twin::new(scenario, Seed(self.seed), T, BASE)
    }
    /// The arithmetic, with the lead as given or computed.
    fn lead(&self, given_ms: Option<i64>) -> Lead {
        let budget = Budget {
            calls_per_minute: Some(self.calls_per_minute),
            share: 1,
            in_flight_max: self.in_flight_max,
            call_ms: CALL_MS,
        };
        let refresh_lead = if given_ms.is_some() { RefreshLead::Given } else { RefreshLead::Auto };
        let settings = LeadSettings { refresh_lead, margin_ms: 0, ..LeadSettings::default() };
        place(Grounds {
            now: T - 86_400_000,
            publish_at: T,
            work: Work { agents: self.agents.into(), refreshes: self.agents.into(), user_calls: 1, phone_calls: 1 },
            refresh_budget: budget,
            check_budget: budget,
            timing: Timing { refresh_lead_ms: given_ms.unwrap_or_default(), ..Timing::default() },
            settings,
            publish_expected: Known::publish(&settings, &Learnt::default()),
            token_life: Known::token_life(&settings, &Learnt::default()),
        })
    }
    fn plan(&self, twin: &Twin, lead: &Lead) -> Plan {
        let member = |(agent, name, _): (AgentId, String, Secret)| Member {
            agent,
            name,
            management_unit: ManagementUnitId::new("mu").expect("an id"),
            shift_start: None,
            enrolled: true,
        };
        Plan {
            api: None,
            client: None,
            business_unit: BusinessUnit { id: BusinessUnitId::new("bu").expect("an id"), name: "Unit".to_owned() },
            week: WeekDate::new("2026-11-30").expect("a week"),
            schedule: PinnedSchedule {
                id: ScheduleId::new("s").expect("an id"),
                description: "Draft".to_owned(),
                version: 7,
            },
            publish_at: T,
            zone: "America/Chicago".to_owned(),
            roster: twin.enrolments().into_iter().map(member).collect(),
            timing: Timing { refresh_lead_ms: lead.refresh_lead_ms(), ..Timing::default() },
            limits: Limits {
                in_flight_max: self.in_flight_max as usize,
                auth_calls_per_minute: Some(self.calls_per_minute),
                ..Limits::default()
            },
            remedies: RemedyPolicy::default(),
            mechanisms: Mechanisms::default(),
            seed: Seed(self.seed),
            policy: Policy::default(),
        }
    }
}

/// What a played refresh came to.
#[derive(Debug)]
struct Played {
    refreshed: u32,
    /// When the last token was there.
    last_at: Timestamp,
    too_many_requests: u32,
}

enum Happening {
    Wake,
    Poll(CommandId),
    Arrive(CommandId, Request, i64),
    Return(CommandId, softlanding::words::http::Response),
}

/// The law, the client and the twin, without faults, from the beginning of the refresh to the last look.
struct Play {
    run: Run,
    org: Org,
    twin: Twin,
    grants: BTreeMap<AgentId, Grant>,
    calls: BTreeMap<CommandId, Call>,
    queue: BTreeMap<(Timestamp, u64), Happening>,
    order: u64,
    now: Timestamp,
    chance: Seed,
    call_ms_min: i64,
    played: Played,
}

fn play(friday: Friday, lead: &Lead) -> Played {
    let twin = friday.twin();
    let plan = friday.plan(&twin, lead);
    let prepare_at = plan.prepare_at();
    let grant = |refresh_token| Grant { refresh_token, access_token: None };
    let hosts = Hosts { api: BASE.to_owned(), login: BASE.to_owned() };
    let app =
        AppClient { client_id: APP_CLIENT_ID.to_owned(), client_secret: Secret::new(APP_CLIENT_SECRET.to_owned()) };
    let settings = OrgSettings { app: Some(app), ..OrgSettings::new(hosts, "none", Secret::new(String::new())) };
    let mut org = Org::new(settings);
    org.expect(&plan);
    let mut play = Play {
        now: plan.refresh_at(),
        run: Run::staged(Arc::new(plan)),
        org,
        grants: twin.enrolments().into_iter().map(|(agent, _, token)| (agent, grant(token))).collect(),
        twin,
        calls: BTreeMap::new(),
        queue: BTreeMap::new(),
        order: 0,
        chance: Seed(friday.seed).fork("latency"),
        call_ms_min: friday.call_ms_min,
        played: Played { refreshed: 0, last_at: Timestamp(0), too_many_requests: 0 },
    };
    play.step(Input::Started);
    // What was begun before the last look still comes to its end; nothing is begun after it.
    while let Some(((at, _), happening)) = play.queue.pop_first() {
        if at > prepare_at + 60_000 {
            break;
        }
        play.now = at;
        play.happen(happening);
    }
    play.played.too_many_requests = play.twin.truth().counters.too_many_requests;
    play.played
}

impl Play {
    fn put(&mut self, at: Timestamp, happening: Happening) {
        self.order += 1;
        self.queue.insert((at, self.order), happening);
    }
    fn step(&mut self, input: Input) {
        let step = decide(&mut self.run, input, self.now);
        for event in &step.record {
            if let Event::TokenRefreshed { .. } = event {
                self.played.refreshed += 1;
                self.played.last_at = self.now;
            }
        }
        for (id, command) in step.perform {
            self.perform(id, &command);
        }
        if let Some(at) = step.wake_at {
            self.put(at, Happening::Wake);
        }
    }
    fn perform(&mut self, id: CommandId, command: &Command) {
        match command {
            Command::RunHooks { .. } => self.step(Input::Answered { id, outcome: Outcome::HooksRan(Vec::new()) }),
            Command::RefreshToken { seat: Seat(n), .. } => {
                let agent = &self.run.plan.roster[*n as usize].agent;
                let call = Call::new(command, &self.run.plan, self.grants.get(agent).cloned());
                self.calls.insert(id, call);
                self.put(self.now, Happening::Poll(id));
            }
            // The last look: not part of this.
            _ => {}
        }
    }
    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Wake => self.step(Input::Woke),
            Happening::Poll(id) => self.poll(id),
            Happening::Arrive(id, request, back_ms) => {
                let response = self.twin.handle(self.now, &request);
                self.put(self.now + back_ms, Happening::Return(id, response));
            }
            Happening::Return(id, response) => {
                let call = self.calls.get_mut(&id).expect("a call under way");
                call.answer(&mut self.org, self.now, Ok(response));
                self.poll(id);
            }
        }
    }
    fn poll(&mut self, id: CommandId) {
        let call = self.calls.get_mut(&id).expect("a call under way");
        match call.next(&mut self.org, self.now) {
            Next::Wait(at) => self.put(at, Happening::Poll(id)),
            Next::Send(request) => {
                let there_ms = self.chance.between(self.call_ms_min / 2, CALL_MS / 2);
                let back_ms = self.chance.between(self.call_ms_min / 2, CALL_MS / 2);
                self.put(self.now + there_ms, Happening::Arrive(id, request, back_ms));
            }
            Next::Done(done) => {
                self.calls.remove(&id);
                self.step(Input::Answered { id, outcome: done.outcome });
            }
        }
    }
}

#[test]
fn a_computed_lead_holds_the_refreshes_to_the_millisecond() {
    for seed in 0..60 {
        let friday = Friday::draw(seed, CALL_MS);
        let lead = friday.lead(None);
        let played = play(friday, &lead);
        assert_eq!(played.refreshed, friday.agents, "{friday:?} {played:?}; {REPEAT}");
        assert_eq!(played.last_at, lead.refresh_ends_by, "{friday:?}; {REPEAT}");
        assert_eq!(played.too_many_requests, 0, "{friday:?}; {REPEAT}");
        // Whole seconds are all that the computed lead gives away.
        assert!((0..1_000).contains(&lead.spare_ms()), "{friday:?} {}; {REPEAT}", lead.spare_ms());
    }
}

#[test]
fn quick_calls_end_sooner_and_never_later() {
    for seed in 100..160 {
        let friday = Friday::draw(seed, 2);
        let lead = friday.lead(None);
        let played = play(friday, &lead);
        assert_eq!((played.refreshed, played.too_many_requests), (friday.agents, 0), "{friday:?}; {REPEAT}");
        assert!(played.last_at <= lead.refresh_ends_by, "{friday:?} {played:?}; {REPEAT}");
    }
}

#[test]
fn a_lead_that_is_refused_would_not_have_held_the_work() {
    for seed in 200..260 {
        let friday = Friday::draw(seed, CALL_MS);
        let work_ms = friday.lead(None).refresh_ms;
        let given_ms = 60_000 + Seed(seed).fork("lead").between(1, work_ms - 1);
        let lead = friday.lead(Some(given_ms));
        let tight = lead.check().expect_err(REPEAT);
        assert_eq!((tight.why, tight.needed_ms(), tight.there_ms()), (Why::LeadTooShort, work_ms, given_ms - 60_000));
        let played = play(friday, &lead);
        let late = played.last_at > lead.prepare_at || played.refreshed < friday.agents;
        assert!(late, "{friday:?} {played:?} was refused and fits; {REPEAT}");
        // As many as were said to fit were there at the last look.
        let fit = lead.grounds.refresh_budget.holds(tight.there_ms());
        assert!(u64::from(played.refreshed) >= fit, "{friday:?} {played:?}, {fit} were said to fit; {REPEAT}");
    }
}

/// 90 agents and 30 refreshes a minute.
const TIGHT: &str = "story = \"lead\"\n[rate_limit]\noauth_calls_per_minute = 30\n[[cohorts]]\nagents = 90\n";

fn stage<'a>(at: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["stage", "--business-unit", "Customer Care", "--schedule", "Approved", "--at", at];
    arguments.extend(more);
    arguments
}

#[tokio::test]
async fn the_program_explains_without_recording_and_refuses_what_does_not_fit() {
    let bench = Bench::open("lead", TIGHT, 1).await;
    let said = softlanding_says(&bench.folder, &stage(&bench.at, &["--explain"])).await;
    // 90 at 27 a minute: three windows have to pass, and nine are left for the last.
    for part in ["90 tokens in 3 min 8 s", "27 a minute", "● publish", "Nothing was recorded"] {
        assert!(said.contains(part), "{part} is not in\n{said}\n{REPEAT}");
    }
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}\n{REPEAT}");
    let json = softlanding_says(&bench.folder, &stage(&bench.at, &["--explain", "--json"])).await;
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["timetable"]["lead"]["refresh_ms"], 188_000, "{json}\n{REPEAT}");
    assert_eq!((&json["recorded"], &json["run"]), (&Value::Bool(false), &Value::Null), "{REPEAT}");

    let file = bench.folder.join("softlanding.toml");
    let config = std::fs::read_to_string(&file).expect("the configuration");
    std::fs::write(&file, config.replace("refresh_lead = \"12min\"", "refresh_lead = \"4min\"")).expect("a file");
    let output = softlanding_ends(&bench.folder, &stage(&bench.at, &["--explain"])).await;
    let (said, complaint) = texts(&output);
    assert_eq!(output.status.code(), Some(4), "{said}\n{complaint}\n{REPEAT}");
    assert!(said.contains("missing") && said.contains("8 s"), "{said}\n{REPEAT}");
    let sentence = "90 token refreshes at 27 a minute take 3 min 8 s, and the refresh lead of 4 min leaves 3 min";
    assert!(complaint.contains(sentence) && complaint.contains("81 of the 90 fit"), "{complaint}\n{REPEAT}");
    assert!(!bench.folder.join("softlanding.db").exists(), "a journal was made; {REPEAT}");
    bench.close().await;
}
