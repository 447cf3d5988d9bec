//! Finding or creating the one object that has certain values in the fields of a key.

use std::sync::Arc;

use serde_json::Value;
use xos_model::index::value;
use xos_model::natural::{natural_key, object_name};
use xos_model::{Criterion, Object, ObjectKey, Query, QueryError};

use crate::context::StepContext;
use crate::models::not_unique;
use crate::store::StoreError;

/// A key with its values.
pub(crate) struct Keyed {
    fields: Vec<String>,
    values: Vec<Value>,
}

impl Keyed {
    /// Returns the key of an object: these fields, or its natural key if there are none.
    pub(crate) fn of(ctx: &StepContext, object: &Object, key: &[&str]) -> Result<Self, StoreError> {
        let models = ctx.store().models();
        let model = models.get(&object.model).ok_or_else(|| QueryError::UnknownModel(object.model.to_string()))?;
        let fields = if key.is_empty() { natural_key(model) } else { key.to_vec() };
        if fields.is_empty() {
            return Err(StoreError::NoKey(model.name.clone()));
        }
        let values = fields.iter().map(|field| value(model, object, field)).collect();
        Ok(Self { fields: fields.into_iter().map(str::to_owned).collect(), values })
    }

    fn query(&self, model: &str, namespace: Option<&str>) -> Query {
        let pairs = self.fields.iter().zip(&self.values);
        let criteria = pairs.map(|(field, value)| Criterion::equal(field, value.clone())).collect();
        Query { criteria, ..Query::of(model, namespace) }
    }

    /// Returns the objects in the namespace of `object` that have this key, whose values are those of `object`.
    pub(crate) fn all(&self, ctx: &StepContext, object: &Object) -> Result<Vec<Arc<Object>>, StoreError> {
        ctx.store().query(&self.query(&object.model, Some(&object.meta.namespace)))
    }

    /// Returns the only one of them, if there is any.
    pub(crate) fn find(&self, ctx: &StepContext, object: &Object) -> Result<Option<Arc<Object>>, StoreError> {
        match self.all(ctx, object)?.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(Arc::clone(one))),
            several => Err(not_unique(&self.query(&object.model, Some(&object.meta.namespace)), several)),
        }
    }

    /// Returns an object of another namespace that has this key, if there is any.
    pub(crate) fn elsewhere(&self, ctx: &StepContext, object: &Object) -> Result<Option<ObjectKey>, StoreError> {
        let all = ctx.store().query(&self.query(&object.model, None))?;
        Ok(all.iter().find(|other| other.meta.namespace != object.meta.namespace).map(|other| other.key()))
    }

    /// Gives a new object that has no name one that follows from its key.
    pub(crate) fn name(&self, object: &mut Object) {
        if object.meta.name.is_empty() {
            object.meta.name = object_name(&self.values);
        }
    }

    /// Creates the object. One without a name gets one that follows from its key, so that two who create it at once meet;
    /// then the other's object is returned. Also returns whether it was created.
    pub(crate) async fn create(
        &self,
        ctx: &StepContext,
        mut object: Object,
    ) -> Result<(Arc<Object>, bool), StoreError> {
        self.name(&mut object);
        let name = object.key();
        match ctx.store().create(ctx.saver(), object).await {
            Ok(made) => {
                ctx.session().count(|done| done.created += 1);
                Ok((made, true))
            }
            Err(StoreError::AlreadyExists(_)) => Ok((self.met(ctx, &name).await?, false)),
            Err(error) => Err(error),
        }
    }

    /// Returns the object of that name, which somebody else has just created, if it has the same key.
    async fn met(&self, ctx: &StepContext, name: &ObjectKey) -> Result<Arc<Object>, StoreError> {
        let there = ctx.store().read(name).await?.ok_or_else(|| StoreError::BeingDeleted(name.clone()))?;
        if there.meta.deleting.is_some() {
            return Err(StoreError::BeingDeleted(name.clone()));
        }
        let models = ctx.store().models();
        let has = |(field, wanted): (&String, &Value)| {
            let value = models.get(&there.model).map(|model| value(model, &there, field));
            value.is_some_and(|value| Criterion::equal(field, wanted.clone()).accepts(&value, &there.meta.namespace))
        };
        if self.fields.iter().zip(&self.values).all(has) {
            return Ok(there);
        }
        Err(StoreError::NameTaken { key: name.clone(), fields: self.fields.join(", ") })
    }
}
