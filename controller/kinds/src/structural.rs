//! JSON schemas as Kubernetes takes them: structural, without defaults.

use serde_json::{Map, Value, json};

/// The keywords that are kept as they are.
const KEPT: [&str; 9] =
    ["description", "type", "required", "enum", "minimum", "maximum", "minItems", "maxItems", "pattern"];
/// Lets any value be.
const ANY: &str = "x-kubernetes-preserve-unknown-fields";

/// Returns a JSON schema as a structural one. What a structural schema cannot say, as that a value is a text or a map,
/// becomes any value: whoever reads the object checks it. Defaults are left out, so that an object stays as it was
/// written.
pub fn structural(schema: &Value) -> Value {
    let Some(members) = schema.as_object() else { return json!({ANY: true}) };
    if let Some(only) = only_alternative(members) {
        let mut one = structural(only);
        if let Some(description) = members.get("description") {
            one["description"] = description.clone();
        }
        one["nullable"] = json!(true);
        return one;
    }
    let mut out = Map::new();
    for key in KEPT {
        out.extend(members.get(key).map(|value| (key.to_owned(), value.clone())));
    }
    out.extend(members.iter().filter(|(key, _)| key.starts_with("x-kubernetes-")).map(|(k, v)| (k.clone(), v.clone())));
    if let Some(choices) = choices(members) {
        out.insert("type".to_owned(), json!("string"));
        out.insert("enum".to_owned(), Value::Array(choices));
    } else if let Some(Value::Array(types)) = members.get("type") {
        let real: Vec<_> = types.iter().filter(|one| *one != "null").collect();
        if let [one] = real[..] {
            out.insert("type".to_owned(), one.clone());
            // A choice that may be null would have to name it.
            match out.get_mut("enum").and_then(Value::as_array_mut) {
                Some(choices) => choices.retain(|one| !one.is_null()),
                None => drop(out.insert("nullable".to_owned(), json!(true))),
            }
        } else {
            out.remove("type");
        }
    }
    if let Some(properties) = members.get("properties").and_then(Value::as_object) {
        let each = properties.iter().map(|(key, of)| (key.clone(), structural(of)));
        out.insert("properties".to_owned(), Value::Object(each.collect()));
    }
    if let Some(items) = members.get("items") {
        out.insert("items".to_owned(), structural(items));
    }
    match members.get("additionalProperties") {
        Some(Value::Bool(true)) => drop(out.insert(ANY.to_owned(), json!(true))),
        Some(of @ Value::Object(_)) => drop(out.insert("additionalProperties".to_owned(), structural(of))),
        _ => {}
    }
    if !out.contains_key("type") {
        out.retain(|key, _| key == "description");
        out.insert(ANY.to_owned(), json!(true));
    }
    Value::Object(out)
}

/// Returns the only alternative beside null.
fn only_alternative(members: &Map<String, Value>) -> Option<&Value> {
    let all = members.get("anyOf")?.as_array()?;
    let real: Vec<_> = all.iter().filter(|one| one["type"] != "null").collect();
    match real[..] {
        [one] if all.len() == 2 => Some(one),
        _ => None,
    }
}

/// Returns the words of a choice, each of which has a description of its own.
fn choices(members: &Map<String, Value>) -> Option<Vec<Value>> {
    let mut words = vec![];
    for one in members.get("oneOf")?.as_array()? {
        match (one.get("const"), one.get("enum")) {
            (Some(word), _) => words.push(word.clone()),
            (None, Some(Value::Array(more))) => words.extend(more.iter().cloned()),
            _ => return None,
        }
    }
    words.iter().all(Value::is_string).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_and_defaults_are_taken_out() {
        let table = [
            (json!({"type": ["string", "null"], "default": "x"}), json!({"type": "string", "nullable": true})),
            (
                json!({"anyOf": [{"type": "integer", "format": "uint", "minimum": 1}, {"type": "null"}]}),
                json!({"type": "integer", "minimum": 1, "nullable": true}),
            ),
            (json!({"anyOf": [{"type": "string"}, {"type": "object"}]}), json!({ANY: true})),
            (json!({}), json!({ANY: true})),
            (json!({"type": "object", "additionalProperties": true}), json!({"type": "object", ANY: true})),
            (
                json!({"oneOf": [{"const": "a", "description": "A"}, {"const": "b"}], "description": "D"}),
                json!({"type": "string", "enum": ["a", "b"], "description": "D"}),
            ),
            (
                json!({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false}),
                json!({"type": "object", "properties": {"a": {"type": "string"}}}),
            ),
        ];
        for (schema, expected) in table {
            assert_eq!(structural(&schema), expected, "{schema}");
        }
    }
}
