//! What the calls of steps share as long as an engine lives: caches, watches.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// One value of each type, made when it is first asked for. Clones are the same one.
#[derive(Clone, Default)]
pub struct Shared(Arc<Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>>);

impl Shared {
    /// Returns the value of this type.
    pub fn get<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_type = all.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default()));
        // It is of this type, by its key.
        Arc::clone(of_type).downcast().unwrap_or_default()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn each_type_has_one_value() {
        let shared = Shared::default();
        shared.get::<AtomicUsize>().store(7, Ordering::SeqCst);
        assert_eq!(shared.clone().get::<AtomicUsize>().load(Ordering::SeqCst), 7);
        assert_eq!(*shared.get::<String>(), "");
        assert_eq!(Shared::default().get::<AtomicUsize>().load(Ordering::SeqCst), 0);
    }
}
