//! What a remedy that could not be applied counts for: among its agent's attempts, and against its rung.
//!
//! Must never: read an older journal otherwise than the build that wrote it; both are left out of an event where they are usual.

use serde::{Deserialize, Serialize};

/// Whether a remedy that could not be applied counts among an agent's attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attempt {
    /// It does: it was sent, or may have been. So does every one in a journal from before this was told apart.
    #[default]
    Made,
    /// It does not: it is proven that it never left.
    NotMade,
}

impl Attempt {
    pub(super) fn is_made(&self) -> bool {
        *self == Attempt::Made
    }
}

/// Whether a remedy that could not be applied counts as a failure of its rung, as one does that was seen to bring nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    /// It does not: it says nothing about the rung, or a look is to tell. So does every one in a journal from before this was
    /// told apart.
    #[default]
    Nobody,
    /// It does: it was tried, and is proven to have had no effect.
    Rung,
}

impl Blame {
    pub(super) fn is_nobodys(&self) -> bool {
        *self == Blame::Nobody
    }
}
