//! Checks of values against keywords of a schema, as the API server makes them.

use serde_json::{Map, Value};
use xos_xproto::pattern::Pattern;

use super::fits::combinations;
use super::formats;

/// Returns whether a value complies with one keyword of a schema. A keyword that is not known counts as not met.
pub(crate) fn complies(keyword: &str, schema: &Map<String, Value>, value: &Value) -> bool {
    let nullable = schema.get("nullable") == Some(&Value::Bool(true));
    if value.is_null() {
        return nullable || !matches!(keyword, "type" | "nullable" | "enum");
    }
    let Some(asked) = schema.get(keyword) else {
        return true;
    };
    let text = || value.as_str().map(|text| text.chars().count());
    let items = || value.as_array().map(Vec::len);
    let fields = || value.as_object().map(Map::len);
    let flag = |name: &str| schema.get(name) == Some(&Value::Bool(true));
    match keyword {
        "type" => asked.as_str().is_some_and(|name| is_type(name, value)),
        "format" => asked.as_str().is_some_and(|name| formats::complies(name, value)),
        "enum" => asked.as_array().is_some_and(|all| all.iter().any(|one| same(one, value))),
        "pattern" => asked.as_str().is_some_and(|pattern| matches_pattern(pattern, value)),
        "maxLength" => at_most(text(), asked),
        "maxItems" => at_most(items(), asked),
        "maxProperties" => at_most(fields(), asked),
        "minLength" => at_least(text(), asked),
        "minItems" => at_least(items(), asked),
        "minProperties" => at_least(fields(), asked),
        "maximum" | "exclusiveMaximum" => within(value, schema, "maximum", |value, limit| {
            value < limit || (value == limit && !flag("exclusiveMaximum"))
        }),
        "minimum" | "exclusiveMinimum" => within(value, schema, "minimum", |value, limit| {
            value > limit || (value == limit && !flag("exclusiveMinimum"))
        }),
        "multipleOf" => match (number(value), number(asked)) {
            (Some(value), Some(step)) => is_multiple(value, step),
            _ => true,
        },
        "nullable" => true,
        "uniqueItems" => asked != &Value::Bool(true) || are_distinct(value.as_array().into_iter().flatten()),
        "x-kubernetes-int-or-string" => value.is_string() || is_type("integer", value),
        "x-kubernetes-list-type" | "x-kubernetes-list-map-keys" => is_list_of_its_type(schema, value),
        "allOf" | "anyOf" | "oneOf" | "not" => combinations(&only(keyword, asked), value),
        _ => false,
    }
}

fn only(keyword: &str, asked: &Value) -> Map<String, Value> {
    [(keyword.to_owned(), asked.clone())].into_iter().collect()
}

fn at_most(count: Option<usize>, limit: &Value) -> bool {
    count.zip(limit.as_u64()).is_none_or(|(count, limit)| count as u64 <= limit)
}

fn at_least(count: Option<usize>, limit: &Value) -> bool {
    count.zip(limit.as_u64()).is_none_or(|(count, limit)| count as u64 >= limit)
}

fn within(value: &Value, schema: &Map<String, Value>, limit: &str, holds: impl Fn(f64, f64) -> bool) -> bool {
    let limit = schema.get(limit).and_then(number);
    number(value).zip(limit).is_none_or(|(value, limit)| holds(value, limit))
}

/// Returns whether a value has a type. JSON has one kind of number: 3.0 is an integer.
pub(super) fn is_type(name: &str, value: &Value) -> bool {
    match name {
        "integer" => value.is_i64() || value.as_f64().is_some_and(|n| n.fract() == 0.0 && n.abs() < 2f64.powi(63)),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        _ => false,
    }
}

/// Returns whether one number is a whole multiple of another.
pub(super) fn is_multiple(value: f64, step: f64) -> bool {
    step != 0.0 && (value / step).fract() == 0.0
}

/// Returns whether a value matches a pattern. Nothing matches one that cannot be read here.
fn matches_pattern(pattern: &str, value: &Value) -> bool {
    value.as_str().is_none_or(|text| Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(text)))
}

/// Returns whether a list complies with its type: a `set` has no item twice, and a `map` no two items with the same
/// keys, and all items have all keys.
fn is_list_of_its_type(schema: &Map<String, Value>, value: &Value) -> bool {
    let items = value.as_array().into_iter().flatten();
    match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
        Some("set") => are_distinct(items),
        Some("map") => {
            let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
            let names: Vec<_> = keys.into_iter().flatten().filter_map(Value::as_str).collect();
            let key = |item: &Value| names.iter().map(|name| item.get(name).cloned()).collect::<Option<Value>>();
            let keys: Option<Vec<_>> = items.map(key).collect();
            keys.is_some_and(|keys| are_distinct(keys.iter()))
        }
        _ => true,
    }
}

fn are_distinct<'a>(items: impl Iterator<Item = &'a Value>) -> bool {
    let mut seen: Vec<&Value> = vec![];
    for item in items {
        if seen.iter().any(|other| same(other, item)) {
            return false;
        }
        seen.push(item);
    }
    true
}

/// Returns whether both are the same JSON: 1 is 1.0.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        (Value::Number(_), Value::Number(_)) if a.is_f64() || b.is_f64() => number(a) == number(b),
        _ => a == b,
    }
}

pub(super) fn number(value: &Value) -> Option<f64> {
    value.as_f64()
}
