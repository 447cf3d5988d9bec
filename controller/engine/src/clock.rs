//! The clock, so that tests can turn it.

use std::time::Duration;

use jiff::Timestamp;
pub use xos_model::later;

/// How far periods are spread, so that what comes again and again does not come all at once: ±10 %.
const SPREAD: f64 = 0.1;

/// The part of a period after which a resync is due at the earliest.
pub(crate) const EARLIEST: f64 = 0.9;

/// A source of the time.
pub trait Clock: Send + Sync + 'static {
    /// Returns the present time.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    /// Returns the time in whole milliseconds: a status with more digits is harder to read.
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }
}

/// Returns a period until the next resync, at random up to 10 % shorter: what is promised is the period.
pub(crate) fn shortened(period: Duration) -> Duration {
    period.mul_f64(EARLIEST + (1.0 - EARLIEST) * rand::random::<f64>())
}

/// Returns the period, spread at random by up to 10 % either way.
pub(crate) fn spread(period: Duration) -> Duration {
    period.mul_f64(1.0 + SPREAD * (2.0 * rand::random::<f64>() - 1.0))
}
