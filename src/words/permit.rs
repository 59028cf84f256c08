//! A permit to act: good until an instant of this machine's clock, extended for as long as somebody vouches for it.
//!
//! Must never: hold longer than whoever gave it has said; when in doubt it has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::words::clock::{Clock, Timestamp};

/// A permit; clones are the same one.
#[derive(Debug, Clone)]
pub struct Permit {
    /// Milliseconds of the system's clock; `None` for a permit that does not end.
    until_ms: Option<Arc<AtomicI64>>,
}

impl Permit {
    /// A permit that does not end: where nobody else could act.
    #[must_use]
    pub fn always() -> Permit {
        Permit { until_ms: None }
    }
    /// A permit until `at`, by the system's clock.
    #[must_use]
    pub fn until(at: Timestamp) -> Permit {
        Permit { until_ms: Some(Arc::new(AtomicI64::new(at.0))) }
    }
    /// Extends it; a permit that has been ended stays ended.
    pub fn extend(&self, at: Timestamp) {
        if let Some(until_ms) = &self.until_ms {
            let _ended =
                until_ms.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |until| (until != i64::MIN).then_some(at.0));
        }
    }
    /// Ends it for good.
    pub fn end(&self) {
        if let Some(until_ms) = &self.until_ms {
            until_ms.store(i64::MIN, Ordering::SeqCst);
        }
    }
    /// Whether it holds at this moment.
    #[must_use]
    pub fn holds(&self) -> bool {
        match &self.until_ms {
            None => true,
            Some(until_ms) => Clock::System.now().0 < until_ms.load(Ordering::SeqCst),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permit_holds_until_its_instant_and_not_after_it_was_ended() {
        let now = Clock::System.now();
        assert!(Permit::always().holds());
        assert!(!Permit::until(now - 1).holds());
        let permit = Permit::until(now - 1);
        permit.clone().extend(now + 600_000);
        assert!(permit.holds());
        permit.clone().end();
        permit.extend(now + 600_000);
        assert!(!permit.holds());
    }
}
