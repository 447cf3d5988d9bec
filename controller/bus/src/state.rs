//! The state of the consumers of event steps, for metrics and health checks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// A consumer that has not polled for this long is not ready.
const POLL_OVERDUE: SignedDuration = SignedDuration::from_secs(30);

/// The state of an event step's consumer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsumerState {
    /// The step's name.
    pub step: String,
    /// The consumer group.
    pub group: String,
    /// How many partitions are assigned to this process.
    pub partitions: usize,
    /// How many of these partitions are paused.
    pub paused: usize,
    /// How many events are in memory.
    pub held: usize,
    /// How many events on the broker are not done.
    pub lag: i64,
    /// When the consumer last polled.
    pub last_poll: Option<Timestamp>,
    /// When the consumer last received an event.
    pub last_event: Option<Timestamp>,
    /// How many events were handled.
    pub handled: u64,
    /// How many attempts failed.
    pub failed: u64,
    /// How many events were parked.
    pub parked: u64,
    /// How often the consumer was restarted.
    pub restarts: u64,
    /// The problem with the event bus, if there is one.
    pub problem: Option<String>,
}

impl ConsumerState {
    /// Returns whether the consumer polls for events.
    pub fn is_polling(&self, now: Timestamp) -> bool {
        self.last_poll.is_some_and(|last| now.duration_since(last) < POLL_OVERDUE)
    }
}

/// The states of all consumers.
#[derive(Clone, Debug, Default)]
pub struct ConsumerStates(Arc<Mutex<Vec<ConsumerState>>>);

impl ConsumerStates {
    /// Returns the present states.
    pub fn all(&self) -> Vec<ConsumerState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the state of a step's consumer.
    pub(crate) fn update(&self, step: &str, change: impl FnOnce(&mut ConsumerState)) {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = states.iter_mut().find(|state| state.step == step) {
            change(state);
            return;
        }
        let mut state = ConsumerState { step: step.to_owned(), ..ConsumerState::default() };
        change(&mut state);
        states.push(state);
    }
}

impl FromIterator<ConsumerState> for ConsumerStates {
    fn from_iter<I: IntoIterator<Item = ConsumerState>>(states: I) -> Self {
        Self(Arc::new(Mutex::new(states.into_iter().collect())))
    }
}

/// Counts of a step's workers since the start, without a lock.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    handled: AtomicU64,
    failed: AtomicU64,
    parked: AtomicU64,
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

    /// Copies the counts into a state.
    pub(crate) fn copy_to(&self, state: &mut ConsumerState) {
        state.handled = self.handled.load(Ordering::Relaxed);
        state.failed = self.failed.load(Ordering::Relaxed);
        state.parked = self.parked.load(Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumer_that_does_not_poll_is_noticed() {
        let start = Timestamp::UNIX_EPOCH;
        let mut state = ConsumerState::default();
        assert!(!state.is_polling(start), "it has not polled yet");
        state.last_poll = Some(start);
        assert!(state.is_polling(start));
        assert!(!state.is_polling(start.checked_add(SignedDuration::from_secs(31)).unwrap()));
    }

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
