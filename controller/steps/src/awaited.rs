//! The object that a step waits for: [`StepError::waits_for`](crate::StepError::waits_for).

use std::fmt;

use serde_json::Value;
use xos_model::natural::natural_key;
use xos_model::xproto::ModelSet;
use xos_model::{Criterion, Field, Query};

use crate::store::StoreError;

/// An object that a step waits for, which may not be there yet, or not be as the step needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct Awaited {
    class: String,
    key: AwaitedKey,
}

/// What identifies an object that is waited for: the value of its natural key, or fields with their values.
#[derive(Clone, Debug, PartialEq)]
pub struct AwaitedKey(Parts);

#[derive(Clone, Debug, PartialEq)]
enum Parts {
    Natural(Value),
    Fields(Vec<(String, Value)>),
}

impl Awaited {
    pub(crate) fn new(class: &str, key: AwaitedKey) -> Self {
        Self { class: class.to_owned(), key }
    }

    /// Returns the model, or a base of it.
    pub fn class(&self) -> &str {
        &self.class
    }

    /// Returns the fields and values by which the object is known.
    ///
    /// # Errors
    /// When the model has no natural key of one field, and no fields were named.
    pub(crate) fn fields(&self, models: &ModelSet) -> Result<Vec<(String, Value)>, StoreError> {
        match &self.key.0 {
            Parts::Fields(fields) => Ok(fields.clone()),
            Parts::Natural(value) => {
                let natural = models.get(&self.class).map(natural_key).unwrap_or_default();
                let [field] = natural.as_slice() else { return Err(StoreError::NoKey(self.class.clone())) };
                Ok(vec![((*field).to_owned(), value.clone())])
            }
        }
    }

    /// Returns the query for the object, in all namespaces.
    ///
    /// # Errors
    /// As for [`fields`](Self::fields).
    pub(crate) fn query(&self, models: &ModelSet) -> Result<Query, StoreError> {
        let fields = self.fields(models)?;
        let criteria = fields.into_iter().map(|(field, value)| Criterion::equal(&field, value));
        Ok(Query { criteria: criteria.collect(), ..Query::of(&self.class, None) })
    }
}

impl fmt::Display for Awaited {
    /// `Olt of-1`, or `Olt with device_id = "of-1"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.class)?;
        match &self.key.0 {
            Parts::Natural(Value::String(text)) => write!(f, " {text}"),
            Parts::Natural(value) => write!(f, " {value}"),
            Parts::Fields(fields) => {
                let all: Vec<_> = fields.iter().map(|(field, value)| format!("{field} = {value}")).collect();
                write!(f, " with {}", all.join(" and "))
            }
        }
    }
}

impl From<&str> for AwaitedKey {
    fn from(value: &str) -> Self {
        Self(Parts::Natural(value.into()))
    }
}

impl From<String> for AwaitedKey {
    fn from(value: String) -> Self {
        Self(Parts::Natural(value.into()))
    }
}

impl<V: Into<Value>> From<(&str, V)> for AwaitedKey {
    fn from((field, value): (&str, V)) -> Self {
        [(field, value)].into()
    }
}

impl<M, T, V: Into<Value>> From<(Field<M, T>, V)> for AwaitedKey {
    fn from((field, value): (Field<M, T>, V)) -> Self {
        [(field.name(), value)].into()
    }
}

impl<V: Into<Value>, const N: usize> From<[(&str, V); N]> for AwaitedKey {
    fn from(fields: [(&str, V); N]) -> Self {
        Self(Parts::Fields(fields.into_iter().map(|(field, value)| (field.to_owned(), value.into())).collect()))
    }
}
