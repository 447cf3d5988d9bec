//! The types of expressions.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use xos_xproto::{Field, ModelSet, ScalarType, ValueType};

/// The type of an expression's value. Every value may be null, too: that of a field that is not set is.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// Any: what it is is seen when it is evaluated. A backend's answer is of this type.
    Any,
    /// None: of an item of an empty list.
    Nothing,
    /// `null`.
    Null,
    /// `bool`.
    Bool,
    /// `int`.
    Int,
    /// `uint`: a literal such as `1u`.
    Uint,
    /// `double`.
    Double,
    /// `string`.
    Text,
    /// `bytes`.
    Bytes,
    /// `timestamp`.
    Timestamp,
    /// `duration`.
    Duration,
    /// `list`.
    List(Arc<Self>),
    /// `map`, with texts as keys.
    Map(Arc<Self>),
    /// `optional`, what `a.?b` returns.
    Optional(Arc<Self>),
    /// An object of a model, or of one that inherits from it.
    Object(Arc<str>),
    /// Something with known members.
    Record(Arc<Record>),
    /// What `type(x)` returns.
    Type,
}

/// Something with known members, such as the answer to a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What it is called in messages.
    pub name: &'static str,
    /// The types of its members.
    pub members: BTreeMap<Cow<'static, str>, Type>,
}

impl Type {
    /// Returns the type of an object of a model.
    pub fn object(model: &str) -> Self {
        Self::Object(model.into())
    }

    /// Returns the type of a list.
    pub fn list(of: Self) -> Self {
        Self::List(Arc::new(of))
    }

    /// Returns the type of a map.
    pub fn map(of: Self) -> Self {
        Self::Map(Arc::new(of))
    }

    /// Returns the type of a record.
    pub fn record<N: Into<Cow<'static, str>>>(
        name: &'static str,
        members: impl IntoIterator<Item = (N, Self)>,
    ) -> Self {
        let members = members.into_iter().map(|(name, of)| (name.into(), of)).collect();
        Self::Record(Arc::new(Record { name, members }))
    }

    /// Returns the type of a field's values.
    pub fn of_field(field: &Field) -> Self {
        match field.ty {
            ScalarType::Int32 | ScalarType::Uint32 => Self::Int,
            ScalarType::Float | ScalarType::Double => Self::Double,
            ScalarType::Bool => Self::Bool,
            // Bytes are texts in custom resources.
            ScalarType::String | ScalarType::Bytes => Self::Text,
        }
    }

    /// Returns the type of a property's values.
    pub fn of_value(of: &ValueType) -> Self {
        match of {
            ValueType::Any => Self::Any,
            ValueType::Bool => Self::Bool,
            ValueType::Int => Self::Int,
            ValueType::Double => Self::Double,
            ValueType::Text => Self::Text,
            ValueType::Timestamp => Self::Timestamp,
            ValueType::Duration => Self::Duration,
            ValueType::Object(model) => Self::object(model),
            ValueType::List(items) => Self::list(Self::of_value(items)),
            ValueType::Map(values) => Self::map(Self::of_value(values)),
        }
    }

    /// Returns what a property of this type has as its type; nothing if there can be no such property.
    pub(crate) fn to_value(&self) -> Option<ValueType> {
        Some(match self {
            Self::Any => ValueType::Any,
            Self::Bool => ValueType::Bool,
            Self::Int => ValueType::Int,
            Self::Double => ValueType::Double,
            Self::Text => ValueType::Text,
            Self::Timestamp => ValueType::Timestamp,
            Self::Duration => ValueType::Duration,
            Self::Object(model) => ValueType::Object(model.to_string()),
            // Of an empty list nothing is known.
            Self::List(items) if items.is_open() => ValueType::List(Box::new(ValueType::Any)),
            Self::List(items) => ValueType::List(Box::new(items.to_value()?)),
            Self::Map(values) if values.is_open() => ValueType::Map(Box::new(ValueType::Any)),
            Self::Map(values) => ValueType::Map(Box::new(values.to_value()?)),
            Self::Uint | Self::Bytes | Self::Record(_) => return None,
            Self::Nothing | Self::Null | Self::Optional(_) | Self::Type => return None,
        })
    }

    /// Returns whether a value of another type may stand where one of this type is expected.
    pub fn takes(&self, other: &Self, models: &ModelSet) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any | Self::Null | Self::Nothing) => true,
            (Self::List(one), Self::List(other))
            | (Self::Map(one), Self::Map(other))
            | (Self::Optional(one), Self::Optional(other)) => one.takes(other, models),
            (Self::Map(one), Self::Record(record)) => record.members.values().all(|other| one.takes(other, models)),
            (Self::Object(class), Self::Object(model)) => {
                class == model || models.get(model).is_some_and(|model| model.is_a(class))
            }
            _ => self == other,
        }
    }

    /// Returns a type that has the values of both, if they have something in common; else none.
    pub fn joined(&self, other: &Self, models: &ModelSet) -> Option<Self> {
        Some(match (self, other) {
            (Self::Nothing | Self::Null, known) | (known, Self::Nothing | Self::Null) => known.clone(),
            (Self::Any, _) | (_, Self::Any) => Self::Any,
            (Self::List(one), Self::List(other)) => Self::list(one.joined(other, models).unwrap_or(Self::Any)),
            (Self::Map(one), Self::Map(other)) => Self::map(one.joined(other, models).unwrap_or(Self::Any)),
            (Self::Optional(one), Self::Optional(other)) => Self::Optional(Arc::new(one.joined(other, models)?)),
            (Self::Object(one), Self::Object(other)) => Self::Object(common_base(one, other, models)?),
            (one, other) if one == other => one.clone(),
            _ => return None,
        })
    }

    /// Returns whether it is a number.
    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Uint | Self::Double)
    }

    /// Returns whether nothing is known of it.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Self::Any | Self::Nothing)
    }
}

/// Returns the nearest model that both are.
fn common_base(one: &Arc<str>, other: &Arc<str>, models: &ModelSet) -> Option<Arc<str>> {
    let other = models.get(other)?;
    models.get(one)?.ancestry.iter().find(|class| other.is_a(class)).map(|class| class.as_str().into())
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::List(item) if item.is_open() => "list",
            Self::List(item) => return write!(f, "list of {item}"),
            Self::Map(value) if value.is_open() => "map",
            Self::Map(value) => return write!(f, "map of {value}"),
            Self::Optional(value) => return write!(f, "optional {value}"),
            Self::Object(model) => model,
            Self::Record(record) => record.name,
            Self::Any => "any value",
            Self::Nothing => "no value",
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::Text => "string",
            Self::Bytes => "bytes",
            Self::Timestamp => "timestamp",
            Self::Duration => "duration",
            Self::Type => "type",
        };
        f.write_str(name)
    }
}
