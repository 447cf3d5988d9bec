//! What the engine and the steps see of the world: the cache, and the index over it.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use xos_model::{Index, Object, ObjectKey};

use crate::cache::Cache;

/// The newest known state of every object, and where to find it.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) cache: Cache,
    pub(crate) index: Index,
}

/// The one view of an engine. Whoever holds it does nothing else meanwhile.
#[derive(Clone, Debug)]
pub(crate) struct SharedView(Arc<RwLock<View>>);

impl SharedView {
    pub(crate) fn new(index: Index) -> Self {
        Self(Arc::new(RwLock::new(View { cache: Cache::default(), index })))
    }

    // Nothing that holds the lock can leave half a change behind, so a panic of another thread does not matter.

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, View> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, View> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, key: &ObjectKey) -> Option<Arc<Object>> {
        self.read().cache.get(key).cloned()
    }
}
