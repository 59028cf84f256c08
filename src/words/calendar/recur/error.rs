//! What is wrong with a cron expression: which field, what was found, what is accepted, what to write instead.
//!
//! Must never: leave out the reason why a weekday as a digit is refused.

/// Why an expression cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: found {found}; accepted: {accepted}")]
pub struct RecurError {
    /// Which field of the expression: "hour field", or "cron expression" when it concerns all of it.
    pub field: &'static str,
    /// What was found, cut after 60 characters.
    pub found: String,
    /// What is accepted there.
    pub accepted: String,
    /// What to write instead, if that is clear.
    pub hint: Option<String>,
}

impl RecurError {
    pub(super) fn new(field: &'static str, found: impl Into<String>, accepted: impl Into<String>) -> RecurError {
        RecurError { field, found: found.into(), accepted: accepted.into(), hint: None }
    }
    pub(super) fn hint(mut self, hint: impl Into<String>) -> RecurError {
        self.hint = Some(hint.into());
        self
    }
}

/// A piece of the expression as an error shows it.
pub(super) fn quoted(text: &str) -> String {
    format!("{:?}", text.chars().take(60).collect::<String>())
}
