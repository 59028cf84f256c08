//! What can be wrong with an instant that a person wrote: where, what was found, what is accepted, and what to do.
//!
//! Must never: hold more of the text than a line.

/// Every form of an instant that is accepted, for messages.
pub(super) const FORMS: &str = "\"Friday 16:00 CST\", \"Friday 4:00 PM Central\", \"2026-11-27 16:00 America/Chicago\", \
     \"2026-11-27T16:00\" or \"2026-11-27T16:00:00-06:00\"";

/// Why a text is not an instant that can be kept. Each says where, what was found and what is accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhenError {
    /// A word of the text is not what stands there in any accepted form.
    #[error("{found:?} (character {place}) is not {expected}; accepted: {accepted}")]
    Unreadable {
        /// The character at which the word begins, from 1.
        place: usize,
        /// The word that was found, cut after 60 characters.
        found: String,
        /// What was looked for.
        expected: &'static str,
        /// What is accepted there.
        accepted: &'static str,
        /// What to write instead, if that is clear.
        hint: Option<String>,
    },
    /// The zone is not one that is known.
    #[error(
        "{found:?} (character {place}) is not a known time zone; accepted: CST, EST, MST, PST, Central, Eastern, \
         Mountain, Pacific, UTC, or a name such as America/Chicago"
    )]
    UnknownZone {
        /// The character at which the zone begins, from 1.
        place: usize,
        /// The zone that was found, cut after 60 characters.
        found: String,
        /// What to write instead, if that is clear.
        hint: Option<String>,
    },
    /// The clocks jump over this time of day on this day.
    #[error("{found} does not exist in {zone}: that day the clocks go from {before} straight to {after}")]
    Skipped {
        /// The local date and time that was asked for.
        found: String,
        /// The zone by its IANA name.
        zone: &'static str,
        /// The last minute before the jump, with its abbreviation.
        before: String,
        /// The first minute after the jump, with its abbreviation.
        after: String,
    },
    /// The clocks show this time of day twice on this day.
    #[error("{found} happens twice in {zone}: first as {first}, then as {second}")]
    Twice {
        /// The local date and time that was asked for.
        found: String,
        /// The zone by its IANA name.
        zone: &'static str,
        /// The first of the two instants, RFC 3339 with its offset.
        first: String,
        /// The second of the two instants, RFC 3339 with its offset.
        second: String,
    },
    /// The instant has gone by.
    #[error("{found} is in the past: {description}")]
    Past {
        /// What was asked for, cut after 60 characters.
        found: String,
        /// The instant in words, with how long ago it was.
        description: String,
    },
}

impl WhenError {
    /// What to do about it, as one sentence.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            WhenError::Unreadable { hint, .. } | WhenError::UnknownZone { hint, .. } => hint.clone(),
            WhenError::Skipped { before, after, .. } => {
                Some(format!("choose a time up to {before} or from {after} on"))
            }
            WhenError::Twice { first, second, .. } => Some(format!("say which one: write \"{first}\" or \"{second}\"")),
            WhenError::Past { .. } => Some("name an instant that is still to come".to_owned()),
        }
    }
}
