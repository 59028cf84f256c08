//! A run's whole history in words, an event a line: what `audit` prints.
//!
//! Must never: leave an event out, or list everybody whom one is about.

use crate::law::event::{Event, Record, Tally};
use crate::law::verdict::{PhoneState, Verdict};
use crate::shells::report::agent::{Happening, shared, verdict_words};
use crate::shells::report::notices::notices;
use crate::shells::report::story::Story;
use crate::shells::report::words::{clean, count, counted, cut, list};
use crate::words::id::Seat;

/// Agents that are named in a line.
const NAMES_MAX: usize = 3;

/// The longest line, in characters.
const WIDTH: usize = 118;

/// The lines: number, instant in UTC, what happened.
#[must_use]
pub fn history(records: &[Record]) -> Vec<String> {
    let mut story = Story::default();
    let mut lines = Vec::new();
    for record in records {
        story.hear(record);
        let said = notices(record, &story);
        let words = if said.is_empty() { vec![plain(record, &story)] } else { said };
        for (n, words) in words.iter().enumerate() {
            let seq = if n == 0 { record.seq.to_string() } else { String::new() };
            lines.push(cut(&format!("{seq:>6}  {}  {}", record.at.rfc3339(), clean(words)), WIDTH));
        }
    }
    lines
}

/// What has no line of its own while a run goes on: how many it is about, or whom.
fn plain(record: &Record, story: &Story) -> String {
    let moment =
        |seat: Seat, what: Happening| format!("{}: {}", names(&[seat], story), what.words(story.zone, record.at));
    let agents = |n: usize| counted(n as u64, "agent", "agents");
    match &record.event {
        Event::PhaseEntered { phase } => format!("phase: {}", phase.words()),
        Event::HooksRan { point, results, .. } => {
            format!("hooks at {}: {} ran", point.as_str(), count(results.len() as u64))
        }
        Event::RefreshStarted { seat, via } => moment(*seat, Happening::RefreshStarted(*via)),
        Event::TokenRefreshed { seat, expires_at } => moment(*seat, Happening::Refreshed(*expires_at)),
        Event::RefreshFailed { seat, failure, again_at } => {
            moment(*seat, Happening::RefreshFailed { why: shared(&failure.to_string()), again_at: *again_at })
        }
        Event::TokenLeft { seat, made_at, expires_at } => moment(*seat, Happening::TokenLeft(*made_at, *expires_at)),
        Event::TokenDead { seat, failure } => moment(*seat, Happening::TokenDead(shared(&failure.to_string()))),
        Event::ScheduleSeen { version, published } => {
            let published = if *published { "published" } else { "not published" };
            format!("schedule seen: version {version}, {published}")
        }
        Event::UsersSeen { seen } => format!("users read: {}", agents(seen.len())),
        Event::PhonesSeen { seen } => {
            let down = seen.iter().filter(|phone| phone.state == PhoneState::Down).count() as u64;
            format!("phones read: {}, of which {} do not answer", agents(seen.len()), count(down))
        }
        Event::PhonesAbsent { seats } => format!("phones read: none for {}", names(seats, story)),
        Event::Probed { seat, result } => moment(*seat, Happening::Probed(*result)),
        Event::PagesSeen { seen } => format!("pages heard: {}", agents(seen.len())),
        Event::PageTold { seat, errand, answer } => {
            moment(*seat, Happening::PageTold(*errand, shared(&answer.words())))
        }
        Event::ReadFailed { failure } => format!("a read brought nothing: {failure}"),
        Event::Watched { ready, lost, undecided, .. } => format!(
            "watched before the publish: {} ready, {} lost, {} undecided",
            count(ready.len() as u64),
            count(lost.len() as u64),
            count(undecided.len() as u64)
        ),
        Event::Pushed { disassociated, tokens, legs, .. } => format!(
            "pushed: {} stations disassociated, {} tokens changed, {} media legs changed",
            count(disassociated.len() as u64),
            count(tokens.len() as u64),
            count(legs.len() as u64)
        ),
        Event::Spent { calls, refused, .. } => format!(
            "calls that were answered: {}, and {} refused with 429",
            count(u64::from(calls.total())),
            count(u64::from(*refused))
        ),
        Event::Judged { verdicts } => judged(verdicts, story),
        Event::RemedyStarted { rung, seats } => format!("remedy: {} for {}", rung.words(), names(seats, story)),
        Event::RemedyAccepted { rung, seats } => {
            format!("{}, for {}", Happening::RemedyAccepted(*rung).words(story.zone, record.at), names(seats, story))
        }
        Event::RemedyFailed { rung, seats, failure, .. } => {
            format!("{} could not be applied for {}: {failure}", rung.words(), names(seats, story))
        }
        Event::Staged { .. }
        | Event::TakenUp
        | Event::Ordered { .. }
        | Event::OrderRefused { .. }
        | Event::OrderUnread { .. }
        | Event::Drifted { .. }
        | Event::PublishWaits { .. }
        | Event::PublishLate { .. }
        | Event::PublishedElsewhere { .. }
        | Event::RungUnavailable { .. }
        | Event::ProbeUnavailable { .. }
        | Event::PublishSent { .. }
        | Event::PublishClaimed { .. }
        | Event::PublishAccepted { .. }
        | Event::PublishNotDone { .. }
        | Event::PublishDoubted { .. }
        | Event::PublishConfirmed { .. }
        | Event::PublishUnconfirmed { .. }
        | Event::Preflighted { .. }
        | Event::BrakeApplied { .. }
        | Event::Settled { .. }
        | Event::Stopped { .. } => name(&record.event),
    }
}

/// The event's name.
fn name(event: &Event) -> String {
    let value = serde_json::to_value(event).unwrap_or_default();
    value["event"].as_str().unwrap_or_default().replace('_', " ")
}

/// One by name; of several how many they are, which no cut takes away, and the first names.
fn names(seats: &[Seat], story: &Story) -> String {
    let name = |seat: &Seat| story.agent(*seat).map_or_else(String::new, |(member, _)| cut(&clean(&member.name), 40));
    if let [seat] = seats {
        return name(seat);
    }
    let mut names: Vec<String> = seats.iter().take(NAMES_MAX).map(name).collect();
    if seats.len() > NAMES_MAX {
        names.push(format!("{} more", count((seats.len() - NAMES_MAX) as u64)));
    }
    format!("{}: {}", counted(seats.len() as u64, "agent", "agents"), list(&names))
}

/// One verdict in words, several by how many there are of each.
fn judged(verdicts: &[(Seat, Verdict)], story: &Story) -> String {
    if let [(seat, verdict)] = verdicts {
        return format!("{}: {}", names(&[*seat], story), verdict_words(Some(*verdict)));
    }
    let tally = Tally::of(verdicts.iter().map(|(_, verdict)| Some(*verdict)));
    let kinds = [
        (tally.ready, "ready"),
        (tally.recovered, "recovered"),
        (tally.deferred, "deferred"),
        (tally.stragglers, "stragglers"),
        (tally.unknown, "unknown"),
    ];
    let there = kinds.into_iter().filter(|(n, _)| *n > 0);
    let told: Vec<String> = there.map(|(n, what)| format!("{} {what}", count(u64::from(n)))).collect();
    format!("verdicts of {}: {}", counted(verdicts.len() as u64, "agent", "agents"), told.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shells::report::sample;

    #[test]
    fn every_event_has_a_line_with_its_number() {
        let records = sample::friday(2, 20);
        let lines = history(&records);
        for record in &records {
            let begins = format!("{:>6}  {}", record.seq, record.at.rfc3339());
            assert!(lines.iter().any(|line| line.starts_with(&begins)), "event {} is missing", record.seq);
        }
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH));
    }

    #[test]
    fn what_is_about_many_is_told_by_how_many_and_in_the_words_of_the_report() {
        let mut scribe = sample::Scribe { records: sample::friday(2, 20) };
        let seats = |to: u32| (0..to).map(Seat).collect::<Vec<_>>();
        let watched = Event::Watched { since: sample::T, ready: seats(18), lost: seats(2), undecided: Vec::new() };
        let unseen = Verdict::Unknown { missing: crate::law::verdict::Missing::Phone };
        let verdicts = seats(20).into_iter().map(|seat| (seat, if seat.0 < 5 { unseen } else { Verdict::Ready }));
        let rung = crate::law::verdict::Rung::Reassociate;
        let events = [
            (watched, "watched before the publish: 18 ready, 2 lost, 0 undecided"),
            (Event::Judged { verdicts: verdicts.collect() }, "verdicts of 20 agents: 15 ready, 5 unknown"),
            (Event::Judged { verdicts: vec![(Seat(1), unseen)] }, ": unknown: the phone's state not seen"),
            (Event::RemedyStarted { rung, seats: seats(9) }, "remedy: station re-association for 9 agents: "),
            (Event::ScheduleSeen { version: 7, published: false }, "schedule seen: version 7, not published"),
        ];
        let told: Vec<&str> = events.iter().map(|(_, words)| *words).collect();
        events.into_iter().for_each(|(event, _)| scribe.say(sample::T, event));
        let lines = history(&scribe.records);
        for words in told {
            assert!(lines.iter().any(|line| line.contains(words)), "{words}: {lines:#?}");
        }
        assert!(
            !lines.iter().any(|line| line.contains("[0") || line.contains("{\"")),
            "no event stands with its fields: {lines:#?}"
        );
    }
}
