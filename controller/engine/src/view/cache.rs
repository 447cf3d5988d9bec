//! The watch cache: the newest known state of every object.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use xos_model::{Object, ObjectKey};

use crate::watch::WatchId;

/// All objects, as new as the newest of what the watches and our own writes said.
#[derive(Debug, Default)]
pub(super) struct Cache {
    objects: HashMap<ObjectKey, Arc<Object>>,
    /// For each watch that lists anew: the objects that are known to be part of the list.
    listing: HashMap<WatchId, HashSet<ObjectKey>>,
    /// The uids of objects that we released, until the watch says that they are gone: an older state must not bring
    /// them back.
    released: HashMap<ObjectKey, String>,
    /// Objects that are to be taken in again even if they have not changed, as they are read in another way now.
    outdated: HashSet<ObjectKey>,
}

impl Cache {
    /// Returns how many objects there are.
    pub(super) fn len(&self) -> usize {
        self.objects.len()
    }

    /// Returns all objects.
    pub(super) fn all(&self) -> impl Iterator<Item = (&ObjectKey, &Arc<Object>)> {
        self.objects.iter()
    }

    /// Returns the object, if there is one.
    pub(super) fn get(&self, key: &ObjectKey) -> Option<&Arc<Object>> {
        self.objects.get(key)
    }

    /// Returns the key of an object: the one that is kept already, if there is one, so that all who keep it share it.
    pub(super) fn key(&self, object: &Object) -> ObjectKey {
        let key = object.key();
        self.objects.get_key_value(&key).map_or(key, |(kept, _)| kept.clone())
    }

    /// Notes that a list which is under way covers the object: it shows the object, or was taken before the object was
    /// created.
    pub(super) fn mark_listed(&mut self, key: &ObjectKey) {
        for (watch, listed) in &mut self.listing {
            if watch.covers(key) {
                listed.insert(key.clone());
            }
        }
    }

    /// Takes in an object that a watch, a read or a create request shows. Returns whether it is newer than what was
    /// known.
    pub(super) fn insert(&mut self, key: &ObjectKey, object: Arc<Object>) -> bool {
        let is_outdated =
            |known: &Object| self.outdated.contains(key) && known.meta.resource_version == object.meta.resource_version;
        let is_stale = self.get(key).is_some_and(|known| !is_newer(&object, known) && !is_outdated(known));
        if is_stale || self.is_released(key, &object.meta.uid) {
            return false;
        }
        self.outdated.remove(key);
        self.objects.insert(key.clone(), object);
        true
    }

    /// Notes that an object is read in another way from now on: what is known of it is replaced by what is shown next.
    pub(super) fn read_anew(&mut self, key: &ObjectKey) {
        self.outdated.insert(key.clone());
    }

    /// Takes in the answer to an update, unless the object is gone or was replaced by another one of its name. Returns
    /// whether it is newer than what was known.
    pub(super) fn update(&mut self, key: &ObjectKey, object: Arc<Object>) -> bool {
        match self.objects.get_mut(key) {
            Some(known) if known.meta.uid == object.meta.uid && is_newer(&object, known) => {
                *known = object;
                true
            }
            _ => false,
        }
    }

    /// Puts another form of an object, of the same version, in its place.
    pub(super) fn replace(&mut self, key: &ObjectKey, object: Arc<Object>) {
        if let Some(known) = self.objects.get_mut(key) {
            *known = object;
        }
    }

    /// Removes an object that the watch says is gone. Returns whether it was known; another one of its name stays.
    pub(super) fn remove(&mut self, key: &ObjectKey, uid: &str) -> bool {
        if self.is_released(key, uid) {
            self.released.remove(key);
        }
        self.outdated.remove(key);
        self.holds(key, uid) && self.objects.remove(key).is_some()
    }

    /// Removes an object that is gone by our own write; the watch will say so later. Returns whether it was known.
    pub(super) fn release(&mut self, key: &ObjectKey, uid: &str) -> bool {
        let is_known = self.holds(key, uid) && self.objects.remove(key).is_some();
        if is_known {
            self.released.insert(key.clone(), uid.to_owned());
        }
        is_known
    }

    fn is_released(&self, key: &ObjectKey, uid: &str) -> bool {
        self.released.get(key).is_some_and(|released| released == uid)
    }

    fn holds(&self, key: &ObjectKey, uid: &str) -> bool {
        self.get(key).is_some_and(|known| known.meta.uid == uid)
    }

    /// Notes that a watch begins to list all of its objects.
    pub(super) fn start_list(&mut self, watch: WatchId) {
        self.listing.insert(watch, HashSet::new());
    }

    /// Ends the list of a watch: removes the objects that were gone at its resourceVersion (none: all that it did not
    /// show), and returns their keys and uids.
    ///
    /// The list says nothing of what came after it. A step may have made an object, or may have written one, while the
    /// list was on its way.
    pub(super) fn finish_list(&mut self, watch: &WatchId, version: Option<&str>) -> Vec<(ObjectKey, String)> {
        let Some(listed) = self.listing.remove(watch) else { return vec![] };
        // The list was taken after whatever we wrote before it: what it does not show is gone for the watch too.
        self.released.retain(|key, _| !watch.covers(key) || listed.contains(key));
        let came_later = |object: &Object| version.is_some_and(|list| is_later(&object.meta.resource_version, list));
        let is_gone = |key: &ObjectKey, object: &Object| !listed.contains(key) && !came_later(object);
        let unlisted = self.objects.iter().filter(|(key, object)| watch.covers(key) && is_gone(key, object));
        let gone: Vec<_> = unlisted.map(|(key, object)| (key.clone(), object.meta.uid.clone())).collect();
        for (key, _) in &gone {
            self.objects.remove(key);
        }
        self.outdated.retain(|key| !watch.covers(key));
        gone
    }
}

/// Returns whether `object` is newer than `known`, by their resourceVersions. If those are no numbers, another version
/// is newer, and so is another object of the same name.
pub(crate) fn is_newer(object: &Object, known: &Object) -> bool {
    let is_another = object.meta.uid != known.meta.uid;
    let [version, before] = [object, known].map(|object| object.meta.resource_version.as_str());
    compare(version, before).map_or(is_another || version != before, Ordering::is_gt)
}

/// Returns whether a resourceVersion is known to be later than another one of the same kind.
fn is_later(version: &str, other: &str) -> bool {
    compare(version, other).is_some_and(Ordering::is_gt)
}

/// Compares two resourceVersions of one kind. Since Kubernetes 1.35 they are numbers that may be compared.
fn compare(version: &str, other: &str) -> Option<Ordering> {
    let number = |version: &str| version.parse::<u64>().ok();
    Some(number(version)?.cmp(&number(other)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::object;

    fn version(name: &str, uid: &str, version: &str) -> Arc<Object> {
        let mut o = object(name);
        o.meta.uid = uid.to_owned();
        o.meta.resource_version = version.to_owned();
        Arc::new(o)
    }

    fn insert(cache: &mut Cache, object: Arc<Object>) -> bool {
        cache.insert(&object.key(), object)
    }

    fn update(cache: &mut Cache, object: Arc<Object>) -> bool {
        cache.update(&object.key(), object)
    }

    #[test]
    fn the_newest_state_wins() {
        let mut cache = Cache::default();
        let key = version("a", "1", "9").key();
        assert!(insert(&mut cache, version("a", "1", "9")));
        assert!(update(&mut cache, version("a", "1", "11")));
        assert!(!insert(&mut cache, version("a", "1", "10")), "older than our own write");
        assert!(!insert(&mut cache, version("a", "1", "11")), "our own write, read back");
        assert!(insert(&mut cache, version("a", "1", "12")));
        assert_eq!(cache.get(&key).unwrap().meta.resource_version, "12");
    }

    #[test]
    fn a_late_answer_does_not_bring_an_object_back() {
        let mut cache = Cache::default();
        let key = version("a", "1", "1").key();
        insert(&mut cache, version("a", "1", "1"));
        assert!(cache.remove(&key, "1"));
        assert!(!update(&mut cache, version("a", "1", "2")));
        assert!(cache.objects.is_empty());
        insert(&mut cache, version("a", "2", "3"));
        update(&mut cache, version("a", "1", "9"));
        assert_eq!(cache.get(&key).unwrap().meta.uid, "2");
        assert!(!cache.remove(&key, "1"), "the successor stays");
    }

    #[test]
    fn an_object_that_was_released_does_not_come_back() {
        let mut cache = Cache::default();
        let key = version("a", "1", "1").key();
        insert(&mut cache, version("a", "1", "1"));
        assert!(cache.release(&key, "1"));
        assert!(!insert(&mut cache, version("a", "1", "2")), "an older state, shown late");
        assert!(insert(&mut cache, version("a", "2", "4")), "a successor");
        assert!(!cache.remove(&key, "1"));
        assert_eq!(cache.get(&key).unwrap().meta.uid, "2");
        assert!(cache.released.is_empty());
    }

    #[test]
    fn a_new_list_drops_what_it_does_not_show() {
        let mut cache = Cache::default();
        let mine = WatchId::new("MyModel", Some("default"));
        let key = |name: &str| version(name, name, "1").key();
        for name in ["a", "b", "new"] {
            insert(&mut cache, version(name, name, "1"));
        }
        let mut elsewhere = object("c");
        elsewhere.meta.namespace = "elsewhere".to_owned();
        insert(&mut cache, Arc::new(elsewhere));
        cache.start_list(mine.clone());
        for name in ["b", "new"] {
            cache.mark_listed(&key(name));
        }
        assert_eq!(cache.finish_list(&mine, Some("1")), [(key("a"), "a".to_owned())]);
        assert_eq!(cache.objects.len(), 3, "what another watch shows stays");
        cache.start_list(mine.clone());
        assert_eq!(cache.finish_list(&mine, None).len(), 2, "without a list nothing is there");
    }

    #[test]
    fn a_list_says_nothing_of_what_came_after_it() {
        let mut cache = Cache::default();
        let mine = WatchId::new("MyModel", Some("default"));
        for name in ["gone", "written", "replaced"] {
            insert(&mut cache, version(name, name, "5"));
        }
        // The API server has answered with its state at 10. What we hear of these comes before the answer does.
        insert(&mut cache, version("made", "made", "11"));
        update(&mut cache, version("written", "written", "12"));
        insert(&mut cache, version("replaced", "its successor", "13"));
        cache.start_list(mine.clone());
        let listed = version("replaced", "replaced", "5");
        cache.mark_listed(&listed.key());
        assert!(!insert(&mut cache, listed), "its successor is newer");
        let gone: Vec<_> = cache.finish_list(&mine, Some("10")).into_iter().map(|(_, uid)| uid).collect();
        assert_eq!(gone, ["gone"]);
    }
}
