//! Whether the engine's loop turns.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How often the loop turns at least, also when there is nothing to do.
pub const EVERY: Duration = Duration::from_secs(10);
/// A loop that has not turned for this time is stuck.
pub const STUCK_AFTER: Duration = Duration::from_mins(1);

/// When the engine's loop last turned. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Heartbeat(Arc<Mutex<Option<Instant>>>);

impl Heartbeat {
    /// Notes that the loop turns.
    pub fn beat(&self, now: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    /// Notes that the loop has ended, as it was told to.
    pub(crate) fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Returns why the process has to be restarted, if the loop is stuck. One that has not begun, or has ended, is not.
    pub fn failure(&self, now: Instant) -> Option<String> {
        let last = (*self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        let since = now.saturating_duration_since(last);
        let seconds = since.as_secs();
        (since >= STUCK_AFTER).then(|| format!("the engine is stuck: its loop has not turned for {seconds} s"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_does_not_turn_is_stuck_after_a_minute() {
        let heart = Heartbeat::default();
        let now = Instant::now();
        assert_eq!(heart.failure(now + STUCK_AFTER), None, "it has not begun");
        heart.beat(now);
        assert_eq!(heart.failure(now + STUCK_AFTER - Duration::from_millis(1)), None);
        let told = heart.failure(now + STUCK_AFTER + Duration::from_secs(5));
        assert_eq!(told.as_deref(), Some("the engine is stuck: its loop has not turned for 65 s"));
        heart.beat(now + STUCK_AFTER);
        assert_eq!(heart.failure(now + STUCK_AFTER + Duration::from_secs(5)), None);
        heart.end();
        assert_eq!(heart.failure(now + STUCK_AFTER * 9), None);
    }
}
