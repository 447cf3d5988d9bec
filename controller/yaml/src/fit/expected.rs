//! What a schema expects, in words.

use std::fmt;

use serde_json::Value as Json;

use super::alternatives;
use crate::node::Value;

/// The type of a value that a key expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// A text.
    Text,
    /// A duration, which is written as a text.
    Duration,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    WholeNumber,
    /// A number.
    Number,
    /// A list of texts.
    Texts,
    /// A list of other values.
    List,
    /// A text, or a list of texts.
    TextOrTexts,
    /// A map.
    Map,
    /// A single value: no list, no map.
    Scalar,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "a text",
            Self::Duration => "a duration",
            Self::Flag => "true or false",
            Self::WholeNumber => "a whole number",
            Self::Number => "a number",
            Self::Texts => "a list of texts",
            Self::List => "a list",
            Self::TextOrTexts => "a text or a list of texts",
            Self::Map => "a map",
            Self::Scalar => "a text, a number, or true or false",
        })
    }
}

/// Returns the type that a schema expects.
pub fn expected(schema: &Json) -> Expected {
    let types: Vec<_> = alternatives(schema).flat_map(types).filter(|&name| name != "null").collect();
    match types.as_slice() {
        ["object"] => Expected::Map,
        ["array"] if alternatives(schema).any(|list| list["items"]["type"] == "string") => Expected::Texts,
        ["array"] => Expected::List,
        ["boolean"] => Expected::Flag,
        ["integer"] => Expected::WholeNumber,
        ["number"] => Expected::Number,
        ["string", "array"] => Expected::TextOrTexts,
        ["string", _, ..] => Expected::Scalar,
        _ if schema["format"] == super::DURATION => Expected::Duration,
        _ => Expected::Text,
    }
}

/// Returns the types that a schema allows; none if it allows all.
fn types(schema: &Json) -> Vec<&str> {
    match &schema["type"] {
        Json::String(single) => vec![single],
        Json::Array(several) => several.iter().filter_map(Json::as_str).collect(),
        // Words that are documented one by one.
        _ => schema["oneOf"].as_array().into_iter().flatten().filter_map(|word| word["type"].as_str()).collect(),
    }
}

/// Returns whether a schema without alternatives allows the type of a value.
pub(super) fn allows(schema: &Json, value: &Value) -> bool {
    let types = types(schema);
    let named = |names: &[&str]| types.iter().any(|name| names.contains(name));
    types.is_empty()
        || match value {
            Value::Null => named(&["null"]),
            Value::Bool(_) => named(&["boolean"]),
            Value::Int(_) => named(&["integer", "number"]),
            Value::Float(_) => named(&["number"]),
            Value::Text(_) => named(&["string"]),
            Value::List(_) => named(&["array"]),
            Value::Map(_) => named(&["object"]),
        }
}

/// Returns the words of which a schema allows one; none if it allows any text.
pub fn words(schema: &Json) -> impl Iterator<Item = &str> {
    let list = schema["enum"].as_array().into_iter().flatten();
    let documented = schema["oneOf"].as_array().into_iter().flatten();
    let words = documented
        .flat_map(|word| std::iter::once(&word["const"]).chain(word["enum"].as_array().into_iter().flatten()));
    list.chain(words).filter_map(Json::as_str)
}

/// Returns words as a choice: "`a`, `b` or `c`".
pub fn choice(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [all @ .., last] if !all.is_empty() => format!("{} or {last}", all.join(", ")),
        all => all.concat(),
    }
}

/// Returns the numbers that a schema allows.
pub fn expected_number(schema: &Json) -> String {
    let kind = if types(schema).contains(&"integer") { "a whole number" } else { "a number" };
    match (&schema["minimum"], &schema["maximum"]) {
        (Json::Number(least), Json::Number(most)) => format!("{kind} from {} to {}", short(least), short(most)),
        (Json::Number(least), _) => format!("{kind} from {}", short(least)),
        (_, Json::Number(most)) => format!("{kind} up to {}", short(most)),
        _ => kind.to_owned(),
    }
}

/// Returns a limit without `.0`.
fn short(limit: &serde_json::Number) -> String {
    limit.as_f64().map_or_else(|| limit.to_string(), |limit| limit.to_string())
}
