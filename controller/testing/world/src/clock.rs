//! The clock of a world.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use xos_engine::clock::{Clock, later};

/// A clock that only a test sets forward. It starts at 2026-01-01T00:00:00Z.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<Mutex<Timestamp>>);

/// 2026-01-01T00:00:00Z, in seconds since the epoch.
const START: i64 = 1_767_225_600;

impl Default for TestClock {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Timestamp::from_second(START).unwrap_or(Timestamp::UNIX_EPOCH))))
    }
}

impl TestClock {
    /// Returns one that starts at this time.
    pub fn at(time: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(time)))
    }

    /// Sets the clock forward.
    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = later(*now, by);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
