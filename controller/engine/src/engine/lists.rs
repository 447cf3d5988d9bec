//! Which watches have listed all of their objects. Before all have, queries do not see everything, and no object is
//! reconciled.

use std::collections::HashSet;

use tokio::sync::watch;

use crate::watch::WatchId;

/// The watches that have not listed all of their objects yet.
pub(super) struct Lists {
    missing: HashSet<WatchId>,
    ready: watch::Sender<bool>,
}

impl Lists {
    pub(super) fn new(watches: impl Iterator<Item = WatchId>) -> Self {
        let missing: HashSet<_> = watches.collect();
        let ready = watch::Sender::new(missing.is_empty());
        Self { missing, ready }
    }

    /// Takes in that a watch has listed all of its objects.
    pub(super) fn done(&mut self, watch: &WatchId) {
        self.missing.remove(watch);
        if self.is_complete() {
            // Nobody may be waiting for it.
            self.ready.send_replace(true);
        }
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
