//! The picture of agents: one cell for each, in order of shift start.
//!
//! Must never: draw more cells than a browser bears; beyond that a cell stands for several agents and shows the worst.

use std::collections::BTreeMap;

use crate::shells::report::agent::verdict_words;
use crate::shells::report::pictures::{Kind, WIDTH};
use crate::shells::report::story::Story;
use crate::shells::report::svg::{Anchor, Svg};
use crate::shells::report::words::{clean, count, cut};
use crate::words::clock::Timestamp;
use crate::words::id::Seat;

/// Cells drawn, at most.
const CELLS_MAX: usize = 4_000;
/// With more agents than this, only those that are not simply ready carry their name.
const NAMED_MAX: usize = 1_500;
/// Rows of shifts, at most; more are joined by the hour, then by the day.
const SHIFTS_MAX: usize = 16;
const PITCH: f64 = 15.0;
const LEFT: f64 = 175.0;

/// One cell per agent, a row of them per shift start.
#[must_use]
pub fn cells(story: &Story) -> String {
    let per_cell = story.agents.len().div_ceil(CELLS_MAX).max(1);
    let columns = ((WIDTH - LEFT - 10.0) / PITCH) as usize;
    let mut svg = Svg::new();
    let mut y = 26.0;
    let heading = match per_cell {
        1 => "one cell per agent".to_owned(),
        n => format!("each cell stands for {n} agents and shows the worst verdict among them"),
    };
    svg.text("axis-name", Anchor::Start, (LEFT, 14.0), &heading);
    svg.text("axis-name", Anchor::End, (LEFT - 12.0, 14.0), "shift start");
    let named_all = story.agents.len() <= NAMED_MAX;
    for (name, mut seats) in by_shift(story) {
        seats.sort_by_key(|seat| story.agent(*seat).map(|(_, agent)| Kind::of(agent.verdict)));
        let label = format!("{name} ({})", count(seats.len() as u64));
        svg.text("label", Anchor::End, (LEFT - 12.0, y + 11.0), &label);
        let groups: Vec<&[Seat]> = seats.chunks(per_cell).collect();
        for (at, group) in groups.iter().enumerate() {
            let (column, row) = (at % columns, at / columns);
            let place = (LEFT + column as f64 * PITCH, y + row as f64 * PITCH);
            let (kind, tip) = cell(story, group, named_all);
            svg.symbol(&format!("k-{}", kind.class()), place, &tip);
        }
        y += groups.len().div_ceil(columns).max(1) as f64 * PITCH + 7.0;
    }
    let described = "Agents in order of shift start, each marked by verdict; the tables below hold the same.";
    svg.finish("cells", (WIDTH, y + 4.0), "Agents by shift start and verdict", described)
}

fn cell(story: &Story, group: &[Seat], named_all: bool) -> (Kind, String) {
    let worst = group.iter().filter_map(|seat| story.agent(*seat)).max_by_key(|(_, agent)| Kind::of(agent.verdict));
    let Some((member, agent)) = worst else { return (Kind::Unjudged, String::new()) };
    let kind = Kind::of(agent.verdict);
    if kind == Kind::Ready && !named_all {
        return (kind, String::new());
    }
    let name = cut(&clean(&member.name), 60);
    let others = if group.len() > 1 { format!(", and {} more", group.len() - 1) } else { String::new() };
    (kind, format!("{name}: {}{others}", verdict_words(agent.verdict)))
}

/// Agents by shift start, earliest first, those without a known shift last.
fn by_shift(story: &Story) -> Vec<(String, Vec<Seat>)> {
    let mut exact: BTreeMap<i64, Vec<Seat>> = BTreeMap::new();
    for (seat, member, _) in story.everyone() {
        exact.entry(member.shift_start.map_or(i64::MAX, |at| at.0)).or_default().push(seat);
    }
    for step_ms in [3_600_000, 14_400_000, 86_400_000, 7 * 86_400_000] {
        if exact.len() <= SHIFTS_MAX {
            break;
        }
        let mut joined: BTreeMap<i64, Vec<Seat>> = BTreeMap::new();
        for (at, mut seats) in exact {
            let start = if at == i64::MAX { at } else { at.saturating_sub(into_step(story, at, step_ms)) };
            joined.entry(start).or_default().append(&mut seats);
        }
        exact = joined;
    }
    let name = |at: i64| {
        if at == i64::MAX { "not known".to_owned() } else { story.zone.near(Timestamp(at), story.publish_at()) }
    };
    exact.into_iter().map(|(at, seats)| (name(at), seats)).collect()
}

fn into_step(story: &Story, at: i64, step_ms: i64) -> i64 {
    story.zone.since_midnight_ms(Timestamp(at)).rem_euclid(step_ms)
}
