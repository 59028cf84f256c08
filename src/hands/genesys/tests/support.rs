//! A plan, an organisation, and a driver that plays a call against a function in integer time.

use serde_json::{Value, json};

use crate::hands::genesys::{AppClient, Call, Done, Hosts, Next, Org, OrgSettings};
use crate::law::command::{Command, Failure, Outcome};
use crate::law::plan::{BusinessUnit, Limits, Mechanisms, Member, PinnedSchedule, Plan, Policy, RemedyPolicy, Timing};
use crate::words::clock::{Seed, Timestamp};
use crate::words::http::{Lost, Request, Response};
use crate::words::id::{AgentId, BusinessUnitId, ManagementUnitId, ScheduleId, Seat, WeekDate};
use crate::words::secret::{Grant, Secret};

pub const SCHEDULE: &str = "/api/v2/workforcemanagement/businessunits/bu-1/weeks/2026-11-23/schedules/sch-1";

pub fn plan(agents: u32) -> Plan {
    let member = |n: u32| Member {
        agent: AgentId::new(&format!("agent-{n}")).unwrap(),
        name: format!("Agent {n}"),
        management_unit: ManagementUnitId::new("mu-1").unwrap(),
        shift_start: None,
        enrolled: true,
    };
    Plan {
        api: None,
        client: None,
        business_unit: BusinessUnit { id: BusinessUnitId::new("bu-1").unwrap(), name: "Unit".to_owned() },
        week: WeekDate::new("2026-11-23").unwrap(),
        schedule: PinnedSchedule { id: ScheduleId::new("sch-1").unwrap(), description: "Draft".to_owned(), version: 7 },
        publish_at: Timestamp(1_000_000),
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

pub fn settings() -> OrgSettings {
    let hosts = Hosts::given("http://127.0.0.1:1", "http://127.0.0.1:2").unwrap();
    let mut settings = OrgSettings::new(hosts, "publisher", Secret::new("publisher-secret".to_owned()));
    settings.app = Some(AppClient { client_id: "app".to_owned(), client_secret: Secret::new("app-secret".to_owned()) });
    settings
}

pub fn org() -> Org {
    Org::new(settings())
}

pub fn grant(access: Option<&str>) -> Grant {
    Grant {
        refresh_token: Secret::new("refresh-1".to_owned()),
        access_token: access.map(|token| (Secret::new(token.to_owned()), Timestamp(9_000_000))),
    }
}

pub fn call(command: &Command) -> Call {
    Call::new(command, &plan(3), None)
}

pub fn seats(seats: &[u32]) -> Vec<Seat> {
    seats.iter().copied().map(Seat).collect()
}

/// What a played call did.
pub struct Played {
    pub done: Done,
    pub sent: Vec<(Timestamp, Request)>,
    pub now: Timestamp,
}

impl Played {
    /// The requests to the API, without the logins.
    pub fn api(&self) -> Vec<String> {
        let api = self.sent.iter().filter(|(_, request)| !is_login(request));
        api.map(|(_, request)| line(request)).collect()
    }
    pub fn body(&self, at: usize) -> Value {
        let api: Vec<&Request> = self.sent.iter().map(|(_, request)| request).filter(|r| !is_login(r)).collect();
        serde_json::from_slice(&api[at].body).unwrap()
    }
    pub fn failure(&self) -> &Failure {
        match &self.done.outcome {
            Outcome::Failed(failure) => failure,
            other => panic!("not a failure: {other:?}"),
        }
    }
}

pub fn line(request: &Request) -> String {
    let query = if request.query().is_empty() { String::new() } else { format!("?{}", request.query()) };
    format!("{} {}{query}", request.method.as_str(), request.path())
}

pub fn is_login(request: &Request) -> bool {
    request.url == "http://127.0.0.1:2/oauth/token" && request.body == b"grant_type=client%5Fcredentials"
}

/// Plays a call: logins are answered with `token-1`, `token-2` and so on, everything else by `server`; each answer takes
/// 10 ms.
pub fn play(call: &mut Call, org: &mut Org, mut server: impl FnMut(&Request) -> Result<Response, Lost>) -> Played {
    let mut logins = 0;
    play_all(call, org, Timestamp(0), |request| {
        if is_login(request) {
            logins += 1;
            let token = format!("token-{logins}");
            return Ok(Response::new(200).json(&json!({"access_token": token, "expires_in": 86_400})));
        }
        server(request)
    })
}

/// The same without the logins.
pub fn play_all(
    call: &mut Call,
    org: &mut Org,
    mut now: Timestamp,
    mut server: impl FnMut(&Request) -> Result<Response, Lost>,
) -> Played {
    let mut sent = Vec::new();
    for _ in 0..10_000 {
        match call.next(org, now) {
            Next::Send(request) => {
                let answer = server(&request);
                sent.push((now, request));
                now = now + 10;
                call.answer(org, now, answer);
            }
            Next::Wait(at) => {
                assert!(at > now, "a wait that has passed would spin");
                now = at;
            }
            Next::Done(done) => return Played { done, sent, now },
        }
    }
    panic!("the call does not end");
}

/// A server that answers every request alike.
pub fn always(response: Response) -> impl FnMut(&Request) -> Result<Response, Lost> {
    move |_| Ok(response.clone())
}

pub fn lost() -> Lost {
    Lost::NoAnswer("reset".to_owned())
}

pub fn not_sent() -> Lost {
    Lost::NotSent("refused".to_owned())
}
