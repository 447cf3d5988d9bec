//! The delay after a failure.

use std::time::Duration;

use serde::Serialize;

/// An exponential backoff: `initial`, doubled with each failure in a row up to `max`, with `jitter`.
///
/// XOS 4.0.4 computes a backoff and never applies it (every failing object is tried every 5 s); here it is applied, for
/// each object.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Backoff {
    /// The delay after the first failure.
    pub initial: Duration,
    /// The greatest delay.
    pub max: Duration,
    /// The random part of a delay: 0.1 is ±10 %.
    pub jitter: f64,
}

impl Default for Backoff {
    /// Starts with 1 s, doubles up to 5 min, ±10 %.
    fn default() -> Self {
        Self { initial: Duration::from_secs(1), max: Duration::from_secs(300), jitter: 0.1 }
    }
}

impl Backoff {
    /// Returns the delay without jitter after this number of failures in a row (zero for none).
    pub fn base(&self, failures: u32) -> Duration {
        match failures {
            0 => Duration::ZERO,
            n => {
                let factor = 1u32.checked_shl(n - 1).unwrap_or(u32::MAX);
                self.initial.saturating_mul(factor).min(self.max)
            }
        }
    }

    /// Returns the delay after this number of failures in a row; `unit` is a random number in 0..1.
    pub fn delay(&self, failures: u32, unit: f64) -> Duration {
        let spread = 1.0 + self.jitter.clamp(0.0, 1.0) * (2.0 * unit.clamp(0.0, 1.0) - 1.0);
        self.base(failures).mul_f64(spread)
    }

    /// Returns the longest delay that there can be, jitter included.
    pub fn longest(&self) -> Duration {
        self.max.mul_f64(1.0 + self.jitter.clamp(0.0, 1.0))
    }

    /// Returns whether the delay has reached its maximum, so that a person should look.
    pub(crate) fn is_exhausted(&self, failures: u32) -> bool {
        failures > 0 && self.base(failures) >= self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_doubles_up_to_the_cap() {
        let backoff = Backoff::default();
        let seconds: Vec<_> = (0..12).map(|n| backoff.base(n).as_secs()).collect();
        assert_eq!(seconds, [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(backoff.base(u32::MAX).as_secs(), 300);
        assert!(!backoff.is_exhausted(9) && backoff.is_exhausted(10));
    }

    proptest! {
        #[test]
        fn jitter_stays_in_its_bounds(failures in 1u32..40, unit in 0.0f64..1.0) {
            let backoff = Backoff::default();
            let ratio = backoff.delay(failures, unit).as_secs_f64() / backoff.base(failures).as_secs_f64();
            prop_assert!((0.9..=1.1).contains(&ratio), "{ratio}");
        }
    }
}
