//! The effect of another value of a schema's keyword on stored values.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::difference::{Effect, Requirement};
use super::formats;
use super::values::{is_multiple, number, same};

/// A schema as JSON.
pub(super) type Schema = Map<String, Value>;

/// Keywords that are compared elsewhere: with what is below them, or as rules.
pub(super) const STRUCTURE: [&str; 6] = [
    "properties",
    "additionalProperties",
    "items",
    "required",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
];

/// Returns the effect on stored values of another `keyword` in `new` than in `old`.
pub(super) fn effect(keyword: &str, old: &Schema, new: &Schema) -> Effect {
    if is_harmless(keyword, old, new) {
        return Effect::Harmless;
    }
    Effect::Breaking(if is_told(keyword) { requirement(keyword, new) } else { Requirement::Untold })
}

/// Makes the requirement that values comply with the keyword.
fn requirement(keyword: &str, new: &Schema) -> Requirement {
    if matches!(keyword, "maxProperties" | "minProperties") {
        return number_of_fields(new);
    }
    let own = new.iter().filter(|(name, _)| !STRUCTURE.contains(&name.as_str()) && *name != "description");
    Requirement::Keyword {
        keyword: keyword.to_owned(),
        schema: own.map(|(name, value)| (name.clone(), value.clone())).collect(),
    }
}

/// Makes the requirement that values have as many fields as the schema asks.
pub(super) fn number_of_fields(new: &Schema) -> Requirement {
    let limit = |keyword: &str| new.get(keyword).and_then(Value::as_u64);
    let least = limit("minProperties").unwrap_or(0);
    let most = limit("maxProperties").unwrap_or(u64::MAX);
    Requirement::Count { least, most, defaults: defaults(new) }
}

/// Returns the fields that get a default where they are missing.
pub(super) fn defaults(schema: &Schema) -> BTreeSet<String> {
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let has_default = |field: &Value| field.get("default").is_some_and(|default| !default.is_null());
    properties.filter(|(_, field)| has_default(field)).map(|(name, _)| name.clone()).collect()
}

/// Returns whether `complies` knows the keyword.
fn is_told(keyword: &str) -> bool {
    !matches!(keyword, "$ref" | "x-kubernetes-embedded-resource")
}

/// Returns whether every value that complied with `old` complies with `new`.
fn is_harmless(keyword: &str, old: &Schema, new: &Schema) -> bool {
    let before = old.get(keyword);
    let after = new.get(keyword);
    let numbers = || before.and_then(number).zip(after.and_then(number));
    let after_is = |value: bool| after.and_then(Value::as_bool).unwrap_or_default() == value;
    match keyword {
        _ if is_of_words(keyword) => true,
        "nullable" => after_is(true),
        // Both mean an ordinary list.
        "x-kubernetes-list-type" => matches!(after.and_then(Value::as_str), None | Some("atomic")),
        "x-kubernetes-int-or-string" => {
            after_is(false) || matches!(old.get("type").and_then(Value::as_str), Some("string" | "integer"))
        }
        _ if after.is_none() => true,
        "maximum" | "maxLength" | "maxItems" | "maxProperties" => {
            numbers().is_some_and(|(before, after)| after >= before)
        }
        "minimum" | "minLength" | "minItems" | "minProperties" => {
            numbers().is_some_and(|(before, after)| after <= before)
        }
        "exclusiveMaximum" | "exclusiveMinimum" | "uniqueItems" | "x-kubernetes-embedded-resource" => after_is(false),
        "multipleOf" => numbers().is_some_and(|(before, after)| is_multiple(before, after)),
        "enum" => is_part(before, after),
        "type" => (word(before), word(after)) == (Some("integer"), Some("number")),
        "format" => word(after).is_some_and(|after| formats::is_wider(word(before), after)),
        // The keys of a list that was not a map before are checked with its type.
        "x-kubernetes-list-map-keys" => !same_keyword("x-kubernetes-list-type", old, new),
        _ => false,
    }
}

/// Returns whether a keyword says nothing of values that are stored.
pub(super) fn is_of_words(keyword: &str) -> bool {
    matches!(
        keyword,
        "description" | "title" | "example" | "externalDocs" | "id" | "$schema" | "default" | "x-kubernetes-map-type"
    )
}

fn word(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_str)
}

/// Returns whether all old choices are among the new ones.
fn is_part(before: Option<&Value>, after: Option<&Value>) -> bool {
    let (Some(Value::Array(before)), Some(Value::Array(after))) = (before, after) else {
        return false;
    };
    before.iter().all(|value| after.iter().any(|other| same(value, other)))
}

/// Returns whether a keyword means the same in both schemas. The API server may leave out what is the default.
pub(super) fn same_keyword(keyword: &str, old: &Schema, new: &Schema) -> bool {
    let told = |schema: &'_ Schema| schema.get(keyword).filter(|value| !means_nothing(keyword, value)).cloned();
    match (told(old), told(new)) {
        (Some(before), Some(after)) => same(&before, &after),
        (before, after) => before == after,
    }
}

fn means_nothing(keyword: &str, value: &Value) -> bool {
    match value {
        Value::Bool(false) => keyword != "default",
        Value::Array(items) => items.is_empty() && matches!(keyword, "required" | "x-kubernetes-validations"),
        _ => false,
    }
}
