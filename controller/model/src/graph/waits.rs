//! The objects that wait for others.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Address, Dependency, Graph, components};
use crate::object::ObjectKey;

/// What an object waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Blocker {
    /// An object that is not done, or, on deletion, not gone.
    Object(ObjectKey),
    /// An object that does not exist.
    Missing(Address),
}

/// The objects that wait, each for one blocker at a time: that is enough to wake it, and the cost of waking grows only
/// with the links that are touched.
#[derive(Clone, Debug, Default)]
pub struct Waits {
    waiting: HashMap<ObjectKey, Blocker>,
    waiters: HashMap<Blocker, BTreeSet<ObjectKey>>,
    /// Pairs (waiting object, blocker) in cycles, which are not waited for.
    exempt: HashSet<(ObjectKey, ObjectKey)>,
}

impl Waits {
    /// Returns what a live object has to wait for, if anything; [`set`](Self::set) then registers it.
    ///
    /// Of several blockers it is the last one: if they are done in their order, the object is woken only once.
    pub fn find(&self, graph: &Graph, key: &ObjectKey) -> Option<Blocker> {
        graph.dependencies(key).filter_map(|dependency| self.blocks(graph, key, dependency)).last()
    }

    fn blocks(&self, graph: &Graph, key: &ObjectKey, dependency: Dependency) -> Option<Blocker> {
        match dependency {
            Dependency::Missing(address) => Some(Blocker::Missing(address)),
            Dependency::Present(other) => {
                let waits = graph.is_unsettled(&other) && other != *key && !self.is_exempt(key, &other);
                waits.then_some(Blocker::Object(other))
            }
        }
    }

    /// Returns what an object that is being deleted has to wait for, if anything: those that depend on it go before it
    /// does.
    ///
    /// In a cycle, it does not wait for objects that are being deleted too: a protected object stays, and so does what
    /// it leads to.
    pub fn find_deleting(
        &self,
        graph: &Graph,
        key: &ObjectKey,
        is_deleting: impl Fn(&ObjectKey) -> bool,
    ) -> Option<Blocker> {
        let cascade = graph.cascade(key);
        let blocks = |other: &ObjectKey| !(self.is_exempt(key, other) && is_deleting(other));
        cascade.into_iter().rfind(blocks).map(Blocker::Object)
    }

    /// Registers what an object waits for from now on; `None`: nothing.
    pub fn set(&mut self, key: &ObjectKey, blocker: Option<Blocker>) {
        if self.waiting.get(key) != blocker.as_ref() {
            self.forget(key);
            if let Some(blocker) = blocker {
                self.waiters.entry(blocker.clone()).or_default().insert(key.clone());
                self.waiting.insert(key.clone(), blocker);
            }
        }
    }

    /// Returns what an object waits for.
    pub fn blocker(&self, key: &ObjectKey) -> Option<&Blocker> {
        self.waiting.get(key)
    }

    /// Forgets that an object waits: it is handled, or gone.
    pub fn forget(&mut self, key: &ObjectKey) {
        if let Some(blocker) = self.waiting.remove(key)
            && let Some(waiters) = self.waiters.get_mut(&blocker)
        {
            waiters.remove(key);
            if waiters.is_empty() {
                self.waiters.remove(&blocker);
            }
        }
    }

    /// Forgets a blocker, and returns the objects that waited for it, to be checked again.
    pub fn wake(&mut self, blocker: &Blocker) -> BTreeSet<ObjectKey> {
        let woken = self.waiters.remove(blocker).unwrap_or_default();
        for key in &woken {
            self.waiting.remove(key);
        }
        woken
    }

    /// Forgets that an object was missing, and returns the objects that waited for it.
    pub fn wake_for_new(&mut self, graph: &Graph, key: &ObjectKey) -> BTreeSet<ObjectKey> {
        let classes = graph.shapes.get(&key.model);
        let addresses = classes.iter().flat_map(|shape| &shape.ancestry).map(|class| Address::of(class, key));
        addresses.flat_map(|address| self.wake(&Blocker::Missing(address))).collect()
    }

    /// Returns all objects that wait for an object, directly or through others.
    pub fn followers(&self, key: &ObjectKey) -> BTreeSet<ObjectKey> {
        let mut found = BTreeSet::new();
        let mut open = vec![key.clone()];
        while let Some(key) = open.pop() {
            let waiters = self.waiters.get(&Blocker::Object(key)).into_iter().flatten();
            open.extend(waiters.filter(|waiter| found.insert((*waiter).clone())).cloned());
        }
        found
    }

    /// Returns the number of objects that wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Returns whether no object waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Returns the end of the chain of blockers of an object: the object or name that blocks all of them, and how
    /// many are in between. In a cycle that is not broken yet it is the object itself.
    pub fn root<'a>(&'a self, key: &'a ObjectKey) -> Option<(&'a Blocker, usize)> {
        let mut last = self.waiting.get(key)?;
        let mut between = 0;
        while let Blocker::Object(other) = last
            && other != key
            && between <= self.waiting.len()
            && let Some(next) = self.waiting.get(other)
        {
            (last, between) = (next, between + 1);
        }
        Some((last, between))
    }

    /// Finds the cycles of objects that wait, each from some object to the one that waits for it, and breaks them:
    /// objects in a cycle no longer wait for each other. The objects of the cycles are to be checked again.
    pub fn break_cycles(&mut self, graph: &Graph, is_deleting: impl Fn(&ObjectKey) -> bool) -> Vec<Vec<ObjectKey>> {
        let next = |key: &ObjectKey| self.held_by(graph, key, is_deleting(key));
        let cycles = components(self.waiting.keys().cloned(), next);
        for cycle in &cycles {
            let members: HashSet<_> = cycle.iter().collect();
            for key in cycle {
                let others = self.held_by(graph, key, is_deleting(key));
                let inside = others.into_iter().filter(|other| members.contains(other));
                self.exempt.extend(inside.map(|other| (key.clone(), other)));
            }
            for key in cycle {
                self.forget(key);
            }
        }
        cycles
    }

    /// Returns all objects that an object waits for, except those in a cycle with it.
    fn held_by(&self, graph: &Graph, key: &ObjectKey, is_deleting: bool) -> Vec<ObjectKey> {
        if is_deleting {
            return graph.cascade(key).into_iter().filter(|other| !self.is_exempt(key, other)).collect();
        }
        let blockers = graph.dependencies(key).filter_map(|dependency| self.blocks(graph, key, dependency));
        let object = |blocker| match blocker {
            Blocker::Object(key) => Some(key),
            Blocker::Missing(_) => None,
        };
        blockers.filter_map(object).collect()
    }

    fn is_exempt(&self, key: &ObjectKey, other: &ObjectKey) -> bool {
        !self.exempt.is_empty() && self.exempt.contains(&(key.clone(), other.clone()))
    }

    /// Forgets the cycles through an object, because its links changed or it is gone.
    pub fn unexempt(&mut self, key: &ObjectKey) {
        if !self.exempt.is_empty() {
            self.exempt.retain(|(one, other)| one != key && other != key);
        }
    }
}
