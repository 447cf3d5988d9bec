//! Deletions that would take many others along: how many, whether that is confirmed, and which held ones are to be looked
//! at again.
//!
//! Pure: it is given the graph of links and the objects.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use xos_model::brake::{Confirmation, DELETION_HELD, Tally};
use xos_model::graph::Graph;
use xos_model::names::{CONFIRM_DELETION, annotation};
use xos_model::record::Wait;
use xos_model::{Object, ObjectKey};

use crate::registry::Entry;

/// How objects are looked up.
pub(crate) type Get<'a> = dyn Fn(&ObjectKey) -> Option<Arc<Object>> + 'a;

/// Returns the objects that the deletion of an object takes along, directly or through others, and that are not being
/// deleted yet: at most `most`. What hangs on one that is being deleted already goes, or waits, with that one.
pub(crate) fn taken_along(graph: &Graph, get: &Get<'_>, key: &ObjectKey, most: usize) -> Vec<ObjectKey> {
    let is_live = |key: &ObjectKey| get(key).is_some_and(|o| o.meta.deleting.is_none() && !o.flag("write_protect"));
    let mut seen: HashSet<ObjectKey> = [key.clone()].into();
    let mut found: Vec<ObjectKey> = vec![];
    let mut next = 0;
    let mut current = key.clone();
    loop {
        #[cfg(test)]
        VISITS.with(|visits| visits.set(visits.get() + 1));
        for other in graph.cascade(&current) {
            if found.len() >= most {
                return found;
            }
            if is_live(&other) && seen.insert(other.clone()) {
                found.push(other);
            }
        }
        let Some(open) = found.get(next) else { return found };
        current = open.clone();
        next += 1;
    }
}

/// Returns how many objects the deletion of an object may take along: as many as the limit says, or as were confirmed,
/// of it or of one that it is being deleted with.
pub(crate) fn allowed(graph: &Graph, get: &Get<'_>, object: &Object, limit: usize, wanted: usize) -> usize {
    let mut most = limit.max(Confirmation::of(object).objects());
    let mut seen = HashSet::new();
    let mut open = vec![object.key()];
    // Nearest first: mostly the one that takes it along is confirmed, or there is none.
    while let Some(key) = open.pop().filter(|_| most < wanted) {
        for other in graph.taken_along_by(&key).into_iter().filter_map(|key| get(&key)) {
            if other.meta.deleting.is_some() && seen.insert(other.key()) {
                most = most.max(Confirmation::of(&other).objects());
                open.push(other.key());
            }
        }
    }
    most
}

/// Returns what the status of an object says whose deletion is held.
pub(crate) fn told(object: &Object, entry: &Entry, taken: &[ObjectKey], allowed: usize) -> Wait {
    let count = taken.len();
    let tally = Tally::of(taken.iter(), &object.meta.namespace);
    let resource = &entry.resource;
    let kind = format!("{}.{}", resource.plural, resource.group);
    let annotation = annotation(CONFIRM_DELETION);
    let not_enough = match Confirmation::of(object) {
        Confirmation::None => String::new(),
        Confirmation::UpTo(fewer) => format!(" {annotation} says {fewer}, and they are more."),
        Confirmation::Unreadable(text) => {
            format!(" {annotation} says `{}`, which is no number.", text.chars().take(20).collect::<String>())
        }
    };
    let message = format!(
        "the deletion takes {count} other objects along ({}), more than {allowed}: they stay, and go on as before, \
         until it is confirmed.{not_enough} kubectl annotate --overwrite -n {} {kind} {} {annotation}={count}",
        tally.by_kind(),
        object.meta.namespace,
        object.meta.name,
    );
    Wait { reason: DELETION_HELD, message }
}

/// The deletions that are held. Each remembers which objects it would take along, so that one that is no longer among
/// them costs a look-up, and not a new count.
#[derive(Debug, Default)]
pub(crate) struct HeldDeletions {
    held: HashMap<ObjectKey, Held>,
    /// The held objects that would take an object along.
    takers: HashMap<ObjectKey, BTreeSet<ObjectKey>>,
}

#[derive(Debug)]
struct Held {
    taken: Vec<ObjectKey>,
    /// How many of them are still there.
    left: usize,
    allowed: usize,
}

impl HeldDeletions {
    /// Notes that the deletion of an object is held, as it would take these along and may take only so many.
    pub(crate) fn hold(&mut self, key: &ObjectKey, taken: Vec<ObjectKey>, allowed: usize) {
        self.release(key);
        for other in &taken {
            self.takers.entry(other.clone()).or_default().insert(key.clone());
        }
        self.held.insert(key.clone(), Held { left: taken.len(), taken, allowed });
    }

    /// Notes that the deletion of an object is not held, or not any more.
    pub(crate) fn release(&mut self, key: &ObjectKey) {
        let Some(held) = self.held.remove(key) else { return };
        for other in held.taken {
            if let Some(takers) = self.takers.get_mut(&other) {
                takers.remove(key);
                if takers.is_empty() {
                    self.takers.remove(&other);
                }
            }
        }
    }

    /// Notes that an object is gone, goes by itself, stays, or leads elsewhere. Returns the held objects that may now
    /// take few enough along.
    pub(crate) fn lost(&mut self, key: &ObjectKey) -> Vec<ObjectKey> {
        let mut free = vec![];
        for taker in self.takers.remove(key).into_iter().flatten() {
            let Some(held) = self.held.get_mut(&taker) else { continue };
            held.left = held.left.saturating_sub(1);
            if held.left <= held.allowed {
                free.push(taker);
            }
        }
        free
    }

    /// Returns all objects whose deletion is held.
    pub(crate) fn all(&self) -> Vec<ObjectKey> {
        self.held.keys().cloned().collect()
    }
}

/// Returns whether an object can no longer be taken along by another's deletion, or by another's than before.
pub(crate) fn is_lost(object: &Object, is_relinked: bool) -> bool {
    is_relinked || object.meta.deleting.is_some() || object.flag("write_protect")
}

/// Returns whether the confirmation of a deletion has changed.
pub(crate) fn is_confirmed_anew(before: Option<&Object>, now: &Object) -> bool {
    let confirmed = Confirmation::of(now);
    confirmed != Confirmation::None && before.map(Confirmation::of) != Some(confirmed)
}

#[cfg(test)]
thread_local! {
    /// How many objects were looked at, to see what an operation costs.
    pub(crate) static VISITS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
mod tests;
