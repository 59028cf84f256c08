//! What a preflight finds that is not as it should be.
//!
//! Must never: carry a secret; it is told to everybody who watches the run.

use serde::{Deserialize, Serialize};

/// Something that is not as it should be, found before the publish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concern {
    /// What was looked at, in one to three words.
    pub what: String,
    /// What was found.
    pub words: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// Whether the publish can be made all the same.
    pub weight: Weight,
}

/// What a concern means for the publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// It is told, and the publish is made.
    Told,
    /// The publish could not be made: it stops before it starts.
    Stops,
}
