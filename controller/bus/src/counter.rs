//! What the workers of a step count, without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::state::ConsumerState;

/// Counts since the start.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    handled: AtomicU64,
    failed: AtomicU64,
    parked: AtomicU64,
}

impl Counter {
    pub(crate) fn handled(&self) {
        self.handled.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn parked(&self) {
        self.parked.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn write_to(&self, state: &mut ConsumerState) {
        state.handled = self.handled.load(Ordering::Relaxed);
        state.failed = self.failed.load(Ordering::Relaxed);
        state.parked = self.parked.load(Ordering::Relaxed);
    }
}
