//! Times and delays.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Returns the time after a delay; the last of all times, if the delay leads beyond it.
pub fn later(now: Timestamp, delay: Duration) -> Timestamp {
    let delay = SignedDuration::try_from(delay).unwrap_or(SignedDuration::MAX);
    now.checked_add(delay).unwrap_or(Timestamp::MAX)
}
