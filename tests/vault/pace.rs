//! Ten thousand agents rotate in the minutes that the platform's limit on its token endpoint allows, none of them twice: the
//! real vault and the real client's calls against the twin, in virtual time. Nothing here is a timing.

use std::sync::Arc;

use softlanding::hands::genesys::{Call, Done, Next, Org};
use softlanding::hands::vault::{Kept, Taken, Vault, new_key};
use softlanding::law::command::{Command, Outcome, TokenVia};
use softlanding::law::plan::Plan;
use softlanding::twin::scenario::Cohort;
use softlanding::twin::{Scenario, Twin};
use softlanding::words::clock::{Seed, Timestamp};
use softlanding::words::id::{AgentId, Seat};
use softlanding::words::secret::Grant;

use super::{REPEAT, plan, settings};
use crate::support::org::friday;
use crate::support::process::folder;

const AGENTS: u32 = 10_000;
const URL: &str = "http://127.0.0.1:9";
/// How long the platform takes to answer, in virtual milliseconds.
const ANSWER_MS: i64 = 120;
const MINUTE_MS: i64 = 60_000;

fn scenario() -> Scenario {
    let cohort = Cohort { agents: AGENTS, login_min: [-600, -500], ..Cohort::default() };
    let mut scenario = Scenario { cohorts: vec![cohort], ..Scenario::default() };
    scenario.tokens.rotate_refresh_token = true;
    scenario.tokens.old_refresh_token_dies = true;
    scenario
}

/// Plays a call from `now` on; what came of it, and when.
fn play(call: &mut Call, org: &mut Org, twin: &mut Twin, mut now: Timestamp) -> (Done, Timestamp) {
    loop {
        match call.next(org, now) {
            Next::Wait(at) => now = at,
            Next::Send(request) => {
                let answer = twin.handle(now, &request);
                now = now + ANSWER_MS;
                call.answer(org, now, Ok(answer));
            }
            Next::Done(done) => return (done, now),
        }
    }
}

async fn rotate(
    vault: &Vault,
    agent: &AgentId,
    seat: u32,
    plan: &Plan,
    org: &mut Org,
    twin: &mut Twin,
    now: Timestamp,
) -> Timestamp {
    let Taken::Yours(spending) = vault.take(agent).await.expect("a vault") else {
        panic!("agent {seat} cannot be taken out; {REPEAT}")
    };
    let command = Command::RefreshToken { seat: Seat(seat), via: TokenVia::Grant, unless: None };
    let mut call = Call::new(&command, plan, Some(spending.grant().clone()));
    let (done, now) = play(&mut call, org, twin, now);
    assert!(matches!(done.outcome, Outcome::TokenRefreshed { .. }), "{:?}; {REPEAT}", done.outcome);
    let kept = vault.keep(&spending, &done.grant.expect("a grant")).await.expect("a vault");
    assert_eq!(kept, Kept::Stored, "{REPEAT}");
    now
}

#[tokio::test]
async fn ten_thousand_agents_rotate_in_the_minutes_that_the_limit_allows() {
    let scenario = scenario();
    let allowed = scenario.rate_limit.oauth_calls_per_minute;
    let begin = friday() - 4 * 60 * MINUTE_MS;
    let mut twin = Twin::new(scenario, Seed(27), friday(), URL);
    twin.advance(begin);
    let vault = Vault::open(&folder("vault-pace").join("vault.db"), &new_key().expect("a key")).await.expect("a vault");
    let grant = |token| Grant { refresh_token: token, access_token: None };
    let enrolments: Vec<_> =
        twin.enrolments().into_iter().map(|(agent, name, token)| (agent, name, grant(token))).collect();
    assert_eq!(enrolments.len(), AGENTS as usize, "{REPEAT}");
    vault.import(&enrolments).await.expect("an import");
    let agents: Vec<AgentId> = enrolments.into_iter().map(|(agent, ..)| agent).collect();
    let plan = Arc::new(plan(&agents));
    let mut org = Org::new(settings(URL));

    let requests_before = twin.counters().requests;
    let mut now = begin;
    for (seat, agent) in (0..).zip(&agents) {
        now = rotate(&vault, agent, seat, &plan, &mut org, &mut twin, now).await;
    }
    let minutes = now.since_ms(begin) as f64 / MINUTE_MS as f64;
    let least = f64::from(AGENTS.div_ceil(allowed) - 1);
    let calls = twin.counters().requests - requests_before;
    println!("{AGENTS} agents at {allowed} calls a minute: {calls} calls in {minutes:.1} minutes; at least {least}");
    let counters = twin.counters();
    assert_eq!(counters.too_many_requests, 0, "{REPEAT}");
    assert!(counters.max_calls_in_a_window <= allowed, "{} in a window; {REPEAT}", counters.max_calls_in_a_window);
    assert_eq!(calls, u64::from(AGENTS), "one call an agent; {REPEAT}");
    // The limit sets the pace and nothing else does: no minute is left unused.
    assert!(minutes <= least * 1.05 + 1.0, "{minutes:.1} minutes where {least} are enough; {REPEAT}");

    let kept = vault.agents().await.expect("a vault");
    assert!(kept.iter().all(|one| !one.must_sign_in() && one.spent_since.is_none()), "{REPEAT}");
    for (agent, _, token) in twin.enrolments() {
        let held = vault.get(&agent).await.expect("a vault").expect("a grant");
        assert_eq!(held.refresh_token, token, "{agent}; {REPEAT}");
    }
}
