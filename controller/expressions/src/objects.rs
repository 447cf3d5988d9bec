//! What expressions ask of other objects.

use std::sync::Arc;

use xos_model::{Object, ObjectKey, Reference};
use xos_xproto::ModelSet;

use crate::properties::Properties;

/// What expressions ask of other objects, to follow links.
pub trait Objects: Send + Sync {
    /// Returns the models.
    fn models(&self) -> Arc<ModelSet>;

    /// Returns the properties of the models; by default none.
    fn properties(&self) -> Arc<Properties> {
        Properties::none()
    }

    /// Returns the objects that a link to `class` refers to, from an object in `namespace`: more than one only if
    /// several kinds share the name.
    fn at(&self, class: &str, namespace: &str, reference: &Reference) -> Vec<Arc<Object>>;

    /// Returns the objects that link to an object, by the reverse port.
    fn linked_back(&self, key: &ObjectKey, port: &str) -> Vec<Arc<Object>>;
}

/// A world without objects: all links lead nowhere.
#[derive(Clone, Debug)]
pub struct NoObjects {
    models: Arc<ModelSet>,
    properties: Arc<Properties>,
}

impl NoObjects {
    /// Returns one with these models.
    pub fn of(models: impl Into<Arc<ModelSet>>) -> Self {
        Self { models: models.into(), properties: Properties::none() }
    }

    /// Returns the same, with the properties of the models.
    #[must_use]
    pub fn with_properties(self, properties: Arc<Properties>) -> Self {
        Self { properties, ..self }
    }
}

impl Objects for NoObjects {
    fn models(&self) -> Arc<ModelSet> {
        Arc::clone(&self.models)
    }

    fn properties(&self) -> Arc<Properties> {
        Arc::clone(&self.properties)
    }

    fn at(&self, _: &str, _: &str, _: &Reference) -> Vec<Arc<Object>> {
        vec![]
    }

    fn linked_back(&self, _: &ObjectKey, _: &str) -> Vec<Arc<Object>> {
        vec![]
    }
}
