//! The picture of how long it took until agents could take calls, shift by shift.
//!
//! Must never: let a shift look quick because most of it never became ready; how many did stands with its name.

use crate::shells::report::pictures::HALF;
use crate::shells::report::ready::{Group, groups};
use crate::shells::report::story::Story;
use crate::shells::report::svg::{Anchor, Svg, duration_ticks};
use crate::shells::report::words::{count, cut, duration};

const LEFT: f64 = 150.0;
const RIGHT: f64 = HALF - 22.0;
const TOP: f64 = 36.0;
const LANE: f64 = 30.0;
/// Columns of a group's name, so that it does not leave the picture.
const NAME_MAX: usize = 22;

/// Half, 95 of 100 and all of each shift's ready agents: how long after T.
#[must_use]
pub fn picture(story: &Story) -> String {
    let groups = groups(story);
    let longest = groups.iter().filter_map(|group| group.max_ms).max().unwrap_or_default().max(1_000);
    let bottom = TOP + groups.len() as f64 * LANE + 4.0;
    let x = |ms: i64| LEFT + ms as f64 / longest as f64 * (RIGHT - LEFT);
    let mut svg = Svg::new();
    legend(&mut svg);
    for ms in duration_ticks(longest) {
        svg.line("grid", (x(ms), TOP - 4.0), (x(ms), bottom));
        let words = if ms == 0 { "T".to_owned() } else { duration(ms) };
        svg.text("tick", Anchor::Middle, (x(ms), bottom + 17.0), &words);
    }
    svg.line("axis", (LEFT, bottom), (RIGHT, bottom));
    svg.line("t", (LEFT, TOP - 4.0), (LEFT, bottom));
    svg.text("axis-name", Anchor::End, (RIGHT, bottom + 35.0), "time from T until ready");
    for (at, group) in groups.iter().enumerate() {
        lane(&mut svg, group, TOP + at as f64 * LANE, x);
    }
    let told: Vec<String> = groups.iter().map(described).collect();
    svg.finish("shifts", (HALF, bottom + 42.0), "Time from T until agents were ready, by shift", &told.join("; "))
}

fn legend(svg: &mut Svg) {
    let parts = [(Mark::Half, "half"), (Mark::Most, "95 of 100"), (Mark::All, "all who became ready")];
    let mut left = LEFT - 20.0;
    for (mark, words) in parts {
        mark.draw(svg, (left, 12.0), words);
        svg.text("axis-name", Anchor::Start, (left + 10.0, 16.0), words);
        left += 30.0 + words.len() as f64 * 6.4;
    }
}

/// What stands on a lane. Each has a shape of its own, for those who see no colours.
#[derive(Clone, Copy)]
enum Mark {
    Half,
    Most,
    All,
}

impl Mark {
    fn draw(self, svg: &mut Svg, (x, y): (f64, f64), tip: &str) {
        match self {
            Mark::Half => svg.circle("half", (x, y), 5.0, tip),
            Mark::Most => svg.shape("most", &[(x, y - 5.5), (x + 5.5, y), (x, y + 5.5), (x - 5.5, y)]),
            Mark::All => svg.rect("all", (x - 1.5, y - 6.0), (3.0, 12.0), tip),
        }
    }
}

fn lane(svg: &mut Svg, group: &Group, y: f64, x: impl Fn(i64) -> f64) {
    let middle = y + 11.0;
    let who = format!("{} of {}", count(group.ready), count(group.agents));
    svg.text("label small", Anchor::End, (LEFT - 10.0, y + 9.0), &cut(&group.name, NAME_MAX));
    svg.text("sub", Anchor::End, (LEFT - 10.0, y + 21.5), &who);
    let (Some(half), Some(most), Some(all)) = (group.p50_ms, group.p95_ms, group.max_ms) else {
        svg.text("value", Anchor::Start, (LEFT + 8.0, y + 15.5), "nobody became ready");
        return;
    };
    svg.line("reach", (x(half), middle), (x(all), middle));
    let tip = described(group);
    for (mark, ms) in [(Mark::All, all), (Mark::Most, most), (Mark::Half, half)] {
        mark.draw(svg, (x(ms), middle), &tip);
    }
}

fn described(group: &Group) -> String {
    let who = format!("{}: {} of {} ready", group.name, count(group.ready), count(group.agents));
    match (group.p50_ms, group.p95_ms, group.max_ms) {
        (Some(half), Some(most), Some(all)) => format!(
            "{who}, half after {}, 95 of 100 after {}, all after {}",
            duration(half),
            duration(most),
            duration(all)
        ),
        (_, _, _) => who,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shells::report::sample;

    #[test]
    fn every_shift_has_its_lane_and_its_numbers() {
        let story = Story::of(&sample::friday(7, 60));
        let picture = picture(&story);
        for group in groups(&story) {
            let who = format!("{}: {} of {} ready", group.name, group.ready, group.agents);
            assert!(picture.contains(&who), "{who}");
        }
        assert_eq!(picture.matches("class=\"most\"").count(), picture.matches("class=\"half\"").count());
        assert!(picture.contains("time from T until ready") && picture.contains("95 of 100"));
        assert!(super::picture(&Story::default()).contains("nobody became ready"));
    }
}
