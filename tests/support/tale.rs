//! A list that grows, and on which a test can wait for something to be true of it.

use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

/// The list. Clones are the same one.
pub struct Tale<T>(Arc<(Mutex<Vec<T>>, Notify)>);

impl<T> Clone for Tale<T> {
    fn clone(&self) -> Tale<T> {
        Tale(Arc::clone(&self.0))
    }
}

impl<T> Default for Tale<T> {
    fn default() -> Tale<T> {
        Tale(Arc::new((Mutex::new(Vec::new()), Notify::new())))
    }
}

impl<T> Tale<T> {
    /// Adds to it.
    pub fn push(&self, item: T) {
        self.0.0.lock().expect("a list").push(item);
        self.0.1.notify_waiters();
    }
    /// Looks at all of it.
    pub fn look<R>(&self, look: impl FnOnce(&[T]) -> R) -> R {
        look(&self.0.0.lock().expect("a list"))
    }
    /// Waits until `look` finds what it looks for.
    pub async fn until<R>(&self, mut look: impl FnMut(&[T]) -> Option<R>) -> R {
        loop {
            let grown = self.0.1.notified();
            tokio::pin!(grown);
            grown.as_mut().enable();
            if let Some(found) = self.look(&mut look) {
                return found;
            }
            grown.await;
        }
    }
}
