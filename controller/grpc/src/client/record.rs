//! Objects as a client has them.

use std::collections::BTreeMap;

use crate::api::Message;
use crate::wire::{self, Value, WireError};

/// An object, by the names of the fields of its message. A field without a value is not there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// The model.
    pub model: String,
    /// The values.
    pub values: BTreeMap<String, Value>,
}

impl Record {
    /// Returns an object without values.
    pub fn of(model: &str) -> Self {
        Self { model: model.to_owned(), values: BTreeMap::new() }
    }

    /// Sets a value. The name is that of the message's field: `site_id` for a link `site`.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.set(field, value);
        self
    }

    /// Sets a value.
    pub fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.values.insert(field.to_owned(), value.into());
    }

    /// Returns the value of a field.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.values.get(field)
    }

    /// Returns the id; 0 if it has none yet.
    pub fn id(&self) -> i32 {
        self.int("id").and_then(|id| i32::try_from(id).ok()).unwrap_or_default()
    }

    /// Returns a whole number.
    pub fn int(&self, field: &str) -> Option<i64> {
        match self.get(field) {
            Some(Value::Int(value)) => Some(*value),
            _ => None,
        }
    }

    /// Returns a text.
    pub fn text(&self, field: &str) -> Option<&str> {
        match self.get(field) {
            Some(Value::Text(value)) => Some(value),
            _ => None,
        }
    }

    /// Returns whether something is so.
    pub fn flag(&self, field: &str) -> Option<bool> {
        match self.get(field) {
            Some(Value::Bool(value)) => Some(*value),
            _ => None,
        }
    }

    /// Returns a number, or a time in seconds since 1970.
    pub fn float(&self, field: &str) -> Option<f64> {
        match self.get(field) {
            Some(Value::Float(value)) => Some(*value),
            _ => None,
        }
    }

    /// Returns the ids of a list of objects; none if there is no such list.
    pub fn ids(&self, field: &str) -> &[i32] {
        match self.get(field) {
            Some(Value::Ids(ids)) => ids,
            _ => &[],
        }
    }

    /// Returns the bytes of the message. Fields that the message does not have are left out.
    pub fn encode(&self, message: &Message) -> Vec<u8> {
        let mut out = vec![];
        for field in &message.fields {
            if let Some(value) = self.get(&field.name) {
                wire::put(field, value, &mut out);
            }
        }
        out
    }

    /// Reads the bytes of a message.
    ///
    /// # Errors
    /// When they are none.
    pub fn decode(message: &Message, bytes: &[u8]) -> Result<Self, WireError> {
        let values = wire::read(message, bytes)?.into_iter().map(|(field, value)| (field.name.clone(), value));
        Ok(Self { model: message.name.clone(), values: values.collect() })
    }
}

macro_rules! values {
    ($($type:ty => $value:expr),*) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                $value(value.into())
            }
        }
    )*};
}

values!(i32 => Self::Int, i64 => Self::Int, u32 => Self::Int, f64 => Self::Float, bool => Self::Bool, &str => Self::Text,
    String => Self::Text, Vec<i32> => Self::Ids);
