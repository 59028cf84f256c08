//! The same Friday without softlanding, beside the one that was rehearsed.
//!
//! Must never: measure the two by different rulers: same twin, same seed, same people, same hours.

use serde::Serialize;

use super::setting::Setting;
use crate::twin::{COMPARE_MS, CompareTruth, Twin, without_softlanding};
use crate::words::calendar::duration_words;

/// Both Fridays, watched for the same hours after T.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Beside {
    /// Published by hand at T; people help themselves.
    pub without: CompareTruth,
    /// The rehearsal, left to its people after it settled.
    pub with: CompareTruth,
}

impl Beside {
    /// Plays both to their end: the one that `setting` describes without softlanding, and `twin` as the run left it.
    #[must_use]
    pub fn of(setting: &Setting, mut twin: Twin) -> Beside {
        let without = without_softlanding(setting.scenario.clone(), setting.seed.clone(), setting.publish_at);
        twin.advance(setting.publish_at + COMPARE_MS);
        Beside { without, with: CompareTruth::of(&twin.truth()) }
    }

    /// Both as a table for a terminal.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let (a, b) = (&self.without, &self.with);
        let mut lines =
            vec![format!("The same Friday without softlanding, and with it ({} agents, 3 hours):", a.agents)];
        let mut row = |name: &str, a: String, b: String| lines.push(format!("  {name:<38} {a:>14}  {b:>14}"));
        let time = |ms: i64| if ms == 0 { "-".to_owned() } else { duration_words(ms) };
        let minutes = |ms: i64| (ms / 60_000).to_string();
        row("", "without".to_owned(), "with".to_owned());
        row("softphones grey during a shift", a.grey.to_string(), b.grey.to_string());
        row("still grey after 3 hours", a.still_grey.to_string(), b.still_grey.to_string());
        row("grey for, half of them longer than", time(a.median_ms), time(b.median_ms));
        row("grey for, one in twenty longer than", time(a.p95_ms), time(b.p95_ms));
        row("agent-minutes lost", minutes(a.total_ms), minutes(b.total_ms));
        row("calls that could not be taken", a.calls_missed.to_string(), b.calls_missed.to_string());
        lines
    }
}
