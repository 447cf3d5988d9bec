//! Typed objects: Rust structs (generated from xproto) to and from [`Object`].

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::object::{Meta, Object};

/// A Rust type that stands for the objects of a model.
///
/// Generated structs implement it; so does [`Object`], for steps that work on any model.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model",
    note = "structs generated from xproto by `xos_codegen` in build.rs implement `Model`; for a model that is known only at run time use `Object`"
)]
pub trait Model: Clone + Debug + Send + Sync + 'static {
    /// The model's name in xproto; empty for [`Object`], which stands for any.
    const NAME: &'static str;

    /// Reads the type out of an object.
    ///
    /// # Errors
    /// When a field is missing that has neither value nor default, or has a value of another type.
    fn from_object(object: &Object) -> Result<Self, ConvertError>;

    /// Writes the fields back into an object; its metadata and status stay as they are.
    ///
    /// # Errors
    /// When a field cannot be written as JSON.
    fn write_to(&self, object: &mut Object) -> Result<(), ConvertError>;

    /// Name, namespace, uid …
    fn meta(&self) -> &Meta;
}

/// Why an object does not fit its Rust type.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// A required field without a value.
    #[error("{model}: field `{field}` has no value")]
    Missing {
        /// The model.
        model: String,
        /// The field.
        field: String,
    },
    /// A value of another type.
    #[error("{model}: field `{field}`: {source}")]
    Type {
        /// The model.
        model: String,
        /// The field.
        field: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl Model for Object {
    const NAME: &'static str = "";

    fn from_object(object: &Object) -> Result<Self, ConvertError> {
        Ok(object.clone())
    }

    fn write_to(&self, object: &mut Object) -> Result<(), ConvertError> {
        object.fields.clone_from(&self.fields);
        Ok(())
    }

    fn meta(&self) -> &Meta {
        &self.meta
    }
}

impl Object {
    /// The value of a field, if it has one.
    ///
    /// # Errors
    /// When the value has another type.
    pub fn optional<T: DeserializeOwned>(&self, field: &str) -> Result<Option<T>, ConvertError> {
        let Some(value) = self.fields.get(field) else { return Ok(None) };
        serde_json::from_value(value.clone()).map(Some).map_err(|source| self.type_error(field, source))
    }

    /// The value of a field that must have one.
    ///
    /// # Errors
    /// When it has none, or one of another type.
    pub fn required<T: DeserializeOwned>(&self, field: &str) -> Result<T, ConvertError> {
        self.optional(field)?
            .ok_or_else(|| ConvertError::Missing { model: self.model.to_string(), field: field.to_owned() })
    }

    /// Writes a field; `None` unsets it. A value equal to `default` is not written where there was none, so that reading and writing
    /// back an object changes nothing.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    pub fn store<T: Serialize>(&mut self, field: &str, value: &T, default: Option<T>) -> Result<(), ConvertError> {
        let json = serde_json::to_value(value).map_err(|source| self.type_error(field, source))?;
        let default = default.and_then(|d| serde_json::to_value(d).ok());
        if self.fields.contains_key(field) || default.as_ref() != Some(&json) {
            self.set(field, json);
        }
        Ok(())
    }

    fn type_error(&self, field: &str, source: serde_json::Error) -> ConvertError {
        ConvertError::Type { model: self.model.to_string(), field: field.to_owned(), source }
    }
}
