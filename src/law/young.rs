//! Which tokens are left alone before a publish: those that were made lately and end late enough.
//!
//! Must never: take what is not known for young.

use crate::words::clock::Timestamp;

/// What a token must be to be left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Young {
    /// It ends at this instant or later.
    pub ends_from: Timestamp,
    /// It was made at this instant or later; so was the session that the page has opened with it.
    pub made_from: Timestamp,
}

impl Young {
    /// Whether a token that was made and ends then is left alone.
    #[must_use]
    pub fn fits(self, made_at: Timestamp, ends_at: Timestamp) -> bool {
        made_at >= self.made_from && ends_at >= self.ends_from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_must_be_young_and_outlast_the_publish() {
        let young = Young { ends_from: Timestamp(100), made_from: Timestamp(10) };
        for (made, ends, fits) in [(10, 100, true), (9, 100, false), (10, 99, false), (50, 500, true)] {
            assert_eq!(young.fits(Timestamp(made), Timestamp(ends)), fits, "{made} {ends}");
        }
    }
}
