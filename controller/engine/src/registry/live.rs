//! The registry that is in use: it changes while the engine runs.

use std::sync::{Arc, PoisonError, RwLock};

use super::Registry;

/// The registry that is in use. Clones are the same one.
#[derive(Clone, Debug)]
pub struct LiveRegistry(Arc<RwLock<Arc<Registry>>>);

impl LiveRegistry {
    /// Returns one that is in use until another takes its place.
    pub fn new(registry: impl Into<Arc<Registry>>) -> Self {
        Self(Arc::new(RwLock::new(registry.into())))
    }

    /// Returns the registry that is in use now.
    pub fn now(&self) -> Arc<Registry> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another registry in its place.
    pub(crate) fn replace(&self, registry: Arc<Registry>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = registry;
    }
}

impl From<Registry> for LiveRegistry {
    fn from(registry: Registry) -> Self {
        Self::new(registry)
    }
}

impl From<Arc<Registry>> for LiveRegistry {
    fn from(registry: Arc<Registry>) -> Self {
        Self::new(registry)
    }
}
