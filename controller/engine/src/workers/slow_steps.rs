//! Which workers are fast and which are slow, so that slow steps delay nobody.
//!
//! Pure: it is given the time. A limited number of workers counts as fast; one that has worked for a while counts as
//! slow instead, which makes room for another one. Objects of a step that is known to be slow count as slow from the
//! start, until the step is fast again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::Id;
use tokio::time::Instant;

/// The workers, fast and slow.
#[derive(Debug)]
pub(super) struct SlowSteps {
    limits: Limits,
    /// In order of their start.
    fast: VecDeque<(Instant, Id)>,
    slow: HashMap<Id, Instant>,
    /// The step or policies that each worker runs.
    runs: HashMap<Id, Arc<str>>,
    /// The steps and policies that were slow when they last ran.
    known_slow: HashSet<Arc<str>>,
}

/// How many workers there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Fast ones.
    pub(crate) fast: usize,
    /// Slow ones.
    pub(crate) slow: usize,
    /// A worker that has worked this long is slow.
    pub(crate) slow_after: Duration,
}

impl SlowSteps {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, fast: VecDeque::new(), slow: HashMap::new(), runs: HashMap::new(), known_slow: HashSet::new() }
    }

    /// Returns whether one more worker may start.
    pub(super) fn has_room(&self) -> bool {
        self.fast.len() < self.limits.fast
    }

    fn has_room_for_slow(&self) -> bool {
        self.slow.len() < self.limits.slow
    }

    /// Takes in that a worker has started, and which step or policies it runs.
    pub(super) fn started(&mut self, worker: Id, runs: Option<Arc<str>>, now: Instant) {
        let is_known_slow = runs.as_ref().is_some_and(|runs| self.known_slow.contains(runs));
        if is_known_slow && self.has_room_for_slow() {
            self.slow.insert(worker, now);
        } else {
            self.fast.push_back((now, worker));
        }
        if let Some(runs) = runs {
            self.runs.insert(worker, runs);
        }
    }

    /// Takes in that a worker has ended.
    pub(super) fn ended(&mut self, worker: Id, now: Instant) {
        self.fast.retain(|(_, other)| *other != worker);
        let runs = self.runs.remove(&worker);
        let started = self.slow.remove(&worker);
        let was_fast = started.is_some_and(|started| now.duration_since(started) < self.limits.slow_after);
        if let Some(runs) = runs.filter(|_| was_fast) {
            self.known_slow.remove(&runs);
        }
    }

    /// Counts workers as slow that have worked long enough.
    pub(super) fn update(&mut self, now: Instant) {
        while self.has_room_for_slow()
            && let Some((started, worker)) = self.fast.front().copied()
            && now.duration_since(started) >= self.limits.slow_after
        {
            self.fast.pop_front();
            self.slow.insert(worker, started);
            if let Some(runs) = self.runs.get(&worker) {
                self.known_slow.insert(Arc::clone(runs));
            }
        }
    }

    /// Returns when a worker makes room by being slow; none if there is room, or will not be any.
    pub(super) fn next_room(&self) -> Option<Instant> {
        let waits = !self.has_room() && self.has_room_for_slow();
        let (started, _) = self.fast.front().filter(|_| waits)?;
        Some(*started + self.limits.slow_after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slow_steps() -> SlowSteps {
        SlowSteps::new(Limits { fast: 2, slow: 3, slow_after: Duration::from_secs(1) })
    }

    /// Ids of workers.
    async fn ids<const N: usize>() -> [Id; N] {
        std::array::from_fn(|_| tokio::spawn(async {}).id())
    }

    #[tokio::test]
    async fn a_slow_worker_makes_room() {
        let mut workers = slow_steps();
        let start = Instant::now();
        let [a, b, c, d, e] = ids().await;
        for worker in [a, b] {
            workers.started(worker, Some("Slow".into()), start);
        }
        assert!(!workers.has_room());
        let second = start + Duration::from_secs(1);
        assert_eq!(workers.next_room(), Some(second));
        workers.update(start + Duration::from_millis(999));
        assert!(!workers.has_room());
        workers.update(second);
        assert!(workers.has_room() && workers.next_room().is_none());
        workers.started(c, Some("Slow".into()), second);
        assert_eq!((workers.slow.len(), workers.fast.len()), (3, 0), "it is known to be slow");
        workers.started(d, Some("Slow".into()), second);
        workers.started(e, Some("Fast".into()), second);
        assert!(!workers.has_room());
        workers.update(second + Duration::from_secs(9));
        assert!(!workers.has_room() && workers.next_room().is_none(), "there is an end to it");
        workers.ended(a, second);
        workers.update(second + Duration::from_secs(9));
        assert!(workers.has_room());
    }

    #[tokio::test]
    async fn a_step_may_become_fast_again() {
        let mut workers = slow_steps();
        let start = Instant::now();
        let [a, b, c] = ids().await;
        workers.started(a, Some("S".into()), start);
        let second = start + Duration::from_secs(1);
        workers.update(second);
        workers.started(b, Some("S".into()), second);
        workers.ended(b, second + Duration::from_millis(10));
        workers.started(c, Some("S".into()), second);
        assert_eq!((workers.slow.len(), workers.fast.len()), (1, 1));
    }
}
