//! What became of the publishes that this process had in hand, counted since it started, and told whenever a count changes.
//!
//! Must never: count one publish twice, or tell a count while holding it up for others.

use std::sync::{Arc, Mutex, PoisonError};

use super::news::{News, Teller};
use crate::law::event::{Event, Record};
use crate::law::occurrence::Note;
use crate::law::punctuality::{Publish, Punctuality};

/// The counts of one process, shared by all that it carries and keeps.
#[derive(Clone)]
pub struct Counters {
    counted: Arc<Mutex<Punctuality>>,
    tell: Teller,
}

impl Counters {
    /// Nothing has been counted.
    #[must_use]
    pub fn new(tell: Teller) -> Counters {
        Counters { counted: Arc::default(), tell }
    }
    /// Follows the publish of one run from where `past` leaves it: what was known then has been counted by others.
    #[must_use]
    pub fn follow(&self, past: &[Record]) -> Followed {
        let publish = Publish::of(past.iter().map(|record| &record.event));
        Followed { counters: self.clone(), publish }
    }
    /// Takes in a note of the calendar.
    pub fn note(&self, note: &Note) {
        self.change(|counted| counted.count_note(note));
    }

    fn change(&self, count: impl FnOnce(&mut Punctuality) -> bool) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = count(&mut counted).then(|| counted.clone());
        drop(counted);
        if let Some(counted) = changed {
            (self.tell)(News::Counters { counted });
        }
    }
}

/// The publish of one run, as far as it has gone.
pub struct Followed {
    counters: Counters,
    publish: Publish,
}

impl Followed {
    /// Takes in the next event; once it is clear what became of the publish, that is counted.
    pub fn hear(&mut self, event: &Event) {
        let before = self.publish.fate();
        self.publish.apply(event);
        if let (None, Some(fate)) = (before, self.publish.fate()) {
            self.counters.change(|counted| {
                counted.count(fate);
                true
            });
        }
    }
}
