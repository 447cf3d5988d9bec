//! Which object has which id.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use xos_engine::Observer;
use xos_model::{Object, ObjectKey, Pass, client};
use xos_xproto::ModelSet;

/// The ids of all objects that are known. It follows the engine's view. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct SharedIds(Arc<RwLock<Table>>);

#[derive(Debug, Default)]
struct Table {
    /// By model and id.
    keys: HashMap<Arc<str>, BTreeMap<i32, ObjectKey>>,
    /// Objects without an id, and those whose status does not show it yet.
    untold: HashSet<ObjectKey>,
    /// What is asked for again and again, by model.
    marked: HashMap<(Mark, Arc<str>), HashSet<ObjectKey>>,
}

/// What synchronizers ask for: a few of many objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mark {
    /// The sync step is due, as far as no switch holds it.
    Sync,
    /// The same of policies.
    Policy,
    /// It is being deleted.
    Leaving,
}

impl Mark {
    const ALL: [Self; 3] = [Self::Sync, Self::Policy, Self::Leaving];

    fn has(self, object: &Object) -> bool {
        let is_live = object.meta.deleting.is_none();
        match self {
            Self::Sync => is_live && client::is_due(object, Pass::Sync),
            Self::Policy => is_live && client::is_due(object, Pass::Policy),
            Self::Leaving => !is_live,
        }
    }
}

impl Table {
    fn mark(&mut self, key: &ObjectKey, object: Option<&Object>) {
        for mark in Mark::ALL {
            let all = self.marked.entry((mark, Arc::clone(&key.model))).or_default();
            if object.is_some_and(|object| mark.has(object)) {
                all.insert(key.clone());
            } else {
                all.remove(key);
            }
        }
    }
}

impl SharedIds {
    /// Returns the object of a class, or of one that inherits from it, with an id.
    pub fn get(&self, models: &ModelSet, class: &str, id: i32) -> Option<ObjectKey> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        models.of_class(class).find_map(|model| table.keys.get(model.name.as_str())?.get(&id).cloned())
    }

    /// Returns the greatest id of a class, and of those that inherit from it; 0 if there is none.
    pub(crate) fn greatest(&self, models: &ModelSet, class: &str) -> i32 {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let of_class = models.of_class(class).filter_map(|model| table.keys.get(model.name.as_str()));
        of_class.filter_map(|ids| ids.last_key_value()).map(|(id, _)| *id).max().unwrap_or_default()
    }

    /// Returns the objects of a class, and of those that inherit from it, that have a mark.
    pub(crate) fn marked(&self, models: &ModelSet, class: &str, mark: Mark) -> Vec<ObjectKey> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let of_class = models.of_class(class);
        let sets = of_class.filter_map(|model| table.marked.get(&(mark, Arc::from(model.name.as_str()))));
        sets.flatten().cloned().collect()
    }

    /// Returns objects that have no id, or whose status does not show it.
    pub(crate) fn untold(&self) -> Vec<ObjectKey> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).untold.iter().cloned().collect()
    }

    /// Notes that nothing can be done for an object until it changes.
    pub(crate) fn give_up(&self, key: &ObjectKey) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).untold.remove(key);
    }
}

impl Observer for SharedIds {
    fn changed(&self, before: Option<&Object>, after: &Object) {
        let key = after.key();
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        table.mark(&key, Some(after));
        if after.status.id.is_none() || after.meta.has_unshown_id {
            table.untold.insert(key.clone());
        } else {
            table.untold.remove(&key);
        }
        let then = before.and_then(|before| before.status.id);
        if then == after.status.id {
            return;
        }
        let ids = table.keys.entry(Arc::clone(&key.model)).or_default();
        if let Some(then) = then {
            ids.remove(&then);
        }
        if let Some(id) = after.status.id {
            ids.insert(id, key);
        }
    }

    fn gone(&self, object: &Object) {
        let key = object.key();
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        table.untold.remove(&key);
        table.mark(&key, None);
        let Some(id) = object.status.id else { return };
        if let Some(ids) = table.keys.get_mut(&key.model)
            && ids.get(&id) == Some(&key)
        {
            ids.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use xos_xproto::{Sources, compile};

    use super::*;

    fn object(model: &str, name: &str, id: Option<i32>) -> Object {
        let mut object = Object::named(model, "n", name);
        object.status.id = id;
        object
    }

    #[test]
    fn objects_are_found_by_id_through_their_bases() {
        let mut sources = Sources::new();
        sources.add("m.xproto", "option app_label = \"m\"; message A (XOSBase) {} message B (A) {}");
        let models = compile(&sources).models;
        let ids = SharedIds::default();
        let [none, one] = [None, Some(1)].map(|id| object("B", "b", id));
        ids.changed(None, &none);
        assert_eq!(ids.untold(), [none.key()]);
        ids.changed(Some(&none), &one);
        assert_eq!(ids.untold(), []);
        let two = object("A", "a", Some(2));
        ids.changed(None, &two);
        let find = |class: &str, id| ids.get(&models, class, id);
        assert_eq!((find("A", 1), find("B", 1), find("B", 2)), (Some(one.key()), Some(one.key()), None));
        assert_eq!(ids.greatest(&models, "A"), 2);
        ids.gone(&one);
        assert_eq!(find("A", 1), None);
    }

    #[test]
    fn an_id_that_status_does_not_show_is_still_to_be_told() {
        let ids = SharedIds::default();
        let mut one = object("A", "a", Some(1));
        one.meta.has_unshown_id = true;
        ids.changed(None, &one);
        assert_eq!(ids.untold(), [one.key()]);
        let shown = object("A", "a", Some(1));
        ids.changed(Some(&one), &shown);
        assert_eq!(ids.untold(), []);
    }
}
