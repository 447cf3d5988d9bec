//! The work queue: which object is next.
//!
//! Pure: it is given the time. Each object is in it at most once, whatever happens to it meanwhile; an object that is
//! being reconciled is not given out again before [`Queue::finish`].

use std::collections::{BTreeSet, HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
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

impl Priority {
    /// All priorities, the first one first.
    pub const ALL: [Self; 3] = [Self::Change, Self::Retry, Self::Resync];

    /// Returns the name: `change`, `retry` or `resync`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Retry => "retry",
            Self::Resync => "resync",
        }
    }
}

/// The queue. Every operation is O(log n) or better.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// By priority, in order of arrival. An entry counts only if `waiting` still gives its key that priority.
    lines: [VecDeque<ObjectKey>; Priority::ALL.len()],
    /// The objects in the lines, and since when they are in them.
    waiting: HashMap<ObjectKey, (Priority, Timestamp)>,
    /// How many objects wait, by priority.
    depth: [usize; Priority::ALL.len()],
    /// What is being reconciled, and whether it is to be reconciled again afterwards.
    running: HashMap<ObjectKey, Option<Priority>>,
    timers: BTreeSet<(Timestamp, ObjectKey)>,
    timer_of: HashMap<ObjectKey, (Timestamp, Priority)>,
}

/// An object that was taken from the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) key: ObjectKey,
    /// How long it has waited since it was due.
    pub(crate) waited: SignedDuration,
}

impl Queue {
    /// Adds an object; it moves up if it was in with less priority.
    pub(crate) fn add(&mut self, key: &ObjectKey, priority: Priority, now: Timestamp) {
        if let Some(again) = self.running.get_mut(key) {
            *again = Some(again.map_or(priority, |other| other.min(priority)));
            return;
        }
        let mut since = now;
        if let Some((present, at)) = self.waiting.get(key).copied() {
            if present <= priority {
                return;
            }
            since = at;
            self.depth[present as usize] -= 1;
        }
        self.waiting.insert(key.clone(), (priority, since));
        self.depth[priority as usize] += 1;
        self.lines[priority as usize].push_back(key.clone());
    }

    /// Adds an object at a later time. An object has one timer: the new one replaces the old one.
    pub(crate) fn add_at(&mut self, key: &ObjectKey, at: Timestamp, priority: Priority) {
        self.clear_timer(key);
        self.timer_of.insert(key.clone(), (at, priority));
        self.timers.insert((at, key.clone()));
    }

    /// Adds an object at a later time, unless its timer rings before that.
    pub(crate) fn add_by(&mut self, key: &ObjectKey, at: Timestamp, priority: Priority) {
        if self.timer_of.get(key).is_none_or(|(rings, _)| *rings > at) {
            self.add_at(key, at, priority);
        }
    }

    /// Removes an object; if it is being reconciled, it will not be again.
    pub(crate) fn remove(&mut self, key: &ObjectKey) {
        self.clear_timer(key);
        if let Some((priority, _)) = self.waiting.remove(key) {
            self.depth[priority as usize] -= 1;
        }
        if let Some(again) = self.running.get_mut(key) {
            *again = None;
        }
    }

    /// Returns the next object; it counts as being reconciled until [`Queue::finish`]. Its timer is cleared.
    pub(crate) fn take(&mut self, now: Timestamp) -> Option<Taken> {
        self.ring(now);
        for priority in Priority::ALL {
            while let Some(key) = self.lines[priority as usize].pop_front() {
                let Some((present, since)) = self.waiting.get(&key).copied() else { continue };
                if present == priority {
                    self.waiting.remove(&key);
                    self.depth[priority as usize] -= 1;
                    self.clear_timer(&key);
                    self.running.insert(key.clone(), None);
                    return Some(Taken { key, waited: now.duration_since(since) });
                }
            }
        }
        None
    }

    /// Notes that an object has been reconciled; it comes again if it was added meanwhile.
    pub(crate) fn finish(&mut self, key: &ObjectKey, now: Timestamp) {
        if let Some(Some(priority)) = self.running.remove(key) {
            self.add(key, priority, now);
        }
    }

    /// Returns whether the object is being reconciled.
    pub(crate) fn is_running(&self, key: &ObjectKey) -> bool {
        self.running.contains_key(key)
    }

    /// Returns how many objects are due, by priority.
    pub(crate) fn depth(&self) -> [usize; Priority::ALL.len()] {
        self.depth
    }

    /// Takes in that the clock was set back by this much: what waits for a time waits no longer than it would have.
    pub(crate) fn clock_went_back(&mut self, by: SignedDuration) {
        let earlier = |at: Timestamp| at.checked_sub(by).unwrap_or(Timestamp::MIN);
        self.timers = std::mem::take(&mut self.timers).into_iter().map(|(at, key)| (earlier(at), key)).collect();
        self.timer_of.values_mut().for_each(|(at, _)| *at = earlier(*at));
        self.waiting.values_mut().for_each(|(_, since)| *since = earlier(*since));
    }

    /// Returns when the next timer rings.
    pub(crate) fn next_timer(&self) -> Option<Timestamp> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Moves what is due from the timers to the lines.
    fn ring(&mut self, now: Timestamp) {
        while self.next_timer().is_some_and(|at| at <= now) {
            if let Some((at, key)) = self.timers.pop_first() {
                let priority = self.timer_of.remove(&key).map_or(Priority::Retry, |(_, priority)| priority);
                self.add(&key, priority, at);
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
mod tests;
