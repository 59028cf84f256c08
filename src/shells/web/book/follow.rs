//! Following a run: one task asks the journal for what is new, and all who follow the run hear the same frames.
//!
//! Must never: ask more often because more listen, or send more than a few frames a second.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::{Book, Frame, Opened, Unshown};
use crate::words::id::RunId;

/// The journal is asked this often, in ms of real time; at once for what this process records itself.
const LOOK_EVERY_MS: u64 = 1_000;
/// Time between two frames, in ms: what happens in between comes in one.
const FRAME_EVERY_MS: u64 = 250;

/// Somebody who follows a run.
pub(in crate::shells::web) struct Follower {
    opened: Arc<Opened>,
    frames: broadcast::Receiver<Arc<Frame>>,
    /// The record up to which it has heard.
    heard: u64,
    /// Whether it has had its first frame.
    begun: bool,
}

impl Book {
    /// Follows a run from record `after` on; `None` from now on.
    pub(in crate::shells::web) async fn follow(
        self: &Arc<Self>,
        run: &RunId,
        after: Option<u64>,
    ) -> Result<Follower, Unshown> {
        let opened = self.run(run).await?;
        let seq = opened.look().await?.run.seq;
        let frames = {
            let mut is_followed = opened.is_followed.lock().unwrap_or_else(PoisonError::into_inner);
            let frames = opened.frames.subscribe();
            if !std::mem::replace(&mut *is_followed, true) {
                tokio::spawn(lead_on(Arc::clone(self), Arc::clone(&opened), seq));
            }
            frames
        };
        Ok(Follower { opened, frames, heard: after.unwrap_or(seq), begun: false })
    }
}

impl Follower {
    /// The next frame; the first comes at once. `None` when there will be no more.
    pub(in crate::shells::web) async fn next(&mut self) -> Option<Arc<Frame>> {
        if !std::mem::replace(&mut self.begun, true) {
            return self.whole().await;
        }
        loop {
            match self.frames.recv().await {
                // What was heard in the first frame already.
                Ok(frame) if frame.seq <= self.heard => {}
                // It begins with what was heard already, by somebody who joined in the middle of it.
                Ok(frame) if frame.after < self.heard => return self.whole().await,
                Ok(frame) => {
                    self.heard = frame.seq;
                    return Some(frame);
                }
                Err(RecvError::Lagged(_)) => return self.whole().await,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// All that has happened since it last heard.
    async fn whole(&mut self) -> Option<Arc<Frame>> {
        let frame = self.opened.look().await.ok()?.since(self.heard);
        self.heard = frame.seq;
        Some(Arc::new(frame))
    }
}

/// Brings an open run up to date as long as somebody follows it.
async fn lead_on(book: Arc<Book>, opened: Arc<Opened>, mut sent: u64) {
    let nudged = book.nudges.on(&opened.run);
    loop {
        let _or_later = tokio::time::timeout(Duration::from_millis(LOOK_EVERY_MS), nudged.notified()).await;
        {
            let mut is_followed = opened.is_followed.lock().unwrap_or_else(PoisonError::into_inner);
            if opened.frames.receiver_count() == 0 {
                *is_followed = false;
                return;
            }
        }
        opened.used.store(book.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        // A store that is away is asked again at the next look.
        let _caught_up = opened.catch_up(&book.journal).await;
        let Ok(folded) = opened.look().await else { continue };
        if folded.run.seq > sent {
            let frame = folded.since(sent);
            drop(folded);
            sent = frame.seq;
            let _heard_by = opened.frames.send(Arc::new(frame));
            tokio::time::sleep(Duration::from_millis(FRAME_EVERY_MS)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::event::Record;
    use crate::shells::report::sample;
    use crate::shells::web::book::folded::Folded;

    async fn take_in(opened: &Opened, records: &[Record]) {
        opened.folded.get().unwrap().write().await.take_in(records).unwrap();
    }

    #[tokio::test]
    async fn whoever_joins_in_the_middle_of_a_frame_hears_everything_once() {
        let records = sample::friday(2, 60);
        let (sent, last) = (records.len() - 9, records.len());
        for joins_at in sent..=last {
            let opened = Arc::new(Opened::new(RunId::new("20261127-1600-care").unwrap(), 0));
            assert!(opened.folded.set(Folded::of(&opened.run, &records[..sent]).unwrap().into()).is_ok());
            let frames = opened.frames.subscribe();
            let mut follower = Follower { frames, opened: Arc::clone(&opened), heard: 0, begun: false };
            // What has come since the last frame was sent is there already for whoever looks.
            take_in(&opened, &records[sent..joins_at]).await;
            let begun = follower.next().await.unwrap();
            assert_eq!((begun.after, begun.seq), (0, joins_at as u64));
            take_in(&opened, &records[joins_at..]).await;
            let late = opened.look().await.unwrap().since(sent as u64);
            assert!(opened.frames.send(Arc::new(late)).is_ok());
            let mut words = begun.words.clone();
            if joins_at < last {
                let frame = follower.next().await.unwrap();
                assert_eq!((frame.after, frame.seq), (joins_at as u64, last as u64));
                words.extend_from_slice(&frame.words);
            }
            let whole = opened.look().await.unwrap().since(0).words;
            let shown = whole.len().min(words.len());
            assert_eq!(words[words.len() - shown..], whole[whole.len() - shown..], "joined at {joins_at}");
        }
    }
}
