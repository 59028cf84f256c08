//! From a record to the body of a message: a CloudEvent that can be understood without asking for anything else.
//!
//! The same record gives the same bytes, in every process and at every try.
//! Must never: hold a token or any other secret, or grow with the cohort.

use serde_json::{Map, Value, json};

use super::names::{name_of, name_of_note};
use crate::hands::hook::CloudEvent;
use crate::law::event::{Event, Record};
use crate::law::occurrence::Note;
use crate::shells::daemon::news::note_words;
use crate::shells::report::Story;
use crate::shells::report::agent::verdict_words;
use crate::shells::report::notices::{notices, turn_line};
use crate::shells::report::story::Turn;
use crate::words::clock::Timestamp;
use crate::words::id::{RunId, Seat};

/// Agents that are named in one message; `agents_count` says how many there are.
const AGENTS_MAX: usize = 200;
/// What the journal holds of an event goes along up to this size, in bytes.
const DETAILS_BYTES_MAX: usize = 32 * 1024;
/// Lines of words in one message.
const WORDS_MAX: usize = 40;

/// A message for one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The record that it tells of.
    pub seq: u64,
    /// What happened.
    pub event: &'static str,
    /// The body.
    pub body: String,
}

/// What a target calls the message about a record: the same for each try, and another one for each target. A full stop would
/// end it in what is signed.
#[must_use]
pub fn message_id(target: &str, run: &RunId, seq: u64) -> String {
    format!("{target}_{run}_{seq}").replace('.', "~")
}

/// What is told of a run's record, which the story has just heard; `turns` is what it made of it.
pub(super) fn of_record(source: &str, run: &RunId, story: &Story, record: &Record, turns: &[Turn]) -> Message {
    let event = name_of(&record.event);
    let mut words = notices(record, story);
    words.extend(turns.iter().filter_map(|turn| turn_line(turn, story)));
    words.truncate(WORDS_MAX);
    let mut data = json!({ "run": run, "seq": record.seq, "event": event, "words": words, "phase": story.phase() });
    if let Some(plan) = &story.plan {
        data["entry"] = json!(plan.policy.entry);
        data["business_unit"] = json!({ "id": plan.business_unit.id, "name": plan.business_unit.name });
        data["week"] = json!(plan.week);
        data["publish_at"] = json!(plan.publish_at.rfc3339());
        data["zone"] = json!(plan.zone);
    }
    let seats = seats(&record.event, turns);
    if !seats.is_empty() {
        data["agents_count"] = json!(seats.len());
        data["agents"] = seats.iter().take(AGENTS_MAX).filter_map(|seat| agent(story, *seat)).collect();
    }
    data["details"] = details(&record.event, story);
    finish(source, run, event, record.seq, record.at, data)
}

/// What is told of a note of the calendar.
pub(super) fn of_note(source: &str, stream: &RunId, entry: &str, record: &Record<Note>) -> Option<Message> {
    let event = name_of_note(&record.event)?;
    let data = json!({
        "seq": record.seq,
        "event": event,
        "words": [format!("{entry}: {}", note_words(&record.event))],
        "entry": entry,
        "details": bare(serde_json::to_value(&record.event).unwrap_or_default()),
    });
    Some(finish(source, stream, event, record.seq, record.at, data))
}

/// A message about nothing, to see whether the way is open. `id` makes it one of its own.
#[must_use]
pub fn test_message(source: &str, id: &RunId, at: Timestamp) -> Message {
    let words = ["a test of this webhook; nothing has happened"];
    finish(source, id, "test", 1, at, json!({ "event": "test", "words": words }))
}

fn finish(source: &str, run: &RunId, event: &'static str, seq: u64, at: Timestamp, data: Value) -> Message {
    let told = CloudEvent { record: (run, seq), source, what: event, subject: run.as_str(), at, data };
    Message { seq, event, body: told.document().to_string() }
}

/// What the journal holds of an event: all of it, or nothing where that would be too much. The plan is not gone into: what
/// matters of it stands beside.
fn details(event: &Event, story: &Story) -> Value {
    if let Event::Staged { plan } = event {
        return json!({
            "schedule": { "id": plan.schedule.id, "description": plan.schedule.description, "version": plan.schedule.version },
            "agents": plan.roster.len(),
            "enrolled": plan.roster.iter().filter(|member| member.enrolled).count(),
            "needs_approval": plan.policy.approval == crate::law::plan::Approval::Required,
        });
    }
    let mut details = bare(serde_json::to_value(event).unwrap_or_default());
    if let (Event::Settled { .. }, Some(tally)) = (event, details.get("tally")) {
        let told = json!({ "tally": tally, "stragglers_ever": story.found });
        return told;
    }
    if details.to_string().len() > DETAILS_BYTES_MAX {
        details = json!({ "left_out": "too long for a message; `softlanding export` has it" });
    }
    details
}

/// Without the name, which stands beside.
fn bare(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.into_iter().filter(|(key, _)| key != "event").collect::<Map<_, _>>())
        }
        other => other,
    }
}

/// The agents that an event is about, each once.
fn seats(event: &Event, turns: &[Turn]) -> Vec<Seat> {
    match event {
        Event::RefreshStarted { seat, .. }
        | Event::TokenRefreshed { seat, .. }
        | Event::RefreshFailed { seat, .. }
        | Event::TokenLeft { seat, .. }
        | Event::TokenDead { seat, .. }
        | Event::Probed { seat, .. }
        | Event::PageTold { seat, .. } => vec![*seat],
        Event::HooksRan { seat, .. } => seat.iter().copied().collect(),
        Event::PhonesAbsent { seats }
        | Event::RemedyStarted { seats, .. }
        | Event::RemedyAccepted { seats, .. }
        | Event::RemedyFailed { seats, .. } => seats.clone(),
        Event::UsersSeen { seen } => seen.iter().map(|user| user.seat).collect(),
        Event::PagesSeen { seen } => seen.iter().map(|page| page.seat).collect(),
        Event::Judged { .. } => turns.iter().map(|turn| turn.seat).collect(),
        Event::Watched { lost, .. } => lost.clone(),
        Event::Pushed { disassociated, .. } => disassociated.clone(),
        // Phones are told with their owners' ids.
        Event::PhonesSeen { .. }
        | Event::Staged { .. }
        | Event::TakenUp
        | Event::PhaseEntered { .. }
        | Event::RungUnavailable { .. }
        | Event::ProbeUnavailable { .. }
        | Event::ScheduleSeen { .. }
        | Event::Ordered { .. }
        | Event::OrderRefused { .. }
        | Event::OrderUnread { .. }
        | Event::Drifted { .. }
        | Event::PublishWaits { .. }
        | Event::PublishedElsewhere { .. }
        | Event::PublishLate { .. }
        | Event::PublishSent { .. }
        | Event::PublishClaimed { .. }
        | Event::PublishAccepted { .. }
        | Event::PublishNotDone { .. }
        | Event::PublishDoubted { .. }
        | Event::PublishConfirmed { .. }
        | Event::PublishUnconfirmed { .. }
        | Event::Preflighted { .. }
        | Event::ReadFailed { .. }
        | Event::Spent { .. }
        | Event::BrakeApplied { .. }
        | Event::Settled { .. }
        | Event::Stopped { .. } => Vec::new(),
    }
}

fn agent(story: &Story, seat: Seat) -> Option<Value> {
    let (member, agent) = story.agent(seat)?;
    Some(json!({
        "seat": seat,
        "id": member.agent,
        "name": member.name,
        "shift_start": member.shift_start.map(Timestamp::rfc3339),
        "verdict": agent.verdict.map(|verdict| verdict_words(Some(verdict))),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shells::report::sample;

    fn told(records: &[Record]) -> Vec<Value> {
        let run = RunId::new("friday").unwrap();
        let mut story = Story::default();
        let mut told = Vec::new();
        for record in records {
            let turns = story.hear(record);
            let message = of_record("https://soft.example.com", &run, &story, record, &turns);
            assert!(message.body.len() < 256 * 1024, "{} of {} bytes", message.event, message.body.len());
            told.push(serde_json::from_str(&message.body).unwrap());
        }
        told
    }

    #[test]
    fn a_message_says_what_happened_to_whom_without_growing_with_the_cohort() {
        let told = told(&sample::friday(3, 1_500));
        let of =
            |event: &str| told.iter().find(|t| t["data"]["event"] == event).unwrap_or_else(|| panic!("no {event}"));
        let staged = of("staged");
        assert_eq!((&staged["type"], &staged["id"]), (&json!("softlanding.staged.v1"), &json!("friday:1")));
        assert_eq!((&staged["source"], &staged["subject"]), (&json!("https://soft.example.com"), &json!("friday")));
        assert_eq!(staged["data"]["details"]["agents"], 1_500);
        assert!(staged["data"]["words"][0].as_str().unwrap().starts_with("staged: "), "{staged}");
        let judged = of("judged");
        assert!(judged["data"]["agents"][0]["name"].is_string() && judged["data"]["agents"][0]["verdict"].is_string());
        let settled = of("settled");
        assert_eq!(
            (&settled["data"]["phase"], &settled["data"]["details"]["tally"]["ready"].is_u64()),
            (&json!("settled"), &true)
        );
        // Each has an id of its own, and tells of the run that it is about.
        let ids: std::collections::BTreeSet<&str> = told.iter().filter_map(|t| t["id"].as_str()).collect();
        assert_eq!(ids.len(), told.len());
        assert!(told.iter().all(|t| t["data"]["business_unit"]["name"].is_string()));
    }

    #[test]
    fn the_same_record_gives_the_same_message() {
        let records = sample::friday(5, 60);
        assert_eq!(told(&records), told(&records));
    }

    #[test]
    fn a_name_has_no_full_stop_in_it() {
        let stream = RunId::calendar("care").unwrap();
        assert_eq!(message_id("ops", &stream, 3), "ops_calendar~care_3");
    }
}
