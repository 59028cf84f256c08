//! What a machine may know of a `serve`: metrics for Prometheus, traces for OpenTelemetry, whether it is ready.
//!
//! - [`figures`]: one run in figures, a fold of its records.
//! - `instruments`: the metrics by name, unit and label.
//! - `ready`: what readiness means, a fold of the news.
//! - [`traces`]: runs as spans, for an OpenTelemetry collector.
//! - [`room`]: the address at which machines ask.
//!
//! Everything here is a projection of the news: what is told to a log is counted here, and nothing else is read, but for two
//! things that nobody could tell. How many pages are connected is asked of the hub when somebody looks; lines of the log that were
//! dropped are counted by whoever drops them.
//! Must never: name a run, an agent or a text in a label; a label's values are few, and known beforehand.

pub mod figures;
mod instruments;
mod ready;
pub mod room;
#[cfg(test)]
mod tests;
pub mod traces;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::figures::Figures;
use self::instruments::Instruments;
use self::ready::Readiness;
pub use self::ready::Unready;
pub use self::traces::Traces;
use crate::hands::companion::Pages;
use crate::law::occurrence::Note;
use crate::shells::daemon::news::News;
use crate::words::clock::{Clock, Timestamp};
use crate::words::id::RunId;

/// What runs that no entry of the calendar has staged are counted under; no entry can have that name.
pub const BY_HAND: &str = "_by_hand";

/// What this process knows of itself, in figures. Cheap to clone.
#[derive(Clone)]
pub struct Telemetry(Arc<Inner>);

struct Inner {
    instruments: Instruments,
    state: Mutex<State>,
    traces: Option<Traces>,
}

#[derive(Default)]
struct State {
    ready: Readiness,
    /// Runs that this process leads.
    led: BTreeMap<RunId, Figures>,
    /// What became of the newest publish of each entry.
    last: BTreeMap<String, Last>,
    /// The next instant of each entry.
    next: BTreeMap<String, Option<Timestamp>>,
    /// Whether the next instant of each entry could not be staged so far.
    refused: BTreeMap<String, bool>,
    pages: Vec<Pages>,
}

/// The newest publish of an entry whose fate is known.
struct Last {
    publish_at: Timestamp,
    outcome: &'static str,
    /// How many agents have which verdict; none where there was no run.
    agents: [u32; figures::VERDICTS.len()],
}

impl Telemetry {
    /// Knows nothing yet; what it hears of runs goes to `traces` as well.
    ///
    /// # Errors
    /// When two metrics have one name: a bug of ours.
    pub fn new(traces: Option<Traces>) -> Result<Telemetry, prometheus::Error> {
        let inner = Inner { instruments: Instruments::new()?, state: Mutex::default(), traces };
        inner.instruments.started(Clock::System.now());
        Ok(Telemetry(Arc::new(inner)))
    }

    /// Pages that are connected to this hub are counted as well.
    pub fn count_pages(&self, pages: Pages) {
        self.state().pages.push(pages);
    }

    /// A webhook that the configuration names: what becomes of it shows from the beginning.
    pub fn know_webhook(&self, name: &str) {
        self.0.instruments.know_webhook(name);
    }

    /// So many more lines of the log were dropped, because nobody took them.
    pub fn lines_dropped(&self, lines: u64) {
        self.0.instruments.lines_dropped(lines);
    }

    /// Takes in what was told.
    pub fn hear(&self, news: &News) {
        let mut state = self.state();
        state.ready.hear(news, Clock::System.now());
        let (instruments, state) = (&self.0.instruments, &mut *state);
        match news {
            News::Serving { entries } => entries.iter().for_each(|entry| instruments.know(entry)),
            News::Kept { entry, next } => {
                state.next.insert(entry.clone(), *next);
            }
            News::Recalled { entry, missed, refused } => {
                missed.iter().for_each(|publish_at| state.missed(entry, *publish_at));
                state.refused.insert(entry.clone(), *refused);
            }
            News::Leading { run, figures, .. } => {
                instruments.know(figures.entry());
                state.led.insert(run.clone(), (**figures).clone());
            }
            News::Recorded { run, record, .. } => {
                let Some(figures) = state.led.get_mut(run) else { return };
                let (before, phase, phase_at) = (figures.fate(), figures.phase(), figures.phase_at());
                let is_counted = !figures.is_known_dead(&record.event);
                figures.apply(record.at, &record.event);
                if let Some(traces) = &self.0.traces {
                    traces.hear(run, figures, record, (phase, phase_at));
                }
                if is_counted {
                    instruments.count(figures.entry(), &record.event);
                }
                if let (None, Some(fate)) = (before, figures.fate()) {
                    instruments.publish(figures.entry(), fate);
                }
            }
            News::Over { figures, .. } => state.over(figures),
            News::Ended { run, .. } => {
                if let Some(figures) = state.led.remove(run) {
                    state.over(&figures);
                }
            }
            News::LetGo { run, .. } | News::Pruned { run } => {
                state.led.remove(run);
            }
            News::Calendar { entry, note: Note::Missed { publish_at, .. } } => {
                instruments.missed(entry);
                state.missed(entry, *publish_at);
            }
            News::Calendar { entry, note: Note::Staged { .. } } => {
                state.refused.insert(entry.clone(), false);
            }
            News::Calendar { entry, note: Note::NotStaged { .. } } => {
                state.refused.insert(entry.clone(), true);
            }
            News::Calendar { note: Note::Begun | Note::CatchingUp { .. } | Note::Told, .. } => {}
            News::Trouble { .. } | News::StoreAway { .. } | News::NotKept { .. } => instruments.trouble(),
            News::Enrolled { .. } => instruments.enrolled(),
            News::Webhook { target, word } => instruments.webhook(target, word),
            News::Counters { .. }
            | News::Checked { .. }
            | News::Listening { .. }
            | News::Telemetry { .. }
            | News::NotOurs { .. }
            | News::SignedIn { .. }
            | News::SignInRefused { .. }
            | News::Looked
            | News::StoreBack
            | News::PagesBack
            // Counted as they were dropped; the log tells of it once there is room, which may be never.
            | News::LinesDropped { .. }
            | News::Stopping { .. }
            | News::Stopped { .. } => {}
        }
    }

    /// Everything in Prometheus's text format, version 0.0.4.
    ///
    /// # Errors
    /// When the text cannot be made: a bug of ours.
    pub fn exposition(&self) -> Result<String, prometheus::Error> {
        let state = self.state();
        self.0.instruments.show(&state);
        self.0.instruments.text()
    }

    /// Whether this process does its work; otherwise why not.
    ///
    /// # Errors
    /// Each thing that is wrong.
    pub fn ready(&self) -> Result<(), Vec<Unready>> {
        self.state().ready.check(Clock::System.now())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Figures are values: after a panic elsewhere they are at worst one piece of news behind.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A run is over: of each entry the newest counts, whenever it is heard of.
    fn over(&mut self, figures: &Figures) {
        let Some(fate) = figures.fate() else { return };
        let last = Last { publish_at: figures.publish_at(), outcome: fate.word(), agents: figures.agents() };
        self.newest(figures.entry(), last);
    }
    fn missed(&mut self, entry: &str, publish_at: Timestamp) {
        self.refused.insert(entry.to_owned(), false);
        self.newest(entry, Last { publish_at, outcome: "missed", agents: Default::default() });
    }
    fn newest(&mut self, entry: &str, last: Last) {
        let is_newer = self.last.get(entry).is_none_or(|known| known.publish_at <= last.publish_at);
        if is_newer {
            self.last.insert(entry.to_owned(), last);
        }
    }
    /// Of each entry the run whose figures are shown: of those under way the one whose publish comes first.
    fn shown(&self) -> BTreeMap<&str, &Figures> {
        let mut shown: BTreeMap<&str, &Figures> = BTreeMap::new();
        for figures in self.led.values() {
            let place = shown.entry(figures.entry()).or_insert(figures);
            if figures.publish_at() < place.publish_at() {
                *place = figures;
            }
        }
        shown
    }
}
