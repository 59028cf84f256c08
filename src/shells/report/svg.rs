//! The few strokes that the pictures are made of: an SVG under construction, its marks, its axes.
//!
//! Must never: let a text in unescaped, or fix a colour; colours are classes, so that light, dark and print each choose.

use std::fmt::Write;

use crate::shells::report::words::Zone;
use crate::words::clock::Timestamp;

/// Text as it may stand in HTML or SVG, between tags and inside of attributes.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

/// Which end of a text stands at its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// Its start.
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// A picture under construction; lengths in its own units, 1 of them about a pixel.
#[derive(Debug, Clone)]
pub struct Svg {
    body: String,
}

impl Default for Svg {
    fn default() -> Svg {
        Svg::new()
    }
}

/// A length with one decimal, and none where it is whole.
#[must_use]
pub fn num(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    if rounded.fract() == 0.0 { format!("{rounded:.0}") } else { format!("{rounded:.1}") }
}

impl Svg {
    /// An empty picture.
    #[must_use]
    pub fn new() -> Svg {
        Svg { body: String::new() }
    }
    /// A rectangle, with a tip that shows when it is pointed at; an empty tip is none.
    pub fn rect(&mut self, class: &str, at: (f64, f64), size: (f64, f64), tip: &str) {
        let (x, y, w, h) = (num(at.0), num(at.1), num(size.0.max(0.0)), num(size.1.max(0.0)));
        let radius = if size.0 >= 6.0 && size.1 >= 6.0 { " rx=\"2\"" } else { "" };
        let head = format!("<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"{radius}");
        self.with_tip(&head, "rect", tip);
    }
    /// A symbol drawn earlier by [`Svg::symbol`].
    pub fn symbol(&mut self, id: &str, at: (f64, f64), tip: &str) {
        let head = format!("<use href=\"#{id}\" x=\"{}\" y=\"{}\"", num(at.0), num(at.1));
        self.with_tip(&head, "use", tip);
    }
    fn with_tip(&mut self, head: &str, tag: &str, tip: &str) {
        self.body.push_str(head);
        if tip.is_empty() {
            self.body.push_str("/>");
        } else {
            self.body.push_str("><title>");
            self.body.push_str(&escape(tip));
            self.body.push_str("</title></");
            self.body.push_str(tag);
            self.body.push('>');
        }
    }
    /// A circle, with a tip as [`Svg::rect`] has it.
    pub fn circle(&mut self, class: &str, at: (f64, f64), radius: f64, tip: &str) {
        let head = format!("<circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"{}\"", num(at.0), num(at.1), num(radius));
        self.with_tip(&head, "circle", tip);
    }
    /// A line.
    pub fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let (a, b, c, d) = (num(from.0), num(from.1), num(to.0), num(to.1));
        self.body.push_str(&format!("<line class=\"{class}\" x1=\"{a}\" y1=\"{b}\" x2=\"{c}\" y2=\"{d}\"/>"));
    }
    /// A text.
    pub fn text(&mut self, class: &str, anchor: Anchor, at: (f64, f64), text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let (x, y, text) = (num(at.0), num(at.1), escape(text));
        self.body
            .push_str(&format!("<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{x}\" y=\"{y}\">{text}</text>"));
    }
    /// A closed shape through the points.
    pub fn shape(&mut self, class: &str, points: &[(f64, f64)]) {
        self.stroke(class, points, "Z");
    }
    /// A line through the points.
    pub fn polyline(&mut self, class: &str, points: &[(f64, f64)]) {
        self.stroke(class, points, "");
    }
    fn stroke(&mut self, class: &str, points: &[(f64, f64)], end: &str) {
        let mut d = String::with_capacity(points.len() * 12);
        for (at, (x, y)) in points.iter().enumerate() {
            let step = if at == 0 { 'M' } else { 'L' };
            // Writing into a String cannot fail.
            let _ = write!(d, "{step}{} {}", num(*x), num(*y));
        }
        self.body.push_str(&format!("<path class=\"{class}\" d=\"{d}{end}\"/>"));
    }
    /// The finished picture with its name and its description for those who cannot see it.
    #[must_use]
    pub fn finish(&self, id: &str, size: (f64, f64), title: &str, described: &str) -> String {
        let (w, h, title, described) = (num(size.0), num(size.1), escape(title), escape(described));
        format!(
            "<svg class=\"picture\" viewBox=\"0 0 {w} {h}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\" \
             xmlns=\"http://www.w3.org/2000/svg\"><title id=\"{id}-t\">{title}</title><desc id=\"{id}-d\">{described}</desc>{}</svg>",
            self.body
        )
    }
}

/// Instants along the width of a picture.
#[derive(Debug, Clone, Copy)]
pub struct TimeAxis {
    /// The instant at the left end.
    pub from: Timestamp,
    /// The instant at the right end; later than `from`.
    pub to: Timestamp,
    /// The left end.
    pub left: f64,
    /// The right end.
    pub right: f64,
}

const STEPS_S: [i64; 18] =
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400];

impl TimeAxis {
    /// Where an instant stands; instants outside stand at the ends.
    #[must_use]
    pub fn x(&self, at: Timestamp) -> f64 {
        let span = self.to.since_ms(self.from).max(1) as f64;
        let share = (at.since_ms(self.from) as f64 / span).clamp(0.0, 1.0);
        self.left + share * (self.right - self.left)
    }
    /// Whether an instant stands between the ends.
    #[must_use]
    pub fn holds(&self, at: Timestamp) -> bool {
        (self.from..=self.to).contains(&at)
    }
    /// Instants on round local times, at most ten of them.
    #[must_use]
    pub fn ticks(&self, zone: Zone) -> (i64, Vec<Timestamp>) {
        let span_ms = self.to.since_ms(self.from).max(1);
        let days_ms = (span_ms / 9 / 86_400_000 + 1) * 86_400_000;
        let step_ms = STEPS_S.iter().map(|s| s * 1000).find(|step| span_ms / step <= 9).unwrap_or(days_ms);
        let into = zone.since_midnight_ms(self.from).rem_euclid(step_ms);
        let first = self.from + if into == 0 { 0 } else { step_ms - into };
        let ticks = (0..10).map(|n| first + n * step_ms).take_while(|at| *at <= self.to).collect();
        (step_ms, ticks)
    }
    /// Draws the axis at height `y`, with grid lines of that class up to `top`.
    pub fn draw(&self, svg: &mut Svg, zone: Zone, grid: &str, (top, y): (f64, f64)) {
        let (step_ms, ticks) = self.ticks(zone);
        for at in ticks {
            let x = self.x(at);
            svg.line(grid, (x, top), (x, y));
            let label = if step_ms < 60_000 { zone.clock(at) } else { zone.minute(at) };
            svg.text("tick", Anchor::Middle, (x, y + 17.0), &label);
        }
        svg.line("axis", (self.left, y), (self.right, y));
    }
}

/// Round durations from 0 to at most `max_ms`, at most six of them.
#[must_use]
pub fn duration_ticks(max_ms: i64) -> Vec<i64> {
    let max_ms = max_ms.max(1);
    let days_ms = (max_ms / 5 / 86_400_000 + 1) * 86_400_000;
    let step_ms = STEPS_S.iter().map(|s| s * 1000).find(|step| max_ms / step <= 5).unwrap_or(days_ms);
    (0..=max_ms / step_ms).map(|n| n * step_ms).collect()
}

/// Round numbers from 0 to at least `max`, at most six of them.
#[must_use]
pub fn round_ticks(max: u64) -> Vec<u64> {
    let mut step = 1u64;
    let mut next = [2u64, 5, 10].into_iter().cycle();
    let mut decade = 1u64;
    while max / step > 5 {
        let factor = next.next().unwrap_or(10);
        step = decade * factor;
        if factor == 10 {
            decade = step;
        }
    }
    (0..=max / step).map(|n| n * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_few_and_round_ticks() {
        assert_eq!(round_ticks(3), vec![0, 1, 2, 3]);
        assert_eq!(round_ticks(540), vec![0, 100, 200, 300, 400, 500]);
        for max in [0, 1, 7, 99, 1_001, 100_000, u64::from(u32::MAX)] {
            assert!(round_ticks(max).len() <= 6, "{max}");
        }
    }

    #[test]
    fn axes_of_durations_have_few_and_round_ticks() {
        assert_eq!(duration_ticks(1_522_924), [0, 300_000, 600_000, 900_000, 1_200_000, 1_500_000]);
        for max in [0, 1, 999, 61_000, 3_600_000, 90_000_000_000, i64::MAX] {
            assert!((1..=6).contains(&duration_ticks(max).len()), "{max}");
        }
    }

    #[test]
    fn the_ticks_of_time_stand_on_local_round_times() {
        // 15:47:03 CST to 16:47.
        let from = Timestamp(1_795_816_800_000 - 777_000);
        let axis = TimeAxis { from, to: from + 3_600_000, left: 0.0, right: 100.0 };
        let zone = Zone::named("America/Chicago");
        let (step_ms, ticks) = axis.ticks(zone);
        assert_eq!(step_ms, 600_000);
        assert_eq!(ticks.iter().map(|at| zone.clock(*at)).next(), Some("15:50:00".to_owned()));
        assert!(ticks.len() <= 10);
        let empty = TimeAxis { from, to: from, left: 0.0, right: 100.0 };
        assert!(empty.x(from + 1).is_finite() && empty.ticks(zone).1.len() <= 10);
        let ages = TimeAxis { from: Timestamp(0), to: from, left: 0.0, right: 1.0 };
        assert!(ages.ticks(zone).1.len() <= 10);
    }
}
