//! The JSON schema of a configuration, made from the types of its keys.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::keys::Keys;

/// Keys of XOS that this version accepts and ignores, whatever their value.
const IGNORED: [&str; 2] = ["wrappers", "blueprints"];
/// Keys of Python's logging configuration, which XOS files have in `logging`. They are ignored too.
const PYTHON_LOGGING: [&str; 8] =
    ["version", "formatters", "filters", "handlers", "loggers", "root", "incremental", "disable_existing_loggers"];

/// Returns the JSON schema of a configuration (draft 7, which editors know best).
#[must_use]
pub fn schema() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<Keys>().to_value();
    ignore(&mut schema, &IGNORED);
    if let Some(logging) = schema.pointer_mut("/properties/logging") {
        ignore(logging, &PYTHON_LOGGING);
    }
    complete(&mut schema);
    schema
}

fn ignore(schema: &mut Value, keys: &[&str]) {
    for key in keys {
        schema["properties"][key] = json!({"description": "A key of XOS. Has no effect."});
    }
}

/// Allows a key without a value (it counts as not set) where the key is not required, and leaves out defaults that say
/// nothing.
fn complete(schema: &mut Value) {
    let required = schema.get("required").cloned().unwrap_or_default();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (key, property) in properties.iter_mut() {
        complete(property);
        for alternative in property.get_mut("anyOf").and_then(Value::as_array_mut).into_iter().flatten() {
            complete(alternative);
        }
        let Some(property) = property.as_object_mut() else { continue };
        if let Some(Value::Object(members)) = property.get_mut("default") {
            members.retain(|_, value| !is_empty(value));
        }
        if property.get("default").is_some_and(is_empty) {
            property.remove("default");
        }
        if required.as_array().is_none_or(|required| !required.contains(&json!(key))) {
            allow_null(property);
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn allow_null(schema: &mut Map<String, Value>) {
    let null = json!({"type": "null"});
    for alternatives in ["anyOf", "oneOf"] {
        if let Some(alternatives) = schema.get_mut(alternatives).and_then(Value::as_array_mut) {
            if !alternatives.contains(&null) {
                alternatives.push(null);
            }
            return;
        }
    }
    if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut)
        && !words.contains(&Value::Null)
    {
        words.push(Value::Null);
    }
    if let Some(Value::String(single)) = schema.get("type") {
        schema["type"] = json!([single, "null"]);
    }
}

#[cfg(test)]
mod tests;
