//! The interface to the objects: the engine implements it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use xos_expressions::Properties;
use xos_model::names::{API_CLIENTS, API_MANAGERS};
use xos_model::save::SaveError;
use xos_model::xproto::ModelSet;
use xos_model::{ConvertError, FieldNames, Fields, Object, ObjectKey, Pass, Query, QueryError, Reference};

/// How an object is saved. By default quietly, and everything that was changed.
///
/// A quiet save does not count as an operator's change, so steps and policies do not run again. With two exceptions:
/// after a policy's save the object's sync step runs, and after a sync step's save its policies run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Save {
    /// Whether the object's policies and steps run again, even if nothing changed (XOS's `always_update_timestamp`).
    pub touch: bool,
    /// If given, only these fields are saved (XOS's `update_fields`).
    pub only: Option<Vec<String>>,
    /// Whether values that an operator set are kept: those of declarative fields that were last set by somebody else
    /// than a synchronizer.
    pub yielding: bool,
}

impl Save {
    /// Saves quietly, and everything that was changed.
    pub fn quietly() -> Self {
        Self::default()
    }

    /// Also makes policies and steps run again.
    #[must_use]
    pub fn and_touch(self) -> Self {
        Self { touch: true, ..self }
    }

    /// Only these fields: constants of a model (several as a tuple), or texts.
    #[must_use]
    pub fn only(self, fields: impl FieldNames) -> Self {
        Self { only: Some(fields.names().into_iter().map(str::to_owned).collect()), ..self }
    }

    /// Keeps the values that an operator set.
    #[must_use]
    pub fn yielding(self) -> Self {
        Self { yielding: true, ..self }
    }
}

/// The step or policy that saves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saver {
    /// Its name.
    pub step: String,
    /// Its pass.
    pub pass: Pass,
}

impl Saver {
    /// Returns a user of XOS's API: what an operator changes is never quiet.
    pub fn operator(user: &str) -> Self {
        Self { step: format!("{API_MANAGERS}{user}"), pass: Pass::Pull }
    }

    /// Returns a synchronizer that works through XOS's API in the name of a user.
    pub fn client(user: &str, pass: Pass) -> Self {
        Self { step: format!("{API_CLIENTS}{user}"), pass }
    }

    /// Returns whether it is one.
    pub fn is_client(&self) -> bool {
        self.step.starts_with(API_CLIENTS)
    }

    /// Returns whether it is a user of XOS's API.
    pub fn is_operator(&self) -> bool {
        self.step.starts_with(API_MANAGERS)
    }
}

/// Why objects could not be found or saved.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such object.
    #[error("there is no {what}")]
    NotFound {
        /// The class and the conditions.
        what: String,
    },
    /// There are several objects, and one was asked for.
    #[error("there are {count} of {what}, and one was asked for: {names}")]
    NotUnique {
        /// The class and the conditions.
        what: String,
        /// The number of objects.
        count: usize,
        /// The names of the first ones.
        names: String,
    },
    /// An object of that name exists.
    #[error("{0} exists already")]
    AlreadyExists(ObjectKey),
    /// An object of that name exists, and has another key.
    #[error(
        "{key} exists already, and its {fields} differ from those of the new object: give the new object another name"
    )]
    NameTaken {
        /// The object.
        key: ObjectKey,
        /// The fields of the key.
        fields: String,
    },
    /// The object is being deleted. It can be created again when it is gone.
    #[error("{0} is still being deleted")]
    BeingDeleted(ObjectKey),
    /// The object that an item of a listing is about lies in another namespace.
    #[error(
        "{there} lies in another namespace than the listing, which is of {here}: say where its things belong, with \
         `in_namespace` or `reconcile_by_namespace`"
    )]
    Elsewhere {
        /// The object.
        there: ObjectKey,
        /// The namespace of the listing.
        here: String,
    },
    /// The namespace is not watched, so what lies in it is not known.
    #[error("namespace {0} is not watched: add it to `namespaces` in the configuration")]
    NotWatched(String),
    /// The object does not exist any more.
    #[error("{0} does not exist any more")]
    Gone(ObjectKey),
    /// The object is write-protected.
    #[error("{0} is write-protected: it cannot be deleted before spec.writeProtect is cleared")]
    WriteProtected(ObjectKey),
    /// The model has no natural key.
    #[error("model {0} has neither a tosca_key nor a name: say which fields are the key")]
    NoKey(String),
    /// The object was not read with this context, so it is not known what was changed.
    #[error("{0} was not read in this step: read it with ctx.models(), change that, and save it")]
    NotRead(ObjectKey),
    /// The query is wrong.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The object does not fit its Rust type.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// A step may not make this change.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// A value has no JSON form.
    #[error("a value has no JSON form: {0}")]
    Json(#[from] serde_json::Error),
    /// The context has no store.
    #[error("this context has no objects: use the context of a `World` (xos_controller::testing)")]
    NoStore,
    /// The API server does not take what is written, and would not take it again: admission, the schema, a right.
    #[error("{what}: {source}")]
    Refused {
        /// What was tried.
        what: String,
        /// The API server's words.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The API server cannot be reached, or cannot do it now.
    #[error("{what}: {source}")]
    Unavailable {
        /// What was tried.
        what: String,
        /// Why it cannot.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The object was changed by others again and again.
    #[error("{what}: {source}")]
    Unsettled {
        /// What was tried.
        what: String,
        /// What happened.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The API server's answer is none.
    #[error("{what}: {source}")]
    Backend {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The future of a write; returns the object as it is stored.
pub type Stored<'a> = BoxFuture<'a, Result<Arc<Object>, StoreError>>;

/// Annotations to set, or, without a value, to remove: by the parts of their names after `xos.opencord.org/`.
pub type Annotations = Vec<(Cow<'static, str>, Option<String>)>;

/// Answers queries from a cache, by index, without a call to a server. Saves objects; answers after a save are never
/// older than it.
pub trait Store: Send + Sync {
    /// Returns the models.
    fn models(&self) -> Arc<ModelSet>;

    /// Returns the properties of the models.
    fn properties(&self) -> Arc<Properties> {
        Properties::none()
    }

    /// Returns the objects that a query selects.
    ///
    /// # Errors
    /// When there is no such class or field.
    fn query(&self, query: &Query) -> Result<Vec<Arc<Object>>, StoreError>;

    /// Returns the objects that a link to `class` refers to, from an object in `namespace`.
    ///
    /// # Errors
    /// When there is no such class.
    fn at(&self, class: &str, namespace: &str, reference: &Reference) -> Result<Vec<Arc<Object>>, StoreError>;

    /// Returns the objects that link to an object, by the reverse port.
    ///
    /// # Errors
    /// When there is no store.
    fn linked_back(&self, key: &ObjectKey, port: &str) -> Result<Vec<Arc<Object>>, StoreError>;

    /// Whether an operator's change of the object has not reached the backend yet, so that the backend's values are
    /// old.
    fn is_in_flight(&self, _object: &Object) -> bool {
        false
    }

    /// Whether objects of a namespace are known.
    fn watches(&self, _namespace: &str) -> bool {
        true
    }

    /// Returns the namespaces that are watched; none: all are.
    fn namespaces(&self) -> Vec<String> {
        vec![]
    }

    /// Reads an object from the API server, not from a cache; none if it does not exist.
    fn read<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, Result<Option<Arc<Object>>, StoreError>>;

    /// Creates an object.
    fn create<'a>(&'a self, by: &'a Saver, object: Object) -> Stored<'a>;

    /// Saves changed fields of an object that was read as `base`; null removes a value. Other fields keep the values
    /// that somebody else set in the meantime.
    fn save<'a>(&'a self, by: &'a Saver, base: Arc<Object>, changed: Fields, how: &'a Save) -> Stored<'a>;

    /// Sets annotations of an object, by the parts of their names after `xos.opencord.org/`; none removes one. That is
    /// no change of what is wanted.
    fn annotate<'a>(&'a self, by: &'a Saver, object: Arc<Object>, annotations: Annotations) -> Stored<'a>;

    /// Gives an object its id in XOS's API, unless it has one.
    fn number<'a>(&'a self, _object: Arc<Object>, _id: i32) -> Stored<'a> {
        async { Err(StoreError::NoStore) }.boxed()
    }

    /// Requests the deletion of an object.
    fn delete<'a>(&'a self, by: &'a Saver, object: Arc<Object>) -> BoxFuture<'a, Result<(), StoreError>>;
}

impl fmt::Debug for dyn Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

/// A store without objects; every call is an error.
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

    fn annotate<'a>(&'a self, _: &'a Saver, _: Arc<Object>, _: Annotations) -> Stored<'a> {
        async { Err(StoreError::NoStore) }.boxed()
    }

    fn delete<'a>(&'a self, _: &'a Saver, _: Arc<Object>) -> BoxFuture<'a, Result<(), StoreError>> {
        async { Err(StoreError::NoStore) }.boxed()
    }
}
