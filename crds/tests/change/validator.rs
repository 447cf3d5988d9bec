//! Another way to say what a schema accepts, which knows nothing of differences: the judge of the property tests.

use serde_json::{Map, Value};

/// Fills in defaults, as the API server does before it checks.
pub(crate) fn with_defaults(schema: &Value, mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                if let Some(default) = property.get("default").filter(|_| !fields.contains_key(name)) {
                    fields.insert(name.clone(), default.clone());
                }
            }
            let of = |name: &str| schema["properties"].get(name).unwrap_or(&schema["additionalProperties"]).clone();
            for (name, field) in fields.iter_mut() {
                *field = with_defaults(&of(name), field.take());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = with_defaults(&schema["items"], item.take())),
        _ => {}
    }
    value
}

/// Returns whether a schema accepts a value, and keeps all of it.
pub(crate) fn accepts(schema: &Value, value: &Value) -> bool {
    if value.is_null() {
        return schema["nullable"] == true;
    }
    let is_of_type = match schema["type"].as_str().unwrap() {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_f64().is_some_and(|n| n.fract() == 0.0),
        "number" => value.is_number(),
        "array" => value.is_array(),
        _ => value.is_object(),
    };
    let is_choice = schema["enum"].as_array().is_none_or(|all| all.iter().any(|choice| equal(choice, value)));
    is_of_type
        && is_choice
        && match value {
            Value::String(text) => text_is_accepted(schema, text),
            Value::Number(number) => number_is_accepted(schema, number.as_f64().unwrap()),
            Value::Array(items) => list_is_accepted(schema, items),
            Value::Object(fields) => object_is_accepted(schema, fields),
            _ => true,
        }
}

fn equal(a: &Value, b: &Value) -> bool {
    if a.is_number() { a.as_f64() == b.as_f64() } else { a == b }
}

fn bounded(schema: &Value, least: &str, most: &str, count: usize) -> bool {
    let least = schema[least].as_u64().unwrap_or(0);
    let most = schema[most].as_u64().unwrap_or(u64::MAX);
    (least..=most).contains(&(count as u64))
}

fn text_is_accepted(schema: &Value, text: &str) -> bool {
    let is_of_format = match schema["format"].as_str() {
        Some("date") => text == "2026-01-31",
        Some("byte") => text == "YQ==",
        _ => true,
    };
    let is_of_pattern = match schema["pattern"].as_str() {
        Some("^a") => text.starts_with('a'),
        Some("b") => text.contains('b'),
        _ => true,
    };
    is_of_format && is_of_pattern && bounded(schema, "minLength", "maxLength", text.chars().count())
}

fn number_is_accepted(schema: &Value, number: f64) -> bool {
    let excludes = |keyword: &str| schema[keyword] == true;
    let low = schema["minimum"]
        .as_f64()
        .is_none_or(|least| number > least || (number == least && !excludes("exclusiveMinimum")));
    let high = schema["maximum"]
        .as_f64()
        .is_none_or(|most| number < most || (number == most && !excludes("exclusiveMaximum")));
    let fits = schema["format"] != "int32" || (-2_147_483_648.0..=2_147_483_647.0).contains(&number);
    let stepped = schema["multipleOf"].as_f64().is_none_or(|step| number % step == 0.0);
    low && high && fits && stepped
}

fn list_is_accepted(schema: &Value, items: &[Value]) -> bool {
    let is_set = schema["x-kubernetes-list-type"] == "set";
    let has_twins = items.iter().enumerate().any(|(at, item)| items[..at].iter().any(|other| equal(other, item)));
    bounded(schema, "minItems", "maxItems", items.len())
        && !(is_set && has_twins)
        && items.iter().all(|item| accepts(&schema["items"], item))
}

fn object_is_accepted(schema: &Value, fields: &Map<String, Value>) -> bool {
    let required = schema["required"].as_array().into_iter().flatten();
    let mut required = required.filter_map(Value::as_str);
    let is_known = |name: &String, value: &Value| match (&schema["properties"][name], &schema["additionalProperties"]) {
        (Value::Null, Value::Null) => false,
        (Value::Null, other) => accepts(other, value),
        (property, _) => accepts(property, value),
    };
    bounded(schema, "minProperties", "maxProperties", fields.len())
        && required.all(|name| fields.contains_key(name))
        && fields.iter().all(|(name, value)| is_known(name, value))
}
