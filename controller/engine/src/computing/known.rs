//! What the properties of objects came to when they were last computed: for workers, which write status.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;
use xos_expressions::{Aspect, Reads};
use xos_model::record::Computed;
use xos_model::{Object, ObjectKey};

/// What the properties of an object came to, and of what in the object itself.
#[derive(Debug)]
pub(crate) struct Known {
    pub(super) uid: String,
    own: Vec<(Aspect, Value)>,
    computed: Computed,
}

impl Known {
    pub(super) fn new(key: &ObjectKey, object: &Object, computed: Computed, reads: &Reads) -> Self {
        let own = reads.iter().filter(|(read, _)| *read == key);
        let own = own.filter_map(|(_, aspect)| Some((aspect.clone(), aspect.value(object)?))).collect();
        Self { uid: object.meta.uid.clone(), own, computed }
    }

    pub(crate) fn computed(&self) -> &Computed {
        &self.computed
    }

    /// Returns whether an object is, as far as its properties look at it, as it was then.
    fn is_of(&self, object: &Object) -> bool {
        let is_same = |(aspect, value): &(Aspect, Value)| aspect.value(object).as_ref() == Some(value);
        self.uid == object.meta.uid && self.own.iter().all(is_same)
    }
}

/// What is known of all objects; clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Knowledge(Arc<RwLock<HashMap<ObjectKey, Arc<Known>>>>);

impl Knowledge {
    pub(super) fn set(&self, key: &ObjectKey, known: Arc<Known>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), known);
    }

    pub(super) fn forget(&self, key: &ObjectKey) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    pub(super) fn clear(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Returns what the properties of an object come to, if it has not changed since they were computed. What others have
    /// changed is followed up by the loop.
    pub(crate) fn of(&self, object: &Object) -> Option<Arc<Known>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&object.key()).cloned()?;
        known.is_of(object).then_some(known)
    }
}
