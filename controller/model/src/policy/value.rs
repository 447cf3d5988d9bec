//! The values of policies. What cannot be known is neither true nor false.

use std::sync::Arc;

use serde_json::Value;

use crate::object::Object;
use crate::query::Criterion;

/// A value in a policy.
#[derive(Clone, Debug)]
pub(crate) enum Val {
    Json(Value),
    Object(Arc<Object>),
    Objects(Vec<Arc<Object>>),
    Unknown,
}

impl Val {
    /// Returns whether the value holds by itself: it is true, not empty and not null.
    pub(super) fn holds(self) -> Option<bool> {
        match self {
            Self::Unknown => None,
            Self::Object(_) => Some(true),
            Self::Objects(all) => Some(!all.is_empty()),
            Self::Json(value) => Some(match value {
                Value::Null | Value::Bool(false) => false,
                Value::String(text) => !text.is_empty(),
                Value::Number(number) => number.as_f64() != Some(0.0),
                Value::Array(all) => !all.is_empty(),
                Value::Bool(true) | Value::Object(_) => true,
            }),
        }
    }

    /// Returns the value as a field may have it: of an object that is its id.
    pub(super) fn plain(self) -> Option<Value> {
        match self {
            Self::Json(value) if !value.is_null() => Some(value),
            Self::Object(object) => object.status.id.map(Value::from),
            _ => None,
        }
    }
}

/// Returns whether one of the parts holds; `None` if that cannot be known.
pub(super) fn or(parts: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let mut unknown = false;
    for part in parts {
        match part {
            Some(true) => return Some(true),
            Some(false) => {}
            None => unknown = true,
        }
    }
    (!unknown).then_some(false)
}

/// Returns whether all parts hold; `None` if that cannot be known.
pub(super) fn and(parts: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    or(parts.into_iter().map(|part| part.map(|holds| !holds))).map(|some_fails| !some_fails)
}

/// Returns whether two values are the same. A number is the same as an object that has it for its id.
pub(super) fn equal(a: &Val, b: &Val) -> Option<bool> {
    match (a, b) {
        (Val::Unknown, _) | (_, Val::Unknown) => None,
        (Val::Object(a), Val::Object(b)) => Some(a.key() == b.key()),
        (Val::Json(a), Val::Json(b)) => Some(Criterion::equal("", b.clone()).accepts(a, "")),
        (Val::Object(object), Val::Json(Value::Number(number)))
        | (Val::Json(Value::Number(number)), Val::Object(object)) => {
            object.status.id.map(|id| number.as_i64() == Some(id.into()))
        }
        _ => Some(false),
    }
}

/// Returns whether a list has a value, or a text has a part.
pub(super) fn contains(all: &Val, one: &Val) -> Option<bool> {
    match all {
        Val::Unknown => None,
        Val::Objects(all) => or(all.iter().map(|each| equal(&Val::Object(Arc::clone(each)), one))),
        Val::Json(Value::Array(all)) => or(all.iter().map(|each| equal(&Val::Json(each.clone()), one))),
        Val::Json(Value::String(text)) => match one {
            Val::Unknown => None,
            Val::Json(Value::String(part)) => Some(text.contains(part)),
            _ => Some(false),
        },
        Val::Json(_) | Val::Object(_) => Some(false),
    }
}
