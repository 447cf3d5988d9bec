//! The watch cache: the newest known state of every object.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use xos_model::{Object, ObjectKey};

/// A part of the cache that one watch fills: a model, in one namespace or in all.
pub type WatchId = usize;

/// All objects, as new as the newest of what the watches and our own writes said.
#[derive(Debug, Default)]
pub struct Cache {
    objects: HashMap<ObjectKey, (Arc<Object>, WatchId)>,
    /// While a watch lists anew: what it has shown so far.
    listing: HashMap<WatchId, HashSet<ObjectKey>>,
    /// Objects that we let go, until the watch says so too: an older state of them that it still shows must not bring them back.
    released: HashMap<ObjectKey, (String, WatchId)>,
}

impl Cache {
    /// The object, if there is one.
    pub fn get(&self, key: &ObjectKey) -> Option<&Arc<Object>> {
        self.objects.get(key).map(|(object, _)| object)
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there are no objects.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Takes in what a watch shows. Answers whether it is news: a state that is older than what is known (our own write, read back) is not.
    pub fn see(&mut self, object: Object, watch: WatchId) -> bool {
        let key = object.key();
        if let Some(seen) = self.listing.get_mut(&watch) {
            seen.insert(key.clone());
        }
        if self.is_released(&key, &object.meta.uid) || self.get(&key).is_some_and(|known| !is_newer(&object, known)) {
            return false;
        }
        self.objects.insert(key, (Arc::new(object), watch));
        true
    }

    /// Takes in an object that we made.
    pub fn made(&mut self, object: Arc<Object>, watch: WatchId) {
        let key = object.key();
        if let Some(seen) = self.listing.get_mut(&watch) {
            // The list may have been taken before.
            seen.insert(key.clone());
        }
        if self.get(&key).is_none_or(|known| is_newer(&object, known)) && !self.is_released(&key, &object.meta.uid) {
            self.objects.insert(key, (object, watch));
        }
    }

    /// Takes in the answer to one of our own writes, unless the object went away or was made anew meanwhile.
    pub fn wrote(&mut self, object: Arc<Object>) {
        if let Some((known, _)) = self.objects.get_mut(&object.key())
            && known.meta.uid == object.meta.uid
            && is_newer(&object, known)
        {
            *known = object;
        }
    }

    /// The watch says that an object is gone. A successor of the same name stays.
    pub fn gone(&mut self, key: &ObjectKey, uid: &str) -> bool {
        if self.is_released(key, uid) {
            self.released.remove(key);
        }
        self.holds(key, uid) && self.objects.remove(key).is_some()
    }

    /// An object is gone by our own write; the watch will say so later, unless it has already.
    /// Answers whether it was there.
    pub fn released(&mut self, key: &ObjectKey, uid: &str) -> bool {
        if !self.holds(key, uid) {
            return false;
        }
        let removed = self.objects.remove(key);
        if let Some((_, watch)) = &removed {
            self.released.insert(key.clone(), (uid.to_owned(), *watch));
        }
        removed.is_some()
    }

    fn is_released(&self, key: &ObjectKey, uid: &str) -> bool {
        self.released.get(key).is_some_and(|(released, _)| released == uid)
    }

    fn holds(&self, key: &ObjectKey, uid: &str) -> bool {
        self.get(key).is_some_and(|known| known.meta.uid == uid)
    }

    /// A watch begins to show all that there is.
    pub fn begin_list(&mut self, watch: WatchId) {
        self.listing.insert(watch, HashSet::new());
    }

    /// Whether a watch is about to show all that there is.
    pub fn is_listing(&self, watch: WatchId) -> bool {
        self.listing.contains_key(&watch)
    }

    /// A watch has shown all that there is: what it did not show is gone. Gives the keys and uids of those.
    pub fn end_list(&mut self, watch: WatchId) -> Vec<(ObjectKey, String)> {
        let Some(seen) = self.listing.remove(&watch) else { return vec![] };
        // A new list comes after whatever we wrote: what it does not show is gone for the watch too.
        self.released.retain(|key, (_, of)| *of != watch || seen.contains(key));
        let of_watch = self.objects.iter().filter(|(_, (_, of))| *of == watch);
        let unseen = of_watch.filter(|(key, _)| !seen.contains(*key));
        let gone: Vec<_> = unseen.map(|(key, (object, _))| (key.clone(), object.meta.uid.clone())).collect();
        for (key, _) in &gone {
            self.objects.remove(key);
        }
        gone
    }
}

/// Another uid is another object, and newer; else the resourceVersion decides: since Kubernetes 1.35 they are numbers that may be compared.
pub(crate) fn is_newer(object: &Object, known: &Object) -> bool {
    let version = |o: &Object| o.meta.resource_version.parse::<u64>();
    match (version(object), version(known)) {
        _ if object.meta.uid != known.meta.uid => true,
        (Ok(new), Ok(old)) => new > old,
        _ => object.meta.resource_version != known.meta.resource_version,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::object;

    fn version(name: &str, uid: &str, version: &str) -> Object {
        let mut o = object(name);
        o.meta.uid = uid.to_owned();
        o.meta.resource_version = version.to_owned();
        o
    }

    #[test]
    fn the_newest_state_wins() {
        let mut cache = Cache::default();
        let key = version("a", "1", "9").key();
        assert!(cache.see(version("a", "1", "9"), 0));
        cache.wrote(Arc::new(version("a", "1", "11")));
        assert!(!cache.see(version("a", "1", "10"), 0), "older than our own write");
        assert!(!cache.see(version("a", "1", "11"), 0), "our own write, read back");
        assert!(cache.see(version("a", "1", "12"), 0));
        assert_eq!(cache.get(&key).unwrap().meta.resource_version, "12");
    }

    #[test]
    fn a_late_answer_does_not_bring_an_object_back() {
        let mut cache = Cache::default();
        let key = version("a", "1", "1").key();
        cache.see(version("a", "1", "1"), 0);
        assert!(cache.gone(&key, "1"));
        cache.wrote(Arc::new(version("a", "1", "2")));
        assert!(cache.is_empty());
        cache.see(version("a", "2", "3"), 0);
        cache.wrote(Arc::new(version("a", "1", "9")));
        assert_eq!(cache.get(&key).unwrap().meta.uid, "2");
        assert!(!cache.gone(&key, "1"), "the successor stays");
    }

    #[test]
    fn an_object_that_was_let_go_does_not_come_back() {
        let mut cache = Cache::default();
        let key = version("a", "1", "1").key();
        cache.see(version("a", "1", "1"), 0);
        cache.released(&key, "1");
        assert!(!cache.see(version("a", "1", "2"), 0), "an older state, shown late");
        assert!(cache.see(version("a", "2", "4"), 0), "a successor");
        assert!(!cache.gone(&key, "1"));
        assert_eq!(cache.get(&key).unwrap().meta.uid, "2");
        assert!(cache.released.is_empty());
    }

    #[test]
    fn a_new_list_drops_what_it_does_not_show() {
        let mut cache = Cache::default();
        for (name, watch) in [("a", 0), ("b", 0), ("c", 1)] {
            cache.see(version(name, name, "1"), watch);
        }
        cache.begin_list(0);
        cache.see(version("b", "b", "1"), 0);
        assert_eq!(cache.end_list(0), [(version("a", "a", "1").key(), "a".to_owned())]);
        assert_eq!(cache.len(), 2);
    }
}
