//! Typed objects to custom resources and back.

use kube::api::DynamicObject;
use xos_model::{ConvertError, Model, Object};
use xos_xproto::ModelSet;

use crate::convert::{self, DecodeError};

/// Custom resources of typed objects: of all generated structs, and of [`Object`].
///
/// The models are those that the types are made of: `models()`, which `include_models!` generates.
///
/// ```ignore
/// let required = NewMyModel { first_name: "Ada".to_owned(), last_name: "Lovelace".to_owned() };
/// let ada = MyModel::new(required).named("ada").in_namespace("default");
/// let created = api.create(&PostParams::default(), &ada.new_custom_resource(models())?).await?;
/// let ada = MyModel::from_custom_resource(models(), &created)?;
/// ```
pub trait CustomResource: Model {
    /// Reads a custom resource of the model, or of one that inherits from it.
    ///
    /// # Errors
    /// When it is of another kind, or a field does not fit.
    fn from_custom_resource(models: &ModelSet, resource: &DynamicObject) -> Result<Self, TypedError> {
        let kind = resource.types.as_ref().map_or(Self::MODEL_NAME, |types| &types.kind);
        let model = models.get(kind).ok_or_else(|| TypedError::UnknownKind { kind: kind.to_owned() })?;
        if !Self::MODEL_NAME.is_empty() && !model.is_a(Self::MODEL_NAME) {
            return Err(TypedError::NotA { kind: kind.to_owned(), class: Self::MODEL_NAME });
        }
        Ok(Self::from_object(&convert::from_custom_resource(model, resource)?)?)
    }

    /// Returns the custom resource to create for a new object: its names and its spec.
    ///
    /// # Errors
    /// When this is a view of another model's object, a field has no JSON form, or the set does not have the model.
    fn new_custom_resource(&self, models: &ModelSet) -> Result<DynamicObject, TypedError> {
        let object = self.to_object()?;
        Ok(convert::new_custom_resource(model_of(models, &object)?, &object))
    }

    /// Returns the whole custom resource, with metadata and status.
    ///
    /// # Errors
    /// As for [`new_custom_resource`](Self::new_custom_resource).
    fn to_custom_resource(&self, models: &ModelSet) -> Result<DynamicObject, TypedError> {
        let object = self.to_object()?;
        Ok(convert::to_custom_resource(model_of(models, &object)?, &object)?)
    }
}

impl<T: Model> CustomResource for T {}

/// Why a typed object or a custom resource could not be converted.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the names of the fields say what they are")]
pub enum TypedError {
    /// The set has no model of that name.
    #[error("there is no model for the kind `{kind}`")]
    UnknownKind { kind: String },
    /// The custom resource is of another kind.
    #[error("a {kind} is not a {class}")]
    NotA {
        kind: String,
        /// The model of the Rust type.
        class: &'static str,
    },
    /// The custom resource cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A field does not fit.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// A part cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

fn model_of<'m>(models: &'m ModelSet, object: &Object) -> Result<&'m xos_xproto::Model, TypedError> {
    models.get(&object.model).ok_or_else(|| TypedError::UnknownKind { kind: object.model.to_string() })
}
