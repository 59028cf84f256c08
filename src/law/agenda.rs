//! Who is due: agents in order of urgency, or waiting for their instant. Every operation costs O(log agents).
//!
//! Must never: hold an agent twice; the latest word about an agent replaces the one before.

use std::collections::{BTreeSet, HashMap};

use crate::words::clock::Timestamp;
use crate::words::id::Seat;

/// A queue of agents, each with an instant before which it is not due and an urgency among those that are.
#[derive(Debug, Clone, Default)]
pub struct Agenda {
    due: BTreeSet<(Timestamp, Seat)>,
    later: BTreeSet<(Timestamp, Seat)>,
    place: HashMap<Seat, Place>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    at: Timestamp,
    urgency: Timestamp,
    is_due: bool,
}

impl Agenda {
    /// Puts an agent on the agenda, or moves it: due from `at` on; the lowest `urgency` comes first.
    pub fn put(&mut self, seat: Seat, at: Timestamp, urgency: Timestamp) {
        self.remove(seat);
        self.later.insert((at, seat));
        self.place.insert(seat, Place { at, urgency, is_due: false });
    }
    /// Takes an agent off the agenda.
    pub fn remove(&mut self, seat: Seat) {
        if let Some(place) = self.place.remove(&seat) {
            if place.is_due {
                self.due.remove(&(place.urgency, seat));
            } else {
                self.later.remove(&(place.at, seat));
            }
        }
    }
    /// Takes up to `max` agents that are due at `now`, the most urgent first.
    pub fn take(&mut self, now: Timestamp, max: usize) -> Vec<Seat> {
        self.ripen(now);
        let taken: Vec<Seat> = self.due.iter().take(max).map(|(_, seat)| *seat).collect();
        for seat in &taken {
            self.remove(*seat);
        }
        taken
    }
    /// How many are due at `now`.
    pub fn due_count(&mut self, now: Timestamp) -> usize {
        self.ripen(now);
        self.due.len()
    }
    /// When the next agent is due; an instant in the past when one is due already.
    #[must_use]
    pub fn next_at(&self) -> Option<Timestamp> {
        match self.due.first() {
            Some(_) => Some(Timestamp(i64::MIN)),
            None => self.later.first().map(|(at, _)| *at),
        }
    }
    /// Whether an agent stands on it.
    #[must_use]
    pub fn contains(&self, seat: Seat) -> bool {
        self.place.contains_key(&seat)
    }
    /// How many agents stand on it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.place.len()
    }
    /// Whether nobody stands on it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.place.is_empty()
    }

    fn ripen(&mut self, now: Timestamp) {
        while let Some(&(at, seat)) = self.later.first() {
            if at > now {
                return;
            }
            self.later.pop_first();
            if let Some(place) = self.place.get_mut(&seat) {
                place.is_due = true;
                self.due.insert((place.urgency, seat));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_urgent_of_those_due_comes_first() {
        let mut agenda = Agenda::default();
        agenda.put(Seat(1), Timestamp(10), Timestamp(300));
        agenda.put(Seat(2), Timestamp(20), Timestamp(100));
        agenda.put(Seat(3), Timestamp(99), Timestamp(0));
        assert_eq!(agenda.next_at(), Some(Timestamp(10)));
        assert_eq!(agenda.take(Timestamp(20), 9), vec![Seat(2), Seat(1)]);
        assert_eq!(agenda.next_at(), Some(Timestamp(99)));
        assert_eq!(agenda.len(), 1);
    }

    #[test]
    fn the_latest_word_replaces_the_one_before() {
        let mut agenda = Agenda::default();
        agenda.put(Seat(1), Timestamp(0), Timestamp(0));
        assert_eq!(agenda.due_count(Timestamp(5)), 1);
        agenda.put(Seat(1), Timestamp(50), Timestamp(0));
        assert_eq!(agenda.take(Timestamp(49), 9), vec![]);
        agenda.remove(Seat(1));
        assert!(agenda.is_empty() && agenda.take(Timestamp(99), 9).is_empty());
    }
}
