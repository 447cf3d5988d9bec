//! Which watches have listed all of their objects. Before all have, queries do not see everything, and no object is
//! reconciled.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::watch::WatchId;

/// The watches that have not listed all of their objects yet.
pub(super) struct Lists {
    missing: HashSet<WatchId>,
    ready: watch::Sender<bool>,
    started: Instant,
}

impl Lists {
    pub(super) fn new(watches: impl Iterator<Item = WatchId>) -> Self {
        let missing: HashSet<_> = watches.collect();
        let ready = watch::Sender::new(missing.is_empty());
        Self { missing, ready, started: Instant::now() }
    }

    /// Takes in that a watch has listed all of its objects, or cannot: then the others do not wait for it. Returns how
    /// long all have taken, when the last one of them has for the first time.
    pub(super) fn done(&mut self, watch: &WatchId) -> Option<Duration> {
        self.missing.remove(watch);
        // Nobody may be waiting for it.
        let is_news = self.is_complete() && !self.ready.send_replace(true);
        is_news.then(|| self.started.elapsed())
    }

    /// Returns whether all objects are known.
    pub(super) fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// Returns a signal that becomes true once all objects are known.
    pub(super) fn ready(&self) -> watch::Receiver<bool> {
        self.ready.subscribe()
    }
}
