//! The work queue: which object is next.
//!
//! Pure: it is given the time. Each object is in it at most once, whatever happens to it meanwhile; an object that is being handled is not
//! given out again before [`Queue::finish`].

use std::collections::{BTreeSet, HashMap, VecDeque};

use jiff::Timestamp;
use xos_model::ObjectKey;

/// What goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Something changed.
    Change,
    /// A failed or deferred attempt is due again.
    Retry,
    /// A clean object is to be looked after.
    Resync,
}

const PRIORITIES: [Priority; 3] = [Priority::Change, Priority::Retry, Priority::Resync];

/// The queue. Every operation is O(log n) or better.
#[derive(Debug, Default)]
pub struct Queue {
    /// Per priority, in order of arrival. An entry counts only if `waiting` still gives its key that priority.
    lines: [VecDeque<ObjectKey>; PRIORITIES.len()],
    waiting: HashMap<ObjectKey, Priority>,
    /// What is being handled, and whether it is to be handled again afterwards.
    running: HashMap<ObjectKey, Option<Priority>>,
    timers: BTreeSet<(Timestamp, ObjectKey)>,
    timer_of: HashMap<ObjectKey, (Timestamp, Priority)>,
}

impl Queue {
    /// Adds an object; it moves up if it was in with less priority.
    pub fn add(&mut self, key: &ObjectKey, priority: Priority) {
        if let Some(again) = self.running.get_mut(key) {
            *again = Some(again.map_or(priority, |other| other.min(priority)));
            return;
        }
        if self.waiting.get(key).is_some_and(|&present| present <= priority) {
            return;
        }
        self.waiting.insert(key.clone(), priority);
        self.lines[priority as usize].push_back(key.clone());
    }

    /// Adds an object at a later time. An object has one timer: the new one replaces the old one.
    pub fn add_at(&mut self, key: &ObjectKey, at: Timestamp, priority: Priority) {
        self.clear_timer(key);
        self.timer_of.insert(key.clone(), (at, priority));
        self.timers.insert((at, key.clone()));
    }

    /// Forgets an object that is gone, but for the fact that it may be running.
    pub fn remove(&mut self, key: &ObjectKey) {
        self.clear_timer(key);
        self.waiting.remove(key);
        if let Some(again) = self.running.get_mut(key) {
            *again = None;
        }
    }

    /// The next object to handle; it counts as running until [`Queue::finish`]. Its timer is cleared.
    pub fn take(&mut self, now: Timestamp) -> Option<ObjectKey> {
        self.ring(now);
        for priority in PRIORITIES {
            while let Some(key) = self.lines[priority as usize].pop_front() {
                if self.waiting.get(&key) == Some(&priority) {
                    self.waiting.remove(&key);
                    self.clear_timer(&key);
                    self.running.insert(key.clone(), None);
                    return Some(key);
                }
            }
        }
        None
    }

    /// The object has been handled; it comes again if it was added meanwhile.
    pub fn finish(&mut self, key: &ObjectKey) {
        if let Some(Some(priority)) = self.running.remove(key) {
            self.add(key, priority);
        }
    }

    /// Whether the object is being handled.
    pub fn is_running(&self, key: &ObjectKey) -> bool {
        self.running.contains_key(key)
    }

    /// When the next timer rings.
    pub fn next_timer(&self) -> Option<Timestamp> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Moves what is due from the timers to the lines.
    fn ring(&mut self, now: Timestamp) {
        while self.next_timer().is_some_and(|at| at <= now) {
            if let Some((_, key)) = self.timers.pop_first() {
                let priority = self.timer_of.remove(&key).map_or(Priority::Retry, |(_, priority)| priority);
                self.add(&key, priority);
            }
        }
    }

    fn clear_timer(&mut self, key: &ObjectKey) {
        if let Some((at, _)) = self.timer_of.remove(key) {
            self.timers.remove(&(at, key.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(name: &str) -> ObjectKey {
        ObjectKey::new("M", "n", name)
    }
    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }
    fn take(queue: &mut Queue, second: i64) -> Option<String> {
        queue.take(at(second)).map(|k| k.name.to_string())
    }

    #[test]
    fn changes_go_before_retries() {
        let mut q = Queue::default();
        q.add(&key("retry"), Priority::Retry);
        q.add(&key("both"), Priority::Retry);
        q.add(&key("change"), Priority::Change);
        q.add(&key("both"), Priority::Change);
        let order: Vec<_> = std::iter::from_fn(|| take(&mut q, 0)).collect();
        assert_eq!(order, ["change", "both", "retry"]);
    }

    #[test]
    fn never_twice_at_once_and_never_lost() {
        let mut q = Queue::default();
        q.add(&key("a"), Priority::Change);
        assert_eq!(take(&mut q, 0).as_deref(), Some("a"));
        q.add(&key("a"), Priority::Change);
        assert_eq!(take(&mut q, 0), None);
        q.finish(&key("a"));
        assert_eq!(take(&mut q, 0).as_deref(), Some("a"));
        q.finish(&key("a"));
        assert_eq!(take(&mut q, 0), None);
    }

    #[test]
    fn timers_ring_once_and_are_replaced() {
        let mut q = Queue::default();
        q.add_at(&key("a"), at(10), Priority::Retry);
        q.add_at(&key("a"), at(20), Priority::Retry);
        assert_eq!(q.next_timer(), Some(at(20)));
        assert_eq!(take(&mut q, 19), None);
        assert_eq!(take(&mut q, 20).as_deref(), Some("a"));
        q.finish(&key("a"));
        assert_eq!((take(&mut q, 99), q.next_timer()), (None, None));
    }

    #[test]
    fn a_change_clears_the_timer() {
        let mut q = Queue::default();
        q.add_at(&key("a"), at(10), Priority::Retry);
        q.add(&key("a"), Priority::Change);
        assert_eq!(take(&mut q, 0).as_deref(), Some("a"));
        assert_eq!(q.next_timer(), None);
    }

    proptest! {
        /// Whatever is added is given out, and never to two at once.
        #[test]
        fn nothing_is_lost(steps in proptest::collection::vec((0u8..4, 0u8..5), 0..200)) {
            let mut q = Queue::default();
            let (mut running, mut owed) = (std::collections::HashSet::new(), std::collections::HashSet::new());
            for (step, name) in steps {
                let k = key(&name.to_string());
                match step {
                    0 => { q.add(&k, Priority::Change); owed.insert(k); }
                    1 => { q.add(&k, Priority::Retry); owed.insert(k); }
                    2 => if let Some(k) = q.take(at(0)) { owed.remove(&k); prop_assert!(running.insert(k)); },
                    _ => if running.remove(&k) { q.finish(&k); },
                }
            }
            for k in running { q.finish(&k); }
            while let Some(k) = q.take(at(0)) { owed.remove(&k); }
            prop_assert!(owed.is_empty());
        }
    }
}
