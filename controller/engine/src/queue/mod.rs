//! The work queue: which object is next.
//!
//! Pure: it is given the time. Each object is in it at most once, whatever happens to it meanwhile; an object that is
//! being reconciled is not given out again before [`Queue::finish`].

mod lines;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use xos_model::ObjectKey;

pub(crate) use lines::{Group, Head, Lines};

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
    /// What is due.
    due: Lines,
    /// What is being reconciled.
    running: HashMap<ObjectKey, Running>,
    timers: BTreeSet<(Timestamp, ObjectKey)>,
    timer_of: HashMap<ObjectKey, (Timestamp, Priority)>,
}

/// An object that is being reconciled.
#[derive(Debug)]
struct Running {
    /// As what it was taken.
    priority: Priority,
    group: Group,
    /// Whether it is to be reconciled again afterwards.
    again: Option<Priority>,
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
        self.add_of(key, None, priority, now);
    }

    /// Adds an object that this field manager has changed.
    pub(crate) fn add_of(&mut self, key: &ObjectKey, writer: Option<Arc<str>>, priority: Priority, now: Timestamp) {
        if let Some(running) = self.running.get_mut(key) {
            running.again = Some(running.again.map_or(priority, |other| other.min(priority)));
            if writer.is_some() {
                running.group.writer = writer;
            }
            return;
        }
        self.due.add(key, Group::of(key, writer), priority, now);
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
        self.due.remove(key);
        if let Some(running) = self.running.get_mut(key) {
            running.again = None;
        }
    }

    /// Removes all objects; those that are being reconciled will not be again.
    pub(crate) fn clear(&mut self) {
        self.running.values_mut().for_each(|running| running.again = None);
        (self.due, self.timers, self.timer_of) = (Lines::default(), BTreeSet::new(), HashMap::new());
    }

    /// Returns the next object; it counts as being reconciled until [`Queue::finish`]. Its timer is cleared.
    pub(crate) fn take(&mut self, now: Timestamp) -> Option<Taken> {
        self.ring(now);
        let Head { key, group, priority, since } = self.due.pop(now, |_| true)?;
        self.clear_timer(&key);
        self.running.insert(key.clone(), Running { priority, group, again: None });
        Some(Taken { key, waited: now.duration_since(since) })
    }

    /// Notes that an object has been reconciled; it comes again if it was added meanwhile.
    pub(crate) fn finish(&mut self, key: &ObjectKey, now: Timestamp) {
        if let Some(Running { group, again: Some(priority), .. }) = self.running.remove(key) {
            self.due.add(key, group, priority, now);
        }
    }

    /// Returns as what an object that is being reconciled was taken, and its group.
    pub(crate) fn taken_as(&self, key: &ObjectKey) -> (Priority, Group) {
        let taken = self.running.get(key).map(|running| (running.priority, running.group.clone()));
        taken.unwrap_or_else(|| (Priority::Retry, Group::of(key, None)))
    }

    /// Returns whether the object is being reconciled.
    pub(crate) fn is_running(&self, key: &ObjectKey) -> bool {
        self.running.contains_key(key)
    }

    /// Returns how many objects are due, by priority.
    pub(crate) fn depth(&self) -> [usize; Priority::ALL.len()] {
        self.due.depth()
    }

    /// Takes in that the clock was set back by this much: what waits for a time waits no longer than it would have.
    pub(crate) fn clock_went_back(&mut self, by: SignedDuration) {
        let earlier = |at: Timestamp| at.checked_sub(by).unwrap_or(Timestamp::MIN);
        self.timers = std::mem::take(&mut self.timers).into_iter().map(|(at, key)| (earlier(at), key)).collect();
        self.timer_of.values_mut().for_each(|(at, _)| *at = earlier(*at));
        self.due.clock_went_back(by);
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
