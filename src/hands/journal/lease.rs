//! Leases: the exclusive right to write to one run, numbered so that a late holder is told from the present one.
//!
//! Must never: compare a lease with a clock of ours. Whether it has run out, the store alone says.

use std::fmt;
use std::sync::Arc;

use crate::words::id::RunId;

/// Longest name of a holder, in characters.
const HOLDER_CHARS_MAX: usize = 100;
/// The longest lease, in milliseconds: a hundred years, which every store's clock can add to the present.
const LEASE_MS_MAX: i64 = 100 * 365 * 86_400_000;

/// A name for a holder that is empty, too long, or not printable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} cannot name the holder of a lease: 1 to 100 printable ASCII characters are accepted")]
pub struct BadHolder {
    /// What was found, cut after 120 characters.
    pub found: String,
}

/// Names one process among those that share a store, for example `host:pid:random`.
///
/// Two processes must never bear the same name: who asks for a lease under its holder's name gets it at once.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Holder(Arc<str>);

impl Holder {
    /// Checks `text` and makes it a name.
    ///
    /// # Errors
    /// [`BadHolder`] unless `text` is 1 to 100 printable ASCII characters.
    pub fn new(text: &str) -> Result<Holder, BadHolder> {
        let printable = text.bytes().all(|b| matches!(b, b' '..=b'~'));
        if text.is_empty() || text.len() > HOLDER_CHARS_MAX || !printable {
            return Err(BadHolder { found: text.chars().take(120).collect() });
        }
        Ok(Holder(Arc::from(text)))
    }
    /// A name for a process that cannot be told from others.
    #[must_use]
    pub fn nobody() -> Holder {
        Holder(Arc::from("softlanding"))
    }
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The right to write to one run, for as long as the store says.
///
/// It may have run out at any time, so holding the value proves nothing; every append is checked by the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The run.
    pub run: RunId,
    /// Who holds it.
    pub holder: Holder,
    /// The number of this lease among those of the run: each is higher than all before it, the first is 1.
    pub fence: u64,
}

/// A lease's length that every store can add to its clock.
pub(super) fn bounded(for_ms: i64) -> i64 {
    for_ms.clamp(-1, LEASE_MS_MAX)
}
