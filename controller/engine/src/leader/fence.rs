//! Until when something may be done, by two clocks. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// A moment by both clocks. The monotonic one cannot be set, but stands still while the machine sleeps; the other one
/// goes on then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// By the monotonic clock.
    pub monotonic: Instant,
    /// By the clock on the wall.
    pub wall: Timestamp,
}

impl Moment {
    /// Returns the moment after a while.
    #[must_use]
    pub fn after(self, while_: Duration) -> Self {
        let signed = SignedDuration::try_from(while_).unwrap_or(SignedDuration::MAX);
        let wall = self.wall.checked_add(signed).unwrap_or(Timestamp::MAX);
        Self { monotonic: self.monotonic + while_, wall }
    }
}

/// What may be done until a moment, always, or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fence {
    /// Not.
    #[default]
    Shut,
    /// Until this moment, by whichever clock comes to it first.
    Until(Moment),
    /// Always.
    Open,
}

impl Fence {
    /// Returns whether it may be done now.
    pub fn is_open(&self, now: Moment) -> bool {
        match self {
            Self::Shut => false,
            Self::Until(end) => now.monotonic < end.monotonic && now.wall < end.wall,
            Self::Open => true,
        }
    }

    /// Returns when to look again, as it shuts by the time alone.
    pub(super) fn shuts_at(&self) -> Option<Instant> {
        match self {
            Self::Until(end) => Some(end.monotonic),
            Self::Shut | Self::Open => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_clock_that_is_ahead_shuts_it() {
        let start = Moment { monotonic: Instant::now(), wall: Timestamp::UNIX_EPOCH };
        let fence = Fence::Until(start.after(Duration::from_secs(15)));
        // Seconds by the monotonic clock, by the other one, and whether it is open.
        let table = [
            (0, 0, true),
            (14, 14, true),
            (15, 15, false),
            // The machine has slept, or the clock was set forward.
            (1, 3600, false),
            // The clock was set back.
            (14, -3600, true),
            (15, -3600, false),
        ];
        for (monotonic, wall, is_open) in table {
            let now = Moment {
                monotonic: start.monotonic + Duration::from_secs(monotonic),
                wall: Timestamp::from_second(wall).unwrap(),
            };
            assert_eq!(fence.is_open(now), is_open, "{monotonic} {wall}");
            assert!(Fence::Open.is_open(now) && !Fence::Shut.is_open(now));
        }
    }
}
