//! Fits a tree to the schema: reports what does not fit, with its place, and leaves it out.

pub(super) mod expected;
mod unknown;

use regex::Regex;
use serde_json::Value as Json;
use xos_xproto::nearest;

use super::file::Place;
use super::keys::has_format;
use super::node::{Entry, Node, Value};
use super::problem::Problem;
use super::report::Report;
use expected::{allows, expected, expected_number, words};

pub use expected::Expected;

/// Returns the tree as far as it fits the schema. Values that are null count as not set. `missing_in` is the place of
/// missing keys.
pub(super) fn fit(tree: Node, schema: &Json, missing_in: &Place, report: &mut Report) -> Node {
    let place = tree.place.clone();
    let fitted = Fit { schema, missing_in, report }.node(tree, schema, "");
    fitted.unwrap_or(Node { value: Value::Map(Vec::new()), place })
}

struct Fit<'a> {
    schema: &'a Json,
    missing_in: &'a Place,
    report: &'a mut Report,
}

impl Fit<'_> {
    fn node(&mut self, node: Node, schema: &Json, key: &str) -> Option<Node> {
        let value = whole(node.value, schema);
        let node = Node { value: from_variable(value, schema, &node.place), place: node.place };
        let Some(schema) = alternatives(schema).find(|schema| allows(schema, &node.value)) else {
            let key = if key.is_empty() { "the configuration".to_owned() } else { format!("`{key}`") };
            let problem = Problem::WrongType { key, expected: expected(schema), found: node.value.kind() };
            self.report.push(problem, &node.place);
            return None;
        };
        let place = node.place;
        let value = match node.value {
            Value::Map(entries) => Value::Map(self.entries(entries, schema, key)),
            Value::List(nodes) => Value::List(self.items(nodes, &schema["items"], key)),
            value => {
                if let Some(problem) = wrong_value(&value, schema, key) {
                    self.report.push(problem, &place);
                    return None;
                }
                value
            }
        };
        Some(Node { value, place })
    }

    fn items(&mut self, nodes: Vec<Node>, schema: &Json, key: &str) -> Vec<Node> {
        let item = |(at, node)| self.node(node, schema, &format!("{key}[{at}]"));
        nodes.into_iter().enumerate().filter_map(item).collect()
    }

    fn entries(&mut self, entries: Vec<Entry>, schema: &Json, key: &str) -> Vec<Entry> {
        self.require(&entries, schema);
        let mut fitted = Vec::new();
        for entry in entries {
            let full = if key.is_empty() { entry.key.clone() } else { format!("{key}.{}", entry.key) };
            let known = schema["properties"].get(&entry.key).or_else(|| free(schema));
            let Some(property) = known else {
                let problem = unknown::problem(full, key, &entry.place, schema, self.schema);
                self.report.push(problem, &entry.place);
                continue;
            };
            if entry.node.is_unset() {
                continue;
            }
            if let Some(node) = self.node(entry.node, property, &full) {
                fitted.push(Entry { node, ..entry });
            }
        }
        fitted
    }

    /// Reports required keys that are missing; not after other errors, such as a file that cannot be read.
    fn require(&mut self, entries: &[Entry], schema: &Json) {
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str);
        for key in required {
            let is_set = entries.iter().any(|entry| entry.key == key && !entry.node.is_unset());
            if !is_set && self.report.is_empty() {
                self.report.push(Problem::Missing { key: key.to_owned() }, self.missing_in);
            }
        }
    }
}

/// Returns the schema of keys that have no schema of their own, if any key is allowed.
fn free(schema: &Json) -> Option<&Json> {
    match &schema["additionalProperties"] {
        Json::Bool(false) => None,
        schema => Some(schema),
    }
}

/// Returns the alternatives of a schema; itself, if it has none.
fn alternatives(schema: &Json) -> impl Iterator<Item = &Json> {
    let several = schema["anyOf"].as_array();
    several.into_iter().flatten().chain(several.is_none().then_some(schema))
}

/// Returns a number such as `4.0` as a whole number if the schema wants one.
fn whole(value: Value, schema: &Json) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "checked: nothing is lost")]
    match value {
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            let is_allowed = alternatives(schema).any(|schema| allows(schema, &value));
            if is_allowed { value } else { Value::Int(number as i64) }
        }
        value => value,
    }
}

/// Returns the value of a variable as the schema wants it: a variable has no quotes to tell a text from a number, and
/// no lists.
fn from_variable(value: Value, schema: &Json, place: &Place) -> Value {
    let is_allowed = alternatives(schema).any(|schema| allows(schema, &value));
    if is_allowed || !matches!(place, Place::Variable(_)) {
        return value;
    }
    let text = match &value {
        Value::Text(text) => text.clone(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::List(_) | Value::Map(_) => return value,
    };
    let as_text = Value::Text(text.clone());
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    let nodes = items.map(|item| Node { value: Value::Text(item.to_owned()), place: place.clone() });
    let as_list = Value::List(nodes.collect());
    let allowed = |value: &Value| alternatives(schema).any(|schema| allows(schema, value));
    [as_text, as_list].into_iter().find(allowed).unwrap_or(value)
}

/// Returns what is wrong with a value whose type is right.
fn wrong_value(value: &Value, schema: &Json, key: &str) -> Option<Problem> {
    let invalid = |value: String, expected: String, suggestion| Problem::InvalidValue {
        key: key.to_owned(),
        value,
        expected,
        suggestion,
    };
    match value {
        Value::Text(text) => {
            let words: Vec<_> = words(schema).collect();
            if !words.is_empty() {
                let wrong = !words.contains(&text.as_str());
                return wrong.then(|| invalid(text.clone(), expected::choice(&words), nearest(text, words)));
            }
            wrong_pattern(text, schema).map(|expected| invalid(text.clone(), expected, None))
        }
        Value::Int(number) => {
            #[expect(clippy::cast_precision_loss, reason = "limits are far from 2^52")]
            let out = is_out_of_range(*number as f64, schema);
            out.then(|| invalid(number.to_string(), expected_number(schema), None))
        }
        Value::Float(number) => {
            is_out_of_range(*number, schema).then(|| invalid(number.to_string(), expected_number(schema), None))
        }
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => None,
    }
}

/// Returns what is expected of a text that does not match the patterns and the format of its schema.
fn wrong_pattern(text: &str, schema: &Json) -> Option<String> {
    let all = std::iter::once(schema).chain(schema["allOf"].as_array().into_iter().flatten());
    let wrong = |schema: &&Json| {
        let matches = |pattern| Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text));
        let format = schema["format"].as_str().unwrap_or_default();
        !schema["pattern"].as_str().is_none_or(matches) || !has_format(text, format)
    };
    all.into_iter()
        .find(wrong)
        .map(|schema| schema["patternErrorMessage"].as_str().unwrap_or("another text").to_owned())
}

fn is_out_of_range(number: f64, schema: &Json) -> bool {
    let limit = |name: &str| schema[name].as_f64();
    limit("minimum").is_some_and(|least| number < least) || limit("maximum").is_some_and(|most| number > most)
}
