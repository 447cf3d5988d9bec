//! Which workers are quick and which are slow, so that slow steps delay nobody.
//!
//! Pure: it is given the time. At most so many workers are quick at once; one that has worked for a while is counted among the slow ones
//! instead, and its place is free for somebody else. Objects of a step that is known to be slow go there at once, until it is quick again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use tokio::task::Id;
use tokio::time::Instant;

/// The workers, by their pace.
#[derive(Debug)]
pub(crate) struct Pace {
    limits: Limits,
    /// In order of their start.
    quick: VecDeque<(Instant, Id)>,
    slow: HashMap<Id, Instant>,
    /// What each worker runs.
    runs: HashMap<Id, String>,
    /// What was slow when it last ran.
    sluggish: HashSet<String>,
}

/// How many workers there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Quick ones.
    pub(crate) quick: usize,
    /// Slow ones.
    pub(crate) slow: usize,
    /// Who works for that long is slow.
    pub(crate) after: Duration,
}

impl Pace {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, quick: VecDeque::new(), slow: HashMap::new(), runs: HashMap::new(), sluggish: HashSet::new() }
    }

    /// Whether one more may begin.
    pub(crate) fn has_room(&self) -> bool {
        self.quick.len() < self.limits.quick
    }

    fn has_room_for_slow(&self) -> bool {
        self.slow.len() < self.limits.slow
    }

    /// A worker begins to run something of the author's, or to write.
    pub(crate) fn began(&mut self, worker: Id, runs: Option<String>, now: Instant) {
        let is_sluggish = runs.as_ref().is_some_and(|runs| self.sluggish.contains(runs));
        if is_sluggish && self.has_room_for_slow() {
            self.slow.insert(worker, now);
        } else {
            self.quick.push_back((now, worker));
        }
        if let Some(runs) = runs {
            self.runs.insert(worker, runs);
        }
    }

    /// A worker ended.
    pub(crate) fn ended(&mut self, worker: Id, now: Instant) {
        self.quick.retain(|(_, other)| *other != worker);
        let runs = self.runs.remove(&worker);
        let began = self.slow.remove(&worker);
        let was_quick = began.is_some_and(|began| now.duration_since(began) < self.limits.after);
        if let Some(runs) = runs.filter(|_| was_quick) {
            self.sluggish.remove(&runs);
        }
    }

    /// Counts those among the slow that have worked long enough.
    pub(crate) fn sort(&mut self, now: Instant) {
        while self.has_room_for_slow()
            && let Some((began, worker)) = self.quick.front().copied()
            && now.duration_since(began) >= self.limits.after
        {
            self.quick.pop_front();
            self.slow.insert(worker, began);
            if let Some(runs) = self.runs.get(&worker) {
                self.sluggish.insert(runs.clone());
            }
        }
    }

    /// When somebody makes room by being slow; none if there is room, or will not be any.
    pub(crate) fn next_room(&self) -> Option<Instant> {
        let waits = !self.has_room() && self.has_room_for_slow();
        let (began, _) = self.quick.front().filter(|_| waits)?;
        Some(*began + self.limits.after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        Pace::new(Limits { quick: 2, slow: 3, after: Duration::from_secs(1) })
    }

    /// Ids of workers.
    async fn ids<const N: usize>() -> [Id; N] {
        std::array::from_fn(|_| tokio::spawn(async {}).id())
    }

    #[tokio::test]
    async fn who_is_slow_makes_room() {
        let (mut pace, start, [a, b, c, d, e]) = (pace(), Instant::now(), ids().await);
        for worker in [a, b] {
            pace.began(worker, Some("Slow".to_owned()), start);
        }
        assert!(!pace.has_room());
        let second = start + Duration::from_secs(1);
        assert_eq!(pace.next_room(), Some(second));
        pace.sort(start + Duration::from_millis(999));
        assert!(!pace.has_room());
        pace.sort(second);
        assert!(pace.has_room() && pace.next_room().is_none());
        pace.began(c, Some("Slow".to_owned()), second);
        assert_eq!((pace.slow.len(), pace.quick.len()), (3, 0), "it is known to be slow");
        pace.began(d, Some("Slow".to_owned()), second);
        pace.began(e, Some("Quick".to_owned()), second);
        assert!(!pace.has_room());
        pace.sort(second + Duration::from_secs(9));
        assert!(!pace.has_room() && pace.next_room().is_none(), "there is an end to it");
        pace.ended(a, second);
        pace.sort(second + Duration::from_secs(9));
        assert!(pace.has_room());
    }

    #[tokio::test]
    async fn a_step_may_become_quick_again() {
        let (mut pace, start, [a, b, c]) = (pace(), Instant::now(), ids().await);
        pace.began(a, Some("S".to_owned()), start);
        let second = start + Duration::from_secs(1);
        pace.sort(second);
        pace.began(b, Some("S".to_owned()), second);
        pace.ended(b, second + Duration::from_millis(10));
        pace.began(c, Some("S".to_owned()), second);
        assert_eq!((pace.slow.len(), pace.quick.len()), (1, 1));
    }
}
