//! What a call of a step or policy has read and done.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use xos_model::{Fields, Object, QuietSave};

/// What a call has read and saved. Its changes are found by comparison with that.
#[derive(Debug, Default)]
pub struct Session {
    read: Mutex<Read>,
}

#[derive(Debug, Default)]
struct Read {
    /// Objects as they were read, by uid and resourceVersion.
    states: HashMap<(String, String), Arc<Object>>,
    /// The last save of each object, by uid.
    saved: HashMap<String, Arc<Object>>,
    /// The quiet saves of spec, with the uids of the objects.
    saves: Vec<(String, QuietSave)>,
    /// The touches that the step has made.
    touches: Vec<String>,
    /// The object of the call, with its values that come from Secrets, and no others. As an object, so that no log shows
    /// them.
    given: Option<Object>,
    done: Done,
}

/// How many objects a call has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Objects that it has created.
    pub created: usize,
    /// Saves that changed an object.
    pub saved: usize,
    /// Objects whose deletion it has requested.
    pub deleted: usize,
}

impl fmt::Display for Done {
    /// `3 created, 1 saved, 2 deleted`, or `nothing was changed`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { created, saved, deleted } = self;
        if *self == Self::default() {
            return f.write_str("nothing was changed");
        }
        write!(f, "{created} created, {saved} saved, {deleted} deleted")
    }
}

impl Session {
    /// Remembers an object as the step has read it.
    pub fn saw(&self, object: &Arc<Object>) {
        let meta = &object.meta;
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.states.insert((meta.uid.clone(), meta.resource_version.clone()), Arc::clone(object));
    }

    /// Remembers the values of an object that come from Secrets: they are there as long as the call lasts, and are not
    /// saved.
    pub fn give(&self, object: &Object, values: Fields) {
        let given = Object { fields: values, ..Object::with_meta(&object.model, object.meta.clone()) };
        self.read.lock().unwrap_or_else(PoisonError::into_inner).given = Some(given);
    }

    /// Takes them away, at the end of the call. Returns the names of their fields.
    pub fn take_given(&self) -> Vec<String> {
        let given = self.read.lock().unwrap_or_else(PoisonError::into_inner).given.take();
        given.iter().flat_map(|given| given.fields.keys()).map(ToString::to_string).collect()
    }

    /// Returns those of the object of this uid.
    pub(crate) fn given(&self, uid: &str) -> Fields {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.given.as_ref().filter(|given| given.meta.uid == uid).map(|given| given.fields.clone()).unwrap_or_default()
    }

    /// Remembers an object as it is after an annotation was set, which is no save.
    pub(crate) fn annotated(&self, object: &Arc<Object>) {
        self.saw(object);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.saved.insert(object.meta.uid.clone(), Arc::clone(object));
    }

    pub(crate) fn wrote(&self, object: &Arc<Object>) {
        self.saw(object);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let last = object.quiet_saves.last().filter(|save| save.to == object.intent.spec);
        read.saves.extend(last.map(|save| (object.meta.uid.clone(), save.clone())));
        read.saved.insert(object.meta.uid.clone(), Arc::clone(object));
    }

    /// Returns the quiet saves that the step itself has made of an object, in order.
    pub fn saves_of(&self, uid: &str) -> Vec<QuietSave> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.saves.iter().filter(|(of, _)| of == uid).map(|(_, save)| save.clone()).collect()
    }

    pub(crate) fn count(&self, count: impl FnOnce(&mut Done)) {
        count(&mut self.read.lock().unwrap_or_else(PoisonError::into_inner).done);
    }

    /// Returns how many objects the call has changed so far.
    pub fn done(&self) -> Done {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).done
    }

    pub(crate) fn asked_for(&self, touch: Option<&String>) {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).touches.extend(touch.cloned());
    }

    /// Whether the step itself has made this touch.
    pub fn has_asked_for(&self, touch: &str) -> bool {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).touches.iter().any(|one| one == touch)
    }

    pub(crate) fn state(&self, uid: &str, resource_version: &str) -> Option<Arc<Object>> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.states.get(&(uid.to_owned(), resource_version.to_owned())).cloned()
    }

    /// Returns the object as the step saved it last.
    pub fn saved(&self, uid: &str) -> Option<Arc<Object>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).saved.get(uid).cloned()
    }
}
