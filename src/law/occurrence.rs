//! Occurrences: what becomes of each instant of a calendar entry, from staging it in time to having missed it.
//!
//! Each entry has a stream of its own in the journal, beside the runs; the state is a fold of it, and `next` decides what is
//! to be done. Must never: let an instant pass without a word; it is staged, caught up with or noted as missed.

use serde::{Deserialize, Serialize};

use crate::law::command::without_correlation;
use crate::words::clock::Timestamp;
use crate::words::id::RunId;

/// Something that happened to an entry of the calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Note {
    /// The entry was seen for the first time: instants before this are nobody's.
    Begun,
    /// A run was staged for an instant.
    Staged {
        /// T.
        publish_at: Timestamp,
        /// The run.
        run: RunId,
    },
    /// An instant could not be staged so far; it is tried again.
    NotStaged {
        /// T.
        publish_at: Timestamp,
        /// Why, in words.
        why: String,
    },
    /// An instant passed while nobody could stage it, and it is caught up with all the same (the misfire policy).
    CatchingUp {
        /// T.
        publish_at: Timestamp,
        /// How long ago it passed, in ms.
        late_ms: i64,
    },
    /// An instant passed, and nothing was published.
    Missed {
        /// T.
        publish_at: Timestamp,
        /// How long ago it passed, in ms.
        late_ms: i64,
        /// Why, in words.
        why: String,
    },
    /// The hooks have heard of the note before.
    Told,
}

/// How an entry treats its instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Habits {
    /// A run is staged so long before T, in ms.
    pub stage_before_ms: i64,
    /// An instant that passed by more than this is missed, in ms; 0 for never catching up.
    pub catch_up_ms: i64,
}

/// What is known of an entry: a fold of its notes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// Instants up to here, this one included, are done with.
    pub done_until: Option<Timestamp>,
    /// Why the next instant could not be staged so far, and when that was found.
    pub trouble: Option<(Timestamp, Timestamp, String)>,
    /// The instant that is being caught up with.
    pub catching_up: Option<Timestamp>,
    /// Instants that were missed.
    pub missed: u32,
    /// The newest of them, and why it was.
    pub newest_miss: Option<(Timestamp, String)>,
    /// The newest note that hooks must hear of, until they have: a process may end in between.
    pub untold: Option<Note>,
}

/// What is to be done for an entry now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// The entry is new: note it.
    Begin,
    /// Note the decision to catch up.
    CatchUp(Timestamp, i64),
    /// Stage a run for this instant.
    Stage(Timestamp),
    /// Note that this instant was missed.
    Miss(Timestamp, i64),
    /// Nothing before this instant; `None` when the entry has no instant left.
    Nothing(Option<Timestamp>),
}

/// A staging that was refused is tried again after this, in ms: long enough for a person to act, short beside any lead.
pub const TRY_AGAIN_MS: i64 = 300_000;
/// Close to T, or past it, it is tried again after this.
pub const HURRY_MS: i64 = 15_000;

impl Entry {
    /// Folds the notes.
    #[must_use]
    pub fn of<'a>(notes: impl IntoIterator<Item = (Timestamp, &'a Note)>) -> Entry {
        let mut entry = Entry::default();
        notes.into_iter().for_each(|(at, note)| entry.apply(at, note));
        entry
    }
    /// Takes in one note that was recorded at `at`.
    pub fn apply(&mut self, at: Timestamp, note: &Note) {
        match note {
            Note::Begun => self.done_until = Some(self.done_until.map_or(at, |until| until.max(at))),
            Note::Staged { publish_at, .. } => self.done(*publish_at),
            Note::NotStaged { publish_at, why } => {
                if !self.has_said(*publish_at, why) {
                    self.untold = Some(note.clone());
                }
                self.trouble = Some((*publish_at, at, why.clone()));
            }
            Note::CatchingUp { publish_at, .. } => self.catching_up = Some(*publish_at),
            Note::Missed { publish_at, why, .. } => {
                self.missed += 1;
                self.newest_miss = Some((*publish_at, why.clone()));
                self.done(*publish_at);
                self.untold = Some(note.clone());
            }
            Note::Told => self.untold = None,
        }
    }

    /// What is to be done at `now`; `next_after` gives the entry's first instant after another one.
    #[must_use]
    pub fn next(&self, habits: Habits, now: Timestamp, next_after: impl FnOnce(Timestamp) -> Option<Timestamp>) -> Due {
        let Some(done_until) = self.done_until else { return Due::Begin };
        let Some(publish_at) = next_after(done_until) else { return Due::Nothing(None) };
        let late_ms = now.since_ms(publish_at);
        if late_ms > habits.catch_up_ms {
            return Due::Miss(publish_at, late_ms);
        }
        if late_ms > 0 && self.catching_up != Some(publish_at) {
            return Due::CatchUp(publish_at, late_ms);
        }
        let stage_at = publish_at - habits.stage_before_ms;
        let again_at = match &self.trouble {
            Some((of, tried_at, _)) if *of == publish_at => *tried_at + pause_ms(publish_at, *tried_at),
            Some(_) | None => stage_at,
        };
        if now >= stage_at.max(again_at) { Due::Stage(publish_at) } else { Due::Nothing(Some(stage_at.max(again_at))) }
    }

    /// Why an instant was missed, as far as the notes tell.
    #[must_use]
    pub fn why_missed(&self, publish_at: Timestamp) -> String {
        match &self.trouble {
            Some((of, _, why)) if *of == publish_at => format!("it could not be staged: {why}"),
            Some(_) | None => "nothing was running that could have staged it".to_owned(),
        }
    }

    /// Whether a refusal says what the newest one about the same instant said.
    #[must_use]
    pub fn has_said(&self, publish_at: Timestamp, why: &str) -> bool {
        matches!(&self.trouble, Some((of, _, said)) if *of == publish_at && without_correlation(said) == without_correlation(why))
    }

    fn done(&mut self, publish_at: Timestamp) {
        self.done_until = Some(self.done_until.map_or(publish_at, |until| until.max(publish_at)));
        (self.trouble, self.catching_up) = (None, None);
    }
}

/// A refusal that stays the same is told again after this, in ms: somebody is reminded, and not told of each try.
pub const REMIND_MS: i64 = 3_600_000;

/// Which notes are worth a message: a fold of an entry's notes, so that every process comes to the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reminder {
    /// The refusal that was told last: of which instant, when, and why.
    told: Option<(Timestamp, Timestamp, String)>,
}

impl Reminder {
    /// Takes in one note that was recorded at `at`; whether it is to be told. Of refusals these are the first of an instant, each
    /// with another reason, and one an hour that repeats it.
    pub fn hear(&mut self, at: Timestamp, note: &Note) -> bool {
        let (publish_at, why) = match note {
            Note::NotStaged { publish_at, why } => (*publish_at, why),
            Note::Begun | Note::Staged { .. } | Note::CatchingUp { .. } | Note::Missed { .. } | Note::Told => {
                return true;
            }
        };
        let is_told = |(of, told_at, said): &(Timestamp, Timestamp, String)| {
            let is_same = *of == publish_at && without_correlation(said) == without_correlation(why);
            is_same && at.since_ms(*told_at) < REMIND_MS
        };
        if self.told.as_ref().is_some_and(is_told) {
            return false;
        }
        self.told = Some((publish_at, at, why.clone()));
        true
    }
}

fn pause_ms(publish_at: Timestamp, tried_at: Timestamp) -> i64 {
    (publish_at.since_ms(tried_at) / 10).clamp(HURRY_MS, TRY_AGAIN_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::command::{Failure, FailureKind};

    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;
    const HABITS: Habits = Habits { stage_before_ms: 3 * DAY, catch_up_ms: HOUR / 2 };

    /// Every seventh day, from day 7 on.
    fn weekly(after: Timestamp) -> Option<Timestamp> {
        Some(Timestamp((after.0.div_euclid(7 * DAY) + 1) * 7 * DAY))
    }
    fn t(weeks: i64) -> Timestamp {
        Timestamp(weeks * 7 * DAY)
    }
    fn staged(publish_at: Timestamp) -> Note {
        Note::Staged { publish_at, run: RunId::new("r").unwrap() }
    }

    #[test]
    fn a_new_entry_begins_now_and_owes_nothing_to_the_past() {
        assert_eq!(Entry::default().next(HABITS, t(3), weekly), Due::Begin);
        let entry = Entry::of([(t(3) + 1, &Note::Begun)]);
        assert_eq!(entry.next(HABITS, t(3) + 2, weekly), Due::Nothing(Some(t(4) - 3 * DAY)));
    }

    #[test]
    fn an_instant_is_staged_once_and_in_time() {
        let mut entry = Entry::of([(t(3) + 1, &Note::Begun)]);
        assert_eq!(entry.next(HABITS, t(4) - 3 * DAY, weekly), Due::Stage(t(4)));
        entry.apply(t(4) - 3 * DAY, &staged(t(4)));
        assert_eq!(entry.next(HABITS, t(4) - DAY, weekly), Due::Nothing(Some(t(5) - 3 * DAY)));
    }

    #[test]
    fn a_staging_that_was_refused_is_tried_again_and_sooner_as_the_instant_comes_near() {
        let mut entry = Entry::of([(t(3) + 1, &Note::Begun)]);
        for before_ms in [3 * DAY, HOUR, 60_000] {
            let at = t(4) - before_ms;
            entry.apply(at, &Note::NotStaged { publish_at: t(4), why: "no draft".to_owned() });
            let pause = (before_ms / 10).clamp(HURRY_MS, TRY_AGAIN_MS);
            assert_eq!(entry.next(HABITS, at + 1, weekly), Due::Nothing(Some(at + pause)));
            assert_eq!(entry.next(HABITS, at + pause, weekly), Due::Stage(t(4)));
        }
        assert!(entry.has_said(t(4), "no draft") && !entry.has_said(t(5), "no draft"));
        assert!(entry.why_missed(t(4)).contains("no draft") && entry.why_missed(t(5)).contains("running"));
        let refused = |correlation: &str, status| {
            let correlation = Some(correlation.to_owned());
            let failure = Failure { status: Some(status), correlation, ..Failure::plain(FailureKind::Server, "down") };
            format!("reading units: {failure} (ask again)")
        };
        entry.apply(t(4) - 30_000, &Note::NotStaged { publish_at: t(4), why: refused("a-1", 503) });
        assert!(entry.has_said(t(4), &refused("b-2", 503)) && !entry.has_said(t(4), &refused("b-2", 502)));
    }

    #[test]
    fn an_instant_that_was_slept_through_is_caught_up_with_or_missed_and_either_is_noted() {
        let mut entry = Entry::of([(t(3) + 1, &Note::Begun)]);
        assert_eq!(entry.next(HABITS, t(4) + HOUR / 2, weekly), Due::CatchUp(t(4), HOUR / 2));
        entry.apply(t(4) + HOUR / 2, &Note::CatchingUp { publish_at: t(4), late_ms: HOUR / 2 });
        assert_eq!(entry.next(HABITS, t(4) + HOUR / 2, weekly), Due::Stage(t(4)));
        assert_eq!(entry.next(HABITS, t(4) + HOUR, weekly), Due::Miss(t(4), HOUR));
        entry.apply(t(4) + HOUR, &Note::Missed { publish_at: t(4), late_ms: HOUR, why: String::new() });
        assert_eq!((entry.missed, entry.catching_up), (1, None));
        assert_eq!(entry.newest_miss, Some((t(4), String::new())));
        let never = Habits { catch_up_ms: 0, ..HABITS };
        assert_eq!(entry.next(never, t(5) + 1, weekly), Due::Miss(t(5), 1));
    }

    #[test]
    fn several_instants_that_were_slept_through_are_missed_one_by_one() {
        let mut entry = Entry::of([(t(3) + 1, &Note::Begun)]);
        let mut missed = Vec::new();
        while let Due::Miss(publish_at, late_ms) = entry.next(HABITS, t(6) + DAY, weekly) {
            missed.push(publish_at);
            entry.apply(t(6) + DAY, &Note::Missed { publish_at, late_ms, why: String::new() });
        }
        assert_eq!(missed, [t(4), t(5), t(6)]);
    }

    #[test]
    fn what_hooks_must_hear_of_is_kept_until_they_have_and_a_reason_is_told_once() {
        let refused = Note::NotStaged { publish_at: t(4), why: "no draft".to_owned() };
        let mut entry = Entry::of([(t(3) + 1, &Note::Begun), (t(4) - DAY, &refused)]);
        assert_eq!(entry.untold.as_ref(), Some(&refused));
        entry.apply(t(4) - DAY, &Note::Told);
        entry.apply(t(4) - HOUR, &refused);
        assert_eq!(entry.untold, None);
        let missed = Note::Missed { publish_at: t(4), late_ms: HOUR, why: String::new() };
        entry.apply(t(4) + HOUR, &missed);
        assert_eq!(entry.untold, Some(missed));
        entry.apply(t(4) + HOUR, &Note::Told);
        assert_eq!((entry.untold, entry.missed), (None, 1));
    }

    #[test]
    fn a_refusal_is_told_once_then_hourly_and_at_once_when_the_reason_or_the_instant_is_another_one() {
        let refused = |weeks, why: &str| Note::NotStaged { publish_at: t(weeks), why: why.to_owned() };
        let mut reminder = Reminder::default();
        assert!(reminder.hear(t(3), &Note::Begun));
        let every_15_s = (0..2 * HOUR).step_by(15_000);
        let told: Vec<i64> = every_15_s.filter(|ms| reminder.hear(t(3) + *ms, &refused(4, "no draft"))).collect();
        assert_eq!(told, [0, HOUR]);
        let at = t(3) + 2 * HOUR - 15_000;
        assert!(reminder.hear(at, &refused(4, "two drafts")) && !reminder.hear(at + 1, &refused(4, "two drafts")));
        assert!(reminder.hear(at + 2, &refused(5, "two drafts")));
        assert!(reminder.hear(at + 3, &staged(t(5))) && reminder.hear(at + 4, &staged(t(5))));
    }

    #[test]
    fn an_entry_without_another_instant_has_nothing_to_do() {
        let entry = Entry::of([(t(3), &Note::Begun)]);
        assert_eq!(entry.next(HABITS, t(9), |_| None), Due::Nothing(None));
    }
}
