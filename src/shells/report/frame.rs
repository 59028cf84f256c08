//! What stands on a live terminal at one instant, as values: two header lines, a row per phase, the newest stragglers.
//!
//! Must never: be wider than 80 columns, or read a clock: `now` is an argument.

use crate::law::event::Phase;
use crate::law::verdict::{Rung, Verdict};
use crate::shells::report::agent::AgentStory;
use crate::shells::report::ending::publish_words;
use crate::shells::report::facts::{Ending, PublishStanding};
use crate::shells::report::story::Story;
use crate::shells::report::words::{about, clean, count, countdown, cut, duration, fit, offset};
use crate::words::clock::Timestamp;
use crate::words::id::Seat;

/// The widest line.
pub const WIDTH: usize = 80;
/// Columns of a bar.
pub const BAR: usize = 20;
/// Columns of a row's name.
pub const NAME: usize = 8;
/// Columns of a row's words: what name, bar and the gaps leave.
const WORDS: usize = WIDTH - NAME - BAR - 4;

/// One row with a bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What the row is about.
    pub name: &'static str,
    /// How much is done.
    pub done: u64,
    /// Of how much; never 0.
    pub total: u64,
    /// The row in words, at most so many columns that the whole line keeps to [`WIDTH`].
    pub words: String,
}

/// The two header lines: which publish, and where the run is.
#[must_use]
pub fn header(story: &Story, now: Timestamp) -> [String; 2] {
    let Some(plan) = &story.plan else { return ["softlanding".to_owned(), String::new()] };
    let unit = clean(&plan.business_unit.name);
    let schedule = clean(&plan.schedule.description);
    let first = format!("{}, week of {}, \"{}\"", cut(&unit, 26), plan.week, cut(&schedule, 26));
    let to_go_ms = plan.publish_at.since_ms(now);
    let around =
        if to_go_ms > 0 { format!("T-{}", countdown(to_go_ms)) } else { format!("T+{}", countdown(-to_go_ms)) };
    let phase = match story.ending() {
        // The whole name does not fit beside a long day.
        Ending::Open(Phase::Checking) => "check",
        Ending::Open(phase) => phase.words(),
        Ending::Settled => Phase::Settled.words(),
        Ending::Stopped { .. } => Phase::Stopped.words(),
        Ending::InDoubt => Phase::InDoubt.words(),
    };
    let second =
        format!("{}  now {}  {around}  {phase}", story.zone.moment_short(plan.publish_at), story.zone.clock(now));
    [cut(&first, WIDTH), cut(&second, WIDTH)]
}

/// A row per phase.
#[must_use]
pub fn rows(story: &Story, now: Timestamp) -> [Row; 4] {
    [refresh(story, now), publish(story, now), check(story, now), cure(story, now)]
}

/// One of the newest stragglers: name, reason, remedy, result.
#[must_use]
pub fn straggler(story: &Story, seat: Seat) -> String {
    let Some((member, agent)) = story.agent(seat) else { return String::new() };
    let reason = agent.first_not_ready.map_or("", |(_, reason)| reason.words());
    let remedy = agent.last_rung().map_or("", short);
    let line = format!("  {} {} {} {}", fit(&clean(&member.name), 16), fit(reason, 30), fit(remedy, 22), result(agent));
    cut(&line, WIDTH)
}

/// The remedy's name in at most 22 columns.
fn short(rung: Rung) -> &'static str {
    match rung {
        Rung::Companion => "re-initialisation",
        Rung::TokenRefresh
        | Rung::SessionReset
        | Rung::Reassociate
        | Rung::RebootPhone
        | Rung::RevokeTokens
        | Rung::Ask => rung.words(),
    }
}

fn result(agent: &AgentStory) -> &'static str {
    match agent.verdict {
        Some(Verdict::Ready | Verdict::Recovered { .. }) => "cured",
        Some(Verdict::Straggler { .. }) => "open",
        Some(Verdict::Deferred { .. }) => "later",
        Some(Verdict::Unknown { .. }) | None => "?",
    }
}

fn row(name: &'static str, done: u64, total: u64, words: &str) -> Row {
    let total = total.max(1);
    Row { name, done: done.min(total), total, words: cut(words, WORDS) }
}

fn refresh(story: &Story, now: Timestamp) -> Row {
    let counts = story.refresh;
    let ended = u64::from(counts.ended());
    let enrolled = u64::from(counts.enrolled);
    let lost = u64::from(counts.failed + counts.dead);
    let trouble = if lost == 0 { String::new() } else { format!(", {} not refreshed", count(lost)) };
    match story.began(Phase::Refreshing) {
        None => row("refresh", 0, enrolled, &format!("{} tokens", count(enrolled))),
        Some(begun) => {
            let is_over = story.phase() != Phase::Refreshing;
            let total = if is_over { ended + u64::from(counts.under_way) } else { enrolled };
            let left = left_words(begun, now, ended, total, is_over);
            row(
                "refresh",
                if is_over { total.max(1) } else { ended },
                total,
                &format!("{} of {}{left}{trouble}", count(u64::from(counts.done)), count(total)),
            )
        }
    }
}

fn publish(story: &Story, now: Timestamp) -> Row {
    let at = story.publish_at();
    match (story.publish.standing(), story.ending(), story.publish.sent()) {
        (PublishStanding::Confirmed, _, Some((sent_at, late_ms))) => {
            let took = story.publish.took_ms().map(duration).unwrap_or_default();
            row(
                "publish",
                1,
                1,
                &format!("once at {} ({}), done in {took}", story.zone.clock(sent_at), offset(late_ms)),
            )
        }
        (PublishStanding::Confirmed, _, None) => row("publish", 1, 1, &publish_words(story)),
        (_, Ending::Stopped { .. }, _) => row("publish", 0, 1, "stopped"),
        (_, Ending::InDoubt, _) => row("publish", 0, 1, "in doubt: a person must look"),
        (PublishStanding::Open, Ending::Open(_) | Ending::Settled, Some((sent_at, late_ms))) => {
            let window_ms = story.plan.as_ref().map_or(1, |plan| plan.timing.publish_window_ms).max(1);
            let since_ms = now.since_ms(sent_at).max(0);
            row(
                "publish",
                since_ms as u64,
                window_ms as u64,
                &format!("sent ({}), looking for it, {}", offset(late_ms), countdown(since_ms)),
            )
        }
        (PublishStanding::NotDone, Ending::Open(_) | Ending::Settled, _) => {
            row("publish", 0, 1, "had no effect, see above")
        }
        (PublishStanding::NotSent | PublishStanding::Open, Ending::Open(_) | Ending::Settled, _) => {
            let lead_ms = story.plan.as_ref().map_or(1, |plan| at.since_ms(plan.refresh_at())).max(1);
            let to_go_ms = at.since_ms(now);
            let done = lead_ms.saturating_sub(to_go_ms).clamp(0, lead_ms);
            row(
                "publish",
                done as u64,
                lead_ms as u64,
                &format!("at {}, in {}", story.zone.clock(at), countdown(to_go_ms)),
            )
        }
    }
}

fn check(story: &Story, now: Timestamp) -> Row {
    let all = story.agents.len() as u64;
    let judged = u64::from(story.counts.judged());
    let Some(begun) = story.began(Phase::Checking) else {
        return row("check", 0, all, &format!("{} softphones", count(all)));
    };
    let is_over = story.phase() != Phase::Checking;
    let left = left_words(begun, now, judged, all, is_over);
    let tally = story.counts.tally;
    let mut words =
        format!("{} of {}{left}, {} ready", count(judged), count(all), count(u64::from(story.counts.able())));
    if tally.deferred > 0 {
        words.push_str(&format!(", {} deferred", count(u64::from(tally.deferred))));
    }
    row("check", judged, all, &words)
}

fn cure(story: &Story, now: Timestamp) -> Row {
    let (found, cured) = (u64::from(story.found), u64::from(story.cured()));
    if story.began(Phase::Checking).is_none() {
        return row("cure", 0, 1, "");
    }
    let settle_at = story.plan.as_ref().map_or(now, |plan| plan.settle_at());
    let open = u64::from(story.counts.tally.stragglers);
    let left = if open > 0 && story.phase() == Phase::Checking {
        format!(", {} left", countdown(settle_at.since_ms(now)))
    } else {
        String::new()
    };
    let total = found.max(cured);
    if total == 0 {
        return row("cure", 0, 1, "no straggler so far");
    }
    row("cure", cured, total, &format!("{} of {} stragglers cured{left}", count(cured), count(total)))
}

/// The time left at the pace so far; nothing when it cannot be told.
fn left_words(begun: Timestamp, now: Timestamp, done: u64, total: u64, is_over: bool) -> String {
    let spent_ms = now.since_ms(begun);
    if is_over || done == 0 || done >= total || spent_ms <= 0 {
        return String::new();
    }
    let left_ms = spent_ms as f64 * (total - done) as f64 / done as f64;
    format!(", {} left", about(left_ms.min(8.64e8) as i64))
}
