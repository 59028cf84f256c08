//! What this process records is seen at once by those who follow it; what others record is seen at the next look.
//!
//! Must never: hold up whoever records.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Notify;

use crate::shells::daemon::news::News;
use crate::words::id::RunId;

/// Who is to look sooner when a run moves on.
#[derive(Debug, Default)]
pub struct Nudges(Mutex<HashMap<RunId, Vec<Weak<Notify>>>>);

impl Nudges {
    /// Takes in a piece of news.
    pub fn hear(&self, news: &News) {
        let News::Recorded { run, .. } = news else { return };
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for follower in waiting.get(run).into_iter().flatten().filter_map(Weak::upgrade) {
            follower.notify_one();
        }
    }
    /// Is told whenever something is recorded of `run`, for as long as it is kept.
    pub(super) fn on(&self, run: &RunId) -> Arc<Notify> {
        let notify = Arc::new(Notify::new());
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, followers| {
            followers.retain(|follower| follower.strong_count() > 0);
            !followers.is_empty()
        });
        waiting.entry(run.clone()).or_default().push(Arc::downgrade(&notify));
        notify
    }
}
