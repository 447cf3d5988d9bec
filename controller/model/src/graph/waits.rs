//! The objects that wait for others.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::{Address, Dependency, Graph, Standing, components};
use crate::object::ObjectKey;

/// What an object waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Blocker {
    /// An object that is not done, or, on deletion, not gone.
    Object(ObjectKey),
    /// An object that does not exist.
    Missing(Address),
}

impl Blocker {
    /// Returns the model of the object, or the class that the link to it names.
    pub fn class(&self) -> &Arc<str> {
        match self {
            Self::Object(key) => &key.model,
            Self::Missing(address) => &address.class,
        }
    }
}

/// How many blockers of an object are named; of the others there is only a count.
const NAMED: usize = 3;

/// The objects that wait, each for all of its blockers: it is woken when the last of them is done, and waking costs
/// what the links that are touched cost.
#[derive(Clone, Debug, Default)]
pub struct Waits {
    waiting: HashMap<ObjectKey, Waiting>,
    /// Who waits for what, with the place of the blocker among all of the object's.
    waiters: HashMap<Blocker, BTreeMap<ObjectKey, usize>>,
    /// Pairs (waiting object, blocker) in cycles, which are not waited for.
    exempt: HashSet<(ObjectKey, ObjectKey)>,
}

#[derive(Clone, Debug, Default)]
struct Waiting {
    /// In the order of the object's links; what no longer blocks leaves a gap.
    blockers: Vec<Option<Blocker>>,
    /// How many there are still.
    left: usize,
    /// Whether the object is being deleted, and waits for those that go before it.
    is_deleting: bool,
}

impl Waiting {
    fn all(&self) -> impl Iterator<Item = &Blocker> {
        self.blockers.iter().flatten()
    }

    /// Returns whether the blocker at this place is one of those that are named.
    fn names(&self, at: usize) -> bool {
        self.blockers.iter().take(at).flatten().take(NAMED).count() < NAMED
    }

    fn take_out(&mut self, at: usize) {
        if self.blockers.get_mut(at).is_some_and(|blocker| blocker.take().is_some()) {
            self.left -= 1;
        }
    }
}

/// Who has one blocker less.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Woken {
    /// They wait for nothing more.
    pub free: BTreeSet<ObjectKey>,
    /// They wait for others still.
    pub waiting: BTreeSet<ObjectKey>,
}

impl Waits {
    /// Returns all that a live object has to wait for, in the order of its links; [`set`](Self::set) then registers it.
    pub fn find(&self, graph: &Graph, key: &ObjectKey) -> Vec<Blocker> {
        graph.dependencies(key).filter_map(|dependency| self.blocks(graph, key, dependency)).collect()
    }

    fn blocks(&self, graph: &Graph, key: &ObjectKey, dependency: Dependency) -> Option<Blocker> {
        match dependency {
            Dependency::Missing(address) => Some(Blocker::Missing(address)),
            Dependency::Leaving(other) => (other != *key).then_some(Blocker::Object(other)),
            Dependency::Present(other) => {
                let is_unsettled = graph.standing(&other) == Some(Standing::Unsettled);
                let waits = is_unsettled && other != *key && !self.is_exempt(key, &other);
                waits.then_some(Blocker::Object(other))
            }
        }
    }

    /// Returns all that an object which is being deleted has to wait for: those that depend on it go before it does.
    ///
    /// In a cycle, it does not wait for objects that are being deleted too: a protected object stays, and so does what
    /// it leads to.
    pub fn find_deleting(
        &self,
        graph: &Graph,
        key: &ObjectKey,
        is_deleting: impl Fn(&ObjectKey) -> bool,
    ) -> Vec<Blocker> {
        let cascade = graph.cascade(key);
        let blocks = |other: &ObjectKey| !(self.is_exempt(key, other) && is_deleting(other));
        cascade.into_iter().filter(blocks).map(Blocker::Object).collect()
    }

    /// Registers what an object waits for from now on, in order; none: nothing. `is_deleting`: it is being deleted.
    pub fn set(&mut self, key: &ObjectKey, blockers: Vec<Blocker>, is_deleting: bool) {
        self.forget(key);
        if blockers.is_empty() {
            return;
        }
        let mut waiting = Waiting { blockers: Vec::with_capacity(blockers.len()), left: 0, is_deleting };
        for blocker in blockers {
            // Two links may lead to one object.
            if let Entry::Vacant(free) = self.waiters.entry(blocker.clone()).or_default().entry(key.clone()) {
                free.insert(waiting.blockers.len());
                waiting.blockers.push(Some(blocker));
                waiting.left += 1;
            }
        }
        self.waiting.insert(key.clone(), waiting);
    }

    /// Returns what an object waits for, in order.
    pub fn blockers(&self, key: &ObjectKey) -> impl Iterator<Item = &Blocker> {
        self.waiting.get(key).into_iter().flat_map(Waiting::all)
    }

    /// Returns the blockers of an object that are to be named, and how many there are of each class beside them.
    pub fn named(&self, key: &ObjectKey) -> (Vec<&Blocker>, BTreeMap<Arc<str>, usize>) {
        let named = self.blockers(key).take(NAMED).collect();
        let mut others = BTreeMap::new();
        for blocker in self.blockers(key).skip(NAMED) {
            *others.entry(Arc::clone(blocker.class())).or_default() += 1;
        }
        (named, others)
    }

    /// Forgets that an object waits: it is handled, or gone.
    pub fn forget(&mut self, key: &ObjectKey) {
        for blocker in self.waiting.remove(key).into_iter().flat_map(|waiting| waiting.blockers).flatten() {
            if let Some(waiters) = self.waiters.get_mut(&blocker) {
                waiters.remove(key);
                if waiters.is_empty() {
                    self.waiters.remove(&blocker);
                }
            }
        }
    }

    /// Forgets a blocker, and returns the objects that waited for it. Those that are free are to be checked again.
    pub fn wake(&mut self, blocker: &Blocker) -> Woken {
        let mut woken = Woken::default();
        for (key, at) in self.waiters.remove(blocker).unwrap_or_default() {
            let Some(waiting) = self.waiting.get_mut(&key) else { continue };
            waiting.take_out(at);
            if waiting.left == 0 {
                self.waiting.remove(&key);
                woken.free.insert(key);
            } else {
                woken.waiting.insert(key);
            }
        }
        woken
    }

    /// Returns the live objects that wait for an object, or those that are being deleted.
    pub fn waiters(&self, key: &ObjectKey, is_deleting: bool) -> impl Iterator<Item = &ObjectKey> {
        let all = self.waiters.get(&Blocker::Object(key.clone())).into_iter().flat_map(BTreeMap::keys);
        all.filter(move |key| self.waiting.get(key).is_some_and(|waiting| waiting.is_deleting == is_deleting))
    }

    /// Forgets that an object was missing, and returns the objects that waited for it.
    pub fn wake_for_new(&mut self, graph: &Graph, key: &ObjectKey) -> Woken {
        let mut woken = Woken::default();
        let classes = graph.shapes.get(&key.model);
        for class in classes.iter().flat_map(|shape| &shape.ancestry) {
            let Woken { free, waiting } = self.wake(&Blocker::Missing(Address::of(class, key)));
            woken.free.extend(free);
            woken.waiting.extend(waiting);
        }
        woken.waiting.retain(|key| !woken.free.contains(key));
        woken
    }

    /// Returns all objects whose status may name an object as what they wait for, directly or through others.
    pub fn followers(&self, key: &ObjectKey) -> BTreeSet<ObjectKey> {
        let mut found = BTreeSet::new();
        let mut open = vec![key.clone()];
        while let Some(key) = open.pop() {
            let waiters = self.waiters.get(&Blocker::Object(key)).into_iter().flatten();
            let names = |waiter: &ObjectKey, at| self.waiting.get(waiter).is_some_and(|waiting| waiting.names(at));
            let named = waiters.filter(|(waiter, at)| names(waiter, **at)).map(|(waiter, _)| waiter);
            open.extend(named.filter(|waiter| found.insert((*waiter).clone())).cloned());
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

    /// Returns the end of the chain that begins with a blocker: the object or name that blocks all of them. Of several
    /// blockers the chain goes by the first. In a cycle that is not broken yet it ends anywhere in it.
    pub fn root<'a>(&'a self, blocker: &'a Blocker) -> &'a Blocker {
        let mut last = blocker;
        let mut between = 0;
        while let Blocker::Object(other) = last
            && between <= self.waiting.len()
            && let Some(next) = self.blockers(other).next()
            && next != blocker
        {
            (last, between) = (next, between + 1);
        }
        last
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
        let present = graph.dependencies(key).filter(|dependency| matches!(dependency, Dependency::Present(_)));
        let blockers = present.filter_map(|dependency| self.blocks(graph, key, dependency));
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
