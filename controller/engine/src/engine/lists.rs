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

    /// Returns whether all objects are known. Once they are, nobody waits for the lists of models that come later.
    pub(super) fn is_complete(&self) -> bool {
        self.missing.is_empty() || *self.ready.borrow()
    }

    /// Takes in that these watches are going to list all of their objects.
    pub(super) fn expect(&mut self, watches: impl Iterator<Item = WatchId>) {
        self.missing.extend(watches);
    }

    /// Takes in that watches are gone.
    pub(super) fn forget(&mut self, is_gone: impl Fn(&WatchId) -> bool) {
        self.missing.retain(|watch| !is_gone(watch));
    }

    /// Returns whether a watch of a model has not listed all of its objects yet.
    pub(super) fn is_waiting_for(&self, model: &str) -> bool {
        self.missing.iter().any(|watch| watch.model() == model)
    }

    /// Returns a signal that becomes true once all objects are known.
    pub(super) fn ready(&self) -> watch::Receiver<bool> {
        self.ready.subscribe()
    }
}
