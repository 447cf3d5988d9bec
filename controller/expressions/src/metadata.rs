//! The metadata of an object as a value: its members are looked at when an expression asks for them.

use std::any::Any;
use std::sync::Arc;

use cel::ExecutionError;
use cel::common::traits::Indexer;
use cel::common::types::{CelString, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use serde_json::{Map, Value as Json};
use xos_model::Object;

use crate::json::from_json;
use crate::reads::{Aspect, METADATA, metadata};
use crate::run::Run;

static TYPE: Type = Type::new_unspecified_type("metadata");

/// The metadata of an object.
#[derive(Clone)]
pub(crate) struct MetadataVal {
    pub(crate) object: Arc<Object>,
    pub(crate) run: Arc<Run>,
}

impl MetadataVal {
    fn member(&self, name: &str) -> Option<Json> {
        let name = METADATA.into_iter().find(|known| *known == name)?;
        self.run.note(&self.object, || Aspect::Metadata(name));
        Some(metadata(&self.object, name))
    }

    /// Returns all of it.
    pub(crate) fn all(&self) -> Json {
        let members = METADATA.into_iter().filter_map(|name| Some((name.to_owned(), self.member(name)?)));
        Json::Object(members.collect::<Map<_, _>>())
    }
}

impl std::fmt::Debug for MetadataVal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "metadata of {}", self.object.key())
    }
}

impl Val for MetadataVal {
    fn get_type(&self) -> &Type {
        &TYPE
    }

    fn cel_type() -> &'static Type {
        &TYPE
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        other.downcast_ref::<Self>().is_some_and(|other| other.all() == self.all())
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

impl StaticVal for MetadataVal {}

impl Indexer for MetadataVal {
    fn get<'b, 'v>(&'b self, index: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let name = index.downcast_ref::<CelString<'_>>().map_or("", CelString::inner);
        let value = self.member(name).ok_or_else(|| ExecutionError::no_such_key(name))?;
        Ok(CowVal::Owned(from_json(&value)))
    }

    fn steal<'v>(self: Box<Self>, index: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(index).map(CowVal::into_owned)
    }
}
