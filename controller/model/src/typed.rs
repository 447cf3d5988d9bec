//! Typed objects: Rust structs (generated from xproto) to and from [`Object`].

use std::fmt::Debug;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::object::{Meta, Object};

/// A Rust type for the objects of a model.
///
/// Generated structs implement it; so does [`Object`], for steps that work on any model.
///
/// The struct of a model that others inherit from is also a **view** of their objects: it is read from such an object,
/// and writing it back keeps all other fields. [`leaf_model`](Self::leaf_model) returns the object's own
/// model.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model",
    note = "structs generated from xproto by `xos_codegen` in build.rs implement `Model`; \
            for a model that is known only at run time use `Object`"
)]
pub trait Model: Clone + Debug + Send + Sync + 'static {
    /// The model's name in xproto; empty for [`Object`], which can be of any model.
    const MODEL_NAME: &'static str;
    /// The model and all it inherits from, leaf first (XOS's `class_names`); empty for [`Object`].
    const CLASS_NAMES: &'static [&'static str];
    /// Whether it has no objects of its own, and is only a view of objects of other models.
    const IS_ABSTRACT: bool = false;
    /// Whether other models inherit from it.
    const HAS_HEIRS: bool = false;

    /// Reads the type out of an object of this model, or of one that inherits from it.
    ///
    /// # Errors
    /// When a field is missing that has neither value nor default, or has a value of another type.
    fn from_object(object: &Object) -> Result<Self, ConvertError>;

    /// Writes the fields back into an object; its other fields, its metadata and status stay as they are.
    ///
    /// # Errors
    /// When a field cannot be written as JSON.
    fn write_to(&self, object: &mut Object) -> Result<(), ConvertError>;

    /// Returns name, namespace, uid …
    fn meta(&self) -> &Meta;

    /// Returns the object's own model (XOS's `leaf_model_name`), also where this is a view of a base.
    fn leaf_model(&self) -> &str {
        let leaf = &*self.meta().model;
        if leaf.is_empty() { Self::MODEL_NAME } else { leaf }
    }

    /// Makes an object of it, to be created.
    ///
    /// # Errors
    /// When it is a view of another model's object, or a field cannot be written as JSON.
    fn to_object(&self) -> Result<Object, ConvertError> {
        let leaf = self.leaf_model();
        if leaf != Self::MODEL_NAME || Self::IS_ABSTRACT {
            return Err(ConvertError::View { model: Self::MODEL_NAME, leaf: leaf.to_owned() });
        }
        let mut object = Object::with_meta(Self::MODEL_NAME, self.meta().clone());
        self.write_to(&mut object)?;
        Ok(object)
    }
}

/// Marks a model whose objects the service knows: its own models, and those of XOS's core that it names.
///
/// Generated for all but those of the core's models to which a service only comes by links that it inherits: for these
/// there is a struct, so that the link has a type, but no object is ever found.
#[diagnostic::on_unimplemented(
    message = "nothing names the model `{Self}` of XOS's core, so its objects are not known here",
    label = "its objects are not known",
    note = "name it in an .xproto file of the service, as the peer of a link, or by `option uses = \"{Self}\";`"
)]
pub trait Known: Model {}

impl Known for Object {}

/// Why an object does not fit its Rust type.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the names of the fields say what they are")]
pub enum ConvertError {
    /// A required field without a value.
    #[error("{model}: field `{field}` has no value")]
    Missing { model: String, field: String },
    /// A value of another type.
    #[error("{model}: field `{field}`: {source}")]
    Type {
        model: String,
        field: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A number that JSON does not have.
    #[error("{model}: field `{field}` cannot be {value}")]
    NotFinite {
        model: String,
        field: String,
        /// Not a number, or infinite.
        value: f64,
    },
    /// A view of an object, which does not have all fields.
    #[error("a {leaf} seen as {model} is not the whole object: read it as {leaf}, or use `write_to`")]
    View {
        /// The model of the Rust type.
        model: &'static str,
        /// The model of the object.
        leaf: String,
    },
}

impl Model for Object {
    const MODEL_NAME: &'static str = "";
    const CLASS_NAMES: &'static [&'static str] = &[];

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

    fn leaf_model(&self) -> &str {
        &self.model
    }

    fn to_object(&self) -> Result<Object, ConvertError> {
        Ok(self.clone())
    }
}

impl Object {
    /// Returns the typed object, if the object's own model is `T`.
    ///
    /// # Errors
    /// When a field does not fit.
    pub fn leaf<T: Model>(&self) -> Result<Option<T>, ConvertError> {
        (*self.model == *T::MODEL_NAME).then(|| T::from_object(self)).transpose()
    }

    /// Returns the metadata with the model, as typed objects have it.
    pub fn typed_meta(&self) -> Meta {
        Meta { model: Arc::clone(&self.model), ..self.meta.clone() }
    }

    /// Returns the value of a field, if it has one.
    ///
    /// # Errors
    /// When the value has another type.
    pub fn optional<T: DeserializeOwned>(&self, field: &str) -> Result<Option<T>, ConvertError> {
        let Some(value) = self.fields.get(field) else { return Ok(None) };
        T::deserialize(value).map(Some).map_err(|source| self.type_error(field, source))
    }

    /// Returns the value of a field that must have one.
    ///
    /// # Errors
    /// When it has none, or one of another type.
    pub fn required<T: DeserializeOwned>(&self, field: &str) -> Result<T, ConvertError> {
        self.optional(field)?
            .ok_or_else(|| ConvertError::Missing { model: self.model.to_string(), field: field.to_owned() })
    }

    /// Writes a field; `None` unsets it. It writes neither a value that is already there in another form (`2` for
    /// `2.0`), nor one equal to `default` where there was none, so that reading an object and writing it back changes
    /// nothing.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    pub fn store<T>(&mut self, field: &str, value: &T, default: Option<&T>) -> Result<(), ConvertError>
    where
        T: Serialize + DeserializeOwned + PartialEq,
    {
        let there = self.fields.get(field).map(T::deserialize);
        let same = there.map_or_else(|| default == Some(value), |there| there.is_ok_and(|there| there == *value));
        if !same {
            let json = serde_json::to_value(value).map_err(|source| self.type_error(field, source))?;
            self.set(field, json);
        }
        Ok(())
    }

    /// Stores a number with a fraction; otherwise like [`store`](Self::store).
    ///
    /// # Errors
    /// When it is not finite: JSON has no such numbers.
    pub fn store_number(
        &mut self,
        field: &str,
        value: impl Into<Option<f64>>,
        default: Option<f64>,
    ) -> Result<(), ConvertError> {
        let value = value.into();
        match value.filter(|number| !number.is_finite()) {
            Some(value) => {
                Err(ConvertError::NotFinite { model: self.model.to_string(), field: field.to_owned(), value })
            }
            None => self.store(field, &value, default.map(Some).as_ref()),
        }
    }

    fn type_error(&self, field: &str, source: serde_json::Error) -> ConvertError {
        ConvertError::Type { model: self.model.to_string(), field: field.to_owned(), source }
    }
}

/// Compiles the models that a build script has already compiled: those that generated types are made of. Files of
/// properties among them are left out.
pub fn compiled(files: &[(&str, &str)]) -> xos_xproto::ModelSet {
    let mut sources = xos_xproto::Sources::new();
    for (name, text) in files.iter().filter(|(name, _)| name.ends_with(".xproto")) {
        sources.add(*name, *text);
    }
    xos_xproto::compile(&sources).models
}

/// Returns a default as JSON, if it is constant: not a moment, a Python callable, or null.
pub fn constant(literal: &xos_xproto::Literal) -> Option<Value> {
    use xos_xproto::Literal;
    match literal {
        Literal::Bool(value) => Some(Value::from(*value)),
        Literal::Int(value) => Some(Value::from(*value)),
        Literal::Float(value) => Some(Value::from(*value)),
        Literal::Str(value) => Some(Value::from(value.as_str())),
        Literal::Null | Literal::Now | Literal::Callable(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(fields: Value) -> Object {
        Object { fields: serde_json::from_value(fields).unwrap(), ..Object::named("M", "n", "a") }
    }

    #[test]
    fn what_is_there_in_other_words_stays() {
        let before =
            object(json!({"x": 2, "when": "2026-01-02T05:04:05+02:00", "to": {"name": "a", "namespace": null}}));
        let mut after = before.clone();
        after.store_number("x", 2.0, Some(2.0)).unwrap();
        after.store("when", &"2026-01-02T03:04:05Z".parse::<jiff::Timestamp>().unwrap(), None).unwrap();
        after.store("to", &crate::Reference::to("a"), None).unwrap();
        after.store("absent", &7, Some(&7)).unwrap();
        after.store("none", &None::<bool>, None).unwrap();
        assert_eq!(after, before);
        after.store_number("x", 2.5, Some(2.0)).unwrap();
        after.store("when", &None::<String>, None).unwrap();
        after.store("absent", &8, Some(&7)).unwrap();
        assert_eq!((after.fields.get("x"), after.fields.get("absent")), (Some(&json!(2.5)), Some(&json!(8))));
        assert!(!after.fields.contains_key("when"));
    }

    #[test]
    fn numbers_that_json_does_not_have_are_refused() {
        let mut o = object(json!({}));
        let error = o.store_number("x", Some(f64::NAN), None).unwrap_err().to_string();
        assert_eq!(error, "M: field `x` cannot be NaN");
        assert!(o.store_number("x", f64::INFINITY, None).is_err());
        o.store_number("x", None, None).unwrap();
        assert!(o.fields.is_empty());
    }
}
