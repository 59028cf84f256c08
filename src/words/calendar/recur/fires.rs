//! From the bare wall clock to instants: what an expression asks for, one wall clock time after the other, is placed in
//! the zone, moved or left out where the clocks change, and left out on skipped dates.
//!
//! Must never: return the same instant twice, or an instant that is not later than the one before.

use std::collections::{BTreeSet, VecDeque};

use chrono::{DateTime, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};
use cron::{Schedule, ScheduleIterator};

use super::error::RecurError;
use super::expression;
use crate::words::clock::Timestamp;

/// No clock has been put back by more than a day, in hours, with one hour to spare: Kwajalein changed the side of the date
/// line by 23 hours in 1969.
const FOLD_H_MAX: i64 = 25;

/// What becomes of a wall clock time that a change of the clocks skips.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// It does not happen that day.
    Skip,
    /// It happens at the first instant after the gap.
    Next,
}

/// What becomes of a wall clock time that the clocks show twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// It happens the first time only.
    First,
    /// It happens both times.
    Both,
}

/// What happens when the clocks change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DstPolicy {
    /// When they go forward over the time asked for.
    pub gap: Gap,
    /// When they go back over it.
    pub fold: Fold,
}

/// One of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The first time that the clocks show it.
    First,
    /// The second time.
    Second,
}

/// What a change of the clocks has to do with a fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FireNote {
    /// Nothing: the clocks show the time asked for once.
    Plain,
    /// The clocks skip the time asked for; this is the first instant after the gap.
    Gap {
        /// The time asked for.
        asked: NaiveDateTime,
    },
    /// The clocks show the time asked for twice.
    Fold(Which),
}

/// One instant at which something recurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fire {
    /// The instant.
    pub at: Timestamp,
    /// What the wall clock of the zone shows at that instant.
    pub wall: NaiveDateTime,
    /// What a change of the clocks has to do with it.
    pub note: FireNote,
}

/// Whether a fire happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It does.
    Fires,
    /// It does not: it is asked for on a skipped date, or would be moved onto one.
    OnSkippedDate(NaiveDate),
    /// It does not: the clocks skip it, and the policy is [`Gap::Skip`].
    InGap,
}

/// Something that the expression asks for, and what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occasion {
    /// The fire; where it does not happen, when it would have.
    pub fire: Fire,
    /// Whether it happens.
    pub fate: Fate,
}

/// A recurring instant: an expression on the wall clock of a zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Recurrence {
    schedule: Schedule,
    zone: Tz,
    policy: DstPolicy,
    skip: BTreeSet<NaiveDate>,
}

impl Recurrence {
    /// Reads a cron expression of five to seven fields: second (0 when left out), minute, hour, day of the month, month,
    /// weekday (by name), and year (any when left out). `skip` holds dates of `zone` on which nothing happens.
    ///
    /// # Errors
    /// [`RecurError`] for the first field that is not accepted, and for an expression that no date ever fits.
    pub fn parse(cron: &str, zone: Tz, policy: DstPolicy, skip: &[NaiveDate]) -> Result<Recurrence, RecurError> {
        Ok(Recurrence { schedule: expression::read(cron)?, zone, policy, skip: skip.iter().copied().collect() })
    }

    /// The zone whose wall clock is meant.
    #[must_use]
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// The fires strictly after `now`, each later than the one before. Ends with the year 2100.
    pub fn after(&self, now: Timestamp) -> impl Iterator<Item = Fire> + use<'_> {
        self.occasions_after(now).filter(|o| o.fate == Fate::Fires).map(|o| o.fire)
    }

    /// Everything asked for strictly after `now`, in order, with what does not happen and why.
    pub fn occasions_after(&self, now: Timestamp) -> impl Iterator<Item = Occasion> + use<'_> {
        Occasions::new(self, now)
    }

    /// The fires after `from`, up to and including `to`.
    pub fn fires_between(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Fire> + use<'_> {
        self.after(from).take_while(move |fire| fire.at <= to)
    }

    /// What was asked for after `from`, up to and including `to`, and does not happen.
    pub fn skipped(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Occasion> + use<'_> {
        self.occasions_after(from).take_while(move |o| o.fire.at <= to).filter(|o| o.fate != Fate::Fires)
    }

    /// The latest fire at or before `now`: the one that a machine which slept may have missed.
    #[must_use]
    pub fn latest_by(&self, now: Timestamp) -> Option<Fire> {
        let start = self.wall_at(now)?.checked_add_signed(TimeDelta::hours(FOLD_H_MAX))?;
        let walls = self.schedule.after(&start.and_utc()).rev();
        let one = walls
            .filter_map(|wall| self.place(wall.naive_utc()))
            .flat_map(|(first, second)| [Some(first), second].into_iter().flatten())
            .find(|o| o.fate == Fate::Fires && o.fire.at <= now)?;
        // Within a fold a later one may lie before it on the wall clock.
        self.fires_between(one.fire.at - 1, now).last()
    }

    /// What the wall clock of the zone shows; `None` outside of the calendar's range.
    fn wall_at(&self, at: Timestamp) -> Option<NaiveDateTime> {
        DateTime::from_timestamp_millis(at.0).map(|at| at.with_timezone(&self.zone).naive_local())
    }

    /// Where a wall clock time lies: once or, in a fold, twice. `None` when the zone data cannot tell where a gap ends.
    fn place(&self, wall: NaiveDateTime) -> Option<(Occasion, Option<Occasion>)> {
        let occasion = |at: DateTime<Tz>, note| self.occasion(wall, at, note);
        match self.zone.from_local_datetime(&wall) {
            LocalResult::Single(at) => Some((occasion(at, FireNote::Plain), None)),
            LocalResult::Ambiguous(one, other) => {
                let second = occasion(one.max(other), FireNote::Fold(Which::Second));
                let second = match self.policy.fold {
                    Fold::First => None,
                    Fold::Both => Some(second),
                };
                Some((occasion(one.min(other), FireNote::Fold(Which::First)), second))
            }
            LocalResult::None => {
                let end = GapInfo::new(&wall, &self.zone)?.end?;
                Some((occasion(end, FireNote::Gap { asked: wall }), None))
            }
        }
    }

    fn occasion(&self, asked: NaiveDateTime, at: DateTime<Tz>, note: FireNote) -> Occasion {
        let fire = Fire { at: Timestamp(at.timestamp_millis()), wall: at.naive_local(), note };
        let skipped = [asked.date(), fire.wall.date()].into_iter().find(|date| self.skip.contains(date));
        let fate = match (skipped, note, self.policy.gap) {
            (Some(date), _, _) => Fate::OnSkippedDate(date),
            (None, FireNote::Gap { .. }, Gap::Skip) => Fate::InGap,
            (None, FireNote::Gap { .. }, Gap::Next) | (None, FireNote::Plain | FireNote::Fold(_), _) => Fate::Fires,
        };
        Occasion { fire, fate }
    }
}

/// Two streams, each in order of its instants, merged: what is shown once or for the first time, and second showings.
struct Occasions<'r> {
    recurrence: &'r Recurrence,
    /// `None` when `now` lies behind the calendar's range.
    walls: Option<ScheduleIterator<'r, Utc>>,
    first: Option<Occasion>,
    seconds: VecDeque<Occasion>,
    /// Nothing at or before it is returned any more: of what happens, and of what does not.
    fired: Timestamp,
    left_out: Timestamp,
}

impl<'r> Occasions<'r> {
    fn new(recurrence: &'r Recurrence, now: Timestamp) -> Occasions<'r> {
        // A wall clock time before the present one comes back when the clocks are put back.
        let from = recurrence.wall_at(now).and_then(|wall| wall.checked_sub_signed(TimeDelta::hours(FOLD_H_MAX)));
        let from = from.map(|from| from.and_utc()).or((now.0 < 0).then_some(DateTime::UNIX_EPOCH));
        let walls = from.map(|from| recurrence.schedule.after(&from));
        Occasions { recurrence, walls, first: None, seconds: VecDeque::new(), fired: now, left_out: now }
    }

    /// The next one that is shown once or for the first time.
    fn pull(&mut self) -> Option<Occasion> {
        let walls = self.walls.as_mut()?;
        let (first, second) = walls.find_map(|wall| self.recurrence.place(wall.naive_utc()))?;
        self.seconds.extend(second);
        Some(first)
    }

    /// Several that were moved onto one instant are one.
    fn is_new(&mut self, occasion: &Occasion) -> bool {
        let latest = match occasion.fate {
            Fate::Fires => &mut self.fired,
            Fate::OnSkippedDate(_) | Fate::InGap => &mut self.left_out,
        };
        let new = occasion.fire.at > *latest;
        *latest = occasion.fire.at.max(*latest);
        new
    }
}

impl Iterator for Occasions<'_> {
    type Item = Occasion;

    fn next(&mut self) -> Option<Occasion> {
        loop {
            if self.first.is_none() {
                self.first = self.pull();
            }
            // First showings still to come lie behind the one at hand, so that the earlier of the two heads is next.
            let second_is_next = match (self.first, self.seconds.front()) {
                (Some(first), Some(second)) => second.fire.at < first.fire.at,
                (None, Some(_)) => true,
                (Some(_) | None, None) => false,
            };
            let next = if second_is_next { self.seconds.pop_front() } else { self.first.take() }?;
            if self.is_new(&next) {
                return Some(next);
            }
        }
    }
}
