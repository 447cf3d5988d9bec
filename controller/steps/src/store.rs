//! Where a step's queries are answered and its saves go: the engine's view of the cluster, or a world in memory.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use xos_model::save::SaveError;
use xos_model::xproto::ModelSet;
use xos_model::{ConvertError, FieldNames, Fields, Object, ObjectKey, Pass, Query, QueryError, Reference};

/// How a save is done. The default: quietly, all that was changed, and what was changed wins.
///
/// A quiet save is no operator's change: it runs nobody's step again, except that what a policy saved makes the object due for its sync step,
/// and what a sync step saved makes it due for its policies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Save {
    /// Also ask for another run of the object's policies and steps, even if nothing changed (XOS's `always_update_timestamp`).
    pub touch: bool,
    /// Save only these fields (XOS's `update_fields`); others stay unsaved.
    pub only: Option<Vec<String>>,
    /// Leave alone what an operator set: a declarative field that was last set by somebody else than a synchronizer.
    pub yielding: bool,
}

impl Save {
    /// Quietly, all that was changed.
    pub fn quietly() -> Self {
        Self::default()
    }

    /// And ask for another run.
    #[must_use]
    pub fn and_touch(self) -> Self {
        Self { touch: true, ..self }
    }

    /// Only these fields: constants of a model (several as a tuple), or texts.
    #[must_use]
    pub fn only(self, fields: impl FieldNames) -> Self {
        Self { only: Some(fields.names().into_iter().map(str::to_owned).collect()), ..self }
    }

    /// The operator's value wins.
    #[must_use]
    pub fn yielding(self) -> Self {
        Self { yielding: true, ..self }
    }
}

/// Who saves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saver {
    /// The step or policy.
    pub step: String,
    /// Its pass.
    pub pass: Pass,
}

/// Why objects could not be found or saved.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No object was found where there has to be one.
    #[error("there is no {what}")]
    NotFound {
        /// The class and the conditions.
        what: String,
    },
    /// Several objects where there may be one.
    #[error("there are {count} of {what}, and one was asked for: {names}")]
    NotUnique {
        /// The class and the conditions.
        what: String,
        /// How many.
        count: usize,
        /// The first of them.
        names: String,
    },
    /// An object of that name is there.
    #[error("{0} exists already")]
    AlreadyExists(ObjectKey),
    /// An object of that name is there, and has another natural key.
    #[error(
        "{key} exists already, and its {fields} differ from those of the object that was to be made: name that one otherwise"
    )]
    NameTaken {
        /// The object.
        key: ObjectKey,
        /// The fields of the key.
        fields: String,
    },
    /// The object is being deleted: it can be made anew when it is gone.
    #[error("{0} is still being deleted")]
    BeingDeleted(ObjectKey),
    /// The object is gone.
    #[error("{0} is gone")]
    Gone(ObjectKey),
    /// It is protected.
    #[error("{0} is write-protected: it cannot be deleted before spec.writeProtect is cleared")]
    WriteProtected(ObjectKey),
    /// No natural key.
    #[error("model {0} has neither a tosca_key nor a name: say which fields are the key")]
    NoKey(String),
    /// The object was never saved or read here, so that it is not known what was changed.
    #[error("{0} was not read in this step: read it with ctx.models(), change that, and save it")]
    NotRead(ObjectKey),
    /// The query.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The object and its Rust type.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// A change that no step may make.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// A value that has no JSON form.
    #[error("a value that has no JSON form: {0}")]
    Json(#[from] serde_json::Error),
    /// There is nothing to ask: a context without a store.
    #[error("this context has no store: make one with xos_testing, or let the controller run the step")]
    NoStore,
    /// What keeps the objects does not do it.
    #[error("{what}: {source}")]
    Backend {
        /// What was to be done.
        what: String,
        /// Why it was not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// An object as it is stored, once it is.
pub type Stored<'a> = BoxFuture<'a, Result<Arc<Object>, StoreError>>;

/// Answers queries from what is known, by index, without a call; and saves, after which its answers are never older than the save.
pub trait Store: Send + Sync {
    /// The models.
    fn models(&self) -> Arc<ModelSet>;

    /// The objects that a query means.
    ///
    /// # Errors
    /// When there is no such class or field.
    fn query(&self, query: &Query) -> Result<Vec<Arc<Object>>, StoreError>;

    /// Where a link of an object in `namespace` to `class` leads.
    ///
    /// # Errors
    /// When there is no such class.
    fn at(&self, class: &str, namespace: &str, reference: &Reference) -> Result<Vec<Arc<Object>>, StoreError>;

    /// The objects whose links lead here by the reverse port.
    ///
    /// # Errors
    /// When there is no store.
    fn linked_back(&self, key: &ObjectKey, port: &str) -> Result<Vec<Arc<Object>>, StoreError>;

    /// Whether an operator's change of the object is not yet in the backend, so that what the backend says of it is old.
    fn is_in_flight(&self, _object: &Object) -> bool {
        false
    }

    /// The object as it is now, past all caches; none if there is none.
    fn read<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, Result<Option<Arc<Object>>, StoreError>>;

    /// Makes an object.
    fn create<'a>(&'a self, by: &'a Saver, object: Object) -> Stored<'a>;

    /// Saves changed fields (null unsets) of an object that was read as `base`. Where somebody else changed it meanwhile, only these fields
    /// are set.
    fn save<'a>(&'a self, by: &'a Saver, base: Arc<Object>, changed: Fields, how: &'a Save) -> Stored<'a>;

    /// Asks for an object's deletion.
    fn delete<'a>(&'a self, by: &'a Saver, object: Arc<Object>) -> BoxFuture<'a, Result<(), StoreError>>;
}

impl fmt::Debug for dyn Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

/// No objects, and no place for any.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoStore;

impl Store for NoStore {
    fn models(&self) -> Arc<ModelSet> {
        Arc::default()
    }

    fn query(&self, _: &Query) -> Result<Vec<Arc<Object>>, StoreError> {
        Err(StoreError::NoStore)
    }

    fn at(&self, _: &str, _: &str, _: &Reference) -> Result<Vec<Arc<Object>>, StoreError> {
        Err(StoreError::NoStore)
    }

    fn linked_back(&self, _: &ObjectKey, _: &str) -> Result<Vec<Arc<Object>>, StoreError> {
        Err(StoreError::NoStore)
    }

    fn read<'a>(&'a self, _: &'a ObjectKey) -> BoxFuture<'a, Result<Option<Arc<Object>>, StoreError>> {
        async { Err(StoreError::NoStore) }.boxed()
    }

    fn create<'a>(&'a self, _: &'a Saver, _: Object) -> Stored<'a> {
        async { Err(StoreError::NoStore) }.boxed()
    }

    fn save<'a>(&'a self, _: &'a Saver, _: Arc<Object>, _: Fields, _: &'a Save) -> Stored<'a> {
        async { Err(StoreError::NoStore) }.boxed()
    }

    fn delete<'a>(&'a self, _: &'a Saver, _: Arc<Object>) -> BoxFuture<'a, Result<(), StoreError>> {
        async { Err(StoreError::NoStore) }.boxed()
    }
}

/// What one run of a step has read and saved: the states that its changes are told from.
#[derive(Debug, Default)]
pub struct Session {
    read: Mutex<Read>,
}

#[derive(Debug, Default)]
struct Read {
    /// By uid and resourceVersion.
    states: HashMap<(String, String), Arc<Object>>,
    /// The last save of each object, by uid.
    saved: HashMap<String, Arc<Object>>,
    /// The touches that were asked for.
    touches: Vec<String>,
}

impl Session {
    /// Remembers a state that the step has seen.
    pub fn saw(&self, object: &Arc<Object>) {
        let meta = &object.meta;
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.states.insert((meta.uid.clone(), meta.resource_version.clone()), Arc::clone(object));
    }

    pub(crate) fn wrote(&self, object: &Arc<Object>) {
        self.saw(object);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.saved.insert(object.meta.uid.clone(), Arc::clone(object));
    }

    pub(crate) fn asked_for(&self, touch: Option<&String>) {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).touches.extend(touch.cloned());
    }

    /// Whether the step itself asked for this touch.
    pub fn has_asked_for(&self, touch: &str) -> bool {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).touches.iter().any(|one| one == touch)
    }

    pub(crate) fn state(&self, uid: &str, resource_version: &str) -> Option<Arc<Object>> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.states.get(&(uid.to_owned(), resource_version.to_owned())).cloned()
    }

    /// The object as the step's last save of it left it.
    pub fn saved(&self, uid: &str) -> Option<Arc<Object>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).saved.get(uid).cloned()
    }
}
