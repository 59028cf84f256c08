//! Who waits for a turn, and who of them is ahead of whom.
//!
//! A request that was told to come back at an instant is *present* from that instant on, and for [`PRESENT_MS`] if it does
//! not come: only who is present is ahead of anybody. So nobody is held up for one that comes later or not at all. A party
//! that asks for one thing at a time has no request waiting while one is under way; therefore, once it has had a turn that
//! it waited for, turns up to its share are kept for it, for as long again.
//!
//! Must never: read a clock, or keep what is gone; every place has an end.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::{PRESENT_MS, Party, Ticket, Urgency};
use crate::words::clock::Timestamp;

/// Where a request stands: the publish before everybody, everybody else with their party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Line {
    Publish,
    Of(Party),
}

#[derive(Debug, Clone, Copy)]
struct Place {
    line: Line,
    party: Party,
}

/// The requests that wait. Every operation but [`Queue::ahead_of`] costs O(log requests).
#[derive(Debug, Clone, Default)]
pub(super) struct Queue {
    last_number: u64,
    /// Where each number stands, and the instant that it was told.
    places: BTreeMap<u64, (Place, Timestamp)>,
    /// Those that are to come back later, by their instant.
    coming: BTreeSet<(Timestamp, u64)>,
    /// Those whose instant has come, by that instant.
    leaving: BTreeSet<(Timestamp, u64)>,
    /// The same by line; no line is empty.
    present: BTreeMap<Line, BTreeSet<u64>>,
    /// Parties that have had a turn they waited for: until when more are kept for them.
    kept: BTreeMap<Party, Timestamp>,
    /// Each party that waits.
    standing: BTreeMap<Party, Standing>,
}

/// How long a party has waited: since it began to, or since its last turn.
#[derive(Debug, Clone, Copy)]
struct Standing {
    /// A number drawn then.
    since: u64,
    /// Its requests that wait; never 0.
    waiting: u32,
}

impl Queue {
    /// The request was told to come back at `at`. It keeps its number however often it has to.
    pub fn wait(&mut self, ticket: &mut Ticket, at: Timestamp) {
        let number = ticket.number.unwrap_or_else(|| self.draw());
        self.remove(number);
        ticket.number = Some(number);
        self.places.insert(number, (Place { line: line(ticket), party: ticket.party }, at));
        self.coming.insert((at, number));
        self.standing.entry(ticket.party).or_insert(Standing { since: number, waiting: 0 }).waiting += 1;
    }
    /// The request gives up.
    pub fn leave(&mut self, ticket: &mut Ticket) {
        if let Some(number) = ticket.number.take() {
            self.remove(number);
        }
    }
    /// The request has its turn; among equals its party comes last now. A party that had to wait for it gets what else it
    /// asks for within [`PRESENT_MS`], up to its share, although no request of its waits meanwhile.
    pub fn serve(&mut self, now: Timestamp, ticket: &mut Ticket) {
        if ticket.number.is_some() {
            self.kept.insert(ticket.party, now + PRESENT_MS);
        }
        self.leave(ticket);
        let number = self.draw();
        if let Some(standing) = self.standing.get_mut(&ticket.party) {
            standing.since = number;
        }
    }
    /// How many turns belong to others before this request has one: each other party is served until it has had as many
    /// calls as this one's, and once more if it has waited longer, but not more than it has requests present, unless turns
    /// are kept for it. O(parties).
    pub fn ahead_of(&mut self, now: Timestamp, ticket: &Ticket, used: impl Fn(Party) -> u32) -> u32 {
        self.settle(now);
        self.kept.retain(|_, until| now < *until);
        if ticket.urgency == Urgency::Publish {
            return 0;
        }
        let (mine, since) = (used(ticket.party), self.since(ticket.party));
        let mut ahead = 0_u32;
        for (line, numbers) in &self.present {
            let wanted = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            ahead = ahead.saturating_add(match line {
                Line::Publish => wanted,
                Line::Of(party) if *party == ticket.party || self.kept.contains_key(party) => 0,
                Line::Of(party) => {
                    let up_to = mine + u32::from(self.since(*party) < since);
                    up_to.saturating_sub(used(*party)).min(wanted)
                }
            });
        }
        for party in self.kept.keys().filter(|party| **party != ticket.party) {
            let up_to = mine + u32::from(self.since(*party) < since);
            ahead = ahead.saturating_add(up_to.saturating_sub(used(*party)));
        }
        ahead
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
            && self.coming.is_empty()
            && self.leaving.is_empty()
            && self.present.is_empty()
            && self.standing.is_empty()
            && self.kept.is_empty()
    }

    fn draw(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// Whoever does not wait yet comes last.
    fn since(&self, party: Party) -> u64 {
        self.standing.get(&party).map_or(u64::MAX, |standing| standing.since)
    }

    /// Moves on who has become present, and forgets who has not come.
    fn settle(&mut self, now: Timestamp) {
        while let Some((at, number)) = self.coming.first().copied().filter(|(at, _)| *at <= now) {
            self.coming.remove(&(at, number));
            if let Some((place, _)) = self.places.get(&number) {
                self.leaving.insert((at, number));
                self.present.entry(place.line).or_default().insert(number);
            }
        }
        while let Some((_, number)) = self.leaving.first().copied().filter(|(at, _)| *at + PRESENT_MS <= now) {
            self.remove(number);
        }
    }

    fn remove(&mut self, number: u64) {
        let Some((place, at)) = self.places.remove(&number) else { return };
        self.coming.remove(&(at, number));
        self.leaving.remove(&(at, number));
        if let Entry::Occupied(mut line) = self.present.entry(place.line) {
            line.get_mut().remove(&number);
            if line.get().is_empty() {
                line.remove();
            }
        }
        if let Entry::Occupied(mut standing) = self.standing.entry(place.party) {
            let left = standing.get().waiting.saturating_sub(1);
            standing.get_mut().waiting = left;
            if left == 0 {
                standing.remove();
            }
        }
    }
}

fn line(ticket: &Ticket) -> Line {
    match ticket.urgency {
        Urgency::Publish => Line::Publish,
        Urgency::Normal => Line::Of(ticket.party),
    }
}
