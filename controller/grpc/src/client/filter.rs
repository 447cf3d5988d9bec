//! Which objects are asked for.

use crate::messages::xos::query::QueryKind;
use crate::messages::xos::query_element::{QueryOperator, Value as Wanted};
use crate::messages::xos::{Query, QueryElement};
use crate::wire::Value;

/// Objects of a kind that meet all conditions.
#[derive(Clone)]
pub struct Filter(Query);

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.0.elements.iter().map(|element| element.name.as_str()).collect();
        f.debug_struct("Filter").field("kind", &self.0.kind).field("names", &names).finish()
    }
}

impl Filter {
    /// Returns one for all objects.
    pub fn all() -> Self {
        Self::of(QueryKind::Default)
    }

    /// Returns one for objects of a kind: those that are due for their steps, and the like.
    pub fn of(kind: QueryKind) -> Self {
        Self(Query { kind: kind.into(), elements: vec![] })
    }

    /// Adds a condition. The name is that of a field, or a path over links: `site__name`.
    #[must_use]
    pub fn and(self, field: &str, operator: QueryOperator, value: impl Into<Value>) -> Self {
        self.with(field, operator, value.into(), false)
    }

    /// Adds the opposite of a condition.
    #[must_use]
    pub fn and_not(self, field: &str, operator: QueryOperator, value: impl Into<Value>) -> Self {
        self.with(field, operator, value.into(), true)
    }

    fn with(mut self, field: &str, operator: QueryOperator, value: Value, invert: bool) -> Self {
        let value = match value {
            Value::Int(value) => i32::try_from(value).map(Wanted::IValue).unwrap_or(Wanted::SValue(value.to_string())),
            Value::Bool(value) => Wanted::IValue(value.into()),
            Value::Text(text) => Wanted::SValue(text),
            Value::Float(value) => Wanted::SValue(value.to_string()),
            Value::Bytes(_) | Value::Ids(_) => Wanted::SValue(String::new()),
        };
        let (operator, name) = (operator.into(), field.to_owned());
        self.0.elements.push(QueryElement { operator, invert, name, value: Some(value) });
        self
    }

    pub(super) fn query(&self) -> &Query {
        &self.0
    }
}
