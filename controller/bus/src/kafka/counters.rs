//! Counts of a step's workers and its consumer.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::state::ConsumerState;

/// Counts of a step's workers and its consumer since the start, without a lock.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    handled: AtomicU64,
    failed: AtomicU64,
    parked: AtomicU64,
    outages: AtomicU64,
    missed: AtomicU64,
    commits_refused: AtomicU64,
    not_parked: AtomicU64,
}

impl Counters {
    /// Counts a handled event.
    pub(crate) fn handled(&self) {
        self.handled.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a failed attempt.
    pub(crate) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a parked event.
    pub(crate) fn parked(&self) {
        self.parked.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts that the target of the step went away.
    pub(crate) fn outage(&self) {
        self.outages.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts events that retention has deleted before they were received.
    pub(crate) fn missed(&self, count: u64) {
        self.missed.fetch_add(count, Ordering::Relaxed);
    }

    /// Counts a commit that the broker has refused.
    pub(crate) fn commit_refused(&self) {
        self.commits_refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an attempt to park an event that failed.
    pub(crate) fn not_parked(&self) {
        self.not_parked.fetch_add(1, Ordering::Relaxed);
    }

    /// Copies the counts into a state.
    pub(crate) fn copy_to(&self, state: &mut ConsumerState) {
        state.handled = self.handled.load(Ordering::Relaxed);
        state.failed = self.failed.load(Ordering::Relaxed);
        state.parked = self.parked.load(Ordering::Relaxed);
        state.outages = self.outages.load(Ordering::Relaxed);
        state.missed = self.missed.load(Ordering::Relaxed);
        state.commits_refused = self.commits_refused.load(Ordering::Relaxed);
        state.not_parked = self.not_parked.load(Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::ConsumerStates;

    #[test]
    fn counts_are_copied() {
        let counters = Counters::default();
        counters.handled();
        counters.handled();
        counters.failed();
        counters.parked();
        let states = ConsumerStates::default();
        states.update("a", |state| counters.copy_to(state));
        let [state] = states.all().try_into().unwrap();
        assert_eq!((state.step.as_str(), state.handled, state.failed, state.parked), ("a", 2, 1, 1));
    }
}
