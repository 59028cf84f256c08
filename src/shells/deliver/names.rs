//! What events are called outside, and which of them somebody wants to hear of.
//!
//! Must never: call an event otherwise than the journal does, or let a rule pass that fits nothing.

use crate::law::event::Event;
use crate::law::occurrence::Note;
use crate::words::glob::fits;
use crate::words::nearest::nearest;

/// The names of everything that can be told: first of runs, in the order of a run, then of entries of the calendar.
pub const NAMES: [&str; 50] = [
    "staged",
    "taken_up",
    "phase_entered",
    "hooks_ran",
    "refresh_started",
    "token_refreshed",
    "refresh_failed",
    "token_left",
    "token_dead",
    "rung_unavailable",
    "probe_unavailable",
    "schedule_seen",
    "ordered",
    "order_refused",
    "order_unread",
    "drifted",
    "publish_waits",
    "published_elsewhere",
    "publish_late",
    "publish_sent",
    "publish_claimed",
    "publish_accepted",
    "publish_not_done",
    "publish_doubted",
    "publish_confirmed",
    "publish_unconfirmed",
    "users_seen",
    "phones_seen",
    "phones_absent",
    "probed",
    "pages_seen",
    "page_told",
    "watched",
    "pushed",
    "preflighted",
    "read_failed",
    "judged",
    "remedy_started",
    "remedy_accepted",
    "remedy_failed",
    "brake_applied",
    "spent",
    "settled",
    "stopped",
    "calendar.begun",
    "calendar.staged",
    "calendar.not_staged",
    "calendar.catching_up",
    "calendar.missed",
    "test",
];

/// What an event of a run is called.
#[must_use]
pub fn name_of(event: &Event) -> &'static str {
    match event {
        Event::Staged { .. } => "staged",
        Event::TakenUp => "taken_up",
        Event::PhaseEntered { .. } => "phase_entered",
        Event::HooksRan { .. } => "hooks_ran",
        Event::RefreshStarted { .. } => "refresh_started",
        Event::TokenRefreshed { .. } => "token_refreshed",
        Event::RefreshFailed { .. } => "refresh_failed",
        Event::TokenLeft { .. } => "token_left",
        Event::TokenDead { .. } => "token_dead",
        Event::RungUnavailable { .. } => "rung_unavailable",
        Event::ProbeUnavailable { .. } => "probe_unavailable",
        Event::ScheduleSeen { .. } => "schedule_seen",
        Event::Ordered { .. } => "ordered",
        Event::OrderRefused { .. } => "order_refused",
        Event::OrderUnread { .. } => "order_unread",
        Event::Drifted { .. } => "drifted",
        Event::PublishWaits { .. } => "publish_waits",
        Event::PublishedElsewhere { .. } => "published_elsewhere",
        Event::PublishLate { .. } => "publish_late",
        Event::PublishSent { .. } => "publish_sent",
        Event::PublishClaimed { .. } => "publish_claimed",
        Event::PublishAccepted { .. } => "publish_accepted",
        Event::PublishNotDone { .. } => "publish_not_done",
        Event::PublishDoubted { .. } => "publish_doubted",
        Event::PublishConfirmed { .. } => "publish_confirmed",
        Event::PublishUnconfirmed { .. } => "publish_unconfirmed",
        Event::UsersSeen { .. } => "users_seen",
        Event::PhonesSeen { .. } => "phones_seen",
        Event::PhonesAbsent { .. } => "phones_absent",
        Event::Probed { .. } => "probed",
        Event::PagesSeen { .. } => "pages_seen",
        Event::PageTold { .. } => "page_told",
        Event::Watched { .. } => "watched",
        Event::Pushed { .. } => "pushed",
        Event::Preflighted { .. } => "preflighted",
        Event::ReadFailed { .. } => "read_failed",
        Event::Judged { .. } => "judged",
        Event::RemedyStarted { .. } => "remedy_started",
        Event::RemedyAccepted { .. } => "remedy_accepted",
        Event::RemedyFailed { .. } => "remedy_failed",
        Event::BrakeApplied { .. } => "brake_applied",
        Event::Spent { .. } => "spent",
        Event::Settled { .. } => "settled",
        Event::Stopped { .. } => "stopped",
    }
}

/// What a note of the calendar is called; `None` for the one that only says that hooks have heard of another.
#[must_use]
pub fn name_of_note(note: &Note) -> Option<&'static str> {
    match note {
        Note::Begun => Some("calendar.begun"),
        Note::Staged { .. } => Some("calendar.staged"),
        Note::NotStaged { .. } => Some("calendar.not_staged"),
        Note::CatchingUp { .. } => Some("calendar.catching_up"),
        Note::Missed { .. } => Some("calendar.missed"),
        Note::Told => None,
    }
}

/// Which events somebody wants to hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Names of events, or rules such as `publish_*`.
    pub events: Vec<String>,
    /// Entries of the calendar whose runs it hears of; `None` for all runs, those staged by hand included.
    pub publishes: Option<Vec<String>>,
}

impl Wanted {
    /// Whether it wants to hear of an event, of a run that this entry staged.
    #[must_use]
    pub fn wants(&self, event: &str, entry: Option<&str>) -> bool {
        self.wants_of(entry) && self.events.iter().any(|rule| fits(rule, event))
    }
    /// Whether it wants to hear of anything of such a run.
    #[must_use]
    pub fn wants_of(&self, entry: Option<&str>) -> bool {
        match (&self.publishes, entry) {
            (None, _) => true,
            (Some(entries), Some(entry)) => entries.iter().any(|name| name == entry),
            (Some(_), None) => false,
        }
    }
}

/// Whether a rule fits any event; otherwise the name that was probably meant, if there is one.
///
/// # Errors
/// The nearest name.
pub fn known(rule: &str) -> Result<(), Option<&'static str>> {
    if NAMES.iter().any(|name| fits(rule, name)) { Ok(()) } else { Err(nearest(rule.trim_matches('*'), NAMES)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names that serde knows, as it tells somebody who has made one up.
    fn known_to_serde(error: &serde_json::Error) -> Vec<String> {
        error.to_string().split('`').skip(3).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn every_event_and_note_has_its_name_here_in_the_journals_own_spelling() {
        let of_runs = serde_json::from_str::<Event>("{\"event\":\"?\"}").unwrap_err();
        let of_notes = serde_json::from_str::<Note>("{\"event\":\"?\"}").unwrap_err();
        let notes = known_to_serde(&of_notes).into_iter().filter(|name| name != "told");
        let mut theirs: Vec<String> = known_to_serde(&of_runs);
        assert!(theirs.len() > 40, "{theirs:?}");
        theirs.extend(notes.map(|name| format!("calendar.{name}")));
        theirs.push("test".to_owned());
        let mut ours: Vec<String> = NAMES.map(str::to_owned).to_vec();
        theirs.sort();
        ours.sort();
        assert_eq!(ours, theirs);
    }

    #[test]
    fn an_event_is_called_what_its_record_says() {
        let records = crate::shells::report::sample::friday(7, 40);
        assert!(records.len() > 20);
        for record in records {
            let value = serde_json::to_value(&record.event).unwrap();
            assert_eq!(name_of(&record.event), value["event"].as_str().unwrap());
        }
    }

    #[test]
    fn rules_choose_by_event_and_by_entry() {
        let wanted = |events: &[&str], publishes: Option<&[&str]>| Wanted {
            events: events.iter().map(|e| (*e).to_owned()).collect(),
            publishes: publishes.map(|p| p.iter().map(|e| (*e).to_owned()).collect()),
        };
        let some = wanted(&["publish_*", "settled"], None);
        assert!(some.wants("publish_sent", None) && some.wants("settled", Some("care")));
        assert!(!some.wants("judged", None) && !some.wants("published_elsewhere", None));
        let care = wanted(&["*"], Some(&["care"]));
        assert!(care.wants("judged", Some("care")));
        assert!(!care.wants("judged", Some("billing")) && !care.wants("judged", None));
    }

    #[test]
    fn a_rule_that_fits_nothing_is_found_out() {
        assert_eq!(known("settled"), Ok(()));
        assert_eq!(known("calendar.*"), Ok(()));
        assert_eq!(known("setled"), Err(Some("settled")));
        assert_eq!(known("*publish_sendt*"), Err(Some("publish_sent")));
        assert_eq!(known("weather"), Err(None));
    }
}
