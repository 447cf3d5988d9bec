//! One difference between two definitions of a kind.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};

use super::field_path::FieldPath;
use super::fits::{count, fits};
use super::values::{complies, number, same};

/// A difference between a definition and the stored one.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The place in objects; `None` if it is about the definition itself (names, columns).
    pub place: Option<FieldPath>,
    /// What differs: a keyword of the schema (`maxLength`), [`FIELD`], [`OTHER_FIELDS`] or a part of the definition
    /// (`shortNames`).
    pub aspect: String,
    /// The value in the stored definition.
    pub before: Option<Value>,
    /// The value in the new definition.
    pub after: Option<Value>,
    /// The effect on stored objects.
    pub effect: Effect,
}

/// The aspect of a field that was added or removed; before and after are its type.
pub const FIELD: &str = "field";
/// The aspect of fields that are accepted without being listed.
pub const OTHER_FIELDS: &str = "other fields";
/// The aspect of a field that must be given; before and after are booleans.
pub const REQUIRED: &str = "required";
/// The aspect of a CEL rule.
pub const RULE: &str = "rule";

/// The effect of a difference on stored objects.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Every stored object stays valid, and loses nothing.
    Harmless,
    /// A new rule (CEL). The API server accepts stored values that break it until they are edited.
    Tightening,
    /// An object that does not meet the requirement would be invalid, or would lose a value.
    Breaking(Requirement),
    /// The API server cannot accept it, whatever objects there are; the text is the remedy.
    Conflict(String),
}

/// A requirement on objects that the stored definition does not have.
#[derive(Clone, Debug, PartialEq)]
pub enum Requirement {
    /// The object has no such field, or only its old default, with which nothing is lost.
    Gone {
        /// The field's default in the stored definition.
        default: Option<Value>,
        /// Whether the stored definition requires the field, so that it cannot be taken out of objects.
        must_be_given: bool,
    },
    /// The object has the field, wherever it has the parent.
    Given,
    /// The value complies with this keyword of the new schema.
    Keyword {
        /// The keyword.
        keyword: String,
        /// The new schema at the place, without what is below it.
        schema: Map<String, Value>,
    },
    /// The value has so many fields, with those that get a default.
    Count {
        /// At least so many.
        least: u64,
        /// At most so many.
        most: u64,
        /// The fields with a default.
        defaults: BTreeSet<String>,
    },
    /// The value complies with all of this schema, and loses nothing under it. The stored definition accepts anything.
    Whole(Map<String, Value>),
    /// The value has only these fields.
    Only(BTreeSet<String>),
    /// What the new schema asks cannot be told here: every object with a value there counts as one that does not meet
    /// it.
    Untold,
}

impl Difference {
    /// Returns whether the difference breaks this object: it becomes invalid, or loses a value.
    ///
    /// The object is one that is valid under the stored definition, as the API server shows it, with defaults. Where
    /// the old default is what fills a field that has become required, an object that was never written since that
    /// default came is not told from others: the API server shows both alike.
    pub fn affects(&self, object: &Value) -> bool {
        let (Some(place), Effect::Breaking(requirement)) = (&self.place, &self.effect) else {
            return false;
        };
        match requirement {
            Requirement::Given => place.is_lacking_in(object),
            Requirement::Gone { default, .. } => {
                let is_default = |value| default.as_ref().is_some_and(|default| same(default, value));
                place.of(object).into_iter().any(|value| !is_default(value))
            }
            Requirement::Keyword { keyword, schema } => {
                place.of(object).into_iter().any(|value| !complies(keyword, schema, value))
            }
            Requirement::Count { least, most, defaults } => {
                let fields = place.of(object).into_iter().filter_map(Value::as_object);
                fields.map(|fields| count(fields, defaults)).any(|count| count < *least || count > *most)
            }
            Requirement::Whole(schema) => place.of(object).into_iter().any(|value| !fits(schema, value)),
            Requirement::Only(names) => {
                let fields = place.of(object).into_iter().filter_map(Value::as_object);
                fields.flat_map(Map::keys).any(|key| !names.contains(key))
            }
            Requirement::Untold => !place.of(object).is_empty(),
        }
    }
}

/// `spec.firstName: maxLength 32 → 16`.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}: ")?,
            None => f.write_str("definition: ")?,
        }
        let shown = |value: &Option<Value>| value.as_ref().map_or_else(|| "none".to_owned(), text);
        let before = shown(&self.before);
        let after = shown(&self.after);
        match (self.aspect.as_str(), &self.before, &self.after) {
            (FIELD, None, _) => write!(f, "added ({after})"),
            (FIELD, _, None) => write!(f, "removed (was {before})"),
            (REQUIRED, _, Some(Value::Bool(true))) => f.write_str("now required"),
            (REQUIRED, ..) => f.write_str("no longer required"),
            (RULE, None, _) => write!(f, "new rule {after}"),
            (RULE, _, None) => write!(f, "rule {before} removed"),
            ("enum", Some(Value::Array(before)), Some(Value::Array(after))) => enum_text(f, before, after),
            (aspect, ..) if before.chars().count() + after.chars().count() > LONG => write!(f, "{aspect} changed"),
            (aspect, ..) => write!(f, "{aspect} {before} → {after}"),
        }
    }
}

/// Two values that are longer together are not shown.
const LONG: usize = 60;

/// Words bare, whole numbers without a point, the rest as JSON.
fn text(value: &Value) -> String {
    match value {
        Value::String(word) => word.clone(),
        value => number(value)
            .filter(|n| n.fract() == 0.0 && n.abs() < 1e15)
            .map_or_else(|| value.to_string(), |n| format!("{n:.0}")),
    }
}

/// Choices are many: only what came and went.
fn enum_text(f: &mut fmt::Formatter<'_>, before: &[Value], after: &[Value]) -> fmt::Result {
    let missing = |from: &[Value], all: &[Value]| {
        let missing = all.iter().filter(|value| !from.iter().any(|other| same(other, value)));
        missing.map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let parts = [("without", missing(after, before)), ("with", missing(before, after))];
    let parts: Vec<_> = parts.iter().filter(|(_, values)| !values.is_empty()).collect();
    if parts.is_empty() {
        return f.write_str("enum in another order");
    }
    let parts: Vec<_> = parts.iter().map(|(word, values)| format!("{word} {values}")).collect();
    write!(f, "enum {}", parts.join(", "))
}
