//! The state of the consumers of event steps, for metrics and health checks.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use xos_model::gate::Outage;

/// A consumer that has not polled for this long is not ready.
const POLL_OVERDUE: SignedDuration = SignedDuration::from_secs(30);
/// A consumer that was not active for this long hangs. It may rightly wait for more than a minute, while partitions are
/// revoked and events in flight end.
const HANGING_AFTER: SignedDuration = SignedDuration::from_mins(5);
/// After this many panics in a row another restart of the consumer does not help.
const MAX_PANICS: u32 = 5;

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
    /// When the consumer last polled, or was last started.
    pub last_active: Option<Timestamp>,
    /// When the consumer last received an event.
    pub last_event: Option<Timestamp>,
    /// How many events were handled.
    pub handled: u64,
    /// How many attempts failed.
    pub failed: u64,
    /// How many events were parked.
    pub parked: u64,
    /// How many events wait for something that is not there yet.
    pub waiting: usize,
    /// Since when the first of them waits.
    pub waiting_since: Option<Timestamp>,
    /// Since when and why the target of the step is away, while it is.
    pub away: Option<Outage>,
    /// How often it went away.
    pub outages: u64,
    /// How many events retention has deleted before they were received.
    pub missed: u64,
    /// How many commits the broker has refused.
    pub commits_refused: u64,
    /// Why the step stands still until somebody decides, if it does.
    pub stopped: Option<String>,
    /// How many events are parked now, of the partitions assigned to this process.
    pub parked_now: usize,
    /// How many attempts to park an event failed.
    pub not_parked: u64,
    /// How often the consumer was restarted.
    pub restarts: u64,
    /// How many panics in a row have ended it.
    pub panics: u32,
    /// The message of the last panic.
    pub last_panic: Option<String>,
    /// The problem with the event bus, if there is one.
    pub problem: Option<String>,
}

impl ConsumerState {
    /// Returns whether the consumer polls for events.
    pub fn is_polling(&self, now: Timestamp) -> bool {
        self.last_poll.is_some_and(|last| now.duration_since(last) < POLL_OVERDUE)
    }

    /// Returns why the process has to be restarted: the consumer hangs, or panics whenever it is started again. `None`
    /// if nothing is wrong that a restart of the process could help against.
    pub fn failure(&self, now: Timestamp) -> Option<String> {
        let step = &self.step;
        if self.panics >= MAX_PANICS {
            let panic = self.last_panic.as_deref().unwrap_or("with no message");
            return Some(format!("event step {step}: its consumer panicked {} times in a row: {panic}", self.panics));
        }
        let last = self.last_active.filter(|last| now.duration_since(*last) >= HANGING_AFTER)?;
        Some(format!("event step {step}: its consumer hangs, it has not polled since {last}"))
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

    /// Forgets a step's consumer.
    #[cfg(feature = "kafka")]
    pub(crate) fn remove(&self, step: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|state| state.step != step);
    }

    /// Changes the state of a step's consumer.
    #[cfg(feature = "kafka")]
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
    fn a_consumer_that_hangs_or_always_panics_is_a_failure() {
        let now = Timestamp::UNIX_EPOCH;
        let mut state = ConsumerState { step: "A".to_owned(), ..ConsumerState::default() };
        assert_eq!(state.failure(now), None, "it was not started yet");
        state.last_active = Some(now);
        let later = |seconds| now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
        assert_eq!(state.failure(later(299)), None);
        let hangs = "event step A: its consumer hangs, it has not polled since 1970-01-01T00:00:00Z";
        assert_eq!(state.failure(later(300)).as_deref(), Some(hangs));
        state.last_panic = Some("oh".to_owned());
        state.panics = 4;
        assert_eq!(state.failure(now), None, "it is restarted");
        state.panics = 5;
        let panics = "event step A: its consumer panicked 5 times in a row: oh";
        assert_eq!(state.failure(now).as_deref(), Some(panics));
    }
}
