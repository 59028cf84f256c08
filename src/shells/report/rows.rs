//! Agents as the templates see them: rows of tables, groups by remedy, whole stories; every list with its bound.
//!
//! Must never: leave out agents without saying how many.

use serde::Serialize;

use crate::law::verdict::{Rung, Verdict};
use crate::shells::report::agent::{AgentStory, TokenStory, deferral_words, verdict_words};
use crate::shells::report::next::next_words;
use crate::shells::report::pictures::Kind;
use crate::shells::report::story::{HandOver, Story};
use crate::shells::report::summary::{shift_words, those};
use crate::shells::report::words::{clean, duration};
use crate::words::id::Seat;

/// Rows of one table, and agents with their whole story, at most.
pub const ROWS_MAX: usize = 2_000;

/// Agents in a table.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Table {
    /// The rows.
    pub rows: Vec<AgentView>,
    /// Rows left out.
    pub more: usize,
    /// All of them.
    pub total: usize,
}

/// Agents that one remedy cured.
#[derive(Debug, Clone, Serialize)]
pub struct Recovered {
    /// The remedy.
    pub by: &'static str,
    /// The agents.
    pub table: Table,
}

/// One agent.
#[derive(Debug, Clone, Serialize)]
pub struct AgentView {
    /// The name, on one line.
    pub name: String,
    /// The platform's user id.
    pub id: String,
    /// The management unit.
    pub unit: String,
    /// When the shift starts.
    pub shift: String,
    /// The class of the verdict's colour and mark.
    pub class: &'static str,
    /// The verdict in words.
    pub verdict: String,
    /// Why: the reason of a straggler, what is missing, why deferred; empty for the others.
    pub why: String,
    /// What was tried.
    pub tried: String,
    /// From T until the agent was ready; empty for an agent that is not.
    pub ready_after: String,
    /// How long the agent was seen not ready; empty for one that never was.
    pub grey_for: String,
    /// The newest answer by which the platform refused something, with its status and correlation id; empty for none.
    pub refused: String,
    /// What comes next and when; empty for one who is ready.
    pub next: String,
    /// Whether the platform tells the agent of the publish: empty, or `not told by the platform`.
    pub told: &'static str,
    /// The agent's token, in words.
    pub token: &'static str,
    /// What was seen and done; empty in tables.
    pub moments: Vec<EventRow>,
    /// Moments left out.
    pub moments_more: u32,
}

/// Something and when.
#[derive(Debug, Clone, Serialize)]
pub struct EventRow {
    /// When, in the run's zone.
    pub at: String,
    /// What.
    pub what: String,
}

/// The agents in these seats, as a table.
#[must_use]
pub fn table(story: &Story, seats: &[Seat]) -> Table {
    let rows = seats.iter().take(ROWS_MAX).filter_map(|seat| agent(story, *seat)).collect();
    Table { rows, more: seats.len().saturating_sub(ROWS_MAX), total: seats.len() }
}

fn agent(story: &Story, seat: Seat) -> Option<AgentView> {
    let (member, agent) = story.agent(seat)?;
    let why = match agent.verdict {
        Some(Verdict::Straggler { reason }) => reason.words().to_owned(),
        Some(Verdict::Unknown { missing }) => format!("{} not seen", missing.words()),
        Some(Verdict::Deferred { because }) => deferral_words(because).to_owned(),
        Some(Verdict::Ready | Verdict::Recovered { .. }) => String::new(),
        None => "not checked".to_owned(),
    };
    let grey_for = match (agent.first_not_ready, agent.ready_at) {
        (Some((from, _)), Some(to)) => duration(to.since_ms(from)),
        (Some(_), None) => "to the end".to_owned(),
        (None, _) => String::new(),
    };
    Some(AgentView {
        name: clean(&member.name),
        id: member.agent.to_string(),
        unit: member.management_unit.to_string(),
        shift: shift_words(story, seat),
        class: Kind::of(agent.verdict).class(),
        verdict: verdict_words(agent.verdict),
        why,
        tried: agent.tried_words(),
        ready_after: story.ready_after_ms(agent).map(duration).unwrap_or_default(),
        grey_for,
        refused: agent.refused.as_ref().map(|refused| clean(&refused.words)).unwrap_or_default(),
        next: next_words(story, seat, agent),
        told: if story.plan.as_ref().is_some_and(|plan| plan.is_told(seat)) { "" } else { "not told by the platform" },
        token: token_words(agent, member.enrolled),
        moments: Vec::new(),
        moments_more: 0,
    })
}

fn token_words(agent: &AgentStory, enrolled: bool) -> &'static str {
    match (agent.token, enrolled) {
        (TokenStory::Untouched, false) => "not enrolled",
        (TokenStory::Untouched, true) => "not touched",
        (TokenStory::UnderWay, _) => "under way",
        (TokenStory::Fresh, _) => match agent.hand_over {
            HandOver::None => "refreshed",
            HandOver::Made => "refreshed, and handed to its page",
            HandOver::NoPage => "refreshed; no page was connected",
            HandOver::Missed => "refreshed; its page did not take it",
        },
        (TokenStory::Left, _) => "young enough, left as it was",
        (TokenStory::Failed, _) => "given up",
        (TokenStory::Dead, _) => "dead: must sign in again",
    }
}

/// Agents with their whole story, those first of whom there is most to say; and how many are left out.
#[must_use]
pub fn stories(story: &Story) -> (Vec<AgentView>, usize) {
    let mut seats: Vec<(std::cmp::Reverse<Kind>, i64, Seat)> = story
        .everyone()
        .map(|(seat, member, agent)| {
            let shift = member.shift_start.map_or(i64::MAX, |at| at.0);
            (std::cmp::Reverse(Kind::of(agent.verdict)), shift, seat)
        })
        .collect();
    seats.sort();
    let more = seats.len().saturating_sub(ROWS_MAX);
    let told = seats.into_iter().take(ROWS_MAX).filter_map(|(_, _, seat)| {
        let mut told = agent(story, seat)?;
        let (_, agent) = story.agent(seat)?;
        told.moments = agent
            .moments()
            .map(|moment| EventRow {
                at: story.zone.near_second(moment.at, story.publish_at()),
                what: moment.what.words(story.zone, story.publish_at()),
            })
            .collect();
        told.moments_more = agent.left_out();
        Some(told)
    });
    (told.collect(), more)
}

/// Agents that were helped, by remedy, gentlest first.
#[must_use]
pub fn recovered(story: &Story) -> Vec<Recovered> {
    let of = |rung: Rung| those(story, |v| v == Some(Verdict::Recovered { by: rung }));
    let groups = Rung::ALL.into_iter().map(|rung| (rung, of(rung))).filter(|(_, seats)| !seats.is_empty());
    groups.map(|(rung, seats)| Recovered { by: rung.words(), table: table(story, &seats) }).collect()
}
