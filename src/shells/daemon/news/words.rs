//! The news in words for people, and in fields for programs.
//!
//! Must never: say more than a reader of a log needs.

use serde_json::{Value, json};

use super::News;
use crate::law::event::Event;
use crate::law::occurrence::Note;
use crate::shells::daemon::supervisor::runs;
use crate::shells::report::words::{clean, counted};
use crate::words::clock::Timestamp;

impl News {
    /// What happened, in words; several lines for a record that deserves them, none for one that does not.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        match self {
            News::Recorded { words, .. } => words.clone(),
            News::Serving { entries } if entries.is_empty() => vec!["serving; the calendar has no entry".to_owned()],
            News::Serving { entries } => vec![format!("serving {}", entries.join(", "))],
            News::Listening { at, url } => {
                vec![format!("listening at {at}; browsers reach it by {url}")]
            }
            News::Telemetry { at } => {
                vec![format!("machines may ask at http://{at} for /metrics, /readyz and /livez")]
            }
            News::SignedIn { who, role } => vec![format!("{} has signed in as {role}", clean(who))],
            News::SignInRefused { who } => {
                vec![format!("{} may not come in: no rule of [people] fits", clean(who))]
            }
            News::Enrolled { agent } => vec![format!("the agent {agent} has signed in, and is enrolled")],
            News::Leading { phase, .. } => vec![format!("leading this run from here on; it is at {}", phase.words())],
            News::Ended { phase, .. } => vec![format!("over: {}", phase.words())],
            News::LetGo { why, .. } => vec![format!("not leading this run any more: {why}")],
            News::Calendar { entry, note } => vec![format!("{entry}: {}", note_words(note))],
            News::Counters { counted } => vec![counted.words()],
            News::NotOurs { api, .. } => {
                vec![format!(
                    "nobody here carries this run: it was staged at {api}, for an OAuth client that is not served"
                )]
            }
            News::Checked { by, unit, tally, file } => {
                let kept = file.as_ref().map_or_else(String::new, |file| format!("; the whole of it is in {file}"));
                vec![format!(
                    "roll call of {unit} for {by}: {} ready, {} deferred, {} cannot take a call, {} unknown{kept}",
                    tally.ready, tally.deferred, tally.stragglers, tally.unknown
                )]
            }
            News::Pruned { .. } => vec!["deleted, as it ended longer ago than runs are kept".to_owned()],
            News::Trouble { what, why, .. } => vec![format!("{what}: {why}")],
            News::NotKept { entry, why } => vec![format!("the calendar entry {entry} cannot be kept: {why}")],
            News::StoreAway { why } => vec![format!("the store cannot be used: {why}")],
            // Told to machines only: again and again, or of what was told before.
            News::Over { .. } | News::Kept { .. } | News::Recalled { .. } | News::Looked => Vec::new(),
            News::PagesBack => vec!["pages on other replicas can be reached again".to_owned()],
            News::LinesDropped { lines } => {
                let lines = counted(*lines, "line is", "lines are");
                vec![format!("{lines} missing here, because nobody read them in time")]
            }
            News::StoreBack => vec!["the store can be used again".to_owned()],
            News::Webhook { target, word } => vec![word.words(target)],
            News::Stopping { led } => vec![format!("asked to stop; {} in hand", runs(*led))],
            News::Stopped { in_order: true } => vec!["stopped in order".to_owned()],
            News::Stopped { in_order: false } => vec!["stopped with something in hand; it is resumed".to_owned()],
        }
    }
    /// Fields beside the words, for programs.
    #[must_use]
    pub fn fields(&self) -> Value {
        match self {
            News::Recorded { record, .. } => {
                let mut fields = json!({ "seq": record.seq, "run_time": record.at.rfc3339() });
                if let Event::PhaseEntered { phase } = &record.event {
                    fields["phase"] = json!(phase);
                }
                fields
            }
            News::Calendar { entry, note } => {
                json!({ "entry": entry, "publish_at": publish_at(note).map(Timestamp::rfc3339) })
            }
            News::Counters { counted } => json!({ "counters": counted }),
            News::Listening { at, url } => json!({ "at_address": at, "url": url }),
            News::Telemetry { at } => json!({ "at_address": at }),
            News::Checked { by, unit, tally, file } => {
                json!({ "by": by, "business_unit": unit, "tally": tally, "file": file })
            }
            News::SignedIn { who, role } => json!({ "who": who, "role": role }),
            News::SignInRefused { who } => json!({ "who": who }),
            News::Enrolled { agent } => json!({ "agent": agent }),
            News::Webhook { target, .. } => json!({ "webhook": target }),
            News::LinesDropped { lines } => json!({ "lines": lines }),
            News::Serving { .. }
            | News::Leading { .. }
            | News::Over { .. }
            | News::Ended { .. }
            | News::LetGo { .. }
            | News::Kept { .. }
            | News::NotKept { .. }
            | News::Recalled { .. }
            | News::NotOurs { .. }
            | News::Pruned { .. }
            | News::Trouble { .. }
            | News::Looked
            | News::StoreAway { .. }
            | News::StoreBack
            | News::PagesBack
            | News::Stopping { .. }
            | News::Stopped { .. } => json!({}),
        }
    }
}

fn publish_at(note: &Note) -> Option<Timestamp> {
    match note {
        Note::Begun | Note::Told => None,
        Note::Staged { publish_at, .. }
        | Note::NotStaged { publish_at, .. }
        | Note::CatchingUp { publish_at, .. }
        | Note::Missed { publish_at, .. } => Some(*publish_at),
    }
}

/// What happened to an entry of the calendar, in words.
#[must_use]
pub fn note_words(note: &Note) -> String {
    let late = |ms: &i64| crate::words::calendar::duration_words(*ms);
    match note {
        Note::Begun => "new in the calendar".to_owned(),
        Note::Told => "the hooks have heard of it".to_owned(),
        Note::Staged { publish_at, run } => format!("the publish at {publish_at} is staged as run {run}"),
        Note::NotStaged { publish_at, why } => {
            format!("the publish at {publish_at} cannot be staged so far, and is tried again: {why}")
        }
        Note::CatchingUp { publish_at, late_ms } => {
            format!("the publish at {publish_at} passed {} ago, and is caught up with", late(late_ms))
        }
        Note::Missed { publish_at, late_ms, why } => {
            format!("MISSED: the publish at {publish_at} passed {} ago: {why}", late(late_ms))
        }
    }
}
