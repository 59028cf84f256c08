//! Two pictures of time: the phases around T, and how many agents were ready when.
//!
//! Must never: tell anything by colour alone; every area carries its name, every bar its length.

use crate::law::event::Phase;
use crate::shells::report::facts::{Counts, PhaseSpan};
use crate::shells::report::story::Story;
use crate::shells::report::svg::{Anchor, Svg, TimeAxis, num, round_ticks};
use crate::shells::report::words::{count, duration};
use crate::words::clock::Timestamp;

/// The width of a picture.
pub const WIDTH: f64 = 960.0;
/// The width of one that stands beside another.
pub const HALF: f64 = 470.0;
const LANE: f64 = 30.0;
/// The class of the bar that everything turns around.
const NOW: &str = "phase now";

/// A kind of verdict as it is drawn: its class, which names its colour and its mark, and its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Ready without help.
    Ready,
    /// Ready after a remedy.
    Recovered,
    /// Deferred, on a call.
    OnCall,
    /// Deferred, logged out.
    LoggedOut,
    /// A signal is missing.
    Unknown,
    /// Not ready.
    Straggler,
    /// Nobody has looked.
    Unjudged,
}

impl Kind {
    /// Every kind, from the best to the worst.
    pub const ALL: [Kind; 7] =
        [Kind::Ready, Kind::Recovered, Kind::OnCall, Kind::LoggedOut, Kind::Unknown, Kind::Straggler, Kind::Unjudged];
    /// The kind of a verdict.
    #[must_use]
    pub fn of(verdict: Option<crate::law::verdict::Verdict>) -> Kind {
        use crate::law::verdict::{Deferral, Verdict};
        match verdict {
            None => Kind::Unjudged,
            Some(Verdict::Ready) => Kind::Ready,
            Some(Verdict::Recovered { .. }) => Kind::Recovered,
            Some(Verdict::Deferred { because: Deferral::OnCall }) => Kind::OnCall,
            Some(Verdict::Deferred { because: Deferral::LoggedOut }) => Kind::LoggedOut,
            Some(Verdict::Unknown { .. }) => Kind::Unknown,
            Some(Verdict::Straggler { .. }) => Kind::Straggler,
        }
    }
    /// Its class in styles and its id among symbols.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Kind::Ready => "ready",
            Kind::Recovered => "recovered",
            Kind::OnCall => "oncall",
            Kind::LoggedOut => "loggedout",
            Kind::Unknown => "unknown",
            Kind::Straggler => "straggler",
            Kind::Unjudged => "unjudged",
        }
    }
    /// Its name.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Kind::Ready => "ready without help",
            Kind::Recovered => "recovered",
            Kind::OnCall => "on a call",
            Kind::LoggedOut => "logged out",
            Kind::Unknown => "unknown",
            Kind::Straggler => "straggler",
            Kind::Unjudged => "not checked",
        }
    }
    /// Its name, for so many agents.
    #[must_use]
    pub fn words_of(self, agents: u64) -> &'static str {
        match self {
            Kind::Straggler if agents != 1 => "stragglers",
            Kind::Ready
            | Kind::Recovered
            | Kind::OnCall
            | Kind::LoggedOut
            | Kind::Unknown
            | Kind::Straggler
            | Kind::Unjudged => self.words(),
        }
    }
    /// How many there are among the counts.
    #[must_use]
    pub fn count(self, counts: Counts) -> u32 {
        match self {
            Kind::Ready => counts.tally.ready,
            Kind::Recovered => counts.tally.recovered,
            Kind::OnCall => counts.on_call,
            Kind::LoggedOut => counts.tally.deferred.saturating_sub(counts.on_call),
            Kind::Unknown => counts.tally.unknown,
            Kind::Straggler => counts.tally.stragglers,
            Kind::Unjudged => counts.unjudged,
        }
    }
}

/// The phases of the run around T.
#[must_use]
pub fn timeline(story: &Story) -> String {
    let (first, last) = story.span.unwrap_or_default();
    let t = story.publish_at();
    let begun = story.phases.items.iter().find(|span| span.phase != Phase::Waiting).map(|span| span.begin);
    let from = begun.unwrap_or(first).min(t);
    let to = last.max(t).max(from + 60_000);
    let margin_ms = to.since_ms(from) / 40;
    let axis = TimeAxis { from: from - margin_ms, to: to + margin_ms, left: 150.0, right: WIDTH - 20.0 };
    let lanes = lanes(story, to);
    let marks = marks(story);
    let rows = lanes.len() + usize::from(!marks.is_empty());
    let (top, bottom) = (30.0, 30.0 + rows as f64 * LANE + 6.0);
    let mut svg = Svg::new();
    axis.draw(&mut svg, story.zone, "grid", (top, bottom));
    // Where a lane has no bar, its words keep clear of the line at T.
    let clear = if axis.x(t) < axis.left + 100.0 { axis.x(t) + 8.0 } else { axis.left + 8.0 };
    for (at, lane) in lanes.iter().enumerate() {
        draw_lane(&mut svg, &axis, lane, top + 4.0 + at as f64 * LANE, clear);
    }
    if !marks.is_empty() {
        let y = top + 4.0 + lanes.len() as f64 * LANE;
        svg.text("label", Anchor::End, (axis.left - 12.0, y + 15.0), "events");
        for (at, tip) in &marks {
            let x = axis.x(*at);
            svg.rect("mark", (x - 3.0, y + 4.0), (6.0, 14.0), tip);
        }
    }
    draw_t(&mut svg, &axis, story, (top, bottom));
    svg.text("axis-name", Anchor::End, (axis.right, bottom + 34.0), &zone_words(story));
    let told: Vec<String> = lanes.iter().map(|lane| format!("{} {}", lane.name, lane.words)).collect();
    svg.finish("timeline", (WIDTH, bottom + 42.0), "The phases of the run around T", &told.join("; "))
}

struct Lane {
    name: &'static str,
    spans: Vec<(Timestamp, Timestamp)>,
    words: String,
    class: &'static str,
}

fn lanes(story: &Story, to: Timestamp) -> Vec<Lane> {
    let lane = |name: &'static str, class: &'static str, phase: Phase| {
        let of_phase = story.phases.items.iter().filter(|span| span.phase == phase);
        let spans: Vec<_> = of_phase.map(|span: &PhaseSpan| (span.begin, span.end.unwrap_or(to))).collect();
        let took_ms: i64 = spans.iter().map(|(begin, end)| end.since_ms(*begin)).sum();
        let words = if spans.is_empty() { "not reached".to_owned() } else { duration(took_ms) };
        Lane { name, spans, words, class }
    };
    let mut publish = lane("publish", NOW, Phase::Publishing);
    // The phase goes on until the first check; the publish itself ends when it is seen complete.
    if let (Some(claim), Some((done, _))) = (story.publish.claim(), story.publish.confirmed) {
        publish.spans = vec![(claim.at, done)];
        publish.words = duration(done.since_ms(claim.at));
    }
    vec![
        lane("refresh tokens", "phase", Phase::Refreshing),
        lane("prepare", "phase", Phase::Preparing),
        publish,
        lane("check and cure", "phase", Phase::Checking),
    ]
}

fn draw_lane(svg: &mut Svg, axis: &TimeAxis, lane: &Lane, y: f64, clear: f64) {
    let class = if lane.spans.is_empty() { "label faint" } else { "label" };
    svg.text(class, Anchor::End, (axis.left - 12.0, y + 15.0), lane.name);
    let mut last = (axis.left, axis.left);
    for (begin, end) in &lane.spans {
        let (a, b) = (axis.x(*begin), axis.x(*end));
        svg.rect(lane.class, (a, y + 3.0), ((b - a).max(3.0), 16.0), &format!("{}: {}", lane.name, lane.words));
        last = (a, b.max(a + 3.0));
    }
    // The length stands inside of a long bar, and behind a short one.
    if lane.spans.is_empty() {
        svg.text("value", Anchor::Start, (clear, y + 15.5), &lane.words);
    } else if last.1 - last.0 > 90.0 {
        let class = if lane.class == NOW { "inside now" } else { "inside" };
        svg.text(class, Anchor::End, (last.1 - 8.0, y + 15.5), &lane.words);
    } else {
        svg.text("value", Anchor::Start, (last.1 + 8.0, y + 15.5), &lane.words);
    }
}

fn marks(story: &Story) -> Vec<(Timestamp, String)> {
    let restarts = story.taken_up.items.iter().skip(1).map(|at| (*at, "taken up again".to_owned()));
    let doubts = story.publish.doubts.items.iter().map(|(at, why)| (*at, format!("publish in doubt: {why}")));
    let brakes = story.brakes.items.iter().map(|brake| (brake.at, format!("brake: {}", brake.why)));
    restarts.chain(doubts).chain(brakes).collect()
}

fn draw_t(svg: &mut Svg, axis: &TimeAxis, story: &Story, (top, bottom): (f64, f64)) {
    let t = story.publish_at();
    if !axis.holds(t) {
        return;
    }
    let x = axis.x(t);
    svg.line("t", (x, top - 8.0), (x, bottom));
    let (anchor, dx) = if x > WIDTH - 160.0 { (Anchor::End, -6.0) } else { (Anchor::Start, 6.0) };
    svg.text("t-name", anchor, (x + dx, top - 10.0), &format!("T {}", story.zone.clock(t)));
}

fn zone_words(story: &Story) -> String {
    format!("local time, {}", story.zone.abbreviation(story.publish_at()))
}

/// How many agents stood where, over time.
#[must_use]
pub fn readiness(story: &Story) -> String {
    let all = story.agents.len() as u64;
    let t = story.publish_at();
    let points: Vec<(Timestamp, Counts)> = story.series.points().collect();
    let checked_until = checked_until(story).or(last_change(&points)).unwrap_or(t);
    let from = points.first().map_or(t, |(at, _)| *at).min(t);
    let to = checked_until.max(t + 120_000);
    let span_ms = to.since_ms(from);
    let axis = TimeAxis { from: from - span_ms / 30, to: to + span_ms / 30, left: 60.0, right: WIDTH - 190.0 };
    let (top, bottom) = (30.0, 290.0);
    let y = |n: u64| bottom - (bottom - top) * n as f64 / all.max(1) as f64;
    let mut svg = Svg::new();
    svg.rect("nobody", (axis.left, top), (axis.right - axis.left, bottom - top), "");
    let sampled = sample(&points, &axis);
    let mut floor: Vec<u64> = vec![0; sampled.len()];
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Unjudged) {
        let ceiling: Vec<u64> =
            floor.iter().zip(&sampled).map(|(low, (_, counts))| low + u64::from(kind.count(*counts))).collect();
        if ceiling != floor {
            let points = area(&sampled, &axis, &floor, &ceiling, y);
            svg.shape(&format!("area {}", kind.class()), &points);
        }
        floor = ceiling;
    }
    axis.draw(&mut svg, story.zone, "grid over", (top, bottom));
    for n in round_ticks(all) {
        svg.line("grid over", (axis.left, y(n)), (axis.right, y(n)));
        svg.text("tick", Anchor::End, (axis.left - 8.0, y(n) + 4.0), &count(n));
    }
    svg.text("axis-name", Anchor::Start, (8.0, top - 14.0), "agents");
    svg.text("axis-name", Anchor::End, (axis.right, bottom + 36.0), &zone_words(story));
    draw_t(&mut svg, &axis, story, (top, bottom));
    draw_complete(&mut svg, &axis, story, (top, bottom));
    name_areas(&mut svg, story, axis.right + 12.0, (top, bottom), y);
    let told = Kind::ALL.into_iter().map(|kind| (kind, kind.count(story.counts))).filter(|(_, n)| *n > 0);
    let told: Vec<String> = told.map(|(kind, n)| format!("{n} {}", kind.words_of(u64::from(n)))).collect();
    let described = format!("At the end: {}.", told.join(", "));
    svg.finish("readiness", (WIDTH, bottom + 46.0), "Agents by verdict over time", &described)
}

/// When the last check ended, or what is known of one that goes on.
fn checked_until(story: &Story) -> Option<Timestamp> {
    let check = story.phases.items.iter().rev().find(|span| span.phase == Phase::Checking)?;
    check.end.or(story.span.map(|(_, last)| last))
}

fn last_change(points: &[(Timestamp, Counts)]) -> Option<Timestamp> {
    let changed = points.windows(2).rev().find_map(|pair| match pair {
        [(_, before), (at, after)] if before != after => Some(*at),
        _ => None,
    });
    changed.or(points.first().map(|(at, _)| *at))
}

/// One point per unit of width at most: the newest of those that fall together.
fn sample(points: &[(Timestamp, Counts)], axis: &TimeAxis) -> Vec<(f64, Counts)> {
    let mut kept: Vec<(f64, Counts)> = Vec::new();
    for (at, counts) in points {
        let x = axis.x(*at);
        match kept.last_mut() {
            Some(last) if x - last.0 < 1.0 => last.1 = *counts,
            Some(_) | None => kept.push((x, *counts)),
        }
    }
    kept
}

fn area(
    sampled: &[(f64, Counts)],
    axis: &TimeAxis,
    floor: &[u64],
    ceiling: &[u64],
    y: impl Fn(u64) -> f64,
) -> Vec<(f64, f64)> {
    let steps = |levels: &[u64]| {
        let mut line: Vec<(f64, f64)> = Vec::with_capacity(levels.len() * 2);
        for (at, ((x, _), level)) in sampled.iter().zip(levels).enumerate() {
            let until = sampled.get(at + 1).map_or(axis.right, |(next, _)| *next);
            // What was counted holds until the next count: steps, not slopes. Equal steps join.
            match line.last_mut() {
                Some(last) if num(last.1) == num(y(*level)) => last.0 = until,
                Some(_) | None => line.extend([(*x, y(*level)), (until, y(*level))]),
            }
        }
        line
    };
    let mut outline = steps(ceiling);
    outline.extend(steps(floor).into_iter().rev());
    outline
}

fn draw_complete(svg: &mut Svg, axis: &TimeAxis, story: &Story, (top, bottom): (f64, f64)) {
    if let Some((at, _)) = story.publish.confirmed
        && axis.holds(at)
    {
        let x = axis.x(at);
        svg.line("complete", (x, top), (x, bottom));
        // The name of T stands to the right of T; this one keeps clear of it.
        let clear = (axis.x(story.publish_at()) + 104.0).max(x + 6.0);
        svg.text("axis-name", Anchor::Start, (clear, top - 10.0), "publish complete (dashed)");
    }
}

/// Names the areas at their right end, pushed apart where they are thin.
fn name_areas(svg: &mut Svg, story: &Story, x: f64, (top, bottom): (f64, f64), y: impl Fn(u64) -> f64) {
    const GAP: f64 = 17.0;
    let mut low = 0u64;
    let mut names: Vec<(f64, Kind, u64)> = Vec::new();
    for kind in Kind::ALL {
        let n = u64::from(kind.count(story.counts));
        if n > 0 {
            names.push(((y(low) + y(low + n)) / 2.0 + 4.0, kind, n));
        }
        low += n;
    }
    // From the bottom up, each at least a line above the one before; then from the top down, back into the picture.
    let mut limit = bottom + GAP;
    for name in &mut names {
        name.0 = name.0.min(limit - GAP);
        limit = name.0;
    }
    let mut limit = top - GAP + 8.0;
    for name in names.iter_mut().rev() {
        name.0 = name.0.max(limit + GAP);
        limit = name.0;
    }
    for (at, kind, n) in names {
        svg.symbol(&format!("k-{}", kind.class()), (x, at - 10.0), "");
        svg.text("label", Anchor::Start, (x + 19.0, at), &format!("{} {}", count(n), kind.words_of(n)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::event::Event;
    use crate::law::verdict::Verdict;
    use crate::shells::report::sample::{self, Scribe, T};
    use crate::words::id::Seat;

    #[test]
    fn the_axis_of_readiness_reaches_the_end_of_the_check_though_nothing_changes_before_it() {
        let mut scribe = Scribe::staged(sample::plan(1, 5));
        let minute = |n: i64| T + n * 60_000;
        scribe.say(minute(1), Event::PhaseEntered { phase: Phase::Checking });
        scribe.say(minute(2), Event::Judged { verdicts: vec![(Seat(0), Verdict::Ready)] });
        scribe.say(minute(42), Event::TakenUp);
        let drawn = |scribe: &Scribe| readiness(&Story::of(&scribe.records));
        assert!(drawn(&scribe).contains(">16:40<"), "as far as it is known");
        scribe.say(minute(45), Event::PhaseEntered { phase: Phase::Settling });
        scribe.say(minute(95), Event::PhaseEntered { phase: Phase::Settled });
        let drawn = drawn(&scribe);
        assert!(drawn.contains(">16:40<") && !drawn.contains(">17:"), "{drawn}");
    }
}
