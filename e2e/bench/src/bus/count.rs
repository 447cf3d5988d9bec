//! A counter that wakes who waits for a value, so that times are exact.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio::sync::Notify;

use super::Error;

const DONE: Duration = Duration::from_secs(600);

/// A counter.
#[derive(Debug, Default)]
pub(super) struct Count {
    now: AtomicUsize,
    goal: AtomicUsize,
    reached: Notify,
}

impl Count {
    /// Adds one.
    pub(super) fn one(&self) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        if now == self.goal.load(Ordering::SeqCst) {
            self.reached.notify_one();
        }
    }

    pub(super) fn now(&self) -> usize {
        self.now.load(Ordering::SeqCst)
    }

    /// Waits until the counter reaches `goal`. Only one task may wait at a time.
    pub(super) async fn until(&self, goal: usize) -> Result<(), Error> {
        self.goal.store(goal, Ordering::SeqCst);
        let reached = async {
            while self.now() < goal {
                self.reached.notified().await;
            }
        };
        tokio::time::timeout(DONE, reached).await.map_err(|_| Error::Missing { goal, now: self.now() })
    }
}
