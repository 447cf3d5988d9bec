//! How the consumers of event steps fare, for whoever shows it.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// A consumer that was not polled for so long has stopped.
const STOPPED: SignedDuration = SignedDuration::from_secs(30);

/// How the consumer of an event step fares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsumerState {
    /// The step.
    pub step: String,
    /// Its consumer group.
    pub group: String,
    /// The partitions that this process has, and how many of them are paused.
    pub partitions: usize,
    /// The paused ones of them.
    pub paused: usize,
    /// Events in memory.
    pub held: usize,
    /// Events on the broker that are not done.
    pub lag: i64,
    /// When it last asked for events.
    pub last_poll: Option<Timestamp>,
    /// When it last got one.
    pub last_event: Option<Timestamp>,
    /// Events that have had their effect.
    pub handled: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Events that were parked.
    pub parked: u64,
    /// How often it was made anew because it had stopped receiving.
    pub restarts: u64,
    /// What is wrong with the bus; none if nothing is.
    pub problem: Option<String>,
}

impl ConsumerState {
    /// Whether it asks for events, and receives them where there are any.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.last_poll.is_some_and(|last| now.duration_since(last) < STOPPED)
    }
}

/// The states of all consumers.
#[derive(Clone, Debug, Default)]
pub struct ConsumerStates(Arc<Mutex<Vec<ConsumerState>>>);

impl ConsumerStates {
    /// As they are now.
    pub fn all(&self) -> Vec<ConsumerState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether all consumers do their work.
    pub fn are_alive(&self, now: Timestamp) -> bool {
        self.all().iter().all(|state| state.is_alive(now))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumer_that_does_not_poll_is_noticed() {
        let states = ConsumerStates::default();
        let now = Timestamp::UNIX_EPOCH;
        assert!(states.are_alive(now), "there is none");
        states.update("a", |state| state.last_poll = Some(now));
        assert!(states.are_alive(now));
        assert!(!states.are_alive(now.checked_add(SignedDuration::from_secs(31)).unwrap()));
    }
}
