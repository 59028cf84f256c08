//! What one seed draws before a life begins: the org, the network, the crashes. Printed with a story, so that a reader
//! knows what kind of Friday it was.
//!
//! Must never: draw anything later; the rest of the chance belongs to the happenings themselves.

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
    /// Whether the plan allows the reported mechanisms.
    pub reported: bool,
    /// How many calls the org takes.
    pub budget: Budget,
}

/// How far the org's rate limit goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// Farther than a life of a few agents.
    Ample,
    /// Not far: requests wait for their turn while agents take calls.
    Tight,
}

impl Lot {
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
        let lot = Lot {
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
            reported: c.chance(0.5),
            budget: Budget::Ample,
        };
        // Drawn apart, so that a seed that is not throttled lives as it did.
        let mut c = seed.fork("budget");
        if c.chance(0.15) { lot.throttled(&mut c) } else { lot }
    }

    /// The same where the org takes few calls a minute, and agents who have helped themselves take calls at any time.
    fn throttled(mut self, c: &mut Seed) -> Lot {
        self.budget = Budget::Tight;
        // What a dead process had sent, and what arrives when nobody counts it any more, no pacer can know of.
        (self.crash, self.request_late) = (0.0, 0.0);
        self.edited = false;
        let scenario = &mut self.scenario;
        scenario.rate_limit.calls_per_minute = c.between(6, 30) as u32;
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
        self
    }
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
    };
    let special = kinds.total() as u32;
    let agents = special + c.between(1, 4) as u32;
    let on_call = c.between(0, 2) as u32;
    let call = Calls { agents: on_call.min(agents), start_min: [-5, -1], end_min: [1, 30] };
    Cohort { agents, kinds, calls: if call.agents > 0 { vec![call] } else { Vec::new() }, ..Cohort::default() }
}
