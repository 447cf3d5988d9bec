//! When to commit next, and what to tell of refused commits. Pure.

use std::time::{Duration, Instant};

/// How often offsets are committed.
pub(crate) const TICK: Duration = Duration::from_millis(250);
/// The longest time between two attempts after refusals.
const MAX_DELAY: Duration = Duration::from_secs(10);
/// So many refusals in a row are told: a single one is part of a rebalance.
const TOLD_AFTER: u32 = 3;

/// The pace of commits.
#[derive(Debug)]
pub(crate) struct Pace {
    next: Instant,
    refusals: u32,
}

/// What is to be told after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Nothing,
    /// That commits are refused.
    Refused,
    /// That they are not refused any more.
    Accepted,
}

impl Pace {
    /// Returns a pace whose first commit is due one tick after `now`.
    pub(crate) fn new(now: Instant) -> Self {
        Self { next: now + TICK, refusals: 0 }
    }

    /// Returns when the next commit is due.
    pub(crate) fn next(&self) -> Instant {
        self.next
    }

    /// Takes note of a commit that was acknowledged, or of a tick with nothing to commit.
    pub(crate) fn accepted(&mut self, now: Instant) -> Told {
        let told = if self.refusals >= TOLD_AFTER { Told::Accepted } else { Told::Nothing };
        self.refusals = 0;
        self.next = now + TICK;
        told
    }

    /// Takes note of a commit that was refused.
    pub(crate) fn refused(&mut self, now: Instant) -> Told {
        self.next = now + TICK.saturating_mul(2_u32.saturating_pow(self.refusals.min(16))).min(MAX_DELAY);
        self.refusals = self.refusals.saturating_add(1);
        if self.refusals == TOLD_AFTER { Told::Refused } else { Told::Nothing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_commit_is_made_again_with_growing_delay_and_told_once() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        assert_eq!(pace.next(), now + TICK);
        let refusals = [(250, Told::Nothing), (500, Told::Nothing), (1000, Told::Refused), (2000, Told::Nothing)];
        for (delay, told) in refusals {
            assert_eq!((pace.refused(now), pace.next()), (told, now + Duration::from_millis(delay)));
        }
        (0..100).for_each(|_| assert_eq!(pace.refused(now), Told::Nothing));
        assert_eq!(pace.next(), now + MAX_DELAY);
        assert_eq!((pace.accepted(now), pace.next()), (Told::Accepted, now + TICK));
        assert_eq!(pace.accepted(now), Told::Nothing);
    }

    #[test]
    fn one_refusal_is_not_worth_telling() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        pace.refused(now);
        assert_eq!((pace.accepted(now), pace.next()), (Told::Nothing, now + TICK));
    }
}
