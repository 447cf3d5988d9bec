//! Asks that an object is synchronized again because something else has changed than the objects that the engine sees.

use std::fmt;
use std::sync::Arc;

use xos_model::ObjectKey;

/// Asks the engine that the sync step of an object runs again, although the object has not changed. Clones are the same
/// one; without an engine nothing comes of it.
#[derive(Clone, Default)]
pub struct Again(Option<Arc<dyn Fn(ObjectKey) + Send + Sync>>);

impl Again {
    /// Returns one that tells an engine. What it calls must return at once.
    pub fn of(tell: impl Fn(ObjectKey) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(tell)))
    }

    /// Asks that the step of this object runs again: now, if it is clean or [awaits](crate::StepError::awaits) something.
    pub fn run(&self, key: ObjectKey) {
        if let Some(tell) = &self.0 {
            tell(key);
        }
    }
}

impl fmt::Debug for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Again").field("has_engine", &self.0.is_some()).finish()
    }
}
