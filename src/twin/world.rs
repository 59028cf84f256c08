//! The twin's state, and how it is built from a scenario and a seed.
//!
//! Must never: read a clock or draw chance from anything but the seed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::Arc;

use chrono::{Datelike, NaiveDate, TimeZone};
use serde_json::Value;

use super::agenda::{Due, Entry};
use super::calls::Calls;
use super::ids::{self, Thing};
use super::limit::Window;
use super::notify::{Channel, Push};
use super::scenario::{AgentsIn, Cohort, Kind, Scenario};
use super::stream::{Lines, Page};
use super::truth::{Counters, Cure};
use crate::words::clock::{Seed, Timestamp};
use crate::words::id::AgentId;
use crate::words::secret::Secret;

const MINUTE_MS: i64 = 60_000;
pub(super) const DAY_MS: i64 = 86_400_000;

/// A simulated org: a value that answers requests. It has no clock, does no I/O, and draws all chance from its seed.
///
/// Times in a scenario are relative to an anchor, the Friday 16:00 of the publish. Time only moves forward: an earlier
/// `now` than the last one counts as the last one.
#[derive(Debug, Clone)]
pub struct Twin {
    pub(super) scenario: Arc<Scenario>,
    pub(super) anchor: Timestamp,
    pub(super) now: Timestamp,
    pub(super) base_url: String,
    pub(super) secret: u64,
    pub(super) luck: Seed,
    pub(super) agents: Vec<Agent>,
    pub(super) tokens: Vec<Token>,
    pub(super) week: Week,
    pub(super) schedules: Vec<Schedule>,
    pub(super) uploads: Vec<Upload>,
    pub(super) operations: Vec<Operation>,
    pub(super) downloads: Vec<Value>,
    pub(super) channels: Vec<Channel>,
    pub(super) topics: HashMap<String, Vec<usize>>,
    pub(super) pushes: Vec<Push>,
    /// Notifications that are under way for longer than they should be.
    pub(super) late: BTreeMap<u64, Push>,
    pub(super) agenda: BinaryHeap<Reverse<Entry>>,
    pub(super) agenda_serial: u64,
    pub(super) client_windows: [Window; 2],
    pub(super) route_windows: BTreeMap<(usize, usize), Window>,
    pub(super) update_answers_left: u32,
    pub(super) unavailable_until: Timestamp,
    pub(super) answers: u64,
    pub(super) sign_ins: super::oauth::SignIns,
    pub(super) counters: Counters,
    pub(super) calls: Calls,
    /// The streams and calls of real softphones.
    pub(super) lines: Lines,
}

/// One agent: the person, the page with the softphone, the station, the phone.
#[derive(Debug, Clone)]
pub(super) struct Agent {
    pub id: AgentId,
    pub kind: Kind,
    pub cohort: u16,
    pub shift_start: Timestamp,
    pub shift_end: Timestamp,
    /// How long a grey softphone goes unnoticed, once it matters.
    pub notice_ms: i64,
    pub logged_in: Option<Timestamp>,
    /// Logged out because the tokens were deleted; will log in again.
    pub forced_out: bool,
    /// The token that the page holds, as an index into the twin's tokens.
    pub page_token: Option<usize>,
    pub socket: Socket,
    pub tokens: Vec<usize>,
    /// Serial of the refresh token in force; `None` when it was revoked.
    pub refresh_serial: Option<u32>,
    pub station: StationState,
    pub phone_stuck: bool,
    pub broken: bool,
    /// The media leg has failed, and nothing but a push tells.
    pub leg_failed: bool,
    /// What was said last of the media leg.
    pub leg: Leg,
    /// The next association of this agent's station is refused, whatever its time.
    pub refuse_association: bool,
    pub resets_done: u32,
    pub call: Option<Call>,
    pub lacks_permission: bool,
    pub blocks_hidden_reads: u32,
    pub odd_values: bool,
    pub grey_since: Option<Timestamp>,
    pub story: Story,
    /// The page in a browser that plays the agent, if one was ever asked to.
    pub page: Option<Box<Page>>,
}

/// What is told of an agent afterwards.
#[derive(Debug, Clone, Default)]
pub(super) struct Story {
    pub grey_total_ms: i64,
    pub grey_on_shift_ms: i64,
    pub grey_times: u32,
    pub calls_missed: u32,
    pub cured_by: Option<Cure>,
    pub touches: Vec<(super::truth::Touch, Timestamp)>,
    pub touched_while_on_call: u32,
    pub hand_overs: u32,
}

/// The softphone's signalling socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Socket {
    /// No page is open.
    Closed,
    Up,
    /// Cut; one attempt to reconnect is due.
    Retrying,
    /// Refused: the client has given up for good and only a new initialisation revives it (SOFTPHONE.md section 5).
    GivenUp,
}

/// The softphone's media leg, its persistent connection (API.md section 12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leg {
    Disconnected,
    Persisted,
    ActiveCall,
    Failed,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StationState {
    pub associated_at: Option<Timestamp>,
    pub freed_at: Option<Timestamp>,
    /// Instant at which a pending association comes into force.
    pub settles_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub start: Timestamp,
    pub end: Timestamp,
    pub state: CallState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallState {
    Planned,
    Active,
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Publisher,
    Agent(usize),
    /// One of those who are no agents.
    Person(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    /// softlanding's own client-credentials client.
    Publisher,
    /// The organisation's own app.
    App,
    /// The vendor's own agent desktop, or the app's page after a login.
    Page,
}

#[derive(Debug, Clone)]
pub(super) struct Token {
    pub owner: Owner,
    pub client: Client,
    pub issued: Timestamp,
    pub expires: Timestamp,
    pub revoked: Option<Timestamp>,
    pub window: Window,
}

/// The weeks of the business units: the one to be published and the one before, in force.
#[derive(Debug, Clone)]
pub(super) struct Week {
    pub zone: chrono_tz::Tz,
    /// First day of the week that is to be published.
    pub next: NaiveDate,
    /// First day of the week that the anchor lies in.
    pub current: NaiveDate,
}

impl Week {
    fn new(scenario: &Scenario, anchor: Timestamp) -> Week {
        let zone = scenario.org.time_zone.parse().unwrap_or(chrono_tz::America::Chicago);
        let start = scenario.org.start_day_of_week.parse().unwrap_or(chrono::Weekday::Mon);
        let today = zone.from_utc_datetime(&anchor.utc().naive_utc()).date_naive();
        let back = (7 + today.weekday().num_days_from_monday() - weekday_number(start)) % 7;
        let current = today - chrono::Days::new(u64::from(back));
        Week { zone, next: current + chrono::Days::new(7), current }
    }
    /// The instant at which a local date begins; an hour later where the clock skips midnight.
    pub fn midnight(&self, date: NaiveDate) -> Timestamp {
        let naive = date.and_time(chrono::NaiveTime::MIN);
        let local = self.zone.from_local_datetime(&naive).earliest();
        let local = local.or_else(|| self.zone.from_local_datetime(&(naive + chrono::TimeDelta::hours(1))).earliest());
        Timestamp(local.map_or(naive.and_utc().timestamp_millis(), |at| at.timestamp_millis()))
    }
}

fn weekday_number(day: chrono::Weekday) -> u32 {
    day.num_days_from_monday()
}

#[derive(Debug, Clone)]
pub(super) struct Schedule {
    pub unit: usize,
    pub week: NaiveDate,
    pub description: String,
    pub published: bool,
    pub version: i64,
    pub modified: Timestamp,
    /// Ids come from the place in the list, so a deleted schedule keeps its place.
    pub kept: Kept,
    /// How many updates of it were sent.
    pub updates: u32,
    /// How many of them took effect as a publish.
    pub publishes: u32,
}

/// Whether a schedule is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    There,
    Deleted,
}

#[derive(Debug, Clone)]
pub(super) struct Upload {
    pub schedule: usize,
    pub body: Option<Value>,
    pub used: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub schedule: usize,
    /// The version that the update was made from.
    pub version: i64,
    pub description: Option<String>,
    pub publish: bool,
    pub purge_cache: bool,
    pub fails: bool,
    pub done: bool,
}

impl Twin {
    /// Builds the org as it is long before `anchor`, the instant that the scenario's relative times refer to.
    ///
    /// `base_url` (e.g. `http://127.0.0.1:4321`) goes into upload and connect URLs only.
    #[must_use]
    pub fn new(scenario: Scenario, seed: Seed, anchor: Timestamp, base_url: &str) -> Twin {
        let week = Week::new(&scenario, anchor);
        let mut twin = Twin {
            anchor,
            now: Timestamp(i64::MIN),
            base_url: base_url.trim_end_matches('/').to_owned(),
            secret: seed.fork("tokens").bits(),
            luck: seed.fork("faults"),
            agents: Vec::with_capacity(usize::try_from(scenario.agents()).unwrap_or(0)),
            tokens: Vec::new(),
            schedules: schedules(&scenario, &week, anchor),
            week,
            uploads: Vec::new(),
            operations: Vec::new(),
            downloads: Vec::new(),
            channels: Vec::new(),
            topics: HashMap::new(),
            pushes: Vec::new(),
            late: BTreeMap::new(),
            agenda: BinaryHeap::new(),
            agenda_serial: 0,
            client_windows: [Window::default(); 2],
            route_windows: BTreeMap::new(),
            update_answers_left: scenario.publish.answer_times,
            unavailable_until: Timestamp(i64::MIN),
            answers: 0,
            sign_ins: super::oauth::SignIns::default(),
            counters: Counters::default(),
            calls: Calls::default(),
            lines: Lines::default(),
            scenario: Arc::new(scenario),
        };
        let scenario = Arc::clone(&twin.scenario);
        let mut draw = seed.fork("agents");
        for (index, cohort) in scenario.cohorts.iter().enumerate() {
            twin.hire(index, cohort, &mut draw);
        }
        twin.withhold_permissions(scenario.org.agents_without_permission, &mut draw);
        twin
    }

    fn hire(&mut self, index: usize, cohort: &Cohort, draw: &mut Seed) {
        let count = cohort.agents as usize;
        let mut kinds: Vec<Kind> =
            cohort.kinds.pairs().iter().flat_map(|(kind, n)| std::iter::repeat_n(*kind, *n as usize)).collect();
        kinds.resize(count, Kind::Healthy);
        shuffle(&mut kinds, draw);
        let mut calls: Vec<Option<Call>> = Vec::with_capacity(count);
        for plan in &cohort.calls {
            for _ in 0..plan.agents {
                let start = self.minute(plan.start_min, draw);
                let end = self.minute(plan.end_min, draw).max(start);
                calls.push(Some(Call { start, end, state: CallState::Planned }));
            }
        }
        calls.resize(count, None);
        shuffle(&mut calls, draw);
        for (kind, call) in kinds.into_iter().zip(calls) {
            self.hire_one(index, cohort, kind, call, draw);
        }
    }

    fn hire_one(&mut self, index: usize, cohort: &Cohort, kind: Kind, call: Option<Call>, draw: &mut Seed) {
        let at = self.agents.len();
        let Ok(id) = AgentId::new(&ids::id(Thing::Agent, at)) else { return };
        let faults = &self.scenario.faults;
        let hidden = kind == Kind::BlocksMissing || draw.chance(faults.missing_blocks_share);
        let always = kind == Kind::BlocksMissing || faults.missing_blocks_reads == 0;
        let blocks_hidden_reads = match (hidden, always) {
            (false, _) => 0,
            (true, true) => u32::MAX,
            (true, false) => faults.missing_blocks_reads,
        };
        let odd_values = draw.chance(faults.unknown_enums_share);
        let refuse = kind == Kind::StationLost && draw.chance(self.scenario.softphone.station_conflict_share);
        let notice_ms =
            draw.between(minutes(self.scenario.people.notice_min[0]), minutes(self.scenario.people.notice_min[1]));
        let shift_start = self.anchor + minutes(cohort.shift_start_min);
        let login = self.minute(cohort.login_min, draw);
        self.agents.push(Agent {
            id,
            kind,
            cohort: u16::try_from(index).unwrap_or(u16::MAX),
            shift_start,
            shift_end: shift_start + minutes(cohort.shift_length_min),
            notice_ms,
            logged_in: None,
            forced_out: false,
            page_token: None,
            socket: Socket::Closed,
            tokens: Vec::new(),
            refresh_serial: kind.enrolled().then_some(0),
            station: StationState::default(),
            phone_stuck: false,
            broken: false,
            leg_failed: false,
            leg: Leg::Disconnected,
            refuse_association: refuse,
            resets_done: 0,
            call,
            lacks_permission: false,
            blocks_hidden_reads,
            odd_values,
            grey_since: None,
            story: Story::default(),
            page: None,
        });
        self.schedule(login, Due::Login(at));
        if let Some(call) = call {
            self.schedule(call.start, Due::CallStart(at));
            self.schedule(call.end, Due::CallEnd(at));
        }
    }

    fn withhold_permissions(&mut self, count: u32, draw: &mut Seed) {
        let mut lacking: Vec<bool> = (0..self.agents.len()).map(|i| i < count as usize).collect();
        if count > 0 {
            shuffle(&mut lacking, draw);
        }
        for (agent, lacks) in self.agents.iter_mut().zip(lacking) {
            agent.lacks_permission = lacks;
        }
    }

    fn minute(&self, range: [i64; 2], draw: &mut Seed) -> Timestamp {
        self.anchor + draw.between(minutes(range[0]), minutes(range[1]))
    }

    /// The refresh tokens that the organisation's own app holds: agent, name, refresh token, one per enrolled agent.
    #[must_use]
    pub fn enrolments(&self) -> Vec<(AgentId, String, Secret)> {
        let enrolled = self.agents.iter().enumerate().filter(|(_, a)| a.kind.enrolled());
        enrolled
            .map(|(i, a)| {
                let text = self.refresh_token_text(i, a.refresh_serial.unwrap_or(0));
                (a.id.clone(), ids::person(i), Secret::new(text))
            })
            .collect()
    }

    /// What was counted so far over the whole org.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The agents of a business unit.
    pub(super) fn agents_of(&self, unit: usize) -> impl Iterator<Item = usize> + use<> {
        let (all, units) = (self.agents.len(), self.scenario.org.business_units.len().max(1));
        let (first, step) = match self.scenario.org.agents_in {
            AgentsIn::First if unit == 0 => (0, 1),
            AgentsIn::First => (all, 1),
            AgentsIn::Every => (unit, units),
        };
        (first.min(all)..all).step_by(step)
    }
}

impl Agent {
    /// Whether a call is up at this moment.
    pub fn on_call(&self) -> bool {
        self.call.is_some_and(|c| c.state == CallState::Active)
    }
    /// Grey milliseconds from `since` to `until`: in all, and within the shift.
    pub fn grey_between(&self, since: Timestamp, until: Timestamp) -> (i64, i64) {
        let on_shift = until.min(self.shift_end).since_ms(since.max(self.shift_start));
        (until.since_ms(since).max(0), on_shift.max(0))
    }
}

fn minutes(minutes: i64) -> i64 {
    minutes.saturating_mul(MINUTE_MS)
}

pub(super) fn shuffle<T>(items: &mut [T], draw: &mut Seed) {
    for last in (1..items.len()).rev() {
        let other = draw.between(0, last as i64) as usize;
        items.swap(last, other);
    }
}

/// Per business unit: the published schedule of the current week, then the drafts of the next.
fn schedules(scenario: &Scenario, week: &Week, anchor: Timestamp) -> Vec<Schedule> {
    let mut all = Vec::new();
    for unit in 0..scenario.org.business_units.len() {
        let schedule = |week, description: &str, published, version| Schedule {
            unit,
            week,
            description: description.to_owned(),
            published,
            version,
            modified: anchor - 2 * DAY_MS,
            kept: Kept::There,
            updates: 0,
            publishes: 0,
        };
        all.push(schedule(week.current, "Published last Friday", true, 4));
        for (i, draft) in scenario.org.drafts.iter().enumerate() {
            all.push(schedule(week.next, draft, false, 7 - (i as i64).min(6)));
        }
    }
    all
}
