//! What the engine and the steps see of the world: the cache, and the index over it.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use xos_model::{Index, Object, ObjectKey};

use crate::cache::Cache;

/// The newest known state of every object, and where to find it.
pub(crate) struct View {
    pub(crate) cache: Cache,
    pub(crate) index: Index,
    observer: Option<Arc<dyn Observer>>,
}

/// Hears of every change of an object, by whomever, in its order. It is called with the view held, and must return at once.
pub trait Observer: Send + Sync {
    /// An object is new, or is now another.
    fn changed(&self, before: Option<&Object>, after: &Object);
    /// An object is gone.
    fn gone(&self, object: &Object);
}

impl View {
    /// Indexes an object as it is now. Whether its links changed.
    pub(crate) fn index(&mut self, object: &Arc<Object>, is_unsettled: bool) -> bool {
        if let Some(observer) = &self.observer {
            let before = self.index.get(&object.key()).filter(|before| before.meta.uid == object.meta.uid);
            observer.changed(before.map(Arc::as_ref), object);
        }
        self.index.insert(object, is_unsettled)
    }

    /// An object is gone.
    pub(crate) fn unindex(&mut self, key: &ObjectKey) {
        if let (Some(observer), Some(object)) = (&self.observer, self.index.get(key)) {
            observer.gone(object);
        }
        self.index.remove(key);
    }
}

/// The one view of an engine. Whoever holds it does nothing else meanwhile.
#[derive(Clone)]
pub(crate) struct SharedView(Arc<RwLock<View>>);

impl SharedView {
    pub(crate) fn new(index: Index) -> Self {
        Self(Arc::new(RwLock::new(View { cache: Cache::default(), index, observer: None })))
    }

    pub(crate) fn observe(&self, observer: Arc<dyn Observer>) {
        self.write().observer = Some(observer);
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
