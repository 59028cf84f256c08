//! How long it took until agents could take calls, for everybody and shift by shift.
//!
//! Must never: leave out an agent that did not become ready; those are counted beside the times.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::law::punctuality::percentile;
use crate::shells::report::agent::AgentStory;
use crate::shells::report::story::Story;
use crate::shells::report::words::{count, duration};
use crate::words::clock::Timestamp;

/// Shifts that begin within the same so many ms are one group.
const GROUP_MS: i64 = 30 * 60_000;
/// Groups of their own, at most; the later ones are one together.
const GROUPS_MAX: usize = 12;

/// From T until the agents of one group could take calls, in ms, where they can.
#[derive(Debug, Clone, Serialize)]
pub struct Group {
    /// Who they are.
    pub name: String,
    /// The first shift start of the group; `None` for everybody, and where no shift is known.
    pub shift_start: Option<String>,
    /// Agents in it.
    pub agents: u64,
    /// Of them ready or recovered.
    pub ready: u64,
    /// Half of those were ready after so long.
    pub p50_ms: Option<i64>,
    /// 95 of 100.
    pub p95_ms: Option<i64>,
    /// All.
    pub max_ms: Option<i64>,
}

/// A group in words.
#[derive(Debug, Clone, Serialize)]
pub struct GroupRow {
    /// Who they are.
    pub name: String,
    /// How many.
    pub agents: String,
    /// Of them ready or recovered.
    pub ready: String,
    /// Half of those were ready after so long.
    pub p50: String,
    /// 95 of 100.
    pub p95: String,
    /// All.
    pub max: String,
}

/// Everybody first, then the shifts in order; those without a known shift last.
#[must_use]
pub fn groups(story: &Story) -> Vec<Group> {
    let mut everybody = Vec::new();
    let mut shifts: BTreeMap<(bool, Timestamp), Vec<Option<i64>>> = BTreeMap::new();
    for (_, member, agent) in story.everyone() {
        let after = ready_after(story, agent);
        everybody.push(after);
        let start = member.shift_start.map(|at| Timestamp(at.0.div_euclid(GROUP_MS) * GROUP_MS));
        shifts.entry((start.is_none(), start.unwrap_or_default())).or_default().push(after);
    }
    let known = shifts.keys().filter(|(unknown, _)| !unknown).count();
    let mut groups = vec![group("everybody".to_owned(), None, everybody)];
    let (mut later, mut shiftless) = (Vec::new(), Vec::new());
    for (n, ((unknown, start), times)) in shifts.into_iter().enumerate() {
        if unknown {
            shiftless = times;
        } else if n < GROUPS_MAX || known == GROUPS_MAX + 1 {
            groups.push(group(format!("shift {}", story.zone.near(start, story.publish_at())), Some(start), times));
        } else {
            later.extend(times);
        }
    }
    for (name, times) in [("later shifts", later), ("no shift known", shiftless)] {
        if !times.is_empty() {
            groups.push(group(name.to_owned(), None, times));
        }
    }
    groups
}

/// The same in words.
#[must_use]
pub fn rows(story: &Story) -> Vec<GroupRow> {
    let time = |ms: Option<i64>| ms.map_or_else(|| "–".to_owned(), duration);
    let row = |group: Group| GroupRow {
        name: group.name,
        agents: count(group.agents),
        ready: count(group.ready),
        p50: time(group.p50_ms),
        p95: time(group.p95_ms),
        max: time(group.max_ms),
    };
    groups(story).into_iter().map(row).collect()
}

fn ready_after(story: &Story, agent: &AgentStory) -> Option<i64> {
    story.ready_after_ms(agent).map(|ms| ms.max(0))
}

fn group(name: String, start: Option<Timestamp>, times: Vec<Option<i64>>) -> Group {
    let agents = times.len() as u64;
    let mut ready: Vec<i64> = times.into_iter().flatten().collect();
    ready.sort_unstable();
    Group {
        name,
        shift_start: start.map(Timestamp::rfc3339),
        agents,
        ready: ready.len() as u64,
        p50_ms: percentile(&ready, 50),
        p95_ms: percentile(&ready, 95),
        max_ms: percentile(&ready, 100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shells::report::sample;

    #[test]
    fn everybody_comes_first_and_nobody_is_left_out() {
        let story = Story::of(&sample::friday(7, 60));
        let groups = groups(&story);
        let everybody = &groups[0];
        assert_eq!(everybody.agents, story.agents.len() as u64);
        assert_eq!(groups.iter().skip(1).map(|group| group.agents).sum::<u64>(), everybody.agents);
        assert_eq!(groups.iter().skip(1).map(|group| group.ready).sum::<u64>(), everybody.ready);
        let able = u64::from(story.counts.able());
        assert!(everybody.ready == able && able > 0 && able < everybody.agents, "{everybody:?}");
        assert!(everybody.p50_ms <= everybody.p95_ms && everybody.p95_ms <= everybody.max_ms);
        assert!(groups.len() <= GROUPS_MAX + 3);
    }
}
