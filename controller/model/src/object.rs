//! An object of a model, in XOS's terms.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::fields::Fields;
use crate::intent::{Intent, QuietSave, SpecHash};
use crate::shared::shared;
use crate::status::Status;

/// The key of an object. Keys are ordered by model, namespace, name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey {
    /// The model's name, `MyModel`.
    pub model: Arc<str>,
    /// The namespace.
    pub namespace: Arc<str>,
    /// `metadata.name`.
    pub name: Arc<str>,
}

impl ObjectKey {
    /// Makes a key from its parts.
    pub fn new(model: &str, namespace: &str, name: &str) -> Self {
        Self { model: model.into(), namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.model, self.namespace, self.name)
    }
}

/// An object's metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// The object's own model (XOS's `leaf_model_name`), also where it is viewed as a base. Empty if it is not known.
    pub model: Arc<str>,
    /// The namespace.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.resourceVersion`.
    pub resource_version: String,
    /// `metadata.generation`.
    pub generation: i64,
    /// `metadata.creationTimestamp`.
    pub created: Option<Timestamp>,
    /// `metadata.deletionTimestamp`: XOS's soft delete.
    pub deleting: Option<Timestamp>,
    /// When someone other than a synchronizer last wrote to it, to the second; none if it is not known.
    pub edited: Option<Timestamp>,
    /// Whether its id is only in an annotation, and not in its status yet.
    pub has_unshown_id: bool,
    /// `metadata.finalizers`.
    pub finalizers: Vec<String>,
    /// The fields of spec that someone other than a synchronizer set last, by their names in xproto.
    pub operator_fields: Vec<Box<str>>,
    /// The annotations of the domain `xos.opencord.org`, beside the touch and the quiet saves, by the part of their
    /// names after the slash: what an operator tells the controller of this object.
    pub annotations: BTreeMap<Box<str>, String>,
    /// The field manager that changed it last, where a watch has just shown that: it is not kept.
    pub writer: Option<Arc<str>>,
}

impl Meta {
    /// Makes the metadata of an object that is not stored yet.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into(), ..Self::default() }
    }
}

/// An object of any model: what the engine works on.
#[derive(Clone, PartialEq)]
pub struct Object {
    /// The model's name.
    pub model: Arc<str>,
    /// Name, uid, generation, finalizers …
    pub meta: Meta,
    /// The values of the model's fields, in all states (declarative, feedback, bookkeeping).
    pub fields: Fields,
    /// What the operator (or a controller) wants: the hash of the spec, and the touch.
    pub intent: Intent,
    /// What the hash of spec would be without the switches that are set in it, in each way to leave them out; empty
    /// while none is set.
    pub unswitched: Vec<SpecHash>,
    /// The recent saves to spec that were made quietly, oldest first.
    pub quiet_saves: Vec<QuietSave>,
    /// Conditions, history and each synchronizer's bookkeeping.
    pub status: Status,
}

impl Object {
    /// Makes an object without fields that is not stored yet. See [`Dynamic::create`](crate::Dynamic::create) for one
    /// with its defaults.
    pub fn named(model: &str, namespace: &str, name: &str) -> Self {
        Self::with_meta(model, Meta::new(namespace, name))
    }

    /// Makes an object without fields.
    pub fn with_meta(model: &str, meta: Meta) -> Self {
        let model = shared(model);
        Self {
            meta: Meta { model: model.clone(), ..meta },
            model,
            fields: Fields::new(),
            // What is wanted is known from the custom resource.
            intent: Intent { spec: SpecHash::of(&Value::Null), touch: None, secrets: None },
            unswitched: Vec::new(),
            quiet_saves: Vec::new(),
            status: Status::default(),
        }
    }

    /// Returns the object's key.
    pub fn key(&self) -> ObjectKey {
        ObjectKey {
            model: Arc::clone(&self.model),
            namespace: shared(&self.meta.namespace),
            name: self.meta.name.as_str().into(),
        }
    }

    /// Returns whether a field is `true`; absent, null and any other value count as false.
    pub fn flag(&self, field: &str) -> bool {
        self.fields.get(field) == Some(&Value::Bool(true))
    }

    /// Returns a text field, if it is set.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field).and_then(Value::as_str)
    }

    /// Returns a date field, if it is set to a valid date.
    pub fn date(&self, field: &str) -> Option<Timestamp> {
        self.text(field)?.parse().ok()
    }

    /// Sets a field; null removes it.
    pub fn set(&mut self, field: &str, value: Value) {
        if value.is_null() {
            self.fields.remove(field);
        } else {
            self.fields.insert(field, value);
        }
    }

    /// Returns whether the object has this finalizer.
    pub fn has_finalizer(&self, finalizer: &str) -> bool {
        self.meta.finalizers.iter().any(|f| f == finalizer)
    }
}
