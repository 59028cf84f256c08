//! The same Friday without softlanding: somebody publishes by hand at the anchor, and people help themselves.
//!
//! Must never: use anything that a run of softlanding would not face as well; it is the same twin.

use serde::{Deserialize, Serialize};

use super::scenario::Scenario;
use super::truth::Truth;
use super::world::{Operation, Twin};
use crate::words::clock::{Seed, Timestamp};

/// How long the comparison watches after the anchor: three hours.
pub const COMPARE_MS: i64 = 3 * 3_600_000;
/// A softphone that is back sooner counts as never grey: it reconnects within seconds and nobody sees it.
const NOTICEABLE_MS: i64 = 10_000;

/// Grey softphones of one Friday. Times are within the agents' shifts, where they matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompareTruth {
    /// Agents in the scenario.
    pub agents: u32,
    /// Agents whose softphone was grey for more than 10 s of their shift.
    pub grey: u32,
    /// Agents of these whose softphone still is.
    pub still_grey: u32,
    /// The middle of their grey times, in milliseconds; 0 when there are none.
    pub median_ms: i64,
    /// 95 of 100 were grey for no longer than this, in milliseconds.
    pub p95_ms: i64,
    /// The longest, in milliseconds.
    pub longest_ms: i64,
    /// All of them together, in milliseconds: agent-minutes times 60,000.
    pub total_ms: i64,
    /// Calls that came while a softphone could not take them.
    pub calls_missed: u32,
}

impl CompareTruth {
    /// Sums up what a twin has seen.
    #[must_use]
    pub fn of(truth: &Truth) -> CompareTruth {
        let noticed = truth.agents.iter().filter(|a| a.grey_on_shift_ms > NOTICEABLE_MS);
        let mut times: Vec<i64> = noticed.clone().map(|a| a.grey_on_shift_ms).collect();
        times.sort_unstable();
        let at = |share: f64| {
            let place = ((times.len() as f64 * share).ceil() as usize).saturating_sub(1);
            times.get(place).copied().unwrap_or(0)
        };
        CompareTruth {
            agents: u32::try_from(truth.agents.len()).unwrap_or(u32::MAX),
            grey: u32::try_from(times.len()).unwrap_or(u32::MAX),
            still_grey: noticed.filter(|a| a.grey_since.is_some()).map(|_| 1u32).sum(),
            median_ms: at(0.5),
            p95_ms: at(0.95),
            longest_ms: times.last().copied().unwrap_or(0),
            total_ms: times.iter().sum(),
            calls_missed: truth.agents.iter().map(|a| a.calls_missed).sum(),
        }
    }
}

/// Plays the Friday without softlanding: the first draft is published by hand at the anchor, nobody refreshes or cures
/// anything but the people themselves, for [`COMPARE_MS`].
#[must_use]
pub fn without_softlanding(scenario: Scenario, seed: Seed, anchor: Timestamp) -> CompareTruth {
    let mut twin = Twin::new(scenario, seed, anchor, "http://127.0.0.1");
    twin.advance(anchor);
    twin.publish_by_hand();
    twin.advance(anchor + COMPARE_MS);
    CompareTruth::of(&twin.truth())
}

impl Twin {
    /// Somebody presses the button: the first draft of the first business unit.
    pub(super) fn publish_by_hand(&mut self) {
        let settings = self.scenario.publish;
        let Some(schedule) = self.schedules.iter().position(|s| s.unit == 0 && !s.published) else { return };
        let version = self.schedules.get(schedule).map_or(0, |s| s.version);
        let number = self.operations.len();
        self.operations.push(Operation {
            schedule,
            version,
            description: None,
            publish: true,
            purge_cache: false,
            fails: settings.outcome == super::scenario::PublishOutcome::Error,
            done: false,
        });
        self.schedule_in(settings.duration_s, super::agenda::Due::Complete(number));
    }
}
