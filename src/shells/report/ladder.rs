//! The picture of what each rung of the ladder did: agents it was tried for, and agents it cured.
//!
//! Must never: show a share without the numbers that it is made of.

use crate::law::verdict::Rung;
use crate::shells::report::pictures::HALF;
use crate::shells::report::story::Story;
use crate::shells::report::svg::{Anchor, Svg, round_ticks};
use crate::shells::report::words::{columns, count, counted, cut, percent};

const LEFT: f64 = 148.0;
const RIGHT: f64 = HALF - 140.0;
const TOP: f64 = 34.0;
const LANE: f64 = 28.0;
/// Columns of a remedy's name on one line.
const NAME_MAX: usize = 20;

/// One bar per remedy that was tried, gentlest first.
#[must_use]
pub fn picture(story: &Story) -> String {
    let rungs: Vec<_> = Rung::ALL.into_iter().zip(story.rungs).filter(|(_, s)| s.agents > 0 || s.cured > 0).collect();
    let mut svg = Svg::new();
    if rungs.is_empty() {
        svg.text("label", Anchor::Start, (10.0, 24.0), "No remedy was tried.");
        return svg.finish("remedies", (HALF, 34.0), "Remedies, tried and cured", "No remedy was tried.");
    }
    let most = rungs.iter().map(|(_, s)| s.agents.max(s.cured)).max().unwrap_or(1).max(1);
    let bottom = TOP + rungs.len() as f64 * LANE + 2.0;
    let scale = (RIGHT - LEFT) / f64::from(most);
    for (class, words, at) in [("tried", "tried for", LEFT), ("cured", "cured", LEFT + 92.0)] {
        svg.rect(class, (at, 6.0), (14.0, 12.0), "");
        svg.text("axis-name", Anchor::Start, (at + 20.0, 16.0), words);
    }
    for n in round_ticks(u64::from(most)) {
        let x = LEFT + n as f64 * scale;
        svg.line("grid", (x, TOP - 4.0), (x, bottom));
        svg.text("tick", Anchor::Middle, (x, bottom + 17.0), &count(n));
    }
    let mut told = Vec::new();
    for (at, (rung, did)) in rungs.iter().enumerate() {
        let y = TOP + at as f64 * LANE;
        name(&mut svg, rung.words(), y);
        let (tried, cured) = (f64::from(did.agents.max(did.cured)) * scale, f64::from(did.cured) * scale);
        svg.rect("tried", (LEFT, y), (tried.max(2.0), 20.0), "");
        svg.rect("cured", (LEFT, y), (cured, 20.0), "");
        let (cured, agents) = (u64::from(did.cured), u64::from(did.agents));
        let share = format!("{} of {}, {}", count(cured), count(agents), percent(cured, agents));
        svg.text("value", Anchor::Start, (LEFT + tried.max(2.0) + 8.0, y + 14.5), &share);
        told.push(format!("{}: {} cured of {}", rung.words(), count(cured), counted(agents, "agent", "agents")));
    }
    svg.line("axis", (LEFT, bottom), (RIGHT, bottom));
    svg.text("axis-name", Anchor::End, (RIGHT, bottom + 35.0), "agents");
    svg.finish("remedies", (HALF, bottom + 42.0), "Remedies, gentlest first: tried and cured", &told.join("; "))
}

/// On one line, or broken at a space over two.
fn name(svg: &mut Svg, words: &str, y: f64) {
    let broken = words.rfind(' ').filter(|_| columns(words) > NAME_MAX);
    match broken.map(|at| words.split_at(at)) {
        None => svg.text("label", Anchor::End, (LEFT - 10.0, y + 14.5), &cut(words, NAME_MAX)),
        Some((first, second)) => {
            svg.text("label small", Anchor::End, (LEFT - 10.0, y + 8.5), first);
            svg.text("label small", Anchor::End, (LEFT - 10.0, y + 20.5), second.trim_start());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shells::report::sample;

    #[test]
    fn every_remedy_that_was_tried_has_its_bar_and_its_numbers() {
        let story = Story::of(&sample::friday(7, 60));
        let picture = picture(&story);
        let tried = story.rungs.iter().filter(|rung| rung.agents > 0).count();
        assert!(tried > 1 && picture.matches("class=\"value\"").count() == tried, "{picture}");
        assert!(picture.contains(">agents</text>") && picture.contains("tried for"));
        assert!(super::picture(&Story::default()).contains("No remedy was tried."));
    }
}
