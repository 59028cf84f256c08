//! Whether this process does its work: the store answers and takes what is written, the loop looks, every entry of the calendar is kept.
//!
//! Must never: call a process ready that has not served yet, or one that is ending.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::shells::daemon::news::News;
use crate::words::clock::Timestamp;

/// A loop that has not looked at its store for so long is stuck, in ms. It looks at least every 10 s.
const STUCK_AFTER_MS: i64 = 60_000;

/// Something that keeps the process from being ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unready {
    /// What: `start`, `stop`, `store`, `loop`, or `calendar`.
    pub what: &'static str,
    /// Why, in words.
    pub why: String,
}

/// Whether it serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Serving {
    #[default]
    NotYet,
    Yes,
    Ending,
}

/// The fold of what was told.
#[derive(Debug, Default)]
pub(super) struct Readiness {
    serving: Serving,
    store_away: Option<String>,
    looked_at: Option<Timestamp>,
    /// Why each entry of the calendar is not kept; nothing when it is.
    entries: BTreeMap<String, Option<String>>,
}

impl Readiness {
    /// Takes in what was told at `now`, on this machine's clock.
    pub(super) fn hear(&mut self, news: &News, now: Timestamp) {
        match news {
            News::Serving { entries } => {
                self.serving = Serving::Yes;
                let unseen = || Some("it has not been looked at yet".to_owned());
                self.entries = entries.iter().map(|entry| (entry.clone(), unseen())).collect();
            }
            News::Looked => {
                self.looked_at = Some(now);
                self.store_away = None;
            }
            News::StoreAway { why } => {
                self.looked_at = Some(now);
                self.store_away = Some(why.clone());
            }
            News::StoreBack => self.store_away = None,
            News::Kept { entry, .. } => self.entry(entry, None),
            News::NotKept { entry, why } => self.entry(entry, Some(why.clone())),
            News::Stopping { .. } | News::Stopped { .. } => self.serving = Serving::Ending,
            News::Listening { .. }
            | News::Telemetry { .. }
            | News::Checked { .. }
            | News::Enrolled { .. }
            | News::SignedIn { .. }
            | News::SignInRefused { .. }
            | News::Leading { .. }
            | News::Recorded { .. }
            | News::Over { .. }
            | News::Ended { .. }
            | News::LetGo { .. }
            | News::Calendar { .. }
            | News::Recalled { .. }
            | News::Counters { .. }
            | News::NotOurs { .. }
            | News::Pruned { .. }
            | News::Trouble { .. }
            | News::Webhook { .. }
            | News::LinesDropped { .. }
            | News::PagesBack => {}
        }
    }

    /// Whether it is ready at `now`; otherwise each thing that is wrong.
    pub(super) fn check(&self, now: Timestamp) -> Result<(), Vec<Unready>> {
        let wrong = match self.serving {
            Serving::NotYet => vec![Unready { what: "start", why: "it has not begun to serve".to_owned() }],
            Serving::Ending => vec![Unready { what: "stop", why: "it is ending".to_owned() }],
            Serving::Yes => self.wrong(now),
        };
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// Whether the store answered at the last look.
    pub(super) fn store_is_up(&self) -> bool {
        self.looked_at.is_some() && self.store_away.is_none()
    }

    fn wrong(&self, now: Timestamp) -> Vec<Unready> {
        let store = self.store_away.iter().map(|why| Unready { what: "store", why: why.clone() });
        let stuck = self.looked_at.is_none_or(|at| now.since_ms(at) > STUCK_AFTER_MS);
        let stuck = stuck.then(|| Unready { what: "loop", why: "the store has not been looked at lately".to_owned() });
        let unkept = self.entries.iter().filter_map(|(entry, why)| {
            why.as_ref().map(|why| Unready { what: "calendar", why: format!("{entry}: {why}") })
        });
        store.chain(stuck).chain(unkept).collect()
    }
    fn entry(&mut self, entry: &str, why: Option<String>) {
        if let Some(known) = self.entries.get_mut(entry) {
            *known = why;
        }
    }
}
