//! Properties: values that are computed from objects.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use xos_expressions::{EvaluationError, Objects, Properties};
use xos_model::xproto::ModelSet;
use xos_model::{ConvertError, Model, Object, ObjectKey, Reference};

use crate::context::StepContext;
use crate::store::Store;

/// Why a property has no value.
#[derive(Debug, thiserror::Error)]
pub enum PropertyError {
    /// The model has no such property.
    #[error(
        "model {model} has no property `{name}`: declare it in a file of the folder `convenience` beside the models"
    )]
    Unknown {
        /// The model.
        model: String,
        /// The name.
        name: String,
    },
    /// It cannot be computed: a part of it has no value, or too much would have to be read.
    #[error("`{name}` of {object} cannot be computed: {source}")]
    Evaluation {
        /// The property.
        name: String,
        /// The object.
        object: ObjectKey,
        /// Why it cannot.
        source: EvaluationError,
    },
    /// The value has another type than the one that is asked for.
    #[error("`{name}` of {object} has another type: {source}")]
    Type {
        /// The property.
        name: String,
        /// The object.
        object: ObjectKey,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The object cannot be read.
    #[error(transparent)]
    Convert(#[from] ConvertError),
}

impl StepContext {
    /// Returns the value of a property of an object, computed from the object as it is here, with what was not saved yet;
    /// none if it is null.
    ///
    /// Generated structs have a method for each: `person.full_name(ctx)`. This is for models that are known only at run
    /// time.
    ///
    /// # Errors
    /// When the model has no such property, it cannot be computed, or its value is no `V`.
    pub fn property<V: DeserializeOwned>(&self, of: &impl Model, name: &str) -> Result<Option<V>, PropertyError> {
        let object = Arc::new(self.as_it_is(of)?);
        let properties = self.store().properties();
        let unknown = || PropertyError::Unknown { model: of.leaf_model().to_owned(), name: name.to_owned() };
        let property = properties.get(of.leaf_model(), name).ok_or_else(unknown)?;
        let objects = Arc::new(StoreObjects::of(self.shared_store()));
        let value = property.evaluate(&object, objects).map_err(|source| PropertyError::Evaluation {
            name: name.to_owned(),
            object: object.key(),
            source,
        })?;
        let read = |value| {
            V::deserialize(value).map_err(|source| PropertyError::Type {
                name: name.to_owned(),
                object: object.key(),
                source,
            })
        };
        value.map(read).transpose()
    }

    /// Returns the object that a typed one stands for, with what was changed in it.
    fn as_it_is(&self, of: &impl Model) -> Result<Object, ConvertError> {
        let meta = of.meta();
        let read = self.session().state(&meta.uid, &meta.resource_version);
        let mut object = read.map_or_else(|| Object::with_meta(of.leaf_model(), meta.clone()), |read| (*read).clone());
        of.write_to(&mut object)?;
        Ok(object)
    }
}

/// The objects of a store, for expressions.
pub struct StoreObjects(Arc<dyn Store>);

impl StoreObjects {
    /// Returns the objects of this store.
    pub fn of(store: Arc<dyn Store>) -> Self {
        Self(store)
    }
}

impl Objects for StoreObjects {
    fn models(&self) -> Arc<ModelSet> {
        self.0.models()
    }

    fn properties(&self) -> Arc<Properties> {
        self.0.properties()
    }

    fn at(&self, class: &str, namespace: &str, reference: &Reference) -> Vec<Arc<Object>> {
        self.0.at(class, namespace, reference).unwrap_or_default()
    }

    fn linked_back(&self, key: &ObjectKey, port: &str) -> Vec<Arc<Object>> {
        self.0.linked_back(key, port).unwrap_or_default()
    }
}
