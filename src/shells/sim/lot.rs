//! What one seed draws before a life begins: the org, the network, the crashes. Printed with a story, so that a reader
//! knows what kind of Friday it was.
//!
//! Must never: draw anything later; the rest of the chance belongs to the happenings themselves.

use crate::law::order::{Order, Wish};
use crate::law::plan::{Approval, Limits, OnDrift, Policy};
use crate::twin::scenario::{Calls, Cohort, KindCounts, PublishOutcome, Scenario, StaleVersion, UpdateAnswer};
use crate::words::clock::Seed;

/// The circumstances of one Friday.
#[derive(Debug, Clone)]
pub struct Lot {
    /// The simulated org.
    pub scenario: Scenario,
    /// Probability that a request never arrives.
    pub request_lost: f64,
    /// Probability that an answer never comes back although the request arrived.
    pub answer_lost: f64,
    /// Probability that a request arrives only after the client has given up on it.
    pub request_late: f64,
    /// Probability that an answer is delivered twice.
    pub answer_twice: f64,
    /// Probability that no connection can be made.
    pub not_sent: f64,
    /// Slowest way of a request or an answer, in ms.
    pub latency_max_ms: i64,
    /// Probability of a crash at each boundary.
    pub crash: f64,
    /// Longest time until a crashed process is taken up again, in ms.
    pub down_max_ms: i64,
    /// Probability that a hook vetoes or fails.
    pub hook_fails: f64,
    /// How long before T the process starts, in ms.
    pub starts_before_ms: i64,
    /// Whether somebody edits the schedule between staging and T.
    pub edited: bool,
    /// What people tell the run, and when, in ms after T.
    pub orders: Vec<(i64, Order)>,
    /// Who is to be re-tried, and when, in ms after T: places in the roster, counted round; [`usize::MAX`] for nobody who is there.
    pub retries: Vec<(i64, usize)>,
    /// How young a token is left as it is, in ms; 0 for none.
    pub young_ms: i64,
    /// When the process is asked to end, in ms after T, if it is.
    pub closed_at_ms: Option<i64>,
    /// Whether an approval is needed, and what drift means.
    pub policy: Policy,
    /// Whether the plan allows the reported mechanisms.
    pub reported: bool,
    /// Whether tokens may be revoked.
    pub revoking: Revoking,
    /// When the shifts begin, in ms after T.
    pub shift_after_ms: i64,
    /// How many calls the org takes.
    pub budget: Budget,
    /// How much is asked at once.
    pub limits: Limits,
    /// Where hints come from.
    pub hints: Hints,
}

/// Where hints come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hints {
    /// They are drawn, true or not: hints prove nothing, so any will do.
    Drawn,
    /// From what the org pushes, heard as the real client hears it.
    Pushed,
}

/// Whether tokens may be revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoking {
    /// They may not.
    Never,
    /// Before the shift alone.
    BeforeShift,
    /// On shift as well.
    Always,
}

/// When the shifts of most lots begin, in ms after T.
const SHIFT_AFTER_MS: i64 = 1_800_000;

/// How far the org's rate limit goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// Farther than a life of a few agents.
    Ample,
    /// Not far: requests wait for their turn while agents take calls.
    Tight,
}

impl Lot {
    /// Whether, whatever happens, nothing may be published: an approval is needed and never given, or somebody aborts
    /// long before T.
    #[must_use]
    pub fn forbids_the_publish(&self) -> bool {
        let told = |wish: Wish, by_ms: i64| self.orders.iter().any(|(at, o)| o.wish == wish && *at < by_ms);
        let unapproved = self.policy.approval == Approval::Required && !told(Wish::Approve, i64::MAX);
        let early = self.starts_before_ms.min(1_000);
        let aborted = self.crash == 0.0 && self.closed_at_ms.is_none() && early > 0 && told(Wish::Abort, 0);
        unapproved || aborted
    }
    /// The circumstances of a scenario where nothing goes wrong but what it says.
    #[must_use]
    pub fn of(scenario: Scenario) -> Lot {
        Lot {
            scenario,
            request_lost: 0.0,
            answer_lost: 0.0,
            request_late: 0.0,
            answer_twice: 0.0,
            not_sent: 0.0,
            latency_max_ms: 200,
            crash: 0.0,
            down_max_ms: 1,
            hook_fails: 0.0,
            starts_before_ms: 720_000,
            edited: false,
            orders: Vec::new(),
            retries: Vec::new(),
            young_ms: 0,
            closed_at_ms: None,
            policy: Policy::default(),
            reported: true,
            revoking: Revoking::Never,
            shift_after_ms: SHIFT_AFTER_MS,
            budget: Budget::Ample,
            limits: Limits::default(),
            hints: Hints::Pushed,
        }
    }
    /// Draws the circumstances.
    #[must_use]
    pub fn draw(seed: &Seed) -> Lot {
        let mut c = seed.fork("lot");
        let rough = c.chance(0.8);
        let mut often = |share: f64, most: f64| {
            let draw = c.between(0, 1_000) as f64 / 1_000.0;
            if rough && c.chance(share) { most * draw } else { 0.0 }
        };
        let (request_lost, answer_lost) = (often(0.5, 0.2), often(0.6, 0.3));
        let (request_late, answer_twice) = (often(0.4, 0.2), often(0.3, 0.2));
        let (not_sent, crash, hook_fails) = (often(0.3, 0.2), often(0.7, 0.08), often(0.15, 0.3));
        let mut lot = Lot {
            scenario: scenario(&mut c),
            request_lost,
            answer_lost,
            request_late,
            answer_twice,
            not_sent,
            latency_max_ms: c.between(1, 3_000),
            crash,
            down_max_ms: if c.chance(0.1) { 900_000 } else { c.between(1, 60_000) },
            hook_fails,
            starts_before_ms: if c.chance(0.05) { -c.between(0, 900_000) } else { c.between(0, 300_000) },
            edited: c.chance(0.05),
            policy: policy(&seed.fork("policy")),
            orders: orders(&seed.fork("orders")),
            retries: retries(&seed.fork("retries")),
            young_ms: young(&seed.fork("young")),
            closed_at_ms: closed(&seed.fork("closed")),
            reported: c.chance(0.5),
            revoking: Revoking::Never,
            shift_after_ms: SHIFT_AFTER_MS,
            budget: Budget::Ample,
            // Small, so that a few agents are many to it.
            limits: Limits { in_flight_max: 4, bulk_ids_max: 4, single_remedies_max: 2, ..Limits::default() },
            hints: Hints::Drawn,
        };
        // Drawn apart, so that a seed without it lives as it did.
        lot.scenario.softphone.companions = seed.fork("companions").chance(0.4);
        lot.revokes(&mut seed.fork("revoking"));
        let mut c = seed.fork("budget");
        if c.chance(0.15) { lot.throttled(&mut c) } else { lot }
    }

    /// In some, tokens may be revoked, and the shift begins before the remedies, among them or after them.
    fn revokes(&mut self, c: &mut Seed) {
        self.revoking = match c.between(0, 9) {
            0 | 1 => Revoking::BeforeShift,
            2 => Revoking::Always,
            _ => return,
        };
        self.shift_after_ms = c.between(-600_000, SHIFT_AFTER_MS);
    }

    /// The same where the org takes few calls a minute, and agents who have helped themselves take calls at any time.
    fn throttled(mut self, c: &mut Seed) -> Lot {
        self.budget = Budget::Tight;
        // What a dead process had sent, and what arrives when nobody counts it any more, no pacer can know of.
        (self.crash, self.request_late, self.closed_at_ms) = (0.0, 0.0, None);
        self.edited = false;
        let scenario = &mut self.scenario;
        // From fewer than may be under way at once.
        scenario.rate_limit.calls_per_minute = c.between(2, 30) as u32;
        (scenario.people.reload_by_hand, scenario.people.notice_min) = (true, [0, 6]);
        for cohort in &mut scenario.cohorts {
            let kinds = &mut cohort.kinds;
            for many in [&mut kinds.not_enrolled, &mut kinds.hand_over_missed, &mut kinds.station_lost] {
                *many = c.between(0, 3) as u32;
            }
            cohort.agents = cohort.kinds.total() as u32 + c.between(1, 6) as u32;
            cohort.shift_start_min = -30;
            cohort.calls = vec![Calls { agents: cohort.agents, start_min: [1, 8], end_min: [9, 25] }];
        }
        scenario.rate_limit.oauth_calls_per_minute = c.between(2, 30) as u32;
        self
    }
}

fn policy(seed: &Seed) -> Policy {
    let mut c = seed.clone();
    let approval = if c.chance(0.2) { Approval::Required } else { Approval::NotNeeded };
    let on_drift = if c.chance(0.5) { OnDrift::PublishLatest } else { OnDrift::Hold };
    Policy { approval, on_drift, ..Policy::default() }
}

/// People who approve, and some who change their minds.
fn orders(seed: &Seed) -> Vec<(i64, Order)> {
    let mut c = seed.clone();
    let mut orders = Vec::new();
    let order = |wish, n: usize| Order { wish, agent: None, who: format!("person {n}"), why: "simulated".to_owned() };
    if c.chance(0.8) {
        orders.push((c.between(-300_000, 30_000), order(Wish::Approve, 0)));
    }
    for n in 1..=c.between(0, 8).saturating_sub(4).max(0) as usize {
        let wish = match c.between(0, 9) {
            0 => Wish::Abort,
            1..=4 => Wish::Hold,
            _ => Wish::Resume,
        };
        orders.push((c.between(-300_000, 900_000), order(wish, n)));
    }
    // Somebody is mistaken: nobody else publishes here.
    let mut c = seed.fork("elsewhere");
    if c.chance(0.1) {
        orders.push((c.between(-600_000, 30_000), order(Wish::Elsewhere, 9)));
    }
    orders
}

/// Supervisors who want somebody tried again, most of them while agents are checked.
fn retries(seed: &Seed) -> Vec<(i64, usize)> {
    let mut c = seed.clone();
    let many = if c.chance(0.3) { c.between(1, 4) } else { 0 };
    let mut one = || {
        let whom = if c.chance(0.05) { usize::MAX } else { c.between(0, 20) as usize };
        (c.between(-60_000, 1_500_000), whom)
    };
    (0..many).map(|_| one()).collect()
}

/// Where tokens that are young are left as they are, some that were made a moment ago by a process that died since are.
fn young(seed: &Seed) -> i64 {
    let mut c = seed.clone();
    if c.chance(0.4) { c.between(60_000, 8 * 3_600_000) } else { 0 }
}

fn closed(seed: &Seed) -> Option<i64> {
    let mut c = seed.clone();
    c.chance(0.2).then(|| c.between(-200_000, 600_000))
}

fn scenario(c: &mut Seed) -> Scenario {
    let mut s = Scenario { story: "drawn from a seed".to_owned(), cohorts: vec![cohort(c)], ..Scenario::default() };
    s.publish.duration_s = c.between(0, 120);
    s.publish.outcome = if c.chance(0.05) { PublishOutcome::Error } else { PublishOutcome::Applied };
    s.publish.stale_version = match c.between(0, 3) {
        0 => StaleVersion::Conflict,
        1 => StaleVersion::ConflictAtPost,
        2 => StaleVersion::ErrorEvent,
        _ => StaleVersion::Accepted,
    };
    s.publish.answer = match c.between(0, 5) {
        0 => UpdateAnswer::ErrorThoughAccepted,
        1 => UpdateAnswer::ErrorNotAccepted,
        _ => UpdateAnswer::Accepted,
    };
    s.publish.answer_times = c.between(1, 2) as u32;
    s.publish.upload_key_reusable = c.chance(0.7);
    s.tokens.publisher_expires_in_s = if c.chance(0.2) { c.between(60, 900) } else { 86_400 };
    s.revoke.on_publish = c.chance(0.6);
    s.revoke.cut_after_s = c.between(0, 20);
    s.reported.offered = c.chance(0.5);
    s.people.reload_by_hand = c.chance(0.3);
    if c.chance(0.2) {
        s.faults.unavailable_share = 0.1;
        s.faults.unavailable_burst_s = c.between(0, 20);
    }
    if c.chance(0.2) {
        s.faults.missing_blocks_share = 0.3;
        s.faults.missing_blocks_reads = c.between(0, 3) as u32;
    }
    s
}

fn cohort(c: &mut Seed) -> Cohort {
    let mut one = || c.between(0, 1) as u32;
    let kinds = KindCounts {
        not_enrolled: one(),
        hand_over_missed: one(),
        refresh_token_dead: one(),
        station_lost: one(),
        phone_stale: one(),
        token_revoked_socket_up: one(),
        stubborn: one(),
        incurable: one(),
        blocks_missing: one(),
        // Only a push tells of one, and pushes may be lost: nobody could be held to it.
        media_leg_failed: 0,
    };
    let special = kinds.total() as u32;
    let agents = special + c.between(1, 4) as u32;
    let on_call = c.between(0, 2) as u32;
    let call = Calls { agents: on_call.min(agents), start_min: [-5, -1], end_min: [1, 30] };
    Cohort { agents, kinds, calls: if call.agents > 0 { vec![call] } else { Vec::new() }, ..Cohort::default() }
}
