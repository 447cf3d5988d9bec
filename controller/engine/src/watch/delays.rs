//! The delays before a broken watch is resumed.

use std::time::Duration;

use tokio::time::Instant;
use xos_model::Backoff;

/// They are spread, so that the watches of all models do not come at once.
const RESUME: Backoff = Backoff { initial: Duration::from_millis(200), max: Duration::from_secs(10), jitter: 0.5 };
/// After this time without a failure the next delay is the first one again.
const HEALTHY: Duration = Duration::from_secs(60);

/// The delays of one watch: 200 ms, doubling to 10 s, ±50 %.
#[derive(Debug, Default)]
pub(super) struct ResumeDelays {
    failures: u32,
    last: Option<Instant>,
}

impl ResumeDelays {
    /// Returns the delay after a failure at this time; `unit` is a random number in 0..1.
    pub(super) fn after_failure(&mut self, now: Instant, unit: f64) -> Duration {
        if self.last.is_some_and(|last| now.duration_since(last) > HEALTHY) {
            self.failures = 0;
        }
        self.last = Some(now);
        self.failures = self.failures.saturating_add(1);
        RESUME.delay(self.failures, unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_grow_to_ten_seconds_and_begin_anew_after_a_healthy_minute() {
        let mut delays = ResumeDelays::default();
        let mut now = Instant::now();
        let mut next = |after: u64| {
            now += Duration::from_secs(after);
            delays.after_failure(now, 0.5).as_millis()
        };
        let grown: Vec<_> = (0..8).map(|_| next(1)).collect();
        assert_eq!(grown, [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        assert_eq!(next(59), 10_000);
        assert_eq!(next(61), 200);
    }
}
