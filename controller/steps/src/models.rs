//! Finding and creating objects, like XOS's model accessor.

use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use xos_model::{Criterion, FieldOf, FieldsOf, Model, Object, Operator, Query};

use crate::context::StepContext;
use crate::keyed::Keyed;
use crate::store::StoreError;

/// How many names an error message contains.
const NAMES_TOLD: usize = 5;

/// The objects of a model, or of all models derived from it, that meet all conditions.
///
/// ```
/// # use xos_model::Object;
/// # use xos_steps::{StepContext, StoreError};
/// # fn example(ctx: &StepContext) -> Result<(), StoreError> {
/// let people: Vec<Object> = ctx.models_of("MyModel").filter("last_name", "Doe").all()?;
/// # Ok(()) }
/// ```
///
/// Fields of generated models are constants, which the compiler checks:
/// `ctx.models::<MyModel>().filter(MyModel::LAST_NAME, "Doe")`.
///
/// By default only objects of the handled object's namespace are found, and none that is being deleted.
#[derive(Debug)]
#[must_use = "a query does nothing before `all`, `first`, `get` …"]
pub struct Models<'a, T> {
    ctx: &'a StepContext,
    query: Query,
    /// Why the first wrong condition is wrong.
    error: Option<StoreError>,
    model: PhantomData<fn() -> T>,
}

impl<'a, T: Model> Models<'a, T> {
    pub(crate) fn new(ctx: &'a StepContext, class: &str) -> Self {
        let namespace = Some(ctx.namespace()).filter(|namespace| !namespace.is_empty());
        Self { ctx, query: Query::of(class, namespace), error: None, model: PhantomData }
    }

    /// Searches another namespace.
    pub fn in_namespace(mut self, namespace: &str) -> Self {
        self.query.namespace = Some(namespace.to_owned());
        self
    }

    /// Searches all namespaces that the synchronizer watches.
    pub fn in_all_namespaces(mut self) -> Self {
        self.query.namespace = None;
        self
    }

    /// Also finds objects that are being deleted.
    pub fn with_deleted(mut self) -> Self {
        self.query.with_deleted = true;
        self
    }

    /// Requires that a field equals a value. The value of a link is its peer: a [`Link`](xos_model::Link), or the
    /// peer's name.
    pub fn filter<X: Serialize>(self, field: impl FieldOf<T, X>, value: X) -> Self {
        self.filter_by(field, Operator::Equal, value)
    }

    /// Requires that a comparison of a field with a value is true.
    pub fn filter_by<X: Serialize>(self, field: impl FieldOf<T, X>, operator: Operator, value: X) -> Self {
        self.and(criterion(field.field_name(), operator, value))
    }

    /// Requires that a comparison of a field with a value is false.
    pub fn exclude_by<X: Serialize>(self, field: impl FieldOf<T, X>, operator: Operator, value: X) -> Self {
        self.and(criterion(field.field_name(), operator, value).map(Criterion::inverted))
    }

    fn and(mut self, criterion: Result<Criterion, StoreError>) -> Self {
        match criterion {
            Ok(criterion) => self.query.criteria.push(criterion),
            Err(error) => self.error = self.error.or(Some(error)),
        }
        self
    }

    fn objects(self) -> Result<(Vec<Arc<Object>>, Query, &'a StepContext), StoreError> {
        match self.error {
            Some(error) => Err(error),
            None => Ok((self.ctx.store().query(&self.query)?, self.query, self.ctx)),
        }
    }

    /// Returns all objects, ordered by model, namespace and name.
    ///
    /// # Errors
    /// When a condition is wrong, or an object does not fit its type.
    pub fn all(self) -> Result<Vec<T>, StoreError> {
        let (objects, _, ctx) = self.objects()?;
        objects.iter().map(|object| ctx.hand_out(object)).collect()
    }

    /// Returns the first object, if there is any.
    ///
    /// # Errors
    /// As for [`all`](Self::all).
    pub fn first(self) -> Result<Option<T>, StoreError> {
        let (objects, _, ctx) = self.objects()?;
        objects.first().map(|object| ctx.hand_out(object)).transpose()
    }

    /// Returns the only object.
    ///
    /// # Errors
    /// When there is none, or more than one; else as for [`all`](Self::all).
    pub fn get(self) -> Result<T, StoreError> {
        let (objects, query, ctx) = self.objects()?;
        match objects.as_slice() {
            [one] => ctx.hand_out(one),
            [] => Err(StoreError::NotFound { what: what(&query) }),
            several => Err(not_unique(&query, several)),
        }
    }

    /// Returns the number of objects.
    ///
    /// # Errors
    /// When a condition is wrong.
    pub fn count(self) -> Result<usize, StoreError> {
        Ok(self.objects()?.0.len())
    }

    /// Whether there is any object.
    ///
    /// # Errors
    /// When a condition is wrong.
    pub fn exists(self) -> Result<bool, StoreError> {
        Ok(self.count()? > 0)
    }

    /// Returns the object with this `metadata.name`, if there is one.
    ///
    /// # Errors
    /// When objects of several derived models have that name, or the object does not fit its type.
    pub fn named(self, name: &str) -> Result<Option<T>, StoreError> {
        let ctx = self.ctx;
        let reference = xos_model::Reference::to(name);
        let namespace = self.query.namespace.as_deref().unwrap_or_else(|| ctx.namespace());
        match ctx.store().at(&self.query.class, namespace, &reference)?.as_slice() {
            [] => Ok(None),
            [one] => ctx.hand_out(one).map(Some),
            several => Err(not_unique(&self.query, several)),
        }
    }

    /// Returns the object that has the same values in the fields of `key` as `new`; if there is none, creates `new`.
    /// Also returns whether it was created.
    ///
    /// The key is one or more fields, or [`NaturalKey`](xos_model::NaturalKey). An object without a name gets one that
    /// follows from the values of its key: steps that create the same object at the same time create one, and so does
    /// an event that comes twice.
    ///
    /// # Errors
    /// When there are several, there is no key, or the object cannot be created.
    pub async fn find_or_create(self, new: impl Into<T>, key: impl FieldsOf<T>) -> Result<(T, bool), StoreError> {
        self.find_or_create_by(new.into(), &key.names()).await
    }

    async fn find_or_create_by(self, new: T, key: &[&str]) -> Result<(T, bool), StoreError> {
        let ctx = self.ctx;
        let mut object = new.to_object()?;
        if object.meta.namespace.is_empty() {
            object.meta.namespace = self.query.namespace.clone().unwrap_or_else(|| ctx.namespace().to_owned());
        }
        let keyed = Keyed::of(ctx, &object, key)?;
        let (found, is_new) = match keyed.find(ctx, &object)? {
            Some(found) => (found, false),
            None => keyed.create(ctx, object).await?,
        };
        Ok((ctx.hand_out(&found)?, is_new))
    }
}

fn criterion(field: &str, operator: Operator, value: impl Serialize) -> Result<Criterion, StoreError> {
    Ok(Criterion::new(field, operator, serde_json::to_value(value)?)?)
}

fn what(query: &Query) -> String {
    let conditions: Vec<_> = query.criteria.iter().map(ToString::to_string).collect();
    let which = if conditions.is_empty() { String::new() } else { format!(" with {}", conditions.join(" and ")) };
    let place = query.namespace.as_ref().map_or_else(String::new, |namespace| format!(" in namespace {namespace}"));
    format!("{}{which}{place}", query.class)
}

pub(crate) fn not_unique(query: &Query, several: &[Arc<Object>]) -> StoreError {
    let names: Vec<_> = several.iter().take(NAMES_TOLD).map(|object| object.key().to_string()).collect();
    StoreError::NotUnique { what: what(query), count: several.len(), names: names.join(", ") }
}
