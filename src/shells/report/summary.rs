//! The closing text: what a WFM admin reads when the run has ended, at most 80 columns wide.
//!
//! Must never: say more than the records prove, or hide what somebody has to do.

use std::path::PathBuf;

use crate::law::verdict::Verdict;
use crate::shells::report::agent::TokenStory;
use crate::shells::report::calls::calls_words;
use crate::shells::report::coverage;
use crate::shells::report::ending::{Answer, answer, cures_words, deferred, publish_words};
use crate::shells::report::facts::{Ending, PublishStanding};
use crate::shells::report::story::Story;
use crate::shells::report::waves;
use crate::shells::report::words::{clean, columns, count, counted, cut, fit, wrap};
use crate::words::id::Seat;

/// The widest line.
pub const WIDTH: usize = 80;
/// Agents named in one list; the reports hold the others.
const NAMED_MAX: usize = 25;
/// Waves told of one remedy; the reports hold the others.
const WAVES_MAX: usize = 6;

/// The closing text, one line each, no line wider than [`WIDTH`].
#[must_use]
pub fn summary(story: &Story, reports: &[PathBuf]) -> Vec<String> {
    let mut lines = Lines::default();
    let answer = answer(story);
    match story.ending() {
        Ending::Settled => lines.say(&format!("{}.", publish_words(story))),
        Ending::Open(_) | Ending::Stopped { .. } | Ending::InDoubt => {
            lines.say(&answer.headline);
            meaning(&mut lines, &answer);
        }
    }
    counts(&mut lines, story);
    stragglers(&mut lines, story);
    unknown(&mut lines, story);
    sign_in(&mut lines, story);
    covered(&mut lines, story);
    pages(&mut lines, story);
    waves(&mut lines, story);
    trouble(&mut lines, story);
    calls(&mut lines, story);
    next(&mut lines, &answer);
    where_they_lie(&mut lines, reports);
    lines.0
}

#[derive(Default)]
struct Lines(Vec<String>);

impl Lines {
    fn say(&mut self, text: &str) {
        self.0.extend(wrap(text, WIDTH, "", "  "));
    }
    fn item(&mut self, text: &str) {
        self.0.extend(wrap(text, WIDTH, "  - ", "    "));
    }
    /// Pieces with commas between them, each whole on one line; the first line starts with `first`, the others as far in.
    fn pieces(&mut self, first: &str, pieces: impl Iterator<Item = String>) {
        let mut line = first.to_owned();
        for (n, piece) in pieces.enumerate() {
            if n > 0 {
                line.push(',');
                if columns(&line) + 2 + columns(&piece) > WIDTH {
                    self.0.push(std::mem::replace(&mut line, " ".repeat(columns(first).saturating_sub(1))));
                }
                line.push(' ');
            }
            line.push_str(&piece);
        }
        self.raw(line);
    }
    fn gap(&mut self) {
        if self.0.last().is_some_and(|line| !line.is_empty()) {
            self.0.push(String::new());
        }
    }
    fn raw(&mut self, line: String) {
        self.0.push(if columns(&line) > WIDTH { cut(&line, WIDTH) } else { line });
    }
}

fn meaning(lines: &mut Lines, answer: &Answer) {
    for sentence in &answer.meaning {
        lines.say(sentence);
    }
}

fn counts(lines: &mut Lines, story: &Story) {
    let judged = story.counts.judged();
    if judged == 0 {
        return;
    }
    let tally = story.counts.tally;
    lines.gap();
    lines.say(&format!("{} checked:", counted(u64::from(judged), "softphone", "softphones")));
    let (on_call, logged_out) = deferred(story);
    let cures = cures_words(story);
    let cures = if cures.is_empty() { String::new() } else { format!(": {cures}") };
    let rows = [
        (tally.ready, "ready without help".to_owned()),
        (tally.recovered, format!("recovered{cures}")),
        (on_call, "deferred: on a call, so not touched".to_owned()),
        (logged_out, "deferred: logged out; a new login brings a new session".to_owned()),
        (tally.stragglers, plural(tally.stragglers, "straggler: needs a person", "stragglers: need a person")),
        (tally.unknown, "unknown: the platform did not say enough".to_owned()),
        (story.counts.unjudged, "not checked".to_owned()),
    ];
    let width = rows.iter().map(|(n, _)| columns(&count(u64::from(*n)))).max().unwrap_or(1).max(4);
    for (n, what) in rows.iter().filter(|(n, _)| *n > 0) {
        let first = format!("  {:>width$}  ", count(u64::from(*n)));
        lines.0.extend(wrap(what, WIDTH, &first, &" ".repeat(columns(&first))));
    }
}

fn calls(lines: &mut Lines, story: &Story) {
    if let Some(words) = calls_words(story) {
        lines.gap();
        lines.say(&format!("{words}."));
    }
}

fn plural(n: u32, one: &str, many: &str) -> String {
    if n == 1 { one.to_owned() } else { many.to_owned() }
}

/// Agents whose verdict fits, those whose shift starts soonest first; and how many there are.
#[must_use]
pub fn those(story: &Story, fits: impl Fn(Option<Verdict>) -> bool) -> Vec<Seat> {
    let mut seats: Vec<_> = story
        .everyone()
        .filter(|(_, _, agent)| fits(agent.verdict))
        .map(|(seat, member, _)| (member.shift_start.map_or(i64::MAX, |at| at.0), seat))
        .collect();
    seats.sort();
    seats.into_iter().map(|(_, seat)| seat).collect()
}

/// When the agent's shift starts, in the run's zone.
#[must_use]
pub fn shift_words(story: &Story, seat: Seat) -> String {
    match story.agent(seat).and_then(|(member, _)| member.shift_start) {
        Some(at) => story.zone.near(at, story.publish_at()),
        None => "not known".to_owned(),
    }
}

fn stragglers(lines: &mut Lines, story: &Story) {
    let seats = those(story, |v| matches!(v, Some(Verdict::Straggler { .. })));
    if seats.is_empty() {
        return;
    }
    lines.gap();
    lines.raw(format!("{}{}{}", fit("Straggler", 28), fit("Why", 34), "Shift starts"));
    for seat in seats.iter().take(NAMED_MAX) {
        let Some((member, agent)) = story.agent(*seat) else { continue };
        let why = match agent.verdict {
            Some(Verdict::Straggler { reason }) => reason.words(),
            Some(Verdict::Ready | Verdict::Recovered { .. } | Verdict::Deferred { .. } | Verdict::Unknown { .. })
            | None => "",
        };
        let name = fit(&cut(&clean(&member.name), 26), 28);
        lines.raw(format!("{name}{}{}", fit(why, 34), shift_words(story, *seat)));
        let tried = format!("tried: {}", agent.tried_words());
        lines.0.extend(wrap(&tried, WIDTH, "    ", "      "));
    }
    and_more(lines, seats.len());
}

fn unknown(lines: &mut Lines, story: &Story) {
    let seats = those(story, |v| matches!(v, Some(Verdict::Unknown { .. })));
    name_them(lines, story, "Unknown, to be looked at by hand:", &seats);
}

fn sign_in(lines: &mut Lines, story: &Story) {
    let dead: Vec<Seat> =
        story.everyone().filter(|(_, _, agent)| agent.token == TokenStory::Dead).map(|(seat, _, _)| seat).collect();
    name_them(lines, story, "To be asked to sign in again (refresh token dead):", &dead);
}

/// Whom the preparations have reached.
fn covered(lines: &mut Lines, story: &Story) {
    let rows = coverage::rows(story);
    if rows.is_empty() {
        return;
    }
    lines.gap();
    lines.say(&format!("Of {}:", counted(story.agents.len() as u64, "agent", "agents")));
    let width = rows.iter().map(|row| columns(&row.agents)).max().unwrap_or(1).max(4);
    for row in rows {
        let indent = usize::from(row.depth) * 2;
        let first = format!("  {:>width$}  {}", row.agents, " ".repeat(indent));
        let note = if row.note.is_empty() { String::new() } else { format!(" ({})", row.note) };
        lines.0.extend(wrap(&format!("{}{note}", row.who), WIDTH, &first, &" ".repeat(columns(&first))));
    }
}

/// What pages said at the first look and at the last.
fn pages(lines: &mut Lines, story: &Story) {
    let rows = coverage::said_rows(story);
    if rows.is_empty() {
        return;
    }
    lines.gap();
    lines.raw(format!("{}{:>12}{:>12}", fit("Agents whose page said", 40), "first look", "at the end"));
    for row in rows {
        lines.raw(format!("{}{:>12}{:>12}", fit(&format!("  {}", row.what), 40), row.first, row.last));
    }
}

/// How each remedy was widened.
fn waves(lines: &mut Lines, story: &Story) {
    let rungs: Vec<_> = waves::rungs(story).collect();
    let Some(policy) = waves::policy(story).filter(|_| !rungs.is_empty()) else { return };
    lines.gap();
    lines.say(&format!(
        "Remedies in waves: for {} first, and for {} more at once for each one helped:",
        counted(u64::from(policy.canary), "agent", "agents"),
        crate::law::plan::WIDER_BY
    ));
    let name = rungs.iter().map(|(rung, _)| columns(rung.words())).max().unwrap_or_default() + 2;
    for (rung, waves) in rungs {
        let told: Vec<String> = waves
            .all()
            .take(WAVES_MAX)
            .map(|wave| {
                let at = story.zone.near_second(wave.began, story.publish_at());
                format!("{} at {at}{}", count(u64::from(wave.begun)), helped_words(wave.helped_before))
            })
            .collect();
        let more = waves.all().count().saturating_sub(WAVES_MAX) as u64 + waves.kept.more;
        let more = (more > 0).then(|| format!("… and {}", counted(more, "more wave", "more waves")));
        lines.pieces(&format!("  {}", fit(rung.words(), name)), told.into_iter().chain(more));
    }
}

/// Whom the remedy had helped when a wave began, of the waves before it.
fn helped_words(before: u32) -> String {
    match before {
        0 => String::new(),
        n => format!(" (after {} had been helped)", count(u64::from(n))),
    }
}

fn name_them(lines: &mut Lines, story: &Story, title: &str, seats: &[Seat]) {
    if seats.is_empty() {
        return;
    }
    lines.gap();
    lines.say(title);
    let names: Vec<String> = seats
        .iter()
        .take(NAMED_MAX)
        .filter_map(|seat| story.agent(*seat))
        .map(|(member, _)| cut(&clean(&member.name), 40))
        .collect();
    lines.0.extend(wrap(&names.join(", "), WIDTH, "  ", "  "));
    and_more(lines, seats.len());
}

fn and_more(lines: &mut Lines, all: usize) {
    if all > NAMED_MAX {
        lines.raw(format!("  … and {} more, see the report", count((all - NAMED_MAX) as u64)));
    }
}

fn trouble(lines: &mut Lines, story: &Story) {
    if story.publish.doubts.total() > 0 && story.publish.standing() == PublishStanding::Confirmed {
        lines.gap();
        lines.say("The answer to the publish was lost; it was not repeated but looked for, and seen published.");
    }
    if story.control.total() > 0 {
        lines.gap();
        lines.say("What people decided, and what the publish waited for:");
        for (at, words) in &story.control.items {
            lines.item(&format!("{} {words}", story.zone.clock(*at)));
        }
    }
    if story.brakes.total() > 0 {
        lines.gap();
        lines.say("Remedies were stopped:");
        for brake in &story.brakes.items {
            let what = brake.rung.map_or("all remedies", |rung| rung.words());
            lines.item(&format!("{} {what}: {}", story.zone.clock(brake.at), brake.why));
        }
    }
    if story.unavailable.total() > 0 {
        lines.gap();
        lines.say("Not offered by this organisation, so done without:");
        for missing in &story.unavailable.items {
            lines.item(&format!("{}: {}", missing.what, missing.why));
        }
    }
    if story.hook_problems.total() > 0 {
        lines.gap();
        lines.say(&format!("{} did not end well:", counted(story.hook_problems.total(), "hook", "hooks")));
        for hook in story.hook_problems.items.iter().take(NAMED_MAX) {
            lines.item(&format!("{}.d/{}: {}", hook.point.as_str(), hook.name, hook.problem));
        }
        and_more(lines, story.hook_problems.total() as usize);
    }
    let restarts = story.taken_up.total().saturating_sub(1);
    if restarts > 0 {
        lines.gap();
        lines.say(&format!(
            "The run was taken up again {} after its process ended.",
            counted(restarts, "time", "times")
        ));
    }
}

fn next(lines: &mut Lines, answer: &Answer) {
    if answer.next.is_empty() {
        return;
    }
    lines.gap();
    lines.say("What to do next:");
    for step in &answer.next {
        lines.item(step);
    }
}

fn where_they_lie(lines: &mut Lines, reports: &[PathBuf]) {
    if reports.is_empty() {
        return;
    }
    lines.gap();
    lines.say("Reports:");
    // A path is written whole, however long: a cut path opens nothing.
    lines.0.extend(reports.iter().map(|path| format!("  {}", clean(&path.display().to_string()))));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::event::StopKind;
    use crate::shells::report::sample;

    fn text(records: &[crate::law::event::Record]) -> String {
        let lines = summary(&Story::of(records), &[PathBuf::from("reports/report.html")]);
        for line in &lines {
            assert!(columns(line) <= WIDTH, "{} columns: {line}", columns(line));
        }
        lines.join("\n")
    }

    fn flat(records: &[crate::law::event::Record]) -> String {
        text(records).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_summary_of_a_friday_answers_the_admin() {
        let records = sample::friday(1, 60);
        let text = text(&records);
        println!("{text}");
        assert!(text.starts_with("Published once at Friday 27 Nov 2026 16:00:00 CST (+31 ms), complete after 25 s."));
        for part in [
            "60 softphones checked:",
            "ready without help",
            "recovered: ",
            "session reset",
            "deferred: on a call",
            &format!("post-publish.d/20-wallboard: {}", sample::SAID),
            "  enrolled for token refresh (",
            "had no new token in their page: depend on remedies",
            "  softphone ready",
            "Remedies in waves: for 5 agents first",
            "What to do next:",
            "  reports/report.html",
        ] {
            assert!(text.contains(part), "{part:?} is missing in\n{text}");
        }
    }

    #[test]
    fn a_wave_says_after_how_many_it_began_and_not_that_it_helped_them() {
        use crate::law::event::Event;
        use crate::law::verdict::Rung;
        let mut plan = sample::plan(1, 100);
        plan.remedies.canary = 5;
        let mut scribe = sample::Scribe::staged(plan);
        let seats = |range: std::ops::Range<u32>| range.map(Seat).collect::<Vec<_>>();
        let rung = Rung::SessionReset;
        scribe.say(sample::T, Event::PublishClaimed { attempt: 1, late_ms: 0 });
        scribe.say(sample::T + 1_000, Event::RemedyStarted { rung, seats: seats(0..5) });
        let verdicts = seats(0..4).into_iter().map(|seat| (seat, Verdict::Recovered { by: rung })).collect();
        scribe.say(sample::T + 9_000, Event::Judged { verdicts });
        scribe.say(sample::T + 10_000, Event::RemedyStarted { rung, seats: seats(5..22) });
        let text = flat(&scribe.records);
        assert!(text.contains("session reset 5 at 16:00:01, 17 at 16:00:10 (after 4 had been helped)"), "{text}");
    }

    #[test]
    fn the_counts_of_the_summary_add_up_to_the_roster() {
        let story = Story::of(&sample::friday(2, 500));
        assert_eq!(story.counts.judged() + story.counts.unjudged, 500);
        assert_eq!(story.settled.map(|(_, tally)| tally), Some(story.counts.tally));
        let (on_call, _) = deferred(&story);
        let counted =
            those(&story, |v| matches!(v, Some(Verdict::Deferred { because: crate::law::verdict::Deferral::OnCall })));
        assert_eq!(on_call as usize, counted.len());
        let cured: u32 = story.rungs.iter().map(|rung| rung.cured).sum();
        assert_eq!(cured, story.counts.tally.recovered);
    }

    #[test]
    fn every_stop_says_what_happened_and_what_to_do() {
        for kind in [StopKind::Vetoed, StopKind::Drifted, StopKind::Missed, StopKind::Refused, StopKind::Aborted] {
            let text = flat(&sample::stopped(kind, "because of a very particular reason"));
            assert!(text.contains("a very particular reason."), "{text}");
            assert!(text.contains("was not published: nothing was sent"), "{text}");
            assert!(text.contains("What to do next:"), "{text}");
            assert!(!text.contains("Published once"), "{text}");
        }
    }

    #[test]
    fn a_doubt_is_never_told_as_a_publish() {
        let text = flat(&sample::in_doubt());
        assert!(text.starts_with("In doubt."), "{text}");
        assert!(text.contains("looked for during 9 min 30 s"), "{text}");
        assert!(text.contains("start this run again"), "{text}");
        assert!(!text.contains("Published once"), "{text}");
    }

    #[test]
    fn nothing_recorded_is_still_a_summary() {
        assert!(!summary(&Story::default(), &[]).is_empty());
    }
}
