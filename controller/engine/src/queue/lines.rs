//! Lines of objects: by priority, and within one priority fair by namespace and writer.
//!
//! Pure. Every operation is O(1), but for looking past those that are not admitted.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use xos_model::ObjectKey;

use super::Priority;

/// A retry or resync that has waited this long takes turns with what goes before it, so that changes that keep coming
/// do not starve it.
const AGED: SignedDuration = SignedDuration::from_secs(10);
/// One of this many objects that are taken in a row is a retry, if there is an aged one.
const RETRY_TURN: u64 = 4;
/// The same for resyncs.
const RESYNC_TURN: u64 = 8;

/// Those who share what is free: the objects of one namespace that one writer has changed last.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Group {
    pub(crate) namespace: Arc<str>,
    /// The field manager, where it is known.
    pub(crate) writer: Option<Arc<str>>,
}

impl Group {
    pub(crate) fn of(key: &ObjectKey, writer: Option<Arc<str>>) -> Self {
        Self { namespace: Arc::clone(&key.namespace), writer }
    }
}

/// An object that was at the head of the lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) key: ObjectKey,
    pub(crate) group: Group,
    pub(crate) priority: Priority,
    /// Since when it was in the lines.
    pub(crate) since: Timestamp,
}

/// The lines. Each object is in them at most once.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// By priority. An entry counts only if `waiting` still gives its key that priority.
    lines: [Fair; Priority::ALL.len()],
    /// The objects in the lines, and since when they are in them.
    waiting: HashMap<ObjectKey, (Priority, Timestamp)>,
    /// How many objects wait, by priority.
    depth: [usize; Priority::ALL.len()],
    /// How many were taken.
    taken: u64,
}

impl Lines {
    /// Adds an object; it moves up if it was in with less priority.
    pub(crate) fn add(&mut self, key: &ObjectKey, group: Group, priority: Priority, now: Timestamp) {
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
        self.lines[priority as usize].push(group, key.clone());
    }

    /// Removes an object. Returns whether it was in.
    pub(crate) fn remove(&mut self, key: &ObjectKey) -> bool {
        let Some((priority, _)) = self.waiting.remove(key) else { return false };
        self.depth[priority as usize] -= 1;
        self.forget_stale();
        true
    }

    /// Takes the next object of those groups that are admitted.
    pub(crate) fn pop(&mut self, now: Timestamp, admits: impl Fn(&Group) -> bool) -> Option<Head> {
        let head = self.order(now).into_iter().find_map(|priority| self.pop_of(priority, &admits));
        self.taken += u64::from(head.is_some());
        self.forget_stale();
        head
    }

    /// Takes in that the clock was set back.
    pub(crate) fn clock_went_back(&mut self, by: SignedDuration) {
        self.waiting.values_mut().for_each(|(_, since)| *since = since.checked_sub(by).unwrap_or(Timestamp::MIN));
    }

    /// Returns how many objects are in, by priority.
    pub(crate) fn depth(&self) -> [usize; Priority::ALL.len()] {
        self.depth
    }

    /// Returns how many objects are in.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Returns whether an object is in.
    pub(crate) fn contains(&self, key: &ObjectKey) -> bool {
        self.waiting.contains_key(key)
    }

    /// Returns the priorities in the order in which they are asked this time.
    fn order(&mut self, now: Timestamp) -> [Priority; Priority::ALL.len()] {
        use Priority::{Change, Resync, Retry};
        let turn = self.taken + 1;
        if turn.is_multiple_of(RESYNC_TURN) && self.has_aged(Resync, now) {
            [Resync, Change, Retry]
        } else if turn.is_multiple_of(RETRY_TURN) && self.has_aged(Retry, now) {
            [Retry, Change, Resync]
        } else {
            Priority::ALL
        }
    }

    /// Returns whether the next object of a priority has waited for long.
    fn has_aged(&mut self, priority: Priority, now: Timestamp) -> bool {
        if self.depth[priority as usize] == 0 {
            return false;
        }
        let line = &mut self.lines[priority as usize];
        while let Some(key) = line.peek() {
            match self.waiting.get(key) {
                Some((present, since)) if *present == priority => return now.duration_since(*since) >= AGED,
                _ => drop(line.pop(&|_| true)),
            }
        }
        false
    }

    fn pop_of(&mut self, priority: Priority, admits: &impl Fn(&Group) -> bool) -> Option<Head> {
        if self.depth[priority as usize] == 0 {
            return None;
        }
        while let Some((group, key)) = self.lines[priority as usize].pop(admits) {
            if let Some((present, since)) = self.waiting.get(&key).copied()
                && present == priority
            {
                self.waiting.remove(&key);
                self.depth[priority as usize] -= 1;
                return Some(Head { key, group, priority, since });
            }
        }
        None
    }

    /// Entries of objects that have moved up or were removed are dropped when nothing else is in.
    fn forget_stale(&mut self) {
        if self.waiting.is_empty() {
            self.lines = Default::default();
        }
    }
}

/// Objects in order of arrival, the groups in turn: a crowd of one group does not delay a single object of another.
#[derive(Debug, Default)]
struct Fair {
    groups: HashMap<Group, VecDeque<ObjectKey>>,
    /// The groups that have objects, the next one first.
    turns: VecDeque<Group>,
}

impl Fair {
    fn push(&mut self, group: Group, key: ObjectKey) {
        if let Some(line) = self.groups.get_mut(&group) {
            return line.push_back(key);
        }
        self.turns.push_back(group.clone());
        self.groups.insert(group, VecDeque::from([key]));
    }

    fn peek(&self) -> Option<&ObjectKey> {
        self.groups.get(self.turns.front()?)?.front()
    }

    fn pop(&mut self, admits: &impl Fn(&Group) -> bool) -> Option<(Group, ObjectKey)> {
        for _ in 0..self.turns.len() {
            let group = self.turns.pop_front()?;
            if !admits(&group) {
                self.turns.push_back(group);
                continue;
            }
            let line = self.groups.get_mut(&group)?;
            let key = line.pop_front()?;
            if line.is_empty() {
                self.groups.remove(&group);
            } else {
                self.turns.push_back(group.clone());
            }
            return Some((group, key));
        }
        None
    }
}
