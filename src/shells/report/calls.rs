//! What a run has spent of the platform's calls, for programs and in words.
//!
//! Must never: divide by agents who are not ready; a run that helped nobody has no price for each.

use serde::Serialize;

use crate::law::spent::PerReady;
use crate::shells::report::story::Story;
use crate::shells::report::words::{count, counted};

/// The calls of a run, by what they were for; [`law::spent`](crate::law::spent) says what is counted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallsDoc {
    /// All of them.
    pub total: u32,
    /// New tokens for agents.
    pub refresh: u32,
    /// Looks at everybody before the publish.
    pub watch: u32,
    /// The publish.
    pub publish: u32,
    /// Bulk reads after it.
    pub sweep: u32,
    /// Reads of one agent alone.
    pub single: u32,
    /// Remedies, and the looks at calls that they rest on.
    pub remedy: u32,
    /// Commands that were refused with 429.
    pub refused: u32,
    /// Calls for each agent who is ready or recovered; `None` while nobody is.
    pub per_ready: Option<PerReady>,
    /// Calls a minute that the org allows the publisher's token, as it told at staging.
    pub allowed_per_minute: Option<u32>,
}

/// The calls of a story's run.
#[must_use]
pub fn calls(story: &Story) -> CallsDoc {
    let (spent, calls) = (story.spent, story.spent.calls);
    CallsDoc {
        total: calls.total(),
        refresh: calls.refresh,
        watch: calls.watch,
        publish: calls.publish,
        sweep: calls.sweep,
        single: calls.single,
        remedy: calls.remedy,
        refused: spent.refused,
        per_ready: spent.per_ready(story.counts.tally),
        allowed_per_minute: story.plan.as_ref().and_then(|plan| plan.limits.calls_per_minute),
    }
}

/// The same in a sentence; `None` for a run whose calls were not counted, as those of older versions.
#[must_use]
pub fn calls_words(story: &Story) -> Option<String> {
    let told = calls(story);
    if told.total == 0 {
        return None;
    }
    let parts = [
        (told.refresh, "for tokens"),
        (told.watch, "to watch before the publish"),
        (told.publish, "to publish"),
        (told.sweep, "to check in bulk"),
        (told.single, "about one agent alone"),
        (told.remedy, "for remedies"),
    ];
    let parts = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", count(u64::from(*n))));
    let mut words = counted(u64::from(told.total), "call of the platform", "calls of the platform");
    words.push_str(": ");
    words.push_str(&parts.collect::<Vec<_>>().join(", "));
    if let Some(PerReady { single, all }) = told.per_ready {
        words.push_str(&format!("; for each ready agent {all:.2}, and {single:.2} beyond what was read in bulk"));
    }
    if told.refused > 0 {
        words.push_str(&format!("; refused with 429: {}", count(u64::from(told.refused))));
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::event::{Event, Record};
    use crate::law::spent::Calls;
    use crate::shells::report::sample;

    #[test]
    fn accounts_add_up_and_are_told_for_each_ready_agent() {
        let mut records = sample::friday(1, 60);
        assert_eq!(calls_words(&Story::of(&records)), None);
        let last = records.pop().unwrap();
        for (n, calls) in [Calls { sweep: 20, ..Calls::default() }, Calls { sweep: 10, single: 3, ..Calls::default() }]
            .into_iter()
            .enumerate()
        {
            let event = Event::Spent { since: last.at, calls, refused: n as u32 };
            records.push(Record { seq: last.seq + n as u64, at: last.at, event });
        }
        let story = Story::of(&records);
        let told = calls(&story);
        assert_eq!((told.total, told.sweep, told.single, told.refused), (33, 30, 3, 1));
        let ready = f64::from(story.counts.tally.ready + story.counts.tally.recovered);
        assert_eq!(told.per_ready, Some(PerReady { single: 3.0 / ready, all: 33.0 / ready }));
        let words = calls_words(&story).unwrap();
        assert!(
            words.starts_with("33 calls of the platform: 30 to check in bulk, 3 about one agent alone;"),
            "{words}"
        );
        assert!(words.ends_with("refused with 429: 1"), "{words}");
    }
}
