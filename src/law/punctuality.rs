//! Punctuality: what became of each publish, and how long after its instant the request left.
//!
//! [`Publish`] is a fold of one run's events, [`Punctuality`] a count over runs and over the calendar's notes.
//! Must never: count a publish whose end nobody has seen, or let one that was not made go uncounted.

use serde::Serialize;

use crate::law::event::{Event, StopKind};
use crate::law::occurrence::Note;
use crate::law::run::Lateness;
use crate::words::calendar::duration_words;

/// What became of a publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was made, and seen complete.
    Made {
        /// How long after T its request left, in ms. The claim's instant in a journal from before the request's was kept.
        late_ms: i64,
        /// Whether the plan calls that late.
        lateness: Lateness,
    },
    /// Somebody else had made it: nothing was sent.
    Elsewhere,
    /// It was not made.
    NotMade(StopKind),
    /// Nobody knows: a person must look.
    InDoubt,
}

impl Fate {
    /// The word for it, for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Fate::Made { lateness: Lateness::Punctual, .. } => "on_time",
            Fate::Made { lateness: Lateness::Late, .. } => "late",
            Fate::Elsewhere => "elsewhere",
            Fate::NotMade(StopKind::Missed) => "missed",
            Fate::NotMade(StopKind::Vetoed) => "vetoed",
            Fate::NotMade(StopKind::Drifted) => "drifted",
            Fate::NotMade(StopKind::Refused) => "refused",
            Fate::NotMade(StopKind::Aborted) => "aborted",
            Fate::InDoubt => "in_doubt",
        }
    }
}

/// One run's publish: a fold of the run's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publish {
    late_after_ms: i64,
    late_ms: Option<i64>,
    lateness: Lateness,
    fate: Option<Fate>,
}

impl Default for Publish {
    /// Nothing has happened. A plan that does not come calls nothing late.
    fn default() -> Self {
        Publish { late_after_ms: i64::MAX, late_ms: None, lateness: Lateness::Punctual, fate: None }
    }
}

impl Publish {
    /// Folds the events of a run, in order.
    #[must_use]
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Publish {
        let mut publish = Publish::default();
        events.into_iter().for_each(|event| publish.apply(event));
        publish
    }
    /// What became of it; `None` while that is open.
    #[must_use]
    pub fn fate(&self) -> Option<Fate> {
        self.fate
    }
    /// How long after T the request left, in ms; the claim's instant while there is no better. `None` when nothing was sent.
    #[must_use]
    pub fn late_ms(&self) -> Option<i64> {
        self.late_ms
    }

    /// Takes in the next event.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Staged { plan } => self.late_after_ms = plan.policy.late_after_ms,
            Event::PublishLate { .. } => self.lateness = Lateness::Late,
            // A later claim is a later publish: the one before it is proven not to have been made.
            Event::PublishClaimed { late_ms, .. } | Event::PublishSent { late_ms, .. } => self.late_ms = Some(*late_ms),
            Event::PublishNotDone { .. } => self.late_ms = None,
            // Somebody looks again.
            Event::PublishDoubted { .. } => self.fate = None,
            Event::PublishConfirmed { .. } => self.fate = Some(self.made()),
            Event::PublishUnconfirmed { .. } => self.fate = Some(Fate::InDoubt),
            Event::PublishedElsewhere { .. } => self.fate = Some(Fate::Elsewhere),
            Event::Stopped { kind, .. } => self.fate = Some(self.fate.unwrap_or(Fate::NotMade(*kind))),
            Event::TakenUp
            | Event::PhaseEntered { .. }
            | Event::HooksRan { .. }
            | Event::RefreshStarted { .. }
            | Event::TokenRefreshed { .. }
            | Event::RefreshFailed { .. }
            | Event::TokenLeft { .. }
            | Event::TokenDead { .. }
            | Event::RungUnavailable { .. }
            | Event::ProbeUnavailable { .. }
            | Event::ScheduleSeen { .. }
            | Event::Ordered { .. }
            | Event::OrderRefused { .. }
            | Event::OrderUnread { .. }
            | Event::Drifted { .. }
            | Event::PublishWaits { .. }
            | Event::PublishAccepted { .. }
            | Event::UsersSeen { .. }
            | Event::PhonesSeen { .. }
            | Event::PhonesAbsent { .. }
            | Event::Probed { .. }
            | Event::PagesSeen { .. }
            | Event::PageTold { .. }
            | Event::ReadFailed { .. }
            | Event::Watched { .. }
            | Event::Pushed { .. }
            | Event::Preflighted { .. }
            | Event::Spent { .. }
            | Event::Judged { .. }
            | Event::RemedyStarted { .. }
            | Event::RemedyAccepted { .. }
            | Event::RemedyFailed { .. }
            | Event::BrakeApplied { .. }
            | Event::Settled { .. } => {}
        }
    }

    fn made(&self) -> Fate {
        let late_ms = self.late_ms.unwrap_or_default();
        let lateness = if late_ms > self.late_after_ms { Lateness::Late } else { self.lateness };
        Fate::Made { late_ms, lateness }
    }
}

/// Publishes counted by what became of them; as JSON, the same with the lateness of those that were made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Punctuality {
    /// Instants that passed with nothing published, whether or not there was a run.
    pub missed: u32,
    /// Stopped by a hook.
    pub vetoed: u32,
    /// Stopped because the schedule was not what was staged.
    pub drifted: u32,
    /// Refused by the platform.
    pub refused: u32,
    /// Aborted by a person.
    pub aborted: u32,
    /// Made by somebody else.
    pub elsewhere: u32,
    /// Nobody knows.
    pub in_doubt: u32,
    on_time_ms: Vec<i64>,
    late_ms: Vec<i64>,
}

impl Punctuality {
    /// Counts what became of a run's publish.
    pub fn count(&mut self, fate: Fate) {
        match fate {
            Fate::Made { late_ms, lateness: Lateness::Punctual } => insert(&mut self.on_time_ms, late_ms),
            Fate::Made { late_ms, lateness: Lateness::Late } => insert(&mut self.late_ms, late_ms),
            Fate::Elsewhere => self.elsewhere += 1,
            Fate::InDoubt => self.in_doubt += 1,
            Fate::NotMade(StopKind::Missed) => self.missed += 1,
            Fate::NotMade(StopKind::Vetoed) => self.vetoed += 1,
            Fate::NotMade(StopKind::Drifted) => self.drifted += 1,
            Fate::NotMade(StopKind::Refused) => self.refused += 1,
            Fate::NotMade(StopKind::Aborted) => self.aborted += 1,
        }
    }
    /// Counts what a note of the calendar says; true when that changes a count. What was staged is the run's to tell.
    pub fn count_note(&mut self, note: &Note) -> bool {
        match note {
            Note::Missed { .. } => {
                self.missed += 1;
                true
            }
            Note::Begun | Note::Staged { .. } | Note::NotStaged { .. } | Note::CatchingUp { .. } | Note::Told => false,
        }
    }
    /// Publishes that were made in time.
    #[must_use]
    pub fn on_time(&self) -> usize {
        self.on_time_ms.len()
    }
    /// Publishes that were made, and late.
    #[must_use]
    pub fn late(&self) -> usize {
        self.late_ms.len()
    }
    /// All that were due: the sum of the other counts.
    #[must_use]
    pub fn publishes(&self) -> usize {
        let others =
            [self.missed, self.vetoed, self.drifted, self.refused, self.aborted, self.elsewhere, self.in_doubt];
        self.on_time() + self.late() + others.into_iter().map(|n| n as usize).sum::<usize>()
    }

    /// In one line: `12 publishes: 11 on time (p50 3 ms, max 8 ms), 1 late, 0 missed`. What has not happened is left out, but
    /// for those three.
    #[must_use]
    pub fn words(&self) -> String {
        let publishes = self.publishes();
        if publishes == 0 {
            return "no publish has been due yet".to_owned();
        }
        let noun = if publishes == 1 { "publish" } else { "publishes" };
        let [p50, max] = [50, 100].map(|share| percentile(&self.on_time_ms, share));
        let near = p50.zip(max).map(|(p50, max)| format!(" (p50 {p50} ms, max {max} ms)")).unwrap_or_default();
        let latest = self.late_ms.last().map(|ms| format!(" (max {})", duration_words(*ms))).unwrap_or_default();
        let mut words = format!(
            "{publishes} {noun}: {} on time{near}, {} late{latest}, {} missed",
            self.on_time(),
            self.late(),
            self.missed
        );
        let rest = [
            (self.vetoed, "stopped by a hook"),
            (self.drifted, "stopped as the schedule had changed"),
            (self.refused, "refused by the platform"),
            (self.aborted, "aborted"),
            (self.elsewhere, "made by somebody else"),
            (self.in_doubt, "IN DOUBT"),
        ];
        for (count, what) in rest.into_iter().filter(|(count, _)| *count > 0) {
            words.push_str(&format!(", {count} {what}"));
        }
        words
    }
}

impl Serialize for Punctuality {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let spread = |sorted: &[i64]| {
            serde_json::json!({
                "p50": percentile(sorted, 50),
                "p99": percentile(sorted, 99),
                "max": percentile(sorted, 100),
            })
        };
        serde_json::json!({
            "publishes": self.publishes(),
            "on_time": self.on_time(),
            "late": self.late(),
            "missed": self.missed,
            "vetoed": self.vetoed,
            "drifted": self.drifted,
            "refused": self.refused,
            "aborted": self.aborted,
            "elsewhere": self.elsewhere,
            "in_doubt": self.in_doubt,
            "on_time_ms": spread(&self.on_time_ms),
            "late_ms": spread(&self.late_ms),
        })
        .serialize(serializer)
    }
}

fn insert(sorted: &mut Vec<i64>, ms: i64) {
    let at = sorted.partition_point(|known| *known <= ms);
    sorted.insert(at, ms);
}

/// The smallest number that at least `share` percent of them do not exceed (nearest rank); `None` of none.
#[must_use]
pub fn percentile(sorted: &[i64], share: usize) -> Option<i64> {
    let rank = (sorted.len() * share).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::command::{Failure, FailureKind};
    use crate::words::clock::Timestamp;

    const LATE_AFTER_MS: i64 = 10_000;

    fn publish(events: &[Event]) -> Publish {
        let start = Publish { late_after_ms: LATE_AFTER_MS, ..Publish::default() };
        events.iter().fold(start, |mut publish, event| {
            publish.apply(event);
            publish
        })
    }
    fn claimed(attempt: u32, late_ms: i64) -> Event {
        Event::PublishClaimed { attempt, late_ms }
    }
    fn sent(late_ms: i64) -> Event {
        Event::PublishSent { left: Timestamp(late_ms), late_ms }
    }
    fn confirmed() -> Event {
        Event::PublishConfirmed { version: 8 }
    }
    fn stopped(kind: StopKind) -> Event {
        Event::Stopped { kind, why: String::new() }
    }
    fn made(late_ms: i64, lateness: Lateness) -> Option<Fate> {
        Some(Fate::Made { late_ms, lateness })
    }

    #[test]
    fn lateness_is_that_of_the_request_and_in_an_older_journal_that_of_the_claim() {
        assert_eq!(publish(&[claimed(1, 2), sent(5), confirmed()]).fate(), made(5, Lateness::Punctual));
        assert_eq!(publish(&[claimed(1, 2), confirmed()]).fate(), made(2, Lateness::Punctual));
        assert_eq!(publish(&[claimed(1, 2), sent(5)]).fate(), None);
        assert_eq!(publish(&[claimed(1, 2), sent(5)]).late_ms(), Some(5));
    }

    #[test]
    fn a_publish_is_late_when_its_claim_was_or_when_its_request_left_late_all_the_same() {
        let late = Event::PublishLate { late_ms: 11_000, why: String::new() };
        assert_eq!(
            publish(&[late, claimed(1, 11_000), sent(11_002), confirmed()]).fate(),
            made(11_002, Lateness::Late)
        );
        assert_eq!(publish(&[claimed(1, 9_999), sent(10_001), confirmed()]).fate(), made(10_001, Lateness::Late));
    }

    #[test]
    fn what_was_claimed_again_counts_from_the_claim_that_took_effect() {
        let failure = Failure::plain(FailureKind::Throttled, "too many");
        let not_done = Event::PublishNotDone { attempt: 1, failure, again_at: Some(Timestamp(4_000)) };
        let first = [claimed(1, 1), sent(2), not_done];
        assert_eq!(publish(&first).late_ms(), None);
        let second = [&first[..], &[claimed(2, 4_000), sent(4_001), confirmed()]].concat();
        assert_eq!(publish(&second).fate(), made(4_001, Lateness::Punctual));
    }

    #[test]
    fn what_was_not_made_keeps_its_reason_and_a_doubt_can_still_be_cleared_up() {
        assert_eq!(publish(&[stopped(StopKind::Vetoed)]).fate(), Some(Fate::NotMade(StopKind::Vetoed)));
        assert_eq!(publish(&[Event::PublishedElsewhere { version: 9 }]).fate(), Some(Fate::Elsewhere));
        let doubt = Event::PublishDoubted { why: String::new(), kind: None };
        let doubted = [claimed(1, 3), doubt.clone(), Event::PublishUnconfirmed { looked_ms: 600_000 }];
        assert_eq!(publish(&doubted).fate(), Some(Fate::InDoubt));
        let again = [&doubted[..], &[doubt]].concat();
        assert_eq!(publish(&again).fate(), None);
        assert_eq!(publish(&[&again[..], &[confirmed()]].concat()).fate(), made(3, Lateness::Punctual));
        // Whatever stops it afterwards, it was made.
        assert_eq!(
            publish(&[claimed(1, 3), confirmed(), stopped(StopKind::Aborted)]).fate(),
            made(3, Lateness::Punctual)
        );
    }

    #[test]
    fn counts_add_up_and_are_said_in_one_line() {
        let mut counted = Punctuality::default();
        assert_eq!(counted.words(), "no publish has been due yet");
        for late_ms in [3, 8, 1, 3, 2, 4, 3, 2, 5, 6, 3] {
            counted.count(Fate::Made { late_ms, lateness: Lateness::Punctual });
        }
        counted.count(Fate::Made { late_ms: 252_000, lateness: Lateness::Late });
        let line = "12 publishes: 11 on time (p50 3 ms, max 8 ms), 1 late (max 4 min 12 s), 0 missed";
        assert_eq!(counted.words(), line);
        let missed = Note::Missed { publish_at: Timestamp(0), late_ms: 1, why: String::new() };
        assert!(counted.count_note(&missed) && !counted.count_note(&Note::Begun));
        counted.count(Fate::NotMade(StopKind::Missed));
        counted.count(Fate::NotMade(StopKind::Aborted));
        counted.count(Fate::InDoubt);
        assert!(counted.words().starts_with("16 publishes: "), "{}", counted.words());
        assert!(counted.words().ends_with("2 missed, 1 aborted, 1 IN DOUBT"), "{}", counted.words());
        let json = serde_json::to_value(&counted).unwrap();
        assert_eq!(
            (&json["publishes"], &json["missed"], &json["on_time_ms"]["p99"]),
            (&16.into(), &2.into(), &8.into())
        );
        assert_eq!(json["late_ms"]["max"], 252_000);
    }

    #[test]
    fn a_percentile_is_one_of_the_numbers() {
        let hundred: Vec<i64> = (1..=100).collect();
        assert_eq!([50, 99, 100].map(|share| percentile(&hundred, share)), [Some(50), Some(99), Some(100)]);
        assert_eq!((percentile(&[7], 50), percentile(&[], 50)), (Some(7), None));
    }
}
