//! What the engine knows of the synchronizers that are installed.

use std::collections::HashSet;
use std::future::pending;
use std::sync::Arc;

use tokio::sync::watch::Receiver;
use xos_model::record::{self, Duties};
use xos_model::{Object, ObjectKey};

use super::Engine;
use crate::installation::{Installations, foreign_finalizers};
use crate::queue::Priority;

/// The synchronizers that are installed, and the objects of which status may say that one is missed.
#[derive(Default)]
pub(super) struct Installed {
    receiver: Option<Receiver<Option<Arc<Installations>>>>,
    held: HashSet<ObjectKey>,
}

impl Installed {
    /// Returns what is known; nothing if that is nothing.
    pub(super) fn known(&self) -> Option<Arc<Installations>> {
        self.receiver.as_ref()?.borrow().clone()
    }

    /// Waits until something else is known.
    pub(super) async fn changed(&mut self) {
        let has_changed = match &mut self.receiver {
            Some(receiver) => receiver.changed().await.is_ok(),
            None => false,
        };
        if !has_changed {
            // Nobody will tell any more. What was known still is.
            pending::<()>().await;
        }
    }

    /// Notes an object that is looked at, and whether others hold it.
    pub(super) fn note(&mut self, key: &ObjectKey, object: &Object) {
        let is_held =
            object.meta.deleting.is_some() && foreign_finalizers(&object.meta.finalizers, &[]).next().is_some();
        if is_held {
            self.held.insert(key.clone());
        } else if !self.held.is_empty() {
            self.held.remove(key);
        }
    }

    /// Forgets an object that is gone.
    pub(super) fn forget(&mut self, key: &ObjectKey) {
        if !self.held.is_empty() {
            self.held.remove(key);
        }
    }
}

impl Engine {
    /// Lets the engine know which synchronizers are installed, so that deleted objects say who is missed. Without it they
    /// say nothing of this.
    pub fn watch_installations(&mut self, known: Receiver<Option<Arc<Installations>>>) {
        // It is told once.
        let _ = self.shared.installed.set(known.clone());
        self.installations.receiver = Some(known);
    }

    /// Looks again at all objects of which status may say that somebody is missed.
    pub(super) fn installations_changed(&mut self) {
        let held: Vec<_> = self.installations.held.iter().cloned().collect();
        for key in held {
            self.enqueue(&key, Priority::Retry);
        }
        // Those that nobody has anything to do with may be told so only now.
        let registry = Arc::clone(&self.shared.registry);
        let now = self.shared.clock.now();
        let is_idle = |object: &Object| {
            let duties = registry.get(&object.model).map(|entry| entry.duties(object));
            duties == Some(Duties::default()) && record::idle(object, now) != *object
        };
        for key in self.view.keys_of(is_idle) {
            self.enqueue(&key, Priority::Resync);
        }
    }
}
