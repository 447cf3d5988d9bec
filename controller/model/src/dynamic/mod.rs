//! Objects of models that are known only at run time, with the checks that typed ones have from the compiler.

mod error;
#[cfg(test)]
mod tests;
mod value;

use std::borrow::{Borrow, BorrowMut};

use serde_json::Value;
use xos_xproto::{Field, FieldState, Link, Literal, Member, Model, ModelSet, nearest};

use crate::object::Object;
use crate::reference::Reference;
use crate::secret::HIDDEN;
use crate::typed::constant;

pub use error::DynamicError;

/// An object (`Object`, `&Object` or `&mut Object`) with its model, or viewed as one of its bases.
///
/// ```
/// use xos_model::{Dynamic, Reference};
/// use xos_xproto::{Sources, compile};
///
/// let mut sources = Sources::new();
/// sources.add("core.xproto", r#"option app_label = "core";
///     message Site (XOSBase) {}
///     message Slice (XOSBase) {
///         required manytoone site->Site:slices = 1:1001;
///         required string isolation = 2
///             [max_length = 9, default = "vm", choices = "(('vm', 'Machine'), ('pod', 'Pod'))"];
///     }"#);
/// let models = compile(&sources).models;
///
/// let mut slice = Dynamic::create(&models, "Slice", "default", "one")?;
/// assert_eq!(slice.get("isolation")?, "vm");
/// slice.set("isolation", "pod")?;
/// slice.set_link("site", Reference::to("here"))?;
/// assert!(slice.is_a("XOSBase"));
/// let error = slice.set("isolatoin", "pod").unwrap_err().to_string();
/// assert_eq!(error, "model Slice has no field `isolatoin`; did you mean `isolation`?");
/// let object = slice.into_inner();
/// # assert_eq!(object.fields["isolation"], "pod");
/// # Ok::<(), xos_model::DynamicError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Dynamic<'m, O = Object> {
    models: &'m ModelSet,
    model: &'m Model,
    object: O,
}

fn model_of<'m>(models: &'m ModelSet, name: &str) -> Result<&'m Model, DynamicError> {
    models.get(name).ok_or_else(|| DynamicError::UnknownModel {
        model: name.to_owned(),
        suggestion: nearest(name, models.iter().map(|model| model.name.as_str())),
    })
}

impl<'m> Dynamic<'m, Object> {
    /// Makes a new object, with the defaults that the API server would fill in.
    ///
    /// # Errors
    /// When there is no such model, or it has no objects in this set.
    pub fn create(models: &'m ModelSet, model: &str, namespace: &str, name: &str) -> Result<Self, DynamicError> {
        let model = model_of(models, model)?;
        if model.is_abstract {
            return Err(DynamicError::Abstract { model: model.name.clone() });
        }
        if model.is_referred {
            return Err(DynamicError::NotNamed { model: model.name.clone() });
        }
        let mut object = Object::named(&model.name, namespace, name);
        object.fields = model.fields.iter().filter_map(|f| Some((f.name.clone(), filled_in(f)?))).collect();
        Ok(Self { models, model, object })
    }
}

/// Returns the default that the API server fills in. It fills in none for the fields that all models have: absent means
/// off.
fn filled_in(field: &Field) -> Option<Value> {
    let is_filled = field.state == FieldState::Declarative && !field.is_common() && !field.secret;
    field.default.as_ref().filter(|_| is_filled).and_then(constant)
}

impl<'m, O: Borrow<Object>> Dynamic<'m, O> {
    /// Looks up the model of an object.
    ///
    /// # Errors
    /// When the set does not have the model.
    pub fn of(models: &'m ModelSet, object: O) -> Result<Self, DynamicError> {
        let model = model_of(models, &object.borrow().model)?;
        Ok(Self { models, model, object })
    }

    /// Views the object as one of a base: only the base's fields are known.
    ///
    /// # Errors
    /// When the object is not of that class.
    pub fn view(self, class: &str) -> Result<Self, DynamicError> {
        let model = model_of(self.models, class)?;
        if !self.is_a(class) {
            let leaf = self.object.borrow().model.to_string();
            return Err(DynamicError::NotA { model: leaf, class: class.to_owned() });
        }
        Ok(Self { model, ..self })
    }

    /// Returns the object's model and all it inherits from, leaf first, also in a view.
    pub fn class_names(&self) -> &'m [String] {
        self.models.get(&self.object.borrow().model).map(|leaf| leaf.ancestry.as_slice()).unwrap_or_default()
    }

    /// Returns whether the object is of this class.
    pub fn is_a(&self, class: &str) -> bool {
        self.class_names().iter().any(|name| name == class)
    }

    /// Returns the model through which the object is seen.
    pub fn model(&self) -> &'m Model {
        self.model
    }

    /// Returns the object.
    pub fn object(&self) -> &Object {
        self.object.borrow()
    }

    /// Returns the object without its model.
    pub fn into_inner(self) -> O {
        self.object
    }

    /// Returns the value of a field, or else the default if it is required, or else null.
    ///
    /// # Errors
    /// When the model has no such field, or it is a link.
    pub fn get(&self, field: &str) -> Result<Value, DynamicError> {
        let field = self.field(field)?;
        let default = || field.default.as_ref().filter(|_| field.required).and_then(constant);
        Ok(self.object().fields.get(&field.name).cloned().or_else(default).unwrap_or_default())
    }

    /// Returns the reference of a link to one object.
    ///
    /// # Errors
    /// When the model has no such link, or it is one to many, or its value is no reference.
    pub fn link(&self, link: &str) -> Result<Option<Reference>, DynamicError> {
        let link = self.to_one(link)?;
        let read = |value: &Value| self.reference(&link.name, value);
        self.object().fields.get(&link.name).map(read).transpose()
    }

    /// Returns the references of a link to many objects.
    ///
    /// # Errors
    /// When the model has no such link, or it is one to one object, or its value is no list of references.
    pub fn links(&self, link: &str) -> Result<Vec<Reference>, DynamicError> {
        let link = self.to_many(link)?;
        match self.object().fields.get(&link.name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items.iter().map(|item| self.reference(&link.name, item)).collect(),
            Some(other) => Err(self.wrong_type(&link.name, "a list of references", other)),
        }
    }

    fn reference(&self, link: &str, value: &Value) -> Result<Reference, DynamicError> {
        serde::Deserialize::deserialize(value).map_err(|_| self.wrong_type(link, "a reference with a name", value))
    }

    fn member(&self, name: &str) -> Result<&'m Member, DynamicError> {
        let mut members = self.model.members();
        members.find(|member| member.name() == name).ok_or_else(|| DynamicError::UnknownField {
            model: self.model.name.clone(),
            field: name.to_owned(),
            suggestion: nearest(name, self.model.members().map(Member::name)),
        })
    }

    fn field(&self, name: &str) -> Result<&'m Field, DynamicError> {
        match self.member(name)? {
            Member::Field(field) => Ok(field),
            Member::Link(link) if link.is_to_many() => Err(self.sort(name, TO_MANY)),
            Member::Link(_) => Err(self.sort(name, TO_ONE)),
        }
    }

    fn to_one(&self, name: &str) -> Result<&'m Link, DynamicError> {
        match self.member(name)? {
            Member::Link(link) if !link.is_to_many() => Ok(link),
            Member::Link(_) => Err(self.sort(name, TO_MANY)),
            Member::Field(_) => Err(self.sort(name, FIELD)),
        }
    }

    fn to_many(&self, name: &str) -> Result<&'m Link, DynamicError> {
        match self.member(name)? {
            Member::Link(link) if link.is_to_many() => Ok(link),
            Member::Link(_) => Err(self.sort(name, TO_ONE)),
            Member::Field(_) => Err(self.sort(name, FIELD)),
        }
    }

    fn sort(&self, field: &str, (is, instead): (&'static str, &'static str)) -> DynamicError {
        DynamicError::Sort { model: self.model.name.clone(), field: field.to_owned(), is, instead }
    }

    fn wrong_type(&self, field: &str, expected: &'static str, found: &Value) -> DynamicError {
        let model = self.model.name.clone();
        let field = field.to_owned();
        DynamicError::Type { model, field, expected, found: found.to_string() }
    }

    fn may_write(&self, name: &str, is_settable: bool) -> Result<(), DynamicError> {
        if !is_settable {
            return Err(DynamicError::Bookkeeping { model: self.model.name.clone(), field: name.to_owned() });
        }
        Ok(())
    }

    fn may_unset(&self, name: &str, required: bool) -> Result<(), DynamicError> {
        if required {
            return Err(DynamicError::Required { model: self.model.name.clone(), field: name.to_owned() });
        }
        Ok(())
    }

    fn fits(&self, field: &Field, value: &Value) -> Result<(), DynamicError> {
        if let Some(expected) = value::mismatch(field, value) {
            let hidden = Value::from(HIDDEN);
            return Err(self.wrong_type(&field.name, expected, if field.secret { &hidden } else { value }));
        }
        Ok(value::choice(field, value)?)
    }

    fn leads_to(&self, link: &Link, reference: &Reference) -> Result<(), DynamicError> {
        let Some(kind) = &reference.kind else { return Ok(()) };
        if model_of(self.models, kind)?.is_a(&link.peer) {
            return Ok(());
        }
        let model = self.model.name.clone();
        let link_name = link.name.clone();
        Err(DynamicError::Peer { model, link: link_name, peer: link.peer.clone(), kind: kind.clone() })
    }
}

const FIELD: (&str, &str) = ("a field", "`get` and `set`");
const TO_ONE: (&str, &str) = ("a link to one object", "`link` and `set_link`");
const TO_MANY: (&str, &str) = ("a link to many objects", "`links` and `set_links`");

impl<O: BorrowMut<Object>> Dynamic<'_, O> {
    /// Sets a field; null unsets it.
    ///
    /// # Errors
    /// When the model has no such field, the field is the framework's, or the value is none that it can have.
    pub fn set(&mut self, field: &str, value: impl Into<Value>) -> Result<(), DynamicError> {
        let field = self.field(field)?;
        let value = value.into();
        self.may_write(&field.name, field.is_settable())?;
        if value.is_null() {
            // A required field falls back to its default.
            let falls_back = field.default.as_ref().is_some_and(|default| *default != Literal::Null);
            self.may_unset(&field.name, field.required && !falls_back)?;
        } else {
            self.fits(field, &value)?;
        }
        self.object.borrow_mut().set(&field.name, value);
        Ok(())
    }

    /// Sets a link to one object, or unsets it.
    ///
    /// # Errors
    /// When the model has no such link, it is one to many, the framework's or required, or the kind is not the peer's.
    pub fn set_link(&mut self, link: &str, to: impl Into<Option<Reference>>) -> Result<(), DynamicError> {
        let link = self.to_one(link)?;
        self.may_write(&link.name, link.is_settable())?;
        let to = to.into();
        match &to {
            Some(reference) => self.leads_to(link, reference)?,
            None => self.may_unset(&link.name, self.model.must_have(link))?,
        }
        self.put(&link.name, to)
    }

    /// Sets a link to many objects.
    ///
    /// # Errors
    /// As for [`set_link`](Self::set_link).
    pub fn set_links(&mut self, link: &str, to: Vec<Reference>) -> Result<(), DynamicError> {
        let link = self.to_many(link)?;
        self.may_write(&link.name, link.is_settable())?;
        to.iter().try_for_each(|reference| self.leads_to(link, reference))?;
        self.put(&link.name, to)
    }

    fn put(&mut self, link: &str, value: impl serde::Serialize) -> Result<(), DynamicError> {
        // A reference is three texts, which can always be JSON.
        let value = serde_json::to_value(value).map_err(|_| self.wrong_type(link, "a reference", &Value::Null))?;
        self.object.borrow_mut().set(link, value);
        Ok(())
    }
}
