//! What is really so inside of the twin, for tests and for the comparison that a rehearsal prints.
//!
//! Must never: be served under `/api/v2`; a client that could read it would prove nothing.

use serde::{Deserialize, Serialize};

use super::ids::{self, Thing};
use super::scenario::Kind;
use super::world::Twin;
use crate::words::clock::Timestamp;
use crate::words::id::{AgentId, ScheduleId};

/// Ground truth at one instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// The instant that the twin has reached.
    pub now: Timestamp,
    /// What was counted over the whole org.
    #[serde(flatten)]
    pub counters: Counters,
    /// Every schedule, in the order of their ids.
    #[serde(default)]
    pub schedules: Vec<ScheduleTruth>,
    /// Every agent, in the order of their ids.
    pub agents: Vec<AgentTruth>,
    /// The publisher's calls, minute by minute; the last 1,440 minutes that had any.
    #[serde(default)]
    pub calls_by_minute: Vec<MinuteOfCalls>,
    /// The most calls of the publisher that came within any 60 s, wherever these begin, refused ones included; at most
    /// 10,000. A fixed window (API.md section 3) may hold fewer.
    #[serde(default)]
    pub most_calls_in_60_s: u32,
}

/// The publisher's calls within one minute, refused ones included, by what they were made to. Logins have a limit of
/// their own and uploads have none; neither is counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinuteOfCalls {
    /// The whole minutes since the anchor at which it begins; negative before it.
    pub minute: i64,
    /// Reads of many users in one call.
    pub users: u32,
    /// Reads of phones, by page and one by one.
    pub phones: u32,
    /// Stations found, freed and given.
    pub stations: u32,
    /// All others.
    pub others: u32,
}

impl MinuteOfCalls {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> u32 {
        self.users + self.phones + self.stations + self.others
    }
}

/// What a twin counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// How often an update with `published: true` took effect.
    pub publishes_applied: u32,
    /// How many `POST …/update` arrived with a valid token and within the rate limit.
    pub update_posts: u32,
    /// How many of them were refused or ended in an `Error` event.
    pub updates_refused: u32,
    /// The most calls that one token (or one client, at `/oauth/token`) made within one window, refused ones included.
    pub max_calls_in_a_window: u32,
    /// How many calls were answered 429.
    pub too_many_requests: u32,
    /// How many calls were answered 401.
    pub unauthorized: u32,
    /// How many refresh-token grants were refused.
    pub invalid_grants: u32,
    /// All requests, those of no known route included.
    pub requests: u64,
    /// How often an agent was touched while on a call: station taken or given, session reset, phone rebooted, tokens deleted.
    /// A refresh and its hand-over are no touch: they leave a call as it is (SOFTPHONE.md section 6).
    pub touched_on_call: u32,
    /// The longest that a call had been up when its agent was touched, in ms; a station that is given back does not count.
    #[serde(default)]
    pub touched_into_call_ms_max: Option<i64>,
    /// When the first publish took effect.
    pub published_at: Option<Timestamp>,
}

/// Ground truth of one schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleTruth {
    /// The schedule's id.
    pub id: ScheduleId,
    /// The name of its business unit.
    pub business_unit: String,
    /// Its description.
    pub description: String,
    /// Whether it is in force.
    pub published: bool,
    /// How many `POST …/update` of it arrived with a valid token and within the rate limit.
    pub updates_sent: u32,
    /// How often an update of it with `published: true` took effect.
    pub publishes_applied: u32,
}

/// Ground truth of one agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentTruth {
    /// The user id.
    pub id: AgentId,
    /// The agent's name.
    pub name: String,
    /// The story of this agent's softphone.
    pub kind: Kind,
    /// The cohort's name.
    pub cohort: String,
    /// Start of the shift around the anchor.
    pub shift_start: Timestamp,
    /// Whether the softphone's page is open.
    pub logged_in: bool,
    /// Whether a page in a browser plays the agent.
    #[serde(default)]
    pub played_by_page: bool,
    /// Whether that page has a stream that is bound.
    #[serde(default)]
    pub registered: bool,
    /// Whether the softphone could take a call now.
    pub media_ready: bool,
    /// Whether a call is up now.
    pub on_call: bool,
    /// Since when the open page's softphone is grey, if it is.
    pub grey_since: Option<Timestamp>,
    /// Milliseconds for which it was grey while the page was open.
    pub grey_total_ms: i64,
    /// Milliseconds of these within the agent's shift.
    pub grey_on_shift_ms: i64,
    /// How often it went grey.
    pub grey_times: u32,
    /// Calls that came while the softphone could not take them.
    pub calls_missed: u32,
    /// What ended its last grey time.
    pub cured_by: Option<Cure>,
    /// What was done to the agent from outside, with its time; the first 64.
    pub remedies: Vec<(Touch, Timestamp)>,
    /// How many refreshed tokens reached the page.
    pub hand_overs: u32,
    /// How many of the remedies came while a call was up.
    pub touched_while_on_call: u32,
}

/// What made a grey softphone work again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cure {
    /// It reconnected by itself with the good token that the page held.
    #[serde(rename = "self")]
    ByItself,
    /// A session reset (bulk export, reported).
    Reset,
    /// The station was associated again.
    Reassociate,
    /// The phone was rebooted.
    Reboot,
    /// A fresh token was handed over to a softphone whose socket was still up.
    Token,
    /// The companion in its page initialised it anew.
    Companion,
    /// The agent logged in anew.
    Login,
    /// The agent reloaded the page by hand.
    Reload,
}

/// What was done to an agent from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Touch {
    /// The station was taken away.
    Disassociated,
    /// The station was given.
    Associated,
    /// The phone was rebooted.
    Rebooted,
    /// The session was reset.
    Reset,
    /// All tokens were deleted.
    TokensDeleted,
}

impl Twin {
    /// What is really so, as no client can see it: for tests and for the rehearsal's last page.
    #[must_use]
    pub fn truth(&self) -> Truth {
        Truth {
            now: self.now,
            counters: self.counters.clone(),
            schedules: (0..self.schedules.len()).filter_map(|i| self.schedule_truth(i)).collect(),
            agents: (0..self.agents.len()).filter_map(|i| self.agent_truth(i)).collect(),
            calls_by_minute: self.calls.by_minute(),
            most_calls_in_60_s: self.calls.most_in_60_s(),
        }
    }

    fn schedule_truth(&self, i: usize) -> Option<ScheduleTruth> {
        let schedule = self.schedules.get(i)?;
        Some(ScheduleTruth {
            id: ScheduleId::new(&ids::id(Thing::Schedule, i)).ok()?,
            business_unit: self.scenario.org.business_units.get(schedule.unit).cloned().unwrap_or_default(),
            description: schedule.description.clone(),
            published: schedule.published,
            updates_sent: schedule.updates,
            publishes_applied: schedule.publishes,
        })
    }

    fn agent_truth(&self, i: usize) -> Option<AgentTruth> {
        let agent = self.agents.get(i)?;
        let open = agent.grey_since.map_or((0, 0), |since| agent.grey_between(since, self.now));
        Some(AgentTruth {
            id: agent.id.clone(),
            name: ids::person(i),
            kind: agent.kind,
            cohort: self.scenario.cohorts.get(usize::from(agent.cohort)).map(|c| c.name.clone()).unwrap_or_default(),
            shift_start: agent.shift_start,
            logged_in: agent.logged_in.is_some(),
            played_by_page: self.played_by_a_page(i),
            registered: agent.page.as_ref().is_some_and(|p| !p.streams.is_empty()),
            media_ready: self.media_ready(i),
            on_call: agent.on_call(),
            grey_since: agent.grey_since,
            grey_total_ms: agent.story.grey_total_ms + open.0,
            grey_on_shift_ms: agent.story.grey_on_shift_ms + open.1,
            grey_times: agent.story.grey_times,
            calls_missed: agent.story.calls_missed,
            cured_by: agent.story.cured_by,
            remedies: agent.story.touches.clone(),
            hand_overs: agent.story.hand_overs,
            touched_while_on_call: agent.story.touched_while_on_call,
        })
    }
}
