//! A permit to act: good for a while from a moment on, extended for as long as somebody vouches for it.
//!
//! It is measured on both clocks of the machine, and either one ends it: the wall clock goes on while a machine sleeps, and
//! the steady one goes on when the wall clock is set back.
//! Must never: hold longer than whoever gave it has said; when in doubt it has ended.

use std::sync::{Arc, Mutex, PoisonError};

use crate::words::clock::Moment;

/// A permit; clones are the same one.
#[derive(Debug, Clone)]
pub struct Permit {
    term: Term,
}

/// How long a permit holds.
#[derive(Debug, Clone)]
enum Term {
    /// It does not end.
    Always,
    /// So many ms from a moment on; `None` when it has been ended.
    Limited(Arc<Mutex<Option<(Moment, i64)>>>),
}

impl Permit {
    /// A permit that does not end: where nobody else could act.
    #[must_use]
    pub fn always() -> Permit {
        Permit { term: Term::Always }
    }
    /// A permit for `ms` milliseconds from `since` on.
    #[must_use]
    pub fn lasting(since: Moment, ms: i64) -> Permit {
        Permit { term: Term::Limited(Arc::new(Mutex::new(Some((since, ms))))) }
    }
    /// Lets it last for `ms` milliseconds from `since` on; a permit that has been ended stays ended.
    pub fn extend(&self, since: Moment, ms: i64) {
        self.with(|term| *term = term.map(|_| (since, ms)));
    }
    /// Ends it for good.
    pub fn end(&self) {
        self.with(|term| *term = None);
    }
    /// Whether it holds at this moment.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.with(|term| term.is_some_and(|(since, ms)| !since.is_past(ms, Moment::now()))).unwrap_or(true)
    }

    /// `None` for a permit that does not end.
    fn with<T>(&self, act: impl FnOnce(&mut Option<(Moment, i64)>) -> T) -> Option<T> {
        match &self.term {
            Term::Always => None,
            Term::Limited(term) => Some(act(&mut term.lock().unwrap_or_else(PoisonError::into_inner))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permit_holds_for_its_time_and_not_after_it_was_ended() {
        let now = Moment::now();
        assert!(Permit::always().holds());
        assert!(!Permit::lasting(now, 0).holds());
        let permit = Permit::lasting(now, -1);
        permit.clone().extend(now, 600_000);
        assert!(permit.holds());
        permit.clone().end();
        permit.extend(now, 600_000);
        assert!(!permit.holds());
    }
}
