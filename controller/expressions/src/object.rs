//! Objects as values of expressions: their fields and links are looked at when an expression asks for them.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cel::ExecutionError;
use cel::common::traits::Indexer;
use cel::common::types::{CelList, CelNull, CelString, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use serde_json::{Value as Json, json};
use xos_model::{Object, Reference};
use xos_xproto::{Link, Model};

use crate::json::from_json;
use crate::objects::Objects;
use crate::scope::METADATA;

static OBJECT: Type = Type::new_unspecified_type("object");

/// What one evaluation may still read of other objects.
#[derive(Debug)]
pub(crate) struct Budget(AtomicUsize);

impl Budget {
    pub(crate) fn of(objects: usize) -> Self {
        Self(AtomicUsize::new(objects))
    }

    pub(crate) fn refill(&self, objects: usize) {
        self.0.store(objects, Ordering::Relaxed);
    }

    /// Takes some of it. Returns whether there was enough.
    fn take(&self, objects: usize) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(objects)).is_ok()
    }
}

/// An object, with what its links lead to.
#[derive(Clone)]
pub(crate) struct ObjectVal {
    pub(crate) object: Arc<Object>,
    pub(crate) objects: Arc<dyn Objects>,
    pub(crate) budget: Arc<Budget>,
}

impl std::fmt::Debug for ObjectVal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.object.key())
    }
}

impl ObjectVal {
    /// Returns a link to it.
    pub(crate) fn reference(&self) -> Json {
        let meta = &self.object.meta;
        json!({"name": meta.name, "namespace": meta.namespace, "kind": self.object.model.as_ref()})
    }

    fn of(&self, object: Arc<Object>) -> Self {
        Self { object, ..self.clone() }
    }

    fn member<'v>(&self, name: &str) -> Result<Box<dyn Val + 'v>, ExecutionError> {
        if name == METADATA {
            return Ok(from_json(&self.metadata()));
        }
        let models = self.objects.models();
        let Some(model) = models.get(&self.object.model) else { return Err(ExecutionError::no_such_key(name)) };
        if let Some(link) = model.link(name) {
            return self.link(model, link);
        }
        if model.field(name).is_some() {
            return Ok(self.object.fields.get(name).map_or_else(|| Box::new(CelNull) as _, from_json));
        }
        if models.reverse_links(model).any(|port| port.name == name) {
            let back = self.objects.linked_back(&self.object.key(), name);
            return self.list(back.into_iter().filter(|object| object.meta.deleting.is_none()).collect());
        }
        Err(ExecutionError::no_such_key(name))
    }

    fn metadata(&self) -> Json {
        let meta = &self.object.meta;
        json!({
            "name": meta.name, "namespace": meta.namespace, "uid": meta.uid, "generation": meta.generation,
            "creation_timestamp": meta.created.map(|at| at.to_string()), "deleting": meta.deleting.is_some(),
        })
    }

    fn link<'v>(&self, model: &Model, link: &Link) -> Result<Box<dyn Val + 'v>, ExecutionError> {
        let value = self.object.fields.get(&link.name).unwrap_or(&Json::Null);
        let wrong = |error: serde_json::Error| ExecutionError::function_error(&link.name, error);
        let at = |reference: &Reference| self.objects.at(&link.peer, &self.object.meta.namespace, reference);
        if link.is_to_many() {
            let references: Vec<Reference> = match value {
                Json::Null => vec![],
                value => serde_json::from_value(value.clone()).map_err(wrong)?,
            };
            return self.list(references.iter().flat_map(at).collect());
        }
        if value.is_null() {
            return Ok(Box::new(CelNull));
        }
        let reference: Reference = serde_json::from_value(value.clone()).map_err(wrong)?;
        let mut found = at(&reference);
        match (found.pop(), found.is_empty()) {
            (None, _) => Ok(Box::new(CelNull)),
            (Some(one), true) => {
                self.spend(1)?;
                Ok(Box::new(self.of(one)))
            }
            (Some(_), false) => {
                let what = format!(
                    "{} of {} {}: there are several objects named {}; add `kind`",
                    link.name, model.name, self.object.meta.name, reference.name
                );
                Err(ExecutionError::function_error(&link.name, what))
            }
        }
    }

    fn list<'v>(&self, objects: Vec<Arc<Object>>) -> Result<Box<dyn Val + 'v>, ExecutionError> {
        self.spend(objects.len())?;
        let items = objects.into_iter().map(|object| Box::new(self.of(object)) as Box<dyn Val + 'v>);
        Ok(Box::new(CelList::from(items.collect::<Vec<_>>())))
    }

    fn spend(&self, objects: usize) -> Result<(), ExecutionError> {
        if self.budget.take(objects) {
            return Ok(());
        }
        Err(ExecutionError::function_error("links", "too many objects are read: ask for fewer"))
    }
}

impl Val for ObjectVal {
    fn get_type(&self) -> &Type {
        &OBJECT
    }

    fn cel_type() -> &'static Type {
        &OBJECT
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        other.downcast_ref::<Self>().is_some_and(|other| other.object.key() == self.object.key())
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for ObjectVal {}

impl Indexer for ObjectVal {
    fn get<'b, 'v>(&'b self, index: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let name = index.downcast_ref::<CelString<'_>>().map(CelString::inner);
        let want =
            || ExecutionError::UnexpectedType { got: index.get_type().name().to_owned(), want: "string".to_owned() };
        Ok(CowVal::Owned(self.member(name.ok_or_else(want)?)?))
    }

    fn steal<'v>(self: Box<Self>, index: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(index).map(CowVal::into_owned)
    }
}
