//! Objects as values of expressions: their fields and links are looked at when an expression asks for them.

use std::any::Any;
use std::sync::Arc;

use cel::ExecutionError;
use cel::common::traits::Indexer;
use cel::common::types::{CelList, CelNull, CelString, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use serde_json::{Value as Json, json};
use xos_model::{Object, Reference, shared};
use xos_xproto::{Link, Model, ModelSet};

use crate::json::from_json;
use crate::metadata::MetadataVal;
use crate::properties::Property;
use crate::reads::Aspect;
use crate::run::{Run, Step};
use crate::scope::METADATA;

/// Why an evaluation ends that reads more than it may.
const TOO_MUCH: &str = "too many objects are read: ask for fewer";

static OBJECT: Type = Type::new_unspecified_type("object");

/// An object, with what its links lead to.
#[derive(Clone)]
pub(crate) struct ObjectVal {
    pub(crate) object: Arc<Object>,
    pub(crate) run: Arc<Run>,
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
            return Ok(Box::new(MetadataVal { object: Arc::clone(&self.object), run: Arc::clone(&self.run) }));
        }
        let models = self.run.objects.models();
        let Some(model) = models.get(&self.object.model) else { return Err(ExecutionError::no_such_key(name)) };
        if let Some(link) = model.link(name) {
            self.run.note(&self.object, || Aspect::Field(shared(name)));
            return self.link(&models, model, link);
        }
        if model.field(name).is_some() {
            self.run.note(&self.object, || Aspect::Field(shared(name)));
            return Ok(self.object.fields.get(name).map_or_else(|| Box::new(CelNull) as _, from_json));
        }
        if models.reverse_links(model).any(|port| port.name == name) {
            self.run.note(&self.object, || Aspect::Port(shared(name)));
            let back = self.run.linked_back(&self.object.key(), name);
            let live: Vec<_> = back.into_iter().filter(|object| object.meta.deleting.is_none()).collect();
            live.iter().for_each(|object| self.run.note(object, || Aspect::Existence));
            return self.list(live);
        }
        let properties = self.run.objects.properties();
        match properties.get(&self.object.model, name) {
            Some(property) => self.property(property).map(|value| value.clone_as_boxed()),
            None => Err(ExecutionError::no_such_key(name)),
        }
    }

    /// Returns the value of a property that is a part of an expression.
    fn property(&self, property: &Property) -> Result<Arc<dyn Val>, ExecutionError> {
        let name = property.name();
        let (model, object) = (&self.object.model, &self.object.meta.name);
        self.compute(property).map_err(|why| {
            // Of a long way through many objects its end is what matters.
            let what = if why.starts_with('`') { why } else { format!("`{name}` of {model} {object}: {why}") };
            ExecutionError::function_error(name, what)
        })
    }

    /// Returns the value of a property: computed once in an evaluation.
    pub(crate) fn compute(&self, property: &Property) -> Result<Arc<dyn Val>, String> {
        let name = property.name();
        match self.run.begin_property(&self.object, name) {
            Step::Done(value) => return value,
            Step::Circle => return Err("it needs itself, as the links form a circle".to_owned()),
            Step::TooDeep => return Err("too many properties are computed inside each other".to_owned()),
            Step::Compute => {}
        }
        let value = if self.run.take(1) { property.compute(self) } else { Err(TOO_MUCH.to_owned()) };
        self.run.end_property(&self.object, name, value.clone());
        value
    }

    fn link<'v>(&self, models: &ModelSet, model: &Model, link: &Link) -> Result<Box<dyn Val + 'v>, ExecutionError> {
        let value = self.object.fields.get(&link.name).unwrap_or(&Json::Null);
        let wrong = |error: serde_json::Error| ExecutionError::function_error(&link.name, error);
        let at = |reference: &Reference| self.run.at(models, &link.peer, &self.object.meta.namespace, reference);
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
        if self.run.take(objects) {
            return Ok(());
        }
        Err(ExecutionError::function_error("links", TOO_MUCH))
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
