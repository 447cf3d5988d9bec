//! Lines that say again what was said before. Pure.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long a line is not said again.
const PERIOD: Duration = Duration::from_mins(10);
/// How many lines are remembered.
const MAX_LINES: usize = 128;
/// How much of a line counts.
const LENGTH: usize = 120;

/// The lines of the last time.
#[derive(Debug, Default)]
pub(crate) struct Repeats(HashMap<String, Instant>);

impl Repeats {
    /// Returns whether a line was not said within the last ten minutes. Numbers make no difference: they are ports,
    /// offsets and times.
    pub(crate) fn is_news(&mut self, now: Instant, facility: &str, message: &str) -> bool {
        let words = message.chars().filter(|c| !c.is_ascii_digit()).take(LENGTH);
        let key: String = facility.chars().chain([' ']).chain(words).collect();
        self.0.retain(|_, said| now.duration_since(*said) < PERIOD);
        if self.0.contains_key(&key) {
            return false;
        }
        if self.0.len() < MAX_LINES {
            self.0.insert(key, now);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_said_once_in_ten_minutes_whatever_its_numbers() {
        let now = Instant::now();
        let mut repeats = Repeats::default();
        let timed_out = |ms: u32| format!("127.0.0.1:{ms}/1: Timed out FetchRequest in flight (after {ms}ms)");
        assert!(repeats.is_news(now, "REQTMOUT", &timed_out(61_000)));
        assert!(!repeats.is_news(now + PERIOD / 2, "REQTMOUT", &timed_out(61_007)));
        assert!(repeats.is_news(now, "MAXPOLL", &timed_out(61_000)), "another facility");
        assert!(repeats.is_news(now, "REQTMOUT", "something else"));
        assert!(repeats.is_news(now + PERIOD, "REQTMOUT", &timed_out(61_000)));
    }
}
