//! The vault test kit: a process that is killed at every step of a rotation, ten thousand agents at the platform's limit, and
//! the commands about agents, over a file and over PostgreSQL.

mod support;

#[path = "vault/commands.rs"]
mod commands;
#[path = "vault/gate.rs"]
mod gate;
#[path = "vault/kills.rs"]
mod kills;
#[path = "vault/pace.rs"]
mod pace;
#[path = "vault/rekeys.rs"]
mod rekeys;

use softlanding::hands::genesys::{AppClient, Hosts, OrgSettings};
use softlanding::law::plan::{
    BusinessUnit, Limits, Mechanisms, Member, PinnedSchedule, Plan, Policy, RemedyPolicy, Timing,
};
use softlanding::twin::{APP_CLIENT_ID, APP_CLIENT_SECRET, PUBLISHER_CLIENT_ID, PUBLISHER_CLIENT_SECRET};
use softlanding::words::clock::Seed;
use softlanding::words::id::{AgentId, BusinessUnitId, ManagementUnitId, ScheduleId, WeekDate};
use softlanding::words::secret::Secret;

const REPEAT: &str = "to repeat: ./tests/run --test vault";

/// A plan about these agents, all of them enrolled.
fn plan(agents: &[AgentId]) -> Plan {
    let member = |agent: &AgentId| Member {
        agent: agent.clone(),
        name: agent.to_string(),
        management_unit: ManagementUnitId::new("mu-1").expect("an id"),
        shift_start: None,
        enrolled: true,
    };
    Plan {
        api: None,
        client: None,
        business_unit: BusinessUnit { id: BusinessUnitId::new("bu-1").expect("an id"), name: "Unit".to_owned() },
        week: WeekDate::new("2026-11-23").expect("a date"),
        schedule: PinnedSchedule {
            id: ScheduleId::new("sch-1").expect("an id"),
            description: "Draft".to_owned(),
            version: 7,
        },
        publish_at: support::org::friday(),
        zone: "America/Chicago".to_owned(),
        roster: agents.iter().map(member).collect(),
        timing: Timing::default(),
        limits: Limits::default(),
        remedies: RemedyPolicy::default(),
        mechanisms: Mechanisms::default(),
        seed: Seed(1),
        policy: Policy::default(),
    }
}

/// A twin's clients, reached at `url`.
fn settings(url: &str) -> OrgSettings {
    let secret = |text: &str| Secret::new(text.to_owned());
    let hosts = Hosts::given(url, url).expect("hosts");
    let mut settings = OrgSettings::new(hosts, PUBLISHER_CLIENT_ID, secret(PUBLISHER_CLIENT_SECRET));
    settings.app = Some(AppClient { client_id: APP_CLIENT_ID.to_owned(), client_secret: secret(APP_CLIENT_SECRET) });
    settings
}
