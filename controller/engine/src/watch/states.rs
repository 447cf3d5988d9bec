//! The states of all watches, for monitoring.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::WatchId;

/// The state of a watch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchState {
    /// The interruption, if it is interrupted now.
    pub interrupted: Option<Interruption>,
    /// How often it was interrupted.
    pub interruptions: u64,
    /// When something was last heard of it: a change, a bookmark, or the end of a request in time.
    pub heard: Option<Timestamp>,
}

/// A watch that does not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interruption {
    /// When that was noticed.
    pub since: Timestamp,
    /// Why, in words.
    pub cause: String,
}

/// The states of all watches. Clones are the same ones.
#[derive(Clone, Debug, Default)]
pub struct WatchStates(Arc<Mutex<BTreeMap<WatchId, WatchState>>>);

/// What a change of a watch's state is to those who read the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Something to say.
    New,
    /// The same as before.
    Same,
}

impl WatchStates {
    /// Returns all states as they are now.
    pub fn all(&self) -> BTreeMap<WatchId, WatchState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets watches that have ended.
    pub fn forget(&self, watches: &[WatchId]) {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        states.retain(|watch, _| !watches.contains(watch));
    }

    /// Takes in that something was heard of a watch.
    pub(crate) fn heard(&self, watch: &WatchId, now: Timestamp) {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = states.get_mut(watch) {
            state.heard = Some(now);
        } else {
            states.insert(watch.clone(), WatchState { heard: Some(now), ..WatchState::default() });
        }
    }

    /// Takes in that a watch works.
    pub(crate) fn works(&self, watch: &WatchId) -> News {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match states.entry(watch.clone()).or_default().interrupted.take() {
            Some(_) => News::New,
            None => News::Same,
        }
    }

    /// Takes in that a watch does not work.
    pub(crate) fn fails(&self, watch: &WatchId, cause: String, now: Timestamp) -> News {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = states.entry(watch.clone()).or_default();
        let Some(interruption) = &mut state.interrupted else {
            state.interruptions += 1;
            state.interrupted = Some(Interruption { since: now, cause });
            return News::New;
        };
        if interruption.cause == cause {
            return News::Same;
        }
        interruption.cause = cause;
        News::New
    }
}

/// For tests, and for those who have states from elsewhere.
impl FromIterator<(WatchId, WatchState)> for WatchStates {
    fn from_iter<I: IntoIterator<Item = (WatchId, WatchState)>>(states: I) -> Self {
        Self(Arc::new(Mutex::new(states.into_iter().collect())))
    }
}
