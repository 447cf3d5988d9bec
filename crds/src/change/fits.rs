//! Checks of values against whole schemas, where the stored definition asks nothing of them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::keywords::{STRUCTURE, Schema, defaults, is_of_words};
use super::schema::{Accepted, accepted, must_be_given};
use super::values::complies;

/// Returns whether a value complies with all of a schema, and loses nothing under it. Rules (CEL) are not asked: the API
/// server does not ask them of stored values either.
pub(super) fn fits(schema: &Schema, value: &Value) -> bool {
    own(schema, value) && below(schema, value) && combinations(schema, value)
}

/// Checks what the schema says of the value itself.
fn own(schema: &Schema, value: &Value) -> bool {
    let filled = || value.as_object().map(|fields| count(fields, &defaults(schema)));
    schema.iter().all(|(keyword, asked)| match keyword.as_str() {
        "maxProperties" => filled().zip(asked.as_u64()).is_none_or(|(count, limit)| count <= limit),
        "minProperties" => filled().zip(asked.as_u64()).is_none_or(|(count, limit)| count >= limit),
        keyword if STRUCTURE.contains(&keyword) || is_of_words(keyword) || is_combination(keyword) => true,
        keyword => complies(keyword, schema, value),
    })
}

/// Returns how many fields a value has, with those that get a default.
pub(super) fn count(fields: &Map<String, Value>, defaults: &BTreeSet<String>) -> u64 {
    let filled = defaults.iter().filter(|name| !fields.contains_key(*name)).count();
    u64::try_from(fields.len() + filled).unwrap_or(u64::MAX)
}

/// Checks the fields and items of the value.
fn below(schema: &Schema, value: &Value) -> bool {
    match value {
        Value::Object(fields) => {
            let known = |(name, field): (&String, &Value)| match accepted(schema, name) {
                Accepted::Schema(below) => fits(below, field),
                Accepted::Anything => true,
                Accepted::Nothing => false,
            };
            fields.iter().all(known) && has_what_is_required(schema, fields)
        }
        Value::Array(items) => match schema.get("items").and_then(Value::as_object) {
            Some(below) => items.iter().all(|item| fits(below, item)),
            None => true,
        },
        _ => true,
    }
}

fn has_what_is_required(schema: &Schema, fields: &Map<String, Value>) -> bool {
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let mut missing = required.filter(|name| !fields.contains_key(*name));
    missing.all(|name| !must_be_given(schema, name))
}

fn is_combination(keyword: &str) -> bool {
    matches!(keyword, "allOf" | "anyOf" | "oneOf" | "not")
}

/// Checks combinations of schemas: they restrict values, and do not name fields.
pub(super) fn combinations(schema: &Schema, value: &Value) -> bool {
    let all = |keyword: &str| schema.get(keyword).and_then(Value::as_array);
    let count = |schemas: &[Value]| schemas.iter().filter(|schema| restricts(schema, value)).count();
    all("allOf").is_none_or(|schemas| count(schemas) == schemas.len())
        && all("anyOf").is_none_or(|schemas| count(schemas) > 0)
        && all("oneOf").is_none_or(|schemas| count(schemas) == 1)
        && schema.get("not").is_none_or(|schema| !restricts(schema, value))
}

/// Returns whether a value complies with a schema of a combination.
fn restricts(schema: &Value, value: &Value) -> bool {
    let Some(schema) = schema.as_object() else { return true };
    let below = match value {
        Value::Object(fields) => {
            let properties = schema.get("properties").and_then(Value::as_object);
            let mut properties = properties.into_iter().flatten();
            properties.all(|(name, below)| fields.get(name).is_none_or(|field| restricts(below, field)))
                && has_what_is_required(schema, fields)
        }
        Value::Array(items) => schema.get("items").is_none_or(|below| items.iter().all(|item| restricts(below, item))),
        _ => true,
    };
    below && own(schema, value) && combinations(schema, value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(schema: &Value, cases: &[(Value, bool)]) {
        for (value, expected) in cases {
            assert_eq!(fits(schema.as_object().unwrap(), value), *expected, "{value} under {schema}");
        }
    }

    #[test]
    fn a_value_fits_with_all_that_is_in_it() {
        let schema = json!({
            "type": "object", "description": "d", "required": ["name", "size"],
            "properties": {
                "name": {"type": "string", "maxLength": 3},
                "size": {"type": "integer", "default": 1},
                "tags": {"type": "array", "items": {"type": "string", "minLength": 1}},
                "more": {"type": "object", "additionalProperties": {"type": "boolean"}},
                "any": {"x-kubernetes-preserve-unknown-fields": true},
                "maybe": {"type": "string", "nullable": true},
            },
        });
        check(
            &schema,
            &[
                (json!({"name": "abc"}), true),
                (json!({"name": "abcd"}), false),
                (json!({"size": 2}), false),
                (json!({"name": "a", "size": "2"}), false),
                (json!({"name": "a", "other": 1}), false),
                (json!({"name": "a", "tags": ["b"]}), true),
                (json!({"name": "a", "tags": ["b", ""]}), false),
                (json!({"name": "a", "more": {"b": true}}), true),
                (json!({"name": "a", "more": {"b": 1}}), false),
                (json!({"name": "a", "any": {"b": [1]}}), true),
                (json!({"name": "a", "maybe": null}), true),
                (json!({"name": null}), false),
                (json!("a"), false),
            ],
        );
    }

    #[test]
    fn combinations_restrict_values() {
        let number = json!({"type": "integer", "anyOf": [{"maximum": 3}, {"minimum": 7}], "not": {"enum": [8]}});
        check(&number, &[(json!(2), true), (json!(5), false), (json!(7), true), (json!(8), false)]);
        let one = json!({
            "type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
            "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
        });
        check(&one, &[(json!({"a": "x"}), true), (json!({"a": "x", "b": "y"}), false), (json!({}), false)]);
    }
}
